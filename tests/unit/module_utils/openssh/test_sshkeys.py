# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Key files: any type, damaged in many ways, compared with ssh-keygen."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from typing import List, Optional, Tuple

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files
from hypothesis import given
from hypothesis import strategies as st
from key_samples import SSH_KEYGEN, framed, private_file, public_line, real_pair

REAL = [
    ("ed25519", "", ""),
    ("rsa", "", ""),
    ("ecdsa", "", ""),
    ("ecdsa", "secret", ""),
    ("ed25519", "secret", ""),
    ("rsa", "", "PEM"),
    ("rsa", "secret", "PEM"),
    ("rsa", "", "PKCS8"),
    ("ecdsa", "secret", "PKCS8"),
]


@SSH_KEYGEN
@pytest.mark.parametrize(("kind", "passphrase", "form"), REAL)
def test_real_pairs(kind: str, passphrase: str, form: str, tmp_path: Path) -> None:
    private, public = real_pair(kind, passphrase, form)
    state = key_files.pair_state(private, public)
    assert state.state == "good" and state.key is not None and state.key.comment == "some body"
    assert key_files.is_encrypted(private) is bool(passphrase)
    (tmp_path / "k.pub").write_bytes(public)
    said = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(tmp_path / "k.pub")], capture_output=True, text=True, check=True
    )
    assert said.stdout.split()[1] == state.key.fingerprint == key_files.fingerprint(state.key.blob)
    inner = key_files.public_from_private(private)
    if form:
        assert inner is None
    else:
        assert inner is not None and inner.blob == state.key.blob and inner.type == state.key.type
        assert inner.comment == ("" if passphrase else "some body")
        other = real_pair(kind, passphrase, form, comment="other")
        assert key_files.pair_state(private, other[1]).state == "mismatch"
    assert state.key.line.encode() == public.strip()


def test_types_nobody_has_heard_of() -> None:
    key = key_files.parse_public(public_line(comment="two words "))
    assert (key.type, key.comment) == ("ssh-novel512@example.org", "two words")
    assert key_files.pair_state(private_file(), public_line().encode()).state == "good"
    found = key_files.public_from_private(private_file(comment="x y"))
    assert found is not None and (found.type, found.comment) == (key.type, "x y")
    odd = private_file(fields=(b"one",), extra=b"\xff\xff\xff\xff\xff")
    assert key_files.pair_state(odd, public_line().encode()).state == "good"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("", "empty"),
        ("\n", "empty"),
        ("ssh-ed25519", "TYPE BASE64"),
        ("ssh-ed25519 ***", "base64"),
        ("ssh-ed25519 AAA", "base64"),
        ("ssh-ed25519 AAAA", "length field"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "nothing but"),
        ("a b\nc d", "one line"),
        ("a b\0c", "one line"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
        (public_line("ssh-a").replace("ssh-a", "ssh-b", 1), "itself ssh-a"),
        (public_line("ssh-a")[:-6], "cut off"),
        ("s@h/x AAAA", "TYPE BASE64"),
        ("ssh-ed25519 " + base64.b64encode(framed(b"\xff", b"x")).decode(), "not a name"),
        ("ssh-ed25519 " + base64.b64encode(framed(b"a b", b"x")).decode(), "not a name"),
        ("ssh-a " + base64.b64encode(framed(b"ssh-a", b"x") + b"rest").decode(), "cut off"),
        ("ssh-a " + base64.b64encode(framed(b"ssh-a", b"x") + b"r").decode(), "length field"),
        ("ssh-\u00e9 AAAA", "TYPE BASE64"),
        ("ssh-a \u00e9\u00e9\u00e9\u00e9", "base64"),
    ],
)
def test_lines_that_are_no_keys(line: str, word: str) -> None:
    with pytest.raises(key_files.BadKey, match=word) as caught:
        key_files.parse_public(line)
    assert len(line) < 20 or line[12:] not in str(caught.value)


def test_certificates_hold_more_than_strings() -> None:
    kind = "ssh-ed25519-cert-v01@openssh.com"
    line = "%s %s" % (kind, base64.b64encode(framed(kind.encode(), b"nonce") + b"\0" * 9).decode())
    assert key_files.parse_public(line).type == kind


