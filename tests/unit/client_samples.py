# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host as the client side knows it, and programs that can reach it or cannot."""

from __future__ import annotations

import core_samples as samples
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import aliases, host

KEYS = [samples.public_line("ssh-ed25519")]
HOST = host.parse({
    "address": "192.0.2.7", "port": 2222, "user": "oqs", "mode": "shell", "keys": KEYS,
    "offer": {"kex": ["mlkem768nistp256-sha256", "sntrup761x25519-sha512@openssh.com"], "host_keys": ["ssh-ed25519"],
              "pubkeys": ["ssh-ed25519"]},
    "hop_address": "localhost", "hop_port": 22, "hop_keys": KEYS,
})
ABLE = aliases.Program(
    ["curve25519-sha256", "sntrup761x25519-sha512@openssh.com"], ["ssh-ed25519"], {"/h/id_ed25519": "ssh-ed25519"}
)
OLD = ABLE._replace(kex=["curve25519-sha256"])
