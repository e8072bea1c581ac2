# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wanted of a person's machine: the settings of a request as a value. Pure."""

from __future__ import annotations

import re
from typing import Mapping, NamedTuple, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import aliases, host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import grammar
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_blobs

WRAPPERS = ("oqs-ssh", "oqs-scp", "oqs-sftp")
_FIELDS = (
    "state", "dir", "bin", "program", "image", "identity", "hop_user", "prefix", "inventory", "hosts", "programs",
)
_STATES = ("present", "absent")
_PROGRAMS = ("auto", "system", "image")
_PATH = re.compile(r"[/~][^\0-\x1f\"'%$`\\]*")
_IMAGE = re.compile(r"[A-Za-z0-9][^\s]*")
#: Of hosts in an inventory.
_HOSTS = 1000000


class Settings(NamedTuple):
    """The folders of keys and of wrappers, and which ssh the aliases are for (``auto``, ``system``, ``image``).

    ``identity`` is the type of one to make, ``hop_user`` the account behind the hop, ``prefix`` stands before a host's
    name in an alias; each may be empty. ``inventory`` names all hosts that there are. ``reported`` are those that this
    run has asked, ``bare`` those where it found nothing deployed, ``unusable`` those that cannot be written down, and
    why. ``wrappers`` are texts of programs, by name.
    """

    state: str
    folder: str
    bin: str
    program: str
    image: str
    identity: str
    hop_user: str
    prefix: str
    inventory: Tuple[str, ...]
    reported: host.Hosts
    bare: Tuple[str, ...]
    unusable: Mapping[str, str]
    wrappers: Mapping[str, str]


def parse(found: object) -> Settings:
    """The settings of a request.

    :raises BadShape: one is missing, is too many, or has another form.
    """
    row = shape.row("settings", found, _FIELDS)
    rows = shape.table("settings.hosts", row["hosts"])
    reported, unusable = host.parse_all({name: each for name, each in rows.items() if each != {}})
    programs = shape.row("settings.programs", row["programs"], WRAPPERS)
    return Settings(
        state=shape.text("settings.state", row["state"], _STATES.__contains__),
        folder=shape.text("settings.dir", row["dir"], _is_path),
        bin=shape.text("settings.bin", row["bin"], _is_path),
        program=shape.text("settings.program", row["program"], _PROGRAMS.__contains__),
        image=shape.text("settings.image", row["image"], _is_image),
        identity=shape.text("settings.identity", row["identity"], _is_type),
        hop_user=shape.text("settings.hop_user", row["hop_user"], _is_account),
        prefix=shape.text("settings.prefix", row["prefix"], _is_prefix),
        inventory=shape.texts("settings.inventory", row["inventory"], bool, _HOSTS),
        reported=reported,
        bare=tuple(name for name, each in rows.items() if each == {}),
        unusable=unusable,
        wrappers={name: shape.text("settings.programs", text, bool) for name, text in programs.items()},
    )


def _is_path(value: str) -> bool:
    return value.isprintable() and bool(_PATH.fullmatch(value))


def _is_image(value: str) -> bool:
    return value.isprintable() and bool(_IMAGE.fullmatch(value))


def _is_type(value: str) -> bool:
    return not value or bool(key_blobs.TYPE_NAME.fullmatch(value))


def _is_account(value: str) -> bool:
    return not value or grammar.account(value)


def _is_prefix(value: str) -> bool:
    return not value or aliases.is_alias(value)
