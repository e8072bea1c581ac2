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
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.machine import Machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import State, Uid
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import Secret
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import Container, Others
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.engine import Engine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.firewalls import Found
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import shadow
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.own_sshd import Offer, OwnSshd
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import runner
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import LedgerFile, Written
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Registry
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import access, proof
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import accounts as own_accounts
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.access import Password
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.hop import Hop
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.lockdown import Watched
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.proof import Handshake, Proof, Ran
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import answer, apply_request, report
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY

FEW = 1000
OWN = Proof(own=Handshake(ok=True))
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
    ([], [], "", Uid(22222)),
    ([22222], [], "", Uid(22223)),
    ([22222], [22223], "22222", Uid(22224, taken=True)),
    ([], [22222], "22222", Uid(22223, taken=True)),
    ([], [], "22222", Uid(22222)),
    ([], [], "rubbish", Uid(22222)),
    ([], [], "99999999999999", Uid(22222)),
])
def test_a_uid_that_no_account_has(accounts, users, groups, now, expected):
    accounts["users"].update(users)
    accounts["groups"].update(groups)
    assert own_accounts.free_uid(now) == expected


@pytest.fixture
def shadow_file(monkeypatch):
    def put(hashed):
        data = None if hashed is None else b"root:*:1::\noqs:%s:19000:0:99999:7:::\n" % hashed.encode()
        monkeypatch.setattr(access, "_shadow", lambda _container: data)
    return put


def password(facts, secret):
    """What the resource finds of the password."""
    known = samples.facts_of(samples.want(), facts)
    given = [known.of(kind) for kind in (State, Container, Others)]
    found = Facts(*given, samples.spec(samples.want()), Secret(secret), readers=REGISTRY.readers)
    return found.of(Password)


