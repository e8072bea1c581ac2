# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is open now may be closed after the next boot: what is loaded then is judged by itself, else it is named."""

from __future__ import annotations

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import (
    firewalld,
    firewalls,
    iptables,
    nftables,
    surroundings,
    ufw,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.listing import Ruleset
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.surroundings import Table
from firewall_samples import SAVED, Machine, nft
from nft_samples import DROP, ruleset

CONF = b"table inet nftables_svc {}\n"
EL = "{ argv[]=/sbin/nft flush ruleset; include \"/etc/sysconfig/nftables.conf\"; ; ignore_errors=no ; }"
SPEC = samples.firewall_spec()
SHUT = ruleset([[DROP]], "accept")


@pytest.fixture
def machine(monkeypatch):
    made = Machine(monkeypatch)
    made.programs = {"nft": nft()}
    monkeypatch.setattr(surroundings.Surroundings, "boot_ruleset", lambda _self, path: "of " + path)
    return made


@pytest.mark.parametrize(("files", "unit", "expected"), [
    (["/etc/nftables.conf"], ("active", "enabled"), ("/etc/nftables.conf", True)),
    (["/etc/sysconfig/nftables.conf"], ("active", "enabled", EL), ("/etc/sysconfig/nftables.conf", True)),
    (["/etc/nftables.conf", "/etc/sysconfig/nftables.conf"], ("active", "enabled", EL),
     ("/etc/sysconfig/nftables.conf", True)),
    (["/etc/nftables.conf"], ("active", "enabled", "{ argv[]=/usr/local/bin/my-rules ; }"),
     ("/etc/nftables.conf", False)),
    (["/etc/nftables.conf"], ("inactive", "disabled"), ("/etc/nftables.conf", False)),
])
def test_the_file_that_the_service_loads(machine, files, unit, expected):
    machine.files.update(dict.fromkeys(files, CONF))
    machine.units["nftables.service"] = unit
    found = machine.look().of(nftables.BACKEND)
    assert (found.path, found.persistent) == expected
    assert found.boot == ("of " + found.path if found.persistent else None)


def changes(**fields):
    found = samples.firewall_facts(nftables=nftables.Nftables(**fields))
    return [change.path or change.kind for change in firewalls.changes(SPEC, found)], firewalls.unkept(SPEC, found)


def test_open_now_and_closed_at_boot():
    files = ["/etc/nftables.d/oqs-ssh.nft", "/etc/sysconfig/nftables.conf"]
    path = {"persistent": True, "path": files[1]}
    assert changes(ruleset=Ruleset(), boot=SHUT, conf=CONF, **path) == (files, [])
    assert changes(ruleset=SHUT, boot=SHUT, conf=CONF, **path) == (["nftables", *files], [])
    assert changes(ruleset=SHUT, boot=Ruleset(), conf=CONF, **path) == (["nftables"], [])
    done, said = changes(ruleset=Ruleset(), boot="no such interface", conf=CONF, **path)
    assert done == [] and "no such interface" in said[0] and files[1] in said[0]
    done, said = changes(ruleset=SHUT)
    assert done == ["nftables"] and "nothing that is known here loads the rules of nftables at boot" in said[0]


def test_iptables_of_the_kernel_only():
    shut = SAVED
    for kept, words in (([], "nothing that is known here loads the rules of iptables"), (
            [iptables.SavedFile("/etc/iptables/rules.v4", "ip", shut)], "")):
        found = samples.firewall_facts(
            iptables=iptables.Iptables([Table("nft", "ip", shut, "iptables-nft-restore")], kept))
        said = firewalls.unkept(SPEC, found)
        assert words in said[0] if words else said == []
        assert not words or said[0] in firewalls.notes(SPEC, found)


def test_iptables_of_the_file_only():
    found = samples.firewall_facts(
        iptables=iptables.Iptables([], [iptables.SavedFile("/etc/iptables/rules.v4", "ip", SAVED)]))
    change, = firewalls.changes(SPEC, found)
    assert change.path == "/etc/iptables/rules.v4" and "2222" in change.after


@pytest.mark.parametrize(("running", "boots", "named"), [(True, True, 0), (True, False, 0), (False, True, 1),
                                                         (False, False, 0)])
def test_firewalld_that_waits_for_the_boot(running, boots, named):
    found = samples.firewall_facts(firewalld=firewalld.Firewalld(running, boots, "", {}, "public", ["eth0"]))
    assert len(firewalls.unkept(SPEC, found)) == named


def test_ufw_that_waits_for_the_boot():
    found = samples.firewall_facts(ufw=ufw.Ufw("ENABLED=yes\n", "", {"ip": "", "ip6": ""}, False))
    assert "at the next boot" in firewalls.unkept(SPEC, found)[0]
    assert firewalls.unkept(samples.firewall_spec(state="absent"), found) == []
