# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lockdown as texts and as a plan: what closes, what opens again, what is refused."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import commands, shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import hardening
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import lockdown_files as lockdown
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import LockdownSpec, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.engine import Boot
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalld, nftables, stranger
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.listing import Ruleset
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Plan
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import lockdown as resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.lockdown import UNCONFIRMED
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY
from hypothesis import given
from hypothesis import strategies as st
from nft_samples import DROP, ruleset

WISH = {
    "state": "present", "minutes": 10, "breakglass_sources": ["192.0.2.0/24", "2001:db8::/32"],
    "breakglass_minutes": 10, "container": "oqs-ssh", "port": 2222, "hop_port": 22,
    "hop_others": [2200], "by_key": True,
}
SERVICE = "/etc/systemd/system/oqs-ssh-lockdown.service"


def spec_of(wish=WISH, **other):
    return shape.parse(LockdownSpec, dict(wish, **other), "want.lockdown")


READY = resource.complete(spec_of())


def planned(wanted, **known):
    """What the lockdown plans alone, on a host that is as ``known``."""
    made = Plan(REGISTRY.places)
    open_to_all = {"firewall": samples.firewall_facts()}
    facts = samples.facts_of(wanted, dict(samples.virgin(), **dict(open_to_all, **known)))
    resource.LOCKDOWN.plan(samples.spec(wanted), facts, made)
    return made


def plan(wish=WISH, *, settings=None, **found):
    return planned({"lockdown": wish}, lockdown=found, own_sshd=settings or {})


def test_all_ports_of_the_host_s_own_sshd_are_closed_but_for_the_host_itself():
    text = lockdown.rules(READY)
    assert "tcp dport { 22, 2200 } tcp flags & (fin | syn | rst | ack) == syn drop" in text
    assert text.index('iifname "lo" accept') < text.index("drop") < text.index("saddr"), "the sources come in to 2222"
    assert text.startswith("table inet oqs_ssh_lockdown {}\ndelete table inet oqs_ssh_lockdown\n"), "one transaction"


@pytest.mark.parametrize(("sources", "v4", "v6"), [
    (["192.0.2.7", "192.0.2.0/24", "2001:db8::1"], "{ 192.0.2.0/24 }", "{ 2001:db8::1/128 }"),
    (["10.0.0.0/9", "10.128.0.0/9"], "{ 10.0.0.0/8 }", ""),
])
def test_sources_that_overlap_are_one(sources, v4, v6):
    text = lockdown.rules(READY._replace(ports=[22], breakglass_sources=sources), broken=True)
    for family, words in (("ip", v4), ("ip6", v6)):
        assert ("    %s saddr %s tcp dport { 22 } accept\n" % (family, words) in text) == bool(words)
        assert ("    %s saddr %s accept\n" % (family, words) in text) == bool(words)
    assert text.index("saddr") < text.index("drop")


@given(st.lists(
    st.ip_addresses().filter(lambda each: not getattr(each, "ipv4_mapped", None)).map(str), min_size=1, max_size=8))
def test_whatever_the_sources_each_family_has_one_rule_at_most(sources):
    text = lockdown.rules(READY._replace(breakglass_sources=sources), broken=True)
    assert 2 <= text.count("saddr") <= 4 and text.count("drop") == 2


def test_a_flood_leaves_room_for_the_breakglass_sources():
    """Those that never log in are there for LoginGraceTime; below the first number of MaxStartups sshd drops none."""
    want = dict(hardening.closed_by_name(samples.spec({"ssh": samples.ssh_want()}).of(ServerSpec)))
    rate, burst = re.search(r"limit rate over (\d+)/second burst (\d+) packets drop", lockdown.rules(READY)).groups()
    most = int(rate) * int(want["LoginGraceTime"]) + 2 * int(burst)  # the rules are loaded anew in between
    assert most + int(want["PerSourceMaxStartups"]) < int(want["MaxStartups"].split(":")[0])


