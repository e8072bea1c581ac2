# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Open a port among iptables rules, IPv4 and IPv6, of the nft and the legacy kind, and in the file loaded at boot.

Our rules go right before the first that could close the port to everybody, so that an operator's lists of those who
are shut out stay before them. All is done in one transaction of iptables-restore(8), which leaves other rules alone.

Pure.
"""

from __future__ import annotations

import re
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import backend
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.backend import (
    TAG,
    Backend,
    Change,
    Command,
    Found,
    Wish,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import iptables_save, model
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.iptables_save import Rule, Saved
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.matching import Network
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.walk import Rules

NAME = "iptables"
FAMILIES = ("ip", "ip6")
PROGRAMS = {"ip": "iptables", "ip6": "ip6tables"}
#: Services that load saved rules at boot, and from where (Debian; EL and its kin; Arch). A file that is not there is
#: not made: where nothing is loaded, nothing closes the port.
KEEPERS: Mapping[str, Mapping[str, Tuple[str, ...]]] = {
    "netfilter-persistent.service": {"ip": ("/etc/iptables/rules.v4",), "ip6": ("/etc/iptables/rules.v6",)},
    "iptables.service": {"ip": ("/etc/sysconfig/iptables", "/etc/iptables/iptables.rules")},
    "ip6tables.service": {"ip6": ("/etc/sysconfig/ip6tables", "/etc/iptables/ip6tables.rules")},
}
_NOT_KEPT = "the port is served; nothing keeps iptables rules over a restart here, ours go with the others"
_OF_KIND = {"nft": "", "legacy": " (legacy)"}
_MARK = ("-m", "comment", "--comment", TAG)


class Opening(NamedTuple):
    """What a table needs: our rules at a place among the others, and whether those at hand are just that."""

    at: int
    rules: List[Tuple[str, ...]]
    present: List[Rule]
    others: List[Rule]
    right: bool


def managed(text: str) -> str:
    """The program that keeps these rules, when they are not the operator's own."""
    if ":ufw-user-input " in text or ":ufw6-user-input " in text:
        return "ufw"
    return "firewalld" if ":INPUT_ZONES " in text or ":IN_public " in text else ""


def closes(saved: Saved, rules: Sequence[Rule], port: int, networks: Sequence[Network] = ()) -> bool:
    """Whether the chain INPUT with these rules could close the port to those who should pass; 0: a port no rule names.
    """
    walkable = Rules(saved.objects(list(rules)))
    return any(
        model.could_close(walkable, chain, port, saved.family, networks) for chain in walkable.chains(("input",))
    )


def opening(saved: Saved, wish: Wish) -> Opening:
    """Our rules in a filter table as wanted.

    :raises ValueError: a source that is none.
    """
    ours = [rule for rule in saved.input if rule.comment == TAG]
    others = [rule for rule in saved.input if rule.comment != TAG]
    networks = backend.networks(wish["sources"], saved.family)
    none = Opening(0, [], ours, others, not ours)
    if wish["state"] == "absent" or networks is None or not closes(saved, others, wish["port"], networks):
        return none
    wanted = [_words(wish["port"], network) for network in networks] or [_words(wish["port"], None)]
    added = [Rule(words, -1) for words in wanted]
    low, high = 0, len(others)
    while low < high:  # the last place where they still open it
        middle = (low + high + 1) // 2
        if closes(saved, others[:middle] + added + others[middle:], wish["port"], networks):
            high = middle - 1
        else:
            low = middle
    right = [rule.words for rule in ours] == wanted and not closes(saved, saved.input, wish["port"], networks)
    return Opening(low, wanted, ours, others, right)


def _words(port: int, network: Optional[Network]) -> Tuple[str, ...]:
    source = ("-s", str(network)) if network is not None and network.prefixlen else ()
    return (*source, "-p", "tcp", "-m", "tcp", "--dport", str(port), *_MARK, "-j", "ACCEPT")


def _shown(family: str, words: Sequence[str]) -> str:
    text = "%s INPUT %s" % (PROGRAMS[family], " ".join(words))
    return text.replace(" %s" % " ".join(_MARK), "").replace(" -m tcp", "")


