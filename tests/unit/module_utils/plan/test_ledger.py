# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ledger: data that survives a crash, and that nobody can turn against the host."""

from __future__ import annotations

import json

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import ledger, restore
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger import Row
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY
from hypothesis import given
from hypothesis import strategies as st

KINDS = REGISTRY.kinds
MACHINE, WHEN = "0123456789abcdef", "2026-01-02T03:04:05Z"
HEAD = ledger.head(MACHINE)
TEXT = st.text(max_size=30)
#: A name of each kind, as hosts have them.
NAMES = {
    "folder": ["/etc/oqs-ssh", "/var/lib/oqs-ssh/home-ssh", "/etc/nftables.d", "/etc/docker", "/run/docker"],
    "file": ["/etc/oqs-ssh/private/ssh_host_ssh-mldsa44_key", "/etc/docker/daemon.json", "/etc/nftables.conf",
             "/etc/iptables/rules.v4", "/etc/sysconfig/ip6tables", "/etc/firewalld/zones/public.xml.old",
             "/etc/fail2ban/filter.d/oqs-ssh.conf"],
    "line": ["/home/alice/.ssh/authorized_keys", "/etc/ssh/keys/alice"],
    "keys_folder": ["alice"],
    "container": ["oqs-ssh"],
    "image": ["sha256:" + "0" * 64, "docker.io/openquantumsafe/openssh:latest", "10.0.0.1:5000/oqs@sha256:" + "a" * 9],
    "package": ["docker.io", "libc++1", "python3.11_x"],
    "service": ["docker", "docker.socket", "containerd.service"],
    "group": ["docker"],
    "lockdown": ["/etc/oqs-ssh-lockdown"],
    "nftables": ["port 2222"],
    "ufw": ["port 2222"],
    "firewalld": ["zone public", "zone my-own_2"],
    "iptables": ["port 2222, IPv4", "port 22, IPv6 (legacy)"],
}
ROWS = st.lists(
    st.sampled_from(sorted(KINDS)).flatmap(
        lambda kind: st.tuples(st.just(kind), st.sampled_from(NAMES[kind]), st.none() | TEXT, st.none() | TEXT)),
    max_size=6,
)


def entry(kind, name, before, after):
    return ledger.entry(KINDS, Row(kind, name, before, after, WHEN))


def written(rows):
    return HEAD + b"".join(entry(*row) for row in rows)


@given(ROWS)
def test_what_is_written_is_read_again(rows):
    data = written(rows)
    assert data.count(b"\n") == len(rows) + 1 and data.isascii()
    found = ledger.parse(KINDS, data, MACHINE)
    assert [(row.kind, row.name, row.before, row.after) for row in found] == rows
    assert all(row.when == WHEN for row in found)


@given(ROWS.filter(bool), st.data())
def test_a_last_line_cut_off_is_as_if_it_had_not_begun(rows, data):
    whole = written(rows)
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    cut = data.draw(st.integers(start, len(whole) - 1))
    assert ledger.parse(KINDS, whole[:cut], MACHINE) == ledger.parse(KINDS, whole[:start], MACHINE)


@pytest.mark.parametrize("size", [0, 1, 10, len(HEAD) - 1, len(HEAD)])
def test_a_head_cut_off_is_a_new_ledger(size):
    assert ledger.parse(KINDS, HEAD[:size], MACHINE) == []


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"nothing", b"\xff\xfe", b'"text"', b"{}{}"])
def test_a_damaged_line_before_the_last_is_refused(line):
    data = HEAD + line + b"\n" + entry("folder", "/etc/oqs-ssh", None, "755 0:0")
    with pytest.raises(ledger.LedgerError, match="line 2 of the ledger is damaged"):
        ledger.parse(KINDS, data, MACHINE)


@pytest.mark.parametrize("row", [
    {"kind": "shell", "name": "rm -rf /"}, {"kind": "folder"}, {"kind": "folder", "name": ["/"]}, {"name": "/"}, {},
])
def test_an_unknown_kind_is_refused(row):
    with pytest.raises(ledger.LedgerError, match="line 2 of the ledger is of no known kind"):
        ledger.parse(KINDS, HEAD + json.dumps(row).encode() + b"\n", MACHINE)


def test_an_unknown_kind_is_not_written_either():
    with pytest.raises(ledger.LedgerError, match="knows no kind 'shell'"):
        entry("shell", "x", None, None)


def test_a_host_that_has_got_its_machine_id_later_can_be_given_back():
    row = entry("folder", "/etc/oqs-ssh", None, "755 0:0")
    for machine in ("", MACHINE):
        assert len(ledger.parse(KINDS, ledger.head("") + row, machine)) == 1
    with pytest.raises(ledger.LedgerError, match=r"has no machine-id yet .* systemd-machine-id-setup"):
        ledger.parse(KINDS, HEAD, "")


