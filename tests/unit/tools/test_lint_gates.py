# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each gate closes on a tree that breaks its promise, and stays open on one that keeps it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lint.gates import artefact, code, cores, roles, sanity, table, text
from tests.lint.gates.common import GateError, Tree, pairs, run, snapshot

ROOT = Path(__file__).resolve().parents[3]

HEADER = "# GNU General Public License v3.0+ (see COPYING)\nfrom __future__ import annotations\n"
DEFAULTS = "---\nspam_state: present\nspam_port: 22\nspam_list: []\n"
SPECS = """---
argument_specs:
  main:
    options:
      spam_state: {type: str, default: present, choices: [present, absent], description: d}
      spam_port: {type: int, default: 22, description: d}
      spam_list: {type: list, elements: str, default: [], description: d}
"""
GOOD = {
    "galaxy.yml": "namespace: quantumsafe\nname: openssh\nversion: 0.1.0\nreadme: README.md\nauthors: [x]\n"
    "description: d\nlicense: [GPL-3.0-or-later]\ntags: [linux]\nrepository: https://example.org\nissues: https://example.org\n"
    "build_ignore: [tests, lab, molecule, bench]\n",
    "README.md": "# Read me\n",
    "COPYING": "GPL\n",
    "meta/runtime.yml": "---\nrequires_ansible: '>=2.19.0'\n",
    "plugins/module_utils/core/commands.py": HEADER + "import subprocess\n",
    "plugins/module_utils/plan/plan.py": HEADER + "import json\n",
    "roles/spam/README.md": "# spam\n",
    "roles/spam/defaults/main.yml": DEFAULTS,
    "roles/spam/meta/argument_specs.yml": SPECS,
    "roles/spam/tasks/main.yml": "---\n- name: Look\n  quantumsafe.openssh.oqs_look:\n  register: spam_look\n"
    "  when: ansible_facts['os_family'] == 'Debian' and ansible_check_mode\n",
}


def make(folder, **changes):
    """A tree with the good files, some of them changed or (None) left out; keys are paths with | for /."""
    files = dict(GOOD)
    files.update({name.replace("|", "/"): content for name, content in changes.items()})
    for name, content in files.items():
        if content is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    return Tree(folder)


def findings(checks, tree):
    return [str(finding) for check in checks for finding in check(tree)]


ALL = (*artefact.CHECKS, *code.CHECKS, *roles.CHECKS, *text.CHECKS)


def test_a_good_tree_has_no_findings(tmp_path):
    assert findings(ALL, make(tmp_path)) == []


