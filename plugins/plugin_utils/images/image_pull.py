# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which image a tag means in this run: asked once, and the same for all hosts that have to pull it.

Nobody is asked while no host needs the image: a host that holds one under the tag keeps it, until
``oqs_ssh_image_update`` says otherwise. Where the controller cannot ask, each host asks for itself: none is believed
about what others should run, and the ending of the run names the differences.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import image_names
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_names import NoAnswer, NoSuchImage
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.answer import Look
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core import run_store
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import Want

_ASIDE = "or take the image along (oqs_ssh_image_source: archive or build)"


class PullError(UserError):
    """The image cannot be pulled; the text says why, and what to do."""


@dataclasses.dataclass
class Tag:
    """What a run knows of a tag: the registry's digest, that there is no such image, or why there is no answer."""

    digest: str = ""
    no_such_image: str = ""
    no_answer: str = ""


@contextlib.contextmanager
def together(name: str) -> t.Iterator[Tag]:
    """What this run knows of a tag; one task at a time. Changes are kept."""
    with run_store.together("tag " + image_names.parse(name).tagged) as row:
        known = Tag(**row)
        try:
            yield known
        finally:
            row.update(dataclasses.asdict(known))


def wanted(name: str, update: bool) -> str:
    """The digest that a host is to have: the pinned one, or with ``update`` the registry's; empty: what is there does.

    :raises PullError: no such image; or the registry cannot be asked, and was to be.
    """
    reference = image_names.parse(name)
    if reference.digest or not update:
        return reference.digest
    try:
        return digest_of(name)
    except NoAnswer as error:
        raise PullError(
            "oqs_ssh_image_update: the controller cannot ask the registry %s for %s (%s); say which image is wanted "
            "(oqs_ssh_image: %s@sha256:...), %s" % (reference.registry, name, error, reference.place, _ASIDE)
        ) from error


def digest_of(name: str) -> str:
    """What the registry says that the tag means, or said earlier in this run.

    :raises PullError: the registry has no such image.
    :raises NoAnswer: it cannot be asked from here.
    """
    with together(name) as known:
        if known == Tag():
            from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import registry

            try:
                known.digest = registry.digest_of(image_names.parse(name))
            except NoSuchImage as error:
                known.no_such_image = "%s: check oqs_ssh_image" % error
            except NoAnswer as error:
                known.no_answer = str(error)
    if known.no_such_image:
        raise PullError(known.no_such_image)
    if not known.digest:
        raise NoAnswer(known.no_answer)
    return known.digest


def learn(want: Want, look: Look) -> tuple[Want, Look, str]:
    """Where the plan has an image to pull: what is wanted, and the look, with its digest; or why they are without it.

    :raises PullError: there is no such image.
    """
    image = want.ssh.image if want.ssh else None
    pulls = any(item.kind == "image" for item in look.plan)
    if image is None or not pulls or look.errors or image.source != "pull" or image.digest:
        return want, look, ""
    try:
        image = image._replace(digest=digest_of(image.name))
    except NoAnswer as error:
        note = (
            "the controller cannot ask the registry which image %s is now (%s): this host asks for itself, and others "
            "may get another one" % (image.name, error)
        )
        return want, look, note
    after = image_names.planned(image.name, image.digest or "", image.source)
    plan = [item._replace(after=after) if item.kind == "image" else item for item in look.plan]
    return want.with_image(image), look._replace(plan=plan), ""
