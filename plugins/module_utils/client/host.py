# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host as its clients know it, as a value and as JSON. Pure."""

from __future__ import annotations

from typing import Dict, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import grammar, offers
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import public_keys

_MODES = ("shell", "hop")


class Host(NamedTuple):
    """The container's sshd (port, account, ``shell`` or ``hop``, offer, public keys), and the host's own behind it.

    ``hop_port`` is 0 where there is no hop. ``address`` is how others reach the host: the controller says it, and it is
    empty in what the host itself answers.
    """

    port: int
    user: str
    mode: str
    offer: offers.Offer
    keys: Tuple[str, ...]
    hop_address: str
    hop_port: int
    hop_keys: Tuple[str, ...]
    address: str = ""

    @property
    def key_types(self) -> Tuple[str, ...]:
        """The types of the container's keys."""
        return tuple(key.split()[0] for key in self.keys)

    def to_json(self) -> Dict[str, object]:
        """The form that ``parse_answer`` reads; with an address the one that ``parse`` reads."""
        found: Dict[str, object] = {
            "port": self.port, "user": self.user, "mode": self.mode, "offer": self.offer.to_json(),
            "keys": list(self.keys), "hop_address": self.hop_address, "hop_port": self.hop_port,
            "hop_keys": list(self.hop_keys),
        }
        return dict(found, address=self.address) if self.address else found


#: Of what a host answers.
_FIELDS = tuple(name for name in Host._fields if name != "address")
Hosts = Mapping[str, Host]


def parse_answer(found: object) -> Optional[Host]:
    """What a host answers.

    :returns: None where nothing is deployed (an empty dictionary).
    :raises BadShape: it is no answer.
    """
    return None if found == {} else _host(shape.row("its answer", found, _FIELDS))


def parse(found: object) -> Host:
    """A host with the address that the controller found it under.

    :raises BadShape: it is none.
    """
    row = shape.row("its description", found, Host._fields)
    address = shape.text("address", row.pop("address"), grammar.address)
    return _host(row)._replace(address=address)


def _host(row: Mapping[str, object]) -> Host:
    return Host(
        port=shape.number("port", row["port"], 1, grammar.LAST_PORT),
        user=shape.text("user", row["user"], grammar.account),
        mode=shape.text("mode", row["mode"], _MODES.__contains__),
        offer=offers.parse("offer", row["offer"]),
        keys=public_keys.parse("keys", row["keys"]),
        hop_address=shape.text("hop_address", row["hop_address"], grammar.address),
        hop_port=shape.number("hop_port", row["hop_port"], 0, grammar.LAST_PORT),
        hop_keys=public_keys.parse("hop_keys", row["hop_keys"]),
    )


def parse_all(rows: Mapping[str, object]) -> Tuple[Dict[str, Host], Dict[str, str]]:
    """Hosts by their names, and for those that cannot be believed why."""
    hosts, unusable = {}, {}
    for name, row in rows.items():
        try:
            hosts[name] = parse(row)
        except shape.BadShape as error:
            unusable[name] = str(error)
    return hosts, unusable