TASK = "---\n- name: T\n  "
BAD = [
    ("plugins/modules/m.py", HEADER + "A = 1\n" * 250, "at most 250"),
    ("plugins/module_utils/m.py", HEADER + "A = 1\n" * 350, "at most 350"),
    ("plugins/module_utils/m.py", HEADER + "def f():\n" + "    a = 1\n" * 50, "f() has 51 lines"),
    ("tests/e2e/deploy/test_a.py", "A = 1\n" * 501, "at most 500"),
    ("molecule/hop/tests/test_a.py", "A = 1\n" * 501, "at most 500"),
    ("tests/unit/test_a.py", "import sys\nsys." + "path.insert(0, '.')\n", "test_a.py:2: edits sys.path"),
    ("bench/a.py", "import sys\nsys." + "path[:0] = ['.']\n", "edits sys.path"),
    ("lab/a.py", "import sys\nsys." + "path += ['.']\n", "edits sys.path"),
    ("tests/e2e/a.py", "TEXT = 'x'\n# sys." + "path.append(1)\n", "a.py:2: edits sys.path"),
    ("tests/__init__.py", "import sys\nassert sys." + "path == []\n", "leaves sys.path alone now"),
    ("plugins/modules/m.py", "from __future__ import annotations\n", "lacks the licence header"),
    ("plugins/module_utils/core/m.py", HEADER + "class Bad(ValueError):\n    pass\n", "Bad is no UserError"),
    ("plugins/modules/m.py", "# GNU General Public License v3.0+\n", "lacks 'from __future__"),
    ("plugins/action/m.py", "#!/usr/bin/python\n" + HEADER, "has a shebang"),
    ("plugins/module_utils/look.py", HEADER + "import subprocess\n", "imports subprocess"),
    ("plugins/module_utils/look.py", HEADER + "from subprocess import run\n", "imports subprocess"),
    ("plugins/module_utils/shadow.py", HEADER + "def f():\n    import crypt\n", "imports crypt"),
    ("plugins/module_utils/m.py", HEADER + '"""Plans. Pure."""\nimport os.path\n', "pure"),
    ("plugins/module_utils/m.py", HEADER + '"""Compare. Pure."""\nimport socket\n', "pure"),
    ("plugins/module_utils/m.py", HEADER + '"""Pure."""\nfrom ansible.errors import AnsibleError\n', "pure"),
    ("plugins/modules/m.py", HEADER + "import os  # " + "noqa: F401\n", "excuses itself"),
    ("plugins/modules/m.py", HEADER + "a = b  # " + "type: ignore[x]\n", "excuses itself"),
    ("plugins/modules/m.py", HEADER + "a = b  # " + "pylint: disable=all\n", "excuses itself"),
    ("playbooks/a.yml", "---\na: b  # " + "noqa: x\n", "excuses itself"),
    ("playbooks/a.yml", "---\n# " + "yamllint disable\n", "excuses itself"),
    ("tests/sanity/ignore-2.19.txt", "x\n", "ignore files"),
    (".ansible-lint-ignore", "x\n", "ignore files"),
    (".ansible-lint", "---\nskip_list: [all]\n", "lets ansible-lint off"),
    ("roles/spam/README.md", None, "README.md: missing"),
    ("roles/spam/meta/argument_specs.yml", None, "argument_specs.yml: missing"),
    ("roles/spam/defaults/main.yml", None, "is not in defaults/main.yml"),
    ("roles/spam/defaults/main.yml", DEFAULTS + "spam_more: 1\n", "spam_more has a default but"),
    ("roles/spam/defaults/main.yml", DEFAULTS.replace("spam_list: []\n", ""), "spam_list is not in defaults"),
    ("roles/spam/defaults/main.yml", DEFAULTS.replace("22", "23"), "spam_port is 23, argument_specs.yml says 22"),
    ("roles/spam/defaults/main.yml", DEFAULTS.replace("22", "'22'"), "spam_port is str"),
    ("roles/spam/defaults/main.yml", DEFAULTS.replace("22", "true"), "spam_port is bool"),
    ("roles/spam/defaults/main.yml", DEFAULTS.replace("22", '"{{ spam_x | default(23) }}"'), "falls back to 23"),
    ("roles/spam/defaults/main.yml", DEFAULTS.replace(": present", ": there"), "not one of its choices"),
    ("roles/spam/meta/argument_specs.yml", SPECS.replace(", absent]", "]"), "needs spam_state"),
    ("roles/spam/meta/argument_specs.yml", SPECS.replace("22, description: d", "22"), "no description"),
    ("roles/spam/meta/argument_specs.yml", SPECS.replace("default: 22,", "default: 22, no_log: true,"), "no_log"),
    ("roles/spam/meta/argument_specs.yml", SPECS.replace("default: 22, ", ""), "gives no default"),
    ("roles/spam/vars/main.yml", "---\neggs: 1\n", "eggs does not begin with spam_"),
    ("roles/spam/tasks/main.yml", TASK + "quantumsafe.openssh.x:\n  register: eggs\n", "register eggs does not begin"),
    ("roles/spam/tasks/more.yml", TASK + "ansible.builtin.set_fact:\n    eggs: 1\n", "eggs does not begin"),
    ("roles/spam/tasks/main.yml", TASK + "block:\n    - x:\n      loop_control:\n        loop_var: item2\n", "item2"),
    ("roles/spam/handlers/main.yml", "--- []\n", "no handlers"),
    ("roles/spam/tasks/main.yml", TASK + "x:\n  notify: y\n", "no handlers"),
    ("roles/spam/tasks/main.yml", TASK + "x:\n  ignore_errors: true\n", "ignore_errors"),
    ("molecule/a/verify.yml", TASK + "x:\n  ignore_errors: true\n", "ignore_errors"),
    ("roles/spam/tasks/main.yml", TASK + "x:\n  failed_when: false\n", "swallows every error"),
    ("roles/spam/tasks/main.yml", TASK + "block:\n    - ansible.builtin.shell: ls\n", "no shell"),
    ("playbooks/a.yml", "---\n- hosts: all\n  tasks:\n    - raw: ls\n", "no shell"),
    ("deploy-oqs-ssh.yml", "---\n- hosts: all\n  handlers: []\n", "no handlers"),
    ("playbooks/a.yml", "---\n- tasks:\n    - x:\n      delegate_to: localhost\n", "delegate_to"),
    ("molecule/ansible.cfg", "[defaults]\n", "ansible.cfg"),
    ("roles/spam/tasks/main.yml", TASK + "x:\n  when: ansible_os_family == 'Debian'\n", "ansible_facts['os_family']"),
    ("roles/spam/templates/a.j2", "{{ ansible_hostname }}\n", "ansible_facts['hostname']"),
    ("roles/eggs/defaults/main.yml", "---\nspam_port: 24\n", "spam_port differs from role eggs"),
    ("docs/a.md", "-----BEGIN OPENSSH PRIVATE " + "KEY-----\n" + "b3BlbnNzaC1rZXktdjEA" * 3 + "\n", "private key"),
    ("docs/a.md", "no end", "no line end"),
    ("galaxy.yml", GOOD["galaxy.yml"].replace("0.1.0", "one"), "not of the form"),
    ("galaxy.yml", GOOD["galaxy.yml"].replace("authors: [x]\n", ""), "lacks authors"),
    ("galaxy.yml", GOOD["galaxy.yml"] + "dependencies: {a.b: '*'}\n", "ansible-core is enough"),
    ("README.md", None, "README.md: missing"),
    ("meta/runtime.yml", "---\nrequires_ansible: '>=2.19.0,<3'\n", "lower bound"),
]


