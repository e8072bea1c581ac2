# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lockdown as texts: the rules, the watch, its units, and how all of it is undone. Pure.

Everything that may have to open the host again is POSIX shell, nft and systemd: neither Docker nor Python. Whatever of
it is lost or damaged, the host opens; nothing is closed by what is missing.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from typing import Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import stranger
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import grammar

#: What a step of the way asks for: to close, to confirm; nothing is the end of it.
CLOSE, CONFIRM = "close", "confirm"
TABLE = "inet oqs_ssh_lockdown"
FOLDER = "/etc/oqs-ssh-lockdown"
WATCH = FOLDER + "/watch"
#: Gone after a reboot, as all of a lockdown is that nobody confirmed.
RUN = "/run/oqs-ssh-lockdown"
TOKEN = RUN + "/token"
NAME = "oqs-ssh-lockdown"
SERVICE, TIMER, OPEN = NAME + ".service", NAME + ".timer", NAME + "-open.service"
UNDO = NAME + "-undo"
UNITS = "/etc/systemd/system"
PROGRAMS = {
    "nft": "nftables", "systemd-run": "systemd", "ssh": "openssh-client", "timeout": "coreutils", "find": "findutils",
    **stranger.PROGRAMS,
}

#: Opens, and leaves the host as it was; run by systemd, which knows dollar and percent signs: there are none. Open
#: first, and again when the watch, which may just have closed, is stopped.
UNDOING = """nft delete table %(table)s 2>/dev/null
systemctl disable --quiet --now %(timer)s %(service)s 2>/dev/null
nft delete table %(table)s 2>/dev/null
rm -f %(units)s/%(service)s %(units)s/%(timer)s %(units)s/%(open)s
rm -rf %(folder)s %(run)s
systemctl daemon-reload
systemctl reset-failed %(service)s %(open)s 2>/dev/null
if nft list table %(table)s >/dev/null 2>&1; then exit 1; fi
systemctl stop %(undo)s.timer 2>/dev/null
exit 0""" % {
    "table": TABLE, "timer": TIMER, "service": SERVICE, "open": OPEN, "units": UNITS, "folder": FOLDER, "run": RUN,
    "undo": UNDO,
}

_RULES = """table %(table)s {}
delete table %(table)s
table %(table)s {
  chain input {
    type filter hook input priority -10; policy accept;
    iifname "lo" accept
%(sources)s    tcp dport { %(ports)s } tcp flags & (fin | syn | rst | ack) == syn drop
%(kept)s    tcp dport %(port)d tcp flags & (fin | syn | rst | ack) == syn limit rate over 1/second burst 10 packets drop
  }
}
"""

_WATCH = """#!/bin/sh
# %(words)s
# Written by quantumsafe.openssh (playbooks/lockdown.yml), run by %(timer)s. Needs neither Docker nor Python.
set -u
umask 077
mkdir -p %(run)s || exit 1

# Any user of the host may bind the port while the container is down, and so may another container on the host's
# network: whoever listens there must be root, and see the state that is mounted into ours.
held() {
  for link in $(find /proc/[0-9]*/fd -maxdepth 1 -lname "socket:\\[$1\\]" 2>/dev/null); do
    if [ "${link%%/fd/*}/root%(state)s" -ef %(state)s ]; then return 0; fi
  done
  return 1
}

ours() {
  found=1
  for table in /proc/net/tcp /proc/net/tcp6; do
    [ -r "$table" ] || continue
    while read -r _ end _ state _ _ _ uid _ inode _; do
      case $state$end in
        0A*:%(hexadecimal)s) [ "$uid" = 0 ] && held "$inode" || return 1; found=0 ;;
      esac
    done <"$table"
  done
  return "$found"
}

# A server that has too much to do, or has had enough of this address, is alive. Its key must be the pinned one, where
# the host's ssh knows a type that it has.
answers() {
  [ -s %(needs)s ] && ours || return 1
  said=$(LC_ALL=C timeout 20 ssh -F /dev/null -v -o BatchMode=yes -o ConnectTimeout=10 -o StrictHostKeyChecking=yes \\
    -o GlobalKnownHostsFile=/dev/null -o UserKnownHostsFile=%(state)s/known_hosts -o PreferredAuthentications=none \\
    -p %(port)d %(user)s@%(address)s true </dev/null 2>&1)
  case $said in
    *"Host key verification failed"*) return 1 ;;
    *"remote software version"* | *"Exceeded MaxStartups"* | *"Not allowed at this time"*) return 0 ;;
  esac
  return 1
}

%(admits)s
alive() {
  answers || { echo "port %(port)d does not answer"; return 1; }
  admits
}

closed() {
  nft -f - <<'END'
%(closed)sEND
}

breakglass() {
  nft -f - <<'END'
%(breakglass)sEND
}

case ${1-} in
  ask) alive; exit ;;
  answers) answers; exit ;;
  admits) admits; exit ;;
esac
if alive; then
  rm -f %(run)s/silent
  closed
  exit
fi
# seconds since the boot: the clock may jump
now=$(cut -d . -f 1 /proc/uptime) || exit 1
since=$(cat %(run)s/silent 2>/dev/null)
case $since in
  ''|*[!0-9]*) since=$now; echo "$now" >%(run)s/silent ;;
esac
if [ $((now - since)) -ge %(patience)d ]; then
  echo "port %(port)d has let nobody in for $((now - since)) s: open to the breakglass sources"
  breakglass
else
  closed
fi
"""

