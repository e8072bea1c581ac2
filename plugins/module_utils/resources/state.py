# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state on the host, which outlives the container: its folders, modes and owners, the user's uid, the entry."""

from __future__ import annotations

import contextlib
import glob
import os
import stat
import time
from functools import partial
from typing import Dict, List, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests, file_modes, files, paths, trees
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import ABSENT
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.file_modes import Ownership, words
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import content, rotation
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import Keys, State, Uid, written_of
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change, Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import accounts

#: Seconds for which parts of an image wait for the rest.
WAITING = 7 * 86400.0
_OUTLIVES = "state outlives the container"


class StateResource(Resource):
    """Folders, files' modes, the uid and the entry."""

    part = "ssh"
    sections = {"state": "state folders"}
    ledger = {
        "folder": r"/(etc|var/lib)/oqs-ssh(/.*)?", "file": r"/(etc|var/lib)/oqs-ssh/.+|/etc/([^/]+/)*oqs-ssh[^/]*",
    }

    def __init__(self) -> None:
        self.readers = {State: lambda _facts: read(), Uid: lambda facts: accounts.free_uid(facts.of(State).uid)}

    def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
        """All of it; that it goes is planned behind the container, which has it mounted (``plan_gone``)."""
        ssh = spec.get(ServerSpec)
        if not ssh or ssh.state == "absent":
            return
        state = facts.of(State)
        uid = content.user_id(ssh, state, facts.of(Uid))
        for path, why in state.odd.items():
            plan.add(Change("state", "odd_file", path, why, "put aside", "it cannot be what it should be",
                            act=partial(_put_aside, path), quick=True))
        if not state.uid:
            _plan_kept(state, plan)
        for path, owner in content.folders(uid).items():
            plan.add(Change("state", "folder", path, words(state.folders.get(path)), str(owner), _OUTLIVES,
                            act=partial(make_folder, path, owner, state.folders.get(path)), quick=True))
        plan.add(Change("state", "uid", "", state.uid or ABSENT, str(uid), "no account of the host has it",
                        act=partial(_write_uid, uid)))
        plan.add(Change("state", "entry", "", _hash(state.entry), _hash(ssh.entry.encode()), "the container's entry",
                        act=_write_entry))
        for path, owner in content.owned_files(uid).items():
            mode = state.modes.get(path)
            if mode is not None:
                plan.add(Change("state", "file_mode", path, str(mode), str(owner), "readable by those who need it only",
                                act=partial(_set_owner, path, mode, owner), quick=True))


def _plan_kept(state: State, plan: Plan) -> None:
    """Configurations of somebody's, from before the first deployment."""
    named = {"sshd_config": state.sshd_config, "ssh_config": state.ssh_config, "hop_config": state.hop_config,
             "known_hosts": state.known_hosts}
    for path in ["%s/%s" % (paths.STATE_DIR, name) for name, data in named.items() if data is not None]:
        plan.add(Change("state", "found", path, "somebody's", "kept", "a removal gives it back",
                        act=partial(_keep, path), quick=True))
        plan.note("%s was there before: it is kept, what it says holds as far as it weakens nothing, and a removal "
                  "gives it back" % path, lasting=True)


def plan_moved(state: State, plan: Plan) -> None:
    """Files of an earlier layout go when no container needs them any more."""
    for path in state.earlier:
        plan.add(Change("container", "earlier_file", path, "within the container's reach", ABSENT,
                        "it lies out of its reach now", act=partial(_remove_file, path)))


def absent_ledger_folders() -> List[str]:
    """Folders that come into being with the ledger's first line."""
    return [path for path in (paths.VAR_DIR, paths.LEDGER_DIR) if not os.path.isdir(path)]


def made_with_the_ledger(absent: List[str], named: List[str]) -> List[Change]:
    """The ledger's folders, where they came into being with its first line and not as changes of the plan.

    :param absent: those that were not there before.
    :param named: folders that the plan had changes for.
    """
    wanted = content.folders(0)
    return [
        Change("state", "folder", path, ABSENT, str(wanted[path]), _OUTLIVES)
        for path in absent if path not in named and os.path.isdir(path)
    ]


