# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host whose firewalls are read: files and programs that answer as real ones do."""

from __future__ import annotations

import json

import core_samples as samples
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, Completed
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall import firewalls, surroundings
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.ruleset import packets

CHAIN = {"chain": {"family": "ip", "table": "filter", "name": "INPUT", "handle": 1, "type": "filter", "hook": "input",
                   "prio": 0, "policy": "drop"}}
SAVED = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"
#: What Debian's nftables.service runs.
LOADS = "{ path=/usr/sbin/nft ; argv[]=/usr/sbin/nft -f /etc/nftables.conf ; ignore_errors=no ; }"
UFW = SAVED.replace("COMMIT", ":ufw-user-input - [0:0]\nCOMMIT")


class Machine:
    """A host of files and programs; what is run is written down."""

    def __init__(self, monkeypatch):
        self.files, self.programs, self.units, self.asked, self.booted = {}, {}, {}, [], True
        monkeypatch.setattr(surroundings, "_which", lambda name: name if name in self.programs or (
            name == "systemctl" and self.units is not None) else None)
        monkeypatch.setattr(surroundings.files, "read_file", self.files.get)
        monkeypatch.setattr(surroundings, "run", self.run)
        monkeypatch.setattr(surroundings.ways, "ways", lambda: packets.ANYWHERE)
        monkeypatch.setattr(surroundings, "_names", lambda folder: sorted(
            path[len(folder) + 1:] for path in self.files if path.startswith(folder + "/")))
        monkeypatch.setattr(surroundings.os.path, "isdir", lambda path: self.booted and path == "/run/systemd/system")

    def run(self, argv, check=True, timeout=60.0):
        self.asked.append(" ".join(argv))
        answer = self.programs.get(argv[0], systemctl(self.units))
        answer = answer(argv) if callable(answer) else answer
        done = answer if isinstance(answer, Completed) else Completed(0, answer.encode(), b"")
        if check and done.rc != 0:
            raise CommandError(argv, done.reason, done)
        return done

    def look(self, **wish):
        found = firewalls.read(samples.firewall_spec(**wish))
        self.asked = [line for line in self.asked if not line.startswith("systemctl")]
        return found


def systemctl(units):
    """What systemctl show says of these units."""
    def answer(argv):
        rows = ["Id=%s\nActiveState=%s\nUnitFileState=%s\nExecStart=%s" % (name, *found, *[LOADS][len(found) - 2:])
                for name in argv[3:] for found in [(units or {}).get(name, ("inactive", ""))]]
        return "\n\n".join(rows) + "\n"

    return answer


def nft(*items):
    return json.dumps({"nftables": [{"metainfo": {}}, *items]})
