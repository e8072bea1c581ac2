# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The same examples in every run, whatever the load: more and others are the fuzzers' work (make fuzz)."""

from __future__ import annotations

import hypothesis
import pytest

pytest.register_assert_rewrite("config_samples")  # so that a failed check shows both texts

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("repeatable")
