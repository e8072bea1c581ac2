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
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import diff
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import commandlines, pins
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session import answers
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_variables import HostFailure
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.summary import summary

from tests.attacks.attack import attack

KEY = samples.HOST_KEY
CONTROLLER = commandlines.Controller(["mlkem768x25519-sha256"], ["ssh-ed25519"], ["ssh-ed25519"], "/home/me/.ssh")
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
    assert max(map(len, ending(notes=["x" * 10000000]).split("\n"))) < 5000


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
