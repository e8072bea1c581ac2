# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Proof that a connection of Ansible's is quantum-safe, or why it may not be.

Four things, none of them a guess: what the very command line of the connection makes ssh do (``ssh -G``), what the pipe
inside of it can negotiate and with whom (``ssh -G`` again), where the host itself sees the session come from, and what
the pipe's own command line negotiates when it is run once more, in ssh's own words.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import over_pq, pins

#: Run on the host as the user that logged in: whoever becomes another one does not see it any more.
ASK = "sh -c 'echo \"oqs-came-from $SSH_CONNECTION\"'"


class NotProved(UserError):
    """The connection may not be quantum-safe; the text says why."""


class Proof(t.NamedTuple):
    """What was found out."""

    kex: str
    host_key: str
    came_from: str


def prove(command: t.Sequence[str], known_hosts: str, host: str, ask: t.Callable[[], str]) -> Proof:
    """Prove it.

    :param command: of the connection, from the program to the host, without what is run there.
    :param known_hosts: the file with the pins.
    :param host: its name in the inventory.
    :param ask: runs ``ASK`` over the connection and returns what it printed.
    :raises NotProved: with the first reason.
    """
    try:
        inner = _settings(command)
        _none(over_pq.inner_flaws(inner))
        pipe = over_pq.pipe_of(inner)
        _none(over_pq.outer_flaws(_settings(pipe), known_hosts, pins.of(known_hosts, host)))
        came_from = _came_from(ask())
        log = run([pipe[0], "-v", *pipe[1:]], timeout=60.0, check=False).err.decode("utf-8", "replace")
    except CommandError as error:
        raise NotProved(str(error)) from error
    kex, key = over_pq.negotiated(log)
    if not algorithms.is_quantum_safe(kex):
        raise NotProved("one more handshake over the same way negotiated %s" % (kex or "nothing"))
    return Proof(kex, key, came_from)


def _settings(command: t.Sequence[str]) -> dict[str, str]:
    return over_pq.settings(run([command[0], "-G", *command[1:]], timeout=20.0).text)


def _none(flaws: t.Sequence[str]) -> None:
    if flaws:
        raise NotProved("; ".join(flaws))


def _came_from(said: str) -> str:
    found = re.search(r"oqs-came-from ([^\n]*)", said)  # a login shell may say anything before it, without a line end
    if not found:
        raise NotProved("the host did not say where this session comes from")
    words = found[1].split()
    if not over_pq.came_through(found[1]):
        where = words[0] if words else "somewhere that it does not tell"
        raise NotProved("the host sees this session come from %s, not from itself" % where)
    return words[0]
