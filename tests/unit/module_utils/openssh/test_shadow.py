# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""shadow(5), crypt(5), and which passwords are refused."""

from __future__ import annotations

import re
import secrets
import string
import threading
import time

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import shacrypt, shadow
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


def test_the_range_of_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shacrypt, "MOST_ROUNDS", 2000)
    for crypt in (shacrypt.sha_crypt, shacrypt.lib_crypt if HAS_LIBRARY else shacrypt.sha_crypt):
        for method in "56":
            assert crypt(b"x", "$%s$rounds=2000$ab" % method) and crypt(b"x", "$%s$rounds=2001$ab" % method) is None


def test_nul_bytes_never_cut_a_password() -> None:
    """C ends a text at a NUL byte: what stands before it must not match alone."""
    for password, setting in ((b"a\0b", "$6$ab"), (b"a", "$6$a\0b"), (b"a", "\0")):
        assert shacrypt.lib_crypt(password, setting) is None


class Library:
    """A crypt library that says what it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
        self.asked = []
        self.answer = answer
        monkeypatch.setattr(shacrypt, "_load", lambda: self.crypt)

    def crypt(self, password: bytes, setting: bytes, data: object) -> object:
        self.asked.append((password, setting, len(data)))
        return self.answer


@pytest.mark.parametrize("token", [None, b"", b"*0", b"*1", b"*"])
def test_failure_tokens_of_libraries(token: object, monkeypatch: pytest.MonkeyPatch) -> None:
    Library(monkeypatch, token)
    assert shacrypt.lib_crypt(b"x", "$6$ab") is None


def test_whatever_a_library_says(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library(monkeypatch, b"$6$\xff")
    assert shacrypt.lib_crypt(b"\xff", "$6$\udcfe") == "$6$\udcff"
    password, setting, size = library.asked[0]
    assert (password, setting) == (b"\xff", b"$6$\xfe") and size >= 131232, "struct crypt_data of glibc"


@pytest.mark.parametrize("setting", [
    "ab", "_J9..abcd", "$1$a", "$5$a", "$6$a", "$7$a", "$md5$a", "$sha1$1$a", "$2a$04$a", "$2b$10$a", "$2x$16$a",
    "$2y$12$a", "$y$j9T$a", "$y$jAT$a", "$y$jD5$a", "$gy$j9T$a", "$y$/.T$a", "$6$rounds=9999999$a",
])
def test_costs_that_can_be_borne(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library(monkeypatch, b"ok")
    assert shacrypt.lib_crypt(b"x", setting) == "ok" and library.asked


@pytest.mark.parametrize("setting", [
    "", "$", "$2b$17$a", "$2b$31$a", "$2b$03$a", "$2c$10$a", "$y$jET$a", "$y$jZT$a", "$y$jaT$a", "$gy$jzT$a", "$y$",
    "$q$a", "$6$rounds=10000000$a", "$5$rounds=999999999$a",
])
def test_costs_that_are_not_even_tried(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library(monkeypatch, b"ok")
    assert shacrypt.lib_crypt(b"x", setting) is None and not library.asked


@pytest.mark.parametrize("name", ["libcrypt.so.1", "libcrypt.so.2", "libcrypt.so", None])
def test_the_library_of_every_system_is_found(name: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian and Ubuntu; Fedora and SUSE; a development package; musl, which has it in its libc."""
    class Found:
        crypt_r = type("crypt_r", (), {})

    def load(wanted: object) -> object:
        if wanted != name:
            raise OSError("no %s here" % wanted)
        return Found

    monkeypatch.setattr(shacrypt.ctypes, "CDLL", load)
    assert shacrypt._load() is Found.crypt_r and Found.crypt_r.restype is shacrypt.ctypes.c_char_p


def test_a_library_without_the_function_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    class Found:
        crypt_r = type("crypt_r", (), {})

    monkeypatch.setattr(shacrypt.ctypes, "CDLL", lambda name: Found if name is None else object())
    assert shacrypt._load() is Found.crypt_r
    monkeypatch.setattr(shacrypt.ctypes, "CDLL", lambda _name: object())
    assert shacrypt._load() is None and shacrypt.lib_crypt(b"x", "$6$ab") is None


