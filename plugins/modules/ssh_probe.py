# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask an SSH server what it offers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssh_probe
short_description: Ask an SSH server which algorithms it offers, and whether they are quantum-safe
version_added: "0.1.0"
author:
  - quantumsafe.openssh contributors (@quantumsafe)
description:
  - Makes one TCP connection, reads the server's banner and its key exchange offer (KEXINIT, RFC 4253), says goodbye.
    Nothing is negotiated, nobody logs in. At most 16 KiB are taken, whatever the peer sends.
  - Algorithms are sorted by the structure of their names, so that names of later images are sorted correctly, too.
  - Without O(expect) the module does not fail on what it finds, see RV(error). With it, a server that hangs up before
    its greeting (C(MaxStartups) drops at random) is asked again until O(timeout) is over.
extends_documentation_fragment:
  - quantumsafe.openssh.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  host:
    description:
      - Name or address of the server, IPv4 or IPv6. The addresses of a name are tried one after the other, within
        O(timeout) for all of them.
      - By default V(localhost) with O(probe_from=host), and the address that Ansible connects to with
        O(probe_from=controller).
    type: str
  port:
    description: TCP port.
    type: int
    default: 22
  timeout:
    description: Seconds for everything together, name resolution included.
    type: float
    default: 5.0
  source:
    description: IP address of the probing machine to connect from.
    type: str
  outward:
    description: Without O(host), connect to the address that the machine's default route goes out from.
    type: bool
    default: false
  pinned:
    description:
      - With O(probe_from=controller), and where this run has changed something on the way to a server of this
        collection, also prove by a handshake that the server holds its pinned host key. Nobody logs in.
    type: bool
    default: false
  probe_from:
    description:
      - Where the probe starts. With V(host) on the managed host, and so through whatever jump leads there. With
        V(controller) in the Ansible process, as a user outside would see the server, without a session on the host.
    type: str
    choices: [controller, host]
    default: host
  client:
    description:
      - What a client offers, in order of preference. RV(negotiated) then says what the two would agree upon.
      - A list that is not given is taken to match. Needs whole names, not changes to a default such as V(+name).
    type: dict
    suboptions:
      kex: {description: Key exchange algorithms., type: list, elements: str}
      host_key_algorithms: {description: Host key algorithms., type: list, elements: str}
      ciphers: {description: Ciphers., type: list, elements: str}
      macs: {description: Message authentication codes; AEAD ciphers need none., type: list, elements: str}
  expect:
    description: What must be so; the module fails otherwise, and names everything that is not.
    type: dict
    suboptions:
      reachable:
        description: Whether the TCP connection is accepted. V(false) shows that a port is closed, and ends the matter.
        type: bool
      quantum_safe_kex:
        description: How many of the key exchange algorithms must be quantum-safe.
        type: str
        choices: [all, some]
      quantum_safe_host_key:
        description: How many of the host key algorithms must be quantum-safe.
        type: str
        choices: [all, some]
      kex:
        description: At least one of these key exchange algorithms must be offered.
        type: list
        elements: str
      host_key_algorithms:
        description: At least one of these host key algorithms must be offered.
        type: list
        elements: str
      no_weak:
        description: With V(true), no weak key exchange or host key algorithm (SHA-1, DSA, 1024 bits) may be offered.
        type: bool
      strict_kex:
        description: Whether strict key exchange (the answer to the Terrapin attack) must be offered.
        type: bool
      common_ground:
        description: With V(true), O(client) and the server must find algorithms for a connection.
        type: bool
notes:
  - To probe from a third machine, delegate the task to it and give O(host).
  - OpenSSH 9.8 and later notes connections that end before a login (C(PerSourcePenalties)). One probe does no harm;
    sixteen within seconds from one address may have it shut out for some seconds.
"""

EXAMPLES = r"""
- name: Is this host's own sshd quantum-safe already?
  quantumsafe.openssh.ssh_probe:
  register: own_sshd

- name: From outside, the container must offer nothing but quantum-safe key exchanges
  quantumsafe.openssh.ssh_probe:
    probe_from: controller
    port: 2222
    expect:
      quantum_safe_kex: all
      strict_kex: true

- name: The port must be closed to us
  quantumsafe.openssh.ssh_probe:
    probe_from: controller
    port: 2222
    timeout: 2
    expect:
      reachable: false

- name: Would a client of OpenSSH 9.2 get in?
  quantumsafe.openssh.ssh_probe:
    host: "192.0.2.10"
    port: 2222
    client:
      kex: [sntrup761x25519-sha512@openssh.com, curve25519-sha256]
      host_key_algorithms: [ssh-ed25519]
    expect:
      common_ground: true
"""

RETURN = r"""
reachable:
  description: Whether the TCP connection was accepted.
  returned: always
  type: bool
ssh:
  description: Whether banner and key exchange offer were read. The lists are empty otherwise.
  returned: always
  type: bool
error:
  description: Why not, in plain words.
  returned: always; null when all went well
  type: str
  sample: "timed out waiting for its SSH banner"
failure:
  description:
    - The error in one word, one of V(name), V(refused), V(timeout), V(unreachable), V(closed), V(not_ssh), V(too_much),
      V(source) and V(network).
  returned: always; null when all went well
  type: str
address:
  description: The address that accepted the connection.
  returned: always; null when none did
  type: str
duration:
  description: Seconds it took.
  returned: always
  type: float
bytes:
  description: Bytes taken from the peer.
  returned: always
  type: int
banner:
  description: The server's identification. What is not printable ASCII is escaped, here and in all lists.
  returned: always
  type: str
software:
  description: The software's part of the banner.
  returned: always
  type: str
kex:
  description: Key exchange algorithms in the server's order, without signals such as C(ext-info-s).
  returned: always
  type: list
  elements: str
host_key_algorithms:
  description: Host key algorithms.
  returned: always
  type: list
  elements: str
host_key_types:
  description: The types of host key that these stand for; a server offers only what it has keys for.
  returned: always
  type: list
  elements: str
ciphers:
  description: Ciphers, server to client.
  returned: always
  type: list
  elements: str
macs:
  description: Message authentication codes, server to client.
  returned: always
  type: list
  elements: str
compression:
  description: Compression, server to client.
  returned: always
  type: list
  elements: str
strict_kex:
  description: Whether the server offers strict key exchange.
  returned: always
  type: bool
quantum_safe:
  description: How many of the algorithms are quantum-safe, V(all), V(some) or V(none), under C(kex) and C(host_key).
  returned: always
  type: dict
families:
  description: Under C(kex) and C(host_key), algorithms by family (C(hybrid), C(pq), C(classical), C(weak), C(unknown)).
  returned: always
  type: dict
outside:
  description: What the handshake of O(pinned) has proved, in words.
  returned: when it was to be made
  type: str
negotiated:
  description:
    - What O(client) and the server would agree upon (C(kex), C(host_key), C(cipher), C(mac), C(strict_kex)), whether
      they do (C(agreed)), and the lists without common ground (C(missing)).
  returned: when O(client) is given and the server spoke SSH
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.probe_task import ARGUMENT_SPEC, examine


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    module.exit_json(**examine(module.params))


if __name__ == "__main__":
    main()
