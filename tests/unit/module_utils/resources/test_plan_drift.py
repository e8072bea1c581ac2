# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For each drift and each new wish what depends on it, and nothing else; and plans for whatever lies on a host."""

from __future__ import annotations

from typing import Any, Callable, Dict

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import LABEL
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plan_samples import DRIFTS, WISHES, assert_sound, kinds, only

Facts = Dict[str, Any]


@pytest.mark.parametrize("name", sorted(DRIFTS))
def test_a_single_drift_gives_what_depends_on_it_and_nothing_else(name):
    drift, expected = DRIFTS[name]
    facts = samples.converged()
    drift(facts)
    plan = samples.plan(samples.want(), facts)
    assert plan.errors == []
    assert kinds(plan) == expected
    assert_sound(plan)


@pytest.mark.parametrize("name", sorted(WISHES))
def test_a_new_wish_gives_what_depends_on_it_and_nothing_else(name):
    wish, expected = WISHES[name]
    facts = samples.converged()
    if "port" in wish:
        facts["port"] = {}  # nobody is on the new one
    plan = samples.plan(samples.want(ssh=samples.ssh_want(**wish)), facts)
    assert plan.errors == [] and kinds(plan) == expected
    assert_sound(plan)


def test_a_container_that_is_replaced_is_tried_first_and_the_plan_says_so():
    facts = samples.converged()
    facts["container"]["labels"] = {LABEL: "old"}
    plan = samples.plan(samples.want(), facts)
    assert [item.kind for item in plan.ordered()] == ["trial", "swap"]
    assert only(plan, "trial").after == "proved"


def test_a_uid_that_the_host_has_taken_meanwhile_is_left():
    facts = samples.converged()
    facts["uid"] = {"taken": True, "free": 22223}
    item = only(samples.plan(samples.want(), facts), "uid")
    assert (item.before, item.after) == ("22222", "22223")


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.sampled_from(sorted(DRIFTS)), min_size=2, max_size=6))
def test_drifts_add_up_and_planning_never_raises(names):
    facts = samples.converged()
    for name in sorted(names):
        drift: Callable[[Facts], Any] = DRIFTS[name][0]
        if facts["container"] or "container" not in name:
            drift(facts)
    assert_sound(samples.plan(samples.want(), facts))


RAW = st.one_of(st.none(), st.binary(max_size=40), st.sampled_from(
    [b"Port 1\nMatch all\n Port 2\n", b"Host *\n", b"Include /etc/oqs-ssh/hop_config\n", samples.IDENTITY,
     b"ssh-ed25519", b"x\r\ny", b'"', b"KexAlgorithms +a\n", b"\xff\xfe"]
))


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.fixed_dictionaries(dict.fromkeys(
        ("entry", "sshd_config", "ssh_config", "hop_config", "known_hosts", "authorized_keys", "identity"), RAW)),
    st.sampled_from(["", "0", "1000", "x", "99999"]),
    st.tuples(RAW, RAW),
    RAW.map(lambda data: data or b""),
    st.sampled_from([{}, {"users": []}, {"scope": "global"}, {"state": "absent", "users": []}]),
    st.booleans(),
)
def test_planning_never_raises_whatever_lies_on_the_host(files, uid, pair, keys, hop, known):
    facts = samples.image_known() if known else samples.with_engine()
    facts["state"].update(files, uid=uid, keys={"ssh_host_ssh-mldsa44-ed25519_key": pair})
    facts["hop"]["users"]["alice"]["keys"] = keys
    want = samples.want(hop=samples.hop_want(**hop))
    before = samples.clone(facts)
    assert_sound(samples.plan(want, facts))
    assert facts == before  # a look is not changed by planning
