# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a lab keeps on the controller: keys, the password of alice, pinned host keys, the inventory."""

from __future__ import annotations

import ipaddress
import json
import os
import pathlib
import re
import secrets
import shutil
import subprocess
from typing import Dict, List, Mapping, Sequence

from lab.lab_engine import LabError

MARKER = "lab.json"
FALLBACK_RESOLVER = "8.8.8.8"  # what Docker itself falls back to


def write(path: pathlib.Path, text: str, mode: int = 0o600) -> None:
    """Write a file in one step; its mode is right from the first moment."""
    partial = path.with_name(".%s.%d" % (path.name, os.getpid()))
    descriptor = os.open(str(partial), os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)
    os.chmod(partial, mode)
    os.replace(partial, path)


def resolvers() -> List[str]:
    """Name servers of this machine that test hosts can reach, too (those on its loopback they cannot)."""
    for source in ("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"):
        try:
            text = pathlib.Path(source).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        found = []
        for word in re.findall(r"(?m)^\s*nameserver\s+(\S+)", text):
            try:
                address = ipaddress.ip_address(word.split("%")[0])
            except ValueError:
                continue
            if not address.is_loopback and not address.is_link_local:
                found.append(str(address))
        if found:
            return found
    return [FALLBACK_RESOLVER]


class State:
    """The folder of one lab: secrets in it are made here, 0600, and never leave it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.management_key = folder / "id_ed25519"
        self.alice_key = folder / "alice"
        self.alice_password = folder / "alice.password"
        self.known_hosts = folder / "known_hosts"
        self.inventory = folder / "hosts"
        self.resolv_conf = folder / "resolv.conf"

    def prepare(self, lab: str) -> None:
        """Make what is missing.

        :raises LabError: the folder holds something else, or ssh-keygen failed.
        """
        if self.folder.exists() and any(self.folder.iterdir()) and not (self.folder / MARKER).exists():
            raise LabError("%s exists and is not a lab's folder; choose another name or move it away" % self.folder)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(self.folder / MARKER, json.dumps({"lab": lab}) + "\n")
        for key in (self.management_key, self.alice_key):
            if not key.exists():
                self._make_key(key, "%s of lab %s" % (key.name, lab))
        if not self.alice_password.exists():
            write(self.alice_password, secrets.token_urlsafe(18) + "\n")
        if not self.resolv_conf.exists():
            write(self.resolv_conf, "".join("nameserver %s\n" % server for server in resolvers()), 0o644)

    @staticmethod
    def _make_key(path: pathlib.Path, comment: str) -> None:
        done = subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)],
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
        )
        if done.returncode != 0:
            raise LabError("ssh-keygen failed: %s" % done.stderr.decode("utf-8", "replace").strip())

    def password(self) -> str:
        """The password of alice on the hosts of this lab."""
        return self.alice_password.read_text(encoding="utf-8").strip()

    def public(self, key: pathlib.Path) -> str:
        """The public line of one of the lab's keys."""
        return pathlib.Path(str(key) + ".pub").read_text(encoding="utf-8").strip()

    def pin(self, keys: Mapping[str, Sequence[str]]) -> None:
        """Write known_hosts. :param keys: public host key lines by 'name,address'."""
        lines = []
        for names, publics in sorted(keys.items()):
            lines += ["%s %s\n" % (names, " ".join(public.split()[:2])) for public in publics]
        write(self.known_hosts, "".join(lines), 0o644)

    def ssh_options(self) -> List[str]:
        """Options for ssh that use this lab's pinned host keys and none of the person's own keys."""
        return [
            "-o", "UserKnownHostsFile=\"%s\"" % self.known_hosts, "-o", "GlobalKnownHostsFile=/dev/null",
            "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes",
        ]

    def write_inventory(self, addresses: Dict[str, str], user: str) -> None:
        """Write the inventory (YAML; its scalars are quoted as JSON, which YAML contains).

        :param addresses: address by host name.
        :param user: the account Ansible logs in as: root, or admin with sudo.
        """
        options = self.ssh_options()
        quoted = " ".join(word if word == "-o" else "'%s'" % word for word in options)
        lines = ["# Written by lab/lab.py for this lab; `ansible-playbook -i` takes it.", "oqs_ssh:", "  hosts:"]
        for name, address in sorted(addresses.items()):
            lines += ["    %s:" % json.dumps(name), "      ansible_host: %s" % json.dumps(address)]
        lines += [
            "  vars:",
            "    ansible_user: %s" % json.dumps(user),
            "    ansible_ssh_private_key_file: %s" % json.dumps(str(self.management_key)),
            "    ansible_ssh_common_args: %s" % json.dumps(quoted),
        ]
        write(self.inventory, "\n".join(lines) + "\n", 0o644)

    def remove(self) -> None:
        """Delete the folder, if it is a lab's."""
        if (self.folder / MARKER).exists():
            shutil.rmtree(self.folder)
