# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs on a test host: has a deployment damaged, looks, applies, kills an apply; one JSON job on stdin.

It lies there in the same folders as here, beside ``ansible_collections``, and needs Python and Docker, like the modules
themselves: ``python3 -m tests.integration.apply_states``.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import (
    files,
    host_lock,
    machine,
    paths,
    processes,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import shadow
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import ledger
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import LedgerFile
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import apply_request, look_request, request
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY

from tests.integration.apply_damages import (
    HOME,
    NAME,
    PORT,
    PRIVATE,
    STATE,
    USER,
    VAR,
    content,
    damage,
    host_keys,
    operators_lines,
    put,
    sh,
)

PROGRAM = [sys.executable, "-m", "tests.integration.apply_states"]


# --- what is asked after each step -------------------------------------------------------------------

_judged = {}


def is_published(hashed):
    if hashed not in _judged:
        _judged[hashed] = shadow.state_of(hashed) in ("published", "empty")
    return _judged[hashed]


def served_password():
    """What the process that listens would let in: 'nobody listens', 'fine', or what is wrong."""
    found = processes.who_listens(PORT)
    if not found.pid:
        return "nobody listens"
    data = content("/proc/%s/root/etc/shadow" % found.pid)
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
             (paths.ENTRY_FILE, paths.ENTRY))
    return [here for here, there in pairs
            if sh("docker exec %s stat -c %%i %s" % (NAME, there)) != sh("stat -c %i " + here)]


def ledger_length():
    data = files.read_file(paths.LEDGER) or b""
    return len(ledger.parse(REGISTRY.kinds, data, machine.machine_id()))  # raises for one that does not parse


class Failed(Exception):
    """A request failed, with its sentence."""


def _answer(result):
    if result.get("failed"):
        raise Failed(result["msg"])
    return result


def looked(job):
    return _answer(look_request.run({"want": job["want"], "password": job["secret"]}))


def applied(job):
    sections = job.get("sections") or sorted(job["want"])
    arguments = {"want": job["want"], "password": job["secret"], "sections": sections, "parts": []}
    return _answer(apply_request.run(arguments))


# --- jobs --------------------------------------------------------------------------------------------

def do_look(job):
    return looked(job)


def do_apply(job):
    if job.get("exit_after") is not None:
        leave_after(job["exit_after"])
    try:
        return applied(job)
    except Failed as error:
        return {"failed": str(error)}


def leave_after(count):
    """End this process as a kill does, right after that many ledger entries and before the act of the last."""
    real, seen = LedgerFile.record, []

    def record(ledger_file, *arguments):
        real(ledger_file, *arguments)
        seen.append(arguments)
        if len(seen) > count:
            os._exit(99)

    LedgerFile.record = record


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
    except Failed as error:
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
    with subprocess.Popen(PROGRAM, stdin=subprocess.PIPE,
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
    except Failed as error:
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
    children = [subprocess.Popen(PROGRAM, stdin=subprocess.PIPE,
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
    started = []
    sys.addaudithook(lambda event, what: started.append(what[1][:3]) if event == "subprocess.Popen" else None)
    asked = request.parse({"want": job["want"], "password": job["secret"]})
    used = cpu_seconds()
    look_request.seen(asked, lambda _plan: False)
    programs, used = list(started), cpu_seconds() - used
    for _number in range(5):
        began = time.monotonic()
        look_request.seen(asked, lambda _plan: False)
        spent.append(time.monotonic() - began)
        began = time.monotonic()
        look_request.seen(asked, lambda _plan: True)
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
    pid = processes.who_listens(PORT).pid
    said = do_apply(job)
    found = {"said": said.get("failed", ""), "same_process": processes.who_listens(PORT).pid == pid}
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
