# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the module ssh_probe and its action plugin share: the options, and what is made of a probe's answer."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import kexinit
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.probe import outward, probe

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


def examine(params: Mapping[str, Any], default_host: str = "localhost") -> Dict[str, Any]:
    """Probe, and judge what was found.

    :param params: the options of ssh_probe, checked.
    :param default_host: where to connect when no host is given, and not to the machine's own outward address.
    :returns: the module's result; with `failed` and `msg` when an expectation is not met or an option makes no sense.
    """
    try:
        client = _client(params.get("client") or {})
        host = params["host"] or (outward() if params.get("outward") else default_host)
        result = _asked(host, params)
    except ValueError as error:
        return {"changed": False, "failed": True, "msg": str(error)}
    result["changed"] = False
    if client is not None and result["ssh"]:
        result["negotiated"] = common_ground(result, client)
    missed = unmet(result, params.get("expect") or {})
    if missed:
        result.update(failed=True, msg="%s port %d: %s" % (result["host"], result["port"], "; ".join(missed)))
    return result


def _asked(host: str, params: Mapping[str, Any]) -> Dict[str, Any]:
    """Probe; where an SSH server is expected and somebody hangs up before the greeting, again while there is time: an
    sshd with too much to do drops connections at random (MaxStartups in sshd_config(5))."""
    wants_ssh = any(value is not None for key, value in (params.get("expect") or {}).items() if key != "reachable")
    end = time.monotonic() + params["timeout"]
    while True:
        left = max(0.001, end - time.monotonic())
        result = probe(host, params["port"], min(params["timeout"], left), params["source"])
        if not wants_ssh or result["failure"] != "closed" or time.monotonic() + AGAIN > end:
            return result
        time.sleep(AGAIN)


def _client(lists: Mapping[str, Optional[Sequence[str]]]) -> Optional[Dict[str, List[str]]]:
    given = {key: list(names) for key, names in lists.items() if names}
    for key, names in given.items():
        for name in names:
            if name[:1] in "+-^" or "," in name or not name.isprintable() or " " in name:
                raise ValueError("client.%s: %r is not the name of one algorithm" % (key, name))
    return given or None


def common_ground(result: Mapping[str, Any], client: Mapping[str, Sequence[str]]) -> Dict[str, Any]:
    """What a client that offers these lists would agree upon with the server that was probed (RFC 4253, 7.1).

    :param result: what :func:`probe.probe` returned.
    :param client: kex, host_key_algorithms, ciphers, macs in order of preference; a list not given matches whatever.
    """
    kex = (*result["kex"], *([kexinit.STRICT_SERVER] if result["strict_kex"] else []))
    server = kexinit.KexInit(
        kex, tuple(result["host_key_algorithms"]), tuple(result["ciphers"]), tuple(result["ciphers"]),
        tuple(result["macs"]), tuple(result["macs"]),
    )
    ciphers = tuple(client.get("ciphers", server.cipher_s2c))
    macs = tuple(client.get("macs", server.mac_s2c))
    offer = kexinit.KexInit(
        tuple(client.get("kex", kex)), tuple(client.get("host_key_algorithms", server.host_key)),
        ciphers, ciphers, macs, macs,
    )
    agreed = kexinit.negotiate(offer, server)
    words = {"kex": "kex", "host_key": "host_key_algorithms", "cipher_s2c": "ciphers", "mac_s2c": "macs"}
    return {
        "agreed": agreed.agreed,
        "kex": agreed.kex,
        "host_key": agreed.host_key,
        "cipher": agreed.cipher_s2c,
        "mac": agreed.mac_s2c,
        "strict_kex": agreed.strict_kex,
        "missing": [words[field] for field in agreed.missing if field in words],
    }


def unmet(result: Mapping[str, Any], expect: Mapping[str, Any]) -> List[str]:
    """The expectations that are not met, each as a sentence with what was found and what was asked for."""
    wanted = {key: value for key, value in expect.items() if value is not None}
    if wanted.get("reachable") is False:
        return ["a connection was accepted, where expect.reachable is false"] if result["reachable"] else []
    if wanted.get("reachable") and not result["reachable"]:
        return [result["error"]]
    others = [key for key in wanted if key != "reachable"]
    if others and not result["ssh"]:
        return [result["error"]]
    missed = _unmet_families(result, wanted) + _unmet_names(result, wanted)
    if wanted.get("strict_kex") is not None and wanted["strict_kex"] != result["strict_kex"]:
        missed.append("strict key exchange is %soffered" % ("" if result["strict_kex"] else "not "))
    if wanted.get("common_ground"):
        negotiated = result.get("negotiated")
        if negotiated is None:
            missed.append("expect.common_ground needs the lists of a client in the option client")
        elif not negotiated["agreed"]:
            offers = ["%s: %s" % (key, ", ".join(result[key])) for key in negotiated["missing"]]
            missed.append("no common ground with this client; the server offers %s" % "; ".join(offers))
    return missed


def _unmet_families(result: Mapping[str, Any], wanted: Mapping[str, Any]) -> List[str]:
    missed = []
    for part, names, words in (
        ("kex", result["kex"], "key exchange"), ("host_key", result["host_key_algorithms"], "host key"),
    ):
        need, found = wanted.get("quantum_safe_" + part), result["quantum_safe"][part]
        if need and found != "all" and found != need:
            missed.append("%s of the %s algorithms offered are quantum-safe, where expect.quantum_safe_%s is %s: %s" % (
                found, words, part, need, ", ".join(names)))
        weak = result["families"][part]["weak"]
        if wanted.get("no_weak") and weak:
            missed.append("weak %s algorithms are offered: %s" % (words, ", ".join(weak)))
    return missed


def _unmet_names(result: Mapping[str, Any], wanted: Mapping[str, Any]) -> List[str]:
    return [
        "none of expect.%s (%s) is offered, but %s" % (key, ", ".join(wanted[key]), ", ".join(result[key]) or "nothing")
        for key in ("kex", "host_key_algorithms") if wanted.get(key) and not set(wanted[key]) & set(result[key])
    ]
