# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What comes into the client side from outside: settings, memory, a host's files, programs that fail, reports."""

from __future__ import annotations

import json

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import (
    host_facts,
    machine,
    memory,
    programs,
    report,
    roster,
    settings,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import Completed
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session import answers
from client_samples import HOST
from hypothesis import given
from hypothesis import strategies as st

ROW = HOST.to_json()
SETTINGS = {
    "state": "present", "dir": "~/.ssh", "bin": "~/.local/bin", "program": "auto", "image": "example.org/oqs:1",
    "identity": "", "hop_user": "", "prefix": "", "inventory": ["web1"], "hosts": {},
    "programs": dict.fromkeys(settings.WRAPPERS, "#!/bin/sh\n"),
}


# -- settings ----------------------------------------------------------------------------------------------------------


def test_settings_of_the_role_are_read():
    found = settings.parse(dict(SETTINGS, hosts={"web1": ROW, "web2": {}, "web3": dict(ROW, address="a b")}))
    assert found.reported == {"web1": HOST} and found.bare == ("web2",)
    assert found.unusable == {"web3": "address is not of the form that it must have"}


@pytest.mark.parametrize(("change", "name"), [
    ({"state": "gone"}, "settings.state"), ({"dir": "keys"}, "settings.dir"), ({"dir": '/a"b'}, "settings.dir"),
    ({"bin": None}, "settings.bin"), ({"program": "ssh"}, "settings.program"), ({"image": "-v/:/x"}, "settings.image"),
    ({"image": ""}, "settings.image"), ({"identity": "a b"}, "settings.identity"),
    ({"identity": "../x"}, "settings.identity"), ({"hop_user": "a\nMatch exec id"}, "settings.hop_user"),
    ({"prefix": "*"}, "settings.prefix"), ({"inventory": "web1"}, "settings.inventory"),
    ({"hosts": []}, "settings.hosts"),
    ({"programs": {"oqs-ssh": "x"}}, "settings.programs"), ({"more": 1}, "settings"),
], ids=str)
def test_settings_of_another_form_are_named(change, name):
    with pytest.raises(shape.BadShape, match="^%s is not of the form" % name):
        settings.parse(dict(SETTINGS, **change))


# -- memory ------------------------------------------------------------------------------------------------------------


def test_memory_of_an_older_version_is_read_and_written_as_it_was():
    data = json.dumps({"hosts": {"web1": ROW}, "made": ["/h/.ssh", "/h/.ssh/config"]}, sort_keys=True).encode()
    found = memory.parse(data)
    assert found == memory.Memory({"web1": HOST}, ("/h/.ssh", "/h/.ssh/config"), {}, ())
    assert memory.to_json(found.hosts, found.made) == data


def test_no_memory_is_no_damage():
    assert memory.parse(b"") == memory.parse(b"{}") == memory.Memory({}, (), {}, ())


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff", b'{"hosts": []}', b"7", b"[" * 100000, b"null"])
def test_damaged_memory_is_named(data):
    found = memory.parse(data)
    assert not found.hosts and not found.made and "it is damaged and was not used" in found.damage[0]


@pytest.mark.parametrize("made", ["/x", [7], ["relative"], ["/a\0b"], None])
def test_paths_that_are_none_are_named(made):
    found = memory.parse(json.dumps({"hosts": {"web1": ROW}, "made": made}).encode())
    assert found.hosts and not found.made and "was not used" in found.damage[0]


@pytest.mark.parametrize("change", [{"port": "2222"}, {"hop_address": "`id`"}, {"more": 1}, {"keys": ["x"]}], ids=str)
def test_a_host_that_cannot_be_believed_is_named_and_not_used(change):
    data = json.dumps({"hosts": {"web1": dict(ROW, **change), "web2": ROW}, "made": []}).encode()
    found = memory.parse(data)
    assert list(found.hosts) == ["web2"] and "not of the form" in found.unusable["web1"]
    called = roster.call(settings.parse(dict(SETTINGS, inventory=["web1", "web2"])), found)
    assert list(called.hosts) == ["web2"]
    assert ["web1: what this machine remembers" in note for note in called.notes] == [True]
    again = roster.call(settings.parse(dict(SETTINGS, hosts={"web1": ROW})), found)
    assert list(again.hosts) == ["web1"] and not again.notes


def test_a_host_where_nothing_is_deployed_any_more_is_forgotten():
    known = memory.Memory({"web1": HOST}, (), {}, ())
    assert not roster.call(settings.parse(dict(SETTINGS, hosts={"web1": {}})), known).hosts


@given(st.binary(max_size=200))
def test_no_memory_ends_a_run(data):
    memory.parse(data)


# -- programs that fail ------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A folder of programs, and nothing else in PATH but a shell."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name, text):
        (folder / name).write_text("#!/bin/sh\n" + text)
        (folder / name).chmod(0o755)

    return put


def test_there_is_no_ssh(path):
    assert programs.own_program({}) == programs.Program((), (), {})


@pytest.mark.parametrize(("text", "words"), [
    ("echo 'illegal option -- Q' >&2; exit 255\n", "illegal option -- Q"), ("exit 0\n", "no answer"),
    ("[ $2 = kex ] && echo curve25519-sha256 || exit 3\n", "exit code 3"),
])
def test_an_ssh_that_does_not_answer_is_not_taken_for_none(path, text, words):
    path("ssh", text)
    found = programs.own_program({})
    assert words in found.trouble and not found.kex and not found.keys


@pytest.mark.parametrize(("text", "words"), [
    ("exit 0\n", "ssh -Q.*no answer"), ("exit 126\n", "exit code 126"), ("kill -9 $$\n", "signal 9"),
    ("[ \"${*#*-Q kex}\" = \"$*\" ] || echo curve25519-sha256\n", "ssh -Q.*no answer"),
])
def test_a_client_in_the_image_that_does_not_answer_is_not_taken_for_one_that_knows_nothing(path, text, words):
    inspected = 'case "$*" in *inspect*) echo "[{\\"Id\\": \\"i\\"}]"; exit ;; esac\n'
    path("docker", inspected + text)
    with pytest.raises(cli.DockerError, match=words):
        programs.image_program("example.org/oqs", {})


def test_an_ssh_that_answers(path):
    path("ssh", "echo ssh-ed25519; echo x\n")
    found = programs.own_program({"/a": "ssh-ed25519", "/b": "ssh-dss"})
    assert not found.trouble and found.kex == ["ssh-ed25519", "x"] and found.identities == {"/a": "ssh-ed25519"}


def test_identities_that_cannot_be_read_are_named(tmp_path):
    for name, text in (("good", samples.MY_KEY), ("bad", "ssh-ed25519 AAAA"), ("empty", "")):
        (tmp_path / ("id_" + name)).write_text("private")
        (tmp_path / ("id_%s.pub" % name)).write_text(text)
    (tmp_path / "id_elsewhere.pub").write_text("no key, and no private half")
    found = programs.identities(str(tmp_path))
    assert found.types == {str(tmp_path / "id_good"): samples.HYBRID_KEY}
    assert [note.split(":")[0].rpartition("/")[2] for note in found.notes] == ["id_bad.pub", "id_empty.pub"]


@pytest.mark.parametrize(("text", "words"), [
    ("exit 1\n", "is not known (ssh-keygen -L"), ("echo hello\n", "does not name a time"),
    ("echo '        Valid: from 2001-01-01T00:00:00 to 2001-01-02T00:00:00'\n", "longer (since 2001-01-02T00:00:00)"),
    ("echo '        Valid: before 2001-01-02T00:00:00'\n", "no longer (since 2001-01-02T00:00:00)"),
    ("echo '        Valid: from 2001-01-01T00:00:00 to 9001-01-02T00:00:00'\n", ""), ("echo '  Valid: forever'\n", ""),
    ("echo '        Valid: after 2001-01-01T00:00:00'\n", ""),
])
def test_what_ssh_keygen_says_of_a_certificate(path, tmp_path, text, words):
    path("ssh-keygen", text)
    (tmp_path / "id_a-cert.pub").write_text("x")
    found = programs.certificates(str(tmp_path))
    assert len(found) == bool(words) and words in "".join(found)


def test_folders_that_are_not_empty_stay_and_others_go(tmp_path):
    for name in ("a/b", "c"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "c/mine").write_text("x")
    made = [str(tmp_path / name) for name in ("a", "a/b", "c", "nosuch", "c/mine")]
    assert machine.tidy(made) == [] and sorted(each.name for each in tmp_path.iterdir()) == ["c"]


# -- what a host reads of itself ---------------------------------------------------------------------------------------


@pytest.fixture
def deployed(monkeypatch):
    """A host whose two files say what a test wants."""
    there = {"sshd_config": b"", "known_hosts": b"* %s oqs-ssh-own\n" % samples.HOST_KEY.encode()}
    monkeypatch.setattr(host_facts.files, "read_file", lambda path: there[path.rpartition("/")[2]])
    monkeypatch.setattr(host_facts.own_sshd, "settings", dict)
    monkeypatch.setattr(host_facts.own_sshd, "host_keys", lambda _settings: [samples.HOST_KEYS[0]])
    return there


def test_nothing_is_deployed(deployed):
    deployed["known_hosts"] = None
    assert host_facts.read() is None


def test_what_a_host_reads_is_what_the_controller_believes(deployed):
    deployed["sshd_config"] = (b"Port 2223\nAllowUsers me@10.0.0.0/8 me\nMaxSessions 0\nKexAlgorithms a,b\n"
                               b"PermitOpen localhost:22 127.0.0.1:22 [::1]:22 [2001:db8::1]:2022\n")
    deployed["known_hosts"] += b"localhost ssh-ed25519 AAAA oqs-ssh-host\n"
    found = host_facts.read()
    assert answers.client(json.loads(json.dumps(found.to_json()))) == found
    assert (found.port, found.user, found.mode, found.offer.kex) == (2223, "me", "hop", ("a", "b"))
    assert (found.hop_address, found.hop_port) == ("2001:db8::1", 2022)


def test_without_a_hop(deployed):
    found = host_facts.read()
    assert (found.port, found.user, found.hop_port, found.hop_keys) == (22, "oqs", 0, ())


@pytest.mark.parametrize("value", [b"none", b"any", b"localhost:*"])
def test_a_hop_to_no_single_target_has_no_port(deployed, value):
    deployed["sshd_config"] = b"PermitOpen " + value + b"\n"
    deployed["known_hosts"] += b"localhost ssh-ed25519 AAAA oqs-ssh-host\n"
    assert host_facts.read().hop_port == 0


@pytest.mark.parametrize(("config", "words"), [
    (b"Port x\n", "Port in .*sshd_config names no port"), (b"Port 70000\n", "names no port"),
    (b"PermitOpen localhost\n", "PermitOpen in .* names no address"), (b"PermitOpen a:b\n", "names no port"),
])
def test_a_configuration_that_does_not_say_it_is_named(deployed, config, words):
    deployed["sshd_config"] = config
    deployed["known_hosts"] += b"localhost ssh-ed25519 AAAA oqs-ssh-host\n"
    with pytest.raises(sshconfig.ConfigError, match=words):
        host_facts.read()


# -- the report --------------------------------------------------------------------------------------------------------

REPORT = report.Report(
    True, (report.FileChange("/h/x", "made", "", "a\nb\x1b\n"),), ("a note",),
    {"web1": report.Way("ssh web1", "", "mlkem768x25519-sha256", True)}, report.Identity("/h/id", "", False),
)


@pytest.mark.parametrize("value", [REPORT, REPORT._replace(identity=None, files=(), ways={})])
def test_a_report_comes_back_through_json(value):
    assert report.parse(dict(json.loads(json.dumps(value.to_json())), invocation={})) == value


@pytest.mark.parametrize("change", [
    {"changed": 1}, {"notes": ["a\x1b[2J"]}, {"notes": None}, {"files": {}}, {"files": [{"path": "/x"}]},
    {"files": [{"path": "/x", "what": "eaten", "before": "", "after": ""}]}, {"hosts": {"web1": {}}}, {"hosts": None},
    {"hosts": {"web1": {"login": "a\nb", "hop": "", "kex": "", "usable": True}}}, {"identity": None},
    {"identity": {"path": "/x", "public": "a\nb", "changed": False}},
], ids=str)
def test_a_report_of_another_form_is_not_believed(change):
    with pytest.raises(answers.BadAnswer, match="cannot be believed"):
        answers.settled(dict(REPORT.to_json(), **change))


@given(st.text(max_size=60))
def test_whatever_a_program_says_is_one_line(text):
    assert report.printable(text).isprintable()


# -- keys --------------------------------------------------------------------------------------------------------------


def test_a_persons_keys_are_made_by_the_engine_that_the_person_has_chosen(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(machine.keypair.cli, "run_once", lambda *_any, **more: asked.append(more["at"]) or failed)
    failed = Completed(1, b"", b"no")
    where = machine.Places(str(tmp_path), str(tmp_path))
    with pytest.raises(machine.keypair.KeyPairError, match="could not make a key: no"):
        machine.identity(where, samples.HYBRID_KEY, "example.org/oqs:1", ["ssh-ed25519"], False)
    assert set(asked) == {machine.cli.OWN}
