# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A person's own machine brought to what is wanted: look, compare, carry out, remember."""

from __future__ import annotations

import os
import pwd
import shlex
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import (
    aliases,
    machine,
    memory,
    programs,
    roster,
    ways,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client.host import Hosts
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client.machine import Item, Places
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client.report import (
    FileChange,
    Identity,
    Report,
    Way,
    printable,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.client.settings import WRAPPERS, Settings
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import key_files, keypair

_KEPT = "%s was changed by hand and is kept as it is; to have it written again, move it away and run this again"
_LEFT = "nothing was taken away: %s was changed by hand and needs the rest; move it away and run this again"
_CLASH = ("%s: %s, or a file that it includes, has this name, and it wins: no alias was written for it; set "
          "oqs_ssh_client_prefix to have ours under another name")
_SILENT = "the ssh of this machine is not used where another can be: it does not say what it knows (%s)"
_OURS = ("known_hosts", "image_config", "passwd")


class _Run(NamedTuple):
    """One run: what is wanted, where, what was found; notes and what is made are added as it goes."""

    settings: Settings
    where: Places
    check: bool
    config: bytes
    memory: memory.Memory
    notes: List[str]
    made: List[str]


class _Wanted(NamedTuple):
    """What a run is to leave behind; ``knows``: the types of keys that the person's own ssh knows."""

    items: List[Item]
    hosts: Hosts
    ways: Mapping[str, Way]
    knows: Sequence[str]


def settle(settings: Settings, check: bool) -> Report:
    """Bring the machine there.

    :param check: only say what would be done.
    :raises Refused, KeyPairError, DockerError, ConfigError, UnsafePath, OSError: with the sentence for the person.
    """
    where = machine.places(settings.folder, settings.bin)
    machine.check_writable(where)
    config = machine.read(where.config) or b""
    machine.check_config(config, where.config)
    known = memory.parse(machine.read(where.memory) or b"")
    notes = ["%s: %s" % (where.memory, words) for words in known.damage]
    run = _Run(settings, where, check, config, known, notes, list(known.made))
    wanted = _present(run) if settings.state == "present" else _Wanted(_absent(run), {}, {}, ())
    _try(run, wanted)
    pair = _pair(run, wanted.knows, check)
    if not check:
        machine.carry_out(wanted.items, where, run.made)
        _remember(run, wanted.hosts)
    return Report(
        changed=bool(wanted.items) or bool(pair and pair.changed),
        files=tuple(_shown(item) for item in wanted.items),
        notes=tuple(printable(note) for note in run.notes),
        ways=wanted.ways,
        identity=_identity(pair) if pair else None,
    )


def _identity(pair: keypair.Result) -> Identity:
    return Identity(printable(pair.path), printable(pair.key.line) if pair.key else "", pair.changed)


def _try(run: _Run, wanted: _Wanted) -> None:
    """Have ssh read what will be there, before any of it is.

    :raises Refused: it does not.
    """
    after = {item.path: item.after for item in wanted.items}
    if run.settings.state != "present" or not {run.where.config, run.where.fragment} & set(after):
        return
    config, fragment = (
        after[path] if path in after else machine.read(path) for path in (run.where.config, run.where.fragment)
    )
    ours = [(run.settings.prefix + name, way.hop) for name, way in list(wanted.ways.items())[:1]]
    names = [each for alias, hop in ours for each in (alias, alias + aliases.HOP)[: 2 if hop else 1]]
    run.notes.extend(machine.check_read(run.config, config or b"", fragment or b"", run.where, names))


# -- present -----------------------------------------------------------------------------------------------------------


def _present(run: _Run) -> _Wanted:
    settings, where = run.settings, run.where
    found = programs.identities(where.folder)
    own = programs.own_program(found.types)
    pair = _pair(run, own.keys, True)  # made once all else has been tried
    made = {pair.path: key_files.key_type(settings.identity)} if pair else {}
    inside = programs.image_program(settings.image, found.types)
    called = roster.call(settings, run.memory)
    own, inside = aliases.with_identity(own, made), aliases.with_identity(inside, made)
    used = ways.Programs(own, inside, aliases.by_host(called.hosts, own, settings.program))
    run.notes.extend((*called.notes, *found.notes, *programs.certificates(where.folder)))
    if own.trouble and settings.program != "image":
        run.notes.append(_SILENT % own.trouble)
    free = _free(run, called.hosts)
    items = _files(run, called.hosts, free, used)
    each, notes = ways.find(free, used, settings, where.folder)
    run.notes.extend(notes)
    return _Wanted(items, called.hosts, each, own.keys)


def _pair(run: _Run, known: Sequence[str], check: bool) -> Optional[keypair.Result]:
    """The identity that is wanted, made if it is not there."""
    if not run.settings.identity or run.settings.state != "present":
        return None
    if not check and not os.path.isdir(run.where.folder):
        os.mkdir(run.where.folder, 0o700)
        run.made.append(run.where.folder)
    return machine.identity(run.where, run.settings.identity, run.settings.image, known, check)


def _free(run: _Run, hosts: Hosts) -> Hosts:
    """Hosts whose aliases are not names of the person's own; without the alias behind the hop where that one is."""
    names = [run.settings.prefix + name for name in hosts]
    taken = aliases.clashes(machine.person(run.config, run.where), names + [name + aliases.HOP for name in names])
    run.notes.extend(_CLASH % (name, run.where.config) for name in taken)
    return {
        name: host._replace(hop_keys=()) if alias + aliases.HOP in taken else host
        for alias, (name, host) in zip(names, hosts.items()) if alias not in taken
    }


def _files(run: _Run, hosts: Hosts, free: Hosts, used: ways.Programs) -> List[Item]:
    """The files that are not as wanted."""
    settings, where = run.settings, run.where
    spec = aliases.AliasSpec(
        settings.prefix, settings.hop_user, where.ours("known_hosts"), "%s/%s" % (where.bin, WRAPPERS[0]))
    wanted = {
        where.ours("known_hosts"): aliases.known_hosts(hosts),
        where.fragment: aliases.fragment(free, used.own, used.by_image, spec),
    }
    if settings.program != "system":
        usable = {name: host for name, host in hosts.items() if not aliases.lacks(host, used.image)}
        wanted[where.ours("image_config")] = aliases.image_config(usable, used.image, spec)
        wanted[where.ours("passwd")] = _passwd()
        wanted.update(_wrappers(settings, where))
    items = [item for path, data in wanted.items() for item in _ours(run, path, aliases.stamped(data))]
    with_ours = machine.with_include(run.config, where.fragment)
    if with_ours != run.config:
        mode = machine.mode_of(where.config, 0o600)
        items.append(Item(where.config, machine.read(where.config), with_ours, mode))
    return items


def _ours(run: _Run, path: str, wanted: bytes) -> Sequence[Item]:
    before = machine.read(path)
    if before == wanted:
        return ()
    if before is not None and aliases.is_edited(before):
        run.notes.append(_KEPT % path)
        return ()
    return (Item(path, before, wanted, 0o755 if path.startswith(run.where.bin + "/") else 0o600),)


def _wrappers(settings: Settings, where: Places) -> Dict[str, bytes]:
    values = {"@IMAGE@": settings.image, "@FOLDER@": where.folder, "@SSH@": "%s/%s" % (where.bin, WRAPPERS[0])}
    found = {}
    for name in WRAPPERS:
        text = settings.wrappers[name]
        for mark, value in values.items():
            text = text.replace(mark, shlex.quote(value))
        found["%s/%s" % (where.bin, name)] = text.encode()
    return found


def _passwd() -> bytes:
    """The person as an account, for programs in the container that look it up; behind the stamp, which is no line."""
    found = pwd.getpwuid(os.geteuid())
    return ("%s:x:%d:%d::%s:/bin/sh\n" % (found.pw_name, os.geteuid(), os.getegid(), found.pw_dir)).encode()


# -- absent ------------------------------------------------------------------------------------------------------------


def _absent(run: _Run) -> List[Item]:
    where = run.where
    ours = [where.ours(name) for name in _OURS]
    ours += [where.fragment] + ["%s/%s" % (where.bin, name) for name in WRAPPERS]
    there = {path: machine.read(path) for path in ours}
    fragment = there[where.fragment]
    if fragment is not None and aliases.is_edited(fragment):
        run.notes.append(_LEFT % where.fragment)
        return []
    items = []
    for path, data in there.items():
        if data is not None and aliases.is_edited(data):
            run.notes.append(_KEPT % path)
        elif data is not None:
            items.append(Item(path, data, None, 0))
    without = machine.without_include(run.config, where.fragment)
    if without != run.config:
        gone = not without and where.config in run.made
        items.append(Item(where.config, run.config, None if gone else without, machine.mode_of(where.config, 0o600)))
    return items


# -- afterwards --------------------------------------------------------------------------------------------------------


def _remember(run: _Run, hosts: Hosts) -> None:
    where = run.where
    if run.settings.state == "absent":
        if not any(os.path.exists(where.ours(name)) for name in _OURS):
            machine.carry_out([Item(where.memory, b"", None, 0)], where, [])
            run.notes.extend(machine.tidy(run.made))
        return
    data = memory.to_json(hosts, run.made)
    if machine.read(where.memory) != data:
        machine.carry_out([Item(where.memory, b"", data, 0o600)], where, run.made)


def _shown(item: Item) -> FileChange:
    """A file as a diff shows it."""
    word = "removed" if item.after is None else "changed" if item.before is not None else "made"
    return FileChange(printable(item.path), word, _text(item.before), _text(item.after))


def _text(data: Optional[bytes]) -> str:
    return (data or b"").decode("utf-8", "replace")
