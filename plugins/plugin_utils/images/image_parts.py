# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The form in which an image travels: compressed once per controller, under a lock, and cut into parts whose names are
their hashes, so that parts that are there need not travel again."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shlex
import shutil
import tempfile
import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ImageSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import image_cache, image_extract
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images.image_cache import ImageError

PART = 16 << 20
#: zlib's fastest levels already give most of the gain, and the controller is busy enough.
LEVEL = 4


def of(image: ImageSpec, archive: str) -> list[str]:
    """The paths of the parts of an image on the controller, in order; a file's name is its SHA-256.

    :param archive: the file it comes from; empty: from the controller's engine.
    :raises ImageError: it cannot be read or written.
    """
    # earlier versions keep whole archives under the bare id
    folder = os.path.join(image_cache.folder(), str(image.id).replace("sha256:", "") + "-alone")
    try:
        with image_cache.locked("archives"):
            paths = _indexed(folder)
            if not paths or not all(os.path.exists(path) for path in paths):
                _compress(image, archive, folder)
                paths = _indexed(folder)
            image_cache.used(folder)
    except OSError as error:
        words = "the image cannot be compressed into %s: %s"
        raise ImageError(words % (folder, error.strerror or error)) from error
    return paths


def _index(folder: str) -> str:
    return os.path.join(folder, "index.json")


def _indexed(folder: str) -> list[str]:
    """The parts that the cache's index names; none where there is no index."""
    try:
        with open(_index(folder), encoding="utf-8") as stored:
            return [os.path.join(folder, name) for name in json.load(stored)]
    except (FileNotFoundError, ValueError, TypeError):
        return []


def _compress(image: ImageSpec, archive: str, folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, mode=0o700)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        source = archive
        if not source:
            source = os.path.join(work, "image.tar")
            cli.docker(["save", "--output", source, image.name], timeout=cli.WORK, at=cli.OWN)
        packed = os.path.join(work, "image.tar.gz")
        with gzip.GzipFile(packed, "wb", LEVEL, mtime=0) as target:
            image_extract.only(source, image.name, t.cast("t.IO[bytes]", target))
        names = []
        with open(packed, "rb") as whole:
            for data in iter(lambda: whole.read(PART), b""):
                names.append(hashlib.sha256(data).hexdigest())
                with open(os.path.join(folder, names[-1]), "wb") as part:
                    part.write(data)
    with open(_index(folder) + ".new", "w", encoding="utf-8") as stored:
        json.dump(names, stored)
    os.replace(_index(folder) + ".new", _index(folder))


#: Puts a part under its name only when its hash is that name; what arrived in half goes. Arguments: folder, name, where
#: it comes from (-: standard input), and names of parts of other images, which go, too. In one line, without what login
#: shells read in quotes (see ``session.transport``).
_DAMAGED = 65
_STORE = "; ".join((
    "umask 077",
    "folder=$1 name=$2 source=$3",
    "shift 3",
    'mkdir -p "$folder" && cd "$folder" && rm -f -- "$@" || exit 1',
    "new=.$name.$$",
    'trap "rm -f $new" EXIT',
    'cat "$source" > "$new" || exit 1',
    'echo "$name  $new" | sha256sum -c - > /dev/null || exit %d' % _DAMAGED,
    'mv "$new" "$name"',
))


def store_command(name: str, source: str, stale: t.Sequence[str]) -> str:
    """A shell command that stores a part on a host, for root.

    :param source: a file on the host, or ``-`` for standard input. :param stale: parts that are of no use any more.
    """
    return shlex.join(["/bin/sh", "-c", _STORE, "store", paths.PARTS_DIR, name, source, *stale])


def not_stored(code: int, said: str) -> str:
    """Why that command failed, and what to do."""
    words = " ".join(said.split())[-300:]
    if "No space left" in said or "quota exceeded" in said:
        return "the disk of this host is full (%s): make room, then run again; what arrived is not sent again" % words
    if code == _DAMAGED:
        return "a part of the image arrived damaged: run again"
    return "a part of the image could not be stored in %s: %s" % (paths.PARTS_DIR, words or "exit code %d" % code)
