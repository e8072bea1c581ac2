# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ``docker inspect`` says of one container or image, as far as it is used here.

Source: the Docker Engine API. An answer of another shape is an error, as when some other program answers.
"""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Type, TypeVar

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli

# The fields have Docker's own names, so that a reader finds them there.


class _Health(NamedTuple):
    """The last answer of the health check."""

    Status: str = ""


class _State(NamedTuple):
    """A container's main process; ``Pid`` is 0 where there is none."""

    Status: str
    Running: bool
    Paused: bool = False
    Restarting: bool = False
    Pid: int = 0
    StartedAt: str = ""
    Health: Optional[_Health] = None


class _Config(NamedTuple):
    """What containers and images carry alike."""

    Labels: Optional[Dict[str, str]] = None


class _Mount(NamedTuple):
    """Something mounted: ``Name`` is a volume's, ``Source`` a path of the host."""

    Type: str
    Destination: str
    Source: str = ""
    Name: str = ""


class _RestartPolicy(NamedTuple):
    """When the engine starts it again."""

    Name: str = ""


class _HostConfig(NamedTuple):
    """What it was made with, and what ``docker update`` has changed since."""

    RestartPolicy: _RestartPolicy = _RestartPolicy()


class Container(NamedTuple):
    """One container; ``Image`` is the image's id."""

    Id: str
    Image: str
    State: _State
    Config: _Config
    Mounts: List[_Mount]
    RestartCount: int = 0
    HostConfig: _HostConfig = _HostConfig()
    Name: str = ""

    @property
    def labels(self) -> Dict[str, str]:
        """Its labels."""
        return self.Config.Labels or {}


class Stored(NamedTuple):
    """One container, as the engine keeps it on its disk (``config.v2.json``)."""

    Name: str
    Config: _Config


class Image(NamedTuple):
    """One image."""

    Id: str
    RepoTags: Optional[List[str]] = None
    RepoDigests: Optional[List[str]] = None
    Created: Optional[str] = None
    Config: Optional[_Config] = None

    @property
    def labels(self) -> Dict[str, str]:
        """Its labels."""
        return (self.Config.Labels if self.Config else None) or {}


T = TypeVar("T", Container, Image)


def container(name: str) -> Optional[Container]:
    """A container by its name or id; None where there is none.

    :raises DockerError: the engine does not answer, or in another shape.
    """
    return _parsed(Container, "container", name)


def image(name: str, at: str = cli.LOCAL) -> Optional[Image]:
    """An image by its name or id; None where there is none.

    :param at: the engine, as for ``cli.docker``.
    :raises DockerError: the engine does not answer, or in another shape.
    """
    return _parsed(Image, "image", name, at)


def _parsed(kind: Type[T], word: str, name: str, at: str = cli.LOCAL) -> Optional[T]:
    found = cli.inspect(word, name, at)
    try:
        return None if found is None else shape.parse(kind, found, "its answer", strict=False)
    except shape.WrongShape as error:
        raise cli.DockerError("docker %s inspect %s: %s" % (word, name, error)) from error
