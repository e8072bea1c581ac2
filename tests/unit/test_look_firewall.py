# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looking at firewalls: which programs are asked on which host, and what is made of their answers."""

from __future__ import annotations

import json
import os

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, Completed
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalls, look_firewall

CHAIN = {"chain": {"family": "ip", "table": "filter", "name": "INPUT", "handle": 1, "type": "filter", "hook": "input",
                   "prio": 0, "policy": "drop"}}
SAVED = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"
UFW = SAVED.replace("COMMIT", ":ufw-user-input - [0:0]\nCOMMIT")


class Machine:
    """A host of files and programs; what is run is written down."""

    def __init__(self, monkeypatch):
        self.files, self.programs, self.units, self.asked = {}, {}, {}, []
        monkeypatch.setattr(look_firewall, "_program", lambda name: name if name in self.programs else None)
        monkeypatch.setattr(look_firewall.files, "read_file", self.files.get)
        monkeypatch.setattr(look_firewall, "run", self.run)
        monkeypatch.setattr(look_firewall.glob, "glob", lambda pattern: sorted(
            path for path in self.files if path.startswith(pattern[:-len("*.xml")])))

    def run(self, argv, check=True, timeout=60.0):
        if argv[0] == "systemctl":
            if self.units is None:
                raise CommandError(argv, "not found")
            rows = ["Id=%s\nActiveState=%s\nUnitFileState=%s" % (name, *self.units.get(name, ("inactive", "")))
                    for name in argv[3:]]
            return Completed(0, "\n\n".join(rows).encode(), b"")
        self.asked.append(" ".join(argv))
        answer = self.programs[argv[0]]
        return Completed(0, (answer(argv) if callable(answer) else answer).encode(), b"")

    def look(self, **wish):
        return look_firewall.firewall(samples.firewall_want(**wish))


@pytest.fixture
def machine(monkeypatch):
    return Machine(monkeypatch)


def nft(*items):
    return json.dumps({"nftables": [{"metainfo": {}}, *items]})


def test_a_host_without_any(machine):
    found = machine.look()
    assert machine.asked == [] and firewalls.active(found) == []
    machine.units = None  # no systemd either
    assert machine.look() == found
    assert found == samples.firewall_facts()


def test_hands_off_asks_nothing_unless_ours_are_to_go(machine):
    machine.programs = {"nft": nft()}
    machine.look(backend="none")
    assert machine.asked == []
    machine.look(backend="none", state="absent")
    assert machine.asked == ["nft -j list ruleset"]


def test_only_tables_that_hold_something_are_listed(machine):
    machine.programs = {"nft": nft(), "iptables": "", "iptables-nft-save": SAVED, "iptables-nft-restore": "",
                        "iptables-legacy-save": SAVED, "iptables-legacy-restore": ""}
    machine.look()
    assert machine.asked == ["nft -j list ruleset"]
    machine.programs["nft"] = nft(CHAIN)
    found = machine.look()
    assert machine.asked[1:] == ["nft -j list ruleset", "iptables-nft-save -t filter"]
    assert found["iptables"]["tables"] == {("nft", "ip"): SAVED.rstrip("\n")}
    assert found["iptables"]["programs"] == {("nft", "ip"): "iptables-nft-restore"}
    assert firewalls.active(found) == ["iptables"]
    machine.files["/proc/%d/net/ip_tables_names" % os.getpid()] = b"nat\nfilter\n"
    assert sorted(machine.look()["iptables"]["tables"]) == [("legacy", "ip"), ("nft", "ip")]


@pytest.mark.parametrize(("version", "kind"), [
    ("iptables v1.8.9 (nf_tables)", "nft"), ("iptables v1.8.9 (legacy)", "legacy"), ("iptables v1.4.21", "legacy"),
])
def test_programs_under_their_plain_names_say_of_which_kind_they_are(machine, version, kind):
    machine.files["/proc/%d/net/ip_tables_names" % os.getpid()] = b"filter\n"
    machine.programs = {"nft": nft(CHAIN), "iptables": ""}
    for name in ("iptables-save", "iptables-restore"):
        machine.programs[name] = lambda argv: version if "--version" in argv else SAVED
    assert list(machine.look()["iptables"]["tables"]) == [(kind, "ip")]


def test_without_nft_iptables_is_asked_itself(machine):
    machine.programs = dict.fromkeys(("iptables", "iptables-nft-save", "iptables-nft-restore"), SAVED)
    assert firewalls.active(machine.look()) == ["iptables"]


def test_saved_rules_that_are_loaded_at_boot(machine):
    machine.files["/etc/iptables/rules.v4"] = SAVED.encode() + b"# \xff\n"
    assert machine.look()["iptables"]["files"] == []
    machine.units["netfilter-persistent.service"] = ("active", "enabled")
    assert machine.look()["iptables"]["files"] == [("/etc/iptables/rules.v4", "ip", SAVED + "# \udcff\n")]


def test_nftables_service_and_files(machine):
    machine.programs = {"nft": nft(), "iptables": ""}
    machine.files["/etc/nftables.conf"] = b"table inet filter {\n  chain INPUT {\n"
    machine.units["nftables.service"] = ("active", "enabled")
    found = machine.look()
    assert found["nftables"]["persistent"] and not found["compat"]  # its own chain, though named as those of iptables
    machine.files["/etc/nftables.conf"] = b"table inet filter {\n  chain input {\n"
    assert machine.look()["compat"]
    machine.units["nftables.service"] = ("active", "disabled")
    assert not machine.look()["nftables"]["persistent"]


@pytest.mark.parametrize(("conf", "text", "active"), [
    (b"ENABLED=yes\n", UFW, ["ufw"]), (b"ENABLED=no\n", UFW, []), (b"ENABLED=yes\n", SAVED, ["iptables"]),
])
def test_ufw_is_active_when_it_is_enabled_and_loaded(machine, conf, text, active):
    machine.programs = {"nft": nft(CHAIN), "iptables": "", "iptables-nft-save": text, "iptables-nft-restore": ""}
    machine.files.update({"/etc/ufw/ufw.conf": conf, "/etc/default/ufw": b'DEFAULT_INPUT_POLICY="DROP"\n'})
    found = machine.look()
    assert found["ufw"]["ip"] == found["ufw"]["ip6"] == ""
    assert firewalls.active(found) == active


def test_firewalld_is_asked_only_while_it_runs(machine):
    machine.programs["firewall-cmd"] = "public\n  target: default\n\n"
    machine.files.update({
        "/etc/firewalld/firewalld.conf": b"# DefaultZone=public\nDefaultZone=dmz\n",
        "/etc/firewalld/zones/dmz.xml": b"<zone/>", "/usr/lib/firewalld/zones/public.xml": b"<zone target='x'/>",
    })
    found = machine.look()
    assert machine.asked == [] and firewalls.active(found) == []
    assert found["firewalld"]["kept"] == {"dmz": b"<zone/>"} and found["firewalld"]["default"] == "dmz"
    machine.units["firewalld.service"] = ("active", "enabled")
    found = machine.look()
    assert machine.asked == ["firewall-cmd --list-all-zones"] and firewalls.active(found) == ["firewalld"]
    assert found["firewalld"]["kept"] == {"dmz": b"<zone/>", "public": b"<zone target='x'/>"}
