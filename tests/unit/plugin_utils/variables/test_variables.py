# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every variable is checked before the first connection, and no message gives a value away."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.variables import variables
from hypothesis import given, settings
from hypothesis import strategies as st

ACCESS = {"oqs_ssh_authorized_keys": [samples.MY_KEY]}
SPECS = variables.known()


def of_type(*kinds):
    return sorted(name for name, spec in SPECS.items() if spec["type"] in kinds and name != "oqs_ssh_password")


def errors(secret=samples.SECRET, **values):
    return variables.check(values, secret)


def one(secret=samples.SECRET, **values):
    found = errors(secret, **values)
    assert len(found) == 1, found
    return found[0]


# what is good


def test_every_default_is_good():
    defaults = {name: spec["default"] for name, spec in SPECS.items() if "{{" not in str(spec.get("default", "{{"))}
    assert len(defaults) > 25
    del defaults["oqs_ssh_password"]
    assert errors(**defaults) == []


@pytest.mark.parametrize("values", [
    {"oqs_ssh_image": "registry.example.org:5000/team/oqs:V1.0_x"},
    {"oqs_ssh_image": "openquantumsafe/openssh@sha256:" + "0" * 64},
    {"oqs_ssh_image_source": "archive", "oqs_ssh_image_archive": "/srv/my images/it's $(1).tar.gz"},
    {"oqs_ssh_uid": "auto"}, {"oqs_ssh_uid": "4444"}, {"oqs_ssh_uid": 4444},
    {"oqs_ssh_port": "443"}, {"oqs_ssh_port": 65535}, {"oqs_ssh_stock_clients": "yes"},
    {"oqs_ssh_stock_clients": "False"}, {"oqs_ssh_verify_timeout": 2.5}, {"oqs_ssh_verify_timeout": "2.5"},
    {"oqs_ssh_verify_timeout": 3}, {"oqs_ssh_firewall_sources": ["192.0.2.0/24", "2001:db8::/32", "192.0.2.9"]},
    {"oqs_ssh_hop_users": ["alice", "_svc-1"]}, {"oqs_ssh_authorized_keys": [samples.MY_KEY]},
    {"oqs_ssh_kex_algorithms": ["sntrup761x25519-sha512@openssh.com"]},
    {"oqs_ssh_verify_address": "web1.example.org"}, {"oqs_ssh_verify_address": "2001:db8::1"},
    {"oqs_ssh_verify_address": "fe80::1%eth0"}, {"oqs_ssh_verify_address": "bücher.example"},
    {"oqs_ssh_hop_container": "other-ssh"},
])
def test_good_values(values):
    assert errors(**values) == []


# what is not


WRONG = {
    "str": [True, 1.5, ["x"], {"x": 1}, None],
    "int": ["x", "", "1.5", 1.5, True, [1], None, "-1", "1" * 12],
    "float": ["x", "", True, [1], None],
    "bool": ["x", "", 1, 0, None, [True]],
    "list": ["x", 1, True, None, {"x": 1}],
    "dict": ["x", 1, True, None, ["x"]],
}


@pytest.mark.parametrize("name", of_type(*WRONG))
def test_types(name):
    for value in WRONG[SPECS[name]["type"]]:
        said = one(**{name: value})
        assert said.startswith(name + ": must be ") and ", got " in said, value


@pytest.mark.parametrize("name", of_type("list"))
def test_members_of_lists(name):
    for value in (["good1", 5], [None], [["x"]], [{"x": 1}], [True]):
        assert one(**{name: value}).startswith(name + ": must be a list of texts, member %d is " % len(value))


@pytest.mark.parametrize("name", sorted(name for name, spec in SPECS.items() if "choices" in spec))
def test_choices(name):
    said = one(**{name: "somehow"})
    assert all(choice in said for choice in SPECS[name]["choices"]) and "got text of 7 characters" in said
    for choice in SPECS[name]["choices"]:
        values = {name: choice}
        if choice == "archive":
            values["oqs_ssh_image_archive"] = "/x.tar"
        assert errors(**values) == []


INJECTIONS = [
    "two words", "tab\tbed", "line\nbreak", "trailing\n", "quo'te", 'quo"te', "$(reboot)", "`reboot`", "a;reboot",
    "a|b", "a&b", "a>b", "nul\0", "--privileged", "-x", "../up", "", "#x", "a\\b", "*", "${HOME}", "a\rb",
    "\u2028x", "x\x1b[2J",
]
#: Paths and messages may hold anything but control characters.
FREE_TEXT = {"oqs_ssh_image_archive", "oqs_ssh_password_store", "oqs_ssh_image_build_message"}
MAY_BE_EMPTY = {"oqs_ssh_client_hop_user", "oqs_ssh_client_identity", "oqs_ssh_client_prefix"}


