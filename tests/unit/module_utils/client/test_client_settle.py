# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A person's own machine, set up whole: what the person has stays as it is, and the real ssh has the last word."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import aliases, machine, programs, settings
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client.settle import settle
from client_samples import HOST

HOSTS = {"web1": HOST.to_json(), "web2": HOST._replace(address="192.0.2.8").to_json()}
INCLUDE = "Include {folder}/config.d/oqs.conf\n"


class Home(NamedTuple):
    """A folder of a person's own."""

    folder: Path

    def put(self, text, name="config", mode=0o600):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.replace("{folder}", str(self.folder)).encode() if isinstance(text, str) else text)
        path.chmod(mode)

    def settle(self, check=False, **more):
        wanted = dict({
            "state": "present", "dir": str(self.folder), "bin": str(self.folder / "bin"), "program": "system",
            "image": "example.org/oqs:1", "identity": "", "hop_user": "", "prefix": "", "inventory": list(HOSTS),
            "hosts": HOSTS, "programs": dict.fromkeys(settings.WRAPPERS, "#!/bin/sh\n"),
        }, **more)
        return settle(settings.parse(wanted), check)

    def files(self):
        return {str(path): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}

    def asked(self, name):
        argv = ["ssh", "-G", "-F", str(self.folder / "config"), name]
        said = subprocess.run(argv, capture_output=True, check=True, text=True).stdout
        return dict(line.partition(" ")[::2] for line in said.splitlines())

    def refused(self, **more):
        """The words of a run that places nothing."""
        before = self.files()
        with pytest.raises(machine.Refused) as caught:
            self.settle(**more)
        assert self.files() == before
        return str(caught.value)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "image_program", lambda _image, _identities: aliases.Program((), (), {}))
    folder = tmp_path / ".ssh"
    folder.mkdir(mode=0o700)
    return Home(folder)


@pytest.mark.parametrize("own", [
    "Host\tweb1\n  User me\n", "Host = web1\n  User me\n", 'Host x "WEB1"\n  User me\n',
    "Match originalhost x,web1\n  User me\n", "Include {folder}/more/*\n", "Include {folder}/deeper\n",
])
def test_names_that_the_person_has_stay_the_persons(home, own):
    home.put("Host web1\n  User me\n", "more/work")
    home.put("Host bastion\n  Include {folder}/more/work\n", "deeper")
    home.put(own)
    before = home.asked("web1")
    report = home.settle()
    assert home.asked("web1") == before and home.asked("web2")["hostname"] == "192.0.2.8"
    assert list(report.ways) == ["web2"] and ["web1:" in note for note in report.notes if "wins" in note] == [True]


def test_the_name_behind_the_hop_may_be_the_persons_too(home):
    home.put("Host web1-host\n  User me\n")
    before = home.asked("web1-host")
    report = home.settle()
    assert home.asked("web1-host") == before and home.asked("web1")["hostname"] == "192.0.2.7"
    assert (report.ways["web1"].login, report.ways["web1"].hop) == ("ssh web1", "")
    assert "web1-host: " in "".join(report.notes) and report.ways["web2"].hop == "ssh web2-host"


@pytest.mark.parametrize(("own", "mode", "words"), [
    ("Host mine\n  Nonsense yes\n", 0o600, "/.ssh/config: line 2: Bad configuration option: nonsense"),
    ("Include {folder}/more\n", 0o600, "/.ssh/more: line 1: Bad configuration option: rubbish"),
    ("Host mine\n", 0o666, "Bad owner or permissions on {folder}/config"),
])
def test_a_configuration_that_is_broken_already_is_named_and_left(home, own, mode, words):
    home.put("Rubbish yes\n", "more")
    home.put(own, mode=mode)
    said = home.refused(identity="ssh-ed25519")
    assert words.format(folder=home.folder) in said and "mend it first" in said


def test_what_an_earlier_run_has_broken_is_mended(home):
    home.put(aliases.stamped(b"Host web1-host\n    ProxyJump 2001:db8::7\n"), "config.d/oqs.conf")
    home.put(INCLUDE + "Host mine\n")
    assert home.settle().changed and home.asked("web1-host")["proxyjump"] == "web1"


def test_names_that_ssh_refuses_by_themselves_are_no_broken_configuration(home):
    home.put('Host "x y" a&b user@x\n  User me\n')
    assert home.settle().changed and home.asked("web1")["hostname"] == "192.0.2.7"


def test_an_identity_is_made_once_ssh_has_read_what_will_be_there(home):
    report = home.settle(identity="ssh-ed25519")
    path = home.folder / "id_ed25519"
    assert home.asked("web1")["identityfile"] == str(path) and report.identity.changed
    assert report.identity.public == path.with_suffix(".pub").read_text().strip()
    assert not home.settle(identity="ssh-ed25519").changed


def test_no_name_is_looked_up(home):
    home.put("CanonicalizeHostname yes\nCanonicalizeFallbackLocal no\nCanonicalDomains invalid\n")
    assert home.settle().changed


@pytest.mark.parametrize("own", ["Host *\n  Port 2200\n", "KexAlgorithms curve25519-sha256\n"])
def test_aliases_say_what_is_meant_or_are_not_placed(home, own):
    home.put(own + INCLUDE)
    said = home.refused()
    assert "web1" in said and own.split()[-1] in said and "to the top" in said


def test_programs_of_the_person_are_not_run_and_our_part_is_tried(home, monkeypatch):
    mark = home.folder / "ran"
    home.put('Match host x exec "touch %s"\n  User me\n' % mark)
    with monkeypatch.context() as broken:
        broken.setattr(aliases, "fragment", lambda *_any: b"Host web1\n    ProxyJump 2001:db8::7\n")
        assert "config.d/oqs.conf" in home.refused()
    report = home.settle()
    assert report.changed and not mark.exists() and "Match exec" in "".join(report.notes)


@pytest.mark.parametrize(("name", "value", "tried"), [("_MOST", 3, 3), ("_LONGEST", 0.0, 0)])
def test_very_many_names_and_a_slow_ssh(home, monkeypatch, name, value, tried):
    home.put("".join("Host h%d\n" % number for number in range(9)))
    monkeypatch.setattr(machine, name, value)
    assert "it has 9 names, %d of them were tried" % tried in "".join(home.settle().notes)


def test_an_ssh_that_gives_no_answer_is_named(home, monkeypatch):
    home.put("Host mine\n")
    slow = machine.CommandError(["ssh"], "no answer within 10 seconds")

    def run(argv, **more):
        raise slow

    monkeypatch.setattr(machine, "run", run)
    assert "no answer within 10 seconds" in home.refused()
