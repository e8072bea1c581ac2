# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run keeps of its hosts: private, whole, and of one host only."""

from __future__ import annotations

import os
import stat

import pytest
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.run_store import RunStore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def files(folder):
    return [os.path.join(root, name) for root, _folders, names in os.walk(folder) for name in names]


def test_nobody_else_can_read_it(tmp_path):
    before = os.umask(0)
    try:
        RunStore("web1", str(tmp_path)).update(secret="heron")
        assert stat.S_IMODE(os.stat(str(tmp_path / "oqs-ssh")).st_mode) == 0o700
        for path in files(tmp_path):
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    finally:
        os.umask(before)


def test_values_add_up_and_newer_ones_win(tmp_path):
    store = RunStore("web1", str(tmp_path))
    assert store.load() == {}
    store.update(one=1, two=[2])
    RunStore("web1", str(tmp_path)).update(two=None, three={"x": True})
    assert store.load() == {"one": 1, "two": None, "three": {"x": True}}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1, max_size=40).filter(lambda name: name != "web1"))
def test_hosts_do_not_meet_whatever_they_are_called(tmp_path, name):
    RunStore("web1", str(tmp_path)).update(secret="heron")
    store = RunStore(name, str(tmp_path))
    store.update(mine=name)
    assert store.load() == {"mine": name}
    assert all(os.path.dirname(path) == str(tmp_path / "oqs-ssh") for path in files(tmp_path))


def test_a_crash_while_writing_leaves_the_old_content(tmp_path, monkeypatch):
    store = RunStore("web1", str(tmp_path))
    store.update(good=1)
    with pytest.raises(TypeError):
        store.update(bad={1, 2})  # JSON stops in the middle of the file
    assert RunStore("web1", str(tmp_path)).load() == {"good": 1}

    def no_replace(*_any):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(os, "replace", no_replace)
        store.update(good=2)
    assert store.load() == {"good": 1}


def test_a_failed_write_does_not_stop_the_next_one(tmp_path):
    store = RunStore("web1", str(tmp_path))
    with pytest.raises(TypeError):
        store.update(bad={1, 2})
    store.update(good=1)
    assert store.load() == {"good": 1}
    assert len(files(tmp_path)) == 1


def test_a_link_in_its_place_is_not_followed(tmp_path):
    store = RunStore("web1", str(tmp_path))
    store.update(one=1)
    path = files(tmp_path)[0]
    target = tmp_path / "target"
    target.write_text("untouched")
    os.symlink(str(target), "%s.%d" % (path, os.getpid()))
    store.update(two=2)
    assert target.read_text() == "untouched" and store.load() == {"one": 1, "two": 2}
