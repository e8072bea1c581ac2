# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the engine, and the container with it, comes back when the host starts again. The programs are stand-ins."""

from __future__ import annotations

import json

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import commands, files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, engine

PID = "812"
INFO = {"ServerVersion": "28.5.2", "DockerRootDir": "/var/lib/docker", "SecurityOptions": []}
MULTI = "multi-user.target"


class Host:
    """Units of systemd by name, the cgroup of the engine, and files that are there."""

    def __init__(self):
        self.units = {"docker.service": ("enabled", MULTI), "docker.socket": ("enabled", "sockets.target")}
        self.files = {"/run/docker.pid": PID.encode()}
        self.cgroup = "0::/system.slice/docker.service"
        self.pids = {"docker.service": PID}
        self.requires = "docker.socket sysinit.target"
        self.folders = {"/run/systemd/system"}
        self.there = set()
        self.info = dict(INFO)
        self.answer = None

    def run(self, argv, **_more):
        assert argv[:2] == ["systemctl", "show"] and "--value" not in argv
        if self.answer is not None:
            return commands.run(["sh", "-c", self.answer], timeout=0.3)
        blocks = []
        for name in argv[3:]:
            state, wanted = self.units.get(name, ("", ""))
            blocks.append("Id=%s\nMainPID=%s\nUnitFileState=%s\nWantedBy=%s\nRequiredBy=\nRequires=%s\n" % (
                name, self.pids.get(name, "0"), state, wanted, self.requires if name == "docker.service" else ""))
        return commands.Completed(0, "\n".join(blocks).encode(), b"")

    def read(self, path, **_more):
        if path == "/proc/%s/cgroup" % PID:
            return self.cgroup.encode() + b"\n"
        return self.files.get(path)


@pytest.fixture
def host(monkeypatch):
    found = Host()
    monkeypatch.setattr(engine, "run", found.run)
    monkeypatch.setattr(cli, "program", lambda: "/usr/bin/docker")
    monkeypatch.setattr(cli, "engine", lambda: found.info)
    monkeypatch.setattr(files, "read_file", found.read)
    monkeypatch.setattr(engine.os.path, "isdir", lambda path: path in found.folders)
    monkeypatch.setattr(engine.os.path, "exists", lambda path: path in found.there)
    monkeypatch.setattr(engine.glob, "glob", lambda path: [path] if path in found.there else [])
    return found


def boot():
    return engine.read().boot


def test_an_enabled_service_starts_with_the_host(host):
    assert boot() == engine.Boot("yes", "", "") and boot().words == "yes"


@pytest.mark.parametrize(("state", "wanted", "why", "cure", "enable"), [
    ("disabled", "", "docker.service is not enabled", "systemctl enable docker.service", True),
    ("disabled", MULTI, "docker.service is not enabled", "systemctl enable docker.service", True),  # a stale link
    ("enabled-runtime", MULTI, "enabled until the next start only", "systemctl enable docker.service", True),
    ("masked", "", "is masked", "systemctl unmask docker.service, then systemctl enable docker.service", False),
    ("static", "", "is static, and no target wants it", "systemctl add-wants multi-user.target docker.service", False),
    ("static", "my-app.service", "is static, and no target wants it", "add-wants", False),
    ("", "", "no unit of systemd starts it", "run it as a service that is enabled", False),
])
def test_a_service_that_nothing_starts(host, state, wanted, why, cure, enable):
    host.units = {"docker.service": (state, wanted)}
    host.cgroup = "0::/user.slice/user-0.slice/session-3.scope"
    found = boot()
    assert found.starts == "no" and why in found.why and cure in found.cure and found.enable is enable
    assert found.words == "no: " + found.why and "docker.socket" not in found.why


def test_a_socket_that_is_enabled_starts_no_container(host):
    host.units["docker.service"] = ("disabled", "")
    found = boot()
    assert found.starts == "no" and "docker.socket is, but it starts the engine only when somebody asks" in found.why
    assert found.cure == "systemctl enable docker.service"


