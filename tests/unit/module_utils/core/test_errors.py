# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Errors of a disk, in words for a person."""

from __future__ import annotations

import errno

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import errors, files


@pytest.mark.parametrize(("number", "words"), [
    (errno.ENOSPC, "No space left on device; make room there"), (errno.EROFS, "Read-only file system; remount"),
    (errno.EBUSY, "Device or resource busy; something is mounted there"),
    (errno.EPERM, "Operation not permitted; it may be protected"),
])
def test_the_file_is_named_and_what_to_do(number, words, tmp_path, monkeypatch):
    def refuse(*_arguments, **_more):
        raise OSError(number, "said by the kernel", ".oqs-tmp-1")

    (tmp_path / "kept").write_text("as it was")
    monkeypatch.setattr(files, "temporary", refuse)
    with pytest.raises(OSError) as caught:
        files.write_file(str(tmp_path / "kept"), b"new", 0o600)
    said = errors.sentence(caught.value)
    assert said.startswith("cannot write %s: %s" % (tmp_path / "kept", words))
    assert (tmp_path / "kept").read_text() == "as it was"


def test_other_errors_stay_as_they_are():
    with pytest.raises(FileNotFoundError) as caught, errors.written("/x"):
        raise FileNotFoundError(errno.ENOENT, "No such file", "/y")
    assert caught.value.filename == "/y" and errors.sentence(caught.value) == "/y: No such file"
    assert errors.sentence(ValueError("why")) == "why"
    assert errors.sentence(OSError(errno.ENOSPC, "full")).startswith("cannot write to the disk: No space left")