@pytest.mark.parametrize("machine", ["fedcba9876543210", MACHINE + "0"])
def test_a_ledger_of_another_machine_is_refused(machine):
    with pytest.raises(ledger.LedgerError, match=r"belongs to another machine .* To begin anew: "):
        ledger.parse(KINDS, HEAD, machine)


@pytest.mark.parametrize("data", [
    b"\n", b"{}\n", b'{"ledger": 2, "machine": "0123456789abcdef"}\n', b"[1]\n", b"rm -rf /", b"rm -rf /\n",
    entry("folder", "/etc/oqs-ssh", None, None),
])
def test_what_is_no_ledger_is_refused(data):
    with pytest.raises(ledger.LedgerError):
        ledger.parse(KINDS, data, MACHINE)


@given(st.binary(max_size=80))
def test_bytes_are_a_ledger_or_refused_and_nothing_else(data):
    for whole in (data, HEAD + data):
        try:
            rows = ledger.parse(KINDS, whole, MACHINE)
        except ledger.LedgerError as error:
            assert len(str(error)) < 600
        else:
            assert all(row.kind in KINDS for row in rows)


def test_the_oldest_entry_tells_what_was_there_before_us():
    path = "/etc/oqs-ssh/a"
    rows = [("folder", path, None, "1"), ("file", path, "x", "2"), ("folder", path, "1", "2")]
    found = ledger.parse(KINDS, written(rows), MACHINE)
    assert restore.first(found, "folder", path).before is None
    assert restore.first(found, "file", path).before == "x"
    assert restore.first(found, "file", path + "b") is None


#: What somebody could write into a ledger to have root remove it.
TAMPERED = [
    ("folder", "/"), ("folder", "/etc"), ("folder", "/etc/oqs-ssh/../ssh"), ("folder", "/etc/oqs-ssh-2"),
    ("folder", "/home/alice"), ("folder", "etc/oqs-ssh"), ("folder", "/var/lib/docker/volumes"), ("folder", ""),
    ("file", "/etc/passwd"), ("file", "/etc/oqs-ssh/../passwd"), ("file", "/etc/docker/key.json"),
    ("file", "/etc/oqs-ssh/"),
    ("file", "/etc/firewalld/zones/../../passwd.xml"), ("file", "/etc/nftables.conf\n"), ("file", "/etc/iptables/a/b"),
    ("line", "relative/path"), ("line", "/home/../etc/shadow"), ("line", "/a\0b"), ("line", "/a\nb"),
    ("keys_folder", "../root"), ("keys_folder", "a b"), ("container", "a b"), ("container", "--volumes"),
    ("image", "--force"), ("image", "a b"), ("package", "--purge"), ("package", "a b"), ("package", "/etc"),
    ("service", "ssh"), ("service", "ssh.service"), ("group", "sudo"), ("nftables", "port x"),
    ("firewalld", "zone a/b"),
    ("firewalld", "zone ../a"), ("iptables", "port 22"),
]


@pytest.mark.parametrize("kind, name", TAMPERED)
def test_a_name_that_is_none_of_ours_is_refused_and_not_written(kind, name):
    row = {"kind": kind, "name": name, "before": None, "after": None, "when": WHEN}
    with pytest.raises(ledger.LedgerError, match=r"line 2 of the ledger names a \w+ that is none of ours.*"):
        ledger.parse(KINDS, HEAD + json.dumps(row).encode() + b"\n", MACHINE)
    with pytest.raises(ledger.LedgerError, match="takes no %s of this name" % kind):
        entry(kind, name, None, None)


@pytest.mark.parametrize("before, after", [(1, None), (None, ["x"]), ({}, "x")])
def test_a_value_that_is_no_text_is_refused(before, after):
    row = {"kind": "folder", "name": "/etc/oqs-ssh", "before": before, "after": after, "when": WHEN}
    with pytest.raises(ledger.LedgerError, match="line 2"):
        ledger.parse(KINDS, HEAD + json.dumps(row).encode() + b"\n", MACHINE)


def test_a_cut_end_is_seen():
    whole = written([("group", "docker", None, "x")])
    assert ledger.is_cut(whole[:-1]) and not ledger.is_cut(whole) and not ledger.is_cut(b"")


def test_the_machine_of_a_foreign_ledger_is_named_in_part_only():
    with pytest.raises(ledger.LedgerError) as caught:
        ledger.parse(KINDS, HEAD, "f" * 32)
    assert "01234567…" in str(caught.value) and MACHINE not in str(caught.value) and "f" * 9 not in str(caught.value)
