# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The faults. Each function breaks something, returns what the user sees, and shows that the next run converges.

Memory limits and the clock belong to the machine that carries the test hosts, so two faults are done by their effect:
the kill of all processes of the container, and files from another time.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tempfile
from typing import Callable, List

from tests.e2e.faults.harness import (
    CASES,
    HOST,
    LEDGER,
    PARTS,
    PRIVATE,
    REMOVE,
    ROTATE,
    STATE,
    VAR,
    Case,
    World,
    case,
)
from tests.e2e.library.scenario import ROOT

SERVES = "the server is back by itself"
SOUND = "a run that was cut short does no harm, the next one finishes"
ATOMIC = "a failed step leaves the previous state running"
OTHERS = "what others do to the host does not close the way in"
LEDGER_RULE = "only what the ledger names is touched, and it is believed only on its own machine"
#: A change that touches files in both state folders.
CHANGE = {"oqs_ssh_kex_algorithms": ["mlkem768x25519-sha256"], "oqs_ssh_port": 2222}


# -- processes die ---------------------------------------------------------------------------------------------------

@case("sshd killed", "kill -9 of sshd, which is the container's main process", SERVES, slow=False)
def _sshd(world: World) -> str:
    old = world.main_process()
    world.sh("kill -9 %d" % old)
    said = world.back(old)
    world.holds()
    return said


@case("out of memory", "kill -9 of every process of the container at once, as the kernel does it", SERVES)
def _memory(world: World) -> str:
    old = world.main_process()
    world.sh("kill -9 $(docker top oqs-ssh -o pid | tail -n +2)")
    said = world.back(old)
    world.converges()
    return said


def _kill_dockerd(world: World) -> None:
    old = world.sh("systemctl show -P MainPID docker")
    world.sh("kill -9 " + old)
    assert world.wait_for("[ $(systemctl show -P MainPID docker) -gt 0 ] && docker version")


@case("dockerd killed", "kill -9 of dockerd, with live-restore, as where this collection installed Docker", SERVES)
def _dockerd(world: World) -> str:
    world.sh("echo '{\"live-restore\": true}' > /etc/docker/daemon.json && systemctl reload docker")
    try:
        old = world.main_process()
        _kill_dockerd(world)
        assert world.main_process() == old
        world.holds()
        world.converges()
    finally:
        world.sh("rm /etc/docker/daemon.json; systemctl reload docker")
    return "nothing: the same process goes on serving"


@case("dockerd killed, somebody else's engine", "kill -9 of dockerd without live-restore: Docker itself then stops all "
      "containers, and takes that for the wanted state", "damage is named, and the next run repairs it")
def _dockerd_of_others(world: World) -> str:
    _kill_dockerd(world)
    return "no login until the next run, which says: " + world.converges().line(HOST, "done")


@case("dockerd restarted in a run", "systemctl restart docker while a run creates the container", SOUND)
def _dockerd_in_a_run(world: World) -> str:
    world.sh("docker rm -f oqs-ssh")
    started = world.start()
    # systemd counts the restarts of the cases before this one, and would refuse
    assert world.wait_for("docker inspect oqs-ssh", then="systemctl reset-failed docker; systemctl restart docker")
    run = started.ended()
    world.converges()
    return run.line(HOST, "failed") or "done " + run.line(HOST, "done")


@case("power cut", "the host stops without a word and boots", SERVES)
def _power(world: World) -> str:
    old = world.main_process()
    world.power_cut()
    said = world.back(-1 if old else 0)
    world.converges()
    return said


# -- runs are cut short ----------------------------------------------------------------------------------------------

def _cut(world: World, condition: str, how: str) -> str:
    """Cut the first deployment of a host short when something is true on it, then run again."""
    world.wipe()
    started = world.start()
    assert world.wait_for(condition), "it never came to that: " + started.ended().text[-2000:]
    if how == "kill":
        started.kill()
        said = "the run is gone"
    else:
        getattr(world, how)()
        said = world.failed(started.ended())
    again = world.deploy()
    assert again.code == 0, again.text[-3000:]
    world.fresh()
    return "%s; the next run: %s" % (said, again.line(HOST, "done"))


