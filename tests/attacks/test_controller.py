# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Attacks by a host's root on the operator's machine, and on the trust in other hosts."""

from __future__ import annotations

import shlex

import core_samples as samples
import known_samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.shape import WrongShape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ImageSpec, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.offers import Offer
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import diff
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import Want
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import image_pull, registry
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import commandlines, lockdown_way, pins
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session import answers
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_variables import HostFailure
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.summary import summary

from tests.attacks.attack import attack

KEY = samples.HOST_KEY
CONTROLLER = commandlines.Controller(["mlkem768x25519-sha256"], ["ssh-ed25519"], ["ssh-ed25519"], "/home/me/.ssh")
OFFER = Offer(("mlkem768x25519-sha256",), ("ssh-ed25519",), ())
PROVED = {"own": {"ok": True, "kex": "mlkem768x25519-sha256"}}
ESCAPES = ["\x1b[2J\x1b[H", "\x1b]0;owned\x07", "\x9b31m", "\rforged", "\u202eforged", "\x00", "\u2028forged"]
FORGED = "fine\n\nweb2\n----\n  log in      ssh -p 2222 oqs@evil.example"


@attack("A3", "host root -> operator's machine", "names a hop address that a shell would run")
@pytest.mark.parametrize("address", ["`id`", "$(id)", "a;id", "-oProxyCommand=id", "a b", "a\nMatch exec id", "%h"])
def test_an_address_that_is_a_command(address):
    with pytest.raises(answers.BadAnswer):
        answers.client(dict(samples.CLIENT, hop_address=address))
    with pytest.raises(answers.BadAnswer):
        answers.outcome(dict(samples.LOOK, hop_target={"address": address, "port": 22}))


@attack("A3", "host root -> operator's machine", "adds Match exec to ssh_config by a line end in the user's name")
@pytest.mark.parametrize("user", ["oqs\n    Match exec id", "oqs\tx", "`id`", "-l", "o q", "", "o\x1bq"])
def test_a_user_that_is_two_lines(user):
    with pytest.raises(answers.BadAnswer):
        answers.client(dict(samples.CLIENT, user=user))
    with pytest.raises(WrongShape):
        host.parse(dict(samples.CLIENT, user=user, address="web1"))


@attack("A3", "host root -> operator's machine", "names an algorithm that is a line of ssh_config")
@pytest.mark.parametrize("name", ["a\nProxyCommand id", "a b", "a,b", "`id`", "", "a" * 200])
def test_an_algorithm_that_is_more_than_a_name(name):
    for kind in ("kex", "host_keys", "pubkeys"):
        with pytest.raises(answers.BadAnswer):
            answers.client(dict(samples.CLIENT, offer=dict(samples.OFFER, **{kind: [name]})))


@attack("A4", "one host -> trust in all others", "adds @cert-authority * by a line end in a pin")
@pytest.mark.parametrize("pin", [
    "x\n@cert-authority * " + KEY, KEY + "\n[web2]:2222 " + KEY, "@cert-authority * " + KEY, KEY + " comment",
    KEY.replace(" ", "\t"), "* " + KEY,
])
def test_a_pin_that_is_more_than_a_key(pin):
    with pytest.raises(answers.BadAnswer):
        answers.outcome(dict(samples.LOOK, pins=[pin]))


@attack("A4", "one host -> trust in all others", "is written into known_hosts where the parser was deceived")
@pytest.mark.parametrize("key", [KEY + "\n[web2]:2222 " + KEY, "ssh-ed25519 AAAA oqs-ssh web2 x\n", "ssh-ed25519"])
def test_the_writer_takes_no_such_pin_either(tmp_path, key):
    path = str(tmp_path / "known_hosts")
    other = pins.Pin("web2", "192.0.2.2", 2222, "localhost:22", (KEY,))
    pins.keep(path, "web2", other)
    before = pins.read(path)
    with pytest.raises(ValueError, match="cannot be pinned"):
        pins.keep(path, "web1", pins.Pin("web1", "192.0.2.1", 2222, "localhost:22", (key,)))
    assert pins.read(path) == before


@attack("A4", "one host -> trust in all others", "replaces the lines of another host by its own")
def test_a_host_changes_its_own_lines_only(tmp_path):
    path = str(tmp_path / "known_hosts")
    (tmp_path / "known_hosts").write_text("mine.example ssh-ed25519 AAAA of a person\n")
    for name, address in (("web2", "192.0.2.2"), ("web3", "192.0.2.3")):
        pins.keep(path, name, pins.Pin(name, address, 2222, "localhost:22", (KEY,)))
    before = pins.read(path).splitlines()
    pins.keep(path, "web1", pins.Pin("web1", "192.0.2.1", 2222, "localhost:22", (KEY,)))
    pins.keep(path, "web1", None)
    assert pins.read(path).splitlines() == before


def ending(**other):
    """The ending for a host that says something odd, and a good one."""
    rows = {"web1": known_samples.known(samples.want(), look=known_samples.look(**dict({"proof": PROVED}, **other))),
            "web2": known_samples.known(samples.want(), look=known_samples.look(proof=PROVED))}
    return summary.ending(rows, CONTROLLER)


@attack("A5", "host root -> the operator's terminal", "says escape sequences, in notes, names and answers of its sshd")
@pytest.mark.parametrize("text", ESCAPES)
def test_what_a_host_says_moves_no_cursor(text):
    proof = {"own": dict(PROVED["own"], server=text, host_key=text), "hop": {"ok": False, "error": text}}
    for said in (ending(notes=[text]), ending(proof=proof), ending(plan=[known_samples.item(resource=text)]),
                 summary.first_word(known_samples.look(own_sshd={"software": "x" + text, "kex": [text], "error": ""}))):
        assert all(line.isprintable() for line in said.split("\n")), said


