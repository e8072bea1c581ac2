# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The body of the module oqs_client: ask a host what its clients have to know, or set up a person's own machine."""

from __future__ import annotations

import json
import os
import pwd
import shlex
from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import aliases, host_facts, machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client.machine import MEMORY, Item, Places, Refused
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import disk
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files, keypair
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import assess

Result = Dict[str, Any]
_KEPT = "%s was changed by hand and is kept as it is; to have it written again, move it away and run this again"
_LEFT = "nothing was taken away: %s was changed by hand and needs the rest; move it away and run this again"
_NO_PROGRAM = ("this ssh is not used, %s; and the client in the image cannot be: this machine does not hold %s, or "
               "may not use Docker")
_EXPIRED = ("%s: this certificate is valid no longer (since %s): have the key signed again, or move it away; the key "
            "alone counts only where it is in authorized_keys")
_NOT_WHOLE = "%s: what this machine remembers of it cannot be used: it has no alias until it is asked again"
_CLASH = ("%s: %s has a Host line of this name, and it wins: no alias was written for it; set oqs_ssh_client_prefix to "
          "have ours under another name")


def run(arguments: Mapping[str, Any]) -> Result:
    """Ask or settle.

    :param arguments: ``step`` (``ask`` or ``settle``), ``settings``, and ``check_mode``.
    :returns: ``client`` for ``ask``; for ``settle`` ``files``, ``notes``, ``hosts`` and ``identity``. With ``failed``,
        the sentence is in ``msg``.
    """
    try:
        if arguments["step"] == "ask":
            return {"changed": False, "client": host_facts.read()}
        return _Machine(arguments["settings"], bool(arguments.get("check_mode"))).settle()
    except (Refused, keypair.KeyPairError) as error:
        return {"failed": True, "changed": False, "msg": "nothing was changed; %s" % error}
    except assess.EXPECTED as error:
        return {"failed": True, "changed": False, "msg": disk.words(error)}


