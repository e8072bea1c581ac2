# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything of a host that a deployment could leave a trace in, and what differs between two such snapshots."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Dict, List, NamedTuple, Sequence, Tuple

if TYPE_CHECKING:
    from tests.e2e.library.scenario import Scenario

Snapshot = Dict[str, Dict[str, str]]
"""Kind of thing (file, package, …) to name to what it is like."""

#: Runs on the host (Python 3.8 and newer), prints the snapshot. What is mounted elsewhere is not the host's disk.
PROGRAM = r"""
import hashlib, json, os, re, stat, subprocess

SKIP = ("/proc", "/sys", "/dev", "/run", "/tmp", "/var/lib/docker/", "/var/tmp")

def said(*argv):
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    except OSError:
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""

def what(path):
    found = os.lstat(path)
    words = "%o %d:%d" % (found.st_mode, found.st_uid, found.st_gid)
    if stat.S_ISLNK(found.st_mode):
        return words + " -> " + os.readlink(path)
    if stat.S_ISREG(found.st_mode):
        with open(path, "rb") as data:
            return words + " " + hashlib.sha256(data.read()).hexdigest()
    return words

files = {}
for folder, names, others in os.walk("/"):
    names[:] = [name for name in names if not (os.path.join(folder, name) + "/").startswith(
        tuple(each.rstrip("/") + "/" for each in SKIP)) or os.path.join(folder, name) == "/var/lib/docker"]
    if folder == "/var/lib/docker":
        files[folder] = what(folder)
        for name in names + others:
            files[os.path.join(folder, name)] = "there"
        names[:] = []
        continue
    for name in names + others:
        path = os.path.join(folder, name)
        try:
            files[path] = what(path)
        except OSError as error:
            files[path] = str(error.strerror)
for name in ("/run/oqs-ssh", "/run/lock/oqs-ssh.lock", "/run/docker", "/run/docker.sock", "/run/containerd"):
    if os.path.lexists(name):
        files[name] = "there"

def rows(text, cut=1):
    return {" ".join(line.split()[:cut]): " ".join(line.split()[cut:]) for line in text.splitlines() if line.strip()}

def ruleset():
    found = {}
    for number, row in enumerate(json.loads(said("nft", "-j", "list", "ruleset") or '{"nftables": []}')["nftables"]):
        (kind, value), = row.items()
        if kind == "metainfo":
            continue
        value.pop("handle", None)
        for part in value.get("expr", []):
            if isinstance(part, dict) and isinstance(part.get("counter"), dict):
                part["counter"] = None
        text = json.dumps({kind: value}, sort_keys=True)
        place = [str(value.get(key, "")) for key in ("family", "table", "chain", "name")]
        found["%s %s" % (kind, text if kind == "rule" else " ".join(place))] = text
    for program in ("iptables-legacy-save", "ip6tables-legacy-save"):
        for line in said(program).splitlines():
            if not line.startswith("#"):
                found[program + " " + re.sub(r" ?\[\d+:\d+\] ?", " ", line)] = "there"
    return found

sysctl = ("net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding", "net.ipv6.conf.all.forwarding")
objects = {}
for kind, argv in (
    ("container", ["ps", "--all", "--format", "{{.Names}} {{.Image}} {{.State}}"]),
    ("image", ["images", "--all", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"]),
    ("volume", ["volume", "ls", "--format", "{{.Name}}"]),
    ("network", ["network", "ls", "--format", "{{.Name}} {{.Driver}}"]),
):
    for line in said("docker", *argv).splitlines():
        name, _blank, rest = line.partition(" ")
        objects[kind + " " + name] = rest
units = rows(said("systemctl", "list-units", "--all", "--plain", "--no-legend", "--type=service,socket,timer"), 1)
print(json.dumps({
    "file": files,
    "package": rows(said("dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Status}\n")),
    "package marked manual": dict.fromkeys(said("apt-mark", "showmanual").split(), "yes"),
    "service at boot": rows(said("systemctl", "list-unit-files", "--plain", "--no-legend")),
    "service": {name: " ".join(text.split()[:2]) for name, text in units.items()},
    "listening port": dict.fromkeys(
        (" ".join((line.split()[:1] + line.split()[4:5])) for line in said("ss", "-Hltun").splitlines()), "open"),
    "firewall": ruleset(),
    "account": {line.split(":")[0]: line for line in said("getent", "passwd").splitlines()},
    "group": {line.split(":")[0]: line for line in said("getent", "group").splitlines()},
    "kernel setting": {name: said("sysctl", "-n", name).strip() for name in sysctl},
    "network interface": {line.split(":")[1].strip().split("@")[0]: "there"
                          for line in said("ip", "-o", "link").splitlines()},
    "docker": objects,
}))
"""


