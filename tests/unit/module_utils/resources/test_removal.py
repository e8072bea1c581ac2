# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of removal: what the ledger names goes, what others have or have changed stays and is named."""

from __future__ import annotations

import contextlib
import copy
import os

import core_samples as samples
import known_samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests, file_modes, files, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.inventory import Brought, Inventory, Seen
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalld, nftables
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import restore, runner
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger import Row
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.restore import Folder, Named
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import accounts, engine, firewall
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.accounts import Account
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.engine import Left
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.removal import Inside
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.summary import summary, summary_removal
from core_samples import IDENTITY
from hypothesis import given
from hypothesis import strategies as st

IMAGE = "sha256:" + "ab" * 32
LINE = b'restrict,pty,from="127.0.0.1,::1" ' + b" ".join(IDENTITY.split()[:2]) + b" oqs-ssh-hop\n"
THEIRS = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIAp6SR0z//doJMMtG+2IzQIzfuxBLd8PFWaGwX8HLL+ me\n"
DAEMON, CONF = b'{"bridge": "none"}\n', b"flush ruleset"
INCLUDED = CONF + b'\ninclude "/etc/nftables.d/oqs-ssh.nft"\n'
ZONE = "/etc/firewalld/zones/public.xml"
PUBLIC = b'<?xml version="1.0"?>\n<zone>\n  <short>Public</short>\n  <service name="ssh"/>\n</zone>\n'
RULE = b'<rule priority="22222"><port port="2222" protocol="tcp"/><accept/></rule>\n'
OPENED = PUBLIC.replace(b"</zone>", RULE + b"</zone>")
STATE = "/etc/oqs-ssh"


def row(kind, name, before, after):
    return Row(kind, name, before, after, "2026-01-02T03:04:05Z")


def rows_of(docker=True):
    """A ledger as a first deployment writes it."""
    rows = [
        row("folder", STATE, None, "755 0:0"), row("folder", paths.HOME_SSH, None, "700 22222:22222"),
        row("file", paths.ENTRY_FILE, None, "x"),
        row("image", IMAGE, None, "localhost/quantumsafe/openssh-stock:latest"),
        row("container", "oqs-ssh", None, "label"), row("line", "/home/alice/.ssh/authorized_keys", "absent", "alice"),
        row("keys_folder", "alice", None, "/home/alice/.ssh"),
    ]
    if docker:
        rows += [
            row("package", "docker.io", None, "installed"), row("package", "runc", None, engine.ALONG),
            row("folder", "/etc/docker", None, "of the engine"),
            row("folder", "/var/lib/docker", "755 0:0", "of the engine"),
            row("group", "docker", None, "of the packages"),
            row("file", "/etc/docker/daemon.json", None, digests.digest(DAEMON)),
        ]
    return rows


def folder(mode="755 0:0", names=("x",), files=()):
    return Folder(file_modes.parse(mode), tuple(names), tuple(files))


def found(docker=True, **other):
    """A host as it is after a deployment: what the looks of a removal give, and ``disk``, files by path."""
    facts = {
        "rows": rows_of(docker), "cut": False, "kept": {}, "inside": False, "lockdown": "open", "ledger": True,
        "disk": {}, "asleep": False, "engine": True, "dockerd": True, "others": [], "services": {},
        "folders": {path: folder() for path in paths.REMOVED},
        "files": {}, "packages": [], "staying": {}, "groups": {}, "firewall": samples.firewall_facts(),
        "users": {"alice": user(LINE)},
        "containers": {"oqs-ssh": Seen("1", "running", True)},
        "images": [Brought(IMAGE, (IMAGE, "localhost/quantumsafe/openssh-stock:latest"))],
    }
    if docker:
        facts["folders"].update({"/etc/docker": folder(files=["/etc/docker/daemon.json"]), "/var/lib/docker": folder()})
        facts.update(packages=["docker.io", "runc"], groups={"docker": []},
                     files={"/etc/docker/daemon.json": DAEMON})
    facts["folders"][paths.PARTS_DIR] = None
    return dict(facts, **other)


def user(keys, mode="600 1000:1000", folder_mode="700 1000:1000", alone=True, empty=False):
    return Account(
        uid=1000, gid=1000, path="/home/alice/.ssh/authorized_keys", root="/home/alice", keys=keys,
        owner=file_modes.parse(mode), folder_owner=file_modes.parse(folder_mode), alone=alone, empty=empty,
    )