@pytest.mark.parametrize(("name", "content", "expected"), BAD, ids=["%s: %s" % (bad[0], bad[2]) for bad in BAD])
def test_a_broken_promise_is_found(tmp_path, name, content, expected):
    found = findings(ALL, make(tmp_path, **{name: content}))
    assert any(expected in line and line.startswith(name.split("/")[0]) for line in found), found


KEPT = [
    ("plugins/module_utils/m.py", HEADER + 'def f():\n    """' + "doc\n" * 60 + '"""\n' + "    a = 1\n" * 45),
    ("roles/spam/defaults/main.yml", DEFAULTS.replace("22", '"{{ spam_x | default(22) }}"')),
    ("roles/spam/tasks/main.yml", TASK + "quantumsafe.openssh.x:\n    shell: /bin/sh\n"),
    ("roles/spam/tasks/main.yml", TASK + "x:\n  vars:\n    ansible_python_interpreter: /usr/bin/python3\n"),
    ("roles/spam/tasks/main.yml", TASK + "x:\n  register: __spam_look\n"),
    ("roles/spam/meta/argument_specs.yml", SPECS + "      spam_need: {type: str, required: true, description: d}\n"),
    ("molecule/a/create.yml", "---\n- hosts: localhost\n  tasks:\n    - x:\n      delegate_to: localhost\n"),
    ("docs/a.md", "-----BEGIN OPENSSH PRIVATE " + "KEY-----\n\n(a key would stand here)\n"),
]


@pytest.mark.parametrize(("name", "content"), KEPT, ids=["%d %s" % (at, kept[0]) for at, kept in enumerate(KEPT)])
def test_a_kept_promise_is_not_blamed(tmp_path, name, content):
    assert findings(ALL, make(tmp_path, **{name: content})) == []


def test_the_machine_is_not_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://me:secret@mirror.corp.lan/simple")
    tree = make(tmp_path, **{"docs/a.md": "see %s/x\n" % tmp_path, "docs/b.md": "see http://mirror.corp.lan/debian\n"})
    found = "\n".join(findings([text.machine], tree))
    assert "docs/a.md:1:" in found and "docs/b.md:1: mirror.corp.lan is a mirror" in found and "secret" not in found
    assert "pypi.org" not in "".join(text.mirror_hosts()) and "deb.debian.org" not in text.mirror_hosts()


@pytest.mark.parametrize("path", sorted((ROOT / "plugins").rglob("*.py")), ids=lambda path: path.name)
def test_our_files_that_comments_name_exist(path):
    named = re.findall(r"``(?:[\w/]+/)?(\w+\.(?:py|yml))``", path.read_text(encoding="utf-8"))
    assert [name for name in named if not any(ROOT.glob("[dilprt]*/**/" + name))] == []


