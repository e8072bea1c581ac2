# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Promises about any text of the tree: nothing of the machine it was written on, nothing secret, nothing to ignore."""

from __future__ import annotations

import glob
import os
import re
import stat
import sys
from pathlib import Path
from typing import Iterator, Set

from tests.lint.gates.common import Finding, Tree

# Folders that belong to every system: to name them says nothing about this machine.
COMMON = {"/", "/tmp", "/var/tmp", "/opt", "/srv", "/src", "/mnt", "/home", "/root", "/usr", "/var"}
# Hosts that everybody may name.
PUBLIC = re.compile(
    r"(^|\.)(debian\.org|ubuntu\.com|docker\.com|docker\.io|pypi\.org|pythonhosted\.org|example\.(com|org|net)|github\.com"
    r"|localhost|127\.0\.0\.1|invalid|test)$"
)
SOURCES = ("/etc/apt/sources.list", "/etc/apt/sources.list.d/*", "/etc/pip.conf", "~/.config/pip/pip.conf")
HOST = re.compile(r"(?:https?|ftp)://(?:[^/@\s]*@)?([A-Za-z0-9.-]+)")
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}")


def machine_paths(root: Path) -> Set[str]:
    """Folders that only this machine has: the checkout, its parent, the environment that runs this."""
    parent = root.parent
    names = {str(root), str(parent), os.path.dirname(os.path.dirname(sys.executable))}
    names = {name for name in names if not name.startswith("/usr")}
    home = os.path.expanduser("~")
    return {name for name in names | {home} if name not in COMMON and name.count("/") > 0 and len(name) > 4}


def mirror_hosts() -> Set[str]:
    """Names of the package mirrors that this machine is set up with, without those that are public knowledge."""
    found: Set[str] = set()
    for pattern in SOURCES:
        for path in glob.glob(os.path.expanduser(pattern)):
            try:
                found.update(HOST.findall(Path(path).read_text(encoding="utf-8", errors="replace")))
            except OSError:
                continue
    for name in ("PIP_INDEX_URL", "UV_INDEX_URL", "http_proxy"):
        found.update(HOST.findall(os.environ.get(name, "")))
    return {name for name in found if not PUBLIC.search(name)}


def machine(tree: Tree) -> Iterator[Finding]:
    """No absolute path and no mirror of the machine that the text was written on."""
    words = [(re.compile(r"(?<![\w./-])%s(?![\w-])" % re.escape(name)), "path") for name in machine_paths(tree.root)]
    words += [(re.compile(r"(?<![\w.-])%s(?![\w-])" % re.escape(name)), "mirror") for name in mirror_hosts()]
    for file in tree.files:
        text = tree.text(file)
        for pattern, kind in words:
            for found in pattern.finditer(text):
                line = text.count("\n", 0, found.start()) + 1
                yield Finding(file, line, "%s is a %s of this machine" % (found.group(), kind))


def secrets(tree: Tree) -> Iterator[Finding]:
    """No private key lies in the tree."""
    for file in tree.files:
        text = tree.text(file)
        found = PRIVATE_KEY.search(text)
        if found:
            yield Finding(file, text.count("\n", 0, found.start()) + 1, "holds a private key: tests make their own")


def tidy(tree: Tree) -> Iterator[Finding]:
    """Text files end with a line end, and only programs may be executed."""
    for file in tree.files:
        data = (tree.root / file).read_bytes()
        if b"\0" in data[:8000]:
            continue
        if data and not data.endswith(b"\n") and not file.startswith("tests/"):
            yield Finding(file, data.count(b"\n") + 1, "has no line end at its end")
        mode = stat.S_IMODE((tree.root / file).stat().st_mode)
        if mode & 0o111 and not data.startswith(b"#!"):
            yield Finding(file, 1, "may be executed but has no shebang")


CHECKS = (machine, secrets, tidy)
