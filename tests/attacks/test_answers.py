# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Answers that a host's root has made up, by the thousand."""

from __future__ import annotations

import core_samples as samples
import known_samples
import pytest

from tests.attacks import answers
from tests.attacks.attack import attack

#: As of a host that was deployed, with everything in it that an answer can have.
GOOD = known_samples.answered(
    plan=[known_samples.item(headline="upgraded", values=["x"])], notes=["a note"], pins=[samples.HOST_KEY],
    proof={"own": {"ok": True, "kex": "mlkem768x25519-sha256", "server": "OpenSSH_10.6"}, "hop": {"error": "refused"}},
    host={"image_origin": {"digest": "sha256:" + "a" * 64, "made": "2026-01-01"}, "image_parts": ["p"],
          "folders": {"/x": "755 0:0"}, "settings": {"sshd_config": {"port": "2222"}},
          "hop_users": {"alice": "no access"}},
    done=[known_samples.item(said="a thing")._asdict()])
WANT = samples.want()


@attack("A3", "host root -> controller, other hosts", "answers with 5,000 mutations of a real answer")
def test_whatever_a_host_answers(capsys):
    believed = answers.fuzz(5000, 20261128, dict(GOOD), WANT, print)
    assert 50 < believed < 4000, "some must get through, or nothing is tried behind the parser"


@pytest.mark.slow
@attack("A4", "host root -> controller, other hosts", "answers with 100,000 mutations of a real answer")
def test_whatever_a_host_answers_for_long(capsys):
    with capsys.disabled():
        answers.fuzz(100000, 4711, dict(GOOD), WANT, print)
