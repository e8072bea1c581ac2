# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host at hand, for what changes it."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional


class Host:
    """What the functions that change something are given: wishes, facts, the secret."""

    def __init__(self, want: Mapping[str, Any], secret: Optional[str], brought: Mapping[str, Any]) -> None:
        self.want = want
        self.secret = secret
        self.brought = brought
        self.facts: Dict[str, Any] = {}
        #: whether the image's own programs have taken the configuration that is there
        self.validated = False
        #: what a person should know of what was done
        self.told: List[str] = []
