# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The two configurations and the pinned host keys: validated by the image's own programs, then put in place."""

from __future__ import annotations

import json
import re
from typing import Dict, List, Mapping, Match, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests, files, paths, trees
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import Completed
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import ABSENT, UNKNOWN
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import content, effect, known_hosts, policy
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import facts as found
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.content import Content
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import Judged, State, WantedImage
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import HopSpec, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, entry
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import Container
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.sshconfig import ConfigError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import ANOTHER_LOOK, Change, Plan, shown
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.host_keys import MAKERS

NAMES = ("sshd_config", "ssh_config")
_SERVER = paths.STATE_DIR + "/sshd_config"


class ConfigurationError(UserError):
    """The image's own programs refuse a configuration, with their words; nothing was replaced."""


class ConfigurationResource(Resource):
    """sshd_config, ssh_config and known_hosts."""

    part = "ssh"
    sections = {"config": "configuration"}

    def __init__(self) -> None:
        self.readers = {Content: lambda facts: content.wanted(facts.of(Spec).of(ServerSpec), facts), Judged: _judge}

    def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
        """Both configurations as wanted; every other byte of them stays."""
        ssh = spec.get(ServerSpec)
        if not ssh or ssh.state == "absent":
            return
        image, state = facts.of(WantedImage).image, facts.of(State)
        if not image.known:
            return
        wanted = facts.of(Content)
        for each in facts.of(Judged).weak:
            plan.note("sshd_config was edited, and weakens the server (%s): %s; it is put back" % (
                each.where, each.words), lasting=True)
        for name, after in (("sshd_config", wanted.sshd_config), ("ssh_config", wanted.ssh_config)):
            present = state.config(name)
            before = image.config(name) if present is None else present
            if present is None or before != after:
                words = shown(before) if before != after else "the image's own"
                plan.add(Change("config", name, "", words, shown(after), "closed by name, algorithms as wanted",
                                act=write_both, quick=True))
        pinned = state.known_hosts or b""
        if wanted.known_hosts != pinned:
            text = UNKNOWN if wanted.known_hosts is None else shown(wanted.known_hosts)
            plan.add(Change("config", "known_hosts", known_hosts.OWN, shown(pinned), text, "keys are pinned",
                            act=_pin, quick=True, needs=MAKERS))


def _judge(facts: Facts) -> Judged:
    """What somebody has written into sshd_config: its effect, as the pristine image's sshd computes it in a container
    of its own (the one that runs is in the hands of whoever has edited the file). Asked once for each content."""
    ssh, state, image = facts.of(Spec).of(ServerSpec), facts.of(State), facts.of(Image)
    if not image.known or state.sshd_config is None:
        return Judged()  # one that is on its way, another look asks
    own = image.config("sshd_config")
    draft, alone = (content.server_config(ssh, state, image, each) for each in (False, True))
    key = digests.digest(b"\0".join([image.engine_id.encode(), draft, alone, ssh.entry.encode()])).encode()
    if draft == alone or files.read_file(paths.JUDGED) == key:
        return Judged()
    asked = effect.configurations(draft, alone, own)
    found = effect.weak(_effects(ssh, image.engine_id, asked, state.sshd_config), draft, own)
    if not found:
        files.make_dir(paths.LOCK_DIR, 0o700)
        files.write_file(paths.JUDGED, key, 0o600)
    return Judged(found)


def _effects(
    ssh: ServerSpec, image: str, asked: Mapping[str, bytes], present: bytes
) -> Dict[str, List[effect.Settings]]:
    """What the image's sshd makes of configurations, by name, for each of the connections.

    :param present: the file that they are made from.
    :raises ConfigurationError: it refuses one, with its words; or it does not answer.
    """
    ends = effect.connections(ssh.user, ssh.sources)
    lines = "".join("%s %s\n" % each for each in ends).encode()
    with entry.copy(ssh.entry) as own, entry.folder(asked) as folder:
        done = cli.run_once(image, [paths.ENTRY, "effect", paths.ASKED, str(ssh.port)], [own, folder], lines)
    found: Dict[str, List[effect.Settings]] = {}
    refused: Dict[str, str] = {}
    for part in done.out.decode("utf-8", "replace").split("\n== ")[1:]:
        head, _newline, text = part.partition("\n")
        name = head.split(" ")[0]
        found.setdefault(name, []).append(effect.settings(text))
        if text.startswith("failed: "):
            said = text[len("failed: "):].strip()
            refused[name] = _in_place(said, "%s/%s" % (paths.ASKED, name), asked.get(name, b""), _SERVER, present)
    if refused:  # the whole has the lines that a person sees
        said = refused.get(effect.WHOLE) or sorted(refused.values())[0]
        raise ConfigurationError("the image's own programs refuse the configuration: %s" % said)
    if set(found) != set(asked) or any(len(each) != len(ends) for each in found.values()):
        raise ConfigurationError("the image's own sshd did not say what sshd_config comes to: %s" % done.reason)
    return found


def _in_place(said: str, path: str, asked: bytes, place: str, present: bytes) -> str:
    """The words of a program about a file that we made for it, as words about the one that a person sees: its path, and
    the number that the line has there. A line that is not there is ours, and keeps its number."""
    lines, theirs = ([line.strip() for line in data.splitlines()] for data in (asked, present))

    def there(match: Match[str]) -> str:
        line = lines[int(match.group(2)) - 1:int(match.group(2))]
        number = theirs.index(line[0]) + 1 if line and line[0] in theirs else int(match.group(2))
        return "%s%d" % (match.group(1), number)

    return re.sub(r"(%s:? line )([1-9][0-9]{0,8})" % re.escape(path), there, said).replace(path, place)


