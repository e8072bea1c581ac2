# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is decided about passwords, and the state folder's file. Containers: tests/integration/test_oqs_password.py."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Optional

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import container_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import password, shadow

GOOD, OTHER = "correct horse battery", "staple in the haystack"
FEW = 1000
HASH = shadow.make_hash(GOOD, FEW)
CHEAP = str(shadow.crypt(GOOD.encode(), "$6$abcdefgh"))
BCRYPT = shadow.crypt(GOOD.encode(), "$2b$05$abcdefghijklmnopqrstuu")
PUBLISHED = shadow.make_hash("Pa55W0rd", FEW)


REASONS = (
    "the stored hash does not match",
    "the stored hash matches",
    "the stored hash is cheap to guess or not portable",
    "a password is set, and only a missing one shall be",
    "no password matches",
    "nobody shall log in by password",
)


def wanted(secret: Optional[str] = GOOD, only_if_unset: bool = False, rounds: int = FEW) -> password.Wanted:
    return password.Wanted("oqs", secret, rounds, only_if_unset)


@pytest.mark.parametrize("only_if_unset", [False, True])
@pytest.mark.parametrize(
    ("current", "changed", "kept_if_set"),
    [
        (None, True, False),
        ("", True, False),
        ("*", True, False),
        ("!", True, False),
        (PUBLISHED, True, False),
        ("$q$unknown", True, True),
        (HASH, False, True),
        (CHEAP, True, True),
        (shadow.make_hash(OTHER, FEW), True, True),
    ],
)
def test_when_a_hash_is_written(current: Optional[str], changed: bool, kept_if_set: bool, only_if_unset: bool) -> None:
    chosen, reason = password.wanted_hash(current, wanted(only_if_unset=only_if_unset))
    assert (chosen is not None) is (changed and not (only_if_unset and kept_if_set))
    assert reason in REASONS
    if chosen is not None:
        assert shadow.verify(GOOD, chosen) and chosen.startswith("$6$rounds=1000$")


@pytest.mark.skipif(BCRYPT is None, reason="libcrypt here knows no bcrypt")
def test_a_matching_hash_that_the_image_cannot_check_is_renewed() -> None:
    chosen, reason = password.wanted_hash(BCRYPT, wanted())
    assert chosen is not None and reason == REASONS[2]


@pytest.mark.parametrize(
    ("current", "changed"),
    [(None, True), ("", True), ("*", False), ("*x", False), ("!", True), ("!!", True), (HASH, True)],
)
def test_when_an_account_is_locked(current: Optional[str], changed: bool) -> None:
    assert password.wanted_hash(current, wanted(None)) == (("*", REASONS[5]) if changed else (None, REASONS[4]))


def test_which_reason_is_given() -> None:
    for current, only_if_unset, number in (
        (None, False, 0), (shadow.make_hash(OTHER, FEW), False, 0), (HASH, False, 1), (CHEAP, False, 2),
        (HASH, True, 3), (CHEAP, True, 3), (PUBLISHED, True, 0),
    ):
        assert password.wanted_hash(current, wanted(only_if_unset=only_if_unset))[1] == REASONS[number]


def test_what_is_wanted_unless_said_otherwise() -> None:
    assert password.Wanted("oqs", GOOD) == ("oqs", GOOD, 200000, False)


def test_the_user_s_own_name_is_no_password() -> None:
    with pytest.raises(password.PasswordRefused) as caught:
        password.wanted_hash(None, password.Wanted("carol", "carolcarol12"))
    assert str(caught.value) == ("the password for 'carol' consists of little more than well-known words: "
                                 "choose another one, for example 20 random letters and digits")
    assert password.wanted_hash(None, wanted("carolcarolK7#x"))[0]


def test_rounds_are_a_lower_bound() -> None:
    assert password.wanted_hash(HASH, wanted(rounds=1001))[0] is not None
    assert password.wanted_hash(shadow.make_hash(GOOD, 2000), wanted(rounds=1001))[0] is None
    assert password.is_strong("$6$rounds=1000$", 1000) and not password.is_strong("$5$rounds=9000$", 1000)
    assert not password.is_strong("", 1000) and not password.is_strong("*", 1000)


