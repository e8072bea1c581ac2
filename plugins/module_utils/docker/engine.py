# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Docker engine of a host: is there one, whose is it, does it run, is it one that we can use?"""

from __future__ import annotations

import json
import os
import shutil
from typing import Callable, List, NamedTuple, Tuple, TypeVar

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli

T = TypeVar("T")
DAEMON_JSON = "/etc/docker/daemon.json"
#: Where a unit or script that starts the engine may lie.
_SERVICES = tuple(folder + "/docker.service" for folder in (
    "/etc/systemd/system", "/usr/local/lib/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system",
)) + ("/etc/init.d/docker",)


class Engine(NamedTuple):
    """What is known of the engine.

    ``program`` is the command line (empty: none), ``kind`` docker, podman or snap; ``security`` names the Linux
    security modules that the engine uses; ``service``: something starts one; ``owner`` is the package of a command line
    without an engine.
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

    @property
    def usable(self) -> bool:
        """Whether it is worth asking the engine anything more; the plan refuses the others by name."""
        return self.running and self.kind == "docker" and not self.rootless and not self.userns


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
    program = cli.program()
    info = cli.engine() if program else None
    found = Engine(program or "", info is not None, daemon_json=os.path.exists(DAEMON_JSON))
    if info:
        names = _names(info.get("SecurityOptions") or [])
        return found._replace(
            version=str(info["ServerVersion"]),
            kind=_kind(str(info.get("DockerRootDir") or "")),
            rootless="rootless" in names,
            userns="userns" in names,
            security=tuple(name for name in names if name in ("selinux", "apparmor")),
            live_restore=bool(info.get("LiveRestoreEnabled")),
        )
    if program:
        service = any(os.path.exists(path) for path in _SERVICES)
        return found._replace(
            kind=_kind_of_program(program),
            service=service,
            userns=_remaps(files.read_file(DAEMON_JSON) or b""),
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
    try:
        said = run([program, "--version"], check=False, timeout=10.0)
    except CommandError:
        return "docker"
    return "podman" if b"podman" in (said.out + said.err).lower() else "docker"


def _remaps(data: bytes) -> bool:
    """Whether an engine that is not running would remap user ids, by its configuration."""
    try:
        settings = json.loads(data.decode("utf-8", "replace") or "{}")
    except ValueError:
        return False  # Docker itself will say so
    return isinstance(settings, dict) and bool(settings.get("userns-remap"))


def _owner(program: str) -> str:
    """The Debian package of a program; empty: of none, or unknown."""
    asker = shutil.which("dpkg-query")
    if not asker:
        return ""
    try:
        said = run([asker, "-S", program], check=False, timeout=10.0).text
    except CommandError:
        return ""
    return said.split(":", 1)[0].strip() if ":" in said else "no package"
