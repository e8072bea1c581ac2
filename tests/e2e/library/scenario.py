# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test hosts with a person outside of them, and the playbook run as an operator runs it.

Molecule's own create and destroy call it as a program: `python -m tests.e2e.library.scenario up`, and `down`.
Variables of an inventory that this file reads: scenario_image (stock or quirks), scenario_login (root or admin),
scenario_registry (true: a registry beside the hosts, with the stock image as oqs:1).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Union

ROOT = pathlib.Path(__file__).resolve().parents[3]
from images import build
from lab.lab import Lab
from tests.e2e.library import walls
from tests.e2e.library.registry_box import Registry, trusted_by

PLAYBOOK = ROOT / "deploy-oqs-ssh.yml"
CLIENT_IMAGE = "localhost/quantumsafe/openssh-stock:latest"
PQ_KEY = "id_ssh-mldsa44-ed25519"
STOCK_KEY = "id_ed25519"
#: What changes on a machine without anybody's doing, and what Ansible itself leaves.
RESTLESS = ("/var/lib/systemd", "/var/lib/docker", "/var/lib/containerd", "/root/.ansible", "/home/admin/.ansible",
            "/home/admin/.sudo_as_admin_successful",  # sudo's own mark at the first login that uses it
            "/etc/machine-id", "/etc/mtab", "/etc/resolv.conf", "/var/lib/private", "/var/lib/dbus")


class Run(NamedTuple):
    """A run of the playbook: exit code, all it said, remote executions by host, seconds."""

    code: int
    text: str
    sessions: Dict[str, int]
    seconds: float

    @property
    def words(self) -> str:
        """All it said with one blank for any white space, so that line breaks hide nothing."""
        return " ".join(self.text.split())

    def line(self, host: str, label: str) -> str:
        """A line of the ending for a host, without its label; empty where there is none."""
        inside = False
        for line in self.text.splitlines():
            if line and not line.startswith(" "):
                inside = line == host or (inside and set(line) == {"-"})
            elif inside and line.startswith("  %s " % label):
                return line[len(label) + 3:].strip()
        return ""

    def results(self, host: str) -> List[Dict[str, Any]]:
        """What the tasks returned for a host: with -v and JSON results, one line each."""
        pattern = r"(?m)^(?:ok|changed|fatal): \[%s\](?:: FAILED!)? => (\{.*\})$" % re.escape(host)
        found = re.findall(pattern, self.text)
        assert found, self.text
        return [json.loads(text) for text in found]


def lab_name(purpose: str) -> str:
    """A lab's name of this checkout: several checkouts may be tested on one machine."""
    return "%s-%s" % (purpose, hashlib.sha256(str(ROOT).encode()).hexdigest()[:6])


