# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a Docker engine keeps: containers and images, ours and others'. Asked when it may be taken away."""

from __future__ import annotations

import glob
import json
from typing import Dict, List, Mapping, NamedTuple, Sequence, Set, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, engine, inspected
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import LABEL


class Seen(NamedTuple):
    """A container in a list."""

    id: str
    status: str
    ours: bool


class Brought(NamedTuple):
    """An image that was brought: under which of our names, and who else needs it: containers, names of others."""

    id: str
    names: Tuple[str, ...]
    used: Tuple[str, ...] = ()
    others: Tuple[str, ...] = ()


class Inventory(NamedTuple):
    """Containers by name, images that were brought, and in words whatever else is of others.

    ``answers``: an engine does; ``asleep``: none does, but its folder holds a container of ours.
    """

    answers: bool = False
    asleep: bool = False
    containers: Mapping[str, Seen] = {}
    images: Sequence[Brought] = ()
    others: Sequence[str] = ()


def read(brought: Sequence[str], answers: bool) -> Inventory:
    """What there is.

    :param brought: names and ids of images that the ledger names.
    :param answers: whether there is an engine that can be asked.
    :raises DockerError: it does not answer.
    """
    found = _asked(brought) if answers else _asleep()
    return found._replace(others=[*found.others, *_namespaces()])


def _asked(brought: Sequence[str]) -> Inventory:
    label = '{{.ID}}\t{{.Names}}\t{{.State}}\t{{.Label "%s"}}' % LABEL
    rows = _rows(["ps", "--all", "--no-trunc", "--format", label], 4)
    containers = {row[1]: Seen(row[0], row[2], bool(row[3])) for row in rows}
    mine = {name for name, row in containers.items() if row.ours}
    images = _images(brought, mine)
    others = ["the container %s" % name for name in sorted(set(containers) - mine)]
    ids = {row.id for row in images}
    listed = _rows(["images", "--no-trunc", "--format", "{{.ID}}\t{{.Repository}}:{{.Tag}}"], 2)
    rest = {row[0]: row[1] for row in listed if row[0] not in ids}
    others += ["the image %s" % (name if "<none>" not in name else each[7:19]) for each, name in sorted(rest.items())]
    volumes = set(cli.docker(["volume", "ls", "--quiet"]).text.split()) - _volumes(mine)
    others += ["the volume %s" % name for name in sorted(volumes)]
    networks = set(cli.docker(["network", "ls", "--format", "{{.Name}}"]).text.split())
    others += ["the network %s" % name for name in sorted(networks - {"bridge", "host", "none"})]
    return Inventory(True, False, containers, images, others)


def _rows(question: Sequence[str], fields: int) -> List[List[str]]:
    """A list as the engine gives it, a line each; none is a good answer.

    :raises DockerError: a line of another shape, as a warning of a wrapper is.
    """
    rows = [line.split("\t") for line in cli.docker(question).text.splitlines()]
    for row in rows:
        if len(row) != fields or not row[0]:
            raise cli.DockerError("docker %s: a line of the answer is of another shape: %.80r" % (
                question[0], "\t".join(row)))
    return rows


def _asleep() -> Inventory:
    """What an engine that does not run keeps on its disk; nothing where there is none.

    :raises DockerError: nobody can say where.
    """
    configured, broken = engine.settings()
    root = str(configured.get("data-root") or configured.get("graph") or "/var/lib/docker")
    if broken or not root.startswith("/"):
        words = "%s is %s, so nobody knows where Docker keeps its containers: correct or remove it, then run again"
        raise cli.DockerError(words % (engine.DAEMON_JSON, broken or "without a whole path as data-root"))
    containers: Dict[str, Seen] = {}
    for path in glob.glob(root + "/containers/*/config.v2.json"):
        try:
            data = json.loads((files.read_file(path) or b"{}").decode("utf-8", "replace"))
            found = shape.parse(inspected.Stored, data, path, strict=False)
            containers[found.Name.lstrip("/")] = Seen("", "unknown", LABEL in (found.Config.Labels or {}))
        except (ValueError, shape.WrongShape):
            containers[path] = Seen("", "unknown", False)
    others = ["the container %s" % name for name, row in sorted(containers.items()) if not row.ours]
    volumes = set(files.list_dir(root + "/volumes")) - {"metadata.db", "backingFsBlockDev"}
    others += ["the volume %s" % name for name in sorted(volumes)]
    asleep = any(row.ours for row in containers.values())
    return Inventory(False, asleep, {name: row for name, row in containers.items() if not row.ours}, (), others)


def _namespaces() -> List[str]:
    """Users of containerd besides Docker, as Kubernetes is one."""
    names = files.list_dir("/run/containerd/io.containerd.runtime.v2.task")
    return ["containerd's namespace %s" % name for name in names if name != "moby"]


def _volumes(names: Set[str]) -> Set[str]:
    found = [inspected.container(name) for name in names]
    return {mount.Name for each in found if each for mount in each.Mounts if mount.Type == "volume"}


def _images(brought: Sequence[str], mine: Set[str]) -> List[Brought]:
    """The images that were brought and are there, by id."""
    names: Dict[str, List[str]] = {}
    tags: Dict[str, List[str]] = {}
    for name in brought:
        image = inspected.image(name)
        if image:
            names.setdefault(image.Id, []).append(name)
            tags[image.Id] = list(image.RepoTags or [])
    found = []
    for image_id, ours in names.items():
        said = cli.docker(["ps", "--all", "--filter", "ancestor=" + image_id, "--format", "{{.Names}}"])
        used = sorted(set(said.text.split()) - mine)
        others = sorted(set(tags[image_id]) - {_tagged(name) for name in ours} - set(ours))
        found.append(Brought(image_id, tuple(ours), tuple(used), tuple(others)))
    return found


def _tagged(name: str) -> str:
    """A name as the engine lists it: without the registry that it takes when none is named."""
    for prefix in ("docker.io/library/", "docker.io/"):
        if name.startswith(prefix):
            return name[len(prefix):]
    return name
