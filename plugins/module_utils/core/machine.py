# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which host this is."""

from __future__ import annotations

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files


def machine_id() -> str:
    """The host's machine-id(5), to which the ledger is bound; empty where it has none."""
    return (files.read_file("/etc/machine-id") or b"").decode("ascii", "replace").strip()
