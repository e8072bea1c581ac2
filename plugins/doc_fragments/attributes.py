# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """What the modules of this collection promise about check mode, diff and repetition."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run with C(--check) and then says what it would do, without changing the target.
  diff_mode:
    description: Returns what it changed, or would change, when run with C(--diff). Secrets are never part of it.
  idempotent:
    description: A second run with the same options and an unchanged target changes nothing.
"""
