# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Damages a deployment on a test host in random ways: what apply_states.py has done before it looks and applies."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths, processes

NAME, PORT, USER = "oqs-ssh", 2222, "oqs"
STATE, PRIVATE, VAR = paths.STATE_DIR, paths.PRIVATE_DIR, paths.VAR_DIR
HOME, IMAGES, LEDGER, SERVER = paths.HOME_SSH, paths.IMAGES_DIR, paths.LEDGER_DIR, paths.SERVER_DIR
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
        if not running or processes.listening(PORT):
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
                       paths.UID, paths.ENTRY_FILE, PRIVATE + "/password", HOME + "/authorized_keys"])
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
    sh("rm -rf " + rng.choice([STATE, PRIVATE, HOME, IMAGES, LEDGER, SERVER]))


def folder_mode(rng):
    folders = [STATE, PRIVATE, VAR, HOME, IMAGES, LEDGER, SERVER]
    sh("chmod %s %s" % (rng.choice(["777", "700", "750"]), rng.choice(folders)))


def entry_edited(rng):
    path = paths.ENTRY_FILE
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
    put(paths.UID, rng.choice([b"", b"abc\n", b"0\n", b"22229\n", b"-1\n", b"1000\n", b"99999999999999\n"]))


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
    path = rng.choice([STATE, HOME, paths.ENTRY_FILE])
    sh("cp -a {0} {0}.copy && rm -rf {0} && mv {0}.copy {0}".format(path))


def earlier_layout(rng):
    """What an earlier version had there, or what the container's root puts in its place."""
    put(rng.choice(paths.EARLIER), rng.choice([b"#!/bin/sh\nexit 1\n", b"22229\n", b'{"sshd_config": {}}']))


def written_lists(rng):
    put(paths.WRITTEN, rng.choice([b"", b"[]", b'{"sshd_config": {"kexalgorithms": ["x"]}}', b"\xff"]))


def ledger_cut(_rng):
    sh("printf '{\"kind\": \"fi' >>%s/ledger.jsonl" % LEDGER)


DAMAGES = (
    container_absent, container_stopped, container_of_other_settings, sshd_killed, config_missing, config_edited,
    client_edited, config_bytes_appended, config_cut, file_mode, key_half_missing, key_damaged, key_mode,
    password_by_hand, password_state, authorized_keys, folder_missing, folder_mode, entry_edited, hop_config,
    known_hosts, in_force, uid, rule, rule_file, image_facts, candidate, identity_half, identity_damaged,
    line_of_account, ledger_cut, folder_replaced, earlier_layout, written_lists,
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
