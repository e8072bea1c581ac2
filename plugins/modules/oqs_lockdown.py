# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oqs_lockdown
short_description: Close the host's own sshd to the world, or open it again
version_added: "0.1.0"
author:
  - quantumsafe.openssh contributors (@quantumsafe)
description:
  - Proves from the controller that a new connection through the container reaches the host's own sshd, closes that to
    everybody else, and confirms it over another new connection by the same way.
  - The host opens itself again when no confirmation arrives in time, or when it reboots before. What a confirmed host
    does when the container is silent for long is in the description of O(ignore:oqs_ssh_breakglass_sources).
  - Established connections live on.
  - This is an action plugin; used by the playbook lockdown. It needs the connection plugin ssh.
extends_documentation_fragment:
  - quantumsafe.openssh.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  want:
    description:
      - What is wanted, by section, as for M(quantumsafe.openssh.oqs_look); the sections C(lockdown), and those that
        must be as wanted before, C(ssh) and C(hop).
      - By default what the variables of this collection's roles say.
    type: dict
"""

EXAMPLES = r"""
- name: Closed to the world
  quantumsafe.openssh.oqs_lockdown:
"""

RETURN = r"""
plan:
  description: What was changed; in check mode, what would be.
  returned: success
  type: list
  elements: dict
"""
