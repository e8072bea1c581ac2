# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check every variable before the first connection: names, types, ranges, contradictions. Values are described, never
echoed. docs/bad-input.md lists what is said to what."""

from __future__ import annotations

import difflib
import functools
import os
import re
import typing as t

from ansible.module_utils.common.yaml import yaml_load
from ansible.template import trust_as_template
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import describe, member
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import grammar, shadow
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import authorized_keys, key_files
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core import tree
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.variables import variable_forms

ROLES = tree.ROLES
PASSWORD = "oqs_ssh_password"
BREAKGLASS = "oqs_ssh_breakglass_sources"
PREFIXES = ("oqs_ssh_", "docker_engine_")
#: Names that the roles register or compute.
INTERNAL = re.compile(r"(_want|_result|_probe)$")
#: How near a name must be to one of ours to be taken for a slip.
_NEAR = 0.8


@functools.lru_cache(maxsize=1)
def known() -> dict[str, dict[str, t.Any]]:
    """All variables of all roles with their specification."""
    found: dict[str, dict[str, t.Any]] = {}
    for role in sorted(os.listdir(ROLES)):
        with open(os.path.join(ROLES, role, "meta", "argument_specs.yml"), encoding="utf-8") as spec:
            found.update(yaml_load(spec)["argument_specs"]["main"]["options"])
    return found


@functools.lru_cache(maxsize=1)
def defaults() -> dict[str, t.Any]:
    """The defaults of all roles, for a play that does not load them; some are templates, which may be evaluated."""
    found: dict[str, t.Any] = {}
    for role in sorted(os.listdir(ROLES)):
        with open(os.path.join(ROLES, role, "defaults", "main.yml"), encoding="utf-8") as stored:
            found.update(yaml_load(stored))
    return {name: _trusted(value) for name, value in found.items()}


def _trusted(value: t.Any) -> t.Any:
    """A value of our own, whose templates may be evaluated."""
    if isinstance(value, str):
        return trust_as_template(value)
    return {name: _trusted(part) for name, part in value.items()} if isinstance(value, dict) else value


@functools.lru_cache(maxsize=1)
def _leaders() -> dict[str, str]:
    """The variables that have their default from another one, and which that is."""
    others = {name: re.match(r"{{ (\w+) \|", str(value)) for name, value in defaults().items()}
    return {name: other.group(1) for name, other in others.items() if other}


def follows(name: str) -> str | None:
    """The variable that another one takes its default from."""
    return _leaders().get(name)


def misspelt(names: t.Iterable[str]) -> list[str]:
    """An error for each variable under our own prefixes that nobody reads and that looks like one of ours."""
    errors = []
    real = list(known())
    for name in sorted(names):
        plain = name.lower().replace("-", "_")
        if name in real or INTERNAL.search(name) or not plain.startswith(PREFIXES):
            continue  # what others call theirs is theirs, however near
        near = difflib.get_close_matches(plain, real, n=1, cutoff=_NEAR)
        if near:
            errors.append("%s: there is no such variable; did you mean %s?" % (name, near[0]))
    return errors


def check(values: t.Mapping[str, t.Any], secret: str | None, hosts: t.Container[str] | None = None) -> list[str]:
    """Errors in the values of our variables.

    :param values: name to value, templated; only those that are set; without the password.
    :param secret: the password; None or empty: none is given.
    :param hosts: names of the inventory; None: not known.
    """
    errors = []
    for name, value in sorted(values.items()):
        spec = known().get(name)
        if not spec or _told_with_another(name, value, values):
            continue
        problem = variable_forms.problem(name, spec, value)
        if problem:
            errors.append("%s: must be %s" % (name, problem))
    if errors:
        return errors
    errors = _ports(values) + _origins(values, hosts) + _access(values, secret)
    for name in ("oqs_ssh_firewall_sources", BREAKGLASS):
        errors += _sources(values, name)
    return errors + _archive(values) + _clients(values) + _mode(values)


def no_text(name: str, value: t.Any) -> str:
    """The error for a value that should be text."""
    return "%s: must be text, got %s: write it in quotes" % (name, describe(value))


def _told_with_another(name: str, value: t.Any, values: t.Mapping[str, t.Any]) -> bool:
    """Whether a variable has its value from another: what is wrong with it is said of that one."""
    leader = follows(name) or ""
    return leader in values and values[leader] == value and type(values[leader]) is type(value)


def _ports(values: t.Mapping[str, t.Any]) -> list[str]:
    ports = {name: int(value) for name, value in values.items() if name.endswith("_port")}
    if ports.get("oqs_ssh_port", 2222) == ports.get("oqs_ssh_hop_port", 22):
        return ["oqs_ssh_port: must differ from oqs_ssh_hop_port, which is the port of the host's own sshd"]
    errors = []
    for name in ("oqs_ssh_firewall_port", "oqs_ssh_hop_container_port"):
        if "oqs_ssh_port" in ports and ports.get(name, ports["oqs_ssh_port"]) != ports["oqs_ssh_port"]:
            errors.append("%s: must be the same as oqs_ssh_port: take it out, it follows by itself" % name)
    return errors


def _origins(values: t.Mapping[str, t.Any], hosts: t.Container[str] | None) -> list[str]:
    """Where proofs start must be a place that there is."""
    errors = []
    for name in ("oqs_ssh_probe_from", "oqs_ssh_verify_from"):
        value = values.get(name, "controller")
        if hosts is None or _told_with_another(name, value, values):
            continue
        if value not in ("controller", "host") and value not in hosts:
            words = "%s: must be controller, host, or the name of an inventory host, and no host of the inventory is "
            errors.append((words + "called so (%s)") % (name, describe(value)))
    return errors


def _sources(values: t.Mapping[str, t.Any], name: str) -> list[str]:
    errors = []
    for number, source in enumerate(values.get(name) or [], 1):
        try:
            grammar.network(source)
        except ValueError:
            errors.append(
                "%s: %s is no address or network such as 192.0.2.0/24 or 2001:db8::/32 (host bits must be 0; no names)"
                % (name, member(number, source))
            )
    return variable_forms.few(errors, name)


def _access(values: t.Mapping[str, t.Any], secret: str | None) -> list[str]:
    if values.get("oqs_ssh_state", "present") != "present":
        return []
    errors = []
    for number, line in enumerate(values.get("oqs_ssh_authorized_keys") or [], 1):
        reason = _no_key(line)
        if reason:
            errors.append("oqs_ssh_authorized_keys: member %d is no public key line: %s" % (number, reason))
    errors = variable_forms.few(errors, "oqs_ssh_authorized_keys")
    if secret:
        weak = _misplaced(secret) or shadow.weakness(secret, str(values.get("oqs_ssh_user", "oqs")))
        if weak:
            errors.append("oqs_ssh_password: refused, it %s: give a longer random one, from a vault" % weak)
    elif "oqs_ssh_image" in values and not values.get("oqs_ssh_authorized_keys"):
        errors.append(
            "nobody could log in: set oqs_ssh_password (from a vault), or oqs_ssh_authorized_keys (a list of keys)"
        )
    return errors


def _no_key(line: str) -> str:
    """Why a line is no public key, or an empty text."""
    try:
        authorized_keys.parse_entry(line)
    except key_files.BadKey as error:
        if re.fullmatch(r"\s*(~|\.|\.\.)?/\S+\s*", line):
            return "it is a path; for the file's content write \"{{ lookup('file', PATH) }}\""
        if "PRIVATE KEY" in line:
            return "it is a private key, and who reads the inventory has it now: make a new pair, give its .pub line"
        return str(error)
    return ""


def _misplaced(secret: str) -> str:
    """What was given instead of a password, or an empty text."""
    if secret.startswith("$ANSIBLE_VAULT;"):
        return "is still encrypted (write the !vault tag before it)"
    if re.match(r"\$(1|2[abxy]|5|6|y|gy|7)\$", secret):
        return "is a hash, and the password itself is needed to prove the login"
    if "PRIVATE KEY" in secret or re.match(r"(ssh|ecdsa|sk-ssh|sk-ecdsa)-\S+ AAAA", secret):
        return "is a key (keys go into oqs_ssh_authorized_keys, public ones only)"
    return ""


def _archive(values: t.Mapping[str, t.Any]) -> list[str]:
    archive, source = values.get("oqs_ssh_image_archive", ""), values.get("oqs_ssh_image_source", "pull")
    if source == "archive" and not archive:
        return ["oqs_ssh_image_archive: must name a file on the controller, because oqs_ssh_image_source is archive"]
    if source != "archive" and archive and values.get("oqs_ssh_state", "present") == "present":
        return [
            "oqs_ssh_image_archive: is set, but oqs_ssh_image_source is %s and would not use it: set "
            "oqs_ssh_image_source: archive, or empty oqs_ssh_image_archive" % source
        ]
    return []


def _clients(values: t.Mapping[str, t.Any]) -> list[str]:
    """Clients without any post-quantum key exchange are ordinary ones."""
    asked = {name: variable_forms.from_text("bool", values.get("oqs_ssh_%s_clients" % name, False)) for name in (
        "stock", "classical")}
    if asked["classical"] is True and asked["stock"] is not True:
        words = "oqs_ssh_classical_clients: needs oqs_ssh_stock_clients: true, which says that ordinary clients are "
        return [words + "served at all"]
    return []


def _mode(values: t.Mapping[str, t.Any]) -> list[str]:
    """A pipe to the host's own sshd is of no use without the hop, and nobody is inside to use the container's key."""
    if values.get("oqs_ssh_mode", "shell") != "hop" or values.get("oqs_ssh_state", "present") != "present":
        return []
    errors = []
    if variable_forms.from_text("bool", values.get("oqs_ssh_hop_enabled", True)) is False:
        errors.append("oqs_ssh_mode: hop leaves nothing to log in for while oqs_ssh_hop_enabled is false")
    if values.get("oqs_ssh_hop_users"):
        errors.append("oqs_ssh_hop_users: is for logins with a shell in the container, and oqs_ssh_mode is hop: take "
                      "the list out, people hop with their own keys")
    return errors
