# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the value of one variable must look like, and how one that does not is described without showing it. Pure."""

from __future__ import annotations

import difflib
import re
import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import describe
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import grammar
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.probe_task import ARGUMENT_SPEC

Spec = t.Mapping[str, t.Any]
_Form = t.Tuple["re.Pattern[str]", str]

_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_CONTAINER = (re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}"), "a container name (letters, digits, _ . -; at most 63)")
_IMAGE = (
    re.compile(r"(?=.{1,400}$)[a-z0-9][a-z0-9._/:-]*[a-z0-9](:[A-Za-z0-9_.-]{1,128})?(@sha256:[0-9a-f]{64})?"),
    "an image name such as registry/name:tag or name@sha256:<64 digits>",
)
_ORIGIN = (re.compile(r"(?=.{1,253}$)[\w\[:][\w.:%\[\]-]*"), "controller, host, or the name of an inventory host")
_PERSONAL = (
    re.compile(r"(~|/)[^\0-\x1f\"'%$`\\]{0,1023}"), "a path that begins with / or ~, without quotes, $, % and backslash"
)
_PATTERNS: dict[str, _Form] = {
    "oqs_ssh_container_name": _CONTAINER,
    "oqs_ssh_firewall_container": _CONTAINER,
    "oqs_ssh_hop_container": _CONTAINER,
    "oqs_ssh_probe_from": _ORIGIN,
    "oqs_ssh_verify_from": _ORIGIN,
    "oqs_ssh_verify_address": (re.compile(r"(?=.{1,253}$)[\w\[:][\w.:%\[\]-]*"), "a host name or an address"),
    "oqs_ssh_user": (_NAME, "an account name (small letters, digits, _ -; at most 32)"),
    "oqs_ssh_uid": (re.compile(r"auto|[1-9][0-9]{0,8}"), "auto or a uid above 0"),
    "oqs_ssh_image": _IMAGE,
    "oqs_ssh_image_build_base": _IMAGE,
    "oqs_ssh_image_build_message": (re.compile(r"[^\0-\x09\x0b-\x1f\x7f]{0,1000}"), "at most 1000 characters of text"),
    "oqs_ssh_image_archive": (re.compile(r"[^\0\n]{0,4095}"), "a path in one line"),
    "oqs_ssh_password_store": (re.compile(r"[^\0\n]{0,4095}"), "a path in one line"),
    "oqs_ssh_client_dir": _PERSONAL,
    "oqs_ssh_client_bin": _PERSONAL,
    "oqs_ssh_client_image": _IMAGE,
    "oqs_ssh_client_identity": (
        re.compile(r"([A-Za-z0-9][A-Za-z0-9@._+-]{0,63})?"), "a type of key such as ssh-mldsa44-ed25519, or empty"
    ),
    "oqs_ssh_client_hop_user": (re.compile(r"([a-z_][a-z0-9_.-]{0,31})?"), "an account name, or empty"),
    "oqs_ssh_client_prefix": (
        re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]{0,31})?"), "letters, digits, _ . - (at most 32), or empty"
    ),
}
_MEMBERS: dict[str, _Form] = {
    "oqs_ssh_hop_users": (grammar.ACCOUNT, "account names (letters, digits, _ . @ -; at most 64)"),
}
for _list in ("kex_algorithms", "host_key_algorithms", "pubkey_algorithms", "image_drops"):
    _MEMBERS["oqs_ssh_%s" % _list] = (
        re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+-]{0,63}"),  # RFC 4251 section 6
        "algorithm names, one a member, best first (ssh -Q kex, ssh -Q key list them)",
    )
#: Least, most and the unit of numbers.
_RANGES: dict[str, tuple[float, float, str]] = {"oqs_ssh_verify_timeout": (0.1, 3600, "seconds"),
                                                "oqs_ssh_rotate_older_than": (0, 100000, "hours"),
                                                "oqs_ssh_image_max_age": (0, 100000, "days"),
                                                "oqs_ssh_rotate_overlap": (0, 100000, "hours"),
                                                "oqs_ssh_lockdown_minutes": (0.1, 1440, "minutes"),
                                                "oqs_ssh_breakglass_minutes": (0.1, 1440, "minutes")}

