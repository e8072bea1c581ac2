# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the parts of this collection lie on the controller, in a clone as in an installed collection."""

from __future__ import annotations

import os

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
ROLES = os.path.join(ROOT, "roles")
IMAGES = os.path.join(ROOT, "images")
MODULE_UTILS = os.path.join(ROOT, "plugins", "module_utils")
#: What becomes the container's main process.
ENTRY = os.path.join(ROLES, "oqs_ssh", "files", "entry")
#: The wrappers for people's own machines.
PROGRAMS = os.path.join(ROLES, "oqs_ssh_client", "files")
