# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host answers, parsed once on the controller before anything there uses it. A host is believed about itself,
and only in exact shapes: what does not fit fails that host alone. Pure."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import host, report
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import grammar, offers
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import public_keys


class BadAnswer(UserError):
    """A host answered in a shape that nothing of ours gives; the text names the field, never the value."""


class Item(t.NamedTuple):
    """A change, as it travels."""

    section: str
    part: str
    label: str
    kind: str
    name: str
    resource: str
    before: str
    after: str
    why: str
    values: t.List[str]
    said: str
    headline: str
    by_ansible: bool


class Handshake(t.NamedTuple):
    """A handshake that was made."""

    ok: bool
    error: str
    kex: str
    host_key_algorithm: str
    host_key: str
    server: str


class OwnSshd(t.NamedTuple):
    """What the host's own sshd can do."""

    software: str
    kex: t.List[str]
    error: str


class Found(t.NamedTuple):
    """What the controller goes on with of what was found."""

    package_manager: str
    init: str
    openssh: str
    password: str
    image_origin: t.Dict[str, str]
    image_parts: t.List[str]


class Lockdown(t.NamedTuple):
    """What of a lockdown is in force; nothing where nobody asked."""

    state: t.Optional[str]
    token: t.Optional[str]
    through: t.Optional[bool]


class Look(t.NamedTuple):
    """A look; ``done`` are changes that were carried out."""

    plan: t.List[Item]
    errors: t.List[str]
    notes: t.List[str]
    wanted: t.List[str]
    host: Found
    own_sshd: OwnSshd
    hop_target: object
    offer: object
    knows: object
    pins: object
    proof: t.Dict[str, Handshake]
    lockdown: Lockdown
    done: t.List[Item] = []


@contextlib.contextmanager
def _from_a_host() -> t.Iterator[None]:
    try:
        yield
    except shape.WrongShape as error:
        raise BadAnswer("the host's answer cannot be believed: %s" % error) from error


def client(found: object) -> host.Host | None:
    """What a host's clients have to know of it.

    :returns: None where nothing is deployed.
    :raises BadAnswer: it has another shape.
    """
    with _from_a_host():
        return host.parse_answer(found)


def settled(found: object) -> report.Report:
    """What was done on a person's machine.

    :raises BadAnswer: it has another shape.
    """
    with _from_a_host():
        return report.parse(found)


def look(found: object) -> None:
    """A look, or what came of carrying one out: whole, since the ending of a run is made from what all hosts said. A
    host with a newer collection may say more.

    :raises BadAnswer: a part is missing, or has another shape.
    """
    with _from_a_host():
        row = shape.table("its answer", found)
        shape.parse(Look, row, "its answer", strict=False)
        public_keys.parse("pins", row["pins"])
        offers.parse("offer", row["offer"])
        offers.parse("knows", row["knows"])
        target = shape.row("hop_target", row["hop_target"], ("address", "port"))
        shape.text("hop_target", target["address"], grammar.address)
        shape.number("hop_target", target["port"], 0, grammar.LAST_PORT)
    if "looked" in row:  # the look of which it came
        look(row["looked"])
