# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Does an image keep the contract? Names of algorithms are asked of the image, never known here."""

from __future__ import annotations

import re
import time

import config
from box import (
    ASKPASS_ENVIRONMENT,
    DIR,
    OTHER,
    OTHER_SHA512,
    PUBLISHED,
    Bench,
    Box,
    DockerFailed,
    Entry,
    NotTried,
    askpass,
    docker,
)
from sheet import Sheet, group

FILES = (
    "bin/ssh", "bin/ssh-keygen", "sbin/sshd", "scripts/key-gen.sh", "test/connect-test.sh", "serverstart.sh",
    "share/man/man1/ssh.1", "ssh_config", "sshd_config",
)
TOOLS = ("bash", "rc-service", "passwd", "chpasswd", "nano", "vi", "sed", "tar")
CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "SETUID", "SETGID", "SYS_CHROOT", "KILL", "AUDIT_WRITE", "NET_BIND_SERVICE",
)


def asked(bench: Bench, query: str) -> list[str]:
    """What `ssh -Q` answers."""
    return bench.once("%s/bin/ssh" % DIR, "-Q", query).out.split()


def files(bench: Bench) -> tuple[str, str]:
    """ssh_config and sshd_config as the image has them."""
    return (
        bench.once("cat", "%s/ssh_config" % DIR).out,
        bench.once("cat", "%s/sshd_config" % DIR).out,
    )


def signature(bench: Bench) -> str:
    """The algorithm of the image's host key, from the name of its file."""
    for value in config.values(files(bench)[1], "HostKey"):
        match = re.search(r"/ssh_host_(.*)_key\Z", value)
        if match:
            return match.group(1)
    raise NotTried("sshd_config has no HostKey of the contract's form")


@group(["environment", "entry-point", "working-folder", "default-command", "layout", "tools", "no-python", "user"])
def still(bench: Bench, sheet: Sheet) -> None:
    """What can be seen without starting sshd."""
    fmt = "{{json .Config.Entrypoint}}\n{{json .Config.Cmd}}\n{{.Config.WorkingDir}}\n{{json .Config.Env}}"
    entry, command, folder, env = docker(["image", "inspect", "-f", fmt, bench.image]).out.splitlines()[:4]
    sheet.kept("environment", '"OQS_INSTALL_DIR=%s"' % DIR in env and '"OQS_USER=oqs"' in env, env)
    there = bench.once("sh", "-c", "test -x /home/oqs/entrypoint.sh && echo yes").out.strip()
    sheet.kept("entry-point", "/home/oqs/entrypoint.sh" in entry and there == "yes", entry)
    sheet.kept("working-folder", folder == "/home/oqs", folder)
    sheet.kept("default-command", bool(re.search(r'(^|[/"\[])(ba|a|da)?sh"', command)), command)
    script = "for f in %s; do [ -e %s/$f ] || echo $f; done" % (" ".join(FILES), DIR)
    missing = bench.once("sh", "-c", script).out.split()
    sheet.kept("layout", not missing, "missing: %s" % ", ".join(missing) if missing else "%d files" % len(FILES))
    script = "for t in %s; do command -v $t >/dev/null || echo $t; done" % " ".join(TOOLS)
    missing = bench.once("sh", "-c", script).out.split()
    sheet.kept("tools", not missing, "missing: %s" % ", ".join(missing) if missing else ", ".join(TOOLS))
    found = bench.once("sh", "-c", "command -v python3 python").out.split()
    sheet.kept("no-python", not found, ", ".join(found))
    line = bench.once("sh", "-c", "grep ^oqs: /etc/passwd").out.strip()
    fields = line.split(":")
    ok = len(fields) == 7 and fields[2:4] == ["1000", "1000"] and fields[5] == "/home/oqs" and "sh" in fields[6]
    sheet.kept("user", ok, line or "no account oqs")


