# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the playbook info says: the algorithms of a host's image, those in force and those beyond. Pure."""

from __future__ import annotations

import textwrap
import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import printable
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import Known

_KINDS = (
    ("kex", "key exchange", "oqs_ssh_kex_algorithms"),
    ("host_keys", "host keys", "oqs_ssh_host_key_algorithms"),
    ("pubkeys", "keys of people", "oqs_ssh_pubkey_algorithms"),
)
_WIDTH = 118
LAST = "Any of these is switched on by its name, in a list by preference: see the README of the role oqs_ssh."


def words(rows: t.Mapping[str, Known]) -> str:
    """The algorithms of each host.

    :param rows: hosts to what is known of them.
    """
    lines: list[str] = []
    for host, row in sorted(rows.items()):
        lines += ["", host, "-" * len(host)]
        look, ssh = row.look, row.want.ssh
        if row.failed or not look or not ssh:
            lines.append("  failed      %s" % (row.failed or "unreachable"))
            continue
        lines.append("  image       %s (%s)" % (ssh.image.name, look.host.openssh))
        for kind, words, variable in _KINDS:
            lines += ["  %s (%s)" % (words, variable)]
            lines += _lists(getattr(look.offer, kind), getattr(look.knows, kind))
    return "\n".join(printable(line) for line in [*lines, "", LAST])


def _lists(offer: t.Sequence[str], known: t.Sequence[str]) -> list[str]:
    """What is in force, and what else there is by family, the recommended one first."""
    rows = {"in force": list(offer)}
    for family in algorithms.FAMILIES:
        words = "hybrid, recommended" if family == "hybrid" else algorithms.WEAKNESS[family]
        rows[words] = [name for name in known if name not in offer and algorithms.family(name) == family]
    lines = []
    for words, names in rows.items():
        if names:
            text = "%s: %s" % (words, ", ".join(names))
            lines += textwrap.wrap(text, _WIDTH, initial_indent="    ", subsequent_indent="      ",
                                   break_long_words=False, break_on_hyphens=False)
    return lines
