# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was done on a person's machine, as a value and as JSON. Pure."""

from __future__ import annotations

from typing import Dict, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape

_WORDS = ("made", "changed", "removed")
#: Of notes, files or hosts.
_MANY = 1000000


class FileChange(NamedTuple):
    """A file as a diff shows it; ``what`` is ``made``, ``changed`` or ``removed``."""

    path: str
    what: str
    before: str
    after: str


class Way(NamedTuple):
    """How a host is reached: the commands (empty: there is none), its key exchange, and whether it can be used."""

    login: str
    hop: str
    kex: str
    usable: bool


class Identity(NamedTuple):
    """The person's pair: where it lies, its public line (empty: known after apply)."""

    path: str
    public: str
    changed: bool


class Report(NamedTuple):
    """What was done, or in check mode would be."""

    changed: bool
    files: Tuple[FileChange, ...]
    notes: Tuple[str, ...]
    ways: Mapping[str, Way]
    identity: Optional[Identity]

    def to_json(self) -> Dict[str, object]:
        """The form that ``parse`` reads."""
        return dict(self.shown(), files=[each._asdict() for each in self.files])

    def shown(self) -> Dict[str, object]:
        """What a task returns: all but the files."""
        return {
            "changed": self.changed, "notes": list(self.notes),
            "hosts": {name: way._asdict() for name, way in self.ways.items()},
            "identity": self.identity._asdict() if self.identity else {},
        }


def printable(text: str) -> str:
    """One line for a terminal, whatever a program has said."""
    return "".join(each if each.isprintable() else "?" for each in " ".join(text.split()))


def parse(found: object) -> Report:
    """A report from JSON; what Ansible adds to a module's answer is left out.

    :raises BadShape: it is none.
    """
    row = shape.table("its answer", found)
    return Report(
        changed=_truth("changed", row.get("changed")),
        files=tuple(_file(each) for each in _rows("files", row.get("files"))),
        notes=shape.texts("notes", row.get("notes"), str.isprintable, _MANY),
        ways={name: _way(each) for name, each in shape.table("hosts", row.get("hosts")).items()},
        identity=None if row.get("identity") == {} else _identity(row.get("identity")),
    )


def _rows(name: str, value: object) -> Tuple[object, ...]:
    if not isinstance(value, list) or len(value) > _MANY:
        raise shape.BadShape(name)
    return tuple(value)


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise shape.BadShape(name)
    return value


def _file(value: object) -> FileChange:
    row = shape.row("files", value, FileChange._fields)
    return FileChange(
        shape.text("files.path", row["path"], str.isprintable),
        shape.text("files.what", row["what"], _WORDS.__contains__),
        shape.text("files.before", row["before"], _any),
        shape.text("files.after", row["after"], _any),
    )


def _way(value: object) -> Way:
    row = shape.row("hosts", value, Way._fields)
    login, hop, kex = (shape.text("hosts." + name, row[name], str.isprintable) for name in ("login", "hop", "kex"))
    return Way(login, hop, kex, _truth("hosts.usable", row["usable"]))


def _identity(value: object) -> Identity:
    row = shape.row("identity", value, Identity._fields)
    path, public = (shape.text("identity." + name, row[name], str.isprintable) for name in ("path", "public"))
    return Identity(path, public, _truth("identity.changed", row["changed"]))


def _any(_text: str) -> bool:
    return True
