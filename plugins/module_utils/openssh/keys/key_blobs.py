# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Public key blobs as SSH writes them: strings with a length, in base64, with a fingerprint.

Pure. Sources: RFC 4251 section 5 and RFC 4253 section 6.6 (framing), ssh-keygen(1) (fingerprint).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import List, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError

TYPE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.@_+-]{0,99}")


class BadKey(UserError):
    """Text or bytes that are no key. The message says what is wrong and never contains the key."""


def wire_string(data: bytes, start: int) -> Tuple[bytes, int]:
    """One string of RFC 4251 (four bytes of length, then content) and where the next begins."""
    if len(data) - start < 4:
        raise BadKey("it ends within a length field")
    size = int.from_bytes(data[start:start + 4], "big")
    end = start + 4 + size
    if end > len(data):
        raise BadKey("it is cut off: a field of %d bytes has only %d" % (size, len(data) - start - 4))
    return data[start + 4:end], end


def fingerprint(blob: bytes) -> str:
    """``SHA256:`` and the unpadded base64 of the blob's hash, as ssh-keygen(1) prints it."""
    digest = hashlib.sha256(blob).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def blob_type(blob: bytes) -> str:
    """The type a key blob says it has (its first string), after checking that the blob consists of whole strings.

    Security keys and unknown types may hold other fields than strings; those are not checked beyond the first.
    :raises BadKey: framing is broken or the type is no name.
    """
    name, position = wire_string(blob, 0)
    try:
        text = name.decode("ascii")
    except UnicodeDecodeError:
        raise BadKey("its type is not a name") from None
    if not TYPE_NAME.fullmatch(text):
        raise BadKey("its type is not a name")
    if position == len(blob):
        raise BadKey("it holds nothing but its type")
    if "-cert" not in text and not text.startswith("sk-"):
        while position < len(blob):
            _content, position = wire_string(blob, position)
    return text


def decode_blob(text: str) -> bytes:
    """The bytes of the base64 field of a public line.

    :raises BadKey: not strict base64.
    """
    try:
        # OpenSSH's own decoder skips what isspace(3) calls blank.
        return base64.b64decode(re.sub("[\\r\\v\\f]", "", text).encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise BadKey("its second field is not base64, or was cut off") from None


def wire_fields(data: bytes, position: int) -> Tuple[List[bytes], bytes]:
    """The strings of a private part from position on, and the padding (1, 2, 3 ...) that follows them.

    :raises BadKey: neither strings nor padding.
    """
    fields: List[bytes] = []
    while position < len(data):
        rest = data[position:]
        if len(rest) < 8 and rest == bytes(range(1, len(rest) + 1)):
            return fields, rest
        content, position = wire_string(data, position)
        fields.append(content)
    return fields, b""
