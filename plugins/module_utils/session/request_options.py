# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of requests, for both ways to a host: a module checks them there, the controller before it sends an
request in one session.

They are not in the requests' own files: those load all that changes a host, a tenth of a second of the controller's.
"""

from __future__ import annotations

from typing import Any, Dict

#: What may be carried out (``Registry.orders``; the registry itself takes the controller a tenth of a second to load).
ORDERS = ("engine", "ssh", "password", "firewall", "hop", "lockdown", "removal")
Options = Dict[str, Dict[str, Any]]
_SECTIONS = {"type": "list", "elements": "str", "required": True, "choices": list(ORDERS)}

LOOK: Options = {
    "want": {"type": "dict", "required": True},
    "password": {"type": "str", "no_log": True},
}
QUICK: Options = dict(LOOK, sections=_SECTIONS)
APPLY: Options = dict(
    QUICK,
    parts={"type": "list", "elements": "str", "default": []},
    quick={"type": "bool", "default": False},
)
CLIENT: Options = {
    "step": {"type": "str", "choices": ["ask", "settle"], "required": True},
    "settings": {"type": "dict", "default": {}},
}
