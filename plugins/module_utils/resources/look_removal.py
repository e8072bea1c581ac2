# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at everything that the ledger names, and at what others have put beside it: what the plan of removal needs."""

from __future__ import annotations

import contextlib
import glob
import grp
import json
import os
import re
import shutil
import socket
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import (
    connection,
    digests,
    file_modes,
    files,
    listeners,
    paths,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import desired
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, packages
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalld
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import bookkeeping
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import (
    look_lockdown,
    look_outside,
    restore,
    upgrade_rest,
)

Facts = Dict[str, Any]
Rows = Sequence[Mapping[str, Any]]


def removal(want: Mapping[str, Any], rows: Rows, engine: bool) -> Facts:
    """What is there of all that the ledger names.

    :param want: the removal part of what is wanted.
    :param rows: the ledger.
    :param engine: whether a Docker engine answers.
    :raises DockerError, CommandError, UnsafePath: something could not be read.
    """
    along = bookkeeping.came_along(rows)
    ours = restore.names(rows, "package") + along
    there, staying = packages.staying(ours, restore.named(rows, "package", bookkeeping.ALONG) + along)
    users = restore.users(rows) if rows else want["hop_users"]
    folders = dict.fromkeys([*paths.REMOVED, *restore.names(rows, "folder")])
    found: Facts = {
        "rows": list(rows),
        "cut": bookkeeping.is_cut(),
        "ledger": os.path.isdir(paths.VAR_DIR),
        "folders": {path: _folder(path) for path in folders},
        "files": {path: _file(path) for path in restore.names(rows, "file") if not restore.is_state(path)},
        "users": {name: _user(name) for name in users},
        "packages": there,
        "staying": staying,
        "groups": {name: _members(name) for name in restore.names(rows, "group")},
        "services": {name: _unit(name) for name in restore.names(rows, "service") if "." in name},
        "keys": sorted(kept_keys()) if want["keep_keys"] else [],
        "asides": {path: _digests(path) for path in asides()},
        "lockdown": look_lockdown.state({"state": "absent"}),
        "inside": _comes_from_here({want["port"], upgrade_rest.port_before()}),
        "strangers": _strangers(rows),
    }
    kept = {row["before"] for row in rows if row["kind"] == "file" and row["before"]}
    found["kept"] = {name: bookkeeping.kept(name) for name in sorted(kept)}
    found.update(_engine(rows) if engine else _sleeping_engine())
    found["others"] += _namespaces()
    found["dockerd"] = shutil.which("dockerd") is not None
    return found


def _folder(path: str) -> Facts:
    """Mode and owner of a folder, and whether it holds anything; a mount point cannot go."""
    found = files.stat_file(path)
    if found is None:
        return {}
    inner = [os.path.join(at, name) for at, _names, some in os.walk(path) for name in some] if (
        path.startswith("/etc/")) else []
    return {"mode": file_modes.of(path), "names": files.list_dir(path), "files": sorted(inner)}


def _file(path: str) -> Facts:
    """A file, and for a zone of firewalld what it says and what the zone was before anybody changed it."""
    data = files.read_file(path)
    name = os.path.basename(path)
    default = None
    if path.startswith(firewalld.ZONE_DIRS[0] + "/"):
        default = files.read_file("%s/%s" % (firewalld.ZONE_DIRS[1], name))
    return {"data": data, "default": default}


def _user(name: str) -> Facts:
    """An account's authorized_keys as for the hop, with modes."""
    found = look_outside.user(name)
    if "error" in found:
        return found
    inside = found["path"].startswith(found["home"].rstrip("/") + "/")
    root = found["home"] if inside else "/"
    folder = os.path.dirname(found["path"])
    here = files.list_dir(folder, root=root) if files.stat_file(folder, root=root) else []
    return dict(
        found, root=root, mode=file_modes.of(found["path"], root), folder=folder,
        folder_mode=file_modes.of(folder, root), alone=here == [os.path.basename(found["path"])], empty=not here,
    )


def _members(name: str) -> Optional[List[str]]:
    with contextlib.suppress(KeyError):
        return list(grp.getgrnam(name).gr_mem)
    return None


def _unit(name: str) -> str:
    with contextlib.suppress(CommandError):
        said = run(["systemctl", "show", "--property=ActiveState,UnitFileState", "--value", name], timeout=10.0)
        return " ".join(said.text.split())
    return ""


def kept_keys() -> Dict[str, bytes]:
    """Keys and who may log in: everything of the state that cannot be made again."""
    found: Dict[str, bytes] = {}
    for folder in (paths.PRIVATE_DIR, paths.HOME_SSH):
        for name in files.list_dir(folder):
            with contextlib.suppress(files.UnsafePath):  # a link or a pipe is no key
                data = files.read_file("%s/%s" % (folder, name))
                if data is not None and name != "in-force":
                    found["%s/%s" % (os.path.basename(folder), name)] = data
    return found


def asides() -> List[str]:
    """Where keys were kept aside already."""
    parent, name = os.path.split(paths.ASIDE)
    return ["%s/%s" % (parent, each) for each in files.list_dir(parent) if re.fullmatch(name + r"(-\d+)?", each)]


def _digests(path: str) -> Dict[str, str]:
    return {
        "%s/%s" % (folder, name): digests.digest(files.read_file("%s/%s/%s" % (path, folder, name)) or b"")
        for folder in files.list_dir(path) for name in files.list_dir("%s/%s" % (path, folder))
    }


def _strangers(rows: Rows) -> List[str]:
    """Files in the folder of configurations that this collection did not put there."""
    known = set(desired.FILES) | set(restore.names(rows, "file")) | {paths.PRIVATE_DIR}
    there = ["%s/%s" % (paths.STATE_DIR, name) for name in files.list_dir(paths.STATE_DIR)]
    return [path for path in there if path not in known and not os.path.basename(path).startswith(files.TEMPORARY)]


def _engine(rows: Rows) -> Facts:
    """Containers and images, ours and others'."""
    label = '{{.ID}}\t{{.Names}}\t{{.State}}\t{{.Label "%s"}}' % desired.LABEL
    lines = cli.docker(["ps", "--all", "--no-trunc", "--format", label]).text.splitlines()
    containers = {row[1]: {"id": row[0], "status": row[2], "ours": bool(row[3])} for row in (
        (line.split("\t") + [""] * 4)[:4] for line in lines)}
    mine = {name for name, row in containers.items() if row["ours"]}
    images = _images(rows, mine)
    others = ["the container %s" % name for name in sorted(set(containers) - mine)]
    ids = {row["id"] for row in images}
    listed = cli.docker(["images", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"]).text.splitlines()
    rest = {line.split(" ")[0]: line.split(" ")[1] for line in listed if line.split(" ")[0] not in ids}
    others += ["the image %s" % (name if "<none>" not in name else each[7:19]) for each, name in sorted(rest.items())]
    volumes = set(cli.docker(["volume", "ls", "--quiet"]).text.split()) - _volumes(mine)
    others += ["the volume %s" % name for name in sorted(volumes)]
    networks = set(cli.docker(["network", "ls", "--format", "{{.Name}}"]).text.split())
    others += ["the network %s" % name for name in sorted(networks - {"bridge", "host", "none"})]
    return {"engine": True, "asleep": False, "containers": containers, "images": images, "others": others}


def _sleeping_engine() -> Facts:
    """What an engine that does not answer keeps on its disk; nothing where there is none."""
    containers: Dict[str, Facts] = {}
    for path in glob.glob("/var/lib/docker/containers/*/config.v2.json"):
        try:
            found = json.loads((files.read_file(path) or b"{}").decode("utf-8", "replace"))
            labels = found["Config"].get("Labels") or {}
            containers[found["Name"].lstrip("/")] = {"id": "", "status": "unknown", "ours": desired.LABEL in labels}
        except (ValueError, KeyError):
            containers[path] = {"id": "", "status": "unknown", "ours": False}
    others = ["the container %s" % name for name, row in sorted(containers.items()) if not row["ours"]]
    volumes = set(files.list_dir("/var/lib/docker/volumes")) - {"metadata.db", "backingFsBlockDev"}
    others += ["the volume %s" % name for name in sorted(volumes)]
    asleep = any(row["ours"] for row in containers.values())
    mine = {name: row for name, row in containers.items() if not row["ours"]}
    return {"engine": False, "asleep": asleep, "containers": mine, "images": [], "others": others}


def _namespaces() -> List[str]:
    """Users of containerd besides Docker, as Kubernetes is one."""
    names = files.list_dir("/run/containerd/io.containerd.runtime.v2.task")
    return ["containerd's namespace %s" % name for name in names if name != "moby"]


def _volumes(names: Set[str]) -> Set[str]:
    found = [cli.inspect("container", name) or {} for name in names]
    return {row["Name"] for each in found for row in each.get("Mounts", []) if row["Type"] == "volume"}


def _images(rows: Rows, mine: Set[str]) -> List[Facts]:
    """The images that were brought and are there, by id: under which of our names, and who else needs them."""
    found: Dict[str, Facts] = {}
    for name in restore.images(rows):
        image = cli.inspect("image", name)
        if not image:
            continue
        row = found.setdefault(image["Id"], {"id": image["Id"], "names": [], "tags": image.get("RepoTags") or []})
        row["names"].append(name)
    for row in found.values():
        said = cli.docker(["ps", "--all", "--filter", "ancestor=" + row["id"], "--format", "{{.Names}}"])
        row["used"] = sorted(set(said.text.split()) - mine)
        row["others"] = sorted(set(row["tags"]) - {_tagged(name) for name in row["names"]} - set(row["names"]))
    return list(found.values())


def _tagged(name: str) -> str:
    """A name as the engine lists it: without the registry that it takes when none is named."""
    for prefix in ("docker.io/library/", "docker.io/"):
        if name.startswith(prefix):
            return name[len(prefix):]
    return name


def _comes_from_here(ports: Set[int]) -> bool:
    """Whether this run's own connection may come through the container: from an address of the host itself, while
    somebody is connected to the container's port, which is what its configuration says, whatever the inventory does."""
    client, _port = connection.client()
    if not client or not any(map(listeners.connected, ports)):
        return False
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as own:
        own.bind((client, 0))  # only an address of the host itself can be bound
        return True
    return False