def test_executables_have_shebangs(tmp_path):
    tree = make(tmp_path, **{"docs/a.md": "text\n"})
    os.chmod(tmp_path / "docs" / "a.md", 0o755)
    assert findings([text.tidy], tree) == ["docs/a.md:1: may be executed but has no shebang"]


def test_pairs_have_lines_and_survive_vault_tags():
    assert [(pair.key, pair.line) for pair in pairs("---\na:\n  - b: !vault |\n      x\n  - c: 1\n---\nd: 2\n")] == [
        ("a", 2), ("b", 3), ("c", 5), ("d", 7),
    ]


def test_git_decides_what_belongs_to_the_tree(tmp_path):
    make(tmp_path, **{".gitignore": "/junk\n", "junk/a.py": "x", "new.py": "x"})
    (tmp_path / "link").symlink_to("new.py")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True, timeout=30)
    files = Tree(tmp_path).files
    assert "new.py" in files and "junk/a.py" not in files and "link" not in files


def test_the_artefact_holds_what_users_need_and_no_more(tmp_path):
    tree = make(tmp_path / "tree", **{"tests/unit/test_x.py": "", "roles/spam/files/a": "a\n"})
    (tmp_path / "out").mkdir()
    made = artefact.build(snapshot(tree, tmp_path / "copy"), tmp_path / "out")
    assert artefact.content(made, tree) == []
    assert (artefact.unpack(made, tmp_path / "installed") / "roles" / "spam" / "files" / "a").is_file()


def test_the_artefact_with_tests_links_and_holes_is_refused(tmp_path):
    files = {"galaxy.yml": GOOD["galaxy.yml"].replace("tests, ", ""), "tests/unit/test_x.py": "", "COPYING": None}
    tree = make(tmp_path / "tree", **files)
    (tmp_path / "out").mkdir()
    copy = snapshot(tree, tmp_path / "copy")
    (copy / "roles" / "spam" / "link").symlink_to("README.md")
    (tmp_path / "tree" / "roles" / "spam" / "late.yml").write_text("---\n")
    found = "\n".join(map(str, artefact.content(artefact.build(copy, tmp_path / "out"), Tree(tmp_path / "tree"))))
    for expected in ("tests: is in the artefact", "roles/spam/link: a link", "COPYING: is not", "late.yml: is not"):
        assert expected in found


def test_what_is_not_listed_does_not_ship_and_what_is_listed_does(tmp_path):
    clone = ("info-oqs-ssh.yml", "docs/tables.py", "docs/hosts.yml", "images/stock/quirks/key-gen.sh", "plugins.txt")
    listed = ("docs/a.md", "docs/a.svg", "images/build.py", "images/stock/key-gen.sh", "changelogs/changelog.yaml")
    ignored = {"galaxy.yml": GOOD["galaxy.yml"].replace("bench]", "'docs/a.*']")}
    tree = make(tmp_path / "tree", **dict.fromkeys(clone + listed, "x\n"), **ignored)
    (tmp_path / "out").mkdir()
    made = artefact.build(snapshot(tree, tmp_path / "copy"), tmp_path / "out")
    found = {(finding.path, finding.text.split(";")[0]) for finding in artefact.content(made, tree)}
    unlisted = {(name, "is in the artefact") for name in (*clone, "docs", "images/stock/quirks")}
    assert found == unlisted | {(name, "is not in the artefact") for name in ("docs/a.md", "docs/a.svg")}


def test_a_role_page_that_cannot_be_made_closes_the_gate(tmp_path):
    broken = SPECS.replace("default: 22", "default: '{{ oqs_ssh_port | default(22) }}'")
    specs = "roles/spam/meta/argument_specs.yml"
    files = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("noxfile.py", "antsibull-nox.toml")}
    with pytest.raises(GateError, match="spam_port") as told:
        table.GATES["docs"][1](make(tmp_path, **files, **{specs: broken}))
    assert str(told.value).startswith(specs)


def test_pythons_that_do_not_start_are_left_out(tmp_path, monkeypatch):
    broken = tmp_path / "python3.8"
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    path, found = sanity.pythons(["3.8", "%d.%d" % sys.version_info[:2]])
    assert found == ["%d.%d" % sys.version_info[:2]] and str(tmp_path) not in path.split(os.pathsep)