@pytest.mark.parametrize("secret", ["", "Pa55W0rd", "oqs.pw", "short", "a\nb but long enough"])
def test_refused(secret: str, tmp_path: Path) -> None:
    with pytest.raises(password.PasswordRefused, match=r"'oqs'.*choose another") as caught:
        password.ensure_in_file(str(tmp_path / "password"), wanted(secret), root=str(tmp_path))
    assert not secret or secret not in str(caught.value)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("hashed", "name"),
    [("", "none"), ("*", "none"), ("!$6$x", "none"), ("$6$x", "sha512"), ("$5$x", "sha256"), ("$1$x", "md5"),
     ("$2b$05$", "bcrypt"), ("$y$j9T$", "yescrypt"), ("$gy$", "gost-yescrypt"), ("$7$", "scrypt"),
     ("abiQ6Ep3EYTHc", "des"), ("x", "unknown"), ("$q$", "unknown")],
)
def test_method_of(hashed: str, name: str) -> None:
    assert password.method_of(hashed) == name


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the file is root's")
def test_file_with_the_hash_alone(tmp_path: Path) -> None:
    path, root = tmp_path / "password", str(tmp_path)
    for check in (True, False):
        outcome = password.ensure_in_file(str(path), wanted(), check, root)
        assert outcome._asdict() == {"changed": True, "before": "absent", "after": "set", "method": "sha512",
                                     "reason": "the stored hash does not match"}
        assert path.exists() is not check
    found = path.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o600, 0, 0)
    content = path.read_bytes()
    assert not password.ensure_in_file(str(path), wanted(), root=root).changed and path.read_bytes() == content
    path.chmod(0o666)
    assert password.ensure_in_file(str(path), wanted(), True, root).changed
    assert password.ensure_in_file(str(path), wanted(), root=root).changed and path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert password.ensure_in_file(str(path), wanted(None), root=root).after == "locked" and path.read_bytes() == b"*\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the file is root's")
def test_file_with_lines(tmp_path: Path) -> None:
    path, root = tmp_path / "shadow", str(tmp_path)
    path.write_text("root:*:1:2:3:4:5:6:\noqs:%s:1:2:3:4:5:6:\nx:%s:::::::\n" % (PUBLISHED, PUBLISHED))
    assert password.ensure_in_file(str(path), wanted(), root=root).before == "published"
    lines = path.read_text().splitlines()
    assert lines[0] == "root:*:1:2:3:4:5:6:" and lines[2] == "x:%s:::::::" % PUBLISHED
    fields = lines[1].split(":")
    assert shadow.verify(GOOD, fields[1]) and fields[2:] == ["1", "2", "3", "4", "5", "6", ""]
    with pytest.raises(password.PasswordRefused) as caught:
        password.ensure_in_file(str(path), wanted()._replace(user="eve"), root=root)
    assert str(caught.value) == "%s has no user 'eve'" % path
    content = path.read_bytes()
    path.chmod(0o666)
    assert password.ensure_in_file(str(path), wanted(), root=root).changed, "too many may write it"
    assert path.read_bytes() == content and stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the file gets an owner")
