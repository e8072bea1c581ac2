# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Docker engine: brought only where there is none, and taken away again only where nobody else uses it."""

from __future__ import annotations

import contextlib
import grp
import json
import os
import shutil
from functools import partial
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import file_modes, files, paths, trees
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import answer, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import ABSENT
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.file_modes import Ownership
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.machine import Machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import EngineSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, engine, packages, platforms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.engine import DAEMON_JSON, Engine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.inventory import Inventory
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import restore
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import Written
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change, Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.restore import CAME, Folder, Named, few
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import lockdown

#: How Docker is configured before its first start, when it is this collection that brings it: the host's network and
#: forwarding stay as they were, containers outlive a restart of the engine, logs are bounded.
DAEMON_SETTINGS = {
    "bridge": "none",
    "iptables": False,
    "ip6tables": False,
    "ip-forward": False,
    "ip-masq": False,
    "live-restore": True,
    "log-driver": "local",
    "log-opts": {"max-size": "10m", "max-file": "3"},
}
#: What comes into being with an engine that packages bring, and does not go with them.
FOLDERS = (
    "/etc/docker", "/etc/containerd", "/etc/cni", "/opt/containerd", "/var/lib/docker", "/var/lib/containerd",
    "/root/.docker", "/run/docker", "/run/containerd",
)
GROUP = "docker"
#: Files that packages of the engine bring without asking, or that the engine makes for itself.
PACKAGED = ("/etc/containerd/config.toml", "/etc/docker/key.json")
#: How the ledger calls packages that came along with those that were asked for.
ALONG = "installed, came along"
#: The packages of the host before ours were installed; kept until the difference is written down.
_BEFORE = paths.LEDGER_DIR + "/packages-before"
#: Sockets and marks that an engine leaves beside its folder for them.
_RUNTIME = {"/run/docker": ("/run/docker.sock", "/run/docker.pid")}
#: Packages whose command line belongs to the engine that would be installed.
_FITTING = ("", "docker.io", "docker-cli", "moby-cli")


class Left(NamedTuple):
    """What there is of an engine that we brought: packages that are there, and which of them must stay and for whom;
    members of groups (None: no such group); services in systemd's words; whether some engine is left on the disk."""

    packages: Sequence[str] = ()
    staying: Mapping[str, str] = {}
    groups: Mapping[str, Optional[Sequence[str]]] = {}
    services: Mapping[str, str] = {}
    dockerd: bool = False


