# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host should look like: the container's arguments, its label, the pinned keys, the uid."""

from __future__ import annotations

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.machine import Machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import content, known_hosts
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import State, Uid
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.engine import Engine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from hypothesis import given
from hypothesis import strategies as st


def arguments(facts=None, uid=22222, uid_asked="auto", **wish):
    want = {"ssh": samples.ssh_want(uid=uid_asked, **wish)}
    found = samples.facts_of(want, facts or samples.image_known())
    known = [found.of(kind) for kind in (Machine, Engine)]
    return content.create_arguments(samples.spec(want).of(ServerSpec), found.of(Image), uid, *known)


def values(found, option):
    return [found[number + 1] for number, word in enumerate(found) if word == option]


# the container


def test_least_privilege():
    found = arguments()
    text = " ".join(found)
    assert values(found, "--cap-drop") == ["ALL"] and values(found, "--security-opt") == ["no-new-privileges"]
    assert values(found, "--cap-add") == sorted([*content.CAPABILITIES, "AUDIT_WRITE"])
    assert not {"SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_PTRACE", "MKNOD", "ALL"} & set(content.CAPABILITIES)
    assert "docker.sock" not in text and "--privileged" not in text and "--pid" not in found
    assert int(values(found, "--pids-limit")[0]) <= 1024


@pytest.mark.parametrize(("port", "audits", "more"), [
    (2222, False, []), (1023, False, ["NET_BIND_SERVICE"]), (1024, True, ["AUDIT_WRITE"]),
    (22, True, ["AUDIT_WRITE", "NET_BIND_SERVICE"]),
])
def test_a_capability_is_given_only_where_it_is_needed(port, audits, more):
    facts = samples.image_known()
    facts["image"]["audits"] = audits
    assert set(values(arguments(facts, port=port), "--cap-add")) == {*content.CAPABILITIES, *more}


def test_what_it_takes_from_the_host_is_bounded():
    found = arguments()
    assert values(found, "--memory") == ["1g"] and values(found, "--ulimit") == ["nproc=256"]
    assert content.USERS_PROCESSES * 2 <= content.PROCESSES, "what a user's bomb leaves is enough for a way through"
    assert [each.split(":")[0] for each in values(found, "--tmpfs")] == ["/tmp", "/var/tmp", "/run/lock"]
    assert all("size=" in each and "nosuid" in each for each in values(found, "--tmpfs"))
    # an account of the host may have that uid, and its processes count, too
    assert values(arguments(uid_asked="1000"), "--ulimit") == []


def test_selinux_would_not_let_the_container_touch_the_hosts_files():
    facts = samples.image_known()
    facts["engine"]["security"] = ["selinux"]
    assert values(arguments(facts), "--security-opt") == ["no-new-privileges", "label=disable"]
    facts["engine"]["security"] = ["apparmor"]
    assert arguments(facts) == arguments()


def test_network_restart_and_entry():
    found = arguments(restart_policy="always", container="my-ssh", port=443)
    assert values(found, "--network") == ["host"] and values(found, "--restart") == ["always"]
    assert values(found, "--name") == ["my-ssh"] and values(found, "--pull") == ["never"]
    assert found[-3:] == [paths.ENTRY, samples.ENGINE_ID, "serve"]
    assert values(found, "--entrypoint") == [paths.ENTRY]
    assert values(found, "--health-cmd") == ["/usr/local/sbin/oqs-ssh-entry health 443"]
    assert values(found, "--health-retries") == ["1"]  # with more of them a dead server looks healthy for that long


def test_only_our_own_folders_are_mounted_and_never_the_users_home():
    mounts = values(arguments(), "--mount")
    assert mounts == [
        "type=bind,source=/etc/oqs-ssh,target=/etc/oqs-ssh",
        "type=bind,source=/var/lib/oqs-ssh/home-ssh,target=/home/oqs/.ssh",
        "type=bind,source=/var/lib/oqs-ssh/server/entry,target=/usr/local/sbin/oqs-ssh-entry,readonly",
    ]


def test_nothing_secret_is_an_argument():
    facts = samples.converged()
    found = " ".join(arguments(facts))
    assert samples.HASH not in found and samples.SECRET not in found and "password" not in found.lower()


def test_the_log_goes_to_the_journal_or_is_bounded():
    assert values(arguments(), "--log-driver") == ["journald"] and values(arguments(), "--log-opt") == ["tag=oqs-ssh"]
    facts = samples.image_known()
    facts["machine"]["systemd"] = False
    found = arguments(facts)
    assert values(found, "--log-driver") == ["local"]
    assert [word.split("=")[0] for word in values(found, "--log-opt")] == ["max-size", "max-file"]


MATTERS = [
    {"container": "other"}, {"restart_policy": "no"}, {"port": 443}, {"user": "bob"}, {"entry": "#!/bin/sh\n"},
]
DOES_NOT = [
    {"password_set": False}, {"authorized_keys": []}, {"kex_algorithms": ["x"]}, {"sources": ["192.0.2.1"]},
    {"stock_clients": True}, {"hop_port": 2200}, {"image": {"name": "other", "source": "pull"}},
]


