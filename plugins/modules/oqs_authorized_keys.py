# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Say which keys may log in."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oqs_authorized_keys
short_description: Add and remove public keys of any type in authorized_keys files
version_added: "0.1.0"
author:
  - quantumsafe.openssh contributors (@quantumsafe)
description:
  - Knows keys by their content, not by a list of types, so that post-quantum keys and types yet to come are added, kept
    and removed like any other.
  - Every byte that is not the subject of the change stays. Comments and lines in which no key can be read are never
    touched, not even with O(exclusive).
  - Files in folders of users are edited so that neither symbolic nor hard links nor renaming in between redirect root,
    and lie as sshd's StrictModes wants them.
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
  user:
    description: Account of the host whose C(~/.ssh/authorized_keys) it is.
    type: str
  path:
    description:
      - Another file. With O(user) it belongs to that account. Without, it keeps its owner, and a new file gets that
        of its folder.
    type: path
  keys:
    description:
      - Public keys, each a line as in the file, C([OPTIONS] TYPE BASE64 [COMMENT]), or the text of a C(.pub) file.
      - A key that is there with other options gets these, and other lines with the same key go, because sshd
        tries every line. A key without comment is content with any.
    type: list
    elements: str
  state:
    description: Whether the keys may log in. With V(absent) their options and comments do not matter.
    type: str
    choices: [present, absent]
    default: present
  exclusive:
    description: Remove all other keys. Needs O(state=present) and at least one key.
    type: bool
    default: false
  files:
    description: Several files or accounts, instead of O(user), O(path), O(keys), O(state) and O(exclusive).
      Everything is checked before the first one is changed.
    type: list
    elements: dict
    suboptions:
      user:
        description: As O(user).
        type: str
      path:
        description: As O(path).
        type: path
      keys:
        description: As O(keys).
        type: list
        elements: str
        required: true
      state:
        description: As O(state).
        type: str
        choices: [present, absent]
        default: present
      exclusive:
        description: As O(exclusive).
        type: bool
        default: false
  manage_dir:
    description: Make the folder (0700) if it is missing, and take write permission from others if they have it.
    type: bool
    default: true
  backup:
    description: Keep a copy of a file that is changed beside it.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: A colleague's post-quantum key
  quantumsafe.openssh.oqs_authorized_keys:
    user: alice
    keys:
      - "{{ lookup('ansible.builtin.file', 'alice.pub') }}"

- name: Only these keys reach the container's user, and only from the office
  quantumsafe.openssh.oqs_authorized_keys:
    path: /var/lib/oqs-ssh/home-ssh/authorized_keys
    exclusive: true
    keys:
      - from="192.0.2.0/24,2001:db8::/32" {{ lookup('ansible.builtin.file', 'alice.pub') }}

- name: Take a key away from two accounts
  quantumsafe.openssh.oqs_authorized_keys:
    files:
      - user: alice
        state: absent
        keys: ["{{ lost_key }}"]
      - user: bob
        state: absent
        keys: ["{{ lost_key }}"]
"""

RETURN = r"""
files:
  description: One entry for each file, in the order asked for.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
      returned: success
    changed:
      description: Whether it, its mode or its folder was changed.
      type: bool
      returned: success
    added:
      description: Fingerprint and line of each key that was added or changed.
      type: list
      elements: str
      returned: success
    removed:
      description: Fingerprint and line of each key that was removed or changed.
      type: list
      elements: str
      returned: success
    backup_file:
      description: The copy of the file as it was; empty if there is none.
      type: str
      returned: success
"""

from typing import Any, Dict, Tuple

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import errors
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import authorized_keys_files as knowledge


def file_spec(required: bool) -> Dict[str, Any]:
    """The options of one file."""
    return {
        "user": {"type": "str"},
        "path": {"type": "path"},
        "keys": {"type": "list", "elements": "str", "required": required, "no_log": False},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "exclusive": {"type": "bool", "default": False},
    }


def spec_of(
    given: Dict[str, Any], option: str, manage_dir: bool, backup: bool
) -> Tuple[knowledge.Target, knowledge.KeysSpec]:
    """One file's options as target and spec.

    :raises TargetError: naming the option.
    """
    present, exclusive = given["state"] == "present", given["exclusive"]
    if exclusive and not (present and given["keys"]):
        raise knowledge.TargetError("option 'exclusive' needs state 'present' and at least one key in '%s'" % option)
    entries = knowledge.entries_of(given["keys"] or [], option)
    if given["user"]:
        target = knowledge.target_of_user(given["user"], given["path"])
    elif given["path"]:
        target = knowledge.Target(given["path"])
    else:
        raise knowledge.TargetError("an item of option 'files' needs 'user' or 'path'")
    target = target._replace(manage_dir=target.manage_dir and manage_dir)
    return target, knowledge.KeysSpec(entries, present, exclusive, backup)


def shown(data: bytes) -> str:
    """A file as a diff can hold it: bytes that are no text are spelled out."""
    return data.decode("utf-8", "backslashreplace")


def main() -> None:
    """Entry point of the module."""
    spec = file_spec(False)
    spec.update(
        files={"type": "list", "elements": "dict", "options": file_spec(True)},
        manage_dir={"type": "bool", "default": True},
        backup={"type": "bool", "default": False},
    )
    module = AnsibleModule(
        argument_spec=spec, supports_check_mode=True, required_one_of=[("user", "path", "files")],
        mutually_exclusive=[("user", "files"), ("path", "files"), ("keys", "files")],
        required_by={"user": ("keys",), "path": ("keys",)},
    )
    given = module.params
    try:
        specs = [spec_of(one, "files[%d].keys" % number if given["files"] else "keys", given["manage_dir"],
                         given["backup"]) for number, one in enumerate(given["files"] or [given])]
        outcomes = knowledge.ensure_files(specs, module.check_mode)
    except errors.EXPECTED as error:
        module.fail_json(msg=errors.sentence(error))
    for outcome in outcomes:
        for warning in outcome.warnings:
            module.warn(warning)
    result = {"changed": any(outcome.changed for outcome in outcomes), "files": [
        {"path": outcome.path, "changed": outcome.changed, "added": outcome.added, "removed": outcome.removed,
         "backup_file": outcome.backup or ""} for outcome in outcomes]}
    if module._diff:
        result["diff"] = [{"before": shown(outcome.before), "after": shown(outcome.after),
                           "before_header": outcome.path, "after_header": outcome.path}
                          for outcome in outcomes if outcome.changed]
    module.exit_json(**result)


if __name__ == "__main__":
    main()
