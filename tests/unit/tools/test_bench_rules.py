# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Large firewalls are judged in a time that grows with their size, not with its square."""

from __future__ import annotations

import pytest

from bench import rules


@pytest.mark.parametrize("name", rules.CASES)
def test_judged_in_time(name):
    make, most = rules.CASES[name]
    assert rules.measure(make, most // 4) < 4 * rules.GOAL  # the machine has other things to do; a square takes minutes
