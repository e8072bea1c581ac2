# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One image out of an archive that may hold several: nothing else of it gets to a host."""

from __future__ import annotations

import io
import json
import os
import tarfile
import typing as t
import zlib

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import image_archive
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images.image_cache import ImageError


def only(path: str, name: str, target: t.IO[bytes]) -> None:
    """Write an archive with this image alone, under the one name that it is chosen by.

    The index of an OCI layout is left out, and so is what older versions of Docker wrote for versions before them: all
    of them name other images, too, and ``docker load`` takes what the manifest names.

    :param path: of an archive that ``image_archive.read`` has taken.
    :param name: of the image.
    :raises ImageError: it is not there, or not what it was when it was read.
    """
    try:
        _write(path, name, target)
    except (tarfile.TarError, EOFError, zlib.error, ValueError, shape.WrongShape) as error:
        words = "%s was changed while it was read (%s): run again"
        raise ImageError(words % (path, " ".join(str(error).split()))) from error


def _write(path: str, name: str, target: t.IO[bytes]) -> None:
    links, manifest = _links(path)
    row, tag = image_archive.choose(image_archive.rows(manifest, path), name, path)
    wanted = _followed([row.Config, *row.Layers], links)
    with image_archive.plain(path) as source, \
            tarfile.open(fileobj=source, mode="r|", bufsize=1 << 20) as archive, \
            tarfile.open(fileobj=target, mode="w|", format=tarfile.GNU_FORMAT) as made:
        for member in archive:
            if os.path.normpath(member.name) in wanted and not member.isdir():
                made.addfile(member, archive.extractfile(member) if member.isfile() else None)
        data = json.dumps([dict(row._asdict(), RepoTags=[tag or name])]).encode()
        info = tarfile.TarInfo(image_archive.MANIFEST)
        info.size = len(data)
        made.addfile(info, io.BytesIO(data))


def _links(path: str) -> tuple[dict[str, str], bytes]:
    """The links of an archive and where they lead (a layer may be one to another's), and its manifest."""
    links, manifest = {}, b""
    with image_archive.plain(path) as source, \
            tarfile.open(fileobj=source, mode="r|", bufsize=1 << 20) as archive:
        for member in archive:
            name = os.path.normpath(member.name)
            if member.issym():
                links[name] = os.path.normpath(os.path.join(os.path.dirname(name), member.linkname))
            elif member.islnk():
                links[name] = os.path.normpath(member.linkname)
            elif name == image_archive.MANIFEST:
                handle = archive.extractfile(member)
                manifest = handle.read() if handle else b""
    return links, manifest


def _followed(names: list[str], links: dict[str, str]) -> set[str]:
    """Members by name, and those that they lead to."""
    found: set[str] = set()
    while names:
        name = os.path.normpath(names.pop())
        if name not in found:
            found.add(name)
            names += [links[name]] if name in links else []
    return found