def test_a_core_takes_the_oldest_python_that_runs_it(tmp_path):
    core = cores.Core("2.21.5", (3, 12))
    for version in ("3.12", "3.13"):
        (tmp_path / ("python" + version)).write_text("#!/bin/sh\n")
        (tmp_path / ("python" + version)).chmod(0o755)
    assert cores.python_for(core, str(tmp_path), ["3.11", "3.12", "3.13"]) == str(tmp_path / "python3.12")
    assert cores.python_for(core, str(tmp_path), ["3.11"]) is None
    assert [each.final for each in (core, cores.Core("2.22.0rc1", (3, 13)))] == [True, False]


def test_a_core_without_a_python_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sanity, "pythons", lambda _versions: ("", ["3.8"]))
    with pytest.raises(sanity.NoPython, match=r"no Python for ansible-core 2\.21\.5 \(3\.12 or newer\)"):
        sanity.sanity(tmp_path, core=cores.Core("2.21.5", (3, 12)))


def test_a_tool_that_fails_closes_the_gate_with_its_words():
    with pytest.raises(GateError, match="is not installed"):
        run(["no-such-tool"], ROOT, 5)
    with pytest.raises(GateError, match="broken here"):
        run(["sh", "-c", "echo broken here; exit 3"], ROOT, 5)
    with pytest.raises(GateError, match="no end after"):
        run(["sh", "-c", "sleep 30"], ROOT, 0.2)


def test_the_program_says_how_to_run_a_closed_gate_again(monkeypatch, capsys):
    def closed(tree):
        raise GateError("a.py:1: wrong")

    monkeypatch.setattr(table, "GATES", {"one": ("", lambda _tree: ""), "two": ("", closed)})
    assert table.main([]) == 1
    said = capsys.readouterr().out
    assert "ok    one" in said and "FAIL  two" in said and "a.py:1: wrong" in said and "-m tests.lint two\n" in said
    assert table.main(["one"]) == 0
    with pytest.raises(SystemExit, match="2"):
        table.main(["three"])


TOOLS = [
    ("ruff", "plugins/module_utils/m.py", HEADER + "import os\n", "F401"),
    ("ruff", "plugins/module_utils/m.py", '"""Doc."""\n\n\ndef _f(a: int | None) -> None:\n    print(a)\n', "FA102"),
    ("mypy", "plugins/module_utils/m.py", HEADER + "def f(a):\n    return a\n", "no-untyped-def"),
    ("mypy", "plugins/action/m.py", HEADER + "def f(a):\n    return a\n", "no-untyped-def"),
    ("mypy", "lab/m.py", "a: int = 'b'\n", "assignment"),
    ("yamllint", "playbooks/a.yml", "---\na: yes\n", "truthy"),
    ("changelog", "changelogs/fragments/x.yml", "---\nnews:\n  - x\n", "news"),
    ("ansible-lint", "playbooks/a.yml", "---\n- hosts: all\n  tasks: []\n", "name[play]"),
    ("sanity", "plugins/modules/m.py", HEADER + "A = 1\n", "validate-modules"),
]


SLOW = ("ansible-lint", "sanity")


@pytest.mark.parametrize(
    ("gate", "name", "content", "expected"),
    [pytest.param(*case, id=case[0] + " " + case[3], marks=[pytest.mark.slow] * (case[0] in SLOW)) for case in TOOLS],
)
def test_a_tool_closes_its_gate(tmp_path, monkeypatch, gate, name, content, expected):
    if gate != "sanity":  # it takes minutes to make its environments again
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    settings = ("pyproject.toml", ".yamllint", ".ansible-lint", "changelogs/config.yaml", "changelogs/changelog.yaml")
    files = {setting: (ROOT / setting).read_text(encoding="utf-8") for setting in settings}
    make(tmp_path, **files)
    link = tmp_path / "collections" / "ansible_collections" / "quantumsafe" / "openssh"
    link.parent.mkdir(parents=True)
    link.symlink_to("../../..")
    make(tmp_path, **{name: content})
    result = table.try_gate(gate, Tree(tmp_path))
    assert not result.ok and expected in result.said and name in result.said, result.said
