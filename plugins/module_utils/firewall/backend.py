# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one contract of all kinds of firewalls: what is wanted, what a kind can do, and what a change carries with it.

A new kind is a file with a ``Backend``, and a line in ``firewalls.BACKENDS``.
"""

from __future__ import annotations

from typing import Generic, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, TypeVar

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import ABSENT
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import matching, model
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import Here, Packet
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.spec import FirewallSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.surroundings import Surroundings
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.grammar import Network

#: The comment that our rules carry where a firewall has comments.
TAG = "oqs-ssh"
CLOSED = "closed"
#: What the plan says of rules that are there, but behind one that closes the port.
BEHIND = "without effect: another rule comes first"

UNWANTED = "not wanted any more"
SERVED = "the port is served"
KEPT = "open after a restart, too"

#: Said of an opening that is in the kernel only.
NOT_KEPT = (
    "nothing that is known here loads the rules of %s at boot: if something of your own does (if-pre-up.d, a unit), "
    "the port is closed then, as ours are not among them; %s, then run again"
)

#: The kind of a change to a file that a firewall loads, whichever it is.
FILE = "firewall_file"

Facts = TypeVar("Facts")
"""What one kind of firewall reads of a host."""


class Command(NamedTuple):
    """A program that changes a firewall, and what it reads."""

    argv: Tuple[str, ...]
    stdin: bytes = b""


class FirewallChange(NamedTuple):
    """One thing of a firewall that is not as wanted. It has commands, or it is a file (``path`` is set).

    :ivar kind: the kind of its entry in the ledger, or ``FILE``.
    :ivar before: what there is, as text for people; ``after``: what there will be.
    :ivar opens: it lets packets in that were kept out.
    :ivar commands: they carry it out, one after the other.
    :ivar owned_files: files that the firewall's own program writes meanwhile; the ledger keeps them first.
    :ivar content: what the file becomes; None: it goes.
    """

    kind: str
    name: str
    before: str
    after: str
    why: str
    opens: bool = False
    commands: Tuple[Command, ...] = ()
    owned_files: Tuple[str, ...] = ()
    path: str = ""
    content: Optional[bytes] = None


class Backend(Generic[Facts]):
    """One kind of firewall. Only ``read`` touches the host; all else is pure.

    :cvar ledger: kinds of ledger entries that its changes make -> what their names look like (regular expressions).
    :cvar absent_because: why it is not active, for somebody who asked for it.
    :cvar units: the systemd units that it asks ``Surroundings`` about.
    :cvar chains: chains of iptables by which one sees that this program keeps a table.
    """

    name: str = ""
    ledger: Mapping[str, str] = {}
    absent_because: str = ""
    units: Tuple[str, ...] = ()
    chains: Tuple[str, ...] = ()

    def read(self, host: Surroundings) -> Facts:
        """What it holds.

        :raises CommandError: its program gives no answer, or one that cannot be understood.
        """
        raise NotImplementedError

    def active(self, found: Facts) -> bool:
        """It is loaded, runs, or has rules: whether it lets the port pass is another question."""
        raise NotImplementedError

    def changes(self, spec: FirewallSpec, found: Facts) -> Sequence[FirewallChange]:
        """What is to be done; with the state ``absent``: to take ours away, and only ours."""
        raise NotImplementedError

    def shown(self, found: Facts) -> List[str]:
        """Our rules as people read them."""
        raise NotImplementedError

    def problems(self, _spec: FirewallSpec, _found: Facts) -> List[str]:
        """Why it cannot be opened, and what to do."""
        return []

    def diverts(self, _spec: FirewallSpec, _found: Facts) -> Tuple[List[str], bool]:
        """Rules that send packets for the port elsewhere, as people read them; and whether they do so for sure."""
        return [], False

    def shuts_out(self, _port: int, _source: Network, _here: Here, _found: Facts) -> bool:
        """Whether it drops for sure what comes from there to the port, unless a rule of ours lets it in."""
        return False

    def unkept(self, _spec: FirewallSpec, _found: Facts) -> List[str]:
        """Why the port may be closed after the next boot, though all that the plan says is done."""
        return []

    def notes(self, _spec: FirewallSpec, _found: Facts) -> List[str]:
        """What a person should know of it, whether it is active or not."""
        return []


def file_change(path: str, now: Optional[bytes], wanted: Optional[bytes], why: str) -> FirewallChange:
    """A file that a firewall loads, as it is and as it should be (None: no file)."""
    return FirewallChange(FILE, path, _text(now), _text(wanted), why, path=path, content=wanted)


def _text(data: Optional[bytes]) -> str:
    return ABSENT if data is None else data.decode("utf-8", "surrogateescape")


def networks(sources: Sequence[str], family: str) -> Optional[List[Network]]:
    """The sources of one family (``ip`` or ``ip6``), merged. Empty: everybody; None: nobody of this family.

    :raises ValueError: a source that is none.
    """
    given = matching.merge(model.parse_sources(sources))
    mine = [each for each in given if each.version == (4 if family == "ip" else 6)]
    return None if given and not mine else mine


def packets(spec: FirewallSpec, family: str, ways: Sequence[Here]) -> Iterator[Packet]:
    """The packets that should come in.

    :raises ValueError: a source that is none.
    """
    return model.packets(spec.port, family, model.parse_sources(spec.sources), ways)


def lines(rules: Sequence[str]) -> str:
    """Rules as the plan shows them."""
    return "\n".join(rules) or CLOSED


def compared(now: Sequence[str], wanted: Sequence[str]) -> Tuple[str, str]:
    """Rules before and after as the plan shows them; the same ones have to be put before others."""
    before, after = lines(now), lines(wanted)
    return (before + "\n" + BEHIND if before == after else before), after