def plan(facts, **removal):
    wanted = {"removal": dict({"container": "oqs-ssh", "port": 2222, "hop_users": [], "keep_keys": False}, **removal)}
    known = samples.facts_of(wanted, dict(
        samples.virgin(), firewall=facts["firewall"], lockdown={"state": facts["lockdown"]}))
    known.put(
        Named(tuple(facts["rows"]), facts["cut"], facts["folders"], facts["files"], facts["kept"]),
        Inside(facts["inside"]),
        Inventory(facts["engine"], facts["asleep"], facts["containers"], facts["images"], facts["others"]),
        Left(facts["packages"], facts["staying"], facts["groups"], facts["services"], facts["dockerd"]),
    )
    with on_disk(facts["disk"], facts["ledger"]) as patch:
        patch.setattr(accounts, "read", lambda names, _written: {name: facts["users"][name] for name in names})
        return runner.make_plan(REGISTRY, samples.spec(wanted), known)


@contextlib.contextmanager
def on_disk(disk, ledger=False):
    """Files of the host, by path; and whether the ledger's folder is there."""
    def names(path, root="/"):
        inside = [each[len(path) + 1:] for each in disk if each.startswith(path + "/")]
        return sorted({each.partition("/")[0] for each in inside})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "list_dir", names)
        patch.setattr(files, "read_file", lambda path, **_root: disk.get(path))
        patch.setattr(os.path, "isdir", lambda path: ledger and path == paths.VAR_DIR)
        yield patch


def before(facts, kind, value):
    """The ledger with another value before us of a kind."""
    return [each._replace(before=value) if each.kind == kind else each for each in facts["rows"]]


def kinds(made):
    return [(item.kind, item.name) for item in made.ordered()]


def test_everything_of_ours_goes_and_the_ledger_last():
    made = plan(found())
    assert kinds(made) == [
        ("hop_user_gone", "alice"), ("keys_folder_gone", "/home/alice/.ssh"), ("container_gone", "oqs-ssh"),
        ("image_gone", IMAGE), ("folder_gone", STATE), ("folder_gone", paths.HOME_SSH),
        ("folder_gone", paths.SERVER_DIR), ("folder_gone", paths.VAR_DIR + "/images"),
        ("packages_gone", ""), ("file_back", "/etc/docker/daemon.json"),
        ("engine_folder", "/etc/docker"), ("engine_folder", "/var/lib/docker"), ("group_gone", "docker"),
        ("ledger_gone", paths.VAR_DIR),
    ]
    assert not made.errors and not made.notes
    assert all(change.act for change in made.changes), "somebody carries it out"


def test_nothing_of_ours_is_left_to_be_planned():
    gone = found(folders=dict.fromkeys(paths.REMOVED), rows=[], ledger=False, containers={}, images=[],
                 users={}, packages=[], files={}, groups={})
    made = plan(gone)
    assert kinds(made) == [] and made.notes == []


def test_wherever_it_is_cut_short_the_rest_is_planned_again():
    """Each item follows from what is there: taking the first ones away leaves the others, and no new ones."""
    facts, whole = found(), plan(found())
    for item in whole.ordered()[:-1]:
        if item.kind == "hop_user_gone":
            facts["users"]["alice"] = user(b"", mode="absent", empty=True)
        elif item.kind == "keys_folder_gone":
            facts["users"]["alice"] = user(b"", mode="absent", folder_mode="absent", empty=True)
        elif item.kind == "container_gone":
            facts["containers"] = {}
        elif item.kind == "image_gone":
            facts["images"] = []
        elif item.kind in ("folder_gone", "engine_folder"):
            facts["folders"][item.name] = folder(names=()) if item.after.startswith("empty") else None
        elif item.kind == "packages_gone":
            facts.update(packages=[], engine=False, dockerd=False)
        elif item.kind == "file_back":
            facts["files"][item.name] = None
            facts["folders"]["/etc/docker"] = folder(names=())
        elif item.kind == "group_gone":
            facts["groups"]["docker"] = None
        rest = kinds(plan(copy.deepcopy(facts)))
        assert rest == kinds(whole)[kinds(whole).index((item.kind, item.name)) + 1:], item


