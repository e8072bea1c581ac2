# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Handshakes that a client made with a server, in the words of OpenSSH's own client. Pure."""

from __future__ import annotations

import re
from typing import Dict, NamedTuple, Optional

_SAID = {
    "kex": re.compile(r"^debug1: kex: algorithm: (\S+)", re.M),
    "host_key_algorithm": re.compile(r"^debug1: kex: host key algorithm: (\S+)", re.M),
    "cipher": re.compile(r"^debug1: kex: server->client cipher: (\S+)", re.M),
    "host_key": re.compile(r"^debug1: Server host key: \S+ (SHA256:\S+)", re.M),
    "server": re.compile(r"^debug1: Remote protocol version \S+, remote software version (.+?)\r?$", re.M),
    "authentication": re.compile(r"^debug1: Authentications that can continue: (\S+)", re.M),
}

#: How an sshd that has too much to do ends a connection before it is one: MaxStartups drops at random, and whoever
#: knocks at a port that is open to the world may be the reason (sshd_config(5)).
_TURNED_AWAY = re.compile("Connection (reset|closed) by|kex_exchange_identification|Exceeded MaxStartups")


class Handshake(NamedTuple):
    """What an OpenSSH client said of a handshake. ``ok``: the server proved to hold the pinned host key, and the key
    exchange was completed; else ``error`` says why not."""

    kex: str = ""
    host_key_algorithm: str = ""
    cipher: str = ""
    host_key: str = ""
    server: str = ""
    authentication: str = ""
    ok: bool = False
    error: str = ""


class Proof(NamedTuple):
    """The handshakes that were made: with the container's own sshd, and through the hop."""

    own: Optional[Handshake] = None
    hop: Optional[Handshake] = None

    def as_dicts(self) -> Dict[str, Dict[str, object]]:
        """As it travels: only those that were made."""
        return {name: dict(each._asdict()) for name, each in self._asdict().items() if each}


def said(text: str) -> Handshake:
    """What an OpenSSH client said of a handshake with ``-v``."""
    matches = {name: pattern.search(text) for name, pattern in _SAID.items()}
    found = {name: match.group(1) if match else "" for name, match in matches.items()}
    ok = bool(found["authentication"]) and "is known and matches the" in text
    last = [line for line in text.splitlines() if line.strip() and not line.startswith("debug")]
    error = "" if ok else (last[-1].strip() if last else "the client said nothing")
    return Handshake(ok=ok, error=error, **found)


def turned_away(handshake: Handshake) -> bool:
    """Whether the server had too much to do, or has had enough of this address: a later try may go well."""
    return bool(_TURNED_AWAY.search(handshake.error))