class EngineResource(Resource):
    """Packages, their settings before the first start, and the service."""

    part = "engine"
    sections = {"engine": "Docker"}
    spec = {"engine": EngineSpec}
    ledger = {
        "folder": r"/etc/(docker|containerd|cni)|/var/lib/(docker|containerd)|/opt/containerd|/root/\.docker"
        r"|/run/(docker|containerd)",
        "file": r"/etc/docker/daemon\.json",
        "package": r"[A-Za-z0-9][A-Za-z0-9+._-]{0,127}",
        "service": r"(docker|containerd)(\.service|\.socket)?",
        "group": r"docker",
    }

    def __init__(self) -> None:
        self.readers = {Engine: _read, Left: _read_left}

    def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
        """A Docker engine, only where there is none; an existing one is never replaced or reconfigured."""
        wanted, found = spec.get(EngineSpec), facts.of(Engine)
        if not wanted or wanted.state == "absent" or refused(found, plan):
            return
        if found.running:
            if found.boot.enable and _started_by_us(facts):
                plan.add(Change("engine", "service", "docker", "running, not enabled", "running, enabled",
                                "the container must come back after a reboot"))
            else:
                remark(found, plan)
            return
        if not (found.program and found.service) and not self._install(facts.of(Machine), found, plan):
            return
        plan.add(Change("engine", "service", "docker", "stopped", "running, enabled", "no Docker engine answers"))

    def _install(self, machine: Machine, found: Engine, plan: Plan) -> bool:
        names = platforms.docker_packages(machine)
        if found.owner not in _FITTING:
            plan.refuse(
                "the command docker is here (%s, of %s), but no engine and no service that starts one: install or "
                "start the engine that belongs to it, or remove the command, then run again"
                % (found.program, found.owner)
            )
            return False
        if not names:
            plan.refuse(platforms.no_docker(machine))
            return False
        if not found.daemon_json:
            why = "before Docker's first start"
            plan.add(Change("engine", "daemon_settings", "", ABSENT, daemon_json(), why, act=write_settings))
        words = " ".join(names)
        plan.add(Change("engine", "packages", "", ABSENT, words, "no Docker engine here", values=tuple(names)))
        return True

    def announce(self, host: Host, changes: Sequence[Change]) -> None:
        """Packages and services are about to be changed by modules of ansible-core; or they have been."""
        names = [name for each in changes if each.kind == "packages" for name in each.values]
        if names:
            _before_packages(host, names)
        else:
            _after_packages(host)
        for each in changes:
            if each.kind == "service":
                host.ledger.record("service", each.name, each.before, each.after)
                if host.facts.of(Machine).systemd:
                    _before_service(host, each.name)

    def restore(self, facts: Facts, plan: Plan) -> None:
        """Packages, settings and what the engine leaves behind, unless others use it by now."""
        named = facts.of(Named)
        if not named.rows:
            return
        goes = self._restore_packages(facts, plan)
        if not facts.of(Left).packages:
            self._restore_services(facts, plan)
        if goes:
            restore.files_back(named, plan, lambda path: path.startswith("/etc/docker/"))
            self._restore_folders(named, facts.of(Left), plan)

    def _restore_packages(self, facts: Facts, plan: Plan) -> bool:
        """Whether no engine will be left that is none of ours."""
        left, found = facts.of(Left), facts.of(Inventory)
        if not left.packages:
            return not (left.dockerd or found.answers)
        if found.others:
            plan.note("Docker stays, with its settings: others use it: %s" % few(found.others))
            return False
        for name in sorted(set(left.packages) & set(left.staying)):
            plan.note("the package %s stays: needed by %s" % (name, left.staying[name]))
        going = [name for name in left.packages if name not in left.staying]
        if going:
            words = " ".join(going)
            plan.add(Change("removal", "packages_gone", "", words, ABSENT, CAME, said="packages (%s)" % words,
                            act=lambda _host: packages.purge(going)))
        return going == list(left.packages)

    def _restore_services(self, facts: Facts, plan: Plan) -> None:
        """An engine that was there, but not running: as it was, unless others use it by now."""
        rows = facts.of(Named).rows
        for name, now in facts.of(Left).services.items():
            before = restore.was(rows, "service", name)
            if before is None or now == before or not now or len(before.split()) < 2:
                continue
            if any(not each.ours and each.status == "running" for each in facts.of(Inventory).containers.values()):
                plan.note("%s stays as it is: containers of others run" % name)
                continue
            active, enabled = before.split()[:2]
            plan.add(Change("removal", "service_back", name, now, before, "as it was found",
                            act=partial(_service_back, name, active, enabled), said="%s as it was" % name))

    def _restore_folders(self, named: Named, left: Left, plan: Plan) -> None:
        """What the engine's packages leave behind."""
        going = {each.name for each in plan.changes if each.gone}
        for path in restore.named(named.rows, "folder", "of the engine"):
            before, now = restore.was(named.rows, "folder", path), named.folders.get(path)
            strange = [each for each in now.files if each not in going and each not in PACKAGED] if now else []
            owner = file_modes.parse(before)
            if strange and path.startswith("/etc/"):
                plan.note("%s stays: others have put %s there" % (path, few(strange)))
            elif before is None and now:
                plan.add(_folder_change(path, now, None))
            elif owner is not None and now and (now.names or now.owner != owner):
                plan.add(_folder_change(path, now, owner))
        for name, members in left.groups.items():
            if restore.was(named.rows, "group", name) is None and members is not None:
                if members:
                    plan.note("the group %s stays: somebody put %s into it" % (name, few(members)))
                else:
                    plan.add(Change("removal", "group_gone", name, "there", ABSENT, CAME,
                                    act=partial(_group_gone, name), said="the group %s" % name))


def daemon_json() -> str:
    """The content of daemon.json for an engine that we install."""
    return json.dumps(DAEMON_SETTINGS, indent=2, sort_keys=True) + "\n"


def refused(found: Engine, plan: Plan) -> bool:
    """Engines that a host-network container with root inside cannot live on are refused by name, with what to do."""
    if found.unfit:
        plan.refuse(found.unfit)
    return bool(found.unfit)


def remark(found: Engine, plan: Plan) -> None:
    """An engine that may not start with the host is named: it is not reconfigured, and the container stays with it."""
    if found.usable and found.boot.starts != engine.YES:
        plan.note(found.boot.warning)


def write_settings(host: Host) -> None:
    """Docker's settings before its first start."""
    host.ledger.make_dir(os.path.dirname(DAEMON_JSON), 0o755)
    host.ledger.write(DAEMON_JSON, daemon_json().encode(), 0o644)


def _started_by_us(facts: Facts) -> bool:
    """Whether it is this collection that has enabled it before."""
    return "docker" in restore.names(facts.of(Written).rows, "service")


