# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the module ssh_probe and its action plugin share: the options, and what is made of a probe's answer."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import kexinit
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.probe import Offered, Probed, outward, probe

#: Seconds until a server that hung up is asked again.
AGAIN = 0.3
_NAMES = {"type": "list", "elements": "str"}
_KEY_NAMES = dict(_NAMES, no_log=False)  # names of algorithms, no keys
_HOW_MANY = {"type": "str", "choices": ["all", "some"]}

ARGUMENT_SPEC: Dict[str, Any] = {
    "host": {"type": "str"},
    "port": {"type": "int", "default": 22},
    "timeout": {"type": "float", "default": 5.0},
    "source": {"type": "str"},
    "outward": {"type": "bool", "default": False},
    "pinned": {"type": "bool", "default": False},
    "probe_from": {"type": "str", "choices": ["controller", "host"], "default": "host"},
    "client": {
        "type": "dict",
        "options": {"kex": _NAMES, "host_key_algorithms": _KEY_NAMES, "ciphers": _NAMES, "macs": _NAMES},
    },
    "expect": {
        "type": "dict",
        "options": {
            "reachable": {"type": "bool"},
            "quantum_safe_kex": _HOW_MANY,
            "quantum_safe_host_key": _HOW_MANY,
            "kex": _NAMES,
            "host_key_algorithms": _KEY_NAMES,
            "no_weak": {"type": "bool"},
            "strict_kex": {"type": "bool"},
            "common_ground": {"type": "bool"},
        },
    },
}
"""The argument specification of ssh_probe."""


class Client(NamedTuple):
    """What a client offers, in order of preference; a list not given matches whatever."""

    kex: Optional[List[str]] = None
    host_key_algorithms: Optional[List[str]] = None
    ciphers: Optional[List[str]] = None
    macs: Optional[List[str]] = None


class Expect(NamedTuple):
    """What is expected of the server; None: nothing."""

    reachable: Optional[bool] = None
    quantum_safe_kex: Optional[str] = None
    quantum_safe_host_key: Optional[str] = None
    kex: Optional[List[str]] = None
    host_key_algorithms: Optional[List[str]] = None
    no_weak: Optional[bool] = None
    strict_kex: Optional[bool] = None
    common_ground: Optional[bool] = None

    @property
    def of_ssh(self) -> bool:
        """Whether it is about more than the connection."""
        return any(value is not None for value in self[1:])


class Options(NamedTuple):
    """The options of ssh_probe."""

    port: int
    timeout: float
    host: Optional[str] = None
    source: Optional[str] = None
    outward: bool = False
    client: Optional[Client] = None
    expect: Optional[Expect] = None


def examine(params: Mapping[str, object], default_host: str = "localhost") -> Dict[str, object]:
    """Probe, and judge what was found.

    :param params: the options of ssh_probe, checked.
    :param default_host: where to connect when no host is given, and not to the machine's own outward address.
    :returns: the module's result; with `failed` and `msg` when an expectation is not met or an option makes no sense.
    """
    options = shape.parse(Options, dict(params), "options", strict=False)
    expect = options.expect or Expect()
    try:
        client = _client(options.client or Client())
        found = _asked(options.host or (outward() if options.outward else default_host), options, expect)
    except ValueError as error:
        return {"changed": False, "failed": True, "msg": str(error)}
    result = dict(found.to_json(), changed=False)
    agreed = common_ground(found.offered, client) if client and found.ssh else None
    if agreed:
        result["negotiated"] = dict(agreed._asdict())
    missed = unmet(found, expect, agreed)
    if missed:
        result.update(failed=True, msg="%s port %d: %s" % (found.host, found.port, "; ".join(missed)))
    return result


def _asked(host: str, options: Options, expect: Expect) -> Probed:
    """Probe; where an SSH server is expected and somebody hangs up before the greeting, again while there is time: an
    sshd with too much to do drops connections at random (MaxStartups in sshd_config(5))."""
    end = time.monotonic() + options.timeout
    while True:
        left = max(0.001, end - time.monotonic())
        found = probe(host, options.port, min(options.timeout, left), options.source)
        if not expect.of_ssh or found.failure != "closed" or time.monotonic() + AGAIN > end:
            return found
        time.sleep(AGAIN)


