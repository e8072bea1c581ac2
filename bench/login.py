# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long a login takes: classical, post-quantum, post-quantum with the hop, and the same multiplexed.

    .venv/bin/python -m bench.login [--runs 30] [--write]

One client program from outside the host, the command `true`, side by side in rounds; medians. Ends with one line of
JSON; --write puts the table into docs/.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import subprocess
import sys
from typing import Dict, List, Sequence

from tests.e2e.library import scenario
from tests.e2e.library.visitor import TRUST

HOST = "web1"
KNOWN = ("-o", "UserKnownHostsFile=/root/.ssh/known_hosts.bench")
PQ_KEX = "mlkem768nistp256-sha256"
#: What is measured against what, and how many times as long it may take.
GOALS = {
    "post-quantum": ("classical", 1.3),
    "post-quantum and hop": ("classical", 2.2),
    "post-quantum, multiplexed": ("classical, multiplexed", 1.1),
    "post-quantum and hop, multiplexed": ("classical, multiplexed", 1.1),
}
#: Reads a command line a line, and runs all of them in rounds; prints round, number and microseconds. It is a shell in
#: the client's container that looks at the clock, so that nothing but ssh is measured.
ROUNDS = """
mapfile -t lines
for round in $(seq "$1"); do
    for number in "${!lines[@]}"; do
        begun=${EPOCHREALTIME/./}
        eval "${lines[$number]}" </dev/null >/dev/null 2>/tmp/said || { cat /tmp/said >&2; exit 1; }
        echo "$number $((${EPOCHREALTIME/./} - begun))"
    done
done
"""
INTRODUCTION = """# How long a login takes

Made by `make bench-login WRITE=1`: the command `true`, the same client from outside the host, side by side in %d rounds
(%s). Classical is curve25519 and ed25519 to the host's own sshd;
post-quantum is %s with hybrid keys to the container; the hop goes on from there to the
host's own sshd by ProxyJump. Multiplexed: through a connection that is open already. The container's sshd has no PAM to
ask, and no session to register with systemd: that saves more than the post-quantum key exchange costs.

"""


def commands(address: str) -> Dict[str, List[str]]:
    """The command lines, by what they measure."""
    ssh = ["/opt/oqs-ssh/bin/ssh", *TRUST, *KNOWN, "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"]
    classical = [*ssh, "-F", "none", "-o", "KexAlgorithms=curve25519-sha256", "-o", "HostKeyAlgorithms=ssh-ed25519",
                 "-i", "/root/.ssh/alice"]
    quantum = [*ssh, "-F", "none", "-o", "KexAlgorithms=" + PQ_KEX, "-o", "HostKeyAlgorithms=ssh-mldsa44-ed25519",
               "-o", "PubkeyAcceptedAlgorithms=ssh-mldsa44-ed25519", "-i", "/root/.ssh/" + scenario.PQ_KEY]
    way = shlex.join([*quantum, "-W", "%h:%p", "-p", "2222", "oqs@" + address])
    hop = [*ssh, "-F", "none", "-o", "HostKeyAlias=" + address, "-o", "ProxyCommand=" + way, "-i", "/root/.ssh/alice"]
    logins = {
        "classical": [*classical, "-p", "22", "alice@" + address],
        "post-quantum": [*quantum, "-p", "2222", "oqs@" + address],
        "post-quantum and hop": [*hop, "-p", "22", "alice@localhost"],
    }
    for name, line in list(logins.items()):
        control = "/tmp/" + name.replace(" ", "-")
        logins[name + ", multiplexed"] = [line[0], "-o", "ControlPath=" + control, "-o", "ControlMaster=auto",
                                          "-o", "ControlPersist=600", *line[1:]]
    return logins


def measure(made: scenario.Scenario, runs: int) -> Dict[str, List[float]]:
    """Milliseconds of each round, by what they measure; a round before the first does not count.

    :raises SystemExit: a login failed; with what ssh said.
    """
    logins = commands(made.address(HOST))
    lines = "".join(shlex.join([*line, "true"]) + "\n" for line in logins.values())
    argv = ["docker", "exec", "-i", made.visitor_container, "bash", "-c", ROUNDS, "bash", str(runs + 1)]
    done = subprocess.run(argv, input=lines, capture_output=True, text=True, check=False, timeout=1800)
    if done.returncode != 0:
        raise SystemExit("a login failed: %s" % done.stderr.strip())
    found: Dict[str, List[float]] = {name: [] for name in logins}
    for line in done.stdout.splitlines()[len(logins):]:
        number, taken = line.split()
        found[list(logins)[int(number)]].append(int(taken) / 1000)
    return found


def table(middle: Dict[str, float]) -> str:
    """Medians and ratios as a Markdown table."""
    lines = ["| login | ms | compared with | times as long | goal |", "|---|---|---|---|---|"]
    for name, taken in middle.items():
        base, goal = GOALS.get(name, ("", 0.0))
        ratio = ["%.2f" % (taken / middle[base]), "%.1f" % goal] if base else ["", ""]
        lines.append("| %s |" % " | ".join([name, "%.0f" % taken, base, *ratio]))
    return "\n".join(lines) + "\n"


def summary(middle: Dict[str, float], runs: int) -> Dict[str, object]:
    """The line of JSON."""
    ratios = {name: round(middle[name] / middle[base], 2) for name, (base, _goal) in GOALS.items()}
    missed = {name: ratio for name, ratio in ratios.items() if ratio > GOALS[name][1]}
    return {"name": "bench-login", "ok": not missed, "runs": runs, "missed": missed, "times_as_long": ratios,
            "milliseconds": {name: round(taken, 1) for name, taken in middle.items()}}


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    options.add_argument("--runs", type=int, default=30)
    options.add_argument("--write", action="store_true", help="table into docs/")
    given = options.parse_args(arguments)
    with scenario.running(scenario.Setting("bench-login", {HOST: "trixie:docker"})) as made:
        key = made.keys / "alice"
        key.write_bytes(made.lab.state.alice_key.read_bytes())
        key.chmod(0o600)
        run = made.deploy(oqs_ssh_image_source="build")
        if run.code != 0:
            raise SystemExit(run.text)
        client = made.inside(HOST, "/opt/oqs-ssh/bin/ssh", "-V")
        middle = {name: statistics.median(taken) for name, taken in measure(made, given.runs).items()}
    text, found = table(middle), summary(middle, given.runs)
    print(text)
    if given.write:
        introduction = INTRODUCTION % (given.runs, client, PQ_KEX)
        (scenario.ROOT / "docs" / "bench-login.md").write_text(introduction + text, encoding="utf-8")
    print(json.dumps(found))
    return 0 if found["ok"] else 1


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main(sys.argv[1:]))
