# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files in folders of others: links, pipes, hard links, races, killed runs."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files

UID, GID = os.geteuid(), os.getegid()
ROOT_ONLY = pytest.mark.skipif(UID != 0, reason="needs root, to act for another user")
STRANGER = 65534


def put(path: Path, data: bytes, root: Path, mode: int = 0o600, backup: bool = False) -> object:
    return files.write_file(str(path), data, mode, UID, GID, root=str(root), backup=backup)


def test_write_read_and_replace(tmp_path: Path) -> None:
    target = tmp_path / "a"
    assert files.read_file(str(target), root=str(tmp_path)) is None
    assert put(target, b"one\0\xff", tmp_path) is None
    assert files.read_file(str(target), root=str(tmp_path)) == b"one\0\xff"
    put(target, b"two", tmp_path, 0o644)
    assert target.read_bytes() == b"two"
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    assert os.listdir(tmp_path) == ["a"]


def test_backup_keeps_content_and_mode(tmp_path: Path) -> None:
    target = tmp_path / "a"
    assert put(target, b"one", tmp_path, 0o640, backup=True) is None
    first, second = (put(target, data, tmp_path, backup=True) for data in (b"two", b"three"))
    assert isinstance(first, str) and isinstance(second, str) and first != second
    assert Path(first).read_bytes() == b"one" and Path(second).read_bytes() == b"two"
    assert stat.S_IMODE(os.stat(first).st_mode) == 0o640 and os.stat(first).st_nlink == 1
    assert sorted(os.listdir(tmp_path)) == sorted(["a", os.path.basename(first), os.path.basename(second)])


def test_absent_folder(tmp_path: Path) -> None:
    inside = str(tmp_path / "no" / "a")
    assert files.read_file(inside, root=str(tmp_path)) is None
    assert files.stat_file(inside, root=str(tmp_path)) is None
    assert files.remove_file(inside, root=str(tmp_path)) is False
    assert files.list_dir(inside, root=str(tmp_path)) == []
    with pytest.raises(FileNotFoundError):
        put(tmp_path / "no" / "a", b"", tmp_path)


def test_links_are_refused_at_the_end_and_on_the_way(tmp_path: Path) -> None:
    real, home = tmp_path / "real", tmp_path / "home"
    real.mkdir()
    home.mkdir()
    (real / "secret").write_bytes(b"secret")
    (home / "file").symlink_to(real / "secret")
    (home / "dangling").symlink_to(real / "new")
    (home / "folder").symlink_to(real)
    for name in ("file", "dangling", "folder/secret"):
        for act in (
            lambda p: files.read_file(p, root=str(home)),
            lambda p: files.write_file(p, b"x", 0o600, UID, GID, root=str(home)),
        ):
            with pytest.raises(files.UnsafePath):
                act(str(home / name))
    with pytest.raises(files.UnsafePath):
        files.make_dir(str(home / "folder"), 0o700, UID, GID, root=str(home))
    with pytest.raises(files.UnsafePath):
        files.make_dir(str(home / "folder/deep"), 0o700, UID, GID, root=str(home))
    with pytest.raises(files.UnsafePath):
        files.list_dir(str(home / "folder"), root=str(home))
    with pytest.raises(files.UnsafePath):
        files.remove_file(str(home / "folder/secret"), root=str(home))
    assert sorted(os.listdir(real)) == ["secret"] and (real / "secret").read_bytes() == b"secret"
    found = files.stat_file(str(home / "file"), root=str(home))
    assert found is not None and stat.S_ISLNK(found.st_mode)
    assert files.remove_file(str(home / "file"), root=str(home)) is True
    assert (real / "secret").exists() and not (home / "file").is_symlink()


def test_links_above_the_trusted_folder_are_followed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "data")
    put(tmp_path / "home" / "a", b"x", tmp_path / "home")
    assert (tmp_path / "data" / "a").read_bytes() == b"x"
    with pytest.raises(files.UnsafePath):
        files.read_file(str(tmp_path / "home" / "a"), root=str(tmp_path))


def test_special_files_do_not_block_and_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    started = time.monotonic()
    for name in ("pipe", "folder"):
        with pytest.raises(files.UnsafePath, match=name):
            files.read_file(str(tmp_path / name), root=str(tmp_path))
        with pytest.raises(files.UnsafePath, match=name):
            put(tmp_path / name, b"x", tmp_path)
    with pytest.raises(files.UnsafePath):
        files.read_file(str(tmp_path / "pipe" / "x"), root=str(tmp_path))
    with pytest.raises(files.UnsafePath):
        files.read_file("/dev/null")
    assert time.monotonic() - started < 1
    with pytest.raises(files.UnsafePath, match="folder"):
        files.remove_file(str(tmp_path / "folder"), root=str(tmp_path))


