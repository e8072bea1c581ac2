# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check mode looked and forecast, and changed nothing."""

from __future__ import annotations

from tests.e2e.library.scenario import Scenario


def test_check_mode_changes_nothing(scenario: Scenario, server: str) -> None:
    before, after = set(scenario.remembered("files")[server]), set(scenario.files(server))
    assert sorted(before ^ after) == []
    assert scenario.surroundings(server) == scenario.remembered("before")[server]