def label(facts=None, uid=22222, **wish):
    return content.label_of(arguments(facts, uid, **wish))


@pytest.mark.parametrize("wish", MATTERS)
def test_what_matters_to_the_container_changes_its_label(wish):
    assert label(**wish) != label()


@pytest.mark.parametrize("wish", DOES_NOT)
def test_what_lies_in_the_state_does_not(wish):
    assert label(**wish) == label()


def test_image_uid_and_log_change_the_label():
    other = samples.image_known()
    other["image"]["engine_id"] = "sha256:" + "ef" * 32
    plain = samples.image_known()
    plain["machine"]["systemd"] = False
    assert len({label(), label(other), label(plain), label(uid=22223)}) == 4
    assert label() == label() and len(label()) == 64


# the uid


@pytest.mark.parametrize(("asked", "now", "taken", "uid"), [
    ("auto", "", False, 22222), ("auto", "30000", False, 30000), ("auto", "30000", True, 22222),
    ("auto", "rubbish", False, 22222), ("auto", "-5", False, 22222), ("1000", "30000", False, 1000),
])
def test_the_uid(asked, now, taken, uid):
    facts = samples.image_known()
    facts["state"]["uid"], facts["uid"]["taken"] = now, taken
    want = {"ssh": samples.ssh_want(uid=asked)}
    found = samples.facts_of(want, facts)
    assert content.user_id(samples.spec(want).of(ServerSpec), found.of(State), found.of(Uid)) == uid


def test_private_folders_are_closed():
    found = {path: str(owner) for path, owner in content.folders(4444).items()}
    assert found[paths.PRIVATE_DIR] == found[paths.VAR_DIR] == "700 0:0"
    assert found[paths.HOME_SSH] == "700 4444:4444" and found[paths.STATE_DIR] == "755 0:0"


def test_the_ledger_outlives_the_state():
    assert not any((paths.VAR_DIR + "/ledger").startswith(path) for path in paths.REMOVED)


# known_hosts


@pytest.mark.parametrize(("port", "field"), [
    (22, "localhost,127.0.0.1,::1"), (2222, "[localhost]:2222,[127.0.0.1]:2222,[::1]:2222"),
])
def test_the_host_itself_in_the_form_of_known_hosts(port, field):
    assert known_hosts.hosts_field(port) == field


OTHERS = st.lists(st.sampled_from([
    b"example.org ssh-ed25519 AAAA", b"# note", b"", b"localhost ssh-rsa BBBB oqs-ssh-containers", b"\xff\xfe", b"a\r",
]), max_size=5).map(lambda rows: b"".join(row + b"\n" for row in rows))


@given(OTHERS, st.booleans(), st.booleans())
def test_a_part_of_ours_comes_changes_and_goes_without_a_trace(data, ended, both):
    data = data if ended else data[:-1]
    other = known_hosts.replaced(data, ["localhost k1"], known_hosts.HOST) if both else data
    first = known_hosts.replaced(other, ["localhost k2", "localhost k3"], known_hosts.OWN)
    assert known_hosts.replaced(first, ["localhost k2", "localhost k3"], known_hosts.OWN) == first
    lines = first.split(b"\n")
    assert b"localhost k2 oqs-ssh-container" in lines and b"localhost k3 oqs-ssh-container" in lines
    assert (b"localhost k1 oqs-ssh-host" in lines) is both
    second = known_hosts.replaced(first, ["localhost k4"], known_hosts.OWN)
    assert b"k2" not in second and b"localhost k4 oqs-ssh-container" in second.split(b"\n")
    gone = known_hosts.replaced(known_hosts.replaced(second, [], known_hosts.OWN), [], known_hosts.HOST)
    assert gone == data or gone == data + b"\n"


def test_while_a_key_is_missing_nothing_is_known():
    facts = samples.converged()
    name = "ssh_host_ssh-mldsa44-ed25519_key"
    private, public = facts["state"]["keys"][name]
    good = known_hosts.own_lines([samples.HYBRID_KEY], facts["state"]["keys"], 2222)
    assert good == ["[localhost]:2222,[127.0.0.1]:2222,[::1]:2222 " + public.decode().strip()]
    assert known_hosts.replaced(b"x\n", None, known_hosts.OWN) is None
    other = samples.key_pair(samples.HYBRID_KEY, b"eels")[1]
    for pair in ((None, None), (private, None), (None, public), (private, b"\n"), (private, other), (b"x", public)):
        facts["state"]["keys"][name] = pair
        assert known_hosts.own_lines([samples.HYBRID_KEY], facts["state"]["keys"], 2222) is None


def test_the_comment_of_a_host_key_does_not_travel():
    facts = samples.converged()
    name = "ssh_host_ssh-mldsa44-ed25519_key"
    private, public = facts["state"]["keys"][name]
    facts["state"]["keys"][name] = (private, public.strip() + b" root@web1\n")
    assert not known_hosts.own_lines([samples.HYBRID_KEY], facts["state"]["keys"], 2222)[0].endswith("web1")
