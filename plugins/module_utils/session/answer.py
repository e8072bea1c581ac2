# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host answers to a look, and to what was carried out: as a value and as JSON. Pure.

Both ends use it: the host makes it, the controller parses it before anything there uses it.
"""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, cast

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Origin
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import grammar, offers
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.handshakes import Handshake, Proof
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import public_keys
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.offers import Offer
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Item


class Found(NamedTuple):
    """What was found, resource by resource, for people and reports: states, names and fingerprints.

    ``image_origin`` is None where the image is not there. ``engine_at_boot``: whether the engine starts with the host:
    ``yes``, or ``no: why``, or ``unknown: why``.
    """

    system: str
    package_manager: str
    init: str
    engine: str
    engine_at_boot: str
    container: str
    health: str
    image: str
    image_origin: Optional[Origin]
    image_parts: List[str]
    openssh: str
    uid: str
    firewall: str
    firewall_rules: List[str]
    password: str
    listener: str
    listener_is_ours: bool
    folders: Dict[str, str]
    keys: Dict[str, str]
    next_keys: Dict[str, str]
    settings: Dict[str, Dict[str, str]]
    hop_users: Dict[str, str]


class OwnSshd(NamedTuple):
    """What the host's own sshd can do; ``kex`` are its quantum-safe key exchanges. No software: nobody asked, or
    ``error`` says why there is no answer."""

    software: str
    kex: List[str]
    error: str


class Target(NamedTuple):
    """Where the hop ends; port 0: there is none."""

    address: str
    port: int


class Lockdown(NamedTuple):
    """What of a lockdown is in force; ``through``: this session came through the container. None: nobody asked."""

    state: Optional[str]
    token: Optional[str]
    through: Optional[bool]


class Look(NamedTuple):
    """A look: the plan, what forbids it, and what was found. ``pins``: public host keys of the container's sshd."""

    plan: List[Item]
    errors: List[str]
    notes: List[str]
    wanted: List[str]
    host: Found
    own_sshd: OwnSshd
    hop_target: Target
    offer: Offer
    knows: Offer
    pins: List[str]
    proof: Proof
    lockdown: Lockdown

    def to_json(self) -> Dict[str, object]:
        """The form that ``parse`` reads; its keys are the RETURN of oqs_look."""
        found = cast(Dict[str, object], shape.plain(self))
        host = dict(self.host._asdict(), image_origin=shape.plain(self.host.image_origin) or {})
        return dict(found, host=host, proof=self.proof.as_dicts())


class Outcome(NamedTuple):
    """A look; ``done`` (None: it was only a look) and ``looked`` (what an earlier look of the same execution gave)."""

    look: Look
    done: Optional[List[Item]] = None
    looked: Optional[Look] = None


def parse(found: object) -> Outcome:
    """What a host answers; what Ansible adds to a module's answer is left out.

    :raises WrongShape: a part is missing, or is not of the form that it must have.
    """
    row = shape.table("its answer", found)
    done = [shape.parse(Item, each, "done") for each in _list(row["done"])] if "done" in row else None
    return Outcome(_look(row), done, _look(row["looked"]) if "looked" in row else None)


def _look(found: object) -> Look:
    row = {name: each for name, each in shape.table("its answer", found).items() if name in Look._fields}
    if isinstance(row.get("host"), dict):
        host = shape.table("host", row["host"])
        row["host"] = dict(host, image_origin=None) if host.get("image_origin") == {} else host
    look = shape.parse(Look, row, "its answer")
    for name, each in shape.table("proof", row["proof"]).items():
        shape.row("proof." + name, each, Handshake._fields)
    if look.host.image_origin:
        shape.row("host.image_origin", shape.table("host", row["host"])["image_origin"], Origin._fields)
    public_keys.parse("pins", row["pins"])
    offers.parse("offer", row["offer"])
    offers.parse("knows", row["knows"])
    shape.text("hop_target", look.hop_target.address, grammar.address)
    shape.number("hop_target", look.hop_target.port, 0, grammar.LAST_PORT)
    return look


def _list(value: object) -> List[object]:
    shape.check("done", isinstance(value, list))
    return cast(List[object], value)
