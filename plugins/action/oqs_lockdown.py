# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prove the quantum-safe way, close the host's own sshd to the world, and confirm it by that way."""

from __future__ import annotations

import contextlib
import os
import shlex
import tempfile
import typing as t

from ansible import constants as C
from ansible_collections.quantumsafe.openssh.plugins.action.oqs_ending import own_ssh
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.lockdown_files import CLOSE, CONFIRM
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import LockdownSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import grammar
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import diff
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.answer import Lockdown
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import Want
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import commandlines, lockdown_way
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_action import HostAction, Seen
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_variables import HostFailure
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.variables import variables

SECTION = "lockdown"
_NO_SOURCES = (
    "nothing was changed; %s: must name at least one address or network from which people may come when the container "
    "is dead: there is no lockdown without that" % variables.BREAKGLASS
)
_AGAIN = "%s; the host opens itself again within %g minutes: nobody has to do anything"


class ActionModule(HostAction):
    """Action of the playbook lockdown."""

    _VALID_ARGS = frozenset(("want",))

    def looks_at(self, arguments: dict[str, t.Any]) -> t.Iterable[str]:
        """The lockdown, and what must be as wanted before."""
        del arguments
        return ("ssh", "hop", SECTION)

    @property
    def comes_over_pq(self) -> bool:
        """Nothing has to outlive the connection here, and what does could not say by which way it came."""
        return False

    def work(self, arguments: dict[str, t.Any], asked: Want) -> dict[str, t.Any]:
        """Lock down, or open."""
        spec = asked.lockdown or LockdownSpec("absent")
        closing = spec.state == "present"
        if closing and not spec.breakglass_sources:
            raise HostFailure(_NO_SOURCES)
        if not closing:  # whatever else is wrong with the host
            asked = Want(lockdown=spec)
        self.store.update(address=self._task_vars.get("ansible_host") or self.host)
        seen = self.look(arguments, asked, asked.sections)
        items = self.items(seen.look, [SECTION])
        result: dict[str, t.Any] = {"changed": bool(items), "plan": shape.plain(items)}
        if self._task.diff:
            result["diff"] = diff(items)
        if self._task.check_mode:
            self.store.update(check=True)
        elif items:
            if closing:
                self._lock(seen, spec)
            else:
                self._step(spec)
            rest = [item for item in seen.look.plan if item not in items]
            self.store.update(look=seen.look._replace(plan=rest), done=items)
        return result

    def _lock(self, seen: Seen, spec: LockdownSpec) -> None:
        """Prove, close, prove again: each over a connection of its own."""
        with self._quantum_safe(seen) as over:
            with over():
                found = self._asked(spec)
            if not found.through:
                raise HostFailure(
                    "nothing was changed; the connection that should have come through the container came by another "
                    "way: ansible_ssh_args must not be set by -e, and ansible_host must be the host itself"
                )
            self.say("%s: the quantum-safe way is proved; closing" % self.host)
            try:
                token = self._step(spec._replace(step=CLOSE)).token or ""
                with over():
                    self._step(spec._replace(step=CONFIRM, token=token))
            except HostFailure as failure:
                said = " ".join(str(failure).split())  # ssh ends its lines with a carriage return
                raise HostFailure(_AGAIN % (said, spec.minutes)) from failure

    def _asked(self, spec: LockdownSpec) -> Lockdown:
        try:
            return self.ask("oqs_look", Want(lockdown=spec), password=None).look.lockdown
        except HostFailure as failure:
            words = "nothing was changed; the quantum-safe way was not proved from the controller: %s"
            raise HostFailure(words % " ".join(str(failure).split())) from failure

    def _step(self, spec: LockdownSpec) -> Lockdown:
        want = Want(lockdown=spec)
        return self.ask("oqs_apply", want, sections=[SECTION], password=None).look.lockdown

    @contextlib.contextmanager
    def _quantum_safe(self, seen: Seen) -> t.Iterator[t.Callable[[], t.ContextManager[None]]]:
        """Makes connections of their own that come through the container, as long as this lasts."""
        if self._connection.transport != "ssh":
            raise HostFailure("nothing was changed; the lockdown needs the connection plugin ssh (ansible_connection)")
        with tempfile.NamedTemporaryFile("w", dir=C.DEFAULT_LOCAL_TMP, suffix=".known_hosts") as pins:
            pins.write(lockdown_way.known_hosts(seen.look.pins))
            pins.flush()
            more = list(lockdown_way.NEW) if seen.look.lockdown.through else self._arguments(seen, pins.name)
            yield lambda: self._with(more)

    @contextlib.contextmanager
    def _with(self, more: t.Sequence[str]) -> t.Iterator[None]:
        """Other arguments for ssh, before the user's: the first that says something counts."""
        before = self._connection.get_option("ssh_args")
        self._connection.set_option("ssh_args", " ".join([shlex.join(more), before or ""]))
        try:
            yield
        finally:
            self._connection.set_option("ssh_args", before)

    def _arguments(self, seen: Seen, pins: str) -> list[str]:
        folder, error = self._evaluated("oqs_ssh_client_dir")
        if error:
            raise HostFailure("nothing was changed; " + error)
        own = own_ssh(os.path.expanduser(str(folder or "~/.ssh")))
        ssh, target = seen.want.ssh, seen.look.hop_target
        if not ssh:
            raise HostFailure("nothing was changed; nobody said which container the way goes through (section ssh)")
        key = self._connection.get_option("private_key_file")
        return lockdown_way.arguments(lockdown_way.Way(
            address=str(self._connection.get_option("host") or self.host),
            target="%s:%d" % (grammar.bracketed(target.address), target.port),
            ssh=ssh,
            offer=seen.look.offer,
            known=pins,
            image=commandlines.reference(ssh, seen.look),
            more=shlex.split(self._connection.get_option("ssh_common_args") or ""),
            identities=[os.path.expanduser(key)] if key else [],
        ), own)
