# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Key files, whole and damaged, as every OpenSSH at hand reads them (``ssh-keygen -l`` and ``-y``), and as we do."""

from __future__ import annotations

import base64
import io
import re
import tarfile
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Tuple

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files

from tests.integration.module_call import docker, need_image
from tests.unit.module_utils.openssh import test_sshkeys

pytestmark = pytest.mark.docker
STOCK = "localhost/quantumsafe/openssh-stock:latest"
#: Image and where its programs are.
SHIPS = {suite: ("quantumsafe/probe-test:" + suite, "/usr/bin") for suite in ("bookworm", "trixie", "forky")}
SHIPS["stock"] = (STOCK, "/opt/oqs-ssh/bin")
MAKE = """
mkdir /k && cd /k || exit 1
make() { name=$1; shift; KEYGEN -q -C "some body" -f $name "$@" </dev/null >&2; }
make ed25519 -t ed25519 -N ''; make rsa -t rsa -b 2048 -N ''; make ecdsa -t ecdsa -N ''
make other -t ed25519 -N ''; make locked -t ed25519 -N secret
make pem -t rsa -b 2048 -m PEM -N ''; make pkcs8 -t ecdsa -m PKCS8 -N ''
for kind in $(SSH -Q key-plain | grep mldsa); do make $kind -t $kind -N ''; done
tar -c .
"""
# For each file NAME beside NAME.pub: what -y says of the private half, and -l of the public one.
ASK = """
umask 077; mkdir /k && cd /k && tar -x || exit 1
for public in *.pub; do
  name=${public%.pub}
  derived=$(KEYGEN -y -P secret -f "$name" 2>/dev/null </dev/null | cut -d' ' -f2)
  print=$(KEYGEN -l -f "$public" 2>/dev/null </dev/null | cut -d' ' -f2)
  echo "$name ${derived:--} ${print:--}"
done
"""


class Pair(NamedTuple):
    """Two files as bytes."""

    private: bytes
    public: bytes


def run(ship: str, script: str, stdin: bytes = b"") -> bytes:
    """A shell script in a container with an OpenSSH of some age."""
    image, folder = SHIPS[ship]
    script = script.replace("KEYGEN", folder + "/ssh-keygen").replace("SSH ", folder + "/ssh ")
    argv = ("run", "--rm", "-i", "--network", "none", "--user", "0:0", "--entrypoint", "/bin/sh", image, "-c", script)
    return docker(*argv, stdin=stdin).stdout


@pytest.fixture(scope="module", autouse=True)
def images() -> None:
    """The images of the probe's tests, which have the client programs of each release."""
    from tests.integration.probe_hosts import Host

    need_image(STOCK)
    for suite in ("bookworm", "trixie", "forky"):
        Host(suite).remove()


@pytest.fixture(scope="module")
def made(images: None) -> Dict[str, Pair]:
    """Good pairs of all types, by the newest OpenSSH."""
    with tarfile.open(fileobj=io.BytesIO(run("stock", MAKE))) as archive:
        files = {Path(entry.name).name: archive.extractfile(entry).read() for entry in archive if entry.isfile()}
    found = {name: Pair(data, files[name + ".pub"]) for name, data in files.items() if not name.endswith(".pub")}
    assert any("mldsa" in name for name in found) and len(found) >= 8
    return found


def verdicts(ship: str, pairs: Dict[str, Pair]) -> Iterator[Tuple[str, str, str]]:
    """Name, derived public key and fingerprint (``-``: refused) of each pair."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, pair in pairs.items():
            for end, data in (("", pair.private), (".pub", pair.public)):
                info = tarfile.TarInfo(name + end)
                info.size, info.mode = len(data), 0o600
                archive.addfile(info, io.BytesIO(data))
    lines = run(ship, ASK, stream.getvalue()).decode().splitlines()
    assert len(lines) == len(pairs)
    for line in lines:
        name, derived, fingerprint = line.split()
        yield name, derived, fingerprint


@pytest.mark.parametrize("ship", SHIPS)
def test_whole_pairs(made: Dict[str, Pair], ship: str) -> None:
    """Every pair that an OpenSSH can read, it reads as we do; we also read those that it cannot."""
    read = 0
    for name, derived, fingerprint in verdicts(ship, made):
        ours = key_files.pair_state(*made[name])
        assert ours.state == "good" and ours.key is not None and ours.key.comment == "some body", name
        assert fingerprint == ours.key.fingerprint or (fingerprint == "-" and "mldsa" in name), name
        assert derived == ours.key.line.split()[1] or (derived == "-" and "mldsa" in name), name
        assert key_files.is_encrypted(made[name].private) is (name == "locked")
        read += derived != "-"
    assert read == len(made) if ship == "stock" else read >= 7


def text_damages(pair: Pair) -> List[Tuple[str, bytes]]:
    """What happens to files of any type: cut, lines lost and doubled, something else in their place."""
    data = pair.private
    lines = data.splitlines(keepends=True)
    size = len(data)
    ways = [("cut at %d" % number, data[:size * number // 12]) for number in range(12)]
    ways += [("lost line %d" % number, b"".join(lines[:number] + lines[number + 1:])) for number in (0, 1, 2, -1)
             if lines[number] != lines[-1] or number == 0]
    ways += [("doubled line %d" % number, b"".join(lines[:number + 1] + lines[number:])) for number in (1, 2)]
    ways += [("zeros at %d" % number, data[:size * number // 6] + b"\0" * 64 + data[size * number // 6 + 64:])
             for number in range(6)]
    return [*ways, ("public instead", pair.public), ("no end of line and no end", data[:-40]),
            ("other", data.replace(b"PRIVATE", b"PUBLIC"))]


@pytest.mark.parametrize("ship", SHIPS)
def test_damaged_files(made: Dict[str, Pair], ship: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no OpenSSH can use, we call damaged; what we call good gives each of them the same public half."""
    monkeypatch.setattr(test_sshkeys, "real_pair", lambda: made["ed25519"])
    cases = [("ed25519", way, data) for way, data, _seen in test_sshkeys.damages()]
    assert len(cases) >= 30
    cases += [(name, way, data) for name, pair in made.items() for way, data in text_damages(pair)]
    named = {"%04d" % number: case for number, case in enumerate(cases)}
    pairs = {number: Pair(data, made[name].public) for number, (name, _way, data) in named.items()}
    pairs["other"] = Pair(made["ed25519"].private, made["other"].public)
    refused = 0
    for number, derived, _fingerprint in verdicts(ship, pairs):
        ours = key_files.pair_state(*pairs[number])
        where = (named.get(number, ("", "", b""))[:2], derived, ours)
        assert not ours.reason or not re.search(rb"[A-Za-z0-9+/=]{40}", ours.reason.encode()), where
        if derived == "-":
            unknown = "mldsa" in named[number][0] and ship in ("bookworm", "trixie")
            assert unknown or ours.state == "damaged", where
            refused += 1
        else:
            theirs = base64.b64encode(ours.key.blob).decode() if ours.key else ""
            assert ours.state in ("damaged", "mismatch") or derived == theirs, where
    assert ours.state == "mismatch", "the last one"
    assert refused > 100
