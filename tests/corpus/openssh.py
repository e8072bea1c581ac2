# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Configurations, keys and greetings: what OpenSSH's own programs take from them, and what we do.

Files that end in ``.esc`` are written with escapes (``\\r``, ``\\xef``), so that every editor leaves them as they are.
"""

from __future__ import annotations

import base64
import fnmatch
import glob
import hashlib
import os
import re
import shutil
import socket
import subprocess
import threading
from functools import partial
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import aliases
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import kexinit, probe
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import config_files, sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import authorized_keys

from tests.corpus.network import call

HOME = Path("/tmp/corpus")
PART = re.compile(rb"(?m)^#=== (\S+)\n")
UNSET = "(unset)"
Right = Dict[str, object]


def content(path: Path) -> bytes:
    """What a file of the corpus stands for."""
    data = path.read_bytes()
    if path.suffix != ".esc":
        return data
    text = "".join(line for line in data.decode("ascii").splitlines(True) if not line.startswith("#:"))
    return text.replace("\n", "").encode("ascii").decode("unicode_escape").encode("latin-1")


def unpacked(path: Path, folder: Path) -> bytes:
    """The first part of a file; parts behind ``#=== NAME`` lie beside it, as Include finds them."""
    first, *more = PART.split(content(path))
    for name, data in zip(more[::2], more[1::2]):
        target = folder / name.decode()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return first


def settings(text: bytes) -> Dict[str, List[str]]:
    found: Dict[str, List[str]] = {}
    for line in text.decode("utf-8", "replace").splitlines():
        keyword, _blank, value = line.partition(" ")
        found.setdefault(keyword.lower(), []).append(value)
    return found


def sshd_config(path: Path, right: Right) -> Iterator[str]:
    """``ok``, what it sets for everybody, and where it has a Match block, what this sets for whom it matches."""
    folder = Path("/etc/ssh")
    for old in glob.glob("/etc/ssh/sshd_config.d/*"):
        os.unlink(old)
    data = unpacked(path, folder)
    (folder / "sshd_config").write_bytes(data)
    include = partial(config_files.included, "/etc/ssh/sshd_config", "sshd_config")
    asked = ["/usr/sbin/sshd", "-T", "-h", str(HOME / "hostkey"), "-f"]
    # sshd itself leaves blocks aside when it is asked for nobody
    for who, block, wanted in (
        ("user=stranger,host=corpus.example,addr=203.0.113.9,laddr=198.51.100.7,lport=1", None, right.get("set", {})),
        (right.get("who", ""), right.get("block"), right.get("inside", {})),
    ):
        if who == "":
            continue
        rc, said = call([*asked, "/etc/ssh/sshd_config", "-C", who], check=False)
        if (rc == 0) != right["ok"]:
            yield "sshd says %s: %s" % (rc, said.decode("utf-8", "replace").strip()[-160:])
        default = settings(call([*asked, "/dev/null", "-C", who])[1])
        try:
            ours = sshconfig.read(data, "sshd_config", block=block, include=include)
        except sshconfig.ConfigError as error:
            if right["ok"]:
                yield "we do not read it: %s" % error
            continue
        for keyword, value in wanted.items():
            real = settings(said).get(keyword, [UNSET]) if rc == 0 else None
            mine = ours.get(keyword, [UNSET])
            text = " ".join(value) if isinstance(value, list) else value
            if real is not None and " ".join(real) != (" ".join(default.get(keyword, [UNSET])) if text == UNSET
                                                       else text):
                yield "%s: right %r, sshd says %r" % (keyword, text, " ".join(real))
            if _plainly(mine).lower() != text.lower():
                yield "%s: right %r, ours %r" % (keyword, text, " ".join(mine))


def _plainly(values: Sequence[str]) -> str:
    """Values as sshd prints them: one blank between words, no quotes around one that holds a blank."""
    return re.sub(r'^"(.*)"$', r"\1", " ".join(" ".join(values).split()))


def ssh_config(path: Path, right: Right) -> Iterator[str]:
    """``hosts`` that it has by name, and for names, HostName, port and user as ssh takes them. ``only_hosts``: where
    Match and Include decide, nothing of ours asks for more."""
    folder = HOME / ".ssh"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    data = unpacked(path, folder)
    (folder / "config").write_bytes(data)
    asked = dict(right.get("asked", {}))
    include = partial(config_files.included, str(folder / "config"), "ssh_config")
    known = aliases.clashes(aliases.known(data, include), [*asked, *right["hosts"]])
    if sorted(set(known)) != sorted(right["hosts"]):
        yield "hosts: right %s, ours %s" % (sorted(right["hosts"]), sorted(set(known)))
    for name, wanted in asked.items():
        rc, said = call(["ssh", "-G", "-F", str(folder / "config"), name], check=False)
        if rc != 0:
            if wanted != "refused":
                yield "%s: ssh refuses it: %s" % (name, said.decode("utf-8", "replace").strip()[-160:])
            continue
        found = settings(said)
        real = " ".join([*found["hostname"], *found["port"], *found["user"]])
        if real != wanted:
            yield "%s: right %r, ssh says %r" % (name, wanted, real)
        mine = _effective(data, name)
        ours = " ".join([mine.get("hostname", name.lower()), mine.get("port", "22"), mine.get("user", "root")])
        if ours != wanted and not right.get("only_hosts"):
            yield "%s: right %r, ours %r" % (name, wanted, ours)


