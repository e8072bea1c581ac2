# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A request on a host in one ssh session: the interpreter is found, the program brought and run in the same command.

The usual way costs a session to find the interpreter, half a second of the controller's processor to find out what a
module imports, and brings ansible-core's own library along. Here all of ``module_utils`` travels as one compressed text
by standard input, and nothing is written on the host. Pure, but for reading those files.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import typing as t
import zlib

from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core import tree

_PACKAGE = "ansible_collections.quantumsafe.openssh.plugins.module_utils"
_FIRST = _PACKAGE + ".session.loader"
_OLD = "Python 3.8 or newer is needed on the host, %s is Python %d.%d: set ansible_python_interpreter to a newer one"
#: -I: neither the working folder nor the environment adds modules to what root runs
_BOOT = """import sys
if sys.version_info < (3, 8):
    sys.exit(%r %% ((sys.executable,) + sys.version_info[:2]))
import json, zlib
unpacker = zlib.decompressobj()
parcel = {"sources": json.loads(unpacker.decompress(sys.stdin.buffer.read()).decode())}
parcel.update(json.loads(zlib.decompress(unpacker.unused_data).decode()))
space = {"__name__": "loader"}
exec(compile(parcel["sources"][%r], "loader", "exec"), space)
space["run"](parcel)
""" % (_OLD, _FIRST)
#: A name may be one with arguments ("/usr/bin/env python3"), as ansible-core takes it, too: split at blanks, no more.
_FIND = """set -f
for python; do
  if command -v ${python%%%% *} >/dev/null 2>&1; then exec $python -I -c %s; fi
done
echo "no Python interpreter found" >&2
exit 127"""


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
    command = shlex.join(["sh", "-c", _FIND % shlex.quote(_BOOT), "sh", *interpreters])
    return Trip(command, program + zlib.compress(json.dumps(order).encode(), 6), mark)


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


def packed(rooms: t.Collection[str] | None = None) -> bytes:
    """Rooms of ``module_utils``, compressed.

    :param rooms: their names; None: all of them.
    """
    found = {}
    for folder, _folders, names in sorted(os.walk(tree.MODULE_UTILS)):
        parts = os.path.relpath(folder, tree.MODULE_UTILS).split(os.sep)
        for name in sorted(names) if rooms is None or parts[0] in rooms else ():
            if name.endswith(".py") and name != "__init__.py":  # packages are empty
                with open(os.path.join(folder, name), encoding="utf-8") as source:
                    found[".".join([_PACKAGE, *parts, name[:-3]])] = source.read()
    return zlib.compress(json.dumps(found).encode(), 4)  # 6: twice the time for 5 % less
