# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lockdown: the host's own sshd closed to the world, closed until confirmed, or open; and what forbids it."""

from __future__ import annotations

import hmac
import ipaddress
import os
import re
import secrets
import shutil
from functools import partial
from typing import List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths, processes
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.machine import Machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import lockdown_files as texts
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.lockdown_files import Ready
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import LockdownSpec, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import Container
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.engine import Engine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalls, stranger
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.firewalls import Found
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.own_sshd import OwnSshd, Settings
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change, Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.restore import CAME
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.firewall import for_lockdown

#: States, as the plan and the look's result have them.
OPEN, UNCONFIRMED = "open", "closed until confirmed"
#: What nft says where the table is not there, or the kernel has no tables at all.
_NO_TABLE = re.compile(rb"No such file or directory|Protocol not supported")
_LOOPBACK = ("127.0.0.1", "::1")


class LockdownError(UserError):
    """A step of a lockdown did not go as it must; the text says what, and what becomes of the host."""


class Lockdown(NamedTuple):
    """What is in force, in words; programs that are missing; the token of one that waits for its confirmation; whether
    this run came through the container."""

    state: str = OPEN
    missing: Sequence[str] = ()
    token: str = ""
    through: bool = False


class Watched(NamedTuple):
    """The port that is the only way into this host; 0: it is not locked down. ``behind``: what a watch is for that this
    version would write otherwise."""

    port: int = 0
    behind: Optional[Ready] = None


class LockdownResource(Resource):
    """One change, whose state is the whole of the lockdown."""

    part = "lockdown"
    sections = {"lockdown": "lockdown"}
    spec = {"lockdown": LockdownSpec}
    ledger = {"lockdown": r"/etc/oqs-ssh-lockdown"}

    def __init__(self) -> None:
        self.readers = {Lockdown: _read, Watched: _watched}

    def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
        """Closed, closed until confirmed, or open; while a host is locked down, the only way in is not taken away."""
        wanted = spec.get(LockdownSpec)
        _keep_the_way(spec.get(ServerSpec), facts.of(Watched).port, plan)
        if not wanted:
            return
        found = facts.of(Lockdown)
        if wanted.state == "absent":
            plan.add(_opening(found.state, "oqs_ssh_lockdown is false"))
            return
        others = [each.resource for each in plan.changes]
        ready = complete(wanted)
        after = UNCONFIRMED if wanted.step == texts.CLOSE else texts.words(ready)
        act = partial(_close, wanted) if wanted.step == texts.CLOSE else partial(_confirm, wanted)
        why = "the quantum-safe way is the only one"
        plan.add(Change("lockdown", "lockdown", "", found.state, after, why, act=act))
        if others:
            plan.refuse("the host is not as wanted (%s): run deploy first, then lock it down" % ", ".join(others[:5]))
        for problem in problems(wanted, facts):
            plan.refuse(problem)

    def restore(self, facts: Facts, plan: Plan) -> None:
        """Open first."""
        plan.add(_opening(facts.of(Lockdown).state, CAME))


class WatchResource(Resource):
    """The watch of a host that is locked down already: what it asks for may be about to change."""

    part = "ssh"
    sections = {"watch": "lockdown's watch"}

    def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
        """As this version writes it, before anything else."""
        ssh, behind = spec.get(ServerSpec), facts.of(Watched).behind
        if ssh and ssh.state == "present" and behind:
            plan.add(Change("watch", "watch", texts.WATCH, "of another version", "as this version writes it",
                            "it says when this host opens", act=partial(_renew, behind)))


def _opening(state: str, why: str) -> Change:
    return Change("lockdown", "lockdown", "", state, OPEN, why, act=lambda _host: undo(), said="the lockdown")


def opens_only(spec: Spec) -> bool:
    """Whether all that is wanted is an open host: then nothing that is wrong with the rest stands in the way."""
    wanted = spec.get(LockdownSpec)
    return bool(wanted and spec.only(LockdownSpec) and wanted.state == "absent")


def complete(wanted: LockdownSpec) -> Ready:
    """The spec with what follows from where the host's own sshd listens, and which file of the state a login needs."""
    return Ready(
        ports=sorted({wanted.hop_port, *wanted.hop_others}), breakglass_sources=wanted.breakglass_sources,
        breakglass_minutes=wanted.breakglass_minutes, port=wanted.port, address="127.0.0.1",
        needs=paths.HOME_SSH + "/authorized_keys" if wanted.by_key else paths.PRIVATE_DIR + "/password",
        user=wanted.user, strangers=stranger.addresses(wanted.sources or wanted.breakglass_sources),
    )


def _keep_the_way(ssh: Optional[ServerSpec], port: int, plan: Plan) -> None:
    if port and ssh and (ssh.state == "absent" or ssh.port != port):
        plan.refuse(
            "this host is locked down, and port %d is the only way in: open it first (playbook lockdown with "
            "oqs_ssh_lockdown: false)" % port
        )


