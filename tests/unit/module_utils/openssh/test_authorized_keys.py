# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""authorized_keys: lossless edits, keys of any type, and the same reading as OpenSSH's own."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path
from typing import List

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import authorized_keys as ak
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys.key_files import BadKey
from hypothesis import given
from hypothesis import strategies as st
from key_samples import SSH_KEYGEN, public_line, real_pair

A, B, C = (public_line(seed=seed) for seed in (b"a", b"b", b"c"))
CLASSIC = public_line("ssh-ed25519", comment="old@host")
OPTIONS = [
    "",
    "restrict",
    'from="192.0.2.0/24,!192.0.2.7,2001:db8::/32"',
    'command="echo \\"a, b\\" #x"',
    'restrict,pty,permitopen="localhost:22",permitopen="[::1]:22"',
    'environment="A=b c",no-pty',
    "cert-authority",
]
FILE = (
    b"# keys of the team\n\n  \t\n"
    + CLASSIC.encode()
    + b"\r\n"
    + b'from="a b",restrict '
    + A.encode()
    + b"  a comment  \n"
    + b"this is no key at all\n\xff\xfe\x00broken\nssh-ed25519 AAAA\n"
    + b"\t"
    + B.encode()
)


def entries(*lines: str) -> List[ak.Entry]:
    return [ak.parse_entry(line) for line in lines]


def test_parse_keeps_every_byte() -> None:
    lines = ak.parse(FILE)
    assert b"".join(line.raw for line in lines) == FILE
    assert [line.entry is not None for line in lines] == [False] * 3 + [True, True] + [False] * 3 + [True]
    entry = lines[4].entry
    assert entry is not None and (entry.options, entry.comment) == ('from="a b",restrict', "a comment")
    classic = lines[3].entry
    assert classic is not None and classic.comment == "old@host"


@pytest.mark.parametrize("options", OPTIONS)
def test_entry_round_trip(options: str) -> None:
    line = (options + " " if options else "") + A + " two words"
    entry = ak.parse_entry(line)
    assert (entry.options, entry.comment) == (options, "two words")
    assert ak.format_entry(entry) == line
    assert ak.parse_entry(line.encode() + b"\r\n") == entry


def test_split_options() -> None:
    assert ak.split_options("") == []
    assert ak.split_options('from="a,b",restrict,command="x \\",\\" y"') == [
        'from="a,b"',
        "restrict",
        'command="x \\",\\" y"',
    ]
    with pytest.raises(BadKey, match="quote"):
        ak.split_options('from="a')


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("", "no key"),
        ("# " + A, "no key"),
        (A + "\n" + B, "one line"),
        (A + "\0", "one line"),
        ('from="x ' + A, "quote"),
        (",restrict " + A, "empty option"),
        ("restrict,, " + A, "empty option"),
        (A[:-5], "cut off"),
        ("ssh-ed25519 AAAA", "length field"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
        ("restrict -----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
        ("hello", "TYPE BASE64"),
        ("ssh-ed25519 " + A.split()[1], "itself"),
        ("restrict " + A.split()[0], "TYPE BASE64"),
    ],
)
def test_wanted_lines_that_are_refused(line: str, word: str) -> None:
    with pytest.raises(BadKey, match=word):
        ak.parse_entry(line)


def test_add_to_a_file() -> None:
    wanted = entries("restrict " + C + " new")
    changed = ak.ensure(FILE, wanted)
    assert changed == FILE + b"\nrestrict " + C.encode() + b" new\n"
    assert ak.ensure(changed, wanted) == changed
    assert ak.without(changed, wanted) == FILE + b"\n"
    assert ak.ensure(b"", wanted) == b"restrict " + C.encode() + b" new\n"


def test_what_is_there_stays() -> None:
    assert ak.ensure(FILE, entries(CLASSIC, B)) == FILE
    assert ak.ensure(FILE, entries(CLASSIC.rsplit(" ", 1)[0])) == FILE


def test_options_are_mended_in_place_and_loose_copies_go() -> None:
    data = (A + "\n# x\n" + B + "\n" + "no-pty " + A + " again\n").encode()
    assert ak.ensure(data, entries("restrict " + A)) == ("restrict " + A + "\n# x\n" + B + "\n").encode()
    two = entries('from="a" ' + A, 'from="b" ' + A)
    changed = ak.ensure(data, two)
    assert changed == ('from="a" ' + A + "\n# x\n" + B + "\n" + 'from="b" ' + A + "\n").encode()
    assert ak.ensure(changed, two) == changed
    assert ak.ensure((A + "\r\n" + B).encode(), entries("pty " + A)) == ("pty " + A + "\r\n" + B).encode()


def test_an_authority_is_another_key() -> None:
    data = ("cert-authority " + A + "\n").encode()
    assert ak.ensure(data, entries(A)) == data + A.encode() + b"\n"
    assert ak.without(data + A.encode() + b"\n", entries(A)) == data


