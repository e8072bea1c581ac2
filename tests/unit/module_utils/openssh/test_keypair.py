# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Key pairs: what each level may do, and that a kill at any moment leaves a usable pair."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from pathlib import Path
from typing import List, Sequence

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import file_pairs, key_files, keypair
from key_samples import SSH_KEYGEN, private_file, public_line

KIND = "ssh-novel512@example.org"
NEW = b"new "


class Maker:
    """Makes invented keys, and remembers for what."""

    def __init__(self, kind: str = KIND, private: bytes = b"", public: bytes = b"") -> None:
        self.asked: List[str] = []
        self.kind, self.private, self.public = kind, private, public

    def __call__(self, folder: str, requests: Sequence[keypair.Request]) -> None:
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        for number, request in enumerate(requests):
            self.asked.append(os.path.basename(request.path))
            for end, data in (
                ("", self.private or private_file(self.kind, NEW)),
                (".pub", self.public or public_line(self.kind, NEW, request.comment).encode()),
            ):
                (Path(folder) / ("%d%s" % (number, end))).write_bytes(data)


def request(folder: Path, level: str = "missing", **more: object) -> keypair.Request:
    base = keypair.Request(str(folder / "key"), KIND, "made", level, os.geteuid(), os.getegid(), str(folder))
    return base._replace(**more)


def put(folder: Path, private: bytes = b"", public: bytes = b"", mode: int = 0o600) -> None:
    for name, data, bits in (("key", private, mode), ("key.pub", public, 0o644)):
        if data:
            (folder / name).write_bytes(data)
            (folder / name).chmod(bits)


OLD, OLD_PUBLIC = private_file(), public_line(comment="a comment").encode() + b"\n"
STATES = {
    "missing": (b"", b""),
    "good": (OLD, OLD_PUBLIC),
    "half": (OLD, b""),
    "public only": (b"", OLD_PUBLIC),
    "public broken": (OLD, b"junk"),
    "private broken": (OLD[:100], OLD_PUBLIC),
    "mismatch": (OLD, public_line(seed=b"else").encode() + b"\n"),
    "type": (private_file("ssh-other"), public_line("ssh-other").encode()),
    "encrypted": (private_file(cipher=b"aes256-ctr"), OLD_PUBLIC),
}
# What each level does: make, mend, leave it, or refuse.
DONE = {
    "missing": "refuse made made made",
    "good": "none none none made",
    "half": "refuse mended mended made",
    "public only": "refuse refuse made made",
    "public broken": "refuse mended mended made",
    "private broken": "refuse refuse made made",
    "mismatch": "refuse refuse mended made",
    "type": "refuse refuse made made",
    "encrypted": "none none none made",
}


