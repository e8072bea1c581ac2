# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way from the controller through the container to the host's own sshd, as arguments for Ansible's connection."""

from __future__ import annotations

import os
import shlex
import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.offers import Offer
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import commandlines

#: A connection of its own, whatever others are kept open.
NEW = ("-o", "ControlMaster=no", "-o", "ControlPath=none")
_ALIAS = "oqs-ssh"


class Way(t.NamedTuple):
    """What decides how the controller comes to a host's container.

    ``known`` names a file of known_hosts lines, ``image`` is the host's, as ``commandlines.reference`` calls it,
    ``more`` holds the user's own arguments for ssh (a bastion may be among them), ``identities`` further private keys
    to offer.
    """

    address: str
    target: str
    ssh: ServerSpec
    offer: Offer
    known: str
    image: str
    more: t.Sequence[str] = ()
    identities: t.Sequence[str] = ()


def known_hosts(pins: t.Sequence[str]) -> str:
    """The container's host keys as a file of their own.

    :param pins: type and key, as the host itself said them over the management connection.
    """
    return "".join("%s %s\n" % (_ALIAS, pin) for pin in pins)


def arguments(way: Way, controller: commandlines.Controller) -> list[str]:
    """Arguments for a new connection of ssh to the host's own sshd through the container. Nobody is ever asked."""
    words = [word.replace("%", "%%") for word in _client(way, controller)]  # TOKENS in ssh_config(5)
    return [*NEW, "-o", "ProxyCommand=" + shlex.join(words)]


def _client(way: Way, controller: commandlines.Controller) -> list[str]:
    types = commandlines.key_types(way.ssh)
    login = ["-W", way.target, "-p", str(way.ssh.port), "%s@%s" % (way.ssh.user, way.address)]
    quiet = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "StrictHostKeyChecking=yes",
             "-o", "HostKeyAlias=" + _ALIAS]
    if commandlines.own_kex(way.offer, controller, types):
        keys = [os.path.join(controller.folder, key_files.identity_name(name)) for name in types]
        named = [word for path in [*filter(os.path.exists, keys), *way.identities] for word in ("-i", path)]
        pinned = ["-o", "UserKnownHostsFile=\"%s\"" % way.known, "-o", "GlobalKnownHostsFile=/dev/null"]
        return ["ssh", *NEW, *quiet, *pinned, *named, *way.more, *login]
    inside = [word for name in types for word in ("-i", "/root/.ssh/" + key_files.identity_name(name))]
    accepted = ["-o", "PubkeyAcceptedAlgorithms=+" + ",".join(types)] if types else []
    return [
        *commandlines.ISOLATED, "-i", "-v", "%s:/root/.ssh:ro" % controller.folder,
        "-v", "%s:/run/known_hosts:ro" % way.known, "--entrypoint", paths.IMAGE_SSH, way.image,
        "-F", paths.IMAGE_CONFIG,
        *quiet, "-o", "UserKnownHostsFile=/run/known_hosts", *accepted, *inside, *login,
    ]
