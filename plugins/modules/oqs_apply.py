# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carry out sections of the plan."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oqs_apply
short_description: Carry out sections of the plan for a host
version_added: "0.1.0"
author:
  - quantumsafe.openssh contributors (@quantumsafe)
description:
  - Takes a lock on the host, looks, and brings the wanted sections to what is wanted; every change is written into the
    ledger before it is made; then it looks again and makes a real handshake as proof.
  - On the controller, an action plugin of the same name skips the host as a whole where the plan has nothing for the
    sections, answers check mode from the plan, and carries the image to hosts that do not hold it.
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
      - What is wanted, by section, as for M(quantumsafe.openssh.oqs_look).
      - By default what the variables of this collection's roles say, for the sections of O(look_at).
    type: dict
  look_at:
    description:
      - The sections to look at, and to plan; by default those of O(sections).
    type: list
    elements: str
    choices: [engine, ssh, firewall, hop, lockdown, removal]
    version_added: "0.1.0"
  rotate:
    description:
      - Other keys are wanted, too, as O(ignore:oqs_ssh_rotate_keys) says.
    type: bool
    default: false
    version_added: "0.1.0"
  sections:
    description:
      - The sections to carry out; V(password) is a part of V(ssh).
    type: list
    elements: str
    choices: [engine, ssh, password, firewall, hop, lockdown, removal]
    required: true
  password:
    description:
      - The password wanted for the container's user.
      - Taken from the variable O(ignore:oqs_ssh_password) where it is not given.
    type: str
  parts:
    description:
      - SHA-256 of the parts of an image, in order, that the controller has put into C(/var/cache/oqs-ssh) on the host.
    type: list
    elements: str
    default: []
  quick:
    description:
      - The first look of a run. Where everything that is not as wanted can be repaired in a moment with what the host
        has (configuration, password, keys of users, firewall, hop), it is repaired in the session of the look.
        Else nothing is changed, and RV(plan) says what is left to do.
      - Not where the connection runs over the server that is changed, nor without pipelining; there it is only a look.
    type: bool
    default: false
    version_added: "0.1.0"
"""

EXAMPLES = r"""
- name: Only the container and its state
  quantumsafe.openssh.oqs_apply:
    sections: [ssh]
"""

RETURN = r"""
done:
  description: What was changed, in order.
  returned: when something was changed, and always when O(quick=true)
  type: list
  elements: dict
plan:
  description:
    - What was not as wanted in the sections, before anything was changed; in check mode, what would be done.
    - With O(quick=true), what is left to do, in all sections.
  returned: always
  type: list
  elements: dict
packages:
  description: Packages that the host lacks for an engine; the role C(docker_engine) installs them.
  returned: when not O(quick=true)
  type: list
  elements: str
manager:
  description: The host's package manager.
  returned: when not O(quick=true)
  type: str
install:
  description: The command that installs RV(packages), where there is one to give.
  returned: when not O(quick=true)
  type: list
  elements: str
init:
  description: The host's init system, V(systemd) or V(other).
  returned: when not O(quick=true)
  type: str
errors:
  description: As RV(quantumsafe.openssh.oqs_look#module:errors).
  returned: when O(quick=true)
  type: list
  elements: str
notes:
  description: As RV(quantumsafe.openssh.oqs_look#module:notes).
  returned: when O(quick=true)
  type: list
  elements: str
host:
  description: As RV(quantumsafe.openssh.oqs_look#module:host).
  returned: when O(quick=true)
  type: dict
own_sshd:
  description: As RV(quantumsafe.openssh.oqs_look#module:own_sshd).
  returned: when O(quick=true)
  type: dict
hop_target:
  description: As RV(quantumsafe.openssh.oqs_look#module:hop_target).
  returned: when O(quick=true)
  type: dict
offer:
  description: As RV(quantumsafe.openssh.oqs_look#module:offer).
  returned: when O(quick=true)
  type: dict
knows:
  description: As RV(quantumsafe.openssh.oqs_look#module:knows).
  returned: when O(quick=true)
  type: dict
pins:
  description: As RV(quantumsafe.openssh.oqs_look#module:pins).
  returned: when O(quick=true)
  type: list
  elements: str
wanted:
  description: As RV(quantumsafe.openssh.oqs_look#module:wanted).
  returned: when O(quick=true)
  type: list
  elements: str
proof:
  description: The handshakes that were made, after the changes where there were some; by name.
  returned: when O(quick=true)
  type: dict
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import apply_request, request_options

#: What the action on the controller makes ``want`` of.
BY_VARIABLES: Dict[str, Dict[str, Any]] = {
    "want": {"type": "dict"},
    "look_at": {"type": "list", "elements": "str",
                "choices": ["engine", "ssh", "firewall", "hop", "lockdown", "removal"]},
    "rotate": {"type": "bool", "default": False},
}


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec=dict(request_options.APPLY, **BY_VARIABLES), supports_check_mode=True)
    result = apply_request.run(dict(module.params, check_mode=module.check_mode))
    (module.fail_json if result.get("failed") else module.exit_json)(**result)


if __name__ == "__main__":
    main()
