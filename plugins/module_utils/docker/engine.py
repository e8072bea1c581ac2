# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Docker engine of a host: is there one, whose is it, does it run, is it one that we can use?"""

from __future__ import annotations

import glob
import json
import os
import shutil
from typing import Callable, Dict, List, Mapping, NamedTuple, Sequence, Tuple, TypeVar

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli

T = TypeVar("T")
DAEMON_JSON = "/etc/docker/daemon.json"
_PID, _SYSTEMD = "/run/docker.pid", "/run/systemd/system"
#: Where a unit or script that starts the engine may lie.
_UNITS = tuple(folder + "/docker.service" for folder in (
    "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/lib/systemd/system",
    "/usr/lib/systemd/system",
))
_SERVICES = (*_UNITS, "/etc/init.d/docker")


#: Targets that systemd reaches at each start (bootup(7)); what another unit wants may be started by hand.
_BOOT = {"basic.target", "sysinit.target", "multi-user.target", "graphical.target", "default.target"}
_ENABLED = "run it as a service that is enabled, such as docker.service"
#: What systemd calls a unit that nothing starts, and what to do; ``%s`` is the unit.
_NOT_STARTED = {
    "disabled": ("%s is not enabled", "systemctl enable %s"),
    "enabled-runtime": ("%s is enabled until the next start only", "systemctl enable %s"),
    "masked": ("%s is masked", "systemctl unmask %s, then systemctl enable %s"),
    "masked-runtime": ("%s is masked", "systemctl unmask %s, then systemctl enable %s"),
    "": ("no unit of systemd starts it", _ENABLED),
}
_NOT_WANTED = ("%s is %s, and no target wants it", "systemctl add-wants multi-user.target %s")
#: What of a unit tells whether it starts with the host.
_PROPERTIES = ("Id", "MainPID", "UnitFileState", "WantedBy", "RequiredBy", "Requires")
YES, NO, UNKNOWN = "yes", "no", "unknown"
_REPAIRED = "take the mistake out of it"
_BROKEN = "Docker is stopped, and does not start with the %s that is there: it is %s: take the mistake out of it"
_MASKED = "Docker is stopped, and its service is masked (%s): if it may run here: systemctl unmask docker, then again"
_PODMAN = (
    "what answers to the command docker here is Podman, and the container needs a Docker engine: remove podman-docker "
    "(Podman itself may stay) and run again, Docker is then installed beside it; or use another host"
)
_SNAP = (
    "Docker is a snap here, which sees no files outside of home folders: remove it (snap remove docker) and run again, "
    "the distribution's own is then installed; or use another host"
)
_ROOTLESS = (
    "the Docker engine that answers here runs rootless, so that its host network is not the host's: start the system's "
    "own engine (systemctl enable --now docker) and have root's docker use it (docker context use default)"
)
_USERNS = (
    "the Docker engine remaps user ids (userns-remap), and refuses host networking for that: take userns-remap out of "
    "/etc/docker/daemon.json and restart Docker, if what runs there allows it; or use another host"
)


class Boot(NamedTuple):
    """Whether the engine starts with the host, and the containers with it: ``starts`` is yes, no or unknown. Unless
    yes: why, and what to do. ``enable``: enabling its own service is all that is missing."""

    starts: str = UNKNOWN
    why: str = "no engine runs that could be asked about"
    cure: str = ""
    enable: bool = False

    @property
    def words(self) -> str:
        """For a person: ``yes``, or the answer with the reason."""
        return self.starts if self.starts == YES else "%s: %s" % (self.starts, self.why)

    @property
    def warning(self) -> str:
        """For a person whose container lives on this engine, unless the answer is yes."""
        return "Docker %s start with the host, and then the container does not, either: %s; to change that: %s" % (
            "does not" if self.starts == NO else "may not", self.why, self.cure)