#: The hash is asked first: a watch that somebody has changed or emptied fails, and a failure opens.
_SERVICE = """[Unit]
Description=SSH is closed to the world while the quantum-safe port answers
After=nftables.service firewalld.service ufw.service
Before=ssh.service sshd.service ssh.socket sshd.socket
OnFailure=%(open)s
StartLimitIntervalSec=0

[Service]
Type=oneshot
TimeoutStartSec=90
ExecStart=/bin/sh -c 'echo "%(hash)s  %(watch)s" | sha256sum --check --status && exec /bin/sh %(watch)s'

[Install]
WantedBy=multi-user.target
"""

_TIMER = """[Unit]
Description=Ask every %(interval)d seconds whether the quantum-safe port answers

[Timer]
OnActiveSec=1s
OnUnitInactiveSec=%(interval)ds
AccuracySec=1s

[Install]
WantedBy=timers.target
"""

_OPEN = """[Unit]
Description=SSH is opened, because the lockdown's watch is damaged

[Service]
Type=oneshot
ExecStart=-nft delete table %s
""" % TABLE


#: What ``words`` says, in the watch's second line.
_SAID = re.compile(r"\A#!/bin/sh\n# closed: port ([0-9, ]+); open to (\S[^;\n]*) when port (\d{1,5}) \(([0-9a-f.:]+)\) "
                   r"has not answered for ([0-9.e+]+) minutes\n")


class Ready(NamedTuple):
    """What a lockdown needs to know: the ports that are closed, who is let in when the server is silent, and how long
    that takes; the server's port and the address that it is asked at; addresses that should come in to it (of old: the
    first of the breakglass sources); a file of the state without which nobody can log
    in (a server that answers, but lets nobody in, is no way); its user."""

    ports: List[int]
    breakglass_sources: List[str]
    breakglass_minutes: float
    port: int
    address: str
    needs: str
    user: str = "oqs"
    strangers: Sequence[str] = ()


def seconds(minutes: float) -> int:
    """Minutes of a variable as whole seconds, at least 1."""
    return max(1, round(float(minutes) * 60))


def words(want: Ready) -> str:
    """What is in force, in a line for people; it stands in the watch and in the plan."""
    sources = grammar.sources(want.breakglass_sources)
    return "closed: port %s; open to %s when port %d (%s) has not answered for %g minutes" % (
        ", ".join(map(str, want.ports)), ", ".join(sources), want.port, want.address, want.breakglass_minutes,
    )


def rules(want: Ready, broken: bool = False) -> str:
    """The table, loaded in one transaction. Only the first packet of a connection is dropped, so established ones live
    on and the host needs no connection tracking. New connections to the server itself are bounded, so that those that
    never log in (LoginGraceTime) are fewer than MaxStartups: a flood leaves room for the breakglass sources, which are
    not counted.

    :param broken: the breakglass sources may come in to the host's own sshd, too.
    """
    joined = ", ".join(map(str, want.ports))
    allowed = kept = ""
    for version, family in ((4, "ip"), (6, "ip6")):
        found = ", ".join(_together(want.breakglass_sources, version))
        if found:
            kept += "    %s saddr { %s } accept\n" % (family, found)
            allowed += "    %s saddr { %s } tcp dport { %s } accept\n" % (family, found, joined)
    return _RULES % {"table": TABLE, "sources": allowed if broken else "", "ports": joined, "kept": kept,
                     "port": want.port}


def _together(sources: Sequence[str], version: int) -> List[str]:
    """Networks of a version without overlaps, which nft refuses in a set."""
    networks = [grammar.network(source) for source in sources]
    if version == 4:
        return [str(each) for each in ipaddress.collapse_addresses(
            each for each in networks if isinstance(each, ipaddress.IPv4Network))]
    return [str(each) for each in ipaddress.collapse_addresses(
        each for each in networks if isinstance(each, ipaddress.IPv6Network))]


def parse(watch: bytes, user: str) -> Optional[Ready]:
    """What a watch was written for, by this version or an earlier one; None where it does not say so.

    :param user: the server's, which earlier versions did not name.
    """
    text = watch.decode("utf-8", "replace")
    said, needs = _SAID.search(text), re.search(r"\[ -s (/[A-Za-z0-9/_-]+) \]", text)
    strangers = re.search(r"for source in ([0-9a-f.: ]+); do", text)
    if not said or not needs:
        return None
    ports, sources, port, address, minutes = said.groups()
    try:
        allowed = grammar.sources(sources.split(", "))
        asked = strangers.group(1).split() if strangers else stranger.addresses(allowed)
        return Ready([int(each) for each in ports.split(", ")], allowed, float(minutes), int(port), address,
                     needs.group(1), user, asked)
    except ValueError:
        return None


def watched(watch: bytes) -> int:
    """The port that a watch asks; 0: none is known."""
    found = re.search(rb" -p (\d{1,5}) [a-z0-9_-]+@", watch)  # what its ssh is called with
    return int(found.group(1)) if found else 0


def files(want: Ready) -> Dict[str, str]:
    """Everything of a confirmed lockdown that lies on the host: path to text."""
    patience = seconds(want.breakglass_minutes)
    watch = _WATCH % {
        "words": words(want), "timer": TIMER, "run": RUN, "port": want.port, "address": want.address,
        "hexadecimal": "%04X" % want.port,
        "needs": want.needs, "patience": patience, "closed": rules(want), "breakglass": rules(want, broken=True),
        "state": paths.STATE_DIR, "user": want.user, "admits": stranger.script(RUN, want.port, want.strangers),
    }
    named = {"open": OPEN, "watch": WATCH, "hash": hashlib.sha256(watch.encode()).hexdigest()}
    return {
        WATCH: watch,
        "%s/%s" % (UNITS, OPEN): _OPEN,
        "%s/%s" % (UNITS, SERVICE): _SERVICE % named,
        "%s/%s" % (UNITS, TIMER): _TIMER % {"interval": max(2, min(60, patience // 10))},
    }
