# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The body of the module oqs_client: ask a host what its clients have to know, or set up a person's own machine."""

from __future__ import annotations

from typing import Dict, Mapping

from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import host_facts, settings, settle
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client.machine import Refused
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import EXPECTED, failed
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import keypair


def run(arguments: Mapping[str, object]) -> Dict[str, object]:
    """Ask or settle.

    :param arguments: ``step`` (``ask`` or ``settle``), ``settings``, and ``check_mode``.
    :returns: ``client`` for ``ask``; for ``settle`` ``files``, ``notes``, ``hosts`` and ``identity``. With ``failed``,
        the sentence is in ``msg``.
    """
    try:
        if arguments["step"] == "ask":
            found = host_facts.read()
            return {"changed": False, "client": found.to_json() if found else {}}
        wanted = settings.parse(arguments["settings"])
        return settle.settle(wanted, bool(arguments.get("check_mode"))).to_json()
    except (Refused, keypair.KeyPairError, shape.BadShape) as error:
        return failed(error, "nothing was changed; ")
    except EXPECTED as error:
        return failed(error)
