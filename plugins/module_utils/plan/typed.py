# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values by their type: what is wanted of a host, and what a look found. Pure.

A kind of thing keeps its types in its own file; nothing here knows one of them.
"""

from __future__ import annotations

import threading
from typing import Any, Callable, Dict, Mapping, Optional, Type, TypeVar

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape

T = TypeVar("T")


class Typed:
    """At most one value of each type."""

    def __init__(self, *values: object) -> None:
        self._values: Dict[type, Any] = {type(each): each for each in values}

    def get(self, kind: Type[T]) -> Optional[T]:
        """The value of a type, or None."""
        found: Optional[T] = self._values.get(kind)
        return found

    def of(self, kind: Type[T]) -> T:
        """The value of a type, which must be there."""
        found: T = self._values[kind]
        return found


class Spec(Typed):
    """What is wanted of a host: a value a section that was asked for."""

    def having(self, *values: object) -> "Spec":
        """The same with some values in place of those of their types."""
        return Spec(*{**self._values, **{type(each): each for each in values}}.values())

    def __bool__(self) -> bool:
        return bool(self._values)

    def only(self, kind: type) -> bool:
        """Whether nothing else is wanted."""
        return set(self._values) == {kind}


def parse(want: Mapping[str, object], kinds: Mapping[str, type]) -> Spec:
    """What is wanted, as the controller sends it.

    :param kinds: section to the shape of what is wanted of it.
    :raises WrongShape: a section that nobody knows, or one of another shape.
    """
    unknown = sorted(set(want) - set(kinds))
    if unknown:
        raise shape.WrongShape("want: there is no section %s; there are %s" % (unknown[0][:40], ", ".join(kinds)))
    return Spec(*[shape.parse(kinds[name], part, "want.%s" % name) for name, part in want.items()])


class Facts(Typed):
    """What a look found. What nobody has asked about yet is read when it is asked about, once.

    :param readers: type to what reads it; a reader is given the facts, for what it depends on.
    """

    def __init__(self, *values: object, readers: "Optional[Mapping[type, Callable[[Facts], Any]]]" = None) -> None:
        super().__init__(*values)
        self._readers = readers or {}
        self._locks: Dict[type, threading.RLock] = {kind: threading.RLock() for kind in self._readers}

    def of(self, kind: Type[T]) -> T:
        """The value of a type; read now where it was not.

        :raises UserError: it could not be read; the text says what.
        """
        if kind in self._values or kind not in self._readers:
            return super().of(kind)
        with self._locks[kind]:
            if kind not in self._values:
                self._values[kind] = self._readers[kind](self)
        return super().of(kind)

    def put(self, *values: object) -> None:
        """Replace what an act has changed."""
        self._values.update({type(each): each for each in values})

    def forget(self, *kinds: type) -> None:
        """What an act has changed is read again when it is asked about."""
        for kind in kinds:
            self._values.pop(kind, None)