def _effective(data: bytes, name: str) -> Dict[str, str]:
    """What our reader finds for a name: the global part and the Host blocks in their order, the first that says it."""
    include = partial(config_files.included, str(HOME / ".ssh/config"), "ssh_config")
    parts = [None, *sshconfig.blocks(data, "ssh_config")]
    found: Dict[str, str] = {}
    heads = [("host", "*"), *sshconfig.heads(data, "ssh_config")]
    seen = set()
    for part, head in zip(parts, heads):
        patterns = [each.lower() for each in head[1:]]
        no = any(fnmatch.fnmatchcase(name.lower(), each[1:]) for each in patterns if each.startswith("!"))
        yes = any(fnmatch.fnmatchcase(name.lower(), each) for each in patterns if not each.startswith("!"))
        if head[0] == "host" and yes and not no and head not in seen:
            seen.add(head if part else ())
            for keyword, values in sshconfig.read(data, "ssh_config", block=part, include=include).items():
                found.setdefault(keyword, " ".join(values))
    return found


def keys(path: Path, right: Right) -> Iterator[str]:
    """How many keys ssh-keygen finds, and how many more we do (``unknown``: of types that it does not know)."""
    data = content(path)
    target = HOME / "authorized_keys"
    target.write_bytes(data)
    _rc, said = call(["ssh-keygen", "-l", "-f", str(target)], check=False)
    theirs = re.findall(r"(?m)^\d+ (SHA256:\S+)", said.decode("utf-8", "replace"))
    entries = [line.entry for line in authorized_keys.parse(data) if line.entry]
    ours = ["SHA256:" + base64.b64encode(hashlib.sha256(each.blob).digest()).decode().rstrip("=") for each in entries
            if not each.type.endswith("-cert-v01@openssh.com")]
    certificates = len(entries) - len(ours)
    if len(theirs) - certificates != right["keys"]:
        yield "right %s, ssh-keygen finds %d" % (right["keys"], len(theirs) - certificates)
    unknown = [each for each in ours if each not in theirs]
    if len(ours) - len(unknown) != right["keys"] or len(unknown) != right.get("unknown", 0):
        yield "right %s, ours %d and %d unknown" % (right["keys"], len(ours) - len(unknown), len(unknown))
    if certificates != right.get("certificates", 0):
        yield "certificates: right %s, ours %d" % (right.get("certificates", 0), certificates)
    options = [len(authorized_keys.split_options(each.options)) for each in entries]
    if "options" in right and options != right["options"]:
        yield "options: right %s, ours %s" % (right["options"], options)
    if b"".join(line.raw for line in authorized_keys.parse(data)) != data:
        yield "its lines are not the file"


KEX = kexinit.frame(kexinit.compose_kexinit(kexinit.KexInit(
    ("curve25519-sha256",), ("ssh-ed25519",), ("aes128-ctr",), ("aes128-ctr",), ("hmac-sha2-256",), ("hmac-sha2-256",),
    cookie=b"c" * 16)))


def greetings(path: Path, right: Right) -> Iterator[str]:
    """A server says it, and its offer: ``software`` as we and ssh read it; empty: no SSH."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        threading.Thread(target=_greet, args=(listening, content(path)), daemon=True).start()
        found = probe.probe("127.0.0.1", port, 0.8)
        ours = found.offered.software if found.ssh else ""
        if ours != right["software"]:
            yield "right %r, ours %r (%s)" % (right["software"], ours, found.error)
        done = subprocess.run(
            ["ssh", "-v", "-F", "none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=1", "-p", str(port), "127.0.0.1"],
            capture_output=True, timeout=20)
        said = re.search(rb"remote software version (.*?)\r?$", done.stderr, re.M)
        real = said.group(1).decode("latin-1").split(" ")[0] if said else ""
        if real != right.get("ssh", right["software"]):
            yield "right %r, ssh says %r: %s" % (right["software"], real, done.stderr[-160:].decode("utf-8", "replace"))


def _greet(listening: socket.socket, words: bytes) -> None:
    while True:
        try:
            connection, _address = listening.accept()
        except OSError:
            return
        threading.Thread(target=_say, args=(connection, words), daemon=True).start()


def _say(connection: socket.socket, words: bytes) -> None:
    with connection:
        try:
            connection.sendall(words + KEX)
            connection.settimeout(0.4)
            while connection.recv(4096):
                pass
        except OSError:
            pass


Judge = Callable[[Path, Right], Iterator[str]]
JUDGES: Dict[str, Judge] = {
    "sshd_configs": sshd_config, "ssh_configs": ssh_config, "authorized_keys": keys, "greetings": greetings}


def run(judge: Judge, paths: Sequence[Path], table: Dict[str, Right]) -> Dict[str, List[str]]:
    """What is wrong with each of these files."""
    os.unshare(os.CLONE_NEWNS | os.CLONE_NEWNET)
    call(["ip", "link", "set", "lo", "up"])
    call(["mount", "--make-rprivate", "/"])
    for folder in (HOME, "/etc/ssh"):
        Path(folder).mkdir(exist_ok=True)
        call(["mount", "-t", "tmpfs", "corpus", str(folder)])
    os.environ["HOME"] = str(HOME)
    call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(HOME / "hostkey")])
    result = {}
    for path in paths:
        try:
            result[path.name] = list(judge(path, table[path.name]))
        except Exception as error:
            result[path.name] = ["%s: %s" % (type(error).__name__, str(error)[-300:])]
    return result


CHECKS = {name: partial(run, judge) for name, judge in JUDGES.items()}
