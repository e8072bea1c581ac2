# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The static promises of the collection, on the tree as it is. ``tests.lint`` tells the same with the tools besides."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint.gates import artefact, code, roles, text
from tests.lint.gates.common import Tree

ROOT = Path(__file__).resolve().parents[3]

CHECKS = [check for part in (artefact, code, roles, text) for check in part.CHECKS]
TREE = Tree(ROOT)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__module__ + "." + check.__name__)
def test_promise(check):
    assert [str(finding) for finding in check(TREE)] == []


def test_a_clone_finds_itself():
    link = ROOT / "collections" / "ansible_collections" / "quantumsafe" / "openssh"
    assert link.is_symlink() and link.resolve() == ROOT


def test_the_tree_is_looked_at():
    assert "galaxy.yml" in TREE.files and "plugins/module_utils/core/commands.py" in TREE.files
    assert not [name for name in TREE.files if name.startswith((".git/", "collections/"))]
