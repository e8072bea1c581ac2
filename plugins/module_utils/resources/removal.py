# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a removal needs besides what each resource restores: whether it may begin, what is known, files and folders of
nobody's in particular, and the ledger, which goes last.

Every change follows from the ledger and from what is there now, so that a removal that was cut short goes on where it
ended, and one after the last has nothing to do.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Dict, List, NamedTuple, Optional, Set

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import file_modes, files, paths, processes, trees
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import ABSENT
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.file_modes import Ownership
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import content
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import RemovalSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.inventory import Inventory
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import restore
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import Written
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change, Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.restore import CAME, Named, few
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import engine, state
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.lockdown import OPEN, Lockdown


class Inside(NamedTuple):
    """Whether this run's own connection may come through the container."""

    inside: bool = False


class BeginResource(Resource):
    """Planned first: may it begin, and what is known."""

    sections = {"removal": "removal"}
    spec = {"removal": RemovalSpec}

    def __init__(self) -> None:
        self.readers = {Named: _read, Inside: _inside}

    def restore(self, facts: Facts, plan: Plan) -> None:
        """Refusals."""
        found = facts.of(Inventory)
        if facts.of(Inside).inside and any(row.ours for row in found.containers.values()):
            plan.refuse(
                "this run's own connection comes through the container that it would remove: connect to the host's own "
                "sshd directly (ansible_port, no ProxyJump through the container)%s" % (
                    "" if facts.of(Lockdown).state == OPEN
                    else "; it is locked down: open it first (playbook lockdown with oqs_ssh_lockdown: false)")
            )
        if found.asleep:
            plan.refuse(
                "the container cannot be removed while Docker does not answer: systemctl start docker, run again"
            )


class KnownResource(Resource):
    """Says what is known; when it does, only what carries our mark is planned, and no file."""

    def restore(self, facts: Facts, plan: Plan) -> None:
        """Without a ledger only what carries our mark is certain to be ours."""
        named, removal = facts.of(Named), facts.of(Spec).get(RemovalSpec)
        if named.cut:
            plan.note(
                "the ledger's end is cut off: what was written there is not known; what it still names goes, and the "
                "container, rules and lines that carry our mark"
            )
        if named.rows:
            return
        left = [path for path, row in named.folders.items() if row and path != paths.PARTS_DIR and (
            path != paths.STATE_DIR or os.path.basename(paths.PRIVATE_DIR) in row.names)]  # else it is somebody's
        ours = [name for name, row in facts.of(Inventory).containers.items() if row.ours]
        if not left and not ours and not plan.changes:
            return
        where = ", ".join(left)
        plan.note(
            "there is no ledger on this host: only the container, rules and lines that carry our mark go%s%s" % (
                "; left: %s (the keys are in there: remove by hand what you do not need)" % where if left else "",
                "" if removal and removal.hop_users else "; accounts with our line in authorized_keys are not known: "
                "name them in oqs_ssh_hop_users",
            )
        )


class FoldersResource(Resource):
    """The folders of the state, except what others have put there."""

    def restore(self, facts: Facts, plan: Plan) -> None:
        """All that lies in them but that."""
        named = facts.of(Named)
        for path in paths.REMOVED if named.rows else ():
            if path != paths.PARTS_DIR:
                _plan_folder(path, named, "removal", CAME, plan)


def plan_gone(facts: Facts, plan: Plan) -> None:
    """The folders go with the container, and all of ours that is in them."""
    for path in paths.REMOVED:
        _plan_folder(path, facts.of(Named), "container", "oqs_ssh_state is absent", plan)


class RestResource(Resource):
    """Planned last: what is nobody's in particular, and the ledger."""

    def restore(self, facts: Facts, plan: Plan) -> None:
        """Files and empty folders outside of the state; the ledger when nothing else is left."""
        named = facts.of(Named)
        if not named.rows:
            return
        restore.files_back(named, plan, lambda path: not path.startswith(("/etc/docker/", "/etc/firewalld/")))
        going = {each.name for each in plan.changes if each.gone}
        for path in restore.names(named.rows, "folder"):
            row = named.folders.get(path)
            if restore.is_state(path) or path in engine.FOLDERS or not row:
                continue
            if all("%s/%s" % (path, name) in going for name in row.names):
                plan.add(Change("removal", "empty_folder", path, str(row.owner), ABSENT, CAME,
                                act=partial(restore.remove_empty, path), said=path))
            else:
                plan.note("%s stays: others have put something there" % path)
        for path in trees.mounts(paths.STATE_DIR) + trees.mounts(paths.VAR_DIR):
            plan.note("%s is left, empty: a mount point" % path)
        if os.path.isdir(paths.VAR_DIR):
            plan.add(Change("removal", "ledger_gone", paths.VAR_DIR, "there", ABSENT,
                            "nothing is left to be taken back", act=_remove_ledger,
                            said="the ledger (%s)" % paths.VAR_DIR))


