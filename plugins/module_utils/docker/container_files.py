# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files inside a container, created or running, through ``docker cp`` and tar streams: contents never reach argv.

The engine keeps owner, group and mode of the tar headers, and follows links only within the container's own tree.
"""

from __future__ import annotations

import io
import tarfile
import time
from typing import Dict, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import inspected
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.cli import DockerError, docker

ContainerFile = Tuple[bytes, tarfile.TarInfo]
_LIMIT = 16 << 20
_TEMPORARY = ".oqs-tmp-"


class ContainerState(NamedTuple):
    """What a container is at this moment."""

    id: str
    running: bool


def container_state(name: str) -> Optional[ContainerState]:
    """Whether a container is there and runs; None when there is none of that name.

    :raises DockerError: the engine does not answer.
    """
    found = inspected.container(name)
    if found is None:
        return None
    return ContainerState(found.Id, found.State.Running and not found.State.Paused)


def file_info(mode: int, uid: int = 0, gid: int = 0) -> tarfile.TarInfo:
    """The header of an ordinary file for ``replace_container_files``."""
    info = tarfile.TarInfo()
    info.mode, info.uid, info.gid = mode, uid, gid
    return info


def link_info(target: str) -> tarfile.TarInfo:
    """The header of a symbolic link to target for ``replace_container_files`` (with empty data)."""
    info = tarfile.TarInfo()
    info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
    return info


def read_container_file(name: str, path: str) -> Optional[ContainerFile]:
    """A file of a container, created or running: content and tar header (owner, mode, kind); None when it is absent.

    A symbolic link is returned as such: no data, ``info.issym()`` and ``info.linkname``.

    :raises DockerError: no such container, no answer, a folder, or more than 16 MiB.
    """
    done = docker(["cp", "%s:%s" % (name, path), "-"], check=False)
    if done.rc != 0:
        words = done.err.lower()
        # Docker 20.10 says "No such container:path" of a file that is absent, and of an absent container
        if b"no such container" in words and (b":path" not in words or container_state(name) is None):
            raise DockerError("there is no container %r: create it first, or correct the name" % name)
        from_engine = b"response from daemon" in words  # else the file may be the engine's own socket
        if b":path" in words or b"ould not find the file" in words or (from_engine and b"no such file" in words):
            return None
        raise DockerError("reading %s in the container %s: %s" % (path, name, done.reason))
    try:
        with tarfile.open(fileobj=io.BytesIO(done.out), mode="r:") as archive:
            info = archive.next()
            if info is None or info.isdir() or info.size > _LIMIT:
                raise DockerError("%s in the container %s is not a file of reasonable size" % (path, name))
            content = archive.extractfile(info) if info.isfile() else None
            return (content.read() if content else b""), info
    except tarfile.TarError as error:
        raise DockerError("reading %s in the container %s: broken tar stream" % (path, name)) from error


def _tar(files: Mapping[str, ContainerFile]) -> bytes:
    """A tar stream with these files, by their absolute paths."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, (data, given) in sorted(files.items()):
            info = tarfile.TarInfo(path.lstrip("/"))
            info.mode, info.uid, info.gid = given.mode, given.uid, given.gid
            info.type, info.linkname = given.type, given.linkname
            info.size = len(data) if info.isfile() else 0
            info.mtime = int(time.time())
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def replace_container_files(name: str, files: Mapping[str, ContainerFile]) -> None:
    """Put files into a container by their absolute paths, all in one stream.

    Meant for a container that is created and not started: in a running one a reader could meet the moment between the
    removal of the old file and the new one (``swap_container_file`` has no such moment).

    :param files: path to content and header (``file_info``, ``link_info``, or as ``read_container_file`` gave it).
    A missing folder on the way is made (root, 0755 or wider): name only files in folders that are there.

    :raises DockerError: no such container, a path is not absolute.
    """
    for path in files:
        if not path.startswith("/") or path.endswith("/") or "/../" in path:
            raise DockerError("%r is not the absolute path of a file" % path)
    if files:
        docker(["cp", "-", name + ":/"], stdin=_tar(files))


def swap_container_file(name: str, path: str, data: bytes, info: tarfile.TarInfo) -> None:
    """Replace one file of a running container in one step: copy beside it, then rename by the container's own ``mv``.

    :raises DockerError: no such container, it does not run, or it has no ``mv``.
    """
    folder, _slash, leaf = path.rpartition("/")
    aside = "%s/%s%s" % (folder, _TEMPORARY, leaf)
    replace_container_files(name, {aside: (data, info)})
    docker(["exec", "--user", "0:0", name, "mv", "-f", aside, path])


def put_container_files(name: str, files: Mapping[str, ContainerFile]) -> Dict[str, bool]:
    """Make files of a container what they should be, in the way that fits its state.

    :returns: for each path, whether it had to be changed.
    :raises DockerError: no such container; or a file is not there as written when it is read again.
    """
    state = container_state(name)
    if state is None:
        raise DockerError("there is no container %r: create it first, or correct the name" % name)
    changes = {path: _differs(read_container_file(name, path), wanted) for path, wanted in files.items()}
    wrong = {path: files[path] for path, changed in changes.items() if changed}
    if not state.running:
        replace_container_files(name, wrong)
    else:
        for path, (data, info) in wrong.items():
            swap_container_file(name, path, data, info)
    for path, wanted in wrong.items():
        if _differs(read_container_file(name, path), wanted):
            raise DockerError("%s in the container %s is not as it was just written" % (path, name))
    return changes


def _differs(found: Optional[ContainerFile], wanted: ContainerFile) -> bool:
    if found is None:
        return True
    (data, info), (new_data, new_info) = found, wanted
    if info.issym() or new_info.issym():
        return (info.type, info.linkname) != (new_info.type, new_info.linkname)
    return (data, info.mode & 0o7777, info.uid, info.gid) != (
        new_data, new_info.mode & 0o7777, new_info.uid, new_info.gid)
