# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write the table of variables in each role's README from its argument_specs: ``python -m docs.roles [--check]``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, List

import yaml

ROLES = Path(__file__).resolve().parents[1] / "roles"
HEAD = ["| variable | default | what it says |", "|---|---|---|"]
_MARK = re.compile(r"[VCBIMO]\(((?:[^()\\]|\\.|\([^()]*\))*)\)")


def plain(text: str) -> str:
    """Ansible's markup as Markdown: options, values and code in backticks."""
    return _MARK.sub(lambda found: "`%s`" % re.sub(r"^[\w.]+#(module:|role:main:)", "", found.group(1)), text)


def default(value: Any) -> str:
    """A default as it is written in YAML, in one line."""
    if isinstance(value, dict):
        return ", ".join("%s: %s" % (name, default(inner)) for name, inner in value.items())
    if isinstance(value, bool):
        return "true" if value else "false"
    return "''" if value == "" else str(value)


def cell(text: str) -> str:
    """Text that may stand in a cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ").strip()


def table(role: Path) -> List[str]:
    """The lines of a role's table."""
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    lines = list(HEAD)
    for name, spec in specs["argument_specs"]["main"]["options"].items():
        shown = "`%s`" % default(spec["default"]) if "default" in spec else "required"
        lines.append("| `%s` | %s | %s |" % (name, cell(shown), cell(plain(" ".join(spec["description"])))))
    return lines


def readme(role: Path) -> str:
    """A role's README as it should be.

    :raises ValueError: it has no table to replace.
    """
    lines = (role / "README.md").read_text(encoding="utf-8").splitlines()
    start = end = lines.index(HEAD[0])
    while end < len(lines) and lines[end].startswith("|"):
        end += 1
    return "\n".join(lines[:start] + table(role) + lines[end:]) + "\n"


def main(arguments: List[str]) -> int:
    """Write all READMEs; with ``--check`` only say which differ."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m docs.roles [--check]", file=sys.stderr)
        return 2
    stale = []
    for role in sorted(path.parent.parent for path in ROLES.glob("*/meta/argument_specs.yml")):
        path, text = role / "README.md", readme(role)
        if path.read_text(encoding="utf-8") != text:
            stale.append(str(path.relative_to(ROLES.parent)))
            if not arguments:
                path.write_text(text, encoding="utf-8")
    for name in stale:
        print("%s: %s" % (name, "differs from argument_specs.yml: run make docs" if arguments else "written"))
    return 1 if stale and arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
