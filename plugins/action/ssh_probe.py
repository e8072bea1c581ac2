# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Probe from the controller when asked to: in this process, without a session on the managed host."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.probe_task import ARGUMENT_SPEC, examine
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import HostStore, play_of
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import commandlines, outside, pins
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path.pq_connection import PqConnection

_NO_WAY = (
    "; tried from the controller: where it has no way there (a bastion, a firewall in between, sources that leave it "
    "out), set oqs_ssh_probe_from to the name of an inventory host that has one, or to host"
)
_NOT_PROVED = "the offer was seen, the host key was not proved: %s"


class ActionModule(PqConnection):
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        result: Dict[str, Any] = super().run(tmp, task_vars)
        self._task_vars = variables = task_vars or {}
        if self._task.args.get("probe_from") != "controller":
            result.update(self._execute_module(
                module_name="quantumsafe.openssh.ssh_probe", module_args=self._task.args, task_vars=variables,
            ))
            if result.get("failed") and result.get("failure") and self._task.delegate_to:
                result["msg"] += "; tried from %s" % self._task.delegate_to
            return result
        _checked, params = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        result.update(examine(params, self._address(variables)))
        if result.get("failed") and result.get("failure") in ("name", "timeout", "unreachable"):
            result["msg"] += _NO_WAY
        if params["pinned"] and not result.get("failed"):
            offered = outside.Lists(result["kex"], result["host_key_algorithms"])
            result.update(self._handshake(int(params["port"]), offered))
        return result

    def _handshake(self, port: int, offered: outside.Lists) -> Dict[str, object]:
        """A real one, where something on the way to the server was changed in this run."""
        store = HostStore(self.host, play_of(self._task))
        known = store.load()
        ssh = known.want.ssh
        if not ssh or not known.look or not outside.is_due(known.done):
            return {}
        pin = next((each for each in pins.of(self.pins_file, self.host) if each.port == port), None)
        try:
            if not pin:
                raise outside.NotTried("no key of this server is pinned on the controller")
            found = outside.prove(pin, ssh.user, offered, self.pins_file, commandlines.reference(ssh, known.look))
            words = "%s, host key %s %s" % (found.kex, found.host_key_algorithm, found.host_key)
        except outside.NotTried as error:
            words = _NOT_PROVED % error
        except (outside.Impostor, CommandError) as error:
            store.update(failed=str(error))
            return {"failed": True, "msg": str(error)}
        store.update(outside=words)
        return {"outside": words}

    def _address(self, variables: Dict[str, Any]) -> str:
        """Where Ansible itself connects to: the delegate's address where the task is delegated, else the host's own."""
        delegate = self._task.delegate_to
        own = variables.get("ansible_delegated_vars", {}).get(delegate, {}) if delegate else variables
        address = own.get("ansible_host") or own.get("inventory_hostname") or delegate
        return str(self._templar.template(address))
