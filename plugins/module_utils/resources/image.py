# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The image: brought to the host by digest or in parts, asked once what it knows, and taken away again."""

from __future__ import annotations

import os
import re
import tempfile
import time
from functools import partial
from typing import Iterator, List, NamedTuple, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests, files, paths, trees
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import ABSENT, UNKNOWN
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import hardening
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.content import Content
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import WantedImage
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ImageSpec, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import (
    cli,
    engine,
    entry,
    image_facts,
    image_names,
    inspected,
    inventory,
    stored_images,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import Container
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.engine import Engine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image, Origin
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.inventory import Inventory
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import restore
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import Written
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change, Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.restore import CAME, Named, few
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec

#: The label that says from what a host built an image.
RECIPE = "org.quantumsafe.openssh.recipe"
#: Seconds for building an image, packages and all.
BUILD = 1800.0
_NAME = r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,511}"


class ImageError(UserError):
    """The image cannot be had on this host, or is none that can serve; the text says why, and what to do."""


class Arriving(NamedTuple):
    """Of an image that is not there: the one that has its tag here, in words (empty: none), and the parts that an
    interrupted run has brought, by their hashes."""

    held: str = ""
    parts: Sequence[str] = ()


class ImageResource(Resource):
    """The image, and what it knows."""

    part = "ssh"
    sections = {"image": "image"}
    spec = {"ssh": ServerSpec}
    ledger = {"image": _NAME, "folder": r"/var/cache/oqs-ssh(/.*)?", "file": r"/var/cache/oqs-ssh/.+"}
    early = (Engine, Image)

    def __init__(self) -> None:
        self.readers = {
            Image: _read, Arriving: _arriving, WantedImage: _wanted,
            Inventory: lambda facts: inventory.read(brought(facts.of(Written)), facts.of(Engine).usable),
        }

    def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
        """The image itself; what it knows is asked where it was not, before a trial needs the answer."""
        ssh = spec.get(ServerSpec)
        if not ssh or ssh.state == "absent":
            return
        image, here = ssh.image, facts.of(Image)
        if not here:
            after = image_names.planned(image.name, image.digest or "", image.source)
            plan.add(Change("image", "image", "", facts.of(Arriving).held or ABSENT, after,
                            "the host does not hold it", act=bring))
        days = here.origin.days(time.time())
        if here and image.max_age > 0 and (days is None or days > image.max_age):
            words = "is %s days old (oqs_ssh_image_max_age: %d): the playbook upgrade brings a newer one"
            if days is None:
                words = "says that it was made on %s, so nobody knows its age (oqs_ssh_image_max_age: %d)"
            told = here.origin.made or "no day" if days is None else days
            plan.note("the image %s " % image.name + words % (told, image.max_age), lasting=True)
        if not here.known:
            # where nothing was deployed yet, after the folder that keeps the answer
            section = "image" if facts.of(Container) else "state"
            plan.add(Change(section, "image_facts", "", "unknown", UNKNOWN, "the image is asked what it knows",
                            act=ask))

    def restore(self, facts: Facts, plan: Plan) -> None:
        """Under the names that we gave it; and parts of one that was on its way, which are nobody else's."""
        for row in facts.of(Inventory).images:
            if row.used:
                plan.note("the image %s stays: used by %s" % (row.names[-1], few(row.used)))
                continue
            if row.others:
                words = "the image %s stays under the names that others gave it: %s"
                plan.note(words % (row.names[-1], few(row.others)))
            ours = [each for each in row.names if not (row.others and each == row.id)]
            if ours:
                called = next((name for name in ours if "sha256:" not in name), row.id)
                plan.add(Change("removal", "image_gone", row.id, " ".join(ours), ABSENT, CAME,
                                act=partial(_untag, row.id, ours), said="the image %s" % called))
        parts = facts.of(Named).folders.get(paths.PARTS_DIR)
        if parts:
            plan.add(Change("removal", "folder_gone", paths.PARTS_DIR, str(parts.owner), ABSENT, CAME,
                            act=partial(restore.gone, paths.PARTS_DIR), said=paths.PARTS_DIR))


def brought(written: Written) -> List[str]:
    """Names and ids of images that the ledger names."""
    pairs = [(row.name, row.after) for row in written.rows if row.kind == "image"]
    return list(dict.fromkeys(name for pair in pairs for name in pair if name and re.fullmatch(_NAME, name)))


