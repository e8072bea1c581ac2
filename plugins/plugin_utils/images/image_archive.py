# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Image archives on the controller: read once from end to end, every hash in them compared, refused with the reason.

Source: the form that ``docker save`` writes (manifest.json, image specification 1.2), and since version 25 the OCI
image layout beside it.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import importlib
import json
import os
import shutil
import tarfile
import tempfile
import typing as t
import zlib

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, image_names
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import image_cache
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images.image_cache import ImageError

FACTS = "org.quantumsafe.openssh.facts"
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
#: Members that are read as text are smaller than this (bytes).
_TEXT = 4 << 20
MANIFEST = "manifest.json"
_ANEW = "make it anew with docker save"
#: Modules with a function ``open`` for zstd, where the program is not there: of Python 3.14, and from PyPI.
_ZSTD_MODULES = ("compression.zstd", "backports.zstd", "zstandard", "pyzstd")


class _Contents(t.NamedTuple):
    """What is in an archive: the hash of each file (empty: a link), and those that may be JSON."""

    hashes: dict[str, str]
    texts: dict[str, bytes]


class Row(t.NamedTuple):
    """An image in the archive's manifest."""

    Config: str
    Layers: t.List[str]
    RepoTags: t.Optional[t.List[str]] = None


class _Layers(t.NamedTuple):
    diff_ids: t.Optional[t.List[str]] = None


class _Labels(t.NamedTuple):
    Labels: t.Optional[t.Dict[str, str]] = None


class _Config(t.NamedTuple):
    rootfs: t.Optional[_Layers] = None
    config: t.Optional[_Labels] = None


class Carried(t.NamedTuple):
    """An image that does not come from a registry; ``facts`` is its label's text."""

    id: str
    name: str
    facts: t.Optional[str]


def read(path: str, name: str) -> Carried:
    """What an archive made by ``docker save`` holds. Remembered for the same file.

    :param name: the image to take where there are several.
    :raises ImageError: with the file's name, what is wrong with it, and what to do.
    """
    try:
        status = os.stat(path)
        sign = [os.path.realpath(path), status.st_size, status.st_mtime_ns, status.st_ino, name]
        name_of_it = hashlib.sha256(json.dumps(sign).encode()).hexdigest()
        known = os.path.join(image_cache.folder(), "read-%s.json" % name_of_it)
        with image_cache.locked("read"):
            found = _remembered(known)
            if not found:
                found = _read(path, name)
                with open(known + ".new", "w", encoding="utf-8") as stored:
                    json.dump(found._asdict(), stored)
                os.replace(known + ".new", known)
            image_cache.used(known)
    except FileNotFoundError as error:
        raise ImageError("oqs_ssh_image_archive: there is no file %s on the controller" % path) from error
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        words = "%s is truncated or not an image archive (%s): %s"
        raise ImageError(words % (path, " ".join(str(error).split()), _ANEW)) from error
    except OSError as error:
        raise ImageError("%s cannot be read: %s" % (path, error.strerror or error)) from error
    return found


def _remembered(path: str) -> Carried | None:
    try:
        with open(path, encoding="utf-8") as stored:
            return shape.parse(Carried, json.load(stored), path)
    except (FileNotFoundError, ValueError, shape.WrongShape):
        return None


def _read(path: str, name: str) -> Carried:
    with plain(path) as stream:
        contents = _contents(stream)
    try:
        row, tag = choose(rows(_text(contents, path, MANIFEST), path), name, path)
        config = _text(contents, path, row.Config)
        facts = shape.parse(_Config, json.loads(config), path, strict=False)
        _check(path, contents, row, facts)
    except (KeyError, ValueError, TypeError, shape.WrongShape) as error:
        raise ImageError("%s is an archive, but not of an image: make it with docker save" % path) from error
    label = ((facts.config or _Labels()).Labels or {}).get(FACTS)
    return Carried("sha256:" + hashlib.sha256(config).hexdigest(), tag or name, label)


@contextlib.contextmanager
def plain(path: str) -> t.Iterator[t.IO[bytes]]:
    """The archive without compression, to be read from its beginning to its end.

    :raises ImageError: compressed with zstd, which nothing here can read.
    """
    with open(path, "rb") as handle:
        start = handle.read(4)
        handle.seek(0)
        if start.startswith(GZIP):
            with gzip.open(handle) as unpacked:
                yield t.cast("t.IO[bytes]", unpacked)
        elif start == ZSTD:
            with tempfile.TemporaryDirectory(dir=image_cache.folder()) as work:
                target = os.path.join(work, "image.tar")
                _unpack_zstd(path, target)
                with open(target, "rb") as unpacked_file:
                    yield unpacked_file
        else:
            yield handle


