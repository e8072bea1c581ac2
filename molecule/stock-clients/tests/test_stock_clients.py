# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which client negotiates what with which server, and what is refused before it would shut somebody out."""

from __future__ import annotations

from tests.e2e.library import negotiation
from tests.e2e.library.scenario import Scenario
from tests.e2e.library.visitor import Visitor

SERVER = "web1"


def test_the_table_is_true(scenario: Scenario) -> None:
    """Clients are tried, not believed; `python -m tests.e2e.library.negotiation` makes the page anew."""
    found = negotiation.measured(scenario)
    assert negotiation.PAGE.read_text(encoding="utf-8") == negotiation.page(found)
    for name in negotiation.CLIENTS:
        said = found[name, "oqs_ssh_stock_clients"]
        assert "x25519" in said and "ssh-ed25519" in said, "an ordinary client gets a post-quantum key exchange"
    assert found[negotiation.OLD, "oqs_ssh_stock_clients"].startswith("refused")


def test_a_client_of_no_protection_is_warned_of(scenario: Scenario) -> None:
    run = scenario.deploy("--check", oqs_ssh_classical_clients=True)
    assert run.code == 0, run.text
    assert "WARNING: oqs_ssh_classical_clients" in run.words


def test_both_sides_may_differ_in_their_order(scenario: Scenario, visitor: Visitor) -> None:
    """The first of the client's list that the server has, too, counts (RFC 4253, 7.1)."""
    both = ["mlkem768x25519-sha256", "mlkem768nistp256-sha256"]
    for served in (both, both[::-1]):
        run = scenario.deploy(oqs_ssh_kex_algorithms=served)
        assert run.code == 0 and visitor.offer(SERVER)[:2] == served, run.text
        for order in (both, both[::-1]):
            said = visitor.ssh(SERVER, "true", "-o", "KexAlgorithms=" + ",".join(order))
            assert (said.code, said.kex) == (0, order[0]), said.log
    assert scenario.deploy().code == 0


def test_an_edit_by_hand_that_leaves_nothing_in_common_is_refused(scenario: Scenario) -> None:
    """Before anything is changed: the server goes on as it was."""
    scenario.root(SERVER, "cp", "-p", "/etc/oqs-ssh/ssh_config", "/root/ssh_config")
    edit = "s/^KexAlgorithms.*/KexAlgorithms sntrup761x25519-sha512/"
    scenario.root(SERVER, "sed", "-i", edit, "/etc/oqs-ssh/ssh_config")
    run = scenario.deploy(oqs_ssh_stock_clients=False)
    assert run.code != 0
    assert "the image's own client could not connect any more, no common key exchange" in run.words, run.text
    assert scenario.root(SERVER, "sh", "-c", "grep -c mlkem768x25519 /etc/oqs-ssh/sshd_config") == "1"
    scenario.root(SERVER, "cp", "-p", "/root/ssh_config", "/etc/oqs-ssh/ssh_config")
