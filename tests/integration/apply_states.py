# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs on a test host: damages a deployment in random ways, looks, applies, kills an apply; one JSON job on stdin.

It stands beside ``ansible_collections`` there and needs Python and Docker, like the modules themselves.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # on the host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import host_lock, listeners, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import shadow
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import bookkeeping
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import apply, assess

NAME, PORT, USER = "oqs-ssh", 2222, "oqs"
STATE, PRIVATE, VAR = paths.STATE_DIR, paths.PRIVATE_DIR, paths.VAR_DIR
HOME, IMAGES, LEDGER = paths.HOME_SSH, paths.IMAGES_DIR, paths.LEDGER_DIR
CONF, SNIPPET = "/etc/nftables.conf", "/etc/nftables.d/oqs-ssh.nft"
ALICE = "/home/alice/.ssh/authorized_keys"
FOREIGN_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJZ2n0s6Uc0DQvH9sXq2K8Vb4pVh0w1c3m5n7p9r1t3v intruder"
#: What others put there, and what must still be there after an apply if it was there before.
OPERATORS = {
    STATE + "/sshd_config": "# operator: look here\nClientAliveInterval 77\n",
    STATE + "/ssh_config": "ServerAliveInterval 33\n",
    STATE + "/known_hosts": "elsewhere.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJZ2n0s6Uc0DQvH9sXq2K8Vb4p mine\n",
    HOME + "/authorized_keys": "# operator: asked for by the helpdesk\n",
    ALICE: "# alice: my laptop\n",
    CONF: "# operator: keep this table\n",
}


def sh(script, check=False):
    """A shell script; its output."""
    done = subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0 or not check, (script, done.stdout)
    return done.stdout.decode("utf-8", "replace")


def content(path):
    try:
        with open(path, "rb") as handle:
            return handle.read()
    except OSError:
        return None


def put(path, data):
    """Write into the file as an editor without care does: the same inode."""
    if os.path.isdir(os.path.dirname(path)):
        with open(path, "wb") as handle:
            handle.write(data)


def host_keys():
    if not os.path.isdir(PRIVATE):
        return []
    return sorted(os.path.join(PRIVATE, name) for name in os.listdir(PRIVATE)
                  if name.startswith("ssh_host_") and name.endswith("_key"))


def settle():
    """Wait until the restart policy has done its work."""
    for _try in range(50):
        said = sh("docker inspect -f '{{.State.Restarting}} {{.State.Running}} {{.State.Pid}}' %s" % NAME).split()
        if len(said) != 3 or (said[0] == "false" and (said[1] == "false" or os.path.exists("/proc/" + said[2]))):
            break
        time.sleep(0.2)
    for _try in range(50):
        running = sh("docker inspect -f '{{.State.Running}}' %s" % NAME).strip() == "true"
        if not running or listeners.listening(PORT):
            return
        time.sleep(0.1)


# --- damages: each takes a random generator and copes with what earlier ones left --------------------

def container_absent(_rng):
    sh("docker rm -f " + NAME)


def container_stopped(rng):
    sh("docker %s %s" % (rng.choice(["stop -t 1", "kill", "pause"]), NAME))


def container_of_other_settings(_rng):
    image = sh("docker inspect -f '{{.Image}}' " + NAME).strip()
    if image.startswith("sha256:"):
        label = "org.quantumsafe.openssh.spec=other"
        sh("docker rm -f %s; docker create --name %s --label %s %s" % (NAME, NAME, label, image))


def sshd_killed(_rng):
    pid = sh("docker inspect -f '{{.State.Pid}}' " + NAME).strip()
    if pid.isdigit() and int(pid):
        os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.5)


def config_missing(rng):
    sh("rm -f %s/%s" % (STATE, rng.choice(["sshd_config", "ssh_config"])))


def config_edited(rng):
    line = rng.choice([b"PermitRootLogin yes\n", b"PasswordAuthentication no\nAllowUsers nobody\n", b"Port 2022\n",
                       b"\tKexAlgorithms  curve25519-sha256\n", b"PermitEmptyPasswords yes\n"])
    path = STATE + "/sshd_config"
    put(path, line + (content(path) or b""))


def client_edited(rng):
    path = STATE + "/ssh_config"
    lines = (content(path) or b"").splitlines(True)
    rng.shuffle(lines)
    put(path, b"".join(lines[: rng.randrange(len(lines) + 1)]) if rng.random() < 0.3 else b"".join(lines[1:]))


