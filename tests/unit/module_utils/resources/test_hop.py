# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hop: what is planned, what is refused, and that what others put there stays."""

from __future__ import annotations

import os
import pwd
import stat

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import UNKNOWN
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import hop as wanted_hop
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import State
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import own_sshd
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger import Row
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import accounts
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY
from hypothesis import given
from hypothesis import strategies as st


def hop_plan(change=None, **other):
    facts = samples.converged()
    if change:
        change(facts["hop"])
    return samples.plan({"hop": samples.hop_want(**other)}, facts)


def shown(plan):
    return {(item.kind, item.name): (item.before, item.after) for item in plan.changes}


@pytest.mark.parametrize("wanted", [
    {}, {"users": []},
])
def test_a_hop_alone_on_a_deployed_host_is_planned_without_the_other_sections(wanted):
    plan = hop_plan(**wanted)
    assert plan.errors == [] and {item.section for item in plan.changes} <= {"hop"}


def test_a_user_who_is_no_longer_named_loses_our_line_and_nothing_else():
    found = shown(hop_plan(users=[]))
    assert found["hop_user", "alice"][1] == "# mine\n"


def test_no_users_no_key():
    wanted = samples.want(hop=samples.hop_want(users=[]))
    plan = samples.plan(wanted, samples.image_known())
    assert not {"hop_identity", "hop_user"} & {item.kind for item in plan.changes}
    config = next(item.after for item in plan.changes if item.kind == "hop_config")
    assert "IdentityFile" not in config


def test_a_named_user_gets_a_restricted_line():
    facts = samples.converged()
    facts["hop"]["users"]["alice"]["keys"] = b"# mine\n"
    after = shown(samples.plan(samples.want(), facts))["hop_user", "alice"][1]
    assert after.startswith('# mine\nrestrict,pty,from="127.0.0.1,::1" ssh-ed25519 ')
    assert after.endswith(" oqs-ssh-hop\n")


def test_while_the_key_is_not_made_the_line_is_not_known():
    plan = samples.plan(samples.want(), samples.image_known())
    assert shown(plan)["hop_user", "alice"] == ("# mine\n", UNKNOWN)


def test_a_user_who_is_not_there():
    plan = hop_plan(lambda hop: hop["users"].update(bob={"error": "this host has no such account"}), users=["bob"])
    assert plan.errors == [(
        "oqs_ssh_hop_users: member 1 (text of 3 characters): this host has no such account: make it first, or correct "
        "the name"
    )]


@pytest.mark.parametrize("why", ["root", "a member of docker, sudo"])
def test_a_privileged_user_must_be_meant(why):
    def change(hop):
        hop["users"]["alice"]["privileged"] = why

    plan = hop_plan(change)
    assert len(plan.errors) == 1 and plan.errors[0].startswith("oqs_ssh_hop_users: alice is %s; " % why)
    assert "set oqs_ssh_hop_privileged: true" in plan.errors[0]
    assert hop_plan(change, privileged=True).errors == []


@pytest.mark.parametrize(("uid", "groups", "words"), [
    (0, [], "root"), (1000, ["users"], ""), (1000, ["wheel", "sudo", "users"], "a member of sudo, wheel"),
    (1000, ["docker"], "a member of docker"),
])
def test_who_is_privileged(uid, groups, words):
    assert wanted_hop.privileged(uid, groups) == words


def test_an_sshd_on_another_port_and_address():
    plan = hop_plan(dict.keys, hop_port=2022, hop_address="192.0.2.5", hop_asked=22, hop_others=[])
    assert plan.errors == []
    assert "the host's own sshd listens on port 2022, not on 22 (oqs_ssh_hop_port): the hop goes there" in plan.notes
    assert "the host's own sshd does not listen on localhost: the hop goes to 192.0.2.5" in plan.notes
    items = shown(plan)
    assert "Host localhost 127.0.0.1 ::1 192.0.2.5\n" in items["hop_config", ""][1]
    pinned = items["hop_known_hosts", ""][1]
    assert "[localhost]:2022,[127.0.0.1]:2022,[::1]:2022,[192.0.2.5]:2022 ssh-ed25519 " in pinned
    assert 'from="127.0.0.1,::1,192.0.2.5"' in wanted_hop.line(samples.IDENTITY, "192.0.2.5")


