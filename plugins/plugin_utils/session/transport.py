# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A request on a host in one ssh session: the interpreter is found, the program brought and run in the same command.

The usual way costs a session to find the interpreter, half a second of the controller's processor to find out what a
module imports, and brings ansible-core's own library along. Here all of ``module_utils`` travels as one compressed text
by standard input, and nothing is written on the host. Pure, except that it reads those files.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import typing as t
import zlib

from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core import tree

_PACKAGE = "ansible_collections.quantumsafe.openssh.plugins.module_utils"
_FIRST = _PACKAGE + ".session.loader"
#: Stands for the package's name on the way: 700 imports say it. JSON has no such character outside of an escape.
_SHORT = "\x01"
_OLD = "Python 3.8 or newer is needed on the host, %s is Python %d.%d: set ansible_python_interpreter to a newer one"
#: Comes first by standard input: a command line has but one line.
_BOOT = """import sys
if sys.version_info < (3, 8):
    sys.exit(%r %% ((sys.executable,) + sys.version_info[:2]))
import gc, json, zlib
gc.disable()  # a request is short, and what it makes is no garbage before its end
unpacker = zlib.decompressobj()
sources = unpacker.decompress(sys.stdin.buffer.read()).decode().replace(%r, %r)
parcel = {"sources": json.loads(sources)}
parcel.update(json.loads(zlib.decompress(unpacker.unused_data).decode()))
space = {"__name__": "loader"}
exec(compile(parcel["sources"][%r], "loader", "exec"), space)
space["run"](parcel)
""" % (_OLD, _SHORT, _PACKAGE, _FIRST)
#: -I: neither the working folder nor the environment adds modules to what root runs
_READ = "import sys;exec(sys.stdin.buffer.read(%d))" % len(_BOOT.encode())
#: A name may be one with arguments ("/usr/bin/env python3"), as ansible-core takes it, too: split at blanks, no more.
#: The login shell of an account reads this before sh does, quoted up to three times: one line (csh ends a quote where
#: the line ends), no single quote, no "!" (its history), no backslash (fish reads those in quotes).
_FIND = (
    "set -f; boot=$1; shift; for python; do "
    "if command -v ${python%% *} >/dev/null 2>&1; then exec $python -I -c \"$boot\"; fi; done; "
    "echo \"no Python interpreter found\" >&2; exit 127"
)


#: Comments that document a name; none of our texts for other programs has such a line (a test looks).
_ASIDE = re.compile(r"^ *#:.*$", re.MULTILINE)
#: A docstring; a text of ours with such quotes begins after something else on its line (a test looks).
_DOCSTRING = re.compile(r'^( +)"""(?:[^"\\]|"(?!""))*"""$', re.MULTILINE)
_IMPORT = re.compile(r"^ *from %s((?:\.\w+)*) import (\([^)]*\)|[^\n]*)" % re.escape(_PACKAGE), re.MULTILINE)


class Trip(t.NamedTuple):
    """One execution: a shell command, its standard input, and how its answer is marked."""

    command: str
    data: bytes
    mark: str


def prepare(
    request: str, arguments: t.Mapping[str, t.Any], interpreters: t.Sequence[str], program: bytes
) -> Trip:
    """A request made ready.

    :param request: a module of ``module_utils`` with a function ``run``, such as ``session.look_request``.
    :param arguments: what JSON can carry.
    :param interpreters: programs to try, in order; the first that is there runs.
    :param program: of ``packed``, which is the same for all hosts and requests.
    """
    mark = "oqs-" + secrets.token_hex(8) + " "
    order = {"request": "%s.%s" % (_PACKAGE, request), "arguments": arguments, "mark": mark}
    command = shlex.join(["/bin/sh", "-c", _FIND, "sh", _READ, *interpreters])
    return Trip(command, _BOOT.encode() + program + zlib.compress(json.dumps(order).encode(), 6), mark)


def answer(trip: Trip, done: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The result of a request, in the shape of a module's.

    :param done: ``rc``, ``stdout`` and ``stderr`` of the command. What a login shell says around the answer is ignored.
    """
    for line in done["stdout"].splitlines():
        if line.startswith(trip.mark):
            result: dict[str, t.Any] = json.loads(line[len(trip.mark):])
            return result
    said = (done["stderr"] or done["stdout"]).strip()
    words = said or "the request ended without an answer (exit code %s)" % done["rc"]
    if "Traceback (most recent call last)" in said:
        words = "a defect of the collection, please report it: %s" % said.splitlines()[-1]
    return {"failed": True, "rc": done["rc"], "msg": words, "module_stdout": done["stdout"],
            "module_stderr": done["stderr"]}


def packed(request: str) -> bytes:
    """What a request imports of ``module_utils``, compressed, and nothing else.

    :param request: as for ``prepare``.
    """
    found: dict[str, str] = {}
    waiting = [_FIRST, "%s.%s" % (_PACKAGE, request)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _source(name)
            waiting += [each for each in _imported(found[name]) if each not in found]
    return zlib.compress(json.dumps(found, sort_keys=True).replace(_PACKAGE, _SHORT).encode(), 6)


def _source(name: str) -> str:
    """A module without what only readers need: its docstrings, its top, and asides. Its lines keep their numbers."""
    path = name[len(_PACKAGE) + 1:].replace(".", os.sep) + ".py"
    with open(os.path.join(tree.MODULE_UTILS, path), encoding="utf-8") as source:
        head, first, rest = source.read().partition("from __future__")
    rest = _DOCSTRING.sub(lambda found: found.group(1) + '""' + "\n" * found.group().count("\n"), _ASIDE.sub("", rest))
    return "\n" * head.count("\n") + first + rest if first else head


def _imported(text: str) -> list[str]:
    """Modules of ours that a source names in its imports, those inside functions among them."""
    found = []
    for room, names in _IMPORT.findall(text):
        if os.path.isdir(os.path.join(tree.MODULE_UTILS, room[1:].replace(".", os.sep))):
            words = re.sub("#.*", "", names).strip("()\n ").split(",")
            found += ["%s%s.%s" % (_PACKAGE, room, each.split()[0]) for each in words if each.strip()]
        else:
            found.append(_PACKAGE + room)
    return found
