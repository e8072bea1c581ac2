# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values of the inventory that would say more than they seem to."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import hardening, lockdown_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ImageSpec, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import model
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.variables import variables

from tests.attacks.attack import attack

#: Python's ipaddress takes any text for a zone.
ODD = ["fe80::1%a *", "::1%a\nMatch all\nPermitRootLogin yes", "fe80::1%$(id)", "fe80::1%a } ; flush ruleset",
       " 192.0.2.1", "192.0.2.1 ", "192.0.2.1\n", "::ffff:192.0.2.1"]


@attack("A15", "inventory -> everybody gets in", "gives a source with a zone that AllowUsers reads as two patterns")
@pytest.mark.parametrize("source", ODD)
@pytest.mark.parametrize("name", ["oqs_ssh_firewall_sources", "oqs_ssh_breakglass_sources"])
def test_a_source_with_a_zone_is_refused_before_anything_is_sent(name, source):
    said = variables.check({name: [source]}, "heron-lantern-vortex-42")
    assert any(each.startswith(name) for each in said)


@attack("A15", "controller -> everybody gets in", "sends such a source past the check of variables")
@pytest.mark.parametrize("source", ODD)
def test_a_host_writes_no_such_source_into_its_configuration(source):
    want = ServerSpec("present", ImageSpec("x"), sources=[source])
    with pytest.raises(ValueError, match="source"):
        hardening.closed_by_name(want)


@attack("A15", "controller -> host root", "sends a breakglass source that the watch's shell would run")
@pytest.mark.parametrize("source", ODD)
def test_a_watch_holds_no_such_source(source):
    ready = lockdown_files.Ready([22], [source], 30.0, 2222, "127.0.0.1", "/x")
    with pytest.raises(ValueError, match="source"):
        lockdown_files.files(ready)
    with pytest.raises(ValueError, match="source"):
        lockdown_files.rules(ready)


@attack("A15", "controller -> the firewall", "sends a source that nft would read as another command")
@pytest.mark.parametrize("source", ODD)
def test_no_firewall_takes_such_a_source(source):
    with pytest.raises(ValueError, match="source"):
        model.parse_sources([source])
