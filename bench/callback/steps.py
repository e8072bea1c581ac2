# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A callback that writes down when each task begins: seconds of the monotonic clock, and its name; a line each."""

from __future__ import annotations

import os
import time
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: steps
type: aggregate
short_description: When each task begins, into the file that BENCH_STEPS names
description: See short_description.
"""


class CallbackModule(CallbackBase):
    """Notes of one run."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "steps"
    CALLBACK_NEEDS_ENABLED = True

    def _note(self, name: str) -> None:
        with open(os.environ["BENCH_STEPS"], "a", encoding="utf-8") as notes:
            notes.write("%.3f %s\n" % (time.monotonic(), name))

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:
        """A task."""
        del is_conditional
        self._note(task.get_name().split(" : ")[-1])

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        """All tasks are done."""
        del stats
        self._note("ansible-core ends")
