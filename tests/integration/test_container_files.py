# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files inside containers, created and running."""

from __future__ import annotations

import time
from typing import Iterator

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import container_files as cf
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.cli import DockerError

from tests.integration.module_call import container, docker

pytestmark = pytest.mark.docker
PATH = "/opt/oqs-ssh/an example"


@pytest.fixture
def name() -> Iterator[str]:
    yield from container("localhost/quantumsafe/openssh-quirks:latest")


@pytest.mark.parametrize("running", [False, True])
def test_put_and_read(name: str, running: bool) -> None:
    if running:
        docker("start", name)
        time.sleep(1)
    assert cf.container_state(name) == (cf.container_state(name).id, running)
    assert cf.read_container_file(name, PATH) is None and cf.read_container_file(name, "/no/where") is None
    wanted = {
        PATH: (b"one\0\xff\n", cf.file_info(0o640, 1000, 42)),
        "/opt/oqs-ssh/link": (b"", cf.link_info("/etc/oqs-ssh/sshd_config")),
    }
    assert cf.put_container_files(name, wanted) == dict.fromkeys(wanted, True)
    assert cf.put_container_files(name, wanted) == dict.fromkeys(wanted, False)
    data, info = cf.read_container_file(name, PATH)
    assert (data, info.mode & 0o7777, info.uid, info.gid) == (b"one\0\xff\n", 0o640, 1000, 42)
    link = cf.read_container_file(name, "/opt/oqs-ssh/link")[1]
    assert link.issym() and link.linkname == "/etc/oqs-ssh/sshd_config"
    for more in (
        {PATH: (b"two", cf.file_info(0o640, 1000, 42))},
        {PATH: (b"two", cf.file_info(0o600, 1000, 42))},
        {PATH: (b"", cf.link_info("elsewhere"))},
        {PATH: (b"three", cf.file_info(0o600))},
    ):
        assert cf.put_container_files(name, more) == {PATH: True}
    if running:
        assert b".oqs-tmp-" not in docker("exec", name, "ls", "-a", "/opt/oqs-ssh").stdout


def test_errors(name: str) -> None:
    assert cf.container_state("oqs-keys-none") is None
    for act in (
        lambda: cf.read_container_file("oqs-keys-none", "/etc/shadow"),
        lambda: cf.put_container_files("oqs-keys-none", {PATH: (b"", cf.file_info(0o600))}),
    ):
        with pytest.raises(DockerError, match="no container 'oqs-keys-none'"):
            act()
    with pytest.raises(DockerError, match="not a file"):
        cf.read_container_file(name, "/etc")
    for bad in ("etc/x", "/etc/", "/etc/../x"):
        with pytest.raises(DockerError, match="absolute path"):
            cf.replace_container_files(name, {bad: (b"", cf.file_info(0o600))})
