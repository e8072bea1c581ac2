# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Answers of hosts that are none of ours: nothing that a host says gets onto the controller in another shape."""

from __future__ import annotations

import json

import core_samples as samples
import known_samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import grammar
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session import answers
from hypothesis import given
from hypothesis import strategies as st

KEY, OFFER, CLIENT, LOOK = samples.HOST_KEY, samples.OFFER, samples.CLIENT, samples.LOOK
ITEM = known_samples.item()._asdict()


def test_what_hosts_of_ours_say_is_believed():
    assert answers.client(CLIENT).to_json() == CLIENT and answers.client({}) is None
    assert answers.outcome(LOOK).look.to_json() == LOOK and answers.outcome(LOOK).done is None
    located = dict(CLIENT, address="2001:db8::1")
    assert host.parse(located).to_json() == located


BAD = [
    {"port": "2222"}, {"port": 0}, {"port": 65536}, {"port": True}, {"user": "oqs\n    Match exec id"}, {"user": ""},
    {"mode": "root"}, {"hop_address": "`id`"}, {"hop_address": "a b"}, {"hop_address": "-oProxyCommand=id"},
    {"hop_address": "10.0.0.1%eth0"}, {"hop_address": "x" * 254}, {"hop_port": -1}, {"hop_port": 22.0},
    {"keys": KEY}, {"keys": [KEY + " comment"]}, {"keys": ["@cert-authority * " + KEY]}, {"keys": [KEY + "\n" + KEY]},
    {"keys": [KEY] * 501}, {"hop_keys": ["ssh-ed25519 AAAA"]}, {"hop_keys": None},
    {"offer": {}}, {"offer": dict(OFFER, kex="a")}, {"offer": dict(OFFER, kex=["a b"])}, {"offer": dict(OFFER, x=[])},
    {"more": 1},
]


@pytest.mark.parametrize("change", BAD, ids=str)
def test_what_does_not_fit_is_not_believed(change):
    with pytest.raises(answers.BadAnswer, match="not of the form"):
        answers.client(dict(CLIENT, **change))
    with pytest.raises(shape.BadShape, match="not of the form"):
        host.parse(dict(CLIENT, address="web1", **change))


@pytest.mark.parametrize("address", [None, "", "a b", "`id`", "10.0.0.1%eth0", 7])
def test_a_host_without_an_address_that_can_be_written_is_none(address):
    with pytest.raises(shape.BadShape, match=r"^address is not of the form"):
        host.parse(dict(CLIENT, address=address))


@pytest.mark.parametrize("found", [None, [], "x", 1, {"port": 22}, {name: CLIENT[name] for name in list(CLIENT)[1:]}])
def test_another_shape_is_not_believed(found):
    with pytest.raises(answers.BadAnswer):
        answers.client(found)


@pytest.mark.parametrize("change", [
    {"pins": ["x y z"]}, {"pins": [KEY + "\n* " + KEY]}, {"offer": None}, {"knows": {}},
    {"hop_target": {"port": 22, "address": "localhost\n@cert-authority *"}}, {"hop_target": {"port": 22}},
    {"notes": [1]}, {"errors": "none"}, {"plan": [{"kind": "image"}]}, {"done": [dict(ITEM, by_ansible="no")]},
    {"proof": {"own": {"ok": True}}}, {"host": {}}, {"lockdown": None}, {"looked": dict(LOOK, pins=["x y z"])},
    {"looked": []}, *({name: 7} for name in LOOK),
], ids=str)
def test_a_look_that_does_not_fit_is_not_believed(change):
    with pytest.raises(answers.BadAnswer):
        answers.outcome(dict(LOOK, **change))


@pytest.mark.parametrize("name", sorted(LOOK))
def test_a_part_of_a_look_that_is_missing_is_named(name):
    with pytest.raises(answers.BadAnswer, match=name + " is missing"):
        answers.outcome({part: value for part, value in LOOK.items() if part != name})


WHOLE = known_samples.answered(
    plan=[dict(ITEM, values=["docker.io"])], notes=["note"], errors=["error"],
    host={"image_origin": {"digest": "", "made": ""}, "image_parts": ["part"], "firewall_rules": ["rule"],
          "folders": {"/": "755"}, "keys": {"a": "good"}, "next_keys": {"a": "b"}, "hop_users": {"alice": "no access"},
          "settings": {"sshd_config": {"a": "b"}}},
    lockdown={"state": "open", "token": "t", "through": True}, done=[ITEM])


def places(value, *before):
    """Where something stands in an answer: all keys and numbers on the way there."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in below:
        yield (*before, name)
        yield from places(each, *before, name)


def changed(place, other):
    """The answer with something else at a place."""
    found = json.loads(json.dumps(WHOLE))
    above = found
    for name in place[:-1]:
        above = above[name]
    above[place[-1]] = other
    return found


@pytest.mark.parametrize("place", list(places(WHOLE)), ids=lambda place: ".".join(map(str, place)))
def test_whatever_else_stands_anywhere_in_an_answer_is_not_believed(place):
    answers.outcome(WHOLE)
    for other in (7.5, b"bytes", {1: 2}, {"a": 2}, [None]):
        with pytest.raises(answers.BadAnswer):
            answers.outcome(changed(place, other))


def test_a_plan_that_travels_is_believed():
    plan = samples.plan(samples.want(hop=samples.hop_want()), samples.virgin()).items()
    rows = [each._asdict() for each in plan]
    found = answers.outcome(dict(LOOK, plan=rows, done=rows, looked=LOOK, more="of Ansible"))
    assert found.look.plan == found.done == plan and found.looked.plan == []


@given(st.text(max_size=40))
def test_an_address_is_one_printable_word(text):
    if grammar.address(text):
        assert text.isprintable() and len(text.split()) == 1 and not set(text) & set("`$;&|<>()'\"\\/,@")
