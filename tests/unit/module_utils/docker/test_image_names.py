# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of images, what engines say, and how a host comes to the image that is meant; the engine is invented here."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ImageSpec, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import image_names
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.engine import Engine as FoundEngine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import image as image_resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.image import Arriving
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY

DIGEST, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64
NAME = "registry.example:5000/team/oqs:1"


@pytest.mark.parametrize(("name", "parts"), [
    ("debian", ("docker.io", "library/debian", "latest", "")),
    ("debian:trixie", ("docker.io", "library/debian", "trixie", "")),
    ("openquantumsafe/openssh", ("docker.io", "openquantumsafe/openssh", "latest", "")),
    ("docker.io/openquantumsafe/openssh:latest", ("docker.io", "openquantumsafe/openssh", "latest", "")),
    ("docker.io/debian", ("docker.io", "library/debian", "latest", "")),
    ("index.docker.io/a/b", ("docker.io", "a/b", "latest", "")),
    ("localhost/oqs:1", ("localhost", "oqs", "1", "")),
    ("localhost:5000/oqs", ("localhost:5000", "oqs", "latest", "")),
    (NAME, ("registry.example:5000", "team/oqs", "1", "")),
    ("ghcr.io/a/b/c:v1.2", ("ghcr.io", "a/b/c", "v1.2", "")),
    ("a/b@" + DIGEST, ("docker.io", "a/b", "", DIGEST)),
    ("a/b:1@" + DIGEST, ("docker.io", "a/b", "1", DIGEST)),
    ("192.0.2.1:5000/oqs@" + DIGEST, ("192.0.2.1:5000", "oqs", "", DIGEST)),
])
def test_the_parts_of_a_name(name, parts):
    found = image_names.parse(name)
    assert tuple(found) == parts
    assert found.pinned() == (found.place + "@" + DIGEST if parts[3] else "")
    assert found.tagged == ("%s:%s" % (found.place, parts[2]) if parts[2] else "")


def test_the_same_image_however_it_is_written():
    assert image_names.same("debian", "docker.io/library/debian:latest")
    assert not image_names.same("debian", "debian:trixie") and not image_names.same("a/b", "ghcr.io/a/b")


def test_where_an_image_came_from():
    names = ["mirror.example/oqs@" + OTHER, "registry.example:5000/team/oqs@" + DIGEST]
    assert image_names.digest_among(names, NAME) == DIGEST
    assert image_names.digest_among(names, "team/oqs") == ""


@pytest.mark.parametrize(("said", "words"), [
    ("write /var/lib/docker/tmp/x: no space left on device", "the disk of this host is full: make room"),
    ("http: server gave HTTP response to HTTPS client", "speaks plain http, which the engine of this host refuses"),
    ("x509: certificate signed by unknown authority", "/etc/docker/certs.d/registry.example:5000/ca.crt"),
    ("toomanyrequests: You have reached your pull rate limit", "refuses more pulls for now: wait"),
    ("no basic auth credentials", "run 'docker login registry.example:5000' as root on this host"),
    ("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", "does not answer any more"),
    ("dial unix /var/run/docker.sock: connect: connection refused", "nobody asked the registry"),
    ('error getting credentials - err: exec: "docker-credential-x": executable file not found in $PATH', "credsStore"),
    ("pull access denied for oqs, repository does not exist or may require 'docker login'", "or has no such image"),
    ("manifest for x@sha256:0 not found: manifest unknown: manifest unknown", "has no such image: check oqs_ssh_image"),
    ("no matching manifest for linux/arm64/v8 in the manifest list entries", "not for the processor of this host"),
    ("dial tcp: lookup registry.example: no such host", "cannot be reached from this host"),
    ("dial tcp 192.0.2.1:5000: connect: connection refused", "cannot be reached from this host"),
    ("context deadline exceeded (Client.Timeout exceeded while awaiting headers)", "cannot be reached from this host"),
    ("something new", "cannot be had: docker pull: Error response from daemon: something new"),
])
def test_what_engines_say(said, words):
    told = image_names.why_not("docker pull: Error response from daemon: " + said, NAME)
    assert told.startswith(NAME) and words in told and "%" not in told and "\n" not in told


