# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the gates share: the tree, findings, running tools, places outside the tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import yaml

NOT_OURS = {".git", ".venv", ".cache", ".lab", ".ansible", "collections", "__pycache__", "node_modules"}
SHIPPED = ("roles", "playbooks", "plugins", "meta")


class Finding(NamedTuple):
    """One thing that is not as promised."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return "%s:%d: %s" % (self.path, self.line, self.text) if self.line else "%s: %s" % (self.path, self.text)


class GateError(Exception):
    """A gate is closed. The message is what the tool said, and how to go on."""


class Tree:
    """A checkout of the collection, or a sample of one in a test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files: Optional[List[str]] = None

    @property
    def files(self) -> List[str]:
        """Paths relative to the root of all files that belong to the tree: tracked and new ones, not the ignored."""
        if self._files is None:
            self._files = sorted(self._from_git() if (self.root / ".git").exists() else self._from_disk())
        return self._files

    def _from_git(self) -> Iterator[str]:
        listed = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=self.root, stdout=subprocess.PIPE, check=True, timeout=60,
        )
        for name in set(os.fsdecode(listed.stdout).split("\0")):
            path = self.root / name
            if name and path.is_file() and not path.is_symlink():
                yield name

    def _from_disk(self) -> Iterator[str]:
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name not in NOT_OURS]
            for name in names:
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink():
                    yield path.relative_to(self.root).as_posix()

    def matching(self, *patterns: str) -> List[str]:
        """The files that match one of the patterns (``fnmatch`` of the whole path; ``*`` crosses folders)."""
        from fnmatch import fnmatch

        return [name for name in self.files if any(fnmatch(name, pattern) for pattern in patterns)]

    def text(self, name: str) -> str:
        """The content of a file; bytes that are not UTF-8 come as replacement characters."""
        return (self.root / name).read_text(encoding="utf-8", errors="replace")

    def roles(self) -> List[str]:
        """Names of the roles."""
        return sorted({name.split("/")[1] for name in self.files if name.startswith("roles/") and name.count("/") > 1})


def cache() -> Path:
    """The folder for what may be kept between runs; made if missing, for its owner alone."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = Path(base, "quantumsafe-openssh", "lint")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def tool(name: str) -> str:
    """The path of a development tool.

    :raises GateError: it is not installed.
    """
    found = shutil.which(name, path=environment()["PATH"])
    if not found:
        raise GateError("%s is not installed beside %s: make the environment first" % (name, sys.executable))
    return found


def environment(extra: Optional[Mapping[str, str]] = None) -> "dict[str, str]":
    """Variables for the tools: the environment that runs this program comes first on PATH; no colours, no home."""
    result = dict(os.environ)
    result["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])
    result.update(
        LC_ALL="C.UTF-8", NO_COLOR="1", ANSIBLE_NOCOLOR="1", PYTHONDONTWRITEBYTECODE="1",
        ANSIBLE_HOME=str(cache() / "ansible"),
    )
    for name in ("FORCE_COLOR", "PY_COLORS", "ANSIBLE_FORCE_COLOR", "CLICOLOR_FORCE", "ANSIBLE_CONFIG"):
        result.pop(name, None)
    result.update(extra or {})
    return result


def run(argv: Sequence[str], cwd: Path, timeout: float, extra: Optional[Mapping[str, str]] = None) -> str:
    """Run a tool and give back what it said.

    :raises GateError: it ended with an error or did not end within ``timeout`` seconds; with its output.
    """
    try:
        done = subprocess.run(
            [tool(argv[0]), *argv[1:]], cwd=cwd, timeout=timeout, env=environment(extra),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )
    except subprocess.TimeoutExpired as error:
        said = (error.stdout or b"").decode("utf-8", "replace")
        raise GateError("%s%s: no end after %g s" % (said, " ".join(argv[:3]), timeout)) from error
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        raise GateError(said.rstrip() or "%s ended with %d and no message" % (argv[0], done.returncode))
    return said


def snapshot(tree: Tree, parent: Path) -> Path:
    """A copy of the tree where Ansible's tools want to find it; they leave their files there and not in the tree."""
    place = parent / "ansible_collections" / "quantumsafe" / "openssh"
    for name in tree.files:
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(tree.root / name, target)
    return place


def scratch() -> "tempfile.TemporaryDirectory[str]":
    """A temporary folder that goes away with the ``with`` block."""
    return tempfile.TemporaryDirectory(prefix="oqs-lint-")


class _Loader(yaml.SafeLoader):
    """YAML with the tags that Ansible adds; mappings remember the line they begin at."""


def _tagged(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else None


_Loader.add_multi_constructor("!", _tagged)


class Pair(NamedTuple):
    """A key, its value, its line, and whether its mapping is an item of a list, as tasks and plays are."""

    key: str
    value: object
    line: int
    in_list: bool


def load(text: str) -> object:
    """The first document of a YAML text as plain values."""
    value: object = yaml.load(text, Loader=_Loader)  # a subclass of SafeLoader
    return value


def pairs(text: str) -> List[Pair]:
    """All key and value pairs of a YAML text, at any depth, in order of their lines."""
    found: List[Pair] = []
    loader = _Loader(text)
    try:
        node = loader.get_node() if loader.check_node() else None
        while node is not None:
            _walk(loader, node, found, False)
            node = loader.get_node() if loader.check_node() else None
    finally:
        loader.dispose()
    return sorted(found, key=lambda pair: pair.line)


def _walk(loader: _Loader, node: yaml.Node, found: List[Pair], in_list: bool) -> None:
    children: List[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            plain = loader.construct_object(value, deep=True)
            found.append(Pair(str(key.value), plain, key.start_mark.line + 1, in_list))
            children.append(value)
    elif isinstance(node, yaml.SequenceNode):
        children.extend(node.value)
    for child in children:
        _walk(loader, child, found, isinstance(node, yaml.SequenceNode))


def yaml_files(tree: Tree, *folders: str) -> Iterator[Tuple[str, str]]:
    """Name and text of the YAML files in these folders (``""``: the top of the tree)."""
    for name in tree.matching("*.yml", "*.yaml"):
        top = name.split("/")[0] if "/" in name else ""
        if top in folders:
            yield name, tree.text(name)
