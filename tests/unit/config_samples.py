# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of the configuration editor share."""

from __future__ import annotations

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.sshconfig import Change

SSH, SSHD = "ssh_config", "sshd_config"


def check(data: bytes, change: Change, expected: bytes, dialect: str = SSHD) -> None:
    assert sshconfig.edit(data, [change], dialect) == expected
    assert sshconfig.edit(expected, [change], dialect) == expected, "a second run changes something"