def test_the_manuals_way_needs_localhost():
    plan = hop_plan(dict.keys, scope="global", hop_address="192.0.2.5")
    assert len(plan.errors) == 1 and plan.errors[0].startswith("oqs_ssh_hop_scope: global is for hosts whose own sshd")


def test_a_host_whose_sshd_listens_elsewhere():
    plan = hop_plan(lambda hop: hop["sshd"].update(error="connection refused"), hop_port=2200, hop_others=[22, 2022])
    assert "(connection refused; it listens on port 22, 2022): set oqs_ssh_hop_port" in plan.errors[0]


def test_a_host_without_an_sshd_of_its_own():
    plan = hop_plan(lambda hop: hop["sshd"].update(error="connection refused"), hop_port=2200)
    assert len(plan.errors) == 1
    assert "does not answer on localhost port 2200 (connection refused): set oqs_ssh_hop_port" in plan.errors[0]
    plan = hop_plan(lambda hop: hop["sshd"].update(error="connection refused"), state="absent")
    assert plan.errors == []


def test_nothing_in_common():
    assert hop_plan(lambda hop: hop["sshd"].update(kex=["diffie-hellman-group14-sha256"])).errors == [
        "the image's client and the host's own sshd have no key exchange in common"
    ]
    assert hop_plan(lambda hop: hop.update(host_keys=[samples.public_line("ssh-dss")])).errors == [
        "the host's own sshd has no host key of a type that the image's client knows"
    ]


@pytest.mark.parametrize(("kex", "words"), [
    (["mlkem768x25519-sha256", "curve25519-sha256"], "post-quantum key exchange, mlkem768x25519-sha256"),
    (["curve25519-sha256", "curve25519-sha256@libssh.org"],
     "classical key exchange only (curve25519-sha256@libssh.org)"),
])
def test_the_run_says_which_key_exchange_the_hop_has(kex, words):
    assert words in " ".join(hop_plan(lambda hop: hop["sshd"].update(kex=kex)).notes)


def test_absent_takes_all_of_the_hop_away():
    facts = samples.converged()
    plan = samples.plan({"hop": samples.hop_want(state="absent")}, facts)
    found = shown(plan)
    assert found["hop_config", ""][1] == "absent"
    assert "Include" not in found["hop_client", ""][1]
    before, after = found["hop_known_hosts", ""]  # the hop's own lines; the container's stay
    assert "oqs-ssh-host" in before and "oqs-ssh-container" not in before and after == "absent"
    assert found["hop_user", "alice"][1] == "# mine\n"


def test_absent_where_there_was_none_is_nothing():
    wanted = samples.want(hop=samples.hop_want(state="absent", users=[]))
    facts = samples.converged(wanted)
    assert samples.plan({"hop": wanted["hop"]}, facts).changes == []
    assert samples.plan({"hop": wanted["hop"]}, samples.virgin()).changes == []