def came_along(named_packages: Sequence[str]) -> List[str]:
    """Packages that came with ours and are not written down yet.

    :param named_packages: those that are.
    """
    data = files.read_file(_BEFORE)
    if data is None:
        return []
    known = set(data.decode("utf-8", "replace").splitlines()) | set(named_packages)
    return [name for name in packages.installed() if name not in known]


def _before_packages(host: Host, names: Sequence[str]) -> None:
    """Packages are about to be installed: remember which were there, and what of theirs would outlive them."""
    for name in names:
        host.ledger.record("package", name, None, "installed")
    if files.stat_file(_BEFORE) is not None:
        return  # a run was cut short meanwhile: what it found still counts
    for path in FOLDERS:
        found = file_modes.of(path)
        if found is None:
            host.ledger.record("folder", path, None, "of the engine")
        elif not os.listdir(path):
            host.ledger.record("folder", path, str(found), "of the engine")
    if _members(GROUP) is None:
        host.ledger.record("group", GROUP, None, "of the packages")
    files.write_file(_BEFORE, "\n".join(packages.installed()).encode(), 0o600)


def _after_packages(host: Host) -> None:
    """Packages have been installed: write down those that came along."""
    for name in came_along([row.name for row in host.ledger.read().rows if row.kind == "package"]):
        host.ledger.record("package", name, None, ALONG)
    if not host.ledger.closed:
        files.remove_file(_BEFORE)


def _before_service(host: Host, name: str) -> None:
    """A service is about to be started and enabled: remember what its units were."""
    for unit in (name + ".service", name + ".socket"):
        host.ledger.record("service", unit, _unit(unit), "active enabled")


def _unit(name: str) -> str:
    """What a unit is and what it is at boot, in systemd's words; one word where there is no such unit.

    :raises CommandError: systemd does not say.
    """
    said = answer(["systemctl", "show", "--property=ActiveState,UnitFileState", "--value", name])
    return " ".join(said.split())


def _members(name: str) -> Optional[List[str]]:
    with contextlib.suppress(KeyError):
        return list(grp.getgrnam(name).gr_mem)
    return None


def _read(facts: Facts) -> Engine:
    try:
        return engine.read()
    except UserError:
        if lockdown.opens_only(facts.of(Spec)):
            return Engine()  # no engine stands in the way of an open host
        raise


def _read_left(facts: Facts) -> Left:
    rows = facts.of(Written).rows
    along = came_along(restore.names(rows, "package"))
    ours = restore.names(rows, "package") + along
    there, staying = packages.staying(ours, restore.named(rows, "package", ALONG) + along)
    groups: Dict[str, Optional[Sequence[str]]] = {name: _members(name) for name in restore.names(rows, "group")}
    services = {name: _unit(name) for name in restore.names(rows, "service") if "." in name}
    return Left(there, staying, groups, services, shutil.which("dockerd") is not None)


def _folder_change(path: str, now: Folder, before: Optional[Ownership]) -> Change:
    after = ABSENT if before is None else "empty, mode %s" % str(before)
    act = partial(_folder_back, path, before)
    return Change("removal", "engine_folder", path, str(now.owner), after, CAME, act=act, said=path)


def _folder_back(path: str, before: Optional[Ownership], _host: Host) -> None:
    """What an engine leaves behind that was ours."""
    _unmount_below(path)
    if before is None:
        for each in (path, *_RUNTIME.get(path, ())):
            trees.remove(each)
        return
    for name in files.list_dir(path):
        trees.remove("%s/%s" % (path, name))
    files.make_dir(path, before.mode, before.uid, before.gid)


def _unmount_below(path: str) -> None:
    """Mounts that an engine forgets when it ends, as that of the host's own network in /run/docker/netns."""
    data = files.read_file("/proc/self/mounts", root="/proc/self") or b""
    points = [line.split()[1].decode("ascii", "replace") for line in data.splitlines()]  # fstab(5) writes octal escapes
    for point in reversed([each for each in points if each.startswith(path + "/")]):
        run(["umount", point])


def _group_gone(name: str, _host: Host) -> None:
    run(["groupdel", name])


def _service_back(name: str, active: str, enabled: str, _host: Host) -> None:
    """A service runs, and is started at boot, as it was found."""
    if enabled in ("enabled", "disabled"):
        run(["systemctl", "enable" if enabled == "enabled" else "disable", "--quiet", name])
    if active in ("active", "inactive"):
        run(["systemctl", "start" if active == "active" else "stop", name], timeout=cli.WORK)


ENGINE = EngineResource()
