# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pinned keys and aliases: which program, what they say, and what somebody else has changed."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import aliases, machine
from client_samples import ABLE, HOST, OLD
from hypothesis import given
from hypothesis import strategies as st

SPEC = aliases.AliasSpec("", "", "/h/oqs/known_hosts", "/h/bin/oqs-ssh")


def effective(tmp_path, config, alias):
    path = tmp_path / "config"
    path.write_bytes(config)
    done = subprocess.run(["ssh", "-G", "-F", str(path), alias], capture_output=True, check=True, text=True)
    return dict(line.partition(" ")[::2] for line in done.stdout.splitlines())


def test_an_alias_as_the_real_ssh_reads_it(tmp_path):
    found = effective(tmp_path, aliases.fragment({"web1": HOST}, ABLE, {}, SPEC), "web1")
    assert (found["hostname"], found["port"], found["user"]) == ("192.0.2.7", "2222", "oqs")
    assert found["kexalgorithms"] == "sntrup761x25519-sha512@openssh.com", "nothing weaker can be negotiated"
    assert found["stricthostkeychecking"] == "true" and found["hostkeyalias"] == "web1.oqs-ssh"
    assert found["identityfile"] == "/h/id_ed25519"
    hop = effective(tmp_path, aliases.fragment({"web1": HOST}, ABLE, {}, SPEC), "web1-host")
    assert (hop["hostname"], hop["port"], hop["proxyjump"]) == ("localhost", "22", "web1")
    assert hop["hostkeyalias"] == "web1.own-sshd" and hop["stricthostkeychecking"] == "true"


def test_an_ssh_that_cannot_is_told_the_other_way(tmp_path):
    why = aliases.by_host({"web1": HOST}, OLD, "auto")
    assert "no quantum-safe key exchange" in why["web1"]
    config = aliases.fragment({"web1": HOST}, OLD, why, SPEC)
    assert "oqs-ssh web1" in effective(tmp_path, config, "web1")["proxycommand"]
    assert effective(tmp_path, config, "web1-host")["proxycommand"] == "/h/bin/oqs-ssh -W %h:%p web1"


@pytest.mark.parametrize(("program", "words"), [
    (ABLE, ""), (OLD, "no quantum-safe key exchange"), (ABLE._replace(kex=[]), "there is no ssh"),
    (ABLE._replace(keys=["ssh-rsa"]), "none of the server's host keys"),
    (aliases.Program([], [], {}, "ssh -Q: exit code 1"), "it does not say what it knows (ssh -Q: exit code 1)"),
])
def test_what_an_ssh_lacks(program, words):
    assert (words in aliases.lacks(HOST, program)) and bool(aliases.lacks(HOST, program)) == bool(words)


def test_who_is_asked_decides():
    assert aliases.by_host({"web1": HOST}, ABLE, "auto") == {}
    assert list(aliases.by_host({"web1": HOST}, ABLE, "image")) == ["web1"]
    assert aliases.by_host({"web1": HOST}, OLD, "system") == {}


def test_an_unknown_alias_is_refused_by_name(tmp_path):
    config = aliases.image_config({"web1": HOST}, ABLE, SPEC)
    assert "these are known: web1 web1-host" in effective(tmp_path, config, "nosuch")["proxycommand"]
    assert "proxycommand" not in effective(tmp_path, config, "web1")


def test_pins_have_names_of_their_own():
    lines = aliases.known_hosts({"Web1": HOST}).decode().splitlines()
    assert [line.split()[0] for line in lines] == ["web1.oqs-ssh", "web1.own-sshd"]


def test_without_a_hop_there_is_one_alias():
    text = aliases.fragment({"web1": HOST._replace(hop_keys=())}, ABLE, {}, SPEC)
    assert b"web1-host" not in text


@given(st.binary(max_size=200), st.binary(min_size=1, max_size=5), st.integers(0, 300))
def test_a_change_by_hand_is_seen(data, more, at):
    written = aliases.stamped(data)
    assert not aliases.is_edited(written)
    changed = written[:at] + more + written[at:]
    assert aliases.is_edited(changed) or changed == written


def test_a_stamp_stands_behind_a_scripts_first_line():
    written = aliases.stamped(b"#!/bin/sh\nexit 0\n")
    assert written.startswith(b"#!/bin/sh\n# Written") and not aliases.is_edited(written)


def own(config, names):
    """Those of the names that a configuration has, without what it includes."""
    return aliases.clashes(aliases.known(config, lambda _pattern: []), names)


def test_the_persons_own_aliases_win():
    config = b"Host a web1\n  User me\nHost=web2\nHost web*\n  Port 1\n"
    assert own(config, ["web1", "web2", "web3"]) == ["web1", "web2"]


@pytest.mark.parametrize("line", [
    b"Host\tweb1", b"Host\tx\tweb1", b"Host = web1", b"Host=web1", b'Host "web1"', b"Host 'web1'", b'"Host" web1',
    b"  hOsT WEB1 # mine", b"\tHost x web1\r", b'Host "x y" web1', b"Match host web1",
    b"Match host x,web1", b"Match originalhost web1", b"Match originalhost=web1 user root",
])
def test_a_head_is_read_as_ssh_reads_it(line, tmp_path):
    config = line + b"\n  User me\n"
    assert own(config, ["web1", "web2"]) == ["web1"]
    if b"WEB1" not in line:
        assert effective(tmp_path, config, "web1")["user"] == "me"


@pytest.mark.parametrize("line", [
    b"#Host web1", b"Host x # web1", b'Host "x web1"', b"Host !web1 x", b"Host web1.example", b"HostName web1",
    b"Match host web*", b"Match host !web1", b"Match user web1", b"User = Host web1",
])
def test_what_is_no_head_of_a_name(line):
    assert own(line + b"\n", ["web1"]) == []