class Difference(NamedTuple):
    """One thing that is not as it was; an empty text: it was not, or is not, there."""

    kind: str
    name: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.before:
            return "+ %s %s: %s" % (self.kind, self.name, self.after)
        if not self.after:
            return "- %s %s: %s" % (self.kind, self.name, self.before)
        return "~ %s %s: %s, was %s" % (self.kind, self.name, self.after, self.before)


#: What may differ, by kind and name, and why. Anything else is a trace.
ALLOWED: Sequence[Tuple[str, str, str]] = (
    ("file", r"/var/log/.*", "logs go on, and say what happened"),
    ("file", r"/var/cache/(apt|debconf|ldconfig|man)/.*", "caches of packages that were downloaded and looked up"),
    ("file", r"/var/lib/apt/(lists/.*|extended_states)", "lists of packages that can be had, and apt's own marks"),
    ("file", r"/var/lib/dpkg/(status-old|available-old|lock.*|triggers/.*|diversions-old|statoverride-old)",
     "the package manager's own copies of the state before"),
    ("file", r"/var/lib/dpkg/info/(format)?", "the folder of the package manager's records"),
    ("file", r"/etc/(group|gshadow|passwd|shadow)-", "copies of the state before that the accounts' own tools keep"),
    ("file", r"/var/lib/systemd/.*", "systemd's own notes, such as when a timer was due"),
    ("file", r"/(root|home/[^/]+)/\.ansible.*", "Ansible's own folder for any playbook"),
    ("file", r"/home/[^/]+/\.sudo_as_admin_successful", "sudo's own mark at the first login that uses it"),
    ("file", r"/var/lib/containerd/.*", "notes of an engine that was there before"),
    ("file", r"/var/lib/docker/.*", "folders of an engine that was there before"),
    ("service", r"(user(-runtime-dir)?@\d+|systemd-.*|apt-.*|man-db|dpkg-.*|session.*|e2scrub.*|fstrim)\..*",
     "logins and timers come and go"),
    ("service at boot", r"session-.*\.scope|.*\.mount", "logins and mounts come and go"),
    ("service", r".*not-found.*", "a name that systemd met somewhere"),
    ("listening port", r"tcp 127\.0\.0\.1:\d+", "containerd's own, on another number at each start"),
)


def take(scenario: Scenario, host: str) -> Snapshot:
    """What the host is like now."""
    done = scenario.lab.exec(host, ["python3", "-"], stdin=PROGRAM.encode())
    found: Snapshot = json.loads(done.stdout.decode("utf-8", "replace"))
    return found


def compare(before: Snapshot, after: Snapshot) -> List[Difference]:
    """Everything that differs."""
    found = []
    for kind in before:
        for name in sorted(set(before[kind]) | set(after[kind])):
            was, now = before[kind].get(name), after[kind].get(name)
            if was != now:
                found.append(Difference(kind, name, *("" if text is None else text or "there" for text in (was, now))))
    return found


def traces(found: Sequence[Difference]) -> List[Difference]:
    """The differences that nothing in the allow-list explains."""
    return [each for each in found if not reason(each)]


def reason(found: Difference) -> str:
    """Why something may differ, for people; nothing for a trace."""
    for kind, name, why in ALLOWED:
        if found.kind == kind and re.fullmatch(name, found.name):
            return " (%s)" % why
    return ""