def _plan_folder(path: str, named: Named, section: str, why: str, plan: Plan) -> None:
    """A folder goes; one that somebody made, or put something into, is only rid of what is ours."""
    row = named.folders.get(path)
    if not row:
        return
    first = restore.first(named.rows, "folder", path)
    ours = path != paths.STATE_DIR or bool(first and first.before is None)
    strangers, back = (_strangers(named), _given_back(named)) if path == paths.STATE_DIR else ([], {})
    if ours and not strangers and not back:
        plan.add(Change(section, "folder_gone", path, str(row.owner), ABSENT, why, act=partial(_remove, path),
                        said=path))
        return
    plan.note("%s stays%s%s" % (
        path, "" if ours else ": it was there before",
        " with what others have put there: %s" % few([*back, *strangers]) if back or strangers else ""))
    if not {"%s/%s" % (path, name) for name in row.names} <= {*strangers, *back}:
        owner = file_modes.parse(first.before) if first else None
        plan.add(Change(section, "folder_emptied", path, str(row.owner), "only what others have put there", why,
                        act=partial(_empty, path, [*strangers, *back], owner), said="ours in " + path))
    for name, data in back.items():
        plan.add(Change(section, "file_back", name, restore.text(files.read_file(name)), restore.text(data), why,
                        act=partial(restore.put_back, name, data), said=name))


def _strangers(named: Named) -> List[str]:
    """Files in the folder of configurations that this collection did not put there."""
    ours = (paths.PRIVATE_DIR, *paths.EARLIER)
    known = {*content.owned_files(0), *restore.names(named.rows, "file"), *ours}
    there = ["%s/%s" % (paths.STATE_DIR, name) for name in files.list_dir(paths.STATE_DIR)]
    return [path for path in there if path not in known and not os.path.basename(path).startswith(files.TEMPORARY)]


def _given_back(named: Named) -> Dict[str, bytes]:
    """Files of somebody's in the place of our configurations, as they were; never what is secret."""
    found = {}
    for path in content.owned_files(0):
        data = named.kept.get(restore.was(named.rows, "file", path) or "")
        if data is not None and os.path.dirname(path) == paths.STATE_DIR:
            found[path] = data
    return found


def _remove(path: str, host: Host) -> None:
    """A folder of the state goes, with what is in it."""
    host.ledger.record("folder", path, "there", None)
    trees.remove(path)


def _empty(path: str, kept: List[str], owner: Optional[Ownership], _host: Host) -> None:
    """What is ours in a folder where others have put something, too; it gets back the mode that they gave it."""
    for name in files.list_dir(path):
        inner = "%s/%s" % (path, name)
        if inner not in kept:
            trees.remove(inner)
    if owner:
        files.make_dir(path, owner.mode, owner.uid, owner.gid)


def _read(facts: Facts) -> Named:
    written = facts.of(Written)
    return restore.read(written.rows, written.cut, paths.REMOVED)


def _inside(facts: Facts) -> Inside:
    removal = facts.of(Spec).get(RemovalSpec)
    return Inside(_comes_from_here({removal.port if removal else 0, state.port_before()}))


def _comes_from_here(ports: Set[int]) -> bool:
    """Whether this run's own connection may come through the container: from an address of the host itself, while
    somebody is connected to the container's port, which is what its configuration says, whatever the inventory does."""
    client = processes.session_end().address
    return bool(client) and any(map(processes.connected, ports)) and processes.is_own(client)


def _remove_ledger(_host: Host) -> None:
    """The ledger's folder, the ledger itself last: until then a run that is cut short can be run again."""
    for name in files.list_dir(paths.VAR_DIR):
        if name != "ledger":
            trees.remove("%s/%s" % (paths.VAR_DIR, name))
    for name in files.list_dir(paths.LEDGER_DIR):
        if "%s/%s" % (paths.LEDGER_DIR, name) != paths.LEDGER:
            trees.remove("%s/%s" % (paths.LEDGER_DIR, name))
    trees.remove(paths.VAR_DIR)


BEGIN, KNOWN, FOLDERS, REST = BeginResource(), KnownResource(), FoldersResource(), RestResource()
