# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Answers of hosts that are none of ours: nothing that a host says gets onto the controller in another shape."""

from __future__ import annotations

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import grammar
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session import answers
from hypothesis import given
from hypothesis import strategies as st

KEY, OFFER, CLIENT, LOOK = samples.HOST_KEY, samples.OFFER, samples.CLIENT, samples.LOOK
ITEM = {
    "section": "hop", "part": "hop", "label": "hop", "kind": "hop_user", "name": "alice", "resource": "hop user alice",
    "before": "", "after": "", "why": "", "values": [], "said": "", "headline": "", "by_ansible": False,
}


def test_what_hosts_of_ours_say_is_believed():
    assert answers.client(CLIENT).to_json() == CLIENT and answers.client({}) is None
    answers.look(LOOK)
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
        answers.look(dict(LOOK, **change))


@pytest.mark.parametrize("name", sorted(LOOK))
def test_a_part_of_a_look_that_is_missing_is_named(name):
    with pytest.raises(answers.BadAnswer, match=name + " is missing"):
        answers.look({part: value for part, value in LOOK.items() if part != name})


def test_a_plan_that_travels_is_believed():
    plan = samples.plan(samples.want(hop=samples.hop_want()), samples.virgin())
    answers.look(dict(LOOK, plan=plan.as_dicts(), done=plan.as_dicts(), looked=LOOK, more="of a newer host"))


@given(st.text(max_size=40))
def test_an_address_is_one_printable_word(text):
    if grammar.address(text):
        assert text.isprintable() and len(text.split()) == 1 and not set(text) & set("`$;&|<>()'\"\\/,@")