for _name, _condition in (
    ("while the image travels", "[ -n \"$(ls -A %s)\" ]" % PARTS), ("at the first host key", "ls %s/*_key" % PRIVATE),
    ("when the container is made", "docker inspect oqs-ssh"),
):
    for _how, _words in (("kill", "kill -9 of ansible-playbook"), ("power_cut", "power cut of the host")):
        case("%s %s" % (_words, _name), "%s %s, first deployment" % (_words, _name), SOUND)(
            lambda world, condition=_condition, how=_how: _cut(world, condition, how)
        )


@case("run killed at each entry of the ledger", "the process on the host ends after each entry, before the act",
      SOUND)
def _each_entry(_world: World) -> str:
    argv = [sys.executable, "-m", "pytest", "-q", "-m", "slow or not slow", "-k", "killed", "-p", "no:cacheprovider",
            str(ROOT / "tests/integration/test_look_apply.py")]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=3000, check=False)
    assert done.returncode == 0, done.stdout[-1500:]
    return done.stdout.strip().splitlines()[-1].split(" in ")[0]


@case("network lost while the image travels", "all ssh sessions end when the first part has arrived", SOUND)
def _network(world: World) -> str:
    world.wipe()
    started = world.start()
    condition = "ls %s | grep -qxE '[0-9a-f]{64}'" % PARTS
    assert world.wait_for(condition, then="pkill -9 sshd-session; iptables -I INPUT -p tcp --dport 22 -j REJECT "
                          "--reject-with tcp-reset")
    run = started.ended()
    world.sh("iptables -D INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset")
    said = world.failed(run)
    again = world.deploy()
    assert again.code == 0, again.text[-3000:]
    sent = [line for line in again.text.splitlines() if "sending the image" in line]
    world.fresh()
    return "%s; the next run:%s" % (said, " ".join(line.partition(":")[2] for line in sent) or " loads what is there")


@case("rotation killed", "kill -9 of ansible-playbook while the host's password changes",
      "the password in force is always in the store")
def _rotation(world: World) -> str:
    with tempfile.TemporaryDirectory(prefix="oqs-test-") as folder:
        store = pathlib.Path(folder) / "store"
        more = {"oqs_ssh_password": "", "oqs_ssh_password_store": str(store)}
        world.converges(**more)
        before = (store / HOST).read_text()
        hashed = world.sh("cat %s/password" % PRIVATE)
        started = world.start(ROTATE, **more)
        assert world.wait_for("[ \"$(cat %s/password)\" != '%s' ]" % (PRIVATE, hashed)), started.ended().text
        started.kill()
        names = sorted(path.name for path in store.iterdir() if not path.name.startswith("."))
        again = world.scenario.deploy(playbook=ROTATE, **more)
        assert again.code == 0 and (store / HOST).read_text() != before, again.text
        assert not (store / (HOST + "@next")).exists()
        world.converges(**more)
        seen = again.line(HOST, "password").rpartition(": ")[2]
    world.converges()
    return "in the store: %s; the next run: %s" % (", ".join(names), seen)


@case("two deployments at once", "two controllers with different settings start together",
      "nothing is mixed: one waits for the other, or says so")
def _two(world: World) -> str:
    settings = [{"oqs_ssh_kex_algorithms": [name]} for name in ("mlkem768x25519-sha256", "mlkem768nistp256-sha256")]
    world.sh("docker rm -f oqs-ssh")
    runs = [started.ended() for started in [world.start(**each) for each in settings]]
    assert 0 in [run.code for run in runs], [run.text[-1500:] for run in runs]
    lost = [run.line(HOST, "failed") for run in runs if run.code]
    assert all("run again" in words for words in lost), lost
    said = world.sh("docker exec oqs-ssh /opt/oqs-ssh/sbin/sshd -T -f %s/sshd_config | grep -i ^kexalgorithms" % STATE)
    assert said.split()[1] in [each["oqs_ssh_kex_algorithms"][0] for each in settings], said
    assert world.visitor.offer(HOST)[:1] == [said.split()[1]]
    world.converges()
    return " | ".join(run.line(HOST, "failed") or "done " + run.line(HOST, "done") for run in runs)


# -- places that cannot be written -----------------------------------------------------------------------------------

def _no_space(world: World, folder: str, **change: object) -> str:
    with world.full(folder):
        said = world.failed(world.deploy(**change), "cannot write", folder, "No space left on device; make room there")
    world.converges()
    return said


@case("disk full, configuration", "no byte left in %s" % STATE, ATOMIC, slow=False)
def _full_state(world: World) -> str:
    return _no_space(world, STATE, **CHANGE)