@pytest.mark.parametrize("others", [["the container db"], ["the volume data"], ["containerd's namespace k8s.io"]])
def test_docker_that_others_use_stays_whole(others):
    made = plan(found(others=others))
    left = {"packages_gone", "file_back", "engine_folder", "group_gone"}
    assert not left & {item.kind for item in made.changes}
    assert made.notes == ["Docker stays, with its settings: others use it: " + others[0]]
    assert kinds(made)[-1][0] == "ledger_gone", "the host is theirs now"


def test_a_package_that_others_need_stays_and_so_does_what_is_docker_s():
    made = plan(found(staying={"runc": "podman"}))
    packages = next(item for item in made.changes if item.kind == "packages_gone")
    assert packages.before == "docker.io" and "the package runc stays: needed by podman" in made.notes


def test_another_engine_that_came_since_keeps_its_folders():
    made = plan(found(packages=[]))
    assert not {"engine_folder", "group_gone", "packages_gone"} & {item.kind for item in made.changes}


def test_an_engine_that_does_not_answer_is_asked_for():
    made = plan(found(asleep=True))
    assert made.errors == [
        "the container cannot be removed while Docker does not answer: systemctl start docker, run again"]


def test_a_key_that_the_engine_made_for_itself_goes_with_it():
    """Docker 20.10 (Debian 12) does so at its first start."""
    facts = found()
    facts["folders"]["/etc/docker"] = folder(files=["/etc/docker/daemon.json", "/etc/docker/key.json"])
    assert ("engine_folder", "/etc/docker") in kinds(plan(facts))


def test_files_of_others_in_the_engine_s_folder_keep_it():
    facts = found()
    facts["folders"]["/etc/docker"] = folder(files=["/etc/docker/daemon.json", "/etc/docker/certs.d/ca.crt"])
    made = plan(facts)
    assert ("engine_folder", "/etc/docker") not in kinds(made)
    assert "/etc/docker stays: others have put /etc/docker/certs.d/ca.crt there" in made.notes


def test_settings_that_somebody_changed_stay():
    facts = found(files={"/etc/docker/daemon.json": DAEMON + b"#"})
    made = plan(facts)
    assert ("file_back", "/etc/docker/daemon.json") not in kinds(made)
    assert "/etc/docker/daemon.json stays: somebody has changed it since" in made.notes


def test_a_group_with_people_in_it_stays():
    assert "the group docker stays: somebody put alice into it" in plan(found(groups={"docker": ["alice"]})).notes


def test_an_image_that_others_use_or_name_stays():
    image = found()["images"][0]
    made = plan(found(images=[image._replace(used=("theirs",))]))
    assert "image_gone" not in [item.kind for item in made.changes] and "used by theirs" in made.notes[0]
    made = plan(found(images=[image._replace(others=("mine:1",))]))
    gone = next(item for item in made.changes if item.kind == "image_gone")
    assert gone.before == "localhost/quantumsafe/openssh-stock:latest", "only our name; the id would take theirs, too"
    assert "mine:1" in made.notes[0]


@pytest.mark.parametrize(("keys", "more", "after"), [
    (THEIRS + LINE, {}, THEIRS.decode()),
    (LINE, {}, "absent"),
    (b"# a note\n" + LINE, {}, "# a note\n"),
    (LINE, {"alone": False}, "absent"),
])
def test_only_our_line_of_an_account_goes(keys, more, after):
    made = plan(found(users={"alice": user(keys, **more)}))
    item = next(each for each in made.changes if each.kind == "hop_user_gone")
    assert item.after == after
    gone = ("keys_folder_gone", "/home/alice/.ssh") in kinds(made)
    assert gone is (after == "absent" and not more)
    assert gone or "/home/alice/.ssh stays: others have put something there" in made.notes


def test_a_file_of_keys_that_was_there_stays_even_when_it_is_empty():
    facts = found(users={"alice": user(LINE)})
    facts["rows"] = [each for each in facts["rows"] if each.kind != "keys_folder"]
    facts["rows"] = before(facts, "line", "644 1000:1000")
    item = next(each for each in plan(facts).changes if each.kind == "hop_user_gone")
    assert item.after == ""


def test_the_mode_of_a_folder_of_keys_comes_back():
    facts = found(users={"alice": user(LINE)})
    facts["rows"] = before(facts, "keys_folder", "775 1000:1000")
    item = next(each for each in plan(facts).changes if each.kind == "keys_folder_back")
    assert (item.name, item.after) == ("/home/alice/.ssh", "775 1000:1000")


