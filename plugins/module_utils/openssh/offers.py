# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one side of a connection offers, as a value and as JSON. Pure."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import grammar


class Offer(NamedTuple):
    """Algorithms, as a configuration lists them: names and patterns of names."""

    kex: Tuple[str, ...]
    host_keys: Tuple[str, ...]
    pubkeys: Tuple[str, ...]

    def to_json(self) -> Dict[str, List[str]]:
        """The form that ``parse`` reads."""
        return {name: list(names) for name, names in zip(self._fields, self)}


def parse(name: str, value: object) -> Offer:
    """An offer from JSON.

    :param name: of the field, for the error.
    :raises BadShape: it is none.
    """
    found = shape.row(name, value, Offer._fields)
    return Offer(*(shape.texts("%s.%s" % (name, part), found[part], grammar.algorithm) for part in Offer._fields))
