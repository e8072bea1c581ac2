# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The promises of the editor, each as a check of one case; a broken one is an AssertionError that shows the case."""

from __future__ import annotations

import random
import re
from typing import AbstractSet, Dict, List, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.keywords import (
    PLAIN_LINES,
    canonical,
    spellings,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.syntax import (
    keyword_and_start,
    uncommented,
)

from tests.fuzz import cases, model, parsers

CONNECTIONS = {
    "sshd_config": ("user=bob,host=h.example,addr=10.1.2.3", "user=carol,host=h.example,addr=192.0.2.1"),
    "ssh_config": ("localhost", "foo.example", "elsewhere"),
}
_HEAD = re.compile(rb"(?im)^[^#a-z]*(?:host|match)(?![a-z])")
IMPOSSIBLE: List[str] = []  # what programs said about files that no edit could make valid


class Case:
    """A made-up file, the changes wanted in it, and both as the editor takes them."""

    def __init__(self, rng: random.Random, changes: int) -> None:
        self.dialect = rng.choice(("ssh_config", "sshd_config"))
        self.sections = cases.sections(rng, self.dialect, rng.choice((2, 6, 14)))
        self.data = cases.layout(rng, self.sections)
        self.changes = [cases.change(rng, self.dialect, self.sections) for _ in range(changes)]
        self.given = [sshconfig.change_from_dict(cases.as_dict(change)) for change in self.changes]

    def has(self, head: str) -> bool:
        """Whether the file has a block."""
        return any(section.head == head for section in self.sections)

    def __str__(self) -> str:
        return "%s\n  data = %r\n  changes = %r" % (self.dialect, self.data, [cases.as_dict(c) for c in self.changes])


def apply_patch(before: bytes, patch: str) -> str:
    """The file that a unified diff makes of another; as text, like the diff."""
    old = [line.decode("utf-8", "backslashreplace") for line in before.splitlines(True)]
    new: List[str] = []
    at = 0
    patch_lines = patch.splitlines(True)
    for number, line in enumerate(patch_lines):
        without_end = number + 1 < len(patch_lines) and patch_lines[number + 1].startswith("\\")
        text = line[1:-1] if without_end else line[1:]
        if line.startswith(("---", "+++")) and number < 2:
            continue
        if line.startswith("@@"):
            span = line.split()[1][1:].split(",")
            start = int(span[0]) - (1 if span[1:] != ["0"] else 0)
            new += old[at:start]
            at = start
        elif line.startswith("+"):
            new.append(text)
        elif line.startswith((" ", "-")):
            assert old[at] == text, (old[at], text)
            new += [text] if line.startswith(" ") else []
            at += 1
    return "".join(new + old[at:])


def _untouched(data: bytes, dialect: str, change: sshconfig.Change) -> List[bytes]:
    """The lines that a change has nothing to do with: not its keyword, no comment sign on it, no head that it makes."""
    names = spellings(canonical(change.keyword, dialect), dialect)
    kept = []
    for raw in data.split(b"\n"):
        raw = raw[:-1] if raw.endswith(b"\r") else raw
        text = uncommented(raw)
        while text is not None and text.lstrip().startswith(b"#"):
            text = uncommented(text)
        name = keyword_and_start(raw if text is None else text)[0].decode("latin-1").lower()
        if name in names:
            continue
        if change.block and (name in ("host", "match")):
            continue
        kept.append(raw)
    return kept


def check_pure(case: Case) -> bool:
    """Promises (a), (c), (d) and (e); False where the change is refused, which must not depend on anything else."""
    before, dialect = case.data, case.dialect
    try:
        after = sshconfig.edit(before, case.given, dialect)
    except sshconfig.ConfigError:
        return False
    assert sshconfig.edit(after, case.given, dialect) == after, "(e) a second time changes something\n%r" % after
    if len(case.given) == 1:
        _check_untouched(case, after)
        _check_inverse(case, after)
    patch = sshconfig.unified(before, after, "f")
    assert apply_patch(before, patch) == after.decode("utf-8", "backslashreplace"), "(d) the diff is not the edit"
    assert bool(patch) == (before != after), "(d) a diff without a change"
    return True


def _check_untouched(case: Case, after: bytes) -> None:
    change = case.given[0]
    old, new = _untouched(case.data, case.dialect, change), _untouched(after, case.dialect, change)
    if change.where == "top" and case.dialect == "ssh_config":
        old, new = sorted(old), sorted(new)  # a block may move
    if case.data and after and old[-1:] == [b""] != new[-1:]:
        old = old[:-1]  # nothing else was in the file
    if canonical(change.keyword, case.dialect) in PLAIN_LINES:
        left = iter(new)  # a comment behind a value may have moved to a line of its own
        assert all(line in left for line in old if line), "(a) another line changed\n%r" % after
        return
    assert [line for line in old if line] == [line for line in new if line], "(a) another line changed\n%r" % after
    ends = case.data.endswith(b"\n"), after.endswith(b"\n")
    assert not case.data or not after or ends[0] == ends[1] or after.endswith((b"\n\n", b"\n\r\n")) or (
        after in (b"\n", b"\r\n")), "(a) the end of the file changed\n%r" % after


def _check_inverse(case: Case, after: bytes) -> None:
    """(c) what was added goes, and the file is the old one."""
    change, dialect, data = case.given[0], case.dialect, case.data
    keyword = canonical(change.keyword, dialect)
    if after == data or not data or (change.where == "top" and case.has(change.block)):
        return
    if any(section.head == change.block and not section.settings for section in case.sections if change.block):
        return  # a block that was empty before goes, too: it says nothing
    known = sshconfig.read(data, dialect, block=change.block).get(keyword, [])
    placed = change.place or change.before
    if change.how in ("set", "add") and change.state == "present" and not known:
        inverse = change._replace(values=(), state="absent", how="set", place="", before="")
    elif change.how == "add" and not placed and case.changes[0].keyword.kind in ("lines", "words", "first-words"):
        new = [value for value in change.values if value not in known]
        inverse = change._replace(values=tuple(new), state="present", how="remove")
    else:
        return
    back = sshconfig.edit(after, [inverse._replace(where="")], dialect)
    assert back == data, "(c) the inverse does not give the file back\n%r\n%r" % (after, back)


def _connections(dialect: str, *data: bytes) -> Sequence[str]:
    """For whom to ask: where no line could open a block, everybody gets the same."""
    return CONNECTIONS[dialect] if any(map(_HEAD.search, data)) else CONNECTIONS[dialect][:1]


def check_generator(case: Case, parser: parsers.Parser) -> None:
    """The made-up file says what its model says: else the checks below would prove nothing."""
    plain = cases.plain(case.sections)
    for who in _connections(case.dialect, case.data, plain):
        told = parser.ask(case.data, case.dialect, who)
        meant = parser.ask(plain, case.dialect, who)
        assert _same(told, meant), "the generator and %s disagree: %s" % (parser.name, _difference(told, meant))


def check_real(case: Case, parser: parsers.Parser) -> str:
    """Promise (b): the real program reads the intended change and nothing else. Returns what became of the case."""
    dialect = case.dialect
    sections = case.sections
    try:
        for change in case.changes:
            sections = model.changed(sections, change, dialect)
    except model.CannotBe:
        sections = []
    try:
        after = sshconfig.edit(case.data, case.given, dialect)
    except sshconfig.ConfigError as error:
        assert not sections or "contradict" in str(error), "refused: %s" % error
        return "refused"
    assert sections, "should have been refused\n%r" % after
    loose = {canonical(c.keyword, dialect) for c in case.given if c.how == "uncomment"}
    plain = cases.plain(sections)
    for who in _connections(dialect, plain, after):
        meant = parser.ask(plain, dialect, who)
        if meant.rc != 0:
            IMPOSSIBLE.append("%s: %s" % (parser.name, meant.error))
            return "impossible"
        told = parser.ask(after, dialect, who)
        assert told.rc == 0, "(b) %s refuses the edited file: %s\n%r" % (parser.name, told.error, after)
        assert _same(told, meant, loose), "(b) %s for %s: %s\n%r" % (
            parser.name, who, _difference(told, meant), after)
    return "ok"


def _settings(told: parsers.Told, loose: AbstractSet[str]) -> Dict[str, List[str]]:
    """The settings; in any order where an uncommented line may stand before others."""
    return {keyword: sorted(values) if loose else values for keyword, values in told.settings.items()}


def _same(one: parsers.Told, other: parsers.Told, loose: AbstractSet[str] = frozenset()) -> bool:
    return one.rc == other.rc and _settings(one, loose) == _settings(other, loose)


def _difference(told: parsers.Told, meant: parsers.Told) -> List[Tuple[str, object, object]]:
    if told.rc != meant.rc:
        return [("exit code", told.rc, meant.rc), ("error", told.error, meant.error)]
    keys = sorted(set(told.settings) | set(meant.settings))
    return [(key, told.settings.get(key), meant.settings.get(key)) for key in keys
            if told.settings.get(key) != meant.settings.get(key)]
