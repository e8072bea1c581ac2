# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The store of passwords on the controller, and a rotation cut short at every step."""

from __future__ import annotations

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from unittest.mock import MagicMock

import known_samples
import pytest
from ansible.parsing.vault import VaultSecret
from ansible_collections.quantumsafe.openssh.plugins.action import oqs_rotate_password
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import UNKNOWN
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import GIVEN, HERE_ONLY
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import shadow
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import HostStore
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session import host_action
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_action import HostFailure
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.variables import password_store
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.variables.password_store import (
    PasswordStore,
    StoreError,
)

OLD = "heron-4711-lapwing"
WANT = {"ssh": {"state": "present", "user": "oqs", "image": {"name": "x", "archive": ""}}}
VAULT = [("default", VaultSecret(b"of the operator"))]


@pytest.fixture
def store(tmp_path):
    return PasswordStore(str(tmp_path / "store"))


class Cut(BaseException):
    """The run is killed."""


class Host:
    """A host with a password, and the controller's part of the rotation for it."""

    def __init__(self, tmp_path, monkeypatch, store):
        self.password, self.cut, self.fails, self.state, self.after, self.calls = OLD, "", "", "", GIVEN, []
        self.store, self.hours = store, 0
        monkeypatch.setattr(host_action.HostAction, "completed", lambda _self, asked, _secret: asked)
        monkeypatch.setattr(host_action.HostAction, "password_store", lambda _self: self.store)
        monkeypatch.setattr(host_action.HostAction, "_evaluated", lambda _self, _name: (self.hours, ""))
        monkeypatch.setattr(host_action.HostAction, "execute", lambda _self, *given: self.execute(*given))
        self.runs, self.folder = 0, tmp_path
        monkeypatch.setattr(host_action, "HostStore", lambda host, play: HostStore(
            host, play, str(tmp_path / str(self.runs))))

    def execute(self, module, arguments, _port):
        """The host's side: the look, and the change."""
        self.calls.append(module)
        if module == "oqs_apply":
            assert arguments["sections"] == ["password"]
            assert self.store.pending("web1") == arguments["password"], "not on the disk before the host hears of it"
            if self.cut == "before":
                raise Cut
            if self.fails:
                raise HostFailure(self.fails)
            self.password = arguments["password"]
            if self.cut == "after":
                raise Cut
        good = self.password == arguments["password"]
        item = known_samples.item(
            section="password", part="ssh", kind="password", name="oqs", resource="password oqs", before="another",
            after=self.after, why="", pending=self.after is UNKNOWN)
        return known_samples.answered(plan=[] if good else [item], done=[item._asdict()], proof={},
                                      host={"password": self.state or (GIVEN if good else "another")})

    def rotate(self, check=False):
        """One run of the playbook."""
        self.runs += 1
        task = SimpleNamespace(args={"want": WANT}, check_mode=check, diff=True, async_val=0, action="x",
                               delegate_to=None)
        parts = [MagicMock() for _number in range(5)]
        result = oqs_rotate_password.ActionModule(task, *parts).run(task_vars={"inventory_hostname": "web1"})
        assert self.password not in str(result)
        return result


@pytest.fixture
def host(tmp_path, monkeypatch, store):
    return Host(tmp_path, monkeypatch, store)


def test_generated_passwords_are_taken_by_our_own_check():
    made = {password_store.generate("oqs") for _number in range(300)}
    assert len(made) == 300
    for password in made:
        assert len(password) == 24 and shadow.weakness(password, "oqs") is None
        assert not set(password) & set("0O1lI ")


@pytest.mark.parametrize("vault", [[], VAULT], ids=["plain", "vault"])
def test_what_lies_on_the_disk(tmp_path, vault):
    store = PasswordStore(str(tmp_path / "store"), vault)
    store.announce("web1", OLD)
    store.settle("web1")
    assert stat.S_IMODE(os.stat(store.folder).st_mode) == 0o700
    assert [(name, stat.S_IMODE(os.stat(os.path.join(store.folder, name)).st_mode))
            for name in os.listdir(store.folder)] == [("web1", 0o600)]
    data = (tmp_path / "store" / "web1").read_bytes()
    assert (data == OLD.encode() + b"\n") is not bool(vault) and (OLD.encode() in data) is not bool(vault)
    assert store.current("web1") == OLD and store.pending("web1") is None
    if vault:
        for others, words in (((), "give the vault's password"), ([("x", VaultSecret(b"no"))], "no vault password of")):
            with pytest.raises(StoreError, match=words):
                PasswordStore(store.folder, others).current("web1")


def test_names_of_hosts_are_names_of_files(store):
    names = ["web1", "web1@next", ".", "..", "../etc/passwd", ".web1.lock", "a b", "2001:db8::1", "é", "%2E"]
    paths = {store.path(name) for name in names} | {store.path("web1") + "@next"}
    assert len(paths) == len(names) + 1
    assert {os.path.dirname(path) for path in paths} == {store.folder}
    assert not {os.path.basename(path) for path in paths} & {".", "..", ".web1.lock"}


def test_a_folder_that_others_can_read_is_refused(tmp_path):
    (tmp_path / "open").mkdir(mode=0o755)
    for call in (lambda store: store.current("web1"), lambda store: store.announce("web1", OLD)):
        with pytest.raises(StoreError, match="chmod 700"):
            call(PasswordStore(str(tmp_path / "open")))
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError):
        PasswordStore(str(tmp_path / "file")).current("web1")


