# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an edited sshd_config comes to: what is asked, what is weaker, and what takes it back."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import effect
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import Weak
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.sshconfig import ConfigError

OWN = b"Port 2222\nSubsystem sftp /opt/oqs-ssh/libexec/sftp-server\nMatch User guest\n  PermitTTY no\n"
HEAD = b"Port 2222\nAllowUsers oqs\n"


def test_each_block_that_is_not_the_image_s_own_is_asked_about_as_if_it_matched_everybody():
    draft = HEAD + b"# mine\nMatch User guest\n  PermitTTY no\nMatch Address 192.0.2.1\n  # why\n  AllowUsers *\n"
    found = effect.configurations(draft, HEAD, OWN)
    assert found == {
        "baseline": HEAD, "whole": draft, "global": HEAD, "block-1": HEAD + b"Match all\nAllowUsers *\n",
    }


def test_who_connects_from_where():
    found = effect.connections("oqs", ["192.0.2.0/24"])
    assert {who for who, _address in found} == {"root", "oqs"}
    assert {address for _who, address in found} == {"192.0.2.0", "203.0.113.77", "2001:db8::77"}


def test_keywords_in_any_case_and_lists_by_their_members():
    said = effect.settings("Port 2222\nAllowUsers a b\nallowusers c\nCiphers x,y\nForceCommand none\n")
    assert said == {"port": ["2222"], "allowusers": ["a", "b", "c"], "ciphers": ["x", "y"], "forcecommand": ["none"]}


WANTED = {
    "permitrootlogin": ["no"], "allowusers": ["oqs@192.0.2.1", "oqs@192.0.2.2"], "passwordauthentication": ["yes"],
    "maxauthtries": ["4"], "subsystem": ["sftp /opt/x"], "forcecommand": ["none"], "authenticationmethods": ["any"],
    "authorizedkeyscommand": ["none"], "permitopen": ["localhost:22"], "kexalgorithms": ["a"], "gatewayports": ["no"],
}


@pytest.mark.parametrize(("keyword", "now", "weaker"), [
    ("permitrootlogin", ["yes"], True), ("permitrootlogin", ["prohibit-password"], True),
    ("permitrootlogin", None, True),
    ("allowusers", ["oqs@192.0.2.1"], False), ("allowusers", ["*"], True), ("allowusers", None, True),
    ("passwordauthentication", ["no"], False), ("maxauthtries", ["2"], False), ("maxauthtries", ["6"], True),
    ("maxauthtries", ["0"], True), ("maxauthtries", ["many"], True),
    ("subsystem", ["sftp internal-sftp"], False), ("subsystem", ["sftp /etc/oqs-ssh/sftp"], True),
    ("forcecommand", ["internal-sftp"], False), ("authenticationmethods", ["publickey,password"], False),
    ("authenticationmethods", ["none"], True), ("authorizedkeyscommand", ["/bin/cat"], True),
    ("permitopen", ["none"], False), ("permitopen", ["any"], True), ("permitopen", ["localhost:22", "db:5432"], True),
    ("kexalgorithms", ["weak"], False), ("gatewayports", ["clientspecified"], True),
    ("denyusers", ["eve"], False), ("sshdsessionpath", ["/bin/evil"], True), ("usepam", ["yes"], True),
    ("setenv", ["LD_PRELOAD=/x"], True), ("banner", ["/etc/issue"], False),
])
def test_what_is_weaker(keyword, now, weaker):
    there = dict(WANTED, **{keyword: now})
    answers = {"baseline": [WANTED], "whole": [WANTED], "global": [{k: v for k, v in there.items() if v}]}
    found = effect.weak(answers, HEAD, OWN)
    assert [(each.block, each.keyword) for each in found] == ([(b"", keyword)] if weaker else [])


def test_a_block_is_named_by_its_first_line():
    answers = {"baseline": [WANTED], "whole": [WANTED], "global": [WANTED],
               "block-1": [dict(WANTED, permitrootlogin=["yes"])]}
    draft = HEAD + b"Match User a\n  Banner x\nMatch all # why\n  PermitRootLogin yes\n"
    found = effect.weak(answers, draft, OWN)
    assert found == (
        Weak(b"Match all # why\nPermitRootLogin yes\n", "permitrootlogin", "permitrootlogin yes (wanted: no)"),)
    assert found[0].where == "Match all # why"


def test_a_whole_that_is_weaker_than_all_its_parts_is_an_error():
    answers = {"baseline": [WANTED], "whole": [dict(WANTED, permitrootlogin=["yes"])], "global": [WANTED]}
    with pytest.raises(ConfigError, match="comes to permitrootlogin yes"):
        effect.weak(answers, HEAD, OWN)


def test_includes_are_believed_only_where_the_image_has_them():
    draft = b"Include /a /b\nMatch all\n  include=/c\n"
    same = {"baseline": [{}], "whole": [{}], "global": [{}], "block-0": [{}]}
    found = effect.weak(same, draft, b"Include /a\n")
    assert [(each.where, each.words) for each in found] == [
        ("for everybody", "Include /b"), ("Match all", "Include /c")]


def test_what_weakens_becomes_a_comment_and_the_image_s_own_is_said_again():
    draft = HEAD + b"""Subsystem sftp /evil
SshdSessionPath /evil
# why
Match all
  PermitRootLogin yes
# end
Match User guest
  PermitTTY no
"""
    found = [Weak(b"", "subsystem", ""), Weak(b"", "sshdsessionpath", ""),
             Weak(b"Match all\nPermitRootLogin yes\n", "permitrootlogin", "")]
    after = effect.repaired(draft, found, OWN)
    lines = after.decode().splitlines()
    for line in ("#Subsystem sftp /evil", "#SshdSessionPath /evil", "# why", "#Match all", "#  PermitRootLogin yes"):
        assert line in lines
    assert "subsystem sftp /opt/oqs-ssh/libexec/sftp-server" in lines and "Match User guest" in lines
    assert effect.repaired(draft, [], OWN) == draft
    assert effect.repaired(after, found, OWN) == after, "what is good by now stays, whatever its number"
