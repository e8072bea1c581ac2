# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The wanted content of the hop's files, and of accounts' authorized_keys. Pure."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import known_hosts, policy
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import State
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import HopSpec, LockdownSpec, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import platforms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms, own_sshd
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import authorized_keys, key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.own_sshd import OwnSshd
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Spec

#: The comment of our line in an account's authorized_keys.
MARK = "oqs-ssh-hop"


class HopContent(NamedTuple):
    """The files of the hop; ``kex`` and ``host_keys`` are what it may negotiate and what it pins."""

    kex: List[str]
    host_keys: List[str]
    hop_config: Optional[bytes]
    ssh_config: bytes
    known_hosts: bytes


def resolved(spec: Spec, sshd: OwnSshd) -> Spec:
    """What is wanted, with the hop's real port and address in the sections that need them.

    :param sshd: the host's own.
    """
    parts = [part for part in (spec.get(ServerSpec), spec.get(HopSpec), spec.get(LockdownSpec)) if part]
    first = spec.get(HopSpec) or spec.get(ServerSpec) or spec.get(LockdownSpec)
    if not first:
        return spec
    asked = first.hop_asked or first.hop_port
    target = own_sshd.target(asked, sshd.settings)
    others = [port for port in target.ports if port != target.port]
    lockdown = spec.get(LockdownSpec)
    coming = own_sshd.configured(sshd.settings) if lockdown and lockdown.state == "present" else []
    closed = others + [port for port in coming if port not in (target.port, *others)]
    return spec.having(*[
        part._replace(hop_port=target.port, hop_address=target.address, hop_asked=asked,
                      hop_others=closed if part is lockdown else others)
        for part in parts
    ])


def wanted(hop: HopSpec, state: State, image: Image, offered: Sequence[str], keys: Sequence[str]) -> HopContent:
    """The hop's files.

    :param state: with the configuration that the hop is added to.
    :param offered: key exchanges of the host's own sshd. :param keys: public lines of its host keys.
    :raises ConfigError: the client's configuration cannot be edited without harm.
    """
    present = hop.state == "present"
    kex = policy.hop_kex(image.kex, offered) if present else []
    pinned = choose_host_keys(keys, image.key) if present else []
    names = [name for line in pinned for name in signature_names(line.split()[0])]
    everywhere, here = (present and hop.scope == scope for scope in ("global", "localhost"))
    written = state.written.get("hop", {})
    base = policy.without_hop(state.ssh_config or b"", image.config("ssh_config"), written, everywhere)
    lines = policy.hop_lines(base, kex, names, bool(hop.users)) if present else []
    ssh_config = policy.with_include(base, here)
    if everywhere:
        ssh_config = policy.global_hop(ssh_config, lines)
    field = known_hosts.hosts_field(hop.hop_port, hop.hop_address)
    pins = ["%s %s" % (field, " ".join(line.split()[:2])) for line in pinned]
    return HopContent(
        kex, pinned, policy.hop_file(lines, hop.hop_address) if here else None, ssh_config,
        known_hosts.replaced(state.known_hosts or b"", pins, known_hosts.HOST) or b"",
    )


def identity(state: State) -> Optional[bytes]:
    """The container's public ed25519 key; None where there is none, or what lies there (the container's user may write
    to that folder) is no key."""
    public = state.identity
    try:
        return public if public and key_files.parse_public(public.decode("utf-8", "replace")) else None
    except key_files.BadKey:
        return None


def line(public: bytes, address: str = "localhost") -> str:
    """The restricted line for a host account: a terminal and nothing else, from the host itself only (sshd(8)).

    :param address: where the hop goes; a connection to an address of the host comes from that address.
    """
    sources = "127.0.0.1,::1" + ("" if address == "localhost" else "," + address)
    kind, blob = public.decode("ascii", "replace").split()[:2]
    return 'restrict,pty,from="%s" %s %s %s' % (sources, kind, blob, MARK)


def user_keys(data: bytes, own: Optional[str]) -> bytes:
    """An account's authorized_keys with our line, or without any of ours; all other lines stay as they are."""
    entries = [authorized_keys.parse_entry(own)] if own else []
    return authorized_keys.ensure(data, entries, exclusive=True, owned=authorized_keys.marked(MARK))


def privileged(uid: int, groups: Sequence[str]) -> str:
    """Why an account is root in all but name, or an empty string."""
    if uid == 0:
        return "root"
    found = sorted(platforms.PRIVILEGED_GROUPS.intersection(groups))
    return "a member of %s" % ", ".join(found) if found else ""


def choose_host_keys(lines: Sequence[str], known: Sequence[str]) -> List[str]:
    """Which of the host's own keys the hop pins: hybrids that the image's client knows, and one classical key."""
    usable = [each for each in lines if each.split()[0] in known or each.startswith("ssh-rsa ")]
    by_type: Dict[str, str] = {each.split()[0]: each for each in usable}
    hybrids = [each for name, each in by_type.items() if algorithms.family(name) == "hybrid"]
    for name in ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"):
        if name in by_type:
            return [*hybrids, by_type[name]]
    return hybrids + usable[:1]


def signature_names(key_type: str) -> List[str]:
    """The signature algorithms of a key type; RSA keys sign with SHA-2 (RFC 8332)."""
    return ["rsa-sha2-512", "rsa-sha2-256"] if key_type == "ssh-rsa" else [key_type]