PASSWORD = paths.PRIVATE_DIR + "/password"
ASIDE = "/var/backups/oqs-ssh"


def test_keys_are_kept_before_anything_goes_and_once_only():
    kept = {PASSWORD: b"a", paths.IDENTITY: b"b", paths.PRIVATE_DIR + "/in-force": b"c"}
    made = plan(found(disk=kept), keep_keys=True)
    names = [kind for kind, _name in kinds(made)]
    assert names.index("keys_aside") < names.index("folder_gone")
    assert ("keys_aside", ASIDE) in kinds(made)
    assert next(each.after for each in made.changes if each.kind == "keys_aside") == "2 files"
    assert any("/var/backups/oqs-ssh holds the keys" in note for note in made.notes)
    other = plan(found(disk={PASSWORD: b"a", ASIDE + "/private/other": b"x"}), keep_keys=True)
    assert ("keys_aside", "/var/backups/oqs-ssh-2") in kinds(other), "an older one is not written over"
    same = plan(found(disk={PASSWORD: b"a", ASIDE + "/private/password": b"a"}), keep_keys=True)
    assert "keys_aside" not in [kind for kind, _name in kinds(same)]
    assert "keys_aside" not in [kind for kind, _name in kinds(plan(found(disk=kept)))], "nobody asked"


def test_keys_of_an_earlier_deployment_under_the_same_names_are_not_taken_for_these():
    made = plan(found(disk={PASSWORD: b"new", ASIDE + "/private/password": b"old"}), keep_keys=True)
    assert ("keys_aside", ASIDE + "-2") in kinds(made)
    assert not any(note.startswith(ASIDE + " holds") for note in made.notes)


def test_files_of_others_among_the_configuration_stay():
    facts = found(disk=dict.fromkeys([STATE + "/notes.txt", STATE + "/entry", STATE + "/sshd_config"], b""))
    facts["folders"][STATE] = folder(names=["notes.txt", "entry"])
    made = plan(facts)
    assert ("folder_emptied", STATE) in kinds(made) and ("folder_gone", STATE) not in kinds(made)
    assert STATE + " stays with what others have put there: %s/notes.txt" % STATE in made.notes
    facts["folders"][STATE] = folder(names=["notes.txt"])
    assert ("folder_emptied", STATE) not in kinds(plan(facts))


def test_a_state_folder_that_was_there_before_stays():
    facts = found()
    facts["rows"] = [each for each in facts["rows"] if each.name != STATE]
    made = plan(facts)
    assert ("folder_gone", STATE) not in kinds(made) and made.notes[0].startswith(STATE + " stays: it was there before")
    assert ("folder_emptied", STATE) in kinds(made), "host keys and the password's hash never stay"


def test_somebodys_configuration_is_given_back():
    mine, theirs = b"ours", b"Port 2022\n"
    path, kept = STATE + "/sshd_config", digests.digest(theirs)
    facts = found(disk={path: mine, STATE + "/private/password": b"x"}, kept={kept: theirs})
    facts["rows"] = [row("file", path, kept, kept), row("folder", STATE, "700 0:0", "755 0:0"), *facts["rows"][1:]]
    facts["folders"][STATE] = folder(names=["private", "sshd_config"])
    made = plan(facts)
    assert ("file_back", path) in kinds(made) and ("folder_emptied", STATE) in kinds(made)
    assert next(each for each in made.changes if each.kind == "file_back").after == "Port 2022\n"
    assert any(note.startswith(STATE + " stays: it was there before") for note in made.notes)


def test_a_folder_of_somebodys_is_no_rest_of_ours():
    facts = found(rows=[], ledger=False, images=[], packages=[], users={}, containers={})
    facts["folders"] = {path: folder(names=["notes.txt"]) if path == STATE else None for path in paths.REMOVED}
    assert kinds(plan(facts)) == [] and not plan(facts).notes


