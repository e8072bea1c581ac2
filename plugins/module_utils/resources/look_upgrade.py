# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far a replacement of the container is, and which image was there before; read, never changed."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Mapping

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths

Facts = Dict[str, Any]
OWNER, PROVED = paths.UPGRADE_DIR + "/owner", paths.UPGRADE_DIR + "/proved"


def is_open() -> bool:
    """Whether a replacement is on its way, or was cut short."""
    return os.path.isdir(paths.UPGRADE_DIR)


def look(stored: Mapping[str, Any]) -> Facts:
    """How far a replacement is.

    :param stored: what is known of the image that the present container is of.
    """
    found: Facts = {"knew": dict(stored), "proved": "", "cut_short": False}
    if is_open():
        owner = (files.read_file(OWNER) or b"").decode("ascii", "replace").strip()
        found["cut_short"] = owner != str(os.getpid()) and not (owner.isdigit() and os.path.exists("/proc/" + owner))
        if not found["cut_short"]:
            found["proved"] = (files.read_file(PROVED) or b"").decode("ascii", "replace").strip()
    return found


def previous() -> str:
    """The id of the image before, or nothing."""
    try:
        found = json.loads((files.read_file(paths.PREVIOUS) or b"{}").decode())
    except ValueError:
        return ""
    return str(found.get("image", "")) if isinstance(found, dict) else ""
