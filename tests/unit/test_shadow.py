# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""shadow(5), crypt(5), and which passwords are refused."""

from __future__ import annotations

import secrets
import string
import time

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils import shacrypt, shadow
from hypothesis import given, settings
from hypothesis import strategies as st

# As the specification, libxcrypt and `openssl passwd -5` and `-6` have them.
VECTORS = [
    ("$5$saltstring", "Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
    (
        "$6$saltstring",
        "Hello world!",
        "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    ),
]
HAS_LIBRARY = shacrypt.lib_crypt(b"x", "$6$saltstring") is not None
LIBRARY = pytest.mark.skipif(not HAS_LIBRARY, reason="this host has no libcrypt")
SETTINGS = st.sampled_from(["$5$", "$6$"]).flatmap(
    lambda head: st.builds(
        lambda rounds, salt: head + ("rounds=%d$" % rounds if rounds else "") + salt,
        st.sampled_from([0, 1000, 1041, 1042, 1043, 2000]),
        st.text("./0Az9", max_size=16),
    )
)


@pytest.mark.parametrize(("text", "password", "wanted"), VECTORS)
def test_vector_of_the_specification(text: str, password: str, wanted: str) -> None:
    assert shacrypt.sha_crypt(password.encode(), text) == wanted


@LIBRARY
@settings(max_examples=settings.default.max_examples * 3 // 5)
@given(st.binary(max_size=200).filter(lambda data: b"\0" not in data), SETTINGS)
def test_own_sha_crypt_equals_the_library(password: bytes, setting: str) -> None:
    assert shacrypt.sha_crypt(password, setting) == shacrypt.lib_crypt(password, setting)


@LIBRARY
@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 256])
def test_own_sha_crypt_at_the_edges_of_blocks(size: int) -> None:
    for method in "56":
        setting = "$%s$rounds=1000$abcdefgh" % method
        assert shacrypt.sha_crypt(b"p" * size, setting) == shacrypt.lib_crypt(b"p" * size, setting)


def test_rounds_are_taken_into_the_range() -> None:
    assert str(shacrypt.sha_crypt(b"x", "$6$rounds=10$ab")).startswith("$6$rounds=1000$ab$")
    assert shacrypt.sha_crypt(b"x", "$6$rounds=10000000$ab") is None
    assert shacrypt.lib_crypt(b"x", "$6$rounds=10000000$ab") is None


@pytest.mark.parametrize("setting", ["", "$", "$9$abc", "$1$abc", "x", "*", "!", "$6", "$y$j9T$abc", "\0", "$6$\0"])
def test_sha_crypt_knows_only_its_own(setting: str) -> None:
    if not setting.startswith("$6$"):
        assert shacrypt.sha_crypt(b"x", setting) is None


@pytest.mark.parametrize(
    "hashed",
    ["$2b$31$abcdefghijklmnopqrstuu", "$y$jZT$abcdefgh$", "$7$abc", "$6$rounds=999999999$a$", "$2b$99$x", "$gy$jzz$"],
)
def test_a_hostile_hash_costs_nothing(hashed: str) -> None:
    started = time.process_time()
    assert shadow.verify("password", hashed) in (None, False)
    assert time.process_time() - started < 2


@LIBRARY
@pytest.mark.parametrize(
    "setting", ["$1$abcdefgh", "$5$abcdefgh", "$6$abcdefgh", "$y$j9T$abcdefgh", "ab", "$2b$05$abcdefghijklmnopqrstuu"]
)
def test_verify_by_the_hash_s_own_method(setting: str) -> None:
    hashed = shacrypt.lib_crypt("x pässwort".encode(), setting)
    if hashed is None:
        pytest.skip("libcrypt does not know %s" % setting)
    assert shadow.verify("x pässwort", hashed) is True
    assert shadow.verify("y pässwort", hashed) is False


def test_verify_without_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shacrypt, "_LIBRARIES", ("libnothing.so.9",))
    hashed = shadow.make_hash("correct horse battery", 1000)
    assert shadow.verify("correct horse battery", hashed) is True
    assert shadow.verify("correct horse batter", hashed) is False
    assert shadow.verify("x", "$y$j9T$abcdefgh$9WNEpu8Mx2S4KNGvbVWKM6clOSoY6.YEl7AYF4DGV04") is None
    started = time.process_time()
    shadow.make_hash("correct horse battery")
    assert time.process_time() - started < 5  # measured: 0.3 to 0.5 s


def test_verify_of_what_is_no_hash() -> None:
    assert shadow.verify("", "") is True and shadow.verify("x", "") is False
    for locked in ("*", "!", "!!", "!*", "*LK*", "!" + shadow.make_hash("correct horse", 1000)):
        assert shadow.is_locked(locked) and shadow.verify("correct horse", locked) is False
    for junk in ("x", "$", "$6", "$q$abc$def"):
        assert not shadow.verify("x", junk)
    assert shadow.verify("a\0b", shadow.make_hash("a", 1000)) is False


def test_make_hash() -> None:
    first, second = shadow.make_hash("correct horse", 1000), shadow.make_hash("correct horse", 1000)
    assert first != second and first.startswith("$6$rounds=1000$") and len(first.split("$")[3]) == 16
    assert "$rounds=200000$" in shadow.make_hash("x")
    for rounds in (999, 10000000):
        with pytest.raises(shadow.ShadowError, match="1000 to 9999999"):
            shadow.make_hash("x", rounds)
    for bad in ("a\nb", "a\0b", "x" * 257, "\udcff"):
        with pytest.raises(shadow.ShadowError) as caught:
            shadow.make_hash(bad)
        assert bad not in str(caught.value)