@ROOT_ONLY
def test_hard_links_in_a_folder_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    home = tmp_path / "home"
    home.mkdir()
    os.link(tmp_path / "secret", home / "file")
    assert files.read_file(str(home / "file"), root=str(home)) == b"secret"
    for owner, mode in ((STRANGER, 0o755), (0, 0o777)):
        os.chown(home, owner, -1)
        os.chmod(home, mode)
        with pytest.raises(files.UnsafePath, match="hard link"):
            files.read_file(str(home / "file"), root=str(home))
        with pytest.raises(files.UnsafePath, match="hard link"):
            put(home / "file", b"x", home)
    assert (tmp_path / "secret").read_bytes() == b"secret"


@ROOT_ONLY
@pytest.mark.parametrize("again", [True, False])
def test_a_hard_link_that_is_taken_away_just_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: bool,
) -> None:
    """Opened while it was a second name of the secret, looked at when it was not any more; or never looked at twice."""
    (tmp_path / "secret").write_bytes(b"secret")
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, STRANGER, -1)
    real = os.open

    def patched(path: str, flags: int, *more: object, **named: object) -> int:
        if path != "file" or not (again or (home / "file").exists()):
            return real(path, flags, *more, **named)
        (home / "file").unlink(missing_ok=True)
        os.link(tmp_path / "secret", home / "file")
        try:
            return real(path, flags, *more, **named)
        finally:
            (home / "file").unlink()

    (home / "file").write_bytes(b"mine")
    monkeypatch.setattr(files.os, "open", patched)
    if again:
        with pytest.raises(files.UnsafePath, match="again and again"):
            files.read_file(str(home / "file"), root=str(home))
    else:
        assert files.read_file(str(home / "file"), root=str(home)) is None


@pytest.mark.parametrize("path", ["a", "/x/../etc/passwd", "/x/a\0b", "/elsewhere/a", "/xy/a"])
def test_paths_that_are_refused(path: str) -> None:
    with pytest.raises(files.UnsafePath):
        files.read_file(path, root="/x")


def test_too_large(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 11)
    assert files.read_file(str(tmp_path / "a"), limit=11, root=str(tmp_path)) == b"x" * 11
    with pytest.raises(files.UnsafePath, match="larger than 10"):
        files.read_file(str(tmp_path / "a"), limit=10, root=str(tmp_path))


def test_make_dir(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "c"
    before = os.umask(0o077)
    try:
        if UID == 0:
            assert files.make_dir(str(deep), 0o750, STRANGER, STRANGER, root=str(tmp_path)) is True
            assert files.make_dir(str(deep), 0o750, STRANGER, STRANGER, root=str(tmp_path)) is False
            assert (deep.stat().st_uid, stat.S_IMODE(deep.stat().st_mode)) == (STRANGER, 0o750)
            assert (deep.parent.stat().st_uid, stat.S_IMODE(deep.parent.stat().st_mode)) == (0, 0o755)
        (tmp_path / "d").mkdir(mode=0o777)
        assert files.make_dir(str(tmp_path / "d"), 0o2755, UID, GID, root=str(tmp_path)) is True
        assert stat.S_IMODE((tmp_path / "d").stat().st_mode) == 0o2755
    finally:
        os.umask(before)


def test_disk_errors_leave_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a", b"old", tmp_path)

    def full(_fd: int, _data: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "write", full)
    with pytest.raises(OSError, match="No space"):
        put(tmp_path / "a", b"new", tmp_path, backup=True)
    assert (tmp_path / "a").read_bytes() == b"old" and os.listdir(tmp_path) == ["a"]


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files
step, folder = sys.argv[2], sys.argv[3]
real = getattr(os, step)
def die(*args, **kwargs):
    if sys.argv[4] == "after":
        real(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(files.os, step, die)
files.write_file(folder + "/a", b"new" * 1000, 0o600, os.geteuid(), os.getegid(), root=folder, backup=True)
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["fchown", "fchmod", "write", "fsync", "link", "unlink", "rename"])
def test_killed_at_each_step(tmp_path: Path, step: str, when: str) -> None:
    """There is the old content or the new, and the next run clears the leftovers and works."""
    put(tmp_path / "a", b"old", tmp_path)
    place = str(Path(__file__).resolve().parents[4] / "collections")
    done = subprocess.run([sys.executable, "-c", KILLED, place, step, str(tmp_path), when], check=False, timeout=20)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "a").read_bytes() in (b"old", b"new" * 1000)
    put(tmp_path / "a", b"next", tmp_path)
    assert (tmp_path / "a").read_bytes() == b"next"
    assert not [name for name in os.listdir(tmp_path) if name.startswith(files.TEMPORARY)]
    assert (tmp_path / "a").stat().st_nlink == 1


