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
import stat
import tarfile
import threading
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils import images

FACTS = {"kex": ["a"], "key": ["b"], "sig": []}
CONFIG = json.dumps({"config": {"Labels": {images.FACTS: json.dumps(FACTS)}}}).encode()
CONFIG_ID = hashlib.sha256(CONFIG).hexdigest()
NAME = "example.org/oqs:1"
LAYER = os.urandom(40000)


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
    found = images.read_archive(put(pack(saved(layout))), NAME)
    assert found == {"id": "sha256:" + CONFIG_ID, "name": NAME, "facts": FACTS}


def test_an_image_without_our_label_or_name(put):
    for config in (b"{}", b'{"config": null}', b'{"config": {"Labels": null}}',
                   json.dumps({"config": {"Labels": {images.FACTS: "[]"}}}).encode()):
        found = images.read_archive(put(saved(config=config, tags=())), NAME)
        assert found["facts"] is None and found["name"] == NAME


@pytest.mark.parametrize("asked", [NAME, "docker.io/" + NAME, "docker.io/library/" + NAME, "example.org/oqs:1"])
def test_one_of_several_images(put, asked):
    other = manifest("x.json", [], ["other:1"])
    right = manifest(CONFIG_ID + ".json", ["abc/layer.tar"])
    assert images.read_archive(put(saved(rows=[other, right])), asked)["id"] == "sha256:" + CONFIG_ID


def test_a_name_without_a_tag_means_latest(put):
    rows = [manifest("x.json", [], ["other:1"]), manifest(CONFIG_ID + ".json", [], ["team/oqs:latest"])]
    assert images.read_archive(put(saved(rows=rows)), "team/oqs")["name"] == "team/oqs:latest"


def refused(path, name=NAME):
    with pytest.raises(images.ImageError) as caught:
        images.read_archive(path, name)
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


# on its way


@pytest.fixture
def image(put, monkeypatch):
    monkeypatch.setattr(images, "PART", 10000)
    return {"id": "sha256:" + CONFIG_ID, "name": NAME}, put(saved())


def test_parts_are_whole_and_hashed_and_private(image):
    rows = images.parts(*image)
    pieces = [Path(row["path"]).read_bytes() for row in rows]
    assert len(rows) > 3 and all(len(piece) <= 10000 for piece in pieces)
    assert [hashlib.sha256(piece).hexdigest() for piece in pieces] == [row["sha256"] for row in rows]
    with open(image[1], "rb") as whole:
        assert gzip.decompress(b"".join(pieces)) == whole.read()
    assert [row["path"] for row in rows] == sorted(row["path"] for row in rows)
    assert stat.S_IMODE(os.stat(images.cache()).st_mode) == 0o700


def test_a_second_time_nothing_is_compressed(image, monkeypatch):
    first = images.parts(*image)
    monkeypatch.setattr(images, "_compress", lambda *_any: pytest.fail("compressed again"))
    os.unlink(image[1])
    assert images.parts(*image) == first


def test_a_cache_that_lost_a_part_is_made_again(image):
    first = images.parts(*image)
    os.unlink(first[1]["path"])
    assert images.parts(*image) == first and os.path.exists(first[1]["path"])


def test_what_is_gzip_already_travels_as_it_is(put):
    data = gzip.compress(saved())
    rows = images.parts({"id": "sha256:" + CONFIG_ID, "name": NAME}, put(data))
    assert b"".join(Path(row["path"]).read_bytes() for row in rows) == data


def test_an_interrupted_compression_is_begun_anew(image, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(images.ImageError, match="cannot be compressed into"):
        patch.setattr(images.shutil, "copyfileobj", lambda *_any: (_ for _ in ()).throw(OSError(28, "No space left")))
        images.parts(*image)
    assert len(images.parts(*image)) > 3


def test_one_process_at_a_time(image):
    done = threading.Event()
    with open(os.path.join(images.cache(), "archives.lock"), "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        worker = threading.Thread(target=lambda: (images.parts(*image), done.set()), daemon=True)
        worker.start()
        assert not done.wait(0.3)
    assert done.wait(10)
    worker.join(10)


def test_a_pulled_image_needs_nothing_of_the_controller():
    want = {"name": NAME, "source": "pull"}
    assert images.resolve(want) == {"name": NAME, "source": "pull", "id": None, "facts": None, "digest": ""}


def test_an_archive_gives_the_wish_its_id_and_facts(put):
    found = images.resolve({"name": NAME, "source": "archive", "archive": put(saved())})
    assert found == {"name": NAME, "source": "archive", "id": "sha256:" + CONFIG_ID, "facts": FACTS}


def test_building_without_an_engine_says_so(monkeypatch):
    monkeypatch.setattr(images.shutil, "which", lambda _name: None)
    with pytest.raises(images.ImageError, match="build needs a Docker engine on the controller, and none answers"):
        images.resolve({"name": NAME, "source": "build"})
