# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask an SSH server what it offers: one TCP connection, bounded in time and bytes, nothing negotiated, no login."""

from __future__ import annotations

import errno
import ipaddress
import socket
import threading
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms, kexinit

MAX_BYTES = 16384
"""Most bytes taken from a peer, all in all. The longest greeting of a known server has 7 kB."""

MAX_ADDRESSES = 8
"""Most addresses of one name that are tried."""

SOFTWARE = "quantumsafe_probe"
"""Who we say we are. RFC 4253, 4.2 allows no minus sign here."""

_WORDS = {
    errno.ECONNREFUSED: ("refused", "the connection was refused: nothing listens there, or a firewall rejects it"),
    errno.ETIMEDOUT: ("timeout", "timed out: no answer to the connection request"),
    errno.EHOSTUNREACH: ("unreachable", "no route to the host, or a firewall rejects the connection"),
    errno.ENETUNREACH: ("unreachable", "no route to the network of this address"),
    errno.EACCES: ("unreachable", "a firewall does not let the connection out or in"),
    errno.EPERM: ("unreachable", "a firewall of this machine does not let the connection out"),
    errno.EADDRNOTAVAIL: ("source", "the source address is not one of this machine"),
    errno.ECONNRESET: ("closed", "the connection was reset by the peer"),
    errno.EPIPE: ("closed", "the connection was closed by the peer"),
}

_Address = Tuple[Any, ...]


class _Failure(UserError):
    """The probe ends here: a short word for programs and a sentence for people."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(words)
        self.kind = kind


class QuantumSafe(NamedTuple):
    """How many of the algorithms offered are quantum-safe: ``all``, ``some``, ``none``."""

    kex: str = "none"
    host_key: str = "none"


class Families(NamedTuple):
    """The algorithms offered by their families."""

    kex: Mapping[str, List[str]]
    host_key: Mapping[str, List[str]]


class Offered(NamedTuple):
    """What a server's greeting says, as documented with the module ``ssh_probe``; all text in it is escaped."""

    banner: str
    software: str
    kex: List[str]
    host_key_algorithms: List[str]
    host_key_types: List[str]
    ciphers: List[str]
    macs: List[str]
    compression: List[str]
    strict_kex: bool
    quantum_safe: QuantumSafe
    families: Families


class Probed(NamedTuple):
    """What came of a probe.

    ``reachable``: the TCP connection was accepted; ``ssh``: the greeting was read; ``error``: None, or why not, in
    plain words; ``failure``: None, or one word (name, refused, timeout, unreachable, closed, not_ssh, too_much, source,
    network); ``duration`` in seconds; ``bytes`` taken. What is ``offered`` is nothing where no greeting was read.
    """

    host: str
    port: int
    reachable: bool
    ssh: bool
    address: Optional[str]
    error: Optional[str]
    failure: Optional[str]
    bytes: int
    duration: float
    offered: Offered

    def to_json(self) -> Dict[str, object]:
        """What the module ``ssh_probe`` returns of it."""
        offered = dict(
            self.offered._asdict(), quantum_safe=dict(self.offered.quantum_safe._asdict()),
            families=dict(self.offered.families._asdict()),
        )
        return {name: value for name, value in {**self._asdict(), **offered}.items() if name != "offered"}


class _Progress:
    """How far a probe has come."""

    def __init__(self) -> None:
        self.address: Optional[str] = None
        self.bytes = 0
        self.offered: Optional[Offered] = None


class _Server(NamedTuple):
    banner: kexinit.Banner
    init: kexinit.KexInit


