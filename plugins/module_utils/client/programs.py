# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The programs and keys that a person has: what an ssh knows, identities, certificates.

A program that is there and does not answer is named; it is never taken for one that knows nothing.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from typing import Dict, List, Mapping, NamedTuple, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.client.aliases import Program
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, inspected
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files

_UNREADABLE = "%s: it cannot be read as a public key (%s), so this identity is not used"
_EXPIRED = ("%s: this certificate is valid no longer (since %s): have the key signed again, or move it away; the key "
            "alone counts only where it is in authorized_keys")
_UNKNOWN = "%s: how long this certificate is valid is not known (%s)"
_VALID = re.compile(r"^\s*Valid: (?:.*(?:to|before) (?P<end>\d{4}-\S+)|.*)$", re.MULTILINE)
_SECONDS = 10.0


class Identities(NamedTuple):
    """Private keys of a folder (path to type of the public half), and what is to be said of the others."""

    types: Mapping[str, str]
    notes: Tuple[str, ...]


def own_program(identities: Mapping[str, str]) -> Program:
    """What the person's own ssh knows; nothing where there is none. One that is there and does not say it has
    ``trouble``.

    :param identities: path to type; those of a type that it does not know are left out.
    """
    program = shutil.which("ssh")
    if not program:
        return Program((), (), {})
    try:
        kex, keys = (run([program, "-Q", query], timeout=_SECONDS).text.split() for query in ("kex", "key"))
    except CommandError as error:
        return Program((), (), {}, str(error))
    if not kex or not keys:
        return Program((), (), {}, "%s -Q: no answer" % program)
    return Program(kex, keys, {path: kind for path, kind in identities.items() if kind in keys})


def image_program(image: str, identities: Mapping[str, str]) -> Program:
    """What the client in the image knows; nothing where this machine does not hold the image, or has no Docker.

    :raises DockerError: Docker is there, but does not answer.
    """
    found = inspected.image(image, cli.OWN) if cli.program() else None
    if not found:
        return Program((), (), {})
    kex, keys = (
        cli.run_once(found.Id, [paths.IMAGE_SSH, "-Q", query], at=cli.OWN).text.split() for query in ("kex", "key"))
    if not kex or not keys:
        raise cli.DockerError("the client of the image %s does not say what it knows (ssh -Q): no answer" % image)
    return Program(kex, keys, identities)


def identities(folder: str) -> Identities:
    """Private keys of the folder with the type of their public halves."""
    found: Dict[str, str] = {}
    notes: List[str] = []
    for name in files.list_dir(folder):
        if not name.startswith("id_") or not name.endswith(".pub") or "-cert" in name:
            continue
        public = "%s/%s" % (folder, name)
        path = public[: -len(".pub")]
        if not os.path.exists(path):
            continue  # the private half is elsewhere, in an agent or a token
        try:
            line = (files.read_file(os.path.realpath(public)) or b"").decode("utf-8", "replace")
            found[path] = key_files.parse_public(line.strip()).type
        except (key_files.BadKey, files.UnsafePath, OSError) as error:
            notes.append(_UNREADABLE % (public, error))
    return Identities(found, tuple(notes))


def certificates(folder: str) -> List[str]:
    """What is to be said of the certificates of the folder's identities: which are no longer valid, as the person's own
    ssh-keygen says (ssh-keygen(1), -L; local time), and which it cannot read."""
    notes = []
    now = time.strftime("%Y-%m-%dT%H:%M:%S")
    for name in files.list_dir(folder):
        if not name.startswith("id_") or not name.endswith("-cert.pub"):
            continue
        path = "%s/%s" % (folder, name)
        try:
            found = _VALID.search(run(["ssh-keygen", "-L", "-f", path], timeout=_SECONDS).text)
        except CommandError as error:
            notes.append(_UNKNOWN % (path, error))
            continue
        if not found:
            notes.append(_UNKNOWN % (path, "ssh-keygen -L does not name a time"))
        elif found["end"] and found["end"] < now:
            notes.append(_EXPIRED % (path, found["end"]))
    return notes
