# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Just enough of ssh_config and sshd_config, and of algorithm names, to look at an image."""

from __future__ import annotations

import re

ALIASES = {"pubkeyacceptedalgorithms": "pubkeyacceptedkeytypes"}
# Everything else that a server offers is taken for post-quantum: names of new algorithms are not known here.
CLASSICAL_KEX = re.compile(r"(curve25519-sha256|curve448-sha512)(@libssh\.org)?\Z|ecdh-sha2-|diffie-hellman-|gss-")
CLASSICAL_KEY = re.compile(
    r"(ssh-ed25519|ssh-ed448|ssh-rsa|ssh-dss)(-cert.*|@.*)?\Z|ecdsa-sha2-|rsa-sha2-|sk-|webauthn-sk-"
)


def values(text: str, keyword: str) -> list[str]:
    """The values of a keyword's lines that begin in column 0, in the order of the file."""
    wanted = ALIASES.get(keyword.lower(), keyword.lower())
    found = []
    for line in text.splitlines():
        match = re.match(r"([A-Za-z0-9]+)(?:[ \t]*=[ \t]*|[ \t]+)(.*?)[ \t]*\Z", line)
        if match and ALIASES.get(match.group(1).lower(), match.group(1).lower()) == wanted:
            found.append(match.group(2).strip('"'))
    return found


def names(text: str, keyword: str) -> list[str]:
    """The algorithm names of a keyword's first line."""
    found = values(text, keyword)
    return [name for name in found[0].lstrip("+-^").split(",") if name] if found else []


def classical_kex(name: str) -> bool:
    """Is this key exchange known to be without a post-quantum part?"""
    return bool(CLASSICAL_KEX.match(name))


def classical_key(name: str) -> bool:
    """Is this key or signature type known to be without a post-quantum part?"""
    return bool(CLASSICAL_KEY.match(name))


def unknown(text: str, kex: list[str], keys: list[str]) -> list[str]:
    """Algorithm names in a configuration that the programs do not know."""
    missing = [name for name in names(text, "KexAlgorithms") if name not in kex]
    for keyword in ("HostKeyAlgorithms", "PubkeyAcceptedKeyTypes"):
        missing += [name for name in names(text, keyword) if name not in keys and name not in missing]
    return missing
