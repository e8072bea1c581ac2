# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may log in to the container: the user's password, and keys."""

from __future__ import annotations

from typing import NamedTuple, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import content
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.content import Content
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import (
    ABSENT,
    GIVEN,
    HERE_ONLY,
    LOCKED,
    State,
    WantedImage,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import Secret, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import Container, Others
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import shadow
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Change, Plan, shown
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.state import owner_of_home


class Password(NamedTuple):
    """What the stored hash is worth, in words; never the hash."""

    state: str = ABSENT
    why: str = ""


class PasswordResource(Resource):
    """The password of the container's user."""

    part = "ssh"
    sections = {"password": "password of the user"}

    def __init__(self) -> None:
        self.readers = {Password: _read}

    def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
        """The one that is given, or none."""
        ssh = spec.get(ServerSpec)
        if ssh and ssh.state == "present" and facts.of(WantedImage).image.known:
            found = facts.of(Password)
            after = GIVEN if ssh.password_set else LOCKED
            plan.add(Change("password", "password", ssh.user, found.state, after, found.why, act=_set, quick=True))


class AuthorizedKeysResource(Resource):
    """The keys of the container's user."""

    part = "ssh"
    sections = {"access": "keys of the user"}

    def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
        """The given keys are there; those of others stay, unless the list is the whole."""
        ssh = spec.get(ServerSpec)
        if ssh and ssh.state == "present" and facts.of(WantedImage).image.known:
            before, after = facts.of(State).authorized_keys or b"", facts.of(Content).authorized_keys
            if before != after:
                plan.add(Change("access", "authorized_keys", ssh.user, shown(before), shown(after), "who may log in",
                                act=_write_keys, quick=True))


def _read(facts: Facts) -> Password:
    """The container's own hash counts, and the state on the host must have the same, because the next container is made
    from it."""
    ssh = facts.of(Spec).get(ServerSpec)
    if not ssh:
        return Password()
    kept, secret = facts.of(State).password, facts.of(Secret).password
    try:
        container = facts.of(Container)
        data = _shadow(container)
        more = {each.name: _shadow(each) for each in facts.of(Others).same if each.id != container.id}
    except files.UnsafePath:
        return Password("another", "the container's /etc/shadow is no file that can be read")
    found = shadow.hash_of(data, ssh.user) if data else None
    if found is None and not kept:
        return Password(ABSENT, "nobody has set one")
    judged = judge(kept if found is None else found, secret)
    for name, other in more.items():
        if other is not None and shadow.hash_of(other, ssh.user) != found:
            return Password("another", "the container %s has another one" % name)
    if found not in (None, kept) and judged.state in (LOCKED, GIVEN):
        return Password(judged.state + HERE_ONLY, "the state on the host says otherwise")
    return judged


def _shadow(container: Container) -> Optional[bytes]:
    """The container's shadow file; None where there is no container of ours: somebody else's is not looked into."""
    if not container or not container.ours:
        return None
    if container.pid:
        root = "/proc/%d/root" % container.pid
        return files.read_file(root + "/etc/shadow", root=root)
    from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import password  # most containers run

    return password.container_shadow(container.name)[0]


def judge(stored: str, secret: Optional[str]) -> Password:
    """What a hash is worth.

    :param secret: the password that is wanted, or None.
    """
    if shadow.is_locked(stored):
        return Password(LOCKED, "a password is given")
    if stored and secret is not None and shadow.verify(secret, stored):
        return Password(GIVEN, "no password is given any more")
    words = {"published": "the published default", "empty": "empty"}
    return Password(words.get(shadow.state_of(stored), "another"), "not the one that is wanted")


def _set(host: Host) -> None:
    """The hash in the state, and in every container of ours."""
    from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import password  # most runs set none

    ssh, secret, stored = host.spec.of(ServerSpec), host.facts.of(Secret).password, host.facts.of(State).password
    if not ssh.password_set:
        stored = shadow.LOCKED
    elif not (stored and secret is not None and shadow.verify(secret, stored)):
        stored = shadow.make_hash(secret or "")
    host.ledger.record("file", paths.PRIVATE_DIR + "/password", None, "a hash")
    files.write_file(paths.PRIVATE_DIR + "/password", stored.encode() + b"\n", 0o600)
    mine = [each.name for each in (host.facts.of(Container), *host.facts.of(Others).same) if each]
    for name in dict.fromkeys(mine):  # wherever it is in force
        try:
            password.set_hash(name, ssh.user, stored)
        except cli.DockerError:  # it comes and goes (a restart loop): nothing can be done in it until it holds still
            cli.docker(["stop", "--time", "5", name], timeout=cli.WORK)
            password.set_hash(name, ssh.user, stored)


def _write_keys(host: Host) -> None:
    owner = owner_of_home()
    wanted = content.wanted(host.spec.of(ServerSpec), host.facts).authorized_keys
    host.ledger.write(paths.HOME_SSH + "/authorized_keys", wanted, 0o600, owner, owner, root=paths.VAR_DIR)


PASSWORD, AUTHORIZED_KEYS = PasswordResource(), AuthorizedKeysResource()