@case("disk full, state", "no byte left in %s" % VAR, ATOMIC)
def _full_var(world: World) -> str:
    return _no_space(world, VAR, **CHANGE)


@case("disk full, home", "no byte left in the home of an account that gets the hop's key", ATOMIC)
def _full_home(world: World) -> str:
    world.sh("sed -i /oqs-ssh/d /home/alice/.ssh/authorized_keys")
    return _no_space(world, "/home/alice/.ssh")


@case("disk full, image", "4 MB left where the image's parts arrive", ATOMIC)
def _full_parts(world: World) -> str:
    world.wipe()
    world.sh("mkdir -p -m 0700 %s && mount -t tmpfs -o size=4m,mode=0700 none %s" % (PARTS, PARTS))
    try:
        said = world.failed(world.deploy(), "No space left")
    finally:
        world.sh("umount -l " + PARTS)
    world.fresh()
    return said


@case("read-only configuration", "%s cannot be written to" % STATE, ATOMIC, slow=False)
def _read_only(world: World) -> str:
    with world.read_only(STATE):
        said = world.failed(world.deploy(**CHANGE), "cannot write", "Read-only file system; remount")
        world.holds()
    world.converges()
    return said


@case("read-only state", "%s cannot be written to" % VAR, ATOMIC)
def _read_only_var(world: World) -> str:
    with world.read_only(VAR):
        said = world.failed(world.deploy(**CHANGE), "cannot write", "Read-only file system; remount")
        world.holds()
    world.converges()
    return said


# -- others do something ---------------------------------------------------------------------------------------------

@case("port taken meanwhile", "another service takes port 2222 between the look and the start", ATOMIC)
def _port(world: World) -> str:
    world.sh("docker rm -f oqs-ssh; rm -f %s/server/entry" % VAR)
    started = world.start()
    listen = ("systemd-run -q --unit oqs-taken python3 -c 'import socket,time; s=socket.create_server((\"\", 2222)); "
              "time.sleep(600)'")
    try:
        assert world.wait_for("[ -e %s/server/entry ]" % VAR, then=listen)
        said = world.failed(started.ended(), "2222")
    finally:
        world.sh("systemctl stop oqs-taken", check=False)
    world.converges()
    return said


@case("firewall reloaded", "systemctl restart nftables, which flushes all rules", OTHERS, slow=False)
def _firewall(world: World) -> str:
    world.sh("systemctl restart nftables")
    world.holds()
    return "logins go on working, without a run"


def _restarted(first: str, second: str) -> Callable[[World], str]:
    def run(world: World) -> str:
        world.sh("systemctl restart %s && systemctl restart %s" % (first, second))
        said = world.back(-1)
        world.converges()
        return said

    return run


for _when, _services in (("after", ("nftables", "docker")), ("before", ("docker", "nftables"))):
    case("Docker restarted %s the firewall" % _when, "systemctl restart %s, then %s" % _services, OTHERS)(
        _restarted(*_services))


@case("Docker upgraded", "the engine is configured anew and restarted by dpkg, as unattended upgrades do", OTHERS)
def _upgraded(world: World) -> str:
    old = world.sh("systemctl show -P MainPID docker")
    world.sh("DEBIAN_FRONTEND=noninteractive dpkg-reconfigure docker.io && systemctl restart docker")
    assert world.sh("systemctl show -P MainPID docker") != old
    said = world.back(-1)
    world.converges()
    return said


@case("container removed by hand", "docker rm -f oqs-ssh", "state lies on the host, not in the container")
def _removed(world: World) -> str:
    world.sh("docker rm -f oqs-ssh")
    return "the next run: " + world.converges().line(HOST, "done")


@case("container renamed by hand", "docker rename oqs-ssh another", "damage is named, and repaired where it is ours")
def _renamed(world: World) -> str:
    world.sh("docker rename oqs-ssh another")
    run = world.deploy()
    said = run.line(HOST, "failed")
    world.sh("docker rm -f another" if not run.code else "docker rename another oqs-ssh", check=False)
    world.converges()
    return said or "the next run: " + run.line(HOST, "done")


@case("host's own host key changed", "new keys for the host's own sshd; the operator trusts them for Ansible",
      "the hop's pin is renewed only over the management connection")
