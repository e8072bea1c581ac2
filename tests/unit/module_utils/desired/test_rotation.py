# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rotation of host keys plans, at each moment at which one may have been cut short."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import UNKNOWN
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import known_hosts, policy, rotation
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import Announced, State
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files

FILE = key_files.host_key_name(samples.HYBRID_KEY)
NEXT = samples.key_pair(samples.HYBRID_KEY, b"next")
PATH = policy.next_path(samples.HYBRID_KEY)


def wishes(step: str = "", overlap: float = 168.0) -> Dict[str, Any]:
    found = samples.want()
    found["ssh"] = dict(found["ssh"], rotate={"step": step, "overlap": overlap} if step else {})
    return found


def host(announced: bool = False, pair: Optional[Any] = None, age: float = 200.0) -> Dict[str, Any]:
    """A converged host, with a next pair where one is given, and served where it is announced."""
    facts = samples.converged()
    state = facts["state"]
    if pair:
        found = key_files.pair_state(*pair).key
        mine = {FILE: Announced(found.fingerprint, 0.0)} if found else {}
        state.update(next={FILE: pair}, announced=mine, next_age=age)
    if announced:
        goal = samples.content_of(wishes(), facts)
        state.update(sshd_config=goal.sshd_config, known_hosts=goal.known_hosts)
        state["in_force"] = digests.digest(goal.sshd_config)
    return facts


def told(plan: Any) -> List[str]:
    assert not plan.errors
    return [item.resource for item in plan.ordered()]


def test_without_a_wish_nothing_is_rotated() -> None:
    assert told(samples.plan(wishes(), host())) == []


def test_announced_beside_the_present_key_which_stays_the_first() -> None:
    plan = samples.plan(wishes("announce"), host())
    assert told(plan) == [
        "next host key " + samples.HYBRID_KEY, "sshd config", "known hosts container", "in force oqs-ssh"]
    after = {item.kind: item.after for item in plan.changes}
    assert after["next_host_key"] == after["known_hosts"] == UNKNOWN
    paths = sshconfig.read(after["sshd_config"].encode(), "sshd_config")["hostkey"]
    assert paths == ["/opt/oqs-ssh/" + FILE, PATH]
    lines = [line for line in after["sshd_config"].splitlines() if "HostKey " in line and not line.startswith("#")]
    assert all(line.startswith("HostKey /") and line.endswith("_key") for line in lines), "key-gen.sh would miscount"


def test_every_later_run_keeps_what_is_announced_and_names_it() -> None:
    facts = host(announced=True, pair=NEXT, age=3.0)
    for step in ("", "announce"):
        plan = samples.plan(wishes(step), facts)
        assert told(plan) == []
        assert any("for 3.0 hours now" in note and "oqs_ssh_rotate_keys=switch" in note for note in plan.notes)
    assert len(known_hosts.keys_of(facts["state"]["known_hosts"])) == 2, "both are pinned"


def test_another_wish_keeps_what_is_announced() -> None:
    want = dict(wishes(), ssh=dict(wishes()["ssh"], kex_algorithms=["mlkem768x25519-sha256"]))
    plan = samples.plan(want, host(announced=True, pair=NEXT))
    after = next(item.after for item in plan.changes if item.kind == "sshd_config")
    assert PATH in after


def test_a_switch_is_told_with_both_fingerprints() -> None:
    facts = host(announced=True, pair=NEXT)
    plan = samples.plan(wishes("switch"), facts)
    assert told(plan) == [
        "host key switch " + samples.HYBRID_KEY, "sshd config", "known hosts container", "in force oqs-ssh"]
    old, new = (key_files.pair_state(*pair).key for pair in (facts["state"]["keys"][FILE], NEXT))
    assert old and new
    items = {item.kind: item for item in plan.changes}
    assert (items["host_key_switch"].before, items["host_key_switch"].after) == (old.fingerprint, new.fingerprint)
    assert known_hosts.keys_of(items["known_hosts"].after.encode()) == [" ".join(new.line.split()[:2])]
    assert PATH not in items["sshd_config"].after


