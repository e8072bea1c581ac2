# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a replacement that failed gives back: the uid of the old container's user, wherever its version kept it."""

from __future__ import annotations

import os

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.container import journal
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to own files as somebody else")


class Ledger:
    """Writes, and writes nothing down."""

    def write(self, path, data, mode):
        files.write_file(path, data, mode)


@pytest.fixture
def house(tmp_path, monkeypatch):
    """The folders of the state, elsewhere; the keys are the old user's."""
    for module in (paths, journal):
        for name, value in list(vars(module).items()):
            if isinstance(value, str) and value.startswith(("/etc/oqs-ssh", "/var/lib/oqs-ssh")):
                monkeypatch.setattr(module, name, str(tmp_path) + value)
    kept = [(name, str(tmp_path) + folder, mode) for name, folder, mode in journal._KEPT]
    monkeypatch.setattr(journal, "_KEPT", kept)
    for folder in (paths.PRIVATE_DIR, paths.SERVER_DIR, paths.HOME_SSH):
        os.makedirs(folder)
    files.make_dir(paths.HOME_SSH, 0o700, 30000, 30000)
    files.write_file(paths.HOME_SSH + "/authorized_keys", b"key\n", 0o600, 30000, 30000)


def another_user():
    """What the plan does before the new container is tried."""
    files.write_file(paths.UID, b"22222\n", 0o644)
    files.make_dir(paths.HOME_SSH, 0o700, 22222, 22222)


def owners():
    return {os.stat(path).st_uid for path in (paths.HOME_SSH, paths.HOME_SSH + "/authorized_keys")}


@pytest.mark.parametrize("where", ["UID", "OLD_UID"])
def test_the_old_user_gets_its_keys_back(house, where):
    files.write_file(getattr(paths, where), b"30000\n", 0o644)
    journal.begin("oqs-ssh")
    another_user()
    journal.restore(Ledger())
    assert owners() == {30000} and files.read_file(paths.UID) == b"30000\n"


def test_what_the_container_has_put_there_meanwhile_is_not_believed(house):
    files.write_file(paths.UID, b"30000\n", 0o644)
    journal.begin("oqs-ssh")
    another_user()
    files.write_file(paths.OLD_UID, b"1000\n", 0o644)
    journal.restore(Ledger())
    assert owners() == {30000}
