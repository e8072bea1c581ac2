# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who is compared: this collection; a good hand-written playbook; the same under mitogen; the same in pyinfra."""

from __future__ import annotations

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
from typing import Any, Dict, List, Mapping, NamedTuple, Tuple

ROOT = pathlib.Path(__file__).resolve().parents[1]
PEER = ROOT / "bench" / "peer"
MASTER = "-o ControlMaster=auto -o ControlPersist=60s"
PACKAGES = ("mitogen==0.3.*", "pyinfra==3.*")


class Wanted(NamedTuple):
    """What is wanted of the hosts, in terms that all contenders share."""

    image: str
    archive: str
    password: str
    kex: Tuple[str, ...]


def write(path: pathlib.Path, value: Any) -> pathlib.Path:
    """Write JSON that only the owner can read."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
        json.dump(value, handle)
    return path


def program(name: str) -> str:
    """A program of this Python environment."""
    return str(pathlib.Path(sys.executable).with_name(name))


def clean(more: Mapping[str, str]) -> Dict[str, str]:
    """The environment without settings of Ansible's."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    return dict(kept, ANSIBLE_NOCOLOR="1", PYTHONDONTWRITEBYTECODE="1", **more)


class Contender:
    """Somebody who can bring hosts to what is wanted."""

    name = ""

    def command(self, lab: Any, wanted: Wanted) -> Tuple[List[str], Dict[str, str]]:
        """The command line and its environment."""
        raise NotImplementedError


class Ours(Contender):
    """This collection, as the README says to use it."""

    name = "quantumsafe.openssh"

    def command(self, lab: Any, wanted: Wanted) -> Tuple[List[str], Dict[str, str]]:
        variables = write(lab.state.folder / "ours.json", {
            "oqs_ssh_image": wanted.image, "oqs_ssh_image_source": "archive", "oqs_ssh_image_archive": wanted.archive,
            "oqs_ssh_password": wanted.password, "oqs_ssh_kex_algorithms": wanted.kex, "oqs_ssh_hop_users": ["alice"],
        })
        argv = [program("ansible-playbook"), str(ROOT / "deploy-oqs-ssh.yml"), "-i", str(lab.inventory),
                "-f", "16", "-e", "@%s" % variables]
        return argv, clean({})


class Steps(Ours):
    """Ours once more, telling when each task begins."""

    def __init__(self, notes: pathlib.Path) -> None:
        self.notes = notes

    def command(self, lab: Any, wanted: Wanted) -> Tuple[List[str], Dict[str, str]]:
        argv, environment = super().command(lab, wanted)
        return argv, dict(environment, ANSIBLE_CALLBACK_PLUGINS=str(ROOT / "bench" / "callback"),
                          ANSIBLE_CALLBACKS_ENABLED="steps", BENCH_STEPS=str(self.notes))


class Nothing(Contender):
    """ansible-core with one remote execution of nothing: what no playbook can be faster than."""

    name = "ansible-core alone"

    def command(self, lab: Any, wanted: Wanted) -> Tuple[List[str], Dict[str, str]]:
        del wanted
        argv = [program("ansible-playbook"), str(PEER / "nothing.yml"), "-i", str(lab.inventory), "-f", "16"]
        return argv, clean({"ANSIBLE_PIPELINING": "true", "ANSIBLE_SSH_ARGS": MASTER})


class Peer(Contender):
    """bench/peer/site.yml: the manual's steps, by hand, tuned."""

    name = "by hand"
    more: Dict[str, str] = {}

    def command(self, lab: Any, wanted: Wanted) -> Tuple[List[str], Dict[str, str]]:
        argv = [program("ansible-playbook"), str(PEER / "site.yml"), "-i", str(lab.inventory),
                "-f", "16", "-e", "@%s" % settings(lab, wanted)]
        return argv, clean(dict(self.more, ANSIBLE_PIPELINING="true", ANSIBLE_SSH_ARGS=MASTER))


class Mitogen(Peer):
    """The same playbook with mitogen's strategy: a whole play in one ssh session."""

    name = "by hand, mitogen"

    def __init__(self, folder: pathlib.Path) -> None:
        plugins = folder / "ansible_mitogen" / "plugins" / "strategy"
        self.more = {"PYTHONPATH": str(folder), "ANSIBLE_STRATEGY_PLUGINS": str(plugins),
                     "ANSIBLE_STRATEGY": "mitogen_linear"}


class Pyinfra(Contender):
    """The same steps in pyinfra."""

    name = "pyinfra"

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    def command(self, lab: Any, wanted: Wanted) -> Tuple[List[str], Dict[str, str]]:
        data = {"ssh_user": "root", "ssh_key": str(lab.state.management_key), "ssh_strict_host_key_checking": "yes",
                "ssh_known_hosts_file": str(lab.state.folder / "known_hosts"), "settings": str(settings(lab, wanted))}
        inventory = lab.state.folder / "pyinfra_hosts.py"
        hosts = [(host.name, dict(data, ssh_hostname=host.address)) for host in lab.hosts.values()]
        inventory.write_text("hosts = %r\n" % (hosts,), encoding="utf-8")
        argv = [sys.executable, "-m", "pyinfra", "-y", "--parallel", "16", str(inventory),
                str(PEER / "pyinfra_deploy.py")]
        return argv, clean({"PYTHONPATH": str(self.folder)})


def settings(lab: Any, wanted: Wanted) -> pathlib.Path:
    """What is wanted, for those who do it by hand."""
    return write(lab.state.folder / "peer.json", dict(wanted._asdict(), kex=",".join(wanted.kex)))


def load_lab() -> Any:
    """The lab's module."""
    from lab import lab

    return lab


def packages() -> pathlib.Path:
    """A folder with mitogen and pyinfra, from PyPI, beside the other caches; they are needed for nothing else."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "quantumsafe-openssh"
    folder = cache / "bench"
    if not (folder / "complete").exists():
        print("> installing %s from PyPI" % " and ".join(PACKAGES), file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target", str(folder),
                        *PACKAGES], check=True)
        (folder / "complete").touch()
    assert importlib.util.find_spec("ansible"), "start it by: make bench"
    return folder


def everybody() -> List[Contender]:
    """All contenders, ours first."""
    folder = packages()
    return [Ours(), Peer(), Mitogen(folder), Pyinfra(folder)]
