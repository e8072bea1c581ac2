# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Another image may know other algorithms: which names of a configuration it has lost, and what takes their place.

Pure. Names were changed before (kyber to mlkem, dilithium to mldsa). A list with one unknown name in it is refused as a
whole by sshd(8), and a host key of an unknown type is not loaded: clients that know only that one are locked out.
"""

from __future__ import annotations

from typing import Container, Dict, List, Mapping, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files

#: Lists of algorithms: the keyword as it is written, as ``read`` names it, and the image's lists that it is out of.
_LISTS = (
    ("KexAlgorithms", "kexalgorithms", ("kex",)),
    ("HostKeyAlgorithms", "hostkeyalgorithms", ("key", "sig")),
    ("PubkeyAcceptedKeyTypes", "pubkeyacceptedalgorithms", ("key", "sig")),
)
#: Lists that change the built-in one, and patterns, name nothing that could be unknown (ssh_config(5)).
_SPECIAL = ("+", "-", "^")


def lost(data: bytes, image: Image, dialect: str = "sshd_config", spare: Container[str] = ()) -> List[str]:
    """Names in the algorithm lists of a configuration, and types of its host keys, that an image does not know.

    :param dialect: ``sshd_config`` or ``ssh_config``.
    :param spare: settings that something else replaces anyway, as ``sshconfig.read`` names them.
    """
    now = {name: values for name, values in sshconfig.read(data, dialect).items() if name not in spare}
    found: Dict[str, None] = {}
    for _keyword, name, lists in _LISTS:
        found.update(dict.fromkeys(_unknown(_members(now, name), _known(image, lists))))
    types = [key_files.algorithm_of(path) for path in now.get("hostkey", [])]
    found.update(dict.fromkeys(name for name in types if name and name not in image.key))
    return list(found)


def without(data: bytes, image: Image, accepted: Sequence[str], dialect: str) -> bytes:
    """A configuration without the names that an image has lost, each list completed by the image's own.

    :param accepted: names whose loss is accepted; where another is lost, too, nothing is changed.
    :raises ConfigError: the file cannot be edited without harm.
    """
    gone = lost(data, image, dialect)
    if not gone or not set(gone) <= set(accepted):
        return data
    now, own = sshconfig.read(data, dialect), sshconfig.read(image.config(dialect), dialect)
    changes = []
    for keyword, name, lists in _LISTS:
        members = _members(now, name)
        if _unknown(members, _known(image, lists)):
            kept = [each for each in members if each not in gone]
            names = list(dict.fromkeys(kept + [each for each in _members(own, name) if each not in gone]))
            changes.append(sshconfig.Change(keyword=keyword, values=[",".join(names)]))
    paths = now.get("hostkey", [])
    kept = [path for path in paths if key_files.algorithm_of(path) not in gone]
    if dialect == "sshd_config" and kept != paths:
        added = [path for path in own.get("hostkey", []) if key_files.algorithm_of(path) not in gone]
        changes.append(sshconfig.Change(keyword="HostKey", values=list(dict.fromkeys(kept + added))))
    return sshconfig.edit(data, changes, dialect)


def advice(gone: Sequence[str], data: bytes, image: Image, before: Image) -> str:
    """What to do about it: names that both images know, which can be served beside the old ones first.

    :param data: the configuration with the lost names.
    :param before: what the present image knows; empty: not known.
    """
    own = sshconfig.read(image.config("sshd_config"), "sshd_config")
    now = sshconfig.read(data, "sshd_config")
    lists = []
    for option, name, kinds in (
        ("oqs_ssh_kex_algorithms", "kexalgorithms", ("kex",)),
        ("oqs_ssh_host_key_algorithms", "hostkeyalgorithms", ("key",)),
        ("oqs_ssh_pubkey_algorithms", "pubkeyacceptedalgorithms", ("key", "sig")),
    ):
        present = _members(now, name)
        if not set(present) & set(gone):
            continue
        both = [each for each in _members(own, name) if each in _known(before, kinds)] if before.known else []
        if both:
            lists.append("%s: [%s]" % (option, ", ".join(dict.fromkeys(present + both))))
    accept = "oqs_ssh_image_drops: [%s]" % ", ".join(gone)
    if not lists:
        return (
            "no name of its own configuration is known to the present image, so that both cannot be served at once: "
            "tell the clients first, then accept the change with %s" % accept
        )
    return (
        "first serve both with the present image (%s), until the clients have learnt the new host keys "
        "(UpdateHostKeys) and use the new names; then accept the change with %s" % ("; ".join(lists), accept)
    )


def _known(image: Image, lists: Sequence[str]) -> List[str]:
    of = {"kex": image.kex, "key": image.key, "sig": image.sig}
    return [name for each in lists for name in of[each]]


def _unknown(members: Sequence[str], known: Sequence[str]) -> List[str]:
    if not members or members[0].startswith(_SPECIAL):
        return []
    return [name for name in members if name not in known and not set(name) & set("*?!")]


def _members(now: Mapping[str, List[str]], name: str) -> List[str]:
    found = now.get(name, [])
    return [each for each in found[0].split(",") if each] if found else []