@pytest.mark.parametrize("level", keypair.LEVELS)
@pytest.mark.parametrize("state", STATES)
def test_levels(tmp_path: Path, state: str, level: str) -> None:
    put(tmp_path, *STATES[state])
    before = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}
    wanted = DONE[state].split()[keypair.LEVELS.index(level)]
    for check in (True, False):
        if wanted == "refuse":
            with pytest.raises(keypair.KeyPairError, match=r"/key: .*regenerate"):
                keypair.ensure_pairs([request(tmp_path, level)], Maker(), check)
            result = None
        else:
            result = keypair.ensure_pairs([request(tmp_path, level)], Maker(), check)[0]
            assert (result.action, result.changed) == (wanted, wanted != "none")
        if check or wanted in ("refuse", "none"):
            assert {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == before
    if result is None:
        return
    private, public = (tmp_path / "key").read_bytes(), (tmp_path / "key.pub").read_bytes()
    assert key_files.pair_state(private, public).state == "good"
    assert result.key is not None and result.key.line.encode() == public.strip()
    assert (private == STATES[state][0]) is (wanted != "made")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    if level != "always":
        assert keypair.ensure_pairs([request(tmp_path, level)], Maker())[0].action == "none"


@pytest.mark.parametrize("form", ["PEM", "PKCS8"])
@pytest.mark.parametrize("public", ["lost", "damaged"])
def test_a_whole_private_half_of_another_form_is_never_replaced(tmp_path: Path, form: str, public: str) -> None:
    """Its public half is not in it in clear: ssh-keygen derives it."""
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-m", form, "-N", "", "-f", str(path)], check=True)
    private, line = path.read_bytes(), (tmp_path / "key.pub").read_text().split()[:2]
    (tmp_path / "key.pub").unlink()
    if public == "damaged":
        (tmp_path / "key.pub").write_text("junk\n")
    for level in ("missing", "damaged"):
        result = keypair.ensure_pairs([request(tmp_path, level, algorithm="rsa")], Maker())[0]
        assert result.action == ("mended" if level == "missing" else "none")
    assert path.read_bytes() == private and (tmp_path / "key.pub").read_text().split()[:2] == line


def test_one_that_cannot_be_derived_is_left_and_named(tmp_path: Path) -> None:
    path, secret = tmp_path / "key", "a long secret"
    argv = ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-f", str(path)]
    subprocess.run(["setsid", "--wait", *argv], input=(secret + "\n").encode() * 2, check=True)
    private = path.read_bytes()
    (tmp_path / "key.pub").unlink()
    for level in ("missing", "damaged"):
        with pytest.raises(keypair.KeyPairError, match=r"/key: the private half is whole and stays.*/key\.pub"):
            keypair.ensure_pairs([request(tmp_path, level, algorithm="rsa")], Maker())
    assert path.read_bytes() == private
    given = request(tmp_path, algorithm="rsa", passphrase=secret)
    assert keypair.ensure_pairs([given], Maker())[0].action == "mended" and path.read_bytes() == private


def test_many_pairs_are_made_in_one_go(tmp_path: Path) -> None:
    put(tmp_path, OLD, OLD_PUBLIC)
    maker = Maker()
    requests = [request(tmp_path)._replace(path=str(tmp_path / name)) for name in ("a", "key", "b")]
    results = keypair.ensure_pairs(requests, maker)
    assert [result.action for result in results] == ["made", "none", "made"] and maker.asked == ["a", "b"]


def test_nothing_is_changed_when_one_is_refused(tmp_path: Path) -> None:
    put(tmp_path, b"junk", OLD_PUBLIC)
    with pytest.raises(keypair.KeyPairError):
        keypair.ensure_pairs([request(tmp_path)._replace(path=str(tmp_path / "new")), request(tmp_path)], Maker())
    assert sorted(os.listdir(tmp_path)) == ["key", "key.pub"]


@pytest.mark.parametrize(
    "maker",
    [
        Maker("ssh-other"),
        Maker(private=b"junk"),
        Maker(public=b"junk"),
        Maker(public=public_line(seed=b"else").encode()),
    ],
)
def test_what_was_made_is_checked(tmp_path: Path, maker: Maker) -> None:
    put(tmp_path, OLD, OLD_PUBLIC)
    with pytest.raises(keypair.KeyPairError, match="key of type"):
        keypair.ensure_pairs([request(tmp_path, "always")], maker)
    assert (tmp_path / "key").read_bytes() == OLD and (tmp_path / "key.pub").read_bytes() == OLD_PUBLIC


def test_modes_are_mended_and_the_comment_stays(tmp_path: Path) -> None:
    public = public_line(comment="another one").encode() + b"\n"
    put(tmp_path, OLD, public, 0o644)
    results = [keypair.ensure_pairs([request(tmp_path, "never")], Maker(), check)[0] for check in (True, False)]
    assert [(result.action, result.before) for result in results] == [("mended", "mode")] * 2
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert ((tmp_path / "key").read_bytes(), (tmp_path / "key.pub").read_bytes()) == (OLD, public)


def test_backup_and_diff(tmp_path: Path) -> None:
    put(tmp_path, OLD, OLD_PUBLIC)
    wanted = request(tmp_path, "always", backup=True)
    result = keypair.ensure_pairs([wanted], Maker())[0]
    assert [Path(path).read_bytes() for path in result.backups] == [OLD, OLD_PUBLIC]
    assert stat.S_IMODE(os.stat(result.backups[0]).st_mode) == 0o600
    shown = result.diff(wanted)
    assert "SHA256:" in shown["before"] and "SHA256:" in shown["after"] and shown["before"] != shown["after"]
    assert "PRIVATE" not in repr(result) + repr(shown)


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("comment", "a\nb", "comment"),
        ("passphrase", "q7#z", "at least 5"),
        ("passphrase", "abcd\nefgh", "line end"),
        ("algorithm", "-t", "not the name"),
        ("algorithm", "a\nb", "not the name"),
        ("algorithm", "", "not the name"),
        ("regenerate", "sometimes", "must be one of never, missing"),
    ],
)
def test_bad_input(tmp_path: Path, field: str, value: str, word: str) -> None:
    with pytest.raises(keypair.KeyPairError, match=word) as caught:
        keypair.ensure_pairs([request(tmp_path)._replace(**{field: value})], Maker())
    assert field != "passphrase" or value not in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_links_are_refused(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"junk")
    (tmp_path / "key.pub").symlink_to(tmp_path / "real")
    with pytest.raises(files.UnsafePath):
        keypair.ensure_pairs([request(tmp_path, "always")], Maker())
    assert (tmp_path / "real").read_bytes() == b"junk"


