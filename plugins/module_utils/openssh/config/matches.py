# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Blocks that leave nobody out, and what they set. In sshd_config a Match block that fits wins over what is global,
wherever it stands (sshd_config(5), Match). Pure."""

from __future__ import annotations

from typing import Iterator, NamedTuple, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.document import Document, Head
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.keywords import spellings

#: Criteria that every connection has a value for.
_OF_ALL = frozenset(("user", "host", "originalhost", "localuser", "group", "address", "localaddress"))
#: Every address of a family; few connections come by the other.
_NETWORKS = frozenset(("0.0.0.0/0", "::/0"))
#: How deep OpenSSH follows Include.
_DEPTH = 16


class Ruling(NamedTuple):
    """A line that wins over a global one: in words, its value, and the head of its block as it is written."""

    line: str
    words: Tuple[bytes, ...]
    head: str


def fits_all(head: Head) -> bool:
    """Whether a block leaves nobody out, or nobody of IPv4 or of IPv6."""
    if head[0] == "host":
        return _everything(head[1:])
    names, patterns = head[1::2], head[2::2]
    return names == ("all",) or (
        len(names) == len(patterns) and _OF_ALL.issuperset(names)
        and all(_everything(each.split(",")) for each in patterns)
    )


def _everything(patterns: Sequence[str]) -> bool:
    """Whether one of the patterns fits everything, and none takes something away."""
    everything = any(each in _NETWORKS or ("*" in each and each.strip("*") in ("", "?")) for each in patterns)
    return everything and not any(each.startswith("!") for each in patterns)


def rulings(document: Document, keyword: str, head: str = "", depth: int = _DEPTH) -> Iterator[Ruling]:
    """Lines of an sshd_config that win over global ones of a keyword, the first of all first.

    :param head: of the block that the file is included in.
    """
    names, blocks = spellings(keyword, document.dialect), document.blocks()
    for block, start, end in [(None, -1, blocks[0][1] if blocks else len(document.lines)), *blocks]:
        if block is not None and not fits_all(block):
            continue
        inside = head if block is None else document.lines[start].raw.strip().decode("utf-8", "backslashreplace")
        for index in range(start + 1, end):
            name = document.lines[index].name
            if inside and name in names:
                yield Ruling(document.describe(index), document.value(index).words, inside)
            elif name == "include" and depth:
                for content in document.included(index):
                    part = Document(content, document.dialect, document.include)
                    for each in rulings(part, keyword, inside, depth - 1):
                        yield each._replace(line="%s, included by line %d," % (each.line.rstrip(","), index + 1))
