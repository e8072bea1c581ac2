# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The firewalls of the host: the port is opened in each that is active, last of all, and closed again."""

from __future__ import annotations

import os
from functools import partial
from typing import Mapping, Optional, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, processes
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import ABSENT
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.machine import Machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import State, WantedImage
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import (
    FirewallSpec,
    LockdownSpec,
    RemovalSpec,
    ServerSpec,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalld, firewalls, ways
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.backend import FirewallChange
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.firewalls import (
    BACKENDS,
    Backends,
    Found,
    Guest,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import ANYWHERE, Here
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import grammar
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import restore
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change, Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.restore import Named, Rows
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import proof


class NotServed(UserError):
    """The port is not opened, because nobody proved to serve there; the text says why."""


class FirewallResource(Resource):
    """Rules and files of every kind of firewall.

    :param backends: the kinds that there are.
    """

    part = "firewall"
    sections = {"firewall": "firewall"}
    spec = {"firewall": FirewallSpec}
    early = (Found,)

    def __init__(self, backends: Backends = BACKENDS) -> None:
        self.backends = backends
        self.ledger = firewalls.ledger(backends)
        self.readers = {Found: self._read, Guest: _guest}

    def _read(self, facts: Facts) -> Found:
        """Without root their programs fail, each in its own words; the plan has the word that helps."""
        spec = facts.of(Spec)
        lock = spec.get(LockdownSpec)
        locked = for_lockdown(lock) if lock and lock.state == "present" else None
        wanted = _closed(spec) or locked or spec.get(FirewallSpec)
        return firewalls.read(wanted, self.backends) if wanted and facts.of(Machine).root else Found({})

    def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
        """Open the port in each firewall that is active; an inactive one is never turned on."""
        wanted = spec.get(FirewallSpec)
        if not wanted or spec.get(RemovalSpec) is not None:
            return
        found = facts.of(Found)
        for problem in firewalls.refusals(wanted, found, self.backends):
            plan.refuse(problem)
        if wanted.state == "present":
            self._check_sources(wanted, spec, facts, plan)
            self._check_prover(wanted, facts, plan)
        for note in firewalls.notes(wanted, found, self.backends):
            plan.note(note)
        for change in firewalls.changes(wanted, found, self.backends):
            plan.add(_planned(change))

    def _check_sources(self, wanted: FirewallSpec, spec: Spec, facts: Facts, plan: Plan) -> None:
        ssh = spec.get(ServerSpec)
        coming = ssh.sources if ssh and ssh.state == "present" else None
        unknown = facts.of(WantedImage).image.unknown_keywords if coming is not None else ()
        words = firewalls.unenforced(wanted.sources, coming, facts.of(State).sshd_config, unknown)
        if words:
            plan.refuse(words)

    def _check_prover(self, wanted: FirewallSpec, facts: Facts, plan: Plan) -> None:
        if wanted.sources and wanted.prover.address:
            words, certain = firewalls.prover_left_out(wanted, facts.of(Guest), facts.of(Found), self.backends)
            if words:
                (plan.refuse if certain else plan.note)(words)

    def restore(self, facts: Facts, plan: Plan) -> None:
        """Our rules in every kind; files of firewalls become what they were, byte by byte, where nobody else has
        changed them since."""
        closed, named = _closed(facts.of(Spec)), facts.of(Named)
        for change in firewalls.changes(closed, facts.of(Found), self.backends) if closed else ():
            if change.path in named.files:
                change = _as_it_was(named, change)
            plan.add(_planned(change))
        _plan_zones(named, plan)


def _guest(_facts: Facts) -> Guest:
    """The interface decides which rules it meets; where that is not known, it may be any."""
    session = processes.session_end()
    address, here = map(grammar.plain_address, (session.address, session.here))
    found = [Here(each.interface, (here,)) for each in ways.ways() if here in each.addresses]
    return Guest(address, (found or ANYWHERE)[0], bool(address) and processes.is_own(session.address))


def _closed(spec: Spec) -> Optional[FirewallSpec]:
    """What a removal wants of firewalls; None where there is none."""
    removal = spec.get(RemovalSpec)
    return FirewallSpec("absent", "auto", [], removal.port, removal.container) if removal else None


def for_lockdown(wanted: LockdownSpec) -> FirewallSpec:
    """What a lockdown wants of every firewall of the host: that the only way in is open."""
    return FirewallSpec("present", "auto", wanted.sources, wanted.port, wanted.container)


def _planned(change: FirewallChange) -> Change:
    said = change.path or "the rules in %s (%s)" % (change.kind, change.name)
    return Change("firewall", change.kind, change.name, change.before, change.after, change.why,
                  act=partial(_carry_out, change), quick=True, said=said)


def _carry_out(change: FirewallChange, host: Host) -> None:
    """Rules in one firewall, opened only for a server that proved itself; or a file that it loads at boot."""
    if change.opens:
        _must_serve(host)
    if change.path:
        _write(change.path, change.content, host)
        return
    host.ledger.record(change.kind, change.name, change.before, change.after)
    for path in change.owned_files:  # its own program writes them
        host.ledger.record("file", path, host.ledger.keep(path), "by %s" % change.kind)
    for command in change.commands:
        run(command.argv, stdin=command.stdin)


def _write(path: str, content: Optional[bytes], host: Host) -> None:
    if content is None:
        host.ledger.remove(path)
        return
    host.ledger.make_dir(os.path.dirname(path), 0o755)
    found = files.stat_file(path)
    host.ledger.write(path, content, found.st_mode & 0o7777 if found else 0o644)


def _must_serve(host: Host) -> None:
    firewall = host.spec.of(FirewallSpec)
    found = proof.of_own(firewall.container, firewall.port)
    if not found.ok:
        words = "the firewall stays closed: the handshake with the container failed (%s)"
        raise NotServed(words % (found.error or "no answer"))


def _as_it_was(named: Named, change: FirewallChange) -> FirewallChange:
    """The change of a file to what it was before this collection came, where that is possible."""
    now = named.files[change.path]
    if is_zone(change.path):
        untouched, before = zone_back(named.rows, change.path, now, named.kept)
    else:
        back = restore.file_back(named.rows, change.path, now, named.kept)
        untouched, before = back.untouched, back.before
    return change._replace(after=restore.text(before), content=before) if untouched else change


def _plan_zones(named: Named, plan: Plan) -> None:
    """Files that firewalld has written because of our rules, and copies of the ones before."""
    planned = {each.name for each in plan.changes}
    for path, data in named.files.items():
        if not is_zone(path) or path in planned:
            continue
        possible, before = zone_back(named.rows, path, data, named.kept)
        # a copy that is not there yet comes into being when our rules go
        zone = "zone %s" % os.path.basename(path).partition(".")[0]
        coming = path.endswith(".old") and data is None and zone in planned
        if coming:
            before = named.kept.get(restore.was(named.rows, "file", path) or "")
        if possible or coming:
            after = ABSENT if before is None else "as it was"
            plan.add(Change("firewall", "zone_file", path, "written by firewalld", after, "our rules were its reason",
                            act=partial(restore.put_back, path, before), said=path))


def is_zone(path: str) -> bool:
    """Whether it is a file that firewalld writes by itself."""
    return path.startswith(firewalld.ZONE_DIRS[0] + "/")


def zone_back(
    rows: Rows, path: str, data: Optional[bytes], kept: Mapping[str, Optional[bytes]]
) -> Tuple[bool, Optional[bytes]]:
    """Whether a file of firewalld's may be made what it was, and what that is (None: it goes).

    firewalld writes a zone anew with every change, in its own form, so that what it says counts.

    :param data: what it is now.
    """
    oldest = restore.was(rows, "file", path)
    before = kept.get(oldest) if oldest else None
    if data is None or (oldest and before is None):
        return False, None
    if path.endswith(".old"):
        return data != before, before
    default = files.read_file("%s/%s" % (firewalld.ZONE_DIRS[1], os.path.basename(path)))
    reference = before if before is not None else default
    same = reference is not None and firewalld.same_zone(data, reference)
    return same and data != before, before


FIREWALL = FirewallResource()
