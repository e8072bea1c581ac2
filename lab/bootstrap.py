# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make a machine ready for `make`: packages, a Docker engine, the Python environment. Says what it does beforehand.

Usage, from the top of the checkout: python3 -m lab.bootstrap [python | engine]

python: only the environment (.venv, a link into the cache). engine: also Docker and what the lab needs (default).
Where everything is there already, nothing is changed and it takes a fraction of a second.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from typing import Dict, List, Sequence

from images import base
from lab.lab_engine import ROOT, LabError

REQUIREMENTS = ROOT / "tests" / "requirements.txt"
OLDEST_PYTHON = (3, 11)
# Debian package by program it brings.
PROGRAMS = {"ssh-keygen": "openssh-client", "iptables": "iptables", "ip": "iproute2"}
# Molecule's driver needs these; Galaxy is not always in reach, the package index is.
ANSIBLE_PACKAGE = "ansible==12.3.0"
COLLECTIONS = ("community/docker", "community/library_inventory_filtering_v1", "ansible/posix")
ENGINE_SECONDS = 60.0
INSTALL_SECONDS = 1200.0
COMPLETE = ".complete"


def say(text: str) -> None:
    """Tell the person in front of the machine."""
    print(text, file=sys.stderr, flush=True)


def run(argv: Sequence[str], timeout: float, what: str) -> str:
    """Run a program whose success is needed.

    :param what: what it is for, for the error message.
    :raises LabError: it failed or took too long, with the end of what it said.
    """
    try:
        done = subprocess.run(
            list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=timeout, check=False, encoding="utf-8", errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError("%s: %s" % (what, error)) from error
    if done.returncode != 0:
        raise LabError("%s failed:\n%s" % (what, done.stdout.strip()[-2000:]))
    return done.stdout


def as_root() -> List[str]:
    """What to put before a command so that root runs it. :raises LabError: there is no way."""
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        raise LabError("this needs root and there is no sudo: run make as root")
    if subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
        return ["sudo", "-n"]
    if not sys.stdin.isatty():
        raise LabError("this needs root, and sudo asks for a password that nobody can type here: run make as root")
    return ["sudo"]


def missing_packages(engine: bool) -> List[str]:
    """Debian packages this machine lacks.

    :param engine: whether Docker and the lab are wanted, too.
    """
    lacks = []
    if importlib.util.find_spec("ensurepip") is None:
        lacks.append("python3-venv")
    if engine:
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
        lacks += [package for program, package in PROGRAMS.items() if not shutil.which(program, path=path)]
        if not engine_answers() and not (shutil.which("dockerd", path=path) and shutil.which("docker")):
            lacks.append("docker.io")
        if not shutil.which("mmdebstrap") and not have_bases():
            lacks.append("mmdebstrap")
    return lacks


def have_bases() -> bool:
    """Whether the engine has all base images, so that none needs to be made."""
    if not shutil.which("docker"):
        return False
    names = ["%s:%s" % (base.REPOSITORY, suite) for suite in base.SUITES]
    return subprocess.run(["docker", "image", "inspect", *names], capture_output=True, check=False).returncode == 0


def install(packages: Sequence[str]) -> None:
    """Install Debian packages. :raises LabError: no apt here, no root, or apt failed."""
    if not shutil.which("apt-get"):
        raise LabError("this machine lacks %s and has no apt-get: install them in its own way, then run make again"
                       % ", ".join(packages))
    say("This machine lacks %s: installing with apt-get" % ", ".join(packages))
    # A daemon that the package starts by itself is welcome; without systemd we start it below.
    apt = as_root() + ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    run(apt + ["update"], INSTALL_SECONDS, "apt-get update")
    run(apt + ["install", "--no-install-recommends", *packages], INSTALL_SECONDS, "apt-get install")


def engine_answers() -> bool:
    """Whether a Docker engine answers. :raises LabError: one runs, but not for this user."""
    try:
        done = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"], stdin=subprocess.DEVNULL,
            capture_output=True, check=False, timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    if b"permission denied" in done.stderr:
        raise LabError("the Docker engine does not talk to this user: run make as root, or join the group docker")
    return done.returncode == 0


def start_engine() -> None:
    """Start the Docker engine: through systemd where that runs the machine, else by ourselves.

    :raises LabError: it did not start; with the end of its log.
    """
    if os.environ.get("DOCKER_HOST"):
        raise LabError("DOCKER_HOST is set, but no Docker engine answers there")
    log = pathlib.Path(base.cache_folder()) / "dockerd.log"
    if os.path.isdir("/run/systemd/system"):
        say("Starting the Docker engine (systemctl start docker)")
        run(as_root() + ["systemctl", "start", "docker"], 120, "systemctl start docker")
    else:
        say("No Docker engine runs: starting dockerd (its log: %s)" % log)
        # What belongs to the engine must neither die with make nor hold its locks, output or terminal.
        environment = dict(os.environ, PATH=os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/sbin:/sbin")
        with open(log, "wb") as handle:
            subprocess.Popen(
                [*as_root(), "dockerd"], stdin=subprocess.DEVNULL, stdout=handle, stderr=handle,
                start_new_session=True, cwd="/", env=environment,
            )
    end = time.monotonic() + ENGINE_SECONDS
    while not engine_answers():
        if time.monotonic() > end:
            text = log.read_text(encoding="utf-8", errors="replace")[-1500:] if log.exists() else ""
            raise LabError("the Docker engine did not start within %g s. End of its log:\n%s" % (ENGINE_SECONDS, text))
        time.sleep(0.2)


def _fresh(folder: pathlib.Path) -> bool:
    """Whether a folder of the cache must be made; what an interrupted run left of it goes away."""
    if (folder / COMPLETE).exists():
        return False
    if folder.exists():
        shutil.rmtree(folder)
    return True


def ensure_venv() -> pathlib.Path:
    """The Python environment for these requirements and this Python, in the cache; made if it is not there."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    seed = "%s %s %s %s" % (sys.version, os.path.realpath(sys.executable), ANSIBLE_PACKAGE, wanted)
    folder = pathlib.Path(base.cache_folder()) / ("venv-" + hashlib.sha256(seed.encode()).hexdigest()[:12])
    if (folder / COMPLETE).exists() and (folder / "bin" / "python").exists():
        return folder
    with base.locked(str(folder) + ".lock"):
        if not (folder / "bin" / "python").exists():
            (folder / COMPLETE).unlink(missing_ok=True)  # its Python is gone from this machine
        if _fresh(folder):
            say("Making the Python environment from tests/requirements.txt (about a minute)")
            run([sys.executable, "-m", "venv", str(folder)], INSTALL_SECONDS, "python3 -m venv")
            run([str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--quiet",
                 "--requirement", str(REQUIREMENTS)], INSTALL_SECONDS, "pip install")
            (folder / "collections").symlink_to(ensure_collections(folder / "bin" / "python"))
            (folder / COMPLETE).touch()
    return folder


def ensure_collections(python: pathlib.Path) -> pathlib.Path:
    """The collections that molecule needs, unpacked from the Python package `ansible` into the cache."""
    folder = pathlib.Path(base.cache_folder()) / ANSIBLE_PACKAGE.replace("==", "-")
    with base.locked(str(folder) + ".lock"):
        if _fresh(folder):
            say("Fetching the collections that molecule needs (from the Python package %s)" % ANSIBLE_PACKAGE)
            with tempfile.TemporaryDirectory(prefix="oqs-bootstrap-") as scratch:
                run([str(python), "-m", "pip", "download", "--disable-pip-version-check", "--quiet", "--no-deps",
                     "--only-binary=:all:", "--dest", scratch, ANSIBLE_PACKAGE], INSTALL_SECONDS, "pip download")
                wanted = tuple("ansible_collections/%s/" % name for name in COLLECTIONS)
                with zipfile.ZipFile(next(pathlib.Path(scratch).glob("*.whl"))) as wheel:
                    wheel.extractall(folder, [name for name in wheel.namelist() if name.startswith(wanted)])
            (folder / COMPLETE).touch()
    return folder


def link(folder: pathlib.Path) -> None:
    """Let .venv in the tree point to the environment, in one step."""
    place = ROOT / ".venv"
    if place.is_symlink() and os.readlink(place) == str(folder):
        return
    if place.exists() and not place.is_symlink():
        raise LabError("%s is not a link of ours: move it away, then run make again" % place)
    partial = ROOT / (".venv.%d" % os.getpid())
    partial.symlink_to(folder)
    os.replace(partial, place)


def main(argv: Sequence[str]) -> int:
    """Command line; see the top of the file."""
    known: Dict[str, bool] = {"python": False, "engine": True}
    if len(argv) > 1 or (argv and argv[0] not in known):
        print(__doc__, file=sys.stderr)
        return 2
    engine = known[argv[0]] if argv else True
    try:
        if sys.version_info < OLDEST_PYTHON:
            raise LabError("python3 is %d.%d; %d.%d or newer is needed" % (*sys.version_info[:2], *OLDEST_PYTHON))
        os.makedirs(base.cache_folder(), exist_ok=True)
        with base.locked(os.path.join(base.cache_folder(), "bootstrap.lock")):
            lacks = missing_packages(engine)
            if lacks:
                install(lacks)
            if engine and not engine_answers():
                start_engine()
        link(ensure_venv())
    except LabError as error:
        print("bootstrap: %s" % error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
