# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run says to the person who started it. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import printable
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ImageSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import image_names
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.handshakes import Handshake
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Item
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.answer import Look
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import Known
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import commandlines
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.summary import summary_removal

_NO_PYTHON = (
    "the host has no Python that Ansible finds: install python3 (3.8 or newer), or set ansible_python_interpreter"
)


_INSIDE = "proved from the host itself (oqs_ssh_probe_from): the way in from outside was not tried"


#: More changes than this are named by their sections.
_FEW = 6


def failure(result: t.Mapping[str, t.Any]) -> str:
    """The one sentence of a module that failed."""
    said = "%s %s" % (result.get("module_stderr", ""), result.get("module_stdout", ""))
    words = str(result.get("msg"))
    if result.get("rc") == 127 or ("interpreter" in words and "not found" in words):
        return _NO_PYTHON
    for text in (said, words):
        sudo = _sudo(text)
        if sudo:
            return sudo
    return str(result.get("msg") or said.strip() or _cause(result.get("exception")))


def refused(said: str) -> str:
    """The one sentence for a module that could not be started."""
    return _sudo(said) or said.strip().split("\n", maxsplit=1)[0]


def _sudo(said: str) -> str:
    """What sudo's answer means, and what to do; empty where it is about something else."""
    text = said.lower()
    if "not in the sudoers file" in text or "may not run sudo" in text or "is not allowed to execute" in text:
        return "this account may not use sudo on the host: set ansible_user to one that may, or connect as root"
    if "sudo: not found" in text or "sudo: command not found" in text:
        return "there is no sudo on the host: connect as root, or set ansible_become_method"
    if "must have a tty" in text:
        return "sudo on the host wants a terminal (requiretty): set oqs_ssh_pipelining: false for this host"
    if not re.search("(sudo|become).*password|password.*sudo", text):
        return ""
    if "incorrect" in text or "try again" in text:
        return (
            "sudo on the host refused the password: check ansible_become_password (or what was typed at -K) and that "
            "the account may use sudo"
        )
    return "sudo on the host asks for a password: give it (ansible-playbook -K), or connect as root"


def _cause(error: t.Any) -> str:
    """What stopped a module that did not get to say it (ansible-core keeps it as an event)."""
    event = getattr(error, "event", None)
    words = getattr(event, "msg", None) or error or "the module ended without a word"
    return "a defect in this collection: %s" % words


def first_word(look: Look) -> str:
    """A word on what the host's own sshd does already, and what the container adds."""
    own = look.own_sshd
    if not own.software:
        said = "its own sshd did not answer (%s)" % own.error if own.error else "its own sshd was not asked"
    elif own.kex:
        said = "its own sshd (%s) already does a post-quantum key exchange: %s" % (own.software, ", ".join(own.kex))
    else:
        said = "its own sshd (%s) does classical key exchange only" % own.software
    return printable(said) + "; the container adds post-quantum host keys and a server that offers nothing weaker"


def ending(
    rows: t.Mapping[str, Known],
    controller: commandlines.Controller,
    shown: t.Collection[str] | None = None,
) -> str:
    """The ending of a run, or of a batch of it (``oqs_ssh_serial``), host by host. Each line is printable,
    whatever a host has said.

    :param rows: every host of the run to what is known of it; nothing yet for one whose turn has not come.
    :param controller: the person's own ssh.
    :param shown: the hosts of the batch; None: all.
    """
    lines: list[str] = []
    named = sorted(rows if shown is None else shown)
    for host in named:
        lines += ["", host, "-" * len(host)] + _host(host, rows[host], controller)
    return "\n".join(printable(line) for line in lines + _last(rows, named))


def _last(rows: t.Mapping[str, Known], named: t.Sequence[str]) -> list[str]:
    """What is said of all hosts."""
    if any(row.want.removal for row in rows.values()):
        return summary_removal.last(rows, named)
    good = sum(1 for row in rows.values() if not row.failed and row.look)
    later = sum(1 for host, row in rows.items() if not row.begun and host not in named)
    lines = ["", "%d of %d hosts are as wanted%s." % (good, len(rows), (later and ", %d to come" % later) or "")]
    lines += _different(rows)
    if any(_prototype(row) for row in rows.values()):
        lines.append(
            "The Open Quantum Safe image is a prototype, unmaintained upstream: not for production. "
            "oqs_ssh_image_source: build gives a maintained one."
        )
    if any(not row.want.ssh or row.want.ssh.mode == "shell" for row in rows.values()):
        lines.append("A shell in the container reaches the host's loopback: it is a way in, not a sandbox.")
    return lines


def _wanted(known: Known) -> ImageSpec | None:
    """The image that a host is to have."""
    return known.want.ssh.image if known.want.ssh and known.want.ssh.state == "present" else None


def _image(known: Known) -> str:
    """The image that a host holds: its name, digest and day; nothing where there is none."""
    image, origin = _wanted(known), known.look.host.image_origin if known.look else None
    return image_names.described(image.name, origin.digest, origin.made) if image and origin else ""


def _different(rows: t.Mapping[str, Known]) -> list[str]:
    """Hosts that hold different images under one name, as after deployments months apart."""
    found: dict[str, set[str]] = {}
    for row in rows.values():
        image = _wanted(row)
        if image and image.source == "pull" and _image(row):
            found.setdefault(image.name, set()).add(_image(row))
    words = "Hosts hold different images under %s; oqs_ssh_image_update: true brings all to the registry's."
    return [words % name for name, images in sorted(found.items()) if len(images) > 1]


def _prototype(known: Known) -> bool:
    image = _wanted(known)
    return image is not None and "openquantumsafe/" in image.name


def _host(name: str, known: Known, controller: commandlines.Controller) -> list[str]:
    look = known.look
    if known.failed:
        return ["  failed      " + known.failed]
    if not look:
        return ["  failed      the run ended before this host was looked at"]
    if known.want.removal:
        return summary_removal.host(known, look)
    lines = ["  done        " + _done(known, look)]
    if known.password_file:
        lines.append("  password    " + known.password_file)
    lines += ["  %-11s %s -> %s" % (item.headline, item.before, item.after) for item in known.done if item.headline]
    own = look.proof.own
    for words, proof in (("negotiated", own), ("hop", look.proof.hop)):
        lines += ["  %-11s %s" % (words, _negotiated(proof))] if proof else []
    if known.outside:
        lines.append("  outside     " + known.outside)
    if _image(known):
        lines.append("  image       " + _image(known))
    lines += ["  note        " + note for note in look.notes]
    if own and own.ok and known.probe_from == "host":
        lines.append("  note        " + _INSIDE)
    if own and own.ok:
        lines += _commands(name, known, controller)
    return lines


def _commands(name: str, known: Known, controller: commandlines.Controller) -> list[str]:
    found = commandlines.lines(name, known, controller)
    rows = (("log in", found.login), ("then hop", found.hop), ("in one go", found.jump))
    return ["  %-11s %s" % pair for pair in rows if pair[1]]


def _done(known: Known, look: Look) -> str:
    if known.check:
        return "nothing (check mode); a run would change: " + (_resources(look.plan) or "nothing")
    return _resources(known.done) or "nothing, it was as wanted"


def _resources(items: t.Sequence[Item]) -> str:
    """What was changed: a few things by name, many by section."""
    named = [item.label if len(items) > _FEW else item.resource for item in items]
    return ", ".join(dict.fromkeys(named))


def _negotiated(proof: Handshake) -> str:
    if not proof.ok:
        return "no handshake: %s" % proof.error
    return "%s, host key %s %s (%s)" % (proof.kex, proof.host_key_algorithm, proof.host_key, proof.server)
