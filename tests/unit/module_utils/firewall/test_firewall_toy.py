# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A new kind of firewall is one class and one entry in the registry: a toy, from reading to its changes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List, NamedTuple

import core_samples as samples
import pytest
import yaml
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import (
    backend,
    firewalls,
    iptables,
    surroundings,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.backend import (
    Backend,
    Command,
    FirewallChange,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.spec import FirewallSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.surroundings import Surroundings


class Moat(NamedTuple):
    """What the toy reads: is the bridge guarded, and who may pass."""

    guarded: bool
    lowered: List[str]
    kept: bytes


class MoatBackend(Backend[Moat]):
    """Its program is ``moat``; it keeps a file, and fills chains of iptables named MOAT."""

    name = "moat"
    absent_because = "nobody guards the bridge"
    units = ("moat.service",)
    chains = ("MOAT",)
    ledger = {"moat": r"bridge \d{1,5}", "file": r"/etc/moat\.conf"}

    def read(self, host: Surroundings) -> Moat:
        program = host.program("moat")
        lowered = host.ask([program, "list"], "wake the guard").text.split() if program else []
        return Moat(host.unit("moat.service").active, lowered, host.file("/etc/moat.conf") or b"")

    def active(self, found: Moat) -> bool:
        return found.guarded

    def changes(self, spec: FirewallSpec, found: Moat) -> List[FirewallChange]:
        wanted = [str(spec.port)] if spec.state == "present" else []
        before, after = backend.lines(found.lowered), backend.lines(wanted)
        commands = (Command(("moat", "set", *wanted)),)
        data = "".join("%s\n" % each for each in wanted).encode()
        return [
            FirewallChange("moat", "bridge %d" % spec.port, before, after, backend.SERVED, bool(wanted), commands,
                           ("/etc/moat.conf",)),
            backend.file_change("/etc/moat.conf", found.kept, data, backend.KEPT),
        ]

    def shown(self, found: Moat) -> List[str]:
        return ["bridge %s is lowered" % each for each in found.lowered]

    def problems(self, spec: FirewallSpec, _found: Moat) -> List[str]:
        return ["no bridge has a number below 1024: choose another port"] if spec.port < 1024 else []

    def notes(self, _spec: FirewallSpec, found: Moat) -> List[str]:
        return [] if found.kept else ["nothing is kept for the next morning"]


INACTIVE = (
    "oqs_ssh_firewall_backend is %s, but %s; one that is not active is never turned on: set it to auto or none"
)
ROOT = Path(__file__).resolve().parents[4]
TOY = MoatBackend()
ALL = (*firewalls.BACKENDS, TOY)
KEPT_BY_TOY = "*filter\n:INPUT DROP [0:0]\n:MOAT - [0:0]\n-A INPUT -j MOAT\nCOMMIT\n"


@pytest.fixture
def castle(monkeypatch):
    """A host with the toy: its programs, and what they say."""
    says = {
        "moat": "22\n", "systemctl": "", "nft": '{"nftables": [{"chain": {"family": "ip", "table": "filter", '
        '"name": "INPUT", "type": "filter", "hook": "input", "policy": "drop"}}]}', "iptables": "",
        "iptables-nft-save": KEPT_BY_TOY, "iptables-nft-restore": "",
    }

    def run(argv, check=True):
        text = says[argv[0]]
        if argv[0] == "systemctl":
            assert "moat.service" in argv
            row = "Id=%s\nActiveState=%s\nUnitFileState=enabled"
            text = "\n\n".join(row % (unit, "active" if "moat" in unit else "inactive") for unit in argv[3:])
        return surroundings.Completed(0, text.encode(), b"")

    monkeypatch.setattr(surroundings, "_which", lambda name: name if name in says else None)
    monkeypatch.setattr(surroundings.files, "read_file", {"/etc/moat.conf": b"22\n"}.get)
    monkeypatch.setattr(surroundings, "run", run)
    monkeypatch.setattr(surroundings.os.path, "isdir", lambda _path: True)
    return says


def read(**wish):
    spec = samples.firewall_spec(**wish)
    return spec, firewalls.read(spec, ALL)


def test_it_is_read_active_and_shown(castle):
    _spec, found = read()
    assert found.of(TOY) == Moat(True, ["22"], b"22\n")
    assert firewalls.active(found, ALL) == ["moat"]
    assert firewalls.shown(found, ALL) == ["bridge 22 is lowered"]
    assert firewalls.active(found) == []  # nobody else speaks for it


def test_its_rules_of_iptables_are_its_own(castle):
    _spec, found = read()
    assert [table.keeper for table in found.of(iptables.BACKEND).tables] == ["moat"]
    assert firewalls.active(firewalls.read(samples.firewall_spec()), firewalls.BACKENDS) == ["iptables"]


@pytest.mark.parametrize(("wish", "after", "content"), [
    ({}, "2222", b"2222\n"), ({"backend": "moat"}, "2222", b"2222\n"), ({"state": "absent"}, "closed", b""),
])
def test_its_changes_are_planned(castle, wish, after, content):
    spec, found = read(**wish)
    rules, file = firewalls.changes(spec, found, ALL)
    assert (rules.kind, rules.name, rules.before, rules.after) == ("moat", "bridge 2222", "22", after)
    assert rules.commands[0].argv[:2] == ("moat", "set") and rules.owned_files == ("/etc/moat.conf",)
    assert (file.kind, file.path, file.content) == ("firewall_file", "/etc/moat.conf", content)
    assert firewalls.refusals(spec, found, ALL) == []


def test_what_is_as_wanted_is_no_change(castle):
    spec, found = read(port=22)
    assert firewalls.changes(spec, found, ALL) == []


def test_it_refuses_with_its_own_words(castle):
    assert firewalls.refusals(*read(port=443), ALL) == ["no bridge has a number below 1024: choose another port"]
    assert firewalls.refusals(*read(port=443, state="absent"), ALL) == []
    assert firewalls.refusals(*read(port=443, backend="ufw"), ALL) == [
        INACTIVE % ("ufw", "ufw is not enabled")]


def test_it_is_refused_by_name_where_it_is_not_active():
    spec = samples.firewall_spec(backend="moat")
    found = firewalls.Found({"moat": Moat(False, [], b"")})
    assert firewalls.refusals(spec, found, ALL) == [
        INACTIVE % ("moat", "nobody guards the bridge")]


def test_its_notes(castle):
    found = firewalls.Found({"moat": Moat(True, [], b"")})
    assert firewalls.notes(samples.firewall_spec(), found, ALL) == ["nothing is kept for the next morning"]
    assert firewalls.notes(samples.firewall_spec(backend="none"), found, ALL) == []
    told = firewalls.notes(samples.firewall_spec(backend="ufw"), found, ALL)
    assert told[0].startswith("more than one firewall is active; only ufw is opened") and "moat may close" in told[0]


def test_a_question_to_it_that_fails_ends_the_look(castle, monkeypatch):
    def fails(argv, check=True):
        raise surroundings.CommandError(argv, "asleep", surroundings.Completed(1, b"", b"asleep"))

    monkeypatch.setattr(surroundings, "run", fails)
    with pytest.raises(surroundings.NoAnswer, match=r"moat list: asleep; what its firewall .* known: wake the"):
        firewalls.read(samples.firewall_spec(), (TOY,))


def test_hands_off_asks_nobody(castle):
    _spec, found = read(backend="none")
    assert found == firewalls.Found({}) and firewalls.active(found, ALL) == [] == firewalls.shown(found, ALL)


def test_the_ledger_takes_its_kinds():
    taken = firewalls.ledger(ALL)
    assert re.fullmatch(taken["moat"], "bridge 22") and not re.fullmatch(taken["moat"], "bridge")
    for path, known in (("/etc/moat.conf", True), ("/etc/nftables.conf", True), ("/etc/moat.config", False),
                        ("/etc/firewalld/zones/public.xml.old", True), ("/etc/passwd", False)):
        assert bool(re.fullmatch(taken["file"], path)) is known


@pytest.mark.parametrize(("kind", "taken", "refused"), [
    ("firewalld", "zone public", "zone a/b"), ("ufw", "port 2222", "port"), ("nftables", "port 2222", "port, IPv4"),
    ("iptables", "port 2222, IPv6 (legacy)", "port 2222"), ("file", "/etc/nftables.conf", "/etc/nftables.d/theirs.nft"),
    ("file", "/etc/nftables.d/oqs-ssh.nft", "/etc/nftables"), ("file", "/etc/iptables/rules.v4", "/etc/iptables/a/b"),
    ("file", "/etc/sysconfig/ip6tables", "/etc/sysconfig/network"), ("folder", "/etc/nftables.d", "/etc"),
    ("file", "/etc/firewalld/zones/public.xml", "/etc/firewalld/firewalld.conf"),
])
def test_the_ledger_takes_what_firewalls_change_and_no_more(kind, taken, refused):
    known = firewalls.ledger()
    assert set(known) == {"firewalld", "ufw", "nftables", "iptables", "file", "folder"}
    assert re.fullmatch(known[kind], taken) and not re.fullmatch(known[kind], refused)


def test_people_can_choose_every_one_of_them():
    text = (ROOT / "roles/oqs_ssh_firewall/meta/argument_specs.yml").read_text()
    options = yaml.safe_load(text)["argument_specs"]["main"]["options"]
    names = [each.name for each in firewalls.BACKENDS]
    assert options["oqs_ssh_firewall_backend"]["choices"] == ["auto", *names, "none"]