def test_owner_stays(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("*\n")
    try:
        os.chown(str(path), 12, 34)
    except OSError:
        pytest.skip("this root may not give files away")
    assert password.ensure_in_file(str(path), wanted(), root=str(tmp_path)).changed
    assert (path.stat().st_uid, path.stat().st_gid) == (12, 34)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the file is root's")
def test_the_trusted_folder_may_be_a_link(tmp_path: Path) -> None:
    """As /etc/oqs-ssh may lie on another disk. Without a trusted folder the whole path is walked."""
    (tmp_path / "disk" / "private").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    root = str(tmp_path / "link")
    assert password.ensure_in_file(root + "/private/password", wanted(), root=root).changed
    assert not password.ensure_in_file(root + "/private/password", wanted(), root=root).changed
    with pytest.raises(files.UnsafePath):
        password.ensure_in_file(root + "/private/password", wanted())
    assert not password.ensure_in_file(str(tmp_path / "disk" / "private" / "password"), wanted()).changed


def test_places_that_are_refused(tmp_path: Path) -> None:
    for path in ("/etc/shadow", "/etc//shadow", "/etc/shadow-"):
        with pytest.raises(password.PasswordRefused) as caught:
            password.ensure_in_file(path, wanted())
        assert str(caught.value) == ("%s holds the host's own accounts, which this never touches: "
                                     "use ansible.builtin.user" % path)
    with pytest.raises(FileNotFoundError) as missing:
        password.ensure_in_file(str(tmp_path / "no" / "password"), wanted(), True, str(tmp_path))
    assert (missing.value.errno, missing.value.strerror, missing.value.filename) == (
        errno.ENOENT, "the folder is missing: make it first", str(tmp_path / "no"))
    (tmp_path / "password").symlink_to(tmp_path / "real")
    with pytest.raises(files.UnsafePath):
        password.ensure_in_file(str(tmp_path / "password"), wanted(), root=str(tmp_path))


class Container:
    """A container's shadow file, without a container."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, data: Optional[bytes], link: bool = False) -> None:
        self.data, self.written = data, 0
        self.info = container_files.link_info("/x") if link else container_files.file_info(0o640, 0, 42)
        monkeypatch.setattr(password, "read_container_file", self.read)
        monkeypatch.setattr(password, "put_container_files", self.put)

    def read(self, name: str, path: str) -> object:
        assert (name, path) == ("box", "/etc/shadow")
        return None if self.data is None else (self.data, self.info)

    def put(self, name: str, given: dict) -> None:
        assert name == "box" and list(given) == ["/etc/shadow"] and given["/etc/shadow"][1] is self.info
        self.data, self.written = given["/etc/shadow"][0], self.written + 1


def test_container(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Container(monkeypatch, b"root:*:1:::::: \noqs:%s:2::::::\n" % PUBLISHED.encode())
    for check, times, changed in ((True, 0, True), (False, 1, True), (True, 1, False), (False, 1, False)):
        outcome = password.ensure_in_container("box", wanted(), check)
        assert (outcome.changed, box.written, outcome.after) == (changed, times, "set")
    assert outcome.before == "set" and outcome.method == "sha512"
    stored = shadow.hash_of(box.data or b"", "oqs")
    assert stored is not None and shadow.verify(GOOD, stored) and (box.data or b"").startswith(b"root:*:1:::::: \n")
    assert password.set_hash("box", "oqs", stored) is False and box.written == 1
    assert password.set_hash("box", "oqs", "*") is True and box.written == 2
    locked = password.ensure_in_container("box", wanted(None))
    assert not locked.changed and (locked.before, locked.method) == ("locked", "none") and "password" in locked.reason
    for act in (lambda: password.ensure_in_container("box", wanted()._replace(user="eve")),
                lambda: password.set_hash("box", "eve", "*")):
        with pytest.raises(password.PasswordRefused) as caught:
            act()
        assert str(caught.value) == "the container 'box' has no user 'eve' with a password"
    assert password.ensure_in_container("box", wanted(OTHER)).changed and box.written == 3, "unless told to check"


def test_container_without_an_ordinary_shadow_file(monkeypatch: pytest.MonkeyPatch) -> None:
    for data, link in ((None, False), (b"", True)):
        Container(monkeypatch, data, link)
        with pytest.raises(password.PasswordRefused) as caught:
            password.container_shadow("box")
        assert str(caught.value) == "the container 'box' has no ordinary file /etc/shadow"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the file is root's")
def test_no_permission_for_others_survives(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(b"\xff\xfe\n")
    path.chmod(0o777)
    assert password.ensure_in_file(str(path), wanted(only_if_unset=True), root=str(tmp_path)).changed
    assert path.read_bytes() == b"\xff\xfe\n" and stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o777)
    assert password.ensure_in_file(str(path), wanted(None, only_if_unset=True), root=str(tmp_path)).before == "set"
    assert path.read_bytes() == b"*\n" and stat.S_IMODE(path.stat().st_mode) == 0o640
    for mode in (0o601, 0o604, 0o620, 0o610, 0o700):
        path.chmod(mode)
        assert password.ensure_in_file(str(path), wanted(None), root=str(tmp_path)).changed is True
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for mode in (0o600, 0o640):
        path.chmod(mode)
        assert password.ensure_in_file(str(path), wanted(None), root=str(tmp_path)).changed is False
