# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run says to the person who started it. Pure."""

from __future__ import annotations

import shlex
import typing as t

_NO_PYTHON = (
    "the host has no Python that Ansible finds: install python3 (3.8 or newer), or set ansible_python_interpreter"
)


def failure(result: t.Mapping[str, t.Any]) -> str:
    """The one sentence of a module that failed."""
    said = "%s %s" % (result.get("module_stderr", ""), result.get("module_stdout", ""))
    words = str(result.get("msg"))
    if result.get("rc") == 127 or ("interpreter" in words and "not found" in words):
        return _NO_PYTHON
    if "sudo" in said and "password" in said:
        return "sudo on the host asks for a password: give it (--ask-become-pass), or connect as root"
    return str(result.get("msg") or said.strip() or _cause(result.get("exception")))


def _cause(error: t.Any) -> str:
    """What stopped a module that did not get to say it (ansible-core keeps it as an event)."""
    event = getattr(error, "event", None)
    words = getattr(event, "msg", None) or error or "the module ended without a word"
    return "a defect in this collection: %s" % words


def first_word(look: t.Mapping[str, t.Any]) -> str:
    """A word on what the host's own sshd does already, and what the container adds."""
    own = look["own_sshd"]
    if not own.get("software"):
        said = "its own sshd was not asked"
    elif own["kex"]:
        names = ", ".join(own["kex"])
        said = "its own sshd (%s) already does a post-quantum key exchange: %s" % (own["software"], names)
    else:
        said = "its own sshd (%s) does classical key exchange only" % own["software"]
    return said + "; the container adds post-quantum host keys and a server that offers nothing weaker"


def ending(
    rows: t.Mapping[str, t.Mapping[str, t.Any]], ssh_kex: t.Sequence[str], ssh_keys: t.Sequence[str], folder: str
) -> str:
    """The ending of a run, host by host.

    :param rows: host to what the run store knows of it.
    :param ssh_kex: key exchanges that the controller's own ssh knows.
    :param ssh_keys: key types that it knows.
    :param folder: where the person's identities lie on the controller.
    """
    lines: list[str] = []
    for host in sorted(rows):
        lines += ["", host, "-" * len(host)] + _host(rows[host], ssh_kex, ssh_keys, folder)
    good = sum(1 for row in rows.values() if not row.get("failed") and row.get("look"))
    lines += ["", "%d of %d hosts are as wanted." % (good, len(rows))]
    if any(_prototype(row) for row in rows.values()):
        lines.append(
            "The Open Quantum Safe image is a prototype, unmaintained upstream: not for production. "
            "oqs_ssh_image_source: build gives a maintained one."
        )
    lines.append("A shell in the container reaches the host's loopback: it is a way in, not a sandbox.")
    return "\n".join(lines)


def _prototype(row: t.Mapping[str, t.Any]) -> bool:
    return "openquantumsafe/" in row.get("want", {}).get("ssh", {}).get("image", {}).get("name", "")


def _host(
    row: t.Mapping[str, t.Any], ssh_kex: t.Sequence[str], ssh_keys: t.Sequence[str], folder: str
) -> list[str]:
    if row.get("failed"):
        return ["  failed      " + str(row["failed"])]
    look = row.get("look")
    if not look:
        return ["  failed      the run ended before this host was looked at"]
    lines = ["  done        " + _done(row)]
    own, hop = look["proof"].get("own", {}), look["proof"].get("hop", {})
    if own:
        lines.append("  negotiated  %s" % _negotiated(own))
    if hop:
        lines.append("  hop         %s" % _negotiated(hop))
    for note in look["notes"]:
        lines.append("  note        " + note)
    if own.get("ok") and "ssh" in row.get("want", {}):
        lines += _commands(row, own, ssh_kex, ssh_keys, folder)
    return lines


def _done(row: t.Mapping[str, t.Any]) -> str:
    planned = row["look"]["plan"]
    if row.get("check"):
        return "nothing (check mode); a run would change: " + (_resources(planned) or "nothing")
    return _resources(row.get("done", [])) or "nothing, it was as wanted"


def _resources(items: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    names: dict[str, None] = {}
    for item in items:
        names[item.get("resource") or ("%s %s" % (item["kind"].replace("_", " "), item["name"])).strip()] = None
    return ", ".join(names)


def _negotiated(proof: t.Mapping[str, t.Any]) -> str:
    if not proof.get("ok"):
        return "no handshake: %s" % proof.get("error", "")
    return "%s, host key %s %s (%s)" % (
        proof["kex"], proof["host_key_algorithm"], proof["host_key"], proof["server"],
    )


def _commands(
    row: t.Mapping[str, t.Any],
    own: t.Mapping[str, t.Any],
    ssh_kex: t.Sequence[str],
    ssh_keys: t.Sequence[str],
    folder: str,
) -> list[str]:
    """The command lines to log in and to hop, ready to paste."""
    ssh, hop = row["want"]["ssh"], row["want"].get("hop", {})
    address, port = row.get("address", "HOST"), ssh["port"]
    login = "%s@%s" % (ssh["user"], address)
    if own["kex"] in ssh_kex and own["host_key_algorithm"] in ssh_keys:
        client = ["ssh"]
    else:
        client = [
            "docker", "run", "--rm", "-it", "--network", row.get("network") or "host", "-v", "%s:/root/.ssh" % folder,
            "--entrypoint", "/opt/oqs-ssh/bin/ssh", ssh["image"]["name"], "-F", "/opt/oqs-ssh/ssh_config",
        ]
    lines = ["  log in      " + shlex.join(client + ["-p", str(port), login])]
    if hop.get("state") != "present":
        return lines
    lines.append("  then hop    ssh USER@localhost -p %d" % hop["hop_port"])
    through = row["look"]["proof"].get("hop", {})
    if through.get("ok"):
        jump = ["-J", "%s:%d" % (login, port), "-p", str(hop["hop_port"])]
        options = ["-o", "KexAlgorithms=" + through["kex"], "-o", "HostKeyAlgorithms=" + through["host_key_algorithm"]]
        options += ["-o", "PubkeyAcceptedAlgorithms=+ssh-ed25519"]
        lines.append("  in one go   %s USER@localhost" % shlex.join(client + jump + options))
    return lines
