# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Attacks on what root does on a host, by the container and by other users of the host."""

from __future__ import annotations

import os
import subprocess
import time

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import commands, files, host_lock, paths, trees
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli

from tests.attacks.attack import attack


@attack("A8", "local user -> every run", "makes the lock's file first, so that nobody else may open it")
def test_the_lock_lies_where_only_root_can_make_files():
    assert paths.LOCK.startswith("/run/") and not paths.LOCK.startswith(("/run/lock", "/run/user"))


@attack("A8", "local user -> every run", "finds a lock folder that others can write to")
def test_the_lock_s_folder_is_private(tmp_path):
    path = str(tmp_path / "new" / "lock")
    with host_lock.locked(path):
        assert os.stat(os.path.dirname(path)).st_mode & 0o077 == 0


@pytest.fixture
def elsewhere(tmp_path):
    """A folder of the host with something in it."""
    folder = tmp_path / "elsewhere"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "precious").write_text("kept")
    (folder / "candidate").mkdir()
    (folder / "candidate" / "precious").write_text("kept")
    return folder


@pytest.fixture
def state(tmp_path, elsewhere):
    """A folder of the state; what should be ``private`` in it is a link to another folder."""
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "private").symlink_to(elsewhere)
    return folder


def whole(folder):
    return sorted(os.path.relpath(os.path.join(top, name), folder)
                  for top, _folders, names in os.walk(folder) for name in names)


@attack("A12", "container root -> files of the host", "puts a link to another folder where one is to be removed")
def test_a_link_in_place_of_a_folder(tmp_path, state, elsewhere):
    before = whole(elsewhere)
    assert trees.remove(str(state / "private"), str(tmp_path))
    assert whole(elsewhere) == before and not (state / "private").is_symlink()


@attack("A12", "container root -> files of the host", "puts a link on the way to a folder that is removed")
def test_a_link_on_the_way(tmp_path, state, elsewhere):
    before = whole(elsewhere)
    with pytest.raises(files.UnsafePath):
        trees.remove(str(state / "private" / "candidate"), str(tmp_path))
    assert whole(elsewhere) == before


@attack("A12", "container root -> files of the host", "puts links into a folder that is removed")
def test_links_inside(tmp_path, elsewhere):
    state = tmp_path / "state"
    (state / "a").mkdir(parents=True)
    (state / "link").symlink_to(elsewhere)
    (state / "a" / "link").symlink_to(elsewhere)
    before = whole(elsewhere)
    assert trees.remove(str(state), str(tmp_path)) and not state.exists()
    assert whole(elsewhere) == before


@attack("A12", "container root -> every removal", "nests folders deeper than a path, or a stack, can be")
def test_folders_in_folders(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    fd = os.open(state, os.O_RDONLY)
    for _level in range(3000):
        os.mkdir("a", dir_fd=fd)
        inner = os.open("a", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)
    try:
        assert trees.remove(str(state), str(tmp_path)) and not state.exists()
    finally:
        subprocess.run(["rm", "-rf", str(state)], check=True)  # pytest cannot


@pytest.fixture
def environments(monkeypatch):
    """What docker is run with, and in which environment."""
    calls = []
    monkeypatch.setattr(cli, "program", lambda: "docker")
    monkeypatch.setattr(cli, "run", lambda argv, env=None, **_more: calls.append((list(argv), env)))
    return calls


@attack("A13", "environment of the host -> another machine", "sets DOCKER_HOST or a context, while /proc is read here")
def test_the_engine_is_the_local_one_by_name(environments):
    cli.docker(["ps"])
    argv, env = environments[0]
    assert argv[1:3] == ["--host", "unix:///var/run/docker.sock"]
    assert [env[name] for name in ("DOCKER_HOST", "DOCKER_CONTEXT")] == [None, None]


@attack("A13", "environment of the host -> every run", "asks for TLS, or a version of the API that there is not")
def test_nothing_of_docker_s_environment_counts(environments):
    cli.docker(["ps"])
    _argv, env = environments[0]
    assert [env[name] for name in ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION")] == [None] * 3


def says(text):
    """A shell that says something."""
    return ["/bin/sh", "-c", text]


@attack("A14", "container root -> memory of root's process", "answers an exec for ever")
@pytest.mark.parametrize("text", ["while :; do echo yes; done", "cat /dev/zero", "cat /dev/zero >&2"])
def test_an_endless_answer_is_cut(text):
    began = time.monotonic()
    with pytest.raises(commands.CommandError, match="more than 1000000 bytes"):
        commands.run(says(text), timeout=60.0, limit=1000000)
    assert time.monotonic() - began < 20


@attack("A14", "container root -> memory of root's process", "answers docker cp with a sparse file of 100 GB")
def test_whatever_docker_says_has_an_end(monkeypatch):
    asked = []
    monkeypatch.setattr(cli, "run", lambda _argv, **more: asked.append(more["limit"]))
    cli.docker(["cp", "x:/etc/shadow", "-"])
    assert asked == [cli.LIMIT] and cli.LIMIT <= 32 << 20


@attack("A14", "container root -> root's process", "answers slowly, a byte at a time, for ever")
def test_a_slow_answer_is_cut():
    began = time.monotonic()
    with pytest.raises(commands.CommandError, match=r"no answer within 0\.5 seconds"):
        commands.run(says("for each in $(seq 50); do echo; sleep 0.1; done"), timeout=0.5)
    assert time.monotonic() - began < 10


@attack("A14", "container root -> root's process", "reads a little of what it is given, and no more")
def test_who_reads_little_blocks_nobody():
    began = time.monotonic()
    with pytest.raises(commands.CommandError, match=r"no answer within 0\.5 seconds"):
        commands.run(says("dd bs=5000 count=1 of=/dev/null 2>/dev/null; sleep 5"), stdin=b"x" * (1 << 20), timeout=0.5)
    assert time.monotonic() - began < 3
