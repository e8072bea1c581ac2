# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mend what lies outside the container: the firewall and the hop."""

from __future__ import annotations

import os
from typing import Callable, Dict, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import file_modes, files, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalld, firewalls
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import keypair
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import bookkeeping
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Item
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import look, look_outside, plan_outside
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.apply_container import (
    ContainerError,
    owner_of_home,
    remember,
    write_configs,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.host import Host


def firewall_rules(host: Host, item: Item) -> None:
    """Our rules in one firewall; opened only for a server that proved itself."""
    change = firewalls.change_of(host.want["firewall"], host.facts["firewall"], item.kind, item.name)
    if change is None:
        return
    if change.opens:
        _must_serve(host)
    bookkeeping.record(item.kind, item.name, item.before, item.after)
    if item.kind == firewalld.NAME:
        for path in firewalld.zone_files(item.name.split()[-1]):  # its own program writes them
            bookkeeping.record("file", path, bookkeeping.keep(path), "by firewalld")
    for command in change.commands:
        run(command.argv, stdin=command.stdin)


def _must_serve(host: Host) -> None:
    firewall = host.want["firewall"]
    proven = look_outside.prove(firewall["container"], firewall["port"], None, "root").get("own", {})
    if not proven.get("ok"):
        raise ContainerError(
            "the firewall stays closed: the handshake with the container failed (%s)" % proven.get("error", "no answer")
        )


def firewall_file(_host: Host, item: Item) -> None:
    """A file that a firewall loads at boot: our own, or somebody's with our lines."""
    if item.after == "absent":
        bookkeeping.record("file", item.name, bookkeeping.keep(item.name), None)
        files.remove_file(item.name)
        return
    bookkeeping.make_dir(os.path.dirname(item.name), 0o755)
    found = files.stat_file(item.name)
    bookkeeping.write(item.name, item.after.encode("utf-8", "surrogateescape"),
                      found.st_mode & 0o7777 if found else 0o644)


def hop_identity(host: Host, item: Item) -> None:
    """The container's ed25519 identity, only where accounts are named that it may log in to."""
    owner = owner_of_home()
    bookkeeping.record("file", item.name, None, "a key")
    level = "always" if item.before == plan_outside.ROTATED else "damaged"
    request = keypair.Request(item.name, "ed25519", plan_outside.HOP_MARK, level, owner, owner, paths.VAR_DIR)
    keypair.ensure_pairs([request], keypair.in_image(host.facts["image"]["engine_id"]))
    host.facts["state"] = look.state()
    host.want = dict(host.want, hop=dict(host.want["hop"], rotate=False))  # it is done: not wished for again


def _wanted(host: Host) -> plan_outside.HopGoal:
    # the container's own section has written both in this round, maybe
    base, pinned = (files.read_file("%s/%s" % (paths.STATE_DIR, name)) for name in ("ssh_config", "known_hosts"))
    return plan_outside.HopGoal(host.want["hop"], host.facts, base or b"", pinned or b"")


def hop_config(host: Host, _item: Item) -> None:
    """The hop's own file, included by the client's configuration."""
    data = _wanted(host).hop_config
    if data is None:
        bookkeeping.record("file", paths.HOP_FILE, "ours", None)
        files.remove_file(paths.HOP_FILE)
    else:
        bookkeeping.write(paths.HOP_FILE, data, 0o644)


def hop_client(host: Host, _item: Item) -> None:
    """The client's configuration."""
    data = _wanted(host).ssh_config
    if host.want["hop"]["scope"] == "global":
        remember(host, "hop", data, "ssh_config")
    write_configs(host, {"ssh_config": data})


def hop_known_hosts(host: Host, _item: Item) -> None:
    """The host's own host key, pinned."""
    bookkeeping.write(paths.STATE_DIR + "/known_hosts", _wanted(host).known_hosts, 0o644)


def hop_user(host: Host, item: Item) -> None:
    """Our one line in an account's authorized_keys; no link in the account's folders can lead us elsewhere."""
    user, public = host.facts["hop"]["users"][item.name], host.facts["state"]["identity"]
    wanted = item.name in host.want["hop"]["users"] and host.want["hop"]["state"] == "present"
    address = host.want["hop"].get("hop_address", "localhost")
    data = plan_outside.user_keys(user["keys"], plan_outside.hop_line(public, address) if wanted else None)
    inside = user["path"].startswith(user["home"].rstrip("/") + "/")
    root = user["home"] if inside else "/"
    owner, group = (user["uid"], user["gid"]) if inside else (0, 0)
    folder = os.path.dirname(user["path"])
    found, around = files.stat_file(user["path"], root=root), files.stat_file(folder, root=root)
    if not acceptable(around, owner):
        bookkeeping.record("keys_folder", item.name, file_modes.words(around) if around else None, folder)
        files.make_dir(folder, 0o700 if inside else 0o755, owner, group, root=root)
    there = file_modes.words(found) if found else file_modes.ABSENT
    bookkeeping.record("line", user["path"], there, item.name if wanted else None)
    mode = 0o600 if inside else 0o644
    if found and acceptable(found, owner):
        mode, owner, group = found.st_mode & 0o777, found.st_uid, found.st_gid
    files.write_file(user["path"], data, mode, owner, group, root=root)


def acceptable(found: Optional[os.stat_result], uid: int) -> bool:
    """Whether sshd takes keys from there as it is (StrictModes in sshd_config(5)): then it stays so."""
    return found is not None and found.st_uid in (0, uid) and not found.st_mode & 0o022


HANDLERS: Dict[str, Callable[[Host, Item], None]] = {
    **dict.fromkeys(firewalls.BACKENDS, firewall_rules),
    "firewall_file": firewall_file,
    "hop_identity": hop_identity,
    "hop_config": hop_config,
    "hop_client": hop_client,
    "hop_known_hosts": hop_known_hosts,
    "hop_user": hop_user,
}