_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,), "int": (int,), "float": (int, float), "bool": (bool,), "list": (list,), "dict": (dict,),
    "raw": (object,),
}
_WORDS = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "list": "a list",
          "dict": "a dictionary"}
#: More members with something wrong than this are counted, not listed.
_FEW = 5


def problem(name: str, spec: Spec, value: t.Any) -> str | None:
    """What a value must be and is not, as the end of "NAME: must be …"; None when it is in order."""
    return _type_problem(spec, value) or _range_problem(name, spec, value) or _form_problem(name, value)


def few(errors: list[str], name: str) -> list[str]:
    """The first errors about the members of a list, and how many more there are."""
    if len(errors) <= _FEW:
        return errors
    return errors[:_FEW] + ["%s: %d more members are wrong in such a way" % (name, len(errors) - _FEW)]


def _type_problem(spec: Spec, value: t.Any) -> str | None:
    kind = spec["type"]
    plain: t.Any = from_text(kind, value)
    if not isinstance(plain, _TYPES[kind]) or (kind in ("int", "float") and isinstance(plain, bool)):
        words = "one of %s" % ", ".join(spec["choices"]) if "choices" in spec else _WORDS[kind]
        return "%s, got %s%s" % (words, describe(value), _hint(kind, value))
    if "choices" in spec and plain not in spec["choices"]:
        near = difflib.get_close_matches(plain, spec["choices"], n=1, cutoff=0.7)
        guess = "; did you mean %s?" % near[0] if near else ""
        return "one of %s, got %s%s" % (", ".join(spec["choices"]), describe(value), guess)
    if kind == "list":
        for number, member in enumerate(t.cast("list[t.Any]", plain), 1):
            if not isinstance(member, str):
                return "a list of texts, member %d is %s%s" % (number, describe(member), _hint("str", member))
    return None


def _hint(kind: str, value: t.Any) -> str:
    """What to write instead, where the mistake is a common one."""
    if value is None:
        return ": write a value, or take the line out"
    if kind == "str" and isinstance(value, (bool, int, float)):
        return ": write it in quotes"
    if kind in ("bool", "int", "float") and isinstance(value, str) and value:
        return ": write it without quotes, in %s" % ("small letters" if kind == "bool" else "digits")
    if kind == "list" and isinstance(value, str):
        return ": write a single member in brackets, too, [\"…\"]"
    return ""


def from_text(kind: str, value: t.Any) -> t.Any:
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


def _range_problem(name: str, spec: Spec, value: t.Any) -> str | None:
    if name.endswith("_port") and spec["type"] == "int" and not 1 <= int(value) <= 65535:
        return "a port from 1 to 65535, got a number outside"
    if name in _RANGES:
        least, most, unit = _RANGES[name]
        if not least <= float(value) <= most:
            return "from %g to %g %s, got a number outside" % (least, most, unit)
    return None


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
    if name == "oqs_ssh_user" and value == "root":
        return "another account than root: the server lets root in by no means"
    if name == "oqs_ssh_verify_expect":
        return _expect_problem(value)
    return None


def _expect_problem(value: t.Mapping[t.Any, t.Any]) -> str | None:
    """What is wrong with expectations as ssh_probe takes them."""
    options: dict[str, Spec] = ARGUMENT_SPEC["expect"]["options"]
    for number, (name, wanted) in enumerate(value.items(), 1):
        if name not in options:
            near = difflib.get_close_matches(str(name), list(options), n=1, cutoff=0.7)
            guess = "did you mean %s?" % near[0] if near else "there are %s" % ", ".join(options)
            return "made of what ssh_probe expects, entry %d (%s) is no such name; %s" % (number, describe(name), guess)
        wrong = _type_problem(options[name], wanted)
        if wrong:
            return "made of what ssh_probe expects, %s must be %s" % (name, wrong)
    return None