@group(["queries", "port-in-files", "own-lines", "only-post-quantum", "names-known"], ["broken-names"])
def algorithms(bench: Bench, sheet: Sheet) -> None:
    """Configuration files against what the programs know."""
    kex, key, sig = asked(bench, "kex"), asked(bench, "key"), asked(bench, "sig")
    others = {name: len(asked(bench, name)) for name in ("cipher", "mac")}
    sheet.kept("queries", bool(kex and key and all(others.values())), "kex %d, key %d, sig %d" % (
        len(kex), len(key), len(sig)))
    client, server = files(bench)
    ports = config.values(client, "Port") + config.values(server, "Port")
    sheet.kept("port-in-files", ports == ["2222", "2222"], " ".join(ports))
    odd = [
        "%s: %s" % (name, keyword) for name, text, last in (("ssh_config", client, "IdentityFile"),
                                                           ("sshd_config", server, "HostKey"))
        for keyword in ("KexAlgorithms", "HostKeyAlgorithms", "PubkeyAcceptedKeyTypes", last)
        if len(config.values(text, keyword)) != 1
    ]
    for name, text, wanted in (
        ("ssh_config", client, "#IdentityFile ~/.ssh/id_ed25519"),
        ("sshd_config", server, "#HostKey %s/ssh_host_ed25519_key" % DIR),
        ("sshd_config", server, "#PidFile /var/run/sshd.pid"),
    ):
        if wanted not in text.splitlines():
            odd.append("%s: %s" % (name, wanted))
    if not re.search(r"^#[ \t]+IdentityFile[ \t]+~/\.ssh/id_ed25519", client, re.M):
        odd.append("ssh_config: second commented IdentityFile")
    sheet.kept("own-lines", not odd, "not as expected: %s" % "; ".join(odd) if odd else "")
    all_kex = config.names(client, "KexAlgorithms") + config.names(server, "KexAlgorithms")
    all_keys = config.names(client, "HostKeyAlgorithms") + config.names(server, "HostKeyAlgorithms")
    classical = [n for n in all_kex if config.classical_kex(n)] + [n for n in all_keys if config.classical_key(n)]
    sheet.kept("only-post-quantum", bool(all_kex and all_keys) and not classical,
               " ".join(sorted(set(classical or all_kex + all_keys))))
    unknown = sorted(set(config.unknown(client, kex, key + sig) + config.unknown(server, kex, key + sig)))
    sheet.kept("names-known", not unknown, "the programs do not know %s" % ", ".join(unknown) if unknown else "")
    sheet.flaw("broken-names", bool(unknown), ", ".join(unknown))


@group(["listens", "keys-made", "key-modes", "exec-home", "quick-start", "identity-offered", "kex-negotiated",
        "key-login", "password-change-counts", "hup-reloads"])
