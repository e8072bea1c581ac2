# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The image pulled by tag and digest, sent as an archive, built on the host; and what a person reads when it does not
come. Whatever goes wrong, the container that was there serves as before. The tests stand in an order."""

from __future__ import annotations

import gzip
import json
import pathlib
import subprocess
import threading
from typing import Any, Dict, Iterator, List

import pytest

from lab import test_base
from tests.e2e.library.registry_box import LOGIN, PLAIN, TLS, Registry
from tests.e2e.library.scenario import Run, Scenario, image
from tests.e2e.library.walls import reachable

WEB1, WEB2 = "web1", "web2"
NOTHING = "nothing, it was as wanted"
PARTS = "/var/cache/oqs-ssh"


@pytest.fixture(autouse=True)
def trust(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """The person who runs the playbook trusts the registry's certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(scenario.registry.certificate))


@pytest.fixture(scope="module")
def registry(scenario: Scenario) -> Registry:
    """The registry beside the hosts, with a second image that they do not hold."""
    scenario.registry.push(image("quirks"), "oqs:2")
    return scenario.registry


@pytest.fixture
def down(registry: Registry) -> Iterator[None]:
    """Nothing answers at the registry's address meanwhile."""
    registry.stop()
    yield
    registry.start()


def container(scenario: Scenario, host: str) -> List[str]:
    """What tells one running container from another."""
    form = "{{.Id}} {{.State.StartedAt}} {{.State.Running}} {{.Image}}"
    return scenario.root(host, "docker", "inspect", "-f", form, "oqs-ssh").split()


def digests(scenario: Scenario, host: str, name: str) -> List[str]:
    """The digests under which a host got an image."""
    found = scenario.root(host, "docker", "image", "inspect", "-f", "{{range .RepoDigests}}{{.}} {{end}}", name)
    return [each for each in found.split() if each.startswith(name.rpartition(":")[0] + "@")]


def refused(scenario: Scenario, host: str, *words: str, **variables: Any) -> Run:
    """A run on a host that must fail with these words, and leave the container as it is."""
    before = container(scenario, host)
    run = scenario.deploy(limit=host, **variables)
    assert run.code != 0, run.text
    for each in words:
        assert each in run.words, run.text
    assert "Traceback" not in run.text
    assert container(scenario, host) == before
    assert reachable(scenario.address(host), 2222)
    return run


def done(scenario: Scenario, host: str, **variables: Any) -> str:
    """What a run that must succeed did on a host."""
    run = scenario.deploy(limit=host, **variables)
    assert run.code == 0, run.text
    return run.line(host, "done")


# pull


def test_all_hosts_have_the_image_that_the_tag_meant(scenario: Scenario, registry: Registry) -> None:
    name = registry.name("oqs:1")
    for host in scenario.hosts:
        assert digests(scenario, host, name) == ["%s@%s" % (name.rpartition(":")[0], registry.digest("oqs:1"))]


@pytest.mark.usefixtures("down")
def test_registry_down(scenario: Scenario, registry: Registry) -> None:
    """Hosts that are as wanted need no registry, by tag or by digest; a host that needs it says so."""
    run = scenario.deploy()
    assert run.code == 0, run.text
    assert {run.line(host, "done") for host in scenario.hosts} == {NOTHING}
    own = digests(scenario, WEB1, registry.name("oqs:1"))[0]
    assert done(scenario, WEB1, oqs_ssh_image=own) == NOTHING
    refused(scenario, WEB2, "the registry %s:%d cannot be reached from this host" % (registry.address, TLS),
            "oqs_ssh_image_source: archive", oqs_ssh_image=registry.name("oqs:2"))
    refused(scenario, WEB2, "oqs_ssh_image_update: the controller cannot ask", "@sha256:", oqs_ssh_image_update=True)


def test_unknown_tag_and_wrong_digest(scenario: Scenario, registry: Registry) -> None:
    run = refused(scenario, WEB1, "nothing was changed; the registry", "has no oqs:nowhere: check oqs_ssh_image",
                  oqs_ssh_image=registry.name("oqs:nowhere"))
    assert "changed=0" in run.text
    wrong = registry.name("oqs@sha256:" + "0" * 64)
    refused(scenario, WEB1, wrong, "has no such image: check oqs_ssh_image", oqs_ssh_image=wrong)


