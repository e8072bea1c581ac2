# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which image is meant, as far as the controller can know it, and what travels to a host that does not hold it."""

from __future__ import annotations

import gzip
import hashlib
import importlib
import io
import os
import shutil
import sys
import tarfile
import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, image_facts
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core import tree
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import image_archive, image_cache, image_pull
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images.image_cache import ImageError

__all__ = ["IMAGES", "ImageError", "built_name", "context", "parts", "resolve"]
IMAGES = tree.IMAGES
#: What the recipe copies and only tests need: a clone has it, an installed collection does not.
_CLONE_ONLY = "stock/quirks/sha512only.c"


def resolve(want: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The wanted image with what can be known on the controller: id, digest, and facts where the image carries them.

    :param want: name, source, archive, update, build_on, build_base, build_message; user: the account in the
        container. Its uid is given by the entry, to any image.
    :raises ImageError: archive missing, truncated, not an image; build failed; registry not to be asked.
    """
    found: dict[str, t.Any] = {"name": want["name"], "source": want["source"], "id": None, "facts": None}
    found.update({name: want[name] for name in ("rollback", "drops") if want.get(name)})
    if want.get("rollback"):
        return dict(found, digest="")  # the host has it, or cannot go back
    if want["source"] == "pull":
        try:
            found["digest"] = image_pull.wanted(want["name"], want.get("update", False))
        except image_pull.PullError as error:
            raise ImageError(str(error)) from error
    elif want["source"] == "archive":
        found.update(image_archive.read(want["archive"], want["name"]))
    elif want.get("build_on") == "host":
        own = _own(want)
        arguments = {"OQS_USER": own["user"], "MESSAGE": own["message"]}
        settings = "\0".join([want["build_base"], *arguments.values()])
        recipe = hashlib.sha256(context() + settings.encode()).hexdigest()
        found.update(name=built_name(want), recipe=recipe, base=want["build_base"], arguments=arguments)
    else:
        found.update(_build(_own(want)))
    found["facts"] = _facts(found["facts"], want.get("user", "oqs"))
    return found


def _facts(label: str | None, user: str) -> object:
    """What the image said of itself when it was built, so that a plan is exact before a host holds it."""
    try:
        found = image_facts.parse(label or "", user)
    except image_facts.NotAnImage:
        return None
    return shape.plain(found) if found.user[0] == user else None


def built_name(want: t.Mapping[str, t.Any]) -> str:
    """The name of the image that is built for these settings: user, build_message."""
    return str(_builder().tag_of("stock", **_own(want)))


def _own(want: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What is somebody's own in an image that is built."""
    return {"user": want.get("user", "oqs"), "message": want.get("build_message", "")}


def _builder() -> t.Any:
    """images/build.py, which lies beside the plugins and not among them."""
    folder = _recipes()
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("build")
    finally:
        sys.path.remove(folder)


def _recipes() -> str:
    """The folder of recipes; for an installed collection a copy in the cache, with an empty file in place of the one
    that it lacks."""
    if os.path.exists(os.path.join(IMAGES, _CLONE_ONLY)):
        return IMAGES
    with image_cache.locked("recipes"):
        copy = os.path.join(image_cache.folder(), "recipes-" + hashlib.sha256(IMAGES.encode()).hexdigest()[:16])
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(IMAGES, copy)
        lacking = os.path.join(copy, _CLONE_ONLY)
        os.makedirs(os.path.dirname(lacking))
        with open(lacking, "wb"):
            return copy


def _build(own: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """This collection's own image, built on the controller where it is not there yet."""
    if not shutil.which("docker") or cli.engine() is None:
        raise ImageError(
            "oqs_ssh_image_source: build needs a Docker engine on the controller, and none answers: start one, or have "
            "each host build for itself (oqs_ssh_image_build_on: host), or take another source (pull, archive)"
        )
    with image_cache.locked("build"):
        try:
            tag = _builder().build("stock", say=lambda *_words: None, **own)
        except Exception as error:
            raise ImageError("the stock image could not be built: %s" % error) from error
    found = cli.inspect("image", tag)
    if not found:
        raise ImageError("the stock image was built, but %s is not there" % tag)
    return {"id": found["Id"], "name": tag, "facts": (found["Config"].get("Labels") or {}).get(image_archive.FACTS)}


def context() -> bytes:
    """What an engine builds the stock image from, as it takes it from standard input; always the same bytes."""
    packed = io.BytesIO()
    top = os.path.join(_recipes(), "stock")
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as target, \
            tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for folder, _folders, names in sorted(os.walk(top)):
            for name in sorted(names):
                path = os.path.join(folder, name)
                info = tarfile.TarInfo(os.path.relpath(path, top))
                info.size, info.mode = os.path.getsize(path), 0o644
                with open(path, "rb") as content:
                    archive.addfile(info, content)
    return packed.getvalue()


def parts(image: t.Mapping[str, t.Any]) -> list[str]:
    """Paths of files that a host needs to get an image that it does not pull; their names are their hashes.

    :raises ImageError: they cannot be made.
    """
    if not image.get("recipe"):
        from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import image_parts

        return image_parts.of(image, image["archive"])
    data = context()
    folder = os.path.join(image_cache.folder(), image["recipe"])
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = os.path.join(folder, hashlib.sha256(data).hexdigest())
    with image_cache.locked("archives"):
        with open(path + ".new", "wb") as target:
            target.write(data)
        os.replace(path + ".new", path)
        image_cache.used(folder)
    return [path]
