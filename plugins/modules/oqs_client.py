# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask a host what its clients have to know, or set up a person's own machine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oqs_client
short_description: Pinned host keys and aliases for quantum-safe logins
version_added: "0.1.0"
author:
  - quantumsafe.openssh contributors (@quantumsafe)
description:
  - With O(step=ask), reads on a host what its clients have to know - port, user, offer and public host keys of the
    container, address and keys of the host's own sshd - over the connection that Ansible already trusts.
  - With O(step=settle), writes pinned host keys, an ssh configuration with an alias per host, and the wrapper
    C(oqs-ssh), in the folders of who runs it. Files that were changed by hand are kept.
  - On the controller, an action plugin of the same name checks all variables first, and hands what the hosts of a run
    have reported to the machines that are set up.
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
  step:
    description:
      - V(ask) a host, or V(settle) a machine.
    type: str
    choices: [ask, settle]
    required: true
  settings:
    description:
      - For V(settle), what is wanted. By default what the variables of the role C(oqs_ssh_client) say.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: What clients have to know
  quantumsafe.openssh.oqs_client:
    step: ask

- name: Aliases on this machine
  quantumsafe.openssh.oqs_client:
    step: settle
"""

RETURN = r"""
client:
  description: What clients have to know of the host.
  returned: with O(step=ask)
  type: dict
hosts:
  description: The aliases, by host.
  returned: with O(step=settle)
  type: dict
notes:
  description: What a person should know.
  returned: with O(step=settle)
  type: list
  elements: str
identity:
  description: Path and public half of the identity that is wanted.
  returned: with O(step=settle)
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import client_request, request_options


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec=request_options.CLIENT, supports_check_mode=True)
    result = client_request.run(dict(module.params, check_mode=module.check_mode))
    (module.fail_json if result.get("failed") else module.exit_json)(**result)


if __name__ == "__main__":
    main()
