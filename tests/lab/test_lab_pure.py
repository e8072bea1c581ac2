# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
import pathlib
import shutil
import stat
import subprocess
import sys
import threading
import time

import pytest

from images import base
from lab import lab_engine, lab_state
from lab.lab import Lab, wanted_hosts
from lab.lab_engine import LabError

DEB822 = """\
# deb http://commented.example/debian trixie main
Types: deb deb-src
URIs: http://mirror.example/debian/
# a comment inside
 http://second.example/debian
Suites: bookworm bookworm-updates
Components: main contrib

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""


@pytest.fixture
def etc_apt(tmp_path, monkeypatch):
    monkeypatch.delenv(base.MIRROR_VARIABLE, raising=False)
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


@pytest.mark.parametrize(("name", "text", "mirror"), [
    ("sources.list.d/debian.sources", DEB822, "http://mirror.example/debian"),
    ("sources.list.d/debian.sources", DEB822.replace("Types: deb deb-src", "Enabled: no\nTypes: deb"), None),
    ("sources.list.d/debian.sources", DEB822.replace("Types: deb deb-src", "Types: deb-src"), None),
    ("sources.list", "deb [signed-by=/a,b arch=amd64] https://one.example/debian/ trixie main\n", "https://one.example/debian"),
    ("sources.list", "#deb http://one.example/debian trixie main\n", None),
    ("sources.list", "deb http://one.example/debian trixie-security main\n", None),
    ("sources.list", "deb cdrom:[Debian]/ trixie main\ndeb http://one.example/debian sid contrib main\n", "http://one.example/debian"),
    ("sources.list", "deb http://one.example/ubuntu noble main\n", None),
    ("sources.list", "deb http://one.example/debian trixie contrib # main\n", None),
    ("sources.list.d/other.list", "deb http://vendor.example/apt stable stable\n", None),
    ("sources.list.d/debian.list.disabled", "deb http://one.example/debian trixie main\n", None),
])
def test_mirror_is_the_machines_own(etc_apt, name, text, mirror):
    (etc_apt / name).write_text(text)
    assert base.find_mirror(str(etc_apt)) == (mirror or base.DEFAULT_MIRROR)


def test_mirror_can_be_given(etc_apt, monkeypatch):
    (etc_apt / "sources.list").write_text("deb http://one.example/debian trixie main\n")
    monkeypatch.setenv(base.MIRROR_VARIABLE, "http://given.example/debian")
    assert base.find_mirror(str(etc_apt)) == "http://given.example/debian"


def test_unknown_suite_is_named():
    with pytest.raises(base.BaseImageError, match="unknown suite 'woody'; known are bookworm, trixie, forky"):
        base.ensure_base("woody")


def quiet(_text):
    """Progress that nobody reads."""


class FakeMachine:
    """Answers commands of base.py as an engine, with or without a registry in reach."""

    def __init__(self, registry):
        self.registry = registry
        self.images = set()
        self.made = []

    def run(self, argv, timeout=0.0):
        code = 0
        if argv[1:3] == ["image", "inspect"]:
            code = 0 if argv[-1] in self.images else 1
        elif argv[1] == "tag":
            self.images.add(argv[-1])
        elif argv[1] == "import":
            with open(argv[-2]) as handle:
                content = handle.read()
            code = 0 if content == "good" else 1
            self.images |= {argv[-1]} if code == 0 else set()
        elif argv[0] == "mmdebstrap":
            time.sleep(0.1)
            self.made.append(argv[-3])
            with open(argv[-2], "w") as handle:
                handle.write("good")
        return subprocess.CompletedProcess(argv, code, "", "")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    fake = FakeMachine(registry=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a cache"))
    monkeypatch.setattr(base, "_run", fake.run)
    monkeypatch.setattr(base, "_registry_answers", lambda: fake.registry)
    monkeypatch.setattr(base, "_need_mmdebstrap", quiet)
    monkeypatch.setattr(base.os, "geteuid", lambda: 0)
    return fake


def test_base_image_comes_from_a_registry_where_one_answers(machine):
    machine.registry = True
    assert base.ensure_base("trixie", say=quiet) == "localhost/quantumsafe/base:trixie"
    assert not machine.made


def test_base_image_is_made_once_and_then_cached(machine):
    for _time in range(2):
        base.ensure_base("trixie", say=quiet)
        machine.images.clear()
    assert machine.made == ["trixie"]


def test_damaged_cache_is_replaced(machine, tmp_path):
    folder = tmp_path / "a cache" / "quantumsafe-openssh"
    folder.mkdir(parents=True)
    (folder / "debian-trixie.tar").write_text("half of it")
    base.ensure_base("trixie", say=quiet)
    assert machine.made == ["trixie"]


def test_two_at_once_make_one_image(machine):
    threads = [threading.Thread(target=base.ensure_base, args=("trixie", quiet)) for _one in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert machine.made == ["trixie"]


@pytest.mark.parametrize(("hosts", "suites", "expected"), [
    ("2", "bookworm", {"host1": "bookworm", "host2": "bookworm"}),
    ("3", "bookworm trixie", {"host1": "bookworm", "host2": "trixie", "host3": "bookworm"}),
    ("web1, db1", "trixie:docker,forky", {"web1": "trixie:docker", "db1": "forky"}),
])
def test_parameters_of_lab_up(hosts, suites, expected):
    assert wanted_hosts(hosts, suites) == expected


@pytest.mark.parametrize("hosts", ["0", "101", "web1,web1"])
def test_bad_parameters_of_lab_up(hosts):
    with pytest.raises(LabError, match=hosts.split(",")[0]):
        wanted_hosts(hosts, "trixie")


@pytest.mark.parametrize("name", ["", "../x", "a b", "Web", "-a", "a" * 31, "$(id)", "a\n"])
def test_names_that_cannot_be(name):
    with pytest.raises(LabError, match="is not usable"):
        Lab(name)


def test_state_is_private_and_its_inventory_survives_odd_folders(tmp_path):
    state = lab_state.State(tmp_path / "a folder: with #s" / "mine")  # ssh cannot quote quotes in its options
    state.prepare("mine")
    state.pin({"web1,10.1.2.3": ["ssh-ed25519 AAAA root@web1"]})
    state.write_inventory({"web1": "10.1.2.3"}, "admin")
    assert stat.S_IMODE(state.folder.stat().st_mode) == 0o700
    for secret in (state.management_key, state.alice_key, state.alice_password):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600, secret
    assert len(state.password()) >= 20
    assert state.known_hosts.read_text() == "web1,10.1.2.3 ssh-ed25519 AAAA\n"
    program = str(pathlib.Path(sys.executable).with_name("ansible-inventory"))
    argv = [program, "-i", str(state.inventory), "--host", "web1"]
    listed = subprocess.run(argv, capture_output=True, check=True)
    variables = json.loads(listed.stdout)
    assert variables["ansible_host"] == "10.1.2.3"
    assert variables["ansible_user"] == "admin"
    assert variables["ansible_ssh_private_key_file"] == str(state.management_key)


def test_state_is_made_once_and_never_takes_a_folder_of_others(tmp_path):
    state = lab_state.State(tmp_path / "mine")
    state.prepare("mine")
    before = (state.password(), state.public(state.alice_key))
    state.prepare("mine")
    assert (state.password(), state.public(state.alice_key)) == before
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("years of work")
    with pytest.raises(LabError, match="not a lab's folder"):
        lab_state.State(other).prepare("other")
    lab_state.State(other).remove()
    assert (other / "thesis.tex").exists()
    state.remove()
    assert not state.folder.exists()


def test_recipe_changes_with_everything_it_is_made_from(tmp_path, monkeypatch):
    shutil.copytree(lab_engine.ROOT / "lab", tmp_path / "lab")
    monkeypatch.setattr(lab_engine, "ROOT", tmp_path)
    first = lab_engine._recipe("sha256:1")
    assert lab_engine._recipe("sha256:1") == first
    assert lab_engine._recipe("sha256:2") != first
    with open(tmp_path / "lab" / "host" / "entry", "a") as handle:
        handle.write("# more\n")
    assert lab_engine._recipe("sha256:1") != first
