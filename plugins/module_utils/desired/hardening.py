# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server closed by name: every setting that says what it must not do, and what its connections are made of. Pure.
"""

from __future__ import annotations

from typing import List, Mapping, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ImageSpec, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import grammar

#: Ciphers and MACs that a server is to take, best first: no CBC, no SHA-1, no tag of 64 bits, and only MACs over what
#: was encrypted.
CIPHERS = (
    "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr", "aes192-ctr",
    "aes128-ctr",
)
MACS = ("hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com", "umac-128-etm@openssh.com")


#: Whoever has not logged in, and whoever does nothing, is bounded; what is weak or unseen is off.
_BOUNDS = (
    ("MaxAuthTries", "4"),
    ("LoginGraceTime", "30"),
    # nobody is turned away below 60: more than a lockdown lets others than the breakglass sources open in that time
    ("MaxStartups", "60:30:100"),
    ("PerSourceMaxStartups", "8"),
    ("PerSourcePenalties", "yes"),
    # whoever has one IPv6 address has the 2^64 beside it
    ("PerSourceNetBlockSize", "32:64"),
    ("RequiredRSASize", "2048"),
    # zlib is fed by whoever has logged in, and lengths tell of what is encrypted
    ("Compression", "no"),
    ("WarnWeakCrypto", "yes"),
)
#: Written where the file is silent: a person's own value weakens nothing.
_SUGGESTED = (
    # a peer that is gone, after ten minutes; a silent one answers, and stays
    ("ClientAliveInterval", "60"),
    ("ClientAliveCountMax", "10"),
    # without any channel: no shell, no command, no forwarding in use
    ("UnusedConnectionTimeout", "4h"),
    # names the key of each login; more would be three lines for each question of the health check
    ("LogLevel", "INFO"),
)


def closed_by_name(want: ServerSpec) -> List[Tuple[str, str]]:
    """Every setting that closes the server, by name, because defaults and catch-all options changed between versions.

    Source: sshd_config(5).
    """
    return [
        ("Port", str(want.port)), ("PidFile", "/run/oqs-sshd.pid"), *_logins(want), *_BOUNDS, *_sessions(want),
    ]


def _logins(want: ServerSpec) -> List[Tuple[str, str]]:
    password = "yes" if want.password_set else "no"
    allowed = ["%s@%s" % (want.user, source) for source in grammar.sources(want.sources)] or [want.user]
    return [
        ("PermitRootLogin", "no"),
        ("AllowUsers", " ".join(allowed)),
        ("PubkeyAuthentication", "yes"),
        ("PasswordAuthentication", password),
        ("KbdInteractiveAuthentication", password),
        ("PermitEmptyPasswords", "no"),
        ("HostbasedAuthentication", "no"),
        ("GSSAPIAuthentication", "no"),
        ("KerberosAuthentication", "no"),
        # nobody else says who may log in: no program, no authority that signs
        ("AuthorizedKeysCommand", "none"),
        ("AuthorizedPrincipalsCommand", "none"),
        ("AuthorizedPrincipalsFile", "none"),
        ("TrustedUserCAKeys", "none"),
        ("AuthorizedKeysFile", ".ssh/authorized_keys"),
        ("StrictModes", "yes"),
    ]


def _sessions(want: ServerSpec) -> List[Tuple[str, str]]:
    through = want.mode == "hop"
    hosts = dict.fromkeys(["localhost", "127.0.0.1", "[::1]", grammar.bracketed(want.hop_address)])
    return [
        # no shell, command or subsystem; forwarding needs no session
        ("MaxSessions", "0" if through else "10"),
        ("PermitTTY", "no" if through else "yes"),
        ("ForceCommand", "/bin/false" if through else "none"),
        ("AllowTcpForwarding", "local"),
        ("AllowStreamLocalForwarding", "no"),
        ("PermitOpen", " ".join("%s:%d" % (host, want.hop_port) for host in hosts)),
        ("PermitListen", "none"),
        ("GatewayPorts", "no"),
        ("PermitTunnel", "no"),
        ("AllowAgentForwarding", "no"),
        ("X11Forwarding", "no"),
        ("PermitUserRC", "no"),
        ("PermitUserEnvironment", "no"),
    ]


def chosen(now: Mapping[str, Sequence[str]], image: Image) -> List[Tuple[str, str]]:
    """Settings of which somebody's own choice stays where it is no weaker; of the lists of ciphers and MACs, what the
    image knows.

    :param now: the configuration at hand, as ``sshconfig.read`` gives it.
    """
    found = [(keyword, now.get(keyword.lower(), [value])[0]) for keyword, value in _SUGGESTED]
    for keyword, best, known in (("Ciphers", CIPHERS, image.cipher), ("MACs", MACS, image.mac)):
        mine = now.get(keyword.lower(), [""])[0].split(",")
        if not set(mine) <= set(best):
            mine = [name for name in best if name in known]
        if mine:
            found.append((keyword, ",".join(mine)))
    return found


def keyword_question(want: ServerSpec) -> bytes:
    """A configuration with every keyword that we set, to ask an image's sshd which of them it does not know."""
    return "".join("%s %s\n" % pair for pair in [*closed_by_name(want), *_SUGGESTED]).encode()


#: What an image must have been asked about for its answer to be of use.
KEYWORDS = tuple(sorted(
    name.lower() for name, _value in [*closed_by_name(ServerSpec("present", ImageSpec(""))), *_SUGGESTED]
))