def script(found: Opening) -> bytes:
    """The transaction for ``iptables-restore --noflush``."""
    rows = ["*filter"] + ["-D INPUT %s" % _quoted(rule.words) for rule in found.present]
    rows += ["-I INPUT %d %s" % (found.at + 1 + number, " ".join(words)) for number, words in enumerate(found.rules)]
    return "".join(row + "\n" for row in [*rows, "COMMIT"]).encode()


def _quoted(words: Sequence[str]) -> str:
    """Words as iptables-restore reads them."""
    plain = re.compile(r"[\w./:,!-]+\Z")
    return " ".join(word if plain.match(word) else '"%s"' % re.sub(r'(["\\])', r"\\\1", word) for word in words)


def edited(text: str, saved: Saved, found: Opening) -> str:
    """A file of saved rules with ours as wanted; every other line stays as it is."""
    rows = text.split("\n")
    gone = {rule.line for rule in found.present}
    at = found.others[found.at].line if found.at < len(found.others) else saved.end
    result: List[str] = []
    for number, row in enumerate(rows):
        if number == at:
            result += ["-A INPUT %s" % " ".join(words) for words in found.rules]
        if number not in gone:
            result.append(row)
    return "\n".join(result)


def _tables(found: Found) -> Dict[Tuple[str, str], str]:
    """The listings that are the operator's own, by kind (nft, legacy) and family."""
    tables: Dict[Tuple[str, str], str] = found[NAME]["tables"]
    return {key: text for key, text in tables.items() if not managed(text)}


def _active(found: Found) -> bool:
    for (_kind, family), text in _tables(found).items():
        saved = iptables_save.parse(text, family)
        if saved and closes(saved, [rule for rule in saved.input if rule.comment != TAG], 0):
            return True
    return False


def _changes(wish: Wish, found: Found) -> List[Change]:
    changes = []
    kept = [path for path, _family, _text in found[NAME]["files"]]
    for (kind, family), text in sorted(_tables(found).items()):
        saved = iptables_save.parse(text, family)
        if saved is None:
            continue
        wanted = opening(saved, wish)
        if wanted.right:
            continue
        before, after = backend.compared(
            [_shown(family, rule.words) for rule in wanted.present], [_shown(family, words) for words in wanted.rules])
        argv = (found[NAME]["programs"][kind, family], "--noflush", "--wait", "10")
        changes.append(Change(
            NAME, "port %d, %s%s" % (wish["port"], {"ip": "IPv4", "ip6": "IPv6"}[family], _OF_KIND[kind]),
            before, after, _why(wish, bool(kept)), (Command(argv, script(wanted)),), bool(wanted.rules),
        ))
    return changes + _file_changes(wish, found)


def _file_changes(wish: Wish, found: Found) -> List[Change]:
    changes = []
    for path, family, text in found[NAME]["files"]:
        saved = iptables_save.parse(text, family)
        if saved is None or managed(text):
            continue
        wanted = opening(saved, wish)
        if not wanted.right:
            after = edited(text, saved, wanted)
            changes.append(Change("firewall_file", path, text, after, backend.KEPT))
    return changes


def _why(wish: Wish, kept: bool) -> str:
    if wish["state"] == "absent":
        return backend.UNWANTED
    return backend.SERVED if kept else _NOT_KEPT


def _ours(found: Found) -> List[str]:
    rows = []
    for (_kind, family), text in sorted(_tables(found).items()):
        saved = iptables_save.parse(text, family)
        rows += [_shown(family, rule.words) for rule in (saved.input if saved else []) if rule.comment == TAG]
    return rows


def _problems(_wish: Wish, _found: Found) -> List[str]:
    return []


def keeper_files(enabled: Mapping[str, bool]) -> List[Tuple[str, str]]:
    """Paths of saved rules that are loaded at boot, with their family.

    :param enabled: service -> whether it is started at boot.
    """
    return [
        (path, family)
        for service, families in KEEPERS.items() if enabled.get(service)
        for family, paths in families.items() for path in paths
    ]


BACKEND = Backend(NAME, _active, _changes, _ours, _problems)
