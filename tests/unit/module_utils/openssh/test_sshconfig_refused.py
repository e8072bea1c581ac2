# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the editor refuses, how long it takes, and which heads of blocks are one."""

from __future__ import annotations

import time

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.sshconfig import Change, ConfigError
from config_samples import SSH, SSHD, check

REFUSED = [
    (Change("Port 22", ["1"]), "keyword 'Port 22': a keyword is one word of letters and digits"),
    (Change("7", ["1"]), "keyword '7': a keyword is one word of letters and digits"),
    (Change("Match", ["User a"]), "keyword 'Match' opens a block: name the block in 'block' and set keywords in it"),
    (Change("Port"), "Port: no value given"),
    (Change("UseDNS", ["yes", "no"]), "UseDNS takes one value, 2 were given"),
    (Change("ForceCommand", ["a", "b"]), "ForceCommand takes one value, 2 were given"),
    (Change("UseDNS", ["yes"], how="add"), "UseDNS takes one value, nothing can be added to it: use how 'set'"),
    (Change("UseDNS", ["yes\nPort 1"]), "UseDNS: line ends and control characters cannot be part of a value"),
    (Change("UseDNS", ["yes\n"]), "UseDNS: line ends and control characters cannot be part of a value"),
    (Change("UseDNS", ["yes\0"]), "UseDNS: line ends and control characters cannot be part of a value"),
    (Change("UseDNS", [" "]), "UseDNS: an empty value; write \"\" (two quotes) if the program takes one"),
    (Change("UseDNS", ["=yes"]), "UseDNS: a value cannot begin with '=', which separates it from its keyword"),
    (Change("UseDNS", ["yes # no"]),
     "UseDNS: 'yes # no' holds a comment sign, and what follows would be ignored: quote it"),
    (Change("UseDNS", ["# no"]), "UseDNS: '# no' holds a comment sign, and what follows would be ignored: quote it"),
    (Change("Banner", ["\"/a"]), "Banner: a quote is not closed in the value '\"/a'"),
    (Change("Ciphers", ["a,,b"]), "Ciphers: a member of a comma list is one word, not ''"),
    (Change("Ciphers", ["a b"]), "Ciphers: a member of a comma list is one word, not 'a b'"),
    (Change("Ciphers", ["a\udcff b"]), "Ciphers: a member of a comma list is one word, not 'a\ufffd b'"),
    (Change("Ciphers", ["a", "+\udcff"]), "Ciphers: '+\ufffd': a list begins with + - or ^, a single member does not"),
    (Change("Ciphers", ["+a"], how="add"), "Ciphers: '+a': a list begins with + - or ^, a single member does not"),
    (Change("Ciphers", ["^a"], how="remove"), "Ciphers: '^a': a list begins with + - or ^, a single member does not"),
    (Change("Ciphers", ["a", "-b"]), "Ciphers: '-b': a list begins with + - or ^, a single member does not"),
    (Change("Ciphers", ["a"], how="add", before="b"),
     "Ciphers has no list, so nothing can go before b: use how 'set' with the whole list"),
    (Change("Port", ["1"], how="add", before="2"),
     "Port: 'before' names 2, which is not in the list: there is no line yet"),
    (Change("Port", ["1"], place="first"), "Port: 'place' and 'before' belong to how 'add'"),
    (Change("Port", ["1"], before="2"), "Port: 'place' and 'before' belong to how 'add'"),
    (Change("Port", ["1"], how="add", place="first", before="2"), "Port: give 'place' or 'before', not both"),
    (Change("Port", ["1"], how="add", place="middle"), "Port: place must be one of first, last, not 'middle'"),
    (Change("Port", ["1"], how="put"),
     "Port: how must be one of set, add, remove, uncomment, comment, not 'put'"),
    (Change("Port", ["1"], state="gone"), "Port: state must be one of present, absent, not 'gone'"),
    (Change("Port", ["1"], block="Match User a", where="up"), "Port: where must be one of top, end, not 'up'"),
    (Change("Port", ["1"], state="absent", how="add"), "Port: state 'absent' and how 'add' contradict each other"),
    (Change("Port", ["1"], state="absent", how="uncomment"),
     "Port: state 'absent' and how 'uncomment' contradict each other"),
    (Change("Port", ["1"], how="comment"), "Port: how 'comment' takes a setting away: it needs state 'absent'"),
    (Change("Port", ["1"], where="top"), "Port: 'where' is the place of a block; a global setting has its own"),
    (Change("Port", ["1"], block="Host a"), "block 'Host a': a block of sshd_config begins with Match and is one line"),
    (Change("Port", ["1"], block="Match"), "block 'Match': Match needs something to match"),
    (Change("Port", ["1"], block="Match User a\nPort 2"),
     "block 'Match User a\\nPort 2': a block of sshd_config begins with Match and is one line"),
    (Change("*", ["Port 1"]), "keyword '*' stands for a whole block: give 'block', and how 'set' or state 'absent'"),
    (Change("*", ["Port 1"], how="add", block="Match User a"),
     "keyword '*' stands for a whole block: give 'block', and how 'set' or state 'absent'"),
    (Change("*", ["Match User b"], block="Match User a"),
     "'Match User b' cannot stand in a block, it would open another"),
    (Change("*", ["host=b"], block="Match User a"), "'host=b' cannot stand in a block, it would open another"),
    (Change("*", ["HOST b"], block="Match User a"), "'HOST b' cannot stand in a block, it would open another"),
    (Change("*", ["= match\tall"], block="Match User a"),
     "'= match\\tall' cannot stand in a block, it would open another"),
    (Change("*", ["Banner=# c"], block="Match User a"), "'Banner=# c' lacks a value"),
    (Change("*", ["="], block="Match User a"), "'=' lacks a value"),
    (Change("*", ["Banner \"/a"], block="Match User a"), "a quote is not closed in the line 'Banner \"/a'"),
    (Change("*", ["\"Match\" b"], block="Match User a"),
     "'\"Match\" b' cannot stand in a block, it would open another"),
    (Change("*", ["UseDNS"], block="Match User a"), "'UseDNS' lacks a value"),
    (Change("*", [""], block="Match User a"), "'' is no line of a block: it is empty or holds control characters"),
    (Change("*", ["a b\n"], block="Match User a"),
     "'a b\\n' is no line of a block: it is empty or holds control characters"),
    (Change("*", ["a b\nc"], block="Match User a"),
     "'a b\\nc' is no line of a block: it is empty or holds control characters"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_refused(change, message):
    with pytest.raises(ConfigError) as error:
        sshconfig.edit(b"X y\n", [change], SSHD)
    assert str(error.value) == message


@pytest.mark.parametrize("code", [*range(1, 9), *range(10, 32), 127])
def test_no_control_character_gets_into_a_file(code):
    for change in (Change("Banner", ["a%cb" % code]), Change("ForceCommand", ["a %c b" % code])):
        with pytest.raises(ConfigError, match=r"line ends and control characters cannot be part of a value"):
            sshconfig.edit(b"", [change], SSHD)
    with pytest.raises(ConfigError, match=r"is no line of a block"):
        sshconfig.edit(b"", [Change("*", ["Banner a%cb" % code], block="Match User a")], SSHD)
    assert sshconfig.edit(b"", [Change("Banner", ["\"a\tb\""])], SSHD) == b"Banner \"a\tb\"\n"


def test_refused_by_the_file():
    add_auth = Change("PreferredAuthentications", ["a"], how="add")
    for dialect, data, change, message in (
        (SSHD, b"P\0o\0r\0t\0", Change("Port", ["1"]),
         "the file holds NUL bytes, so it is no ssh configuration (UTF-16?): save it as plain text"),
        (SSHD, b"Ciphers a\n", Change("Ciphers", ["a"], how="remove"),
         "Ciphers: removing a would leave an empty list: use state 'absent' to return to the built-in one"),
        (SSHD, b"Ciphers a,b\n", Change("Ciphers", ["b", "a"], how="remove"),
         "Ciphers: removing b, a would leave an empty list: use state 'absent' to return to the built-in one"),
        (SSHD, b"Ciphers -a*\n", Change("Ciphers", ["ab"], how="add"),
         "Ciphers removes a* from the built-in list, so ab cannot be added: use how 'set' with the whole list"),
        (SSHD, b"Ciphers a\n", Change("Ciphers", ["b"], how="add", before="c"),
         "Ciphers: 'before' names c, which is not in the list: a"),
        (SSHD, b"Ciphers a,d\n", Change("Ciphers", ["b"], how="add", before="c"),
         "Ciphers: 'before' names c, which is not in the list: a, d"),
        (SSHD, b"Ciphers \xff\n", Change("Ciphers", ["b"], how="add", before="c"),
         "Ciphers: 'before' names c, which is not in the list: \ufffd"),
        (SSHD, b"Ciphers \xff\n", Change("Ciphers", ["\udcff"], how="remove"),
         "Ciphers: removing \ufffd would leave an empty list: use state 'absent' to return to the built-in one"),
        (SSHD, b"Ciphers -\xff*\n", Change("Ciphers", ["\udcffb"], how="add"),
         ("Ciphers removes \ufffd* from the built-in list, so \ufffdb cannot be added: "
          "use how 'set' with the whole list")),
        (SSHD, b"Banner \"x\xff\n", Change("Banner", ["y"]), "a quote is not closed in the line 'Banner \"x\\\\xff'"),
        (SSH, b"", add_auth, ("PreferredAuthentications has no line to add to, and a new one would replace the "
                              "built-in list: use how 'set' with the whole list")),
        (SSH, b"", Change("Port", ["1"], block="match ALL"),
         "block 'match ALL': what stands there is global in ssh_config; leave the block out"),
        (SSH, b"", Change("Port", ["1"], block="User a"),
         "block 'User a': a block of ssh_config begins with Host or Match and is one line"),
        ("sshd", b"", Change("Port", ["1"]), "dialect 'sshd': use ssh_config or sshd_config"),
    ):
        with pytest.raises(ConfigError) as error:
            sshconfig.edit(data, [change], dialect)
        assert str(error.value) == message


CONTRADICTIONS = [
    [Change("Port", ["1"]), Change("Port", state="absent", how="comment")],
    [Change("Ciphers", ["b"], how="add", before="a"), Change("Ciphers", ["c"])],
    [Change("Port", ["1"], how="add", place="last"), Change("Port", ["2"], how="add")],
    [Change("Port", ["1"]), Change("Ciphers", ["b"]), Change("Ciphers", ["b"]),
     Change("Port", state="absent", how="comment")],
]


@pytest.mark.parametrize("changes", CONTRADICTIONS)
def test_changes_that_undo_each_other_are_refused(changes):
    with pytest.raises(ConfigError) as error:
        sshconfig.edit(b"Port 1\nCiphers a\n", changes, SSHD)
    assert str(error.value) == ("the changes of %s contradict each other, so every run would change the file again: "
                                "make them one, or drop one" % changes[0].keyword)


def test_several_changes_of_one_keyword_may_agree():
    changes = [Change("Ciphers", ["a"], how="remove"), Change("Ciphers", ["c"], how="add", place="first")]
    assert sshconfig.edit(b"Ciphers a,b\n", changes, SSHD) == b"Ciphers c,b\n"


def test_change_from_dict():
    given = {"keyword": "PermitRootLogin", "value": False, "state": None, "block": "Match User a"}
    assert sshconfig.change_from_dict(given) == Change("PermitRootLogin", ("no",), block="Match User a")
    assert sshconfig.change_from_dict({"keyword": "Port", "values": [22, "23", True]}).values == ("22", "23", "yes")
    assert sshconfig.change_from_dict({"keyword": "Port", "values": 22}).values == ("22",)
    everything = {"keyword": "A", "values": ("b", "c"), "state": "d", "how": "e", "place": "f", "before": "g",
                  "block": "h", "where": "i"}
    assert sshconfig.change_from_dict(everything) == Change("A", ("b", "c"), "d", "e", "f", "g", "h", "i")
    for wrong, message in (
        ("Port 22", "a change must be a dictionary with at least 'keyword', not str"),
        ({}, "a change lacks the option 'keyword'"),
        ({"keyword": "Port", "vaule": 1, "zzz": 2},
         "unknown option 'vaule' in a change: use keyword, values, value, state, how, place, before, block, where"),
        ({"keyword": "Port", "value": 1, "values": [1]}, "change of 'Port': give 'value' or 'values', not both"),
        ({"keyword": "Port", "value": {"a": 1}}, "a value of Port must be text, a number or a boolean, not dict"),
        ({"keyword": 7}, "option 'keyword' of a change must be text, not int"),
    ):
        with pytest.raises(ConfigError) as error:
            sshconfig.change_from_dict(wrong)
        assert str(error.value) == message


def test_unified():
    assert sshconfig.unified(b"a\nb", b"a\n\xff\n", "f") == (
        "--- f\n+++ f\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+\\xff\n")
    assert sshconfig.unified(b"a\n", b"a\n", "f") == ""


def test_guess_dialect():
    for path, dialect in (("/etc/ssh/sshd_config", SSHD), ("/etc/ssh/sshd_config.d/10-a.conf", SSHD),
                          ("/etc/oqs-ssh/ssh_config", SSH), ("/etc/ssh/ssh_config.d/a.conf", SSH),
                          ("/root/.ssh/config", SSH)):
        assert sshconfig.guess_dialect(path) == dialect
    for path in ("/etc/x", "/root/config/x", "/root/.ssh/config2"):
        with pytest.raises(ConfigError) as error:
            sshconfig.guess_dialect(path)
        assert str(error.value) == "%s: the name does not tell which program reads it: give 'dialect'" % path


LONG = [
    Change("UseDNS", ["no"]), Change("Port", ["2222"]), Change("AllowUsers", ["a"], how="add"),
    Change("HostKey", ["/z"]), Change("HostKey", state="absent"), Change("PermitOpen", ["/x"], how="remove"),
    Change("Port", ["1"], how="uncomment"), Change("Banner", ["/b"], block="Match User a", where="top"),
]


@pytest.mark.parametrize("change", LONG)
def test_long_files_are_quick_and_linear(change):
    """Processor time, and the best of as many tries as it takes: a busy machine makes it slower, never quicker."""
    def seconds(data: bytes) -> float:
        start = time.process_time()
        sshconfig.edit(data, [change], SSHD)
        return time.process_time() - start

    small = b"".join(b"# remark %d\nPermitOpen %d\n  HostKey /x/y # a\n\n" % (n, n) for n in range(2500)) + b"Port 22\n"
    large = small * 4
    best_small = best_large = 9.0
    for _ in range(40):
        best_small, best_large = min(best_small, seconds(small)), min(best_large, seconds(large))
        if best_small < 0.05 and best_large < 8 * best_small:
            return
    pytest.fail("10,000 lines: %.3f s (wanted: 0.05), 40,000: %.3f s (wanted: less than 8 times that)" % (
        best_small, best_large))


def test_heads_compare_as_openssh_compares_them():
    data = b"match FINAL Host=a !user Bob\n Port 1\n"
    check(data, Change("Port", ["2"], block="Match final host a !USER Bob"), data.replace(b"1", b"2"), SSH)
    for other in ("Match final host A !user Bob", "Match final host a !user bob", "Match host a !user Bob"):
        assert sshconfig.read(data, SSH, block=other) == {}


@pytest.mark.parametrize(("written", "asked", "dialect"), [
    (b"match canonical host a", "Match Canonical HOST=a", SSH),
    (b"match !canonical host=a", "Match !CANONICAL Host a", SSH),
    (b"Match invalid-user address 10.*", "Match Invalid-User Address=10.*", SSHD),
    (b"match host= a", "Match host a", SSH), (b"HOST=\"a\" b", "Host a b", SSH),
    (b"Match User \xff", "Match user=\udcff", SSHD), (b"match ALL", "Match all", SSHD),
])
def test_heads_that_are_one(written, asked, dialect):
    check(written + b"\n X 1\n", Change("X", ["2"], block=asked), written + b"\n X 2\n", dialect)