class _Reader:
    """What a peer sends, within the time and the bytes that are left."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self.connection, self.deadline = connection, deadline
        self.data = b""
        self.total = 0

    def more(self, what: str) -> None:
        """Wait for more bytes; they are appended to `data`."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise _Failure("timeout", "timed out waiting for %s%s" % (what, self._so_far()))
        if self.total >= MAX_BYTES:
            raise _Failure("too_much", "%d bytes and still not %s%s" % (self.total, what, self._so_far()))
        self.connection.settimeout(left)
        try:
            chunk = self.connection.recv(min(4096, MAX_BYTES - self.total))
        except socket.timeout:
            raise _Failure("timeout", "timed out waiting for %s%s" % (what, self._so_far())) from None
        except OSError as error:
            raise _Failure("closed", "%s before %s%s" % (_in_words(error)[1], what, self._so_far())) from None
        if not chunk:
            raise _Failure("closed", "the peer closed the connection before %s%s" % (what, self._so_far()))
        self.data += chunk
        self.total += len(chunk)

    def take(self, used: int) -> None:
        """Forget bytes that have been understood."""
        self.data = self.data[used:]

    def _so_far(self) -> str:
        return '; it had sent "%s"' % kexinit.safe_text(self.data.strip(), 120) if self.data.strip() else ""


def _in_words(error: OSError) -> Tuple[str, str]:
    known = _WORDS.get(error.errno or 0)
    return known or ("network", error.strerror or str(error) or "network error")


def _check(host: str, port: int, timeout: float, source: Optional[str]) -> None:
    if not host or not host.isprintable() or any(mark in host for mark in " /@"):
        raise ValueError("host %r is neither a host name nor an address" % host)
    if not 1 <= port <= 65535:
        raise ValueError("port %d is not between 1 and 65535" % port)
    if not 0 < timeout <= 3600:
        raise ValueError("timeout %g is not between 0 and 3600 seconds" % timeout)
    if source is not None:
        try:
            ipaddress.ip_address(source)
        except ValueError:
            raise ValueError("source %r is not an IP address of this machine" % source) from None


def outward() -> str:
    """The address that this machine's default route goes out from (connecting a datagram socket sends nothing)."""
    for family, documentation in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as way:
                way.connect((documentation, 9))
                return str(way.getsockname()[0])
        except OSError:
            continue
    return "localhost"


