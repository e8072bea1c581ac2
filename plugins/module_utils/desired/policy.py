# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the two configurations should say: the server closed by name, the wanted algorithms, the hop. Pure."""

from __future__ import annotations

from typing import Dict, Iterable, List, Mapping, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import member
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import hardening
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.offers import Offer

HOP_BLOCK = "Host localhost 127.0.0.1 ::1"
HOP_INCLUDE = b"Include " + paths.HOP_FILE.encode()

#: Key exchanges of ordinary OpenSSH clients that are post-quantum, best first (9.9, 8.9).
STOCK_KEX = (
    "mlkem768x25519-sha256",
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
)
#: Key exchanges of clients that know no better.
CLASSICAL_KEX = ("curve25519-sha256", "curve25519-sha256@libssh.org")
#: The manual's last resort for the hop.
CLASSICAL_HOP_KEX = "curve25519-sha256@libssh.org"
CLASSICAL_KEY = "ssh-ed25519"


def next_path(algorithm: str) -> str:
    """Where the next host key of an algorithm lies. Its name lets key-gen.sh read the line as any other HostKey."""
    return "%s/%s" % (paths.NEXT_DIR, key_files.host_key_name(algorithm))


def is_next(path: str) -> bool:
    """Whether a HostKey setting names a key that is only announced."""
    return path.startswith(paths.NEXT_DIR + "/")


class Lists:
    """The algorithms that a server configuration is to offer: as wanted, else as the file says (where it is silent, as
    the image's own does: sshd's built-in lists are classical ones, too); and stock clients."""

    def __init__(self, want: ServerSpec, image: Image, data: bytes) -> None:
        now = dict(sshconfig.read(image.sshd_config.encode(), "sshd_config"), **sshconfig.read(data, "sshd_config"))
        self.kex = list(want.kex_algorithms or _members(now, "kexalgorithms"))
        self.host_keys = list(want.host_key_algorithms or _members(now, "hostkeyalgorithms"))
        self.pubkeys = list(want.pubkey_algorithms or _members(now, "pubkeyacceptedalgorithms"))
        self.files = [path for path in now.get("hostkey", []) if not is_next(path)]
        if want.host_key_algorithms:
            self.files = ["%s/%s" % (paths.INSTALL_DIR, key_files.host_key_name(name)) for name in self.host_keys]
        if want.stock_clients:
            known = image.kex
            added = STOCK_KEX + (CLASSICAL_KEX if want.classical_clients else ())
            self.kex = _with(self.kex, [name for name in added if name in known])
            self.host_keys = _with(self.host_keys, [CLASSICAL_KEY])
            self.pubkeys = _with(self.pubkeys, [CLASSICAL_KEY])
            self.files = _with(self.files, ["%s/%s" % (paths.INSTALL_DIR, key_files.host_key_name(CLASSICAL_KEY))])


#: What settings write in either configuration: keyword, and as ``read`` names it.
_WISHED = (
    ("KexAlgorithms", "kexalgorithms"),
    ("HostKeyAlgorithms", "hostkeyalgorithms"),
    ("PubkeyAcceptedKeyTypes", "pubkeyacceptedalgorithms"),
    ("HostKey", "hostkey"),
)
Written = Mapping[str, Sequence[str]]


def values(data: bytes, dialect: str) -> Dict[str, str]:
    """The present values of what settings write, each as one text."""
    now = sshconfig.read(data, dialect)
    found = {name: [value for value in now[name] if not is_next(value)] for _keyword, name in _WISHED if name in now}
    return {name: " ".join(values) for name, values in found.items()}


def take_back(data: bytes, default: bytes, written: Written, dialect: str) -> bytes:
    """A configuration with the image's own lists wherever the present value is one that we wrote; what somebody else
    put there stays. Settings are then applied to this, so that a setting that is gone leaves nothing behind.

    :param default: the image's own configuration.
    :param written: values that we wrote, by name, as ``values`` gives them.
    """
    now, own = values(data, dialect), sshconfig.read(default, dialect)
    changes = []
    for keyword, name in _WISHED:
        if now.get(name) in written.get(name, ()):
            state = "present" if own.get(name) else "absent"
            changes.append(sshconfig.Change(keyword=keyword, values=own.get(name, []), state=state))
    return sshconfig.edit(data, changes, dialect)


