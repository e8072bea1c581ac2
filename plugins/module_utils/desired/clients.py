# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who could still log in to the server that is wanted: with which key, and with which client. Pure."""

from __future__ import annotations

from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import policy
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.content import Content
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import authorized_keys
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Plan

CLASSICAL_CLIENTS = (
    "WARNING: oqs_ssh_classical_clients serves clients without a post-quantum key exchange: what they send can be "
    "recorded today and read once a large quantum computer exists"
)

#: What ordinary clients of some age need, and what is said where an image lacks it.
PROMISED = {
    "OpenSSH 8.9 to 9.8 cannot connect": policy.STOCK_KEX[1:],
    "OpenSSH 9.9 and newer must do with an older key exchange": policy.STOCK_KEX[:1],
}


def check(ssh: ServerSpec, image: Image, wanted: Content, plan: Plan) -> None:
    """Refuse what would shut out those who are to come; say what weakens them.

    :param image: what is known of the image.
    """
    _check_access(ssh, wanted.sshd_config, plan)
    _check_clients(ssh, image, wanted, plan)
    if ssh.classical_clients:
        plan.note(CLASSICAL_CLIENTS)


def _check_access(ssh: ServerSpec, sshd_config: bytes, plan: Plan) -> None:
    """A key that the server would not take is no access."""
    accepted = policy.accepted(sshd_config)
    types = [authorized_keys.parse_entry(line).type for line in ssh.authorized_keys]
    refused = [name for name in types if accepted and not algorithms.accepts(accepted, name)]
    for name in sorted(set(refused)):
        plan.note(
            "a key of type %s in oqs_ssh_authorized_keys will not be accepted: the server takes %s "
            "(oqs_ssh_pubkey_algorithms, oqs_ssh_stock_clients)" % (name, ", ".join(accepted))
        )
    if types and len(refused) == len(types) and not ssh.password_set:
        plan.refuse(
            "none of the keys in oqs_ssh_authorized_keys would be accepted, and no password is set: the server takes "
            "%s; give a key of such a type, or add %s to oqs_ssh_pubkey_algorithms, or set oqs_ssh_stock_clients"
            % (", ".join(accepted), refused[0])
        )


def _check_clients(ssh: ServerSpec, image: Image, wanted: Content, plan: Plan) -> None:
    """A choice that would shut out a client that is known to come is none."""
    if ssh.stock_clients:
        missing = [words for words, names in PROMISED.items() if not set(names) & set(image.kex)]
        if len(missing) == len(PROMISED):
            words = "oqs_ssh_stock_clients: the image knows none of the key exchanges of ordinary clients (%s)"
            plan.refuse(words % ", ".join(policy.STOCK_KEX))
        for words in missing if len(missing) < len(PROMISED) else []:
            plan.note("oqs_ssh_stock_clients: %s: the image does not know theirs" % words)
    own = policy.offer(wanted.ssh_config, "ssh_config")
    lacks = policy.out_of_reach(policy.offer(wanted.sshd_config), own, by_key=not ssh.password_set)
    if lacks:
        plan.refuse(
            "the image's own client could not connect any more, %s; see oqs_ssh_kex_algorithms, "
            "oqs_ssh_host_key_algorithms, and what was edited by hand in /etc/oqs-ssh" % lacks
        )
