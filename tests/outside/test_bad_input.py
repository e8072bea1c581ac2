# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wrong input ends in one clear sentence before anything was changed; the same host takes a right run afterwards.

`plain` is an untouched host without Docker; `ready` has Docker and is deployed to, after a first failure, in the end.
"""

from __future__ import annotations

import io
import pathlib
import subprocess
import tarfile
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

import pytest
import yaml
from scenario import PQ_KEY, ROOT, Run, Scenario, image
from visitor import Visitor

PLAIN, READY = "plain", "ready"
#: A file that a shell would make if a value ever reached one, on the host or here.
CANARY = "/tmp/oqs-ssh-was-executed"
NASTY = {
    "blanks": "two words",
    "quotes": "it's \"quoted\" `touch %s`" % CANARY,
    "shell": "$(touch %s); touch %s | x" % (CANARY, CANARY),
    "newline": "one\ntouch %s" % CANARY,
    "option": "--privileged",
}
#: Lists whose members are looked into when everything else is in order.
LISTS = ("oqs_ssh_authorized_keys", "oqs_ssh_firewall_sources")
PASSWORDS = ("Pa55W0rd", "oqs.pw", "Sh0rt!")


class Case(NamedTuple):
    """Variables, and the words that must be said."""

    name: str
    variables: Dict[str, Any]
    words: Tuple[str, ...]


CASES = [
    Case("no access", {"oqs_ssh_password": "", "oqs_ssh_authorized_keys": []},
         ("nobody could log in: set oqs_ssh_password", "or oqs_ssh_authorized_keys")),
    Case("a private key", {"oqs_ssh_authorized_keys": ["-----BEGIN OPENSSH PRIVATE KEY-----"]},
         ("oqs_ssh_authorized_keys: member 1 is no public key line",)),
    Case("wrong kex", {"oqs_ssh_kex_algorithms": ["mlkem768x25519-sha265"]},
         ("oqs_ssh_kex_algorithms", "did you mean mlkem768x25519-sha256?")),
    Case("wrong host key", {"oqs_ssh_host_key_algorithms": ["ssh-mldsa44-ed25591"]},
         ("oqs_ssh_host_key_algorithms", "did you mean ssh-mldsa44-ed25519?")),
    Case("wrong pubkey", {"oqs_ssh_pubkey_algorithms": ["ssh-ed25591"]},
         ("oqs_ssh_pubkey_algorithms", "did you mean ssh-ed25519?")),
    Case("no such archive", {"oqs_ssh_image_source": "archive", "oqs_ssh_image_archive": "/nowhere/image.tar"},
         ("oqs_ssh_image_archive: there is no file /nowhere/image.tar",)),
    Case("no archive named", {"oqs_ssh_image_source": "archive"}, ("oqs_ssh_image_archive: must name a file",)),
    Case("no root", {"ansible_user": "admin", "ansible_become": False},
         ("this needs root on the host: set become: true",)),
    Case("no python there", {"ansible_python_interpreter": "/usr/bin/python-of-nobody"},
         ("the host has no Python that Ansible finds: install python3",)),
    Case("unreachable", {"ansible_port": 9}, ("unreachable",)),
    Case("no such hop user", {"oqs_ssh_hop_users": ["nobody-here"]}, ("oqs_ssh_hop_users", "nobody-here")),
    Case("root as hop user", {"oqs_ssh_hop_users": ["root"]}, ("oqs_ssh_hop_users: root is root",)),
    Case("port is text", {"oqs_ssh_port": "ssh"}, ("oqs_ssh_port: must be a whole number, got text of 3 characters",)),
    Case("port out of range", {"oqs_ssh_port": 70000}, ("oqs_ssh_port: must be a port from 1 to 65535",)),
    Case("port of the host's own sshd", {"oqs_ssh_port": 22}, ("oqs_ssh_port: must differ from oqs_ssh_hop_port",)),
    Case("port taken by sshd", {"oqs_ssh_port": 22, "oqs_ssh_hop_port": 2022}, ("port 22 is taken by", "sshd")),
    Case("misspelt", {"oqs_ssh_pasword": "x"}, ("oqs_ssh_pasword", "did you mean oqs_ssh_password?")),
    Case("source with host bits", {"oqs_ssh_firewall_sources": ["192.0.2.1/24"]},
         ("oqs_ssh_firewall_sources: member 1", "host bits must be 0")),
]


@pytest.fixture(scope="module")
def scenario() -> Iterator[Scenario]:
    """Two hosts, gone afterwards."""
    made = Scenario("bad-input", {"oqs_ssh_stock_clients": True})
    try:
        yield made.up({PLAIN: "bookworm:plain", READY: "trixie:docker"})
    finally:
        made.down()


def _refused(scenario: Scenario, *words: str, host: str = PLAIN, **variables: Any) -> Run:
    """A run must fail with these words and leave no trace."""
    before = scenario.files(host)
    run = scenario.deploy(limit=host, **dict({"oqs_ssh_image_source": "build"}, **variables))
    assert run.code != 0, run.text
    for word in words:
        assert word in run.words, run.text
    assert "Traceback" not in run.text
    assert "a defect in this collection" not in run.text
    ending = run.text[run.text.rindex("TASK [What was done"):]
    assert run.line(host, "failed"), ending
    assert scenario.files(host) == before, "something was changed"
    if host == PLAIN:
        assert scenario.root(host, "sh", "-c", "command -v docker || echo none") == "none"
    assert scenario.root(host, "sh", "-c", "ls %s 2>/dev/null || echo none" % CANARY) == "none"
    assert not pathlib.Path(CANARY).exists()
    return run


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_refused_before_anything_changed(scenario: Scenario, case: Case) -> None:
    _refused(scenario, *case.words, **case.variables)


@pytest.mark.parametrize("password", PASSWORDS)
def test_password_that_anybody_guesses(scenario: Scenario, password: str) -> None:
    run = _refused(scenario, "oqs_ssh_password: refused, ", oqs_ssh_password=password)
    assert password not in run.text, "the rejected password is shown"


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, str]:
    """Archives that are none."""
    folder = tmp_path_factory.mktemp("archives")
    whole = folder / "whole.tar"
    subprocess.run(["docker", "save", "--output", str(whole), image("stock")], check=True, timeout=120)
    data = whole.read_bytes()
    (folder / "half.tar").write_bytes(data[: len(data) // 2])
    (folder / "text.tar").write_text("no image\n" * 1000, encoding="ascii")
    with tarfile.open(folder / "other.tar", "w") as archive:
        member = tarfile.TarInfo("hello")
        member.size = 2
        archive.addfile(member, io.BytesIO(b"hi"))
    whole.unlink()
    return {path.name: str(path) for path in folder.iterdir()}


@pytest.mark.parametrize(("name", "words"), [
    ("half.tar", "is truncated"),
    ("text.tar", "is truncated or not an image archive"),
    ("other.tar", "but not of an image"),
])
def test_archive_that_is_no_image(scenario: Scenario, damaged: Dict[str, str], name: str, words: str) -> None:
    _refused(scenario, damaged[name], words, "docker save", oqs_ssh_image_source="archive",
             oqs_ssh_image_archive=damaged[name])


def _texts() -> List[str]:
    """Every variable of the roles that is a text without fixed choices, or a list of texts; the password apart."""
    names = []
    for spec in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        options = yaml.safe_load(spec.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
        names += [name for name, option in options.items() if option["type"] in ("str", "list")]
    return [name for name in names if name not in ("oqs_ssh_password", "oqs_ssh_image_archive", *LISTS)]


@pytest.mark.parametrize("kind", sorted(NASTY))
def test_no_text_reaches_a_shell(scenario: Scenario, kind: str) -> None:
    value = NASTY[kind]
    lists = [name for name in _texts() if name.endswith(("s", "_exclusive")) and "address" not in name]
    variables = {name: [value] if name in lists else value for name in _texts()}
    run = _refused(scenario, **variables)
    for name in variables:
        assert name + ":" in run.words, (name, run.text)
    assert value not in run.text, "the rejected value is echoed"


@pytest.mark.parametrize("name", LISTS)
def test_no_member_of_a_list_reaches_a_shell(scenario: Scenario, name: str) -> None:
    run = _refused(scenario, *("%s: member %d" % (name, number + 1) for number in range(len(NASTY))),
                   **{name: list(NASTY.values())})
    assert not [value for value in NASTY.values() if value in run.text], "rejected values are echoed"


@pytest.mark.parametrize("kind", ["newline", "shell"])
def test_archive_names_are_only_names(scenario: Scenario, kind: str) -> None:
    _refused(scenario, "oqs_ssh_image_archive: ", oqs_ssh_image_source="archive", oqs_ssh_image_archive=NASTY[kind])


def test_no_python_at_all(scenario: Scenario) -> None:
    """Nothing is named; there just is none."""
    real = scenario.root(PLAIN, "readlink", "-f", "/usr/bin/python3")
    scenario.root(PLAIN, "mv", real, real + ".away")
    try:
        _refused(scenario, "the host has no Python that Ansible finds: install python3")
    finally:
        scenario.root(PLAIN, "mv", real + ".away", real)


def test_port_taken_then_free_and_a_password_with_everything_in_it(scenario: Scenario) -> None:
    """Who has the port is named; when it is free the same run succeeds, with a password that no shell would survive."""
    password = "it's \"$(touch %s)\" \\ & | <x> # * %% ünï-9x" % CANARY
    listener = "import socket, time; s = socket.create_server(('', 2222)); time.sleep(600)"
    scenario.root(READY, "sh", "-c", "python3 -c \"%s\" >/dev/null 2>&1 & echo $! > /run/listener" % listener)
    _refused(scenario, "port 2222 is taken by python3", "stop it there, or set oqs_ssh_port", host=READY)
    scenario.root(READY, "sh", "-c", "kill $(cat /run/listener)")
    run = scenario.deploy(limit=READY, oqs_ssh_image_source="build", oqs_ssh_password=password)
    assert run.code == 0, run.text
    assert password not in run.text
    visitor = Visitor(scenario)
    said = visitor.typed_password(READY, "id -un", password)
    assert (said.code, said.screen.splitlines()[-1]) == (0, "oqs"), said.screen
    assert PQ_KEY in visitor.ssh(READY, "true").log
    assert scenario.root(READY, "sh", "-c", "ls %s 2>/dev/null || echo none" % CANARY) == "none"