def server_config(
    data: bytes, want: ServerSpec, image: Image, coming: Sequence[str] = ()
) -> bytes:
    """The server's configuration as wanted: the one at hand with our settings, every other byte as it was.

    :param coming: algorithms whose next host key is announced. sshd shows the first key of a type, so they come last.

    :raises ConfigError: the file cannot be edited without harm.
    """
    lists = Lists(want, image, data)
    closing = hardening.closed_by_name(want) + hardening.chosen(sshconfig.read(data, "sshd_config"), image)
    changes = [
        sshconfig.Change(keyword=keyword, values=[value]) for keyword, value in closing if not image.left_out(keyword)
    ]
    for keyword, names in (
        ("KexAlgorithms", lists.kex),
        ("HostKeyAlgorithms", lists.host_keys),
        ("PubkeyAcceptedKeyTypes", lists.pubkeys),
    ):
        if names:
            changes.append(sshconfig.Change(keyword=keyword, values=[",".join(names)]))
    if lists.files:
        files = lists.files + [next_path(name) for name in coming]
        changes.append(sshconfig.Change(keyword="HostKey", values=files))
    return sshconfig.edit(data, changes, "sshd_config")


def client_config(data: bytes, want: ServerSpec) -> bytes:
    """The client's configuration as wanted, without the hop: settings of algorithms count for both sides, so that the
    image's client goes on reaching the image's server."""
    changes = []
    now = sshconfig.read(data, "ssh_config")
    for keyword, name, names in (
        ("KexAlgorithms", "kexalgorithms", want.kex_algorithms),
        ("HostKeyAlgorithms", "hostkeyalgorithms", want.host_key_algorithms),
        ("PubkeyAcceptedKeyTypes", "pubkeyacceptedalgorithms", want.pubkey_algorithms),
    ):
        # a hop for connections to anywhere adds its own behind ours
        if names and _members(now, name)[: len(names)] != list(names):
            changes.append(sshconfig.Change(keyword=keyword, values=[",".join(names)]))
    return sshconfig.edit(data, changes, "ssh_config")


def host_key_algorithms(data: bytes) -> List[str]:
    """The algorithms of the host keys that a server configuration names."""
    names = [key_files.algorithm_of(path) for path in sshconfig.read(data, "sshd_config").get("hostkey", [])]
    return list(dict.fromkeys(name for name in names if name))


def accepted(data: bytes) -> List[str]:
    """The public key algorithms that a server configuration accepts for users; empty: OpenSSH's defaults."""
    return _members(sshconfig.read(data, "sshd_config"), "pubkeyacceptedalgorithms")


def offer(data: bytes, dialect: str = "sshd_config") -> Offer:
    """What a configuration offers."""
    now = sshconfig.read(data, dialect)
    names = ("kexalgorithms", "hostkeyalgorithms", "pubkeyacceptedalgorithms")
    return Offer(*(tuple(_members(now, name)) for name in names))


def knows(image: Image) -> Offer:
    """What an image could offer; certificates need an authority, which nobody has here."""
    signatures = dict.fromkeys(name for name in [*image.key, *image.sig] if "-cert" not in name)
    keys = tuple(name for name in image.key if name in signatures and not name.startswith("sk-"))
    return Offer(tuple(image.kex), keys, tuple(signatures))


def out_of_reach(server: Offer, client: Offer, by_key: bool = False) -> str:
    """What a client would not have in common with a server, in words; empty where they can talk.

    :param client: an empty list is a default, and not judged.
    :param by_key: nobody can log in otherwise.
    """
    words = ("key exchange", "host key algorithm", "public key algorithm")
    for what, ours, theirs in list(zip(words, server, client))[: 3 if by_key else 2]:
        if any(each[:1] in "+-^" for each in [*theirs, *ours]):
            continue  # a change of a built-in list, which only the program knows
        if theirs and ours and not set(theirs) & set(ours):
            return "no common %s: it takes %s, the server would offer %s" % (what, ", ".join(theirs), ", ".join(ours))
    return ""


def hop_kex(image_kex: Sequence[str], host_kex: Sequence[str]) -> List[str]:
    """Key exchanges for the hop, best first: post-quantum hybrids that both know, else the manual's classical one.

    :param image_kex: what the image's client knows.
    :param host_kex: what the host's own sshd offers.
    """
    both = [name for name in host_kex if name in image_kex and not algorithms.is_marker(name)]
    hybrids = [name for name in both if algorithms.family(name) == "hybrid"]
    if hybrids:
        return list(algorithms.sort_for_preference(hybrids))
    if CLASSICAL_HOP_KEX in both:
        return [CLASSICAL_HOP_KEX]
    return [name for name in both if algorithms.family(name) == "classical"][:1]


def hop_lines(data: bytes, kex: Sequence[str], host_keys: Sequence[str], identity: bool) -> List[str]:
    """The settings of the hop.

    :param data: the client's configuration (its own lists stay first, so that `ssh oqs@localhost` still works).
    :param host_keys: signature algorithms of the host's own sshd.
    :param identity: the container's ed25519 key is to be used.
    """
    now = sshconfig.read(data, "ssh_config")
    wanted = (
        ("KexAlgorithms", _with(_members(now, "kexalgorithms"), kex)),
        ("HostKeyAlgorithms", _with(_members(now, "hostkeyalgorithms"), host_keys)),
        ("PubkeyAcceptedKeyTypes", _with(_members(now, "pubkeyacceptedalgorithms"), [CLASSICAL_KEY])),
    )
    lines = ["%s %s" % (keyword, ",".join(names)) for keyword, names in wanted]
    lines.append("GlobalKnownHostsFile %s/known_hosts" % paths.STATE_DIR)
    lines.append("StrictHostKeyChecking yes")
    if identity:
        lines.append("IdentityFile ~/.ssh/%s" % key_files.identity_name(CLASSICAL_KEY))
    return lines


def hop_file(lines: Sequence[str], address: str = "localhost") -> bytes:
    """The hop's own file, included at the top of the client's configuration (a block in an included file ends with it,
    ssh_config(5), so nothing of the client's own file becomes part of the block)."""
    head = HOP_BLOCK if address == "localhost" else "%s %s" % (HOP_BLOCK, address)
    rows = ["# The hop to this host's own sshd.", head] + ["    " + line for line in lines]
    return "".join(row + "\n" for row in rows).encode()


def with_include(data: bytes, wanted: bool) -> bytes:
    """The client's configuration with (or without) our Include line, which must come first: the first value wins."""
    lines = data.splitlines(True)
    rest = b"".join(line for line in lines if line.strip() != HOP_INCLUDE)
    return HOP_INCLUDE + b"\n" + rest if wanted else rest


def global_hop(data: bytes, lines: Sequence[str]) -> bytes:
    """The client's configuration with the manual's edits, for connections to anywhere.

    :raises ConfigError: the file cannot be edited without harm.
    """
    changes = []
    for line in lines:
        keyword, value = line.split(" ", 1)
        how = "uncomment" if keyword == "IdentityFile" else "set"
        changes.append(sshconfig.Change(keyword=keyword, values=[value], how=how))
    return sshconfig.edit(data, changes, "ssh_config")


def without_hop(data: bytes, default: bytes, written: Written, everywhere: bool) -> bytes:
    """The client's configuration without the lists that the hop wrote for connections to anywhere.

    :param everywhere: they are about to be written again; the hop's other settings may stay.
    """
    data = take_back(data, default, written, "ssh_config")
    ours = "%s/known_hosts" % paths.STATE_DIR
    if everywhere or sshconfig.read(data, "ssh_config").get("globalknownhostsfile") != [ours]:
        return data
    identity = "~/.ssh/%s" % key_files.identity_name(CLASSICAL_KEY)
    changes = [
        sshconfig.Change(keyword="GlobalKnownHostsFile", state="absent"),
        sshconfig.Change(keyword="StrictHostKeyChecking", state="absent"),
        sshconfig.Change(keyword="IdentityFile", values=[identity], state="absent", how="comment"),
    ]
    return sshconfig.edit(data, changes, "ssh_config")


def unknown_names(wanted: Iterable[str], known: Sequence[str], what: str) -> List[str]:
    """An error text for each algorithm that the image does not know, with the nearest one that it does."""
    errors = []
    for number, name in enumerate(wanted, 1):
        if name not in known:
            near = algorithms.nearest(name, known)
            guess = "did you mean %s?" % near if near else "it knows %s" % ", ".join(known)
            errors.append("%s: %s is no algorithm that the image knows; %s" % (what, member(number, name), guess))
    return errors


def _members(now: Mapping[str, List[str]], keyword: str) -> List[str]:
    found = now.get(keyword, [])
    return [name for name in found[0].split(",") if name] if found else []


def _with(names: Sequence[str], more: Iterable[str]) -> List[str]:
    result: Dict[str, None] = dict.fromkeys(names)
    result.update(dict.fromkeys(more))
    return list(result)
