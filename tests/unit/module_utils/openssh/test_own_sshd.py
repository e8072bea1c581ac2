# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hop goes where the host's own sshd listens: another port, some addresses, socket activation."""

from __future__ import annotations

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import commands, processes
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import hop
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import HopSpec, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import own_sshd
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.own_sshd import OwnSshd

EVERYWHERE = [("0.0.0.0", 22), ("::", 22)]


@pytest.mark.parametrize(("asked", "ends", "port", "address"), [
    (22, EVERYWHERE, 22, "localhost"),
    (22, [], 22, "localhost"),  # not known: asked for is tried
    (22, [("0.0.0.0", 2022), ("::", 2022)], 2022, "localhost"),
    (22, [("127.0.0.1", 2022), ("192.0.2.5", 2022)], 2022, "localhost"),
    (22, [("192.0.2.5", 22)], 22, "192.0.2.5"),
    (22, [("2001:db8::5", 22), ("192.0.2.5", 22)], 22, "2001:db8::5"),
    (22, [("192.0.2.5", 2022), ("0.0.0.0", 2023)], 2022, "192.0.2.5"),
    (2022, EVERYWHERE, 2022, "localhost"),  # a second sshd, maybe
    (2022, [*EVERYWHERE, ("192.0.2.5", 2022)], 2022, "192.0.2.5"),
])
def test_where_the_hop_goes(asked, ends, port, address):
    found = own_sshd.decide(asked, ends)
    assert (found.port, found.address) == (port, address)


def test_as_programs_print_it():
    lines = ["[::]:22", "0.0.0.0:2022", "192.0.2.5:22 (Stream)", "[fe80::1%eth0]:22", "/run/x.sock (Stream)",
             "", "x:22"]
    assert own_sshd.parse_ends(lines) == [
        ("::", 22), ("0.0.0.0", 2022), ("192.0.2.5", 22), ("fe80::1", 22),
    ]


@pytest.fixture
def host(monkeypatch):
    """A host whose listening ends and socket units are set by the test."""

    class Host:
        there = set(EVERYWHERE)
        units = ""

        def run(self, argv, **_more):
            return commands.Completed(0, self.units.encode(), b"")

    found = Host()
    monkeypatch.setattr(processes, "ends", lambda: found.there)
    monkeypatch.setattr(own_sshd, "run", found.run)
    return found


WANT = {"ssh": samples.ssh_want(hop_port=22), "hop": samples.hop_want(hop_port=22)}


def resolved(want, settings):
    found = hop.resolved(samples.spec(want), OwnSshd(settings))
    parts = [found.get(kind) for kind in (ServerSpec, HopSpec)]
    return [(part.hop_port, part.hop_address) for part in parts if part]


def test_configuration_that_is_so(host):
    assert resolved(WANT, {"listenaddress": ["[::]:22", "0.0.0.0:22"]}) == [(22, "localhost")] * 2
    host.there = {("192.0.2.5", 2022)}
    assert resolved(WANT, {"listenaddress": ["192.0.2.5:2022"]}) == [(2022, "192.0.2.5")] * 2


def test_with_socket_activation_the_configuration_does_not_count(host):
    host.there, host.units = {("::", 2200)}, "Listen=[::]:2200 (Stream)\n\n"
    assert resolved(WANT, {"listenaddress": ["[::]:22", "0.0.0.0:22"]}) == [(2200, "localhost")] * 2
    assert resolved(WANT, {}) == [(2200, "localhost")] * 2


def test_nothing_known_leaves_what_was_asked_for(host):
    host.there = set()
    assert resolved(WANT, {}) == [(22, "localhost")] * 2


def test_both_roles_alone_say_the_same(host):
    host.there, settings = {("192.0.2.5", 2022)}, {"listenaddress": ["192.0.2.5:2022"]}
    assert resolved({"ssh": WANT["ssh"]}, settings) == resolved({"hop": WANT["hop"]}, settings) == [(2022, "192.0.2.5")]
    other = samples.spec({"firewall": samples.firewall_want()})
    assert hop.resolved(other, OwnSshd(settings)) is other


def test_what_was_asked_for_is_kept_and_resolving_again_is_no_change(host):
    host.there, settings = {("::", 2022), ("::", 2023)}, {"listenaddress": ["[::]:2022", "[::]:2023"]}
    asked, sshd = samples.spec(WANT), OwnSshd(settings)
    once = hop.resolved(asked, sshd)
    assert (once.of(HopSpec).hop_asked, once.of(HopSpec).hop_others) == (22, [2023])
    again = hop.resolved(once, sshd)
    assert all(again.of(kind) == once.of(kind) for kind in (HopSpec, ServerSpec)) and asked.of(HopSpec).hop_port == 22


def test_a_host_without_systemd(host, monkeypatch):
    def missing(argv, **_more):
        raise commands.CommandError(argv, "there is no systemctl")

    monkeypatch.setattr(own_sshd, "run", missing)
    host.there = {("::", 2200)}
    assert resolved(WANT, {}) == [(22, "localhost")] * 2


def test_the_settings_are_those_of_look():
    assert isinstance(own_sshd.settings(), dict)