@attack("A5", "host root -> the operator's terminal", "forges the block of another host, with a command of its own")
def test_what_a_host_says_stays_in_its_line():
    said = ending(notes=[FORGED])
    assert said.split("\n").count("web2") == 1 and "oqs@evil.example" not in said.replace("\\n", "\n").split("note")[0]
    assert not any(line.lstrip().startswith("log in") and "evil" in line for line in said.split("\n"))


@attack("A5", "host root -> the operator's terminal", "fails with escape sequences and forged lines in its message")
@pytest.mark.parametrize("text", [*ESCAPES, FORGED])
def test_a_failure_is_one_printable_line(text):
    assert str(HostFailure("it failed: " + text)).isprintable()


@attack("A5", "host root -> the operator's terminal", "holds escape sequences in a file that --diff shows")
@pytest.mark.parametrize("text", ["\x1b[2J", "\x9b31m", "\x00", "\u202e"])
def test_a_diff_moves_no_cursor(text):
    shown = diff([known_samples.item(resource="file " + text, why=text, before="a\n" + text, after=text)])[0]
    assert all(line.isprintable() for part in shown.values() for line in part.split("\n"))


@attack("A5", "host root -> the operator's terminal", "says megabytes in one note")
def test_a_line_has_an_end():
    assert max(map(len, ending(notes=["x" * 10000000]).split("\n"))) < 11000


@attack("A5", "host root -> the operator's shell", "is pasted: its address and port stand in commands that are printed")
def test_commands_to_paste_are_quoted():
    known = known_samples.known(samples.want(), look=known_samples.look(proof=PROVED), address="a b;id")
    found = commandlines.lines("web1", known, CONTROLLER)
    assert shlex.split(found.login)[-1] == "oqs@a b;id" and ";" not in shlex.split(found.login)


@attack("A5", "one host -> the ending of all", "answers in another shape, so that nobody's ending is printed")
@pytest.mark.parametrize("answer", [None, [], {"plan": 1}, {"plan": [1]}, {}, {"proof": {"own": 1}}], ids=str)
def test_a_wrong_shape_costs_that_host_alone(answer):
    with pytest.raises(answers.BadAnswer):
        answers.outcome(answer if not isinstance(answer, dict) else dict(samples.LOOK, **answer) if answer else answer)


@attack("A6", "first host of a run -> image of the fleet", "says which digest a tag is, for all other hosts")
def test_no_host_says_what_others_run(tmp_path, monkeypatch):
    monkeypatch.setattr(image_pull.run_store.C, "DEFAULT_LOCAL_TMP", str(tmp_path))

    def no_answer(_reference):
        raise registry.NoAnswer("no route")

    monkeypatch.setattr(registry, "digest_of", no_answer)
    want = Want(ssh=ServerSpec("present", ImageSpec("registry.example/oqs:1", digest="")))
    planned = known_samples.look(plan=[known_samples.item(kind="image", after="?")])
    evil = "sha256:" + "e" * 64
    lied = known_samples.look(host={"image_origin": {"digest": evil, "made": ""}}, plan=planned.plan)
    for look in (lied, planned):
        asked, _look, note = image_pull.learn(want, look)
        assert "asks for itself" in note and asked.ssh.image.digest == "", "each host asks the registry itself"
    rows = {name: known_samples.known(samples.want(ssh=samples.ssh_want(image={"name": "x/oqs:1"})), look=look)
            for name, look in (("web1", lied), ("web2", known_samples.look(host={
                "image_origin": {"digest": "sha256:" + "a" * 64, "made": ""}})))}
    assert "Hosts hold different images under x/oqs:1" in summary.ending(rows, CONTROLLER)


OLD = CONTROLLER._replace(kex=["curve25519-sha256"])


@attack("A17", "whoever owns the image's name -> the operator's keys", "is pulled by the docker run that is printed")
def test_a_printed_client_is_never_pulled_and_reads_only():
    known = known_samples.known(samples.want(), look=known_samples.look(proof=PROVED))
    for line in commandlines.lines("web1", known, OLD)[::2]:
        words = shlex.split(line)
        assert words[:2] == ["docker", "run"] and words[words.index("--pull") + 1] == "never"
        assert words[words.index("--cap-drop") + 1] == "ALL" and "--read-only" in words
        assert [word for word in words if word.startswith("/home/me/.ssh:")] == ["/home/me/.ssh:/root/.ssh:ro"]


@attack("A17", "whoever owns the image's name -> the operator's keys", "has another image under the same tag")
def test_a_printed_client_is_named_by_its_id_or_digest():
    digest = "sha256:" + "d" * 64
    ssh = samples.ssh_want(image={"name": "registry.example/oqs:1"})
    look = known_samples.look(proof=PROVED, host={"image_origin": {"digest": digest, "made": ""}, "image": "sha256:1"})
    known = known_samples.known(samples.want(ssh=ssh), look=look)
    words = shlex.split(commandlines.lines("web1", known, OLD).login)
    assert "registry.example/oqs@" + digest in words and "registry.example/oqs:1" not in words
    assert commandlines.reference(known.want.ssh, known_samples.look(host={"image": "sha256:1"})) == "sha256:1"


@attack("A17", "whoever owns the image's name -> the operator's keys", "is pulled when a lockdown is proved")
def test_the_way_of_a_lockdown_is_as_strict():
    ssh = ServerSpec("present", ImageSpec("oqs:1"))
    way = lockdown_way.Way("192.0.2.9", "localhost:22", ssh, OFFER, "/k", "sha256:1")
    words = shlex.split(lockdown_way.arguments(way, OLD)[-1].partition("=")[2])
    assert words[words.index("--pull") + 1] == "never" and "sha256:1" in words and "oqs:1" not in words
