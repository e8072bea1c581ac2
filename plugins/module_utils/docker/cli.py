# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The docker command line and its JSON. Everything this collection asks of an engine goes through here."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
from typing import Any, ContextManager, Dict, List, Mapping, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import (
    CommandError,
    Completed,
    ahead,
    run,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError

#: Seconds for a question to the engine; a busy host answers within one.
QUESTION = 30.0
#: Most bytes of one answer: what runs in a container may say anything, for ever. The largest is a file of 16 MiB.
LIMIT = 20 << 20
#: Where it may lie besides PATH.
_FOLDERS = ("/usr/local/bin", "/usr/bin", "/opt/bin", "/snap/bin")
#: Seconds for work (load, create, a program in a container).
WORK = 600.0


#: The engine of this host, whatever the environment or a context says: what is read in /proc is about this host, too.
SOCKET = "/var/run/docker.sock"
LOCAL = "unix://" + SOCKET
#: The engine that a person has chosen on their own machine.
OWN = ""
_LOCAL_ENV = dict.fromkeys((
    "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION",
))
_INFO = ("info", "--format", "{{json .}}")
#: What the engine says of a limit that this kernel cannot keep; it is no answer of the program.
_WARNING = re.compile(rb"(?m)^WARNING: .*(?:[Ll]imit|cgroup).*\n?")
#: Not "no such file", which may be the engine's own socket.
_NO_SUCH = re.compile(rb"(?i)no such (container|image|object)\b")
_NO_ENGINE = (
    "the Docker engine does not answer as one should: docker info: %s; somebody listens at its socket (%s), so it is "
    "not taken for absent: look at it (journalctl -u docker), have docker info answer, then run again"
)
_PATH = re.compile(r"/[^,'\"`\x00-\x1f\x7f]*")


class DockerError(UserError):
    """The engine refused or did not answer; the text says what was attempted."""


def program() -> Optional[str]:
    """The docker command line; also where sudo's own PATH leaves out the folder that it lies in."""
    found = shutil.which("docker")
    others = [folder + "/docker" for folder in _FOLDERS if os.access(folder + "/docker", os.X_OK)]
    return found or (others[0] if others else None)


def docker(
    arguments: Sequence[str], stdin: bytes = b"", timeout: float = QUESTION, check: bool = True, at: str = LOCAL
) -> Completed:
    """Run ``docker`` with arguments.

    :param timeout: seconds.
    :param at: the engine; ``OWN``: the one that whoever runs this has chosen.
    :raises DockerError: with the engine's own last words.
    """
    argv, env = _argv(program() or "docker", arguments, at), _LOCAL_ENV if at else None
    try:
        return run(argv, stdin=stdin, timeout=timeout, check=check, env=env, limit=LIMIT)
    except CommandError as error:
        said = error.completed.reason if error.completed else str(error)
        raise DockerError("docker %s: %s" % (" ".join(arguments[:2]), said)) from error


def _argv(known: str, arguments: Sequence[str], at: str = LOCAL) -> List[str]:
    return [known, *(["--host", at] if at else []), *arguments]


def engine(at: str = LOCAL) -> Optional[Dict[str, Any]]:
    """What the engine says of itself (``docker info``), or None where there is none: nobody listens at its socket.

    :raises DockerError: somebody listens there and gives no answer, or not an engine's; one of the person's own choice
        does not answer.
    """
    try:
        done = docker(_INFO, check=False, at=at)
        info, said = _value(done.out), done.reason
    except DockerError as error:
        info, said = None, str(error)
    if isinstance(info, dict):
        if info.get("ServerVersion") and info.get("DockerRootDir") and not info.get("ServerErrors"):
            return info
        said = "; ".join(map(str, info.get("ServerErrors") or [])) or "the answer names no engine"
    said = " ".join(said.split())[-400:]
    if at != LOCAL:
        raise DockerError("docker info: " + said)
    if not _somebody_listens():
        return None
    raise DockerError(_NO_ENGINE % (said, SOCKET))


def _somebody_listens() -> bool:
    """Whether a connection to the local engine's socket comes about (unix(7)); whatever else fails is no certain no."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as own:
        own.settimeout(5.0)
        try:
            own.connect(SOCKET)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            return False
        except OSError:
            return True
    return True


def _value(said: bytes) -> object:
    """The JSON of an answer; None: there is none, or not a whole one. A wrapper may say something before it."""
    lines = said.decode("utf-8", "replace").splitlines(True)
    begins = [number for number, line in enumerate(lines) if line[0] in "{["]
    for number in begins[:5]:
        with contextlib.suppress(ValueError):
            found: object = json.loads("".join(lines[number:]))
            return found
    return None


def inspect(kind: str, name: str, at: str = LOCAL) -> Optional[Dict[str, Any]]:
    """``docker KIND inspect NAME`` as a dictionary, or None where there is no such thing.

    :param kind: ``container`` or ``image``.
    :raises DockerError: the engine does not answer, or in another shape.
    """
    done = docker(_inspect(kind, name), check=False, at=at)
    if done.rc != 0:
        if _NO_SUCH.search(done.err):
            return None
        raise DockerError("docker %s inspect %s: %s" % (kind, name, done.reason))
    found = _value(done.out)
    if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], dict):
        raise DockerError("docker %s inspect %s: the answer is no list of one" % (kind, name))
    return found[0]


def _inspect(kind: str, name: str) -> Sequence[str]:
    return (kind, "inspect", name)


def asking(container: str, image: str, *more: Sequence[str]) -> ContextManager[None]:
    """What ``engine`` and ``inspect`` will run for a container and an image is begun, and other questions."""
    known = program()
    asked = [_inspect(kind, name) for kind, name in (("container", container), ("image", image)) if name]
    return ahead([_argv(known, each) for each in (*asked, *more, _INFO)] if known else [], _LOCAL_ENV)


#: An image may be anybody's: nothing that a container of its own asks for more than its answer.
_ALONE = (
    "--rm", "--interactive", "--network", "none", "--log-driver", "none", "--pull", "never", "--cap-drop", "ALL",
    "--security-opt", "no-new-privileges", "--pids-limit", "64", "--memory", "512m",
    "--tmpfs", "/tmp:nosuid,nodev,noexec,size=16m", "--tmpfs", "/run:nosuid,nodev,noexec,size=1m",
)


def run_once(
    image: str,
    program: Sequence[str],
    mounts: Sequence[str] = (),
    stdin: bytes = b"",
    check: bool = True,
    env: Optional[Mapping[str, str]] = None,
    writable: bool = False,
    user: str = "",
    at: str = LOCAL,
) -> Completed:
    """Run one program of an image in a container of its own, and remove it: no network, no capability, a limit to what
    it takes.

    :param mounts: values of ``--mount``.
    :param env: variables for it; nothing secret, they stand in the command line.
    :param user: as whom it runs, as ``UID:GID``; empty: as the image says.
    :param writable: it may write to its own layer, which goes with it.
    :param at: the engine, as for ``docker``.
    """
    arguments = ["run", *_ALONE, *([] if writable else ["--read-only"])]
    if user:
        arguments += ["--user", user]
    if mounts:
        arguments += ["--security-opt", "label=disable"]  # for SELinux: the files carry the host's labels
    for mount in mounts:
        arguments += ["--mount", mount]
    for name, value in (env or {}).items():
        arguments += ["--env", "%s=%s" % (name, value)]
    arguments += ["--entrypoint", program[0], image] + list(program[1:])
    done = docker(arguments, stdin=stdin, timeout=WORK, check=False, at=at)
    done = done._replace(err=_WARNING.sub(b"", done.err))
    if check and done.rc != 0:
        raise DockerError("docker run: %s" % done.reason)
    return done


def bind(source: str, target: str, readonly: bool = False) -> str:
    """A value for ``--mount``; unlike ``-v`` it fails where the source is missing instead of making a folder.

    :raises DockerError: a path that Docker would read as more than one field (the value is a line of CSV).
    """
    for path in (source, target):
        if not _PATH.fullmatch(path) or ".." in path.split("/"):
            words = "%r cannot be mounted: it has a comma, a quote or a line end, or is not absolute"
            raise DockerError(words % path[:80])
    return "type=bind,source=%s,target=%s%s" % (source, target, ",readonly" if readonly else "")
