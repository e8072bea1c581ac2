# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs of the host that are missing, hang, die, or answer half, nothing, something else or with a warning first:
never taken for the answer "nothing". Real programs of a few words stand in for them."""

from __future__ import annotations

import json
import socket

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import commands
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import (
    cli,
    container_files,
    engine,
    inspected,
    inventory,
    packages,
)

INFO = json.dumps({"ServerVersion": "28.5.2", "DockerRootDir": "/var/lib/docker", "SecurityOptions": []})
PODMAN = '{"host": {"arch": "amd64"}, "version": {}}'
CANNOT = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
#: What a program may do instead of answering; and what is said of it.
BAD = [
    ("exit 3", "exit code 3 and no message"), ("kill -9 $$", "signal 9"), ("sleep 9", "no answer within"),
    ("exit 0", ""), ("echo Ger\u00e4t nicht gefunden >&2; exit 1", "nicht gefunden"),
]


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A folder of programs, which is all of PATH but for the shell's own; no question is waited for long."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(cli, "_FOLDERS", ())
    real = commands.Program.talk
    monkeypatch.setattr(commands.Program, "talk", lambda self, stdin, _timeout, limit: real(self, stdin, 0.4, limit))

    def put(name, text):
        (folder / name).write_text("#!/bin/sh\nPATH=/usr/bin:/bin\n" + text + "\n")
        (folder / name).chmod(0o755)

    return put


@pytest.fixture
def listening(tmp_path, monkeypatch):
    """The local engine's socket, with somebody behind it."""
    path = str(tmp_path / "docker.sock")
    monkeypatch.setattr(cli, "SOCKET", path)
    with socket.socket(socket.AF_UNIX) as own:
        own.bind(path)
        own.listen(1)
        yield path


def docker(text):
    """A docker that says its version, and does this when it is asked something else."""
    return 'if [ "$1" = --version ]; then echo Docker version 28.5.2; exit; fi\n' + text


@pytest.mark.parametrize("before", ["", "WARNING: No swap limit support\n", "[wrapper] hello\n{not json\n"])
def test_an_engine_that_answers(programs, listening, before):
    programs("docker", "cat <<'E'\n%s%s\nE" % (before, INFO))
    assert cli.engine()["ServerVersion"] == "28.5.2"


@pytest.mark.parametrize(("does", "words"), [
    *BAD, ("echo '%s'" % INFO[:40], "names no engine|%s" % INFO[2:20]), ("echo '[]'", "docker info: "),
    ("echo '{\"ServerErrors\": [\"%s\"]}'; exit 1" % CANNOT, "docker info: Cannot connect"),
    ("echo '{}'", "the answer names no engine"), ("echo %s >&2; exit 1" % CANNOT, "Cannot connect"),
    ("echo '%s'; echo bye" % INFO, "docker info: "),
])
def test_an_engine_that_is_there_and_gives_no_answer_is_not_taken_for_absent(programs, listening, does, words):
    programs("docker", docker(does))
    with pytest.raises(cli.DockerError, match=r"does not answer as one should.*somebody listens.*journalctl") as caught:
        engine.read()
    assert any(word in str(caught.value) for word in words.split("|")), str(caught.value)


@pytest.mark.parametrize("does", [does for does, _words in BAD] + ["echo '{\"ServerErrors\": [\"%s\"]}'" % CANNOT])
@pytest.mark.parametrize("left", ["no socket", "a socket that a killed engine left"])
def test_where_nobody_listens_there_is_no_engine(programs, tmp_path, monkeypatch, does, left):
    path = str(tmp_path / "docker.sock")
    monkeypatch.setattr(cli, "SOCKET", path)
    if left != "no socket":
        with socket.socket(socket.AF_UNIX) as own:
            own.bind(path)
    programs("docker", docker(does))
    assert cli.engine() is None
    with pytest.raises(cli.DockerError, match=r"^docker info: "):
        cli.engine(cli.OWN)  # of a person's own choice: nobody knows where it ought to be


def test_podman_behind_docker_s_socket_is_podman(programs, listening):
    programs("docker", 'if [ "$1" = --version ]; then echo podman version 5.4.2; else echo \'%s\'; fi' % PODMAN)
    assert engine.read().kind == "podman" and not engine.read().usable


@pytest.mark.parametrize(("does", "words"), [*BAD, ("echo hello", "does not say whether it is Docker's")])
def test_a_command_line_that_does_not_say_whose_it_is(programs, monkeypatch, does, words):
    monkeypatch.setattr(cli, "engine", lambda: None)
    programs("docker", does)
    with pytest.raises(commands.CommandError, match="docker --version: .*" + words):
        engine.read()


@pytest.mark.parametrize(("asker", "does", "owner"), [
    ("dpkg-query", "echo docker-cli: $2", "docker-cli"), ("rpm", "echo moby-engine:", "moby-engine"),
    ("dpkg-query", "echo dpkg-query: no path found matching pattern $2 >&2; exit 1", "no package"),
    ("rpm", "echo file $4 is not owned by any package; exit 1", "no package"), ("apk", "exit 1", ""),
])
def test_whose_command_line_it_is(programs, asker, does, owner):
    programs(asker, does)
    assert engine._owner("/usr/bin/docker") == owner