def problems(wanted: LockdownSpec, facts: Facts) -> List[str]:
    """Why this host cannot be locked down, with what to do."""
    if not facts.of(Machine).systemd:
        return ["the lockdown needs systemd, whose timers undo it: this host has none"]
    errors = ["%s is missing on this host: install the package %s" % (name, texts.PROGRAMS[name])
              for name in facts.of(Lockdown).missing]
    address = wanted.hop_address
    if facts.of(OwnSshd).trouble:
        errors.append("the host's own sshd does not say on which ports it listens (%s): mend its configuration first"
                      % facts.of(OwnSshd).trouble)
    if wanted.port in complete(wanted).ports:
        errors.append("port %d is to be the only way in, and the host's own sshd has it, too: take it out there"
                      % wanted.port)
    boot = facts.of(Engine).boot
    if boot.starts != "yes":
        words = boot.warning if boot.cure else boot.words
        errors.append("after a reboot the only way in would be silent: %s" % words)
    errors += _closed_to_strangers(wanted, facts.of(Found))
    exposed = penalized(facts.of(OwnSshd).settings, _LOOPBACK if address == "localhost" else (address,))
    if exposed:
        errors.append(
            "every hop comes from %s, and the host's own sshd shuts out addresses that fail (PerSourcePenalties), this "
            "one, too: write PerSourcePenaltyExemptList %s into a file in /etc/ssh/sshd_config.d, and reload sshd"
            % (" or ".join(exposed), ",".join(exposed))
        )
    return errors


def _closed_to_strangers(wanted: LockdownSpec, found: Found) -> List[str]:
    """Why the only way in may be closed by the host's firewalls, now or after the next boot."""
    asked = for_lockdown(wanted)
    closing = sorted({change.kind for change in firewalls.changes(asked, found) if change.opens})
    words = "port %d is to be the only way in, and %s closes it: deploy with oqs_ssh_firewall_backend: auto, or open it"
    errors = [words % (wanted.port, ", ".join(closing))] if closing else []
    return errors + firewalls.refusals(asked, found) + firewalls.unkept(asked, found)


def penalized(settings: Settings, addresses: Sequence[str]) -> List[str]:
    """The addresses that the host's own sshd (9.8 and later) may shut out."""
    if settings.get("persourcepenalties", ["no"])[0].split()[:1] in (["no"], []):
        return []
    exempt = ",".join(settings.get("persourcepenaltyexemptlist", [])).replace(" ", ",").split(",")
    return [address for address in addresses if not any(_covers(each, address) for each in exempt)]


