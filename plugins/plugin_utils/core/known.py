# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a play knows of a host: what is wanted of it, what it has answered, what was done. Parsed where it enters, from
a task or from the run store."""

from __future__ import annotations

import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import (
    EngineSpec,
    FirewallSpec,
    HopSpec,
    ImageSpec,
    LockdownSpec,
    RemovalSpec,
    ServerSpec,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Item
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import answer
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.run_store import RunStore


class Want(t.NamedTuple):
    """What is wanted of a host, section by section; ``archive`` is a file on the controller, and stays here."""

    engine: t.Optional[EngineSpec] = None
    ssh: t.Optional[ServerSpec] = None
    firewall: t.Optional[FirewallSpec] = None
    hop: t.Optional[HopSpec] = None
    lockdown: t.Optional[LockdownSpec] = None
    removal: t.Optional[RemovalSpec] = None
    archive: str = ""

    @property
    def sections(self) -> list[str]:
        """Those of which something is wanted."""
        return sorted(SECTIONS & {name for name, part in self._asdict().items() if part is not None})

    def only(self, section: str) -> Want:
        """One section of it."""
        return Want()._replace(**{section: getattr(self, section)})

    def and_also(self, other: Want) -> Want:
        """This, with what another says in place of it."""
        return self._replace(**{name: part for name, part in other._asdict().items() if part not in (None, "")})

    def with_image(self, image: ImageSpec) -> Want:
        """The same with another image."""
        return self._replace(ssh=self.ssh._replace(image=image)) if self.ssh else self

    def to_json(self) -> dict[str, object]:
        """What travels to the host."""
        return {name: shape.plain(getattr(self, name)) for name in self.sections}


#: What can be wanted.
SECTIONS = frozenset(Want._fields) - {"archive"}


def parse_want(value: object) -> Want:
    """What a task says is wanted, or what the variables say.

    :raises WrongShape: a section that nobody knows, or one of another shape.
    """
    found = shape.table("want", value)
    for section in sorted(set(found) - SECTIONS):
        raise shape.WrongShape("want: there is no section %s; there are %s" % (section[:40], ", ".join(_NAMES)))
    ssh, archive = found.get("ssh"), ""
    if isinstance(ssh, dict) and isinstance(ssh.get("image"), dict):
        image = dict(ssh["image"])
        archive = shape.text("want.ssh.image.archive", image.pop("archive", ""), lambda _text: True)
        found["ssh"] = dict(ssh, image=image)
    return shape.parse(Want, found, "want")._replace(archive=archive)


_NAMES = [name for name in Want._fields if name in SECTIONS]


class Known(t.NamedTuple):
    """Of a host. ``asked``: what tasks say is wanted; ``want``: the same, completed with what the controller knows.

    ``failed`` is the sentence of a failure, ``outside`` says what a handshake from the controller has proved, and
    ``password_file`` where its password is kept. ``secret`` is the password wanted (None: nobody has asked for it yet).
    ``check``: changes were only forecast.
    """

    asked: Want = Want()
    want: Want = Want()
    look: t.Optional[answer.Look] = None
    done: t.List[Item] = []
    failed: str = ""
    check: bool = False
    address: str = ""
    probe_from: str = ""
    password_file: str = ""
    reported: bool = False
    outside: str = ""
    secret: t.Optional[str] = None

    @property
    def begun(self) -> bool:
        """Whether its turn has come in this play."""
        return self != Known()


class HostStore:
    """What is known of a host, shared by the tasks of a play: the next play of the same run wants something else.

    :param play: of ``play_of``.
    """

    def __init__(self, host: str, play: str, folder: str | None = None) -> None:
        self._store = RunStore("%s %s" % (play, host), folder)

    def load(self) -> Known:
        """All that is known; nothing at the start of a play."""
        return parse(self._store.load())

    def update(self, **values: object) -> None:
        """Remember some fields of ``Known``."""
        self._store.update(**{name: _json(value) for name, value in values.items()})


def play_of(task: t.Any) -> str:
    """The play that a task belongs to, batches (``serial``) and included files of it too; no two plays have one name.

    :param task: of ansible-core, or what can stand for one and belongs to no play.
    """
    return str(task.get_play()._uuid if hasattr(task, "get_play") else "")


def parse(row: t.Mapping[str, object]) -> Known:
    """What the store holds.

    :raises WrongShape: something else wrote it.
    """
    simple = {name: value for name, value in row.items() if name != "look"}
    found = shape.parse(Known, simple, "the run store")
    return found._replace(look=answer.parse(row["look"]).look) if row.get("look") else found


def _json(value: object) -> object:
    return value.to_json() if isinstance(value, answer.Look) else shape.plain(value)
