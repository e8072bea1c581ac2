# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edits of files: all or none, owner and mode kept, links refused, validated first."""

from __future__ import annotations

import os
import stat
import subprocess

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import config_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.config_files import EditFailed, Job
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.sshconfig import Change

PORT = [Change("Port", ["1"])]


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "sshd_config"
    path.write_bytes(b"Port 2\n")
    path.chmod(0o640)
    return path


def edited(path, changes=PORT, follow=False):
    return config_files.edited(Job(str(path), "sshd_config", changes), follow)


def test_the_file_keeps_owner_and_mode_and_gets_a_backup(config):
    before = config.stat()
    edit = edited(config)
    assert config.read_bytes() == b"Port 2\n", "working out an edit writes nothing"
    backups = config_files.write_all([edit], backup=True)
    assert config.read_bytes() == b"Port 1\n"
    after = config.stat()
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (before.st_uid, before.st_gid, 0o640)
    assert after.st_ino != before.st_ino, "replaced in one step, not written over"
    assert [path for path, _kept in backups] == [str(config)]
    with open(backups[0][1], "rb") as kept:
        assert kept.read() == b"Port 2\n"


def test_an_unchanged_file_is_not_written(config):
    edit = edited(config, [Change("Port", ["2"])])
    assert not edit.changed
    inode = config.stat().st_ino
    assert config_files.write_all([edit], backup=True) == []
    assert config.stat().st_ino == inode
    assert os.listdir(str(config.parent)) == ["sshd_config"]
    other = config.parent / "other"
    other.write_bytes(b"X y\n")
    assert config_files.write_all([edit, edited(other)], backup=False) == []
    assert other.read_bytes() == b"X y\nPort 1\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the file gets an owner")
def test_the_owner_stays(config):
    try:
        os.chown(str(config), 12, 34)
    except OSError:
        pytest.skip("this root may not give files away")
    config_files.write_all([edited(config)], backup=False)
    assert (config.stat().st_uid, config.stat().st_gid) == (12, 34)


def test_all_or_none(config, monkeypatch):
    other = config.parent / "other"
    other.write_bytes(b"X y\n")
    edits = [edited(config), edited(other)]
    real = files.write_file

    def disk_full(path, *arguments, **more):
        if path == str(other):
            raise OSError(28, "No space left on device", path)
        return real(path, *arguments, **more)

    monkeypatch.setattr(files, "write_file", disk_full)
    with pytest.raises(EditFailed) as error:
        config_files.write_all(edits, backup=True)
    assert str(error.value) == "[Errno 28] No space left on device: '%s'; all files are as they were" % other
    assert config.read_bytes() == b"Port 2\n"
    assert other.read_bytes() == b"X y\n"
    assert sorted(os.listdir(str(config.parent))) == ["other", "sshd_config"], "no backup of what did not happen"


def test_a_change_by_somebody_else_is_noticed(config):
    edit = edited(config)
    config.write_bytes(b"Port 3\n")
    with pytest.raises(EditFailed) as error:
        config_files.write_all([edit], backup=False)
    assert str(error.value) == "%s was changed by somebody else meanwhile: run again" % config
    assert config.read_bytes() == b"Port 3\n"


def test_links_are_followed_only_when_asked(config):
    link = config.parent / "link"
    link.symlink_to(config)
    with pytest.raises(EditFailed, match=r"; if the link is meant to be there, set follow: true\Z"):
        config_files.edited(Job(str(link), "sshd_config", PORT))
    edit = edited(link, follow=True)
    config_files.write_all([edit], backup=False)
    assert link.is_symlink()
    assert config.read_bytes() == b"Port 1\n"


def test_what_cannot_be_edited_is_named(config, tmp_path, monkeypatch):
    def failing(act):
        with pytest.raises(EditFailed) as error:
            act()
        return str(error.value)

    assert failing(lambda: edited(tmp_path / "missing")) == (
        "%s/missing: there is no such file; this module edits files, it does not make them" % tmp_path)
    assert "not an ordinary file" in failing(lambda: edited(tmp_path, follow=True))
    assert failing(lambda: edited(tmp_path)) == (
        failing(lambda: edited(tmp_path, follow=True)) + "; if the link is meant to be there, set follow: true")
    assert failing(lambda: edited(config / "below", follow=True)).startswith(str(config))
    config.write_bytes(b"P\0")
    assert failing(lambda: edited(config)).startswith("%s: the file holds NUL bytes" % config)
    config.write_bytes(b"Port 2\n")
    other = config.parent / "other"
    other.write_bytes(b"X y\n")
    edits = [edited(other), edited(config), edited(config)]
    assert failing(lambda: config_files.check_distinct(edits)) == (
        "%s is named more than once in 'files': put its changes together" % config)
    config_files.check_distinct(edits[:2])
    with monkeypatch.context() as patch:
        patch.setattr(files, "stat_file", lambda _path: None)
        assert "there is no such file" in failing(lambda: edited(config)), "gone in between"
    os_error = PermissionError(13, "Permission denied")

    def refuse(path):
        raise os_error

    monkeypatch.setattr(files, "read_file", refuse)
    assert failing(lambda: edited(config)) == "%s: cannot be read: Permission denied" % config


