# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The promises of the editor on made-up files, and the cases that fuzzing has found.

The generator and the checks are those of tests/fuzz, which runs them by the million and against the real programs.
"""

from __future__ import annotations

import random

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig, syntax
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import properties

SSH, SSHD = "ssh_config", "sshd_config"
BYTES = st.binary(max_size=200).map(lambda data: data.replace(b"\0", b""))
LINES = st.lists(st.sampled_from([
    b"Port 22", b"\tPort=\"22\" # x", b"#Port 22", b"Host a b", b"Match all", b"Match user x", b"", b"\xff", b"Port",
    b"Ciphers -a,b", b"IdentityFile ~/a b", b"\"Host\" c", b"=Port 3", b"  \x0c", b"Host",
]), max_size=8)
FILES = st.tuples(LINES, st.sampled_from([b"\n", b"\r\n"]), st.booleans()).map(
    lambda parts: parts[1].join(parts[0]) + (parts[1] if parts[2] else b""))


@given(st.integers(min_value=0))
@settings(max_examples=3 * settings.default.max_examples)
def test_promises_on_one_change(seed):
    properties.check_pure(properties.Case(random.Random(seed), 1))


@given(st.integers(min_value=0))
def test_promises_on_several_changes(seed):
    rng = random.Random(seed)
    properties.check_pure(properties.Case(rng, rng.randint(2, 4)))


@given(BYTES | FILES)
def test_nothing_is_lost_without_a_change(data):
    assert syntax.join(syntax.split(data)) == data
    assert sshconfig.edit(data, [], SSHD) == data
    for line in syntax.split(data):
        quick = line.name
        assert syntax.Line(line.raw, line.eol).name == quick, "the quick way and the exact way differ"


@given(st.lists(st.binary(min_size=0, max_size=12).filter(lambda word: not set(word) & set(b"\0\n\r\f")), max_size=4))
def test_words_survive_quoting(parts):
    line = b" ".join(syntax.quoted(part) for part in parts)
    assert [word.text for word in syntax.words(line + b" # c", 0)] == parts
    always = b"\t".join(syntax.quoted(part, always=True) for part in parts)
    assert [word.text for word in syntax.words(always, 0)] == parts


@given(FILES, st.sampled_from([SSH, SSHD]), st.sampled_from([
    sshconfig.Change("Port", ["1"]), sshconfig.Change("Port", ["1"], how="add", place="first"),
    sshconfig.Change("Port", state="absent"), sshconfig.Change("Ciphers", ["a"], how="add"),
    sshconfig.Change("Port", ["22"], how="uncomment"), sshconfig.Change("Port", ["7"], block="Match user x"),
    sshconfig.Change("*", ["Port 8"], block="Match user x", where="top"),
    sshconfig.Change("*", state="absent", block="Match user x"),
]))
def test_any_file_is_edited_stably_or_refused(data, dialect, change):
    try:
        after = sshconfig.edit(data, [change], dialect)
    except sshconfig.ConfigError:
        return
    assert sshconfig.edit(after, [change], dialect) == after
    if change.state == "present" and change.how == "set" and change.block is None:
        assert sshconfig.read(after, dialect)["port"] == ["1"]


def test_words_are_cut_as_openssh_cuts_them():
    for raw, expected in (
        (b"a b\tc", [b"a", b"b", b"c"]), (b"a#b #c", [b"a#b"]), (b"'a b'\"c d\"e f", [b"a bc de", b"f"]),
        (b"a\\ b", [b"a b"]), (b"\"a\\\"b\" '\\''", [b"a\"b", b"'"]), (b"\\a \\\\", [b"\\a", b"\\"]),
        (b"\"a\\ b\"", [b"a\\ b"]), (b"\"\" x", [b"", b"x"]), (b"a  \f\r", [b"a"]), (b"#", []), (b"a\\", [b"a\\"]),
        (b"'X' X\"a\" \\Xb", [b"X", b"Xa", b"\\Xb"]),
    ):
        assert [word.text for word in syntax.words(raw, 0)] == expected
    for raw in (b"a \"b", b"'", b"a'\\'"):
        with pytest.raises(sshconfig.ConfigError):
            syntax.words(raw, 0)


def test_keywords_are_cut_as_openssh_cuts_them():
    for raw, name, value in (
        (b"Port 22", b"Port", b"22"), (b" \tPort\t=  22", b"Port", b"22"), (b"Port=22", b"Port", b"22"),
        (b"Port==22", b"Port", b"=22"), (b"Port = =22", b"Port", b"=22"), (b"\"Port\" 22", b"Port", b"22"),
        (b"\"Port\"=22", b"Port", b"=22"), (b"Po\"rt\"22", b"Port", b"22"), (b"=Port 22", b"Port", b"22"),
        (b"Port", b"Port", b""), (b"Port  \f", b"Port", b""), (b"", b"", b""), (b"\"Port 22", b"", b""),
        (b"Port\f22 x", b"Port\f22", b"x"), (b"\"Port\" \"22\"", b"Port", b"\"22\""), (b"\"\" Port 22", b"Port", b"22"),
        (b"\"P\" 22", b"P", b"22"),
    ):
        found, start = syntax.keyword_and_start(raw)
        assert (found, raw[start:].rstrip(b" \f")) == (name, value) or found == name == b""


def test_what_is_stripped_from_the_end_of_a_line():
    """As the loop at the start of process_config_line() in readconf.c does it: never the first character."""
    for raw, length in ((b"", 0), (b" ", 1), (b"\t\f ", 1), (b"a \f\r", 1), (b" a\x0b", 3)):
        assert syntax.stripped_length(raw) == length


# Found by fuzzing: file, changes, and what has to become of it.
FOUND = [
    # a block made on top keeps staying on top of what is global
    (SSH, b"#   IdentityFile ~/.ssh/id_ed25519\nmatch  host localhost\nServerAliveInterval 30\n",
     [sshconfig.Change("StrictHostKeyChecking", ["yes"], block="Match host localhost", where="top"),
      sshconfig.Change("IdentityFile", ["\"/srv/no key\""])],
     (b"#   IdentityFile ~/.ssh/id_ed25519\nmatch  host localhost\nServerAliveInterval 30\nStrictHostKeyChecking yes\n"
      b"Match all\nIdentityFile \"/srv/no key\"\n")),
    (SSH, b"User alice\n",
     [sshconfig.Change("User", ["bob"], block="Host a", where="top"),
      sshconfig.Change("Port", ["1"], block="Host *", where="top")],
     b"Host a\n    User bob\nHost *\n    Port 1\nMatch all\nUser alice\n"),
    # an empty list of changes turns into its contrary instead of vanishing
    (SSH, b"Port 1\nCiphers -aes128-ctr # remark\n", [sshconfig.Change("Ciphers", ["aes128-ctr"], how="add")],
     b"Port 1\nCiphers +aes128-ctr # remark\n"),
    (SSHD, b"KexAlgorithms ^a\n", [sshconfig.Change("KexAlgorithms", ["b", "a"], how="remove")],
     b"KexAlgorithms -b,a\n"),
    # the first of several blocks with one head counts
    (SSHD, b"Match User a\nMatch User b\n Banner /b\nMatch User a\n UseDNS no\n",
     [sshconfig.Change("Banner", ["/a"], block="Match User a")],
     b"Match User a\n Banner /a\nMatch User b\n Banner /b\nMatch User a\n UseDNS no\n"),
    # a line that is the last, without an end, behind a blank one
    (SSHD, b"X y\n\nHostKey /a", [sshconfig.Change("HostKey", state="absent")], b"X y\n\n"),
    # moving the last block of a file without a final line end
    (SSH, b"Port 1\nHost a\n    Port 2", [sshconfig.Change("Port", ["2"], block="Host a", where="top")],
     b"Host a\n    Port 2\nMatch all\nPort 1"),
    # an indented comment above a new block is not its own
    (SSHD, b"X y\n\t# c\nMatch all\n", [sshconfig.Change("Banner", ["/a"], block="Match User a", where="top"),
                                       sshconfig.Change("UseDNS", ["no"])],
     b"X y\nUseDNS no\n\t# c\nMatch User a\n    Banner /a\nMatch all\n"),
    # words with blanks compare without their quotes
    (SSHD, b"AuthorizedKeysFile /\"a\" \"b c\"\n",
     [sshconfig.Change("AuthorizedKeysFile", ["d"], how="add", before="\"b c\"")],
     b"AuthorizedKeysFile /a d \"b c\"\n"),
    # blocks that say nothing stay where the edit has not emptied them
    (SSH, b"Host *\n Port 1\nHost *\n", [sshconfig.Change("Port", state="absent", block="Host *")], b"Host *\n"),
    # nothing to remove in a block that does not speak of it: a line there would hide the global list
    (SSH, b"Host a\n Port 1\n", [sshconfig.Change("Ciphers", ["a"], how="remove", block="Host a")],
     b"Host a\n Port 1\n"),
    # words that are there in another line need no second one
    (SSHD, b"AcceptEnv LANG LC_* COLOR?\n#AcceptEnv LC_* COLOR?\n",
     [sshconfig.Change("AcceptEnv", ["LC_*", "COLOR?"], how="uncomment")],
     b"AcceptEnv LANG LC_* COLOR?\n#AcceptEnv LC_* COLOR?\n"),
]


@pytest.mark.parametrize(("dialect", "data", "changes", "expected"), FOUND)
def test_found_by_fuzzing(dialect, data, changes, expected):
    after = sshconfig.edit(data, changes, dialect)
    assert after == expected
    assert sshconfig.edit(after, changes, dialect) == after