def _read(facts: Facts) -> Image:
    """The wanted image, as far as this host holds it, with what is known of it; where only the hop is asked for, that
    of the container."""
    ssh = facts.of(Spec).get(ServerSpec)
    if ssh:
        image = ssh.image
        return engine.asked(lambda: facts.of(Engine), lambda: find(image), Image())
    container = facts.of(Container)
    return (stored_images.stored(container.image) or Image()) if container else Image()


def find(wanted: ImageSpec) -> Image:
    """An image, as far as this host holds it."""
    if wanted.rollback:
        return _before(wanted)
    stored = stored_images.stored(wanted.id) if wanted.id else None
    reference = image_names.parse(wanted.name)
    name = reference.tagged or reference.pinned()  # the tag must be there, too: it is what people see
    found = None
    for each in [stored.engine_id if stored else "", wanted.id or "", "" if wanted.id else name]:
        found = found or (inspected.image(each) if each else None)
    if not found or wanted.recipe not in (None, found.labels.get(RECIPE)):
        return Image()
    pinned = reference.pinned(wanted.digest or "") if wanted.source == "pull" else ""
    if pinned and pinned not in [image_names.parse(each).pinned() for each in found.RepoDigests or []]:
        return Image()
    if wanted.newer and _outdated(found.Id, wanted):
        return Image()
    known = _enough(stored or stored_images.stored(found.Id) or Image())
    return known._replace(engine_id=found.Id, origin=origin(found, wanted.name))


def _outdated(image_id: str, wanted: ImageSpec) -> bool:
    """Whether Debian has a newer OpenSSH or OpenSSL than an image that was built here.

    :raises DockerError: it does not answer.
    """
    status = cli.run_once(image_id, ["cat", "/var/lib/dpkg/status"]).out
    asking = ["run", "--rm", "--interactive", "--pull", "never", "--network", "host", wanted.base or ""]
    return bool(cli.docker([*asking, "sh", "-c", wanted.newer], stdin=status, timeout=cli.WORK).text)


def _before(wanted: ImageSpec) -> Image:
    """The image that was replaced by an upgrade, if the host still holds it."""
    known = stored_images.previous()
    found = inspected.image(known) if known else None
    if not found:
        return Image()
    stored = _enough(stored_images.stored(known) or Image())
    return stored._replace(engine_id=found.Id, origin=origin(found, wanted.name))


def _enough(known: Image) -> Image:
    """What is known, if it answers what is asked now; an earlier version asked about fewer keywords."""
    return known if known.asked == hardening.KEYWORDS else Image(engine_id=known.engine_id)


def origin(found: inspected.Image, name: str) -> Origin:
    """Where an image came from."""
    return Origin(image_names.digest_among(found.RepoDigests or [], name), (found.Created or "")[:10])


def _arriving(facts: Facts) -> Arriving:
    ssh = facts.of(Spec).get(ServerSpec)
    if not ssh or facts.of(Image):
        return Arriving()
    parts = files.list_dir(paths.PARTS_DIR) if os.path.isdir(paths.PARTS_DIR) else []
    return Arriving(_held(ssh.image) if facts.of(Engine).usable else "", parts)


def _held(wanted: ImageSpec) -> str:
    """The image that has the wanted tag here, where it is not the wanted one; in words, or nothing."""
    tagged = image_names.parse(wanted.name).tagged if wanted.source == "pull" else ""
    found = inspected.image(tagged) if tagged else None
    return image_names.described(wanted.name, *origin(found, wanted.name)) if found else ""


def _wanted(facts: Facts) -> WantedImage:
    """What it answered on this host, else what its label says, so that a plan is whole before the host holds it. Only
    what it answered is acted on: the runner looks again when it was asked."""
    image, ssh = facts.of(Image), facts.of(Spec).get(ServerSpec)
    label = ssh.image.facts if ssh else None
    if image.known or label is None or not ssh:
        return WantedImage(image)
    return WantedImage(label._replace(engine_id=image.engine_id or ssh.image.id or ""))


def bring(host: Host) -> None:
    """Pull it, build it, or load the archive that the controller sent."""
    wanted = host.spec.of(ServerSpec).image
    if wanted.source == "pull":
        _pull(host, wanted)
    else:
        _assemble(host, wanted)
    host.facts.put(find(wanted))


