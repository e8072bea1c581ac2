# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lookup quantumsafe.openssh.pq_path."""

from __future__ import annotations

DOCUMENTATION = r"""
name: pq_path
short_description: Arguments that bring Ansible's own connections over the quantum-safe path
version_added: "0.1.0"
author:
  - quantumsafe.openssh contributors (@quantumsafe)
description:
  - Gives the value of C(ansible_ssh_common_args) with which ssh goes to the container's sshd, and from there to the
    host's own. Playbooks, C(ansible_host), C(ansible_user), C(ansible_port) and known_hosts stay as they are.
  - The way to the container allows only post-quantum key exchanges, by name, and only the host keys that a deployment
    from this controller has pinned in C(known_hosts.oqs-ssh) in the folder C(oqs_ssh_client_dir) (C(~/.ssh)).
  - Nobody can be asked on that way; who logs in there is C(oqs_ssh_user), with C(ansible_ssh_private_key_file), a key
    of the agent, or C(id_ed25519), C(id_ecdsa) or C(id_rsa) in C(oqs_ssh_client_dir).
options: {}
"""

EXAMPLES = r"""
# In group_vars/oqs_ssh.yml; a line of the inventory is as good.
ansible_ssh_common_args: "{{ lookup('quantumsafe.openssh.pq_path') }}"
"""

RETURN = r"""
_raw:
  description: The arguments.
  type: list
  elements: str
"""

import os
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.run_store import kept_in_run
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import over_pq, pins

_UNKNOWN = (
    "%s: no host key of its quantum-safe sshd is pinned in %s: deploy this host once over its own sshd, "
    "-e ansible_ssh_common_args="
)
#: What any ssh can use.
_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
_NO_KEX = "%s on this controller knows no post-quantum key exchange: OpenSSH 8.9 or newer is needed"


class LookupModule(LookupBase):
    """Reads pins; makes no connection."""

    def run(self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        """The arguments for the host at hand."""
        del terms, kwargs
        known = variables or {}

        def value(*names: str) -> str:
            found = next((known[name] for name in names if known.get(name) not in (None, "")), "")
            return str(self._templar.template(found))

        host = value("inventory_hostname")
        folder = os.path.expanduser(value("oqs_ssh_client_dir") or "~/.ssh")
        file = os.path.join(folder, pins.FILE)
        found = pins.of(file, host)
        if not found:
            raise AnsibleError(_UNKNOWN % (host, file))
        program = value("ansible_ssh_executable") or "ssh"
        key = os.path.expanduser(value("ansible_ssh_private_key_file", "ansible_private_key_file"))
        keys = [key] + [path for path in (os.path.join(folder, name) for name in _KEYS) if os.path.exists(path)]
        address, port = value("ansible_ssh_host", "ansible_host") or host, value("ansible_ssh_port", "ansible_port")
        way = over_pq.Way(found[0], value("oqs_ssh_user") or "oqs", list(filter(None, keys)), file, program,
                          _kex(program), (address, port))
        return [over_pq.arguments(way, _sockets())]


def _kex(program: str) -> list[str]:
    try:
        said = kept_in_run("kex", lambda: run([program, "-Q", "kex"], timeout=10.0).out)
    except CommandError as error:
        raise AnsibleError(str(error)) from error
    names = over_pq.usable(said.decode().split())
    if not names:
        raise AnsibleError(_NO_KEX % program)
    return names


def _sockets() -> str:
    """Where Ansible keeps its control sockets, too."""
    folder = os.path.join(os.path.expanduser(str(C.config.get_config_value("ANSIBLE_HOME"))), "cp")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder
