# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Does a stranger's packet come in? Asked of the host's rules with a real packet, as POSIX shell; no Python. Pure.

What goes to one's own address comes by lo, so that no rule for another interface sees it. Here the rules are loaded
into a network of its own, with the interface and the address by which the host is reached, and the packet comes from
there.
"""

from __future__ import annotations

from typing import List, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import grammar

#: What it needs of a host, with the package that has it.
PROGRAMS = {"ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux"}
#: So many are asked at most; one that comes in is enough.
_MOST = 8
#: Of everybody: addresses that nobody has (RFC 5737, RFC 3849).
_NOBODY = {4: "198.51.100.1", 6: "2001:db8::1"}

_SCRIPT = r"""copied() {
  [ -z "$(command -v ipset)" ] || ipset save >"$dir/ipset" || return 1
  nft list tables >"$dir/tables" || return 1
  while read -r _ family table; do
    nft list table "$family" "$table" >"$dir/table" 2>/dev/null || return 1
    # what iptables has made, only iptables can load
    if grep -q '[[:space:]]xt \(match\|target\) ' "$dir/table"; then continue; fi
    sed '/^[[:space:]]*flags owner/d' "$dir/table" >>"$dir/nft"
  done <"$dir/tables"
  for program in iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy iptables ip6tables; do
    case $program in *s) [ -z "$(command -v "$program-nft-save")" ] || continue ;; esac
    [ -z "$(command -v "$program-save")" ] || "$program-save" >"$dir/$program" 2>/dev/null || return 1
  done
}

# 0: a stranger comes in; 1: none does; 2: nobody can say.
admits() {
  dir=%(run)s/rules
  tried=
  rm -rf "$dir"
  mkdir -p "$dir" && copied || { echo "the rules of this host cannot be read"; return 2; }
  for source in %(strangers)s; do
    device= own=
    set -- $(ip -o route get "$source" 2>/dev/null)
    while [ $# -gt 1 ]; do
      case $1 in dev) device=$2 ;; src) own=$2 ;; esac
      shift
    done
    [ -n "$own" ] && [ "$device" != lo ] || continue
    unshare -n /bin/sh -s "$dir" "$device" "$own" "$source" <<'ASKED'
dir=$1 device=$2 own=$3 source=$4
case $own in *:*) bits=128 more=nodad ;; *) bits=32 more= ;; esac
here=02:00:00:00:00:01 there=02:00:00:00:00:02
ip link add "$device" address "$here" type veth peer name oqs-stranger address "$there" || exit 2
for path in /sys/class/net/*; do # a rule may name an interface by its number: it must be there
  if grep -qsF "\"${path##*/}\"" "$dir/nft"; then ip link add "${path##*/}" type veth 2>/dev/null; fi
done
unshare -n sleep 60 &
child=$!
trap 'kill "$child"' EXIT
for try in 1 2 3 4 5 6 7 8 9 10; do
  if [ "$(readlink "/proc/$child/ns/net")" != "$(readlink /proc/self/ns/net)" ]; then break; fi
  sleep 0.1
done
stranger() { nsenter -t "$child" -n "$@"; }
ip link set oqs-stranger netns "$child" || exit 2
ip link set lo up
ip addr add "$own/$bits" dev "$device" $more && ip link set "$device" up &&
  ip route add "$source/$bits" dev "$device" &&
  ip neigh add "$source" lladdr "$there" dev "$device" nud permanent || exit 2
stranger ip addr add "$source/$bits" dev oqs-stranger $more && stranger ip link set oqs-stranger up &&
  stranger ip route add "$own/$bits" dev oqs-stranger &&
  stranger ip neigh add "$own" lladdr "$here" dev oqs-stranger nud permanent || exit 2
[ ! -s "$dir/ipset" ] || ipset restore <"$dir/ipset" || exit 2
[ ! -s "$dir/nft" ] || nft -f "$dir/nft" || exit 2
for program in iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy iptables ip6tables; do
  [ ! -s "$dir/$program" ] || "$program-restore" <"$dir/$program" || exit 2
done
# behind all other rules
nft -f - <<'LAST' || exit 2
table inet oqs_ssh_asked {
  chain input {
    type filter hook input priority 2147483647; policy accept;
    tcp dport %(port)d counter
  }
}
LAST
stranger timeout 4 ssh -F /dev/null -o BatchMode=yes -o ConnectTimeout=3 -o StrictHostKeyChecking=yes \
  -o UserKnownHostsFile=/dev/null -p %(port)d "nobody@$own" true </dev/null >/dev/null 2>&1
nft list table inet oqs_ssh_asked | grep -q 'counter packets [1-9]'
ASKED
    case $? in
      0) return 0 ;;
      1) tried="$tried $source" ;;
      *) echo "the rules of this host cannot be tried in a network of their own"; return 2 ;;
    esac
  done
  [ -n "$tried" ] || { echo "no way leads to any of %(strangers)s"; return 2; }
  echo "the rules of this host close port %(port)d to$tried"
  return 1
}
"""


def addresses(sources: Sequence[str]) -> List[str]:
    """Who is asked about: of each network an address, and another one in case the first is the host itself.

    :raises ValueError: a source that is none.
    """
    found = []
    for network in map(grammar.network, sources):
        if network.prefixlen == 0:
            found.append(_NOBODY[network.version])
        elif network.num_addresses < 4:
            found.append(str(network.network_address))
        else:
            found += [str(network.network_address + 1), str(network.broadcast_address - 1)]
    return found[:_MOST]


def script(run: str, port: int, strangers: Sequence[str]) -> str:
    """A function of shell, ``admits``.

    :param run: a folder that root alone writes.
    :param strangers: addresses that should come in.
    """
    return _SCRIPT % {"run": run, "port": port, "strangers": " ".join(strangers)}
