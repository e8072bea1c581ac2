# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carrying out a plan: the order, another look after each round, and when to give up. Hosts are invented."""

from __future__ import annotations

import os
import stat

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import commands, host_lock, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import bookkeeping, plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import UNKNOWN, Item, Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import (
    apply,
    apply_container,
    apply_outside,
)

WANT = {"ssh": {}}


class Invented:
    """A host that is what its resources say; ``stuck`` ones do not change, ``slow`` ones need another look first."""

    def __init__(self, **resources):
        self.now = dict.fromkeys(resources, "absent")
        self.wanted = resources
        self.errors = []
        self.looks, self.acts = 0, []
        self.stuck, self.unknown_until = set(), {}
        self.label, self.answer = {}, {}

    def assess(self, _want, _secret, _earlier=None, proving=None):
        self.looks += 1
        plan = Plan()
        plan.errors = list(self.errors)
        for kind, section in self.wanted.items():
            after = UNKNOWN if self.unknown_until.get(kind, 0) >= self.looks else "there"
            plan.want(section, kind, "", self.now[kind], after if self.now[kind] == "absent" else "there", "because")
        proof = {"own": {"ok": True}} if proving and proving(plan) else {}
        return {"round": self.looks, "proof": proof, "image": dict(self.label)}, plan

    def act(self, host, item):
        self.acts.append((self.looks, item.kind))
        if item.kind == "image_facts":
            host.facts["image"] = dict(self.answer, engine_id="sha256:e", origin={})
        if item.kind not in self.stuck:
            self.now[item.kind] = "there"


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Apply on an invented host; gives the outcome."""
    def carry_out(host, sections=("ssh",), secret=None, first=None):
        written = []
        monkeypatch.setattr(apply.assess, "assess", host.assess)
        monkeypatch.setattr(apply.assess, "proof", lambda *_any: {"own": {"ok": True}})
        monkeypatch.setattr(apply.assess, "result", lambda _w, _f, plan, proof: {"plan": plan.items, "proof": proof})
        monkeypatch.setattr(apply, "HANDLERS", dict.fromkeys(host.wanted, host.act))
        monkeypatch.setattr(host_lock, "locked", lambda: lock(str(tmp_path / "lock")))
        for name in ("before_packages", "after_packages", "record"):
            monkeypatch.setattr(bookkeeping, name, lambda *given, name=name: written.append((name, *given)))
        host.written = written
        return apply.apply(WANT, list(sections), secret, {}, first)
    lock = host_lock.locked
    return carry_out


def test_in_the_order_of_the_sections_and_then_another_look(run):
    host = Invented(running="container", host_key="keys", folder="state", image="image")
    outcome = run(host)
    assert [kind for _round, kind in host.acts] == ["image", "folder", "host_key", "running"]
    assert host.looks == 2 and outcome["plan"] == [] and outcome["proof"] == {"own": {"ok": True}}
    assert [item["kind"] for item in outcome["done"]] == ["image", "folder", "host_key", "running"]
    assert all(item["resource"].startswith(item["kind"].split("_")[0]) for item in outcome["done"])  # as in a plan


def first_look(host, path):
    """A look that was made before the lock was taken."""
    turn = host_lock.turn(str(path))
    return apply.First(turn, *host.assess(WANT, None))


def test_a_look_that_is_still_true_is_not_repeated(run, tmp_path):
    host = Invented(sshd_config="config")
    with host_lock.locked(str(tmp_path / "lock")):
        pass
    outcome = run(host, first=first_look(host, tmp_path / "lock"))
    assert host.acts == [(1, "sshd_config")] and host.looks == 2 and outcome["proof"] == {"own": {"ok": True}}


def test_a_look_before_somebody_elses_turn_is_repeated(run, tmp_path):
    host, locked = Invented(sshd_config="config"), host_lock.locked
    for had_it in (False, True):
        first = first_look(host, tmp_path / "lock")
        if had_it:
            with locked(str(tmp_path / "lock")):
                pass
        host.now["sshd_config"], host.looks, host.acts = "absent", 1, []
        run(host, first=first)
        assert host.acts == [(2, "sshd_config")]  # where there was no lock yet, nobody knows


def test_a_converged_host_is_looked_at_and_left_alone(run):
    host = Invented(folder="state")
    host.now["folder"] = "there"
    assert run(host)["done"] == [] and host.acts == [] and host.looks == 1


def test_only_the_sections_that_were_asked_for(run):
    host = Invented(folder="state", nftables="firewall", hop_config="hop")
    run(host, ["firewall"])
    assert [kind for _round, kind in host.acts] == ["nftables"]


def test_what_cannot_be_known_yet_waits_for_another_look(run):
    host = Invented(folder="state", sshd_config="config", container="container")
    host.unknown_until = {"sshd_config": 1}
    run(host)
    assert host.acts == [(1, "folder"), (2, "sshd_config"), (2, "container")]


@pytest.mark.parametrize("kind", sorted(apply_container.MAKERS))
def test_what_only_the_act_can_tell_is_made_at_once(run, kind):
    host = Invented(**{kind: "state"})
    host.unknown_until = {kind: 9}
    run(host)
    assert host.acts == [(1, kind)]


@pytest.mark.parametrize(("answer", "looks"), [({"kex": ["a"]}, 1), ({"kex": ["b"]}, 2)])
def test_an_image_that_says_what_its_label_said_needs_no_other_look(run, answer, looks):
    host = Invented(image_facts="state", sshd_config="config")
    host.label, host.answer = {"kex": ["a"]}, answer
    run(host)
    assert host.acts == [(1, "image_facts"), (looks, "sshd_config")]


@pytest.mark.parametrize(("first", "then"), [("host_key", "known_hosts"), ("hop_identity", "hop_user")])
def test_what_the_act_before_makes_known_follows_at_once(run, first, then):
    host = Invented(**{first: "keys", then: "config"})
    host.unknown_until = {first: 9, then: 9}
    run(host)
    assert host.acts == [(1, first), (1, then)]
    alone = Invented(**{then: "config"})
    alone.unknown_until = {then: 1}
    run(alone)
    assert alone.acts == [(2, then)]


def test_a_plan_with_a_refusal_changes_nothing(run):
    host = Invented(folder="state")
    host.errors = ["port 2222 is taken by nginx", "no root"]
    with pytest.raises(apply.ApplyError, match="port 2222 is taken by nginx; no root"):
        run(host)
    assert host.acts == [] and host.written == []


def test_what_does_not_change_is_named_and_not_tried_for_ever(run):
    host = Invented(folder="state", running="container")
    host.stuck = {"running"}
    with pytest.raises(apply.ApplyError, match=r"running is still absent; it was to be there; .* run again"):
        run(host)
    assert host.now["folder"] == "there" and host.looks == 3


def test_two_resources_that_undo_each_other_come_to_an_end(run):
    host = Invented(folder="state", entry="state")

    def undo(_host, item):
        other = "entry" if item.kind == "folder" else "folder"
        host.now.update({item.kind: "there", other: "absent"})

    host.act = undo
    with pytest.raises(apply.ApplyError, match="is still absent"):
        run(host)
    assert host.looks <= apply.ROUNDS


def test_an_act_that_fails_stops_the_rest_and_the_next_run_goes_on(run):
    host = Invented(folder="state", sshd_config="config", running="container")
    act = host.act

    def fail(one, item):
        if item.kind == "sshd_config":
            raise apply_container.ContainerError("refused")
        act(one, item)

    host.act = fail
    with pytest.raises(apply_container.ContainerError, match="refused"):
        run(host)
    assert host.now == {"folder": "there", "sshd_config": "absent", "running": "absent"}
    host.act = act
    assert [item["kind"] for item in run(host)["done"]] == ["sshd_config", "running"]


def test_what_ansible_does_itself_is_written_down_first_and_left_to_it(run):
    host = Invented(daemon_settings="engine", packages="engine", service="engine")
    run(host, ["engine"])
    assert [kind for _round, kind in host.acts] == ["daemon_settings"]
    assert [row[0] for row in host.written] == ["before_packages", "record"]
    assert host.written[0][1] == ["there"] and host.written[1][1] == "service"


def test_every_kind_that_can_be_planned_has_somebody_who_mends_it():
    planned = set(apply.HANDLERS) | plan.BY_ANSIBLE
    assert set(apply.HANDLERS) >= apply_container.MAKERS
    assert not set(apply_container.HANDLERS) & set(apply_outside.HANDLERS)
    assert {"packages", "service"} == planned - set(apply.HANDLERS)


def test_sections_are_those_of_the_plan():
    assert plan.section_names(["firewall"]) == ["firewall"]
    assert "access" in plan.section_names(["ssh"])


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to own files as somebody else")
def test_the_identity_goes_with_its_folder(tmp_path, monkeypatch):
    """Else another look, before the container starts and hands over its home, would find an identity to mend."""
    home = tmp_path / "home-ssh"
    home.mkdir(mode=0o700)
    for name, mode in (("id_ed25519", 0o600), ("id_ed25519.pub", 0o644), ("other", 0o644)):
        (home / name).write_bytes(name.encode())
        (home / name).chmod(mode)
    (home / "link").symlink_to("/etc/passwd")
    monkeypatch.setattr(paths, "HOME_SSH", str(home))
    monkeypatch.setattr(paths, "IDENTITY", str(home / "id_ed25519"))
    monkeypatch.setattr(paths, "VAR_DIR", str(tmp_path))
    monkeypatch.setattr(apply_container.bookkeeping, "record", lambda *_any: None)
    apply_container.folder(None, Item("state", "folder", str(home), "700 0:0", "700 4711:4712", ""))
    seen = {path.name: (path.lstat().st_uid, path.lstat().st_gid, stat.S_IMODE(path.lstat().st_mode))
            for path in (home, *home.iterdir())}
    assert seen.pop("link")[0] == seen.pop("other")[0] == 0
    assert seen == {"home-ssh": (4711, 4712, 0o700), "id_ed25519": (4711, 4712, 0o600),
                    "id_ed25519.pub": (4711, 4712, 0o644)}
    assert (home / "id_ed25519").read_bytes() == b"id_ed25519"


@pytest.mark.parametrize("want", [{"ssh": {"entry": "ours"}}, {"hop": {"entry": "ours"}}])
def test_what_is_run_comes_from_no_folder_that_a_container_can_write(want, monkeypatch, tmp_path):
    """The state folder is mounted writable: what its entry says may be the container's word, and is never run."""
    asked = []

    def run_once(image, program, mounts, **_more):
        source = next(mount for mount in mounts if "readonly" in mount and paths.ENTRY in mount).split("source=")[1]
        path = source.split(",")[0]
        with open(path, encoding="ascii") as entry:
            asked.append((image, program[0], os.path.dirname(path), entry.read(), stat.S_IMODE(os.stat(path).st_mode)))
        return commands.Completed(0, b"", b"")

    monkeypatch.setattr(paths, "VAR_DIR", str(tmp_path))
    monkeypatch.setattr(apply_container.cli, "run_once", run_once)
    monkeypatch.setattr(apply_container.files, "make_dir", lambda *_any: None)
    write = apply_container.files.write_file
    monkeypatch.setattr(apply_container.files, "write_file",
                        lambda path, data, mode: write(path, data, mode, os.geteuid(), os.getegid()))
    host = apply.Host(want, None, {})
    host.facts = {"image": {"engine_id": "sha256:e"}, "container": {}}
    assert apply_container._asked(host, "/etc/oqs-ssh/private/candidate").rc == 0
    assert asked == [("sha256:e", paths.ENTRY, str(tmp_path), "ours", 0o755)]
    assert list(tmp_path.iterdir()) == [], "nothing of it is left"
