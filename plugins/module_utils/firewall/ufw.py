# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Open a port in ufw (ufw(8)): its rules are read from the lines that it keeps for itself in user.rules, and changed by
its own command line, which knows how to keep them over reloads and reboots."""

from __future__ import annotations

import functools
import re
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import backend
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.backend import (
    TAG,
    Backend,
    Command,
    FirewallChange,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import iptables_save, model
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.listing import Head, Rule, Ruleset
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import ANYWHERE as ANY_WAY
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import Here
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.walk import Rules
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.spec import FirewallSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.surroundings import Surroundings, Table
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.grammar import Network

NAME = "ufw"
CONF, DEFAULTS = "/etc/ufw/ufw.conf", "/etc/default/ufw"
RULES = {"ip": "/etc/ufw/user.rules", "ip6": "/etc/ufw/user6.rules"}
ANYWHERE = {"ip": "0.0.0.0/0", "ip6": "::/0"}
_TUPLE = re.compile(
    r"### tuple ### (?P<action>\S+) (?P<proto>\S+) (?P<dport>\S+) (?P<dst>\S+) (?P<sport>\S+) (?P<src>\S+)"
    r"(?: (?P<dapp>\S+) (?P<sapp>\S+))? (?P<way>(?:in|out)\S*)(?: comment=(?P<comment>[0-9a-f]*))?\s*$"
)
_BEFORE = (
    "what ufw has loaded for %s closes port %d, though its rules open it: look at /etc/ufw/before.rules, and whether "
    "ufw reload says something"
)
_ENDS = {"allow": "accept", "limit": "accept", "deny": "drop", "reject": "drop"}


class Ufw(NamedTuple):
    """What ufw keeps in its files: settings, and the rules by family; and its chains in the kernel (``loaded``)."""

    conf: str
    defaults: str
    rules: Dict[str, str]
    loaded: bool
    ways: Sequence[Here] = ANY_WAY
    tables: Sequence[Table] = ()

    @property
    def enabled(self) -> bool:
        """It is loaded at boot."""
        return setting(self.conf, "ENABLED") == "yes"


class Entry(NamedTuple):
    """A rule of ufw for packets to the host itself."""

    action: str
    proto: str
    dport: str
    dst: str
    sport: str
    src: str
    interface: str
    comment: str


def entries(text: str) -> List[Entry]:
    """The rules for incoming packets in a user.rules file, in their order."""
    found = []
    for match in filter(None, map(_TUPLE.match, text.split("\n"))):
        row = match.groupdict("")
        way, _line, interface = row["way"].partition("_")
        if row["action"].startswith("route:") or way.split("!")[0] != "in":
            continue
        comment = bytes.fromhex(row["comment"]).decode("utf-8", "replace") if len(row["comment"]) % 2 == 0 else ""
        action = row["action"].split("_")[0]  # allow_log and the like
        found.append(Entry(
            action, row["proto"], row["dport"], row["dst"], row["sport"], row["src"], interface, comment))
    return found


def unread(text: str) -> List[str]:
    """Rules that are not understood."""
    return [line for line in text.split("\n") if line.startswith("### tuple ###") and not _TUPLE.match(line)]


def setting(text: str, name: str) -> str:
    """The value of a shell-like assignment in ufw's own files, in lower case without quotes."""
    found = re.findall(r"(?m)^\s*%s\s*=\s*[\"']?([A-Za-z]*)" % re.escape(name), text)
    return found[-1].lower() if found else ""


@functools.lru_cache(maxsize=1 << 17)
def _rule(entry: Entry, family: str) -> Rule:
    words: List[str] = ["-p", entry.proto] if entry.proto != "any" else []
    if entry.src != ANYWHERE[family]:
        words += ["-s", entry.src]
    if entry.dst != ANYWHERE[family]:
        words += ["-d", entry.dst]
    if entry.interface:
        words += ["-i", entry.interface]
    if entry.dport != "any":
        words += ["--dports", entry.dport]
    if entry.sport != "any":
        words += ["--sports", entry.sport]
    end = {"accept": "ACCEPT", "drop": "DROP"}[_ENDS.get(entry.action, "drop")]
    return iptables_save.rule_of("INPUT", (*words, "-j", end), family)


def closes(found: Ufw, family: str, rules: Sequence[Entry], port: int,
           networks: Sequence[Network]) -> bool:
    """Whether ufw with these rules could close the port to those who should pass."""
    policy = "accept" if setting(found.defaults, "DEFAULT_INPUT_POLICY") == "accept" else "drop"
    base = Head(family, "filter", "INPUT", "input", "filter", policy)
    known = iptables_save.rule_of("INPUT", ("--state", "established", "-j", "ACCEPT"), family)
    walkable = Rules(Ruleset((base,), (known, *[_rule(each, family) for each in rules])))
    return model.could_close(
        walkable, walkable.chains(("input",))[0], model.packets(port, family, networks, found.ways))


def families(found: Ufw) -> List[str]:
    """The families that it filters; with IPv6 switched off it lets none of that in, whatever its rules say."""
    return ["ip", "ip6"] if setting(found.defaults, "IPV6") != "no" else ["ip"]


class Ours(NamedTuple):
    """A rule of ours. ``interface`` is empty but where ufw holds another rule for the same packets: it puts a rule of
    the same match nowhere else, and says nothing."""

    port: str
    source: str
    interface: str = ""


class Opening(NamedTuple):
    """Our rules as wanted, whether they must come first, and whether those there are behind."""

    rules: List[Ours]
    first: bool
    behind: bool


