# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oqs_require_pq
short_description: Fail where Ansible's own connection is not proved to be quantum-safe
version_added: "0.1.0"
author:
  - quantumsafe.openssh contributors (@quantumsafe)
description:
  - Put it first in a play. It proves that the ssh command of this very connection goes through a pipe that can only
    negotiate post-quantum key exchanges, and only with pinned host keys (C(ssh -G) of both command lines); that no
    connection opened with other arguments can be in use (the name of the control socket follows from them); that the
    host sees the session come from itself, so by the hop; and it runs the pipe once more and takes from ssh's own words
    what is negotiated.
  - The playbooks of this collection do the same before they ask a host anything where
    O(ignore:oqs_ssh_require_pq) is true.
  - This is an action plugin; the connection must be C(ssh), over the lookup P(quantumsafe.openssh.pq_path#lookup).
extends_documentation_fragment:
  - quantumsafe.openssh.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options: {}
"""

EXAMPLES = r"""
- name: Only over a quantum-safe connection
  quantumsafe.openssh.oqs_require_pq:
"""

RETURN = r"""
kex:
  description: The key exchange that the pipe to the container negotiates.
  returned: success
  type: str
  sample: mlkem768x25519-sha256
host_key:
  description: The host key algorithm with which the container proved itself.
  returned: success
  type: str
came_from:
  description: Where the host sees the session come from.
  returned: success
  type: str
  sample: 127.0.0.1
"""