def first_run(bench: Bench, sheet: Sheet) -> None:
    """`docker run -dit`, and what the manual does with it."""
    box = bench.run("first")
    begin = time.monotonic()
    up = box.wait()
    sheet.kept("listens", up, "after %.1f s" % (time.monotonic() - begin) if up else "nothing on 2222 in 20 s")
    if not up:
        bench.patience = 3
        raise NotTried("nothing listens on 2222")
    sig = signature(bench)
    private, identity = "%s/ssh_host_%s_key" % (DIR, sig), "/home/oqs/.ssh/id_%s" % sig
    script = "for f in %s %s.pub %s /home/oqs/.ssh; do stat -c '%%a %%u:%%g' $f || echo none; done" % (
        private, private, identity)
    modes = box.sh(script).out.splitlines()
    sheet.kept("keys-made", len(modes) == 4 and "none" not in modes, "%s and %s" % (private, identity))
    sheet.kept("key-modes", modes == ["600 0:0", "644 0:0", "600 1000:1000", "2755 1000:1000"], ", ".join(modes))
    home = docker(["exec", "-u", "oqs", box.name, "sh", "-c", "echo $HOME"]).out.strip()
    sheet.kept("exec-home", home == "/home/oqs", home)
    answer = box.ssh(["oqs@localhost", "id", "-un"], password=PUBLISHED, options=["-v"])
    sheet.kept("quick-start", answer.out.strip() == "oqs", answer.out.strip() or answer.err[-150:])
    used = re.findall(r"kex: (algorithm|host key algorithm): (\S+)", answer.err)
    good = len(used) == 2 and not config.classical_kex(used[0][1]) and not config.classical_key(used[1][1])
    sheet.kept("kex-negotiated", good, ", ".join(name for _what, name in used))
    sheet.kept("identity-offered", ("id_%s" % sig) in answer.err, "id_%s" % sig)
    box.sh("cat %s.pub > /home/oqs/.ssh/authorized_keys; chown oqs /home/oqs/.ssh/authorized_keys" % identity)
    answer = box.ssh(["oqs@localhost", "id", "-un"])
    sheet.kept("key-login", answer.out.strip() == "oqs", answer.out.strip() or answer.err[-150:])
    change = box.sh("chpasswd", stdin="oqs:%s\n" % OTHER)
    new, old = (box.ssh(["oqs@localhost", "true"], password=word).rc for word in (OTHER, PUBLISHED))
    said = change.both if change.rc else "new %d, old %d" % (new, old)
    sheet.kept("password-change-counts", (new, old) == (0, 255), said)
    before = box.sshd_pid()
    box.sh("sed -i '1i VersionAddendum conformance' %s/sshd_config; kill -HUP %s" % (DIR, before))
    time.sleep(1)
    box.wait()
    sheet.kept("hup-reloads", "conformance" in box.banner() and box.sshd_pid() == before, box.banner())


@group(["keygen-adds-identity", "keygen-adds-host-key", "keygen-blind-to-comments", "keygen-never-overwrites",
        "keygen-says-failed", "keygen-starts-service", "hop-names-known"])
def key_gen(bench: Bench, sheet: Sheet) -> None:
    """The rules of key-gen.sh, with the key types that the manual names."""
    lacking = [n for n in ("ssh-ed25519",) if n not in asked(bench, "key")]
    lacking += [n for n in ("curve25519-sha256@libssh.org",) if n not in asked(bench, "kex")]
    sheet.kept("hop-names-known", not lacking, "unknown: %s" % ", ".join(lacking) if lacking else "")
    box = bench.run("keygen", ["-d", "--entrypoint", "sleep"], ["300"])
    lines = ("\\nIDENTITYFILE ~/.ssh/id_ed25519\\n IdentityFile ~/.ssh/id_rsa\\n",
             "\\nhostkey=%s/ssh_host_ed25519_key\\n HostKey %s/ssh_host_rsa_key\\n" % (DIR, DIR))
    box.sh("cd %s; printf '%s' >> ssh_config; printf '%s' >> sshd_config" % (DIR, *lines))
    answer = box.sh("%s/scripts/key-gen.sh" % DIR)
    made = box.sh("cd /home/oqs/.ssh; head -c 11 id_ed25519.pub").out
    sheet.kept("keygen-adds-identity", made == "ssh-ed25519", made or answer.both[-150:])
    made = box.sh("cd %s; head -c 11 ssh_host_ed25519_key.pub" % DIR).out
    sheet.kept("keygen-adds-host-key", made == "ssh-ed25519", made or answer.both[-150:])
    extra = box.sh("ls -d /home/oqs/.ssh/id_rsa %s/ssh_host_rsa_key 2>/dev/null" % DIR).out.split()
    sheet.kept("keygen-blind-to-comments", not extra, "made all the same: %s" % ", ".join(extra) if extra else "")
    sums = "cat %s/ssh_host_*_key /home/oqs/.ssh/id_* | md5sum" % DIR
    before = box.sh(sums).out
    box.sh("printf 'IdentityFile ~/.ssh/id_nosuchalgorithm\\n' >> %s/ssh_config" % DIR)
    answer = box.sh("%s/scripts/key-gen.sh" % DIR)
    sheet.kept("keygen-never-overwrites", box.sh(sums).out == before and "SKIPPED" in answer.both, answer.both[-150:])
    failed = box.sh("ls /home/oqs/.ssh/id_nosuchalgorithm").rc != 0
    sheet.kept("keygen-says-failed", failed and "FAILED" in answer.both, answer.both[-150:])
    box.must_listen()
    sheet.kept("keygen-starts-service", True, "from nothing to a listener on 2222")


