# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host's own sshd: its configuration as itself reads it, its host keys, where it listens, and what it offers."""

from __future__ import annotations

import glob
import os
import re
import shutil
from typing import Dict, Iterator, List, Mapping, NamedTuple, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, processes
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import probe
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import config_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.document import Document
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.keywords import SSHD
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.syntax import ConfigError

End = Tuple[str, int]
#: Keyword in lower case to values, as ``sshd -T`` prints them.
Settings = Mapping[str, Sequence[str]]

DEFAULT_PORT = 22
LOCALHOST = "localhost"
#: Of a connection that a Match block may be about: account, both addresses, port.
_CRITERIA = "user=%s,host=localhost,addr=%s,laddr=%s,lport=%d"
_CONFIG = "/etc/ssh/sshd_config"
#: What it prints where no line says anything.
_DEFAULT_KEYS = (".ssh/authorized_keys .ssh/authorized_keys2", ".ssh/authorized_keys")
#: What sshd says instead of its banner to an address in its penalty box.
PENALTY = "Not allowed at this time"
#: Listening on one of these, sshd is reached by the name localhost.
_HERE = ("0.0.0.0", "::", "127.0.0.1", "::1")
_SOCKETS = ("ssh.socket", "sshd.socket")
_END = re.compile(r"(?:\[([0-9a-fA-F:.]+)(?:%\w+)?\]|([0-9.]+)):([0-9]{1,5})(?:$|\s)")


class Target(NamedTuple):
    """Where the hop goes: ``localhost``, or an address of the host; and the ports that its sshd listens on."""

    port: int
    address: str
    ports: Sequence[int]


class Offer(NamedTuple):
    """What it offers to who connects; ``error`` where it does not answer."""

    software: str = ""
    kex: Sequence[str] = ()
    error: str = ""


class OwnSshd(NamedTuple):
    """What it says of itself (``sshd -T``). ``trouble``: it is there and does not say, for this reason, so that nobody
    knows. Without either there is none."""

    settings: Settings = {}
    trouble: str = ""


class Unknown(UserError):
    """The host's own sshd does not say what is asked, or says something that is of no use; the text says what to do."""


def read() -> OwnSshd:
    """Ask it. A Match block may want to know of which connection (``Match LocalPort``); then it is one from here."""
    if not _is_there():
        return OwnSshd()
    trouble = ""
    for criteria in ((), ("-C", _criteria("root"))):
        try:
            return OwnSshd(_asked(criteria))
        except CommandError as error:
            trouble = error.completed.reason if error.completed and error.completed.rc else str(error)
    return OwnSshd({}, trouble)


def settings() -> Settings:
    """What it says of itself; empty where there is none.

    :raises Unknown: it does not say.
    """
    found = read()
    if found.trouble:
        raise Unknown("the host's own sshd does not say how it is configured: %s" % found.trouble)
    return found.settings


def _asked(criteria: Sequence[str]) -> Dict[str, List[str]]:
    """Keyword in lower case to values.

    :raises CommandError: it fails, or says half.
    """
    found: Dict[str, List[str]] = {}
    argv = [_program(), "-T", *criteria]
    for line in run(argv, timeout=10.0).text.splitlines():
        keyword, _blank, value = line.partition(" ")
        found.setdefault(keyword.lower(), []).append(value)  # 10.6 prints capitals, too
    if not {"port", "authorizedkeysfile", "hostkey"} <= set(found):
        raise CommandError(argv, "its answer is not whole")
    return found


def _criteria(user: str, address: str = LOCALHOST, port: int = DEFAULT_PORT) -> str:
    """A connection from the host to itself, as the hop makes it."""
    plain = "127.0.0.1" if address == LOCALHOST else address
    return _CRITERIA % (user, plain, plain, port)


def keys_file(user: str, address: str = LOCALHOST, port: int = DEFAULT_PORT) -> str:
    """The first AuthorizedKeysFile for an account, tokens and all (sshd_config(5)); the default where there is no sshd.

    :param address: where the hop comes to; :param port: the same.
    :raises Unknown: it does not say, or reads none.
    """
    if not _is_there():
        return ".ssh/authorized_keys"
    try:
        said = _asked(("-C", _criteria(user, address, port)))["authorizedkeysfile"][0]
    except CommandError as error:
        raise Unknown("the host's own sshd does not say where it reads keys (%s)" % error) from error
    paths = [path for path in _paths(said) if path.lower() != "none"]
    if not paths:
        raise Unknown("the host's own sshd reads no file of keys for this account (AuthorizedKeysFile none)")
    return paths[0]


