# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan to take everything away again, from the ledger: what was changed, and only that. Pure.

Every item follows from the ledger and from what is there now, so that a removal that was cut short goes on where it
ended, and one after the last has nothing to do. The ledger itself goes last.
"""

from __future__ import annotations

from typing import Any, List, Mapping, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import bookkeeping
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import plan_lockdown, plan_outside, restore

Want = Mapping[str, Any]
Facts = Mapping[str, Any]

_WHY = "it came with the deployment"
_SECTION = "removal"
#: Files that packages of the engine bring without asking, or that the engine makes for itself.
PACKAGED = ("/etc/containerd/config.toml", "/etc/docker/key.json")


def plan_removal(want: Want, facts: Facts, plan: Plan) -> None:
    """All that goes; what stays, and why, is said in notes. The firewall's own rules are planned already."""
    found = facts["removal"]
    if found["inside"] and any(row["ours"] for row in found["containers"].values()):
        plan.refuse(
            "this run's own connection comes through the container that it would remove: connect to the host's own "
            "sshd directly (ansible_port, no ProxyJump through the container)%s" % (
                "" if found["lockdown"] == plan_lockdown.OPEN
                else "; it is locked down: open it first (playbook lockdown with oqs_ssh_lockdown: false)")
        )
    if found["asleep"]:
        plan.refuse("the container cannot be removed while Docker does not answer: systemctl start docker, run again")
    plan.want("lockdown", "lockdown", "", found["lockdown"], plan_lockdown.OPEN, _WHY)
    _say_what_is_known(want["removal"], found, plan)
    _firewall_files(found, plan)
    _users(found, plan)
    _containers(found, plan)
    _images(found, plan)
    parts = found["folders"][paths.PARTS_DIR]
    if parts:  # an image that was on its way; nobody else's, and there before the ledger is
        plan.want(_SECTION, "folder_gone", paths.PARTS_DIR, parts["mode"], "absent", _WHY)
    if found["rows"]:
        _keys(found, plan)
        _state(found, plan)
        engine_goes = _packages(facts, plan)
        _services(found, plan)
        _files(found, plan, engine_goes)
        if engine_goes:
            _engines_own(found, plan)
        if found["ledger"]:
            plan.want(_SECTION, "ledger_gone", paths.VAR_DIR, "there", "absent", "nothing is left to be taken back")


def _say_what_is_known(removal: Want, found: Facts, plan: Plan) -> None:
    """Without a ledger only what carries our mark is certain to be ours."""
    if found["cut"]:
        plan.note(
            "the ledger's end is cut off: what was written there is not known; what it still names goes, and the "
            "container, rules and lines that carry our mark"
        )
    if found["rows"]:
        return
    left = [path for path, row in found["folders"].items() if row and path != paths.PARTS_DIR]
    ours = [name for name, row in found["containers"].items() if row["ours"]]
    if not left and not ours and not plan.items:
        return
    where = ", ".join(left)
    plan.note(
        "there is no ledger on this host: only the container, rules and lines that carry our mark go%s%s" % (
            "; left: %s (the keys are in there: remove by hand what you do not need)" % where if left else "",
            "" if removal["hop_users"] else "; accounts with our line in authorized_keys are not known: name them in "
            "oqs_ssh_hop_users",
        )
    )


def _firewall_files(found: Facts, plan: Plan) -> None:
    """Files of firewalls become what they were, byte by byte, where nobody else has changed them since."""
    rows = found["rows"]
    for number, item in enumerate(plan.items):
        row = found["files"].get(item.name)
        if item.kind != "firewall_file" or not row:
            continue
        if restore.is_zone(item.name):
            untouched, before = restore.zone_back(rows, item.name, row, found["kept"])
        else:
            before, untouched = restore.file_back(rows, item.name, row["data"], found["kept"])
        if untouched:
            plan.items[number] = item._replace(after=_text(before))
    planned = {item.name for item in plan.items}
    for path, row in found["files"].items():
        if restore.is_zone(path) and path not in planned:
            possible, before = restore.zone_back(rows, path, row, found["kept"])
            may = possible or (path.endswith(".old") and before is None and _zone_goes_back(found, path, planned))
            if may:
                words = "absent" if before is None else "as it was"
                plan.want("firewall", "zone_file", path, "written by firewalld", words, "our rules were its reason")


