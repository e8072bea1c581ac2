# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an image says of itself when the entry asks it (``entry facts``). Pure."""

from __future__ import annotations

import re
from typing import Any, Dict, List

_HOME = re.compile(r"/[A-Za-z0-9._/-]{1,255}")
_UID = re.compile(r"[0-9]{1,10}")
_UNKNOWN = re.compile(r"[Bb]ad configuration option: (\S+)")


class NotAnImage(Exception):
    """The answer lacks something without which the image cannot serve; the text says what."""


def parse(text: str, user: str) -> Dict[str, Any]:
    """The parts of the answer as a dictionary.

    :param user: the account that must be there.
    :returns: openssh (version text), kex, key, sig (lists of names), user (name, uid, home), sshd_config, ssh_config,
        unknown_keywords (lower case), refuses (what the client says against its own configuration).
    :raises NotAnImage: no OpenSSH at the expected place, or no such account.
    """
    parts: Dict[str, str] = {}
    for part in ("\n" + text).split("\n== ")[1:]:
        name, _newline, body = part.partition("\n")
        parts[name] = body
    found: Dict[str, Any] = {name: _lines(parts.get(name, "")) for name in ("kex", "key", "sig", "user")}
    if not found["kex"]:
        raise NotAnImage("it has no OpenSSH client at /opt/oqs-ssh/bin/ssh that answers")
    if len(found["user"]) != 3:
        raise NotAnImage("it has no account %s (oqs_ssh_user)" % user)
    if not _is_account(found["user"]):
        raise NotAnImage("its account %s has a uid or a home folder that cannot be used" % user)
    found["sig"] = sorted(set(found["sig"]) | set(_lines(parts.get("key-sig", ""))))
    found["openssh"] = parts.get("version", "").strip()
    for name in ("sshd_config", "ssh_config"):
        found[name] = parts.get(name, "")
        if not found[name].strip():
            raise NotAnImage("it has no /opt/oqs-ssh/%s" % name)
    found["unknown_keywords"] = sorted({name.lower() for name in _UNKNOWN.findall(parts.get("keywords", ""))})
    found["refuses"] = parts.get("refuses", "").strip()
    return found


def is_whole(found: Any) -> bool:
    """Whether this is what :func:`parse` gave and the caller stored: with the engine's id, and all of it or no more."""
    if not isinstance(found, dict) or not isinstance(found.get("engine_id"), str):
        return False
    lists = all(
        isinstance(found.get(name), list) and all(isinstance(word, str) for word in found[name])
        for name in ("kex", "key", "sig", "user", "unknown_keywords")
    )
    texts = all(isinstance(found.get(name), str) for name in ("sshd_config", "ssh_config", "openssh"))
    return set(found) == {"engine_id"} or bool(lists and texts and _is_account(found["user"]))


def _is_account(words: List[str]) -> bool:
    """Whether this is a name, a uid and a home folder that may stand in ``--mount``; an image may say anything."""
    if len(words) != 3 or not _UID.fullmatch(words[1]):
        return False
    return bool(_HOME.fullmatch(words[2])) and ".." not in words[2].split("/")


def _lines(text: str) -> List[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
