# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Open a port in firewalld: rich rules (firewalld.richlanguage(5)) in the zones that packets from outside come to.

Each is put into the running firewall and into its permanent settings, so that nothing needs a reload, which would cost
others the rules that they have at runtime only. firewalld has no comments: ours are known by priority.
"""

from __future__ import annotations

import re
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple
from xml.etree import ElementTree

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import backend
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.backend import (
    Backend,
    Command,
    FirewallChange,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import matching, model
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import ANYWHERE, Here
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.spec import FirewallSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.surroundings import NoAnswer, Surroundings
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ways import INNER
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.zones import (
    Zone,
    covers,
    forwarded,
    forwards,
    opens,
    parse,
    shuts,
    zone_kept,
    zones_now,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.grammar import Network

NAME = "firewalld"
UNIT = "firewalld.service"
CONF = "/etc/firewalld/firewalld.conf"
#: Where the permanent settings of zones are; the first that has one counts.
ZONE_DIRS = ("/etc/firewalld/zones", "/usr/lib/firewalld/zones")
#: Behind all rules of others, or before them where one of these would close the port to everybody.
LAST, FIRST = "22222", "-22222"
_ZONE_LINE = re.compile(r"(?m)^  (target|interfaces):")
_ELEMENT = re.compile(r'[ \t]*<rule\b[^>]*\bpriority="-?22222"[^>]*>(?:(?!</rule>).)*</rule>[ \t]*\n?', re.S)


class Firewalld(NamedTuple):
    """What firewalld says of its zones while it runs, and what it keeps of them. ``boots``: it is started at boot.

    :ivar now: what ``firewall-cmd --list-all-zones`` prints; ``kept``: the file of each zone.
    :ivar default: the zone of interfaces that belong to none.
    :ivar interfaces: those of the host.
    """

    running: bool
    boots: bool
    now: str
    kept: Dict[str, bytes]
    default: str
    interfaces: List[str]
    ways: Sequence[Here] = ANYWHERE


def zone_files(zone: str) -> Tuple[str, str]:
    """The file that firewalld writes when a permanent setting of a zone changes, and its copy of the one before."""
    path = "%s/%s.xml" % (ZONE_DIRS[0], zone)
    return path, path + ".old"


#: Name, attributes, text, and what is inside.
_Shape = Tuple[str, List[Tuple[str, str]], str, List[str]]


def same_zone(one: bytes, other: bytes) -> bool:
    """Whether two files of a zone say the same, apart from our rules and from how they are written."""
    return _plain(one) is not None and _plain(one) == _plain(other)


def _plain(data: bytes) -> Optional[_Shape]:
    try:
        root = ElementTree.fromstring(without_ours(data.decode("utf-8", "surrogateescape")).encode("utf-8", "replace"))
    except ElementTree.ParseError:
        return None
    return _shape(root)


def _shape(each: ElementTree.Element) -> _Shape:
    return each.tag, sorted(each.attrib.items()), (each.text or "").strip(), sorted(repr(_shape(part)) for part in each)


def _before_ours(zone: Zone, port: int, ways: Sequence[Here]) -> List[str]:
    """Rules that close the port and come before any of ours, even the first one (lower priorities come first)."""
    return [rule for rule in zone.rules if rule not in zone.ours and parse(rule).priority <= int(FIRST)
            and shuts(rule, port, ways)]


def rules_for(zone: Zone, spec: FirewallSpec, ways: Sequence[Here] = ANYWHERE) -> List[str]:
    """The rich rules that open the port in this zone, none where it is open; as if none of ours were there.

    :raises ValueError: a source that is none.
    """
    others = [rule for rule in zone.rules if rule not in zone.ours]
    shut = any(parse(rule).priority <= int(LAST) and shuts(rule, spec.port, ways) for rule in others)
    opened = covers(zone.ports, spec.port) or any(opens(rule, spec.port, ways) for rule in others)
    if not shut and (zone.target == "ACCEPT" or (not spec.sources and opened)):
        return []
    head = 'rule priority="%s"' % (FIRST if shut else LAST)
    tail = 'port port="%d" protocol="tcp" accept' % spec.port
    rules = []
    for network in matching.merge(model.parse_sources(spec.sources)):
        single = network.prefixlen == network.max_prefixlen
        address = network.network_address if single else network
        rules.append('%s family="ipv%d" source address="%s" %s' % (head, network.version, address, tail))
    return rules or ["%s %s" % (head, tail)]


def open_zones(zones: Mapping[str, Zone], default: str, interfaces: Sequence[str], spec: FirewallSpec) -> Set[str]:
    """The zones that packets from outside come to: those of interfaces, and those that an operator bound to sources,
    unless to shut these out, and not everybody.

    :param default: the zone of interfaces that belong to none.
    """
    found = set()
    for interface in [name for name in interfaces if not INNER.match(name)] or [""]:
        of = [name for name, zone in zones.items() if interface in zone.interfaces]
        found.add(of[0] if of else default)
    mine = model.parse_sources(spec.sources)
    for name, zone in zones.items():
        wide = zone.target == "default" or {"0.0.0.0/0", "::/0"} & set(zone.sources)
        if zone.sources and wide and any(_meets(each, mine) for each in zone.sources):
            found.add(name)
    return found


def _meets(source: str, networks: Sequence[Network]) -> bool:
    if not networks:
        return True
    try:
        bound = model.parse_sources([source])[0]
    except ValueError:
        return True  # a MAC address or an ipset: who knows
    return any(bound.version == each.version and bound.overlaps(each) for each in networks)


def _both(now: Sequence[str], kept: Sequence[str]) -> List[str]:
    if sorted(now) == sorted(kept):
        return list(now)
    return ["until a reload: %s" % rule for rule in now] + ["after a reload: %s" % rule for rule in kept]


def without_ours(text: str) -> str:
    """The file of a zone without our rules; every other byte as it was."""
    return _ELEMENT.sub("", text)


_NO_ZONE = Zone("default", [], [], [], [])


class _Step(NamedTuple):
    """Our rules in a zone, in what is in force or (``option``) in the permanent settings: as they are and should be."""

    option: str
    mine: List[str]
    wanted: List[str]

    def commands(self, zone: str) -> List[Command]:
        """What makes them so: new ones first, so that the port is never closed in between."""
        steps = (
            ("add", [rule for rule in self.wanted if rule not in self.mine]),
            ("remove", [rule for rule in self.mine if rule not in self.wanted]),
        )
        head = ["firewall-cmd", "--quiet", *([self.option] if self.option else []), "--zone=%s" % zone]
        return [
            Command(tuple(head + ["--%s-rich-rule=%s" % (action, rule) for rule in rules]))
            for action, rules in steps if rules
        ]


def _zone_changes(spec: FirewallSpec, found: Firewalld, kept: Mapping[str, Zone]) -> List[FirewallChange]:
    now = zones_now(found.now)
    open_ones: Set[str] = set()
    if spec.state == "present":
        open_ones = open_zones(now, found.default, found.interfaces, spec)
    changes = []
    for name in sorted(set(now) | set(kept)):
        running, later = (
            _Step(option, zones.get(name, _NO_ZONE).ours,
                  rules_for(zones[name], spec, found.ways) if name in open_ones and name in zones else [])
            for option, zones in (("", now), ("--permanent", kept))
        )
        commands = running.commands(name) + later.commands(name)
        if commands:
            why = "the port is served, and packets from outside come to this zone" if name in open_ones else (
                backend.UNWANTED if spec.state == "absent" else "no packets from outside come to this zone")
            changes.append(FirewallChange(
                NAME, "zone %s" % name, backend.lines(_both(running.mine, later.mine)),
                backend.lines(_both(running.wanted, later.wanted)), why, bool(running.wanted or later.wanted),
                tuple(commands), zone_files(name),
            ))
    return changes


def _left_behind(spec: FirewallSpec, found: Firewalld, kept: Mapping[str, Zone]) -> List[FirewallChange]:
    """While firewalld does not run, its own tool cannot take our rules out of its files."""
    changes: List[FirewallChange] = []
    if spec.state == "absent":
        for name in sorted(name for name, zone in kept.items() if zone.ours):
            after = without_ours(found.kept[name].decode("utf-8", "surrogateescape"))
            data = after.encode("utf-8", "surrogateescape")
            changes.append(backend.file_change(zone_files(name)[0], found.kept[name], data, backend.UNWANTED))
    return changes


class _Backend(Backend[Optional[Firewalld]]):
    """firewalld; None: it is not on the host."""

    name = NAME
    absent_because = "firewalld does not run"
    units = (UNIT,)
    chains = ("INPUT_ZONES", "IN_public")
    ledger = {NAME: r"zone [^\0-\x1f/]{1,64}", "file": r"/etc/firewalld/zones/[^/]+\.xml(\.old)?"}

    def read(self, host: Surroundings) -> Optional[Firewalld]:
        conf, program = host.file(CONF), host.program("firewall-cmd")
        if conf is None and program is None:
            return None
        running, boots = host.unit(UNIT)[:2]
        if conf is None and not running:
            return None
        default = re.findall(rb"(?m)^\s*DefaultZone\s*=\s*(\S+)", conf or b"")
        now = ""
        if running and program:
            argv, advice = [program, "--list-all-zones"], "see what firewall-cmd --state says"
            now = host.ask(argv, advice).text
            if now.strip() and not _ZONE_LINE.search(now):
                raise NoAnswer(argv, "its answer is no list of zones", advice)
        names = set(zones_now(now))
        names.update(name[:-len(".xml")] for name in host.names(ZONE_DIRS[0])
                     if name.endswith(".xml") and not name.startswith("."))
        kept = {}
        for name in sorted(names):
            texts = (host.file("%s/%s.xml" % (folder, name)) for folder in ZONE_DIRS)
            kept[name] = next(filter(None, texts), b"")
        zone = (default or [b"public"])[-1].decode("utf-8", "replace")
        return Firewalld(running, boots, now, kept, zone, host.interfaces, host.ways)

    def active(self, found: Optional[Firewalld]) -> bool:
        return found is not None and found.running

    def changes(self, spec: FirewallSpec, found: Optional[Firewalld]) -> List[FirewallChange]:
        if found is None:
            return []
        kept = {name: zone_kept(data) for name, data in found.kept.items()}
        return _zone_changes(spec, found, kept) if found.running else _left_behind(spec, found, kept)

    def shown(self, found: Optional[Firewalld]) -> List[str]:
        zones = zones_now(found.now) if found else {}
        return ["zone %s: %s" % (name, rule) for name, zone in zones.items() for rule in zone.ours]

    def diverts(self, spec: FirewallSpec, found: Optional[Firewalld]) -> Tuple[List[str], bool]:
        zones = zones_now(found.now) if found else {}
        open_ones = open_zones(zones, found.default, found.interfaces, spec) if found and zones else set()
        rows = [
            "zone %s of firewalld: %s" % (name, row) for name in sorted(open_ones & set(zones))
            for row in zones[name].forwards + zones[name].rules
            if forwarded(row, spec.port) or forwards(row, spec.port)
        ]
        return rows, False

    def unkept(self, spec: FirewallSpec, found: Optional[Firewalld]) -> List[str]:
        if found is None or found.running or not found.boots:
            return []
        words = "firewalld does not run, but is started at boot, and may close port %d then: start it, then run again"
        return [words % spec.port]

    def problems(self, spec: FirewallSpec, found: Optional[Firewalld]) -> List[str]:
        if found is None:
            return []
        if found.now.strip():
            zones = zones_now(found.now)
            words = "zone %s of firewalld closes port %d by a rule that comes before any of ours: %s; take it away, or "
            words += "give it a priority above " + FIRST
            return [words % (name, spec.port, rule)
                    for name in sorted(open_zones(zones, found.default, found.interfaces, spec)) if name in zones
                    for rule in _before_ours(zones[name], spec.port, found.ways)]
        said = "firewalld runs, but says nothing of its zones: see what firewall-cmd --list-all-zones says, or set "
        return [said + "oqs_ssh_firewall_backend: none and open the port yourself"]


BACKEND = _Backend()
