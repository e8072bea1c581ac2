# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write the tables that are made from data: ``python -m docs.tables [--check]``, with the
folder ``collections`` on the path.

docs/bad-input.md from tests/e2e/refused/cases.py; in README.md the systems from module_utils/docker/platforms.py,
and the kinds of hosts from docs/hosts.yml.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Dict, List

import yaml
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import platforms

from tests.e2e.refused import cases

ROOT = Path(__file__).resolve().parents[1]
#: Longer values are described.
LONG = 60
HEAD = """# Wrong input, and what is said to it

Made by `make docs` from `tests/e2e/refused/cases.py`; the tests show each of these lines with the real playbook.

All variables are checked on the controller before the first connection. What only the host can tell is found by the
first look at it, before anything is changed there; every error of a host is reported at once. A rejected value is
described, never shown, because it may be a secret that stands in the wrong place. To see what a variable became on a
host: `ansible -i hosts HOST -m ansible.builtin.debug -a var=NAME`.
"""
BEFORE = "## Before the first connection\n\nDecided by the variables alone."
EVERYTHING = """Besides, every variable of every role is given a value of a wrong type, and every text and list what a
shell or an option parser would take for its own."""
LOOKED = "## Before any change\n\nDecided by what the first look at the host finds."


def value(given: Any) -> str:
    """A value as it is written in an inventory, in one line; a long one in words."""
    text = json.dumps(given, ensure_ascii=True)
    return text if len(text) <= LONG else text[: LONG // 2].rstrip("\\") + "…"


def cell(text: str) -> str:
    """Text for a cell of a table, with nothing that Markdown or HTML would take for its own."""
    for char, shown in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("*", "\\*"), ("_", "\\_"), ("`", "\\`")):
        text = text.replace(char, shown)
    return text


def code(text: str) -> str:
    """Text for a cell, as it is."""
    return "`` %s ``" % text.replace("|", "\\|") if "`" in text else "`%s`" % text.replace("|", "\\|")


def table(rows: List[Any]) -> str:
    """The rows for some cases."""
    lines = ["| case | variables | what is said |", "|---|---|---|"]
    for case in rows:
        given = "<br>".join(code("%s: %s" % (name, value(what))) for name, what in case.variables.items())
        lines.append("| %s | %s | %s |" % (cell(case.name), given, cell(case.words)))
    return "\n".join(lines)


def bad_input() -> str:
    """The content of docs/bad-input.md."""
    parts = [HEAD, BEFORE, table(cases.CASES + cases.ARCHIVE_CASES), EVERYTHING, LOOKED, table(cases.HOST_CASES)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def systems() -> str:
    """The table of distributions."""
    lines = ["| system | Docker's packages | service | firewall it comes with | confinement | Python | run for real |",
             "|---|---|---|---|---|---|---|"]
    for one in platforms.PLATFORMS:
        packages = dict.fromkeys(", ".join(names) for names in one.docker.values())
        docker = "%s: %s" % (one.manager, " or ".join(packages)) if one.docker else "none of its own: docker-ce"
        lines.append("| %s | %s | %s | %s | %s | %s | %s |" % (
            one.title, docker, one.service, one.firewall, one.security or "none", one.python or "there",
            one.proved or "no: data and unit tests"))
    return "\n".join(lines)


def kinds(root: Path) -> str:
    """The table of kinds of hosts."""
    lines = ["| host | what happens | run for real |", "|---|---|---|"]
    for row in yaml.safe_load((root / "docs" / "hosts.yml").read_text(encoding="utf-8")):
        real = "unit tests" if row["shown"].startswith("tests/unit/") else row.get("real", "yes")
        lines.append("| %s | %s | [%s](%s) |" % (row["kind"], row["so"], real, row["shown"].split("::")[0]))
    return "\n".join(lines)


def readme(root: Path) -> str:
    """README.md with its generated tables, each between two comments.

    :raises ValueError: a comment is missing.
    """
    text = (root / "README.md").read_text(encoding="utf-8")
    for name, made in (("systems", systems()), ("kinds", kinds(root))):
        begin, end = "<!-- make docs: %s -->\n" % name, "\n<!-- end -->"
        start = text.index(begin) + len(begin)
        text = text[:start] + made + text[text.index(end, start):]
    return text


def pages(root: Path) -> Dict[Path, str]:
    """Every file that is made from data, as it should be."""
    return {root / "docs" / "bad-input.md": bad_input(), root / "README.md": readme(root)}


def main(arguments: List[str]) -> int:
    """Write all; with ``--check`` only say which differ."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m docs.tables [--check]", file=sys.stderr)
        return 2
    stale = []
    for path, text in pages(ROOT).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(str(path.relative_to(ROOT)))
            if not arguments:
                path.write_text(text, encoding="utf-8")
    for name in stale:
        print("%s: %s" % (name, "is not up to date: run make docs" if arguments else "written"))
    return 1 if stale and arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
