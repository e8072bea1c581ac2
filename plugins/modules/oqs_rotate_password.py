# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oqs_rotate_password
short_description: Give the container's user a new password
version_added: "0.1.0"
author:
  - quantumsafe.openssh contributors (@quantumsafe)
description:
  - Makes a new random password for the host, keeps it in the folder O(ignore:oqs_ssh_password_store) on the controller,
    changes the host, has its stored hash prove it, and only then lets the new password take the old one's place.
  - A rotation that was cut short is finished by the next one; the password in force is always in the folder.
  - Nothing but the password is changed; established logins go on.
  - This is an action plugin; used by the playbook rotate_password.
extends_documentation_fragment:
  - quantumsafe.openssh.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: none
options:
  want:
    description:
      - What is wanted, by section, as for M(quantumsafe.openssh.oqs_look); only the section C(ssh).
      - By default what the variables of this collection's roles say.
    type: dict
"""

EXAMPLES = r"""
- name: A new password
  quantumsafe.openssh.oqs_rotate_password:
"""

RETURN = r"""
plan:
  description: What was changed; in check mode, what would be.
  returned: success
  type: list
  elements: dict
"""
