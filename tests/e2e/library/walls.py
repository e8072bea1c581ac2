# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Firewalls of test hosts, as people set them up: everything closed but ssh, and rules of their own that must stay."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING, Callable, Dict, List

if TYPE_CHECKING:
    from tests.e2e.library.scenario import Scenario

NFTABLES = """#!/usr/sbin/nft -f
flush ruleset

table inet filter {
    set friends { type ipv4_addr; elements = { 192.0.2.7, 192.0.2.9 } }
    chain input {
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        iif lo accept
        meta l4proto { icmp, ipv6-icmp } accept
        tcp dport 22 accept comment "the host's own sshd"
        ip saddr @friends tcp dport 9100 counter accept
    }
    chain forward { type filter hook forward priority filter; policy drop; }
}
"""
_IPTABLES = """
for family in 4 6; do
    if [ $family = 4 ]; then program=iptables%(kind)s icmp=icmp bad=192.0.2.66; fi
    if [ $family = 6 ]; then program=ip6tables%(kind)s icmp=ipv6-icmp bad=2001:db8::66; fi
    $program -A INPUT -s $bad -j DROP
    $program -A INPUT -i lo -j ACCEPT
    $program -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    $program -A INPUT -p $icmp -j ACCEPT
    $program -A INPUT -p tcp -m tcp --dport 22 -m comment --comment "the host's own sshd" -j ACCEPT
    %(end)s
done
"""
#: How each is set up; what comes to the script on standard input is a file of its own.
SETUP: Dict[str, str] = {
    "nftables": "cat > /etc/nftables.conf\nsystemctl enable --now nftables",
    "ufw": """
ufw allow 22/tcp
ufw deny from 192.0.2.66
ufw allow proto tcp from 192.0.2.7 to any port 9100 comment theirs
ufw --force enable
# A second firewall, until the next boot: a packet has to pass both.
nft -f - <<'END'
table inet second {
    chain input {
        type filter hook input priority 5; policy drop;
        ct state established,related accept
        iif lo accept
        meta l4proto { icmp, ipv6-icmp } accept
        tcp dport { 22, 2223 } accept
    }
}
END
""",
    "ufw alone": "ufw allow 22/tcp\nufw --force enable",
    # As EL and its kin load it.
    "nftables of EL": """
mkdir -p /etc/sysconfig /etc/systemd/system/nftables.service.d
cat > /etc/sysconfig/nftables.conf
rm -f /etc/nftables.conf
cat > /etc/systemd/system/nftables.service.d/el.conf <<'END'
[Service]
ExecStart=
ExecStart=/usr/sbin/nft 'flush ruleset; include "/etc/sysconfig/nftables.conf";'
END
systemctl daemon-reload
systemctl enable --now nftables
""",
    # Rules that a unit of one's own loads at boot, which nobody else knows of.
    "own unit": """
cat > /etc/own.rules <<'END'
*filter
:INPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
END
cat > /etc/systemd/system/own.service <<'END'
[Service]
Type=oneshot
ExecStart=/bin/sh -c "iptables-restore --noflush /etc/own.rules; ip6tables-restore --noflush /etc/own.rules"
[Install]
WantedBy=multi-user.target
END
systemctl enable --now own
""",
    "firewalld": """
systemctl enable --now firewalld
their='rule family="ipv4" source address="192.0.2.7" port port="9100" protocol="tcp" accept'
firewall-cmd --permanent --add-rich-rule="$their"
firewall-cmd --add-rich-rule="$their"
firewall-cmd --add-port=9101/tcp
""",
    # Of the old kind, by a chain that ends in a drop, and nothing keeps it.
    "iptables": _IPTABLES % {"kind": "-legacy", "end": "$program -N last; $program -A last -j DROP; "
                                                       "$program -A INPUT -j last"},
    "iptables-persistent": "dpkg --purge ufw && dpkg -i /opt/iptables-persistent/*.deb" + _IPTABLES % {
        "kind": "", "end": "$program -P INPUT DROP"} + "netfilter-persistent save",
}
_LISTENER = """
import socket
door = socket.create_server(("::", %d), family=socket.AF_INET6, dualstack_ipv6=True)
door.settimeout(%d)
while True:
    door.accept()[0].close()
"""


def reachable(address: str, port: int, seconds: float = 2.0) -> bool:
    """Whether a TCP connection from here succeeds."""
    try:
        with socket.create_connection((address, port), seconds):
            return True
    except OSError:
        return False