def _addresses(host: str, port: int, source: Optional[str], deadline: float) -> List[_Address]:
    """Resolve a name within the time that is left; the resolver itself knows no time-out, so it gets its own thread."""
    family = socket.AF_UNSPEC
    if source is not None:
        family = socket.AF_INET if ipaddress.ip_address(source).version == 4 else socket.AF_INET6
    answer: List[_Address] = []
    trouble: List[str] = []

    def resolve() -> None:
        try:
            answer.extend(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            trouble.append(getattr(error, "strerror", None) or "not a valid host name")

    worker = threading.Thread(target=resolve, daemon=True)
    worker.start()
    worker.join(max(0.0, deadline - time.monotonic()))
    if worker.is_alive():
        raise _Failure("timeout", "timed out resolving the name %s" % host)
    if trouble:
        raise _Failure("name", "the name %s cannot be resolved: %s" % (host, trouble[0]))
    return list(dict.fromkeys(answer))[:MAX_ADDRESSES]


def _connect(
    addresses: Sequence[_Address], source: Optional[str], deadline: float, progress: _Progress
) -> socket.socket:
    """Connect to the first address that accepts; those still to come keep a fair share of the time."""
    failure = _Failure("name", "the name has no address")
    for number, (family, kind, protocol, _name, address) in enumerate(addresses):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            connection = socket.socket(family, kind, protocol)
        except OSError as error:
            failure = _Failure(*_in_words(error))
            continue
        try:
            connection.settimeout(left / (len(addresses) - number))
            if source is not None:
                connection.bind((source, 0))
            connection.connect(address)
            progress.address = str(address[0])
            return connection
        except socket.timeout:
            failure = _Failure("timeout", _WORDS[errno.ETIMEDOUT][1])
        except OSError as error:
            failure = _Failure(*_in_words(error))
        connection.close()
    raise failure


def _read_server(reader: _Reader) -> _Server:
    """Banner, then KEXINIT; the messages that may stand before it are passed over (RFC 4253, 11)."""
    parsed = kexinit.parse_banner(reader.data)
    while parsed is None:
        reader.more("its SSH banner")
        parsed = kexinit.parse_banner(reader.data)
    banner, used = parsed
    reader.take(used)
    while True:
        packet = kexinit.unframe(reader.data, MAX_BYTES)
        while packet is None:
            reader.more("its key exchange offer (KEXINIT)")
            packet = kexinit.unframe(reader.data, MAX_BYTES)
        payload, used = packet
        reader.take(used)
        if payload[0] == kexinit.MSG_DISCONNECT:
            reason, words = kexinit.parse_disconnect(payload)
            raise _Failure("closed", "the peer disconnected (reason %d): %s" % (reason, words or "no reason given"))
        if payload[0] not in (kexinit.MSG_IGNORE, kexinit.MSG_DEBUG, kexinit.MSG_UNIMPLEMENTED):
            return _Server(banner, kexinit.parse_kexinit(payload))


def _say_goodbye(connection: socket.socket) -> None:
    """Tell the peer that this was all, so that its log has no error."""
    try:
        connection.sendall(kexinit.frame(kexinit.compose_disconnect(kexinit.BY_APPLICATION, "only asking")))
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the peer was faster


def _talk(connection: socket.socket, deadline: float, progress: _Progress) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    reader = _Reader(connection, deadline)
    try:
        connection.sendall(kexinit.compose_banner(SOFTWARE))
    except OSError:
        pass  # what the peer said before it closed is still to be read
    try:
        server = _read_server(reader)
    finally:
        progress.bytes = reader.total
    _say_goodbye(connection)
    progress.offered = describe(server.banner, server.init)


def describe(banner: kexinit.Banner, init: kexinit.KexInit) -> Offered:
    """What a server's greeting says."""
    kex = [name for name in init.kex if not algorithms.is_marker(name)]
    host_key = list(init.host_key)
    return Offered(
        banner=kexinit.safe_text(banner.line),
        software=banner.software,
        kex=kex,
        host_key_algorithms=host_key,
        host_key_types=list(dict.fromkeys(algorithms.key_type(name) for name in host_key)),
        ciphers=list(init.cipher_s2c),
        macs=list(init.mac_s2c),
        compression=list(init.compression_s2c),
        strict_kex=kexinit.STRICT_SERVER in init.kex,
        quantum_safe=QuantumSafe(
            algorithms.how_many_quantum_safe(kex), algorithms.how_many_quantum_safe(host_key)
        ),
        families=Families(algorithms.by_family(kex), algorithms.by_family(host_key)),
    )


def nothing() -> Offered:
    """Of a server that did not greet."""
    return describe(kexinit.Banner("", "", "", b""), kexinit.KexInit((), (), (), (), (), (), (), ()))


def probe(host: str, port: int, timeout: float = 5.0, source: Optional[str] = None) -> Probed:
    """Connect to a server, read its banner and KEXINIT, say goodbye.

    :param host: name, IPv4 or IPv6 address (also in brackets); a name's addresses are tried in the resolver's order.
    :param port: TCP port.
    :param timeout: seconds for everything together, resolving included.
    :param source: address of this machine to connect from.
    :raises ValueError: arguments that make no sense. Nothing that the peer or the network does raises.
    """
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    _check(host, port, timeout, source)
    begun, progress = time.monotonic(), _Progress()
    failure, words = _probed(host, port, begun + timeout, source, progress)
    return Probed(
        host=host, port=port, reachable=progress.address is not None, ssh=progress.offered is not None,
        address=progress.address, error=words, failure=failure, bytes=progress.bytes,
        duration=round(time.monotonic() - begun, 3), offered=progress.offered or nothing(),
    )


def _probed(
    host: str, port: int, deadline: float, source: Optional[str], progress: _Progress
) -> Tuple[Optional[str], Optional[str]]:
    """The word and the sentence for what went wrong; None, None: nothing did."""
    try:
        with _connect(_addresses(host, port, source, deadline), source, deadline, progress) as connection:
            _talk(connection, deadline, progress)
    except _Failure as failure:
        return failure.kind, str(failure)
    except kexinit.WireError as error:
        return "not_ssh", "not SSH, or broken: %s" % error
    except OSError as error:
        return _in_words(error)
    return None, None
