# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the controller asks of a host, as a value. Pure."""

from __future__ import annotations

from typing import Dict, List, Mapping, NamedTuple, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape


class Request(NamedTuple):
    """A look, or sections to carry out.

    ``want``: what is wanted, section by section, as ``desired/spec.py`` has it; ``parts``: files of an image that were
    sent; ``check_mode``: only say what would be done; with a ``ticket`` the work outlives the connection.
    """

    want: Dict[str, object]
    password: Optional[str] = None
    sections: List[str] = []
    parts: List[str] = []
    check_mode: bool = False
    ticket: str = ""


def parse(arguments: Mapping[str, object]) -> Request:
    """A request from the arguments of a module, or from what arrives without one.

    :raises WrongShape: it is of another shape.
    """
    return shape.parse(Request, dict(arguments), "the request", strict=False)


class _Image(NamedTuple):
    name: str = ""
    id: Optional[str] = None


class _Part(NamedTuple):
    container: str = ""
    image: Optional[_Image] = None


class Asked(NamedTuple):
    """What Docker will be asked about: the container, and the image by its id or by its name; empty: nothing."""

    container: str
    image_id: str
    image_name: str


def docker(want: Mapping[str, object]) -> Optional[Asked]:
    """What a look will want to know of Docker; None: nothing.

    :raises WrongShape: it is of another shape.
    """
    for section in ("ssh", "hop"):
        if want.get(section):
            part = shape.parse(_Part, want[section], "want.%s" % section, strict=False)
            image = part.image or _Image()
            return Asked(part.container, image.id or "", image.name)
    return None