def _own_key(world: World) -> str:
    world.sh("rm /etc/ssh/ssh_host_*; ssh-keygen -A -q; systemctl restart ssh")
    before = world.sh("docker exec -u oqs oqs-ssh /opt/oqs-ssh/bin/ssh -F %s/ssh_config -o BatchMode=yes -p 22 "
                      "alice@localhost id -un" % STATE, check=False)
    assert "alice" not in before.splitlines(), before
    key = world.sh("cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub")
    pins = world.scenario.folder / "known_hosts"
    pins.write_text("%s %s\n" % (world.scenario.address(HOST), key))
    run = world.converges()
    after = world.sh("docker exec -u oqs oqs-ssh /opt/oqs-ssh/bin/ssh -F %s/ssh_config -o BatchMode=yes -p 22 "
                     "alice@localhost id -un" % STATE)
    assert "alice" in after.splitlines(), after
    return "the hop is refused until the next run, which says: " + run.line(HOST, "done")


@case("clock jump", "every file of the state is from 2037, then from 1970",
      "time decides nothing: the order of the ledger does", slow=False)
def _clock(world: World) -> str:
    said = []
    for when in ("2037-01-01", "1970-01-02"):
        world.sh("find %s %s -exec touch -h -d %s {} +" % (STATE, VAR, when))
        said.append(world.converges().line(HOST, "done"))
    assert said == ["nothing, it was as wanted"] * 2, said
    return "the next run: " + said[0]


# -- what arrives, and what is believed ------------------------------------------------------------------------------

@case("corrupt image archive", "the archive's second half is missing", ATOMIC, slow=False)
def _archive(world: World) -> str:
    whole = world.scenario.folder / "image.tar"
    with tempfile.TemporaryDirectory(prefix="oqs-test-") as folder:
        half = pathlib.Path(folder) / "image.tar"
        half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
        said = world.failed(world.deploy(oqs_ssh_image_archive=str(half)), "image.tar")
        said = said.replace(folder, "…")
    world.holds()
    return said


def _ledger(world: World, script: str, *words: str) -> str:
    """Do something to the ledger: a run and a removal refuse, and nothing goes; with the old one all is well."""
    world.sh("cp -a %s /root/ledger.kept" % LEDGER)
    before = world.sh("find %s %s -type f ! -path '*/ledger/*' | sort | xargs sha256sum" % (STATE, VAR))
    try:
        world.sh(script)
        said = world.failed(world.deploy(**CHANGE), *words)
        world.failed(world.scenario.deploy(playbook=REMOVE), *words)
        assert world.sh("find %s %s -type f ! -path '*/ledger/*' | sort | xargs sha256sum" % (STATE, VAR)) == before
        world.holds()
    finally:
        world.sh("mv /root/ledger.kept " + LEDGER)
    world.converges()
    return said


@case("truncated ledger", "its last line is cut in the middle", LEDGER_RULE)
def _truncated(world: World) -> str:
    world.sh("truncate -s -20 " + LEDGER)
    run = world.converges(**CHANGE)
    assert "the end of the ledger is cut off" in run.words, run.text
    return "the next run: the end of the ledger is cut off …; done: " + run.line(HOST, "done")


@case("damaged ledger", "rubbish in the middle of it", LEDGER_RULE)
def _damaged(world: World) -> str:
    return _ledger(world, "sed -i '3s/^/rubbish/' " + LEDGER, "line 3", "damaged")


@case("tampered ledger", "a line that names /etc/passwd", LEDGER_RULE, slow=False)
def _tampered(world: World) -> str:
    line = '{"after": "x", "before": null, "kind": "file", "name": "/etc/passwd", "when": "2026-01-01T00:00:00Z"}'
    return _ledger(world, "echo '%s' >> %s" % (line, LEDGER), "none of ours")


@case("unknown kind in the ledger", "a line of a kind that nobody knows", LEDGER_RULE)
def _unknown(world: World) -> str:
    line = '{"after": "x", "before": null, "kind": "program", "name": "reboot", "when": "2026-01-01T00:00:00Z"}'
    return _ledger(world, "echo '%s' >> %s" % (line, LEDGER), "no known kind")


@case("state of another machine", "the host's machine id is another one: a clone, or a restored backup", LEDGER_RULE)
def _cloned(world: World) -> str:
    return _ledger(world, "sed -i '1s/\"machine\": \"[0-9a-f]*\"/\"machine\": \"%s\"/' %s" % ("0" * 32, LEDGER),
                   "machine")


def every() -> List[Case]:
    """The whole table, in the order above."""
    return list(CASES)
