# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way through the container as arguments of ssh."""

from __future__ import annotations

import shlex

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ImageSpec, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.offers import Offer
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import lockdown_way
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path.commandlines import Controller
from core_samples import IDENTITY

OFFER = Offer(("mlkem768x25519-sha256",), ("ssh-ed25519",), ())
SSH = ServerSpec("present", ImageSpec("oqs:1"), authorized_keys=[IDENTITY.decode()])
OWN = Controller(["mlkem768x25519-sha256"], ["ssh-ed25519"], ["ssh-ed25519"], "/home/me/.ssh")
OLD = Controller(["curve25519-sha256"], ["ssh-ed25519"], ["ssh-ed25519"], "/home/me/.ssh")


def proxy(controller, **other):
    way = lockdown_way.Way("192.0.2.9", "localhost:22", SSH, OFFER, "/run/100%/known", "sha256:1", **other)
    words = lockdown_way.arguments(way, controller)
    assert tuple(words[:4]) == lockdown_way.NEW, "a connection of its own"
    return shlex.split(words[-1].partition("ProxyCommand=")[2])


@pytest.mark.parametrize(("controller", "program"), [(OWN, "ssh"), (OLD, "docker")])
def test_the_own_ssh_where_it_can_else_the_one_in_the_image(controller, program):
    words = proxy(controller)
    assert words[0] == program
    assert words[-5:] == ["-W", "localhost:22", "-p", "2222", "oqs@192.0.2.9"]
    assert "BatchMode=yes" in words and "StrictHostKeyChecking=yes" in words, "nobody is asked, nothing is trusted"
    assert any("100%%/known" in word for word in words), "ssh expands percent signs"


def test_a_bastion_of_the_user_s_is_passed_through():
    words = proxy(OWN, more=["-J", "bastion"], identities=["/home/me/key"])
    assert words[words.index("-J") + 1] == "bastion"
    assert words[words.index("-i") + 1] == "/home/me/key"


def test_pins_are_under_one_name():
    assert lockdown_way.known_hosts(["ssh-ed25519 AAAA"]) == "oqs-ssh ssh-ed25519 AAAA\n"
