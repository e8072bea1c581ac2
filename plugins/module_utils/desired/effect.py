# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an edited sshd_config comes to, compared with what we would have written alone. Pure.

The container's root can edit the file, and so can a person, as the image's manual says. What counts is the effect, as
the image's own sshd computes it: what weakens nothing stays. Sources: sshd(8), -T and -C; sshd_config(5).
"""

from __future__ import annotations

from typing import Dict, FrozenSet, Iterator, List, Mapping, Sequence, Set, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import Weak
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.document import Document
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.keywords import canonical
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.syntax import ConfigError

#: Keyword in lower case to its values, as ``sshd -T`` says them.
Settings = Mapping[str, Sequence[str]]

#: The names of what is asked about.
BASELINE, WHOLE, GLOBAL = "baseline", "whole", "global"
_BLOCK = "block-"
#: Addresses for documentation (RFC 5737, RFC 3849): nobody's source.
_ELSEWHERE = ("203.0.113.77", "2001:db8::77")


def _words(text: str) -> FrozenSet[str]:
    return frozenset(text.split())


#: Whose algorithms and keys are judged elsewhere, and what changes nothing of who may do what.
_FREE = _words("""
    kexalgorithms hostkeyalgorithms pubkeyacceptedalgorithms pubkeyacceptedkeytypes hostkey hostbasedacceptedalgorithms
    hostbasedacceptedkeytypes casignaturealgorithms acceptenv addressfamily banner channeltimeout clientalivecountmax
    clientaliveinterval exposeauthinfo fingerprinthash ipqos listenaddress loglevel logverbose printlastlog printmotd
    pubkeyauthoptions rekeylimit revokedkeys streamlocalbindmask streamlocalbindunlink syslogfacility tcpkeepalive
    unusedconnectiontimeout usedns versionaddendum x11displayoffset x11uselocalhost xauthlocation
""")
#: Where "no" asks for more, or gives less.
_NO = _words("passwordauthentication kbdinteractiveauthentication pubkeyauthentication permittty allowtcpforwarding")
#: Where fewer members let fewer in, and where more of them do.
_FEWER, _MORE = _words("allowusers permitopen permitlisten ciphers macs"), _words("denyusers denygroups allowgroups")
#: Where less is stricter.
_LESS = _words("maxauthtries maxsessions logingracetime persourcemaxstartups")


def configurations(draft: bytes, baseline: bytes, own: bytes) -> Dict[str, bytes]:
    """What to ask about, by name: what we would have written alone, the whole draft, its global part, and for each of
    its Match blocks that is not the image's own a copy in which it matches everybody: no question by address would find
    what is meant for a single one.

    :param own: the configuration that comes with the image.
    """
    document, known = Document(draft, sshconfig.SSHD), _bodies(own)
    blocks = document.blocks()
    common = _said(document, 0, blocks[0][1] if blocks else len(document.lines))
    found = {BASELINE: baseline, WHOLE: draft, GLOBAL: common}
    for number, (_head, start, end) in enumerate(blocks):
        if _said(document, start, end) not in known:
            found["%s%d" % (_BLOCK, number)] = common + b"Match all\n" + _said(document, start + 1, end)
    return found


def _bodies(data: bytes) -> Set[bytes]:
    document = Document(data, sshconfig.SSHD)
    return {_said(document, start, end) for _head, start, end in document.blocks()}


def _said(document: Document, start: int, end: int) -> bytes:
    """The lines of a range that say something."""
    return b"".join(document.lines[index].raw.strip() + b"\n" for index in range(start, end)
                    if document.is_active(index))


def connections(user: str, sources: Sequence[str]) -> List[Tuple[str, str]]:
    """Who connects from where: root and the user, from within some of the sources and from elsewhere."""
    inside = [source.partition("/")[0] for source in sources[:8]]
    return [(who, address) for who in ("root", user) for address in [*inside, *_ELSEWHERE]]


def settings(text: str) -> Settings:
    """What ``sshd -T`` says, which spells keywords in any case; of lists, each member is a value."""
    found: Dict[str, List[str]] = {}
    for line in text.splitlines():
        keyword, _blank, value = line.strip().partition(" ")
        if keyword:
            parts = value.replace(",", " ").split() if keyword.lower() in _FEWER | _MORE else [value]
            found.setdefault(keyword.lower(), []).extend(parts)
    return found


def weak(answers: Mapping[str, Sequence[Settings]], draft: bytes, own: bytes) -> Tuple[Weak, ...]:
    """The places that weaken what is wanted.

    :param answers: to each of the ``configurations``, for each of the ``connections``.
    :raises ConfigError: the whole is weaker, and no part of it is.
    """
    document = Document(draft, sshconfig.SSHD)
    blocks = [_said(document, start, end) for _head, start, end in document.blocks()]
    found = _included(document, own)
    for name in answers:
        if name not in (BASELINE, WHOLE):
            block = blocks[int(name[len(_BLOCK):])] if name.startswith(_BLOCK) else b""
            found += [Weak(block, *each) for each in _differences(answers[BASELINE], answers[name])]
    rest = [] if found else _differences(answers[BASELINE], answers[WHOLE])
    if rest:
        raise ConfigError("sshd_config comes to %s, and no line of it says so: repair it, or move it away" % rest[0][1])
    return tuple(dict.fromkeys(found))


def _included(document: Document, own: bytes) -> List[Weak]:
    """Files that it includes, and the image's own does not: they lie in the container, where nobody compares them."""
    known = {name for _block, name in _includes(Document(own, sshconfig.SSHD))}
    return [Weak(block, "include", "Include %s" % name) for block, name in _includes(document) if name not in known]