def test_plain_http(scenario: Scenario, registry: Registry) -> None:
    """Refused by the host's engine, unless its operator allows it; then this host asks for itself."""
    name = registry.name("oqs:1", PLAIN)
    refused(scenario, WEB1, "speaks plain http", "insecure-registries in /etc/docker/daemon.json", oqs_ssh_image=name)
    scenario.root(WEB1, "sh", "-c", 'echo "$1" > /etc/docker/daemon.json && systemctl reload docker', "set",
                  json.dumps({"insecure-registries": ["%s:%d" % (registry.address, PLAIN)]}))
    try:
        run = scenario.deploy(limit=WEB1, oqs_ssh_image=name)
        assert run.code == 0, run.text
        words = "the controller cannot ask the registry which image %s is now (it speaks plain http)" % name
        assert words in run.words and "this host asks for itself" in run.words
        assert digests(scenario, WEB1, name)
    finally:
        scenario.root(WEB1, "sh", "-c", "rm /etc/docker/daemon.json && systemctl reload docker")


def test_login(scenario: Scenario, registry: Registry) -> None:
    name = registry.name("oqs:1", LOGIN)
    place = name.partition("/")[0]
    refused(scenario, WEB2, "wants a login", "docker login " + place, oqs_ssh_image=name)
    scenario.lab.exec(WEB2, ["docker", "login", "--username", "bot", "--password-stdin", place],
                      registry.password.encode())
    assert "image" in done(scenario, WEB2, oqs_ssh_image=name)


def test_certificate_that_the_host_does_not_trust(scenario: Scenario, registry: Registry) -> None:
    folder = "/etc/docker/certs.d"
    scenario.root(WEB2, "mv", folder, folder + ".away")
    try:
        refused(scenario, WEB2, "is not trusted on this host", folder, oqs_ssh_image=registry.name("oqs:2"))
    finally:
        scenario.root(WEB2, "mv", folder + ".away", folder)


def test_tag_that_moves_between_two_hosts(scenario: Scenario, registry: Registry) -> None:
    """One host after the other; the tag means another image before the second one's turn."""
    first, other = registry.move("oqs:moving", "oqs:1"), registry.digest("oqs:2")
    name = registry.name("oqs:moving")

    def move() -> None:
        waiting = "until docker image inspect %s >/dev/null 2>&1; do sleep 0.3; done" % name
        scenario.lab.exec(WEB1, ["timeout", "300", "sh", "-c", waiting], timeout=300)
        registry.move("oqs:moving", "oqs:2")

    mover = threading.Thread(target=move)
    mover.start()
    run = scenario.deploy(oqs_ssh_image=name, oqs_ssh_serial=1)
    mover.join()
    assert run.code == 0, run.text
    assert registry.digest("oqs:moving") == other != first
    for host in scenario.hosts:
        assert digests(scenario, host, name) == ["%s@%s" % (name.rpartition(":")[0], first)], host


def test_newer_image_under_the_tag(scenario: Scenario, registry: Registry) -> None:
    """Nobody asks whether there is one, unless told to; then all hosts get it, with the host keys that they had."""
    name, newer = registry.name("oqs:moving"), registry.digest("oqs:2")
    keys = [scenario.root(host, "sh", "-c", "cat /etc/oqs-ssh/private/*.pub") for host in scenario.hosts]
    asked = registry.asked()
    run = scenario.deploy(oqs_ssh_image=name)
    assert (run.code, {run.line(host, "done") for host in scenario.hosts}) == (0, {NOTHING}), run.text
    assert registry.asked() == asked
    older = digests(scenario, WEB1, name)[0].partition("@")[2]
    forecast = scenario.deploy("--check", "--diff", limit=WEB1, oqs_ssh_image=name, oqs_ssh_image_update=True)
    assert "-%s@%s of " % (name.rpartition(":")[0], older) in forecast.text, forecast.text
    assert "+%s@%s (pull)" % (name.rpartition(":")[0], newer) in forecast.text, forecast.text
    run = scenario.deploy(oqs_ssh_image=name, oqs_ssh_image_update=True)
    assert run.code == 0, run.text
    for host in scenario.hosts:
        assert digests(scenario, host, name)[0].endswith(newer)
        running = container(scenario, host)[3]
        assert running == scenario.root(host, "docker", "image", "inspect", "-f", "{{.Id}}", name)
    assert keys == [scenario.root(host, "sh", "-c", "cat /etc/oqs-ssh/private/*.pub") for host in scenario.hosts]


def test_full_disk(scenario: Scenario, registry: Registry) -> None:
    """Docker's folder on a disk that is too small."""
    scenario.root(WEB2, "sh", "-c", "systemctl stop docker.socket docker && "
                  "mount -t tmpfs -o size=40m none /var/lib/docker && systemctl start docker")
    try:
        run = scenario.deploy(limit=WEB2, oqs_ssh_image=registry.name("oqs:1"))
        assert run.code != 0
        assert "the disk of this host is full: make room" in run.words, run.text
    finally:
        scenario.root(WEB2, "sh", "-c", "systemctl stop docker.socket docker && umount /var/lib/docker && "
                      "systemctl start docker")
    assert container(scenario, WEB2)[2] == "true"