@SSH_KEYGEN
@pytest.mark.parametrize(("kind", "passphrase"), [("ed25519", None), ("ed25519", "secret's $(x)"), ("ecdsa", None)])
def test_made_by_the_host(tmp_path: Path, kind: str, passphrase: str) -> None:
    wanted = request(tmp_path, algorithm=kind, comment="it's $(x)", passphrase=passphrase)
    result = keypair.ensure_pairs([wanted], keypair.on_host())[0]
    assert result.key is not None and result.key.comment == "it's $(x)" and result.encrypted is bool(passphrase)
    said = subprocess.run(
        ["ssh-keygen", "-y", "-P", passphrase or "", "-f", wanted.path], capture_output=True, text=True, check=True
    )
    assert said.stdout.split()[1] == result.key.line.split()[1]
    assert keypair.ensure_pairs([wanted], keypair.on_host())[0].action == "none"


@SSH_KEYGEN
def test_unknown_type_on_the_host(tmp_path: Path) -> None:
    with pytest.raises(keypair.KeyPairError, match="ssh-novel512"):
        keypair.ensure_pairs([request(tmp_path)], keypair.on_host())
    with pytest.raises(keypair.KeyPairError, match="no-such-program"):
        keypair.ensure_pairs([request(tmp_path)], keypair.on_host("no-such-program"))


def replace_and_die(folder: Path, step: str, count: int) -> int:
    """Replace a pair in a process of its own that kills itself at the count-th call of an os function."""
    child = os.fork()
    if child == 0:
        real, calls = getattr(os, step), []

        def die(*args: object, **kwargs: object) -> object:
            if len(calls) == count:
                os.kill(os.getpid(), signal.SIGKILL)
            calls.append(step)
            return real(*args, **kwargs)

        setattr(os, step, die)
        os.umask(0)
        try:
            private, public = private_file(seed=NEW), public_line(seed=NEW).encode()
            path = str(folder / "key")
            file_pairs.replace_pair(path, private, public, os.geteuid(), os.getegid(), str(folder), True)
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]


def test_killed_at_each_step(tmp_path: Path) -> None:
    """A whole private key, old or new, with its own public half or none; the next run gives the half back. At no step
    can anybody else read a private half."""
    seen = set()
    for step in ("open", "fchown", "write", "fsync", "link", "rename", "unlink"):
        for count in range(20):
            folder = tmp_path / ("%s-%d" % (step, count))
            folder.mkdir()
            put(folder, OLD, OLD_PUBLIC)
            status = replace_and_die(folder, step, count)
            if status == 0:
                break
            assert status == signal.SIGKILL
            for path in folder.iterdir():
                assert not path.stat().st_mode & 0o077 or b"PRIVATE" not in path.read_bytes(), (step, count, path.name)
            private = (folder / "key").read_bytes()
            assert private in (OLD, private_file(seed=NEW))
            public = (folder / "key.pub").read_bytes() if (folder / "key.pub").exists() else None
            state = key_files.pair_state(private, public).state
            assert state in ("good", "half")
            seen.add((private == OLD, state))
            result = keypair.ensure_pairs([request(folder)], Maker())[0]
            assert result.action == ("mended" if state == "half" else "none")
            assert (folder / "key").read_bytes() == private
            assert key_files.pair_state(private, (folder / "key.pub").read_bytes()).state == "good"
    assert seen == {(True, "good"), (True, "half"), (False, "half"), (False, "good")}
