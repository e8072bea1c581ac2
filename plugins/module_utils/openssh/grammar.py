# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What may be an address, a network, an account, or the name of an algorithm. Pure.

Sources: RFC 1123 (names), RFC 4007 (zones), RFC 4632 and RFC 4291 (networks), RFC 4253 section 6 (names of algorithms),
useradd(8) (accounts).
"""

from __future__ import annotations

import ipaddress
import re
from typing import List, Sequence, Union

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

#: The last number of a port.
LAST_PORT = 65535
_NAME = re.compile(r"(?!-)[A-Za-z0-9_.-]{1,253}")
_ZONE = re.compile(r"[A-Za-z0-9_.-]{1,32}")
#: The name of an account: hosts decide whether there is one; this only keeps to one word without options.
ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}\$?")
_ALGORITHM = re.compile(r"[+^-]?[A-Za-z0-9][A-Za-z0-9@._+*?-]{0,127}")


def address(value: str) -> bool:
    """Whether this is a host name or an IP address, an IPv6 one with a zone among them, and nothing else."""
    plain, percent, zone = value.partition("%")
    try:
        version = ipaddress.ip_address(plain).version
    except ValueError:
        return bool(_NAME.fullmatch(value))
    return not percent or (version == 6 and bool(_ZONE.fullmatch(zone)))


def bracketed(address: str, shown: str = "") -> str:
    """An address as it stands before a colon and a port, as ssh and sshd read it: an IPv6 one in brackets.

    :param shown: what is written in its place, such as a token that stands for it.
    """
    return ("[%s]" if ":" in address else "%s") % (shown or address)


def plain_address(value: str) -> str:
    """An IP address without a zone, and an IPv4 one without IPv6 clothes; empty: it is none, such as a name."""
    try:
        found = ipaddress.ip_address(value.partition("%")[0])
    except ValueError:
        return ""
    return str((found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None) or found)


def network(value: object) -> Network:
    """An address or a network in CIDR notation, and nothing else.

    :raises ValueError: names the value: no address, a zone, an IPv4 address in IPv6 clothes, bits beyond the prefix.
    """
    if not isinstance(value, str):
        raise ValueError("source %r is neither an IP address nor a network such as 192.0.2.0/24" % (value,))
    plain = value.partition("/")[0]
    if "%" in value:  # Python takes any text for a zone
        raise ValueError("source %r: give the plain address, without a zone" % value)
    try:
        found = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError("source %r is neither an IP address nor a network such as 192.0.2.0/24" % value) from None
    if isinstance(found, ipaddress.IPv6Network) and found.network_address.ipv4_mapped:
        raise ValueError("source %r: give the plain address, not mapped into IPv6" % value)
    if ipaddress.ip_address(plain) != found.network_address:
        raise ValueError("source %r has bits beyond its prefix: is %s or %s meant?" % (value, found, plain))
    return found


def sources(given: Sequence[str]) -> List[str]:
    """Addresses and networks as an operator gives them: each is one.

    :raises ValueError: names the first that is none.
    """
    for each in given:
        network(each)
    return list(given)


def account(value: str) -> bool:
    """Whether this may be the name of an account."""
    return bool(ACCOUNT.fullmatch(value))


def algorithm(value: str) -> bool:
    """Whether this may be the name of an algorithm, or a pattern of names."""
    return bool(_ALGORITHM.fullmatch(value))
