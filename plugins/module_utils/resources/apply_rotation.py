# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carry out a rotation of keys. What was begun is told by the files themselves, so a kill at any moment loses nothing:
the next run goes on, and until the reload sshd serves with the key that it has."""

from __future__ import annotations

import contextlib
import os
from typing import Callable, Dict

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import file_pairs, files, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import desired, policy
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files, keypair
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import bookkeeping
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Item
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import look
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.host import Host


def next_host_key(host: Host, item: Item) -> None:
    """Next host keys, all in one container of the image's own ssh-keygen."""
    if item.before != "missing":
        _forget(item.name)
    bookkeeping.make_dir(paths.NEXT_DIR, 0o700)
    bookkeeping.record("file", policy.next_path(item.name), None, "a key")
    names = desired.desired(host.want["ssh"], host.facts).next_keys
    requests = [keypair.Request(policy.next_path(name), name, "oqs-ssh", "damaged") for name in names]
    keypair.ensure_pairs(requests, keypair.in_image(host.facts["image"]["engine_id"]))
    host.facts["state"] = look.state()


def host_key_switch(host: Host, item: Item) -> None:
    """An announced key takes its place; the old one is gone, as one that is rotated away should be."""
    name = key_files.host_key_name(item.name)
    private, public = host.facts["state"]["next"][name]
    files.remove_file(paths.PRIVATE_DIR + "/in-force")  # a run that is cut short here must still reload sshd
    bookkeeping.record("file", "%s/%s" % (paths.PRIVATE_DIR, name), item.before, item.after)
    file_pairs.replace_pair("%s/%s" % (paths.PRIVATE_DIR, name), private, public)
    _forget(item.name)
    host.facts["state"] = look.state()
    host.want = dict(host.want, ssh=dict(host.want["ssh"], rotate={}))  # it is done: not wished for again


def next_host_key_gone(host: Host, item: Item) -> None:
    """A next key that is not announced any more."""
    _forget(item.name)
    host.facts["state"] = look.state()


def _forget(name: str) -> None:
    """The private half first: what is left of a pair that was cut in two is no key of anybody's."""
    for end in ("", ".pub"):
        files.remove_file(policy.next_path(name) + end)
    with contextlib.suppress(OSError):
        os.rmdir(paths.NEXT_DIR)  # when it was the last


HANDLERS: Dict[str, Callable[[Host, Item], None]] = {
    "next_host_key": next_host_key,
    "host_key_switch": host_key_switch,
    "next_host_key_gone": next_host_key_gone,
}
