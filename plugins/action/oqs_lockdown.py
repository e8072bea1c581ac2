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
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.lockdown_files import CLOSE, CONFIRM
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import diff
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import lockdown_way
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_action import HostAction, display, sent
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

    def work(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Lock down, or open."""
        spec = arguments["want"][SECTION]
        closing = spec["state"] == "present"
        if closing and spec["breakglass_sources"] == []:
            raise HostFailure(_NO_SOURCES)
        if not closing:  # whatever else is wrong with the host
            arguments = {"want": {SECTION: spec}}
        self.store.update(address=self._task_vars.get("ansible_host") or self.host)
        known = self.look(arguments, sorted(arguments["want"]))
        items = self.items(known["look"], [SECTION])
        result: dict[str, t.Any] = {"changed": bool(items), "plan": items}
        if self._task.diff:
            result["diff"] = diff(items)
        if self._task.check_mode:
            self.store.update(check=True)
        elif items:
            (self._lock if closing else self._open)(known, items)
        return result

    def _open(self, known: dict[str, t.Any], items: list[dict[str, t.Any]]) -> None:
        self._step(known["want"][SECTION])
        self._done(known, items)

    def _lock(self, known: dict[str, t.Any], items: list[dict[str, t.Any]]) -> None:
        """Prove, close, prove again: each over a connection of its own."""
        spec = known["want"][SECTION]
        with self._quantum_safe(known) as over:
            with over():
                found = self._asked(spec)
            if not found["through"]:
                raise HostFailure(
                    "nothing was changed; the connection that should have come through the container came by another "
                    "way: ansible_ssh_args must not be set by -e, and ansible_host must be the host itself"
                )
            display.display("%s: the quantum-safe way is proved; closing" % self.host)
            try:
                token = self._step(dict(spec, step=CLOSE))["lockdown"]["token"]
                with over():
                    self._step(dict(spec, step=CONFIRM, token=token))
            except HostFailure as failure:
                said = " ".join(str(failure).split())  # ssh ends its lines with a carriage return
                raise HostFailure(_AGAIN % (said, spec["minutes"])) from failure
        self._done(known, items)

    def _asked(self, spec: dict[str, t.Any]) -> dict[str, t.Any]:
        try:
            outcome = self.execute("oqs_look", {"want": {SECTION: spec}, "password": None})
        except HostFailure as failure:
            words = "nothing was changed; the quantum-safe way was not proved from the controller: %s"
            raise HostFailure(words % " ".join(str(failure).split())) from failure
        return t.cast("dict[str, t.Any]", outcome["lockdown"])

    def _step(self, spec: dict[str, t.Any]) -> dict[str, t.Any]:
        return self.execute("oqs_apply", {"want": {SECTION: spec}, "sections": [SECTION], "password": None})

    def _done(self, known: dict[str, t.Any], items: list[dict[str, t.Any]]) -> None:
        rest = [item for item in known["look"]["plan"] if item not in items]
        self.store.update(look=dict(known["look"], plan=rest), done=items)

    @contextlib.contextmanager
    def _quantum_safe(
        self, known: dict[str, t.Any]
    ) -> t.Iterator[t.Callable[[], t.ContextManager[None]]]:
        """Makes connections of their own that come through the container, as long as this lasts."""
        if self._connection.transport != "ssh":
            raise HostFailure("nothing was changed; the lockdown needs the connection plugin ssh (ansible_connection)")
        with tempfile.NamedTemporaryFile("w", dir=C.DEFAULT_LOCAL_TMP, suffix=".known_hosts") as pins:
            pins.write(lockdown_way.known_hosts(known["look"]["pins"]))
            pins.flush()
            more = list(lockdown_way.NEW) if known["look"][SECTION]["through"] else self._arguments(known, pins.name)
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

    def _arguments(self, known: dict[str, t.Any], pins: str) -> list[str]:
        folder, error = self._evaluated("oqs_ssh_client_dir")
        if error:
            raise HostFailure("nothing was changed; " + error)
        own = own_ssh(os.path.expanduser(str(folder or "~/.ssh")))
        target, ssh = known["look"]["hop_target"], known["want"]["ssh"]
        key = self._connection.get_option("private_key_file")
        return lockdown_way.arguments(lockdown_way.Way(
            address=str(self._connection.get_option("host") or self.host),
            target="%s:%d" % (target["address"], target["port"]),
            ssh=sent({"ssh": ssh})["ssh"],
            offer=known["look"]["offer"],
            known=pins,
            more=shlex.split(self._connection.get_option("ssh_common_args") or ""),
            identities=[os.path.expanduser(key)] if key else [],
        ), own)
