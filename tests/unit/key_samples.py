# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Key files for tests: invented ones of any type, and real ones by the host's ssh-keygen."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
from functools import lru_cache
from typing import Sequence, Tuple

import pytest

SSH_KEYGEN = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="this host has no ssh-keygen")


def framed(*parts: bytes) -> bytes:
    """Strings of RFC 4251."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def public_line(kind: str = "ssh-novel512@example.org", seed: bytes = b"seed", comment: str = "") -> str:
    """A public line of any type, also of one that does not exist."""
    text = "%s %s" % (kind, base64.b64encode(framed(kind.encode(), seed * 8)).decode())
    return text + (" " + comment if comment else "")


def private_file(
    kind: str = "ssh-novel512@example.org",
    seed: bytes = b"seed",
    comment: str = "a comment",
    fields: Sequence[bytes] = (b"one", b"two"),
    cipher: bytes = b"none",
    extra: bytes = b"",
) -> bytes:
    """A private file whose public part is that of ``public_line``."""
    blob = framed(kind.encode(), seed * 8)
    part = b"\x01\x02\x03\x04" * 2 + framed(kind.encode(), *fields, comment.encode()) + extra
    part += bytes(range(1, 9))[: -len(part) % 8]
    raw = b"openssh-key-v1\0" + framed(cipher, b"none", b"") + b"\0\0\0\1" + framed(blob, part)
    body = base64.encodebytes(raw)
    return b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + body + b"-----END OPENSSH PRIVATE KEY-----\n"


@lru_cache(maxsize=None)
def real_pair(
    kind: str = "ed25519", passphrase: str = "", form: str = "", comment: str = "some body"
) -> Tuple[bytes, bytes]:
    """A pair by the host's own ssh-keygen; skips the test when it does not know the type."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "key")
        argv = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", comment, "-f", path]
        if form:
            argv += ["-m", form]
        if subprocess.run(argv, capture_output=True, check=False, timeout=60).returncode:
            pytest.skip("ssh-keygen here does not make %s" % kind)
        with open(path, "rb") as private, open(path + ".pub", "rb") as public:
            return private.read(), public.read()
