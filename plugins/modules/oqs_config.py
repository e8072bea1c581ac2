# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edit ssh_config and sshd_config; a thin entry to module_utils/sshconfig_files.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oqs_config
short_description: Edit ssh_config and sshd_config without loss
version_added: "0.1.0"
author:
  - quantumsafe.openssh contributors (@quantumsafe)
description:
  - Sets, adds to, removes, comments and uncomments settings of C(ssh_config) and C(sshd_config) as OpenSSH reads them.
    Every other byte stays, be it a comment, a tab, a line end of another system or no text at all.
  - Knows which keywords may repeat, which take comma lists, which are aliases of each other (C(PubkeyAcceptedKeyTypes)
    is C(PubkeyAcceptedAlgorithms)), and that the first value wins.
  - All changes of all files are made, or none. C(Include) is read where it matters, and never written through.
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
  path:
    description: The file. It has to exist; its owner and mode stay. One of O(path) and O(files) is required.
    type: path
  dialect:
    description: The program that reads O(path); guessed from the name where that is enough.
    type: str
    choices: [ssh_config, sshd_config]
  changes:
    description: What to change in O(path), in this order.
    type: list
    elements: dict
    suboptions: &change
      keyword:
        description:
          - The setting, in any letter case and under any of its names; a new line gets it as given.
          - V(*) is the whole of a block; then O(changes[].values) are its lines.
        type: str
        required: true
      value:
        description: One value as it stands in the file. Booleans mean V(yes) and V(no).
        type: raw
      values:
        description:
          - Values, as they stand in the file - lines of a keyword that may repeat, members of a comma list, words.
          - With O(changes[].state=absent) only these go; none given means that the setting goes.
        type: list
        elements: raw
      state:
        description: Whether the values are wanted.
        type: str
        choices: [present, absent]
        default: present
      how:
        description:
          - V(set) means exactly these values; V(add) and V(remove) change members of a list and leave the others.
          - V(uncomment) takes the comment sign off one fitting copy, if there is one, and else adds a line.
          - V(comment), with O(changes[].state=absent), leaves a comment instead of deleting.
        type: str
        choices: [set, add, remove, uncomment, comment]
        default: set
      place:
        description: For V(add), where the members have to be. By default, new ones go to the end, others do not move.
        type: str
        choices: [first, last]
      before:
        description: For V(add), the member that the new ones have to precede.
        type: str
      block:
        description: Head of the block to change, as V(Host localhost) or V(Match User bob). The default is global.
        type: str
      where:
        description: Where a new block goes. V(top) in C(ssh_config) is above everything global, where it wins.
        type: str
        choices: [top, end]
  files:
    description: Several files, with options as above; all are changed or none.
    type: list
    elements: dict
    suboptions:
      path:
        description: The file.
        type: path
        required: true
      dialect:
        description: The program that reads it.
        type: str
        choices: [ssh_config, sshd_config]
      changes:
        description: What to change in it.
        type: list
        elements: dict
        required: true
        suboptions: *change
  validate:
    description:
      - A program and its arguments that has to accept the changed file, for whose path V(%s) stands, before it replaces
        the old one. No shell is involved. It runs in check mode, too.
    type: list
    elements: str
  image:
    description:
      - A container image like C(openquantumsafe/openssh), whose own C(sshd -t) or C(ssh -G) has to accept the changed
        file, in a container without network that is removed. It runs in check mode, too.
    type: str
  backup:
    description: Keep the old file beside the new one, its name ending with the time.
    type: bool
    default: false
  follow:
    description: Let the path be, or lead through, a symbolic link, and change the file behind. Else links are refused.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Let the client of the container reach a classical sshd, as the manual of the image describes it
  quantumsafe.openssh.oqs_config:
    path: /etc/oqs-ssh/ssh_config
    image: openquantumsafe/openssh:latest
    changes:
      - keyword: IdentityFile
        value: ~/.ssh/id_ed25519
        how: uncomment
      - keyword: HostKeyAlgorithms
        value: ssh-ed25519
        how: add
      - keyword: PubkeyAcceptedKeyTypes
        value: ssh-ed25519
        how: add
      - keyword: KexAlgorithms
        value: curve25519-sha256@libssh.org
        how: add
        place: last

