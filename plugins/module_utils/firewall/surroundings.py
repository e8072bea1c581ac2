# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What several firewalls need to know of a host: units of systemd, the rule set of nftables, tables of iptables, files.

Each is asked for when somebody needs it, and once. A program that is not there holds nothing; one that fails, or gives
an answer of another shape, is an error and never taken for an empty answer.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, Completed, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import ways
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import listing
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.listing import Ruleset
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import Here

#: The programs of iptables by family.
PROGRAMS = {"ip": "iptables", "ip6": "ip6tables"}
HANDS_OFF = "or set oqs_ssh_firewall_backend: none and open the port yourself"
_LISTS = {"ip": "/proc/%d/net/ip_tables_names", "ip6": "/proc/%d/net/ip6_tables_names"}
_SYSTEMD = "/run/systemd/system"
#: The kernel has no netfilter at all: then there are no rules.
_NO_KERNEL = "Unable to initialize Netlink socket: Protocol not supported"
_TABLE = re.compile(r"(?m)^table (\S+) (\S+) \{")
_OF_IPTABLES = re.compile(r"ip6? (filter|nat|mangle|raw|security)\Z")
_TABLES = ("filter", "nat", "mangle", "raw")
_OF_OTHERS = re.compile(r"\S+ (firewalld|docker)")


#: In a network of its own: what a file makes at boot.
_TRY = """for path in /sys/class/net/*; do ip link add "${path##*/}" type veth; done 2>/dev/null
PATH=$PATH:/usr/sbin:/sbin
nft -f "$1" && exec nft -j list ruleset"""


class NoAnswer(CommandError):
    """A firewall's program failed, or answered something that cannot be understood; says which, and what to do."""

    def __init__(self, argv: Sequence[str], message: str, advice: str, completed: Optional[Completed] = None) -> None:
        super().__init__(argv, "%s; what its firewall holds is not known: %s, %s" % (message, advice, HANDS_OFF),
                         completed)


class Unit(NamedTuple):
    """A unit of systemd, and what it runs; nothing is true of one that is not there."""

    active: bool = False
    enabled: bool = False
    command: str = ""


class Table(NamedTuple):
    """The tables of iptables, of one family.

    :ivar kind: ``nft`` or ``legacy``.
    :ivar restore: the program that changes it.
    :ivar keeper: the firewall that keeps its rules; empty: they are the operator's own.
    """

    kind: str
    family: str
    text: str
    restore: str
    keeper: str = ""


