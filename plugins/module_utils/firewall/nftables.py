# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Open a port in the host's own nftables rule set, and in what its service loads at boot. Pure."""

from __future__ import annotations

from typing import Any, List, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import backend
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.backend import (
    TAG,
    Backend,
    Change,
    Command,
    Found,
    Wish,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import model

NAME = "nftables"
CONF = "/etc/nftables.conf"
SNIPPET = "/etc/nftables.d/oqs-ssh.nft"
INCLUDE = b'include "' + SNIPPET.encode() + b'"'


def _changes(wish: Wish, facts: Found) -> List[Change]:
    found = facts[NAME]
    if found["ruleset"] is None:
        return []
    port, sources = wish["port"], wish["sources"]
    present = model.ours(found["ruleset"], TAG)
    now, rules = shown_rules(found["ruleset"]), rules_for(wish, facts)
    changes = []
    missing = wish["state"] == "present" and model.needed(
        found["ruleset"], port, sources, TAG, model.manager if facts["compat"] else model.manager_without_compat)
    if missing or (now and not rules):
        before, after = backend.compared(now, [_shown_rule(rule) for rule in rules])
        script = "\n".join(model.removal(present) + rules) + "\n"
        why = backend.SERVED if rules else backend.UNWANTED
        command = Command(("nft", "-f", "-"), script.encode())
        changes.append(Change(NAME, "port %d" % port, before, after, why, (command,), bool(rules)))
    if found["persistent"] or (wish["state"] == "absent" and found["snippet"] is not None):
        snippet = snippet_of(rules)
        changes.append(
            Change("firewall_file", SNIPPET, _text(found["snippet"]), snippet, backend.KEPT))
        conf = conf_with(found["conf"], bool(rules)).decode("utf-8", "replace")
        changes.append(Change("firewall_file", CONF, _text(found["conf"]), conf, "it includes our file"))
    return changes


def shown_rules(ruleset: Any) -> List[str]:
    """Our rules, each as people read it: where it stands, and what it says."""
    return ["%s %s %s %s" % (rule[:3] + (rule.text,)) for rule in model.ours(ruleset, TAG)]


def _shown_rule(command: str) -> str:
    """The same of a command that is going to make one."""
    text = command.split(" rule ", 1)[1]
    end = ' comment "%s"' % TAG
    return text[: -len(end)] if text.endswith(end) else text


def rules_for(wish: Wish, facts: Found) -> List[str]:
    """The nft commands that open the port, none when it should be closed or nothing closes it."""
    if wish["state"] == "absent":
        return []
    keeper = model.manager if facts["compat"] else model.manager_without_compat
    return model.rules_for(facts[NAME]["ruleset"], wish["port"], wish["sources"], TAG, keeper)


def snippet_of(rules: Sequence[str]) -> str:
    """The file that opens the port whenever the host's own rule set is loaded."""
    if not rules:
        return "absent"
    return "\n".join(["# Opens the port of the quantum-safe sshd; kept by quantumsafe.openssh."] + list(rules)) + "\n"


def conf_with(conf: bytes, wanted: bool) -> bytes:
    """The host's nftables.conf with (or without) one line at its end, where all chains are known."""
    kept = b"".join(line for line in conf.splitlines(True) if line.strip() != INCLUDE)
    if not wanted:
        return kept
    return kept + (b"" if not kept or kept.endswith(b"\n") else b"\n") + INCLUDE + b"\n"


def _text(data: Any) -> str:
    return "absent" if data is None else str(data.decode("utf-8", "replace"))


def _active(facts: Found) -> bool:
    ruleset = facts[NAME]["ruleset"]
    keeper = model.manager if facts["compat"] else model.manager_without_compat
    return any(keeper(chain) is None for chain in model.input_chains(ruleset or []))


def _shown(facts: Found) -> List[str]:
    return shown_rules(facts[NAME]["ruleset"] or [])


def _problems(_wish: Wish, _facts: Found) -> List[str]:
    return []


BACKEND = Backend(NAME, _active, _changes, _shown, _problems)
