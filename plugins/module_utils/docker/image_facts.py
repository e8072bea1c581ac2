# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an image says of itself when the entry asks it (``entry facts``), and how that is kept. Pure."""

from __future__ import annotations

import calendar
import json
import re
import time
from typing import Collection, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError

_HOME = re.compile(r"/[A-Za-z0-9._/-]{1,255}")
_UID = re.compile(r"[0-9]{1,10}")
_UNKNOWN = re.compile(r"[Bb]ad configuration option: (\S+)")
#: Known by name, and left out when the program was built.
_UNSUPPORTED = re.compile(r"Unsupported option (\S+)")


#: What earlier versions did not ask.
_LATER = {"refuses", "origin", "unsupported_keywords", "cipher", "mac", "audits", "asked"}


#: When Docker came to be (seconds since the epoch).
_FIRST_IMAGE = calendar.timegm((2013, 3, 1, 0, 0, 0))


class NotAnImage(UserError):
    """The answer lacks something without which the image cannot serve; the text says what."""


class Origin(NamedTuple):
    """Where an image came from: its digest in the registry (empty: from none), and the day it was made."""

    digest: str = ""
    made: str = ""

    def days(self, now: float) -> Optional[int]:
        """How old it is; None: nobody can tell, since builds that are to be repeatable name a day of long ago.

        :param now: seconds since the epoch.
        """
        try:
            born = calendar.timegm(time.strptime(self.made, "%Y-%m-%d"))
        except ValueError:
            return None
        return int(now - born) // 86400 if born > _FIRST_IMAGE else None


class Image(NamedTuple):
    """An image as far as a host holds it and knows it: false where it is not there.

    ``engine_id`` is the engine's name for it. What it was asked: version text of its OpenSSH; names of key exchanges,
    of key types and of signatures; the account (name, uid, home); both configurations as they come with it; keywords
    that its sshd does not know, and those that it was built without (lower case); what its client says against its own
    configuration; names of ciphers and of MACs; whether its sshd tells the kernel's audit of logins, or has PAM do so;
    the keywords that it was asked about.
    """

    engine_id: str = ""
    openssh: str = ""
    kex: Tuple[str, ...] = ()
    key: Tuple[str, ...] = ()
    sig: Tuple[str, ...] = ()
    user: Tuple[str, ...] = ()
    sshd_config: str = ""
    ssh_config: str = ""
    unknown_keywords: Tuple[str, ...] = ()
    unsupported_keywords: Tuple[str, ...] = ()
    refuses: str = ""
    cipher: Tuple[str, ...] = ()
    mac: Tuple[str, ...] = ()
    audits: bool = False
    asked: Tuple[str, ...] = ()
    origin: Origin = Origin()

    def __bool__(self) -> bool:
        return bool(self.engine_id)

    @property
    def known(self) -> bool:
        """Whether it was asked, or its label says what it would answer."""
        return bool(self.sshd_config)

    @property
    def home(self) -> str:
        """Of the account."""
        return self.user[2] if len(self.user) == 3 else ""

    def left_out(self, keyword: str) -> bool:
        """Whether its sshd cannot be told this."""
        return keyword.lower() in (*self.unknown_keywords, *self.unsupported_keywords)

    def config(self, name: str) -> bytes:
        """A configuration as it comes with the image.

        :param name: ``sshd_config`` or ``ssh_config``.
        """
        return (self.sshd_config if name == "sshd_config" else self.ssh_config).encode()

    def answers(self) -> "Image":
        """What it says of itself, without where it lies."""
        return self._replace(engine_id="", origin=Origin())


def parse(text: str, user: str) -> Image:
    """The answer of an image.

    :param user: the account that must be there.
    :raises NotAnImage: no OpenSSH at the expected place, or no such account.
    """
    parts: Dict[str, str] = {}
    for part in ("\n" + text).split("\n== ")[1:]:
        name, _newline, body = part.partition("\n")
        parts[name] = body
    named = ("kex", "key", "sig", "key-sig", "user", "cipher", "mac", "asked", "audit")
    lists = {name: tuple(_lines(parts.get(name, ""))) for name in named}
    if not lists["kex"]:
        raise NotAnImage("it has no OpenSSH client at /opt/oqs-ssh/bin/ssh that answers")
    silent = [name for name in ("key", "cipher", "mac") if name in parts and not lists[name]]
    if silent:
        raise NotAnImage("its OpenSSH client does not answer ssh -Q %s" % silent[0])
    if len(lists["user"]) != 3:
        raise NotAnImage("it has no account %s (oqs_ssh_user)" % user)
    if not _is_account(lists["user"]):
        raise NotAnImage("its account %s has a uid or a home folder that cannot be used" % user)
    for name in ("sshd_config", "ssh_config"):
        if not parts.get(name, "").strip():
            raise NotAnImage("it has no /opt/oqs-ssh/%s" % name)
    return Image(
        openssh=parts.get("version", "").strip(), kex=lists["kex"], key=lists["key"],
        sig=tuple(sorted(set(lists["sig"]) | set(lists["key-sig"]))), user=lists["user"],
        sshd_config=parts["sshd_config"], ssh_config=parts["ssh_config"],
        unknown_keywords=_found(_UNKNOWN, parts.get("keywords", "")),
        unsupported_keywords=_found(_UNSUPPORTED, parts.get("keywords", "")),
        refuses=parts.get("refuses", "").strip(), cipher=lists["cipher"], mac=lists["mac"],
        audits=bool(lists["audit"]), asked=tuple(sorted({name.lower() for name in lists["asked"]})),
    )


def stored(data: Optional[bytes]) -> Optional[Image]:
    """What was kept of an image: its id, and either all that it answered or no more.

    :returns: None where it was damaged, or is not what is kept now: then the image is asked again.
    """
    try:
        row = json.loads(data.decode()) if data else {}
        found = shape.parse(Image, row, "the file")
    except (ValueError, shape.WrongShape):
        return None
    if set(row) != {"engine_id"} and not _is_whole(found, row):
        return None
    return found or None


def _is_whole(found: Image, row: Collection[str]) -> bool:
    """Whether all is there that an image answers; some of it is asked only since some version."""
    missing = set(Image._fields) - set(row) - _LATER
    return not missing and bool(found.kex and found.known and found.ssh_config and _is_account(found.user))


def kept(image: Image) -> bytes:
    """What is kept of an image; where it came from is asked anew each time."""
    if not image.known:
        return json.dumps({"engine_id": image.engine_id}).encode()
    row = {name: value for name, value in image._asdict().items() if name != "origin"}
    return json.dumps(row, sort_keys=True).encode()


def _is_account(words: Tuple[str, ...]) -> bool:
    """Whether this is a name, a uid and a home folder that may stand in ``--mount``; an image may say anything."""
    if len(words) != 3 or not _UID.fullmatch(words[1]):
        return False
    return bool(_HOME.fullmatch(words[2])) and ".." not in words[2].split("/")


def _found(pattern: "re.Pattern[str]", text: str) -> Tuple[str, ...]:
    return tuple(sorted({name.lower() for name in pattern.findall(text)}))


def _lines(text: str) -> List[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