def test_a_library_that_takes_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """After 20 seconds the answer is None, and the thread left behind does not keep the program from ending."""
    release, waited, real = threading.Event(), [], threading.Thread.join
    monkeypatch.setattr(shacrypt, "_load", lambda: lambda *_arguments: release.wait(60) and b"ok")
    monkeypatch.setattr(threading.Thread, "join", lambda thread, timeout=None: waited.append((timeout, thread.daemon)))
    try:
        assert shacrypt.lib_crypt(b"x", "$6$ab") is None
    finally:
        release.set()
        monkeypatch.setattr(threading.Thread, "join", real)
    assert waited == [(20.0, True)]


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
    assert shadow.verify("a\0b", "$q$no method$of ours") is False


def test_make_hash() -> None:
    first, second = shadow.make_hash("correct horse", 1000), shadow.make_hash("correct horse", 1000)
    assert first != second and re.fullmatch(r"\$6\$rounds=1000\$[./0-9A-Za-z]{16}\$[./0-9A-Za-z]{86}", first)
    assert "$rounds=200000$" in shadow.make_hash("x")
    for rounds in (999, 10000000):
        with pytest.raises(shadow.ShadowError) as caught:
            shadow.make_hash("x", rounds)
        assert str(caught.value) == "%d rounds: must be 1000 to 9999999" % rounds
    for bad, why in (("a\nb", "control"), ("a\0b", "control"), ("x" * 257, "long"), ("\udcff", "coding")):
        with pytest.raises(shadow.ShadowError) as caught:
            shadow.make_hash(bad)
        assert str(caught.value) == "the password " + REASONS[why]


