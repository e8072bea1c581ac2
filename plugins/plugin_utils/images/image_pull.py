# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which image a tag means in this run: asked once, and the same for all hosts that have to pull it.

Nobody is asked while no host needs the image: a host that holds one under the tag keeps it, until
``oqs_ssh_image_update`` says otherwise. Where the controller cannot ask, the first host that pulls answers for all.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import image_names
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_names import NoAnswer, NoSuchImage
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core import run_store

#: So many hosts may try to pull a tag that nobody could resolve, one after the other; then the run gives up.
TRIES = 3
_ASIDE = "or take the image along (oqs_ssh_image_source: archive or build)"


class PullError(UserError):
    """The image cannot be pulled; the text says why, and what to do."""


def together(name: str) -> t.ContextManager[dict[str, t.Any]]:
    """What this run knows of a tag; one task at a time."""
    return run_store.together("tag " + image_names.parse(name).tagged)


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
        if not known:
            from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import registry

            try:
                known["digest"] = registry.digest_of(image_names.parse(name))
            except NoSuchImage as error:
                known["no_such_image"] = "%s: check oqs_ssh_image" % error
            except NoAnswer as error:
                known["no_answer"] = str(error)
    if known.get("no_such_image"):
        raise PullError(known["no_such_image"])
    if not known.get("digest"):
        raise NoAnswer(known.get("no_answer", ""))
    return str(known["digest"])


def learn(want: dict[str, t.Any], look: dict[str, t.Any]) -> None:
    """Where the plan has an image to pull: put its digest into what is wanted and into the plan.

    :param want: of a host; :param look: what a look at it gave. Both are changed.
    :raises PullError: there is no such image.
    """
    item = next((item for item in look["plan"] if item["kind"] == "image"), None)
    image = want.get("ssh", {}).get("image", {})
    if item is None or look["errors"] or image.get("source") != "pull" or image.get("digest"):
        return
    try:
        image["digest"] = digest_of(image["name"])
        item["after"] = image_names.planned(image["name"], image["digest"], image["source"])
    except NoAnswer as error:
        look["notes"].append(
            "the controller cannot ask the registry which image %s is now (%s): the first host that pulls it decides "
            "for all others of this run" % (image["name"], error)
        )


@contextlib.contextmanager
def decided(name: str) -> t.Iterator[dict[str, t.Any]]:
    """Pull a tag that the controller could not resolve: inside, ``digest`` is what an earlier host got, if any did; the
    caller sets it after a pull. While there is none, one host at a time is inside.

    :raises PullError: several hosts have tried in vain.
    """
    with together(name) as known:
        if not known.get("digest"):
            if known.get("tried", 0) >= TRIES:
                words = "%s: neither the controller (%s) nor the %d hosts that tried first could get it"
                raise PullError(words % (name, known.get("no_answer"), TRIES))
            known["tried"] = known.get("tried", 0) + 1
            yield known
            return
    yield known