class Surroundings:
    """One host, while its firewalls are read.

    :param units: units of systemd that may be asked for.
    :param chains: chain of iptables -> the firewall that makes it.
    """

    def __init__(self, units: Sequence[str] = (), chains: Optional[Mapping[str, str]] = None) -> None:
        self._asked_units, self._chains = tuple(units), chains or {}
        self._files: Dict[str, Optional[bytes]] = {}
        self._programs: Dict[str, Optional[str]] = {}
        self._units: Optional[Dict[str, Unit]] = None
        self._ruleset: Optional[Tuple[Optional[Ruleset]]] = None
        self._tables: Optional[List[Table]] = None
        self._ways: Optional[Tuple[Here, ...]] = None

    def file(self, path: str) -> Optional[bytes]:
        """What a file holds; None: there is none."""
        if path not in self._files:
            self._files[path] = files.read_file(path)
        return self._files[path]

    def names(self, folder: str) -> List[str]:
        """What a folder holds, sorted; nothing where there is none."""
        return _names(folder)

    @property
    def interfaces(self) -> List[str]:
        """Names of the interfaces that packets come in by."""
        return ways.interfaces()

    @property
    def ways(self) -> Tuple[Here, ...]:
        """Where packets from outside come in."""
        if self._ways is None:
            self._ways = ways.ways()
        return self._ways

    def program(self, name: str) -> Optional[str]:
        """Where a program is; None: it is not there."""
        if name not in self._programs:
            self._programs[name] = _which(name)
        return self._programs[name]

    def ask(self, argv: Sequence[str], advice: str) -> Completed:
        """What a program says that only reads.

        :param advice: what to do when it fails.
        :raises NoAnswer: it failed.
        """
        try:
            return run(argv)
        except CommandError as error:
            raise NoAnswer(argv, _reason(error, argv), advice, error.completed) from error

    def unit(self, name: str) -> Unit:
        """A unit of systemd; nothing is active where there is no systemd.

        :param name: one of those that were announced: all are asked for at once.
        :raises NoAnswer: systemctl failed.
        """
        if self._units is None:
            self._units = self._read_units()
        return self._units.get(name, Unit())

    @property
    def ruleset(self) -> Optional[Ruleset]:
        """The rule set of nftables; None: there is no nft, or it can only say that all of it belongs to others.

        :raises NoAnswer: nft failed.
        """
        if self._ruleset is None:
            self._ruleset = (self._read_ruleset(),)
        return self._ruleset[0]

    @property
    def tables(self) -> List[Table]:
        """The tables of iptables, where one of them holds something.

        :raises NoAnswer: a program of iptables failed.
        """
        if self._tables is None:
            self._tables = [
                found for family in PROGRAMS for kind in ("nft", "legacy")
                for found in [self._read_table(kind, family)] if found
            ]
        return self._tables

    def keeper(self, text: str) -> str:
        """The firewall that keeps these rules of iptables; empty: they are the operator's own."""
        return next((name for chain, name in self._chains.items() if ":%s " % chain in text), "")

    def _read_units(self) -> Dict[str, Unit]:
        program = self.program("systemctl")
        if not program or not self._asked_units or not os.path.isdir(_SYSTEMD):
            return {}
        argv = [program, "show", "--property=Id,ActiveState,UnitFileState,ExecStart", *self._asked_units]
        advice = "see what systemctl status says"
        rows = [
            dict(line.partition("=")[::2] for line in part.split("\n"))
            for part in self.ask(argv, advice).text.split("\n\n")
        ]
        if len(rows) != len(self._asked_units) or not all(row.get("Id") and row.get("ActiveState") for row in rows):
            raise NoAnswer(argv, "its answer is not about all units that were asked for", advice)
        return {
            row["Id"]: Unit(
                row["ActiveState"] == "active", row.get("UnitFileState") == "enabled", row.get("ExecStart", ""))
            for row in rows
        }

    def _read_ruleset(self) -> Optional[Ruleset]:
        program = self.program("nft")
        if not program:
            return None
        argv = [program, "-j", "list", "ruleset"]
        advice = "see what nft list ruleset says"
        done = run(argv, check=False)
        if done.rc != 0:
            if _NO_KERNEL in (done.err + done.out).decode("utf-8", "replace"):
                return Ruleset()
            return self._without_json(program, NoAnswer(argv, done.reason, advice, done))
        try:
            return listing.parse(done.out)
        except ValueError as error:
            raise NoAnswer(argv, str(error), advice, done) from error

    def boot_ruleset(self, conf: str) -> Union[Ruleset, str]:
        """The rule set as a file makes it at boot: it is loaded into a network of its own, with interfaces of the same
        names. A text: why it could not be tried."""
        tools = {name: self.program(name) for name in ("unshare", "nft")}
        missing = [name for name, path in tools.items() if not path]
        if missing:
            return "%s is not on this host" % missing[0]
        try:
            done = run([str(tools["unshare"]), "-n", "/bin/sh", "-c", _TRY, "sh", conf])
            return listing.parse(done.out)
        except (CommandError, ValueError) as error:
            return error.completed.reason if isinstance(error, CommandError) and error.completed else str(error)

    def _without_json(self, program: str, failed: NoAnswer) -> Optional[Ruleset]:
        """An nft that prints no JSON, for whatever reason: none of its rules can be judged, so there must be none but
        those of others, which iptables and firewalld are asked about themselves."""
        argv = [program, "list", "ruleset"]
        advice = "install an nftables with JSON support (0.9 or later)"
        done = run(argv, check=False)
        if done.rc != 0:
            raise failed
        text = done.text
        if not text.strip():
            return Ruleset()
        tables = [" ".join(names) for names in _TABLE.findall(text)]
        compat = self.program("iptables") is not None
        if tables and all(_OF_OTHERS.match(name) or (compat and _OF_IPTABLES.match(name)) for name in tables):
            return None
        raise NoAnswer(argv, "it holds rules, but cannot print them as JSON (nft -j)", advice)

    def _read_table(self, kind: str, family: str) -> Optional[Table]:
        there = self._in_nft(family) if kind == "nft" else self._in_legacy(family)
        save = self._variant(PROGRAMS[family], kind, "-save") if there else None
        restore = self._variant(PROGRAMS[family], kind, "-restore") if save else None
        if not save or not restore:
            return None
        argv, advice = [save], "see what it says on the host"
        text = self.ask(argv, advice).text
        rows = [row for row in text.split("\n") if row.startswith("*") or row == "COMMIT"]
        # nft: one of nft's own rules may be among them, and it says so in place of the table
        if rows[::2].count("COMMIT") or len(rows) % 2 or (kind == "legacy" and "*filter" not in rows):
            raise NoAnswer(argv, "its answer holds no whole table filter", advice)
        return Table(kind, family, text, restore, self.keeper(text))

    def _in_nft(self, family: str) -> bool:
        """Whether nftables holds tables as iptables makes them; who has no nft must ask iptables."""
        if self.ruleset is None:
            return True
        asked = [(family, table, name) for table in _TABLES for name in ("INPUT", "PREROUTING")]
        return any(chain[:3] in asked for chain in self.ruleset.chains)

    def _in_legacy(self, family: str) -> bool:
        """Whether the old kind of tables is in use (reading this loads nothing)."""
        return b"filter" in (self.file(_LISTS[family] % os.getpid()) or b"").split()

    def _variant(self, name: str, kind: str, end: str) -> Optional[str]:
        """The program of this kind; a distribution without both has it under the plain name, and it says of which kind.
        """
        program = self.program("%s-%s%s" % (name, kind, end))
        plain = None if program else self.program(name + end)
        if plain:
            said = run([plain, "--version"], check=False)  # before 1.8 it does not know the question, and is legacy
            if (b"nf_tables" in said.out + said.err) is not (kind == "nft"):
                return None
        return program or plain


def _which(name: str) -> Optional[str]:
    return shutil.which(name) or ("/usr/sbin/" + name if os.path.exists("/usr/sbin/" + name) else None)


def _names(folder: str) -> List[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _reason(error: CommandError, argv: Sequence[str]) -> str:
    """What a program said, without its name, which is said anyway."""
    return error.completed.reason if error.completed else str(error)[len(" ".join(argv[:4])) + 2:]
