# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which image is meant, as far as the controller can know it, and what travels to a host that does not hold it."""

from __future__ import annotations

import gzip
import hashlib
import importlib
import io
import os
import sys
import tarfile
import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ImageSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, image_facts
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core import tree
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import image_archive, image_cache, image_pull
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images.image_cache import ImageError

__all__ = ["IMAGES", "ImageError", "Own", "built_name", "context", "parts", "resolve"]
IMAGES = tree.IMAGES


def resolve(image: ImageSpec, archive: str = "") -> ImageSpec:
    """The wanted image with what can be known on the controller: id, digest, and facts where the image carries them.

    :param image: as the variables say; ``user``: the account in the container. Its uid is given by the entry, to any
        image.
    :param archive: the file that it comes from.
    :raises ImageError: archive missing, truncated, not an image; build failed; registry not to be asked.
    """
    found = ImageSpec(image.name, image.source, rollback=image.rollback, drops=image.drops, max_age=image.max_age)
    if image.rollback:
        return found._replace(digest="")  # the host has it, or cannot go back
    if image.source == "pull":
        try:
            return found._replace(digest=image_pull.wanted(image.name, image.update))
        except image_pull.PullError as error:
            raise ImageError(str(error)) from error
    own = Own(image.user, image.build_message)
    if image.source != "archive" and image.build_on == "host":
        arguments = {"OQS_USER": own.user, "MESSAGE": own.message}
        settings = "\0".join([image.build_base, *arguments.values()])
        recipe = hashlib.sha256(context() + settings.encode()).hexdigest()
        newer = _builder().NEWER.read_text("utf-8") if image.update else ""
        return found._replace(name=built_name(own), recipe=recipe, base=image.build_base, arguments=arguments,
                              update=image.update, newer=newer)
    carried = image_archive.read(archive, image.name) if image.source == "archive" else _build(own, image.update)
    return found._replace(name=carried.name, id=carried.id, facts=_facts(carried.facts, image.user))


def _facts(label: str | None, user: str) -> image_facts.Image | None:
    """What the image said of itself when it was built, so that a plan is exact before a host holds it."""
    try:
        found = image_facts.parse(label or "", user)
    except image_facts.NotAnImage:
        return None
    return found if found.user[0] == user else None


class Own(t.NamedTuple):
    """What is somebody's own in an image that is built: the account in the container, and what it says at login."""

    user: str
    message: str


def built_name(own: Own) -> str:
    """The name of the image that is built for these settings."""
    return str(_builder().tag_of("stock", **own._asdict()))


def _builder() -> t.Any:
    """images/build.py, which lies beside the plugins and not among them."""
    sys.path.insert(0, IMAGES)
    try:
        return importlib.import_module("build")
    finally:
        sys.path.remove(IMAGES)


def _build(own: Own, update: bool) -> image_archive.Carried:
    """This collection's own image, built on the controller where it is not there yet, or (``update``) where Debian has
    newer packages."""
    try:
        cli.engine(cli.OWN)
    except cli.DockerError as error:
        raise ImageError(
            "oqs_ssh_image_source: build needs a Docker engine on the controller, and none answers (%s): start one, or "
            "have each host build for itself (oqs_ssh_image_build_on: host), or take another source (pull, archive)"
            % error
        ) from error
    with image_cache.locked("build"):
        try:
            tag = _builder().build("stock", say=lambda *_words: None, update=update, **own._asdict())
        except Exception as error:
            raise ImageError("the stock image could not be built: %s" % error) from error
    found = cli.inspect("image", tag, cli.OWN)
    if not found:
        raise ImageError("the stock image was built, but %s is not there" % tag)
    labels = found["Config"].get("Labels") or {}
    return image_archive.Carried(found["Id"], tag, labels.get(image_archive.FACTS))


def context() -> bytes:
    """What an engine builds the stock image from, as it takes it from standard input; always the same bytes."""
    packed = io.BytesIO()
    top = os.path.join(IMAGES, "stock")
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


def parts(image: ImageSpec, archive: str) -> list[str]:
    """Paths of files that a host needs to get an image that it does not pull; their names are their hashes.

    :raises ImageError: they cannot be made.
    """
    if not image.recipe:
        from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import image_parts

        return image_parts.of(image, archive)
    data = context()
    folder = os.path.join(image_cache.folder(), image.recipe)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = os.path.join(folder, hashlib.sha256(data).hexdigest())
    with image_cache.locked("archives"):
        with open(path + ".new", "wb") as target:
            target.write(data)
        os.replace(path + ".new", path)
        image_cache.used(folder)
    return [path]
