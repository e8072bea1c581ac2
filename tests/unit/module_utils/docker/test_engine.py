# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whose engine it is that answers, and what is known of one that does not."""

from __future__ import annotations

import json

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import commands, files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, engine

INFO = {"ServerVersion": "28.5.2", "DockerRootDir": "/var/lib/docker", "LiveRestoreEnabled": True,
        "SecurityOptions": ["name=apparmor", "name=seccomp,profile=builtin", "name=cgroupns"]}


@pytest.fixture
def host(monkeypatch, tmp_path):
    """A host with a docker command line; what it says and which files are there is set by the test."""

    class Host:
        info = None
        said = b"Docker version 28.5.2, build abc"
        owner = "docker.io: /usr/bin/docker\n"
        settings = b""
        paths = ()

        def run(self, argv, **_more):
            if argv[-1] == "--version":
                return commands.Completed(0, self.said, b"")
            if not self.owner:
                return commands.Completed(1, b"", b"dpkg-query: no path found matching pattern /usr/bin/docker\n")
            return commands.Completed(0, self.owner.encode(), b"")

    found = Host()
    monkeypatch.setattr(engine, "run", found.run)
    monkeypatch.setattr(cli, "program", lambda: "/usr/bin/docker")
    monkeypatch.setattr(cli, "engine", lambda: found.info)
    monkeypatch.setattr(files, "read_file", lambda _path: found.settings or None)
    monkeypatch.setattr(engine.os.path, "exists", lambda path: path in found.paths)
    monkeypatch.setattr(engine.shutil, "which", lambda name: "/usr/bin/" + name)
    return found


def test_an_engine_that_runs(host):
    host.info = INFO
    found = engine.read()
    assert (found.kind, found.running, found.version, found.live_restore) == (
        "docker", True, "28.5.2", True)
    assert not found.rootless and not found.userns and found.security == ("apparmor",)


@pytest.mark.parametrize(("more", "key", "value"), [
    ({"SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"]}, "rootless", True),
    ({"SecurityOptions": ["name=userns"]}, "userns", True),
    ({"SecurityOptions": ["name=selinux"]}, "security", ("selinux",)),
    ({"SecurityOptions": None}, "security", ()),
    ({"DockerRootDir": "/var/lib/containers/storage"}, "kind", "podman"),
    ({"DockerRootDir": "/home/me/.local/share/containers/storage"}, "kind", "podman"),
    ({"DockerRootDir": "/var/snap/docker/common/var-lib-docker"}, "kind", "snap"),
])
def test_what_kind_of_engine_runs(host, more, key, value):
    host.info = dict(INFO, **more)
    assert getattr(engine.read(), key) == value


@pytest.mark.parametrize(("more", "worth"), [
    ({}, True), ({"SecurityOptions": ["name=rootless"]}, False), ({"SecurityOptions": ["name=userns"]}, False),
    ({"DockerRootDir": "/var/lib/containers/storage"}, False),
])
def test_engines_of_no_use_are_not_asked_further(host, more, worth):
    host.info = dict(INFO, **more)
    assert engine.read().usable is worth


@pytest.mark.parametrize("path", ["/etc/systemd/system/docker.service", "/usr/lib/systemd/system/docker.service",
                                  "/etc/init.d/docker"])
def test_an_engine_that_is_stopped(host, path):
    host.paths = (path,)
    found = engine.read()
    assert (bool(found.program), found.running, found.service, found.owner) == (True, False, True, "")
    assert found.kind == "docker" and not found.userns


@pytest.mark.parametrize(("settings", "remaps"), [
    ({"userns-remap": "default"}, True), ({"userns-remap": ""}, False), ({"bridge": "none"}, False), ({}, False),
])
def test_a_stopped_engine_that_would_remap(host, settings, remaps):
    host.settings = json.dumps(settings).encode()
    host.paths = ("/lib/systemd/system/docker.service",)
    assert engine.read().userns is remaps


@pytest.mark.parametrize("settings", [b"{", b"[]", b'{"a": 1,}', b"\xff"])
def test_a_stopped_engine_whose_settings_cannot_be_read_is_refused(host, settings):
    host.settings = settings
    assert engine.read().unfit.startswith("Docker is stopped, and does not start with the /etc/docker/daemon.json")


def test_a_stopped_engine_whose_service_is_masked_is_refused(host, monkeypatch):
    host.paths = ("/etc/systemd/system/docker.service",)
    real = engine.os.path.realpath
    monkeypatch.setattr(engine.os.path, "realpath", lambda path: "/dev/null" if path in host.paths else real(path))
    assert "its service is masked (/etc/systemd/system/docker.service)" in engine.read().unfit
    host.info = INFO
    assert not engine.read().unfit, "it runs, whatever becomes of it"


def test_podman_in_docker_s_place(host):
    host.said = b"podman version 5.4.2"
    assert engine.read().kind == "podman"


@pytest.mark.parametrize(("said", "owner"), [
    ("docker-ce-cli: /usr/bin/docker\n", "docker-ce-cli"), ("docker-cli: /usr/bin/docker\n", "docker-cli"),
    ("", "no package"),
])
def test_a_command_line_without_an_engine(host, said, owner):
    host.owner = said
    found = engine.read()
    assert found.service is False and found.owner == owner


def test_no_docker_at_all(host, monkeypatch):
    monkeypatch.setattr(cli, "program", lambda: None)
    found = engine.read()
    assert (bool(found.program), found.running, found.kind) == (False, False, "docker")
