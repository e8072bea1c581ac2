# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look and compare: uid, password, proof, and what travels back to the controller."""

from __future__ import annotations

import grp
import json
import pwd
import threading

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import look_firewall
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import shadow
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import assess, look, look_outside, planning

FEW = 1000
STORED = shadow.make_hash(samples.SECRET, FEW)


@pytest.fixture
def accounts(monkeypatch):
    """Accounts and groups of the host by number."""
    taken = {"users": {0, 1000}, "groups": {0, 1000}}

    def ask(kind):
        def answer(number):
            if number not in taken[kind]:
                raise KeyError(number)
            return number
        return answer

    monkeypatch.setattr(pwd, "getpwuid", ask("users"))
    monkeypatch.setattr(grp, "getgrgid", ask("groups"))
    return taken


@pytest.mark.parametrize(("users", "groups", "now", "expected"), [
    ([], [], "", {"taken": False, "free": 22222}),
    ([22222], [], "", {"taken": False, "free": 22223}),
    ([22222], [22223], "22222", {"taken": True, "free": 22224}),
    ([], [22222], "22222", {"taken": True, "free": 22223}),
    ([], [], "22222", {"taken": False, "free": 22222}),
    ([], [], "rubbish", {"taken": False, "free": 22222}),
    ([], [], "99999999999999", {"taken": False, "free": 22222}),
])
def test_a_uid_that_no_account_has(accounts, users, groups, now, expected):
    accounts["users"].update(users)
    accounts["groups"].update(groups)
    assert assess.free_uid(now) == expected


@pytest.fixture
def shadow_file(monkeypatch):
    def put(hashed):
        data = None if hashed is None else b"root:*:1::\noqs:%s:19000:0:99999:7:::\n" % hashed.encode()
        monkeypatch.setattr(look, "shadow", lambda _name, _facts: data)
    return put


@pytest.mark.parametrize(("hashed", "secret", "state"), [
    (STORED, samples.SECRET, "the given one"),
    (STORED, "another-heron-lantern", "another"),
    (STORED, None, "another"),
    (shadow.make_hash("Pa55W0rd", FEW), samples.SECRET, "the published default"),
    (shadow.make_hash("oqs.pw", FEW), None, "the published default"),
    ("", samples.SECRET, "empty"),
    ("", None, "empty"),
    ("*", samples.SECRET, "locked"),
    ("$y$j9T$unknown", samples.SECRET, "another"),
])
def test_what_the_stored_hash_is_worth(shadow_file, hashed, secret, state):
    shadow_file(hashed)
    facts = samples.converged()
    facts["state"]["password"] = hashed
    found = assess.password_state(samples.ssh_want(), facts, secret)
    assert found["state"] == state
    text = json.dumps(found)
    assert "$" not in text and samples.SECRET not in text


@pytest.mark.parametrize(("hashed", "kept", "secret"), [
    (STORED, "*", samples.SECRET),
    (STORED, "", samples.SECRET),
    (STORED, shadow.make_hash(samples.SECRET, FEW), samples.SECRET),
    ("!", "*", None),  # sshd refuses such an account even for keys
    ("*", STORED, None),
    ("", STORED, samples.SECRET),
    ("", "*", None),
])
def test_what_holds_in_this_container_only_is_mended(shadow_file, hashed, kept, secret):
    """The next container is made from the state: it would bring back another password, or none."""
    shadow_file(hashed)
    facts = samples.converged()
    facts["state"]["password"] = kept
    facts["password"] = assess.password_state(samples.ssh_want(), facts, secret)
    plan = planning.make(samples.want(ssh=samples.ssh_want(password_set=secret is not None)), facts)
    assert "password" in {item.kind for item in plan.items}


def test_without_a_container_the_states_hash_counts(shadow_file):
    shadow_file(None)
    facts = samples.virgin()
    assert assess.password_state(samples.ssh_want(), facts, samples.SECRET)["state"] == "absent"
    facts["state"]["password"] = STORED
    assert assess.password_state(samples.ssh_want(), facts, samples.SECRET)["state"] == "the given one"


