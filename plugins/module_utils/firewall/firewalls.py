# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All kinds of firewalls: which are at work on a host, and what each of them needs. Only ``read`` touches a host."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple, cast

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalld, iptables, nftables, ufw
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.backend import (
    Backend,
    Facts,
    FirewallChange,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import model
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import ANYWHERE, Here
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.spec import FirewallSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.surroundings import Surroundings
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import grammar
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.grammar import Network

Backends = Sequence["Backend[Any]"]
"""Each knows the type of its own facts, and gets no others (``Found``)."""

#: A new kind of firewall is a file with its BACKEND, and a line here (and, for people, a choice in the role's
#: specification; a test compares).
BACKENDS: Tuple[Backend[Any], ...] = (
    firewalld.BACKEND,
    ufw.BACKEND,
    nftables.BACKEND,
    iptables.BACKEND,
)

_UNENFORCED = (
    "oqs_ssh_firewall_sources: nothing enforces them where the firewall lets others pass, as the sshd in the container "
    "does not have them: set the variable for the whole host (inventory, not one role), and run the role oqs_ssh, too"
)
_LEFT_OUT = (
    "oqs_ssh_firewall_sources leave out %s, where this session comes from: the firewall %s keep the proof from outside "
    "out; add this address, or set oqs_ssh_probe_from to the name of an inventory host that is among them, or to host"
)
_OTHER_FAMILY = "; it may also start at an address of IPv%d, which is not known here"
_NOT_KNOWN = (
    "oqs_ssh_firewall_sources: the proof from outside starts at the controller, whose address is not known here (%s): "
    "if they leave it out, the firewall keeps it out; set oqs_ssh_probe_from to the name of an inventory host that is "
    "among them, or to host"
)


class Guest(NamedTuple):
    """Where the session of this run comes from (empty: not known), where it came in, and whether it is this host."""

    address: str = ""
    here: Here = ANYWHERE[0]
    own: bool = False


class Found(NamedTuple):
    """What was read of a host, by the name of each kind; a kind that nobody asked about is not in it."""

    facts: Mapping[str, object]

    def of(self, backend: Backend[Facts]) -> Facts:
        """What one kind has read itself.

        :raises KeyError: it was not asked.
        """
        return cast("Facts", self.facts[backend.name])

    def asked(self, backends: Backends) -> List[Backend[Any]]:
        """Those that were read."""
        return [each for each in backends if each.name in self.facts]


def read(spec: FirewallSpec, backends: Backends = BACKENDS) -> Found:
    """What each kind of firewall holds; nothing is asked where hands are to be kept off.

    :raises CommandError: a program gives no answer, or one that cannot be understood.
    """
    if spec.backend == "none" and spec.state == "present":
        return Found({})
    units = [unit for each in backends for unit in each.units]
    host = Surroundings(units, {chain: each.name for each in backends for chain in each.chains})
    return Found({each.name: each.read(host) for each in backends})


def active(found: Found, backends: Backends = BACKENDS) -> List[str]:
    """The names of those at work; more than one may be, and then a packet has to pass them all."""
    return [each.name for each in found.asked(backends) if each.active(found.of(each))]


def chosen(spec: FirewallSpec, found: Found, backends: Backends = BACKENDS) -> List[str]:
    """The names of those to be opened; to be closed again: all, as ours may be in one that has been stopped since."""
    if spec.state == "absent":
        return [each.name for each in found.asked(backends)]
    return [name for name in active(found, backends) if spec.backend in ("auto", name)]


def changes(spec: FirewallSpec, found: Found, backends: Backends = BACKENDS) -> List[FirewallChange]:
    """Everything that is not as wanted, files after the rules that are in force."""
    names = chosen(spec, found, backends)
    return [
        change
        for each in found.asked(backends) if each.name in names
        for change in each.changes(spec, found.of(each)) if change.before != change.after
    ]


def shown(found: Found, backends: Backends = BACKENDS) -> List[str]:
    """Our rules in every firewall of the host, as people read them."""
    return [row for each in found.asked(backends) for row in each.shown(found.of(each))]


def refusals(spec: FirewallSpec, found: Found, backends: Backends = BACKENDS) -> List[str]:
    """Why the port cannot be opened, and what to do; an inactive firewall is never turned on."""
    if spec.state == "absent":
        return []
    names = chosen(spec, found, backends)
    words = "oqs_ssh_firewall_backend is %s, but %s; one that is not active is never turned on: set it to auto or none"
    missing = [
        words % (each.name, each.absent_because)
        for each in backends if each.name == spec.backend and each.name not in names
    ]
    missing += [said for said, certain in _diverted(spec, found, backends) if certain]
    return missing + [
        problem
        for each in found.asked(backends) if each.name in names for problem in each.problems(spec, found.of(each))
    ]


def notes(spec: FirewallSpec, found: Found, backends: Backends = BACKENDS) -> List[str]:
    """What a person should know of firewalls that are not opened."""
    if spec.state == "absent" or spec.backend == "none":
        return []
    said = [words for words, certain in _diverted(spec, found, backends) if not certain]
    left = [name for name in active(found, backends) if spec.backend not in ("auto", name)]
    if left:
        said.append(
            "more than one firewall is active; only %s is opened, as oqs_ssh_firewall_backend says, and %s may close "
            "the port: set it to auto" % (spec.backend, ", ".join(left))
        )
    said += [note for each in found.asked(backends) for note in each.notes(spec, found.of(each))]
    return said + unkept(spec, found, backends)


def unkept(spec: FirewallSpec, found: Found, backends: Backends = BACKENDS) -> List[str]:
    """Why the port may be closed after the next boot, though all that is wanted is done."""
    if spec.state == "absent":
        return []
    return [words for each in found.asked(backends) for words in each.unkept(spec, found.of(each))]


def prover_left_out(
    spec: FirewallSpec, guest: Guest, found: Found, backends: Backends = BACKENDS
) -> Tuple[str, bool]:
    """Whether sources leave out who proves from outside that the port is served: what to do (empty: nothing), and
    whether the proof would fail for sure."""
    if guest.own:
        return "", False
    opens = _opens(spec, found, backends)
    if not guest.address or not spec.prover.direct:
        why = "this session comes by way of %s" % guest.address if guest.address else (
            "the host does not say where this session comes from")
        return (_NOT_KNOWN % why if opens else ""), False
    source, networks = grammar.network(guest.address), model.parse_sources(spec.sources)
    if any(source.version == each.version and source.network_address in each for each in networks):
        return "", False
    other = not grammar.plain_address(spec.prover.address) and any(each.version != source.version for each in networks)
    certain = not other and any(
        each.shuts_out(spec.port, source, guest.here, found.of(each)) for each in found.asked(backends))
    opens = opens and _opens(spec._replace(sources=[guest.address]), found, backends)
    words = _LEFT_OUT % (guest.address, "would" if certain else "may")
    if other:
        words += _OTHER_FAMILY % (6 if source.version == 4 else 4)
    return (words if certain or opens else ""), certain


def _opens(spec: FirewallSpec, found: Found, backends: Backends) -> bool:
    """Whether there is something to do to open the port: else nothing closes it, or it is done."""
    return any(each.opens for each in changes(spec, found, backends))


def _diverted(spec: FirewallSpec, found: Found, backends: Backends) -> Iterator[Tuple[str, bool]]:
    words = "packets for port %d %s sent elsewhere by NAT, and another server answers there: %s; take that away, or"
    for each in found.asked(backends):
        rules, certain = each.diverts(spec, found.of(each))
        if rules:
            head = words % (spec.port, "are" if certain else "may be", "; ".join(rules[:3]))
            yield head + " set oqs_ssh_port to another port", certain


def ledger(backends: Backends = BACKENDS) -> Dict[str, str]:
    """What the ledger takes of all of them: kind -> what its names look like (a regular expression)."""
    found: Dict[str, List[str]] = {}
    for each in backends:
        for kind, names in each.ledger.items():
            found.setdefault(kind, []).append("(?:%s)" % names)
    return {kind: "|".join(names) for kind, names in found.items()}


def unenforced(
    sources: Sequence[str], coming: Optional[Sequence[str]], sshd_config: Optional[bytes],
    unknown_keywords: Sequence[str] = (),
) -> Optional[str]:
    """Sources that only sshd can be sure to enforce: does it? What to do where it does not, else None.

    :param sources: those of the firewall.
    :param coming: those that sshd is going to have by this run; None: this run leaves sshd as it is.
    :param sshd_config: its present configuration; None: there is none.
    :param unknown_keywords: what the image's sshd does not know.
    """
    if not sources:
        return None
    if coming is None:
        enforced = _allowed(sshd_config) == set(model.parse_sources(sources))
    else:
        enforced = list(coming) == list(sources) and "allowusers" not in unknown_keywords
    return None if enforced else _UNENFORCED


def _allowed(data: Optional[bytes]) -> Optional[Set[Network]]:
    """The networks from which a server configuration lets anybody log in; None: from everywhere."""
    try:
        now = sshconfig.read(data or b"", "sshd_config").get("allowusers", [])
        patterns = [pattern.partition("@") for text in now for pattern in text.split()]
        if not patterns or not all(host for _user, _at, host in patterns):
            return None
        return set(model.parse_sources([host for _user, _at, host in patterns]))
    except (sshconfig.ConfigError, ValueError):
        return None