class Engine:
    """Images by the names under which they are asked for; what it was told to do."""

    def __init__(self, monkeypatch, images=(), fails=""):
        self.images, self.fails, self.did = dict(images), fails, []
        monkeypatch.setattr(image_resource.cli, "inspect", lambda _kind, name, _at="": self.images.get(name))
        monkeypatch.setattr(image_resource.cli, "docker", self.docker)
        monkeypatch.setattr(image_resource.stored_images, "stored", lambda _id: None)

    def record(self, *words):
        """As the ledger does."""
        self.did.append(("ledger", *words))

    def docker(self, arguments, stdin=b"", **_more):
        if self.fails:
            raise image_resource.cli.DockerError("docker %s: %s" % (arguments[0], self.fails))
        self.did.append((*arguments, stdin) if stdin else tuple(arguments))
        return image_resource.cli.Completed(0, b"Loaded image: oqs:1\n", b"")


def want(name=NAME, **more):
    return ImageSpec(**{"name": name, "digest": "", **more})


def spec(image):
    wanted = samples.spec(samples.want())
    return wanted.having(wanted.of(ServerSpec)._replace(image=image))


def host(engine, image, parts=()):
    """A host; the engine also keeps the ledger."""
    return Host(spec(image), Facts(), engine, parts)


def held(*digests, created="2025-03-01T10:00:00Z", **config):
    place = image_names.parse(NAME).place
    names = [place + "@" + each for each in digests]
    return {"Id": "sha256:e", "RepoDigests": names, "Created": created, "Config": config}


@pytest.mark.parametrize(("images", "wanted", "there"), [
    ({}, want(), False),
    ({NAME: held(DIGEST)}, want(), True),
    ({NAME: held()}, want(), True),  # loaded from an archive, or built: it has the name
    ({NAME: held(DIGEST)}, want(digest=DIGEST), True),
    ({NAME: held(OTHER, DIGEST)}, want(digest=DIGEST), True),
    ({NAME: held(OTHER)}, want(digest=DIGEST), False),
    ({"registry.example:5000/team/oqs@" + DIGEST: held(DIGEST)}, want(digest=DIGEST), False),  # without the tag
    ({"registry.example:5000/team/oqs@" + DIGEST: held(DIGEST)},
     want("registry.example:5000/team/oqs@" + DIGEST, digest=DIGEST), True),
])
def test_whether_a_host_holds_the_image(monkeypatch, images, wanted, there):
    Engine(monkeypatch, images)
    found = image_resource.find(wanted)
    assert bool(found) is there
    if there:
        assert found.origin.made == "2025-03-01"


def arriving(image):
    """What is said of an image that is not there."""
    engine = FoundEngine(program="/usr/bin/docker", running=True, version="26.1.5")
    return Facts(spec(image), engine, Image(), readers=REGISTRY.readers).of(Arriving)


def test_what_a_host_holds_under_the_tag_is_named(monkeypatch):
    Engine(monkeypatch, {NAME: held(OTHER)})
    assert arriving(want(digest=DIGEST)).held == "registry.example:5000/team/oqs@%s of 2025-03-01" % OTHER
    assert arriving(want("registry.example:5000/team/oqs@" + DIGEST)).held == ""
    assert arriving(want(source="archive")).held == ""


def test_an_image_built_from_something_else(monkeypatch):
    Engine(monkeypatch, {NAME: held(Labels={image_resource.RECIPE: "r1"})})
    wanted = want(source="build", recipe="r1")
    assert image_resource.find(wanted)
    assert not image_resource.find(wanted._replace(recipe="r2"))


