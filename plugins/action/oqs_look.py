# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check all variables, then look: the first thing that happens to a host."""

from __future__ import annotations

import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import diff
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import Want
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_action import HostAction, shown
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_variables import named


class ActionModule(HostAction):
    """Action side of the module oqs_look."""

    _VALID_ARGS = frozenset(("want", "sections", "rotate", "password"))

    def looks_at(self, arguments: dict[str, t.Any]) -> t.Iterable[str]:
        """The sections that the task names."""
        return named(arguments, "sections")

    def work(self, arguments: dict[str, t.Any], asked: Want) -> dict[str, t.Any]:
        """Look, say a word about the host, and return the plan."""
        look = self.look(arguments, asked, asked.sections).look
        self.first_word(look)
        result = shown(look)
        if self._task.diff and self._task.check_mode:
            result["diff"] = diff(look.plan)
        return dict(result, changed=False)
