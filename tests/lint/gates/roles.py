# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Promises about roles and playbooks: documented equals real, names carry the role, no shortcuts."""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, Mapping, Optional, Tuple

import yaml

from tests.lint.gates.common import SHIPPED, Finding, Pair, Tree, load, pairs, yaml_files

# Injected facts look like this; the names after it are not facts but what the user or Ansible itself sets.
INJECTED = re.compile(r"(?<![\w./-])ansible_(?!\w*collections\b)(\w+)")
NOT_FACTS = re.compile(
    r"(facts|host|port|user|password|connection|check_mode|diff_mode|version|play_\w+|pipelining|become\w*|ssh_\w+|sftp_\w+"
    r"|scp_\w+|python_interpreter|run_tags|skip_tags|limit|forks|inventory_sources|playbook_python|config_file|role_name"
    r"|role_names|parent_role_\w+|dependent_role_names|collection_name|loop\w*|index_var|search_path|verbosity|failed_\w+"
    r"|managed|private_key_file|async_dir|no_log|shell_\w+|remote_tmp|timeout|delegated_vars|job_id|builtin|collection"
    r"|control_\w+|host_key_checking|common_remote_group|paramiko\w*|docker_\w+|keep_remote_files)$"
)
# Keys that the shipped content does without, and why.
FORBIDDEN = {
    "ignore_errors": "a failure is handled or ends the run",
    "notify": "no handlers: a failed play loses them",
    "handlers": "no handlers: a failed play loses them",
    "shell": "no shell",
    "raw": "no shell",
    "ansible.builtin.shell": "no shell",
    "ansible.builtin.raw": "no shell",
    "ansible.builtin.script": "no shell",
    "local_action": "it would inherit sudo: what the controller does is an action plugin",
}
LOCAL = {"localhost", "127.0.0.1", "::1"}
TYPES: Mapping[str, Tuple[type, ...]] = {
    "str": (str,), "bool": (bool,), "int": (int,), "float": (int, float),
    "list": (list,), "dict": (dict,), "path": (str,),
}
DEFAULT_FILTER = re.compile(r"\|\s*default\(\s*(?P<value>'[^']*'|\"[^\"]*\"|[\w.\[\]{}-]+)\s*(?:,[^)]*)?\)\s*\}\}\s*$")


def complete(tree: Tree) -> Iterator[Finding]:
    """Each role explains itself and can be taken away again."""
    for role in tree.roles():
        base = "roles/%s/" % role
        for name in ("README.md", "meta/argument_specs.yml", "defaults/main.yml", "tasks/main.yml"):
            if base + name not in tree.files:
                yield Finding(base + name, 0, "missing")
        for name in tree.matching(base + "handlers/*"):
            yield Finding(name, 0, FORBIDDEN["handlers"])
        state = _options(tree, role).get("%s_state" % role)
        if state is None or not {"present", "absent"} <= set(_list(state.get("choices"))):
            yield Finding(base + "meta/argument_specs.yml", 0, "needs %s_state with choices present and absent" % role)


def documented(tree: Tree) -> Iterator[Finding]:
    """defaults/main.yml and argument_specs.yml have the same keys, types and values."""
    for role in tree.roles():
        spec, file = _options(tree, role), "roles/%s/defaults/main.yml" % role
        defaults = _mapping(tree, file)
        for name in sorted(set(defaults) - set(spec)):
            yield Finding(file, 0, "%s has a default but is not in meta/argument_specs.yml" % name)
        for name, option in sorted(spec.items()):
            if name not in defaults and option.get("required") is not True:
                yield Finding("roles/%s/meta/argument_specs.yml" % role, 0, "%s is not in defaults/main.yml" % name)
            for text in _disagreements(name, option, defaults):
                yield Finding(file, 0, text)


def _disagreements(name: str, option: Mapping[str, object], defaults: Mapping[str, object]) -> Iterator[str]:
    if "no_log" in option:
        yield "%s: no_log has no place in argument_specs.yml, which documents the role" % name
    if not option.get("description"):
        yield "%s has no description in argument_specs.yml" % name
    if name not in defaults:
        return
    real = defaults[name]
    documented_value = option.get("default")
    if "default" in option and real == documented_value and isinstance(real, str) and "{{" in real:
        return
    if isinstance(real, str) and "{{" in real:
        fallback = DEFAULT_FILTER.search(real)
        if "default" in option and fallback is not None:
            value = yaml.safe_load(fallback.group("value"))
            if value != documented_value:
                yield "%s falls back to %r, argument_specs.yml says %r" % (name, value, documented_value)
        return
    wanted = TYPES.get(str(option.get("type", "str")))
    fits = wanted is None or (isinstance(real, wanted) and (not isinstance(real, bool) or bool in wanted))
    if real is not None and not fits:
        yield "%s is %s, argument_specs.yml says type %s" % (name, type(real).__name__, option.get("type", "str"))
    if "default" in option and (real != documented_value or type(real) is not type(documented_value)):
        yield "%s is %r, argument_specs.yml says %r" % (name, real, documented_value)
    if "default" not in option and real not in (None, "", [], {}):
        yield "%s is %r, argument_specs.yml gives no default" % (name, real)
    choices = _list(option.get("choices"))
    if choices and real not in (None, "") and real not in choices:
        yield "%s is %r, which is not one of its choices" % (name, real)