class _Seen:
    """The state as it is read. What the container has made of it may be anything: what cannot be read is not there, and
    ``odd`` says what it is."""

    def __init__(self) -> None:
        self.odd: Dict[str, str] = {}
        for path in (paths.PRIVATE_DIR, paths.NEXT_DIR):
            status = None if self.hidden(path) else files.stat_file(path)
            if status and not stat.S_ISDIR(status.st_mode):
                self.odd[path] = "no folder"

    def hidden(self, path: str) -> bool:
        """Whether something odd lies there, or on the way."""
        return any(path == each or path.startswith(each + "/") for each in self.odd)

    def data(self, path: str) -> Optional[bytes]:
        """A file."""
        try:
            return None if self.hidden(path) else files.read_file(path)
        except files.UnsafePath as error:
            self.odd[path] = str(error).replace(path, "it")
            return None

    def text(self, path: str) -> str:
        """A file of one word."""
        return (self.data(path) or b"").decode("ascii", "replace").strip()

    def mode(self, path: str) -> Optional[Ownership]:
        """Mode and owner."""
        return None if self.hidden(path) else file_modes.of(path)

    def keys(self, folder: str) -> Keys:
        """File name of the private half to both halves, of all host keys in a folder, whichever half is there."""
        if self.hidden(folder) or not os.path.isdir(folder):
            return {}
        stems = [name[: -len(".pub")] if name.endswith(".pub") else name for name in files.list_dir(folder)]
        names = dict.fromkeys(name for name in stems if name.startswith("ssh_host_") and name.endswith("_key"))
        private = {name: "%s/%s" % (folder, name) for name in names}
        return {name: (self.data(path), self.data(path + ".pub")) for name, path in private.items()}


def read() -> State:
    """The state folders as they are."""
    seen = _Seen()
    keys, following = seen.keys(paths.PRIVATE_DIR), seen.keys(paths.NEXT_DIR)
    found = State(
        odd=seen.odd,
        entry=seen.data(paths.ENTRY_FILE),
        sshd_config=seen.data(paths.STATE_DIR + "/sshd_config"),
        ssh_config=seen.data(paths.STATE_DIR + "/ssh_config"),
        hop_config=seen.data(paths.HOP_FILE),
        known_hosts=seen.data(paths.STATE_DIR + "/known_hosts"),
        uid=seen.text(paths.UID) or seen.text(paths.OLD_UID),
        written=written_of(seen.data(paths.WRITTEN) or seen.data(paths.OLD_WRITTEN)),
        in_force=seen.text(paths.PRIVATE_DIR + "/in-force"),
        password=seen.text(paths.PRIVATE_DIR + "/password"),
        authorized_keys=seen.data(paths.HOME_SSH + "/authorized_keys"),
        identity=seen.data(paths.IDENTITY + ".pub"),
        identity_state=_identity_state(seen),
        keys=keys,
        next=following,
        announced=rotation.parse(seen.data(paths.ANNOUNCED)),
        key_modes={name: _key_mode(name) for name in keys},
        earlier=tuple(path for path in paths.EARLIER if seen.mode(path)),
    )
    return found._replace(  # what is odd is known now
        next_age=rotation.age(found, time.time()),
        folders={path: seen.mode(path) for path in (*content.folders(0), paths.PARTS_DIR)},
        modes={path: seen.mode(path) for path in content.owned_files(0)},
    )


def host_key_pairs(folder: str) -> Keys:
    """The host keys in a folder: file name of the private half to both halves."""
    return _Seen().keys(folder)


def _put_aside(path: str, host: Host) -> None:
    trees.put_aside(path)
    host.notes.append("%s was no file that can be read: it is put aside, look at it there" % path)


def _key_mode(name: str) -> str:
    path = "%s/%s" % (paths.PRIVATE_DIR, name)
    return file_modes.wrong(path, Ownership(0o600)) or file_modes.wrong(path + ".pub", Ownership(0o644))


def _identity_state(seen: _Seen) -> str:
    """What the container's ed25519 identity is worth; ssh takes none that others can read."""
    private, public = (seen.data(paths.IDENTITY + end) for end in ("", ".pub"))
    pair = key_files.pair_state(private, public)
    owner = owner_of_home()
    wrong = file_modes.wrong(paths.IDENTITY, Ownership(0o600, owner, owner))
    return wrong if pair.state == "good" and wrong else pair.state


