# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever the rule set: it is taken apart without an accident, and what is inserted opens the port."""

from __future__ import annotations

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import model
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nft_samples import (
    ACCEPT,
    DPORT,
    DROP,
    MATCHES,
    OURS,
    REJECT,
    SADDR,
    SETS,
    STATE,
    TAG,
    m,
    ruleset,
)

expressions = st.sampled_from([expression for expression, _holds in MATCHES])
random_rules = st.lists(
    st.tuples(st.lists(expressions, max_size=2), st.sampled_from([ACCEPT, DROP, REJECT, {"return": None}])).map(
        lambda pair: [*pair[0], pair[1]]
    ),
    max_size=5,
)


@given(random_rules, st.sampled_from(["accept", "drop"]), st.sampled_from(["inet", "ip"]))
def test_what_we_insert_opens_the_port(rules, policy, family):
    """Whatever the rule set: our rule first opens the chain for good, and nothing more is wanted then."""
    before = ruleset(rules, policy, family, sets=SETS)
    wanted = model.rules_for(before, 2222, [], TAG)
    assert model.needed(before, 2222, [], TAG) is bool(wanted)
    if wanted:
        after = ruleset([OURS, *rules], policy, family, sets=SETS)
        assert model.verdict(after, 2222) == "open"
        assert not model.needed(after, 2222, [], TAG)
        assert model.rules_for(after, 2222, [], TAG) == wanted
    else:
        assert model.verdict(before, 2222) in ("open", "limited", "unknown")


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["@x", "new", "10.0.0.1", "lo", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "set", "range", "prefix", "concat", "elem", "val", "addr", "len", "payload", "protocol", "field",
                    "meta", "key", "fib", "result", "flags", "&", "x",
                ]
            ),
            inner,
            max_size=2,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=300)
@given(junk, junk, st.sampled_from(["==", "!=", "in", "<", "@"]))
@example("x", {"range": [1, "x"]}, "==")
@example({"key": [], "field": {}, "protocol": "tcp", "result": [], "flags": {}}, [], "==")
@example({"key": "state", "field": [], "protocol": []}, [[]], "in")
@example({"result": "oif", "flags": ["saddr"]}, {}, "==")
def test_no_expression_is_too_strange(left, right, op):
    for side in (
        m(DPORT, right, op),
        m(left, 1, op),
        m(SADDR, right, op),
        m(STATE, right, op),
        m({"concat": left}, right, op),
        m({"meta": left}, right, op),
        m({"payload": left}, right, op),
        m({"ct": left}, right, op),
        m({"fib": left}, right, op),
        m({"&": left}, right, op),
    ):
        assert model.verdict(ruleset([[side, ACCEPT]]), 2222) in ("open", "closed", "limited", "unknown")
