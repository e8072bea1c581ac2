# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Take away what the plan of removal names. Each act does no harm when what it is about is gone already."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import Callable, Dict

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, packages
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Item
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import look_removal, plan_outside, restore
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.host import Host

#: Sockets and marks that an engine leaves beside its folder for them.
_RUNTIME = {"/run/docker": ("/run/docker.sock", "/run/docker.pid")}


def image_gone(_host: Host, item: Item) -> None:
    """The names that we gave an image; the last one takes it along. By its id only when it has no other name: an engine
    refuses that for an image of two names, as the one before an upgrade may be."""
    for name in sorted(item.before.split(), key=lambda each: each.startswith("sha256:")):
        found = cli.inspect("image", name)
        if found and found["Id"] == item.name:
            cli.docker(["image", "rm", name], timeout=cli.WORK)


def keys_aside(_host: Host, item: Item) -> None:
    """Keys are copied to a folder of root's, which gets its name when it is whole."""
    parent, name = os.path.split(item.name)
    if files.stat_file(parent) is None:
        files.make_dir(parent, 0o755)
    half = "%s/%s%s" % (parent, files.TEMPORARY, name)
    shutil.rmtree(half, ignore_errors=True)
    files.make_dir(half, 0o700)
    for path, data in look_removal.kept_keys().items():
        files.make_dir("%s/%s" % (half, os.path.dirname(path)), 0o700)
        files.write_file("%s/%s" % (half, path), data, 0o600)
    os.rename(half, item.name)


def empty_folder(_host: Host, item: Item) -> None:
    """A folder that we made among those of others, while it is empty."""
    with contextlib.suppress(OSError):
        os.rmdir(item.name)


def folder_emptied(host: Host, item: Item) -> None:
    """What is ours in a folder where others have put something, too."""
    strangers = host.facts["removal"]["strangers"]
    for name in files.list_dir(item.name):
        path = "%s/%s" % (item.name, name)
        if path not in strangers:
            _remove(path)


def packages_gone(_host: Host, item: Item) -> None:
    """Packages, with their configuration and nothing else."""
    packages.purge(item.before.split())


def engine_folder(_host: Host, item: Item) -> None:
    """What an engine leaves behind that was ours."""
    _unmount_below(item.name)
    for path in (item.name, *_RUNTIME.get(item.name, ())):
        if item.after == "absent":
            _remove(path)
    if item.after != "absent":
        for name in files.list_dir(item.name):
            _remove("%s/%s" % (item.name, name))
        mode, owner = item.after.split()[-2:]
        uid, gid = (int(part) for part in owner.split(":"))
        files.make_dir(item.name, int(mode, 8), uid, gid)


def _unmount_below(path: str) -> None:
    """Mounts that an engine forgets when it ends, as that of the host's own network in /run/docker/netns."""
    data = files.read_file("/proc/self/mounts", root="/proc/self") or b""
    points = [line.split()[1].decode("ascii", "replace") for line in data.splitlines()]  # fstab(5) writes octal escapes
    for point in reversed([each for each in points if each.startswith(path + "/")]):
        run(["umount", point])


def _remove(path: str) -> None:
    found = files.stat_file(path)
    if found is not None and os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif found is not None:
        files.remove_file(path)


def group_gone(_host: Host, item: Item) -> None:
    """A group that packages had made."""
    run(["groupdel", item.name])


def service_back(_host: Host, item: Item) -> None:
    """A service runs, and is started at boot, as it was found."""
    active, enabled = item.after.split()[:2]
    if enabled in ("enabled", "disabled"):
        run(["systemctl", "enable" if enabled == "enabled" else "disable", "--quiet", item.name])
    if active in ("active", "inactive"):
        run(["systemctl", "start" if active == "active" else "stop", item.name], timeout=cli.WORK)


def file_back(_host: Host, item: Item) -> None:
    """A file as it was."""
    _back(item.name, None if item.after == "absent" else item.after.encode("utf-8", "surrogateescape"))


def zone_file(host: Host, item: Item) -> None:
    """A file of firewalld's as it was; it watches its folder, and reads what others write there."""
    removal = host.facts["removal"]
    first = restore.was(removal["rows"], "file", item.name)
    _back(item.name, removal["kept"].get(first) if first else None)


def _back(path: str, data: "bytes | None") -> None:
    found = files.stat_file(path)
    if data is None:
        files.remove_file(path)
    else:
        files.write_file(path, data, found.st_mode & 0o7777 if found else 0o644)


def hop_user_gone(host: Host, item: Item) -> None:
    """Our line in an account's authorized_keys; the file, too, where we made it and nothing else is in it."""
    removal = host.facts["removal"]
    user = removal["users"][item.name]
    if item.after == "absent":
        files.remove_file(user["path"], root=user["root"])
        return
    was = restore.was(removal["rows"], "line", user["path"]) or ""
    mode, uid, gid = _owner(user["mode"] if was in ("", "absent") else was)
    files.write_file(user["path"], plan_outside.user_keys(user["keys"], None), mode, uid, gid, root=user["root"])


def keys_folder_gone(host: Host, item: Item) -> None:
    """The folder of an account's keys, where we made it and nothing else is in it."""
    for user in host.facts["removal"]["users"].values():
        if user.get("folder") == item.name:
            with contextlib.suppress(OSError), files.open_place(item.name, user["root"]) as place:
                os.rmdir(place.name, dir_fd=place.fd)


def keys_folder_back(host: Host, item: Item) -> None:
    """The folder of an account's keys with the mode and owner that it had."""
    for user in host.facts["removal"]["users"].values():
        if user.get("folder") == item.name:
            mode, uid, gid = _owner(item.after)
            files.make_dir(item.name, mode, uid, gid, root=user["root"])


def _owner(text: str) -> "tuple[int, int, int]":
    mode, owner = text.split()
    uid, gid = (int(part) for part in owner.split(":"))
    return int(mode, 8), uid, gid


def ledger_gone(_host: Host, item: Item) -> None:
    """The ledger's folder, the ledger itself last: until then a run that is cut short can be run again."""
    for name in files.list_dir(item.name):
        if name != "ledger":
            _remove("%s/%s" % (item.name, name))
    folder = os.path.dirname(paths.LEDGER)
    for name in files.list_dir(folder):
        if "%s/%s" % (folder, name) != paths.LEDGER:
            _remove("%s/%s" % (folder, name))
    shutil.rmtree(item.name)


HANDLERS: Dict[str, Callable[[Host, Item], None]] = {
    "image_gone": image_gone,
    "keys_aside": keys_aside,
    "empty_folder": empty_folder,
    "folder_emptied": folder_emptied,
    "packages_gone": packages_gone,
    "engine_folder": engine_folder,
    "group_gone": group_gone,
    "service_back": service_back,
    "file_back": file_back,
    "zone_file": zone_file,
    "hop_user_gone": hop_user_gone,
    "keys_folder_gone": keys_folder_gone,
    "keys_folder_back": keys_folder_back,
    "ledger_gone": ledger_gone,
}