def _client(client: Client) -> Optional[Client]:
    """None where no list is given.

    :raises ValueError: a member is no name.
    """
    for key, names in client._asdict().items():
        for name in names or []:
            if name[:1] in "+-^" or "," in name or not name.isprintable() or " " in name:
                raise ValueError("client.%s: %r is not the name of one algorithm" % (key, name))
    return client if any(client) else None


class Agreed(NamedTuple):
    """What both sides would agree upon, and of which lists they have none in common."""

    agreed: bool
    kex: Optional[str]
    host_key: Optional[str]
    cipher: Optional[str]
    mac: Optional[str]
    strict_kex: bool
    missing: List[str]


def common_ground(offered: Offered, client: Client) -> Agreed:
    """What a client that offers these lists would agree upon with the server that was probed (RFC 4253, 7.1)."""
    kex = (*offered.kex, *([kexinit.STRICT_SERVER] if offered.strict_kex else []))
    server = kexinit.KexInit(
        kex, tuple(offered.host_key_algorithms), tuple(offered.ciphers), tuple(offered.ciphers),
        tuple(offered.macs), tuple(offered.macs),
    )
    ciphers, macs = tuple(client.ciphers or server.cipher_s2c), tuple(client.macs or server.mac_s2c)
    offer = kexinit.KexInit(
        tuple(client.kex or kex), tuple(client.host_key_algorithms or server.host_key), ciphers, ciphers, macs, macs,
    )
    found = kexinit.negotiate(offer, server)
    words = {"kex": "kex", "host_key": "host_key_algorithms", "cipher_s2c": "ciphers", "mac_s2c": "macs"}
    missing = [words[field] for field in found.missing if field in words]
    return Agreed(
        found.agreed, found.kex, found.host_key, found.cipher_s2c, found.mac_s2c, found.strict_kex, missing
    )


def unmet(found: Probed, expect: Expect, agreed: Optional[Agreed] = None) -> List[str]:
    """The expectations that are not met, each as a sentence with what was found and what was asked for.

    :param agreed: with a client; None: none was given.
    """
    if expect.reachable is False:
        return ["a connection was accepted, where expect.reachable is false"] if found.reachable else []
    if (expect.reachable and not found.reachable) or (expect.of_ssh and not found.ssh):
        return [found.error or "no answer"]
    offered = found.offered
    missed = _unmet_families(offered, expect) + _unmet_names(offered, expect)
    if expect.strict_kex is not None and expect.strict_kex != offered.strict_kex:
        missed.append("strict key exchange is %soffered" % ("" if offered.strict_kex else "not "))
    if expect.common_ground and agreed is None:
        missed.append("expect.common_ground needs the lists of a client in the option client")
    elif expect.common_ground and agreed and not agreed.agreed:
        offers = ["%s: %s" % (key, ", ".join(getattr(offered, key))) for key in agreed.missing]
        missed.append("no common ground with this client; the server offers %s" % "; ".join(offers))
    return missed


def _unmet_families(offered: Offered, expect: Expect) -> List[str]:
    missed = []
    rows = (
        ("kex", "key exchange", offered.kex, expect.quantum_safe_kex, offered.quantum_safe.kex, offered.families.kex),
        ("host_key", "host key", offered.host_key_algorithms, expect.quantum_safe_host_key,
         offered.quantum_safe.host_key, offered.families.host_key),
    )
    for part, words, names, need, there, families in rows:
        if need and there not in ("all", need):
            missed.append("%s of the %s algorithms offered are quantum-safe, where expect.quantum_safe_%s is %s: %s" % (
                there, words, part, need, ", ".join(names)))
        if expect.no_weak and families["weak"]:
            missed.append("weak %s algorithms are offered: %s" % (words, ", ".join(families["weak"])))
    return missed


def _unmet_names(offered: Offered, expect: Expect) -> List[str]:
    rows = (
        ("kex", expect.kex, offered.kex),
        ("host_key_algorithms", expect.host_key_algorithms, offered.host_key_algorithms),
    )
    return [
        "none of expect.%s (%s) is offered, but %s" % (key, ", ".join(wanted), ", ".join(there) or "nothing")
        for key, wanted, there in rows if wanted and not set(wanted) & set(there)
    ]
