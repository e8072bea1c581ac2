# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Call a module of this collection as a program, with its arguments on standard input, and show it four times."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

import ansible
import pytest

from lab import test_base

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = """
from ansible.module_utils import basic
basic._ANSIBLE_PROFILE = "legacy"
from ansible_collections.quantumsafe.openssh.plugins.modules.%s import main
main()
"""


def call(
    name: str,
    arguments: Dict[str, Any],
    check: bool = False,
    host: Optional[str] = None,
    env: Optional[Dict[str, str]] = None,
    python: str = sys.executable,
) -> Dict[str, Any]:
    """The result of one call of a module, with its diff, and as ``_raw`` all that it printed.

    :param host: a container made by ``python_host``; without, here. :param python: another one than this, here.
    """
    given = dict(arguments, _ansible_check_mode=check, _ansible_diff=True, _ansible_remote_tmp="/tmp")
    place = ["-e", "PYTHONPATH=/python:/repository/collections"]
    argv = ["docker", "exec", "-i", *place, host, "python3"] if host else [python]
    done = subprocess.run(
        [*argv, "-c", PROGRAM % name],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode(),
        capture_output=True,
        timeout=180,
        check=False,
        env=dict(os.environ, LC_ALL="C.UTF-8", PYTHONPATH=str(REPOSITORY / "collections"), **(env or {})),
    )
    assert done.stdout.strip().startswith(b"{"), (done.stdout, done.stderr)
    result: Dict[str, Any] = json.loads(done.stdout)
    result["_raw"] = (done.stdout + done.stderr).decode("utf-8", "replace")
    return result


def four(name: str, arguments: Dict[str, Any], **more: Any) -> List[Dict[str, Any]]:
    """Check, real, check, real: what check mode said is what happens, and the second time nothing happens."""
    results = [call(name, arguments, check, **more) for check in (True, False, True, False)]
    for result in results:
        assert not result.get("failed"), result
    assert [result["changed"] for result in results] == [True, True, False, False], results
    return results


def docker(*arguments: str, stdin: bytes = b"", check: bool = True) -> subprocess.CompletedProcess:
    """The docker command line."""
    done = subprocess.run(["docker", *arguments], input=stdin, capture_output=True, timeout=600, check=False)
    assert done.returncode == 0 or not check, (arguments, done.stdout, done.stderr)
    return done


def need_image(image: str) -> str:
    """Skip the test where an image was not built."""
    if not docker("image", "inspect", image, check=False).stdout.startswith(b"[\n"):
        pytest.skip("the image %s is not here: make it with images/" % image)
    return image


def container(image: str, *options: str) -> Iterator[str]:
    """A container that is created without network and removed at the end."""
    name = "oqs-keys-%s" % uuid.uuid4().hex[:10]
    docker("create", "-it", "--name", name, "--network", "none", *options, need_image(image))
    try:
        yield name
    finally:
        docker("rm", "-f", name)


def python_host(suite: str = "trixie") -> Iterator[str]:
    """A container that stands for a host: sshd, Python and the modules, accounts alice and bob."""
    image = "quantumsafe/keys-test:" + suite
    recipe = """FROM %s
RUN apt-get update && apt-get install -y --no-install-recommends openssh-server openssh-client python3 \\
 && mkdir -p /run/sshd && useradd -m -s /bin/sh alice && useradd -m -s /bin/sh bob \\
 && usermod -p '*' alice && usermod -p '*' bob
# Refused logins are part of the tests: sshd of 9.8 and later would shut out the tester's address for a while.
RUN cd /etc/ssh/sshd_config.d && echo 'PerSourcePenalties no' >tests.conf && { /usr/sbin/sshd -t || rm tests.conf; }
""" % test_base.ensure(suite, lambda _text: None)
    docker("build", "-q", "-t", image, "-", stdin=recipe.encode())
    name = "oqs-keys-%s" % uuid.uuid4().hex[:10]
    docker(
        *("run", "-d", "--init", "--name", name, "--network", "none", "-v", "%s:/repository:ro" % REPOSITORY),
        *("-v", "%s:/python/ansible:ro" % Path(ansible.__file__).parent, "-e", "PYTHONPATH=/python"),
        *("-e", "PYTHONDONTWRITEBYTECODE=1", image, "/usr/sbin/sshd", "-D", "-e", "-p", "2222"),
    )
    try:
        yield name
    finally:
        docker("rm", "-f", name)


def spied_docker(folder: Path) -> Dict[str, str]:
    """A PATH on which ``docker`` first writes its arguments and environment to ``folder/spied``."""
    real = shutil.which("docker")
    folder.mkdir(exist_ok=True)
    script = folder / "docker"
    script.write_text("#!/bin/sh\n{ printf '%%s\\n' \"$@\"; env; } >>%s/spied\nexec %s \"$@\"\n" % (folder, real))
    script.chmod(0o755)
    return {"PATH": "%s:%s" % (folder, os.environ["PATH"])}


def absent(text: str, secrets: Sequence[str]) -> None:
    """None of the secrets is in the text."""
    for secret in secrets:
        assert secret not in text