def config_bytes_appended(rng):
    path = STATE + "/sshd_config"
    put(path, (content(path) or b"") + rng.choice([b"# \xff\xfe\n", b"\n\n#", b"\r\n"]))


def config_cut(rng):
    path = STATE + "/sshd_config"
    lines = (content(path) or b"").splitlines(True)
    put(path, b"".join(lines[: rng.randrange(len(lines) + 1)]))


def file_mode(rng):
    path = rng.choice([STATE + "/sshd_config", STATE + "/ssh_config", STATE + "/known_hosts", STATE + "/hop_config",
                       STATE + "/uid", STATE + "/entry", PRIVATE + "/password", HOME + "/authorized_keys"])
    sh("chmod %s %s; %s" % (rng.choice(["600", "666", "640"]), path, rng.choice(["", "chown 1000:1000 " + path])))


def key_half_missing(rng):
    for path in rng.sample(host_keys(), min(1, len(host_keys()))):
        sh("rm -f " + rng.choice([path, path + ".pub"]))


def key_damaged(rng):
    for path in rng.sample(host_keys(), min(1, len(host_keys()))):
        victim = rng.choice([path, path + ".pub"])
        data = content(victim) or b""
        put(victim, rng.choice([b"", data[: len(data) // 2], data[:40] + b"!" + data[41:]]))


def key_mode(rng):
    for path in rng.sample(host_keys(), min(1, len(host_keys()))):
        sh(rng.choice(["chmod 0644 ", "chown 1000:1000 ", "chmod 0400 "]) + path)


def password_by_hand(rng):
    word = rng.choice(["Pa55W0rd", "oqs.pw", "something-else-77"])
    subprocess.run(["docker", "exec", "-i", NAME, "chpasswd"], input=("%s:%s\n" % (USER, word)).encode(),
                   capture_output=True, check=False)


def password_state(rng):
    put(PRIVATE + "/password", rng.choice([b"", b"garbage\n", b"*\n", b"$6$rounds=99999999999$x$y\n", b"\xff\n"]))
    if rng.random() < 0.3:
        sh("rm -f %s/password" % PRIVATE)


def authorized_keys(rng):
    path = HOME + "/authorized_keys"
    data = content(path) or b""
    put(path, rng.choice([data + FOREIGN_KEY.encode() + b"\n", b"", data[:50], b"# only words\n" + data]))


def folder_missing(rng):
    sh("rm -rf " + rng.choice([STATE, PRIVATE, HOME, IMAGES, LEDGER]))


def folder_mode(rng):
    sh("chmod %s %s" % (rng.choice(["777", "700", "750"]), rng.choice([STATE, PRIVATE, VAR, HOME, IMAGES, LEDGER])))


def entry_edited(rng):
    path = STATE + "/entry"
    if rng.random() < 0.5:
        put(path, (content(path) or b"") + b"\nexit 1\n")
    else:
        sh("sed -i 's/^umask 022$/umask 000/' %s; %s" % (path, rng.choice(["", "rm " + path])))


def hop_config(rng):
    put(STATE + "/hop_config", b"Host *\n    Port 23\n")
    if rng.random() < 0.5:
        sh("rm -f %s/hop_config" % STATE)


def known_hosts(rng):
    path = STATE + "/known_hosts"
    lines = (content(path) or b"").splitlines(True)
    if rng.random() < 0.3:
        sh("rm -f " + path)
    else:
        put(path, b"".join(line for line in lines if rng.random() < 0.5))


def in_force(rng):
    put(PRIVATE + "/in-force", rng.choice([b"", b"0" * 64 + b"\n", b"words"]))


def uid(rng):
    put(STATE + "/uid", rng.choice([b"", b"abc\n", b"0\n", b"22229\n", b"-1\n", b"1000\n", b"99999999999999\n"]))


def rule(rng):
    tables = json.loads(sh("nft -j list table inet filter"))["nftables"]
    ours = [row["rule"] for row in tables if "rule" in row and row["rule"].get("comment") == "oqs-ssh"]
    if rng.random() < 0.5:
        for row in ours[:1]:
            sh("nft delete rule inet filter input handle %d" % row["handle"])
    else:
        sh("nft add rule inet filter input tcp dport 2222 accept comment '\"oqs-ssh\"'")


def rule_file(rng):
    sh(rng.choice(["rm -f " + SNIPPET, "sed -i '/oqs-ssh/d' " + CONF, "echo '# edited' >>" + SNIPPET]))


def image_facts(rng):
    for name in os.listdir(IMAGES) if os.path.isdir(IMAGES) else []:
        path = os.path.join(IMAGES, name)
        put(path, rng.choice([b"{}", b"{", b"[1]", b'{"sshd_config": "x"}', b'{"engine_id": 7}', b"\xff"]))
        if rng.random() < 0.3:
            os.unlink(path)


def candidate(rng):
    sh("mkdir -p {0}/candidate; echo x >{0}/candidate/{1}".format(PRIVATE, rng.choice(["sshd_config", "stray", ".a"])))


def identity_half(rng):
    sh("rm -f %s/%s" % (HOME, rng.choice(["id_ed25519", "id_ed25519.pub"])))


def identity_damaged(rng):
    put(HOME + "/" + rng.choice(["id_ed25519", "id_ed25519.pub"]), b"words\n")


def line_of_account(rng):
    sh(rng.choice(["sed -i '/oqs-ssh-hop/d' ", "sed -i 's/restrict,//' ", "rm -f "]) + ALICE)


def folder_replaced(rng):
    """The same content in another place on the disk, as after a run that was killed, or a restored backup."""
    path = rng.choice([STATE, HOME, STATE + "/entry"])
    sh("cp -a {0} {0}.copy && rm -rf {0} && mv {0}.copy {0}".format(path))


def ledger_cut(_rng):
    sh("printf '{\"kind\": \"fi' >>%s/ledger.jsonl" % LEDGER)


DAMAGES = (
    container_absent, container_stopped, container_of_other_settings, sshd_killed, config_missing, config_edited,
    client_edited, config_bytes_appended, config_cut, file_mode, key_half_missing, key_damaged, key_mode,
    password_by_hand, password_state, authorized_keys, folder_missing, folder_mode, entry_edited, hop_config,
    known_hosts, in_force, uid, rule, rule_file, image_facts, candidate, identity_half, identity_damaged,
    line_of_account, ledger_cut, folder_replaced,
)


def operators_lines():
    """Which of the operators' lines are there, whole and in order."""
    return [path for path, text in OPERATORS.items() if text.encode() in (content(path) or b"")]


def put_operators_lines():
    for path, text in OPERATORS.items():
        data = content(path)
        if data is not None and text.encode() not in data:
            put(path, text.encode() + data)


def damage(job):
    """Some damages, all from the seed. Returns their names."""
    rng = random.Random(job["seed"])
    chosen = [globals()[name] for name in job.get("damages") or []]
    chosen = chosen or rng.sample(DAMAGES, rng.choice([1, 2, 3, 5]))
    put_operators_lines()
    for each in chosen:
        each(rng)
    settle()
    return [each.__name__ for each in chosen]


# --- what is asked after each step -------------------------------------------------------------------

_judged = {}


def is_published(hashed):
    if hashed not in _judged:
        _judged[hashed] = shadow.state_of(hashed) in ("published", "empty")
    return _judged[hashed]


def served_password():
    """What the process that listens would let in: 'nobody listens', 'fine', or what is wrong."""
    found = listeners.who_listens(PORT)
    if not found:
        return "nobody listens"
    data = content("/proc/%s/root/etc/shadow" % found["pid"])
    if data is None:
        return "gone meanwhile"
    hashed = shadow.hash_of(data, USER)
    return "published" if hashed is None or is_published(hashed) else "fine"


class Watch(threading.Thread):
    """Looks as often as it can whether anybody serves the published password."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.looks, self._end = set(), 0, threading.Event()

    def run(self):
        while not self._end.is_set():
            self.seen.add(served_password())
            self.looks += 1
            time.sleep(0.02)

    def finish(self):
        self._end.set()
        self.join()
        return sorted(self.seen)


def broken_keys():
    """Private host keys that are there and of no use; a lost public half can be made again."""
    wrong = []
    for path in host_keys():
        try:
            key_files.public_from_private(content(path) or b"")
        except key_files.BadKey as error:
            wrong.append("%s: %s" % (path, error))
    return wrong


def keys_not_served():
    """Classical host keys on the disk that the running server does not present (ssh-keyscan knows no others)."""
    kept = (content(PRIVATE + "/ssh_host_ed25519_key.pub") or b"").decode().split()[:2]
    said = sh("ssh-keyscan -T 5 -t ed25519 -p %d 127.0.0.1 2>/dev/null" % PORT)
    return [] if not kept or " ".join(kept) in said else ["%s, but: %s" % (" ".join(kept), said)]


def wrong_modes():
    """Secrets that others can read, and what the container's user cannot read. (Candidates are no secrets, and lie in
    a folder that nobody else enters.)"""
    secret = sh("find %s -type f ! -name '*.pub' ! -name in-force ! -path '*/candidate/*' "
                "\\( -perm /077 -o ! -user root \\)" % PRIVATE)
    hidden = sh("find %s -maxdepth 1 -type f ! -perm -444" % STATE)
    loose = sh("find %s %s -type f -perm /022" % (STATE, HOME))
    return sorted({*secret.split(), *hidden.split(), *loose.split()})


def unseen():
    """Files of the state that the container does not see as they are."""
    pairs = ((HOME + "/authorized_keys", "/home/oqs/.ssh/authorized_keys"), (STATE + "/sshd_config",) * 2,
             (STATE + "/entry", "/usr/local/sbin/oqs-ssh-entry"))
    return [here for here, there in pairs
            if sh("docker exec %s stat -c %%i %s" % (NAME, there)) != sh("stat -c %i " + here)]


def ledger_length():
    return len(bookkeeping.entries())  # raises for a ledger that does not parse


def looked(job):
    facts, plan = assess.assess(job["want"], job["secret"])
    return assess.result(job["want"], facts, plan, {})


def applied(job):
    return apply.apply(job["want"], job.get("sections") or sorted(job["want"]), job["secret"], {"parts": []})


# --- jobs --------------------------------------------------------------------------------------------

def do_look(job):
    return looked(job)


def do_apply(job):
    if job.get("exit_after") is not None:
        leave_after(job["exit_after"])
    try:
        return applied(job)
    except apply.EXPECTED as error:
        return {"failed": str(error)}


def leave_after(count):
    """End this process as a kill does, right after that many ledger entries and before the act of the last."""
    real, seen = bookkeeping.record, []

    def record(*arguments):
        real(*arguments)
        seen.append(arguments)
        if len(seen) > count:
            os._exit(99)

    bookkeeping.record = record


def do_cycle(job):
    """Damage, look, apply, look."""
    names = damage(job)
    before = operators_lines()
    first = looked(job)
    watch = Watch()
    if job.get("watch"):
        watch.start()
    began = time.monotonic()
    try:
        outcome = applied(job)
    except apply.EXPECTED as error:
        return {"damages": names, "failed": "%s: %s" % (type(error).__name__, error), "first": first["plan"]}
    seconds = time.monotonic() - began
    seen = watch.finish() if job.get("watch") else []
    last = looked(job)
    return {
        "damages": names, "forecast": first["plan"], "refused": first["errors"], "done": outcome["done"],
        "proof": outcome["proof"], "left": last["plan"], "errors": last["errors"], "seconds": seconds,
        "lost": [path for path in before if path not in operators_lines()], "serves": served_password(),
        "seen": seen, "ledger": ledger_length(), "keys": broken_keys() + keys_not_served(),
        "unseen": unseen(), "modes": wrong_modes(),
    }


def do_kill(job):
    """Start an apply as a process of its own, kill it after some time; then what is there, and another apply."""
    names = (job.get("wipe") and wipe()) or damage(job)
    damaged = broken_keys()  # of which the kill is not to make more
    watch = Watch()
    watch.start()
    inner = json.dumps(dict(job, do="apply")).encode()
    with subprocess.Popen([sys.executable, os.path.abspath(__file__)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        child.stdin.write(inner)
        child.stdin.close()
        try:
            child.wait(timeout=job.get("after", 120))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    found = {"damages": names, "rc": child.returncode, "ledger": ledger_length(), "serves": served_password(),
             "broken_keys": [words for words in broken_keys() if words not in damaged]}
    try:
        outcome = applied(job)
    except apply.EXPECTED as error:
        return dict(found, failed="%s: %s" % (type(error).__name__, error), seen=watch.finish())
    return dict(found, seen=watch.finish(), looks=watch.looks, left=looked(job)["plan"], proof=outcome["proof"],
                done=outcome["done"], after=served_password(), left_over=left_over(),
                keys=broken_keys() + keys_not_served())


def left_over():
    """Temporary files that nobody clears away."""
    said = sh("find %s %s /run -maxdepth 2 \\( -name '.oqs-*' -o -name 'candidate*' -o -name 'oqs-ssh-keys-*' \\)"
              % (STATE, VAR))
    return said.split()


def wipe():
    """As if nothing had been done yet, but that the image is there."""
    sh("docker rm -f %s; rm -rf %s %s" % (NAME, STATE, VAR))
    return ["wipe"]


def do_two(job):
    """Two applies at once."""
    damage(job)
    left_behind()
    data = json.dumps(dict(job, do="apply")).encode()
    children = [subprocess.Popen([sys.executable, os.path.abspath(__file__)], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _number in range(2)]
    for child in children:
        child.stdin.write(data)
        child.stdin.close()  # only now it begins
        child.stdin = None
    said = [child.communicate(timeout=180) for child in children]
    results = [json.loads(out) if out else {"failed": err.decode()[-2000:]} for out, err in said]
    return {"results": results, "left": looked(job)["plan"], "ledger": ledger_length(), "serves": served_password(),
            "left_over": left_over()}


def left_behind():
    """What a run killed long ago may have left: half an image, and keys on their way to their place."""
    sh("touch %s/.oqs-tmp-4194999-aa %s/.oqs-tmp-abcdef; mkdir /run/oqs-ssh-keys-old; touch /run/oqs-ssh-keys-old/0; "
       "touch -d '1 day ago' /run/oqs-ssh-keys-old" % (PRIVATE, VAR))


def do_damage(job):
    return damage(job)


def do_wait(_job):
    """Somebody holds the lock."""
    with host_lock.locked():
        try:
            with host_lock.locked(patience=1.0):
                return {"said": "nobody held it"}
        except host_lock.LockError as error:
            return {"said": str(error)}


def do_time(job):
    """How long one look takes, in this process, as in a module's."""
    spent, whole = [], []
    used, programs, real = cpu_seconds(), [], subprocess.Popen
    subprocess.Popen = lambda argv, **more: programs.append(argv[:3]) or real(argv, **more)
    assess.assess(job["want"], job["secret"])
    subprocess.Popen, used = real, cpu_seconds() - used
    for _number in range(5):
        began = time.monotonic()
        facts, plan = assess.assess(job["want"], job["secret"])
        assess.result(job["want"], facts, plan, {})
        spent.append(time.monotonic() - began)
        assess.proof(job["want"], facts)
        whole.append(time.monotonic() - began)
    return {"look": statistics.median(spent), "with_proof": statistics.median(whole), "load": os.getloadavg()[0],
            "cpu": used, "programs": programs, "cores": os.cpu_count()}


def cpu_seconds():
    """Of this process and of the programs that it ran to their ends."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def do_nonsense(job):
    """A line that sshd refuses, in a configuration that is otherwise as wanted: looked, applied, then taken back."""
    path = STATE + "/sshd_config"
    before = content(path)
    put(path, before + b"NoSuchKeyword yes\n")
    pid = listeners.who_listens(PORT).get("pid")
    said = do_apply(job)
    found = {"said": said.get("failed", ""), "same_process": listeners.who_listens(PORT).get("pid") == pid}
    put(path, before)
    outcome = applied(job)
    return dict(found, left=outcome["plan"], proof=outcome["proof"])


def do_truth(job):
    """What the look tells of the configurations, and what the programs themselves say."""
    said = {}
    for name, program in (("sshd_config", "sbin/sshd -T -f"), ("ssh_config", "bin/ssh -G elsewhere.example -F")):
        words = program.split()
        text = sh("docker exec %s /opt/oqs-ssh/%s" % (NAME, " ".join(words + ["/opt/oqs-ssh/" + name])))
        said[name] = [line.lower() for line in text.splitlines()]
    return {"host": looked(job)["host"], "programs": said, "shadow": (content(PRIVATE + "/password") or b"").decode()}


def do_penalty(job):
    """Look while the host's own sshd has this address in its penalty box."""
    sh("printf 'PerSourcePenalties noauth:9999s min:1s\n' >/etc/ssh/sshd_config.d/00-oqs-test.conf; "
       "systemctl reload ssh")
    for address in ("127.0.0.1", "::1"):  # a busy machine answers late, or not at all
        said = sh("for n in $(seq 20); do echo | nc -w5 %s 22 | grep Not && break; done" % address)
    try:
        return dict(looked(job), said=said)
    finally:
        sh("printf 'PerSourcePenalties no\n' >/etc/ssh/sshd_config.d/00-oqs-test.conf; systemctl restart ssh")


def main():
    job = json.loads(sys.stdin.read())
    print(json.dumps(globals()["do_" + job["do"]](job)))


if __name__ == "__main__":
    main()
