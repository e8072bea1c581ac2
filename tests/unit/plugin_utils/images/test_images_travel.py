# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Image archives on the controller: read, refused with the reason, and cut into parts once."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import io
import json
import lzma
import os
import re
import shutil
import stat
import subprocess
import tarfile
import threading
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ImageSpec
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import (
    image_archive,
    image_cache,
    image_parts,
    selection,
)

FACTS = "\n== kex\na\n== key\nb\n== user\noqs\n1000\n/home/oqs\n== sshd_config\nPort 2222\n\n== ssh_config\nPort 2222\n"
CONFIG = json.dumps({"config": {"Labels": {image_archive.FACTS: FACTS}}}).encode()
CONFIG_ID = hashlib.sha256(CONFIG).hexdigest()
NAME = "example.org/oqs:1"
LAYER = os.urandom(40000)
HELD = ImageSpec(NAME, "archive", id="sha256:" + CONFIG_ID)


def tar(members) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def manifest(config, layers, tags=(NAME,)):
    return {"Config": config, "Layers": list(layers), "RepoTags": list(tags) or None}


def saved(layout="old", config=CONFIG, tags=(NAME,), drop=(), rows=None) -> bytes:
    """What ``docker save`` writes: up to version 24 (old), and since 25 with an OCI layout beside."""
    digest = hashlib.sha256(config).hexdigest()
    name, layer = (digest + ".json", "abc/layer.tar") if layout == "old" else (
        "blobs/sha256/" + digest, "blobs/sha256/" + hashlib.sha256(LAYER).hexdigest())
    members = [(layer, LAYER), (name, config)]
    if layout != "old":
        members += [("oci-layout", b'{"imageLayoutVersion": "1.0.0"}'), ("index.json", b"{}")]
    members.append(("manifest.json", json.dumps(rows or [manifest(name, [layer], tags)]).encode()))
    return tar([member for member in members if not member[0].startswith(tuple(drop) or "nothing")])


