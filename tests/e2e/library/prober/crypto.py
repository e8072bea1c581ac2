# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the prober needs of OpenSSL's libcrypto (3.5 or newer), by ctypes: nothing has to be installed for it.

Only the client's half of a key exchange, one cipher and one signature. Keys live for one connection; nothing here is
meant for more than tests.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from typing import Any, Optional, Tuple

ED25519 = 1087  # its NID in obj_mac.h
_CTRL_AEAD_GET_TAG, _CTRL_AEAD_SET_TAG = 0x10, 0x11  # evp.h
TAG = 16


class CryptoError(Exception):
    """libcrypto refused something: the peer's bytes are no key, or a tag does not fit."""


def _load() -> Any:
    library = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
    for name in ("EVP_PKEY_Q_keygen", "EVP_PKEY_new_raw_private_key", "EVP_PKEY_CTX_new",
                 "EVP_PKEY_CTX_new_from_pkey", "EVP_CIPHER_CTX_new", "EVP_aes_256_gcm", "EVP_MD_CTX_new",
                 "EVP_PKEY_dup"):
        getattr(library, name).restype = ctypes.c_void_p
    return library


_lib = _load()


class Key:
    """An EVP_PKEY that is freed with this object."""

    def __init__(self, handle: Optional[int]) -> None:
        if not handle:
            raise CryptoError("no key")
        self.handle = ctypes.c_void_p(handle)

    def __del__(self) -> None:
        if _lib is not None:
            _lib.EVP_PKEY_free(self.handle)

    @classmethod
    def make(cls, kind: str, curve: str = "") -> Key:
        """A new key. :param kind: ML-KEM-768, X25519, or EC with a curve."""
        words = [curve.encode()] if curve else []
        return cls(_lib.EVP_PKEY_Q_keygen(None, None, kind.encode(), *words))

    @property
    def public(self) -> bytes:
        """The public half as it goes over the wire (a point not compressed)."""
        size = ctypes.c_size_t()
        name = b"encoded-pub-key"
        _good(_lib.EVP_PKEY_get_octet_string_param(self.handle, name, None, ctypes.c_size_t(0), ctypes.byref(size)))
        out = ctypes.create_string_buffer(size.value)
        _good(_lib.EVP_PKEY_get_octet_string_param(self.handle, name, out, size, ctypes.byref(size)))
        return out.raw[:size.value]

    def decapsulate(self, ciphertext: bytes) -> bytes:
        """ML-KEM: the secret in a ciphertext."""
        context = ctypes.c_void_p(_lib.EVP_PKEY_CTX_new_from_pkey(None, self.handle, None))
        try:
            _good(_lib.EVP_PKEY_decapsulate_init(context, None))
            out, size = ctypes.create_string_buffer(32), ctypes.c_size_t(32)
            _good(_lib.EVP_PKEY_decapsulate(
                context, out, ctypes.byref(size), ciphertext, ctypes.c_size_t(len(ciphertext))))
            return out.raw[:size.value]
        finally:
            _lib.EVP_PKEY_CTX_free(context)

    def agree(self, public: bytes) -> bytes:
        """Diffie-Hellman with a peer's public key of the same kind."""
        peer = Key(_lib.EVP_PKEY_dup(self.handle))
        _good(_lib.EVP_PKEY_set1_encoded_public_key(peer.handle, public, ctypes.c_size_t(len(public))))
        context = ctypes.c_void_p(_lib.EVP_PKEY_CTX_new(self.handle, None))
        try:
            _good(_lib.EVP_PKEY_derive_init(context))
            _good(_lib.EVP_PKEY_derive_set_peer(context, peer.handle))
            out, size = ctypes.create_string_buffer(64), ctypes.c_size_t(64)
            _good(_lib.EVP_PKEY_derive(context, out, ctypes.byref(size)))
            return out.raw[:size.value]
        finally:
            _lib.EVP_PKEY_CTX_free(context)


def _good(code: int) -> None:
    if code != 1:
        _lib.ERR_clear_error()
        raise CryptoError("libcrypto says no")


class Signer:
    """An ed25519 identity."""

    def __init__(self, seed: bytes) -> None:
        """:param seed: 32 bytes, the private key."""
        self.key = Key(_lib.EVP_PKEY_new_raw_private_key(ED25519, None, seed, ctypes.c_size_t(len(seed))))
        out, size = ctypes.create_string_buffer(32), ctypes.c_size_t(32)
        _good(_lib.EVP_PKEY_get_raw_public_key(self.key.handle, out, ctypes.byref(size)))
        self.public = out.raw

    def sign(self, message: bytes) -> bytes:
        """The signature of a message (RFC 8032)."""
        context = ctypes.c_void_p(_lib.EVP_MD_CTX_new())
        try:
            _good(_lib.EVP_DigestSignInit(context, None, None, None, self.key.handle))
            out, size = ctypes.create_string_buffer(64), ctypes.c_size_t(64)
            _good(_lib.EVP_DigestSign(context, out, ctypes.byref(size), message, ctypes.c_size_t(len(message))))
            return out.raw
        finally:
            _lib.EVP_MD_CTX_free(context)


class Cipher:
    """AES-256-GCM of one direction, its counter as in RFC 5647."""

    def __init__(self, key: bytes, iv: bytes, encrypt: bool) -> None:
        self.key, self.fixed, self.counter = key, iv[:4], int.from_bytes(iv[4:12], "big")
        self.encrypt = encrypt
        self.context = ctypes.c_void_p(_lib.EVP_CIPHER_CTX_new())

    def __del__(self) -> None:
        if _lib is not None:
            _lib.EVP_CIPHER_CTX_free(self.context)

    def apply(self, head: bytes, body: bytes, tag: bytes = b"") -> Tuple[bytes, bytes]:
        """Encrypt (or decrypt) a packet. :param head: its length, authenticated. :returns: the body and the tag."""
        iv = self.fixed + self.counter.to_bytes(8, "big")
        self.counter = (self.counter + 1) % 2**64
        flag, size = int(self.encrypt), ctypes.c_int()
        out = ctypes.create_string_buffer(max(1, len(body)))
        context, count = self.context, ctypes.byref(size)
        _good(_lib.EVP_CipherInit_ex(context, ctypes.c_void_p(_lib.EVP_aes_256_gcm()), None, self.key, iv, flag))
        if not self.encrypt:
            _good(_lib.EVP_CIPHER_CTX_ctrl(context, _CTRL_AEAD_SET_TAG, TAG, tag))
        _good(_lib.EVP_CipherUpdate(context, None, count, head, len(head)))
        _good(_lib.EVP_CipherUpdate(context, out, count, body, len(body)))
        rest = ctypes.create_string_buffer(TAG)
        _good(_lib.EVP_CipherFinal_ex(context, rest, count))
        if self.encrypt:
            held = ctypes.create_string_buffer(TAG)
            _good(_lib.EVP_CIPHER_CTX_ctrl(context, _CTRL_AEAD_GET_TAG, TAG, held))
            tag = held.raw
        return out.raw[:len(body)], tag
