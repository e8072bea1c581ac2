# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An SSH client that completes a key exchange and then says what the server offers and accepts.

RFC 4253 and 4252, draft-ietf-sshm-mlkem-hybrid-kex; packets before encryption by the collection's own `sshwire`. The
host key is the one that the server shows in a completed, encrypted exchange; its signature is not verified (a server
that shows another key is caught, and nobody sits between the hosts of a lab). One connection, one source
address, a bounded time.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
import struct
from typing import Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import kexinit

from tests.e2e.library.prober.crypto import TAG, Cipher, CryptoError, Key, Signer

BANNER = b"SSH-2.0-prober"
#: Key exchanges by what they consist of; the digest is SHA-256 in all of them.
KEX: Dict[str, Tuple[str, ...]] = {
    "mlkem768nistp256-sha256": ("ML-KEM-768", "EC"),
    "mlkem768x25519-sha256": ("ML-KEM-768", "X25519"),
    "curve25519-sha256": ("X25519",),
    "curve25519-sha256@libssh.org": ("X25519",),
}
CIPHER = "aes256-gcm@openssh.com"
CIPHERTEXT = 1088  # bytes of ML-KEM-768
BYE, IGNORE, UNIMPLEMENTED, DEBUG, SERVICE, ACCEPT, KEXINIT, NEWKEYS = 1, 2, 3, 4, 5, 6, 20, 21
KEX_INIT, KEX_REPLY = 30, 31
REQUEST, FAILURE, SUCCESS, USER_BANNER = 50, 51, 52, 53
QUIET = (IGNORE, UNIMPLEMENTED, DEBUG, 7, USER_BANNER)


class Seen(NamedTuple):
    """What one connection showed.

    state: `no answer`, `refused`, `dropped` (accepted and closed without SSH), `banner` (SSH, but no key exchange came
    about), `handshake` (a key exchange with a host key), `login`. key: its SHA-256. methods: what the server offers.
    tried: what was tried as a password's name, and with `login` accepted. words: why it ended, or what the server said.
    """

    state: str
    key: str = ""
    methods: str = ""
    tried: str = ""
    words: str = ""


class Wanted(NamedTuple):
    """What to try after the handshake: nothing, a password (by a name that may be written down), or a key."""

    user: str = "oqs"
    name: str = ""
    password: Optional[str] = None
    signer: Optional[Signer] = None


def string(data: bytes) -> bytes:
    """A string of RFC 4251."""
    return struct.pack(">I", len(data)) + data


def mpint(data: bytes) -> bytes:
    """A positive multiple precision integer of RFC 4251."""
    data = data.lstrip(b"\0")
    return string(b"\0" + data if data and data[0] & 0x80 else data)


class Reader:
    """Strings out of a message, one after the other."""

    def __init__(self, data: bytes, position: int = 1) -> None:
        self.data, self.position = data, position

    def string(self) -> bytes:
        """The next. :raises WireError: there is none."""
        end = self.position + 4
        (length,) = struct.unpack(">I", self.data[self.position:end].ljust(4, b"\xff"))
        if end + length > len(self.data):
            raise kexinit.WireError("a message ends too early")
        self.position = end + length
        return self.data[end:end + length]


class Exchange:
    """The client's half of a key exchange."""

    def __init__(self, name: str) -> None:
        self.kinds = KEX[name]
        self.keys = [Key.make(kind, "P-256" if kind == "EC" else "") for kind in self.kinds]

    @property
    def init(self) -> bytes:
        """What the client sends."""
        return b"".join(key.public for key in self.keys)

    def secret(self, reply: bytes) -> bytes:
        """The shared secret, encoded as it goes into the hash."""
        if len(self.keys) == 1:
            return mpint(self.keys[0].agree(reply))
        first = self.keys[0].decapsulate(reply[:CIPHERTEXT])
        return string(hashlib.sha256(first + self.keys[1].agree(reply[CIPHERTEXT:])).digest())


