# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oqs_ending
short_description: The ending of a run
version_added: "0.1.0"
author:
  - quantumsafe.openssh contributors (@quantumsafe)
description:
  - Prints on the controller, host by host, what was done, what was negotiated, and the command lines to log in; names
    failed and unreachable hosts, too. Makes no connection.
  - This is an action plugin; used by the playbooks of this collection.
extends_documentation_fragment:
  - quantumsafe.openssh.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  step:
    description:
      - V(note) remembers that this host failed; V(end) prints the ending of all hosts of the batch once, and fails this
        host where a failure was noted; V(algorithms) prints what their images could offer instead.
    type: str
    choices: [note, end, algorithms]
    required: true
  failed:
    description:
      - What went wrong, for V(note).
    type: str
  folder:
    description:
      - Folder on the controller with the person's identities, for the command lines that are printed.
    type: path
    default: ~/.ssh
"""

EXAMPLES = r"""
- name: What was done, what was negotiated, how to log in
  quantumsafe.openssh.oqs_ending:
    step: end
"""

RETURN = r"""
ending:
  description:
    - What was printed, line by line. Where the output of Ansible is data for a program (C(ANSIBLE_STDOUT_CALLBACK),
      such as C(ansible.posix.json)), the words themselves go to standard error.
  returned: at the first host of the batch, where standard output is data
  type: list
  elements: str
  sample: ["web1", "----", "  done        nothing, it was as wanted"]
"""
