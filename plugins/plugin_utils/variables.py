# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check every variable before the first connection: names, types, ranges, contradictions. Values are described, never
echoed."""

from __future__ import annotations

import difflib
import functools
import ipaddress
import os
import re
import typing as t

import yaml
from ansible_collections.quantumsafe.openssh.plugins.module_utils import authorized_keys, shadow, sshkeys

ROLES = os.path.join(os.path.dirname(__file__), "..", "..", "roles")
PREFIXES = ("oqs_ssh_", "docker_engine_")
#: Variables of the playbooks, which belong to no role.
PLAYBOOK = ("oqs_ssh_hosts", "oqs_ssh_pipelining", "oqs_ssh_serial", "oqs_ssh_client_dir")
#: Names that the roles register or compute.
INTERNAL = re.compile(r"(_want|_result|_probe)$")

_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_CONTAINER = (re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}"), "a container name (letters, digits, _ . -)")
_PATTERNS: dict[str, tuple[re.Pattern[str], str]] = {
    "oqs_ssh_container_name": _CONTAINER,
    "oqs_ssh_firewall_container": _CONTAINER,
    "oqs_ssh_hop_container": _CONTAINER,
    "oqs_ssh_verify_address": (re.compile(r"[\w\[:][\w.:%\[\]-]*"), "a host name or an address"),
    "oqs_ssh_user": (_NAME, "an account name (small letters, digits, _ -; at most 32)"),
    "oqs_ssh_uid": (re.compile(r"auto|[1-9][0-9]{0,8}"), "auto or a uid above 0"),
    "oqs_ssh_image": (
        re.compile(r"[a-z0-9][a-z0-9._/:-]*[a-z0-9](:[A-Za-z0-9_.-]{1,128})?(@sha256:[0-9a-f]{64})?"),
        "an image name such as registry/name:tag or name@sha256:<64 digits>",
    ),
    "oqs_ssh_image_archive": (re.compile(r"[^\0\n]*"), "a path in one line"),
}
_MEMBERS: dict[str, tuple[re.Pattern[str], str]] = {
    "oqs_ssh_hop_users": (_NAME, "account names (small letters, digits, _ -)"),
}
for _list in ("kex", "host_key", "pubkey"):
    _MEMBERS["oqs_ssh_%s_algorithms" % _list] = (re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+-]*"), "algorithm names")

_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,), "int": (int,), "float": (int, float), "bool": (bool,), "list": (list,), "dict": (dict,),
}


@functools.lru_cache(maxsize=1)
def known() -> dict[str, dict[str, t.Any]]:
    """All variables of all roles with their specification."""
    found: dict[str, dict[str, t.Any]] = {}
    for role in sorted(os.listdir(ROLES)):
        with open(os.path.join(ROLES, role, "meta", "argument_specs.yml"), encoding="utf-8") as spec:
            found.update(yaml.safe_load(spec)["argument_specs"]["main"]["options"])
    return found


def misspelt(names: t.Iterable[str]) -> list[str]:
    """An error for each variable that nobody reads but that looks like one of ours."""
    errors = []
    real = list(known()) + list(PLAYBOOK)
    for name in sorted(names):
        if not name.startswith(PREFIXES) or name in real or INTERNAL.search(name):
            continue
        near = difflib.get_close_matches(name, real, n=1, cutoff=0.8)
        if near:
            errors.append("%s: there is no such variable; did you mean %s?" % (name, near[0]))
    return errors


def describe(value: t.Any) -> str:
    """A value in words that do not give it away."""
    if isinstance(value, str):
        return "text of %d characters" % len(value)
    if isinstance(value, (list, dict)):
        return "a %s of %d" % ("list" if isinstance(value, list) else "dictionary", len(value))
    return {"NoneType": "nothing (null)", "bool": "true or false", "int": "a number", "float": "a number"}.get(
        type(value).__name__, "something else"
    )


def check(values: t.Mapping[str, t.Any], secret: str | None) -> list[str]:
    """Errors in the values of our variables.

    :param values: name to value, templated; only those that are set; without the password.
    :param secret: the password; None or empty: none is given.
    """
    errors = []
    for name, value in sorted(values.items()):
        spec = known().get(name)
        if spec:
            problem = _type_problem(spec, value) or _form_problem(name, value)
            if problem:
                errors.append("%s: must be %s" % (name, problem))
    if errors:
        return errors
    return _ports(values) + _sources(values) + _access(values, secret) + _archive(values)


def _type_problem(spec: t.Mapping[str, t.Any], value: t.Any) -> str | None:
    kind = spec["type"]
    value = _from_text(kind, value)
    words = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "list": "a list",
             "dict": "a dictionary"}
    if not isinstance(value, _TYPES[kind]) or (kind in ("int", "float") and isinstance(value, bool)):
        return "%s, got %s" % (words[kind], describe(value))
    if "choices" in spec and value not in spec["choices"]:
        return "one of %s, got %s" % (", ".join(spec["choices"]), describe(value))
    if kind == "list":
        for number, member in enumerate(value, 1):
            if not isinstance(member, str):
                return "a list of texts, member %d is %s" % (number, describe(member))
    return None


def _from_text(kind: str, value: t.Any) -> t.Any:
    """Inventories in INI form give numbers and truth as text, others a number where text is wanted."""
    if kind == "int" and isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    if kind == "float" and isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}([.][0-9]{1,9})?", value):
        return float(value)
    if kind == "bool" and isinstance(value, str) and value.lower() in ("true", "yes", "false", "no"):
        return value.lower() in ("true", "yes")
    if kind == "str" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def _form_problem(name: str, value: t.Any) -> str | None:
    if name in _PATTERNS:
        pattern, words = _PATTERNS[name]
        if not pattern.fullmatch(str(value)):
            return "%s, got %s" % (words, describe(value))
    if name in _MEMBERS:
        pattern, words = _MEMBERS[name]
        for number, member in enumerate(value, 1):
            if not pattern.fullmatch(member):
                return "%s, member %d is %s" % (words, number, describe(member))
    return None


def _ports(values: t.Mapping[str, t.Any]) -> list[str]:
    errors = []
    ports = {name: int(value) for name, value in values.items() if name.endswith("_port")}
    for name, port in sorted(ports.items()):
        if not 1 <= port <= 65535:
            errors.append("%s: must be a port from 1 to 65535, got a number outside" % name)
    if ports.get("oqs_ssh_port", 2222) == ports.get("oqs_ssh_hop_port", 22):
        errors.append("oqs_ssh_port: must differ from oqs_ssh_hop_port, which is the host's own sshd")
    return errors


def _sources(values: t.Mapping[str, t.Any]) -> list[str]:
    errors = []
    for number, source in enumerate(values.get("oqs_ssh_firewall_sources") or [], 1):
        try:
            ipaddress.ip_network(source)
        except ValueError:
            errors.append(
                "oqs_ssh_firewall_sources: member %d (%s) is no address or network such as 192.0.2.0/24 or "
                "2001:db8::/32 (host bits must be 0)" % (number, describe(source))
            )
    return errors


def _access(values: t.Mapping[str, t.Any], secret: str | None) -> list[str]:
    errors = []
    if values.get("oqs_ssh_state", "present") != "present":
        return errors
    for number, line in enumerate(values.get("oqs_ssh_authorized_keys") or [], 1):
        try:
            authorized_keys.parse_entry(line)
        except sshkeys.BadKey as error:
            errors.append("oqs_ssh_authorized_keys: member %d is no public key line: %s" % (number, error))
    if secret:
        reason = shadow.weakness(secret, values.get("oqs_ssh_user", "oqs"))
        if reason:
            errors.append("oqs_ssh_password: refused, %s" % reason)
    elif "oqs_ssh_image" in values and not values.get("oqs_ssh_authorized_keys"):
        errors.append(
            "nobody could log in: set oqs_ssh_password (from a vault), or oqs_ssh_authorized_keys (a list of keys)"
        )
    return errors


def _archive(values: t.Mapping[str, t.Any]) -> list[str]:
    archive = values.get("oqs_ssh_image_archive", "")
    if values.get("oqs_ssh_image_source") == "archive" and not archive:
        return ["oqs_ssh_image_archive: must name a file on the controller, because oqs_ssh_image_source is archive"]
    return []