def named(tree: Tree) -> Iterator[Finding]:
    """Every variable that a role has, sets or registers carries the role's name."""
    for role in tree.roles():
        owned = re.compile(r"_*%s(_|$)" % re.escape(role))
        for file in tree.matching("roles/%s/defaults/*.y*ml" % role, "roles/%s/vars/*.y*ml" % role):
            for name in _mapping(tree, file):
                if not owned.match(name):
                    yield Finding(file, 0, "%s does not begin with %s_" % (name, role))
        for name in _options(tree, role):
            if not owned.match(name):
                yield Finding("roles/%s/meta/argument_specs.yml" % role, 0, "%s does not begin with %s_" % (name, role))
        for file in tree.matching("roles/%s/tasks/*.y*ml" % role):
            for pair in _pairs(tree, file):
                for name in _set_by(pair):
                    if not owned.match(name):
                        yield Finding(file, pair.line, "%s %s does not begin with %s_" % (pair.key, name, role))


def _set_by(pair: Pair) -> List[str]:
    if pair.key in ("register", "loop_var", "index_var"):
        return [str(pair.value)]
    if pair.key in ("set_fact", "ansible.builtin.set_fact") and isinstance(pair.value, dict):
        return [str(name) for name in pair.value if name != "cacheable"]
    return []


def shared(tree: Tree) -> Iterator[Finding]:
    """A default that two roles have is the same in both."""
    owners: Dict[str, Tuple[str, object]] = {}
    for role in tree.roles():
        for name, value in _mapping(tree, "roles/%s/defaults/main.yml" % role).items():
            first, known = owners.setdefault(name, (role, value))
            if known != value:
                yield Finding("roles/%s/defaults/main.yml" % role, 0, "%s differs from role %s's" % (name, first))


def plain(tree: Tree) -> Iterator[Finding]:
    """No shell, no swallowed errors, no handlers, no work on the controller in another's name."""
    for file, _text in yaml_files(tree, "", *SHIPPED, "molecule"):
        shipped = not file.startswith("molecule/")
        for pair in (pair for pair in _pairs(tree, file) if pair.in_list):
            if pair.key == "failed_when" and pair.value is False:
                yield Finding(file, pair.line, "failed_when: false swallows every error; name the one that is meant")
            if pair.key == "ignore_errors" or (shipped and _is_task_file(file) and pair.key in FORBIDDEN):
                yield Finding(file, pair.line, "%s: %s" % (pair.key, FORBIDDEN[pair.key]))
            if shipped and pair.key == "delegate_to" and str(pair.value) in LOCAL:
                yield Finding(file, pair.line, "delegate_to: localhost: " + FORBIDDEN["local_action"])
    for file in tree.matching("ansible.cfg", "*/ansible.cfg", ".ansible.cfg"):
        yield Finding(file, 0, "would replace the user's own ansible.cfg")


def _is_task_file(file: str) -> bool:
    if "/" not in file:
        return True  # a playbook at the top
    return file.startswith(("roles/", "playbooks/")) and not re.search(r"/(meta|defaults|vars)/", file)


def facts(tree: Tree) -> Iterator[Finding]:
    """Facts are read as ansible_facts[...], so that it works with fact injection off."""
    for file in tree.matching("*.yml", "*.yaml", "*.j2"):
        if not file.startswith(("roles/", "playbooks/", "molecule/", "deploy")):
            continue
        for number, line in enumerate(tree.text(file).splitlines(), 1):
            for found in INJECTED.finditer("" if line.lstrip().startswith("#") else line):
                fact = found.group(1)
                if not NOT_FACTS.match(fact):
                    yield Finding(file, number, "ansible_%s: write ansible_facts['%s']" % (fact, fact))


def _options(tree: Tree, role: str) -> Dict[str, Mapping[str, object]]:
    specs = _mapping(tree, "roles/%s/meta/argument_specs.yml" % role).get("argument_specs")
    entry = specs.get("main") if isinstance(specs, dict) else None
    options = entry.get("options") if isinstance(entry, dict) else None
    if not isinstance(options, dict):
        return {}
    return {str(name): option if isinstance(option, dict) else {} for name, option in options.items()}


def _mapping(tree: Tree, file: str) -> Dict[str, object]:
    value = _load(tree, file)
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def _load(tree: Tree, file: str) -> Optional[object]:
    if file not in tree.files:
        return None
    try:
        value: object = load(tree.text(file))
        return value
    except yaml.YAMLError:
        return None  # yamllint says where


def _pairs(tree: Tree, file: str) -> List[Pair]:
    try:
        return pairs(tree.text(file))
    except yaml.YAMLError:
        return []


def _list(value: object) -> List[object]:
    return value if isinstance(value, list) else []


CHECKS = (complete, documented, named, shared, plain, facts)
