# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Proof from outside: a real handshake with the pinned key, after something on the way was changed."""

from __future__ import annotations

from tests.e2e.library.scenario import Scenario, Setting

HOST = "web1"
WANT = {"oqs_ssh_image_source": "build"}
BOTH = {"oqs_ssh_stock_clients": True, "oqs_ssh_classical_clients": True}
SETTING = Setting("outside", {HOST: "trixie:docker"})
#: Whoever comes from outside to 2222 gets to the host's own sshd: a real server, with post-quantum key exchanges.
REDIRECT = """nft add table ip impostor
nft add chain ip impostor pre '{ type nat hook prerouting priority -150; }'
nft add rule ip impostor pre %s tcp dport 2222 redirect to :22"""


def test_the_key_is_proved_from_outside(scenario: Scenario) -> None:
    run = scenario.deploy(**WANT)
    assert run.code == 0, run.text
    inside, outside = run.line(HOST, "negotiated"), run.line(HOST, "outside")
    assert "mlkem768" in outside and "SHA256:" in outside, run.text
    assert outside.split("SHA256:")[1].split()[0] == inside.split("SHA256:")[1].split()[0]
    assert scenario.deploy(**WANT).line(HOST, "outside") == "", "no more is said than was tried"


def test_a_rule_that_sends_everybody_elsewhere_is_named_before_anything_is_changed(scenario: Scenario) -> None:
    scenario.root(HOST, "sh", "-c", REDIRECT % "")
    try:
        run = scenario.deploy(**WANT, **BOTH)
        said = run.line(HOST, "failed")
        assert run.code != 0 and "nothing was changed" in said and "sent elsewhere by NAT" in said, run.text
    finally:
        scenario.root(HOST, "nft", "delete", "table", "ip", "impostor")


def test_another_server_in_its_place_is_named(scenario: Scenario) -> None:
    """For this controller alone: no rule says so of everybody, and only a handshake from outside can tell."""
    controller = scenario.root(HOST, "sh", "-c", "ip route show default | cut -d' ' -f3")
    scenario.root(HOST, "sh", "-c", REDIRECT % ("ip saddr " + controller))
    try:
        run = scenario.deploy(**WANT, **BOTH)
        assert run.code != 0 and "did not prove from outside" in run.line(HOST, "failed"), run.text
    finally:
        scenario.root(HOST, "nft", "delete", "table", "ip", "impostor")
    assert scenario.deploy(**WANT, oqs_ssh_stock_clients=True).code == 0
