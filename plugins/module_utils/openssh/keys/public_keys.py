# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Public keys that another machine names: a type and its key in one line, and no more (sshd(8)). Pure."""

from __future__ import annotations

from typing import Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files


def is_public_key(value: str) -> bool:
    """Whether this is a key type and its key in one line, and no more."""
    if len(value.split(" ")) != 2:
        return False
    try:
        return key_files.parse_public(value).line == value
    except key_files.BadKey:
        return False


def parse(name: str, value: object) -> Tuple[str, ...]:
    """A list of public keys from JSON.

    :param name: of the field, for the error.
    :raises BadShape: it is none.
    """
    return shape.texts(name, value, is_public_key)
