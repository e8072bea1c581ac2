# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The image on the controller: which one it is, and the parts in which it travels.

Compressed once per controller, under a lock, into a cache; cut into parts whose hashes are known.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import importlib
import json
import os
import shutil
import sys
import tarfile
import tempfile
import typing as t
import zlib

from ansible_collections.quantumsafe.openssh.plugins.module_utils import docker, image_facts
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils import images_pull

IMAGES = os.path.join(os.path.dirname(__file__), "..", "..", "images")
FACTS = "org.quantumsafe.openssh.facts"
PART = 16 << 20
#: zlib's fastest levels already give most of the gain, and the controller is busy enough.
LEVEL = 4


class ImageError(Exception):
    """The image cannot be had on the controller; the text says why and what to do."""


def cache() -> str:
    """The folder for compressed images; readable by its owner only."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(base, "quantumsafe-openssh", "archives")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder


def resolve(want: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The wanted image with what can be known on the controller: id, and facts where the image carries them.

    :raises ImageError: archive missing, truncated, not an image; build failed.
    """
    found = {"name": want["name"], "source": want["source"], "id": None, "facts": None}
    if want["source"] == "pull":
        try:
            found["digest"] = images_pull.wanted(want["name"], want.get("update", False))
        except images_pull.PullError as error:
            raise ImageError(str(error)) from error
    elif want["source"] == "archive":
        found.update(read_archive(want["archive"], want["name"]))
    elif want["source"] == "build":
        found.update(_build())
    return found


def read_archive(path: str, name: str) -> dict[str, t.Any]:
    """What an archive made by ``docker save`` holds: id, name, facts.

    :param name: the image to take where there are several.
    :raises ImageError: with the file's name and what is wrong with it.
    """
    try:
        # docker load takes what travels as gzip: no other compression may be inside
        with open(path, "rb") as start:
            mode: t.Literal["r:gz", "r:"] = "r:gz" if start.read(2) == b"\x1f\x8b" else "r:"
        with tarfile.open(path, mode) as archive:
            names = {member.name for member in archive}
            _drain(archive)
            row = _choose(json.loads(_member(archive, "manifest.json")), name, path)
            missing = [layer for layer in row["Layers"] if layer not in names]
            if missing:
                raise ImageError("%s: layers are missing (%s): made by docker save?" % (path, missing[0]))
            config = _member(archive, row["Config"])
            labels = (json.loads(config).get("config") or {}).get("Labels") or {}
    except FileNotFoundError as error:
        raise ImageError("oqs_ssh_image_archive: there is no file %s on the controller" % path) from error
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        words = "%s is truncated or not an image archive (%s): make it anew with docker save"
        raise ImageError(words % (path, " ".join(str(error).split()))) from error
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ImageError("%s is an archive, but not of an image: make it with docker save" % path) from error
    except OSError as error:
        raise ImageError("%s cannot be read: %s" % (path, error.strerror or error)) from error
    tags = row.get("RepoTags") or [name]
    return {"id": "sha256:" + hashlib.sha256(config).hexdigest(), "name": tags[0], "facts": _facts(labels)}


def _drain(archive: tarfile.TarFile) -> None:
    """Read to the end: only there a compressed file shows that it is damaged."""
    while archive.fileobj and archive.fileobj.read(1 << 20):
        pass


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    handle = archive.extractfile(name)
    if handle is None:
        raise KeyError(name)
    return handle.read()


def _choose(rows: list[dict[str, t.Any]], name: str, path: str) -> dict[str, t.Any]:
    if len(rows) == 1:
        return rows[0]
    short = name.removeprefix("docker.io/").removeprefix("library/")
    if ":" not in short.rpartition("/")[2]:
        short += ":latest"
    for row in rows:
        if short in (row.get("RepoTags") or []):
            return row
    tags = [tag for row in rows for tag in row.get("RepoTags") or []]
    words = "%s holds %s, but not oqs_ssh_image: set it to one of these"
    raise ImageError(words % (path, ", ".join(tags) or "nothing"))


def _facts(labels: t.Mapping[str, str]) -> dict[str, t.Any] | None:
    try:
        found = json.loads(labels[FACTS])
    except (KeyError, ValueError):
        return None
    return found if isinstance(found, dict) and {"kex", "key", "sig"} <= set(found) else None


def _build() -> dict[str, t.Any]:
    """This collection's own image, built on the controller where it is not there yet."""
    if not shutil.which("docker") or docker.engine() is None:
        raise ImageError("oqs_ssh_image_source: build needs a Docker engine on the controller, and none answers")
    with _locked("build"):
        sys.path.insert(0, IMAGES)
        try:
            tag = importlib.import_module("build").build("stock", say=lambda *_words: None)
        except Exception as error:
            raise ImageError("the stock image could not be built: %s" % error) from error
        finally:
            sys.path.remove(IMAGES)
    found = docker.inspect("image", tag)
    if not found:
        raise ImageError("the stock image was built, but %s is not there" % tag)
    return {"id": found["Id"], "name": tag, "facts": _facts(found["Config"].get("Labels") or {})}


def parts(image: t.Mapping[str, t.Any], archive: str) -> list[dict[str, str]]:
    """The compressed parts of an image on the controller, made once: path and sha256 of each, in order.

    :param archive: the file it comes from; empty: from the controller's engine.
    :raises ImageError: it cannot be written.
    """
    folder = os.path.join(cache(), image["id"].replace("sha256:", ""))
    index = os.path.join(folder, "index.json")
    try:
        with _locked("archives"):
            rows = _indexed(folder, index)
            if not rows or not all(os.path.exists(row["path"]) for row in rows):
                _compress(image, archive, folder, index)
                rows = _indexed(folder, index)
    except OSError as error:
        raise ImageError("the image cannot be compressed into %s: %s" % (folder, error.strerror or error)) from error
    return rows


def _indexed(folder: str, index: str) -> list[dict[str, str]]:
    """The parts that the cache's index names; none where there is no index."""
    try:
        with open(index, encoding="utf-8") as stored:
            rows = json.load(stored)
    except (FileNotFoundError, ValueError):
        return []
    return [{"path": os.path.join(folder, row["name"]), "sha256": row["sha256"]} for row in rows]


def _compress(image: t.Mapping[str, t.Any], archive: str, folder: str, index: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, mode=0o700)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        source = archive
        if not source:
            source = os.path.join(work, "image.tar")
            docker.docker(["save", "--output", source, image["name"]], timeout=docker.WORK)
        packed = os.path.join(work, "image.tar.gz")
        with open(source, "rb") as plain:
            if plain.read(2) == b"\x1f\x8b":
                packed = source
            else:
                plain.seek(0)
                with gzip.GzipFile(packed, "wb", LEVEL, mtime=0) as target:
                    shutil.copyfileobj(plain, target, 1 << 20)
        rows = []
        with open(packed, "rb") as whole:
            for number, data in enumerate(iter(lambda: whole.read(PART), b"")):
                name = "part-%03d" % number
                with open(os.path.join(folder, name), "wb") as part:
                    part.write(data)
                rows.append({"name": name, "sha256": hashlib.sha256(data).hexdigest()})
    with open(index + ".new", "w", encoding="utf-8") as stored:
        json.dump(rows, stored)
    os.replace(index + ".new", index)


@contextlib.contextmanager
def _locked(name: str) -> t.Iterator[None]:
    """One process of this controller at a time; the others wait and then find the work done."""
    with open(os.path.join(cache(), name + ".lock"), "w", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