class Connection:
    """One conversation with a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.ours: Optional[Cipher] = None
        self.theirs: Optional[Cipher] = None
        self.session = b""

    def send(self, payload: bytes) -> None:
        """One packet, encrypted once there are keys."""
        if self.ours is None:
            self.writer.write(kexinit.frame(payload))
            return
        padding = 16 - (len(payload) + 1) % 16
        padding += 16 if padding < 4 else 0
        body = bytes((padding,)) + payload + bytes(padding)
        head = struct.pack(">I", len(body))
        sealed, tag = self.ours.apply(head, body)
        self.writer.write(head + sealed + tag)

    async def packet(self) -> bytes:
        """The next payload of any kind."""
        head = await self.reader.readexactly(4)
        (length,) = struct.unpack(">I", head)
        if not 1 < length <= kexinit.MAX_PACKET:
            raise kexinit.WireError("a packet of %d bytes" % length)
        body = await self.reader.readexactly(length + (TAG if self.theirs else 0))
        if self.theirs:
            body, _tag = self.theirs.apply(head, body[:length], body[length:])
        return body[1:length - body[0]]

    async def message(self, *kinds: int) -> bytes:
        """The next message of these kinds. :raises WireError: another came, or a goodbye."""
        while True:
            payload = await self.packet()
            kind = payload[0] if payload else 0
            if kind == BYE:
                raise kexinit.WireError("goodbye: %s" % kexinit.parse_disconnect(payload)[1])
            if kind in kinds:
                return payload
            if kind not in QUIET:
                raise kexinit.WireError("message %d where %s was expected" % (kind, kinds))

    async def greet(self) -> bytes:
        """Exchange identification lines. :returns: theirs. :raises WireError: no SSH."""
        self.writer.write(BANNER + b"\r\n")
        line = (await self.reader.readline()).rstrip(b"\r\n")
        if not line.startswith(b"SSH-2.0-"):
            raise kexinit.WireError(kexinit.safe_text(line, 80) or "closed")
        return line

    async def exchange_keys(self, banner: bytes) -> bytes:
        """A key exchange, and encryption from here on. :returns: the server's public host key."""
        theirs = await self.message(KEXINIT)
        offer = kexinit.parse_kexinit(theirs)
        kex = next((name for name in KEX if name in offer.kex), "")
        if not kex or CIPHER not in offer.cipher_c2s:
            raise kexinit.WireError("no common ground: %s" % ",".join(offer.kex))
        ours = kexinit.compose_kexinit(kexinit.KexInit(
            (kex,), offer.host_key, (CIPHER,), (CIPHER,), ("hmac-sha2-256",), ("hmac-sha2-256",)))
        self.send(ours)
        half = Exchange(kex)
        self.send(bytes((KEX_INIT,)) + string(half.init))
        reply = Reader(await self.message(KEX_REPLY))
        key, public, _signature = reply.string(), reply.string(), reply.string()
        secret = half.secret(public)
        parts = (BANNER, banner, ours, theirs, key, half.init, public)
        self.session = hashlib.sha256(b"".join(map(string, parts)) + secret).digest()
        self.send(bytes((NEWKEYS,)))
        await self.message(NEWKEYS)

        def derived(letter: bytes) -> bytes:
            return hashlib.sha256(secret + self.session + letter + self.session).digest()

        self.ours = Cipher(derived(b"C"), derived(b"A"), encrypt=True)
        self.theirs = Cipher(derived(b"D"), derived(b"B"), encrypt=False)
        return key

    async def offered(self, user: str) -> str:
        """The authentication methods that the server offers; empty when nothing at all is asked of us."""
        self.send(bytes((SERVICE,)) + string(b"ssh-userauth"))
        await self.message(ACCEPT)
        return await self._ask(user, b"none", b"")

    async def try_password(self, user: str, password: str) -> bool:
        """One attempt."""
        return not await self._ask(user, b"password", b"\0" + string(password.encode()))

    async def try_key(self, user: str, signer: Signer) -> bool:
        """One attempt with an ed25519 key."""
        blob = string(b"ssh-ed25519") + string(signer.public)
        body = b"\1" + string(b"ssh-ed25519") + string(blob)
        head = bytes((REQUEST,)) + string(user.encode()) + string(b"ssh-connection") + string(b"publickey")
        signature = string(b"ssh-ed25519") + string(signer.sign(string(self.session) + head + body))
        return not await self._ask(user, b"publickey", body + string(signature))

    async def _ask(self, user: str, method: bytes, rest: bytes) -> str:
        """:returns: the methods that can continue; empty: we are in."""
        self.send(bytes((REQUEST,)) + string(user.encode()) + string(b"ssh-connection") + string(method) + rest)
        answer = await self.message(FAILURE, SUCCESS)
        return "" if answer[0] == SUCCESS else Reader(answer).string().decode("ascii", "replace")


async def look(host: str, port: int, source: str, wanted: Wanted, connect: float = 0.3, talk: float = 10.0) -> Seen:
    """One connection from one address, whatever comes of it.

    :param connect: seconds for the connection. :param talk: seconds for the rest.
    """
    writers: List[asyncio.StreamWriter] = []
    state: List[Seen] = [Seen("no answer")]
    seconds = connect
    door = socket.socket()
    try:
        door.setblocking(False)
        door.bind((source, 0))
        await asyncio.wait_for(asyncio.get_running_loop().sock_connect(door, (host, port)), connect)
        opened = await asyncio.open_connection(sock=door)
        writers.append(opened[1])
        seconds = talk
        await asyncio.wait_for(_talk(*opened, wanted, state), talk)
    except ConnectionRefusedError:
        return Seen("refused")
    except asyncio.TimeoutError:
        return state[0]._replace(words="nothing more within %g s" % seconds)
    except (OSError, EOFError, CryptoError, kexinit.WireError, IndexError, struct.error) as error:
        return state[0]._replace(words=str(error)[:160] or type(error).__name__)
    finally:
        for writer in writers:
            writer.transport.abort()
        if not writers:
            door.close()
    return state[0]


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wanted: Wanted, state: List[Seen]) -> None:
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    state[0] = Seen("dropped")
    connection = Connection(reader, writer)
    banner = await connection.greet()
    state[0] = Seen("banner", words=kexinit.safe_text(banner))
    blob = await connection.exchange_keys(banner)
    key = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    state[0] = Seen("handshake", key)
    methods = await connection.offered(wanted.user)
    if not methods:
        state[0] = Seen("login", key, "none", "nothing")
        return
    state[0] = Seen("handshake", key, methods)
    accepted = False
    if wanted.signer and "publickey" in methods:
        accepted = await connection.try_key(wanted.user, wanted.signer)
    elif wanted.password is not None and "password" in methods.split(","):
        accepted = await connection.try_password(wanted.user, wanted.password)
    else:
        return
    state[0] = Seen("login" if accepted else "handshake", key, methods, wanted.name)