- name: Close the host's sshd, checked by itself
  quantumsafe.openssh.oqs_config:
    path: /etc/ssh/sshd_config
    backup: true
    validate: [/usr/sbin/sshd, -t, -f, "%s"]
    changes:
      - keyword: PermitRootLogin
        value: false
      - keyword: PasswordAuthentication
        value: true
        block: Match User alice
"""

RETURN = r"""
files:
  description: Every file, whether it was changed, and its backup (none in check mode).
  returned: success
  type: list
  elements: dict
  sample:
    - path: /etc/ssh/sshd_config
      changed: true
      backup_file: ""
notes:
  description: What an edit cannot reach, such as an earlier value, or a C(Match all), that wins. Also warnings.
  returned: success
  type: list
  elements: str
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import errors
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import config_files, sshconfig


def change_spec() -> Dict[str, Any]:
    """The options of one change."""
    return {
        "keyword": {"type": "str", "required": True, "no_log": False},
        "value": {"type": "raw"},
        "values": {"type": "list", "elements": "raw"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "how": {"type": "str", "choices": ["set", "add", "remove", "uncomment", "comment"], "default": "set"},
        "place": {"type": "str", "choices": ["first", "last"]},
        "before": {"type": "str"},
        "block": {"type": "str"},
        "where": {"type": "str", "choices": ["top", "end"]},
    }


def file_spec(required: bool) -> Dict[str, Any]:
    """The options of one file."""
    return {
        "path": {"type": "path", "required": required},
        "dialect": {"type": "str", "choices": ["ssh_config", "sshd_config"]},
        "changes": {"type": "list", "elements": "dict", "required": required, "options": change_spec()},
    }


def job(given: Dict[str, Any]) -> config_files.Job:
    """One file's options as a job."""
    dialect = given["dialect"] or sshconfig.guess_dialect(given["path"])
    return config_files.Job(given["path"], dialect, [sshconfig.change_from_dict(one) for one in given["changes"]])


def shown(data: bytes) -> str:
    """A file as a diff can hold it: bytes that are no text are spelled out."""
    return data.decode("utf-8", "backslashreplace")


def main() -> None:
    """Entry point of the module."""
    spec = file_spec(False)
    spec.update(
        files={"type": "list", "elements": "dict", "options": file_spec(True)},
        validate={"type": "list", "elements": "str"}, image={"type": "str"},
        backup={"type": "bool", "default": False}, follow={"type": "bool", "default": False},
    )
    module = AnsibleModule(
        argument_spec=spec, supports_check_mode=True, required_together=[("path", "changes")],
        required_one_of=[("path", "files")], mutually_exclusive=[("path", "files")],
    )
    params = module.params
    if params["validate"] and not any("%s" in part for part in params["validate"]):
        module.fail_json(msg="option 'validate' lacks %s, which stands for the path of the changed file")
    try:
        edits = [config_files.edited(job(one), params["follow"]) for one in params["files"] or [params]]
        config_files.check_distinct(edits)
        changed = [edit for edit in edits if edit.changed]
        for edit in changed:
            config_files.validate(edit, module.tmpdir, params["validate"], params["image"])
        backups = {} if module.check_mode else dict(config_files.write_all(edits, params["backup"]))
    except errors.EXPECTED as error:
        module.fail_json(msg=errors.sentence(error))
    result: Dict[str, Any] = {"changed": bool(changed), "notes": [note for edit in edits for note in edit.notes]}
    for note in result["notes"]:
        module.warn(note)
    result["files"] = [{"path": e.path, "changed": e.changed, "backup_file": backups.get(e.path, "")} for e in edits]
    if module._diff:
        result["diff"] = [{"before": shown(edit.before), "after": shown(edit.after),
                           "before_header": edit.path, "after_header": edit.path} for edit in changed]
    module.exit_json(**result)


if __name__ == "__main__":
    main()
