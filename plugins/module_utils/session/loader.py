# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""On the host: run a request out of the parcel that came by standard input. Nothing is written to disk for it.

The controller's half is ``plugin_utils/session/transport.py``. Imports nothing of the collection at its top, because
it is what makes those imports possible.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import json
import sys
from typing import Any, Dict, Mapping, Optional, Sequence


class Parcel(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Modules whose sources are at hand (PEP 302, PEP 451); a package is an empty module.

    :param sources: source text by the module's full name.
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources
        self._packages = {name.rsplit(".", count)[0] for name in sources for count in range(1, name.count(".") + 1)}

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]], target: Any = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        """Where a module comes from; None when it is not ours."""
        del path, target
        if fullname in self._sources or fullname in self._packages:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=self.is_package(fullname))
        return None

    def is_package(self, fullname: str) -> bool:
        """Does it hold other modules?"""
        return fullname in self._packages

    def get_source(self, fullname: str) -> str:
        """Its text."""
        return self._sources.get(fullname, "")


def run(parcel: Mapping[str, Any]) -> None:
    """Do the request and print its result as a line that begins with the parcel's mark.

    :param parcel: ``sources``, ``request`` (the module whose function ``run`` does it), ``arguments`` and ``mark``.
    """
    sys.meta_path.insert(0, Parcel(parcel["sources"]))
    result: Dict[str, Any] = importlib.import_module(parcel["request"]).run(parcel["arguments"])
    sys.stdout.write("\n%s%s\n" % (parcel["mark"], json.dumps(result)))
    sys.stdout.flush()
