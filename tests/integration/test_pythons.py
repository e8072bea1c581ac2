# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What runs on targets, in the oldest Python and in the newest one: every import, the unit tests of module_utils, and
modules in four calls. The versions between the two: ansible-test sanity, where they are installed (``make lint``)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Callable, List

import ansible
import pytest

from lab import test_base
from tests.integration.module_call import REPOSITORY, call, docker, four, python_host

pytestmark = [pytest.mark.docker, pytest.mark.slow]
OLDEST, NEWEST = "3.8", (3, 14)
PLUGINS = REPOSITORY / "plugins"
UTILS = sorted(path for path in (PLUGINS / "module_utils").rglob("*.py") if path.name != "__init__.py")
#: What a unit test imports that is not for hosts: then it is not for their Pythons.
NOT_THERE = re.compile(
    r"plugin_utils|plugins\.(action|lookup|modules)|^(from|import) (ansible[. ]|yaml|tests\.|lab)", re.MULTILINE)
PURE = [path for path in sorted((REPOSITORY / "tests" / "unit").rglob("test_*.py"))
        if "plugins.module_utils." in path.read_text("utf-8") and not NOT_THERE.search(path.read_text("utf-8"))]
PYTEST = ("-m", "pytest", "-q", "-W", "error::DeprecationWarning:ansible_collections", "-p", "no:cacheprovider",
          "-m", "not slow")
RECIPE = """FROM %s
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-pytest python3-hypothesis \\
  openssh-client
"""
IMPORT = """
import importlib, sys, warnings
warnings.simplefilter("error")
for name in sys.argv[1:]:
    importlib.import_module("ansible_collections.quantumsafe.openssh.plugins." + name)
from ansible.module_utils.basic import AnsibleModule
print("imported", sys.version_info[:2])
"""
NAMES = [".".join(path.relative_to(PLUGINS).with_suffix("").parts) for path in UTILS]
NAMES += ["modules." + path.stem for path in sorted((PLUGINS / "modules").glob("*.py"))]
KEY = "ssh-novel512@example.org AAAAGHNzaC1ub3ZlbDUxMkBleGFtcGxlLm9yZwAAAAhzZWVkc2VlZA== somebody new"


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An environment of the oldest Python with what the tests need; skips where this machine has none."""
    select = dict(os.environ, PYENV_VERSION=OLDEST)
    name = "python" + OLDEST
    if shutil.which(name) is None or subprocess.run([name, "-c", ""], env=select, capture_output=True).returncode:
        pytest.skip("no Python %s here" % OLDEST)
    folder = tmp_path_factory.mktemp("oldest")
    subprocess.run([name, "-m", "venv", str(folder)], env=select, check=True, timeout=120)
    python = str(folder / "bin" / "python")
    argv = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "pytest", "hypothesis"]
    subprocess.run(argv, check=True, timeout=300)
    (package,) = folder.glob("lib/python*/site-packages")
    (package / "ansible").symlink_to(Path(ansible.__file__).parent)
    return python


@pytest.fixture(scope="module")
def newest() -> Callable[..., "subprocess.CompletedProcess[bytes]"]:
    """Runs Python of Debian's next release in a container without network."""
    image = "quantumsafe/python-test:forky"
    docker("build", "-q", "-t", image, "-", stdin=(RECIPE % test_base.ensure("forky", lambda _text: None)).encode())
    options = ["--rm", "--network", "none", "-v", "%s:/repository:ro" % REPOSITORY, "-w", "/tmp",
               "-v", "%s:/python/ansible:ro" % Path(ansible.__file__).parent, "-e", "PYTHONDONTWRITEBYTECODE=1"]
    options += ["-e", "PYTHONPATH=/python:/repository/collections"]
    return lambda *argv: docker("run", *options, image, "python3", *argv, check=False)


def test_there_is_something_to_try() -> None:
    assert len(UTILS) > 80 and len(PURE) > 40 and len(NAMES) > len(UTILS)


def passed(said: str) -> int:
    """How many tests passed; none may have failed."""
    assert not re.search(r"\d+ (failed|error)", said), said[-6000:]
    return int(re.search(r"(\d+) passed", said).group(1))


def test_the_oldest(oldest: str, tmp_path: Path) -> None:
    place = dict(os.environ, PYTHONPATH=str(REPOSITORY / "collections"))
    done = subprocess.run([oldest, "-c", IMPORT, *NAMES], env=place, capture_output=True)
    assert done.stdout == b"imported (3, 8)\n", done.stderr.decode()
    done = subprocess.run([oldest, *PYTEST, *map(str, PURE)], capture_output=True, text=True, cwd=REPOSITORY,
                          timeout=1200)
    assert passed(done.stdout) > 1000
    modules_in_four_calls(tmp_path, python=oldest)


def test_the_newest(newest: Callable[..., "subprocess.CompletedProcess[bytes]"]) -> None:
    done = newest("-c", IMPORT, *NAMES)
    version = tuple(map(int, re.findall(rb"\d+", done.stdout)))
    assert version >= NEWEST, (done.stdout, done.stderr)
    inside: List[str] = ["/repository/" + str(path.relative_to(REPOSITORY)) for path in PURE]
    done = newest(*PYTEST, "-c", "/repository/pyproject.toml", "--rootdir", "/repository", *inside)
    assert passed(done.stdout.decode()) > 1000
    for host in python_host("forky"):
        said = docker("exec", host, "python3", "-c", "import sys; print(sys.version_info[:2] >= %r)" % (NEWEST,))
        assert said.stdout == b"True\n"
        modules_in_four_calls(Path("/root"), host=host)


def modules_in_four_calls(folder: Path, **where: str) -> None:
    """One module of each kind, for real."""
    four("oqs_authorized_keys", {"path": str(folder / "authorized_keys"), "keys": [KEY]}, **where)
    four("oqs_password", {"path": str(folder / "password"), "password": "correct horse battery"}, **where)
    four("oqs_keypair", {"path": str(folder / "key"), "type": "ed25519", "passphrase": "correct horse"}, **where)
    changes = [{"keyword": "Port", "value": 2222}]
    wanted = {"path": str(folder / "authorized_keys"), "dialect": "sshd_config", "changes": changes}
    four("oqs_config", wanted, **where)
    result = call("ssh_probe", {"host": "127.0.0.1", "port": 9, "expect": {"reachable": False}}, **where)
    assert not result.get("failed") and result["failure"] == "refused", result