def _unpack_zstd(path: str, target: str) -> None:
    program = shutil.which("zstd")
    if program:
        try:
            run([program, "-d", "-q", "-f", "-o", target, "--", path], timeout=cli.WORK)
        except CommandError as error:
            said = error.completed.reason if error.completed else str(error)
            raise ImageError("%s is truncated or not an image archive (%s): %s" % (path, said, _ANEW)) from error
        return
    for name in _ZSTD_MODULES:
        with contextlib.suppress(ImportError):
            module = importlib.import_module(name)
            break
    else:
        raise ImageError(
            "%s is compressed with zstd, which nothing on the controller can read: install the program zstd there, or "
            "unpack the archive first (.tar and .tar.gz always do)" % path
        )
    try:
        with module.open(path, "rb") as packed, open(target, "wb") as unpacked:
            shutil.copyfileobj(packed, unpacked, 1 << 20)
    except OSError:
        raise
    except Exception as error:  # each of these modules has an error of its own
        raise ImageError("%s is truncated or not an image archive (%s): %s" % (path, error, _ANEW)) from error


def _contents(stream: t.IO[bytes]) -> _Contents:
    """Read an archive to its end: only there a compressed file shows that it is damaged."""
    found = _Contents({}, {})
    with tarfile.open(fileobj=stream, mode="r|", bufsize=1 << 20) as archive:
        for member in archive:
            name = os.path.normpath(member.name)
            handle = archive.extractfile(member) if member.isfile() else None
            if handle is None:
                if not member.isdir():
                    found.hashes[name] = ""
                continue
            digest, data = hashlib.sha256(), b""
            while piece := handle.read(1 << 20):
                digest.update(piece)
                data = data + piece if member.size <= _TEXT else b""
            found.hashes[name] = digest.hexdigest()
            if data[:1] in (b"{", b"["):
                found.texts[name] = data
    while stream.read(1 << 20):
        pass
    return found


def _text(contents: _Contents, path: str, name: str) -> bytes:
    if name == MANIFEST and name not in contents.hashes and "oci-layout" in contents.hashes:
        raise ImageError(
            "%s is an OCI archive without the manifest.json that docker load takes: make it with docker save, or "
            "with skopeo copy oci-archive:%s docker-archive:NEW.tar:NAME" % (path, path)
        )
    return contents.texts[name]


def rows(manifest: bytes, path: str) -> list[Row]:
    """The images that a manifest names.

    :raises ValueError, WrongShape: it is none.
    """
    return [shape.parse(Row, each, path, strict=False) for each in json.loads(manifest)]


def choose(rows: list[Row], name: str, path: str) -> tuple[Row, str]:
    """The image of that name, and the tag it has in the archive; the only one, whatever its name."""
    for row in rows:
        for tag in row.RepoTags or []:
            if image_names.same(tag, name):
                return row, tag
    if len(rows) == 1:
        return rows[0], (rows[0].RepoTags or [""])[0]
    tags = [tag for row in rows for tag in row.RepoTags or []]
    words = "%s holds %s, but not oqs_ssh_image: set it to one of these"
    raise ImageError(words % (path, ", ".join(tags) or "nothing"))


def _check(path: str, contents: _Contents, row: Row, facts: _Config) -> None:
    """Compare every hash that the archive itself names.

    :raises ImageError: something is missing, or is not what it was.
    """
    missing = [layer for layer in row.Layers if layer not in contents.hashes]
    if missing:
        raise ImageError("%s: layers are missing (%s): made by docker save?" % (path, missing[0]))
    wanted = (facts.rootfs.diff_ids if facts.rootfs else None) or [""] * len(row.Layers)
    if len(wanted) != len(row.Layers):
        raise ImageError("%s: it has %d layers and says %d: %s" % (path, len(row.Layers), len(wanted), _ANEW))
    names = [row.Config, *row.Layers]
    for name, diff_id in zip(names, ["", *wanted]):
        found, right = contents.hashes[name], {diff_id[len("sha256:"):], *_said(name)} - {""}
        if found and right and found not in right:
            raise ImageError("%s is damaged (%s has another hash than it should): %s" % (path, name, _ANEW))


def _said(name: str) -> list[str]:
    """The hash in a member's name, if it has one: blobs/sha256/HASH, HASH.json, HASH.tar."""
    last = os.path.basename(name).partition(".")[0]
    return [last] if len(last) == 64 and not set(last) - set("0123456789abcdef") else []
