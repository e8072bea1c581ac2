# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host answers, parsed once on the controller before anything there uses it. A host is believed about itself,
and only in exact shapes: what does not fit fails that host alone. Pure.

Sources: RFC 1123 (names), RFC 4253 section 6 (names of algorithms), useradd(8) (accounts), sshd(8) (public keys).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Dict, List, Mapping

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files

#: At most so many names or keys in one list; an image knows less than two hundred.
_MANY = 500
_NAME = re.compile(r"(?!-)[A-Za-z0-9_.-]{1,253}")
_ZONE = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}\$?")
_ALGORITHM = re.compile(r"[+^-]?[A-Za-z0-9][A-Za-z0-9@._+*?-]{0,127}")
_MODES = ("shell", "hop")


class BadAnswer(Exception):
    """A host answered in a shape that nothing of ours gives; the text names the field, never the value."""


def address(value: Any) -> bool:
    """Whether this is a host name or an IP address, an IPv6 one with a zone among them, and nothing else."""
    if not isinstance(value, str):
        return False
    plain, percent, zone = value.partition("%")
    try:
        return ipaddress.ip_address(plain).version == (6 if percent else ipaddress.ip_address(plain).version) and (
            not percent or bool(_ZONE.fullmatch(zone)))
    except ValueError:
        return bool(_NAME.fullmatch(value))


def public_key(value: Any) -> bool:
    """Whether this is a key type and its key in one line, and no more."""
    if not isinstance(value, str) or len(value.split(" ")) != 2:
        return False
    try:
        return key_files.parse_public(value).line == value
    except key_files.BadKey:
        return False


def port(value: Any, least: int = 1) -> bool:
    """Whether this is the number of a port."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 65536


def account(value: Any) -> bool:
    """Whether this may be the name of an account."""
    return isinstance(value, str) and bool(_ACCOUNT.fullmatch(value))


def algorithm(value: Any) -> bool:
    """Whether this may be the name of an algorithm, or a pattern of names."""
    return isinstance(value, str) and bool(_ALGORITHM.fullmatch(value))


def client(found: Any) -> Dict[str, Any]:
    """What ``client_facts.read`` gives: what a host's clients have to know of it.

    :returns: the same; empty where nothing is deployed.
    :raises BadAnswer: it has another shape.
    """
    if found == {}:
        return {}
    row = _row(found, ("port", "user", "mode", "offer", "keys", "hop_address", "hop_port", "hop_keys"))
    _check("port", port(row["port"]))
    _check("user", account(row["user"]))
    _check("mode", row["mode"] in _MODES)
    _check("hop_address", address(row["hop_address"]))
    _check("hop_port", port(row["hop_port"], 0))
    keys("keys", row["keys"])
    keys("hop_keys", row["hop_keys"])
    offer("offer", row["offer"])
    return row


def look(found: Any) -> None:
    """The parts of a look that are written into files of the controller, or decide who is trusted there.

    :raises BadAnswer: one has another shape.
    """
    row = found if isinstance(found, Mapping) else {}
    keys("pins", row.get("pins"))
    offer("offer", row.get("offer"))
    offer("knows", row.get("knows"))
    target = _row(row.get("hop_target"), ("address", "port"))
    _check("hop_target", address(target["address"]) and port(target["port"], 0))


def keys(name: str, value: Any) -> List[str]:
    """A list of public keys.

    :raises BadAnswer: it is none.
    """
    _check(name, isinstance(value, list) and len(value) <= _MANY and all(map(public_key, value)))
    return list(value)


def offer(name: str, value: Any) -> Dict[str, Any]:
    """Lists of algorithms, as ``policy.offer`` gives them.

    :raises BadAnswer: it is none.
    """
    row = _row(value, ("kex", "host_keys", "pubkeys"), name)
    for part, names in row.items():
        fits = isinstance(names, list) and len(names) <= _MANY and all(map(algorithm, names))
        _check("%s.%s" % (name, part), fits)
    return row


def _row(value: Any, names: "tuple[str, ...]", what: str = "its answer") -> Dict[str, Any]:
    _check(what, isinstance(value, dict) and set(value) == set(names))
    return dict(value)


def _check(name: str, fits: bool) -> None:
    if not fits:
        raise BadAnswer("the host's answer cannot be believed: %s is not of the form that it must have" % name)