@pytest.mark.parametrize("data", [b"", b"\n", b"one\ntwo\n"])
def test_a_damaged_file_is_named(store, data):
    store.check(make=True)
    with open(store.path("web1"), "wb") as handle:
        handle.write(data)
    with pytest.raises(StoreError, match="one line with a password"):
        store.current("web1")


def test_a_deployment_takes_what_is_there_or_makes_one(store):
    made = password_store.wanted(store, "web1", "oqs", keep=False)
    assert made and not os.path.exists(store.folder)
    made = password_store.wanted(store, "web1", "oqs", keep=True)
    assert password_store.wanted(store, "web1", "oqs", keep=True) == made == store.current("web1")
    store.announce("web2", OLD)
    assert password_store.wanted(store, "web2", "oqs", keep=True) == OLD


def test_two_deployments_at_once_agree(store):
    """The first that puts a password there has made it; ten runs at a time, all with the same."""
    ready = threading.Barrier(10)

    def run(_number):
        assert store.current("web1") is None
        ready.wait(10)  # each has seen that there is none
        return store.first("web1", "oqs")

    with ThreadPoolExecutor(10) as pool:
        found = set(pool.map(run, range(10)))
    assert found == {store.current("web1")}


def test_a_rotation(host, store):
    result = host.rotate()
    assert result["changed"] and host.calls == ["oqs_look", "oqs_apply"]
    assert store.current("web1") == host.password != OLD and store.pending("web1") is None
    before = host.password
    assert host.rotate()["changed"] and host.password == store.current("web1") != before


@pytest.mark.parametrize("cut", ["before", "after"])
def test_cut_short(host, store, cut):
    """The password in force is one of the two in the store; the next run finishes with the one that was announced."""
    host.rotate()
    first, host.cut = host.password, cut
    with pytest.raises(Cut):
        host.rotate()
    assert store.current("web1") == first and store.pending("web1") not in (None, first)
    assert host.password == (store.pending("web1") if cut == "after" else first)
    announced, host.cut, host.calls = store.pending("web1"), "", []
    assert host.rotate()["changed"]
    assert host.password == store.current("web1") == announced and store.pending("web1") is None
    assert host.calls == ["oqs_look"] if cut == "after" else ["oqs_look", "oqs_apply"]


def test_a_host_that_is_lost_on_the_way_is_told_with_what_to_do(host, store):
    host.fails = "unreachable: no route"
    result = host.rotate()
    assert result["failed"] and "unreachable: no route" in result["msg"] and "run this again" in result["msg"]
    assert store.pending("web1") and host.password == OLD


def test_a_disk_that_is_full_stops_before_the_host(host, store, monkeypatch):
    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(password_store.os, "fsync", full)
    result = host.rotate()
    assert result["failed"] and "No space left on device" in result["msg"] and "oqs_apply" not in host.calls
    assert os.listdir(store.folder) == [".web1.lock"]


def test_check_mode_makes_nothing(host, store):
    assert host.rotate(check=True)["changed"]
    assert not os.path.exists(store.folder) and host.calls == ["oqs_look"] and host.password == OLD


@pytest.mark.parametrize(("state", "words"), [
    ("absent", "run deploy first"), ("locked", "by key: nothing to rotate"), ("locked, in this container only", "key"),
])
def test_hosts_without_a_password(host, store, state, words):
    host.state = state
    result = host.rotate()
    assert result["failed"] and words in result["msg"] and not store.pending("web1")


def test_a_host_that_does_not_hold_the_image(host, store):
    """What its password is worth there cannot be known."""
    host.after = UNKNOWN
    result = host.rotate()
    assert result["failed"] and "does not hold the image: run deploy first" in result["msg"]
    assert not store.pending("web1") and host.password == OLD


@pytest.mark.parametrize("state", [GIVEN, "another", "the published default", "empty"])
def test_hosts_with_any_other_password_get_a_new_one(host, store, state):
    host.state, host.password = state, "somebody else's"
    assert host.rotate(check=True)["changed"] and host.calls == ["oqs_look"]


def test_a_hash_that_does_not_prove_the_new_password_is_no_success(host, store):
    host.rotate()
    host.state = GIVEN + HERE_ONLY
    result = host.rotate()
    assert result["failed"] and "stored hash does not match" in result["msg"] and "run this again" in result["msg"]
    assert store.pending("web1") == host.password


def test_one_that_is_young_enough_is_kept_if_it_is_in_force(host, store):
    host.rotate()
    kept, host.hours = host.password, 24
    assert not host.rotate()["changed"] and host.password == kept
    host.password = "somebody else's"
    assert host.rotate()["changed"] and host.password == store.current("web1") != kept


def test_two_runs_at_once(host, store):
    with store.locked("web1"):
        assert "another run is changing the password" in host.rotate()["msg"]
    assert host.password == OLD


def test_without_a_store(host):
    host.store = None
    assert "oqs_ssh_password_store" in host.rotate()["msg"]


def test_a_clock_that_jumped(store):
    """A password from the future is new, one from 1970 is old; nothing else is decided by the clock."""
    store.announce("web1", OLD)
    assert store.age("web1") is None
    store.settle("web1")
    for moment, least, most in ((4e9, 0.0, 0.0), (0, 1e5, 1e7)):
        os.utime(store.path("web1"), (moment, moment))
        assert least <= store.age("web1") <= most
