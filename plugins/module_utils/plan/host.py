# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host at hand, for what changes it."""

from __future__ import annotations

from typing import List, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import LedgerFile
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec


class Host:
    """What an act is given: what is wanted, what was found, and the ledger that is written first.

    ``uploads``: what the controller sent, such as the parts of an image. ``validated``: whether the image's own
    programs have taken the configuration that is there. ``notes``: what a person should know of what was done.
    """

    def __init__(self, spec: Spec, facts: Facts, ledger: LedgerFile, uploads: Sequence[str] = ()) -> None:
        self.spec = spec
        self.facts = facts
        self.ledger = ledger
        self.uploads = list(uploads)
        self.validated = False
        self.notes: List[str] = []

    def want(self, *specs: object) -> None:
        """Another spec in place of one of its type, for the looks that follow."""
        self.spec = self.spec.having(*specs)
        self.facts.put(self.spec)
