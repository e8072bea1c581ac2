# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the variables of a host want of it, in the shape that oqs_look and oqs_apply take as ``want``.

The one place where variables become a specification: roles only name sections. A variable is read when a section
needs it, and not before. Types are those of the argument specs; the check of all variables does ranges and
contradictions. The password is not among it: actions ask for it by themselves, so that it stands in no task. Pure.
"""

from __future__ import annotations

import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.variables import variable_forms

#: What a task may name. A removal also closes the firewall.
SECTIONS = ("engine", "ssh", "firewall", "hop", "lockdown", "removal")
#: The step of a rotation that is about the hop's key, not about host keys.
_HOP_IDENTITY = "hop_identity"


class NotReadable(UserError):
    """The value of a variable is none of its type, or cannot be evaluated; the text is the variable's name."""


class Engine(t.NamedTuple):
    """The Docker engine."""

    state: str


class Image(t.NamedTuple):
    """Where the image comes from, and what may be lost by a change of it."""

    name: str
    source: str
    archive: str
    build_on: str
    build_base: str
    build_message: str
    rollback: bool
    drops: list[str]
    update: bool
    max_age: int


class Rotation(t.NamedTuple):
    """A step of a rotation of host keys; ``overlap`` in hours."""

    step: str
    overlap: float


class Ssh(t.NamedTuple):
    """Image, state and container."""

    state: str
    image: Image
    container: str
    port: int
    restart_policy: str
    user: str
    uid: str
    mode: str
    authorized_keys: list[str]
    authorized_keys_exclusive: bool
    kex_algorithms: list[str]
    host_key_algorithms: list[str]
    pubkey_algorithms: list[str]
    stock_clients: bool
    classical_clients: bool
    sources: list[str]
    hop_port: int
    rotate: Rotation | None = None


class Firewall(t.NamedTuple):
    """The port in the active firewall."""

    state: str
    backend: str
    sources: list[str]
    port: int
    container: str


class Hop(t.NamedTuple):
    """The hop from the container to the host's own sshd; ``rotate``: its key is to be replaced."""

    state: str
    users: list[str]
    hop_port: int
    scope: str
    privileged: bool
    container: str
    port: int
    rotate: bool | None = None


class Lockdown(t.NamedTuple):
    """The host's own sshd, closed to the world."""

    state: str
    minutes: float
    breakglass_sources: list[str]
    breakglass_minutes: float
    container: str
    port: int
    hop_port: int
    by_key: bool
    user: str
    sources: list[str]


class Removal(t.NamedTuple):
    """What the ledger says, taken back."""

    container: str
    port: int
    hop_users: list[str]
    keep_keys: bool


class Client(t.NamedTuple):
    """A person's own machine."""

    state: str
    dir: str
    bin: str
    program: str
    image: str
    identity: str
    hop_user: str
    prefix: str


Part = t.Union[Engine, Image, Rotation, Ssh, Firewall, Hop, Lockdown, Removal, Client]


