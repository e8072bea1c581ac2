# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Attacks by the user oqs and the container's root on every later run: they make something else of what they can write
to, so that nobody can lock them out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any, Dict

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths, trees
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import State
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import Container
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import access, state

from tests.attacks.attack import attack


def hard_link(path):
    with open(path + ".other", "wb"):
        os.link(path + ".other", path)
    os.chmod(os.path.dirname(path), 0o777)  # somebody else may write here


def sparse(size):
    def make(path):
        with open(path, "wb") as handle:
            handle.truncate(size)
    return make


ODD = {
    "link": lambda path: os.symlink("/etc/shadow", path),
    "loop": lambda path: os.symlink(path, path),
    "pipe": os.mkfifo,
    "folder": lambda path: os.makedirs(path + "/full/of"),
    "5 MB": sparse(5 << 20),
    "100 GB, sparse": sparse(100 << 30),
    "hard link": hard_link,
}


@pytest.fixture
def house(tmp_path, monkeypatch):
    """The folders of the state, elsewhere."""
    for name, value in list(vars(paths).items()):
        if isinstance(value, str) and value.startswith(("/etc/oqs-ssh", "/var/lib/oqs-ssh")):
            monkeypatch.setattr(paths, name, str(tmp_path) + value)
    for folder in (paths.PRIVATE_DIR, paths.NEXT_DIR, paths.HOME_SSH, paths.IMAGES_DIR, paths.LEDGER_DIR):
        os.makedirs(folder)
    return tmp_path


def reach():
    """Files that the container can make something else of."""
    return {
        "authorized_keys": paths.HOME_SSH + "/authorized_keys", "sshd_config": paths.STATE_DIR + "/sshd_config",
        "ssh_config": paths.STATE_DIR + "/ssh_config", "known_hosts": paths.STATE_DIR + "/known_hosts",
        "hop_config": paths.HOP_FILE, "uid": paths.OLD_UID,
        "password": paths.PRIVATE_DIR + "/password", "written": paths.OLD_WRITTEN,
        "host key": paths.PRIVATE_DIR + "/ssh_host_ed25519_key", "next": paths.NEXT_DIR + "/ssh_host_ed25519_key",
        "identity": paths.IDENTITY, "public": paths.IDENTITY + ".pub",
    }


@attack("A9", "user oqs, container root -> every later run", "makes a link, a pipe, a folder or 5 MB of a file")
@pytest.mark.parametrize("kind", sorted(ODD))
def test_what_cannot_be_read_is_wrong_content_and_stops_nobody(house, kind):
    for path in reach().values():
        ODD[kind](path)
    found = state.read()
    assert set(found.odd) == set(reach().values())
    assert (found.authorized_keys, found.sshd_config, found.password, found.uid) == (None, None, "", "")
    for path in found.odd:
        trees.put_aside(path)
        files.write_file(path, b"as wanted", 0o600, os.geteuid(), os.getegid())
    assert state.read().odd == {}
    assert any("~" in name for name in os.listdir(paths.STATE_DIR)), "the old is kept"


@attack("A9", "container root -> every later run", "makes a link of a folder of the state")
@pytest.mark.parametrize("name", ["PRIVATE_DIR", "NEXT_DIR"])
def test_a_folder_that_is_a_link_is_not_followed(house, name):
    path = getattr(paths, name)
    trees.remove(path)
    os.symlink("/etc", path)
    found = state.read()
    assert found.odd == {path: "no folder"} and found.folders.get(path) is None and found.keys == {}
    trees.put_aside(path)
    assert state.read().odd == {}


@attack("A9", "user oqs -> every later run", "leaves something odd in its place: the plan puts it aside first")
def test_the_plan_puts_it_aside_first():
    facts: Dict[str, Any] = samples.converged()
    path = paths.HOME_SSH + "/authorized_keys"
    facts["state"].update(odd={path: "it is a link"}, authorized_keys=None)
    plan = samples.plan(samples.want(), facts)
    kinds = [each.kind for each in plan.ordered()]
    assert plan.errors == [] and kinds.index("odd_file") < kinds.index("authorized_keys")
    assert State().odd == {}


@attack("A10", "container root -> the host's identity", "plants a pair in private/next, which the next rotation adopts")
def test_a_planted_next_key_is_never_switched_to():
    facts: Dict[str, Any] = samples.converged()
    planted = samples.key_pair(samples.HYBRID_KEY, b"planted")
    file = key_files.host_key_name(samples.HYBRID_KEY)
    facts["state"].update(next={file: planted}, next_age=1000.0)
    plan = samples.plan(samples.want(ssh=samples.ssh_want(rotate={"step": "switch", "overlap": 0.0})), facts)
    assert [each.kind for each in plan.changes if "switch" in each.kind] == []
    assert "next_host_key_gone" in [each.kind for each in plan.changes]
    announced = samples.plan(samples.want(ssh=samples.ssh_want(rotate={"step": "announce"})), facts)
    assert ("next_host_key", "not recorded") in [(each.kind, each.before) for each in announced.changes]


HOLDER = """
import fcntl, os, signal, sys, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
fcntl.fcntl(os.open(sys.argv[1], os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("held", flush=True)
time.sleep(60)
"""


@attack("A9", "user oqs -> every later run", "holds a lease on a file, so that each open waits 45 seconds")
def test_a_lease_holds_nobody(house):
    path = paths.HOME_SSH + "/authorized_keys"
    with open(path, "wb") as handle:
        handle.write(b"x")
    process = subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"held\n"
        began = time.monotonic()
        assert list(state.read().odd) == [path]
        assert time.monotonic() - began < 5
    finally:
        process.kill()
        process.wait()


@attack("A9", "container root -> rotation, deployment", "makes a link of the container's /etc/shadow")
def test_a_shadow_file_that_is_a_link_is_another_password(monkeypatch):
    def refuse(*_any, **_more):
        raise files.UnsafePath("/etc/shadow is a link")

    monkeypatch.setattr(access.files, "read_file", refuse)
    facts = samples.facts_of(samples.want(), samples.converged())
    facts.put(facts.of(Container)._replace(pid=4711))
    assert access._read(facts).state == "another"