def _pull(host: Host, wanted: ImageSpec) -> None:
    """By digest, which the engine verifies; the tag is for people, and for the next look."""
    reference = image_names.parse(wanted.name)
    name = reference.pinned(wanted.digest or "") or reference.tagged
    host.ledger.record("image", name, None, reference.tagged or name)
    try:
        if name == reference.tagged or not inspected.image(name):
            cli.docker(["pull", "--quiet", name], timeout=cli.WORK)
    except cli.DockerError as error:
        raise ImageError(image_names.why_not(str(error), name)) from error
    if reference.tagged and name != reference.tagged:
        cli.docker(["image", "tag", name, reference.tagged])


def _assemble(host: Host, wanted: ImageSpec) -> None:
    host.ledger.record("image", wanted.id or wanted.name, None, wanted.name)
    if not host.uploads:
        words = image_names.planned(wanted.name, wanted.digest or "", wanted.source)
        raise ImageError("the image %s is not on this host, and the controller sent none" % words)
    if wanted.recipe:
        _build(host, wanted, b"".join(_pieces(host.uploads)))
    else:
        _found(wanted, _load(host.uploads, wanted.name))
    trees.remove(paths.PARTS_DIR)


def _found(wanted: ImageSpec, name: str) -> None:
    """See that the image is there now, and under which id."""
    found = inspected.image(wanted.id or name) or inspected.image(name)
    if not found:
        raise ImageError("docker load took the archive, but %s is still not there" % wanted.name)
    if wanted.id and found.Id != wanted.id:
        # engines that keep images with containerd call them by the manifest's digest
        stored_images.keep(wanted.id, Image(engine_id=found.Id))


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


def _build(host: Host, wanted: ImageSpec, context: bytes) -> None:
    """Build the stock image here. The network is the host's: an engine that we installed has no other."""
    base = wanted.base or ""
    arguments = [
        "build", "--quiet", "--network", "host", "--tag", wanted.name, "--label", "%s=%s" % (RECIPE, wanted.recipe),
    ]
    if wanted.newer:
        arguments.append("--no-cache")  # with Debian's packages of today
    for name, value in dict(wanted.arguments or {}, BASE=base).items():
        arguments += ["--build-arg", "%s=%s" % (name, value)]
    if not inspected.image(base):
        host.ledger.record("image", base, None, base)
    try:
        cli.docker([*arguments, "-"], stdin=context, timeout=BUILD)
    except cli.DockerError as error:
        words = "the image could not be built on this host; oqs_ssh_image_build_base says from what. "
        raise ImageError(words + image_names.why_not(str(error), base)) from error


def ask(host: Host) -> bool:
    """Ask the image what it knows, once; whether the plan was made from another answer (its label's)."""
    ssh, found, expected = host.spec.of(ServerSpec), host.facts.of(Image), host.facts.of(WantedImage).image
    if not found:
        return True  # the image came in this round; the next look finds it
    with entry.copy(ssh.entry) as mount:
        done = cli.run_once(
            found.engine_id, [paths.ENTRY, "facts"], [mount], hardening.keyword_question(ssh),
            env={"OQS_USER": ssh.user},
        )
    try:
        known = image_facts.parse(done.out.decode("utf-8", "replace"), ssh.user)
    except image_facts.NotAnImage as error:
        raise ImageError("the image %s cannot be used: %s" % (ssh.image.name, error)) from error
    known = known._replace(engine_id=found.engine_id)
    stored_images.keep(found.engine_id, known)
    if ssh.image.id:
        stored_images.keep(ssh.image.id, known)
    host.facts.put(known._replace(origin=found.origin))
    host.facts.forget(WantedImage, Content)
    return known.answers() != expected.answers()


def _untag(image_id: str, names: Sequence[str], _host: Host) -> None:
    """The names that we gave an image; the last one takes it along. By its id only when it has no other name: an engine
    refuses that for an image of two names, as the one before an upgrade may be."""
    for name in sorted(names, key=lambda each: each.startswith("sha256:")):
        found = inspected.image(name)
        if found and found.Id == image_id:
            cli.docker(["image", "rm", name], timeout=cli.WORK)


IMAGE = ImageResource()
