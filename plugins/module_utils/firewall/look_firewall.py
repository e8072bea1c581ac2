# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at the firewalls of a host: only the tools that are there are asked, and only for what may hold something."""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import (
    firewalld as firewall_firewalld,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import (
    iptables as firewall_iptables,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import (
    nftables as firewall_nftables,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import (
    ufw as firewall_ufw,
)

Facts = Dict[str, Any]
Key = Tuple[str, str]

_UNITS = ("firewalld.service", "nftables.service", *firewall_iptables.KEEPERS)
_LISTS = {"ip": "/proc/%d/net/ip_tables_names", "ip6": "/proc/%d/net/ip6_tables_names"}


def firewall(want: Mapping[str, Any]) -> Facts:
    """What each kind of firewall holds (``firewall_change.Found``).

    :param want: the firewall part of what is wanted.
    :raises CommandError: a tool gives no answer.
    """
    found: Facts = {"sshd_config": files.read_file(paths.STATE_DIR + "/sshd_config")}
    if want["backend"] == "none" and want["state"] == "present":
        return dict(found, compat=False, ufw=None, firewalld=None, iptables=_no_iptables(), nftables=_no_nftables())
    units, ruleset = _units(), _ruleset()
    conf = files.read_file(firewall_nftables.CONF)
    compat = _program("iptables") is not None and not re.search(rb"(?m)^\s*chain\s+INPUT\b", conf or b"")
    iptables = _iptables(ruleset, units)
    return dict(
        found, compat=compat, iptables=iptables, ufw=_ufw(iptables["tables"]),
        firewalld=_firewalld(units.get("firewalld.service", ("", ""))[0] == "active"),
        nftables={
            "ruleset": ruleset, "conf": conf or b"", "snippet": files.read_file(firewall_nftables.SNIPPET),
            "persistent": conf is not None and units.get("nftables.service", ("", ""))[1] == "enabled",
        },
    )


def _no_nftables() -> Facts:
    return {"ruleset": None, "conf": b"", "snippet": None, "persistent": False}


def _no_iptables() -> Facts:
    return {"tables": {}, "programs": {}, "files": []}


def _program(name: str) -> Optional[str]:
    return shutil.which(name) or ("/usr/sbin/" + name if os.path.exists("/usr/sbin/" + name) else None)


def _units() -> Dict[str, Tuple[str, str]]:
    """Is a service active, is it started at boot? Empty where there is no systemd."""
    try:
        said = run(["systemctl", "show", "--property=Id,ActiveState,UnitFileState", *_UNITS], check=False, timeout=10.0)
    except CommandError:
        return {}
    found = {}
    for part in said.text.split("\n\n"):
        row = dict(line.partition("=")[::2] for line in part.split("\n"))
        found[row.get("Id", "")] = (row.get("ActiveState", ""), row.get("UnitFileState", ""))
    return found


def _ruleset() -> Optional[List[Dict[str, Any]]]:
    program = _program("nft")
    if not program:
        return None
    done = run([program, "-j", "list", "ruleset"], check=False)
    if done.rc != 0:
        return []
    found: List[Dict[str, Any]] = json.loads(done.out.decode("utf-8", "replace"))["nftables"]
    return found


def _iptables(ruleset: Optional[List[Dict[str, Any]]], units: Mapping[str, Tuple[str, str]]) -> Facts:
    """The filter tables that hold something, and the files that are loaded at boot."""
    tables, programs = {}, {}
    for family, name in firewall_iptables.PROGRAMS.items():
        for kind, there in (("nft", _in_nft(ruleset, family)), ("legacy", _in_legacy(family))):
            save = _variant(name, kind, "-save") if there else None
            restore = _variant(name, kind, "-restore") if save else None
            if save and restore:
                tables[kind, family] = run([save, "-t", "filter"], check=False).text
                programs[kind, family] = restore
    kept = []
    enabled = {unit: state[1] == "enabled" for unit, state in units.items()}
    for path, family in firewall_iptables.keeper_files(enabled):
        data = files.read_file(path)
        if data is not None:
            kept.append((path, family, data.decode("utf-8", "surrogateescape")))
    return {"tables": tables, "programs": programs, "files": kept}


def _in_nft(ruleset: Optional[List[Dict[str, Any]]], family: str) -> bool:
    """Whether nftables holds a filter table as iptables makes it; who has no nft must ask iptables."""
    if ruleset is None:
        return True
    wanted = {"family": family, "table": "filter", "name": "INPUT"}
    return any(wanted.items() <= item["chain"].items() for item in ruleset if "chain" in item)


def _in_legacy(family: str) -> bool:
    """Whether the old kind of tables is in use (reading this loads nothing)."""
    return b"filter" in (files.read_file(_LISTS[family] % os.getpid()) or b"").split()


def _variant(name: str, kind: str, end: str) -> Optional[str]:
    """The program of this kind; a distribution without both has it under the plain name, and it says of which kind."""
    program = _program("%s-%s%s" % (name, kind, end))
    plain = None if program else _program(name + end)
    if plain:
        said = run([plain, "--version"], check=False)
        if (b"nf_tables" in said.out + said.err) is not (kind == "nft"):
            return None
    return program or plain


def _ufw(tables: Mapping[Key, str]) -> Optional[Facts]:
    texts = {key: files.read_file(path) for key, path in firewall_ufw.FILES.items()}
    if texts["conf"] is None:
        return None
    found: Facts = {key: (data or b"").decode("utf-8", "surrogateescape") for key, data in texts.items()}
    return dict(found, loaded=any(firewall_iptables.managed(text) == "ufw" for text in tables.values()))


def _firewalld(running: bool) -> Optional[Facts]:
    conf = files.read_file(firewall_firewalld.CONF)
    if conf is None:
        return None
    default = re.findall(rb"(?m)^\s*DefaultZone\s*=\s*(\S+)", conf)
    program = _program("firewall-cmd") if running else None
    now = run([program, "--list-all-zones"], check=False).text if program else ""
    kept = {}
    names = set(firewall_firewalld.zones_now(now))
    names.update(os.path.basename(path)[:-4] for path in glob.glob(firewall_firewalld.ZONE_DIRS[0] + "/*.xml"))
    for name in sorted(names):
        paths = ["%s/%s.xml" % (folder, name) for folder in firewall_firewalld.ZONE_DIRS]
        kept[name] = next(filter(None, map(files.read_file, paths)), b"")
    return {
        "running": running, "now": now, "kept": kept, "interfaces": sorted(os.listdir("/sys/class/net")),
        "default": (default or [b"public"])[-1].decode("utf-8", "replace"),
    }
