# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lock of a host."""

from __future__ import annotations

import os
import stat
import threading
import time

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import host_lock


def test_the_lock_is_private_and_free_afterwards(tmp_path):
    path = str(tmp_path / "new" / "lock")
    for _again in range(2):
        with host_lock.locked(path, 0.1):
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with pytest.raises(ZeroDivisionError), host_lock.locked(path, 0.1):
        raise ZeroDivisionError
    with host_lock.locked(path, 0.1):
        pass


def test_who_waits_too_long_says_so(tmp_path):
    path = str(tmp_path / "lock")
    with host_lock.locked(path, 0.1):
        start = time.monotonic()
        words = "another run has been changing this host"
        with pytest.raises(host_lock.LockError, match=words), host_lock.locked(path, 0.3):
            pytest.fail("two at once")
        assert 0.3 <= time.monotonic() - start < 5


def test_who_waits_long_enough_gets_it(tmp_path):
    path, got = str(tmp_path / "lock"), []

    def second():
        with host_lock.locked(path, 20):
            got.append("second")

    with host_lock.locked(path, 0.1):
        other = threading.Thread(target=second, daemon=True)
        other.start()
        time.sleep(0.3)
        got.append("first")
    other.join(20)
    assert got == ["first", "second"]


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path):
    target = tmp_path / "target"
    os.symlink(str(target), str(tmp_path / "lock"))
    with pytest.raises(OSError, match="symbolic"), host_lock.locked(str(tmp_path / "lock"), 0.1):
        pytest.fail("followed")
    assert not target.exists()


def test_whose_turn_it_was(tmp_path):
    path = str(tmp_path / "lock")
    assert host_lock.turn(path) == -1
    with host_lock.locked(path):
        assert host_lock.turn(path) == -1
    free = host_lock.turn(path)
    assert free > 0 and host_lock.turn(path) == free
    with host_lock.locked(path) as before:
        assert before == free
    assert host_lock.turn(path) > free
