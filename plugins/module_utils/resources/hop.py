# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hop from inside the container to the host's own sshd."""

from __future__ import annotations

from functools import partial
from typing import Callable, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import ABSENT, UNKNOWN, member
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import hop as wanted_hop
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import known_hosts
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.content import Content
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import State, WantedImage
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.hop import HopContent
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import HopSpec, RemovalSpec, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms, own_sshd
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.sshconfig import ConfigError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.own_sshd import Offer, OwnSshd
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import Written
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import ANOTHER_LOOK, Change, Plan, shown
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.resource import Resource
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.restore import Named
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import accounts, configuration
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.accounts import Account
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.state import owner_of_home


class Hop(NamedTuple):
    """What the hop meets: the public host keys of the host's own sshd, and the accounts that it may use.

    What that sshd offers is a value of its own (``Offer``): it does not change meanwhile, and penalizes those who ask
    often.
    """

    host_keys: Sequence[str] = ()
    users: Mapping[str, Account] = {}


class HopResource(Resource):
    """The hop's files, the container's identity, and lines in accounts' authorized_keys."""

    part = "hop"
    sections = {"hop": "hop"}
    spec = {"hop": HopSpec}
    ledger = {"line": r"(?!.*/\.{1,2}(/|$))/[^\0-\x1f\x7f]+", "keys_folder": r"[^\0-\x20/:]{1,64}"}
    early = (Offer, Hop)

    def __init__(self) -> None:
        self.readers = {Hop: _read, Offer: _offer, OwnSshd: lambda _facts: own_sshd.read()}

    def plan(self, spec: Spec, facts: Facts, plan: Plan) -> None:
        """The way from inside the container to the host's own sshd, or none."""
        hop = spec.get(HopSpec)
        if not hop:
            return
        present = hop.state == "present"
        if present and not _reachable(hop, facts, plan):
            return
        state = _state_to_come(spec, facts)
        if state is not None:
            _plan_files(hop, state, facts, plan)
        elif present:
            for kind in (["hop_config"] if hop.scope == "localhost" else []) + ["hop_client", "hop_known_hosts"]:
                plan.add(Change("hop", kind, "", ABSENT, UNKNOWN, "needs the image", needs=ANOTHER_LOOK))
        else:
            return
        _plan_users(hop, facts, plan)

    def restore(self, facts: Facts, plan: Plan) -> None:
        """Our line in accounts that the ledger names; without a ledger, in those that the operator names."""
        rows, removal = facts.of(Named).rows, facts.of(Spec).get(RemovalSpec)
        names = accounts.once(rows) if rows else removal.hop_users if removal else []
        accounts.plan_back(rows, accounts.read(names, accounts.paths_of(rows)), plan)


def _read(facts: Facts) -> Hop:
    hop = facts.of(Spec).get(HopSpec)
    if not hop:
        return Hop()
    found = facts.of(OwnSshd).settings
    names = dict.fromkeys([*hop.users, *accounts.once(facts.of(Written).rows)])
    leaving = {name: path for name, path in accounts.paths_of(facts.of(Written).rows).items() if name not in hop.users}
    return Hop(own_sshd.host_keys(found), accounts.read(list(names), leaving, (hop.hop_address, hop.hop_port)))


def _offer(facts: Facts) -> Offer:
    hop = facts.of(Spec).get(HopSpec)
    return own_sshd.offer(hop.hop_address, hop.hop_port, facts.of(OwnSshd).settings) if hop else Offer()


