# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Folders removed where something is mounted, or where the kernel says no."""

from __future__ import annotations

import errno
import os
import subprocess

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import errors, trees


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
