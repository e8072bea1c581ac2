# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The contract of everything that can be wrong on a host, and the registry of all that there is.

A new kind of thing is one new file with a resource, and one line in the registry (``session/registry.py``): the order
of the plan, what may stand in the ledger, what is quick, the words of the ending and check mode follow from it.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change, Place, Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec

#: The section of what is wanted in which everything is taken back.
REMOVAL = "removal"


class Resource:
    """A kind of thing on hosts.

    ``sections``: its places in the order of the plan, with what people call them. ``part``: the section of what is
    wanted that it belongs to, and ``spec`` its shape, where no other resource of the part has said it. ``ledger``:
    what of it may stand in the ledger, kind to a regular expression of names. ``readers``: what it finds on the host,
    by type.
    """

    part: str = ""
    sections: Mapping[str, str] = {}
    spec: Mapping[str, type] = {}
    ledger: Mapping[str, str] = {}
    readers: Mapping[type, Callable[[Facts], Any]] = {}
    #: Types whose reading takes long, so that it begins before anything else is asked about; only for a spec that
    #: names the part.
    early: Tuple[type, ...] = ()

    def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
        """What is not as wanted."""

    def announce(self, host: Host, changes: Sequence[Change]) -> None:
        """Write down what tasks of ansible-core's are about to do, and what they did the last time."""

    def restore(self, facts: Facts, plan: Plan) -> None:
        """What is to be taken back of what the ledger names, and only that; others of the plan are there already."""


class Registry:
    """Resources in the order in which a host is changed.

    :param resources: sections are carried out in their order, the one in which the ledger goes last.
    :param planning: those that plan, in the order in which they do; what one plans may depend on those before it.
    :param restoring: those that take something back, likewise.
    """

    def __init__(
        self, resources: Sequence[Resource], planning: Sequence[Resource], restoring: Sequence[Resource]
    ) -> None:
        self.resources = tuple(dict.fromkeys([*resources, *planning, *restoring]))
        self.planning = tuple(planning)
        self.restoring = tuple(restoring)
        self.places: Dict[str, Place] = {}
        self.kinds: Dict[str, str] = {}
        self.specs: Dict[str, type] = {}
        self.readers: Dict[type, Callable[[Facts], Any]] = {}
        for each in self.resources:
            self.places.update({name: Place(label, each.part) for name, label in each.sections.items()})
            self.specs.update(each.spec)
            self.readers.update(each.readers)
            for kind, pattern in each.ledger.items():
                known = self.kinds.get(kind)
                self.kinds[kind] = "%s|%s" % (known, pattern) if known else pattern
        if REMOVAL in self.places:  # with the ledger, without which nobody knows what is left
            self.places[REMOVAL] = self.places.pop(REMOVAL)

    def sections(self, names: Sequence[str]) -> List[str]:
        """The sections of the plan behind sections of what is wanted; one of the plan stands for itself. All have
        something to restore in a removal."""
        found: List[str] = []
        for name in names:
            mine = [section for each in self.resources if name == each.part for section in each.sections]
            found += list(self.places) if name == REMOVAL else mine or [name]
        return list(dict.fromkeys(found))

    def parts(self, spec: Spec) -> List[str]:
        """The sections that were asked for."""
        return [name for name, kind in self.specs.items() if spec.get(kind)]

    def removes(self, spec: Spec) -> bool:
        """Whether everything is to be taken back."""
        return REMOVAL in self.parts(spec)