def owner_of_home() -> int:
    """The uid of the container's user, as its folder has it: the plan's first changes have seen to that."""
    found = files.stat_file(paths.HOME_SSH)
    return found.st_uid if found else 0


def port_before() -> int:
    """The port of the container that is there, or of the old one while it is being replaced: what it was made with. The
    default where nobody can make sense of its configuration, which must not keep a host from being given back."""
    name = "/sshd_config"
    data = files.read_file(paths.UPGRADE_BEFORE + name) or files.read_file(paths.STATE_DIR + name) or b""
    try:
        found = sshconfig.read(data, "sshd_config").get("port", ["2222"])[0]
    except sshconfig.ConfigError:
        return 2222
    return int(found) if found.isdigit() else 2222


def make_folder(path: str, owner: Ownership, before: Optional[Ownership], host: Host) -> None:
    """A folder of the state.

    :param before: what it is; a folder that somebody made gets it back.
    """
    if path == paths.STATE_DIR or not (before or path.startswith(paths.LEDGER_DIR) or path == paths.VAR_DIR):
        host.ledger.record("folder", path, str(before) if before else None, str(owner))
    files.make_dir(path, owner.mode, owner.uid, owner.gid)
    if path == paths.HOME_SSH:
        _hand_over(owner)


def _hand_over(owner: Ownership) -> None:
    """The identity goes with its folder, so that no look before the container starts finds it another account's."""
    for path in (paths.IDENTITY, paths.IDENTITY + ".pub"):
        found = files.stat_file(path, root=paths.VAR_DIR)
        if found is not None and stat.S_ISREG(found.st_mode) and (found.st_uid, found.st_gid) != owner[1:]:
            data = files.read_file(path, root=paths.VAR_DIR)
            if data is not None:
                mode = stat.S_IMODE(found.st_mode) & 0o777
                files.write_file(path, data, mode, owner.uid, owner.gid, root=paths.VAR_DIR)


def _set_owner(path: str, before: Ownership, owner: Ownership, host: Host) -> None:
    """Mode and owner of a file: written anew, since what lies in a container's reach may be a link."""
    root = paths.VAR_DIR if path.startswith(paths.VAR_DIR) else "/"
    data = files.read_file(path, root=root)
    if data is not None:
        host.ledger.record("file", path, str(before), str(owner))
        files.write_file(path, data, owner.mode, owner.uid, owner.gid, root=root)


def _keep(path: str, host: Host) -> None:
    """Somebody's file, beside the ledger."""
    before = host.ledger.keep(path)
    host.ledger.record("file", path, before, before)


def _write_uid(uid: int, host: Host) -> None:
    """The uid of the container's user, so that the next container has it, too."""
    host.ledger.write(paths.UID, b"%d\n" % uid, 0o644)


def _write_entry(host: Host) -> None:
    """The entry; a running container keeps the old one until it is created anew, which the plan sees."""
    host.ledger.write(paths.ENTRY_FILE, host.spec.of(ServerSpec).entry.encode(), 0o755)


def _remove_file(path: str, host: Host) -> None:
    host.ledger.record("file", path, "there", None)
    trees.remove(path)


def _hash(data: Optional[bytes]) -> str:
    return "sha256 %s" % digests.digest(data)[:12] if data else ABSENT


def tidy(loading: bool) -> None:
    """Remove what killed runs left behind: keys that never came to their place, halves of files; and after some days
    the parts of an image that nobody came back for."""
    with contextlib.suppress(OSError):
        if not loading and time.time() - os.lstat(paths.PARTS_DIR).st_mtime > WAITING:
            trees.remove(paths.PARTS_DIR)
    for path in glob.glob("/run/%s*" % paths.KEYS_PREFIX):
        with contextlib.suppress(OSError):
            if time.time() - os.lstat(path).st_mtime > cli.WORK:  # nothing that still runs is older
                trees.remove(path)
    for folder in (paths.VAR_DIR, paths.STATE_DIR, paths.PRIVATE_DIR, paths.HOME_SSH, paths.SERVER_DIR,
                   paths.IMAGES_DIR, paths.LEDGER_DIR):
        with contextlib.suppress(OSError, files.UnsafePath), files.open_place(folder + "/any", "/") as place:
            files.sweep(place.fd)


STATE = StateResource()
