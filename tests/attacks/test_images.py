# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Attacks by an image, or by an archive of images."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import commands
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ImageSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, entry, image_facts
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import keypair
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import image_parts

from tests.attacks.attack import attack

ANSWER = "\n== kex\na\n== key\nb\n== user\noqs\n%s\n%s\n== sshd_config\nPort 2222\n\n== ssh_config\nPort 2222\n"


@attack("A1", "image -> host root", "names a home folder that mounts the host's / as well")
@pytest.mark.parametrize("home", ["/x,source=/,target=/host", '/x"', "/home/oqs\x00", "/../etc", "relative", "/a b"])
def test_a_home_that_is_more_than_a_folder(home):
    with pytest.raises(image_facts.NotAnImage):
        image_facts.parse(ANSWER % ("1000", home), "oqs")


@attack("A1", "image -> host root", "says a uid that is more than digits")
@pytest.mark.parametrize("uid", ["0,source=/", "-1", "1e3", ""])
def test_a_uid_that_is_no_number(uid):
    with pytest.raises(image_facts.NotAnImage):
        image_facts.parse(ANSWER % (uid, "/home/oqs"), "oqs")


@attack("A1", "container root -> host root", "has kept facts changed to a home folder that mounts the host's /")
def test_kept_facts_are_judged_as_answers_are():
    good = image_facts.parse(ANSWER % ("1000", "/home/oqs"), "oqs")._replace(engine_id="sha256:1")
    assert image_facts.stored(image_facts.kept(good)) == good
    bad = good._replace(user=("oqs", "1000", "/x,source=/,target=/host"))
    assert image_facts.stored(image_facts.kept(bad)) is None


@attack("A1", "anybody -> host root", "brings a comma, a quote or a line end into the value of --mount")
@pytest.mark.parametrize("path", ["/x,source=/", '/x"', "/x'", "/x\ny", "/x\ry", "x", "/x/../../etc", "/x`id`"])
def test_a_path_that_is_two_fields(path):
    for source, target in ((path, "/y"), ("/y", path)):
        with pytest.raises(cli.DockerError):
            cli.bind(source, target)


@pytest.fixture
def ran(monkeypatch):
    """What docker would be run with."""
    calls = []
    monkeypatch.setattr(cli, "program", lambda: "docker")
    done = commands.Completed(0, b"", b"")
    monkeypatch.setattr(cli, "run", lambda argv, **more: calls.append((list(argv), more)) or done)
    return calls


@attack("A2", "image -> host root", "uses Docker's default capabilities when it is asked what it knows")
def test_a_container_for_one_question_may_do_nothing_else(ran):
    cli.run_once("sha256:1", ["/bin/true"])
    alone(ran[0][0])


@attack("A2", "image -> host root", "uses more than it needs while it makes keys")
def test_a_container_that_makes_keys_may_do_nothing_else(ran, tmp_path):
    keypair.in_image("sha256:1")(str(tmp_path), [keypair.Request("/x", "ssh-ed25519")])
    alone(ran[0][0])


def alone(argv):
    pairs = list(zip(argv, argv[1:]))
    for pair in (("--cap-drop", "ALL"), ("--security-opt", "no-new-privileges"), ("--network", "none"),
                 ("--pull", "never"), ("--pids-limit", "64"), ("--memory", "512m")):
        assert pair in pairs
    assert "--read-only" in argv and "--privileged" not in argv


@attack("A2", "container root -> host root", "replaces the entry that is run when the image is asked")
def test_the_entry_that_is_run_is_ours(tmp_path, monkeypatch):
    monkeypatch.setattr(entry.paths, "VAR_DIR", str(tmp_path / "var"))
    monkeypatch.setattr(entry.paths, "STATE_DIR", str(tmp_path / "etc"))
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "entry").write_text("#!/bin/sh\nevil\n")
    with entry.copy("#!/bin/sh\nours\n") as mount:
        source = mount.split("source=")[1].split(",")[0]
        assert source.startswith(str(tmp_path / "var")) and mount.endswith(",readonly")
        with open(source, encoding="ascii") as stored:
            assert stored.read() == "#!/bin/sh\nours\n"


def archive(images):
    """What ``docker save`` writes of several images."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as made:
        def add(name, data):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))

        for number, name in enumerate(images):
            add("%d.json" % number, b"{}")
            add("%d/layer.tar" % number, name.encode())
        add("repositories", json.dumps({name: {"latest": "0"} for name in images}).encode())
        add("index.json", b'{"manifests": []}')
        add("oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        add("manifest.json", json.dumps([
            {"Config": "%d.json" % number, "Layers": ["%d/layer.tar" % number], "RepoTags": [name, "also-" + name]}
            for number, name in enumerate(images)]).encode())
    return stream.getvalue()


@attack("A11", "archive -> other images of the host", "holds nginx:latest beside the image that is wanted")
def test_only_the_chosen_image_arrives(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "image.tar"
    path.write_bytes(archive(["nginx:latest", "oqs:1"]))
    parts = image_parts.of(ImageSpec("oqs:1", "archive", id="sha256:1"), str(path))
    whole = b""
    for each in parts:
        with open(each, "rb") as part:
            whole += part.read()
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(whole))) as found:
        assert sorted(found.getnames()) == ["1.json", "1/layer.tar", "manifest.json"]
        rows = json.load(found.extractfile("manifest.json"))
    assert [row["RepoTags"] for row in rows] == [["oqs:1"]]