def body(raw: bytes) -> bytes:
    return b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + base64.encodebytes(raw) + b"-----END OPENSSH PRIVATE KEY-----\n"


def damages() -> List[Tuple[str, bytes, bool]]:
    """A real ed25519 file damaged: name, bytes, and whether the damage can be seen without the secret's own test."""
    good = real_pair()[0]
    lines = good.splitlines(keepends=True)
    raw = base64.b64decode(b"".join(lines[1:-1]))
    # Ends of: magic, cipher, kdf, options, count, public blob; then length, two check numbers, type, key ...
    ways = [
        ("empty", b""),
        ("blank", b"\n\n"),
        ("text", b"hello\n"),
        ("nul", b"\0" * 400),
        ("html", b"<html></html>"),
        ("no end", b"".join(lines[:-1])),
        ("no begin", b"".join(lines[1:])),
        ("half", good[: len(good) // 2]),
        ("first line only", lines[0]),
        ("line lost", b"".join(lines[:2] + lines[3:])),
        ("line doubled", b"".join(lines[:2] + lines[1:])),
        ("lines swapped", b"".join([lines[0], lines[2], lines[1], *lines[3:]])),
        ("a star", good.replace(lines[2][:4], b"****", 1)),
        ("a bit of base64 less", good.replace(lines[2], lines[2][:-2] + b"\n", 1)),
        ("public instead", real_pair()[1]),
        ("magic", body(b"openssh-key-v2" + raw[14:])),
        ("no magic", body(raw[15:])),
        ("two keys", body(raw[:35] + b"\0\0\0\2" + raw[39:])),
        ("no key", body(raw[:35] + b"\0\0\0\0" + raw[39:])),
        ("huge length", body(raw[:39] + b"\xff\xff\xff\xff" + raw[43:])),
        ("short", body(raw[:-1])),
        ("shorter", body(raw[:-30])),
        ("longer", body(raw + b"\0")),
        ("check numbers", body(raw[:98] + bytes([raw[98] ^ 1]) + raw[99:])),
        ("other type outside", body(raw.replace(b"ssh-ed25519", b"ssh-ed25518", 1))),
        ("other type inside", body(raw[:110] + raw[110:].replace(b"ssh-ed25519", b"ssh-ed25518", 1))),
        ("public bit outside", body(raw[:70] + bytes([raw[70] ^ 1]) + raw[71:])),
        ("public bit inside", body(raw[:140] + bytes([raw[140] ^ 1]) + raw[141:])),
        ("padding", body(raw[:-1] + b"\xaa")),
        ("only magic", body(raw[:15])),
        ("utf-16", good.decode().encode("utf-16")),
        ("headers of PEM", b"-----BEGIN RSA PRIVATE KEY-----\n" + b"".join(lines[1:-1])),
    ]
    return [(name, data, True) for name, data in ways]


@SSH_KEYGEN
def test_damaged_in_thirty_ways(tmp_path: Path) -> None:
    """Whatever ssh-keygen cannot use, we call damaged."""
    public = real_pair()[1]
    cases = damages()
    assert len(cases) >= 30
    for name, data, _seen in cases:
        path = tmp_path / "key"
        path.write_bytes(data)
        path.chmod(0o600)
        theirs = subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", str(path)], capture_output=True, check=False)
        ours = key_files.pair_state(data, public)
        if theirs.returncode:
            assert ours.state == "damaged", (name, ours)
        assert ours.state in ("damaged", "mismatch"), (name, theirs, ours)


@SSH_KEYGEN
@pytest.mark.parametrize(("kind", "passphrase", "form"), [one for one in REAL if one[2]])
def test_pem_files_that_lost_something(kind: str, passphrase: str, form: str) -> None:
    """Any line, lost or doubled; encrypted in the old way: only a part of a block is noticed."""
    private, public = real_pair(kind, passphrase, form)
    lines = private.splitlines(keepends=True)
    cases = [[*lines[:-2], lines[-2][4:], lines[-1]]]
    for number in range(1, len(lines) - 1) if b"Proc-Type" not in private else ():
        cases += [lines[:number] + lines[number + 1:], lines[:number + 1] + lines[number:]]
    for case in cases:
        assert key_files.pair_state(b"".join(case), public).state == "damaged", case == cases[0]


def test_pair_states() -> None:
    private, public = private_file(), public_line().encode() + b"\n"

    def state(one: Optional[bytes], other: Optional[bytes]) -> Tuple[str, str]:
        found = key_files.pair_state(one, other)
        assert found.reason or found.state == "good"
        return found.state, found.key.type[:6] if found.key else ""

    assert state(None, None) == ("missing", "")
    assert state(private, None) == ("half", "ssh-no") and state(None, public) == ("half", "ssh-no")
    assert state(None, b"junk") == ("half", "")
    assert state(b"junk", public) == ("damaged", "ssh-no") and state(b"junk", None) == ("damaged", "")
    assert state(private, b"junk") == ("damaged", "ssh-no")
    assert state(private, public_line(seed=b"else").encode()) == ("mismatch", "ssh-no")
    assert state(private, public) == ("good", "ssh-no")
    assert state(private.replace(b"\n", b"\r\n"), public.replace(b"\n", b"\r\n")) == ("good", "ssh-no")


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_bytes_make_it_stumble(private: bytes, public: bytes) -> None:
    assert key_files.pair_state(private, public).state in ("damaged", "good")
    assert key_files.pair_state(body(b"openssh-key-v1\0" + private), public).state == "damaged"


@pytest.mark.parametrize(
    ("algorithm", "host", "identity"),
    [
        ("ssh-mldsa44-ed25519", "ssh_host_ssh-mldsa44-ed25519_key", "id_ssh-mldsa44-ed25519"),
        ("ssh-ecdsa-nistp384-mldsa65", "ssh_host_ssh-ecdsa-nistp384-mldsa65_key", "id_ssh-ecdsa-nistp384-mldsa65"),
        ("ssh-ed25519", "ssh_host_ed25519_key", "id_ed25519"),
        ("ed25519", "ssh_host_ed25519_key", "id_ed25519"),
        ("rsa-sha2-512", "ssh_host_rsa_key", "id_rsa"),
        ("ssh-rsa", "ssh_host_rsa_key", "id_rsa"),
        ("ecdsa-sha2-nistp384", "ssh_host_ecdsa_key", "id_ecdsa"),
        ("ed25519-sk", "ssh_host_ed25519_sk_key", "id_ed25519_sk"),
    ],
)
def test_file_names(algorithm: str, host: str, identity: str) -> None:
    assert (key_files.host_key_name(algorithm), key_files.identity_name(algorithm)) == (host, identity)
    for name in (host, identity, "/opt/oqs-ssh/" + host + ".pub", identity + ".pub"):
        found = key_files.algorithm_of(name)
        assert found is not None and (key_files.same_algorithm(found, algorithm) or found == "ecdsa")


def test_both_generations_of_names() -> None:
    old = key_files.algorithm_of("ssh_host_ssh_ecdsa_nistp384_dilithium3_key")
    assert old is not None and key_files.same_algorithm(old, "ssh-ecdsa-nistp384-dilithium3")
    assert key_files.same_algorithm("ssh-ecdsa-nistp384-mldsa-65", "ssh-ecdsa-nistp384-mldsa65")
    assert not key_files.same_algorithm("ssh-mldsa44", "ssh-mldsa65")
    for name in ("authorized_keys", "key", "id_", "ssh_host__key", "config"):
        assert key_files.algorithm_of(name) is None
    for bad in ("", "a/b", "../x", "a b", "-t", "a\nb"):
        with pytest.raises(key_files.BadKey):
            key_files.host_key_name(bad)


def test_key_type() -> None:
    assert [key_files.key_type(name) for name in ("ed25519", "rsa", "rsa-sha2-256", "ssh-mldsa44", "ED25519")] == [
        "ssh-ed25519",
        "ssh-rsa",
        "ssh-rsa",
        "ssh-mldsa44",
        "ssh-ed25519",
    ]
