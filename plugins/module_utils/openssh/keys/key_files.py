# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""OpenSSH key files of any type, also of types nobody has heard of: public lines, private containers, file names.

Pure: bytes in, values out. Sources: RFC 4253 section 6.6 and RFC 4251 section 5 (framing), sshd(8) and
ssh-keygen(1) (lines), PROTOCOL.key of OpenSSH (the private container ``openssh-key-v1``).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys.key_blobs import (
    TYPE_NAME,
    BadKey,
    blob_type,
    decode_blob,
    fingerprint,
    wire_fields,
    wire_string,
)

__all__ = [
    "BadKey", "PairState", "PublicKey", "algorithm_of", "blob_type", "decode_blob", "fingerprint", "host_key_name",
    "identity_name", "is_encrypted", "key_type", "pair_state", "parse_public", "public_from_private", "same_algorithm",
]

_MAGIC = b"openssh-key-v1\0"
_BEGIN, _END = b"-----BEGIN OPENSSH PRIVATE KEY-----", b"-----END OPENSSH PRIVATE KEY-----"
_PEM = re.compile(
    rb"-----BEGIN (?P<kind>(?:(?:RSA|DSA|EC|ENCRYPTED) )?PRIVATE KEY)-----\r?\n"
    rb"(?P<body>.*?)-----END (?P=kind)-----", re.S)
_HOST_KEY = re.compile(r"ssh_host_(?P<algorithm>.+)_key(?:\.pub)?")
_IDENTITY = re.compile(r"id_(?P<algorithm>.+?)(?:\.pub)?")
_ALGORITHM = re.compile(r"[A-Za-z0-9][A-Za-z0-9.@_+-]*")

_SHORT_NAMES = {
    "rsa": "ssh-rsa", "dsa": "ssh-dss", "ed25519": "ssh-ed25519", "ecdsa": "ecdsa-sha2-nistp256",
    "ed25519_sk": "sk-ssh-ed25519@openssh.com", "ecdsa_sk": "sk-ecdsa-sha2-nistp256@openssh.com",
}

# Their private parts consist of strings only, the public part's among them (PROTOCOL.key, tested with real files).
_WELL_KNOWN = frozenset((
    "ssh-ed25519", "ssh-rsa", "ssh-dss", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "ssh-mldsa44-ed25519",
))


class PublicKey(NamedTuple):
    """A public key: its type as in the file, the wire-format blob, and the comment (may be empty)."""

    type: str
    blob: bytes
    comment: str

    @property
    def line(self) -> str:
        """The line of a ``.pub`` file, without its end."""
        text = "%s %s" % (self.type, base64.b64encode(self.blob).decode("ascii"))
        return text + (" " + self.comment if self.comment else "")

    @property
    def fingerprint(self) -> str:
        """As ``ssh-keygen -l`` prints it."""
        return fingerprint(self.blob)


class PairState(NamedTuple):
    """``missing``, ``half``, ``damaged``, ``mismatch`` or ``good``; why; and the public key as far as it is known."""

    state: str
    reason: str
    key: Optional[PublicKey]


def _means(word: str, inner: str) -> bool:
    """Whether OpenSSH takes a word for a type: it also knows short names, in any case (``ED25519``)."""
    plain = word.lower().replace("-", "_")
    return word == inner or _SHORT_NAMES.get(plain) == inner or (
        len(plain) > 2 and plain.replace("_", "") in inner.replace("-", "").lower())


def parse_public(line: str, strict: bool = True) -> PublicKey:
    """Parse a line ``TYPE BASE64 [COMMENT]`` of any type.

    The type must be the one the blob itself names. Options in front (authorized_keys) are not accepted here.

    :param strict: no other spelling of the type; without, those that OpenSSH itself accepts.
    :raises BadKey: empty, several lines, a private key, or one of the errors of the framing.
    """
    if "PRIVATE KEY" in line:
        raise BadKey("this is a private key: give the public half (the .pub file)")
    text = line.strip("\r\n \t")
    if not text:
        raise BadKey("the line is empty")
    if any(char in text for char in "\n\r\0"):
        raise BadKey("a key is one line; this has a line end or NUL inside")
    fields = re.split(r"[ \t]+", text, maxsplit=2)
    if len(fields) < 2 or not TYPE_NAME.fullmatch(fields[0]):
        raise BadKey("a public key is written as: TYPE BASE64 COMMENT")
    blob = decode_blob(fields[1])
    inner = blob_type(blob)
    if inner != fields[0] and (strict or not _means(fields[0], inner)):
        raise BadKey("the line says %s, the key itself %s" % (fields[0], inner))
    return PublicKey(inner, blob, fields[2] if len(fields) > 2 else "")