def test_a_socket_that_is_masked_keeps_a_service_down_that_requires_it(host):
    host.units["docker.socket"] = ("masked", "")
    assert boot().words == "no: docker.socket is masked, and docker.service requires it"
    assert boot().cure == "systemctl unmask docker.socket"
    host.requires = "sysinit.target"
    assert boot().starts == "yes"


@pytest.mark.parametrize("state", ["static", "linked", "generated", "indirect"])
def test_what_a_target_wants_starts_with_the_host(host, state):
    host.units["docker.service"] = (state, "podman.service " + MULTI)
    assert boot().starts == "yes"


@pytest.mark.parametrize("cgroup", [
    "0::/system.slice/my-docker.service", "4:cpu:/x.service\n1:name=systemd:/my-docker.service",
])
def test_an_engine_under_a_unit_of_another_name(host, cgroup):
    host.cgroup, host.pids = cgroup, {"my-docker.service": PID}
    host.units = {"my-docker.service": ("enabled", MULTI)}
    assert boot().starts == "yes"
    host.units = {"my-docker.service": ("disabled", ""), "docker.service": ("enabled", MULTI)}
    assert boot().words == "no: my-docker.service is not enabled"


def test_started_by_hand_beside_an_enabled_service(host):
    host.cgroup, host.pids = "0::/system.slice/ssh.service", {"ssh.service": "9"}
    host.units["ssh.service"] = ("enabled", MULTI)
    assert boot().starts == "yes"
    host.units["docker.service"] = ("disabled", "")
    assert boot().starts == "no"
    del host.units["docker.service"]
    assert boot().starts == "unknown" and "it runs within ssh.service" in boot().why


@pytest.mark.parametrize(("answer", "words"), [
    ("exit 1", "exit code 1"), ("kill -9 $$", "signal 9"), ("sleep 9", "no answer within 0.3 seconds"),
    ("true", "another shape"), ("echo Id=docker.service", "another shape"),
    ("echo 'Failed to connect to bus: Host is down' >&2; exit 1", "Failed to connect to bus"),
    ("echo UnitFileState=enabled; echo; echo Unit=x", "another shape"),
])
def test_a_systemd_that_does_not_answer_is_not_taken_for_yes_or_no(host, answer, words):
    host.answer = answer
    found = boot()
    assert found.starts == "unknown" and words in found.why and found.cure == "systemctl is-enabled docker"


def test_a_unit_that_systemd_cannot_read(host):
    host.units["docker.service"] = ("bad", "")
    assert boot().words == "unknown: systemd cannot read docker.service"


def test_settings_that_are_broken_by_now(host):
    host.files["/etc/docker/daemon.json"] = b'{"bridge": "none",}'
    assert boot().starts == "no" and "/etc/docker/daemon.json is by now no JSON" in boot().why
    host.files["/etc/docker/daemon.json"] = b""
    assert boot().starts == "yes"


@pytest.mark.parametrize(("there", "folders", "starts", "cure"), [
    ({"/etc/init.d/docker", "/etc/runlevels/*/docker"}, {"/etc/runlevels"}, "yes", ""),
    ({"/etc/init.d/docker"}, {"/etc/runlevels"}, "no", "rc-update add docker default"),
    ({"/etc/init.d/docker", "/etc/rc[2345].d/S*docker"}, set(), "yes", ""),
    ({"/etc/init.d/docker"}, set(), "no", "update-rc.d docker defaults"),
    (set(), set(), "unknown", "see that Docker starts with the host"),
])
def test_hosts_without_systemd(host, there, folders, starts, cure):
    host.there, host.folders = there, folders
    assert (boot().starts, boot().cure) == (starts, cure)


@pytest.mark.parametrize("more", [
    {"SecurityOptions": ["name=rootless"]}, {"DockerRootDir": "/var/lib/containers/storage"},
    {"DockerRootDir": "/var/snap/docker/common/var-lib-docker"},
])
def test_an_engine_that_is_refused_anyway_is_not_asked_about(host, more):
    host.info = json.loads(json.dumps(dict(INFO, **more)))
    host.answer = "exit 9"
    assert boot().words == "unknown: no engine runs that could be asked about"