@pytest.mark.parametrize("asker", ["dpkg-query", "rpm"])
@pytest.mark.parametrize(("does", "words"), BAD)
def test_a_package_manager_that_does_not_answer_is_not_taken_for_none(programs, asker, does, words):
    programs(asker, does)
    for question in (lambda: engine._owner("/usr/bin/docker"), packages.installed,
                     lambda: packages.staying(["docker.io"], [])):
        with pytest.raises(commands.CommandError, match=asker) as caught:
            question()
        assert words in str(caught.value)


@pytest.mark.parametrize(("asker", "does"), [
    ("dpkg-query", "echo adduser; echo apt"), ("rpm", "echo acl; echo bash"), ("rpm", "echo warning: x >&2"),
])
def test_half_a_list_of_packages_makes_nobody_else_s_package_ours(programs, asker, does):
    programs(asker, does)
    with pytest.raises(commands.CommandError, match="not whole"):
        packages.installed()


def test_packages_that_somebody_asked_for_are_known_or_nothing_goes(programs):
    programs("dpkg-query", "printf 'installed\\tdocker.io\\t\\t,\\n'")
    programs("apt-mark", "echo E: The package lists are broken >&2; exit 100")
    with pytest.raises(commands.CommandError, match="lists are broken"):
        packages.staying(["docker.io"], ["docker.io"])


@pytest.mark.parametrize(("tried", "staying"), [
    ("exit 0", {}), ("echo 'moby is needed by (installed) kubelet' >&2; exit 1", {"moby": "other packages"}),
    ("echo error: cannot open Packages database in /var/lib/rpm >&2; exit 1", None), ("kill -9 $$", None),
])
def test_what_rpm_says_of_packages_that_may_go(programs, tried, staying):
    programs("rpm", 'if [ "$1" = -qa ]; then echo moby; echo rpm; exit; fi\n' + tried)
    if staying is None:
        with pytest.raises(commands.CommandError, match="rpm -e --test"):
            packages.staying(["moby", "gone"], [])
    else:
        assert packages.staying(["moby", "gone"], []) == (["moby"], staying)


@pytest.mark.parametrize(("does", "words"), [
    *BAD, ("echo dial unix /var/run/docker.sock: connect: no such file or directory >&2; exit 1", "dial unix"),
    ("echo '[]'", "no list of one"), ("echo '[{\"Id\": \"c0f\"'", "no list of one"),
])
def test_a_thing_that_could_not_be_asked_about_is_not_absent(programs, listening, does, words):
    programs("docker", does)
    for ask in (inspected.container, inspected.image):
        with pytest.raises(cli.DockerError, match="inspect"):
            ask("oqs-ssh")


def test_a_warning_before_what_is_asked_about(programs, listening):
    programs("docker", "echo 'WARNING: config.json is readable by others'; echo '[{\"Id\": \"sha256:i\"}]'")
    assert inspected.image("x").Id == "sha256:i"


@pytest.mark.parametrize(("said", "there"), [
    ("Error response from daemon: Could not find the file /x in container oqs-ssh", True),
    ("Error response from daemon: lstat /var/lib/docker/overlay2/0/x: no such file or directory", True),
    ("Error: No such container:path: oqs-ssh:/x", True),  # Docker 20.10
    ("dial unix /var/run/docker.sock: connect: no such file or directory", False), (CANNOT, False),
])
def test_a_file_of_a_container_is_absent_only_where_the_engine_says_so(programs, listening, said, there):
    found = {"Id": "c0f", "Image": "i", "State": {"Status": "running", "Running": True}, "Config": {}, "Mounts": []}
    programs("docker", "[ $3 = cp ] || { echo '%s'; exit; }\necho '%s' >&2; exit 1" % (json.dumps([found]), said))
    if there:
        assert container_files.read_container_file("oqs-ssh", "/x") is None
    else:
        with pytest.raises(cli.DockerError, match="reading /x in the container oqs-ssh"):
            container_files.read_container_file("oqs-ssh", "/x")


def test_docker_20_says_the_same_of_an_absent_container(programs, listening):
    programs("docker", "echo 'Error: No such container:path: oqs-ssh:/x' >&2; exit 1")
    with pytest.raises(cli.DockerError, match="there is no container"):
        container_files.read_container_file("oqs-ssh", "/x")


@pytest.mark.parametrize("question", ["ps", "images"])
@pytest.mark.parametrize(("line", "words"), [
    ("WARNING: the engine is old", "another shape: 'WARNING: the engine is old'"), ("c0f", "another shape"),
])
def test_a_line_of_another_shape_is_no_container_and_no_image(programs, listening, question, line, words):
    programs("docker", '[ "$3" != %s ] || echo "%s"' % (question, line))
    with pytest.raises(cli.DockerError, match=words):
        inventory.read([], True)


@pytest.mark.parametrize("question", ["ps", "images", "volume", "network"])
@pytest.mark.parametrize("does", ["exit 1", "kill -9 $$", "sleep 9"])
def test_what_an_engine_keeps_is_known_or_nothing_goes(programs, listening, question, does):
    programs("docker", '[ "$3" != %s ] || { %s; }' % (question, does))
    with pytest.raises(cli.DockerError, match="docker " + question):
        inventory.read([], True)