def test_a_pull_by_digest_keeps_the_tag(monkeypatch):
    engine = Engine(monkeypatch)
    pinned = "registry.example:5000/team/oqs@" + DIGEST
    image_resource.bring(host(engine, want(digest=DIGEST)))
    assert engine.did == [
        ("ledger", "image", pinned, None, NAME), ("pull", "--quiet", pinned), ("image", "tag", pinned, NAME),
    ]


def test_what_is_there_is_only_tagged(monkeypatch):
    pinned = "registry.example:5000/team/oqs@" + DIGEST
    engine = Engine(monkeypatch, {pinned: held(DIGEST)})
    image_resource.bring(host(engine, want(digest=DIGEST)))
    assert engine.did[1:] == [("image", "tag", pinned, NAME)]


def test_a_pinned_name_without_a_tag_gets_none(monkeypatch):
    engine = Engine(monkeypatch)
    image_resource.bring(host(engine, want("a/b@" + DIGEST, digest=DIGEST)))
    assert engine.did[1:] == [("pull", "--quiet", "docker.io/a/b@" + DIGEST)]


def test_a_pull_that_fails_is_explained(monkeypatch):
    engine = Engine(monkeypatch, fails="manifest unknown")
    with pytest.raises(image_resource.ImageError, match="has no such image: check oqs_ssh_image"):
        image_resource.bring(host(engine, want(digest=DIGEST)))


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Two parts of an image as an action left them."""
    folder = tmp_path / "parts"
    folder.mkdir()
    monkeypatch.setattr(paths, "PARTS_DIR", str(folder))
    names = []
    for data in (b"one", b"two"):
        names.append(hashlib.sha256(data).hexdigest())
        (folder / names[-1]).write_bytes(data)
    return folder, names


def test_parts_are_loaded_and_go(monkeypatch, parts):
    folder, names = parts
    loaded = []
    engine = Engine(monkeypatch, {"sha256:i": {"Id": "sha256:i"}})

    def load(arguments, **more):
        loaded.append(Path(arguments[2]).read_bytes())
        return engine.docker(arguments, **more)

    monkeypatch.setattr(image_resource.cli, "docker", load)
    image_resource.bring(host(engine, want(source="archive", id="sha256:i"), names))
    assert loaded == [b"onetwo"]
    assert not folder.exists()


@pytest.mark.parametrize(("damage", "words"), [
    (lambda path: path.write_bytes(b"twO"), "is damaged"), (os.unlink, "is not there any more"),
])
def test_a_part_that_is_not_what_it_was(monkeypatch, parts, damage, words):
    """Nothing is loaded; the damaged part goes, so that the next run sends it again, and only it."""
    folder, names = parts
    damage(folder / names[1])
    engine = Engine(monkeypatch)
    with pytest.raises(image_resource.ImageError, match="%s.*run again" % words):
        image_resource.bring(host(engine, want(source="archive", id="sha256:i"), names))
    assert os.listdir(str(folder)) == [names[0]]
    assert all(did[0] == "ledger" for did in engine.did)


def test_a_load_that_fails_leaves_the_parts(monkeypatch, parts):
    folder, names = parts
    engine = Engine(monkeypatch, fails="no space left on device")
    with pytest.raises(image_resource.ImageError, match="the disk of this host is full"):
        image_resource.bring(host(engine, want(source="archive", id="sha256:i"), names))
    assert sorted(os.listdir(str(folder))) == sorted(names)


def test_a_build_on_the_host(monkeypatch, parts):
    engine = Engine(monkeypatch)
    name = "localhost/quantumsafe/openssh-stock:latest"
    wanted = want(source="build", recipe="r1", base="example.org/debian:1", name=name, arguments={"OQS_USER": "ops"})
    image_resource.bring(host(engine, wanted, parts[1]))
    built = engine.did[-1]
    assert built[0] == "build" and built[-1] == b"onetwo"
    assert "OQS_USER=ops" in built
    assert "BASE=example.org/debian:1" in built and image_resource.RECIPE + "=r1" in built
    assert built[built.index("--network") + 1] == "host"
    engine = Engine(monkeypatch, fails="manifest unknown")
    parts[0].mkdir()
    for name, data in zip(parts[1], (b"one", b"two")):
        (parts[0] / name).write_bytes(data)
    with pytest.raises(image_resource.ImageError, match=r"could not be built.*oqs_ssh_image_build_base.*no such image"):
        image_resource.bring(host(engine, wanted, parts[1]))


@pytest.mark.parametrize(("said", "held"), [(b"", True), (b"openssh-server 1:10.6p1-1 1:10.6p1-2\n", False)])
def test_an_image_that_debian_has_newer_packages_for_is_not_held(monkeypatch, said, held):
    """Then it is built anew, and not from the engine's cache."""
    name, asked = "localhost/quantumsafe/openssh-stock:latest", []
    there = {"Id": "sha256:" + "1" * 64, "Config": {"Labels": {image_resource.RECIPE: "r1"}}, "RepoTags": [name]}
    engine = Engine(monkeypatch, {name: there})
    monkeypatch.setattr(image_resource.cli, "run_once", lambda image, program: (
        asked.append((image, *program)) or image_resource.cli.Completed(0, b"the status", b"")))
    wanted = want(name, source="build", recipe="r1", base="example.org/debian:1", arguments={}, newer="the script")
    monkeypatch.setattr(image_resource.cli, "docker", lambda argv, **more: (
        asked.append((*argv, more["stdin"])) or image_resource.cli.Completed(0, said, b"")))
    assert bool(image_resource.find(wanted)) is held
    assert asked[0] == (there["Id"], "cat", "/var/lib/dpkg/status") and asked[1][-1] == b"the status"
    assert "--pull" in asked[1] and asked[1][-5:-1] == ("example.org/debian:1", "sh", "-c", "the script")
    asked.clear()
    assert image_resource.find(wanted._replace(newer="")) and not asked, "only an upgrade asks"
    assert not engine.did


