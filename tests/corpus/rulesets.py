# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rule sets: loaded by the real programs, tried with real packets, and judged by what the role would do.

A verdict is of IPv4 and IPv6: ``open``, ``closed``, or ``named`` (closed, or led elsewhere, by something that is not
ours to change: the plan says so in words), ``some`` (packets come in, but not everybody's: a rule of ours does no
harm). Where it is closed our opening has to let packets in, or the run refuses and says why.
"""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalls, surroundings
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.backend import FirewallChange
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import model
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.spec import FirewallSpec

from tests.corpus.network import PORT, STRANGER, Wire, call

EVERYBODY = {"ip": "0.0.0.0/0", "ip6": "::/0"}
#: Words of a note or a refusal about packets that are led elsewhere, or dropped before the filter.
_NAMED = re.compile(r"(?i)\bnat\b|redirect|forward|elsewhere|\bbefore\b|prerouting|\braw\b")
_RICH = re.compile(r"(?m)^rule .*$")


class Firewall:
    """One kind: how a file of it is loaded, and how all of it goes again."""

    units: Tuple[str, ...] = ()
    families = True  # we can be asked about each family alone

    def start(self) -> None:
        """Before the first file."""

    def load(self, path: Path) -> None:
        raise NotImplementedError

    def clear(self) -> None:
        call(["nft", "flush", "ruleset"])


class Nft(Firewall):
    def load(self, path: Path) -> None:
        call(["nft", "-f", str(path)])


class Iptables(Firewall):
    """Sections for IPv6 stand behind a line ``# ip6tables``."""

    def load(self, path: Path) -> None:
        four, _mark, six = path.read_text().partition("# ip6tables\n")
        for program, text in (("iptables-restore", four), ("ip6tables-restore", six)):
            if "COMMIT" in text:
                call([program], text.encode())


class Ufw(Firewall):
    """A user.rules file (with user6.rules behind ``# user6.rules``), or the commands that somebody gave."""

    def start(self) -> None:
        call(["sed", "-i", "s/^IPT_SYSCTL=.*/IPT_SYSCTL=/", "/etc/default/ufw"])
        self.kept = {name: Path(name).read_bytes() for name in (
            "/etc/default/ufw", "/etc/ufw/user.rules", "/etc/ufw/user6.rules", "/etc/ufw/ufw.conf")}

    def load(self, path: Path) -> None:
        text = path.read_text()
        if path.suffix == ".rules":
            four, _mark, six = text.partition("# user6.rules\n")
            Path("/etc/ufw/user.rules").write_text(four)
            if six:
                Path("/etc/ufw/user6.rules").write_text(six)
        else:
            for line in text.splitlines():
                if line.startswith("ufw "):
                    call(line.split())
        call(["ufw", "--force", "enable"])

    def clear(self) -> None:
        call(["nft", "flush", "ruleset"])
        for name, data in self.kept.items():
            Path(name).write_bytes(data)


