# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring the image to the host: pulled by digest, or loaded from what the controller sent; then ask it what it knows."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from typing import Any, Callable, Dict, Iterator, Mapping, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests, files, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import policy
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, image_names
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import image_facts as knowledge
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import bookkeeping
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Item
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import look
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.apply_container import entry_copy
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.host import Host

#: Seconds for building an image, packages and all.
BUILD = 1800.0


class ImageError(Exception):
    """The image cannot be had on this host, or is none that can serve; the text says why, and what to do."""


def image(host: Host, item: Item) -> None:
    """Pull it, build it, or load the archive that the controller brought."""
    wanted = host.want["ssh"]["image"]
    if wanted["source"] == "pull":
        _pull(wanted)
    else:
        _bring(host, item)
    host.facts["image"] = look.image(wanted)


def _bring(host: Host, item: Item) -> None:
    wanted = host.want["ssh"]["image"]
    bookkeeping.record("image", wanted["id"] or wanted["name"], None, wanted["name"])
    parts = host.brought.get("parts") or []
    if not parts:
        raise ImageError("the image %s is not on this host, and the controller sent none" % item.after)
    if wanted.get("recipe"):
        _build(wanted, b"".join(_pieces(parts)))
    else:
        _found(wanted, _load(parts, wanted["name"]))
    shutil.rmtree(paths.PARTS_DIR)


def _found(wanted: Mapping[str, Any], name: str) -> None:
    """See that the image is there now, and under which id."""
    found = cli.inspect("image", wanted["id"]) or cli.inspect("image", name)
    if not found:
        raise ImageError("docker load took the archive, but %s is still not there" % wanted["name"])
    if found["Id"] != wanted["id"]:
        # engines that keep images with containerd call them by the manifest's digest
        _store_facts(wanted["id"], {"engine_id": found["Id"]})


def _pull(wanted: Mapping[str, Any]) -> None:
    """By digest, which the engine verifies; the tag is for people, and for the next look."""
    reference = image_names.parse(wanted["name"])
    name = reference.pinned(wanted.get("digest") or "") or reference.tagged
    bookkeeping.record("image", name, None, reference.tagged or name)
    try:
        if name == reference.tagged or not cli.inspect("image", name):
            cli.docker(["pull", "--quiet", name], timeout=cli.WORK)
    except cli.DockerError as error:
        raise ImageError(image_names.why_not(str(error), name)) from error
    if reference.tagged and name != reference.tagged:
        cli.docker(["image", "tag", name, reference.tagged])


def _pieces(parts: Sequence[str]) -> Iterator[bytes]:
    """The parts, each compared with the hash that is its name.

    :raises ImageError: missing or damaged; a damaged one is removed, so that the next run sends it again.
    """
    for name in parts:
        path = "%s/%s" % (paths.PARTS_DIR, name)
        try:
            with open(path, "rb") as piece:
                data = piece.read()
        except FileNotFoundError as error:
            raise ImageError("a part of the image is not there any more (%s): run again" % path) from error
        if digests.digest(data) != name:
            os.unlink(path)
            raise ImageError("a part of the image is damaged (%s): run again" % path)
        yield data


def _load(parts: Sequence[str], name: str) -> str:
    """Put the parts together, load the whole; the name of what was loaded."""
    try:
        with tempfile.NamedTemporaryFile(dir=paths.PARTS_DIR, prefix=files.TEMPORARY) as whole:
            for data in _pieces(parts):
                whole.write(data)
            whole.flush()
            said = cli.docker(["load", "--input", whole.name], timeout=cli.WORK).text
    except (cli.DockerError, OSError) as error:
        raise ImageError(image_names.why_not(str(error), name)) from error
    return said.splitlines()[-1].split(": ", 1)[-1].strip() if said else ""


def _build(wanted: Mapping[str, Any], context: bytes) -> None:
    """Build the stock image here. The network is the host's: an engine that we installed has no other."""
    arguments = [
        "build", "--quiet", "--network", "host", "--tag", wanted["name"],
        "--label", "%s=%s" % (look.RECIPE, wanted["recipe"]),
    ]
    for name, value in dict(wanted.get("arguments") or {}, BASE=wanted["base"]).items():
        arguments += ["--build-arg", "%s=%s" % (name, value)]
    if not cli.inspect("image", wanted["base"]):
        bookkeeping.record("image", wanted["base"], None, wanted["base"])
    try:
        cli.docker([*arguments, "-"], stdin=context, timeout=BUILD)
    except cli.DockerError as error:
        words = "the image could not be built on this host; oqs_ssh_image_build_base says from what. "
        raise ImageError(words + image_names.why_not(str(error), wanted["base"])) from error


def _store_facts(image_id: str, facts: Mapping[str, Any]) -> None:
    files.make_dir(paths.VAR_DIR, 0o700)
    files.make_dir(paths.IMAGES_DIR, 0o700)
    path = "%s/%s.json" % (paths.IMAGES_DIR, image_id.replace("sha256:", ""))
    files.write_file(path, json.dumps(facts, sort_keys=True).encode(), 0o600)


def image_facts(host: Host, _item: Item) -> None:
    """Ask the image what it knows, once."""
    ssh, found = host.want["ssh"], host.facts["image"]
    if not found:
        return  # the image came in this round; the next look finds it
    with entry_copy(host) as mount:
        done = cli.run_once(
            found["engine_id"], [paths.ENTRY, "facts"], [mount], policy.keyword_question(ssh),
            env={"OQS_USER": ssh["user"]},
        )
    try:
        known = knowledge.parse(done.out.decode("utf-8", "replace"), ssh["user"])
    except knowledge.NotAnImage as error:
        raise ImageError("the image %s cannot be used: %s" % (ssh["image"]["name"], error)) from error
    known["engine_id"] = found["engine_id"]
    _store_facts(found["engine_id"], known)
    if ssh["image"]["id"]:
        _store_facts(ssh["image"]["id"], known)
    host.facts["image"] = dict(known, origin=found["origin"])


HANDLERS: Dict[str, Callable[[Host, Item], None]] = {
    "image": image,
    "image_facts": image_facts,
}