class _Container(NamedTuple):
    """What of a private container lies in clear: cipher, public blob, and the part that may be encrypted."""

    cipher: str
    blob: bytes
    private: bytes


def _container(data: bytes) -> Optional[_Container]:
    """Read ``openssh-key-v1``; None when the data is not of this format at all.

    :raises BadKey: it is, but damaged.
    """
    start = data.find(_BEGIN)
    if start < 0 or data[:start].strip():
        return None
    end = data.find(_END, start)
    if end < 0:
        raise BadKey("it is cut off: the END line is missing")
    try:
        raw = base64.b64decode(b"".join(data[start + len(_BEGIN):end].split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadKey("its content is not base64") from None
    if not raw.startswith(_MAGIC):
        raise BadKey("it does not begin as openssh-key-v1")
    cipher, position = wire_string(raw, len(_MAGIC))
    _kdf, position = wire_string(raw, position)
    _kdf_options, position = wire_string(raw, position)
    if raw[position:position + 4] != b"\0\0\0\1":
        raise BadKey("it does not hold exactly one key")
    blob, position = wire_string(raw, position + 4)
    private, position = wire_string(raw, position)
    # Authenticated ciphers put their tag behind the last string.
    if position != len(raw) and (cipher == b"none" or len(raw) - position > 16):
        raise BadKey("there are bytes after its end")
    return _Container(cipher.decode("ascii", "replace"), blob, private)


def _check_clear(found: _Container) -> str:
    """Check the private part of a container without passphrase; returns the comment, as far as it can be found.

    Types we know in full are checked in full: what the public part holds must be in the private part. Of others (they
    may hold more than strings) only the check numbers and the type: a key we do not understand is not called damaged.
    """
    part = found.private
    if len(part) < 8 or len(part) % 8 or part[:4] != part[4:8]:
        raise BadKey("its check numbers or length are wrong")
    kind, position = wire_string(part, 8)
    name = kind.decode("ascii", "replace")
    if name != blob_type(found.blob):
        raise BadKey("its private part is of another type than its public part")
    try:
        fields, _padding = wire_fields(part, position)
        wanted, _nothing = wire_fields(found.blob, 4 + len(kind))
    except BadKey:
        if name in _WELL_KNOWN:
            raise BadKey("its private part is damaged") from None
        return ""
    if name in _WELL_KNOWN and (len(fields) <= len(wanted) or any(field not in fields[:-1] for field in wanted)):
        raise BadKey("its private part belongs to another public key")
    if name == "ssh-ed25519" and fields[1][32:] != fields[0]:
        raise BadKey("its private part is damaged")
    return fields[-1].decode("utf-8", "surrogateescape") if fields else ""


def public_from_private(data: bytes) -> Optional[PublicKey]:
    """The public half, which an OpenSSH private key file holds in clear even when it has a passphrase.

    :returns: None for the PEM formats, which do not. The comment is empty when the file has a passphrase.
    :raises BadKey: no private key at all, or a damaged one.
    """
    found = _container(data)
    if found is None:
        if _pem(data) is None:
            raise BadKey("it is not a private key file")
        return None
    name = blob_type(found.blob)
    comment = _check_clear(found) if found.cipher == "none" else ""
    return PublicKey(name, found.blob, comment.replace("\n", " ").strip())


def _pem(data: bytes) -> Optional[bytes]:
    """The body of a PEM private key with its headers, or None when it is none (or its base64 is damaged)."""
    found = _PEM.search(data)
    if not found:
        return None
    body = found.group("body").replace(b"\r\n", b"\n")
    sealed = b":" in body
    if sealed:
        # Headers of RFC 1421, then an empty line.
        body = body.split(b"\n\n", 1)[-1]
    try:
        content = base64.b64decode(b"".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    # What is encrypted in that old way is blocks of 8 or 16 bytes and nothing else is known of it.
    whole = len(content) % 8 == 0 if sealed else _is_sequence(content)
    return found.group(0) if whole and len(content) > 16 else None


def _is_sequence(content: bytes) -> bool:
    """Whether bytes are one SEQUENCE of DER (X.690, 8.1.3) from the first to the last, which no lost line leaves so."""
    size = content[1] - 128 if len(content) > 1 and content[1] > 128 else 0
    length = int.from_bytes(content[2:2 + size], "big") if size else sum(content[1:2])
    return content[:1] == b"\x30" and len(content) == 2 + size + length


def is_encrypted(data: bytes) -> bool:
    """Whether a private key file needs a passphrase.

    :raises BadKey: no private key at all, or a damaged one.
    """
    found = _container(data)
    if found is not None:
        return found.cipher != "none"
    text = _pem(data)
    if text is None:
        raise BadKey("it is not a private key file")
    return b"BEGIN ENCRYPTED" in text or b"Proc-Type: 4,ENCRYPTED" in text


def pair_state(private: Optional[bytes], public: Optional[bytes]) -> PairState:
    """Judge the two files of a key pair (None: the file is absent). The reason never contains the key."""
    if private is None and public is None:
        return PairState("missing", "neither half is there", None)
    key: Optional[PublicKey] = None
    fault = ""
    if public is not None:
        try:
            key = parse_public(public.decode("utf-8", "surrogateescape"))
        except BadKey as error:
            fault = "the public half is damaged: %s" % error
    if private is None:
        return PairState("half", "the private half is missing", key)
    try:
        inner = public_from_private(private)
    except BadKey as error:
        return PairState("damaged", "the private half is damaged: %s" % error, key)
    if public is None:
        return PairState("half", "the public half is missing", inner)
    if key is None:
        return PairState("damaged", fault, inner)
    if inner is None:
        return PairState("good", "a PEM file, whose halves cannot be compared", key)
    if inner.blob != key.blob:
        return PairState("mismatch", "the halves belong to different keys", inner)
    return PairState("good", "", key)


def key_type(algorithm: str) -> str:
    """The type a key of this algorithm has in its file: ``ed25519`` (ssh-keygen's name) is ``ssh-ed25519``,
    and the three RSA algorithms (RFC 8332) share ``ssh-rsa``."""
    if algorithm.startswith("rsa-sha2-"):
        return "ssh-rsa"
    return _SHORT_NAMES.get(algorithm.lower().replace("-", "_"), algorithm)


def _short(algorithm: str) -> str:
    """What the image puts into file names: its own names as they are, classical ones in their short form."""
    if not _ALGORITHM.fullmatch(algorithm):
        raise BadKey("%r is not the name of an algorithm" % algorithm)
    if algorithm.startswith("rsa-sha2-"):
        return "rsa"
    if algorithm.startswith("ecdsa-sha2-nistp"):
        return "ecdsa"
    for short, long in _SHORT_NAMES.items():
        if algorithm in (long, short, short.replace("_", "-")):
            return short
    return algorithm


def host_key_name(algorithm: str) -> str:
    """``ssh_host_<algorithm>_key``, as key-gen.sh of the image names and reads it.

    :raises BadKey: not a name (a slash, a blank ...).
    """
    return "ssh_host_%s_key" % _short(algorithm)


def identity_name(algorithm: str) -> str:
    """``id_<algorithm>``, as key-gen.sh of the image names and reads it.

    :raises BadKey: not a name.
    """
    return "id_" + _short(algorithm)


def algorithm_of(filename: str) -> Optional[str]:
    """The algorithm a host key's or identity's file name speaks of, without ``.pub``; None for other names.

    Some versions of the image wrote ``_`` for ``-`` in the name: compare with ``same_algorithm``.
    """
    name = filename.rsplit("/", 1)[-1]
    found = _HOST_KEY.fullmatch(name) or _IDENTITY.fullmatch(name)
    return found.group("algorithm") if found else None


def same_algorithm(first: str, second: str) -> bool:
    """Whether two names mean the same, over all versions of the image (``-`` or ``_`` or neither) and short forms."""
    plain = [re.sub("[-_]", "", key_type(_short(name)).lower()) for name in (first, second)]
    return plain[0] == plain[1]