@group(["service-commands", "broken-config-refused", "service-honours-sshd-config"])
def service(bench: Bench, sheet: Sheet) -> None:
    """rc-service oqs-sshd, apart from its flaws."""
    other = bench.run("config", ["-d", "--entrypoint", "sleep"], ["300"])
    other.sh("sed 's/^Port .*/Port 2022/' %s/sshd_config > /tmp/other; mkdir -p /etc/conf.d; "
             "echo SSHD_CONFIG=/tmp/other >> /etc/conf.d/oqs-sshd; %s/scripts/key-gen.sh; "
             "SSHD_CONFIG=/tmp/other rc-service oqs-sshd start" % (DIR, DIR))
    honours = other.wait(2022, 8)
    box = bench.run("service")
    box.must_listen()
    sheet.kept("service-honours-sshd-config", honours, "port 2022 as the other file says" if honours else "")
    answers = [box.sh("rc-service oqs-sshd %s" % verb).rc for verb in ("restart", "start")]
    sheet.kept("service-commands", answers == [0, 0] and box.wait(), "restart %d, start %d" % tuple(answers))
    box.sh("echo NoSuchKeyword yes >> %s/sshd_config" % DIR)
    refused = box.sh("rc-service oqs-sshd restart")
    alive = box.listens()
    sheet.kept("broken-config-refused", refused.rc != 0 and alive, "restart gives %d, the old server %s" % (
        refused.rc, "goes on" if alive else "is gone"))


@group(["one-off-keygen", "create-inject-start", "injected-host-key", "injected-password", "injected-read-only"])
def inject(bench: Bench, sheet: Sheet) -> None:
    """create → docker cp → start, with configuration and keys behind symbolic links in a read-only mount."""
    sig = signature(bench)
    volume = bench.volume("state")
    key = "ssh_host_%s_key" % sig
    made = bench.once("%s/bin/ssh-keygen" % DIR, "-q", "-t", sig, "-N", "", "-f", "/etc/oqs-ssh/%s" % key,
                      extra=["-v", "%s:/etc/oqs-ssh" % volume])
    sheet.kept("one-off-keygen", made.rc == 0, made.both or "--entrypoint ssh-keygen makes a key of type %s" % sig)
    if made.rc != 0:
        raise NotTried("no key to inject")
    helper = bench.create("helper", ["-v", "%s:/etc/oqs-ssh" % volume])
    names = ("ssh_config", "sshd_config")
    helper.put("/etc/oqs-ssh", [Entry(name, helper.get("%s/%s" % (DIR, name))) for name in names])
    public = helper.get("/etc/oqs-ssh/%s.pub" % key).decode().split()
    box = bench.create("inject", ["-it", "-v", "%s:/etc/oqs-ssh:ro" % volume])
    shadow = re.sub(rb"(?m)^oqs:[^:]*:", b"oqs:" + OTHER_SHA512.encode() + b":", box.get("/etc/shadow"))
    box.put("/etc", [Entry("shadow", shadow, 0o640)])
    links = [*names, key, key + ".pub"]
    box.put(DIR, [Entry(name, link="/etc/oqs-ssh/%s" % name) for name in links])
    box.start()
    up = box.wait()
    sheet.kept("create-inject-start", up, "listens" if up else box.logs()[-150:])
    sheet.kept("injected-read-only", up and box.sh("touch /etc/oqs-ssh/x").rc != 0, "mounted read-only")
    if not up:
        raise NotTried("nothing listens on 2222 after create, cp, start")
    pinned = "[localhost]:2222 %s %s" % (public[0], public[1])
    box.put("/tmp", [Entry("pinned", pinned.encode() + b"\n")])
    strict = ["-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=/tmp/pinned"]
    new = box.ssh(["oqs@localhost", "id", "-un"], password=OTHER, options=strict)
    sheet.kept("injected-host-key", new.out.strip() == "oqs", new.out.strip() or new.err[-150:])
    old = box.ssh(["oqs@localhost", "true"], password=PUBLISHED, options=strict)
    sheet.kept("injected-password", new.rc == 0 and old.rc == 255, "new %d, published %d" % (new.rc, old.rc))


