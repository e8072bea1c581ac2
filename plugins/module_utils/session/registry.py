# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that a host has of ours: a new kind of thing is a line here."""

from __future__ import annotations

from ansible_collections.quantumsafe.openssh.plugins.module_utils.container.container import CONTAINER
from ansible_collections.quantumsafe.openssh.plugins.module_utils.container.replacement import REPLACEMENT, UNFINISHED
from ansible_collections.quantumsafe.openssh.plugins.module_utils.container.server import GROUND, SERVER
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Registry
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.access import AUTHORIZED_KEYS, PASSWORD
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.configuration import CONFIGURATION
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.engine import ENGINE
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.firewall import FIREWALL
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.hop import HOP
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.host_keys import HOST_KEYS
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.image import IMAGE
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.lockdown import LOCKDOWN, WATCH
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.proof import PROOF
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.removal import BEGIN, FOLDERS, KNOWN, REST
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.state import STATE

#: Hosts are changed in the order of the first list: a removal opens a host before it takes anything away, and the port
#: is opened when all that is behind it is there. In the others, what one plans may depend on those before it.
REGISTRY = Registry(
    resources=(
        LOCKDOWN, WATCH, ENGINE, IMAGE, STATE, HOST_KEYS, CONFIGURATION, PASSWORD, AUTHORIZED_KEYS, CONTAINER, FIREWALL,
        HOP, BEGIN, PROOF,
    ),
    planning=(
        GROUND, WATCH, ENGINE, SERVER, STATE, UNFINISHED, IMAGE, REPLACEMENT, HOST_KEYS, CONFIGURATION, PASSWORD,
        AUTHORIZED_KEYS, CONTAINER, FIREWALL, HOP, LOCKDOWN,
    ),
    restoring=(
        BEGIN, LOCKDOWN, FIREWALL, KNOWN, HOP, CONTAINER, IMAGE, HOST_KEYS, FOLDERS, ENGINE, REST,
    ),
)