def _paths(said: str) -> Sequence[str]:
    """The paths of an AuthorizedKeysFile, which sshd prints without the quotes around one that has a blank: then the
    line itself says where each ends.

    :raises Unknown: no line does, or two that are printed alike.
    """
    if said in _DEFAULT_KEYS or len(said.split()) < 2:
        return said.split()
    try:
        lines = {words for words in _key_lines(files.read_file(_CONFIG) or b"") if " ".join(words) == said}
    except ConfigError:
        lines = set()
    if len(lines) != 1:
        words = "the host's own sshd reads keys from %s, and does not say where the path ends that has a blank"
        raise Unknown(words % said)
    return lines.pop()


def _key_lines(data: bytes, depth: int = 16) -> Iterator[Tuple[str, ...]]:
    """The words of each AuthorizedKeysFile, of included files, too."""
    document = Document(data, SSHD, lambda pattern: config_files.included(_CONFIG, SSHD, pattern))
    everywhere = [(0, len(document.lines))]
    for index in document.find("authorizedkeysfile", everywhere):
        yield tuple(word.decode("utf-8", "surrogateescape") for word in document.value(index).words)
    for index in document.find("include", everywhere) if depth else ():
        for content in document.included(index):
            yield from _key_lines(content, depth - 1)


def _is_there() -> bool:
    """Whether the host has one: its program where programs are, or one that runs from elsewhere and cannot be asked."""
    return os.path.exists(_program()) or bool(processes.ends_of("sshd"))


def _program() -> str:
    return shutil.which("sshd") or "/usr/sbin/sshd"


def host_keys(found: Settings) -> List[str]:
    """The public lines of its host keys, as its configuration names them."""
    private = list(found.get("hostkey", ()))
    if not found:
        private = [name[: -len(".pub")] for name in sorted(glob.glob("/etc/ssh/ssh_host_*_key.pub"))]
    lines = [(files.read_file(path + ".pub") or b"").decode("utf-8", "replace").strip() for path in private]
    return [line for line in lines if line]


def offer(address: str, port: int, found: Settings) -> Offer:
    """What it offers. It remembers addresses that come and go too often (PerSourcePenalties, 9.8) and sends them away
    for a while: then it is there, and its configuration says what it would offer."""
    asked = probe.probe(address, port, timeout=5.0)
    error, kex = asked.error or "", asked.offered.kex
    if PENALTY in error and found:
        error, kex = "", found.get("kexalgorithms", [""])[0].split(",")
    return Offer(asked.offered.software, kex, error)


def target(asked: int, found: Settings) -> Target:
    """Where the hop goes, from what its configuration says as far as it is so, else from what systemd listens on in its
    place (with socket activation the configuration's ports do not count, systemd.socket(5)), and from where processes
    of its name listen.

    :param asked: the port that was asked for.
    """
    there, its = processes.ends(), sorted(processes.ends_of("sshd"))
    ends = [end for end in parse_ends(found.get("listenaddress", ())) if end in there]
    ends = ends or [end for end in parse_ends(_sockets()) if end in there]
    return decide(asked, ends + [end for end in its if end not in ends])


def configured(found: Settings) -> List[int]:
    """The ports that it listens on, or will when it starts anew: of its configuration, and of systemd's sockets for it.
    """
    ends = parse_ends([*found.get("listenaddress", ()), *_sockets()])
    numbers = [int(port) for port in found.get("port", ()) if port.isdigit()] + [port for _address, port in ends]
    return list(dict.fromkeys(numbers))


def decide(asked: int, ends: Sequence[End]) -> Target:
    """Where the hop goes. The default port gives way to the one that sshd listens on; another that was asked for
    stays, because there may be a second sshd.

    :param ends: addresses and ports that the host's own sshd listens on; none: not known.
    """
    ports = list(dict.fromkeys(port for _address, port in ends))
    port = ports[0] if ports and asked == DEFAULT_PORT and asked not in ports else asked
    addresses = [address for address, number in ends if number == port]
    if not addresses or set(addresses) & set(_HERE):
        return Target(port, LOCALHOST, ports)
    return Target(port, addresses[0], ports)


def parse_ends(lines: Sequence[str]) -> List[End]:
    """Addresses and ports as ``sshd -T`` (listenaddress) and ``systemctl show`` (Listen) print them."""
    found = []
    for line in lines:
        match = _END.match(line.strip())
        if match:
            found.append((match.group(1) or match.group(2), int(match.group(3))))
    return found


def _sockets() -> List[str]:
    """What systemd listens on for it; a host without systemd has none.

    :raises CommandError: systemd does not say.
    """
    if not os.path.isdir("/run/systemd/system"):
        return []
    said = run(["systemctl", "show", "--property=Listen", *_SOCKETS], timeout=10.0).text
    return [line[len("Listen="):] for line in said.splitlines() if line.startswith("Listen=")]
