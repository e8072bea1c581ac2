# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The docker command line: what is said to it, and what its answers mean. The program is a stand-in."""

from __future__ import annotations

import json

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import commands
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, containers, inspected, inventory


@pytest.fixture
def program(monkeypatch):
    """A docker that answers as told; ``calls`` has what it was asked."""

    class Program:
        def __init__(self):
            self.calls = []
            self.answer = commands.Completed(0, b"", b"")

        def run(self, argv, stdin=b"", timeout=0.0, check=True, env=None, limit=0):
            self.calls.append({"argv": list(argv), "stdin": stdin, "timeout": timeout, "env": env})
            if isinstance(self.answer, Exception):
                raise self.answer
            if check and self.answer.rc:
                raise commands.CommandError(argv, self.answer.reason, self.answer)
            return self.answer

        def says(self, rc=0, out=b"", err=b""):
            self.answer = commands.Completed(rc, out, err)

    found = Program()
    monkeypatch.setattr(cli, "run", found.run)
    monkeypatch.setattr(cli, "program", lambda: "docker")
    return found


def test_errors_say_what_was_attempted_in_the_engines_words(program):
    program.says(125, b"", b"docker: Error response from daemon: Conflict. The name is in use.\n")
    with pytest.raises(cli.DockerError, match=r"^docker create --name: docker: Error .* Conflict"):
        cli.docker(["create", "--name", "oqs-ssh", "--env", "X=secret"])


def test_what_went_to_standard_input_is_in_no_error(program):
    program.says(1, b"", b"no space left on device")
    with pytest.raises(cli.DockerError) as caught:
        cli.docker(["cp", "-", "oqs-ssh:/"], stdin=b"the secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("words", [
    b"Error: No such container: oqs-ssh\n", b"Error response from daemon: no such image: x: No such image: x\n",
    b"Error: No such image: x\n",
])
def test_there_is_no_such_thing(program, words):
    program.says(1, b"[]\n", words)
    assert cli.inspect("container", "oqs-ssh") is None


def test_an_engine_that_fails_is_not_taken_for_an_absent_container(program):
    program.says(1, b"", b"Cannot connect to the Docker daemon at unix:///var/run/docker.sock.\n")
    with pytest.raises(cli.DockerError, match="docker container inspect oqs-ssh: Cannot connect"):
        cli.inspect("container", "oqs-ssh")


def test_what_there_is(program):
    program.says(0, b'[{"Id": "c0ffee"}]')
    assert cli.inspect("container", "oqs-ssh") == {"Id": "c0ffee"}
    assert program.calls[0]["argv"] == ["docker", "--host", cli.LOCAL, "container", "inspect", "oqs-ssh"]


def test_a_program_of_an_image_runs_without_network_and_leaves_nothing(program):
    mount = cli.bind("/a", "/b", readonly=True)
    cli.run_once("sha256:x", ["/bin/ssh-keygen", "-l"], [mount], b"input", env={"OQS_USER": "oqs"})
    argv = program.calls[0]["argv"]
    assert argv[:5] == ["docker", "--host", cli.LOCAL, "run", "--rm"]
    assert argv[argv.index("--network") + 1] == "none" and argv[argv.index("--log-driver") + 1] == "none"
    assert argv[argv.index("--pull") + 1] == "never"
    assert argv[-4:] == ["--entrypoint", "/bin/ssh-keygen", "sha256:x", "-l"]
    options = [argv[at + 1] for at, word in enumerate(argv) if word == "--security-opt"]
    assert options == ["no-new-privileges", "label=disable"]  # SELinux: the mounts are files of the host
    assert argv[argv.index("--cap-drop") + 1] == "ALL" and "--read-only" in argv and "--memory" in argv
    cli.run_once("sha256:x", ["/bin/true"], writable=True, at=cli.OWN)
    argv = program.calls[1]["argv"]
    assert argv[:2] == ["docker", "run"] and "--read-only" not in argv and program.calls[1]["env"] is None
    assert program.calls[0]["stdin"] == b"input" and "input" not in argv


def test_a_mount_never_makes_a_folder():
    assert cli.bind("/a", "/b") == "type=bind,source=/a,target=/b"
    assert cli.bind("/a", "/b", True).endswith(",readonly")


def test_the_command_line_is_found_where_sudo_does_not_look(monkeypatch, tmp_path):
    monkeypatch.setattr(cli.shutil, "which", lambda _name: None)
    monkeypatch.setattr(cli, "_FOLDERS", ("/nowhere", str(tmp_path)))
    assert cli.program() is None
    (tmp_path / "docker").touch(mode=0o755)
    assert cli.program() == str(tmp_path / "docker")


@pytest.mark.parametrize("path", [
    "/x,source=/,target=/host", '/a"b', "/a'b", "/a\nb", "/a\rb", "/a\0b", "a/b", "", "/a/../etc", "/a`b",
])
def test_a_path_that_docker_would_read_as_more_than_one_field_is_not_mounted(path):
    for pair in ((path, "/x"), ("/x", path)):
        with pytest.raises(cli.DockerError, match="cannot be mounted"):
            cli.bind(*pair)
    assert cli.bind("/var/lib/a b", "/k", readonly=True) == "type=bind,source=/var/lib/a b,target=/k,readonly"


@pytest.mark.parametrize("said", [
    b"", b"[]", b"{}", b"{", b"[1]", b'[{"Id": "a"', b"null", b'[{"Id": "a"}]', b"[{}, {}]",
    b'[{"Id": 1, "Image": "b"}]', b'{"host": {"arch": "amd64"}, "version": {}}',
])
def test_an_answer_of_another_shape_is_an_error_with_a_name(program, said):
    program.says(0, said)
    with pytest.raises(cli.DockerError, match="docker container inspect oqs-ssh: "):
        inspected.container("oqs-ssh")


@pytest.mark.parametrize(("kept", "ours"), [
    ({"Name": "/oqs-ssh", "Config": {"Labels": {containers.LABEL: "x"}}}, True),
    ({"Name": "/other", "Config": {"Labels": None}}, False), ({"Name": "/other", "Config": None}, False),
    ({"Name": 7, "Config": {}}, False), ([], False), (None, False), ("text", False),
])
def test_an_engine_that_is_asleep_keeps_containers_of_ours_and_of_others(tmp_path, monkeypatch, kept, ours):
    path = tmp_path / "config.v2.json"
    path.write_text(json.dumps(kept))
    monkeypatch.setattr(inventory.glob, "glob", lambda _pattern: [str(path)])
    monkeypatch.setattr(inventory.files, "list_dir", lambda _path: [])
    found = inventory.read([], False)
    assert found.asleep is ours and bool(found.others) is not ours


def test_a_stopped_engine_is_looked_at_where_it_keeps_its_things(tmp_path, monkeypatch):
    (tmp_path / "data/containers/c").mkdir(parents=True)
    (tmp_path / "data/volumes/theirs").mkdir(parents=True)
    (tmp_path / "data/containers/c/config.v2.json").write_text('{"Name": "/other", "Config": {}}')
    settings = tmp_path / "daemon.json"
    monkeypatch.setattr(inventory.engine, "DAEMON_JSON", str(settings))
    settings.write_text(json.dumps({"data-root": str(tmp_path / "data")}))
    assert inventory.read([], False).others[:2] == ["the container other", "the volume theirs"]
    settings.write_text("{")
    with pytest.raises(cli.DockerError, match="nobody knows where Docker keeps its containers: correct or remove it"):
        inventory.read([], False)
