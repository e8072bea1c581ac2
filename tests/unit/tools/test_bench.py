# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the comparison with others makes of its samples."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from bench import login, measure, report
from bench.measure import Notebook, Sample

OURS, PEER = "quantumsafe.openssh", "by hand"


def test_pieces_of_a_measurement_count_together(tmp_path):
    path = tmp_path / "samples"
    for seconds in (2.0, 9.0, 3.0):
        notes = Notebook(path)
        notes.add(1, "converged", OURS, Sample(seconds, 1, 138, 2))
        notes.add(1, "converged", PEER, Sample(4 * seconds, 15, 2700, 6))
    middle = measure.medians(Notebook(path).samples)
    assert middle[1, "converged", OURS].seconds == 3.0
    found = measure.summary(middle, {"converged, 1 hosts": 3})
    assert found["times_faster"] == {"converged, by hand, 1 hosts": 4.0}
    assert (found["ok"], found["missed"]) == (False, {"converged": 4.0}), "five times is the goal"


def test_steps_of_a_run_make_a_table_of_their_own():
    lines = report.steps({(1, "the look"): 1.25, (4, "the look"): 2.0, (4, "the proof"): 0.5}).splitlines()
    assert lines[1] == "| step of our converged run, seconds | 1 host | 4 hosts |"
    assert lines[3:] == ["| the look | 1.25 | 2.00 |", "| the proof | 0.00 | 0.50 |"]
    assert report.steps({}) == ""


def test_table_and_picture(tmp_path):
    middle = {(1, case, name): Sample(1.5, 1, 138, 2) for case in report.WORDS for name in (OURS, PEER)}
    lines = report.table(middle, OURS)
    assert "| 1 | one changed line | by hand | 1.5 | 1.0 | 1 | 138 | 2.0 |" in lines
    report.write(tmp_path, lines, middle, OURS, {"converged, 1 hosts": 5})
    assert "Rounds: converged, 1 hosts: 5." in (tmp_path / "bench.md").read_text()
    bars = ET.parse(tmp_path / "bench.svg").getroot().iter("{http://www.w3.org/2000/svg}rect")
    assert len(list(bars)) == len(middle) + 3  # the ground, and the names of two


def test_a_login_that_takes_too_long_is_named():
    middle = {"classical": 100.0, "post-quantum": 120.0, "post-quantum and hop": 230.0}
    middle.update({name + ", multiplexed": 20.0 for name in list(middle)})
    found = login.summary(middle, 30)
    assert (found["ok"], found["missed"]) == (False, {"post-quantum and hop": 2.3})
    assert "| post-quantum | 120 | classical | 1.20 | 1.3 |" in login.table(middle)


def test_the_logins_are_what_they_are_called():
    lines = login.commands("192.0.2.7")
    assert "KexAlgorithms=curve25519-sha256" in lines["classical"]
    assert "KexAlgorithms=" + login.PQ_KEX in lines["post-quantum"]
    way = next(word for word in lines["post-quantum and hop"] if word.startswith("ProxyCommand="))
    assert "KexAlgorithms=" + login.PQ_KEX in way and "oqs@192.0.2.7" in way
    assert len(lines) == 6