class Scenario:
    """The hosts, the person outside, and the inventory."""

    def __init__(self, purpose: str, variables: Optional[Mapping[str, Any]] = None,
                 inventories: Sequence[pathlib.Path] = ()) -> None:
        """:param purpose: a short name. :param variables: of the inventory. :param inventories: more of them."""
        self.purpose = purpose
        self.variables = dict(variables or {})
        self.inventories = list(inventories)
        self.settings: Dict[str, str] = {}  # of Ansible's, in the environment of each run
        self.folder = ROOT / ".lab" / ("test-" + purpose)
        self.lab = Lab(lab_name(purpose), self.folder)
        self.lab._refresh()

    # -- make and remove -------------------------------------------------------------------------------------------

    def up(self, hosts: Mapping[str, str], login: str = "root",
           firewalls: Union[Sequence[str], Mapping[str, str]] = ()) -> "Scenario":
        """Start the hosts, give the person outside keys, write the inventory's variables.

        :param hosts: suite:variant by name. :param firewalls: kind of firewall by host; only names: nftables.
        """
        self.lab = Lab.up(lab_name(self.purpose), dict(hosts), user=login, state=self.folder)
        image("stock")
        kinds = dict(firewalls) if isinstance(firewalls, Mapping) else dict.fromkeys(firewalls, "nftables")
        for host, kind in kinds.items():
            walls.set_up(self, host, kind)
        self._make_person()
        own = {
            "oqs_ssh_password": self.password(),
            "oqs_ssh_authorized_keys": [self.public(PQ_KEY), self.public(STOCK_KEY)],
            "oqs_ssh_client_dir": str(self.keys),
        }
        if self.variables.get("scenario_image"):
            archive = self.folder / "image.tar"
            _run("docker", "save", "--output", str(archive), image(self.variables["scenario_image"]))
            own.update(oqs_ssh_image_source="archive", oqs_ssh_image_archive=str(archive))
        if self.variables.get("scenario_registry"):
            self.registry.up().push(image("stock"), "oqs:1")
            own["oqs_ssh_image"] = self.registry.name("oqs:1")
            for host in hosts:
                trusted_by(self.registry, host, self.root)
        variables = self.folder / "group_vars" / "all.yml"
        variables.parent.mkdir(exist_ok=True)
        _write(variables, json.dumps(own))
        _write(self.folder / "before.json", json.dumps({host: self.surroundings(host) for host in hosts}))
        others = {host: walls.OTHERS[kind](self, host) for host, kind in kinds.items()}
        _write(self.folder / "walls.json", json.dumps(others))
        _write(self.folder / "files.json", json.dumps({host: self.files(host) for host in hosts}))
        return self

    def down(self) -> None:
        """Remove everything."""
        subprocess.run(["docker", "rm", "--force", self.visitor_container], capture_output=True, check=False)
        self.registry.down()
        self.lab.down()

    def _make_person(self) -> None:
        """A key folder as somebody outside has it, and the image's client in a container on the hosts' network."""
        self.keys.mkdir(mode=0o700, exist_ok=True)
        if not (self.folder / "password").exists():
            _write(self.folder / "password", secrets.token_urlsafe(15) + "\n")
        subprocess.run(["docker", "rm", "--force", self.visitor_container], capture_output=True, check=False)
        _run("docker", "run", "--detach", "--rm", "--name", self.visitor_container,
             "--network", self.lab.client_network, "--cap-add", "NET_ADMIN", "--device", "/dev/net/tun",
             "--mount", "type=bind,source=%s,target=/root/.ssh" % self.keys,
             "--entrypoint", "/bin/sleep", CLIENT_IMAGE, "infinity")
        for name in (PQ_KEY, STOCK_KEY):
            if not (self.keys / name).exists():
                _run("docker", "exec", self.visitor_container, "/opt/oqs-ssh/bin/ssh-keygen", "-q", "-N", "",
                     "-C", "visitor", "-t", name[len("id_"):], "-f", "/root/.ssh/" + name)

    # -- what there is ---------------------------------------------------------------------------------------------

    @property
    def hosts(self) -> List[str]:
        """Names of the hosts."""
        return sorted(self.lab.hosts)

    @property
    def keys(self) -> pathlib.Path:
        """The key folder of the person outside."""
        return self.folder / "visitor"

    @property
    def visitor_container(self) -> str:
        """The container with the image's client."""
        return "qslab-%s-visitor" % self.lab.name

    @property
    def registry(self) -> Registry:
        """The registry beside the hosts; it is there where scenario_registry is true."""
        return Registry(self.lab.client_network, self.folder)

    def password(self) -> str:
        """The password of the container's user."""
        return (self.folder / "password").read_text(encoding="utf-8").strip()

    def public(self, name: str) -> str:
        """A public line of the person outside."""
        return (self.keys / (name + ".pub")).read_text(encoding="utf-8").strip()

    def address(self, host: str) -> str:
        """Where a host is."""
        return self.lab.host(host).address

    def addresses(self, host: str) -> List[str]:
        """Where a host is, with its IPv6 address where the lab has such."""
        found = self.lab.host(host)
        return [found.address, found.address6] if found.address6 else [found.address]

    def remembered(self, name: str) -> Dict[str, Any]:
        """What was written down when the hosts were new (`before`, `files` or `walls`)."""
        found: Dict[str, Any] = json.loads((self.folder / (name + ".json")).read_text(encoding="utf-8"))
        return found

    def root(self, host: str, *argv: str, check: bool = True) -> str:
        """What a program says that root runs on a host; no ssh, so it does not count as a session."""
        done = self.lab.exec(host, list(argv), check=check)
        return (done.stdout + done.stderr).decode("utf-8", "replace").strip()

    def inside(self, host: str, *argv: str, check: bool = True) -> str:
        """What a program says that root runs in the container, as the manual has people type it."""
        return self.root(host, "docker", "exec", "oqs-ssh", *argv, check=check)

    def surroundings(self, host: str) -> Dict[str, Any]:
        """What of a host must stay as it was: forwarding, firewall apart from our own rules, accounts, its own sshd."""
        names = ("net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding", "net.ipv6.conf.all.forwarding")
        found: Dict[str, Any] = {name: self.root(host, "sysctl", "-n", name) for name in names}
        own = self.lab.hosts[host].variant == "docker"  # whose engine has rules of its own, and comes and goes
        found["firewall"] = "" if own else walls.rules(self.root(host, "nft", "-j", "list", "ruleset"))
        found["sshd"] = self.root(host, "sshd", "-T")
        passwd = self.root(host, "cat", "/etc/passwd").splitlines()
        found["accounts"] = [line for line in passwd if not line.startswith("docker:")]
        return found

    def files(self, host: str) -> List[str]:
        """Every file where a deployment could leave something, with size, mode, owner and time."""
        apart = [word for path in RESTLESS for word in ("-path", path, "-prune", "-o")]
        argv = ["find", "/etc", "/var/lib", "/opt", "/home", "/root", "/usr/local", "-xdev", *apart,
                "-printf", "%p %s %m %U:%G %T@ %l\\n"]
        homes = ("/root ", "/home/admin ")  # Ansible's own folder comes and goes in them
        return sorted(line for line in self.root(host, *argv).splitlines() if not line.startswith(homes))

    # -- the playbook ----------------------------------------------------------------------------------------------

    def deploy(
        self, *options: str, limit: str = "", playbook: pathlib.Path = PLAYBOOK, **extra: Any
    ) -> Run:
        """Run the playbook as an operator does, with more variables in a file that only the owner can read.

        :param options: of ansible-playbook. :param limit: one host only. :param playbook: another than ours.
        """
        with tempfile.TemporaryDirectory(prefix="oqs-test-") as scratch:
            variables = pathlib.Path(scratch) / "extra.json"
            _write(variables, json.dumps(extra))
            argv = ["ansible-playbook", str(playbook), "-e", "@%s" % variables, *options]
            for inventory in [*self.inventories, self.lab.inventory]:
                argv += ["-i", str(inventory)]
            if limit:
                argv += ["--limit", limit]
            counts = {host: self.lab.sessions(host) for host in self.hosts if limit in ("", host)}
            began = time.monotonic()
            done = subprocess.run(argv, cwd=scratch, env=dict(environment(), **self.settings), timeout=600, check=False,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            seconds = time.monotonic() - began
        counts = {host: self.lab.sessions(host) - count for host, count in counts.items()}
        return Run(done.returncode, done.stdout.decode("utf-8", "replace"), counts, seconds)


class Setting(NamedTuple):
    """The hosts that somebody wants: suite:variant by name, variables of the inventory, firewalls (kind by host; only
    names: nftables), and what is done to them when they are up."""

    purpose: str
    hosts: Mapping[str, str]
    variables: Mapping[str, Any] = {}
    firewalls: Union[Sequence[str], Mapping[str, str]] = ()
    prepare: Callable[[Scenario], object] = lambda _scenario: None


@contextlib.contextmanager
def running(setting: Setting) -> Iterator[Scenario]:
    """The hosts, prepared; gone afterwards, however it ends."""
    made = Scenario(setting.purpose, setting.variables)
    try:
        made.up(setting.hosts, firewalls=setting.firewalls)
        setting.prepare(made)
        yield made
    finally:
        made.down()


def environment() -> Dict[str, str]:
    """An operator's environment: nothing of Ansible's or Molecule's is set, and programs are found."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "MOLECULE_"))}
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])
    return dict(ours, PATH=path, ANSIBLE_NOCOLOR="1", LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1")


def image(variant: str) -> str:
    """The tag of one of our images, built where it is not there yet."""
    return build.build(variant, say=lambda *_words: None)


def _write(path: pathlib.Path, text: str) -> None:
    descriptor = os.open(str(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)


def _run(*argv: str) -> str:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True, timeout=300)
    assert done.returncode == 0, "%s: %s" % (" ".join(argv[:3]), done.stderr.strip())
    return done.stdout.strip()


def of_molecule() -> Scenario:
    """The scenario that Molecule is running, from what it says in the environment."""
    config = _molecule_config()
    inventory = config["provisioner"].get("inventory", {})
    variables = dict(inventory.get("group_vars", {}).get("all", {}))
    folder = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "inventory"
    return Scenario(os.environ["MOLECULE_SCENARIO_NAME"], variables, [folder])


def _molecule_config() -> Dict[str, Any]:
    import yaml

    with open(os.environ["MOLECULE_FILE"], encoding="utf-8") as stored:
        found: Dict[str, Any] = yaml.safe_load(stored)
    return found


def main(action: str) -> int:
    """Make or remove the hosts of the scenario that Molecule is running."""
    scenario = of_molecule()
    if action == "down":
        scenario.down()
        shutil.rmtree(scenario.folder, ignore_errors=True)
        return 0
    platforms = _molecule_config()["platforms"]
    hosts = {one["name"]: "%s:%s" % (one["suite"], one.get("variant", "plain")) for one in platforms}
    firewalls = {one["name"]: one["firewall"] for one in platforms if one.get("firewall")}
    scenario.up(hosts, str(scenario.variables.get("scenario_login", "root")), firewalls)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