@pytest.mark.parametrize("shell", ["sh", "dash", "bash"])
def test_the_watch_and_the_undo_are_shell(shell):
    if not shutil.which(shell):
        pytest.skip("no %s here" % shell)
    for text in (lockdown.files(READY)[lockdown.WATCH], lockdown.UNDOING):
        done = subprocess.run([shell, "-n"], input=text.encode(), capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert not re.search(r"docker|python", text.replace("neither Docker nor Python", "").lower())


def test_systemd_expands_nothing_in_the_undo():
    assert not set("$%") & set(lockdown.UNDOING)


def test_everything_that_lies_on_the_host_is_undone():
    for path in lockdown.files(READY):
        assert path in lockdown.UNDOING or path.startswith(lockdown.FOLDER + "/"), path
    assert "rm -rf %s %s\n" % (lockdown.FOLDER, lockdown.RUN) in lockdown.UNDOING


def test_a_damaged_watch_opens():
    texts = lockdown.files(READY)
    digest = hashlib.sha256(texts[lockdown.WATCH].encode()).hexdigest()
    assert digest in texts[SERVICE] and "OnFailure=oqs-ssh-lockdown-open.service" in texts[SERVICE]
    assert "delete table inet oqs_ssh_lockdown" in texts["/etc/systemd/system/oqs-ssh-lockdown-open.service"]


@pytest.mark.parametrize(("by_key", "needs"), [
    (True, "/var/lib/oqs-ssh/home-ssh/authorized_keys"), (False, "/etc/oqs-ssh/private/password"),
])
def test_a_server_that_lets_nobody_in_is_no_way(by_key, needs):
    watch = lockdown.files(resource.complete(spec_of(by_key=by_key)))[lockdown.WATCH]
    assert "[ -s %s ] && ours || return 1\n" % needs in watch


def test_the_watch_says_what_is_in_force():
    watch = lockdown.files(READY)[lockdown.WATCH]
    assert watch.splitlines()[1] == "# " + lockdown.words(READY)
    assert lockdown.watched(watch.encode()) == 2222
    assert lockdown.watched(b"#!\n# closed: 22; when port 2022 (x)\n" + watch.encode()) == 2222, "words are for people"
    assert lockdown.watched(b"") == lockdown.watched(b"#!/bin/sh\n# somebody's own\n") == 0


@pytest.mark.parametrize(("minutes", "seconds"), [(10, 600), (0.5, 30), (0.001, 1)])
def test_minutes_are_whole_seconds(minutes, seconds):
    assert lockdown.seconds(minutes) == seconds


def test_one_item_and_the_steps_of_the_way():
    words = lockdown.words(READY)
    assert [(item.before, item.after) for item in plan().changes] == [("open", words)]
    close = dict(WISH, step=lockdown.CLOSE)
    assert plan(close).changes[0].after == UNCONFIRMED
    assert not plan(close, state=UNCONFIRMED).changes
    assert plan(dict(WISH, step=lockdown.CONFIRM), state=UNCONFIRMED).changes[0].after == words
    assert not plan(state=words).changes
    assert plan(dict(WISH, state="absent"), state=words).changes[0].after == "open"
    assert not plan(dict(WISH, state="absent")).changes


def test_a_host_that_is_not_as_wanted_is_deployed_first():
    facts = samples.converged()
    facts["state"]["hop_config"] = b"# another\n"
    errors = samples.plan({"hop": samples.hop_want(), "lockdown": WISH}, facts).errors
    assert "the host is not as wanted (hop config): run deploy first" in errors[0]


@pytest.mark.parametrize(("found", "words"), [
    ({"nftables": nftables.Nftables(ruleset([[DROP]], "accept"))}, "is to be the only way in, and nftables closes it"),
    ({"nftables": nftables.Nftables(ruleset([[DROP]], "accept"))}, "nothing that is known here loads the rules of nft"),
    ({"nftables": nftables.Nftables(Ruleset(), persistent=True, boot="no such device")}, "(no such device)"),
    ({"firewalld": firewalld.Firewalld(False, True, "", {}, "public", [])}, "firewalld does not run, but is started"),
])
def test_refused_where_the_only_way_in_is_closed_now_or_after_the_next_boot(found, words):
    errors = planned({"lockdown": WISH}, firewall=samples.firewall_facts(**found)).errors
    assert any(words in error for error in errors), errors
    assert not planned({"lockdown": dict(WISH, state="absent")}, firewall=samples.firewall_facts(**found)).errors


@pytest.mark.parametrize(("sources", "expected"), [
    (["192.0.2.7"], ["192.0.2.7"]), (["192.0.2.0/24"], ["192.0.2.1", "192.0.2.254"]),
    (["0.0.0.0/0", "::/0"], ["198.51.100.1", "2001:db8::1"]), (["2001:db8:1::/64"], [
        "2001:db8:1::1", "2001:db8:1:0:ffff:ffff:ffff:fffe"]),
    (["192.0.2.%d" % number for number in range(20)], ["192.0.2.%d" % number for number in range(8)]),
])
def test_who_is_asked_about_by_the_watch(sources, expected):
    assert stranger.addresses(sources) == expected
    ready = resource.complete(spec_of(sources=sources))
    again = lockdown.parse(lockdown.files(ready)[lockdown.WATCH].encode(), "oqs")
    assert ready.strangers == expected == again.strangers
    assert resource.complete(spec_of()).strangers[0] == "192.0.2.1"


def test_what_is_missing_is_named_with_its_package():
    assert plan(missing=["nft"]).errors == ["nft is missing on this host: install the package nftables"]


def test_an_sshd_that_does_not_say_its_ports_is_not_locked_down():
    known = {"own_sshd": {}, "trouble": "Missing privilege separation directory: /run/sshd"}
    error, = planned({"lockdown": WISH}, **known).errors
    assert error == "the host's own sshd does not say on which ports it listens (%s): mend its configuration first" % (
        known["trouble"])
    assert not planned({"lockdown": dict(WISH, state="absent")}, **known).errors
    assert not planned({"lockdown": WISH}).errors, "a host that has none is another thing"


@pytest.mark.parametrize(("boot", "words"), [
    (Boot("no", "it is off", "turn it on"), (
        "Docker does not start with the host, and then the container does not, either: it is off; to change that: "
        "turn it on")),
    (Boot(), "unknown: no engine runs that could be asked about"),
])
def test_a_host_whose_engine_does_not_start_with_it_is_not_locked_down(boot, words):
    engine = dict(samples.virgin()["engine"], boot=boot)
    assert planned({"lockdown": WISH}, engine=engine).errors == [
        "after a reboot the only way in would be silent: " + words]
    assert not planned({"lockdown": dict(WISH, state="absent")}, engine=engine).errors


def test_the_only_way_in_is_not_closed_with_the_others():
    errors = plan(dict(WISH, hop_others=[2222])).errors
    assert errors == ["port 2222 is to be the only way in, and the host's own sshd has it, too: take it out there"]


@pytest.mark.parametrize(("rc", "said", "loaded"), [
    (0, "", True), (1, "Error: No such file or directory\nlist table inet oqs_ssh_lockdown\n", False),
    (1, "netlink: Error: cache initialization failed: Protocol not supported\n", False),
    (1, "Error: Could not process rule: Operation not permitted\n", None), (139, "", None),
])
def test_whether_the_rules_are_loaded_is_nft_s_word_or_an_error(monkeypatch, rc, said, loaded):
    monkeypatch.setattr(resource.shutil, "which", lambda _name: "/usr/sbin/nft")
    monkeypatch.setattr(resource, "run", lambda *_any, **_more: commands.Completed(rc, b"", said.encode()))
    if loaded is None:
        with pytest.raises(commands.CommandError, match="nft list table"):
            resource.has_table()
    else:
        assert resource.has_table() is loaded


def test_without_nft_no_rules_are_loaded_and_without_systemd_no_unit_is_there(monkeypatch):
    monkeypatch.setattr(resource.shutil, "which", lambda _name: None)
    monkeypatch.setattr(resource.os.path, "isdir", lambda _path: False)
    assert not resource.has_table() and resource.unit("ActiveState", "x.timer") == ""


def test_a_unit_that_systemd_does_not_tell_of_is_not_one_that_does_not_run(monkeypatch):
    def run(argv, **_more):
        raise commands.CommandError(argv, "Failed to connect to bus")

    monkeypatch.setattr(resource.os.path, "isdir", lambda path: path == "/run/systemd/system")
    monkeypatch.setattr(resource, "run", run)
    with pytest.raises(commands.CommandError, match="Failed to connect to bus"):
        resource.unit("ActiveState", "x.timer")


@pytest.mark.parametrize(("penalties", "exempt", "refused"), [
    (None, None, ""),  # before 9.8
    ("no", "none", ""),
    ("crash:90 authfail:5", "none", "127.0.0.1,::1"),
    ("crash:90 authfail:5", "127.0.0.0/8", "::1"),
    ("crash:90 authfail:5", "127.0.0.1,::1", ""),
    ("crash:90 authfail:5", "192.0.2.1,nonsense", "127.0.0.1,::1"),
])
def test_refused_while_penalties_could_shut_out_every_hop(penalties, exempt, refused):
    settings = {} if penalties is None else {"persourcepenalties": [penalties], "persourcepenaltyexemptlist": [exempt]}
    errors = plan(settings=settings).errors
    assert ("PerSourcePenaltyExemptList %s into" % refused in "".join(errors)) if refused else errors == []
    assert not plan(dict(WISH, state="absent"), settings=settings).errors


@pytest.mark.parametrize(("locked", "ssh", "refused"), [
    (2222, {"state": "present", "port": 2222}, False), (2222, {"state": "absent", "port": 2222}, True),
    (2222, {"state": "present", "port": 2223}, True), (0, {"state": "absent", "port": 2222}, False),
])
def test_the_only_way_in_is_not_taken_away(locked, ssh, refused):
    assert bool(planned({"ssh": samples.ssh_want(**ssh)}, locked=(locked,)).errors) == refused


def test_nothing_stands_in_the_way_of_opening():
    assert resource.opens_only(samples.spec({"lockdown": {"state": "absent"}}))
    assert not resource.opens_only(samples.spec({"lockdown": {"state": "present"}}))
    assert not resource.opens_only(samples.spec({"lockdown": {"state": "absent"}, "ssh": samples.ssh_want()}))


# the watch of a host that is locked down already

#: As 3c4789f wrote it: the same words, another way to ask.
OLD = lockdown.files(READY)[lockdown.WATCH].replace(" && ours", "")


@pytest.mark.parametrize("watch", [OLD, lockdown.files(READY)[lockdown.WATCH]])
def test_a_watch_says_what_it_is_for(watch):
    assert lockdown.parse(watch.encode(), "oqs") == READY._replace(
        ports=READY.ports, breakglass_sources=list(READY.breakglass_sources))


@pytest.mark.parametrize("watch", [
    "", "#!/bin/sh\n", OLD.replace("closed: port 22", "closed: port x"), OLD.replace("192.0.2.0/24", "$(reboot)"),
    OLD.replace("[ -s ", "[ -e "), OLD.replace("has not answered for 10", "has not answered for ever"),
    OLD.replace("#!/bin/sh", "#!/bin/sh\n# hello"), "\xff",
])
def test_a_watch_that_does_not_say_it_is_left_to_the_lockdown(watch):
    assert lockdown.parse(watch.encode("latin-1"), "oqs") is None


def test_a_watch_of_another_version_is_written_anew_before_anything_else():
    made = samples.plan(samples.want(), dict(samples.image_known(), locked=(2222, READY)))
    first = made.ordered()[0]
    assert (first.section, first.kind, first.after) == ("watch", "watch", "as this version writes it")
    assert "watch" not in {each.kind for each in samples.plan(samples.want(), dict(
        samples.image_known(), locked=(2222, None))).changes}
