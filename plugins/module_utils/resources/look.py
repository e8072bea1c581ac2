# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at a host: everything that the plan needs to know, read once and never changed."""

from __future__ import annotations

import glob
import json
import os
import shutil
import time
from concurrent import futures
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import (
    file_modes,
    files,
    listeners,
    machine,
    paths,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import desired
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, image_facts, image_names, platforms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import (
    look_engine,
    look_upgrade,
    password,
    plan_upgrade,
)

UID_FIRST = 22222
#: The label that says from what a host built an image.
RECIPE = "org.quantumsafe.openssh.recipe"

Facts = Dict[str, Any]


def engine_side(want: Mapping[str, Any]) -> Facts:
    """What Docker knows: ``engine``, ``container`` and ``image``.

    Three questions at once: an answer takes Docker's program longer than all the rest takes together. What an engine
    says that we cannot use does not count, nor does its refusal to answer.

    :raises DockerError, UnsafePath: something could not be read; the text says what.
    """
    asks: Dict[str, Callable[[], Facts]] = {}
    if "ssh" in want:
        asks["image"] = lambda: image(want["ssh"]["image"])
    part = want.get("ssh") or want.get("hop") or want.get("lockdown", {})
    if part.get("container"):
        asks["container"] = lambda: container(part["container"])
    with futures.ThreadPoolExecutor(max_workers=2) as pool:
        early = {name: pool.submit(ask) for name, ask in asks.items()} if cli.program() else {}
        facts: Facts = {"engine": look_engine.engine(), "image": {}, "container": {}}
    if look_engine.usable(facts["engine"]):
        facts.update({name: answer.result() for name, answer in early.items()})
    return facts


def look(want: Mapping[str, Any], known: Facts) -> Facts:
    """Read everything that the wanted sections ask about.

    :param want: by section, as the variables of the roles make it (``roles/*/vars``); sections that are not there
        are not looked at.
    :param known: of ``engine_side``.
    :raises DockerError, CommandError, UnsafePath: something could not be read; the text says what.
    """
    facts: Facts = dict(known, machine=host_itself(), state={})
    asked = look_engine.usable(facts["engine"])
    if "ssh" in want or "hop" in want:
        facts["state"] = state()
    if "ssh" in want:
        facts["upgrade"] = look_upgrade.look(stored_image(facts["container"].get("image", "")) or {})
        if asked and facts["upgrade"]["cut_short"]:
            before = container(plan_upgrade.old_name(want["ssh"]["container"]))
            facts["upgrade"]["sockets"] = before.get("sockets", set())
        if asked and not facts["image"]:
            facts["held"] = held(want["ssh"]["image"])
        facts["parts"] = [] if facts["image"] else parts()
        facts["port"] = listeners.who_listens(want["ssh"]["port"])
    elif facts["container"]:
        facts["image"] = stored_image(facts["container"]["image"]) or {}
    return facts


def host_itself() -> Facts:
    """The host itself: id, distribution, who we are."""
    data = files.read_file("/usr/lib/os-release") or files.read_file("/etc/os-release") or b""
    release = platforms.parse_release(data.decode("utf-8", "replace"))
    return {
        "id": machine.machine_id(),
        "distribution": release.get("ID", "unknown"),
        "like": release.get("ID_LIKE", "").split(),
        "version": release.get("VERSION_ID", ""),
        "codename": release.get("VERSION_CODENAME", ""),
        "name": release.get("PRETTY_NAME", "unknown"),
        "root": os.geteuid() == 0,
        "systemd": os.path.isdir("/run/systemd/system"),
    }


def image(want: Mapping[str, Any]) -> Facts:
    """The wanted image, as far as this host holds it, with what is known of it."""
    if want.get("rollback"):
        return _image_before(want)
    stored = stored_image(want["id"]) if want["id"] else None
    reference = image_names.parse(want["name"])
    name = reference.tagged or reference.pinned()  # the tag must be there, too: it is what people see
    found = None
    for each in [stored["engine_id"] if stored else "", want["id"] or "", "" if want["id"] else name]:
        found = found or (cli.inspect("image", each) if each else None)
    labels = ((found or {}).get("Config") or {}).get("Labels") or {}
    if not found or want.get("recipe") not in (None, labels.get(RECIPE)):
        return {}
    pinned = reference.pinned(want.get("digest") or "") if want["source"] == "pull" else ""
    if pinned and pinned not in [image_names.parse(each).pinned() for each in found.get("RepoDigests") or []]:
        return {}
    known = stored or stored_image(found["Id"]) or {"engine_id": found["Id"]}
    return dict(known, engine_id=found["Id"], origin=origin(found, want["name"]))


def _image_before(want: Mapping[str, Any]) -> Facts:
    """The image that was replaced by an upgrade, if the host still holds it."""
    known = look_upgrade.previous()
    found = cli.inspect("image", known) if known else None
    if not found:
        return {}
    return dict(stored_image(known) or {}, engine_id=found["Id"], origin=origin(found, want["name"]))


def origin(found: Mapping[str, Any], name: str) -> Dict[str, str]:
    """Where an image came from: its digest in the registry (empty: from none), and the day it was made."""
    digest = image_names.digest_among(found.get("RepoDigests") or [], name)
    return {"digest": digest, "made": str(found.get("Created") or "")[:10]}


def held(want: Mapping[str, Any]) -> str:
    """The image that has the wanted tag here, where it is not the wanted one; in words, or nothing."""
    tagged = image_names.parse(want["name"]).tagged if want["source"] == "pull" else ""
    found = cli.inspect("image", tagged) if tagged else None
    return image_names.described(want["name"], **origin(found, want["name"])) if found else ""


def parts() -> List[str]:
    """Hashes of the parts of an image that an interrupted run has brought."""
    return files.list_dir(paths.PARTS_DIR) if os.path.isdir(paths.PARTS_DIR) else []


def stored_image(image_id: str) -> Optional[Facts]:
    """What an earlier run asked an image (``entry facts``), or None; a file that was damaged meanwhile counts as none.
    """
    data = files.read_file("%s/%s.json" % (paths.IMAGES_DIR, image_id.replace("sha256:", "")))
    try:
        found = json.loads(data.decode()) if data else None
    except ValueError:
        return None
    return found if image_facts.is_whole(found) else None


def container(name: str) -> Facts:
    """The container, its process and its account, or an empty dictionary."""
    found = cli.inspect("container", name)
    if not found:
        return {}
    status = found["State"]
    result: Facts = {
        "id": found["Id"],
        "image": found["Image"],
        "labels": found["Config"].get("Labels") or {},
        "running": bool(status["Running"]) and not status.get("Restarting") and not status.get("Paused"),
        "status": status["Status"],
        "pid": status.get("Pid") or 0,
        "health": (status.get("Health") or {}).get("Status", ""),
        "started": status.get("StartedAt", ""),
        "restarts": found.get("RestartCount", 0),
    }
    if result["pid"]:
        root = "/proc/%d/root" % result["pid"]
        binds = [(row["Source"], root + row["Destination"]) for row in found["Mounts"] if row["Type"] == "bind"]
        result["stale"] = [source for source, inside in binds if not _same(source, inside, root)]
        result["sockets"] = listeners.sockets_of(result["pid"])
    return result


def _same(source: str, inside: str, root: str) -> bool:
    """Whether a container still sees what lies at a path: what was replaced or made anew meanwhile, it does not."""
    try:
        here, there = files.stat_file(source), files.stat_file(inside, root=root)
    except (files.UnsafePath, OSError):
        return False
    return bool(here and there and (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino))


def shadow(name: str, facts: Mapping[str, Any]) -> Optional[bytes]:
    """The container's shadow file; None where there is no container."""
    found = facts["container"]
    if not found or desired.LABEL not in found["labels"]:  # somebody else's is refused, not looked into
        return None
    if found["pid"]:
        root = "/proc/%d/root" % found["pid"]
        return files.read_file(root + "/etc/shadow", root=root)
    return password.container_shadow(name)[0]


def state() -> Facts:
    """The state folders: configurations, keys, and what the entry last started."""

    def content(path: str) -> Optional[bytes]:
        return files.read_file(path)

    keys = host_key_pairs(paths.PRIVATE_DIR)
    modes = {}
    for name in keys:
        path = "%s/%s" % (paths.PRIVATE_DIR, name)
        modes[name] = file_modes.wrong(path, 0, 0o600) or file_modes.wrong(path + ".pub", 0, 0o644)
    text = {name: content("%s/%s" % (paths.PRIVATE_DIR, name)) or b"" for name in ("in-force", "password")}
    return {
        "folders": {path: file_modes.of(path) for path in (*desired.folders(0), paths.PARTS_DIR)},
        "entry": content(paths.STATE_DIR + "/entry"),
        "sshd_config": content(paths.STATE_DIR + "/sshd_config"),
        "ssh_config": content(paths.STATE_DIR + "/ssh_config"),
        "hop_config": content(paths.STATE_DIR + "/hop_config"),
        "known_hosts": content(paths.STATE_DIR + "/known_hosts"),
        "uid": (content(paths.STATE_DIR + "/uid") or b"").decode("ascii", "replace").strip(),
        "written": _written(),
        "in_force": text["in-force"].decode("ascii", "replace").strip(),
        "password": text["password"].decode("ascii", "replace").strip(),
        "authorized_keys": content(paths.HOME_SSH + "/authorized_keys"),
        "identity": content(paths.IDENTITY + ".pub"),
        "identity_state": _identity_state(),
        "keys": keys,
        "next": host_key_pairs(paths.NEXT_DIR),
        "next_age": next_age(),
        "key_modes": modes,
        "modes": {path: file_modes.of(path) for path in desired.FILES},
    }


def host_key_pairs(folder: str) -> Dict[str, Tuple[Optional[bytes], Optional[bytes]]]:
    """File name of the private half to both halves, of all host keys in a folder, whichever half is there."""
    if not os.path.isdir(folder):
        return {}
    stems = [name[: -len(".pub")] if name.endswith(".pub") else name for name in files.list_dir(folder)]
    names = dict.fromkeys(name for name in stems if name.startswith("ssh_host_") and name.endswith("_key"))
    paths = {name: "%s/%s" % (folder, name) for name in names}
    return {name: (files.read_file(path), files.read_file(path + ".pub")) for name, path in paths.items()}


def next_age() -> float:
    """Hours since the youngest of the announced host keys was made; 0 where there is none."""
    private = ["%s/%s" % (paths.NEXT_DIR, name) for name in host_key_pairs(paths.NEXT_DIR)]
    found = [each for each in map(files.stat_file, private) if each is not None]
    return max(0.0, time.time() - max(each.st_mtime for each in found)) / 3600 if found else 0.0


def _identity_state() -> str:
    """What the container's ed25519 identity is worth; ssh takes none that others can read."""
    private, public = (files.read_file(paths.IDENTITY + end, root=paths.VAR_DIR) for end in ("", ".pub"))
    pair = key_files.pair_state(private, public)
    folder = files.stat_file(paths.HOME_SSH)
    wrong = file_modes.wrong(paths.IDENTITY, folder.st_uid if folder else 0, 0o600)
    return wrong if pair.state == "good" and wrong else pair.state


def _written() -> Facts:
    """The algorithm lists that earlier runs wrote (``desired.remember``)."""
    try:
        found = json.loads((files.read_file(paths.PRIVATE_DIR + "/written.json") or b"{}").decode())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def own_settings() -> Dict[str, List[str]]:
    """The configuration of the host's own sshd as itself reads it (``sshd -T``): keyword in lower case to values; empty
    where it does not say."""
    program = shutil.which("sshd") or "/usr/sbin/sshd"
    found: Dict[str, List[str]] = {}
    try:
        for line in run([program, "-T"], timeout=10.0).text.splitlines():
            keyword, _blank, value = line.partition(" ")
            found.setdefault(keyword.lower(), []).append(value)  # 10.6 prints capitals, too
    except CommandError:
        return {}
    return found


def host_keys(settings: Mapping[str, Sequence[str]]) -> List[str]:
    """The public lines of the host's own sshd, as its configuration names them.

    :param settings: as ``own_settings`` gave them.
    """
    paths = list(settings.get("hostkey", ()))
    if not settings:
        paths = [name[: -len(".pub")] for name in sorted(glob.glob("/etc/ssh/ssh_host_*_key.pub"))]
    lines = [(files.read_file(path + ".pub") or b"").decode("utf-8", "replace").strip() for path in paths]
    return [line for line in lines if line]
