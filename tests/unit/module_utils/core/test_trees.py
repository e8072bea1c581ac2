# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Folders removed where something is mounted, or where the kernel says no."""

from __future__ import annotations

import errno
import os
import subprocess

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import errors, files, trees


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")
def test_a_mount_point_is_emptied_and_stays(tmp_path):
    folder = tmp_path / "state"
    (folder / "inner").mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "none", str(folder)], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        (folder / "deep" / "er").mkdir(parents=True)
        (folder / "file").write_text("x")
        assert trees.remove(str(folder)) is True
        assert os.path.ismount(folder) and os.listdir(folder) == []
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")
@pytest.mark.parametrize("where", ["inner", "a/b", "a"])
def test_a_mount_point_inside_is_emptied_too_and_what_is_above_it_stays(tmp_path, where):
    folder = tmp_path / "state"
    mounted = folder / where
    mounted.mkdir(parents=True)
    (folder / "other").mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "none", str(mounted)], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        (mounted / "deep" / "er").mkdir(parents=True)
        (mounted / "deep" / "file").write_text("x")
        assert trees.mounts(str(folder)) == [str(mounted)] and trees.mounts(str(mounted) + "x") == []
        assert trees.remove(str(folder)) is True
        assert os.listdir(mounted) == [] and not (folder / "other").exists()
        assert trees.remove(str(folder)) is True, "a second time is no error"
    finally:
        subprocess.run(["umount", str(mounted)], check=True)
    assert trees.remove(str(folder)) and not folder.exists()


@pytest.mark.parametrize("act", [
    files.remove_file, trees.put_aside, lambda path: files.make_dir(path, 0o700),
    lambda path: files.write_file(path, b"x", 0o600),
])
def test_a_name_that_is_too_long_is_named_whole(tmp_path, act):
    path = str(tmp_path / ("x" * 300))
    with pytest.raises(OSError) as caught:
        act(path)
    assert errors.sentence(caught.value) == "%s: File name too long" % path


def test_what_the_kernel_refuses_is_named_whole(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "held").write_text("x")
    unlink = os.unlink

    def refuse(path, **more):
        if path == "held":
            raise PermissionError(errno.EPERM, "Operation not permitted", path)
        unlink(path, **more)

    monkeypatch.setattr(trees.os, "unlink", refuse)
    with pytest.raises(PermissionError) as caught:
        trees.remove(str(tmp_path / "a"))
    assert caught.value.filename == str(tmp_path / "a" / "held")
    assert "chattr -i" in errors.sentence(caught.value) and "[Errno" not in errors.sentence(caught.value)


def test_an_error_without_a_name_is_no_number():
    assert errors.sentence(OSError(errno.ENOTEMPTY, "Directory not empty")) == "Directory not empty"
