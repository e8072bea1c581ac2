# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is kept of images on the host: what each was asked once, and which was there before an upgrade."""

from __future__ import annotations

import json
from typing import Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import image_facts
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image


def stored(image_id: str) -> Optional[Image]:
    """What an earlier run asked an image, or None; a file that was damaged meanwhile counts as none."""
    return image_facts.stored(files.read_file(_path(image_id)))


def keep(image_id: str, image: Image) -> None:
    """Keep what is known of an image.

    :param image_id: the name under which it is looked for.
    """
    files.make_dir(paths.VAR_DIR, 0o700)
    files.make_dir(paths.IMAGES_DIR, 0o700)
    files.write_file(_path(image_id), image_facts.kept(image), 0o600)


def previous() -> str:
    """The id of the image before an upgrade, or nothing."""
    try:
        found = json.loads((files.read_file(paths.PREVIOUS) or b"{}").decode())
    except ValueError:
        return ""
    return str(found.get("image", "")) if isinstance(found, dict) else ""


def _path(image_id: str) -> str:
    return "%s/%s.json" % (paths.IMAGES_DIR, image_id.replace("sha256:", ""))
