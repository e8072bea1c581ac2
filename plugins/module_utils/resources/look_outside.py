# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at what lies outside the container: the host's own sshd, accounts; and a handshake as proof."""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import time
from typing import Any, Dict, Mapping, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import probe
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import plan_outside
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.look import host_keys, own_settings

Facts = Dict[str, Any]

#: What sshd says instead of its banner to an address in its penalty box.
PENALTY = "Not allowed at this time"

#: How an sshd that has too much to do ends a connection before it is one: MaxStartups drops at random, and whoever
#: knocks at a port that is open to the world may be the reason (sshd_config(5)).
_TURNED_AWAY = re.compile("Connection (reset|closed) by|kex_exchange_identification|Exceeded MaxStartups")
#: Seconds between the tries of a handshake that was turned away.
PAUSES = (0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0)

_SAID = {
    "kex": re.compile(r"^debug1: kex: algorithm: (\S+)", re.M),
    "host_key_algorithm": re.compile(r"^debug1: kex: host key algorithm: (\S+)", re.M),
    "cipher": re.compile(r"^debug1: kex: server->client cipher: (\S+)", re.M),
    "host_key": re.compile(r"^debug1: Server host key: \S+ (SHA256:\S+)", re.M),
    "server": re.compile(r"^debug1: Remote protocol version \S+, remote software version (.+?)\r?$", re.M),
    "authentication": re.compile(r"^debug1: Authentications that can continue: (\S+)", re.M),
}


def hop(want: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], sshd: Optional[Facts] = None) -> Facts:
    """The host's own sshd, its host keys, and the accounts that the hop may use.

    :param rows: the ledger.
    :param sshd: what an earlier look of this run found out about the host's own sshd; None: ask it.
    """
    # those that the ledger names had our line once, and may have to lose it
    once = [row["after"] for row in rows if row["kind"] == "line" and row["after"]]
    names = dict.fromkeys(list(want["users"]) + once)
    settings = own_settings()
    return {
        "sshd": sshd or _own_sshd(want.get("hop_address", "localhost"), want["hop_port"], settings),
        "host_keys": host_keys(settings),
        "users": {name: user(name) for name in names},
    }


def _own_sshd(address: str, port: int, settings: Mapping[str, Sequence[str]]) -> Facts:
    """What the host's own sshd offers. It remembers addresses that come and go too often (PerSourcePenalties, 9.8) and
    sends them away for a while: then it is there, and its configuration says what it would offer."""
    found = probe.probe(address, port, timeout=5.0)
    if found["error"] and PENALTY in found["error"] and settings:
        return dict(found, error="", kex=settings.get("kexalgorithms", [""])[0].split(","))
    return found


def user(name: str) -> Facts:
    """An account of the host: its authorized_keys file as sshd would read it, and whether it is privileged."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return {"error": "this host has no such account"}
    groups = [grp.getgrgid(gid).gr_name for gid in os.getgrouplist(name, found.pw_gid) if _has_group(gid)]
    path = _keys_path(found)
    return {
        "uid": found.pw_uid,
        "gid": found.pw_gid,
        "home": found.pw_dir,
        "path": path,
        "privileged": plan_outside.privileged(found.pw_uid, groups),
        "keys": files.read_file(path, root=found.pw_dir) or b"",
    }


def _has_group(gid: int) -> bool:
    try:
        grp.getgrgid(gid)
    except KeyError:
        return False
    return True


def _keys_path(account: pwd.struct_passwd) -> str:
    """The first AuthorizedKeysFile of the host's own sshd for an account (sshd_config(5): %h, %u, %U, %%)."""
    first = ".ssh/authorized_keys"
    program = shutil.which("sshd") or "/usr/sbin/sshd"
    criteria = "user=%s,host=localhost,addr=127.0.0.1" % account.pw_name
    try:
        for line in run([program, "-T", "-C", criteria], timeout=10.0).text.splitlines():
            if line.lower().startswith("authorizedkeysfile "):
                first = line.split()[1]
    except CommandError:
        pass  # no sshd of its own, or one that does not start: the default is as good as any
    for token, text in (("%h", account.pw_dir), ("%u", account.pw_name), ("%U", str(account.pw_uid)), ("%%", "%")):
        first = first.replace(token, text)
    return first if first.startswith("/") else "%s/%s" % (account.pw_dir, first)


def prove(
    container: str, port: int, hop_port: Optional[int], hop_user: str, hop_address: str = "localhost"
) -> Facts:
    """A real handshake with the container's sshd, and one through the hop, by the image's own client.

    The client verifies the host key against the pinned one and the signature over the exchange; nobody logs in.
    """
    arguments = ["exec", container, paths.ENTRY, "prove", str(port)]
    if hop_port:
        arguments += [str(hop_port), hop_user, hop_address]
    for pause in (*PAUSES, None):
        said = cli.docker(arguments, check=False).out.decode("utf-8", "replace")
        parts = {part.split("\n", 1)[0]: part for part in said.split("\n== ")[1:]}
        found = {name: handshake(text) for name, text in parts.items()}
        if pause is None or not any(_TURNED_AWAY.search(each["error"]) for each in found.values()):
            break
        time.sleep(pause)
    return found


def handshake(text: str) -> Facts:
    """What an OpenSSH client told of a handshake with ``-v``.

    ``ok`` means that the server proved to hold the pinned host key and the key exchange was completed.
    """
    found: Facts = {}
    for name, pattern in _SAID.items():
        match = pattern.search(text)
        found[name] = match.group(1) if match else ""
    found["ok"] = bool(found["authentication"]) and "is known and matches the" in text
    last = [line for line in text.splitlines() if line.strip() and not line.startswith("debug")]
    found["error"] = "" if found["ok"] else (last[-1].strip() if last else "the client said nothing")
    return found
