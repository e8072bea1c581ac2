# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at a host and plan; changes nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oqs_look
short_description: Look at a host and say what would have to change
version_added: "0.1.0"
author:
  - quantumsafe.openssh contributors (@quantumsafe)
description:
  - Reads in one execution everything that the roles of this collection ask about (engine, image, container, state,
    configuration, keys, password, firewall, hop) and compares it with what is wanted.
  - The result is the plan that check mode prints and that M(quantumsafe.openssh.oqs_apply) carries out.
  - On the controller, an action plugin of the same name first checks all variables, before any connection is made.
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
  sections:
    description:
      - The sections to look at. What is wanted of them is what the variables of this collection's roles say, or the
        defaults of the roles.
      - V(removal) takes back what the ledger names, in whatever firewall.
    type: list
    elements: str
    choices: [engine, ssh, firewall, hop, lockdown, removal]
    default: []
    version_added: "0.1.0"
  rotate:
    description:
      - Other keys are wanted, too, as O(ignore:oqs_ssh_rotate_keys) says.
    type: bool
    default: false
    version_added: "0.1.0"
  want:
    description:
      - What is wanted, by section, in place of O(sections) and O(rotate).
    type: dict
  password:
    description:
      - The password wanted for the container's user, to be compared with the stored hash.
      - Taken from the variable O(ignore:oqs_ssh_password) where it is not given.
    type: str
"""

EXAMPLES = r"""
- name: See what a deployment would change
  quantumsafe.openssh.oqs_look:
    sections: [ssh]
"""

RETURN = r"""
plan:
  description: What is not as wanted, in the order in which it would be repaired.
  returned: always
  type: list
  elements: dict
  sample:
    - section: container
      resource: container oqs-ssh
      before: absent
      after: created
      why: there is none
errors:
  description: Why a run cannot succeed.
  returned: always
  type: list
  elements: str
notes:
  description: What a person should know.
  returned: always
  type: list
  elements: str
host:
  description:
    - What was found, resource by resource. System, engine, container and its health, image and its OpenSSH, uid,
      firewall and our rules, the state of the password (never its hash), who listens on the port, modes of folders,
      host keys with their fingerprints, both configurations as their programs read them, and who may use the hop.
  returned: always
  type: dict
own_sshd:
  description: What the host's own sshd offers.
  returned: always
  type: dict
offer:
  description: The algorithms that the container's configuration offers, by kind (kex, host_keys, pubkeys).
  returned: always
  type: dict
knows:
  description: The algorithms that the image could offer, by kind (kex, host_keys, pubkeys).
  returned: always
  type: dict
hop_target:
  description: Where the hop goes; port and address of the host's own sshd.
  returned: always
  type: dict
  sample: {"port": 22, "address": "localhost"}
pins:
  description: The container's public host keys, type and key, as clients are to pin them.
  returned: always
  type: list
  elements: str
proof:
  description: The handshakes that were made, by name; empty while no container runs.
  returned: always
  type: dict
wanted:
  description: The sections that were looked at.
  returned: always
  type: list
  elements: str
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import look_request, request_options

#: What the action on the controller makes ``want`` of.
BY_VARIABLES: Dict[str, Dict[str, Any]] = {
    "want": {"type": "dict"},
    "sections": {"type": "list", "elements": "str", "default": [],
                 "choices": ["engine", "ssh", "firewall", "hop", "lockdown", "removal"]},
    "rotate": {"type": "bool", "default": False},
}


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec=dict(request_options.LOOK, **BY_VARIABLES), supports_check_mode=True)
    result = look_request.run(module.params)
    (module.fail_json if result.get("failed") else module.exit_json)(**result)


if __name__ == "__main__":
    main()
