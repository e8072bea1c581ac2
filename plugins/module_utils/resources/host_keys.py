# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Host keys: made by the image's own ssh-keygen, announced, switched to, and kept aside when asked.

The files themselves say what of a rotation was begun, so a kill at any moment loses nothing: the next run goes
on, and until the reload sshd serves with the key that it has.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from functools import partial
from typing import Dict, List, Mapping, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests, files, paths, trees
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import ABSENT, UNKNOWN
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import content, policy, rotation
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.content import Content
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import Announced, State, WantedImage
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import (
    RemovalSpec,
    RotateSpec,
    ServerSpec,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import Container
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import file_pairs, key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change, Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.restore import Named
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec

#: Kinds whose acts make other host keys known.
MAKERS = ("host_key", "next_host_key")


class HostKeysResource(Resource):
    """The server's host keys, present and announced."""

    part = "ssh"
    sections = {"keys": "host keys"}
    ledger = {"file": r"/etc/oqs-ssh/private/.+"}

    def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
        """Missing and damaged keys, and what a rotation is about to do."""
        ssh = spec.get(ServerSpec)
        if not ssh or ssh.state == "absent" or not facts.of(WantedImage).image.known:
            return
        wanted, state = facts.of(Content), facts.of(State)
        for name in wanted.host_keys:
            private, public = state.keys.get(key_files.host_key_name(name), (None, None))
            pair = key_files.pair_state(private, public)
            mode = state.key_modes.get(key_files.host_key_name(name), "")
            if pair.state != "good":
                plan.add(Change("keys", "host_key", name, pair.state, UNKNOWN, pair.reason or "sshd_config names it",
                                act=partial(_make, name, True)))
            elif mode:
                why = "sshd takes no key that others can read"
                plan.add(Change("keys", "host_key", name, mode, "mode 600 0:0", why, act=partial(_make, name, False)))
        _plan_rotation(ssh, facts, wanted, plan)

    def restore(self, facts: Facts, plan: Plan) -> None:
        """Kept aside when asked, before anything of the state goes."""
        removal, keys = facts.of(Spec).get(RemovalSpec), _kept()
        if not removal or not removal.keep_keys or not keys or not facts.of(Named).rows:
            return
        asides = {path: _names(path) for path in _asides()}
        there = [path for path, names in asides.items() if _digests(keys).items() <= names.items()]
        if not there:
            path = free_aside(list(asides))
            plan.add(Change("removal", "keys_aside", path, ABSENT, "%d files" % len(keys), "oqs_ssh_keep_keys",
                            act=partial(_put_aside, path), said=" "))
            there = [path]
        for path in there:
            plan.note("%s holds the keys that were kept: host keys, password hash, who may log in" % path)


def _plan_rotation(ssh: ServerSpec, facts: Facts, wanted: Content, plan: Plan) -> None:
    """Keys to be made, to change places, or to be dropped."""
    state, step = facts.of(State), ssh.rotate.step
    if step and not facts.of(Container):
        plan.refuse("nothing is deployed on this host, so no keys can be rotated: run deploy first")
        return
    ready, coming = rotation.waiting(state, wanted.host_keys), wanted.next_keys
    moving = ready if step == "switch" else []
    for name in coming:
        if name not in ready:
            worth = rotation.worth(state, name)
            plan.add(Change("keys", "next_host_key", name, worth, UNKNOWN, "clients learn it in advance",
                            act=partial(_make_next, name, worth != "missing")))
    for name in moving:
        before, after = (rotation.fingerprint(keys, name) for keys in (state.keys, state.next))
        plan.add(Change("keys", "host_key_switch", name, before, after, "the announced key takes its place",
                        act=partial(_switch, name, before, after)))
    for file in state.next:
        name = key_files.algorithm_of(file) or file
        if name not in [*coming, *moving]:
            plan.add(Change("keys", "next_host_key_gone", name, rotation.worth(state, name), ABSENT,
                            "it is not announced", act=partial(_drop, name)))
    _say_rotation(ssh, state, ready, coming, plan)


def _say_rotation(ssh: ServerSpec, state: State, ready: Sequence[str], coming: Sequence[str], plan: Plan) -> None:
    if ssh.rotate.step == "switch":
        if not ready:
            plan.note(rotation.NONE)
        elif state.next_age < ssh.rotate.overlap:
            plan.refuse(
                "the next host keys were announced %.1f hours ago, and clients have %g hours to learn them: wait, or "
                "set oqs_ssh_rotate_overlap (hours; 0: at once, clients that do not know them yet are turned away)"
                % (state.next_age, ssh.rotate.overlap)
            )
    elif ready and coming:
        plan.note(
            "the next host keys (%s) are announced, for %.1f hours now: when the clients have learnt them, "
            "oqs_ssh_rotate_keys=switch puts them in place" % (", ".join(ready), state.next_age)
        )


def _make(name: str, is_new: bool, host: Host) -> None:
    """Missing or damaged host keys, all in one container of the image's own ssh-keygen."""
    from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import (
        keypair,  # most runs make no keys
    )

    names = content.wanted(host.spec.of(ServerSpec), host.facts).host_keys
    private = {each: "%s/%s" % (paths.PRIVATE_DIR, key_files.host_key_name(each)) for each in names}
    host.ledger.record("file", private[name], None, "a key")
    if is_new:
        files.remove_file(paths.PRIVATE_DIR + "/in-force")  # a run that is cut short here must still reload sshd
    requests = [keypair.Request(path, each, "oqs-ssh", "damaged") for each, path in private.items()]
    keypair.ensure_pairs(requests, keypair.in_image(host.facts.of(Image).engine_id))
    _changed(host)


def _make_next(name: str, is_there: bool, host: Host) -> None:
    """Next host keys, all in one container of the image's own ssh-keygen."""
    from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import (
        keypair,  # most runs make no keys
    )

    if is_there:
        _forget(name)
    host.ledger.make_dir(paths.NEXT_DIR, 0o700)
    host.ledger.record("file", policy.next_path(name), None, "a key")
    names = content.wanted(host.spec.of(ServerSpec), host.facts).next_keys
    requests = [keypair.Request(policy.next_path(each), each, "oqs-ssh", "damaged") for each in names]
    made = keypair.ensure_pairs(requests, keypair.in_image(host.facts.of(Image).engine_id))
    now = time.time()
    _record({
        os.path.basename(each.path): Announced(each.key.fingerprint, now)
        for each in made if each.action == "made" and each.key  # one that somebody has put there meanwhile is not ours
    })
    _changed(host)


def _switch(name: str, before: str, after: str, host: Host) -> None:
    """An announced key takes its place; the old one is gone, as one that is rotated away should be."""
    file = key_files.host_key_name(name)
    private, public = host.facts.of(State).next[file]
    files.remove_file(paths.PRIVATE_DIR + "/in-force")  # a run that is cut short here must still reload sshd
    host.ledger.record("file", "%s/%s" % (paths.PRIVATE_DIR, file), before, after)
    if private is not None and public is not None:
        file_pairs.replace_pair("%s/%s" % (paths.PRIVATE_DIR, file), private, public)
    _forget(name)
    host.want(host.spec.of(ServerSpec)._replace(rotate=RotateSpec()))  # it is done: not wanted again
    _changed(host)


def _drop(name: str, host: Host) -> None:
    """A next key that is not announced any more."""
    _forget(name)
    _changed(host)


def _record(more: Mapping[str, Optional[Announced]]) -> None:
    """Keep in mind which keys are announced, where the container cannot write; None: it is no longer."""
    known = dict(rotation.parse(files.read_file(paths.ANNOUNCED)), **more)
    kept = {name: each for name, each in known.items() if each}
    if kept:
        files.make_dir(paths.SERVER_DIR, 0o700)
        files.write_file(paths.ANNOUNCED, rotation.recorded(kept), 0o600)
    else:
        files.remove_file(paths.ANNOUNCED)


def _forget(name: str) -> None:
    """The private half first: what is left of a pair that was cut in two is no key of anybody's."""
    _record({key_files.host_key_name(name): None})
    for end in ("", ".pub"):
        files.remove_file(policy.next_path(name) + end)
    with contextlib.suppress(OSError):
        os.rmdir(paths.NEXT_DIR)  # when it was the last


def _changed(host: Host) -> None:
    host.facts.forget(State, Content)


def _kept() -> Dict[str, bytes]:
    """Keys and who may log in: everything of the state that cannot be made again."""
    found: Dict[str, bytes] = {}
    for folder in (paths.PRIVATE_DIR, paths.HOME_SSH):
        for name in files.list_dir(folder):
            with contextlib.suppress(files.UnsafePath):  # a link or a pipe is no key
                data = files.read_file("%s/%s" % (folder, name))
                if data is not None and name != "in-force":
                    found["%s/%s" % (os.path.basename(folder), name)] = data
    return found


def _asides() -> List[str]:
    """Where keys were kept aside already."""
    parent, name = os.path.split(paths.ASIDE)
    return ["%s/%s" % (parent, each) for each in files.list_dir(parent) if re.fullmatch(name + r"(-\d+)?", each)]


def _digests(keys: Mapping[str, bytes]) -> Dict[str, str]:
    return {name: digests.digest(data) for name, data in keys.items()}


def _names(path: str) -> Dict[str, str]:
    """What lies in an aside, by name and hash."""
    return {
        "%s/%s" % (folder, name): digests.digest(files.read_file("%s/%s/%s" % (path, folder, name)) or b"")
        for folder in files.list_dir(path) for name in files.list_dir("%s/%s" % (path, folder))
    }


def free_aside(taken: Sequence[str]) -> str:
    """A free path for keys that are kept.

    :param taken: paths that are in use.
    """
    number, path = 1, paths.ASIDE
    while path in taken:
        number += 1
        path = "%s-%d" % (paths.ASIDE, number)
    return path


def _put_aside(path: str, _host: Host) -> None:
    """Keys are copied to a folder of root's, which gets its name when it is whole."""
    parent, name = os.path.split(path)
    if files.stat_file(parent) is None:
        files.make_dir(parent, 0o755)
    half = "%s/%s%s" % (parent, files.TEMPORARY, name)
    trees.remove(half)
    files.make_dir(half, 0o700)
    for inner, data in _kept().items():
        files.make_dir("%s/%s" % (half, os.path.dirname(inner)), 0o700)
        files.write_file("%s/%s" % (half, inner), data, 0o600)
    os.rename(half, path)


HOST_KEYS = HostKeysResource()
