# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``ansible-test sanity`` on the built artefact, as a user's machine would see it, with a home folder of its own."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from tests.lint.gates import cores
from tests.lint.gates.common import GateError, cache, environment, run

MINUTES = 15 * 60  # cold: a virtual environment for each Python and each test
# ansible-test fetches a script of this name from the internet to get pip into its environments; this one takes pip from
# the package index that pip is set up with. The environments are kept, so it is rarely needed.
GET_PIP = '''\
import os
import subprocess
import sys

settings = dict(os.environ)  # ensurepip changes them so that pip reads none
wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
try:
    import ensurepip
    ensurepip.bootstrap(default_pip=False)
    pip = [sys.executable, "-m", "pip"]
except (ImportError, SystemExit, OSError):
    pip = [%r, "-m", "pip", "--python", sys.executable]
sys.exit(subprocess.call(pip + ["install"] + wanted, env=settings))
'''
SKIPPED = re.compile(r"^WARNING: (?:Skipping|Skipped) (.*)$|^WARNING: (Required program .* not found.*)$", re.MULTILINE)


class NoPython(Exception):
    """This machine has no Python for an ansible-core. The message says so to people."""


def supported(environ: Path) -> List[str]:
    """The versions of Python that the ansible-test of an environment knows, like ``3.8``."""
    path = _package(environ) / "_util" / "target" / "common" / "constants.py"
    return sorted(re.findall(r"'(3\.\d+)'", path.read_text(encoding="utf-8")), key=lambda text: int(text.split(".")[1]))


def _package(environ: Path) -> Path:
    for found in environ.glob("lib/python3.*/site-packages/ansible_test"):
        return found
    raise GateError("ansible-core is not installed in %s" % environ)


def _pip_version(environ: Path) -> str:
    text = (_package(environ) / "_internal" / "python_requirements.py").read_text(encoding="utf-8")
    found = re.search(r"pip=['\"]([\d.]+)['\"]", text)
    if not found:
        raise GateError("this ansible-test does not say which pip it wants; mend tests/lint/gates/sanity.py")
    return found.group(1)


def _out_of_reach(environ: Path) -> List[str]:
    """Tests that want a package from outside of the package index, as those of candidates may."""
    wants = (_package(environ) / "_data" / "requirements").glob("sanity.*.txt")
    return sorted(path.name.split(".")[1] for path in wants if re.search(r"@ https?://", path.read_text("utf-8")))


def _works(program: str, version: str) -> bool:
    """Whether a Python really is the version it is named for (a shim may find nothing to start) and can make venvs."""
    code = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(
            [program, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
            timeout=20, check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.decode().strip() == version


def pythons(versions: List[str]) -> Tuple[str, List[str]]:
    """Pythons on PATH, and those that pyenv and uv keep.

    :returns: a PATH on which each name ``python3.N`` that is there works, and the versions that are there.
    """
    home = os.path.expanduser("~")
    kept = glob.glob(os.path.join(os.environ.get("PYENV_ROOT", os.path.join(home, ".pyenv")), "versions", "*", "bin"))
    kept += glob.glob(os.path.join(home, ".local", "share", "uv", "python", "*", "bin"))
    path: List[str] = []
    found: Dict[str, None] = {"%d.%d" % sys.version_info[:2]: None}
    for folder in environment()["PATH"].split(os.pathsep) + sorted(kept):
        here = [version for version in versions if os.access(os.path.join(folder, "python" + version), os.X_OK)]
        if all(_works(os.path.join(folder, "python" + version), version) for version in here):
            path.append(folder)
            found.update(dict.fromkeys(here))
    return os.pathsep.join(path), [version for version in versions if version in found]


@contextlib.contextmanager
def _home(name: str, environ: Path) -> Iterator[Path]:
    """A home folder for ansible-test, one run at a time; pip's settings are in it only as long as it is used."""
    home = cache().parent / name
    (home / ".ansible" / "test" / "cache").mkdir(mode=0o700, parents=True, exist_ok=True)
    version = _pip_version(environ)
    script = home / ".ansible" / "test" / "cache" / ("get_pip_%s.py" % version.replace(".", "_"))
    settings = home / ".config" / "pip" / "pip.conf"
    settings.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(home / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        script.write_text(GET_PIP % str(environ / "bin" / "python"), encoding="utf-8")
        descriptor = os.open(settings, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(_pip_settings())
        try:
            yield home
        finally:
            settings.unlink()


def _pip_settings() -> str:
    """What pip is told by the user's files and variables, as the text of a file: ansible-test hides both from pip."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=environment(), timeout=60, check=False,
    )
    values: Dict[str, str] = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.partition(".")
        if section in ("global", "install", ":env:"):
            values[key] = value.strip("'\"").replace("\\n", "\n    ")
    return "[global]\nquiet = 1\n" + "".join("%s = %s\n" % item for item in values.items())


def sanity(place: Path, only: Sequence[str] = (), but: Sequence[str] = (), core: Optional[cores.Core] = None) -> str:
    """Run the sanity tests that can be run here.

    :param place: an unpacked artefact at ``…/ansible_collections/quantumsafe/openssh``.
    :param only: names of tests; none: all. :param but: tests that are left out.
    :param core: another ansible-core than that of the environment which runs this.
    :returns: what could not be run, and why, for people.
    :raises GateError: a test failed; with everything that ansible-test said.
    :raises NoPython: there is no Python for that core.
    """
    path, found = pythons(sorted({"%d.%d" % version for version in cores.PYTHONS} | set(supported(Path(sys.prefix)))))
    environ = Path(sys.prefix)
    if core:
        python = cores.python_for(core, path, found)
        if not python:
            raise NoPython("not run: this machine has no Python for ansible-core %s (%d.%d or newer)"
                           % (core.version, *core.python))
        environ = cores.environment_of(core, python)
    versions, unreachable = supported(environ), _out_of_reach(environ)
    chosen = [word for name in only for word in ("--test", name) if name not in unreachable]
    chosen += [word for name in (*but, *unreachable) for word in ("--skip-test", name)]
    name = "-".join(["ansible-test", *([core.version] if core else []), *(only[:1])])
    with _home(name, environ) as home:
        said = run(
            [str(environ / "bin" / "ansible-test"), "sanity", "--local", "--color", "no", "--truncate", "0", *chosen],
            place, MINUTES, {"HOME": str(home), "PATH": os.pathsep.join([str(environ / "bin"), path]),
                             "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        )
    return "; ".join(_notes(versions, found, unreachable, said))


def _notes(versions: Sequence[str], found: Sequence[str], unreachable: Sequence[str], said: str) -> List[str]:
    """With which Pythons, and what was left out."""
    notes = ["with Python " + ", ".join(version for version in versions if version in found)]
    missing = [version for version in versions if version not in found]
    if missing:
        notes.append("not with %s (not on this machine)" % ", ".join(missing))
    notes += ["not run: %s (wants a package from outside of the index)" % name for name in unreachable]
    return notes + ["not run: " + text for text in sorted({
        (first or second).rstrip(".") for first, second in SKIPPED.findall(said) if "on Python" not in first})]
