# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Open a port among iptables rules, IPv4 and IPv6, of the nft and the legacy kind, and in the file loaded at boot.

Our rules go right before the first that could close the port to everybody, so that an operator's lists of those who
are shut out stay before them. All is done in one transaction of iptables-restore(8), which leaves other rules alone.
"""

from __future__ import annotations

import re
from typing import List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import backend
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.backend import (
    TAG,
    Backend,
    Command,
    FirewallChange,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import iptables_save, model
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.iptables_save import Rule, Saved
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.listing import Ruleset
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import ANYWHERE, Here
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.walk import Rules, Walk
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.spec import FirewallSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.surroundings import (
    PROGRAMS,
    Surroundings,
    Table,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.grammar import Network

NAME = "iptables"
#: Services that load saved rules at boot, and from where (Debian; EL and its kin; Arch). A file that is not there is
#: not made: where nothing is loaded, nothing closes the port.
KEEPERS: Mapping[str, Mapping[str, Tuple[str, ...]]] = {
    "netfilter-persistent.service": {"ip": ("/etc/iptables/rules.v4",), "ip6": ("/etc/iptables/rules.v6",)},
    "iptables.service": {"ip": ("/etc/sysconfig/iptables", "/etc/iptables/iptables.rules")},
    "ip6tables.service": {"ip6": ("/etc/sysconfig/ip6tables", "/etc/iptables/ip6tables.rules")},
}
_OF_KIND = {"nft": "", "legacy": " (legacy)"}
_OF_FAMILY = {"ip": "IPv4", "ip6": "IPv6"}
#: What iptables-nft-save says in place of a table with rules that only nft can show.
_INCOMPATIBLE = "# Table `filter' is incompatible, use 'nft' tool"
_FOREIGN = (
    "the table filter of %s holds rules that only nft can show, so that nobody can tell whether they close port %d: "
    "look there (nft list ruleset) if the port does not answer"
)
_EARLIER = (
    "the chain %s of the table %s (%s) drops packets for port %d before any firewall's rules for the host: look there "
    "if the port does not answer"
)
_MARK = ("-m", "comment", "--comment", TAG)


class Opening(NamedTuple):
    """What a table needs: our rules at a place among the others, and whether those at hand are just that."""

    at: int
    rules: List[Tuple[str, ...]]
    present: List[Rule]
    others: List[Rule]
    right: bool


class SavedFile(NamedTuple):
    """A file of rules that is loaded at boot; ``keeper`` as in ``Table``."""

    path: str
    family: str
    text: str
    keeper: str = ""


class Iptables(NamedTuple):
    """The filter tables that hold something, and the files that are loaded at boot."""

    tables: Sequence[Table] = ()
    files: Sequence[SavedFile] = ()
    ways: Sequence[Here] = ANYWHERE

    @property
    def own(self) -> List[Table]:
        """The tables that are the operator's own."""
        return sorted(table for table in self.tables if not table.keeper)


def closes(
    saved: Saved, rules: Sequence[Rule], port: int, networks: Sequence[Network] = (), ways: Sequence[Here] = ANYWHERE
) -> bool:
    """Whether the chain INPUT with these rules could close the port to those who should pass; 0: a port no rule names.
    """
    walkable = Rules(saved.ruleset(rules))
    asked = list(model.packets(port, saved.family, networks, ways))
    return any(model.could_close(walkable, chain, asked) for chain in walkable.chains(("input",)))


def _last_place(
    saved: Saved, rules: Sequence[Rule], port: int, networks: Sequence[Network], ways: Sequence[Here]
) -> int:
    """Before which of these rules ours still open the port: the first that could close it."""
    walkable = Rules(saved.ruleset(rules))
    asked = [
        each._replace(state=state)
        for each in model.packets(port, saved.family, networks, ways) for state in ("new", "established")
    ]
    return min(
        Walk(walkable, each, model.USUAL).last_place(chain) for chain in walkable.chains(("input",)) for each in asked)


def opening(saved: Saved, spec: FirewallSpec, ways: Sequence[Here] = ANYWHERE) -> Opening:
    """Our rules in a filter table as wanted.

    :param ways: where packets from outside come in.
    :raises ValueError: a source that is none.
    """
    ours = [rule for rule in saved.input if rule.comment == TAG]
    others = [rule for rule in saved.input if rule.comment != TAG]
    networks = backend.networks(spec.sources, saved.family)
    none = Opening(0, [], ours, others, not ours)
    if spec.state == "absent" or networks is None or not closes(
            saved, others, spec.port, networks, ways):
        return none
    wanted = [_words(spec.port, network) for network in networks] or [_words(spec.port, None)]
    right = [rule.words for rule in ours] == wanted and not closes(saved, saved.input, spec.port, networks, ways)
    return Opening(_last_place(saved, others, spec.port, networks, ways), wanted, ours, others, right)


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


def keeper_files(enabled: Mapping[str, bool]) -> List[Tuple[str, str]]:
    """Paths of saved rules that are loaded at boot, with their family.

    :param enabled: service -> whether it is started at boot.
    """
    return [
        (path, family)
        for service, families in KEEPERS.items() if enabled.get(service)
        for family, paths in families.items() for path in paths
    ]


