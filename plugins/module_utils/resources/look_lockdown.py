# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at the lockdown of a host, and at the way by which this run came."""

from __future__ import annotations

import shutil
from typing import Any, Dict, List, Mapping

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import connection, files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import desired
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import lockdown, look, plan_lockdown

Facts = Dict[str, Any]


def look_lockdown(want: Mapping[str, Any], container: Mapping[str, Any]) -> Facts:
    """What is in force, what is missing, and whether this run came through the container.

    :param want: the section lockdown of what is wanted.
    :param container: what is known of the container; empty where it does not matter.
    """
    ours = desired.LABEL in container.get("labels", {})
    return {
        "state": state(want),
        "missing": [name for name in lockdown.PROGRAMS if shutil.which(name) is None],
        "settings": look.own_settings(),
        "token": (files.read_file(lockdown.TOKEN, root="/run") or b"").decode("ascii", "replace").strip(),
        "through": bool(ours and container.get("pid") and connection.comes_through(container["pid"])),
    }


def state(want: Mapping[str, Any]) -> str:
    """What is in force, in the words of the plan."""
    table, watch = has_table(), files.read_file(lockdown.WATCH)
    if unit("ActiveState", lockdown.UNDO + ".timer") == "active":
        return plan_lockdown.UNCONFIRMED
    if watch is None:
        left = [path for path in _paths() if files.stat_file(path) is not None]
        return plan_lockdown.OPEN if not table and not left else "damaged: the watch is gone"
    said = [line[2:] for line in watch.decode("utf-8", "replace").splitlines()[1:2]]
    wrong = _wrong(want) if want["state"] == "present" else []
    if not table:
        wrong.append("the rules are not loaded")
    for name in (lockdown.TIMER, lockdown.SERVICE):
        if unit("UnitFileState", name) != "enabled":
            wrong.append("%s is not enabled" % name)
    if unit("ActiveState", lockdown.TIMER) != "active":
        wrong.append("%s does not run" % lockdown.TIMER)
    return "%s%s" % (said[0] if said else "", "; damaged: " + ", ".join(wrong) if wrong else "")


def watched() -> int:
    """The port that is the only way into this host; 0: it is not locked down."""
    return lockdown.watched(files.read_file(lockdown.WATCH) or b"")


def _wrong(want: Mapping[str, Any]) -> List[str]:
    """Files that are not as wanted though the watch's own words are."""
    wanted = lockdown.files(plan_lockdown.complete(want))
    first = (files.read_file(lockdown.WATCH) or b"").split(b"\n")[1:2]
    if first != wanted[lockdown.WATCH].encode().split(b"\n")[1:2]:
        return []  # other wishes, which the words say
    return ["%s differs" % path for path, text in wanted.items() if files.read_file(path) != text.encode()]


def _paths() -> List[str]:
    units = [lockdown.SERVICE, lockdown.TIMER, lockdown.OPEN]
    return [lockdown.FOLDER] + ["%s/%s" % (lockdown.UNITS, name) for name in units]


def has_table() -> bool:
    """Whether the rules are loaded."""
    try:
        return run(["nft", "list", "table", *lockdown.TABLE.split()], check=False, timeout=10.0).rc == 0
    except CommandError:
        return False


def unit(what: str, name: str) -> str:
    """A property of a systemd unit; empty where there is no systemd."""
    try:
        return run(["systemctl", "show", "--property=" + what, "--value", name], check=False, timeout=10.0).text
    except CommandError:
        return ""
