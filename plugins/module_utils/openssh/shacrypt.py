# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SHA-crypt (``$5$`` and ``$6$``), and crypt(3) of the host through ctypes.

Sources: Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512" (version 0.4, 2008); crypt(5).
Python's own ``crypt`` module is gone since 3.13, and targets get no library installed.
"""

from __future__ import annotations

import ctypes
import hashlib
import re
import threading
from typing import Callable, List, Optional

_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SETTING = re.compile(r"\$(?P<method>[56])\$(?:rounds=(?P<rounds>[0-9]{1,9})\$)?(?P<salt>[^$:\n]{0,16})")
DEFAULT_ROUNDS = 5000
LEAST_ROUNDS = 1000
MOST_ROUNDS = 9999999
"""What musl's crypt accepts at most; the specification allows 999,999,999."""

LONGEST_PASSWORD = 256
"""Bytes. musl's crypt refuses longer ones, libxcrypt those over 512."""

_CRYPT_SECONDS = 20.0
_CRYPT_DATA = 1 << 18
_LIBRARIES = ("libcrypt.so.1", "libcrypt.so.2", "libcrypt.so", None)
# Costs above these would keep a host busy for minutes: the hash may come from a container that is not trusted.
_BEARABLE = re.compile(r"\$2[abxy]\$(0[4-9]|1[0-6])\$|\$g?y\$[./0-9A-Za-z][./0-9A-D]|\$[1567]|\$(sha1|md5)|[^$]")


def _order(method: str) -> List[int]:
    """In which order the bytes of the digest are written, in groups of three (the last group is shorter)."""
    steps = 10 if method == "5" else 21
    indexes: List[int] = []
    first, second, third = 0, steps, 2 * steps
    for _count in range(steps):
        indexes += [first, second, third]
        if method == "5":
            first, second, third = third + 1, first + 1, second + 1
        else:
            first, second, third = second + 1, third + 1, first + 1
    return indexes + ([31, 30] if method == "5" else [63])


def _encode(digest: bytes, method: str) -> str:
    order = _order(method)
    text = ""
    for start in range(0, len(order), 3):
        group = [digest[index] for index in order[start:start + 3]]
        # The short last group is written with its bytes at the low end.
        value = int.from_bytes(bytes(group), "big")
        for _count in range(len(group) + 1):
            text += _ALPHABET[value & 63]
            value >>= 6
    return text


def _spread(digest: bytes, length: int) -> bytes:
    return (digest * (length // len(digest) + 1))[:length]


def _digest(password: bytes, salt: bytes, rounds: int, new: Callable[..., hashlib._Hash]) -> bytes:
    """Steps 1 to 21 of the specification."""
    other = new(password + salt + password).digest()
    start = new(password + salt + _spread(other, len(password)))
    bits = len(password)
    while bits:
        start.update(other if bits & 1 else password)
        bits >>= 1
    digest = start.digest()
    word = _spread(new(password * len(password)).digest(), len(password))
    grain = _spread(new(salt * (16 + digest[0])).digest(), len(salt))
    # What is put around the digest repeats every 42 rounds (2, 3 and 7): prepared once, which halves the time.
    around = []
    for count in range(42):
        middle = (grain if count % 3 else b"") + (word if count % 7 else b"")
        around.append((word + middle, b"") if count & 1 else (b"", middle + word))
    for count in range(rounds):
        before, after = around[count % 42]
        digest = new(before + digest + after).digest()
    return digest


def sha_crypt(password: bytes, setting: str) -> Optional[str]:
    """Hash a password in pure Python.

    :param setting: a hash or the start of one: ``$6$salt`` or ``$5$rounds=N$salt``; N is taken into 1000 to 999999999.
    :returns: the whole hash, or None when the method is another one or the rounds are more than ``MOST_ROUNDS``.

    5000 rounds take a few milliseconds, 200,000 about half a second: ten to twenty times the time of libcrypt.
    """
    found = _SETTING.match(setting)
    if not found:
        return None
    method, given = found.group("method"), found.group("rounds")
    rounds = max(int(given), LEAST_ROUNDS) if given else DEFAULT_ROUNDS
    if rounds > MOST_ROUNDS:
        return None
    salt = found.group("salt")
    new = hashlib.sha256 if method == "5" else hashlib.sha512
    digest = _digest(password, salt.encode("utf-8", "surrogateescape"), rounds, new)
    head = "$%s$%s%s$" % (method, "rounds=%d$" % rounds if given else "", salt)
    return head + _encode(digest, method)


def _load() -> Optional[Callable[[bytes, bytes, object], object]]:
    """The reentrant crypt of the host, or None where there is none (musl has it in its libc)."""
    for name in _LIBRARIES:
        try:
            function = ctypes.CDLL(name).crypt_r
        except (OSError, AttributeError):
            continue
        function.restype = ctypes.c_char_p
        function.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p]
        loaded: Callable[[bytes, bytes, object], object] = function
        return loaded
    return None


def lib_crypt(password: bytes, setting: str) -> Optional[str]:
    """Hash a password with crypt_r(3) of the host.

    :returns: the whole hash; None when there is no library, it does not know the method, the cost is out of reason,
        or 20 seconds have passed.
    """
    wanted = setting.encode("utf-8", "surrogateescape")
    rounds = _SETTING.match(setting)
    if b"\0" in password + wanted or not _BEARABLE.match(setting):
        return None
    if rounds and int(rounds.group("rounds") or 0) > MOST_ROUNDS:
        return None
    results: List[object] = []

    def work() -> None:
        function = _load()
        if function is not None:
            # Larger than any library's struct crypt_data (glibc 131,232 bytes, libxcrypt 32,768), and zeroed.
            results.append(function(password, wanted, ctypes.create_string_buffer(_CRYPT_DATA)))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(_CRYPT_SECONDS)
    result = results[0] if results else None
    # crypt(3): failure is NULL or a "failure token" that starts with an asterisk.
    if not isinstance(result, bytes) or result[:1] in (b"", b"*"):
        return None
    return result.decode("utf-8", "surrogateescape")


def crypt(password: bytes, setting: str) -> Optional[str]:
    """Hash a password by the host's library, else by our own SHA-crypt; None when neither knows the method."""
    return lib_crypt(password, setting) or sha_crypt(password, setting)