def test_validation_speaks_of_the_file(config, tmp_path):
    folder = tmp_path / "private"
    folder.mkdir()
    edit = edited(config)
    config_files.validate(edit, str(folder), ["grep", "-q", "Port 1", "%s"], None)
    with pytest.raises(EditFailed) as error:
        config_files.validate(edit, str(folder), ["sh", "-c", "echo bad line in $1 >&2; exit 1", "sh", "%s"], None)
    assert str(error.value) == "%s was not touched, the changed file does not pass validation: bad line in %s" % (
        config, config)
    with pytest.raises(EditFailed, match="No such file"):
        config_files.validate(edit, str(folder), ["/no/such/program", "%s"], None)
    assert os.listdir(str(folder)) == []


def test_validation_in_an_image(config, tmp_path, monkeypatch):
    """The candidate is readable to root alone, mounted read-only, and read by the image's own program."""
    seen = []

    def run_once(image, arguments, mounts, writable):
        candidate = mounts[0].split("source=")[1].split(",")[0] if isinstance(mounts[0], str) else mounts[0][1]
        with open(candidate, "rb") as file:
            seen.append((image, list(arguments), list(mounts), stat.S_IMODE(os.stat(candidate).st_mode), file.read()))
        raise cli.DockerError("/tmp/oqs-check/sshd_config: line 1: no such thing")

    monkeypatch.setattr(cli, "run_once", run_once)
    edit = edited(config)
    config_files.validate(edit, str(tmp_path), None, None)
    assert not seen
    with pytest.raises(EditFailed) as error:
        config_files.validate(edit, str(tmp_path), None, "an/image:1")
    assert str(error.value) == ("%s was not touched, the changed file does not pass validation: "
                                "%s: line 1: no such thing" % (config, config))
    (image, arguments, mounts, mode, data), = seen
    assert (image, mode, data) == ("an/image:1", 0o600, b"Port 1\n")
    assert arguments[:2] == ["/bin/sh", "-c"] and arguments[3:] == [
        "check", "sshd_config", "/tmp/oqs-check/sshd_config", "/opt/oqs-ssh"]
    assert mounts == [cli.bind(str(tmp_path / "oqs-config-candidate"), "/tmp/oqs-check/sshd_config", readonly=True)]
    assert os.listdir(str(tmp_path)) == ["sshd_config"]
    programs = tmp_path / "opt"
    for name in ("bin/ssh", "bin/ssh-keygen", "sbin/sshd"):
        (programs / name).parent.mkdir(parents=True, exist_ok=True)
        (programs / name).write_text("#!/bin/sh\necho ${0##*/} \"$@\"\n")
        (programs / name).chmod(0o755)
    for dialect, said in (
        ("sshd_config", ("ssh-keygen -q -t ed25519 -N  -f /tmp/oqs-check-key\n"
                         "sshd -t -h /tmp/oqs-check-key -f /the file\n")),
        ("ssh_config", "ssh -G -F /the file localhost\n"),
    ):
        ran = subprocess.run([*arguments[:4], dialect, "/the file", str(programs)], stdout=subprocess.PIPE, check=True)
        assert ran.stdout.decode() == said


def test_validation_does_not_wait_for_ever(config, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(config_files, "run", lambda argv, timeout: asked.append((argv[0], timeout)))
    config_files.validate(edited(config), str(tmp_path), ["check", "%s"], None)
    assert asked == [("check", 120.0)]


def test_includes_are_read_in_order_and_never_written(config):
    folder = config.parent / "sshd_config.d"
    folder.mkdir()
    (folder / "20.conf").write_bytes(b"Banner /b\n")
    (folder / "10.conf").write_bytes(b"UseDNS no\n")
    os.mkfifo(str(folder / "15.conf"))
    (folder / "30.conf").symlink_to("/dev/zero")
    config.write_bytes(b"Include sshd_config.d/*.conf\nX y\n")
    assert config_files.included(str(config), "sshd_config", "sshd_config.d/*.conf") == [
        b"UseDNS no\n", b"Banner /b\n"]
    edit = edited(config, [Change("Banner", ["/c"])])
    assert edit.after == b"Banner /c\nInclude sshd_config.d/*.conf\nX y\n"
    assert edit.notes == ()
    config_files.write_all([edit], backup=False)
    assert (folder / "20.conf").read_bytes() == b"Banner /b\n"


def test_includes_below_the_home_folder(config, tmp_path, monkeypatch):
    """ssh knows ~, sshd does not."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "own.conf").write_bytes(b"Port 7\n")
    assert config_files.included(str(config), "ssh_config", "~/own.conf") == [b"Port 7\n"]
    assert config_files.included(str(config), "sshd_config", "~/own.conf") == []
    config.write_bytes(b"Include ~/own.conf\n")
    edit = config_files.edited(Job(str(config), "ssh_config", PORT))
    assert edit.after == b"Port 1\nInclude ~/own.conf\n"


def test_includes_are_bounded(config):
    folder = config.parent / "d"
    folder.mkdir()
    (folder / "0").write_bytes(b"#" * ((1 << 20) + 1))
    (folder / "1").write_bytes(b"#" * (1 << 20))
    for number in range(1000, 2000):
        (folder / str(number)).write_bytes(b"Port %d\n" % number)
    found = config_files.included(str(config), "sshd_config", "d/*")
    assert (len(found), len(found[0]), found[-1]) == (999, 1 << 20, b"Port 1997\n"), "1000 files, without the large one"


def test_notes_name_the_file(config):
    config.write_bytes(b"Match all\nBanner /a\n")
    edit = edited(config, [Change("Banner", ["/b"], block="Match User a")])
    assert edit.notes == ("%s: line 2 (Banner /a) comes first and wins over Banner in 'Match User a'" % config,)