@pytest.mark.parametrize(("age", "overlap", "refused"), [(3.0, 168.0, True), (3.0, 0.0, False), (200.0, 168.0, False)])
def test_a_switch_waits_for_the_clients(age: float, overlap: float, refused: bool) -> None:
    plan = samples.plan(wishes("switch", overlap), host(announced=True, pair=NEXT, age=age))
    assert bool(plan.errors) is refused
    assert not refused or "announced 3.0 hours ago" in plan.errors[0]


def test_nothing_to_switch_to_is_said_and_no_failure() -> None:
    plan = samples.plan(wishes("switch"), host())
    assert told(plan) == []
    assert any("announce" in note for note in plan.notes)


def test_cancel_drops_what_is_announced() -> None:
    plan = samples.plan(wishes("cancel"), host(announced=True, pair=NEXT))
    assert "next host key gone " + samples.HYBRID_KEY in told(plan)
    assert PATH not in next(item.after for item in plan.changes if item.kind == "sshd_config")


@pytest.mark.parametrize("pair", [(None, NEXT[1]), (NEXT[0], None), (b"rubbish", NEXT[1])], ids=["public", "private",
                                                                                              "damaged"])
def test_half_a_next_key_is_served_to_nobody(pair: Any) -> None:
    facts = host(announced=False, pair=pair)
    assert told(samples.plan(wishes(), facts)) == ["next host key gone " + samples.HYBRID_KEY]
    assert told(samples.plan(wishes("announce"), facts))[0] == "next host key " + samples.HYBRID_KEY


def test_a_switch_that_was_cut_short_is_brought_to_its_end_by_any_run() -> None:
    facts = host(announced=True, pair=NEXT)
    facts["state"]["keys"][FILE] = NEXT  # in its place, and not yet gone from where it waited
    facts["state"]["in_force"] = ""
    plan = samples.plan(wishes(), facts)
    assert told(plan) == [
        "next host key gone " + samples.HYBRID_KEY, "sshd config", "known hosts container", "in force oqs-ssh"]


def test_keys_of_hosts_without_a_container_are_not_rotated() -> None:
    facts = samples.image_known()
    plan = samples.plan(wishes("announce"), facts)
    assert any("run deploy first" in error for error in plan.errors)


def test_the_hops_key_is_replaced_when_that_is_wished() -> None:
    want = samples.want(hop=samples.hop_want(rotate=True))
    plan = samples.plan(want, samples.converged())
    assert told(plan) == ["hop identity /var/lib/oqs-ssh/home-ssh/id_ed25519", "hop user alice"]
    assert all(item.after == UNKNOWN for item in plan.changes)


def test_a_hop_without_a_key_has_none_to_rotate() -> None:
    want = samples.want(hop=samples.hop_want(rotate=True, users=[]))
    plan = samples.plan(want, samples.converged(want))
    assert any("nothing to rotate" in note for note in plan.notes)


# whose keys they are

MINE = {FILE: Announced("SHA256:mine", 1000.0)}


def test_the_record_is_read_as_it_was_written() -> None:
    assert rotation.parse(rotation.recorded(MINE)) == MINE


@pytest.mark.parametrize("data", [None, b"", b"{", b"[]", b'{"a": 1}', b'{"a": {"fingerprint": 7, "since": 1.0}}'])
def test_a_damaged_record_is_none(data: Optional[bytes]) -> None:
    assert rotation.parse(data) == {}


def test_the_overlap_is_counted_from_the_record_and_not_from_a_file_s_time() -> None:
    state = State(next={FILE: NEXT}, announced=MINE)
    assert rotation.age(state, 1000.0 + 7200.0) == 2.0 and rotation.age(state, 0.0) == 0.0
    assert rotation.age(State(announced=MINE), 9000.0) == 0.0