def opening(spec: FirewallSpec, found: Ufw) -> Opening:
    """What is wanted of ufw, as if none of ours were there yet. Each family has rules of its own.

    :raises ValueError: a source that is none.
    """
    wanted: List[Ours] = []
    first = behind = False
    for family in families(found) if spec.state == "present" else ():
        rules, networks = entries(found.rules[family]), backend.networks(spec.sources, family)
        others = [each for each in rules if each.comment != TAG]
        if networks is None or not closes(found, family, others, spec.port, networks):
            continue
        mine = [Entry("allow", "tcp", str(spec.port), ANYWHERE[family], "any", source, "", TAG)
                for source in [_source(each) for each in networks] or [ANYWHERE[family]]]
        if closes(found, family, others + mine, spec.port, networks):
            first = True
            same = {each._replace(action="", comment="") for each in others}
            names = [here.interface for here in found.ways if here.interface]
            if names and any(each._replace(action="", comment="") in same for each in mine):
                mine = [each._replace(interface=name) for each in mine for name in names]
        wanted += [Ours(each.dport, each.src, each.interface) for each in mine]
        behind = behind or closes(found, family, rules, spec.port, networks)
    return Opening(wanted, first, behind)


def _source(network: Network) -> str:
    return str(network.network_address if network.prefixlen == network.max_prefixlen else network)


def present(found: Ufw) -> List[Ours]:
    """Our rules that are there."""
    rules = [each for family in ANYWHERE for each in entries(found.rules[family]) if each.comment == TAG]
    return [Ours(each.dport, each.src, each.interface) for each in rules]


def _words(rule: Ours) -> Tuple[str, ...]:
    way = ("in", "on", rule.interface) if rule.interface else ()
    return ("allow", *way, "proto", "tcp", "from", rule.source, "to", "any", "port", rule.port)


def _command_line(rules: Sequence[Ours]) -> List[str]:
    """Rules as people read them."""
    return [" ".join(("ufw", *_words(each))) for each in rules]


class _Backend(Backend[Optional[Ufw]]):
    """ufw; None: it is not on the host."""

    name = NAME
    absent_because = "ufw is not enabled"
    chains = ("ufw-user-input", "ufw6-user-input")
    ledger = {NAME: r"port \d{1,5}"}

    def read(self, host: Surroundings) -> Optional[Ufw]:
        conf = host.file(CONF)
        if conf is None:
            return None
        rules = {family: _text(host.file(path)) for family, path in RULES.items()}
        tables = [table for table in host.tables if table.keeper == NAME]
        return Ufw(_text(conf), _text(host.file(DEFAULTS)), rules, bool(tables), host.ways, tables)

    def active(self, found: Optional[Ufw]) -> bool:
        return found is not None and found.loaded and found.enabled

    def changes(self, spec: FirewallSpec, found: Optional[Ufw]) -> List[FirewallChange]:
        if found is None:
            return []
        wanted, now = opening(spec, found), present(found)
        again = [rule for rule in now if rule in wanted.rules] if wanted.behind else []
        gone = [rule for rule in now if rule not in wanted.rules]
        new = [rule for rule in wanted.rules if rule not in now or rule in again]
        if not gone and not new:
            return []
        put = ("ufw", "prepend") if wanted.first else ("ufw",)
        commands = [Command(("ufw", "delete", *_words(rule))) for rule in again]
        commands += [Command((*put, *_words(rule), "comment", TAG)) for rule in new]
        commands += [Command(("ufw", "delete", *_words(rule))) for rule in gone]
        before, after = backend.compared(_command_line(now), _command_line(wanted.rules))
        why = backend.SERVED if wanted.rules else backend.UNWANTED
        name = "port %d" % spec.port
        return [FirewallChange(NAME, name, before, after, why, bool(wanted.rules), tuple(commands))]

    def shown(self, found: Optional[Ufw]) -> List[str]:
        return _command_line(present(found)) if found else []

    def problems(self, _spec: FirewallSpec, found: Optional[Ufw]) -> List[str]:
        words = "ufw keeps a rule in %s that is not understood here, so nobody can say what it closes: %s; report "
        words += "it, or set oqs_ssh_firewall_backend: none and open the port yourself"
        kept = found.rules if found else {}
        return [words % (RULES[family], line) for family, text in kept.items() for line in unread(text)[:1]]

    def notes(self, spec: FirewallSpec, found: Optional[Ufw]) -> List[str]:
        """Rules of before.rules come first, and only the kernel says what they are."""
        if found is None or self.changes(spec, found):
            return []
        said = []
        for table in found.tables:
            saved = iptables_save.parse(table.text, table.family)
            walkable = Rules(saved.ruleset(saved.input)) if saved else Rules(Ruleset())
            asked = list(backend.packets(spec, table.family, found.ways))
            if any(model.closes(walkable, chain, asked) for chain in walkable.chains(("input",))):
                said.append(_BEFORE % ({"ip": "IPv4", "ip6": "IPv6"}[table.family], spec.port))
        return said

    def unkept(self, spec: FirewallSpec, found: Optional[Ufw]) -> List[str]:
        if found is None or found.loaded or not found.enabled:
            return []
        words = "ufw is enabled, but its rules are not loaded: at the next boot they may be, and close port %d; "
        return [words % spec.port + "then run again"]


def _text(data: Optional[bytes]) -> str:
    return (data or b"").decode("utf-8", "surrogateescape")


BACKEND = _Backend()
