# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible's own connections over the quantum-safe path: the arguments of ssh, and what they allow. Pure.

Two ssh, one in the other. The outer one logs in to the container's sshd with a key exchange that is quantum-safe, by
name, and pinned host keys; it is a pipe (``-W``) to the host's own sshd. The inner one speaks to that sshd, under the
name and with the known_hosts entry that it always had.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path.pins import Pin

Settings = t.Mapping[str, str]
#: A connection that somebody else opened is not used: the name of the socket follows from all that matters.
_SOCKET = "oqs-%s-%%r-%%p"
_OURS = re.compile(r"/oqs-([0-9a-f]{16})-")
#: Options of the outer ssh, and how ``ssh -G`` prints each; ``no`` to what could bring another connection or key.
FIXED = {
    "stricthostkeychecking": ("yes", "true"), "globalknownhostsfile": ("/dev/null", "/dev/null"),
    "checkhostip": ("no", "no"), "updatehostkeys": ("no", "false"), "verifyhostkeydns": ("no", "false"),
    "controlmaster": ("no", "false"), "controlpath": ("none", "none"),
    "batchmode": ("yes", "yes"), "forwardagent": ("no", "no"),
}

_DIRECT = (
    "it goes to the host's own sshd directly: ansible_ssh_common_args is not the lookup quantumsafe.openssh.pq_path, "
    "or is set elsewhere with more weight"
)
_SHARED = (
    "it may use a connection that was opened with other settings (ControlPath): take it out of ssh's own configuration "
    "and of ansible_ssh_args"
)


class Way(t.NamedTuple):
    """To one host: where it is, who logs in to the container, with what; the rest of what makes a connection another.

    ``inner``: what distinguishes inner connections, such as name and port of the host's own sshd.
    """

    pin: Pin
    user: str
    identities: t.Sequence[str]
    known_hosts: str
    program: str
    kex: t.Sequence[str]
    inner: t.Sequence[str]


def usable(kex: t.Sequence[str]) -> list[str]:
    """The key exchanges of an ssh (``ssh -Q kex``) that are quantum-safe, best first."""
    return list(algorithms.sort_for_preference([name for name in kex if algorithms.is_quantum_safe(name)]))


def arguments(way: Way, folder: str) -> str:
    """What ``ansible_ssh_common_args`` has to be.

    :param folder: for control sockets; must be there, 0700.
    """
    proxy = shlex.join(word.replace("%", "%%") for word in outer(way))
    mark = hashlib.sha256("\0".join([proxy, *way.inner]).encode()).hexdigest()[:16]
    socket = "%s/%s" % (folder, _SOCKET % mark)
    options = ["ProxyCommand=" + proxy, 'ControlPath="%s"' % socket, "KexAlgorithms=^" + ",".join(way.kex)]
    return shlex.join(word for option in options for word in ("-o", option))


def outer(way: Way) -> list[str]:
    """The command that is the pipe."""
    options = ["KexAlgorithms=" + ",".join(way.kex), 'UserKnownHostsFile="%s"' % way.known_hosts,
               "HostKeyAlias=" + way.pin.alias]
    options += ["%s=%s" % (name, given) for name, (given, _shown) in FIXED.items()]
    words = [way.program] + [word for option in options for word in ("-o", option)]
    words += [word for path in way.identities for word in ("-i", path)]
    return words + ["-W", way.pin.target, "-p", str(way.pin.port), "-l", way.user, way.pin.address]


def is_ours(common: str) -> bool:
    """Whether arguments of ssh are such that this file makes."""
    return bool(_OURS.search(common))


def settings(text: str) -> dict[str, str]:
    """What ``ssh -G`` prints; the first line of a keyword counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        keyword, _blank, value = line.partition(" ")
        found.setdefault(keyword, value)
    return found


def pipe_of(inner: Settings) -> list[str]:
    """The command line of the outer ssh, from the effective settings of the inner one; empty where there is none."""
    try:
        return [word.replace("%%", "%") for word in shlex.split(inner.get("proxycommand", ""))]
    except ValueError:
        return []


def inner_flaws(inner: Settings) -> list[str]:
    """Why a connection with these settings may not be the one through the container; empty: it is."""
    if not pipe_of(inner) or "-W" not in pipe_of(inner):
        return [_DIRECT]
    if inner.get("controlmaster", "false") not in ("false", "no") and not is_ours(inner.get("controlpath", "")):
        return [_SHARED]
    return []


def outer_flaws(found: Settings, known_hosts: str, pins: t.Sequence[Pin]) -> list[str]:
    """Why the outer ssh could negotiate something that is not quantum-safe, or with somebody else.

    :param found: effective settings (``ssh -G``) of the pipe's own command line.
    :param pins: what is known of the host.
    """
    names = [name for name in found.get("kexalgorithms", "").split(",") if name]
    weak = [name for name in names if not algorithms.is_quantum_safe(name)]
    flaws = ["it could negotiate %s" % ", ".join(weak or ["anything"])] if weak or not names else []
    for name, (_given, shown) in FIXED.items():
        if name in found and found[name] not in (shown, _given):
            flaws.append("%s is %s" % (name, found[name]))
    if found.get("userknownhostsfile", "").strip('"') != known_hosts:
        flaws.append("its host keys are not those in %s" % known_hosts)
    if found.get("knownhostscommand", "none") != "none":
        flaws.append("knownhostscommand brings other host keys")
    end = (found.get("hostname", ""), found.get("port", ""))
    # names of hosts have no case (RFC 4343), and ssh drops it
    said = [each.lower() for each in (found.get("hostkeyalias", ""), *end)]
    if not any(said == [pin.alias.lower(), pin.address.lower(), str(pin.port)] for pin in pins):
        flaws.append("%s, port %s, is not where the pinned host key belongs" % end)
    return flaws


def negotiated(log: str) -> tuple[str, str]:
    """Key exchange and host key algorithm, in the words of ``ssh -v``; empty where there was none."""
    kex = re.findall(r"kex: algorithm: (\S+)", log)
    key = re.findall(r"kex: host key algorithm: (\S+)", log)
    return (kex[0] if kex else ""), (key[0] if key else "")


def came_through(connection: str) -> bool:
    """Whether ``SSH_CONNECTION`` on the host says that the connection came from the host itself."""
    words = connection.split()
    return len(words) == 4 and (words[0] == words[2] or words[0].startswith("127.") or words[0] == "::1")
