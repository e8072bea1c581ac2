# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A person's machine: set up, set up again, edited by hand, and as it was before."""

from __future__ import annotations

import os

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import aliases, programs, settings
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import client_request
from client_samples import ABLE, OLD
from client_samples import HOST as TYPED

NONE = aliases.Program([], [], {})
HOST = TYPED.to_json()


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "own_program", lambda *_asked: ABLE)
    monkeypatch.setattr(programs, "image_program", lambda *_asked: NONE)
    return tmp_path


def settle(home, check=False, **other):
    wanted = {
        "state": "present", "dir": str(home / ".ssh"), "bin": str(home / "bin"), "program": "auto", "image": "image:1",
        "identity": "", "hop_user": "", "prefix": "", "inventory": ["web1", "web2"], "hosts": {"web1": HOST},
        "programs": dict.fromkeys(settings.WRAPPERS, "#!/bin/sh\nexec @SSH@ @IMAGE@ @FOLDER@\n"),
    }
    return client_request.run({"step": "settle", "settings": dict(wanted, **other), "check_mode": check})


def tree(home):
    return {str(path.relative_to(home)): path.read_bytes() if path.is_file() else None for path in home.rglob("*")}


def test_there_and_back(home):
    before = tree(home)
    forecast = settle(home, check=True)
    assert tree(home) == before
    done = settle(home)
    assert [row["path"] for row in done["files"]] == [row["path"] for row in forecast["files"]]
    assert done["changed"] and done["hosts"]["web1"]["login"] == "ssh web1"
    assert (home / ".ssh/config").read_text() == "Include %s/.ssh/config.d/oqs.conf\n" % home
    assert os.stat(home / ".ssh/oqs/known_hosts").st_mode & 0o777 == 0o600
    assert not settle(home)["changed"]
    assert settle(home, state="absent")["changed"]
    assert tree(home) == before
    assert not settle(home, state="absent")["changed"]


@pytest.mark.parametrize("config", [b"", b"Host x\n  User me", b"# mine\r\nHost *\r\n  Compression yes\r\n"])
def test_the_persons_configuration_comes_back_byte_by_byte(home, config):
    (home / ".ssh").mkdir(mode=0o700)
    (home / ".ssh/config").write_bytes(config)
    (home / ".ssh/config").chmod(0o640)
    settle(home)
    assert (home / ".ssh/config").read_bytes().endswith(b"oqs.conf\n" + config)
    settle(home, state="absent")
    assert tree(home) == {".ssh": None, ".ssh/config": config}
    assert os.stat(home / ".ssh/config").st_mode & 0o777 == 0o640


def test_what_was_edited_is_kept(home):
    settle(home)
    fragment = home / ".ssh/config.d/oqs.conf"
    fragment.write_bytes(fragment.read_bytes() + b"Host mine\n")
    edited = fragment.read_bytes()
    found = settle(home, hosts={"web1": dict(HOST, port=2223)})
    assert fragment.read_bytes() == edited and any("changed by hand" in note for note in found["notes"])
    gone = settle(home, state="absent")
    assert not gone["changed"] and fragment.read_bytes() == edited and "changed by hand" in gone["notes"][0]


def test_a_name_of_the_persons_own_wins(home):
    (home / ".ssh").mkdir()
    (home / ".ssh/config").write_bytes(b"Host web1\n  User me\n")
    found = settle(home)
    assert any("it wins" in note for note in found["notes"])
    assert b"Host web1" not in (home / ".ssh/config.d/oqs.conf").read_bytes()
    assert not any("it wins" in note for note in settle(home, prefix="pq-")["notes"])
    assert b"Host pq-web1\n" in (home / ".ssh/config.d/oqs.conf").read_bytes()


def test_hosts_that_were_not_asked_stay_while_they_are_in_the_inventory(home):
    settle(home, hosts={"web1": HOST, "web2": HOST})
    settle(home, hosts={"web2": HOST})
    assert b"Host web1\n" in (home / ".ssh/config.d/oqs.conf").read_bytes()
    settle(home, hosts={"web2": HOST}, inventory=["web2"])
    assert b"Host web1\n" not in (home / ".ssh/config.d/oqs.conf").read_bytes()


def test_no_way_is_told(home, monkeypatch):
    monkeypatch.setattr(programs, "own_program", lambda *_asked: OLD)
    notes = settle(home)["notes"]
    assert any("no way to it from here" in note and "image:1" in note for note in notes)


def test_other_host_keys_are_told(home):
    settle(home)
    other = dict(HOST, keys=["ssh-ed25519 " + "AAAAC3NzaC1lZDI1NTE5AAAAI" + "B" * 43])
    assert any("other host keys" in note for note in settle(home, hosts={"web1": other})["notes"])


def test_a_folder_that_cannot_be_written(home, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_asked: False)
    found = settle(home)
    assert found["failed"] and "cannot be written by" in found["msg"] and tree(home) == {}


def test_nothing_is_written_that_ssh_does_not_read(home, monkeypatch):
    """A line that ssh does not take ends every ssh of the person."""
    monkeypatch.setattr(aliases.grammar, "bracketed", lambda *_any: "a:b:c")
    found = settle(home)
    assert found["failed"] and "ssh would not read" in found["msg"] and ".ssh/config.d/oqs.conf" in found["msg"]
    assert tree(home) == {}


def test_an_inventory_of_addresses(home):
    found = settle(home, hosts={"2001:db8::7": HOST}, inventory=["2001:db8::7"])
    assert found["changed"] and found["hosts"]["2001:db8::7"]["login"] == "ssh 2001:db8::7"


def test_what_an_older_run_has_believed_is_not_written(home):
    settle(home)
    memory = home / ".ssh/oqs/memory.json"
    memory.write_text(memory.read_text().replace('"localhost"', '"`id`"'))
    found = settle(home, hosts={"web2": HOST})
    assert any("web1: what this machine remembers" in note for note in found["notes"])
    assert b"`" not in (home / ".ssh/config.d/oqs.conf").read_bytes()


def test_a_damaged_memory_is_told(home):
    settle(home)
    (home / ".ssh/oqs/memory.json").write_text("[")
    found = settle(home, hosts={"web2": HOST})
    assert any("memory.json: it is damaged and was not used" in note for note in found["notes"])
    assert list(found["hosts"]) == ["web2"] and not settle(home, hosts={"web2": HOST})["changed"]


def test_an_ssh_that_does_not_answer_is_told(home, monkeypatch):
    monkeypatch.setattr(programs, "own_program", lambda *_asked: NONE._replace(trouble="ssh -Q kex: exit code 1"))
    found = settle(home)
    assert any("does not say what it knows (ssh -Q kex: exit code 1)" in note for note in found["notes"])
    assert not found["hosts"]["web1"]["usable"]


def test_a_reported_host_that_cannot_be_written_is_told(home):
    found = settle(home, hosts={"web1": dict(HOST, address="a b"), "web2": HOST})
    assert any(note.startswith("web1: what is known of it cannot be written") for note in found["notes"])
    assert list(found["hosts"]) == ["web2"]


def test_settings_of_another_form_end_a_run_by_name(home):
    found = settle(home, prefix="*")
    assert found["failed"] and found["msg"].startswith("nothing was changed; settings.prefix is not")
    assert tree(home) == {}


def test_an_open_quote_in_the_persons_configuration_is_told(home):
    (home / ".ssh").mkdir()
    (home / ".ssh/config").write_text('Host "web1\n')
    found = settle(home)
    assert found["failed"] and ".ssh/config: a quote is not closed" in found["msg"]
