# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ledger: data that survives a crash, and that nobody can turn against the host."""

from __future__ import annotations

import json

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils import ledger
from hypothesis import given
from hypothesis import strategies as st

MACHINE, WHEN = "0123456789abcdef", "2026-01-02T03:04:05Z"
HEAD = ledger.head(MACHINE)
TEXT = st.text(max_size=30)
ROWS = st.lists(
    st.tuples(st.sampled_from(sorted(ledger.KINDS)), TEXT, st.none() | TEXT, st.none() | TEXT), max_size=6
)


def written(rows):
    return HEAD + b"".join(ledger.entry(*row, WHEN) for row in rows)


@given(ROWS)
def test_what_is_written_is_read_again(rows):
    data = written(rows)
    assert data.count(b"\n") == len(rows) + 1 and data.isascii()
    found = ledger.parse(data, MACHINE)
    assert [(row["kind"], row["name"], row["before"], row["after"]) for row in found] == rows
    assert all(row["when"] == WHEN for row in found)


@given(ROWS.filter(bool), st.data())
def test_a_last_line_cut_off_is_as_if_it_had_not_begun(rows, data):
    whole = written(rows)
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    cut = data.draw(st.integers(start, len(whole) - 1))
    assert ledger.parse(whole[:cut], MACHINE) == ledger.parse(whole[:start], MACHINE)


@pytest.mark.parametrize("size", [0, 1, 10, len(HEAD) - 1, len(HEAD)])
def test_a_head_cut_off_is_a_new_ledger(size):
    assert ledger.parse(HEAD[:size], MACHINE) == []


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"nothing", b"\xff\xfe", b'"text"', b"{}{}"])
def test_a_damaged_line_before_the_last_is_refused(line):
    data = HEAD + line + b"\n" + ledger.entry("folder", "/etc/oqs-ssh", None, "755 0:0", WHEN)
    with pytest.raises(ledger.LedgerError, match="line 2 of the ledger is damaged"):
        ledger.parse(data, MACHINE)


@pytest.mark.parametrize("row", [
    {"kind": "shell", "name": "rm -rf /"}, {"kind": "folder"}, {"kind": "folder", "name": ["/"]}, {"name": "/"}, {},
])
def test_an_unknown_kind_is_refused(row):
    with pytest.raises(ledger.LedgerError, match="line 2 of the ledger is of no known kind"):
        ledger.parse(HEAD + json.dumps(row).encode() + b"\n", MACHINE)


def test_an_unknown_kind_is_not_written_either():
    with pytest.raises(ledger.LedgerError, match="knows no kind 'shell'"):
        ledger.entry("shell", "x", None, None, WHEN)


@pytest.mark.parametrize("machine", ["", "fedcba9876543210", MACHINE + "0"])
def test_a_ledger_of_another_machine_is_refused(machine):
    with pytest.raises(ledger.LedgerError, match=r"belongs to another machine .* move it away to begin anew"):
        ledger.parse(HEAD, machine)


@pytest.mark.parametrize("data", [
    b"\n", b"{}\n", b'{"ledger": 2, "machine": "0123456789abcdef"}\n', b"[1]\n", b"rm -rf /", b"rm -rf /\n",
    ledger.entry("folder", "/", None, None, WHEN),
])
def test_what_is_no_ledger_is_refused(data):
    with pytest.raises(ledger.LedgerError):
        ledger.parse(data, MACHINE)


@given(st.binary(max_size=80))
def test_bytes_are_a_ledger_or_refused_and_nothing_else(data):
    for whole in (data, HEAD + data):
        try:
            rows = ledger.parse(whole, MACHINE)
        except ledger.LedgerError as error:
            assert len(str(error)) < 200
        else:
            assert all(row["kind"] in ledger.KINDS for row in rows)


def test_the_oldest_entry_tells_what_was_there_before_us():
    rows = [("folder", "/a", None, "1"), ("file", "/a", "x", "2"), ("folder", "/a", "1", "2")]
    found = ledger.parse(written(rows), MACHINE)
    assert ledger.first_before(found, "folder", "/a")["before"] is None
    assert ledger.first_before(found, "file", "/a")["before"] == "x"
    assert ledger.first_before(found, "file", "/b") is None