def test_state_of() -> None:
    assert shadow.state_of("*") == shadow.state_of("!x") == "locked"
    assert shadow.state_of("") == "empty"
    for password in shadow.PUBLISHED:
        hashed = shadow.make_hash(password, 1000)
        assert shadow.state_of(hashed) == "published"
        assert shadow.state_of(hashed, known=[hashed]) == "set"
    assert shadow.state_of(shadow.make_hash("correct horse", 1000)) == "set"


SHADOW = (
    b"root:*:19000:0:99999:7:::\noqs:$6$salt$hash:18000:1:90:7:30:20000:x\n"
    b"# odd\n\xff:\xfe\noqs:second:1\noqsx:!:2::::::"
)


def test_with_hash_changes_one_field() -> None:
    changed = shadow.with_hash(SHADOW, "oqs", "*")
    assert changed == SHADOW.replace(b"$6$salt$hash", b"*", 1)
    assert shadow.with_hash(changed, "oqs", "$6$salt$hash") == SHADOW
    assert shadow.hash_of(SHADOW, "oqs") == "$6$salt$hash" and shadow.hash_of(changed, "oqs") == "*"
    assert shadow.with_hash(SHADOW, "oqs", "*", day=20500).splitlines()[1] == b"oqs:*:20500:1:90:7:30:20000:x"
    assert shadow.with_hash(b"oqs:x", "oqs", "*", day=1) == b"oqs:*"


def test_with_hash_refuses() -> None:
    with pytest.raises(shadow.ShadowError, match="nobody"):
        shadow.with_hash(SHADOW, "nobody", "*")
    for bad in ("a:b", "a\nb", "a b", "a\0", "\u00e9"):
        with pytest.raises(shadow.ShadowError) as caught:
            shadow.with_hash(SHADOW, "oqs", bad)
        assert bad not in str(caught.value)
    assert shadow.hash_of(SHADOW, "nobody") is None and shadow.hash_of(b"", "oqs") is None
    assert shadow.hash_of(b"oqs\noqs:a", "oqs") == "a"


@given(st.binary(max_size=300))
def test_any_bytes_survive(data: bytes) -> None:
    assert shadow.format_lines(shadow.parse(data)) == data


@given(st.lists(st.binary(max_size=20), max_size=6), st.text("./$A9", max_size=30))
def test_only_the_field_changes(around: list, hashed: str) -> None:
    before = b"\n".join(line.replace(b"\n", b"") for line in around)
    before += b"\n" if before else b""
    if shadow.hash_of(before, "oqs") is not None:
        return
    data = before + b"oqs:old:1:2:3\n" + before
    assert shadow.with_hash(data, "oqs", hashed) == before + b"oqs:" + hashed.encode() + b":1:2:3\n" + before


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("", "empty"),
        ("Pa55W0rd", "known to the world"),
        ("oqs.pw", "known to the world"),
        ("PA55w0rd ", "known to the world"),
        ("Sh0rt!passw", "(11)"),
        ("a" * 40, "pattern"),
        ("abcabcabcabc", "pattern"),
        ("abcdefghijklmn", "pattern"),
        ("123456789012", "pattern"),
        ("qwertyuiop123", "pattern"),
        ("zyxwvutsrqponm", "pattern"),
        ("19871987198719", "pattern"),
        ("Pa55W0rd1234", "well-known"),
        ("Pa55W0rdPa55W0rd!", "well-known"),
        ("P@ssw0rd2024", "well-known"),
        ("quantumsafe-openssh", "well-known"),
        ("changeme-now!", "well-known"),
        ("oqs.pw.oqs.pw.1", "well-known"),
        ("line\nend and more", "control"),
        ("tab\tand more more", "control"),
        ("nul\0 and more more", "control"),
        ("del\x7f and more more", "control"),
        ("\udcff and more more x", "UTF-8"),
        ("0x" * 129, "256 bytes"),
        ("\u00fc" * 129, "256 bytes"),
        ("carolcarol12", "well-known"),
    ],
)
def test_refused_with_a_reason(password: str, word: str) -> None:
    reason = shadow.weakness(password, "carol")
    assert reason is not None and word in reason
    assert not password or password not in reason


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "T7#mQ2!vLx9@",
        "a:b;c$d'e\"f`g",
        "\u00fcml\u00e4ut-stra\u00dfe",
        "rQ8 tZ3 uW5 p",
        "7c4a8d09ca3762af61e59520943dc264",
        "x" + "Kj2$" * 8 + "quL",
    ],
)
def test_accepted(password: str) -> None:
    assert shadow.weakness(password) is None
    assert shadow.verify(password, shadow.make_hash(password, 1000)) is True


def test_random_passwords_are_accepted() -> None:
    alphabet = string.ascii_letters + string.digits
    refused = sum(
        shadow.weakness("".join(secrets.choice(alphabet) for _count in range(20))) is not None for _count in range(2000)
    )
    assert refused == 0


def test_bytes_that_are_not_utf_8() -> None:
    """Whatever lies in a shadow file or an inventory, the answer is a plain one."""
    hashed = shadow.make_hash("correct horse", 1000)
    assert shadow.verify("\udcff", hashed) is False and shadow.verify("\u00fc", hashed) is False
    for odd in ("$6$\udcff$x", "$6$\u00fc$x", "\udcff", "\u00fc\u00fc\u00fc"):
        assert not shadow.verify("correct horse", odd)
        assert shadow.state_of(odd) == "set"
    assert shadow.hash_of(b"oqs:\xff:1", "oqs") == "\udcff" and shadow.hash_of(b"\xff:x:1", "\udcff") == "x"
