# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make and keep SSH key pairs of any type."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oqs_keypair
short_description: Make and keep SSH key pairs of any type that an image or the host knows
version_added: "0.1.0"
author:
  - quantumsafe.openssh contributors (@quantumsafe)
description:
  - Makes host keys and identities with the ssh-keygen of an image, in a container without network, or with the host's
    own for types it knows. Several pairs are made in one container.
  - Reads pairs of any type by itself, compares the halves, and repairs what can be repaired without a new key.
  - A pair is replaced as a pair. A run that is killed at any moment leaves a whole private key, old or new, and beside
    it the public half that belongs to it or none; the next run writes that one again.
  - The private half never leaves the host, is never readable by others, and is in no result.
extends_documentation_fragment:
  - quantumsafe.openssh.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Of the public halves only.
  idempotent:
    support: partial
    details: With O(regenerate=always) every run makes new keys.
options:
  path:
    description: Where the private half lies; the public half has C(.pub) added. The folder must be there.
    type: path
  type:
    description:
      - Algorithm, as the C(-t) option of ssh-keygen takes it. The image can be asked with C(ssh -Q key).
      - Needed with O(path).
    type: str
  pairs:
    description: Several pairs, instead of O(path) and O(type). All other options are for all of them.
    type: list
    elements: dict
    suboptions:
      path:
        description: Where the private half lies.
        type: path
        required: true
      type:
        description: Algorithm.
        type: str
        required: true
  image:
    description: Image whose ssh-keygen (C(/opt/oqs-ssh/bin/ssh-keygen)) makes the keys. It must be on the host already.
      Without it, the host's own makes them.
    type: str
  ssh_keygen:
    description: The host's own program, when there is no O(image).
    type: str
    default: ssh-keygen
  comment:
    description: Comment of a key that is made. The comment of an existing key stays.
    type: str
    default: ''
  passphrase:
    description: Passphrase of a key that is made, at least 5 characters. It goes to ssh-keygen through standard input.
      An existing key keeps the one it has. Never for host keys; sshd cannot ask for it.
    type: str
  regenerate:
    description:
      - What may be done when a pair is not as it should be.
      - V(never) makes and changes nothing, and fails unless the pair is good.
      - V(missing) makes a pair where there is none, and writes a public half again that is lost or broken, from the
        private half.
      - V(damaged) also writes a public half that belongs to another key again, and makes a new pair where the private
        half is broken, of another type, or lost.
      - V(always) makes a new pair in any case.
    type: str
    choices: [never, missing, damaged, always]
    default: missing
  owner:
    description: Name or number of the owner of both halves.
    type: str
    default: root
  group:
    description: Name or number of the group of both halves. By default the group of O(owner).
    type: str
  trusted_folder:
    description: Links are followed up to this folder and refused below it. For a user's key name the user's home.
    type: path
    default: /
  backup:
    description: Keep copies of a pair that is replaced, with the same owner and mode, beside it. With
      O(regenerate=damaged) they are always kept.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: A host key of a type that the host itself does not know
  quantumsafe.openssh.oqs_keypair:
    path: /etc/oqs-ssh/private/ssh_host_ssh-mldsa44-ed25519_key
    type: ssh-mldsa44-ed25519
    image: localhost/quantumsafe/openssh-stock:latest
    comment: oqs-ssh

- name: Two host keys in one container, broken ones replaced
  quantumsafe.openssh.oqs_keypair:
    pairs:
      - path: /etc/oqs-ssh/private/ssh_host_ssh-mldsa44-ed25519_key
        type: ssh-mldsa44-ed25519
      - path: /etc/oqs-ssh/private/ssh_host_ed25519_key
        type: ed25519
    image: localhost/quantumsafe/openssh-stock:latest
    regenerate: damaged
    backup: true

- name: A classical identity made by the host
  quantumsafe.openssh.oqs_keypair:
    path: /root/.ssh/id_ed25519
    type: ed25519
