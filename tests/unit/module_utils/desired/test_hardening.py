# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the server's connections are made of, and what an image is asked for it."""

from __future__ import annotations

import re
from pathlib import Path

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import hardening
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image

from images import build


def image(**known):
    return Image(**samples.image(**known))


def lists(now, **known):
    return {name: value for name, value in hardening.chosen(now, image(**known)) if name in ("Ciphers", "MACs")}


def test_nothing_weak_is_taken():
    everything = [*hardening.CIPHERS, *hardening.MACS]
    assert not [name for name in everything if re.search(r"cbc|3des|arcfour|sha1|md5|umac-64|-96", name)]
    assert all(name.endswith("-etm@openssh.com") for name in hardening.MACS)


def test_the_lists_name_only_what_the_image_knows():
    ciphers = ["3des-cbc", "aes128-ctr", "aes256-gcm@openssh.com"]
    found = lists({}, cipher=ciphers, mac=["hmac-sha1", "umac-64@openssh.com"])
    assert found == {"Ciphers": "aes256-gcm@openssh.com,aes128-ctr"}


@pytest.mark.parametrize(("mine", "stays"), [
    ("aes256-gcm@openssh.com", True),
    ("aes128-ctr,aes256-ctr", True),
    ("aes256-gcm@openssh.com,aes128-cbc", False),
    ("+aes128-cbc", False),
    ("-chacha20-poly1305@openssh.com", False),
    ("", False),
])
def test_a_choice_of_ones_own_stays_where_it_is_as_strong(mine, stays):
    assert (lists({"ciphers": [mine]})["Ciphers"] == mine) is stays


def test_the_question_to_the_image_has_every_keyword():
    want = samples.spec({"ssh": samples.ssh_want()}).of(ServerSpec)
    asked = [line.split()[0].decode().lower() for line in hardening.keyword_question(want).splitlines()]
    written = [*hardening.closed_by_name(want), *hardening.chosen({}, image())]
    assert asked == [keyword.lower() for keyword, _value in written if keyword not in ("Ciphers", "MACs")]
    assert tuple(sorted(asked)) == hardening.KEYWORDS


def test_an_image_that_is_built_is_asked_the_same():
    assert tuple(sorted(each.split()[0].lower() for each in build.KEYWORDS)) == hardening.KEYWORDS


def test_no_time_out_ends_a_silent_job():
    """ClientAlive* ends peers that do not answer; UnusedConnectionTimeout those that use nothing (sshd_config(5))."""
    want = dict(hardening.chosen({}, image()))
    assert "ChannelTimeout" not in want
    assert int(want["ClientAliveInterval"]) * int(want["ClientAliveCountMax"]) >= 600
    assert want["UnusedConnectionTimeout"].endswith("h")


def test_every_reason_stands_beside_its_setting():
    text = Path(hardening.__file__).read_text(encoding="utf-8")
    for name in ("PerSourceNetBlockSize", "ClientAliveInterval", "UnusedConnectionTimeout", "Compression", "LogLevel"):
        before = text[:text.index('    ("%s"' % name)].rstrip().splitlines()[-1]
        assert before.strip().startswith("#"), name