class Variables:
    """Variables by name, each as what its type says."""

    def __init__(self, value: t.Callable[[str], object]) -> None:
        """:param value: evaluates a variable, or the role's default of one that is not set; raises NotReadable."""
        self._value = value

    def text(self, name: str) -> str:
        """A text.

        :raises NotReadable: it is none.
        """
        value: object = variable_forms.from_text("str", self._value(name))
        if not isinstance(value, str):
            raise NotReadable(name)
        return value

    def number(self, name: str) -> int:
        """A whole number.

        :raises NotReadable: it is none.
        """
        value: object = variable_forms.from_text("int", self._value(name))
        if not isinstance(value, int) or isinstance(value, bool):
            raise NotReadable(name)
        return value

    def measure(self, name: str) -> float:
        """A number, whole or not.

        :raises NotReadable: it is none.
        """
        value: object = variable_forms.from_text("float", self._value(name))
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise NotReadable(name)
        return float(value)

    def truth(self, name: str) -> bool:
        """True or false.

        :raises NotReadable: it is neither.
        """
        value: object = variable_forms.from_text("bool", self._value(name))
        if not isinstance(value, bool):
            raise NotReadable(name)
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts.

        :raises NotReadable: it is none.
        """
        value = self._value(name)
        if not isinstance(value, list):
            raise NotReadable(name)
        members = [member for member in value if isinstance(member, str)]
        if len(members) != len(value):
            raise NotReadable(name)
        return members


def wanted(
    sections: t.Iterable[str], value: t.Callable[[str], object], rotate: bool = False
) -> dict[str, dict[str, object]]:
    """What is wanted of a host.

    :param sections: of ``SECTIONS``.
    :param value: evaluates a variable by its name, or raises NotReadable.
    :param rotate: with other keys, as ``oqs_ssh_rotate_keys`` says.
    :raises NotReadable: with the name of a variable that the sections need.
    """
    variables, found = Variables(value), {}
    for section in sections:
        if section == "removal":
            found["firewall"] = plain(_closed(variables))
        found[section] = plain(_PARTS[section](variables))
    if rotate:
        step = Rotation(variables.text("oqs_ssh_rotate_keys"), variables.measure("oqs_ssh_rotate_overlap"))
        for section, part in (("ssh", plain(step)), ("hop", step.step == _HOP_IDENTITY)):
            if section in found:
                found[section]["rotate"] = part
    return found


def client(value: t.Callable[[str], object]) -> dict[str, object]:
    """What is wanted of a person's own machine, as oqs_client takes it as ``settings``.

    :raises NotReadable: with the name of a variable.
    """
    text = Variables(value).text
    return plain(Client(*[text("oqs_ssh_client_" + field) for field in Client._fields]))


def plain(part: Part) -> dict[str, object]:
    """A part as JSON can carry it; what is None is left out."""
    fields = {name: plain(value) if isinstance(value, (Image, Rotation)) else value
              for name, value in part._asdict().items()}
    return {name: value for name, value in fields.items() if value is not None}


def _engine(variables: Variables) -> Engine:
    return Engine(variables.text("docker_engine_state"))


def _image(variables: Variables) -> Image:
    return Image(
        name=variables.text("oqs_ssh_image"),
        source=variables.text("oqs_ssh_image_source"),
        archive=variables.text("oqs_ssh_image_archive"),
        build_on=variables.text("oqs_ssh_image_build_on"),
        build_base=variables.text("oqs_ssh_image_build_base"),
        build_message=variables.text("oqs_ssh_image_build_message"),
        rollback=variables.truth("oqs_ssh_rollback"),
        drops=variables.texts("oqs_ssh_image_drops"),
        update=variables.truth("oqs_ssh_image_update"),
        max_age=variables.number("oqs_ssh_image_max_age"),
    )


def _ssh(variables: Variables) -> Ssh:
    return Ssh(
        state=variables.text("oqs_ssh_state"),
        image=_image(variables),
        container=variables.text("oqs_ssh_container_name"),
        port=variables.number("oqs_ssh_port"),
        restart_policy=variables.text("oqs_ssh_restart_policy"),
        user=variables.text("oqs_ssh_user"),
        uid=variables.text("oqs_ssh_uid"),
        mode=variables.text("oqs_ssh_mode"),
        authorized_keys=variables.texts("oqs_ssh_authorized_keys"),
        authorized_keys_exclusive=variables.truth("oqs_ssh_authorized_keys_exclusive"),
        kex_algorithms=variables.texts("oqs_ssh_kex_algorithms"),
        host_key_algorithms=variables.texts("oqs_ssh_host_key_algorithms"),
        pubkey_algorithms=variables.texts("oqs_ssh_pubkey_algorithms"),
        stock_clients=variables.truth("oqs_ssh_stock_clients"),
        classical_clients=variables.truth("oqs_ssh_classical_clients"),
        sources=variables.texts("oqs_ssh_firewall_sources"),
        hop_port=variables.number("oqs_ssh_hop_port"),
    )


def _firewall(variables: Variables) -> Firewall:
    return Firewall(
        state=variables.text("oqs_ssh_firewall_state"),
        backend=variables.text("oqs_ssh_firewall_backend"),
        sources=variables.texts("oqs_ssh_firewall_sources"),
        port=variables.number("oqs_ssh_firewall_port"),
        container=variables.text("oqs_ssh_firewall_container"),
    )


def _closed(variables: Variables) -> Firewall:
    """No rule of ours, in whatever firewall."""
    return Firewall("absent", "auto", [], variables.number("oqs_ssh_port"), variables.text("oqs_ssh_container_name"))


def _hop(variables: Variables) -> Hop:
    return Hop(
        state=variables.text("oqs_ssh_hop_state") if variables.truth("oqs_ssh_hop_enabled") else "absent",
        users=variables.texts("oqs_ssh_hop_users"),
        hop_port=variables.number("oqs_ssh_hop_port"),
        scope=variables.text("oqs_ssh_hop_scope"),
        privileged=variables.truth("oqs_ssh_hop_privileged"),
        container=variables.text("oqs_ssh_hop_container"),
        port=variables.number("oqs_ssh_hop_container_port"),
    )


def _lockdown(variables: Variables) -> Lockdown:
    return Lockdown(
        state="present" if variables.truth("oqs_ssh_lockdown") else "absent",
        minutes=variables.measure("oqs_ssh_lockdown_minutes"),
        breakglass_sources=variables.texts("oqs_ssh_breakglass_sources"),
        breakglass_minutes=variables.measure("oqs_ssh_breakglass_minutes"),
        container=variables.text("oqs_ssh_container_name"),
        port=variables.number("oqs_ssh_port"),
        hop_port=variables.number("oqs_ssh_hop_port"),
        by_key=bool(variables.texts("oqs_ssh_authorized_keys")),
        user=variables.text("oqs_ssh_user"),
        sources=variables.texts("oqs_ssh_firewall_sources"),
    )


def _removal(variables: Variables) -> Removal:
    return Removal(
        container=variables.text("oqs_ssh_container_name"),
        port=variables.number("oqs_ssh_port"),
        hop_users=variables.texts("oqs_ssh_hop_users"),
        keep_keys=variables.truth("oqs_ssh_keep_keys"),
    )


_PARTS: dict[str, t.Callable[[Variables], Part]] = {
    "engine": _engine, "ssh": _ssh, "firewall": _firewall, "hop": _hop, "lockdown": _lockdown, "removal": _removal,
}
