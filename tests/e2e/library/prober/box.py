# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The prober's container on a lab's network: start it, mark what is done meanwhile, and have its time line."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import json
import pathlib
import secrets
import subprocess
import time
from typing import Any, Dict, Iterator, List, Sequence

from lab.lab_engine import docker, docker_json, ensure_image
from tests.e2e.library.prober.timeline import Line
from tests.e2e.library.scenario import ROOT, Scenario

HERE = pathlib.Path(__file__).resolve().parent

#: What everybody knows, and what nobody set.
PASSWORDS = {"default": "Pa55W0rd", "older default": "oqs.pw", "empty": "", "any": "any password"}


class Prober:
    """A prober of a scenario's hosts. Addresses of the lower half of the network may connect, the others may not."""

    def __init__(self, scenario: Scenario, folder: pathlib.Path, steady: float = 0.25) -> None:
        """:param folder: for the time line. :param steady: seconds between handshakes while nothing changes."""
        self.scenario, self.folder, self.steady = scenario, folder, steady
        self.container = "qslab-%s-prober" % scenario.lab.name
        self.seed = secrets.token_bytes(32)
        self.marks: List[Dict[str, Any]] = []
        subnet = docker_json("network", "inspect", scenario.lab.client_network)[0]["IPAM"]["Config"][0]["Subnet"]
        self.network = ipaddress.ip_network(subnet)
        first = self.network.network_address
        self.inside = [str(first + last) for last in range(32, 124)]
        self.control = [str(first + last) for last in range(124, 128)]
        self.outside = [str(first + last) for last in range(130, 220)]

    @property
    def sources(self) -> str:
        """Who may connect: the hosts, the controller, the visitor and half of the prober."""
        return str(next(self.network.subnets()))

    @property
    def public(self) -> str:
        """The control login's key, a line for authorized_keys."""
        code = "import tests.e2e.library.prober.crypto as c; print(c.Signer(bytes.fromhex(input())).public.hex())"
        done = docker("run", "--rm", "-i", "--network", "none", *self._mounts, self._image, "-Bc", code,
                      stdin=self.seed.hex().encode() + b"\n")
        kind = b"ssh-ed25519"
        blob = len(kind).to_bytes(4, "big") + kind + (32).to_bytes(4, "big") + bytes.fromhex(done.stdout.decode())
        return "ssh-ed25519 %s control" % base64.b64encode(blob).decode()

    @property
    def _image(self) -> str:
        return ensure_image("trixie", "plain", lambda _text: None)

    @property
    def _mounts(self) -> List[str]:
        plugins = "type=bind,readonly,source=%s,target=/c/ansible_collections/quantumsafe/openssh/plugins"
        own = "type=bind,readonly,source=%s,target=/c/tests/e2e/library/prober" % HERE
        out = "type=bind,source=%s,target=/out" % self.folder
        return ["--mount", plugins % (ROOT / "plugins"), "--mount", own, "--mount", out, "--env", "PYTHONPATH=/c",
                "--entrypoint", "python3"]

    def start(self, hosts: Sequence[str], right: str, seconds: float = 900, connections: int = 1_000_000) -> None:
        """Watch hosts from now on.

        :param right: the password that is right; tried only from where nobody may connect.
        :param seconds: it ends by itself after these. :param connections: at most so many.
        """
        told = {
            "targets": [{"host": host, "address": self.scenario.address(host), "port": 2222} for host in hosts],
            "views": {"inside": self.inside, "outside": self.outside}, "control": self.control,
            "passwords": dict(PASSWORDS, right=right), "seed": self.seed.hex(), "network": str(self.network),
            "seconds": seconds, "connections": connections, "steady": self.steady,
        }
        subprocess.run(["docker", "rm", "--force", self.container], capture_output=True, check=False)
        docker("create", "-i", "--name", self.container, "--network", self.scenario.lab.client_network,
               "--cap-add", "NET_ADMIN", "--stop-signal", "TERM", *self._mounts, self._image,
               "-Bm", "tests.e2e.library.prober.watch", "/out/seen.jsonl")
        with open(self.folder / "told", "w+b") as given:
            (self.folder / "told").unlink()
            given.write(json.dumps(told).encode())
            given.seek(0)
            self.process = subprocess.Popen(["docker", "start", "-ai", self.container], stdin=given,
                                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        end = time.monotonic() + 60
        while not (self.folder / "seen.jsonl").exists():
            assert self.process.poll() is None, self._said()
            assert time.monotonic() < end, "the prober does not start"
            time.sleep(0.05)

    def _said(self) -> str:
        done = docker("logs", self.container, check=False)
        return (done.stdout + done.stderr).decode("utf-8", "replace")

    def knock(self, host: str, sources: Sequence[str], attempts: int = 1_000_000, seconds: float = 60.0,
              user: str = "oqs") -> Dict[str, Any]:
        """Wrong passwords in a row. :returns: states with their counts, how many sshd judged, seconds."""
        told = {"address": self.scenario.address(host), "port": 2222, "network": str(self.network), "user": user,
                "sources": list(sources), "attempts": attempts, "seconds": seconds}
        done = docker("run", "--rm", "-i", "--network", self.scenario.lab.client_network, "--cap-add", "NET_ADMIN",
                      *self._mounts, self._image, "-Bm", "tests.e2e.library.prober.knock",
                      stdin=json.dumps(told).encode(), timeout=seconds + 120)
        found: Dict[str, Any] = json.loads(done.stdout)
        return found

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Something that is done meanwhile."""
        began = time.time()
        try:
            yield
        finally:
            self.marks.append({"phase": name, "since": began, "until": time.time()})

    def stop(self) -> List[Line]:
        """:returns: the time line, phases and all; it lies in the folder as timeline.jsonl, too."""
        docker("stop", self.container)
        said, code = self._said(), docker("inspect", "-f", "{{.State.ExitCode}}", self.container).stdout.strip()
        self.remove()
        assert code == b"0", "the prober ended with %s: %s" % (code.decode(), said)
        lines = [*self.marks, *map(json.loads, (self.folder / "seen.jsonl").read_text("utf-8").splitlines())]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (self.folder / "timeline.jsonl").write_text(text, encoding="utf-8")
        return lines

    def remove(self) -> None:
        """It goes, whatever it does."""
        subprocess.run(["docker", "rm", "--force", self.container], capture_output=True, check=False)
