# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Proof from outside: a real handshake from the controller with the server that the host has named, against its pinned
keys. What a server offers can be copied by anybody; that it holds a key cannot."""

from __future__ import annotations

import shutil
import time
import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, inspected
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms, handshakes
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Item
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.run_store import kept_in_run
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import commandlines, pins

#: Sections of a plan whose changes are on the way from outside to the server.
ON_THE_WAY = frozenset(("image", "keys", "config", "container", "firewall"))
#: Seconds between the tries of a handshake that was turned away (``resources/proof.py`` says why it may be).
PAUSES = (0.5, 2.0, 5.0, 10.0)
_INSIDE = "/run/known_hosts"
#: Exit codes of ssh(1) where no command ran; others are Docker's, or say that it was killed.
_OF_SSH = (0, 255)
_NO_CLIENT = (
    "neither the controller's ssh nor an image that it holds has a post-quantum key exchange and a key type in common "
    "with the server"
)
_IMPOSTOR = (
    "the server at %s port %d did not prove from outside that it holds the host key that the host has named: %s"
)


class Impostor(UserError):
    """Somebody answers at the port who does not hold the pinned host key."""


class NotTried(UserError):
    """No handshake can be made from here; the text says why."""


class Client(t.NamedTuple):
    """An ssh: the words before its options, and which key exchanges and key types it knows."""

    words: t.Sequence[str]
    kex: t.Sequence[str]
    keys: t.Sequence[str]


class Lists(t.NamedTuple):
    """What a server offers, or what a handshake is to be made of: nothing in a list, and it cannot be made."""

    kex: list[str]
    keys: list[str]


def is_due(done: t.Sequence[Item]) -> bool:
    """Whether something on the way from outside to the server was changed."""
    return any(item.section in ON_THE_WAY for item in done)


def common(client: Client, kex: t.Sequence[str], keys: t.Sequence[str]) -> Lists:
    """What a client has in common with a server.

    :param kex: that the server offers.
    :param keys: types of its pinned keys.
    """
    return Lists(
        [name for name in client.kex if name in kex and algorithms.is_quantum_safe(name)],
        [name for name in keys if name in client.keys],
    )


def options(pin: pins.Pin, user: str, lists: Lists, known_hosts: str) -> list[str]:
    """The options of an ssh that makes a handshake, and no login.

    :param user: who could log in there: an sshd remembers addresses that ask for others longer (PerSourcePenalties).
    """
    settings = (
        "BatchMode=yes", "PreferredAuthentications=none", "ConnectTimeout=10", "StrictHostKeyChecking=yes",
        'UserKnownHostsFile="%s"' % known_hosts, "GlobalKnownHostsFile=/dev/null", "HostKeyAlias=" + pin.alias,
        "CheckHostIP=no", "UpdateHostKeys=no", "VerifyHostKeyDNS=no", "ControlMaster=no", "ControlPath=none",
        "KexAlgorithms=" + ",".join(lists.kex),
        "HostKeyAlgorithms=" + ",".join("rsa-sha2-512" if name == "ssh-rsa" else name for name in lists.keys),
    )
    words = ["-v", "-F", "none", *(word for each in settings for word in ("-o", each))]
    return [*words, "-p", str(pin.port), "%s@%s" % (user, pin.address), "true"]


def own() -> Client | None:
    """The controller's own ssh; None: there is none.

    :raises CommandError: it does not answer.
    """
    def asked(query: str) -> list[str]:
        return kept_in_run("ssh " + query, lambda: run(["ssh", "-Q", query], timeout=10.0).out).decode().split()

    return Client(["ssh"], asked("kex"), asked("key")) if shutil.which("ssh") else None


def in_image(reference: str, known_hosts: str, server: Client) -> Client | None:
    """The client in the host's own image, where the controller holds it: it knows what its server knows.

    :raises NotTried: the controller's Docker cannot be asked.
    """
    try:
        found = inspected.image(reference, cli.OWN) if reference and cli.program() else None
        mount = ["--mount", cli.bind(known_hosts, _INSIDE, readonly=True), "--entrypoint", paths.IMAGE_SSH]
    except cli.DockerError as error:
        raise NotTried("the host's image is needed for it, and %s" % error) from error
    return server._replace(words=[*commandlines.ISOLATED, *mount, found.Id]) if found else None


def prove(
    pin: pins.Pin, user: str, offered: Lists, known_hosts: str, reference: str
) -> handshakes.Handshake:
    """Make the handshake.

    :param user: of the container.
    :param offered: by the server.
    :param known_hosts: the file with the pins.
    :param reference: the host's image; empty: it has none.
    :raises NotTried: no client here can.
    :raises Impostor: the server does not hold the pinned key, or makes no handshake.
    :raises CommandError: the client did not come to its end.
    """
    # keys of types that are not served at present lie ready and are pinned, too
    served = set(map(key_files.key_type, offered.keys))
    kex, keys = offered.kex, [name for name in dict.fromkeys(key.split()[0] for key in pin.keys) if name in served]
    if not keys:
        raise Impostor(_IMPOSTOR % (pin.address, pin.port, "it offers " + ", ".join(offered.keys[:8])))
    mine = own()
    lists = common(mine, kex, keys) if mine else Lists([], [])
    client, path = mine, known_hosts
    if not all(lists):
        server = Client([], kex, keys)
        client, path = in_image(reference, known_hosts, server), _INSIDE
        lists = common(server, kex, keys)
    if not client or not all(lists):
        raise NotTried(_NO_CLIENT)
    argv = [*client.words, *options(pin, user, lists, path)]
    for pause in (*PAUSES, None):
        done = run(argv, timeout=60.0, check=False)
        if done.rc not in _OF_SSH:
            raise CommandError(argv, done.reason, done)
        found = handshakes.said(done.err.decode("utf-8", "replace"))
        if found.ok or pause is None or not handshakes.turned_away(found):
            break
        time.sleep(pause)
    if not found.ok:
        raise Impostor(_IMPOSTOR % (pin.address, pin.port, found.error))
    return found
