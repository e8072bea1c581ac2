# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looking at firewalls: which programs are asked on which host, and what is made of their answers."""

from __future__ import annotations

import os

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import Completed
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import (
    firewalld,
    firewalls,
    iptables,
    nftables,
    surroundings,
    ufw,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.listing import Ruleset
from firewall_samples import CHAIN, SAVED, UFW, Machine, nft


@pytest.fixture
def machine(monkeypatch):
    return Machine(monkeypatch)


def test_a_host_without_any(machine):
    found = firewalls.read(samples.firewall_spec())
    assert machine.asked == [] and firewalls.active(found) == []  # not even systemd is asked
    machine.units = None  # no systemd either
    assert machine.look() == found
    assert found == samples.firewall_facts(iptables=iptables.Iptables([], []))


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
    assert machine.asked[1:] == ["nft -j list ruleset", "iptables-nft-save"]
    assert found.of(iptables.BACKEND).tables == [
        ("nft", "ip", SAVED.rstrip("\n"), "iptables-nft-restore", "")]
    assert firewalls.active(found) == ["iptables"]
    machine.files["/proc/%d/net/ip_tables_names" % os.getpid()] = b"nat\nfilter\n"
    assert sorted(table[:2] for table in machine.look().of(iptables.BACKEND).tables) == [
        ("legacy", "ip"), ("nft", "ip")]


@pytest.mark.parametrize(("version", "kind"), [
    ("iptables v1.8.9 (nf_tables)", "nft"), ("iptables v1.8.9 (legacy)", "legacy"), ("iptables v1.4.21", "legacy"),
])
def test_programs_under_their_plain_names_say_of_which_kind_they_are(machine, version, kind):
    machine.files["/proc/%d/net/ip_tables_names" % os.getpid()] = b"filter\n"
    machine.programs = {"nft": nft(CHAIN), "iptables": ""}
    for name in ("iptables-save", "iptables-restore"):
        machine.programs[name] = lambda argv: version if "--version" in argv else SAVED
    assert [table[:2] for table in machine.look().of(iptables.BACKEND).tables] == [(kind, "ip")]


def test_without_nft_iptables_is_asked_itself(machine):
    machine.programs = dict.fromkeys(("iptables", "iptables-nft-save", "iptables-nft-restore"), SAVED)
    assert firewalls.active(machine.look()) == ["iptables"]


def test_saved_rules_that_are_loaded_at_boot(machine):
    machine.files["/etc/iptables/rules.v4"] = SAVED.encode() + b"# \xff\n"
    assert machine.look().of(iptables.BACKEND).files == []
    machine.units["netfilter-persistent.service"] = ("active", "enabled")
    assert machine.look().of(iptables.BACKEND).files == [
        ("/etc/iptables/rules.v4", "ip", SAVED + "# \udcff\n", "")]


def test_nftables_service_and_files(machine):
    machine.programs = {"nft": nft(), "iptables": ""}
    machine.files["/etc/nftables.conf"] = b"table inet filter {\n  chain INPUT {\n"
    machine.units["nftables.service"] = ("active", "enabled")
    found = machine.look().of(nftables.BACKEND)
    assert found.persistent and not found.compat  # its own chain, though named as those of iptables
    machine.files["/etc/nftables.conf"] = b"table inet filter {\n  chain input {\n"
    assert machine.look().of(nftables.BACKEND).compat
    machine.units["nftables.service"] = ("active", "disabled")
    assert not machine.look().of(nftables.BACKEND).persistent


@pytest.mark.parametrize(("conf", "text", "active"), [
    (b"ENABLED=yes\n", UFW, ["ufw"]), (b"ENABLED=no\n", UFW, []), (b"ENABLED=yes\n", SAVED, ["iptables"]),
])
def test_ufw_is_active_when_it_is_enabled_and_loaded(machine, conf, text, active):
    machine.programs = {"nft": nft(CHAIN), "iptables": "", "iptables-nft-save": text, "iptables-nft-restore": ""}
    machine.files.update({"/etc/ufw/ufw.conf": conf, "/etc/default/ufw": b'DEFAULT_INPUT_POLICY="DROP"\n'})
    found = machine.look()
    assert found.of(ufw.BACKEND).rules == {"ip": "", "ip6": ""}
    assert firewalls.active(found) == active


def test_firewalld_is_asked_only_while_it_runs(machine):
    machine.programs["firewall-cmd"] = "public\n  target: default\n\n"
    machine.files.update({
        "/etc/firewalld/firewalld.conf": b"# DefaultZone=public\nDefaultZone=dmz\n",
        "/etc/firewalld/zones/dmz.xml": b"<zone/>", "/usr/lib/firewalld/zones/public.xml": b"<zone target='x'/>",
    })
    found = machine.look()
    assert machine.asked == [] and firewalls.active(found) == []
    assert found.of(firewalld.BACKEND).kept == {"dmz": b"<zone/>"} and found.of(firewalld.BACKEND).default == "dmz"
    machine.units["firewalld.service"] = ("active", "enabled")
    found = machine.look()
    assert machine.asked == ["firewall-cmd --list-all-zones"] and firewalls.active(found) == ["firewalld"]
    assert found.of(firewalld.BACKEND).kept == {"dmz": b"<zone/>", "public": b"<zone target='x'/>"}


def test_each_thing_is_asked_once(machine):
    machine.programs = {"nft": nft(CHAIN), "iptables": "", "iptables-nft-save": UFW, "iptables-nft-restore": "",
                        "firewall-cmd": "public\n  target: default\n"}
    machine.files.update({
        "/etc/nftables.conf": b"", "/etc/iptables/rules.v4": b"", "/etc/ufw/ufw.conf": b"ENABLED=yes\n",
        "/etc/firewalld/firewalld.conf": b"",
    })
    machine.units.update({"firewalld.service": ("active", "enabled"), "nftables.service": ("active", "enabled")})
    firewalls.read(samples.firewall_spec())
    units = "firewalld.service nftables.service netfilter-persistent.service iptables.service ip6tables.service"
    assert sorted(machine.asked) == [
        "firewall-cmd --list-all-zones", "iptables-nft-save", "nft -j list ruleset",
        "systemctl show --property=Id,ActiveState,UnitFileState,ExecStart " + units,
    ]


def broken(reason="no such luck", rc=1):
    return Completed(rc, b"", reason.encode())


ZONES = {"/etc/firewalld/firewalld.conf": b""}
RUNS = {"firewalld.service": ("active", "enabled")}
TABLES = {"nft": nft(CHAIN), "iptables-nft-restore": ""}


@pytest.mark.parametrize(("programs", "files", "words"), [
    ({"nft": broken("Operation not permitted")}, {},
     "nft -j list ruleset: Operation not permitted; what its firewall holds is not known: see what nft list ruleset"),
    ({"nft": broken("cache initialization failed: Invalid argument")}, {}, "cache initialization failed"),
    ({"nft": ""}, {}, "nft -j list ruleset: its answer is no JSON, or was cut short"),
    ({"nft": nft(CHAIN)[:-9]}, {}, "its answer is no JSON, or was cut short"),
    ({"nft": "[]"}, {}, "its JSON holds no list of the name nftables"),
    ({"nft": '{"nftables": {}}'}, {}, "its JSON holds no list of the name nftables"),
    ({"nft": '{"nftables": [7]}'}, {}, "its JSON lists something that is no object"),
    ({"nft": nft({"chain": {"name": "INPUT"}})}, {}, "its JSON has a chain of another shape"),
    ({"nft": nft({"rule": dict(CHAIN["chain"], chain="INPUT", expr={})})}, {}, "its JSON has a rule of another shape"),
    (dict(TABLES, **{"iptables-nft-save": broken()}), {}, "iptables-nft-save: no such luck; what its"),
    (dict(TABLES, **{"iptables-nft-save": SAVED.replace("COMMIT", "")}), {}, "its answer holds no whole table filter"),
    ({"firewall-cmd": broken("FirewallD is not running", 252)}, ZONES,
     "firewall-cmd --list-all-zones: FirewallD is not running; what its firewall holds is not known: see what"),
    ({"firewall-cmd": "Zonen sind aus\n"}, ZONES, "its answer is no list of zones"),
    ({"systemctl": broken("Failed to connect to bus")}, ZONES,
     "UnitFileState,ExecStart firewalld.service: Failed to connect to bus; what"),
    ({"systemctl": "Id=firewalld.service\nActiveState=active\n"}, ZONES, "is not about all units that were asked for"),
    ({"systemctl": "\n\n\n\n\n\n\n\n"}, ZONES, "is not about all units that were asked for"),
])
def test_a_question_that_failed_is_not_the_answer_none(machine, programs, files, words):
    machine.programs, machine.units = dict(programs), dict(RUNS)
    machine.files.update(files)
    with pytest.raises(surroundings.NoAnswer) as raised:
        machine.look()
    assert words in str(raised.value)
    assert str(raised.value).endswith("or set oqs_ssh_firewall_backend: none and open the port yourself")


def test_a_legacy_table_that_is_in_use_is_never_empty(machine):
    machine.files["/proc/%d/net/ip_tables_names" % os.getpid()] = b"filter\n"
    machine.programs = {"nft": nft(), "iptables-legacy-save": "", "iptables-legacy-restore": ""}
    with pytest.raises(surroundings.NoAnswer, match="its answer holds no whole table filter"):
        machine.look()


def test_a_host_where_systemd_does_not_run(machine):
    machine.programs = {"systemctl": broken("System has not been booted with systemd as init system (PID 1).")}
    machine.files.update(ZONES)
    machine.booted = False
    assert firewalls.active(machine.look()) == []


def test_a_kernel_without_netfilter_has_no_rules(machine):
    machine.programs = {"nft": broken("Unable to initialize Netlink socket: Protocol not supported")}
    assert machine.look().of(nftables.BACKEND).ruleset == Ruleset()


def without_json(text, words="JSON support not compiled-in"):
    return lambda argv: broken(words) if "-j" in argv else text


@pytest.mark.parametrize("words", ["JSON support not compiled-in", "nft: invalid option -- 'j'"])
def test_an_nft_without_json_is_no_empty_rule_set(machine, words):
    """Rules of iptables it leaves to iptables; its own cannot be judged."""
    chains = "table ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority 0; policy drop;\n\t}\n}\n"
    machine.programs = {"nft": without_json(chains, words), "iptables": "", "iptables-nft-restore": "",
                        "iptables-nft-save": SAVED}
    found = machine.look()
    assert found.of(nftables.BACKEND).ruleset is None and firewalls.active(found) == ["iptables"]
    for own in (chains + "table inet mine {\n}\n", chains.replace("ip filter", "ip6 mine"), "flush\n"):
        machine.programs["nft"] = without_json(own, words)
        with pytest.raises(surroundings.NoAnswer, match=r"cannot print them as JSON.*install an nftables with JSON"):
            machine.look()
    machine.programs = {"nft": without_json(chains, words)}  # no iptables: the table is the host's own
    with pytest.raises(surroundings.NoAnswer, match="cannot print them as JSON"):
        machine.look()
    machine.programs = {"nft": without_json("", words)}
    assert machine.look().of(nftables.BACKEND).ruleset == Ruleset()


def test_a_table_that_only_nft_can_show_is_told(machine):
    machine.programs = dict(TABLES, **{
        "iptables": "", "iptables-nft-save": "# Table `filter' is incompatible, use 'nft' tool.\n"})
    found = machine.look()
    note, = firewalls.notes(samples.firewall_spec(), found)
    assert note.startswith("the table filter of iptables holds rules that only nft can show")
    assert firewalls.changes(samples.firewall_spec(), found) == []


def test_firewalld_that_runs_without_a_file_of_settings(machine):
    machine.programs["firewall-cmd"] = "public\n  target: default\n"
    assert machine.look().of(firewalld.BACKEND) is None
    machine.units.update(RUNS)
    assert firewalls.active(machine.look()) == ["firewalld"]
