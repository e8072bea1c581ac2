# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host's own connection over the quantum-safe path: learn the pins, prove the way, survive its being replaced."""

from __future__ import annotations

import functools
import os
import secrets
import time
import typing as t

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import grammar
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.answer import Look, Outcome
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core import words as spoken
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import Want
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import over_pq, pins, pq_proof
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.variables import variable_forms, variables

REQUIRE = "oqs_ssh_require_pq"
#: Seconds in which a host that has replaced the container must answer again.
PATIENCE = 180.0
_GONE = (
    "the connection broke while the host was being changed, and the host does not answer over this way any more (%s); "
    "what was begun is brought to its end on the host: run again, or over its own sshd with -e ansible_ssh_common_args="
)


class PqConnection(ActionBase):
    """What an action has to do with the way that its connection goes."""

    _task_vars: dict[str, t.Any]

    def __init__(self, *parts: t.Any, **more: t.Any) -> None:
        super().__init__(*parts, **more)
        self._said: list[str] = []

    def say(self, words: str) -> None:
        """Say something to the person who started the run; a program finds it in the task's result."""
        self._said.append(words)
        spoken.say(words)

    def with_words(self, result: dict[str, t.Any]) -> dict[str, t.Any]:
        """A result, with what was said where the output is data."""
        lines = [line for words in self._said for line in words.splitlines()]
        return result if spoken.for_people() or not lines else dict(result, said=lines)

    def _evaluated(self, name: str) -> tuple[t.Any, str]:
        """A variable's value, or its role's default, with templates and lookups done; or what went wrong with them."""
        try:
            given = self._task_vars[name] if name in self._task_vars else variables.defaults().get(name)
            return self._templar.template(given), ""
        except AnsibleError as error:
            said = str(error).split("\n", maxsplit=1)[0].rstrip(".")
            if "Syntax error" in said:
                said += "; text with braces that is no template: write the tag !unsafe before it"
            return None, "%s: cannot be evaluated: %s" % (name, said)

    @property
    def host(self) -> str:
        """The host's name in the inventory."""
        return str(self._task_vars.get("inventory_hostname", "localhost"))

    @property
    def pins_file(self) -> str:
        """Where host keys are pinned on this controller."""
        folder, _error = self._evaluated("oqs_ssh_client_dir")
        return os.path.join(os.path.expanduser(str(folder or "~/.ssh")), pins.FILE)

    @property
    def comes_over_pq(self) -> bool:
        """Whether this connection was made with the arguments of the lookup pq_path."""
        return self._connection.transport == "ssh" and over_pq.is_ours(
            str(self._connection.get_option("ssh_common_args") or "")
        )

    def goes_directly_to(self, address: str) -> bool:
        """Whether this connection is ssh's own to just this address or name, for sure: with nothing in between."""
        if self._connection.transport != "ssh":
            return False
        command = self._command()
        try:
            found = over_pq.settings(run([command[0], "-G", *command[1:]], timeout=20.0).text)
        except CommandError:
            return False
        between = {found.get(name, "none") for name in ("proxycommand", "proxyjump")}
        return between == {"none"} and found.get("hostname", "").lower() == address.lower()

    def _command(self) -> list[str]:
        """What this connection runs, from the program to the host."""
        host = self._connection.get_option("host") or self._play_context.remote_addr
        program = self._connection.get_option("ssh_executable")
        built = [os.fsdecode(word) for word in self._connection._build_command(program, "ssh", host)]
        return built[built.index(program):]  # sshpass may stand before it

    # -- pins ------------------------------------------------------------------------------------------------------

    def learn(self, want: Want, outcome: Outcome) -> None:
        """Pin the keys that the host itself has named and that a handshake has proved; forget them after a removal."""
        pin, look = None, outcome.look
        if not want.removal:
            if not look.proof.own or not look.proof.own.ok or not want.ssh or not look.pins:
                return
            pin = self._pin(want.ssh.port, look)
        if self._task.check_mode or (pin is None and outcome.done is None):
            return
        try:
            pins.keep(self.pins_file, self.host, pin)
        except (OSError, ValueError) as error:
            words = "%s: the host keys of its quantum-safe sshd cannot be pinned in %s: %s"
            Display().warning(words % (self.host, self.pins_file, getattr(error, "strerror", None) or error))

    def _pin(self, port: int, look: Look) -> pins.Pin:
        target, known = look.hop_target, pins.of(self.pins_file, self.host)
        address, _error = self._evaluated("ansible_host")
        there = known[0].target if known else "localhost:22"
        if target.port:
            there = "%s:%d" % (grammar.bracketed(target.address), target.port)
        return pins.Pin(self.host, str(address or self.host), port, there, tuple(look.pins))

    # -- proof -----------------------------------------------------------------------------------------------------

    def required(self) -> bool:
        """Whether the user wants nothing done over a connection that is not proved."""
        value, _error = self._evaluated(REQUIRE)
        return variable_forms.from_text("bool", value or False) is True

    def prove(self) -> pq_proof.Proof:
        """Prove that this connection is quantum-safe.

        :raises NotProved: with the reason.
        """
        if self._connection.transport != "ssh":
            raise pq_proof.NotProved("its connection is %s, not ssh" % self._connection.transport)
        return pq_proof.prove(self._command(), self.pins_file, self.host, self._ask)

    def _ask(self) -> str:
        return str(self._low_level_execute_command(pq_proof.ASK, sudoable=False)["stdout"])

    # -- survival --------------------------------------------------------------------------------------------------

    def surviving(self, request: t.Callable[[str, dict[str, t.Any]], dict[str, t.Any]],
                  arguments: dict[str, t.Any], port: int) -> dict[str, t.Any]:
        """Carry out changes that may end the very connection: come back, and ask how they ended.

        :param request: runs a module of module_utils on the host, by name and arguments.
        :param port: of the container's sshd after them; 0: that of before.
        :raises AnsibleConnectionFailure: the host does not answer any more.
        """
        ticket = secrets.token_hex(16)
        try:
            return request("apply", dict(arguments, ticket=ticket))
        except AnsibleConnectionFailure:
            self.say("%s: the connection ended with the container that it came through; coming back" % self.host)
        end = time.monotonic() + PATIENCE
        for way in self._ways(port):
            way()
            try:
                result = request("detached", {"ticket": ticket})
            except AnsibleConnectionFailure as error:
                if time.monotonic() > end:
                    said = str(error).strip().split("\n", maxsplit=1)[0]
                    raise AnsibleConnectionFailure(_GONE % said) from error
                time.sleep(1.0)
                continue
            if "goes_on" not in result:
                return result
            end = time.monotonic() + PATIENCE
        raise AssertionError("there is always another way")

    def _ways(self, port: int) -> t.Iterator[t.Callable[[], None]]:
        """The port before and the wanted one, in turn, as long as it takes."""
        known = pins.of(self.pins_file, self.host)
        after = [pin._replace(port=port) for pin in known if port and pin.port != port]
        while True:
            for pin in known + after if after else [None]:
                yield functools.partial(self._go_by, pin)

    def _go_by(self, pin: pins.Pin | None) -> None:
        if pin:
            pins.keep(self.pins_file, self.host, pin)
            common, _error = self._evaluated("ansible_ssh_common_args")
            self._connection.set_option("ssh_common_args", str(common or ""))
        self._connection.reset()