def _zone_goes_back(found: Facts, path: str, planned: "set[str]") -> bool:
    """A copy of firewalld's that is not there yet comes into being when our rules go."""
    zone = "zone %s" % path.rsplit("/", 1)[-1].partition(".")[0]
    return found["files"][path]["data"] is None and zone in planned


def _users(found: Facts, plan: Plan) -> None:
    """Our line in accounts' authorized_keys; what we made for it goes when nothing else is in it."""
    rows = found["rows"]
    for name, user in found["users"].items():
        if "error" in user:
            continue
        after = plan_outside.user_keys(user["keys"], None)
        made = restore.was(rows, "line", user["path"]) == "absent"
        goes = made and not after and user["mode"] != "absent"
        if after != user["keys"] or goes:
            words = "absent" if goes else after.decode("utf-8", "replace")
            plan.want("hop", "hop_user_gone", name, user["keys"].decode("utf-8", "replace"), words, "our line goes")
        folder = [row for row in rows if row["kind"] == "keys_folder" and row["name"] == name]
        if folder and folder[0]["before"] is None and user["folder_mode"] != "absent":
            if user["empty"] or (goes and user["alone"]):
                plan.want("hop", "keys_folder_gone", user["folder"], user["folder_mode"], "absent", _WHY)
            else:
                plan.note("%s stays: others have put something there" % user["folder"])
        elif folder and folder[0]["before"] and user["folder_mode"] == "700 %d:%d" % (user["uid"], user["gid"]):
            plan.want("hop", "keys_folder_back", user["folder"], user["folder_mode"], folder[0]["before"], "as it was")


def _containers(found: Facts, plan: Plan) -> None:
    rows = found["rows"]
    for name, row in sorted(found["containers"].items()):
        if row["ours"]:
            plan.want(_SECTION, "container_gone", name, row["status"], "absent", _WHY)
        elif name in restore.names(rows, "container"):
            plan.note("the container %s stays: it is not the one that was deployed here" % name)


def _images(found: Facts, plan: Plan) -> None:
    for row in found["images"]:
        name = row["names"][-1]
        if row["used"]:
            plan.note("the image %s stays: used by %s" % (name, _few(row["used"])))
            continue
        if row["others"]:
            plan.note("the image %s stays under the names that others gave it: %s" % (name, _few(row["others"])))
        ours = [each for each in row["names"] if not (row["others"] and each == row["id"])]
        if ours:
            plan.want(_SECTION, "image_gone", row["id"], " ".join(ours), "absent", _WHY)


def _keys(found: Facts, plan: Plan) -> None:
    """Kept aside when asked, before anything of the state goes."""
    there = [path for path in found["asides"] if found["keys"] and set(found["keys"]) <= set(found["asides"][path])]
    if found["keys"] and not there:
        path = restore.aside(list(found["asides"]))
        plan.want(_SECTION, "keys_aside", path, "absent", "%d files" % len(found["keys"]), "oqs_ssh_keep_keys")
    for path in there or [item.name for item in plan.items if item.kind == "keys_aside"]:
        plan.note("%s holds the keys that were kept: host keys, password hash, who may log in" % path)


def _state(found: Facts, plan: Plan) -> None:
    made = set(restore.names(found["rows"], "folder")) | {paths.VAR_DIR + "/images"}
    for path in paths.REMOVED:
        row = found["folders"][path]
        if not row or path == paths.PARTS_DIR:
            continue
        if path not in made:
            plan.note("%s stays: it was there before, or the ledger has lost it; look into it yourself" % path)
            continue
        strangers = found["strangers"] if path == paths.STATE_DIR else []
        if strangers:
            plan.note("%s stays with what others have put there: %s" % (path, _few(strangers)))
        if not strangers:
            plan.want(_SECTION, "folder_gone", path, row["mode"], "absent", _WHY)
        elif len(row["names"]) > len(strangers):
            plan.want(_SECTION, "folder_emptied", path, row["mode"], "only what others have put there", _WHY)