@pytest.mark.parametrize(("hashed", "secret", "expected"), [
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
def test_what_the_stored_hash_is_worth(shadow_file, hashed, secret, expected):
    shadow_file(hashed)
    facts = samples.converged()
    facts["state"]["password"] = hashed
    found = password(facts, secret)
    assert found.state == expected
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
    facts["password"] = password(facts, secret)._asdict()
    plan = samples.plan(samples.want(ssh=samples.ssh_want(password_set=secret is not None)), facts)
    assert "password" in {each.kind for each in plan.changes}


def test_without_a_container_the_states_hash_counts(shadow_file):
    shadow_file(None)
    facts = samples.virgin()
    assert password(facts, samples.SECRET).state == "absent"
    facts["state"]["password"] = STORED
    assert password(facts, samples.SECRET).state == "the given one"


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

    def prove(container, port, hop_port=None, hop_user="root", hop_address="localhost"):
        calls.append((container, port, hop_port, hop_user, hop_address))
        return OWN

    monkeypatch.setattr(proof, "prove", prove)
    running, none = (samples.facts_of(samples.want(), facts).of(Container)
                     for facts in (samples.converged(), samples.virgin()))
    assert proof.of_spec(samples.spec(want), running) == (OWN if asked else Proof())
    assert calls == ([asked] if asked else [])
    assert proof.of_spec(samples.spec(want), none) == Proof() and len(calls) == bool(asked)


def result(facts):
    want = samples.want()
    return report.look(REGISTRY, samples.spec(want), samples.facts_of(want, facts), samples.plan(want, facts), OWN)


@pytest.mark.parametrize("facts", [samples.virgin(), samples.image_known(), samples.converged()])
def test_what_travels_back_holds_no_secret(facts):
    found = result(facts)
    text = json.dumps(found.to_json())
    assert answer.parse(json.loads(text)) == answer.Outcome(found), "it arrives as what it was"
    assert samples.HASH not in text and "PRIVATE KEY" not in text
    assert found.wanted == ["engine", "firewall", "hop", "ssh"]
    assert found.own_sshd.kex == ["mlkem768x25519-sha256"]


def test_a_word_for_each_part_of_the_host():
    def host(facts):
        return result(facts).host

    assert host(samples.virgin()).engine == "absent"
    stopped = samples.virgin()
    stopped["engine"]["installed"] = True
    assert host(stopped).engine == "stopped"
    found = host(samples.converged())
    assert (found.engine, found.container, found.health) == ("26.1.5", "running", "healthy")


@pytest.fixture
def looked(monkeypatch):
    """A look at a converged host whose readers are invented; what was read, in the order in which it began."""
    def at(want, *known, hold=None, **more):
        asked, there = [], samples.facts_of(samples.want(), samples.converged())
        registry = Registry(REGISTRY.resources, REGISTRY.planning, REGISTRY.restoring)

        def invent(kind, reader):
            def read(facts):
                asked.append(kind)
                if hold:
                    hold(kind)
                found = there.get(kind)
                return reader(facts) if found is None else found
            return read

        registry.readers = {kind: invent(kind, reader) for kind, reader in REGISTRY.readers.items()}
        found = runner.look(registry, samples.spec(want), Secret(samples.SECRET), *known, **more)
        return asked, found

    monkeypatch.setattr(machine, "read", lambda: Machine(id="0123456789abcdef", systemd=True))
    monkeypatch.setattr(LedgerFile, "read", lambda _self: Written([]))
    monkeypatch.setattr(proof, "prove", lambda *_given: OWN)
    return at


def test_everything_is_looked_at_once_and_only_what_is_asked_for(looked):
    asked, _found = looked({"engine": {"state": "present"}})
    assert set(asked) <= {Engine, Container, Watched} and Engine in asked
    asked, found = looked(samples.want())
    assert len(set(asked)) == len(asked) and Proof not in asked
    assert set(asked) > {Engine, Image, Container, State, Uid, Password, Found, Hop, Offer}
    assert found.plan.changes == [] and found.plan.errors == []
    asked, found = looked(samples.want(), also=Proof)
    assert found.facts.get(Proof) == OWN and asked.count(Proof) == 1


def test_what_takes_long_is_read_side_by_side(looked):
    long = {Engine, Image, Container, Found, Hop, Offer}
    together = threading.Barrier(len(long))

    def hold(kind):
        if kind in long:
            together.wait(10)

    looked(samples.want(), hold=hold)
    assert not together.broken


def test_a_proof_that_a_plan_is_not_worth_is_not_waited_for(looked):
    go_on = threading.Event()

    def hold(kind):
        if kind is Proof:
            assert go_on.wait(10)

    try:
        _asked, found = looked(samples.want(), hold=hold, also=Proof, worth=lambda _plan: False)
        assert found.facts.get(Proof) is None
    finally:
        go_on.set()


def test_a_container_that_ran_before_is_asked_for_its_proof_at_once(looked, monkeypatch):
    began = threading.Event()

    def hold(kind):
        assert kind is not Engine or began.wait(10), "the proof waits for the engine"
        assert kind is not Container or began.wait(10), "the proof waits for the container"

    monkeypatch.setattr(proof, "prove", lambda *_given: began.set() or OWN)
    ran = samples.facts_of(samples.want(), samples.converged()).of(Container)
    sshd = Offer(software="asked before", kex=["mlkem768x25519-sha256"])
    asked, found = looked(samples.want(), Ran(ran), sshd, OwnSshd(), hold=hold, also=Proof)
    assert found.facts.get(Proof) == OWN and found.facts.of(Offer) == sshd
    assert not {Offer, OwnSshd} & set(asked), "the host's own sshd penalizes those who ask often"


def test_another_look_of_a_run_knows_what_does_not_change(monkeypatch):
    """What the container was, and what the host's own sshd said."""
    found = samples.facts_of(samples.want(), samples.converged())
    given = []
    monkeypatch.setattr(apply_request.runner, "look", lambda _registry, _spec, *known, **more: given.append(
        (known, more["also"])))
    host = Host(samples.spec(samples.want()), found, LedgerFile(REGISTRY.kinds))
    for done in (False, True):
        apply_request._again(host, None, done)
    for (known, also), proved in zip(given, (None, Proof)):
        assert also is proved
        assert Ran(found.of(Container)) in known and found.of(Offer) in known and found.of(OwnSshd) in known