def test_what_a_hash_is_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole range of rounds, every character of crypt(5) once in the lot that the salt is drawn from."""
    asked, lots = [], []

    def crypt(password: bytes, setting: str) -> str:
        asked.append((password, setting))
        return setting + "x"

    monkeypatch.setattr(shadow, "crypt", crypt)
    monkeypatch.setattr(shadow.secrets, "choice", lambda lot: (lots.append(lot), lot[-1])[1])
    for rounds in (1000, 9999999):
        assert shadow.make_hash("\u00fc", rounds).startswith("$6$rounds=%d$" % rounds)
    assert asked[0] == ("\u00fc".encode(), "$6$rounds=1000$%s$" % (lots[0][-1] * 16))
    assert {"".join(sorted(lot)) for lot in lots} == {
        "".join(sorted("./" + string.digits + string.ascii_letters))}
    monkeypatch.setattr(shadow, "crypt", lambda _password, _setting: None)
    with pytest.raises(shadow.ShadowError) as caught:
        shadow.make_hash("x")
    assert str(caught.value) == "neither libcrypt nor our own code could make a SHA-512 hash"


def test_state_of() -> None:
    assert shadow.state_of("*") == shadow.state_of("!x") == "locked"
    assert shadow.state_of("") == "empty"
    for password in ("Pa55W0rd", "oqs.pw"):
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
    assert shadow.with_hash(b"oqs:x:0", "oqs", "*", day=1) == b"oqs:*:1"


def test_with_hash_refuses() -> None:
    with pytest.raises(shadow.ShadowError) as caught:
        shadow.with_hash(SHADOW, "nobody", "*")
    assert str(caught.value) == "there is no user 'nobody' in the shadow file"
    for bad in ("a:b", "a\nb", "a b", "a\0", "\u00e9"):
        with pytest.raises(shadow.ShadowError) as caught:
            shadow.with_hash(SHADOW, "oqs", bad)
        assert str(caught.value) == "the hash for user 'oqs' has characters that a shadow file cannot hold"
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


REASONS = {
    "empty": "is empty",
    "known": "is one that the image's documents made known to the world",
    "short": "has fewer than 12 characters (11)",
    "pattern": "is a simple pattern (a repetition, a sequence or a row of keys)",
    "words": "consists of little more than well-known words",
    "control": "contains a line end, a NUL or another control character, which cannot be typed at a prompt",
    "coding": "contains bytes that are not UTF-8",
    "long": "is longer than 256 bytes, which the image cannot check",
}


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "empty"),
        ("Pa55W0rd", "known"),
        ("oqs.pw", "known"),
        ("PA55w0rd ", "known"),
        ("Sh0rt!passw", "short"),
        ("a" * 40, "pattern"),
        ("abcabcabcabc", "pattern"),
        ("abcdefghijklmn", "pattern"),
        ("123456789012", "pattern"),
        ("qwertyuiop123", "pattern"),
        ("zyxwvutsrqponm", "pattern"),
        ("19871987198719", "pattern"),
        # the limits: a unit counts once, five jumps are needed
        ("qwe12#qwe12#", "pattern"),
        ("zx12#12xyzzx", "pattern"),
        ("QxyzabcsshQx", "words"),
        ("abcabc#sshab", "words"),
        # rows of keys, there and back
        ("567890987678909890", "pattern"),
        ("qwertyuiopoiuytrewqwerty", "pattern"),
        ("asdfghjklkjhgfdsa", "pattern"),
        ("zxcvbnmnbvcxzxcvbn", "pattern"),
        ("qwertzuioiuztrewqwertzuiuztrewq", "pattern"),
        ("azertyuiopoiuytrezazertyuiop", "pattern"),
        ("Pa55W0rd1234", "words"),
        ("Pa55W0rdPa55W0rd!", "words"),
        ("P@ssw0rd2024", "words"),
        ("quantumsafe-openssh", "words"),
        ("changeme-now!", "words"),
        ("oqs.pw.oqs.pw.1", "words"),
        ("line\nend and more", "control"),
        ("tab\tand more more", "control"),
        ("nul\0 and more more", "control"),
        ("us\x1f and more more", "control"),
        ("del\x7f and more more", "control"),
        ("\udcff and more more x", "coding"),
        ("0x" * 129, "long"),
        ("\u00fc" * 129, "long"),
        ("carolcarol12", "words"),
    ],
)
def test_refused_with_a_reason(password: str, why: str) -> None:
    reason = shadow.weakness(password, "carol")
    assert reason == REASONS[why]
    assert not password or password not in reason


@pytest.mark.parametrize("word", [
    "password", "passwort", "oqs", "openquantumsafe", "quantumsafe", "quantum", "openssh", "changeme", "letmein",
    "welcome", "secret", "default", "docker", "admin", "root", "test", "user", "login", "ssh", "carol", "oqs.pw",
    "pa55w0rd",
])
def test_a_well_known_word_counts_for_nothing(word: str) -> None:
    """Wherever it stands, in capitals, and with digits that look like letters."""
    for shape in (word, word.upper(), word.translate(str.maketrans("oleasb", "013@$8"))):
        assert shadow.weakness("k7#m9%sk7#m9k7#m9" % shape, "Carol") == REASONS["words"]
    assert shadow.weakness("k7#m9%sk7#m9k7#m9" % "vixen", "carol") is None


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
        # the limits: six jumps are enough, half a repetition is none
        "xyzQabcqwek7",
        "#12zxsshQ#12z",
        "acegikmoqsuw",
        "T7#mQ2!vLx9@" + "q" * 244,
    ],
)
def test_accepted(password: str) -> None:
    assert shadow.weakness(password, "carol") is None
    assert shadow.verify(password, shadow.make_hash(password, 1000)) is True


def test_a_user_s_name_of_two_letters_is_no_word() -> None:
    assert shadow.weakness("xykxy7xy#xymxy9", "xy") is None


def test_random_passwords_are_accepted() -> None:
    alphabet = string.ascii_letters + string.digits
    refused = sum(
        shadow.weakness("".join(secrets.choice(alphabet) for _count in range(20)), "oqs") is not None
        for _count in range(2000)
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