class Listener:
    """Somebody who listens on a port of a host, for both families; while a ``with`` lasts."""

    def __init__(self, scenario: Scenario, host: str, port: int, seconds: int = 120) -> None:
        """:param seconds: it ends by itself after so many without a visitor."""
        self.scenario, self.host, self.port, self.seconds = scenario, host, port, seconds
        self.mark = "/run/listener-%d" % port

    def __enter__(self) -> Listener:
        return self.start()

    def start(self) -> Listener:
        """Listen; when this returns, it does."""
        script = "python3 -c '%s' >/dev/null 2>&1 & echo $! > %s" % (_LISTENER % (self.port, self.seconds), self.mark)
        self.scenario.root(self.host, "sh", "-c", script)
        ready = "for try in $(seq 100); do ss -Hltn 'sport = :%d' | grep -q . && exit 0; sleep 0.1; done; exit 1"
        self.scenario.root(self.host, "sh", "-c", ready % self.port)
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Nobody listens any more."""
        self.scenario.root(self.host, "sh", "-c", "kill $(cat %s); rm %s" % (self.mark, self.mark))


def set_up(scenario: Scenario, host: str, kind: str) -> None:
    """Make a firewall active; that it closes the port is seen from outside, with somebody listening."""
    with Listener(scenario, host, 2222):
        assert reachable(scenario.address(host), 2222)
        rules = NFTABLES.encode() if kind.startswith("nftables") else b""
        scenario.lab.exec(host, ["sh", "-ec", SETUP[kind]], stdin=rules)
        for address in scenario.addresses(host):
            assert not reachable(address, 2222, 1.0), "the firewall of %s closes nothing for %s" % (host, address)


def rules(ruleset: str) -> str:
    """An nftables rule set without handles, counters and the rules that we tagged."""
    kept = []
    for row in json.loads(ruleset)["nftables"]:
        (kind, value), = row.items()
        if kind == "metainfo" or "oqs-ssh" in str(value.get("comment", "")):
            continue
        value.pop("handle", None)
        for part in value.get("expr", []):
            if isinstance(part, dict) and isinstance(part.get("counter"), dict):
                part["counter"] = None
        kept.append({kind: value})
    return json.dumps(kept, sort_keys=True)


def _saved(text: str, chains: str = "INPUT|last") -> List[str]:
    """The lines for the host itself of what iptables-save printed, without counters and ours."""
    found = re.findall(r"(?m)^(?:\[\S+\] )?((?::|-A )(?:%s) .*)$" % chains, text)
    return [re.sub(r" \[\d+:\d+\]", "", line) for line in found if "--comment oqs-ssh" not in line]


def _ufw(scenario: Scenario, host: str) -> List[str]:
    listed = scenario.root(host, "ufw", "show", "added").splitlines()
    state = scenario.root(host, "cat", "/etc/ufw/ufw.conf", "/etc/ufw/before.rules", "/etc/default/ufw")
    return [state] + [line for line in listed if "oqs-ssh" not in line]


def _firewalld(scenario: Scenario, host: str) -> List[str]:
    found = scenario.root(host, "firewall-cmd", "--permanent", "--list-all-zones").splitlines()
    found += scenario.root(host, "firewall-cmd", "--zone=public", "--list-all").splitlines()[1:]
    return [line for line in found if '"22222"' not in line and "interfaces:" not in line]


def _iptables(scenario: Scenario, host: str) -> List[str]:
    found = []
    for name in ("iptables", "ip6tables"):
        for kind in ("nft", "legacy"):
            found += _saved(scenario.root(host, "%s-%s-save" % (name, kind), "-t", "filter"))
    for name in ("rules.v4", "rules.v6"):
        found += _saved(scenario.root(host, "cat", "/etc/iptables/" + name, check=False))
    return found


#: All rules of a host's firewall that are not ours, by its kind.
OTHERS: Dict[str, Callable[[Scenario, str], List[str]]] = {
    "nftables": lambda scenario, host: [rules(scenario.root(host, "nft", "-j", "list", "ruleset"))],
    "ufw": _ufw, "firewalld": _firewalld, "iptables": _iptables, "iptables-persistent": _iptables,
    "ufw alone": _ufw, "own unit": _iptables,
    "nftables of EL": lambda scenario, host: [rules(scenario.root(host, "nft", "-j", "list", "ruleset"))],
}