def _reachable(hop: HopSpec, facts: Facts, plan: Plan) -> bool:
    """Whether there is somewhere to go; what a person should know of where that is."""
    _check_users(hop, facts.of(Hop), plan)
    if facts.of(OwnSshd).trouble:
        words = "the host's own sshd does not say how it is configured (%s): the hop goes where it listens; its keys "
        plan.note(words % facts.of(OwnSshd).trouble + "are those in /etc/ssh")
    if facts.of(Offer).error:
        others = ", ".join(map(str, hop.hop_others))
        plan.refuse(
            "the host's own sshd does not answer on %s port %d (%s%s): set oqs_ssh_hop_port, or "
            "oqs_ssh_hop_enabled: false"
            % (hop.hop_address, hop.hop_port, facts.of(Offer).error, others and "; it listens on port " + others)
        )
        return False
    if hop.hop_asked and hop.hop_asked != hop.hop_port:
        words = "the host's own sshd listens on port %d, not on %d (oqs_ssh_hop_port): the hop goes there"
        plan.note(words % (hop.hop_port, hop.hop_asked))
    if hop.hop_address != own_sshd.LOCALHOST:
        plan.note("the host's own sshd does not listen on localhost: the hop goes to %s" % hop.hop_address)
        if hop.scope == "global":
            plan.refuse(
                "oqs_ssh_hop_scope: global is for hosts whose own sshd listens on localhost, and this one listens on "
                "%s only: take it out, or let sshd listen on localhost, too" % hop.hop_address
            )
    return True


def _check_users(hop: HopSpec, found: Hop, plan: Plan) -> None:
    for number, name in enumerate(hop.users, 1):
        account = found.users[name]
        if account.unread:
            plan.refuse("oqs_ssh_hop_users: %s: %s: take it out, and put the key where that sshd looks yourself"
                        % (member(number, name), account.error))
        elif account.error:
            words = "oqs_ssh_hop_users: %s: %s: make it first, or correct the name"
            plan.refuse(words % (member(number, name), account.error))
        elif account.privileged and not hop.privileged:
            plan.refuse(
                "oqs_ssh_hop_users: %s is %s; whoever gets into the container would be that account: name another, or "
                "set oqs_ssh_hop_privileged: true" % (name, account.privileged)
            )


def _state_to_come(spec: Spec, facts: Facts) -> Optional[State]:
    """The state with ssh_config as it will be when the container's own section is done; None while the image is not
    known, or there is no configuration."""
    image, state, ssh = facts.of(WantedImage).image, facts.of(State), spec.get(ServerSpec)
    if not image.ssh_config:
        return None
    if ssh and ssh.state == "present":
        return state._replace(ssh_config=facts.of(Content).ssh_config)
    return state if state.ssh_config is not None else None


def _content(hop: HopSpec, state: State, image: Image, facts: Facts) -> HopContent:
    return wanted_hop.wanted(hop, state, image, facts.of(Offer).kex, facts.of(Hop).host_keys)


def _plan_files(hop: HopSpec, state: State, facts: Facts, plan: Plan) -> None:
    try:
        wanted = _content(hop, state, facts.of(WantedImage).image, facts)
    except ConfigError as error:
        plan.refuse(str(error))
        return
    if hop.state == "present":
        _judge(wanted, plan)

    def file(kind: str, before: Optional[bytes], after: Optional[bytes], why: str, act: Callable[[Host], None]) -> None:
        if before != after:
            plan.add(Change("hop", kind, "", shown(before), shown(after), why, act=act, quick=True))

    file("hop_config", state.hop_config, wanted.hop_config, "for connections to the host itself", _write_hop_config)
    file("hop_client", state.ssh_config, wanted.ssh_config, "the client's configuration takes the hop in",
         _write_ssh_config)
    pinned = (state.known_hosts, wanted.known_hosts)
    here, then = (known_hosts.part_of(data or b"", known_hosts.HOST) for data in pinned)
    file("hop_known_hosts", here or None, then or None, "the host's own key is pinned", _write_known_hosts)


def _judge(wanted: HopContent, plan: Plan) -> None:
    if not wanted.kex:
        plan.refuse("the image's client and the host's own sshd have no key exchange in common")
    if not wanted.host_keys:
        plan.refuse("the host's own sshd has no host key of a type that the image's client knows")
    quantum = wanted.kex and algorithms.family(wanted.kex[0]) == "hybrid"
    plan.note("the hop to the host's own sshd: %s" % (
        "post-quantum key exchange, %s" % wanted.kex[0] if quantum
        else "classical key exchange only (%s): the host's own sshd can do no other" % ", ".join(wanted.kex)
    ))