def _covers(pattern: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return False  # none, or a form that is not known here


def _read(facts: Facts) -> Lockdown:
    wanted, container = facts.of(Spec).get(LockdownSpec), facts.of(Container)
    return Lockdown(
        state=state(wanted),
        missing=[name for name in texts.PROGRAMS if shutil.which(name) is None],
        token=(files.read_file(texts.TOKEN, root="/run") or b"").decode("ascii", "replace").strip(),
        through=bool(container.ours and container.pid and processes.comes_through(container.pid)),
    )


def _watched(facts: Facts) -> Watched:
    watch, ssh = files.read_file(texts.WATCH) or b"", facts.of(Spec).get(ServerSpec)
    ready = texts.parse(watch, ssh.user if ssh else "")
    wrong = ready and any(files.read_file(path) != text.encode() for path, text in texts.files(ready).items())
    return Watched(texts.watched(watch), ready if wrong else None)


def state(wanted: Optional[LockdownSpec]) -> str:
    """What is in force, in the words of the plan."""
    table, watch = has_table(), files.read_file(texts.WATCH)
    if unit("ActiveState", texts.UNDO + ".timer") == "active":
        return UNCONFIRMED
    if watch is None:
        left = [path for path in _paths() if files.stat_file(path) is not None]
        return OPEN if not table and not left else "damaged: the watch is gone"
    said = [line[2:] for line in watch.decode("utf-8", "replace").splitlines()[1:2]]
    wrong = _wrong(wanted) if wanted and wanted.state == "present" else []
    if not table:
        wrong.append("the rules are not loaded")
    for name in (texts.TIMER, texts.SERVICE):
        if unit("UnitFileState", name) != "enabled":
            wrong.append("%s is not enabled" % name)
    if unit("ActiveState", texts.TIMER) != "active":
        wrong.append("%s does not run" % texts.TIMER)
    return "%s%s" % (said[0] if said else "", "; damaged: " + ", ".join(wrong) if wrong else "")


def _wrong(wanted: LockdownSpec) -> List[str]:
    """Files that are not as wanted though the watch's own words are."""
    ready = texts.files(complete(wanted))
    first = (files.read_file(texts.WATCH) or b"").split(b"\n")[1:2]
    if first != ready[texts.WATCH].encode().split(b"\n")[1:2]:
        return []  # another spec, which the words say
    return ["%s differs" % path for path, text in ready.items() if files.read_file(path) != text.encode()]


def _paths() -> List[str]:
    units = [texts.SERVICE, texts.TIMER, texts.OPEN]
    return [texts.FOLDER] + ["%s/%s" % (texts.UNITS, name) for name in units]


def has_table() -> bool:
    """Whether the rules are loaded; without nft none can be.

    :raises CommandError: nft does not say.
    """
    if shutil.which("nft") is None:
        return False
    argv = ["nft", "list", "table", *texts.TABLE.split()]
    done = run(argv, check=False, timeout=10.0)
    if done.rc and not _NO_TABLE.search(done.err):
        raise CommandError(argv, done.reason, done)
    return done.rc == 0


def unit(what: str, name: str) -> str:
    """A property of a systemd unit; empty where there is no systemd.

    :raises CommandError: systemd does not say.
    """
    if not os.path.isdir("/run/systemd/system"):
        return ""
    return run(["systemctl", "show", "--property=" + what, "--value", name], timeout=10.0).text


def undo() -> None:
    """Open, and nothing of the lockdown is left. A ledger that is damaged or lost does not stand in the way."""
    run(["/bin/sh", "-c", texts.UNDOING], timeout=120.0)


def _close(wanted: LockdownSpec, host: Host) -> None:
    """The undo is armed first, and proved to be; then the rules are loaded. All of it is gone after a reboot."""
    host.ledger.record("lockdown", texts.FOLDER, host.facts.of(Lockdown).state, UNCONFIRMED)
    _ask(texts.files(complete(wanted))[texts.WATCH], "nothing was closed")
    if unit("ActiveState", texts.UNDO + ".timer") == "active":
        undo()  # an earlier run that nobody confirmed; its undo must not end ours
    run([
        "systemd-run", "--quiet", "--collect", "--unit=" + texts.UNDO,
        "--description=Opens ssh again unless the lockdown is confirmed",
        "--on-active=%ds" % texts.seconds(wanted.minutes), "--timer-property=AccuracySec=1s",
        "--property=Restart=on-failure", "--property=RestartSec=5s", "/bin/sh", "-c", texts.UNDOING,
    ])
    if unit("ActiveState", texts.UNDO + ".timer") != "active":
        raise LockdownError("nothing was closed: systemd does not run the timer that would undo it")
    os.makedirs(texts.RUN, mode=0o700, exist_ok=True)
    files.write_file(texts.TOKEN, secrets.token_hex(16).encode(), 0o600, root="/run")
    run(["nft", "-f", "-"], stdin=texts.rules(complete(wanted)).encode())


def _ask(watch: str, after: str) -> None:
    """What the watch will ask, once.

    :raises LockdownError: it would open the host; says why.
    """
    asked = run(["/bin/sh", "-s", "ask"], stdin=watch.encode(), check=False, timeout=120.0)
    if asked.rc != 0:
        raise LockdownError("%s: %s" % (after, asked.text.strip() or asked.reason))


def _renew(ready: Ready, host: Host) -> None:
    """The watch runs once before it is replaced, so that systemd does not ask for it meanwhile: a hash that does not
    fit would open the host for a moment.

    :raises LockdownError: the new one gets no answer where the present one does; that one stays.
    """
    host.ledger.record("lockdown", texts.FOLDER, "closed", "closed")
    written = texts.files(ready)
    asked = run(["/bin/sh", "-s", "ask"], stdin=written[texts.WATCH].encode(), check=False)
    if asked.rc != 0 and run(["/bin/sh", texts.WATCH, "ask"], check=False).rc == 0:
        words = "the new watch would open this host (%s), the present one does not, and stays; nothing was changed"
        raise LockdownError(words % asked.text.strip())
    run(["systemctl", "start", texts.SERVICE], timeout=120.0, check=False)
    _write_watch(written)
    run(["systemctl", "start", texts.SERVICE], timeout=120.0)


def _write_watch(written: Mapping[str, str]) -> None:
    for path, text in written.items():
        files.write_file(path, text.encode(), 0o644)
    run(["systemctl", "daemon-reload"])


def _confirm(wanted: LockdownSpec, host: Host) -> None:
    """Only what came through the container and knows the token confirms; then the watch takes over from the undo."""
    found, ready = host.facts.of(Lockdown), complete(wanted)
    host.ledger.record("lockdown", texts.FOLDER, found.state, texts.words(ready))
    if found.state != UNCONFIRMED or not found.token:
        raise LockdownError("there is nothing to confirm: the host has opened itself again meanwhile; run again")
    if not hmac.compare_digest(wanted.token, found.token):
        raise LockdownError("the confirmation is of another run: the host opens itself again")
    if not found.through:
        raise LockdownError("the confirmation did not come through the container: the host opens itself again")
    files.make_dir(texts.FOLDER, 0o755)
    _write_watch(texts.files(ready))
    _ask(texts.files(ready)[texts.WATCH], "the host opens itself again")
    run(["systemctl", "enable", "--quiet", texts.SERVICE, texts.TIMER])
    run(["systemctl", "start", texts.SERVICE], timeout=120.0)
    run(["systemctl", "restart", texts.TIMER])
    run(["systemctl", "stop", texts.UNDO + ".timer"])
    files.remove_file(texts.TOKEN, root="/run")


LOCKDOWN, WATCH = LockdownResource(), WatchResource()