def test_exclusive_takes_keys_and_nothing_else() -> None:
    changed = ak.ensure(FILE, entries(B, C), exclusive=True)
    assert changed == (
        b"# keys of the team\n\n  \t\nthis is no key at all\n\xff\xfe\x00broken\nssh-ed25519 AAAA\n\t"
        + B.encode()
        + b"\n"
        + C.encode()
        + b"\n"
    )
    assert ak.ensure(changed, entries(B, C), exclusive=True) == changed
    data = (A + " by oqs-ssh\n" + B + " oqs-sshx\n" + C + "\n").encode()
    kept = ak.ensure(data, entries(C), True, ak.marked("oqs-ssh"))
    assert kept == (B + " oqs-sshx\n" + C + "\n").encode()


def test_exclusive_sees_what_sshd_would_accept() -> None:
    """A line that OpenSSH reads as a key must not survive because it is written oddly."""
    kind, code = CLASSIC.split()[:2]
    for odd in (
        "ed25519 " + code,
        "ED25519 " + code,
        kind + "\t" + code,
        " \t" + kind + "   " + code,
        kind + " " + code + "\0junk",
        kind + " " + code[:9] + "\v" + code[9:],
        'command="a\\"b c" ' + kind + " " + code,
        "bad,,option " + kind + " " + code,
    ):
        assert ak.ensure(odd.encode() + b"\n", entries(A), exclusive=True) == A.encode() + b"\n", odd


LINE = st.one_of(
    st.binary(max_size=40).map(lambda data: data.replace(b"\n", b"")),
    st.builds(
        lambda options, key, comment, blank: (blank + (options + " " if options else "") + key + comment).encode(),
        st.sampled_from(OPTIONS),
        st.sampled_from([A, B, CLASSIC]),
        st.sampled_from(["", " c", " d e", "\r"]),
        st.sampled_from(["", " ", "\t"]),
    ),
)
DATA = st.builds(lambda lines, end: b"\n".join(lines) + end, st.lists(LINE, max_size=8), st.sampled_from([b"", b"\n"]))
WANTED = st.lists(
    st.builds(
        lambda options, key, comment: ak.parse_entry((options + " " if options else "") + key + comment),
        st.sampled_from(OPTIONS),
        st.sampled_from([A, B, C, CLASSIC]),
        st.sampled_from(["", " c"]),
    ),
    max_size=4,
)


@given(DATA, WANTED, st.booleans())
def test_ensure_holds_its_promises(data: bytes, wanted: List[ak.Entry], exclusive: bool) -> None:
    changed = ak.ensure(data, wanted, exclusive)
    assert ak.ensure(changed, wanted, exclusive) == changed
    found = [line.entry for line in ak.parse(changed) if line.entry]
    for entry in wanted:
        assert any(other.identity == entry.identity and other.options == entry.options for other in found)
    identities = {entry.identity for entry in wanted}
    for other in found:
        if other.identity in identities:
            assert any(other.identity == entry.identity and other.options == entry.options for entry in wanted)
        else:
            assert not exclusive
    untouched = [line.raw.rstrip(b"\n") for line in ak.parse(data) if line.entry is None]
    assert [line.raw.rstrip(b"\n") for line in ak.parse(changed) if line.entry is None] == untouched
    assert not any(line.entry and line.entry.identity in identities for line in ak.parse(ak.without(changed, wanted)))


@given(st.binary(max_size=300))
def test_any_bytes_survive(data: bytes) -> None:
    assert b"".join(line.raw for line in ak.parse(data)) == data
    assert ak.ensure(data, []) == data


@SSH_KEYGEN
def test_reads_what_ssh_keygen_reads(tmp_path: Path) -> None:
    """Lines put together at random: OpenSSH and we see the same keys in the same order.

    One blank between the words: after options ssh-keygen knows only one, where sshd (and we) take any number.
    """
    chance = random.Random(20260101)
    key = real_pair()[1].decode().strip().rsplit(" ", 2)[0]
    ecdsa = real_pair("ecdsa")[1].decode().strip().rsplit(" ", 2)[0]
    pieces = [*OPTIONS[:6], 'command="unfinished', "nonsense", "#", key, ecdsa, key[:-9], "x,y", '"', '\\"']
    lines = [" ".join(chance.choice(pieces) for _count in range(chance.randint(1, 4))) for _line in range(400)]
    (tmp_path / "authorized_keys").write_text("".join(line + "\n" for line in lines))
    said = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(tmp_path / "authorized_keys")], capture_output=True, text=True, check=False
    )
    theirs = [line.split()[1] for line in said.stdout.splitlines()]
    found = [line.entry for line in ak.parse((tmp_path / "authorized_keys").read_bytes()) if line.entry]
    assert [entry.key.fingerprint for entry in found] == theirs
    assert len(theirs) > 50