def _plan_users(hop: HopSpec, facts: Facts, plan: Plan) -> None:
    public = _plan_identity(hop, facts.of(State), plan)
    for name, account in facts.of(Hop).users.items():
        wanted = hop.state == "present" and name in hop.users
        if account.error:
            continue
        why = "the container's key may log in" if wanted else "no longer in oqs_ssh_hop_users"
        act = partial(_write_user, name, wanted)
        line = wanted_hop.line(public, hop.hop_address) if public and wanted else None
        after = wanted_hop.user_keys(account.keys, line)
        if wanted and not public:
            plan.add(Change("hop", "hop_user", name, shown(account.keys), UNKNOWN, why, act=act, quick=True,
                            needs=("hop_identity",)))
        elif after != account.keys:
            plan.add(Change("hop", "hop_user", name, shown(account.keys), shown(after), why, act=act, quick=True))


def _plan_identity(hop: HopSpec, state: State, plan: Plan) -> Optional[bytes]:
    """The container's public key as it is; None where accounts wait for another one, or there is none."""
    public, worth = wanted_hop.identity(state), state.identity_state
    if not hop.users or hop.state != "present":
        if hop.rotate:
            plan.note("the container has no key for the hop (oqs_ssh_hop_users names no account): nothing to rotate")
        return public
    loose = worth.startswith("mode")

    def identity(before: str, after: str, why: str, level: str) -> None:
        plan.add(Change("hop", "hop_identity", paths.IDENTITY, before, after, why, act=partial(_make_identity, level)))

    if not public or (worth not in ("good", "missing") and not loose):
        before = "absent" if worth in ("good", "missing") else worth
        identity(before, UNKNOWN, "oqs_ssh_hop_users names accounts", "damaged")
        return None
    if hop.rotate:
        identity("the present one", UNKNOWN, "another one is wanted", "always")
        return None
    if loose:
        identity(worth, "mode 600", "ssh takes no key that others can read", "damaged")
    return public


def _make_identity(level: str, host: Host) -> None:
    """The container's ed25519 identity, only where accounts are named that it may log in to."""
    from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import (
        keypair,  # most runs make no keys
    )

    owner = owner_of_home()
    host.ledger.record("file", paths.IDENTITY, None, "a key")
    request = keypair.Request(paths.IDENTITY, "ed25519", wanted_hop.MARK, level, owner, owner, paths.VAR_DIR)
    keypair.ensure_pairs([request], keypair.in_image(host.facts.of(Image).engine_id))
    host.facts.forget(State)
    host.want(host.spec.of(HopSpec)._replace(rotate=False))  # it is done: not wanted again


def _now(host: Host) -> HopContent:
    """The files from what lies there now: the container's own section may have written both in this round."""
    ssh_config, pinned = (files.read_file("%s/%s" % (paths.STATE_DIR, name)) for name in ("ssh_config", "known_hosts"))
    state = host.facts.of(State)._replace(ssh_config=ssh_config, known_hosts=pinned)
    return _content(host.spec.of(HopSpec), state, host.facts.of(Image), host.facts)


def _write_hop_config(host: Host) -> None:
    """The hop's own file, included by the client's configuration."""
    data = _now(host).hop_config
    if data is None:
        host.ledger.record("file", paths.HOP_FILE, "ours", None)
        files.remove_file(paths.HOP_FILE)
    else:
        host.ledger.write(paths.HOP_FILE, data, 0o644)


def _write_ssh_config(host: Host) -> None:
    data = _now(host).ssh_config
    if host.spec.of(HopSpec).scope == "global":
        configuration.remember(host, "hop", data, "ssh_config")
    configuration.write(host, {"ssh_config": data})


def _write_known_hosts(host: Host) -> None:
    host.ledger.write(paths.STATE_DIR + "/known_hosts", _now(host).known_hosts, 0o644)


def _write_user(name: str, wanted: bool, host: Host) -> None:
    public: Optional[bytes] = wanted_hop.identity(host.facts.of(State)) if wanted else None
    line = wanted_hop.line(public, host.spec.of(HopSpec).hop_address) if public else None
    accounts.write(name, host.facts.of(Hop).users[name], line, host)


HOP = HopResource()
