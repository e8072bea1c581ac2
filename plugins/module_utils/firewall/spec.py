# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wanted of the firewalls of a host."""

from __future__ import annotations

from typing import List, NamedTuple


class Prover(NamedTuple):
    """Where the proof from outside starts, as far as the controller can say.

    :ivar address: what it asks of this host, an address or a name; empty: it starts elsewhere, or there is none.
    :ivar direct: this session started there, too, and nothing is in between.
    """

    address: str = ""
    direct: bool = False


class FirewallSpec(NamedTuple):
    """What is wanted of the firewalls of a host.

    :ivar state: ``present`` or ``absent``.
    :ivar backend: ``auto``, ``none``, or the name of one.
    :ivar sources: addresses and networks that may connect; none: all.
    """

    state: str
    backend: str
    sources: List[str]
    port: int
    container: str
    prover: Prover = Prover()