def test_temporary_files_of_a_running_process_stay(tmp_path: Path) -> None:
    (tmp_path / ("%s%d-ab" % (files.TEMPORARY, os.getpid()))).write_bytes(b"")
    (tmp_path / (files.TEMPORARY + "999999999-ab")).write_bytes(b"")
    for odd in ("odd", "\u00b2-x", "..-x", "9" * 200):
        (tmp_path / (files.TEMPORARY + odd)).write_bytes(b"")
    old = tmp_path / ("%s%d-old" % (files.TEMPORARY, os.getpid()))
    old.write_bytes(b"")
    os.utime(old, (1, 1))
    put(tmp_path / "a", b"", tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["%s%d-ab" % (files.TEMPORARY, os.getpid()), "a"]


ATTACKER = """
import os, sys
home, trap = sys.argv[1:3]
os.setgid(65534); os.setuid(65534)
os.umask(0)
ssh, aside = home + "/.ssh", home + "/aside"
def quiet(act, *args):
    try:
        act(*args)
    except OSError:
        pass
while True:
    quiet(os.rename, ssh, aside)
    quiet(os.symlink, trap, ssh)
    quiet(os.unlink, ssh)
    quiet(os.rename, aside, ssh)
    target = ssh + "/authorized_keys"
    quiet(os.unlink, target)
    quiet(os.symlink, trap + "/secret", target)
    quiet(os.unlink, target)
    quiet(os.link, trap + "/readable", target)
    quiet(os.unlink, target)
    quiet(os.mkfifo, target)
    quiet(os.unlink, target)
    for name in os.listdir(ssh) if os.path.isdir(ssh) else ():
        if name.startswith(".oqs-tmp-"):
            quiet(os.unlink, ssh + "/" + name)
            quiet(os.symlink, trap + "/secret", ssh + "/" + name)
"""


@ROOT_ONLY
def test_racing_attacker_gains_nothing(tmp_path: Path) -> None:
    """A user who renames, links and plants pipes as fast as possible gets no byte read or changed outside."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder == folder.parent or folder.stat().st_mode & 0o001:
            continue
        folder.chmod(folder.stat().st_mode | 0o011)
    trap, home = tmp_path / "trap", tmp_path / "home"
    trap.mkdir(mode=0o755)
    (trap / "secret").write_bytes(b"secret")
    (trap / "secret").chmod(0o600)
    (trap / "readable").write_bytes(b"secret")
    (trap / "readable").chmod(0o666)
    home.mkdir()
    (home / ".ssh").mkdir()
    for folder in (home, home / ".ssh"):
        os.chown(folder, STRANGER, STRANGER)
    attacker = subprocess.Popen([sys.executable, "-c", ATTACKER, str(home), str(trap)])
    counts = {"done": 0, "refused": 0}
    target = str(home / ".ssh" / "authorized_keys")
    try:
        began, least = time.monotonic(), float(os.environ.get("OQS_RACE_SECONDS", "2"))
        # On a busy machine the attacker may come late.
        while time.monotonic() < began + (least if min(counts.values()) > 10 else least + 60):
            for act in (
                lambda: files.make_dir(str(home / ".ssh"), 0o700, STRANGER, STRANGER, root=str(home)),
                lambda: files.write_file(target, b"key\n", 0o600, STRANGER, STRANGER, root=str(home)),
                lambda: files.read_file(target, root=str(home)),
            ):
                try:
                    assert act() != b"secret"
                    counts["done"] += 1
                except (files.UnsafePath, OSError):
                    counts["refused"] += 1
        assert attacker.poll() is None
    finally:
        attacker.kill()
        attacker.wait()
    assert sorted(os.listdir(trap)) == ["readable", "secret"]
    for name in ("readable", "secret"):
        assert (trap / name).read_bytes() == b"secret" and (trap / name).stat().st_uid == 0
    assert stat.S_IMODE(trap.stat().st_mode) == 0o755 and trap.stat().st_uid == 0
    assert min(counts.values()) > 10, counts