def plan_unknown(ssh: ServerSpec, facts: Facts, plan: Plan) -> None:
    """The same things as known ones while the image is not at hand to ask."""
    before = "unknown" if facts.of(Container) else ABSENT
    for section, kind, name in (
        ("keys", "host_keys", ""), ("config", "sshd_config", ""), ("config", "ssh_config", ""),
        ("config", "known_hosts", known_hosts.OWN), ("password", "password", ssh.user),
        ("access", "authorized_keys", ssh.user),
        ("container", "container", ssh.container), ("container", "running", ssh.container),
    ):
        plan.add(Change(section, kind, name, before, UNKNOWN, "needs the image", needs=ANOTHER_LOOK))


def unreadable(spec: Spec, facts: Facts) -> List[str]:
    """Configurations of the state that nobody can make sense of, each with the line; where they go, they do not matter.
    """
    ssh = spec.get(ServerSpec)
    if not spec.get(HopSpec) and not (ssh and ssh.state == "present"):
        return []
    broken = []
    for name in NAMES:
        try:
            sshconfig.read(facts.of(State).config(name) or b"", name)
        except ConfigError as error:
            words = "%s/%s: %s: repair that line, or move the file away to have it made anew"
            broken.append(words % (paths.STATE_DIR, name, error))
    return broken


def write_both(host: Host) -> None:
    """Both configurations belong together: validated as a pair by the image's own programs, then put in place."""
    wanted = content.wanted(host.spec.of(ServerSpec), host.facts)
    configs = {"sshd_config": wanted.sshd_config, "ssh_config": wanted.ssh_config}
    if host.validated and _there(configs) == configs:
        return  # as the pair of the one that was first
    for name, data in configs.items():
        remember(host, name, data, name)
    write(host, configs)


def _there(names: Mapping[str, object]) -> Dict[str, Optional[bytes]]:
    return {name: files.read_file("%s/%s" % (paths.STATE_DIR, name)) for name in names}


def remember(host: Host, part: str, data: bytes, dialect: str) -> None:
    """Keep in mind which algorithm lists are ours, before they are written. One that somebody else began, and to which
    we only add, is not: taken back for ours, it would change with every run.

    :param part: of ``facts.remember``.
    """
    state, image = host.facts.of(State), host.facts.of(Image)
    default = image.config(dialect)
    alone = policy.values(data, dialect)
    if part == "sshd_config":
        alone = policy.values(policy.server_config(default, host.spec.of(ServerSpec), image), dialect)
    foreign = [policy.values(each, dialect) for each in (default, state.config(dialect) or default)]
    ours = {
        name: value for name, value in policy.values(data, dialect).items()
        if value == alone.get(name) and all(value != each.get(name) for each in foreign)
    }
    written = found.remember(state.written, part, ours)
    if written != state.written:
        files.make_dir(paths.SERVER_DIR, 0o700)
        files.write_file(paths.WRITTEN, json.dumps(written, sort_keys=True).encode(), 0o600)
        host.facts.put(state._replace(written=written))


def write(host: Host, wanted: Mapping[str, bytes]) -> None:
    """Validate and write configuration files of the state.

    :raises ConfigurationError: with the words of the image's own sshd or ssh; nothing was replaced.
    """
    here, asked = _there(dict.fromkeys(NAMES)), dict.fromkeys(NAMES, b"")
    candidate = paths.PRIVATE_DIR + "/candidate"
    trees.remove(candidate)  # of a run that was cut short
    files.make_dir(candidate, 0o700)
    try:
        for name, present in here.items():
            asked[name] = wanted.get(name) or present or host.facts.of(Image).config(name)
            files.write_file("%s/%s" % (candidate, name), asked[name], 0o600)
        done = _asked(host, candidate)
    finally:
        trees.remove(candidate)
    if done.rc != 0:  # the candidate is gone: a person has the file in its place
        said = (done.err.strip() or done.out).decode("utf-8", "replace")
        for name, data in asked.items():
            place = "%s/%s" % (paths.STATE_DIR, name)
            said = _in_place(said, "%s/%s" % (candidate, name), data, place, here[name] or b"")
        words = "the image's own programs refuse the configuration: %s"
        raise ConfigurationError(words % done._replace(err=said.encode()).reason)
    host.validated = True
    for name, data in wanted.items():
        if data != here[name]:
            host.ledger.write("%s/%s" % (paths.STATE_DIR, name), data, 0o644)


def _asked(host: Host, candidate: str) -> Completed:
    """What the image's own programs say of configurations; those of the container that runs, where it is of the same
    image, since a container for the question alone takes three times as long."""
    question, running = [paths.ENTRY, "check", candidate], host.facts.of(Container)
    image = host.facts.of(Image).engine_id
    if running.running and running.image == image and not running.stale:
        done = cli.docker(["exec", running.id, *question], check=False, timeout=cli.WORK)
        if done.rc == 0:
            return done  # a no may be that of a container that has ended meanwhile
    part = host.spec.get(ServerSpec) or host.spec.of(HopSpec)
    with entry.copy(part.entry) as mount:
        mounts = [cli.bind(paths.STATE_DIR, paths.STATE_DIR, readonly=True), mount]
        return cli.run_once(image, question, mounts, check=False, writable=True)


def _pin(host: Host) -> None:
    """The pinned host keys.

    :raises ConfigurationError: there is no whole key to pin.
    """
    wanted = content.wanted(host.spec.of(ServerSpec), host.facts).known_hosts
    if wanted is None:
        raise ConfigurationError("no whole host key is there to pin: run again")
    host.ledger.write(paths.STATE_DIR + "/known_hosts", wanted, 0o644)


CONFIGURATION = ConfigurationResource()
