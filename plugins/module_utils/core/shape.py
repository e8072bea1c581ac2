# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values from outside (JSON of the controller, of programs, of files) parsed once into typed ones. Pure.

A shape is a NamedTuple; what its annotations say is what the value must be. Text is not a number, a number is no text,
and true is neither. What comes from somebody who is not believed also has its grammar checked, field by field (below).
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, List, Sequence, Tuple, Type, TypeVar, Union, cast, get_type_hints

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import describe
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError

T = TypeVar("T")
_NONE = None.__class__
#: At most so many members in one list; an image knows less than two hundred algorithms.
MANY = 500
_hints: Dict[type, Dict[str, Any]] = {}


class WrongShape(UserError):
    """The value is not what it must be; the text names the place, and describes the value without giving it away."""


def parse(kind: Type[T], value: object, place: str, strict: bool = True) -> T:
    """A value of a shape.

    :param kind: a NamedTuple; fields without a default must be there.
    :param value: a dictionary whose keys are the fields, as JSON gives it.
    :param place: what the value is, for errors.
    :param strict: a key that is no field is an error; else it is passed over.
    :raises WrongShape: it does not fit.
    """
    if not isinstance(value, dict):
        raise WrongShape("%s is %s, not a dictionary" % (place, describe(value)))
    hints = _hints.get(kind) or _hints.setdefault(kind, get_type_hints(kind))
    given = {name: _value(hint, value[name], "%s.%s" % (place, name), strict) for name, hint in hints.items()
             if name in value}
    missing = [name for name in hints if name not in given and name not in _defaults(kind)]
    more = [name for name in value if name not in hints] if strict else []
    if missing or more:
        words = ["%s is missing" % name for name in missing] + ["%s is not known" % str(name)[:40] for name in more]
        raise WrongShape("%s: %s" % (place, ", ".join(words)))
    return kind(**given)


def _defaults(kind: Any) -> Dict[str, Any]:
    found: Dict[str, Any] = kind._field_defaults
    return found


def _value(hint: Any, value: object, place: str, strict: bool) -> object:
    origin = getattr(hint, "__origin__", None)
    if origin is Union:  # Optional
        inner = [each for each in hint.__args__ if each is not _NONE]
        return None if value is None else _value(inner[0], value, place, strict)
    if origin in (list, List):
        return [_value(hint.__args__[0], each, place, strict) for each in _list(value, place)]
    if origin in (tuple, Tuple):
        return tuple(_value(hint.__args__[0], each, place, strict) for each in _list(value, place))
    if origin in (dict, Dict):
        if not isinstance(value, dict):
            raise WrongShape("%s is %s, not a dictionary" % (place, describe(value)))
        return {str(name): _value(hint.__args__[1], each, place, strict) for name, each in value.items()}
    if hasattr(hint, "_fields"):
        return parse(hint, value, place, strict)
    return _plain(hint, value, place)


def _plain(hint: Any, value: object, place: str) -> object:
    if hint is object:
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    names = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    raise WrongShape("%s is %s, not %s" % (place, describe(value), names.get(hint, "what it must be")))


def _list(value: object, place: str) -> Iterable[object]:
    if not isinstance(value, list):
        raise WrongShape("%s is %s, not a list" % (place, describe(value)))
    return value


def plain(value: object) -> object:
    """A typed value as JSON carries it: what ``parse`` takes."""
    if hasattr(value, "_asdict"):
        return {name: plain(each) for name, each in cast(Any, value)._asdict().items()}
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


class BadShape(WrongShape):
    """A value is not of its form; the text names the field, never the value."""

    def __init__(self, name: str) -> None:
        super().__init__("%s is not of the form that it must have" % name)
        self.name = name


def check(name: str, fits: bool) -> None:
    """Raise BadShape where a field does not fit."""
    if not fits:
        raise BadShape(name)


def table(name: str, value: object) -> Dict[str, object]:
    """A dictionary with any names.

    :raises BadShape: it is none.
    """
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value):
        raise BadShape(name)
    return dict(value)


def row(name: str, value: object, fields: Sequence[str]) -> Dict[str, object]:
    """A dictionary with exactly these fields.

    :raises BadShape: it is none.
    """
    found = table(name, value)
    check(name, set(found) == set(fields))
    return found


def text(name: str, value: object, fits: Callable[[str], bool]) -> str:
    """A text that a grammar takes.

    :raises BadShape: it is none.
    """
    if not isinstance(value, str) or not fits(value):
        raise BadShape(name)
    return value


def number(name: str, value: object, least: int, most: int) -> int:
    """A whole number between two; true and false are none.

    :raises BadShape: it is none.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadShape(name)
    return value


def texts(name: str, value: object, fits: Callable[[str], bool], most: int = MANY) -> Tuple[str, ...]:
    """A list of texts that a grammar takes, each.

    :param most: at most so many.
    :raises BadShape: it is none.
    """
    if not isinstance(value, list) or len(value) > most:
        raise BadShape(name)
    return tuple(text(name, each, fits) for each in value)
