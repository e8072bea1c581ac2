# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""oqs_keypair with the image's own ssh-keygen, judged by the image and the host."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path
from typing import List

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files

from tests.integration.module_call import absent, call, docker, four, need_image, spied_docker

pytestmark = pytest.mark.docker
IMAGE = "localhost/quantumsafe/openssh-stock:latest"
PHRASE = "s3cret 'phrase' $(x)"


@pytest.fixture(scope="module")
def types() -> List[str]:
    """Signature key types of the image that need no token."""
    need_image(IMAGE)
    said = docker("run", "--rm", "--network", "none", "--entrypoint", "/opt/oqs-ssh/bin/ssh", IMAGE, "-Q", "key-plain")
    found = [name for name in said.stdout.decode().split() if not name.startswith(("sk-", "webauthn"))]
    assert any("mldsa" in name for name in found)
    return found


def image_says(folder: Path, *arguments: str) -> str:
    mount = "type=bind,source=%s,target=/k,readonly" % folder
    program = "/opt/oqs-ssh/bin/ssh-keygen"
    options = ("run", "--rm", "-i", "--network", "none", "--mount", mount, "--entrypoint", program, IMAGE)
    return docker(*options, *arguments).stdout.decode()


def test_four_calls_for_every_type_of_the_image(types: List[str], tmp_path: Path) -> None:
    files = [key_files.host_key_name(name).replace("_ecdsa_", "_%s_" % name) for name in types]
    pairs = [{"path": str(tmp_path / file), "type": name} for file, name in zip(files, types)]
    spied = spied_docker(tmp_path / "bin")
    results = four("oqs_keypair", {"pairs": pairs, "image": IMAGE, "comment": "it's $(x)"}, env=spied)
    made = results[1]["pairs"]
    assert [pair["action"] for pair in made] == ["made"] * len(types)
    assert [pair["type"] for pair in made] == types
    assert (tmp_path / "bin" / "spied").read_text().splitlines().count("run") == 1
    for name, pair in zip(types, made):
        path = Path(pair["path"])
        found = path.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o600, 0, 0)
        assert stat.S_IMODE(os.stat(str(path) + ".pub").st_mode) == 0o644
        assert image_says(tmp_path, "-l", "-f", "/k/" + path.name + ".pub").split()[1] == pair["fingerprint"]
        derived = image_says(tmp_path, "-y", "-P", "", "-f", "/k/" + path.name).split()
        assert derived[:2] == pair["public_key"].split()[:2] == [name, derived[1]]
        body = path.read_text().splitlines()[2]
        absent("".join(result["_raw"] for result in results) + (tmp_path / "bin" / "spied").read_text(), [body])
    assert [pair["fingerprint"] for pair in results[3]["pairs"]] == [pair["fingerprint"] for pair in made]
    left = [name for name in os.listdir("/run") if name.startswith("oqs-ssh-keys-")] if os.path.isdir("/run") else []
    assert left == []


def test_broken_pairs_are_replaced_as_pairs(types: List[str], tmp_path: Path) -> None:
    name = next(name for name in types if "mldsa" in name)
    path = tmp_path / "key"
    arguments = {"path": str(path), "type": name, "image": IMAGE, "regenerate": "damaged", "backup": True}
    first = four("oqs_keypair", arguments)[1]["pairs"][0]
    (tmp_path / "key.pub").unlink()
    mended = four("oqs_keypair", arguments)[1]["pairs"][0]
    assert (mended["before"], mended["action"], mended["fingerprint"]) == ("half", "mended", first["fingerprint"])
    path.write_bytes(path.read_bytes()[:500])
    refused = call("oqs_keypair", dict(arguments, regenerate="missing"))
    assert refused["failed"] and str(path) in refused["msg"] and "use 'damaged'" in refused["msg"]
    check, made, _check, _again = four("oqs_keypair", arguments)
    assert made["pairs"][0]["before"] == "damaged" and made["pairs"][0]["fingerprint"] != first["fingerprint"]
    assert len(made["pairs"][0]["backup_files"]) == 2
    assert "<known after apply>" in check["diff"][0]["after"]
    assert image_says(tmp_path, "-y", "-P", "", "-f", "/k/key").split()[1] == made["pairs"][0]["public_key"].split()[1]


def test_passphrase_is_never_seen(types: List[str], tmp_path: Path) -> None:
    spied = spied_docker(tmp_path / "bin")
    for number, image in enumerate((IMAGE, None)):
        path = tmp_path / ("key%d" % number)
        arguments = {"path": str(path), "type": "ed25519", "image": image, "passphrase": PHRASE, "owner": "nobody"}
        results = four("oqs_keypair", arguments, env=spied)
        assert results[1]["pairs"][0]["encrypted"] and path.stat().st_uid == 65534
        absent("".join(result["_raw"] for result in results), [PHRASE])
        os.chown(path, 0, 0)
        known = subprocess.run(["ssh-keygen", "-y", "-P", PHRASE, "-f", str(path)], capture_output=True, check=False)
        assert known.returncode == 0, known.stderr
    spied_text = (tmp_path / "bin" / "spied").read_text()
    assert IMAGE in spied_text
    absent(spied_text, [PHRASE])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"type": "ssh-mldsa44-ed25591"}, ["-ed25591' is unknown", "nearest it knows is 'ssh-mldsa44-ed25519'"]),
        ({"image": "quantumsafe/no-such-image:x"}, ["quantumsafe/no-such-image:x"]),
        ({"path": "/nowhere/key"}, ["/nowhere", "make it first"]),
        ({"owner": "no-such-account"}, ["owner", "no-such-account"]),
        ({"comment": "a\nb"}, ["comment", "line end"]),
        ({"passphrase": "x7#"}, ["passphrase", "5 characters"]),
        ({"regenerate": "never"}, ["regenerate is 'never'"]),
        ({"type": None}, ["path", "type"]),
        ({"type": "$(reboot); -f /x"}, [IMAGE]),
    ],
)
def test_bad_input(tmp_path: Path, more: dict, words: list) -> None:
    need_image(IMAGE)
    arguments = dict({"path": str(tmp_path / "key"), "type": "ed25519", "image": IMAGE}, **more)
    result = call("oqs_keypair", {name: value for name, value in arguments.items() if value is not None})
    assert result.get("failed") and all(word in result["msg"] for word in words), result["msg"]
    assert "Traceback" not in result["_raw"] and os.listdir(tmp_path) == []
