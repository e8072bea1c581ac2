# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run knows of a host: what enters has its shape, and what is kept comes back as it was."""

from __future__ import annotations

import typing

import core_samples as samples
import known_samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.shape import WrongShape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import HopSpec, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core import known
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import HostStore, Known, parse_want

IMAGE = {"name": "x", "source": "archive", "archive": "/home/me/x.tar"}
WANT = {"ssh": samples.ssh_want(image=IMAGE), "hop": samples.hop_want()}


def test_what_is_kept_comes_back(tmp_path):
    store = HostStore("web1", "", str(tmp_path))
    assert store.load() == Known() and not store.load().begun
    want, look = parse_want(WANT), known_samples.look(host={"image_origin": {"digest": "", "made": "2026-01-01"}})
    store.update(want=want, asked=want, look=look, done=[known_samples.item()], failed="no")
    store.update(check=True)
    assert HostStore("web1", "", str(tmp_path)).load() == Known(
        want=want, asked=want, look=look, done=[known_samples.item()], failed="no", check=True)
    assert store.load().begun and not HostStore("web2", "", str(tmp_path)).load().begun


def test_another_play_of_the_run_begins_anew(tmp_path):
    HostStore("web1", "first", str(tmp_path)).update(failed="no")
    assert not HostStore("web1", "second", str(tmp_path)).load().begun
    assert HostStore("web1", "first", str(tmp_path)).load().failed == "no"


def test_what_something_else_wrote_is_not_believed(tmp_path):
    HostStore("web1", "", str(tmp_path)).update(colour="red")
    with pytest.raises(WrongShape, match="colour is not known"):
        HostStore("web1", "", str(tmp_path)).load()


def test_no_path_of_the_controller_travels():
    want = parse_want(WANT)
    assert want.archive == IMAGE["archive"] and want.sections == ["hop", "ssh"]
    assert sorted(want.to_json()) == ["hop", "ssh"] and IMAGE["archive"] not in str(want.to_json())
    assert parse_want(want.to_json()) == want._replace(archive="")
    there = samples.spec(want.to_json())
    assert (there.of(HopSpec), there.of(ServerSpec)) == (want.hop, want.ssh), "the host reads it as it was meant"
    assert WANT["ssh"]["image"]["archive"], "the caller's own is left alone"


def test_what_can_be_wanted_here_is_what_the_host_knows():
    hints = typing.get_type_hints(known.Want)
    assert {name: hints[name].__args__[0] for name in known.SECTIONS} == REGISTRY.specs


def test_a_later_task_says_more_or_other():
    first, second = parse_want(WANT), parse_want({"hop": samples.hop_want(users=[]), "removal": {}})
    both = first.and_also(second)
    assert both.ssh == first.ssh and both.archive == first.archive
    assert both.hop == second.hop and both.removal == second.removal
    assert both.only("hop") == known.Want(hop=second.hop)
    other = both.ssh.image._replace(digest="sha256:1")
    assert both.with_image(other).ssh.image == other and known.Want().with_image(other) == known.Want()


@pytest.mark.parametrize(("want", "words"), [
    (None, "want is not of the form"), ([], "want is not"), ({1: {}}, "want is not"),
    ({"archive": "/x"}, "there is no section archive; there are engine, ssh, "), ({"hopp": {}}, "no section hopp"),
    ({"hop": {"state": 1}}, "want.hop.state is a number, not text"), ({"hop": {}}, "state is missing"),
    ({"hop": dict(samples.hop_want(), colour="red")}, "colour is not known"),
    ({"ssh": {"state": "present", "image": "oqs:1"}}, "want.ssh.image is text of 5 characters, not a dictionary"),
    ({"ssh": {"state": "present", "image": {"name": "x", "archive": 1}}}, "want.ssh.image.archive is not"),
], ids=str)
def test_a_want_of_another_shape_is_named(want, words):
    with pytest.raises(WrongShape) as caught:
        parse_want(want)
    assert words in str(caught.value)