# archive


@pytest.fixture(scope="module")
def archives(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Dict[str, str]:
    """The stock image compressed in each way, and in half; none of the hosts holds it any more, nor keeps it as the one
    before the last upgrade."""
    folder = tmp_path_factory.mktemp("archives")
    whole: pathlib.Path = folder / "image.tar"
    subprocess.run(["docker", "save", "--output", str(whole), image("stock")], check=True, timeout=120)
    packed = gzip.compress(whole.read_bytes(), 1)
    (folder / "image.tar.gz").write_bytes(packed)
    (folder / "half.tar.gz").write_bytes(packed[: len(packed) // 2])
    subprocess.run(["zstd", "-q", "-k", str(whole)], check=True, timeout=120)
    for host in scenario.hosts:
        names = "docker images --format '{{.Repository}}:{{.Tag}}' | grep -E ':(1|previous)$'"
        scenario.root(host, "sh", "-c", names + " | xargs -r docker rmi --force")
    return {path.name: str(path) for path in folder.iterdir()}


def sent(archives: Dict[str, str], name: str) -> Dict[str, str]:
    """Variables for an archive."""
    return {"oqs_ssh_image_source": "archive", "oqs_ssh_image_archive": archives[name]}


def test_damaged_archive_is_found_before_the_first_connection(scenario: Scenario, archives: Dict[str, str]) -> None:
    wishes = sent(archives, "half.tar.gz")
    run = refused(scenario, WEB1, archives["half.tar.gz"], "is truncated", "docker save", **wishes)
    assert run.sessions == {WEB1: 0}


def hanging(scenario: Scenario, host: str) -> None:
    """The second part that arrives on a host is not taken: its sha256sum says nothing any more."""
    program = b"""#!/bin/sh
[ -e /run/first-part ] && { echo $$ > /run/second-part; exec sleep 300; }
touch /run/first-part
exec /usr/bin/sha256sum "$@"
"""
    write = "rm -f /run/*-part; cat > /usr/local/bin/sha256sum; chmod +x /usr/local/bin/sha256sum"
    scenario.lab.exec(host, ["sh", "-c", write], program)


def test_connection_that_breaks_on_the_way(scenario: Scenario, archives: Dict[str, str]) -> None:
    """The next run sends the rest, and only that; then nothing of it is left."""
    hanging(scenario, WEB1)
    before = container(scenario, WEB1)

    def cut() -> None:
        end = "until [ -s /run/second-part ]; do sleep 0.1; done; kill -9 $(pgrep -f '^sshd[^ ]*: root')"
        scenario.lab.exec(WEB1, ["timeout", "300", "sh", "-c", end], timeout=300)

    cutter = threading.Thread(target=cut)
    cutter.start()
    run = scenario.deploy(limit=WEB1, **sent(archives, "image.tar.zst"))
    cutter.join()
    scenario.root(WEB1, "sh", "-c", "rm /usr/local/bin/sha256sum; kill $(cat /run/second-part)")
    assert run.code != 0
    assert "2 of 2 parts" in run.words, run.text
    assert "run again, what has arrived is not sent again" in run.words, run.text
    assert container(scenario, WEB1) == before
    assert scenario.root(WEB1, "stat", "-c", "%a %U", PARTS) == "700 root"
    run = scenario.deploy(limit=WEB1, **sent(archives, "image.tar.zst"))
    assert run.code == 0, run.text
    assert "1 of 2 parts" in run.words, run.text
    assert scenario.root(WEB1, "ls", PARTS, check=False).startswith("ls: cannot access")
    assert done(scenario, WEB1, **sent(archives, "image.tar.gz")) == NOTHING


def test_archive_compressed_with_gzip(scenario: Scenario, archives: Dict[str, str]) -> None:
    assert "image" in done(scenario, WEB2, **sent(archives, "image.tar.gz"))
    assert scenario.root(WEB2, "ls", PARTS, check=False).startswith("ls: cannot access")


# build


def test_image_that_the_host_builds(scenario: Scenario, registry: Registry) -> None:
    registry.push(test_base.ensure("forky", lambda _text: None), "base:forky")
    wishes = {"oqs_ssh_image_source": "build", "oqs_ssh_image_build_on": "host",
              "oqs_ssh_image_build_base": registry.name("base:nowhere")}
    refused(scenario, WEB2, "the image could not be built on this host; oqs_ssh_image_build_base says from what",
            "has no such image", **wishes)
    wishes["oqs_ssh_image_build_base"] = registry.name("base:forky")
    assert "image" in done(scenario, WEB2, **wishes)
    assert done(scenario, WEB2, **wishes) == NOTHING
