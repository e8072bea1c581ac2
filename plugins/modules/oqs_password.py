# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Set or lock the password of a container's user."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oqs_password
short_description: Set or lock the password of a user in a container, without ever showing it
version_added: "0.1.0"
author:
  - quantumsafe.openssh contributors (@quantumsafe)
description:
  - Compares the wanted password with the stored hash by that hash's own method and salt, and writes a new hash only
    when it does not match, is cheap to guess, or is of a method that not every image can check.
  - Works on a container that is created and not started, so that no packet ever meets the published password, on a
    running one, where the new password counts at once, and on a file of the state folder.
  - The password reaches the host with the module's arguments and the container as a hash on standard input. It is in no
    argument list, environment, result or diff.
  - Every other byte of the shadow file stays as it was, also the fields for ageing.
extends_documentation_fragment:
  - quantumsafe.openssh.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The diff has words for the states (V(published), V(set), V(locked)), no hashes.
  idempotent:
    support: full
options:
  user:
    description: The user whose password it is.
    type: str
    default: oqs
  password:
    description:
      - The password. Needed with O(state=present).
      - Refused, with the reason, are empty passwords, those the image's documents made known to the world, those with
        less than 12 characters or more than 256 bytes, simple patterns, well-known words, and control characters.
    type: str
  state:
    description:
      - With V(present) the password is O(password).
      - With V(locked) no password matches, and login by key still works. The stored hash is removed, not kept aside, so
        unlocking means to set a password. It is written as V(*), because sshd without PAM refuses accounts with V(!)
        even for keys.
    type: str
    choices: [present, locked]
    default: present
  update_password:
    description:
      - With V(always) the password is changed when it differs.
      - With V(on_create) only where there is none that may stay, that is an empty, published or locked one.
    type: str
    choices: [always, on_create]
    default: always
  container:
    description: Name of a container, created or running. Either this or O(path).
    type: str
  path:
    description:
      - A file on the host that keeps the hash over the life of containers. It holds the hash alone, or lines as
        shadow(5) has them. Made with mode 0600 if it is missing; its folder must be there.
      - The host's own C(/etc/shadow) is refused.
    type: path
  rounds:
    description:
      - Cost of the hash (SHA-512). The default costs each login about 65 ms; on a host without libcrypt this module
        needs about 0.3 s for it.
      - A stored hash with fewer rounds is renewed.
    type: int
    default: 200000
"""

EXAMPLES = r"""
- name: The user's own password before the container is started
  quantumsafe.openssh.oqs_password:
    container: oqs-ssh
    password: "{{ vault_oqs_password }}"

- name: Keep the hash in the state folder, too
  quantumsafe.openssh.oqs_password:
    path: /etc/oqs-ssh/private/password
    password: "{{ vault_oqs_password }}"

- name: Keys only
  quantumsafe.openssh.oqs_password:
    container: oqs-ssh
    state: locked
"""

RETURN = r"""
before:
  description: What was found; V(absent), V(empty), V(published), V(set) or V(locked).
  returned: success
  type: str
  sample: published
state:
  description: What there is now, or would be without check mode, in the words of RV(before).
  returned: success
  type: str
  sample: set
method:
  description: Method of the hash, as crypt(5) names it; V(none) when locked.
  returned: success
  type: str
  sample: sha512
reason:
  description: Why it was changed, or was not.
  returned: success
  type: str
  sample: the stored hash does not match
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import errors
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import password as knowledge


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "user": {"type": "str", "default": "oqs"},
            "password": {"type": "str", "no_log": True},
            "state": {"type": "str", "choices": ["present", "locked"], "default": "present"},
            "update_password": {"type": "str", "choices": ["always", "on_create"], "default": "always",
                                "no_log": False},
            "container": {"type": "str"},
            "path": {"type": "path"},
            "rounds": {"type": "int", "default": 200000},
        },
        supports_check_mode=True,
        required_one_of=[("container", "path")],
        mutually_exclusive=[("container", "path")],
    )
    given = module.params
    if given["state"] == "present" and given["password"] is None:
        module.fail_json(msg="option 'password' is missing: state 'present' needs it (or ask for state 'locked')")
    if given["state"] == "locked" and given["password"] is not None:
        module.fail_json(msg="option 'password' makes no sense with state 'locked': leave one of them out")
    wanted = knowledge.Wanted(
        given["user"], given["password"], given["rounds"], given["update_password"] == "on_create")
    where = given["container"] or given["path"]
    try:
        ensure = knowledge.ensure_in_container if given["container"] else knowledge.ensure_in_file
        outcome = ensure(where, wanted, module.check_mode)
    except errors.EXPECTED as error:
        module.fail_json(msg=errors.sentence(error))
    result = {"changed": outcome.changed, "before": outcome.before, "state": outcome.after,
              "method": outcome.method, "reason": outcome.reason}
    if module._diff:
        before = "password of %s: %s\n" % (given["user"], outcome.before)
        after = "password of %s: %s (renewed)\n" % (given["user"], outcome.after)
        result["diff"] = {"before": before, "after": after if outcome.changed else before,
                          "before_header": where, "after_header": where}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
