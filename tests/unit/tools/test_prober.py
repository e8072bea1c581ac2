# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The judge of the prober's time line can say no: each exposure, and each way to have been blind."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any, Dict, List

import pytest

from tests.e2e.library.prober import picture, timeline

KEYS = {"web1": ["own"]}
HOSTS = ("web1",)


def line(state: str, since: float, until: float, view: str = "inside", **more: Any) -> timeline.Line:
    """What a view saw; a default password was tried unless said otherwise."""
    key = "own" if state in ("handshake", "login") else ""
    found: Dict[str, Any] = {
        "host": "web1", "view": view, "state": state, "key": key, "methods": "publickey,password" if key else "",
        "since": since, "until": until, "gap": 0.01, "count": 9, "tried": {"default": 3} if key else {}, "words": ""}
    return dict(found, **more)


@pytest.fixture
def good() -> List[timeline.Line]:
    """A deployment as it should be."""
    return [
        {"phase": "first", "since": 0.0, "until": 20.0},
        line("refused", 0, 10), line("handshake", 10, 30),
        line("no answer", 0, 30, view="outside"),
        line("refused", 0, 10, view="control"), line("login", 10, 30, view="control", tried={"key": 40}),
    ]


def test_a_good_line_has_nothing_against_it(good: List[timeline.Line]) -> None:
    assert timeline.exposures(good, KEYS, HOSTS) == []
    assert timeline.doubts(good, HOSTS) == []
    assert timeline.figures(good)["default_tried"] == 3


@pytest.mark.parametrize("bad, words", [
    (line("login", 9, 9.04), "password that is called default"),
    (line("login", 9, 9.04, tried={"nothing": 1}), "called nothing"),
    (line("handshake", 9, 9.04, key="other"), "not the host's, SHA256:other"),
    (line("handshake", 9, 9.04, view="outside"), "not among the sources"),
    (line("dropped", 9, 9.04, view="outside"), "not among the sources"),
    (line("refused", 9, 9.04, view="outside"), "not among the sources"),
    (line("login", 9, 9.04, view="outside", tried={"right": 1}), "password that is called right"),
])
def test_one_instant_is_enough(good: List[timeline.Line], bad: timeline.Line, words: str) -> None:
    found = timeline.exposures([*good, bad], KEYS, HOSTS)
    assert any(words in one for one in found), found


def test_a_reboot_may_take_the_firewall_away_but_lets_nobody_in(good: List[timeline.Line]) -> None:
    good += [{"phase": "reboot", "since": 12.0, "until": 20.0}, line("dropped", 13, 14, view="outside")]
    assert timeline.exposures(good, KEYS, HOSTS)
    assert timeline.exposures(good, KEYS, HOSTS, ["reboot"]) == []
    assert timeline.exposures([*good, line("login", 13, 14, view="outside")], KEYS, HOSTS, ["reboot"])
    assert timeline.exposures([*good, line("refused", 21, 22, view="outside")], KEYS, HOSTS, ["reboot"])


def test_without_a_firewall_outsiders_may_shake_hands_but_not_log_in(good: List[timeline.Line]) -> None:
    assert timeline.exposures([*good, line("handshake", 12, 13, view="outside")], KEYS) == []
    assert timeline.exposures([*good, line("login", 12, 13, view="outside")], KEYS)


def test_a_server_that_nobody_asked_for_the_password_is_doubted(good: List[timeline.Line]) -> None:
    good[2]["tried"] = {"any": 4}
    assert "never tried" in timeline.doubts(good, HOSTS)[0]
    good[2]["methods"] = "publickey"  # then there is nothing to ask for
    assert timeline.doubts(good, HOSTS) == []


def test_a_second_server_is_doubted_alone(good: List[timeline.Line]) -> None:
    good += [line("refused", 30, 31), line("handshake", 31, 40, tried={})]
    assert ["served for 9.0 s" in words for words in timeline.doubts(good, HOSTS)] == [True]


def test_a_blind_prober_is_doubted(good: List[timeline.Line]) -> None:
    good[2] = line("dropped", 10, 30)  # a penalty, while the control login goes on
    assert any("the prober did not" in words for words in timeline.doubts(good, HOSTS))


@pytest.mark.parametrize("change", [{"gap": 9.0}, {"since": 16.0}])
def test_a_prober_that_did_not_look_is_doubted(good: List[timeline.Line], change: Dict[str, float]) -> None:
    good[2].update(change)
    assert any("nobody looked" in words for words in timeline.doubts(good, HOSTS))


def test_a_view_that_is_missing_is_doubted(good: List[timeline.Line]) -> None:
    assert timeline.doubts(good[:3], HOSTS) == ["web1: nobody looked from outside for inf s"]


def test_phases_take_apart(good: List[timeline.Line]) -> None:
    good += [{"phase": "by hand", "since": 30.5, "until": 40.0}, line("login", 31, 32)]
    good[3]["until"] = 35.0
    rest = timeline.until(good, "by hand")
    assert timeline.exposures(rest, KEYS) == []
    assert timeline.doubts(rest, HOSTS) == []
    assert max(seen["until"] for seen in rest) == 30.5
    assert timeline.exposures(timeline.during(good, "by hand"), KEYS)
    assert [mark["phase"] for mark in timeline.phases(good)] == ["first", "by hand"]


def test_fingerprint_is_as_ssh_keygen_has_it() -> None:
    public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f x"
    assert timeline.fingerprint(public) == "ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA"


def test_the_picture_shows_what_was_worst(good: List[timeline.Line]) -> None:
    drawn = picture.draw([*good, line("login", 9, 9.001)], HOSTS, KEYS, {"web1": "a <note> & more"})
    root = ET.fromstring(drawn)
    bars = [one for one in root.iter("{http://www.w3.org/2000/svg}rect") if len(one)]
    red = [one for one in bars if one.get("fill") == picture.LOOKS["open"][0]]
    assert len(red) == 1
    assert float(red[0].get("width") or 0) >= 3
    assert "a <note> & more" in "".join(root.itertext())