@pytest.mark.parametrize(("want", "asked"), [
    ({"ssh": samples.ssh_want()}, ("oqs-ssh", 2222, None, "root", "localhost")),
    (samples.want(), ("oqs-ssh", 2222, 22, "alice", "localhost")),
    (samples.want(hop=samples.hop_want(users=[])), ("oqs-ssh", 2222, 22, "root", "localhost")),
    (samples.want(hop=samples.hop_want(state="absent")), ("oqs-ssh", 2222, None, "alice", "localhost")),
    ({"firewall": samples.firewall_want()}, ("oqs-ssh", 2222, None, "root", "localhost")),
    ({"engine": {"state": "present"}}, None),
])
def test_the_proof_is_a_handshake_with_what_runs(monkeypatch, want, asked):
    calls = []
    monkeypatch.setattr(look_outside, "prove", lambda *given: calls.append(given) or {"own": {"ok": True}})
    assert bool(assess.proof(want, samples.converged())) is bool(asked)
    assert calls == ([asked] if asked else [])
    assert assess.proof(want, samples.virgin()) == {}


@pytest.mark.parametrize("facts", [samples.virgin(), samples.image_known(), samples.converged()])
def test_what_travels_back_holds_no_secret(facts):
    found = assess.result(samples.want(), facts, planning.make(samples.want(), facts), {})
    text = json.dumps(found)  # and it can travel
    assert samples.HASH not in text and "PRIVATE KEY" not in text
    assert found["wanted"] == ["engine", "firewall", "hop", "ssh"]
    assert found["own_sshd"]["kex"] == ["mlkem768x25519-sha256"]
    assert set(found) >= {"plan", "errors", "notes", "host", "own_sshd", "offer", "proof", "wanted"}


def test_a_word_for_each_part_of_the_host():
    def host(facts):
        return assess.result(samples.want(), facts, planning.make(samples.want(), facts), {})["host"]

    assert host(samples.virgin())["engine"] == "absent"
    stopped = samples.virgin()
    stopped["engine"]["installed"] = True
    assert host(stopped)["engine"] == "stopped"
    found = host(samples.converged())
    assert (found["engine"], found["container"], found["health"]) == ("26.1.5", "running", "healthy")


def test_everything_is_looked_at_once_and_only_what_is_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(look, "engine_side", lambda _want: asked.append("engine") or samples.converged())
    monkeypatch.setattr(look, "look", lambda _want, known: asked.append("look") or known)
    monkeypatch.setattr(look_outside, "prove", lambda *_given: asked.append("proof") or {"own": {"ok": True}})
    outside = samples.virgin()
    monkeypatch.setattr(look_firewall, "firewall", lambda _want: asked.append("firewall") or outside["firewall"])
    monkeypatch.setattr(look_outside, "hop", lambda _want, _rows, _sshd: asked.append("hop") or outside["hop"])
    monkeypatch.setattr(assess.bookkeeping, "entries", list)
    monkeypatch.setattr(look, "shadow", lambda _name, _facts: None)
    assess.assess({"engine": {"state": "present"}}, None)
    assert asked == ["engine", "look"]
    asked.clear()
    assess.assess(samples.want(), samples.SECRET)
    assert sorted(asked) == ["engine", "firewall", "hop", "look"]  # side by side
    facts, _plan = assess.assess(samples.want(), samples.SECRET, proving=assess.always)
    assert facts["proof"] == {"own": {"ok": True}}
    facts, _plan = assess.assess(samples.want(), samples.SECRET, proving=lambda _plan: False)
    assert "proof" not in facts


def test_a_container_that_ran_before_is_asked_for_its_proof_at_once(monkeypatch):
    began = threading.Event()

    def engine_side(_want):
        assert began.wait(10), "the proof waits for the engine"
        return samples.converged()

    outside = samples.virgin()
    monkeypatch.setattr(look, "engine_side", engine_side)
    monkeypatch.setattr(look, "look", lambda _want, known: known)
    monkeypatch.setattr(look_outside, "prove", lambda *_given: began.set() or {"own": {"ok": True}})
    monkeypatch.setattr(look_firewall, "firewall", lambda _want: outside["firewall"])
    monkeypatch.setattr(look_outside, "hop", lambda _want, _rows, sshd: dict(outside["hop"], sshd=sshd))
    monkeypatch.setattr(assess.bookkeeping, "entries", list)
    monkeypatch.setattr(look, "shadow", lambda _name, _facts: None)
    facts, _plan = assess.assess(samples.want(), samples.SECRET, samples.converged(), assess.always)
    assert facts["proof"] == {"own": {"ok": True}} and facts["hop"]["sshd"] == samples.converged()["hop"]["sshd"]