@pytest.mark.parametrize("name", sorted(set(of_type("str")) - FREE_TEXT))
@pytest.mark.parametrize("value", INJECTIONS)
def test_injections_in_texts(name, value):
    if not value and name in MAY_BE_EMPTY:
        assert errors(**{name: value}) == []
        return
    said = one(**{name: value})
    assert said.startswith(name + ": must be ")
    assert not value.strip() or len(value) < 3 or value not in said


@pytest.mark.parametrize("name", sorted(FREE_TEXT - {"oqs_ssh_image_build_message"}))
@pytest.mark.parametrize("value", ["line\nbreak", "nul\0", "trailing\n"])
def test_a_path_is_one_line(name, value):
    assert "a path in one line" in one(**{name: value})


@pytest.mark.parametrize("value", ["nul\0", "x\x1b[2J", "m" * 1001])
def test_a_message_is_text(value):
    assert "at most 1000 characters of text" in one(oqs_ssh_image_build_message=value)
    assert errors(oqs_ssh_image_build_message="Of the team ops only.\n$(it's text)") == []


@pytest.mark.parametrize("name", of_type("list"))
@pytest.mark.parametrize("value", INJECTIONS)
def test_injections_in_lists(name, value):
    said = one(**{name: [value]})
    assert said.startswith(name) and "member 1" in said
    assert not value.strip() or len(value) < 3 or value not in said


@pytest.mark.parametrize("name", sorted(name for name in SPECS if name.endswith("_port")))
@pytest.mark.parametrize("port", [0, 65536, 99999999, "0", "65536"])
def test_ports(name, port):
    assert one(**{name: port}) == "%s: must be a port from 1 to 65535, got a number outside" % name


@pytest.mark.parametrize("values", [
    {"oqs_ssh_port": 22}, {"oqs_ssh_port": "22"}, {"oqs_ssh_hop_port": 2222},
    {"oqs_ssh_port": 7, "oqs_ssh_hop_port": 7},
])
def test_the_hosts_own_port_is_not_taken(values):
    assert one(**values).startswith("oqs_ssh_port: must differ from oqs_ssh_hop_port")


@pytest.mark.parametrize("source", ["192.0.2.1/24", "everybody", "192.0.2.0/33", "2001:db8::1/32", "1", "10.0.0.0/8 "])
def test_sources(source):
    said = one(oqs_ssh_firewall_sources=["192.0.2.1", source])
    assert "member 2" in said and "no address or network such as 192.0.2.0/24" in said


def test_an_archive_must_be_named():
    assert "must name a file on the controller" in one(oqs_ssh_image_source="archive", oqs_ssh_image_archive="")
    assert "must name a file on the controller" in one(oqs_ssh_image_source="archive")


@pytest.mark.parametrize(("values", "good"), [
    ({"oqs_ssh_probe_from": "host"}, True), ({"oqs_ssh_probe_from": "controller"}, True),
    ({"oqs_ssh_probe_from": "bastion", "oqs_ssh_verify_from": "bastion"}, True),
    ({"oqs_ssh_probe_from": "bastoin"}, False), ({"oqs_ssh_verify_from": "bastoin"}, False),
    ({"oqs_ssh_probe_from": "bastoin", "oqs_ssh_verify_from": "bastoin"}, False),
])
def test_where_proofs_start(values, good):
    found = variables.check(values, samples.SECRET, ["web1", "bastion"])
    assert len(found) == (0 if good else 1)
    assert variables.check(values, samples.SECRET) == []


# access


def test_neither_password_nor_key():
    for secret in (None, ""):
        for values in ({}, {"oqs_ssh_authorized_keys": []}):
            said = one(secret, oqs_ssh_image="x/y", **values)
            assert "nobody could log in: set oqs_ssh_password" in said and "or oqs_ssh_authorized_keys" in said


def test_one_of_both_is_enough():
    assert errors(None, oqs_ssh_image="x/y", **ACCESS) == []
    assert errors(samples.SECRET, oqs_ssh_image="x/y") == []


def test_what_is_to_go_needs_no_access():
    assert errors(None, oqs_ssh_image="x/y", oqs_ssh_state="absent") == []


def test_who_does_not_want_the_container_needs_no_access():
    assert errors(None, docker_engine_state="present") == []