def _includes(document: Document) -> List[Tuple[bytes, str]]:
    return [
        (block, word.decode("utf-8", "replace")) for block, index, keyword in _places(document)
        if keyword == "include" for word in document.value(index).words
    ]


def _differences(expected: Sequence[Settings], found: Sequence[Settings]) -> List[Tuple[str, str]]:
    """Keywords that are weaker than they should be, with words, for any of the connections."""
    pairs = [pair for wanted, now in zip(expected, found) for pair in _weaker(wanted, now)]
    return list(dict.fromkeys(pairs))


def _weaker(wanted: Settings, now: Settings) -> Iterator[Tuple[str, str]]:
    for keyword in sorted({*wanted, *now} - _FREE):
        before, after = list(wanted.get(keyword, [])), list(now.get(keyword, []))
        if before != after and not _is_stricter(keyword, before, after):
            shown = [" ".join(each) or "nothing" for each in (after, before)]
            yield keyword, "%s %s (wanted: %s)" % (keyword, shown[0], shown[1])


def _is_stricter(keyword: str, before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether another value lets nobody do more."""
    if keyword in _NO:
        return list(after) == ["no"]
    if keyword in _FEWER:
        return bool(after) and (set(after) <= set(before) or list(after) == ["none"])
    if keyword in _MORE:
        return set(before) <= set(after)
    if keyword in _LESS:
        return all(each.isdigit() for each in (*before, *after)) and 0 < int(after[0]) <= int(before[0])
    if keyword == "authenticationmethods":
        return "none" not in " ".join(after)
    if keyword == "forcecommand":
        return list(before) == ["none"]
    return keyword == "subsystem" and all(each.split()[-1] == "internal-sftp" or each in before for each in after)


def repaired(draft: bytes, found: Sequence[Weak], own: bytes) -> bytes:
    """A configuration without what weakens it: its blocks and lines become comments, so that nothing is lost; what the
    image itself says is said again. A second time it changes nothing.

    :raises ConfigError: the file cannot be edited without harm.
    """
    document, image = Document(draft, sshconfig.SSHD), sshconfig.read(own, sshconfig.SSHD)
    gone, blocks = {each.keyword for each in found if not each.block}, {each.block for each in found if each.block}
    for block, index, keyword in list(_places(document)):
        said = document.value(index).text.decode("utf-8", "surrogateescape")
        if block in blocks or (not block and keyword in gone and said not in image.get(keyword, [])):
            document.replace(index, b"#" + document.lines[index].raw)
    changes = [sshconfig.Change(keyword=keyword, values=image[keyword]) for keyword in sorted(gone) if keyword in image]
    return sshconfig.edit(document.data(), changes, sshconfig.SSHD)


def _places(document: Document) -> Iterator[Tuple[bytes, int, str]]:
    """Every line that says something: what its block says (nothing: it is global), where it stands, and its keyword."""
    blocks = document.blocks()
    ranges = [(b"", 0, blocks[0][1] if blocks else len(document.lines))]
    for block, start, end in [*ranges, *((_said(document, start, end), start, end) for _head, start, end in blocks)]:
        for index in range(start, end):
            if document.is_active(index):
                yield block, index, canonical(document.lines[index].name, document.dialect)
