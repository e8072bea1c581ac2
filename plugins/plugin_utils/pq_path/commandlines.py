# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command lines that a run prints: to log in, to hop, ready to paste. Pure."""

from __future__ import annotations

import shlex
import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import image_names
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms, grammar
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.handshakes import Handshake
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import authorized_keys, key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.offers import Offer
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.answer import Look
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import Known

_TARGETS = ("%h:%p", "[%h]:%p")
#: A client for one connection: it may read the person's folder, and nothing else of their machine. An image that is not
#: there is never pulled: whoever owns its name would get the keys.
ISOLATED = (
    "docker", "run", "--rm", "--pull", "never", "--network", "host", "--log-driver", "none", "--read-only",
    "--cap-drop", "ALL", "--cap-add", "DAC_READ_SEARCH", "--security-opt", "no-new-privileges",
    "--security-opt", "label=disable",
)
_KNOWN = "UserKnownHostsFile=/root/.ssh/known_hosts.oqs-ssh /root/.ssh/known_hosts"


class Controller(t.NamedTuple):
    """What the person's own ssh offers by default (``ssh -G``), and where the identities lie."""

    kex: t.Sequence[str]
    host_keys: t.Sequence[str]
    pubkeys: t.Sequence[str]
    folder: str


class Lines(t.NamedTuple):
    """Command lines; ``hop`` and ``jump`` are empty where there is no hop, ``login`` and ``hop`` where there is no
    shell."""

    login: str
    hop: str
    jump: str
    negotiates: str


def lines(name: str, known: Known, controller: Controller) -> Lines:
    """The command lines for a host.

    :param name: the host's name in the inventory.
    :param known: what is known of it; nothing where it is not about the container, or nobody has looked.
    """
    ssh, look, hop = known.want.ssh, known.look, known.want.hop
    if not ssh or not look:
        return Lines("", "", "", "")
    login = ["-p", str(ssh.port), "%s@%s" % (ssh.user, known.address or name)]
    kex = own_kex(look.offer, controller, key_types(ssh))
    client = _Own(kex) if kex else _InImage(ssh, look, controller)
    if not hop or hop.state != "present":
        return Lines(shlex.join(client.words() + login), "", "", client.kex)
    port, address = str(look.hop_target.port or hop.hop_port), look.hop_target.address
    target = grammar.bracketed(address, "%h") + ":%p"
    jump = ["-o", "HostKeyAlias=" + name, "-o", "ProxyCommand=" + _command(client.proxy(target, login)), "-p", port]
    end = client.classical(look.proof.hop) + jump + ["USER@" + address]
    if ssh.mode == "hop":
        return Lines("", "", shlex.join(end), client.kex)
    return Lines(shlex.join(client.words() + login), "ssh USER@%s -p %s" % (address, port), shlex.join(end), client.kex)


def _command(words: t.Sequence[str]) -> str:
    """A value for ProxyCommand: ssh expands its percent signs (TOKENS in ssh_config(5)) before a shell reads it."""
    return shlex.join(word if word in _TARGETS else word.replace("%", "%%") for word in words)


def own_kex(offer: Offer, controller: Controller, key_types: t.Sequence[str]) -> str:
    """The post-quantum key exchange that the person's own ssh would negotiate; empty: it takes the image's client.

    The client's preference decides (RFC 4253 section 7.1), so the first common one must be a quantum-safe one.
    """
    kex = next((name for name in controller.kex if name in offer.kex), "")
    usable = [name for name in key_types if algorithms.accepts(controller.pubkeys, name)]
    if not set(controller.host_keys) & set(offer.host_keys) or (key_types and not usable):
        return ""
    return kex if kex and algorithms.is_quantum_safe(kex) else ""


def key_types(ssh: ServerSpec) -> list[str]:
    """The types of the keys by which people may log in."""
    types = [authorized_keys.parse_entry(line).type for line in ssh.authorized_keys]
    return list(dict.fromkeys(types))


def reference(ssh: ServerSpec, look: Look) -> str:
    """The image of a host as nothing else is called: its id where the controller has it, or its digest."""
    origin = look.host.image_origin
    pinned = image_names.parse(ssh.image.name).pinned(origin.digest) if origin and origin.digest else ""
    return ssh.image.id or pinned or look.host.image or ssh.image.name


class _Own:
    """The person's own ssh."""

    def __init__(self, kex: str) -> None:
        self.kex = kex

    def words(self) -> list[str]:
        return ["ssh"]

    def proxy(self, target: str, login: list[str]) -> list[str]:
        return ["ssh", "-W", target] + login

    def classical(self, _proof: Handshake | None) -> list[str]:
        return ["ssh"]


class _InImage:
    """The client in the image, with the person's folder of identities and known hosts."""

    def __init__(self, ssh: ServerSpec, look: Look, controller: Controller) -> None:
        self.kex = look.proof.own.kex if look.proof.own else ""
        self._container = [
            *ISOLATED, "-it", "-v", "%s:/root/.ssh:ro" % controller.folder,
            "--entrypoint", paths.IMAGE_SSH, reference(ssh, look), "-F", paths.IMAGE_CONFIG, "-o", _KNOWN,
        ]
        types = key_types(ssh)
        self._options = ["-o", "PubkeyAcceptedAlgorithms=+" + ",".join(types)] if types else []
        for name in types:
            self._options += ["-i", "/root/.ssh/" + key_files.identity_name(name)]

    def words(self) -> list[str]:
        return self._container + self._options

    def proxy(self, target: str, login: list[str]) -> list[str]:
        return [paths.IMAGE_SSH, "-F", paths.IMAGE_CONFIG, "-o", _KNOWN] + self._options + ["-W", target] + login

    def classical(self, proof: Handshake | None) -> list[str]:
        """The same client for the host's own sshd, which has other algorithms than the image's defaults."""
        options = ["-i", "/root/.ssh/id_ed25519", "-o", "PubkeyAcceptedAlgorithms=+ssh-ed25519"]
        if proof and proof.ok:
            options += ["-o", "KexAlgorithms=" + proof.kex, "-o", "HostKeyAlgorithms=" + proof.host_key_algorithm]
        return self._container + options