@pytest.mark.parametrize("secret", [
    "Pa55W0rd", "pa55w0rd", "oqs.pw", "short", "aaaaaaaaaaaaaaa", "123456789012345", "password12345",
    "two\nlines-of-text",
])
def test_passwords_that_are_refused(secret):
    said = one(secret, oqs_ssh_image="x/y")
    assert said.startswith("oqs_ssh_password: refused, ") and secret not in said


@pytest.mark.parametrize("line", ["", "# note", "ssh-ed25519", "ssh-ed25519 AAAA", "not a key at all", "ssh-rsa ====",
                                  samples.MY_KEY + "\n" + samples.MY_KEY])
def test_lines_that_are_no_keys(line):
    said = one(oqs_ssh_authorized_keys=[samples.MY_KEY, line])
    assert said.startswith("oqs_ssh_authorized_keys: member 2 is no public key line: ")


# misspelt names


@pytest.mark.parametrize(("name", "near"), [
    ("oqs_ssh_pasword", "oqs_ssh_password"), ("oqs_ssh_ports", "oqs_ssh_port"),
    ("oqs_ssh_kex_algorithm", "oqs_ssh_kex_algorithms"), ("oqs_ssh_host", "oqs_ssh_hosts"),
    ("oqs_ssh_authorised_keys", "oqs_ssh_authorized_keys"), ("docker_engine_stat", "docker_engine_state"),
    ("oqs_ssh_firewall_source", "oqs_ssh_firewall_sources"),
])
def test_a_misspelt_name(name, near):
    assert variables.misspelt([name, "oqs_ssh_port", "my_own"]) == [
        "%s: there is no such variable; did you mean %s?" % (name, near)]


@pytest.mark.parametrize("name", [
    "oqs_ssh_want", "docker_engine_result", "oqs_ssh_something_of_my_own_play", "my_oqs_ssh_port", "ansible_host",
    "cis_ssh_port", "ops_ssh_port", "os_ssh_user", "osq_ssh_port", "docker_engin_state", "docker_users",
    *sorted(SPECS),
])
def test_a_name_that_is_right_or_none_of_ours(name):
    assert variables.misspelt([name]) == []


ROOT = Path(variables.ROLES).resolve().parent
#: What a play sets for its own tasks.
OF_PLAYS = {"oqs_ssh_by_role", "oqs_ssh_play_title", "oqs_ssh_play_body", "oqs_ssh_play_ending",
            "oqs_ssh_play_tags", "oqs_ssh_play_others", "oqs_ssh_play_pattern",
            "oqs_ssh_play_machines"}


@pytest.mark.parametrize("path", [*ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("roles/*/*/*.yml"), ROOT / "README.md"],
                         ids=lambda path: str(path.relative_to(ROOT)))
def test_every_variable_is_documented_by_a_role(path):
    roles = {role.name for role in (ROOT / "roles").iterdir()}
    words = set(re.findall(r"\b(?:oqs_ssh|docker_engine)_\w+", path.read_text(encoding="utf-8")))
    assert [name for name in sorted(words - roles - OF_PLAYS - set(SPECS)) if not variables.INTERNAL.search(name)] == []


def test_what_follows_another_variable_says_so_in_the_defaults():
    assert variables.follows("oqs_ssh_firewall_port") == "oqs_ssh_port"
    assert variables.follows("oqs_ssh_port") is None


# nothing is given away

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=6,
)


OPEN = [name for name in sorted(SPECS) if name != "oqs_ssh_password"]


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(OPEN), JUNK, max_size=4), st.none() | st.text(max_size=20))
def test_the_check_never_raises(values, secret):
    for said in variables.check(values, secret):
        assert said.isprintable() and len(said) < 600


@pytest.mark.parametrize("name", OPEN)
def test_no_message_echoes_a_value(name):
    """Somebody puts a secret into the wrong variable: it must not land on the screen."""
    token = "S3cr-" + secrets.token_hex(12)
    for value in (token, [token], {token: token}, [[token]], token + "\n", " " + token, "ssh-ed25519 " + token,
                  ["ssh-ed25519 " + token], [token + " ssh-ed25519 " + token], [token + "/99"]):
        assert token not in " ".join(errors(**{name: value}))
    assert token not in " ".join(errors(token[:8], **{name: 3.5}))


def test_a_private_key_by_mistake_is_not_shown():
    private = samples.key_pair("ssh-ed25519")[0].decode()
    said = one(oqs_ssh_authorized_keys=[private])
    assert not any(line and line in said for line in private.splitlines()[1:-1])