def test_without_a_ledger_only_what_carries_our_mark_goes():
    facts = found(rows=[], ledger=False, images=[], packages=[], users={})
    facts["folders"][STATE] = folder(names=["private"])
    made = plan(facts)
    assert kinds(made) == [("container_gone", "oqs-ssh")]
    assert made.notes[0].startswith("there is no ledger on this host: only the container, rules and lines")
    assert STATE in made.notes[0] and "oqs_ssh_hop_users" in made.notes[0]
    facts = found(rows=[], ledger=False, images=[], packages=[], users={"alice": user(THEIRS + LINE)})
    made = plan(facts, hop_users=["alice"])
    assert kinds(made) == [("hop_user_gone", "alice"), ("container_gone", "oqs-ssh")]
    assert "oqs_ssh_hop_users" not in made.notes[0], "they are named"


def test_an_image_on_its_way_goes_even_before_there_is_a_ledger():
    facts = found(rows=[], ledger=False, images=[], users={}, packages=[], containers={}, folders={
        path: folder() if path == paths.PARTS_DIR else None for path in paths.REMOVED})
    made = plan(facts)
    assert kinds(made) == [("folder_gone", paths.PARTS_DIR)] and not made.notes


def test_somebody_else_s_container_under_our_name_stays():
    made = plan(found(containers={"oqs-ssh": Seen("2", "running", False)}))
    assert "container_gone" not in [item.kind for item in made.changes]
    assert "the container oqs-ssh stays: it is not the one that was deployed here" in made.notes


def test_a_cut_ledger_is_said():
    assert plan(found(cut=True)).notes[0].startswith("the ledger's end is cut off")


def test_the_way_of_this_very_run_is_not_cut_off():
    assert "connect to the host's own sshd" in plan(found(inside=True)).errors[0]
    assert not plan(found(inside=True, containers={})).errors
    assert "oqs_ssh_lockdown: false" in plan(found(inside=True, lockdown="closed")).errors[0]


def test_what_was_locked_is_opened_before_anything_goes():
    first = plan(found(lockdown="closed")).ordered()[0]
    assert (first.kind, first.before, first.after) == ("lockdown", "closed", "open")


@pytest.mark.parametrize(("before", "now", "others", "planned"), [
    ("inactive disabled", "active enabled", False, True),
    ("active enabled", "active enabled", False, False),
    ("inactive", "active enabled", False, False),  # there was no such unit
    ("inactive disabled", "active enabled", True, False),
])
def test_a_service_is_as_it_was_found(before, now, others, planned):
    facts = found(docker=False, services={"docker.service": now})
    facts["rows"].append(row("service", "docker.service", before, "active enabled"))
    if others:
        facts["containers"]["db"] = Seen("3", "running", False)
    made = plan(facts)
    assert (("service_back", "docker.service") in kinds(made)) is planned
    assert ("docker.service stays as it is: containers of others run" in made.notes) is others


# -- files that others write, too ----------------------------------------------------------------------------------


def written(path, *states):
    """Rows of writes, each from one content to the next."""
    hashes = [None if each is None else digests.digest(each) for each in states]
    return [row("file", path, one, other) for one, other in zip(hashes, hashes[1:])]


def copies(*states):
    return {digests.digest(each): each for each in states if each is not None}


@given(st.lists(st.none() | st.binary(max_size=5), min_size=2, max_size=5), st.none() | st.binary(max_size=5))
def test_a_file_goes_back_when_nobody_else_has_written_it(states, other):
    rows, kept = written(CONF.decode(), *states), copies(*states)
    back = restore.file_back(rows, CONF.decode(), states[-1], kept)
    assert back == (states[0], True)
    assert restore.file_back(rows, CONF.decode(), other, kept).untouched is (other == states[-1])


def test_a_write_between_ours_is_seen():
    rows = written("/etc/nftables.conf", CONF, INCLUDED) + written("/etc/nftables.conf", INCLUDED + b"#", CONF + b"#")
    assert not restore.file_back(rows, "/etc/nftables.conf", CONF + b"#", copies(CONF)).untouched


def test_a_lost_copy_is_no_empty_file():
    rows = written("/etc/nftables.conf", CONF, INCLUDED)
    assert not restore.file_back(rows, "/etc/nftables.conf", INCLUDED, {}).untouched


@pytest.mark.parametrize(("now", "after"), [(INCLUDED, CONF), (INCLUDED + b"#", CONF + b"\n#")])
def test_a_firewall_s_file_is_as_it_was_byte_by_byte(now, after):
    path = nftables.CONF
    own = nftables.Nftables(samples.ruleset(), persistent=True, conf=now)
    facts = found(firewall=samples.firewall_facts(nftables=own), files={path: now}, kept=copies(CONF))
    facts["rows"] += written(path, CONF, INCLUDED)
    change, = [each for each in plan(facts).changes if each.name == path]
    assert (change.kind, change.after) == ("firewall_file", after.decode())
    assert change.before == now.decode()


