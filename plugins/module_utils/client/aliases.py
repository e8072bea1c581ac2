# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What lies on a client machine: pinned host keys, and an alias per host for the person's own ssh or for the client in
the image. Pure.

Hosts are known by their names in the inventory.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from typing import Dict, List, Mapping, NamedTuple, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.client.host import Host, Hosts
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms, grammar
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.document import Include
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files

HOP = "-host"
_ALIAS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")
_SHELL = re.compile(r"[`$;&|<>()'\"\\]")
_STAMP = b"# Written by quantumsafe.openssh; changed by hand it is kept as it is. sha256:"
_STAMPED = re.compile(re.escape(_STAMP) + b"([0-9a-f]{64})\n")
_PINNED = ("GlobalKnownHostsFile /dev/null", "StrictHostKeyChecking yes", "CheckHostIP no", "UpdateHostKeys no")


class Program(NamedTuple):
    """An ssh: what it knows (``ssh -Q``), and the identities that it may use (path to key type).

    ``trouble`` says why it could not be asked: it is there, so that it knows nothing is no answer.
    """

    kex: Sequence[str]
    keys: Sequence[str]
    identities: Mapping[str, str]
    trouble: str = ""


class AliasSpec(NamedTuple):
    """How aliases look: what stands before a host's name, the account behind the hop, where the pins are."""

    prefix: str
    hop_user: str
    known_hosts: str
    wrapper: str


def stamped(data: bytes) -> bytes:
    """A file with a line that shows later whether somebody has changed it; behind a script's first line."""
    first, newline, rest = data.partition(b"\n") if data.startswith(b"#!") else (b"", b"", data)
    return first + newline + _STAMP + hashlib.sha256(data).hexdigest().encode() + b"\n" + rest


def is_edited(data: bytes) -> bool:
    """Whether a file is not as ``stamped`` made it."""
    found = _STAMPED.search(data)
    return not found or stamped(data[:found.start()] + data[found.end():]) != data


def is_alias(name: str) -> bool:
    """Whether a name can stand in a Host line without meaning something else (patterns, blanks)."""
    return bool(_ALIAS.fullmatch(name))


class Known(NamedTuple):
    """What the person's own configuration, with all that it includes, has blocks for: names (patterns do not count);
    and whether it runs programs when it is read (``Match exec``)."""

    names: Sequence[str]
    runs: bool = False


def known(config: bytes, include: Include) -> Known:
    """What the person has: by ``Host``, ``Match host`` and ``Match originalhost`` (ssh_config(5)).

    :raises ConfigError: a file cannot be read.
    """
    names: Dict[str, None] = {}
    runs = False
    for head in sshconfig.all_heads(config, sshconfig.SSH, include):
        words = list(head[1:])
        if head[0] == "match":
            runs = runs or bool({"exec", "!exec"} & set(words))
            pairs = zip(words, words[1:])
            words = [each for word, value in pairs if word in ("host", "originalhost") for each in value.split(",")]
        names.update(dict.fromkeys(each.lower() for each in words if not re.match(r"!|.*[*?]", each)))
    return Known(list(names), runs)


def clashes(person: Known, names: Sequence[str]) -> List[str]:
    """Names that the person's own configuration has a block for."""
    return [name for name in names if name.lower() in person.names]


def known_hosts(hosts: Hosts) -> bytes:
    """Pinned keys under names of their own, so that neither an address nor a port matters (HostKeyAlias)."""
    lines = []
    for name, host in sorted(hosts.items()):
        for alias, keys in ((_own(name), host.keys), (_hop(name), host.hop_keys)):
            lines += ["%s\n" % plain("%s %s" % (alias, " ".join(key.split()[:2]))) for key in keys]
    return "".join(lines).encode()


def plain(line: str) -> str:
    """A line that says what it seems to say, in ssh_config as in known_hosts: printable, and nothing in it that a shell
    expands (a HostName comes to a ProxyCommand as %h).

    :raises ValueError: it does not.
    """
    if not line.isprintable() or _SHELL.search(line):
        raise ValueError("%r cannot be written into ssh's files" % line[:80])
    return line


def _own(name: str) -> str:
    return name.lower() + ".oqs-ssh"


def _hop(name: str) -> str:
    return name.lower() + ".own-sshd"


def common(host: Host, program: Program) -> Tuple[List[str], List[str]]:
    """Quantum-safe key exchanges, best first, and host key types that a host and an ssh have in common."""
    kex = [name for name in host.offer.kex if name in program.kex and algorithms.is_quantum_safe(name)]
    return list(algorithms.sort_for_preference(kex)), [name for name in host.key_types if name in program.keys]


def lacks(host: Host, program: Program) -> str:
    """Why an ssh cannot be used for a host; empty: it can."""
    kex, keys = common(host, program)
    if program.trouble:
        return "it does not say what it knows (%s)" % program.trouble
    if not program.kex:
        return "there is no ssh"
    if not kex:
        return "it knows no quantum-safe key exchange that the server offers (%s)" % ", ".join(host.offer.kex)
    if not keys:
        return "it knows none of the server's host keys (%s)" % ", ".join(host.key_types)
    if not any(name in program.keys for name in host.offer.pubkeys):
        return "it knows no type of identity that the server takes (%s)" % ", ".join(host.offer.pubkeys)
    return ""


