# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan: what is there, what is wanted, why. The one source of check mode, diff, forecast and idempotence. Pure."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import ABSENT, UNKNOWN, printable

#: What a change needs that no other change of the same round brings: another look.
ANOTHER_LOOK = ("another look",)


class Change(NamedTuple):
    """One thing that is not as wanted, and how it gets there.

    ``kind`` and ``name`` say which thing; ``before``, ``after`` and ``why`` are text for people and never hold a
    secret. ``act`` carries the change out and is given the host (``host.Host``); what it returns is true where the
    rest was planned from something that turned out otherwise.
    Without one, tasks of ansible-core's own do; or, where ``needs`` says that something comes first, a later look plans
    the same with an act. ``quick``: done in a moment, in a container that goes on running, with nothing but what the
    host has. ``needs``: kinds of which one must have been carried out in the same round before an ``after`` that is not
    known yet can be. ``values``: what the controller's part of the work needs, such as names of packages. ``said``: how
    the ending calls it, where that is not its name; ``headline``: a word under which the ending also says before and
    after.
    """

    section: str
    kind: str
    name: str
    before: str
    after: str
    why: str
    act: Optional[Callable[[Any], Optional[bool]]] = None
    quick: bool = False
    needs: Tuple[str, ...] = ()
    values: Tuple[str, ...] = ()
    said: str = ""
    headline: str = ""

    @property
    def resource(self) -> str:
        """The thing as a person calls it."""
        return ("%s %s" % (self.kind.replace("_", " "), self.name)).strip()

    @property
    def pending(self) -> bool:
        """Whether only a run can know what comes."""
        return self.after is UNKNOWN

    @property
    def gone(self) -> bool:
        """Whether the thing is not there any more afterwards."""
        return self.after is ABSENT

    @property
    def by_ansible(self) -> bool:
        """Whether tasks of ansible-core's own carry it out; what only another look can plan, nobody does."""
        return self.act is None and not self.needs


class Item(NamedTuple):
    """A change as it travels: its fields for people, where it belongs (``label`` and ``part`` of its ``Place``), and
    what it derives."""

    section: str
    part: str
    label: str
    kind: str
    name: str
    resource: str
    before: str
    after: str
    why: str
    values: List[str]
    said: str
    headline: str
    by_ansible: bool
    pending: bool


class Place(NamedTuple):
    """A section of the plan: what people call it, and the section of what is wanted that it belongs to."""

    label: str
    part: str


class Plan:
    """What has to be done on a host, in order, and what forbids it.

    :param places: sections in the order in which they are carried out.
    """

    def __init__(self, places: Mapping[str, Place]) -> None:
        self.places = places
        self.changes: List[Change] = []
        self.errors: List[str] = []
        self.notes: List[str] = []
        #: notes of a first look that are still true when all was carried out
        self.lasting: List[str] = []
        #: whether nothing else can be planned
        self.stopped = False
        #: sections of what is wanted of which nothing more can be planned
        self.left: Set[str] = set()

    def add(self, *changes: Change) -> None:
        """Add changes, except those of things that are already as wanted."""
        self.changes += [each for each in changes if each.before != each.after]

    def refuse(self, message: str) -> None:
        """A reason why the run cannot succeed; nothing is changed while there is one."""
        if message not in self.errors:
            self.errors.append(message)

    def stop(self, message: str) -> None:
        """A reason why nothing else can even be planned."""
        self.refuse(message)
        self.stopped = True

    def leave(self, part: str) -> None:
        """A section of what is wanted is refused: the rest of it is not planned, other sections are."""
        self.left.add(part)

    def note(self, message: str, lasting: bool = False) -> None:
        """Something a person should know; it changes nothing.

        :param lasting: what is carried out hides it from later looks, and it is said all the same.
        """
        if message not in self.notes:
            self.notes.append(message)
        if lasting:
            self.lasting.append(message)

    def of_kind(self, *kinds: str) -> List[Change]:
        """The changes of some kinds that are planned so far."""
        return [each for each in self.changes if each.kind in kinds]

    def section(self, names: Iterable[str]) -> List[Change]:
        """The changes of some sections, in the order in which they are carried out."""
        wanted = set(names)
        return [each for each in self.ordered() if each.section in wanted]

    def ordered(self) -> List[Change]:
        """All changes in the order of the sections, and within one as they were planned."""
        order = list(self.places)
        return sorted(self.changes, key=lambda each: order.index(each.section))

    def items(self, changes: Optional[Sequence[Change]] = None) -> List[Item]:
        """Changes as they travel to the controller.

        :param changes: None: all, in order.
        """
        return [_item(each, self.places[each.section]) for each in (self.ordered() if changes is None else changes)]


def _item(change: Change, place: Place) -> Item:
    return Item(
        section=change.section, part=place.part, label=place.label, kind=change.kind, name=change.name,
        resource=change.resource, before=change.before, after=change.after, why=change.why, values=list(change.values),
        said=change.said, headline=change.headline, by_ansible=change.by_ansible,
        pending=change.pending,
    )


def diff(items: Iterable[Item]) -> List[Dict[str, str]]:
    """Changes in the form that Ansible prints for ``--diff``.

    Where what comes to a file is not known yet, its present lines are not shown as if they went.
    """
    return [
        {
            "before_header": printable("%s (%s)" % (item.resource, item.why)),
            "after_header": printable(item.resource),
            "before": _text(item.before),
            "after": (_text(item.before) if item.before.endswith("\n") and item.pending else "") + _text(item.after),
        }
        for item in items
    ]


def shown(data: Optional[bytes]) -> str:
    """The content of a file as a plan shows it."""
    return ABSENT if data is None else data.decode("utf-8", "replace")


def _text(value: str) -> str:
    text = printable(value, "\n\t")
    return text if text.endswith("\n") or not text else text + "\n"