@group(["container-to-container", "command-as-user", "same-keys-after-restart"])
def others(bench: Bench, sheet: Sheet) -> None:
    """The other uses of the manual."""
    with bench.making():
        answer = docker(["run", "--rm", "--user", "oqs", *bench.arguments("asuser", [], ["id", "-u"])], check=False)
    sheet.kept("command-as-user", "1000" in answer.out.split() and "root" in answer.both, answer.both[-100:])
    server = bench.run("server", ["-dit", "--network-alias", "server"])
    server.must_listen()
    client = bench.create("client", ["-i", *ASKPASS_ENVIRONMENT], [
        "ssh", "-o", "StrictHostKeyChecking=no", "-o", "NumberOfPasswordPrompts=1", "-o", "ConnectTimeout=10",
        "-o", "PubkeyAuthentication=no", "oqs@server", "hostname"])
    client.put("/tmp", [askpass(PUBLISHED)])
    answer = docker(["start", "-a", client.name], timeout=60, check=False)
    wanted = server.sh("hostname").out.strip()
    sheet.kept("container-to-container", wanted in answer.out.split(), answer.both[-150:])
    sums = "cat %s/ssh_host_*_key /home/oqs/.ssh/id_* | md5sum" % DIR
    before = server.sh(sums).out
    server.restart()
    time.sleep(2)
    sheet.kept("same-keys-after-restart", server.sh(sums).out == before, before.split()[0])


def _least(bench: Bench, sheet: Sheet) -> Box:
    """A container that makes keys and then is sshd, with no more rights than sshd needs."""
    extra = ["-d", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--entrypoint", "sh"]
    for capability in CAPABILITIES:
        extra += ["--cap-add", capability]
    script = "%s/scripts/key-gen.sh; for p in /run/*sshd.pid; do kill $(cat $p); done; sleep 1; exec %s/sbin/sshd -D -e"
    box = bench.run("least", extra, ["-c", script % (DIR, DIR)])
    time.sleep(3)
    up = box.wait()
    sheet.kept("sshd-as-main-process", up and box.sshd_pid() == 1, "listens" if up else box.logs()[-150:])
    if not up:
        raise NotTried("sshd does not run as main process")
    return box


@group(["sshd-as-main-process", "few-capabilities", "main-process-logs", "main-process-stops",
        "service-restart-by-mark"])
def main_process(bench: Bench, sheet: Sheet) -> None:
    """The way this collection runs it."""
    box = _least(bench, sheet)
    answer = box.ssh(["oqs@localhost", "id", "-un"], password=PUBLISHED)
    sheet.kept("few-capabilities", answer.out.strip() == "oqs", answer.both[-150:])
    sheet.kept("main-process-logs", "Accepted password" in box.logs(), "docker logs has the login")
    box.sh("echo 1 > /run/oqs-sshd.pid; mkdir -p /run/openrc/started; "
           "ln -sf /etc/init.d/oqs-sshd /run/openrc/started/oqs-sshd")
    status = box.sh("rc-service oqs-sshd status")
    try:
        seconds = box.stop()
    except DockerFailed as error:
        raise NotTried(str(error)) from error
    sheet.kept("service-restart-by-mark", status.rc == 0, "status gives %d: %s" % (status.rc, status.both[-80:]))
    sheet.kept("main-process-stops", seconds < 5, "docker stop takes %.1f s" % seconds)