class Engine(NamedTuple):
    """What is known of the engine.

    ``program`` is the command line (empty: none), ``kind`` docker, podman or snap; ``security`` names the Linux
    security modules that the engine uses; ``service``: something starts one; ``owner`` is the package of a command line
    without an engine; ``stuck``: why a stopped one cannot be started, and what to do;
    ``boot``: what becomes of it, and of the containers, when the host starts again.
    """

    program: str = ""
    running: bool = False
    kind: str = "docker"
    version: str = ""
    daemon_json: bool = False
    security: Tuple[str, ...] = ()
    rootless: bool = False
    userns: bool = False
    live_restore: bool = False
    service: bool = False
    owner: str = ""
    stuck: str = ""
    boot: Boot = Boot()

    @property
    def usable(self) -> bool:
        """Whether it is worth asking the engine anything more; the plan refuses the others by name."""
        return self.running and not self.unfit

    @property
    def unfit(self) -> str:
        """Why a host-network container with root inside cannot live on it, and what to do; empty: it can."""
        if self.kind in ("podman", "snap"):
            return _PODMAN if self.kind == "podman" else _SNAP
        if self.rootless or self.userns:
            return _ROOTLESS if self.rootless else _USERNS
        return self.stuck


def asked(engine: Callable[[], Engine], ask: Callable[[], T], otherwise: T) -> T:
    """Ask an engine before it is known whether it is of use, since each answer takes its program long. What one says
    that is of no use does not count, nor does its refusal to answer.

    :param engine: waits until it is known.
    :raises DockerError: one that is of use does not answer.
    """
    if not cli.program():
        return otherwise
    try:
        answer = ask()
    except cli.DockerError:
        if engine().usable:
            raise
        return otherwise
    return answer if engine().usable else otherwise


def read() -> Engine:
    """What is known of the engine."""
    program, info = cli.program(), None
    found = Engine(program or "", daemon_json=os.path.exists(DAEMON_JSON))
    try:
        info = cli.engine() if program else None
    except cli.DockerError:
        found = found._replace(kind=_kind_of_program(found.program))
        if found.kind == "docker":
            raise
        return found  # Podman, whose socket may lie in Docker's place
    if info:
        names = _names(info.get("SecurityOptions") or [])
        found = found._replace(
            running=True,
            version=str(info["ServerVersion"]),
            kind=_kind(str(info.get("DockerRootDir") or "")),
            rootless="rootless" in names,
            userns="userns" in names,
            security=tuple(name for name in names if name in ("selinux", "apparmor")),
            live_restore=bool(info.get("LiveRestoreEnabled")),
        )
        return found._replace(boot=boot()) if found.usable else found
    if program:
        service = any(os.path.exists(path) for path in _SERVICES)
        configured, broken = settings()
        masks = [path for path in _UNITS if os.path.realpath(path) == os.devnull]
        stuck = [_MASKED % path for path in masks] + ([_BROKEN % (DAEMON_JSON, broken)] if broken else [])
        return found._replace(
            kind=_kind_of_program(program),
            service=service,
            userns=bool(configured.get("userns-remap")),
            stuck="; ".join(stuck),
            owner="" if service else _owner(program),
        )
    return found


def _names(options: List[str]) -> List[str]:
    """The names in the engine's security options: ``name=seccomp,profile=default`` is seccomp."""
    parts = [part for option in options for part in option.split(",")]
    return [part[len("name="):] for part in parts if part.startswith("name=")]


def _kind(folder: str) -> str:
    """Whose engine keeps its data there."""
    if "/containers/storage" in folder:
        return "podman"  # its service answers in Docker's place
    return "snap" if folder.startswith("/var/snap/") else "docker"


def _kind_of_program(program: str) -> str:
    real = os.path.realpath(program)
    if program.startswith("/snap/") or real.startswith("/snap/") or os.path.basename(real) == "snap":
        return "snap"
    said = run([program, "--version"], timeout=10.0)
    words = (said.out + said.err).lower()
    kind = next((name for name in ("podman", "docker") if name.encode() in words), "")
    if not kind:
        raise CommandError([program, "--version"], "it does not say whether it is Docker's (%s): put the command line "
                           "of Docker there, or remove it, then run again" % said.reason, said)
    return kind


def settings() -> Tuple[Mapping[str, object], str]:
    """What the engine is configured to at its next start, and why that cannot be read; a link is followed."""
    data = files.read_file(os.path.realpath(DAEMON_JSON)) or b""
    try:
        found = json.loads(data.decode("utf-8", "replace").strip() or "{}")
    except ValueError as error:
        return {}, "no JSON (%s)" % error
    return (found, "") if isinstance(found, dict) else ({}, "no JSON object")


