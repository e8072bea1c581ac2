# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan as data: order, sections, and how it prints."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import ABSENT, UNKNOWN
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change, Item, Plan, diff
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY
from hypothesis import given
from hypothesis import strategies as st

SECTIONS = list(REGISTRY.places)


def one(section: str, kind: str, name: str, before: str, after: str, why: str) -> Item:
    """A plan of one change, as it travels."""
    plan = Plan(REGISTRY.places)
    plan.add(Change(section, kind, name, before, after, why))
    found, = plan.items()
    return found


@given(st.lists(st.tuples(st.sampled_from(SECTIONS), st.integers()), max_size=30))
def test_items_come_by_section_and_within_one_as_they_were_planned(rows):
    plan = Plan(REGISTRY.places)
    for number, (section, _any) in enumerate(rows):
        plan.add(Change(section, "thing", str(number), "absent", "there", "because"))
    found = [(SECTIONS.index(item.section), int(item.name)) for item in plan.ordered()]
    assert found == sorted(found) and len(found) == len(rows)


@given(st.text(max_size=20))
def test_what_is_as_wanted_is_no_item(text):
    plan = Plan(REGISTRY.places)
    plan.add(Change("state", "thing", "", text, text, "because"))
    assert plan.changes == []


def test_a_section_of_the_plan():
    plan = Plan(REGISTRY.places)
    for section in reversed(SECTIONS):
        plan.add(Change(section, "thing", section, "a", "b", "because"))
    assert [item.name for item in plan.section(["hop", "image"])] == ["image", "hop"]


def test_refusals_and_notes_are_said_once():
    plan = Plan(REGISTRY.places)
    for _again in range(2):
        plan.refuse("no")
        plan.note("well")
    assert (plan.errors, plan.notes) == (["no"], ["well"])


@pytest.mark.parametrize(
    ("kind", "name", "resource"),
    [("host_key", "ssh-ed25519", "host key ssh-ed25519"), ("entry", "", "entry")],
)
def test_a_resource_has_a_name_for_people(kind, name, resource):
    assert one("state", kind, name, "a", "b", "c").resource == resource


def test_the_diff_says_why_and_ends_its_lines():
    shown = diff([one("config", "sshd_config", "", "Port 22\n", "Port 2222", "as wished")])
    assert shown == [{
        "before_header": "sshd config (as wished)", "after_header": "sshd config",
        "before": "Port 22\n", "after": "Port 2222\n",
    }]
    assert diff([one("hop", "hop_user", "alice", "", "key", "why")])[0]["before"] == ""


def test_a_wish_may_own_several_sections():
    owned = [part for name in ("lockdown", "engine", "ssh", "firewall", "hop") for part in REGISTRY.sections([name])]
    assert [*sorted(owned, key=SECTIONS.index), "removal"] == SECTIONS and len(set(owned)) == len(owned)
    back = REGISTRY.sections(["removal"])
    assert back == SECTIONS, "each has something to take back"
    assert back[0] == "lockdown" and back[-3:] == ["firewall", "hop", "removal"], "what we closed opens first"


@pytest.mark.parametrize("text", ["<known after apply>", "absent"])
def test_a_file_that_holds_the_words_of_a_plan_is_a_file(text):
    change = Change("config", "file", "x", "", "".join(text), "because")
    assert not change.pending and not change.gone
    assert change._replace(after=UNKNOWN).pending and change._replace(after=ABSENT).gone
    assert diff([one("config", "file", "x", "kept\n", "".join(text), "because")])[0]["after"] == text + "\n"


@pytest.mark.parametrize(("before", "after"), [
    ("a line\nanother\n", "a line\nanother\n<known after apply>\n"),
    ("damaged", "<known after apply>\n"),
    ("", "<known after apply>\n"),
])
def test_what_is_not_known_yet_takes_no_line_away(before, after):
    shown = diff([one("config", "known_hosts", "", before, UNKNOWN, "pinned")])[0]
    assert shown["after"] == after
