# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines of shadow(5) and the hashes of crypt(5): find, replace, verify, make, and judge passwords.

Pure: bytes in, bytes out. No message ever contains a password or a hash.
"""

from __future__ import annotations

import hmac
import re
import secrets
from typing import Container, List, NamedTuple, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.shacrypt import LONGEST_PASSWORD, crypt

LOCKED = "*"
"""The hash of an account nobody can use by password. Never ``!``: sshd without PAM refuses such accounts even for keys
(``LOCKED_PASSWD_PREFIX``, sshd(8))."""

PUBLISHED = ("Pa55W0rd", "oqs.pw")
"""The passwords that the image and its documents made known to the world."""

ROUNDS = 200000
"""Of SHA-512. Measured: 65 ms by libcrypt, 0.3 s by our own code on a host that has no libcrypt."""

SHORTEST = 12
_SALT = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SOUND_HASH = re.compile(r"[!-9;-~]*")
# Rows of keys; the last two are where German and French keyboards have other neighbours.
_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "tzu", "aze")
# Beside those that are published, which also stand for "password".
_WORDS = ("passwort", "oqs", "openquantumsafe", "quantumsafe", "quantum", "openssh", "changeme", "letmein",
          "welcome", "secret", "default", "docker", "admin", "root", "test", "user", "login", "ssh")
_LEET = str.maketrans("0134578@$!", "oleastbasi")
_LEAST_EFFORT = 6


class ShadowError(UserError):
    """A shadow file lacks the user, or what should be put into it would break it."""


class Line(NamedTuple):
    """One line of shadow(5): its fields as bytes (the first is the user, the second the hash) and its line end."""

    fields: List[bytes]
    end: bytes


def parse(data: bytes) -> List[Line]:
    """Split a shadow file into lines; ``format_lines(parse(data)) == data`` for any bytes."""
    *whole, last = data.split(b"\n")
    return [Line(raw.split(b":"), b"\n") for raw in whole] + [Line(last.split(b":"), b"")]


def format_lines(lines: List[Line]) -> bytes:
    """The bytes of a shadow file."""
    return b"".join(b":".join(line.fields) + line.end for line in lines)


def _find(lines: List[Line], user: str) -> Optional[Line]:
    """The line that counts: getspnam(3) takes the first."""
    name = user.encode("utf-8", "surrogateescape")
    for line in lines:
        if line.fields[0] == name and len(line.fields) > 1:
            return line
    return None


def hash_of(data: bytes, user: str) -> Optional[str]:
    """The hash of a user in a shadow file; None when there is no line for that user."""
    line = _find(parse(data), user)
    return None if line is None else line.fields[1].decode("utf-8", "surrogateescape")


def with_hash(data: bytes, user: str, hashed: str, day: Optional[int] = None) -> bytes:
    """A shadow file in which the user has another hash; every other byte is as it was.

    :param hashed: of crypt(5), or ``LOCKED``.
    :param day: of the change, in days since 1970, for the third field. By default that field stays as it was, so that
        ageing rules neither start nor end by this.
    :raises ShadowError: no line for the user, or the hash has characters that no hash has (a colon, a line end).
    """
    if not _SOUND_HASH.fullmatch(hashed):
        raise ShadowError("the hash for user %r has characters that a shadow file cannot hold" % user)
    lines = parse(data)
    line = _find(lines, user)
    if line is None:
        raise ShadowError("there is no user %r in the shadow file" % user)
    line.fields[1] = hashed.encode("ascii")
    if day is not None and len(line.fields) > 2:
        line.fields[2] = b"%d" % day
    return format_lines(lines)


def is_locked(hashed: str) -> bool:
    """Whether no password can match, by the conventions of shadow(5): ``*``, ``!`` and whatever begins so."""
    return hashed.startswith(("*", "!"))


def verify(password: str, hashed: str) -> Optional[bool]:
    """Whether a password matches a hash, by that hash's own method, salt and cost.

    :returns: None when the method is unknown on this host, its cost is out of reason, or it is no hash at all.
    """
    if is_locked(hashed):
        return False
    if hashed == "":
        return password == ""
    secret = password.encode("utf-8", "surrogateescape")
    if b"\0" in secret:
        return False
    found = crypt(secret, hashed)
    if found is None:
        return None
    return hmac.compare_digest(found.encode("utf-8", "surrogateescape"), hashed.encode("utf-8", "surrogateescape"))


def make_hash(password: str, rounds: int = ROUNDS) -> str:
    """A SHA-512 hash with a fresh salt of 96 bits: the strongest method that every image can check (musl knows no
    yescrypt).

    :param rounds: 1000 to 9999999 (musl's limit); the time of each login grows with them.
    :raises ShadowError: the password cannot be used at all, or the rounds are out of range.
    """
    reason = _impossible(password)
    if reason:
        raise ShadowError("the password %s" % reason)
    if not 1000 <= rounds <= 9999999:
        raise ShadowError("%d rounds: must be 1000 to 9999999" % rounds)
    salt = "".join(secrets.choice(_SALT) for _count in range(16))
    found = crypt(password.encode("utf-8"), "$6$rounds=%d$%s$" % (rounds, salt))
    if found is None:
        raise ShadowError("neither libcrypt nor our own code could make a SHA-512 hash")
    return found


def state_of(hashed: str, known: Container[str] = ()) -> str:
    """What a hash means for the world.

    :param known: hashes that were made from checked passwords: they need no trial (two trials cost 130 ms).
    :returns: ``locked``, ``empty`` (anybody gets in), ``published`` (matches a password the world knows) or ``set``.
    """
    if is_locked(hashed):
        return "locked"
    if hashed == "":
        return "empty"
    if hashed not in known and any(verify(password, hashed) for password in PUBLISHED):
        return "published"
    return "set"


def _impossible(password: str) -> Optional[str]:
    """Why a password cannot work with every program on the way, whatever its strength."""
    if any(ord(char) < 32 or ord(char) == 127 for char in password):
        return "contains a line end, a NUL or another control character, which cannot be typed at a prompt"
    try:
        size = len(password.encode("utf-8"))
    except UnicodeEncodeError:
        return "contains bytes that are not UTF-8"
    if size > LONGEST_PASSWORD:
        return "is longer than %d bytes, which the image cannot check" % LONGEST_PASSWORD
    return None


def _adjacent(first: str, second: str) -> bool:
    """Whether a character follows from the one before it: the same, the next in the alphabet or on the keyboard."""
    if abs(ord(first) - ord(second)) <= 1:
        return True
    return any(first + second in row or second + first in row for row in _ROWS)


def _effort(text: str) -> int:
    """How many characters one has to think of: repeated units count once, runs and rows count one."""
    for unit in range(1, len(text) // 2 + 1):
        if (text[:unit] * (len(text) // unit + 1)).startswith(text):
            text = text[:unit]
            break
    runs = sum(1 for first, second in zip(text, text[1:]) if not _adjacent(first, second))
    return min(len(set(text)), runs + 1)


def _without_words(text: str, words: Sequence[str]) -> str:
    """Take well-known words out, also when letters are replaced by digits that look alike."""
    plain = text.translate(_LEET)
    for word in words:
        for shape in (word, word.translate(_LEET)):
            while len(shape) > 2 and shape in plain:
                start = plain.index(shape)
                plain = plain[:start] + plain[start + len(shape):]
                text = text[:start] + text[start + len(shape):]
    return text


def weakness(password: str, user: str) -> Optional[str]:
    """Why a password must be refused, as the end of a sentence ("the password ..."); None when it will do.

    This stops accidents (published, empty, short, patterned), it is no measure of strength. The reason never contains
    any part of the password.
    """
    if not password:
        return "is empty"
    reason = _impossible(password)
    if reason:
        return reason
    folded = password.strip().lower()
    if folded in [published.lower() for published in PUBLISHED]:
        return "is one that the image's documents made known to the world"
    if len(password) < SHORTEST:
        return "has fewer than %d characters (%d)" % (SHORTEST, len(password))
    if _effort(folded) < _LEAST_EFFORT:
        return "is a simple pattern (a repetition, a sequence or a row of keys)"
    words = (user.lower(), *(published.lower() for published in PUBLISHED), *_WORDS)
    if _effort(_without_words(folded, words)) < _LEAST_EFFORT:
        return "consists of little more than well-known words"
    return None
