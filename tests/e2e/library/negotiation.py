# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which client negotiates what with a server of which settings: tried by real logins from outside the host.

    .venv/bin/python -m tests.e2e.library.negotiation

makes a host, tries all pairs, and writes docs/negotiation.md.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from typing import Any, Dict, Iterator, List, Tuple

from lab import lab_engine
from tests.e2e.library.scenario import CLIENT_IMAGE, PQ_KEY, ROOT, STOCK_KEY, Scenario, Setting, running
from tests.e2e.library.visitor import Said, Visitor

PAGE = ROOT / "docs" / "negotiation.md"
SERVER = "web1"
#: Debian's own ssh, by suite; forky's is the one in the stock image.
CLIENTS = {"OpenSSH of Debian 12": "bookworm", "OpenSSH of Debian 13": "trixie", "OpenSSH of Debian forky": ""}
OLD = "a client without post-quantum key exchange"
IMAGE = "the image's own client"
SETTINGS: Dict[str, Dict[str, Any]] = {
    "neither": {"oqs_ssh_stock_clients": False},
    "oqs_ssh_stock_clients": {"oqs_ssh_stock_clients": True},
    "and oqs_ssh_classical_clients": {"oqs_ssh_stock_clients": True, "oqs_ssh_classical_clients": True},
}
Found = Dict[Tuple[str, str], str]
HEAD = """# Which client negotiates what

Made by `python -m tests.e2e.library.negotiation`: real clients with their own defaults log in to the stock image from
outside the host; the columns are settings of the deployment. In each cell key exchange, host key, and the person's key.
The scenario `stock-clients` tries it again with every `make test`.

"""


def page(found: Found) -> str:
    """The content of docs/negotiation.md."""
    clients = list(dict.fromkeys(client for client, _setting in found))
    lines = ["| client | %s |" % " | ".join(SETTINGS), "|" + "---|" * (len(SETTINGS) + 1)]
    lines += ["| %s | %s |" % (name, " | ".join(found[name, setting] for setting in SETTINGS)) for name in clients]
    return HEAD + "\n".join(lines) + "\n"


def measured(scenario: Scenario) -> Found:
    """Try all pairs; the host has the settings of its scenario afterwards."""
    found: Found = {}
    with _containers(scenario) as containers:
        for setting, variables in SETTINGS.items():
            run = scenario.deploy(**dict({"oqs_ssh_image_source": "build"}, **variables))
            assert run.code == 0, run.text
            for name, container in containers.items():
                found[name, setting] = _words(_login(scenario, container))
            found[OLD, setting] = _words(_login(scenario, list(containers.values())[-1], "curve25519-sha256"))
            found[IMAGE, setting] = _words(Visitor(scenario).ssh(SERVER, "true"))
    scenario.deploy()
    return found


@contextlib.contextmanager
def _containers(scenario: Scenario) -> Iterator[Dict[str, str]]:
    """A container with each client on the hosts' network; gone afterwards."""
    made: Dict[str, str] = {}
    try:
        for name, suite in CLIENTS.items():
            made[name] = "qslab-%s-client-%s" % (scenario.lab.name, suite or "forky")
            image = lab_engine.ensure_image(suite, "docker", lambda *_words: None) if suite else CLIENT_IMAGE
            subprocess.run(["docker", "rm", "--force", made[name]], capture_output=True, check=False)
            subprocess.run(
                ["docker", "run", "--detach", "--rm", "--name", made[name], "--network", scenario.lab.client_network,
                 "--mount", "type=bind,source=%s,target=/keys,readonly" % scenario.keys, "--entrypoint", "/bin/sleep",
                 image, "infinity"],
                capture_output=True, check=True)
        yield made
    finally:
        for container in made.values():
            subprocess.run(["docker", "rm", "--force", container], capture_output=True, check=False)


def _login(scenario: Scenario, container: str, kex: str = "") -> Said:
    argv: List[str] = ["docker", "exec", "--env", "PATH=/opt/oqs-ssh/bin:/usr/bin:/bin", container]
    argv += ["ssh", "-v", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"]
    argv += ["-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes"]
    argv += [word for key in (PQ_KEY, STOCK_KEY) for word in ("-i", "/keys/" + key)]
    argv += ["-o", "KexAlgorithms=" + kex] if kex else []
    argv += [*Visitor(scenario).target(SERVER), "true"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)
    return Said(done.returncode, done.stdout, done.stderr)


def _words(said: Said) -> str:
    if said.code == 0:
        key = re.findall(r"Server accepts key: \S+ (\S+)", said.log)
        return "%s, %s, %s" % (said.kex, said.host_key, _type(key[-1]) if key else "?")
    match = re.search(r"no matching ([a-z ]+) found", said.log)
    assert match, said.out + said.log
    return "refused: no common %s" % match.group(1)


def _type(name: str) -> str:
    """The type of a key, as OpenSSH calls it in its log."""
    return {"ED25519": "ssh-ed25519", "MLDSA44-ED25519": "ssh-mldsa44-ed25519"}.get(name, name.lower())


def main() -> int:
    """Make a host, try, write."""
    with running(Setting("negotiation", {SERVER: "trixie:docker"})) as scenario:
        found = measured(scenario)
    PAGE.write_text(page(found), encoding="utf-8")
    print(page(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
