# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the playbook info says."""

from __future__ import annotations

import known_samples
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.summary import summary_algorithms

LOOK = known_samples.look(
    host={"openssh": "OpenSSH_10.6p1"},
    offer={"kex": ["mlkem768nistp256-sha256"], "host_keys": ["ssh-mldsa44-ed25519"], "pubkeys": []},
    knows={"kex": ["mlkem768nistp256-sha256", "curve25519-sha256", "mlkem768x25519-sha256"],
           "host_keys": ["ssh-mldsa44-ed25519", "ssh-ed25519"], "pubkeys": ["ssh-ed25519"]},
)
ROWS = {
    "web1": known_samples.known({"ssh": {"state": "present", "image": {"name": "oqs:1"}}}, look=LOOK),
    "web2": known_samples.known(failed="unreachable: no route to host"), "web3": known_samples.known(),
}


def test_in_force_and_beyond_with_the_reason_against():
    said = summary_algorithms.words(ROWS)
    assert "web2\n----\n  failed      unreachable: no route to host" in said
    assert "web3\n----\n  failed      unreachable" in said
    lines = [line.strip() for line in said.splitlines()]
    at = lines.index("key exchange (oqs_ssh_kex_algorithms)")
    assert lines[at + 1:at + 4] == [
        "in force: mlkem768nistp256-sha256", "hybrid, recommended: mlkem768x25519-sha256",
        "classical, a quantum computer breaks it: curve25519-sha256",
    ]
    assert "classical, a quantum computer breaks it: ssh-ed25519" in lines