def _owner(program: str) -> str:
    """The package of a program; empty: unknown, because the package manager is another one.

    :raises CommandError: the package manager does not answer.
    """
    for asker, argv, none in (("dpkg-query", ["-S"], b"no path found"),
                              ("rpm", ["-qf", "--queryformat", "%{NAME}:\\n"], b"not owned by any package")):
        if shutil.which(asker):
            said = run([asker, *argv, program], check=False, timeout=10.0)
            if said.rc != 0 and none in said.out + said.err:
                return "no package"
            if said.rc != 0 or ":" not in said.text:
                raise CommandError([asker, *argv, program], said.reason, said)
            return said.text.split(":", 1)[0].strip()
    return ""


def boot() -> Boot:
    """Whether the engine that runs now starts with the host."""
    broken = settings()[1]
    if broken:
        return Boot(NO, "%s is by now %s" % (DAEMON_JSON, broken), _REPAIRED)
    pid = (files.read_file(_PID) or b"").decode("ascii", "replace").strip()
    if not os.path.isdir(_SYSTEMD):
        return _without_systemd()
    own = _unit_of(pid) if pid.isdigit() else ""
    try:
        said = _units(list(dict.fromkeys(["docker.service", "docker.socket", *([own] if own else [])])))
    except CommandError as error:
        return Boot(UNKNOWN, "systemd does not say what starts it (%s)" % error, "systemctl is-enabled docker")
    unit = said["docker.service"]
    if own and said[own]["MainPID"] == pid:
        unit = said[own]
    elif own and not unit["UnitFileState"]:
        return Boot(UNKNOWN, "it runs within %s, and what starts it there is not known" % own, _ENABLED)
    return judged(unit, said["docker.socket"])


def judged(unit: Mapping[str, str], socket: Mapping[str, str]) -> Boot:
    """What systemd's words (systemctl(1), is-enabled) about the engine's unit and its socket mean. Pure."""
    state, name = unit["UnitFileState"], unit["Id"]
    if socket["UnitFileState"].startswith("masked") and "docker.socket" in unit["Requires"].split():
        return Boot(NO, "docker.socket is masked, and %s requires it" % name, "systemctl unmask docker.socket")
    wanted = _BOOT & set((unit["WantedBy"] + " " + unit["RequiredBy"]).split())
    if state == "enabled" or (wanted and state not in _NOT_STARTED):
        return Boot(YES, "", "")
    if state == "bad":
        return Boot(UNKNOWN, "systemd cannot read %s" % name, "systemctl status %s" % name)
    words, cure = _NOT_STARTED.get(state, _NOT_WANTED)
    why = words.replace("%s", name, 1).replace("%s", state)
    if socket["UnitFileState"] == "enabled" and not state.startswith("masked"):
        why += "; docker.socket is, but it starts the engine only when somebody asks for it"
    return Boot(NO, why, cure.replace("%s", name), enable=state in ("disabled", "enabled-runtime"))


def _units(names: Sequence[str]) -> Dict[str, Dict[str, str]]:
    """Properties of units, each by the name that was asked for.

    :raises CommandError: systemd does not answer, or in another shape.
    """
    argv = ["systemctl", "show", "--property=" + ",".join(_PROPERTIES), *names]
    blocks = run(argv, timeout=10.0).text.split("\n\n")
    found = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in blocks]
    if len(found) != len(names) or any(not {"Id", "UnitFileState"} <= set(each) for each in found):
        raise CommandError(argv, "the answer is of another shape")
    return {name: {**dict.fromkeys(_PROPERTIES, ""), **each} for name, each in zip(names, found)}


def _unit_of(pid: str) -> str:
    """The service of systemd that a process is in (cgroups(7)); empty: none."""
    data = files.read_file("/proc/%s/cgroup" % pid, root="/proc") or b""
    for line in data.decode("utf-8", "replace").splitlines():
        number, controllers, path = (line.split(":", 2) + ["", ""])[:3]
        leaf = path.rpartition("/")[2]
        if (number == "0" or controllers == "name=systemd") and leaf.endswith(".service"):
            return leaf
    return ""


def _without_systemd() -> Boot:
    """OpenRC keeps a link in a folder a runlevel (rc-update(8)), sysvinit one that begins with S."""
    links = [glob.glob(each) for each in ("/etc/runlevels/*/docker", "/etc/rc[2345].d/S*docker")]
    if any(links):
        return Boot(YES, "", "")
    if not os.path.exists("/etc/init.d/docker"):
        return Boot(UNKNOWN, "what starts services on this host is not known", "see that Docker starts with the host")
    cure = "rc-update add docker default" if os.path.isdir("/etc/runlevels") else "update-rc.d docker defaults"
    return Boot(NO, "the service docker is in no runlevel", cure, enable=True)
