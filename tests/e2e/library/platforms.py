# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Molecule's docker driver cannot know before it makes hosts: images, a network and names of this checkout.

`ready` makes them and prints the platforms of the scenario that Molecule is running as the driver takes them. By their
labels the hosts are the lab's, so that all that works on a lab's hosts works on them; `set_up` gives them accounts and
keys.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Dict, List, Tuple

import yaml

from lab import lab_engine
from lab.lab_state import resolvers
from tests.e2e.library.scenario import Scenario, of_molecule


def tell(text: str) -> None:
    """Tell the person in front of the machine."""
    print(text, file=sys.stderr, flush=True)


def kinds(config: Dict[str, Any]) -> Dict[str, Tuple[str, str]]:
    """Suite and variant of each host, as its image says them."""
    found = {}
    for one in config["platforms"]:
        suite, _hyphen, variant = one["image"].rpartition(":")[2].partition("-")
        found[one["name"]] = (suite, variant)
    return found


def ready(scenario: Scenario, config: Dict[str, Any]) -> List[Dict[str, Any]]:
    """See to images, network and folder; the platforms with all that differs from one checkout to the next."""
    lab = scenario.lab
    lab.state.prepare(lab.name)
    lab_engine.create_network(lab.client_network, lab.name, resolvers())
    made = []
    for one in config["platforms"]:
        suite, variant = kinds(config)[one["name"]]
        labels = {"": lab.name, ".host": one["name"], ".suite": suite, ".variant": variant,
                  ".state": str(lab.state.folder)}
        made.append(dict(
            one, name="qslab-%s-%s" % (lab.name, one["name"]), hostname=one["name"],
            image=lab_engine.ensure_image(suite, variant, tell), network_mode=lab.client_network,
            labels={lab_engine.LAB_LABEL + key: value for key, value in labels.items()},
            volumes=[*one.get("volumes", []), "%s:/etc/resolv.conf:ro" % lab.state.resolv_conf],
        ))
    return made


def set_up(scenario: Scenario, config: Dict[str, Any]) -> None:
    """Give the hosts that the driver has made what all scenarios' hosts have: accounts, keys, somebody outside."""
    inventory = config["provisioner"].get("inventory", {}).get("host_vars", {})
    walls = {host: own["scenario_firewall"] for host, own in inventory.items() if "scenario_firewall" in own}
    made = set(scenario.hosts)
    scenario.up({host: ":".join(kind) for host, kind in kinds(config).items()},
                str(scenario.variables.get("scenario_login", "root")), walls)
    assert made == set(kinds(config)), "the driver has made %s" % ", ".join(sorted(made))


def main(action: str) -> int:
    """Do one of the two for the scenario that Molecule is running."""
    with open(os.environ["MOLECULE_FILE"], encoding="utf-8") as stored:
        config = yaml.safe_load(stored)
    if action == "ready":
        print(json.dumps(ready(of_molecule(), config)))
    else:
        set_up(of_molecule(), config)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
