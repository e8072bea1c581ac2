# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a replacement leaves on the host while it is on its way: what was there before, and how far it is.

``/var/lib/oqs-ssh/upgrade`` is there from the trial until the new container is proved on the real port. A run
that finds it without a living owner was cut short: the next one puts things right before it does anything else.
"""

from __future__ import annotations

import json
import os

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths, trees
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import Upgrade, uid_of
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, inspected, stored_images
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import LedgerFile

#: The name that keeps the image before from being taken for unused.
PREVIOUS_TAG = "oqs-ssh:previous"
_OWNER, _PROVED, _NAME = (paths.UPGRADE_DIR + "/" + name for name in ("owner", "proved", "name"))
#: Files that a run may write before the new container serves; password and authorized keys are in force in the old one,
#: too.
_KEPT = (
    ("sshd_config", paths.STATE_DIR, 0o644), ("ssh_config", paths.STATE_DIR, 0o644),
    ("hop_config", paths.STATE_DIR, 0o644),
    ("known_hosts", paths.STATE_DIR, 0o644), ("entry", paths.SERVER_DIR, 0o755), ("uid", paths.SERVER_DIR, 0o644),
    ("written.json", paths.SERVER_DIR, 0o600), ("in-force", paths.PRIVATE_DIR, 0o600),
)


def old_name(container: str) -> str:
    """The old container, until the new one is proved."""
    return container + "-before"


def name_of_trial(container: str) -> str:
    """The container that is tried beside the old one."""
    return container + "-trial"


def is_part(name: str) -> bool:
    """Whether a container is only there for the replacement that is on its way, or was cut short."""
    return is_open() and name.endswith((old_name(""), name_of_trial("")))


def container() -> str:
    """The name of the container that is replaced; a later run may want another."""
    return (files.read_file(_NAME) or b"").decode("ascii", "replace").strip()


def is_open() -> bool:
    """Whether a replacement is on its way, or was cut short."""
    return os.path.isdir(paths.UPGRADE_DIR)


def read(image: str) -> Upgrade:
    """How far a replacement is.

    :param image: of the present container.
    """
    knew = stored_images.stored(image) or Image()
    if not is_open():
        return Upgrade(knew)
    owner = (files.read_file(_OWNER) or b"").decode("ascii", "replace").strip()
    if owner != str(os.getpid()) and not (owner.isdigit() and os.path.exists("/proc/" + owner)):
        return Upgrade(knew, cut_short=True)
    return Upgrade(knew, (files.read_file(_PROVED) or b"").decode("ascii", "replace").strip())


def begin(name: str) -> None:
    """Keep what is there now, unless a run that was cut short has kept it already.

    :param name: of the container.
    """
    for folder in (paths.UPGRADE_DIR, paths.UPGRADE_BEFORE):
        files.make_dir(folder, 0o700)
    files.write_file(_NAME, name.encode() + b"\n", 0o600)
    files.write_file(_OWNER, b"%d\n" % os.getpid(), 0o600)
    if files.list_dir(paths.UPGRADE_BEFORE):
        return
    for name, folder, _mode in _KEPT:
        path = "%s/%s" % (folder, name)
        data = files.read_file(path)
        if data is None and path == paths.UID:
            data = files.read_file(paths.OLD_UID)  # the old container may be of the earlier layout
        if data is not None:
            files.write_file("%s/%s" % (paths.UPGRADE_BEFORE, name), data, 0o600)


def remember_proof(proof: str) -> None:
    """The trial went well."""
    files.write_file(_PROVED, proof.encode(), 0o600)


def decide() -> None:
    """The new container has won: from here on there is nothing to go back to, only the old one to be taken away."""
    trees.remove(paths.UPGRADE_BEFORE)


def is_decided() -> bool:
    """Whether the new container has won; a replacement that was cut short then is only brought to its end."""
    return not os.path.isdir(paths.UPGRADE_BEFORE)


def forget() -> None:
    """The replacement has come to its end."""
    trees.remove(paths.UPGRADE_DIR)


def restore(ledger: LedgerFile) -> None:
    """Put the configuration back that the old container was made with. Keys that were added stay, they do no harm."""
    for name, folder, mode in _KEPT:
        data, path = files.read_file("%s/%s" % (paths.UPGRADE_BEFORE, name)), "%s/%s" % (folder, name)
        if data is None or data == files.read_file(path):
            continue
        if folder == paths.PRIVATE_DIR:
            files.write_file(path, data, mode)
        else:
            ledger.write(path, data, mode)
    number = uid_of((files.read_file(paths.UID) or b"").decode("ascii", "replace").strip())
    found = files.stat_file(paths.HOME_SSH)
    if number is not None and found is not None and found.st_uid != number:
        _hand_back(number)


def _hand_back(number: int) -> None:
    files.make_dir(paths.HOME_SSH, 0o700, number, number)
    for name in files.list_dir(paths.HOME_SSH, root=paths.VAR_DIR):
        path = "%s/%s" % (paths.HOME_SSH, name)
        each, data = files.stat_file(path, root=paths.VAR_DIR), files.read_file(path, root=paths.VAR_DIR)
        if each is not None and data is not None:
            files.write_file(path, data, each.st_mode & 0o777, number, number, root=paths.VAR_DIR)


def keep_previous(ledger: LedgerFile, old: str, new: str, openssh: str, going_back: bool) -> None:
    """Name the image that was replaced, and keep it from being taken for unused; what was kept before it may go.

    :param openssh: version of the old one.
    :param going_back: the new one is the one that was kept: it stays so, and a second rollback changes nothing.
    """
    if old == new or going_back:
        return
    dropped = stored_images.previous()
    ledger.record("image", PREVIOUS_TAG, None, old)
    cli.docker(["image", "tag", old, PREVIOUS_TAG])
    data = {"image": old, "replaced_by": new, "openssh": openssh}
    ledger.write(paths.PREVIOUS, json.dumps(data, sort_keys=True).encode() + b"\n", 0o600)
    left = inspected.image(dropped) if dropped not in ("", old, new) else None
    if left and not left.RepoTags:
        cli.docker(["image", "rm", dropped], check=False)  # the engine refuses where a container needs it
