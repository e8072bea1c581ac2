# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wanted of a host, section by section, as the controller sends it. Pure.

The shapes are the wire format: ``typed.parse`` takes JSON into them, and nothing behind that knows JSON.
"""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.spec import FirewallSpec

__all__ = [
    "EngineSpec", "FirewallSpec", "HopSpec", "ImageSpec", "LockdownSpec", "RemovalSpec", "RotateSpec", "Secret",
    "ServerSpec",
]


class Secret(NamedTuple):
    """The password wanted for the container's user; None: none is given."""

    password: Optional[str] = None


class EngineSpec(NamedTuple):
    """A Docker engine."""

    state: str = "present"


class ImageSpec(NamedTuple):
    """An image.

    ``id`` is that of an archive or of what the controller has built; ``digest`` is empty where the registry was not
    asked; ``facts``: what its label says it would answer; ``recipe``, ``base`` and ``arguments``: how a host builds it.
    ``rollback``: the one from before an upgrade; ``drops``: names whose loss is accepted; ``update``: ask the registry,
    or Debian, whether there is a newer one, and ``newer`` how Debian is asked; ``max_age`` in days, 0: none.
    """

    name: str
    source: str = "pull"
    id: Optional[str] = None
    digest: Optional[str] = None
    facts: Optional[Image] = None
    recipe: Optional[str] = None
    base: Optional[str] = None
    arguments: Optional[Dict[str, str]] = None
    rollback: bool = False
    drops: List[str] = []
    update: bool = False
    build_on: str = "controller"
    build_base: str = ""
    build_message: str = ""
    user: str = "oqs"
    newer: str = ""
    max_age: int = 0


class RotateSpec(NamedTuple):
    """Other host keys: ``announce``, ``switch``, ``cancel``, ``hop_identity``; empty: go on with what is there.
    ``overlap``: hours that clients have to learn them."""

    step: str = ""
    overlap: float = 168.0


class ServerSpec(NamedTuple):
    """The container, its server, and who may log in.

    ``entry`` is the text of what becomes its main process. ``hop_port``, ``hop_address``, ``hop_asked`` and
    ``hop_others``: where the host's own sshd is, was asked for, and listens, too; the last three are filled in there.
    """

    state: str
    image: ImageSpec
    container: str = "oqs-ssh"
    port: int = 2222
    restart_policy: str = "unless-stopped"
    user: str = "oqs"
    uid: str = "auto"
    mode: str = "shell"
    authorized_keys: List[str] = []
    authorized_keys_exclusive: bool = False
    kex_algorithms: List[str] = []
    host_key_algorithms: List[str] = []
    pubkey_algorithms: List[str] = []
    stock_clients: bool = False
    classical_clients: bool = False
    sources: List[str] = []
    hop_port: int = 22
    entry: str = ""
    password_set: bool = False
    rotate: RotateSpec = RotateSpec()
    hop_address: str = "localhost"
    hop_asked: int = 0
    hop_others: List[int] = []


class HopSpec(NamedTuple):
    """The hop from the container to the host's own sshd."""

    state: str
    container: str = "oqs-ssh"
    port: int = 2222
    users: List[str] = []
    hop_port: int = 22
    scope: str = "localhost"
    privileged: bool = False
    rotate: bool = False
    entry: str = ""
    hop_address: str = "localhost"
    hop_asked: int = 0
    hop_others: List[int] = []


class LockdownSpec(NamedTuple):
    """The host's own sshd closed to the world. ``sources``: who may come in to the container (none: everybody).
    ``step`` (of the way there: ``close``, ``confirm``) and ``token`` are the action's."""

    state: str
    minutes: float = 5.0
    breakglass_sources: List[str] = []
    breakglass_minutes: float = 30.0
    container: str = "oqs-ssh"
    port: int = 2222
    hop_port: int = 22
    by_key: bool = False
    user: str = "oqs"
    step: str = ""
    token: str = ""
    hop_address: str = "localhost"
    hop_asked: int = 0
    hop_others: List[int] = []
    sources: List[str] = []


class RemovalSpec(NamedTuple):
    """Everything taken back that the ledger names."""

    container: str = "oqs-ssh"
    port: int = 2222
    hop_users: List[str] = []
    keep_keys: bool = False