@pytest.mark.parametrize(("data", "default", "first", "result"), [
    (OPENED, PUBLIC, None, (True, None)),  # the copy goes, firewalld's own counts again
    (PUBLIC, PUBLIC, None, (True, None)),
    (OPENED.replace(b"ssh", b"http"), PUBLIC, None, (False, None)),  # somebody else changed the zone
    (OPENED, None, PUBLIC, (True, PUBLIC)),  # the operator's own file, in the operator's own form
    (PUBLIC, None, PUBLIC, (False, PUBLIC)),
    (b"<zone", PUBLIC, None, (False, None)),
    (None, PUBLIC, None, (False, None)),
])
def test_a_zone_of_firewalld_goes_back_when_it_says_the_same(data, default, first, result):
    rows = [row("file", ZONE, digests.digest(first) if first else None, "by firewalld")]
    with on_disk({"/usr/lib/firewalld/zones/public.xml": default}):
        assert firewall.zone_back(rows, ZONE, data, copies(first)) == result


@pytest.mark.parametrize(("copy_before", "after"), [(None, "absent"), (PUBLIC, "as it was")])
def test_a_zone_and_its_copy_go_with_our_rule_in_one_plan(copy_before, after):
    said = "public (active)\n  target: default\n  interfaces: eth0\n  sources: \n  services: ssh\n  ports: \n"
    said += '  rich rules: \n\trule priority="22222" port port="2222" protocol="tcp" accept\n\n'
    own = firewalld.Firewalld(True, True, said, {"public": OPENED}, "public", ["eth0"])
    facts = found(firewall=samples.firewall_facts(firewalld=own), files={ZONE: OPENED, ZONE + ".old": None},
                  disk={"/usr/lib/firewalld/zones/public.xml": PUBLIC})
    hashed = digests.digest(copy_before) if copy_before else None
    facts["rows"] += [row("file", ZONE, None, "by firewalld"), row("file", ZONE + ".old", hashed, "by firewalld")]
    facts["kept"] = copies(copy_before)
    made = plan(facts)
    assert kinds(made)[:3] == [("firewalld", "zone public"), ("zone_file", ZONE), ("zone_file", ZONE + ".old")]
    assert made.ordered()[2].after == after, "somebody has removed the copy since: it is put back"


def test_how_a_zone_is_written_does_not_matter():
    other = b"<zone><service name='ssh' /><short>Public</short></zone>"
    assert firewalld.same_zone(OPENED, other)
    assert not firewalld.same_zone(OPENED, other.replace(b"ssh", b"http"))
    assert not firewalld.same_zone(b"no xml", b"no xml")


def test_all_names_that_the_ledger_may_hold_have_a_way_back():
    """A new kind of thing on hosts is one that removal knows."""
    known = {"folder", "file", "line", "container", "image", "package", "service", "group", "keys_folder", "nftables",
             "ufw", "firewalld", "iptables", "lockdown"}
    assert set(REGISTRY.kinds) == known, "what takes the new kind away? (its resource restores)"


def test_the_ending_says_what_went_and_what_was_left():
    items = plan(found(others=["the volume data"])).items()
    look = known_samples.look(notes=["Docker stays"])
    host = known_samples.known({"removal": {}}, look=look, done=items)
    said = summary.ending({"web1": host, "web2": known_samples.known(failed="no")}, None)
    assert "  gone        our line in authorized_keys of alice, /home/alice/.ssh, the container oqs-ssh, " in said
    assert "  left        Docker stays" in said and "  failed      no" in said and "1 of 2 hosts are rid of it." in said
    assert "nothing of ours was here" in summary.ending({"web1": host._replace(done=[])}, None)
    check = summary.ending({"web1": host._replace(done=[], check=True, look=look._replace(plan=items))}, None)
    assert "nothing (check mode); a run would take away: our line" in check and "0 of 1" in check
    assert "a way in" not in said
    assert summary_removal.first_word(look).startswith("nothing")
    assert "oqs-ssh among them" in summary_removal.first_word(look._replace(plan=items))