@pytest.mark.parametrize("name", ["*", "!x", "a b", "", "-oProxyCommand=x", "a\nb", "a*"])
def test_names_that_are_no_alias(name):
    assert not aliases.is_alias(name)


@given(st.text(max_size=40))
def test_a_refusal_never_becomes_a_command(text):
    config = aliases.image_config({}, ABLE, SPEC)
    assert config.count(b"\n") == 3
    said = aliases._refusal(text)
    assert said.count("'") == 2 and said.count('"') == 2 and "$" not in said and "`" not in said


def test_an_address_for_a_name_is_no_port_for_ssh(tmp_path):
    """``ProxyJump 2001:db8::7`` ends every ssh command of a person, to whatever host."""
    name = "2001:db8::7"
    for config in (aliases.fragment({name: HOST}, ABLE, {}, SPEC),
                   aliases.image_config({name: HOST}, ABLE, SPEC)):
        assert effective(tmp_path, config, name + "-host")["proxyjump"] == "[2001:db8::7]"
        assert effective(tmp_path, config, name)["hostname"] == "192.0.2.7"
        assert effective(tmp_path, config, "stranger")["hostname"] == "stranger"


def test_an_address_behind_the_hop_is_told_from_its_port(tmp_path):
    """``-W 2001:db8::1:22`` is no target for ssh, and brackets are a pattern for some shells."""
    host = HOST._replace(hop_address="2001:db8::1")
    config = aliases.fragment({"2001:db8::7": host}, OLD, {"2001:db8::7": "it is old"}, SPEC)
    found = effective(tmp_path, config, "2001:db8::7-host")
    assert found["hostname"] == "2001:db8::1"
    assert found["proxycommand"] == "/h/bin/oqs-ssh -W '[%h]:%p' 2001:db8::7"


def test_a_zone_is_no_token_for_ssh(tmp_path):
    config = aliases.fragment({"web1": HOST._replace(address="fe80::1%eth0")}, ABLE, {}, SPEC)
    assert effective(tmp_path, config, "web1")["hostname"] == "fe80::1%eth0"


@pytest.mark.parametrize("change", [
    {"hop_address": "`touch /tmp/x`"}, {"hop_address": "$(id)"}, {"hop_address": "a\n    Match exec id"},
    {"user": "oqs\nMatch exec id"}, {"user": "a;b"}, {"address": "a\x1b[2J"}, {"address": "a\u2028b"},
])
def test_nothing_that_a_host_says_becomes_another_line_or_a_command(change):
    with pytest.raises(ValueError, match="cannot be written into ssh's files"):
        aliases.fragment({"web1": HOST._replace(**change)}, ABLE, {}, SPEC)


def test_a_key_of_a_host_is_one_line_of_known_hosts():
    with pytest.raises(ValueError, match="cannot be written"):
        aliases.known_hosts({"web1": HOST._replace(keys=("ssh-ed25519 AAAA\x1b[2J",))})


@pytest.fixture
def tried(tmp_path):
    """What ssh says of a person's configuration as it is, and as it would be with ours."""
    folder = tmp_path / ".ssh"
    (folder / "config.d").mkdir(parents=True)
    where = machine.Places(str(folder), str(tmp_path))

    def check(before, fragment, ours=("web1",), more=None):
        for name, text in (more or {}).items():
            (folder / name).write_text(text)
        (folder / "config").write_bytes(before)
        return machine.check_read(before, machine.with_include(before, where.fragment), fragment, where, ours)

    check.where = where
    return check


def test_names_in_included_files_are_the_persons_own(tried):
    more = {"work": "Host web1\n  Port 1\nInclude %s/deeper\n" % tried.where.folder, "deeper": "Host web2\n"}
    assert tried(b"Include %s/wor*\n" % tried.where.folder.encode(), b"", more=more) == []
    person = machine.person(b"Include work\nHost web3\n", tried.where)
    assert sorted(person.names) == ["web1", "web2", "web3"] and not person.runs


def test_what_ssh_says_of_others_stays_byte_for_byte(tried):
    assert tried(b"Host mine\n  User me\n", b"Host web1\n    HostName 192.0.2.1\n") == []
    for pattern in (b"Host *", b"Host m*", b"Match all"):
        with pytest.raises(machine.Refused, match="in another way than before"):
            tried(b"Host mine\n  User me\n", pattern + b"\n    User other\n")


def test_a_fragment_that_ssh_does_not_read_is_not_placed(tried):
    with pytest.raises(machine.Refused, match=r"ssh would not read .*config.d/oqs.conf.*report"):
        tried(b"", b"Host web1\n    ProxyJump 2001:db8::7\n")


def test_a_configuration_that_is_broken_already_is_named_and_left(tried):
    with pytest.raises(machine.Refused, match=r"ssh does not read .*config: .*[nN]onsense.*mend it first"):
        tried(b"Nonsense yes\n", b"Host web1\n")


def test_programs_of_the_persons_are_not_run(tried, tmp_path):
    mark = tmp_path / "ran"
    notes = tried(b'Match host x exec "touch %s"\n  User y\n' % str(mark).encode(), b"Host web1\n")
    assert not mark.exists() and len(notes) == 1 and "Match exec" in notes[0]


def test_a_person_with_very_many_names(tried, monkeypatch):
    monkeypatch.setattr(machine, "_MOST", 3)
    notes = tried(b"".join(b"Host h%d\n" % number for number in range(9)), b"Host web1\n")
    assert len(notes) == 1 and "9 names, 3 of" in notes[0]
