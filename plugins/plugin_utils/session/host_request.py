# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How an action asks its host: one of our programs is run there, and the answer is parsed before anything uses it."""

from __future__ import annotations

import contextlib
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import answer
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import Want
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.run_store import kept_in_run
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session import answers, request_check, transport
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_variables import (
    HostFailure,
    HostVariables,
)
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.summary import summary

#: What a host can be asked for -> the module of module_utils that answers.
REQUESTS = {
    "look": "session.look_request", "quick": "session.quick_request", "apply": "session.apply_request",
    "client": "session.client_request", "detached": "session.detached",
}


@contextlib.contextmanager
def believed() -> t.Iterator[None]:
    """An answer that cannot be believed costs the host that gave it, and no other.

    :raises HostFailure: in its place.
    """
    try:
        yield
    except answers.BadAnswer as error:
        words = "%s; nothing of it was used: look at the host, its root may be somebody else"
        raise HostFailure(words % error) from error


class HostRequest(HostVariables):
    """An action that asks its host."""

    def ask(self, module: str, want: Want, **options: object) -> answer.Outcome:
        """Have a host look, or carry something out; and pin what it says of its keys.

        :param options: of the module, beside ``want``.
        :raises HostFailure: it could not; ``looked`` is what it saw before that.
        """
        result = self.execute(module, dict(options, want=want.to_json()), want.ssh.port if want.ssh else 0)
        with believed():
            outcome = answers.outcome(result)
        self.learn(want, outcome)
        return outcome

    def execute(self, module: str, arguments: dict[str, object], port: int = 0) -> dict[str, t.Any]:
        """Run one of our modules on the host; a host that cannot be reached fails like any other.

        :param port: of the container's sshd after it; 0: that of before.
        """
        try:
            if self._is_pipelining_enabled("new"):
                result = self._in_one_session(module, arguments, port)
            else:
                name = "quantumsafe.openssh." + module
                result = self._execute_module(module_name=name, module_args=arguments, task_vars=self._task_vars)
        except AnsibleConnectionFailure as error:
            raise HostFailure("unreachable: %s" % str(error).strip().split("\n", maxsplit=1)[0]) from error
        except AnsibleError as error:
            raise HostFailure(summary.refused(str(error))) from error
        if result.get("failed"):
            with believed():
                looked = answers.outcome(result["looked"]).look if "looked" in result else None
            raise HostFailure(summary.failure(result), looked)
        return result

    def _in_one_session(self, module: str, arguments: dict[str, object], port: int) -> dict[str, t.Any]:
        try:
            full = dict(request_check.checked(module, arguments), check_mode=self._task.check_mode)
        except request_check.WrongOptions as error:
            raise HostFailure("nothing was sent to the host; %s" % error) from error
        if module == "oqs_apply" and self.comes_over_pq and not self._task.check_mode:
            return self.surviving(self._request, full, port)
        return self._request(module[len("oqs_"):], full)

    def _request(self, request: str, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        module = REQUESTS[request]
        program = kept_in_run("program " + module, lambda: transport.packed(module))
        trip = transport.prepare(module, arguments, self._interpreters(), program)
        environment = self._compute_environment_string()
        done = self._low_level_execute_command(" ".join(filter(None, [environment, trip.command])), in_data=trip.data)
        return transport.answer(trip, done)

    def _interpreters(self) -> list[str]:
        """The Python that the user names, or where to look for one (as ansible-core would)."""
        named = self._templar.template(C.config.get_config_value("INTERPRETER_PYTHON", variables=self._task_vars))
        if not str(named).startswith("auto"):
            return [str(named)]
        found = self._task_vars.get("ansible_facts", {}).get("discovered_interpreter_python")
        listed = C.config.get_config_value("INTERPRETER_PYTHON_FALLBACK", variables=self._task_vars)
        return [str(found)] if found else [str(each) for each in listed]
