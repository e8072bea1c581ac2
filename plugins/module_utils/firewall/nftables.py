# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Open a port in the host's own nftables rule set, and in what its service loads at boot."""

from __future__ import annotations

import re
from typing import List, NamedTuple, Optional, Sequence, Tuple, Union

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import backend
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.backend import (
    TAG,
    Backend,
    Command,
    FirewallChange,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import model
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.listing import Ruleset
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.packets import ANYWHERE, Here
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset.walk import Rules
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.spec import FirewallSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.surroundings import Surroundings, Unit
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.grammar import Network

NAME = "nftables"
UNIT = "nftables.service"
CONF = "/etc/nftables.conf"
#: What the service loads: on Debian and Arch; on EL and its kin.
CONFS = (CONF, "/etc/sysconfig/nftables.conf")
SNIPPET = "/etc/nftables.d/oqs-ssh.nft"
INCLUDE = b'include "' + SNIPPET.encode() + b'"'
#: A chain of the host's own that is named as those of iptables.
_OWN_INPUT = re.compile(rb"(?m)^\s*chain\s+INPUT\b")


class Nftables(NamedTuple):
    """The rule set of a host (None: no program that says), and what its service loads at boot.

    :ivar compat: chains named as those of iptables belong to iptables.
    :ivar persistent: ``conf``, which is the file of this path, is loaded at boot.
    :ivar boot: what that makes; a text: why it could not be tried; None: nothing is loaded.
    """

    ruleset: Optional[Ruleset] = None
    compat: bool = False
    persistent: bool = False
    conf: bytes = b""
    snippet: Optional[bytes] = None
    ways: Sequence[Here] = ANYWHERE
    path: str = CONF
    boot: Union[Ruleset, str, None] = None

    @property
    def keeper(self) -> model.Keeper:
        """Says whose a chain is."""
        return model.manager if self.compat else model.manager_without_compat


def shown_rules(ruleset: Ruleset) -> List[str]:
    """Our rules, each as people read it: where it stands, and what it says."""
    return ["%s %s %s %s" % (rule[:3] + (rule.text,)) for rule in model.ours(ruleset, TAG)]


def _shown_rule(command: str) -> str:
    """The same of a command that is going to make one."""
    text = command.split(" rule ", 1)[1]
    end = ' comment "%s"' % TAG
    return text[: -len(end)] if text.endswith(end) else text


def rules_for(spec: FirewallSpec, found: Nftables) -> List[str]:
    """The nft commands that open the port, none when it should be closed or nothing closes it."""
    return _rules_in(found.ruleset, spec, found)


def _rules_in(ruleset: Optional[Ruleset], spec: FirewallSpec, found: Nftables) -> List[str]:
    if spec.state == "absent" or ruleset is None:
        return []
    return model.rules_for(ruleset, spec.port, spec.sources, TAG, found.keeper, found.ways)


def _rules_at_boot(spec: FirewallSpec, found: Nftables) -> List[str]:
    """Those that what is loaded at boot needs; where that is not known, those that are needed now."""
    return _rules_in(found.boot if isinstance(found.boot, Ruleset) else found.ruleset, spec, found)


def snippet_of(rules: Sequence[str]) -> Optional[bytes]:
    """The file that opens the port whenever the host's own rule set is loaded; None: it is not needed."""
    if not rules:
        return None
    head = "# Opens the port of the quantum-safe sshd; kept by quantumsafe.openssh."
    return ("\n".join([head, *rules]) + "\n").encode()


def conf_with(conf: bytes, wanted: bool) -> bytes:
    """The host's nftables.conf with (or without) one line at its end, where all chains are known."""
    kept = b"".join(line for line in conf.splitlines(True) if line.strip() != INCLUDE)
    if not wanted:
        return kept
    return kept + (b"" if not kept or kept.endswith(b"\n") else b"\n") + INCLUDE + b"\n"


class _Backend(Backend[Nftables]):
    """The host's own rule set of nftables."""

    name = NAME
    absent_because = "the program nft is not on this host, or there is no chain for incoming packets"
    units = (UNIT,)
    ledger = {
        NAME: r"port \d{1,5}", "folder": r"/etc/nftables\.d",
        "file": r"/etc/(sysconfig/)?nftables\.conf|/etc/nftables\.d/oqs-ssh\.nft",
    }

    def read(self, host: Surroundings) -> Nftables:
        there = [path for path in CONFS if host.file(path) is not None]
        unit = host.unit(UNIT) if there else Unit()
        loaded = [path for path in there if path in re.findall(r"/[\w./-]+", unit.command)]
        path = (loaded or [each for each in there if INCLUDE in (host.file(each) or b"")] or there or [CONF])[0]
        conf, boots = host.file(path), unit.enabled and bool(loaded)
        return Nftables(
            host.ruleset, host.program("iptables") is not None and not _OWN_INPUT.search(conf or b""),
            boots, conf or b"", host.file(SNIPPET), host.ways, path, host.boot_ruleset(path) if boots else None,
        )

    def active(self, found: Nftables) -> bool:
        known = [each for each in (found.ruleset, found.boot) if isinstance(each, Ruleset)]
        return any(found.keeper(chain) is None for ruleset in known for chain in model.input_chains(ruleset))

    def changes(self, spec: FirewallSpec, found: Nftables) -> List[FirewallChange]:
        if found.ruleset is None:
            return []
        now, rules = shown_rules(found.ruleset), rules_for(spec, found)
        changes = []
        missing = spec.state == "present" and model.needed(
            found.ruleset, spec.port, spec.sources, TAG, found.keeper, found.ways)
        if missing or (now and not rules):
            before, after = backend.compared(now, [_shown_rule(rule) for rule in rules])
            script = "\n".join(model.removal(model.ours(found.ruleset, TAG)) + rules) + "\n"
            why = backend.SERVED if rules else backend.UNWANTED
            command = Command(("nft", "-f", "-"), script.encode())
            changes.append(
                FirewallChange(NAME, "port %d" % spec.port, before, after, why, bool(rules), (command,)))
        later = _rules_at_boot(spec, found)
        if found.persistent or (spec.state == "absent" and found.snippet is not None):
            changes.append(backend.file_change(SNIPPET, found.snippet, snippet_of(later), backend.KEPT))
            conf = conf_with(found.conf, bool(later))
            changes.append(backend.file_change(found.path, found.conf, conf, "it includes our file"))
        return changes

    def unkept(self, spec: FirewallSpec, found: Nftables) -> List[str]:
        if isinstance(found.boot, str):
            return ["what %s makes at boot could not be tried (%s), so nobody can say whether port %d is open then"
                    % (found.path, found.boot.strip(), spec.port)]
        if found.persistent or not rules_for(spec, found):
            return []
        return [backend.NOT_KEPT % ("nftables", "enable nftables.service with a file that holds them")]

    def shown(self, found: Nftables) -> List[str]:
        return shown_rules(found.ruleset or Ruleset())

    def shuts_out(self, port: int, source: Network, here: Here, found: Nftables) -> bool:
        """All chains count, those of other firewalls, too: a packet has to pass them."""
        return model.shuts_out(found.ruleset or Ruleset(), port, source, here, TAG)

    def diverts(self, spec: FirewallSpec, found: Nftables) -> Tuple[List[str], bool]:
        rules, certain = model.diverted(Rules(found.ruleset or Ruleset()), backend.packets(spec, "inet", found.ways))
        return ["rule %d of the chain %s %s %s" % (each.handle, *each[:3]) for each in rules], certain

    def notes(self, spec: FirewallSpec, found: Nftables) -> List[str]:
        words = (
            "the chain %s of %s may drop packets for port %d before any firewall's rules for the host: look there if "
            "the port does not answer"
        )
        return [
            words % (chain, keeper, spec.port)
            for keeper, chain in model.blockers(found.ruleset or Ruleset(), spec.port, spec.sources, found.ways)
            if keeper == NAME
        ]


BACKEND = _Backend()