ED, EC, RSA, DSS, MLDSA = (samples.public_line(name) for name in (
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa", "ssh-dss", "ssh-mldsa44-ed25519"))


@pytest.mark.parametrize(("lines", "known", "chosen"), [
    ([RSA, EC, ED], samples.KEY, [ED]),
    ([RSA, EC], samples.KEY, [EC]),
    ([RSA], ["ssh-ed25519"], [RSA]),
    ([RSA, MLDSA, ED], samples.KEY, [MLDSA, ED]),
    ([MLDSA], ["ssh-ed25519"], []),
    ([], samples.KEY, []),
])
def test_which_of_the_hosts_keys_are_pinned(lines, known, chosen):
    assert wanted_hop.choose_host_keys(lines, known) == chosen


@pytest.mark.parametrize("data", [None, b"", b"\n", b"ssh-ed25519", b"# no key\n", b"\xff\xfe", b"ssh-ed25519 AAAA x"])
def test_what_is_no_key_is_no_identity(data):
    assert wanted_hop.identity(State(identity=data)) is None


def test_the_comment_of_the_identity_does_not_travel():
    """The container's user may write to that file: nothing but type and key of it reaches the host's account."""
    public = (samples.public_line("ssh-ed25519", b"hop1") + ' command="x"\nssh-rsa AAAA other').encode()
    line = wanted_hop.line(public)
    assert "\n" not in line and "command" not in line and len(line.split()) == 4


@given(st.lists(st.sampled_from(["# note", "", ED + " me", RSA, 'from="10.0.0.1" ' + EC, "garbage", "\t"]), max_size=6))
def test_our_line_comes_and_goes_without_a_trace(rows):
    data = "".join(row + "\n" for row in rows).encode()
    line = wanted_hop.line(samples.IDENTITY)
    with_ours = wanted_hop.user_keys(data, line)
    assert line.encode() in with_ours
    assert wanted_hop.user_keys(with_ours, line) == with_ours
    assert wanted_hop.user_keys(with_ours, None) == data


@pytest.mark.parametrize(("said", "path"), [
    (".ssh/authorized_keys", "/home/a b/.ssh/authorized_keys"), ("%h/.keys", "/home/a b/.keys"),
    ("/etc/ssh/authorized_keys/%u", "/etc/ssh/authorized_keys/ab"), ("/etc/%U/our keys", "/etc/4711/our keys"),
    ("/etc/%%u/%%%u", "/etc/%u/%ab"), ("/etc/%%h", "/etc/%h"),
])
def test_where_sshd_reads_the_keys_of_an_account(monkeypatch, said, path):
    account = pwd.struct_passwd(("ab", "x", 4711, 4711, "", "/home/a b", "/bin/sh"))
    monkeypatch.setattr(accounts.own_sshd, "keys_file", lambda *_any: said)
    assert accounts._keys_path(account, ("localhost", 22)) == path


@pytest.mark.parametrize("said", ["/etc/keys/%q", "/etc/keys/%", "/etc/%%%x"])
def test_a_token_that_sshd_does_not_know_is_named(monkeypatch, said):
    """sshd itself lets nobody in there (percent_expand of misc.c ends it)."""
    account = pwd.struct_passwd(("ab", "x", 4711, 4711, "", "/home/ab", "/bin/sh"))
    monkeypatch.setattr(accounts.own_sshd, "keys_file", lambda *_any: said)
    with pytest.raises(own_sshd.Unknown, match="AuthorizedKeysFile %s" % said):
        accounts._keys_path(account, ("localhost", 22))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: files get owners")
def test_keys_outside_the_home_belong_to_root_and_are_read_by_all_and_go_without_a_trace(monkeypatch, tmp_path):
    """As StrictModes wants it: sshd reads that file as the account."""
    account = pwd.struct_passwd(("nobody", "x", 65534, 65534, "", "/nonexistent", "/bin/sh"))
    path = tmp_path / "our keys" / "nobody"
    monkeypatch.setattr(accounts.own_sshd, "keys_file", lambda *_any: "%s/our keys/%%u" % tmp_path)
    monkeypatch.setattr(accounts.pwd, "getpwnam", lambda _name: account)
    ledger = []

    class Ledger:
        def record(self, kind, name, before, after):
            ledger.append(Row(kind, name, before, after))

    host = Host(Spec(), Facts(), Ledger())
    accounts.write("nobody", accounts.read(["nobody"], {})["nobody"], wanted_hop.line(samples.IDENTITY), host)
    assert [(each.lstat().st_uid, stat.S_IMODE(each.lstat().st_mode)) for each in (path, path.parent)] == [
        (0, 0o644), (0, 0o755)]
    assert path.read_text() == wanted_hop.line(samples.IDENTITY) + "\n"
    made = Plan(REGISTRY.places)
    accounts.plan_back(ledger, accounts.read(["nobody"], accounts.paths_of(ledger)), made)
    for change in made.ordered():
        change.act(host)
    assert not path.parent.exists()