"""

RETURN = r"""
pairs:
  description: One entry for each pair, in the order asked for.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: Where the private half lies.
      type: str
      returned: success
    changed:
      description: Whether anything was changed about this pair.
      type: bool
      returned: success
    before:
      description: What was found; V(missing), V(half), V(damaged), V(mismatch), V(type), V(mode) or V(good).
      type: str
      returned: success
    reason:
      description: What was wrong.
      type: str
      returned: success
    action:
      description: V(none), V(mended) or V(made).
      type: str
      returned: success
    type:
      description: Type of the key, as its file says.
      type: str
      returned: when the key exists
    fingerprint:
      description: As C(ssh-keygen -l) prints it.
      type: str
      returned: when the key exists
    public_key:
      description: Line of the public half.
      type: str
      returned: when the key exists
    encrypted:
      description: Whether it needs a passphrase.
      type: bool
      returned: success
    backup_files:
      description: Copies of what was replaced.
      type: list
      elements: str
      returned: success
"""

import grp
import pwd
from typing import Any, Dict, Optional, Tuple

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import errors
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import keypair


def pair_spec(required: bool) -> Dict[str, Any]:
    """The options of one pair."""
    return {"path": {"type": "path", "required": required}, "type": {"type": "str", "required": required}}


def owner_of(owner: str, group: Optional[str]) -> Tuple[int, int]:
    """Numbers of owner and group.

    :raises KeyPairError: there are none of these names.
    """
    try:
        account = None if owner.isdigit() else pwd.getpwnam(owner)
        uid = account.pw_uid if account else int(owner)
        if group is None:
            return uid, account.pw_gid if account else uid
        return uid, int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise keypair.KeyPairError("options 'owner' and 'group': %s" % error.args[0]) from error


def shown(result: keypair.Result) -> Dict[str, Any]:
    """One result as a module returns it."""
    shown = {name: getattr(result, name) for name in ("path", "changed", "before", "reason", "action", "encrypted")}
    shown["backup_files"] = list(result.backups)
    if result.key is not None:
        shown.update(type=result.key.type, fingerprint=result.key.fingerprint, public_key=result.key.line)
    return shown


def main() -> None:
    """Entry point of the module."""
    spec = pair_spec(False)
    spec.update(
        pairs={"type": "list", "elements": "dict", "options": pair_spec(True)},
        image={"type": "str"},
        ssh_keygen={"type": "str", "default": "ssh-keygen", "no_log": False},
        comment={"type": "str", "default": ""},
        passphrase={"type": "str", "no_log": True},
        regenerate={"type": "str", "choices": list(keypair.LEVELS), "default": "missing"},
        owner={"type": "str", "default": "root"},
        group={"type": "str"},
        trusted_folder={"type": "path", "default": "/"},
        backup={"type": "bool", "default": False},
    )
    module = AnsibleModule(
        argument_spec=spec, supports_check_mode=True, required_together=[("path", "type")],
        required_one_of=[("path", "pairs")], mutually_exclusive=[("path", "pairs")],
    )
    given = module.params
    maker = keypair.in_image(given["image"]) if given["image"] else keypair.on_host(given["ssh_keygen"])
    try:
        uid, gid = owner_of(given["owner"], given["group"])
        backup = given["backup"] or given["regenerate"] == "damaged"  # who judges may be wrong
        requests = [keypair.Request(one["path"], one["type"], given["comment"], given["regenerate"], uid, gid,
                                    given["trusted_folder"], backup, given["passphrase"])
                    for one in given["pairs"] or [given]]
        results = keypair.ensure_pairs(requests, maker, module.check_mode)
    except errors.EXPECTED as error:
        module.fail_json(msg=errors.sentence(error))
    answer = {"changed": any(result.changed for result in results), "pairs": [shown(result) for result in results]}
    if module._diff:
        answer["diff"] = [result.diff(requests[number]) for number, result in enumerate(results) if result.changed]
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
