# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A container as the engine and /proc tell of it."""

from __future__ import annotations

from typing import FrozenSet, List, Mapping, NamedTuple, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths, processes
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, inspected

#: The hash of the arguments that it was made from; a container that carries it is ours.
LABEL = "org.quantumsafe.openssh.spec"
#: All that carry it, whatever their names.
MARKED = ("ps", "--all", "--no-trunc", "--filter", "label=" + LABEL, "--format", "{{.Names}}")


class Container(NamedTuple):
    """A container and its main process; false where there is none.

    ``holds``: paths of the host that are mounted. ``policy``: when the engine starts it again, which anybody can change
    without another container. ``stale`` names mounted paths that the container does not see any more as they are now;
    ``sockets`` are those of its sshd.
    """

    id: str = ""
    name: str = ""
    image: str = ""
    labels: Mapping[str, str] = {}
    running: bool = False
    status: str = "absent"
    pid: int = 0
    health: str = ""
    started: str = ""
    restarts: int = 0
    policy: str = ""
    holds: Tuple[str, ...] = ()
    stale: Tuple[str, ...] = ()
    sockets: FrozenSet[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.id)

    @property
    def ours(self) -> bool:
        """Whether this collection has made it."""
        return LABEL in self.labels

    @property
    def has_state(self) -> bool:
        """Whether it serves from this host's state; a copy that somebody made of it carries its label, too."""
        return any((path + "/").startswith((paths.STATE_DIR + "/", paths.VAR_DIR + "/")) for path in self.holds)


class Others(NamedTuple):
    """Containers of ours under other names than the wanted one: from before another name was wanted."""

    found: Tuple[Container, ...] = ()

    @property
    def same(self) -> Tuple[Container, ...]:
        """Those that serve from this host's state, as what an admin would go on with first: those that run."""
        return tuple(sorted((each for each in self.found if each.has_state), key=lambda each: not each.running))

    @property
    def foreign(self) -> List[str]:
        """Names of those that only carry the label."""
        return [each.name for each in self.found if not each.has_state]


def read(name: str) -> Container:
    """A container, by its name.

    :raises DockerError: the engine does not answer.
    """
    found = inspected.container(name)
    return parse(found) if found else Container()


def others(name: str) -> Others:
    """Containers of ours under other names.

    :raises DockerError: the engine does not answer.
    """
    names = [each for each in cli.docker(MARKED).text.split() if each != name]
    return Others(tuple(each for each in map(read, names) if each))  # one may go meanwhile


def parse(found: inspected.Container) -> Container:
    """What ``docker container inspect`` says, with what /proc says of the main process."""
    state = found.State
    result = Container(
        id=found.Id,
        name=found.Name.lstrip("/"),
        image=found.Image,
        labels=found.labels,
        running=state.Running and not state.Restarting and not state.Paused,
        status=state.Status,
        pid=state.Pid,
        health=state.Health.Status if state.Health else "",
        started=state.StartedAt,
        restarts=found.RestartCount,
        policy=found.HostConfig.RestartPolicy.Name,
    )
    mounts = [mount for mount in found.Mounts if mount.Type == "bind"]
    result = result._replace(holds=tuple(mount.Source for mount in mounts))
    if not result.pid:
        return result
    root = "/proc/%d/root" % result.pid
    binds = [(mount.Source, root + mount.Destination) for mount in mounts]
    stale = tuple(source for source, inside in binds if not _same(source, inside, root))
    return result._replace(stale=stale, sockets=frozenset(processes.sockets_below(result.pid)))


def _same(source: str, inside: str, root: str) -> bool:
    """Whether a container still sees what lies at a path: what was replaced or made anew meanwhile, it does not."""
    try:
        here, there = files.stat_file(source), files.stat_file(inside, root=root)
    except (files.UnsafePath, OSError):
        return False
    return bool(here and there and (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino))