@pytest.fixture
def put(tmp_path):
    def write(data, name="image.tar"):
        path = tmp_path / name
        path.write_bytes(data)
        return str(path)
    return write


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("layout", ["old", "oci"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_good_archive(put, layout, pack):
    found = image_archive.read(put(pack(saved(layout))), NAME)
    assert found == image_archive.Carried("sha256:" + CONFIG_ID, NAME, FACTS)


def test_an_image_without_our_label_or_name(put):
    for config in (b"{}", b'{"config": null}', b'{"config": {"Labels": null}}'):
        found = image_archive.read(put(saved(config=config, tags=())), NAME)
        assert found.facts is None and found.name == NAME


@pytest.mark.parametrize("tag", ["team/oqs:1", "docker.io/team/oqs:1"])
@pytest.mark.parametrize("asked", ["team/oqs:1", "docker.io/team/oqs:1", "index.docker.io/team/oqs:1"])
def test_one_of_several_images(put, asked, tag):
    """Docker writes short names into archives, Podman whole ones."""
    other = manifest("x.json", [], ["other:1", "example.org/team/oqs:1"])
    right = manifest(CONFIG_ID + ".json", ["abc/layer.tar"], ["team/oqs:2", tag])
    assert image_archive.read(put(saved(rows=[other, right])), asked).id == "sha256:" + CONFIG_ID


def test_a_name_without_a_tag_means_latest(put):
    rows = [manifest("x.json", [], ["other:1"]), manifest(CONFIG_ID + ".json", [], ["team/oqs:latest"])]
    assert image_archive.read(put(saved(rows=rows)), "team/oqs").name == "team/oqs:latest"


def refused(path, name=NAME):
    with pytest.raises(selection.ImageError) as caught:
        image_archive.read(path, name)
    said = str(caught.value)
    assert path in said and "\n" not in said and len(said) < 400
    return said


def test_none_of_several_images(put):
    rows = [manifest("x.json", [], ["other:1"]), manifest("y.json", [], ["third:2"])]
    said = refused(put(saved(rows=rows)))
    assert "holds other:1, third:2, but not oqs_ssh_image: set it to one of these" in said


def test_there_is_no_file(tmp_path):
    said = refused(str(tmp_path / "nothing.tar"))
    assert said.startswith("oqs_ssh_image_archive: there is no file")


def test_a_folder_is_no_archive(tmp_path):
    assert "cannot be read" in refused(str(tmp_path))


@pytest.mark.parametrize("layout", ["old", "oci"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.8])
def test_a_truncated_archive(put, layout, pack, share):
    whole = pack(saved(layout))
    refused(put(whole[: int(len(whole) * share)]))


@pytest.mark.parametrize("place", [0.1, 0.4, 0.7])
def test_a_damaged_gzip_file(put, place):
    whole = bytearray(gzip.compress(saved(config=CONFIG + b" " * 50000)))
    at = int(len(whole) * place)
    whole[at:at + 40] = b"\xff" * 40
    assert "truncated or not an image archive" in refused(put(bytes(whole)))


@pytest.mark.parametrize("data", [b"", b"x", b"not a tar " * 200, b"\x1f\x8b", b"\x1f\x8b" + b"x" * 600, b"\0" * 10240])
def test_what_is_no_archive(put, data):
    refused(put(data))


def test_a_form_that_docker_load_would_not_take_from_us(put):
    assert "not an image archive" in refused(put(lzma.compress(saved())))


@pytest.mark.parametrize("members", [
    [], [("readme", b"x")], [("manifest.json", b"{")], [("manifest.json", b"{}")], [("manifest.json", b"[]")],
    [("manifest.json", b"[1]")], [("manifest.json", b"[1, 2]")], [("manifest.json", b"\xff\xfe")],
    [("manifest.json", b'[{"Config": "c", "Layers": []}]')],
    [("manifest.json", b'[{"Config": "c", "Layers": []}]'), ("c", b"[]")],
    [("manifest.json", b'[{"Config": "c", "Layers": []}]'), ("c", b"nothing")],
    [("manifest.json", b'[{"Config": "c", "Layers": []}]'), ("c", b'{"config": [1]}')],
    [("manifest.json", b'[{"Config": "c", "Layers": null}]'), ("c", b"{}")],
])
def test_an_archive_of_something_else(put, members):
    refused(put(tar(members)))


def test_a_missing_layer(put):
    assert "layers are missing (abc/layer.tar)" in refused(put(saved(drop=("abc",))))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_a_layer_that_is_not_what_it_was(put, share):
    """A plain tar has no checksum of its own; the image's configuration and the members' names tell."""
    for layout in ("old", "oci"):
        config = json.dumps({"rootfs": {"diff_ids": ["sha256:" + hashlib.sha256(LAYER).hexdigest()]}}).encode()
        whole = bytearray(saved(layout, config))
        at = whole.index(LAYER) + int(len(LAYER) * share)
        whole[at] ^= 1
        said = refused(put(bytes(whole)))
        assert "is damaged" in said and "make it anew with docker save" in said
        whole[at] ^= 1
        assert image_archive.read(put(bytes(whole)), NAME).name == NAME


def test_a_configuration_that_is_not_what_it_was(put):
    whole = saved("oci").replace(b'"config": {', b'"Config": {', 1)
    assert "is damaged" in refused(put(whole))


def test_layers_that_nobody_wrote_down(put):
    config = b'{"rootfs": {"diff_ids": ["sha256:a", "sha256:b"]}}'
    assert "has 1 layers and says 2" in refused(put(saved(config=config)))


def test_an_oci_archive_without_the_form_that_docker_load_takes(put):
    path = put(tar([("oci-layout", b"{}"), ("index.json", b"{}"), ("blobs/sha256/" + CONFIG_ID, CONFIG)]))
    said = refused(path)
    assert "is an OCI archive" in said and "skopeo copy oci-archive:%s docker-archive:" % path in said


def test_what_was_read_is_remembered_for_the_same_file_only(put, monkeypatch):
    path = put(saved())
    first = image_archive.read(path, NAME)
    with monkeypatch.context() as patch:
        patch.setattr(image_archive, "_read", lambda *_any: pytest.fail("read again"))
        assert image_archive.read(path, NAME) == first
    other = put(saved(config=b"{}"))
    assert other == path
    assert image_archive.read(path, NAME).id != first.id


def test_what_nobody_used_for_long_goes(put):
    old = os.path.join(image_cache.folder(), "f00")
    os.mkdir(old)
    os.utime(old, (0, 0))
    image_archive.read(put(saved()), NAME)
    assert not os.path.exists(old)


# zstd

needs_zstd = pytest.mark.skipif(not shutil.which("zstd"), reason="no program zstd here")


def zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True, timeout=60).stdout


@needs_zstd
def test_an_archive_compressed_with_zstd(put, monkeypatch):
    path = put(zstd(saved()), "image.tar.zst")
    assert image_archive.read(path, NAME).id == "sha256:" + CONFIG_ID
    paths = image_parts.of(HELD, path)
    assert content(paths) == content(image_parts.of(HELD._replace(id="sha256:1"), put(saved())))


@needs_zstd
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_truncated_archive_compressed_with_zstd(put, share):
    whole = zstd(saved())
    assert "is truncated or not an image archive" in refused(put(whole[: int(len(whole) * share)]))


class Library:
    """A module for zstd that only swaps the magic number."""

    @staticmethod
    def open(path, _mode):
        data = Path(path).read_bytes()[4:]
        if not data:
            raise RuntimeError("Frame incomplete")
        return io.BytesIO(data)


@pytest.mark.parametrize("there", ["compression.zstd", "zstandard", ""])
def test_zstd_without_the_program(put, monkeypatch, there):
    def find(name):
        if name == there:
            return Library
        raise ImportError(name)

    monkeypatch.setattr(image_archive.shutil, "which", lambda _name: None)
    monkeypatch.setattr(image_archive.importlib, "import_module", find)
    path = put(image_archive.ZSTD + saved())
    if there:
        assert image_archive.read(path, NAME).id == "sha256:" + CONFIG_ID
        assert "Frame incomplete" in refused(put(image_archive.ZSTD))
    else:
        assert "install the program zstd" in refused(path)


# on its way


def content(paths):
    """What travels: the members of the archive that the parts are."""
    whole = gzip.decompress(b"".join(Path(path).read_bytes() for path in paths))
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        return {member.name: archive.extractfile(member).read() if member.isfile() else member.linkname.encode()
                for member in archive}


@pytest.fixture
def image(put, monkeypatch):
    monkeypatch.setattr(image_parts, "PART", 10000)
    return HELD, put(saved())


def test_parts_are_whole_and_hashed_and_private(image):
    paths = image_parts.of(*image)
    pieces = [Path(path).read_bytes() for path in paths]
    assert len(paths) > 3 and all(len(piece) <= 10000 for piece in pieces)
    assert [hashlib.sha256(piece).hexdigest() for piece in pieces] == [os.path.basename(path) for path in paths]
    assert content(paths) == {
        "abc/layer.tar": LAYER, CONFIG_ID + ".json": CONFIG,
        "manifest.json": json.dumps([manifest(CONFIG_ID + ".json", ["abc/layer.tar"])]).encode()}
    assert stat.S_IMODE(os.stat(image_cache.folder()).st_mode) == 0o700


def test_a_second_time_nothing_is_compressed(image, monkeypatch):
    first = image_parts.of(*image)
    monkeypatch.setattr(image_parts, "_compress", lambda *_any: pytest.fail("compressed again"))
    os.unlink(image[1])
    assert image_parts.of(*image) == first


def test_a_cache_that_lost_a_part_is_made_again(image):
    first = image_parts.of(*image)
    os.unlink(first[1])
    assert image_parts.of(*image) == first and os.path.exists(first[1])


@pytest.mark.parametrize("layout", ["old", "oci"])
def test_however_it_is_packed_the_same_travels(put, layout):
    packed = [image_parts.of(HELD._replace(id="sha256:%d" % number), put(pack(saved(layout))))
              for number, pack in enumerate((bytes, gzip.compress))]
    assert content(packed[0]) == content(packed[1])
    names = {"oci": {"blobs/sha256/" + CONFIG_ID, "blobs/sha256/" + hashlib.sha256(LAYER).hexdigest()},
             "old": {"abc/layer.tar", CONFIG_ID + ".json"}}[layout]
    assert set(content(packed[0])) == {*names, "manifest.json"}, "what names other images is left out"


def test_a_layer_that_is_a_link_to_another_comes_with_it(put):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in (("one/layer.tar", LAYER), (CONFIG_ID + ".json", CONFIG), ("other.tar", b"not of it")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("two/layer.tar")
        link.type, link.linkname = tarfile.SYMTYPE, "../one/layer.tar"
        archive.addfile(link)
        data = json.dumps([manifest(CONFIG_ID + ".json", ["two/layer.tar"])]).encode()
        info = tarfile.TarInfo("manifest.json")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    found = content(image_parts.of(HELD, put(stream.getvalue())))
    assert set(found) == {"one/layer.tar", "two/layer.tar", CONFIG_ID + ".json", "manifest.json"}
    assert found["one/layer.tar"] == LAYER and found["two/layer.tar"] == b"../one/layer.tar"


def test_an_archive_that_changes_meanwhile_is_named(put):
    with pytest.raises(selection.ImageError, match="was changed while it was read"):
        image_parts.of(HELD, put(b"no archive any more"))


def test_an_interrupted_compression_is_begun_anew(image, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(selection.ImageError, match="cannot be compressed into"):
        patch.setattr(
            image_parts.image_extract, "only", lambda *_any: (_ for _ in ()).throw(OSError(28, "No space left"))
        )
        image_parts.of(*image)
    assert len(image_parts.of(*image)) > 3


def test_one_process_at_a_time(image):
    done = threading.Event()
    with open(os.path.join(image_cache.folder(), "archives.lock"), "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        worker = threading.Thread(target=lambda: (image_parts.of(*image), done.set()), daemon=True)
        worker.start()
        assert not done.wait(0.3)
    assert done.wait(10)
    worker.join(10)


@pytest.fixture
def there(tmp_path, monkeypatch):
    """The folder for parts, as on a host."""
    folder = tmp_path / "host" / "parts"
    monkeypatch.setattr(image_parts.paths, "PARTS_DIR", str(folder))
    return folder


def store(data, name, source="-", stale=()):
    command = image_parts.store_command(name, source, list(stale))
    done = subprocess.run(["sh", "-c", command], input=data, capture_output=True, check=False, timeout=60)
    return done.returncode, done.stderr.decode()


def test_a_part_is_stored_whole_or_not_at_all(there, tmp_path):
    data = os.urandom(3000)
    name = hashlib.sha256(data).hexdigest()
    code, said = store(data[:1000], name)
    assert code != 0 and list(there.iterdir()) == []
    assert image_parts.not_stored(code, said) == "a part of the image arrived damaged: run again"
    assert store(data, name) == (0, "")
    assert (there / name).read_bytes() == data
    assert stat.S_IMODE(there.stat().st_mode) == 0o700 and stat.S_IMODE((there / name).stat().st_mode) == 0o600
    (tmp_path / "sent").write_bytes(data[:10])
    other = hashlib.sha256(data[:10]).hexdigest()
    assert store(b"", other, str(tmp_path / "sent"), [name]) == (0, "")
    assert [path.name for path in there.iterdir()] == [other]


def test_a_full_disk(there):
    said = image_parts.not_stored(1, "cat: write error: No space left on device\n")
    assert said.startswith("the disk of this host is full") and "what arrived is not sent again" in said
    assert "/dev/full" in image_parts.not_stored(1, "cat: /dev/full: x")
    assert image_parts.not_stored(7, "").endswith("exit code 7")


def test_what_a_host_builds_from_is_always_the_same():
    data = selection.context()
    assert data == selection.context()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = archive.getnames()
    assert {"Dockerfile", "assemble.sh", "sshd_config"} <= set(names)


def test_an_installed_collection_has_all_that_the_recipe_copies(tmp_path, monkeypatch):
    """What only tests need does not ship, and the recipe names nothing of it."""
    shutil.copytree(selection.IMAGES, tmp_path / "images", ignore=shutil.ignore_patterns("README.md", "quirks"))
    monkeypatch.setattr(selection, "IMAGES", str(tmp_path / "images"))
    assert selection.context() == selection.context()
    with tarfile.open(fileobj=io.BytesIO(selection.context())) as archive:
        names = archive.getnames()
    recipe = Path(selection.IMAGES, "stock", "Dockerfile").read_text(encoding="utf-8")
    copied = re.findall(r"(?m)^COPY (?!--from)(\S+) ", recipe)
    assert copied == ["."] and "assemble.sh" in names and not [name for name in names if "quirks" in name]


def test_a_host_that_builds_for_itself_needs_no_engine_here(monkeypatch):
    monkeypatch.setattr(selection.cli, "program", lambda: "/nowhere/docker")
    want = ImageSpec(NAME, "build", build_on="host", build_base="example.org/debian:1")
    found = selection.resolve(want)
    name = "localhost/quantumsafe/openssh-stock:latest"
    assert (found.id, found.base, found.name) == (None, "example.org/debian:1", name)
    other = selection.resolve(want._replace(build_base="example.org/debian:2"))
    assert found.recipe != other.recipe
    own = selection.resolve(want._replace(user="ops", build_message="Of the team ops only."))
    assert own.recipe != found.recipe and own.name.startswith("localhost/quantumsafe/openssh-stock:ops-1000-")
    assert own.arguments == {"OQS_USER": "ops", "MESSAGE": "Of the team ops only."}
    path, = selection.parts(found, "")
    assert Path(path).read_bytes() == selection.context()
    assert os.path.basename(path) == hashlib.sha256(selection.context()).hexdigest()


def test_a_pulled_image_needs_nothing_of_the_controller():
    assert selection.resolve(ImageSpec(NAME, build_base="example.org/debian:1")) == ImageSpec(NAME, digest="")


def test_an_archive_gives_the_wish_its_id_and_facts(put):
    want, archive = ImageSpec(NAME, "archive"), put(saved())
    found = selection.resolve(want, archive)
    assert found == want._replace(id="sha256:" + CONFIG_ID, facts=found.facts)
    assert found.facts.kex == ("a",) and found.facts.sshd_config == "Port 2222\n"
    assert selection.resolve(want._replace(user="alice"), archive).facts is None


def test_building_without_an_engine_says_so(monkeypatch):
    monkeypatch.setattr(selection.cli, "program", lambda: "/nowhere/docker")
    alternatives = (r"build needs a Docker engine.*none answers \(docker info: .*No such file.*"
                    r"oqs_ssh_image_build_on: host.*pull, archive")
    with pytest.raises(selection.ImageError, match=alternatives):
        selection.resolve(ImageSpec(NAME, "build"))