class Firewalld(Firewall):
    """A zone's file (for the default zone, public), or rich rules as they are typed."""

    units = ("firewalld.service",)
    families = False
    ZONE = Path("/etc/firewalld/zones/public.xml")

    def start(self) -> None:
        Path("/run/dbus").mkdir(exist_ok=True)
        call(["dbus-daemon", "--system", "--fork"])
        self.process = subprocess.Popen(["firewalld", "--nofork", "--nopid"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while call(["firewall-cmd", "--state"], check=False)[0]:
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError("firewalld does not start")
            time.sleep(0.2)

    def load(self, path: Path) -> None:
        text = path.read_text()
        if path.suffix == ".rich":
            self.ZONE.write_text("<zone><service name='ssh'/></zone>")
            rules = ["--add-rich-rule=" + rule for rule in _RICH.findall(text)]
            call(["firewall-offline-cmd", "--zone=public", *rules])
        else:
            self.ZONE.write_text(text)
        call(["firewall-cmd", "--reload"])

    def clear(self) -> None:
        for path in self.ZONE.parent.glob("public.xml*"):
            path.unlink()


KINDS: Dict[str, Firewall] = {"nft": Nft(), "iptables": Iptables(), "ufw": Ufw(), "firewalld": Firewalld()}
#: The ends of names and the kind that they belong to.
ENDS = {
    ".nft": "nft", ".iptables": "iptables", ".rules": "ufw", ".ufw": "ufw", ".xml": "firewalld", ".rich": "firewalld",
}


def wish(*sources: str) -> FirewallSpec:
    return FirewallSpec("present", "auto", list(sources), PORT, "oqs-ssh")


def judged(spec: FirewallSpec, found: firewalls.Found) -> Tuple[str, bool]:
    """What the role makes of the host as it is: is there something to open, and is another's hand in it named?"""
    words = firewalls.refusals(spec, found) + firewalls.notes(spec, found)
    shut = firewalls.changes(spec, found) or firewalls.refusals(spec, found)
    return "closed" if shut else "open", any(map(_NAMED.search, words))


def tried(wire: Wire, kind: Firewall, path: Path, right: Dict[str, str]) -> List[str]:
    """What is not as it should be with one file."""
    kind.load(path)
    wrong = []
    for family in EVERYBODY:
        comes = right[family] in ("open", "some")
        real = "open" if wire.passes(family, comes) else "closed"
        if (real == "open") != comes:
            wrong.append("%s: right %s, packets say %s" % (family, right[family], real))
    found = firewalls.read(wish())
    wrong += said(kind, right, found)
    refused = firewalls.refusals(wish(), found)
    if "closed" in right.values() and "named" not in right.values() and not refused:
        wrong += opened(wire, firewalls.changes(wish(), found))
    return wrong


def said(kind: Firewall, right: Dict[str, str], found: firewalls.Found) -> List[str]:
    """Where our verdict is another than the right one."""
    worst = next((each for each in ("closed", "named", "some") if each in right.values()), "open")
    asked = [("", worst, wish())]
    if kind.families:
        asked += [("%s: " % family, wanted, wish(EVERYBODY[family])) for family, wanted in right.items()]
    wrong = []
    for who, wanted, spec in asked:
        ours, named = judged(spec, found)
        if not named if wanted == "named" else wanted not in (ours, "some"):
            wrong.append("%sright %s, ours %s%s" % (who, wanted, ours, ", not named" if wanted == "named" else ""))
    if isinstance(kind, Nft):
        for family, wanted in right.items():
            sure = model.verdict(found.facts["nftables"].ruleset, PORT, family, STRANGER[family])
            if sure in ("open", "closed") and (sure == "open") != (wanted in ("open", "some")):
                wrong.append("%s: right %s, model.verdict says %s" % (family, wanted, sure))
    return wrong


def opened(wire: Wire, changes: Sequence[FirewallChange]) -> List[str]:
    """What is wrong after our opening: packets come in, and a second run has nothing to do."""
    if not changes:
        return []  # which is said already
    for change in changes:
        for command in change.commands:
            call(list(command.argv), command.stdin)
    wrong = ["%s: still closed after our opening" % family for family in EVERYBODY if not wire.passes(family, True)]
    more = firewalls.changes(wish(), firewalls.read(wish()))
    return wrong + ["after our opening there is more to do: %s" % each.after.replace("\n", "; ") for each in more]


def run(paths: List[Path], table: Dict[str, Dict[str, str]]) -> Dict[str, List[str]]:
    """What is wrong with each of these files, all of one kind; this process stands on a host of its own."""
    wire, kind = Wire(), KINDS[ENDS[paths[0].suffix]]
    surroundings.Surroundings.unit = lambda _self, name: surroundings.Unit(  # there is no systemd here
        name in kind.units, name in kind.units)
    if not isinstance(kind, Ufw):
        call(["mount", "-t", "tmpfs", "corpus", "/etc/ufw"])  # another process is busy with it: not on this host
    kind.start()
    result = {}
    for path in paths:
        try:
            result[path.name] = tried(wire, kind, path, table[path.name])
        except Exception as error:
            result[path.name] = ["%s: %s" % (type(error).__name__, str(error).strip()[-300:])]
        kind.clear()
    return result