def with_identity(program: Program, made: Mapping[str, str]) -> Program:
    """A program with one identity more (path to type), if it knows the type; in check mode it is not there yet."""
    known = dict(program.identities, **{path: kind for path, kind in made.items() if kind in program.keys})
    return program._replace(identities=dict(sorted(known.items())))


def identities(host: Host, program: Program) -> List[str]:
    """Private keys that a server takes, as far as their type says it."""
    return [path for path, kind in program.identities.items() if algorithms.accepts(host.offer.pubkeys, kind)]


def fragment(hosts: Hosts, program: Program, use_wrapper: Mapping[str, str], spec: AliasSpec) -> bytes:
    """Aliases for the person's own ssh.

    :param use_wrapper: hosts that the ssh at hand cannot reach, and why.
    """
    blocks = []
    for name, host in sorted(hosts.items()):
        alias = spec.prefix + name
        if name in use_wrapper:
            blocks.append(_block(alias, [_says(alias, use_wrapper[name], spec.wrapper)]))
            target = shlex.quote(grammar.bracketed(host.hop_address, "%h") + ":%p")
            way = "ProxyCommand %s -W %s %s" % (sshquoted(spec.wrapper), target, alias)
        else:
            blocks.append(_block(alias, _direct(name, host, program, spec)))
            way = "ProxyJump " + grammar.bracketed(alias)
        blocks += _through(name, host, way, spec)
    return "".join(blocks).encode()


def image_config(hosts: Hosts, program: Program, spec: AliasSpec) -> bytes:
    """The whole configuration of the client in the image."""
    blocks, names = [], []
    for name, host in sorted(hosts.items()):
        alias = spec.prefix + name
        blocks.append(_block(alias, _direct(name, host, program, spec)))
        blocks += _through(name, host, "ProxyJump " + grammar.bracketed(alias), spec)
        names += [alias, alias + HOP]
    known = " ".join(names[:40]) + (" ..." if len(names) > 40 else "")
    others = " ".join(["*"] + ["!" + name for name in names])
    unknown = _refusal("no such alias; these are known: " + (known or "none"))
    blocks.append(_block(others, [unknown, "StrictHostKeyChecking yes"]))
    return "".join(blocks).encode()


def _direct(name: str, host: Host, program: Program, spec: AliasSpec) -> List[str]:
    kex, keys = common(host, program)
    pubkeys = [one for one in host.offer.pubkeys if one in program.keys]
    lines = [plain("HostName " + host.address.replace("%", "%%")), "Port %d" % host.port,
             plain("User " + host.user), "HostKeyAlias " + _own(name),
             plain("KexAlgorithms " + ",".join(kex)), plain("HostKeyAlgorithms " + ",".join(_signing(keys))),
             "UserKnownHostsFile " + sshquoted(spec.known_hosts), *_PINNED]
    lines += [plain("PubkeyAcceptedAlgorithms +" + ",".join(pubkeys))] if pubkeys else []
    return lines + ["IdentityFile " + sshquoted(path) for path in identities(host, program)]


def _through(name: str, host: Host, way: str, spec: AliasSpec) -> List[str]:
    """The alias of the host's own sshd; none where there is no hop, or its keys are not known."""
    if not host.hop_keys or not host.hop_port:
        return []
    lines = [plain("HostName " + host.hop_address.replace("%", "%%")), "Port %d" % host.hop_port,
             "HostKeyAlias " + _hop(name), way,
             "UserKnownHostsFile " + sshquoted(spec.known_hosts), *_PINNED]
    lines += ["User " + spec.hop_user] if spec.hop_user else []
    return [_block(spec.prefix + name + HOP, lines)]


def _signing(types: Sequence[str]) -> List[str]:
    """RSA keys sign with SHA-2 (RFC 8332)."""
    return [each for one in types for each in (("rsa-sha2-512", "rsa-sha2-256") if one == "ssh-rsa" else (one,))]


def _says(alias: str, why: str, wrapper: str) -> str:
    return _refusal("this ssh is not used for %s, %s: type %s %s" % (alias, why, wrapper.rpartition("/")[2], alias))


def _refusal(words: str) -> str:
    """A ProxyCommand that says something and ends; its pipe stays open until it is said, or ssh would end it first."""
    plain = re.sub(r"[^A-Za-z0-9 .,;:()@_+/*-]", "", words)
    return "ProxyCommand sh -c \"echo '%s' >&2; exit 1\"" % plain


def _block(head: str, lines: Sequence[str]) -> str:
    return "Host %s\n%s" % (head, "".join("    %s\n" % line for line in lines))


def sshquoted(path: str) -> str:
    """A path as a word of ssh_config(5)."""
    return '"%s"' % path if re.search(r"[^\w@%+=:,./~-]", path) else path


def identity_path(folder: str, algorithm: str) -> str:
    """Where an identity lies, under the image's name for its type."""
    return "%s/%s" % (folder, key_files.identity_name(algorithm))


def by_host(hosts: Hosts, program: Program, choice: str) -> Dict[str, str]:
    """Hosts for which the client in the image is used, and why.

    :param choice: ``auto``, ``system`` (never), or ``image`` (always).
    """
    if choice == "image":
        return dict.fromkeys(hosts, "because oqs_ssh_client_program is image")
    found = {name: lacks(host, program) for name, host in hosts.items()}
    return {name: why for name, why in found.items() if why} if choice == "auto" else {}