def test_debian_that_does_not_answer_is_an_error(monkeypatch):
    name = "localhost/quantumsafe/openssh-stock:latest"
    there = {"Id": "sha256:" + "1" * 64, "Config": {"Labels": {image_resource.RECIPE: "r1"}}}
    Engine(monkeypatch, {name: there}, fails="no network")
    monkeypatch.setattr(image_resource.cli, "run_once", lambda *_any: image_resource.cli.Completed(0, b"x", b""))
    with pytest.raises(image_resource.cli.DockerError, match="no network"):
        image_resource.find(want(name, source="build", recipe="r1", base="b", newer="the script"))


@pytest.mark.parametrize(("days", "most", "old"), [(61, 60, True), (59, 60, False), (1000, 0, False)])
def test_an_old_image_is_called_old(days, most, old):
    facts = samples.converged()
    made = time.strftime("%Y-%m-%d", time.gmtime(time.time() - days * 86400))
    facts["image"]["origin"] = {"made": made}
    wanted = samples.want(ssh=samples.ssh_want(image=dict(samples.ssh_want()["image"], max_age=most)))
    said = [each for each in samples.plan(wanted, facts).notes if "days old" in each]
    assert bool(said) is old, said


@pytest.mark.parametrize("made", ["", "1970-01-01", "0001-01-01", "2013-02-01", "yesterday"])
@pytest.mark.parametrize("most", [60, 0])
def test_an_image_of_unknown_age_is_not_called_new(made, most):
    facts = samples.converged()
    facts["image"]["origin"] = {"made": made}
    wanted = samples.want(ssh=samples.ssh_want(image=dict(samples.ssh_want()["image"], max_age=most)))
    said = [each for each in samples.plan(wanted, facts).notes if "nobody knows its age" in each]
    assert bool(said) is bool(most) and all((made or "no day") in each for each in said)
