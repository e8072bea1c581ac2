# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An image that is built here: from an installed collection, too; and Debian's updates reach it."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from images import build
from lab import test_base

pytestmark = pytest.mark.docker


def quiet(_words: str) -> None:
    """Says nothing."""


def docker(*argv: str, stdin: str = "", code: int = 0) -> str:
    done = subprocess.run(["docker", *argv], input=stdin, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr if code else done.stdout.strip()


def status() -> str:
    """The packages of the stock image."""
    return docker("run", "--rm", "--network", "none", "--entrypoint", "cat", build.build("stock", say=quiet),
                  "/var/lib/dpkg/status")


def older(text: str, package: str, version: str = "1:0.9-1") -> str:
    """The same with a version that Debian had before."""
    pattern = r"(?ms)^(Package: %s\n.*?^Version: )[^\n]+" % re.escape(package)
    return re.sub(pattern, r"\g<1>" + version, text, count=1)


def newer(text: str, code: int = 0) -> str:
    script = build.NEWER.read_text("utf-8")
    tag = test_base.ensure(build.SUITE, quiet)
    return docker("run", "--rm", "-i", tag, "sh", "-c", script, stdin=text, code=code)


def test_what_is_up_to_date_is_not_named() -> None:
    assert newer(status()) == ""


def test_what_debian_has_newer_is_named() -> None:
    text = status()
    names = re.findall(r"(?m)^Package: ((?:openssh-server|libssl)\S*)$", text)
    assert len(names) >= 2
    for name in names:
        text = older(text, name, "1:0.9-1" if name.startswith("openssh") else "0.9-1")
    assert sorted(line.split()[0] for line in newer(text).splitlines()) == sorted(names)


def test_a_list_without_the_server_is_no_answer() -> None:
    assert "lists no package openssh-server" in newer("Package: bash\nVersion: 5\n", code=3)


def test_debian_that_does_not_answer_is_an_error() -> None:
    tag = test_base.ensure(build.SUITE, quiet)
    script = build.NEWER.read_text("utf-8")
    said = docker("run", "--rm", "-i", "--network", "none", tag, "sh", "-c", script, stdin=status(), code=100)
    assert "E: " in said or "Err:" in said or "Failed" in said


def test_it_is_built_from_an_installed_collection(tmp_path: Path) -> None:
    """Which has no folder of quirks, and lies wherever it was installed."""
    shutil.copytree(build.HERE, tmp_path / "images", ignore=shutil.ignore_patterns("quirks", "__pycache__"))
    shutil.copytree(build.HERE.parent / "roles", tmp_path / "roles")
    spec = importlib.util.spec_from_file_location("installed_build", tmp_path / "images" / "build.py")
    assert spec and spec.loader
    installed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(installed)
    tag = installed.build("stock", user="installed", uid=1235, say=quiet)
    assert "openssh" in docker("run", "--rm", "--entrypoint", "cat", tag, "/var/lib/dpkg/status")
    docker("image", "rm", "--force", tag)


@pytest.mark.slow
def test_an_outdated_image_is_built_anew_by_an_upgrade(tmp_path: Path) -> None:
    tag = build.build("stock", user="updates", uid=1234, say=quiet)
    first = docker("image", "inspect", "--format", "{{.Id}}", tag)
    try:
        assert build.build("stock", user="updates", uid=1234, say=quiet, update=True) == tag
        assert docker("image", "inspect", "--format", "{{.Id}}", tag) == first, "nothing is newer"
        text = older(status(), "openssh-server")
        (tmp_path / "Dockerfile").write_text("FROM %s\nCOPY status /var/lib/dpkg/status\n" % tag)
        (tmp_path / "status").write_text(text)
        docker("build", "--quiet", "--tag", tag, str(tmp_path))
        assert build.build("stock", user="updates", uid=1234, say=quiet, update=True) == tag
        assert "0.9-1" not in docker("run", "--rm", "--entrypoint", "cat", tag, "/var/lib/dpkg/status")
    finally:
        docker("image", "rm", "--force", tag)