class _Machine:
    """A person's own machine on its way to what is wished."""

    def __init__(self, settings: Mapping[str, Any], check: bool) -> None:
        self.settings, self.check = settings, check
        self.where: Places = machine.places(settings["dir"], settings["bin"])
        self.memory = machine.memory(self.where)
        self.notes: List[str] = []
        self.told: Dict[str, Any] = {}

    def settle(self) -> Result:
        """Bring it there.

        :raises Refused, KeyPairError, OSError: with the sentence for the person.
        """
        machine.check_writable(self.where)
        config = machine.read(self.where.config) or b""
        machine.check_config(config, self.where.config)
        present = self.settings["state"] == "present"
        made: Optional[keypair.Result] = None
        wish = self.settings["identity"]
        if present:
            if wish and not self.check and not os.path.isdir(self.where.folder):
                os.mkdir(self.where.folder, 0o700)
                self.memory["made"].append(self.where.folder)
            made = machine.identity(self.where, wish, self.settings["image"], self.check)
        one = {made.path: key_files.key_type(wish)} if made else {}
        items = self._present(config, one) if present else self._absent(config)
        self._try(items)
        if not self.check:
            machine.carry_out(items, self.where, self.memory["made"])
            self._remember()
        return {
            "changed": bool(items) or bool(made and made.changed),
            "files": [_told(item) for item in items],
            "notes": self.notes,
            "hosts": self.told,
            "identity": {"path": made.path, "public": made.key.line if made.key else "", "changed": made.changed}
            if made else {},
        }

    def _try(self, items: List[Item]) -> None:
        """Have ssh read what will be there, before any of it is.

        :raises Refused: it does not.
        """
        after = {item.path: item.after for item in items}
        if self.settings["state"] != "present" or not {self.where.config, self.where.fragment} & set(after):
            return
        config, fragment = (
            after[path] if path in after else machine.read(path)
            for path in (self.where.config, self.where.fragment)
        )
        ours = [self.settings["prefix"] + name for name in list(self.memory["hosts"])[:1]]
        names = ours + [name + aliases.HOP for name in ours] + ["oqs-ssh-nobody.invalid"]
        machine.check_read(config or b"", fragment or b"", self.where, names)

    # -- what is wanted --------------------------------------------------------------------------------------------

    def _present(self, config: bytes, made: Mapping[str, str]) -> List[Item]:
        """:param made: the identity that was made, or would be, with its type."""
        hosts = machine.hosts_of(self.memory["hosts"], self.settings["hosts"], self.settings["inventory"])
        self.notes += [self._odd(name) for name in sorted(hosts) if not aliases.is_alias(name)]
        odd = [name for name, host in sorted(hosts.items()) if not host_facts.is_whole(host)]
        self.notes += [_NOT_WHOLE % name for name in odd]
        hosts = {name: host for name, host in hosts.items() if aliases.is_alias(name) and name not in odd}
        self._tell_changed(hosts)
        self.memory["hosts"] = hosts
        own = aliases.with_identity(machine.own_program(self.where.folder), made)
        inside = machine.image_program(self.where.folder, self.settings["image"])
        inside = aliases.with_identity(inside, made)
        wish = aliases.Wish(self.settings["prefix"], self.settings["hop_user"], self.where.ours("known_hosts"),
                            "%s/%s" % (self.where.bin, machine.WRAPPERS[0]))
        by_image = aliases.by_host(hosts, own, self.settings["program"])
        names = [wish.prefix + name for name in hosts]
        clashing = aliases.clashes(machine.without_include(config, self.where.fragment), names)
        self.notes += [_CLASH % (name, self.where.config) for name in clashing]
        self.notes += [_EXPIRED % pair for pair in machine.expired(self.where.folder).items()]
        free = {name: host for name, host in hosts.items() if wish.prefix + name not in clashing}
        self._tell(hosts, own, inside, by_image, wish.prefix)
        wanted = {
            self.where.ours("known_hosts"): aliases.known_hosts(hosts),
            self.where.fragment: aliases.fragment(free, own, by_image, wish),
        }
        if self.settings["program"] != "system":
            usable = {name: host for name, host in hosts.items() if not aliases.lacks(host, inside)}
            wanted[self.where.ours("image_config")] = aliases.image_config(usable, inside, wish)
            wanted[self.where.ours("passwd")] = _passwd()
            wanted.update(self._wrappers())
        items = [item for path, data in wanted.items() for item in self._ours(path, aliases.stamped(data))]
        with_ours = machine.with_include(config, self.where.fragment)
        if with_ours != config:
            before = machine.read(self.where.config)
            items.append(Item(self.where.config, before, with_ours, machine.mode_of(self.where.config, 0o600)))
        return items

    def _odd(self, name: str) -> str:
        return "%r: a name with such characters cannot be an alias of ssh; rename the host in the inventory" % name

    def _ours(self, path: str, wanted: bytes) -> List[Item]:
        before = machine.read(path)
        mode = 0o755 if path.startswith(self.where.bin + "/") else 0o600
        if before == wanted:
            return []
        if before is not None and aliases.is_edited(before):
            self.notes.append(_KEPT % path)
            return []
        return [Item(path, before, wanted, mode)]

    def _wrappers(self) -> Dict[str, bytes]:
        values = {"@IMAGE@": self.settings["image"], "@FOLDER@": self.where.folder,
                  "@SSH@": "%s/%s" % (self.where.bin, machine.WRAPPERS[0])}
        found = {}
        for name in machine.WRAPPERS:
            text = self.settings["programs"][name]
            for mark, value in values.items():
                text = text.replace(mark, shlex.quote(value))
            found["%s/%s" % (self.where.bin, name)] = text.encode()
        return found

    def _absent(self, config: bytes) -> List[Item]:
        ours = [self.where.ours(name) for name in ("known_hosts", "image_config", "passwd")]
        ours += [self.where.fragment] + ["%s/%s" % (self.where.bin, name) for name in machine.WRAPPERS]
        there = {path: machine.read(path) for path in ours}
        fragment = there[self.where.fragment]
        if fragment is not None and aliases.is_edited(fragment):
            self.notes.append(_LEFT % self.where.fragment)
            return []
        items = []
        for path, data in there.items():
            if data is not None and aliases.is_edited(data):
                self.notes.append(_KEPT % path)
            elif data is not None:
                items.append(Item(path, data, None, 0))
        without = machine.without_include(config, self.where.fragment)
        if without != config:
            gone = not without and self.where.config in self.memory["made"]
            mode = machine.mode_of(self.where.config, 0o600)
            items.append(Item(self.where.config, config, None if gone else without, mode))
        return items

    # -- what is told ----------------------------------------------------------------------------------------------

    def _tell_changed(self, hosts: Mapping[str, Any]) -> None:
        for name, host in hosts.items():
            before = self.memory["hosts"].get(name, {})
            for kind, words in (("keys", "its quantum-safe sshd"), ("hop_keys", "its own sshd")):
                if before.get(kind) and not set(before[kind]) & set(host[kind]):
                    self.notes.append("%s: %s has other host keys than before; what the host itself said over the "
                                      "management connection is pinned now" % (name, words))

    def _tell(self, hosts: Mapping[str, Any], own: aliases.Program, inside: aliases.Program,
              by_image: Mapping[str, str], prefix: str) -> None:
        for name, host in hosts.items():
            program = inside if name in by_image else own
            why, alias = aliases.lacks(host, program), prefix + name
            if why and name in by_image and not inside.kex:
                why = _NO_PROGRAM % (by_image[name], self.settings["image"])
            if why:
                self.notes.append("%s: no way to it from here: %s" % (name, why))
            elif not aliases.identities(host, program):
                self.notes.append("%s: no identity in %s is of a type that it takes (%s): make one with "
                                  "oqs_ssh_client_identity, or use an agent" % (
                                      name, self.where.folder, ", ".join(host["offer"]["pubkeys"])))
            self.told[name] = {
                "login": "%s %s" % ("oqs-ssh" if name in by_image else "ssh", alias) if host["mode"] == "shell" else "",
                "hop": "ssh %s%s" % (alias, aliases.HOP) if host["hop_keys"] else "",
                "kex": (aliases.common(host, program)[0] or [""])[0],
                "usable": not why,
            }

    def _remember(self) -> None:
        path = self.where.ours(MEMORY)
        if self.settings["state"] == "absent":
            if not any(os.path.exists(self.where.ours(name)) for name in ("known_hosts", "image_config", "passwd")):
                machine.carry_out([Item(path, b"", None, 0)], self.where, [])
                machine.tidy(self.memory["made"])
            return
        data = json.dumps({"hosts": self.memory["hosts"], "made": sorted(set(self.memory["made"]))}, sort_keys=True)
        if machine.read(path) != data.encode():
            machine.carry_out([Item(path, b"", data.encode(), 0o600)], self.where, self.memory["made"])


def _passwd() -> bytes:
    """The person as an account, for programs in the container that look it up; behind the stamp, which is no line."""
    found = pwd.getpwuid(os.geteuid())
    return ("%s:x:%d:%d::%s:/bin/sh\n" % (found.pw_name, os.geteuid(), os.getegid(), found.pw_dir)).encode()


def _told(item: Item) -> Dict[str, str]:
    """A file as a diff shows it."""
    word = "removed" if item.after is None else "changed" if item.before is not None else "made"
    return {"path": item.path, "what": word, "before": _text(item.before), "after": _text(item.after)}


def _text(data: Optional[bytes]) -> str:
    return (data or b"").decode("utf-8", "replace")