def _packages(facts: Facts, plan: Plan) -> bool:
    """What was installed, unless others use it by now; whether no engine will be left that is none of ours."""
    found = facts["removal"]
    there: List[str] = found["packages"]
    staying: Mapping[str, str] = found["staying"]
    if not there:
        return not (found["dockerd"] or found["engine"])
    if found["others"]:
        plan.note("Docker stays, with its settings: others use it: %s" % _few(found["others"]))
        return False
    for name in sorted(set(there) & set(staying)):
        plan.note("the package %s stays: needed by %s" % (name, staying[name]))
    going = [name for name in there if name not in staying]
    if going:
        plan.want(_SECTION, "packages_gone", "", " ".join(going), "absent", _WHY)
    return going == there


def _engines_own(found: Facts, plan: Plan) -> None:
    """What the engine's packages leave behind."""
    rows, going = found["rows"], {item.name for item in plan.items if item.after == "absent"}
    for path in restore.named(rows, "folder", "of the engine"):
        before, now = restore.was(rows, "folder", path), found["folders"][path]
        strange = [each for each in now.get("files", []) if each not in going and each not in PACKAGED]
        if strange and path.startswith("/etc/"):
            plan.note("%s stays: others have put %s there" % (path, _few(strange)))
        elif before is None and now:
            plan.want(_SECTION, "engine_folder", path, now["mode"], "absent", _WHY)
        elif before is not None and now and (now["names"] or now["mode"] != before):
            plan.want(_SECTION, "engine_folder", path, now["mode"], "empty, mode %s" % before, _WHY)
    for name, members in found["groups"].items():
        if restore.was(rows, "group", name) is None and members is not None:
            if members:
                plan.note("the group %s stays: somebody put %s into it" % (name, _few(members)))
            else:
                plan.want(_SECTION, "group_gone", name, "there", "absent", _WHY)


def _services(found: Facts, plan: Plan) -> None:
    """An engine that was there, but not running: as it was, unless others use it by now."""
    if found["packages"]:
        return
    for name, now in found["services"].items():
        before = restore.was(found["rows"], "service", name)
        if before is None or now == before or not now or len(before.split()) < 2:
            continue
        if any(not row["ours"] and row["status"] == "running" for row in found["containers"].values()):
            plan.note("%s stays as it is: containers of others run" % name)
            continue
        plan.want(_SECTION, "service_back", name, now, before, "as it was found")


def _files(found: Facts, plan: Plan, engine_goes: bool) -> None:
    """Files outside of the state that are no firewall's: as they were, where nobody else has changed them since."""
    rows, planned = found["rows"], {item.name for item in plan.items}
    for path, row in found["files"].items():
        if path in planned or restore.is_zone(path) or (path.startswith("/etc/docker/") and not engine_goes):
            continue
        back = restore.file_back(rows, path, row["data"], found["kept"])
        if row["data"] in (None, back.before):
            continue
        if back.untouched:
            plan.want(_SECTION, "file_back", path, _text(row["data"]), _text(back.before), _WHY)
        elif restore.was(rows, "file", path) is None:
            plan.note("%s stays: somebody has changed it since" % path)
    going = {item.name for item in plan.items if item.after == "absent"}
    for path in restore.names(rows, "folder"):
        row = found["folders"][path]
        if restore.is_state(path) or path in bookkeeping.ENGINE_FOLDERS or not row:
            continue
        if all("%s/%s" % (path, name) in going for name in row["names"]):
            plan.want(_SECTION, "empty_folder", path, row["mode"], "absent", _WHY)
        else:
            plan.note("%s stays: others have put something there" % path)


def _few(names: Sequence[str]) -> str:
    """Some names, and how many more there are."""
    some: List[str] = list(names[:5])
    return ", ".join(some) + (" and %d more" % (len(names) - 5) if len(names) > 5 else "")


def _text(data: Any) -> str:
    return "absent" if data is None else str(data.decode("utf-8", "surrogateescape"))
