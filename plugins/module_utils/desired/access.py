# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""States of the password of the container's user, as the plan and a look's result have them. Pure."""

from __future__ import annotations

ABSENT, LOCKED, GIVEN = "absent", "locked", "the given one"
#: What is added where the container has it, and the state from which the next one is made does not.
HERE_ONLY = ", in this container only"


def in_container(state: str) -> str:
    """The state as the container itself has it, whatever the next one would have."""
    return state[: -len(HERE_ONLY)] if state.endswith(HERE_ONLY) else state