def _rule_changes(spec: FirewallSpec, found: Iptables) -> List[FirewallChange]:
    changes = []
    for table in found.own:
        saved = iptables_save.parse(table.text, table.family)
        wanted = opening(saved, spec, found.ways) if saved else None
        if wanted is None or wanted.right:
            continue
        before, after = backend.compared(
            [_shown(table.family, rule.words) for rule in wanted.present],
            [_shown(table.family, words) for words in wanted.rules])
        command = Command((table.restore, "--noflush", "--wait", "10"), script(wanted))
        changes.append(FirewallChange(
            NAME, "port %d, %s%s" % (spec.port, _OF_FAMILY[table.family], _OF_KIND[table.kind]),
            before, after, backend.UNWANTED if spec.state == "absent" else backend.SERVED,
            bool(wanted.rules), (command,),
        ))
    return changes


def _file_changes(spec: FirewallSpec, found: Iptables) -> List[FirewallChange]:
    changes = []
    for each in found.files:
        saved = iptables_save.parse(each.text, each.family)
        if saved is None or each.keeper:
            continue
        wanted = opening(saved, spec, found.ways)
        if not wanted.right:
            now, after = (
                text.encode("utf-8", "surrogateescape") for text in (each.text, edited(each.text, saved, wanted)))
            changes.append(backend.file_change(each.path, now, after, backend.KEPT))
    return changes


class _Backend(Backend[Iptables]):
    """Rules of iptables that no other firewall keeps."""

    name = NAME
    absent_because = "no rule of iptables closes anything"
    units = tuple(KEEPERS)
    ledger = {
        NAME: r"port \d{1,5}, IPv[46]( \(legacy\))?", "file": r"/etc/iptables/[^/]+|/etc/sysconfig/ip6?tables",
    }

    def read(self, host: Surroundings) -> Iptables:
        files = []
        there = {path for path, _family in keeper_files(dict.fromkeys(KEEPERS, True)) if host.file(path) is not None}
        enabled = {unit: bool(there) and host.unit(unit).enabled for unit in KEEPERS}
        for path, family in keeper_files(enabled):
            data = host.file(path)
            if data is not None:
                text = data.decode("utf-8", "surrogateescape")
                files.append(SavedFile(path, family, text, host.keeper(text)))
        return Iptables(host.tables, files, host.ways)

    def active(self, found: Iptables) -> bool:
        texts = [(each.text, each.family) for each in found.own]
        texts += [(each.text, each.family) for each in found.files if not each.keeper]
        for text, family in texts:
            saved = iptables_save.parse(text, family)
            if saved and closes(saved, [rule for rule in saved.input if rule.comment != TAG], 0, ways=found.ways):
                return True
        return False

    def unkept(self, spec: FirewallSpec, found: Iptables) -> List[str]:
        kept = {each.family for each in found.files}
        for table in found.own:
            saved = iptables_save.parse(table.text, table.family)
            if table.family not in kept and saved and opening(saved, spec, found.ways).rules:
                return [backend.NOT_KEPT % (PROGRAMS[table.family], "install iptables-persistent or iptables-services")]
        return []

    def changes(self, spec: FirewallSpec, found: Iptables) -> List[FirewallChange]:
        return _rule_changes(spec, found) + _file_changes(spec, found)

    def shown(self, found: Iptables) -> List[str]:
        rows = []
        for table in found.own:
            saved = iptables_save.parse(table.text, table.family)
            rules = saved.input if saved else []
            rows += [_shown(table.family, rule.words) for rule in rules if rule.comment == TAG]
        return rows

    def shuts_out(self, port: int, source: Network, here: Here, found: Iptables) -> bool:
        """Tables that other firewalls keep count, too."""
        read = (iptables_save.parse(each.text, each.family) for each in found.tables
                if each.family == ("ip" if source.version == 4 else "ip6"))
        return any(
            model.shuts_out(saved.ruleset([rule for rule in saved.input if rule.comment != TAG]), port, source, here)
            for saved in read if saved)

    def diverts(self, spec: FirewallSpec, found: Iptables) -> Tuple[List[str], bool]:
        rows, sure = [], False
        for table in found.tables:
            saved = iptables_save.parse(table.text, table.family, "nat")
            if saved:
                rules, certain = model.diverted(
                    Rules(saved.ruleset([])), backend.packets(spec, table.family, found.ways))
                rows += ["%s -t nat %s" % (PROGRAMS[table.family], each.printed) for each in rules]
                sure = sure or certain
        return rows, sure

    def notes(self, spec: FirewallSpec, found: Iptables) -> List[str]:
        said = []
        for table in found.tables:
            for name in ("raw", "mangle"):
                saved = iptables_save.parse(table.text, table.family, name)
                walkable = Rules(saved.ruleset(saved.input) if saved else Ruleset())
                asked = list(backend.packets(spec, table.family, found.ways))
                said += [_EARLIER % (chain.name, name, PROGRAMS[table.family], spec.port)
                         for chain in walkable.chains(("prerouting", "input"))
                         if model.closes(walkable, chain, asked)]
        foreign = [table for table in found.own if _INCOMPATIBLE in table.text]
        return said + [_FOREIGN % (PROGRAMS[table.family], spec.port) for table in foreign]


BACKEND = _Backend()
