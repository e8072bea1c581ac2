# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the actions oqs_look and oqs_apply share on the controller."""

from __future__ import annotations

import contextlib
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.utils.display import Display
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core import tree
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.run_store import RunStore, kept_in_run
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import image_pull, selection
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import pq_proof
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session import answers, request_check, transport
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_variables import (
    HostFailure,
    HostVariables,
)
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.summary import summary, summary_removal

#: What a host can be asked for -> the module of module_utils that answers.
REQUESTS = {
    "look": "session.look_request", "quick": "session.quick_request", "apply": "session.apply_request",
    "client": "session.client_request", "detached": "session.detached",
}
#: What a look gives back.
LOOK = ("plan", "errors", "notes", "host", "own_sshd", "hop_target", "offer", "knows", "pins", "proof", "wanted")
display = Display()


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


class HostAction(HostVariables):
    """An action that knows the host's look of this run; what it does is in ``work``."""

    _requires_connection = True

    @classmethod
    def finalize_task_arg(cls, name: str, value: t.Any, templar: t.Any, context: t.Any) -> t.Any:
        """A want that cannot be evaluated is no reason to stop yet: the check of all variables says what it is."""
        del context
        try:
            return templar.template(value)
        except AnsibleError:
            if name != "want":
                raise
            return None

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Do the work; a failure is one sentence, without a trace, and remembered for the ending of the run."""
        super().run(tmp, task_vars)
        self._task_vars = task_vars or {}
        self.store = RunStore(self.host)
        try:
            arguments = dict(self._task.args)
            if "want" not in arguments:
                arguments["want"] = self.what_is_wanted(arguments)
            if arguments["want"] is None:
                self.check_variables({}, self.secret(arguments))
                raise HostFailure("nothing was changed; the option want of this task cannot be evaluated")
            return self.work(arguments)
        except HostFailure as failure:
            self.store.update(failed=str(failure))
            return {"failed": True, "changed": False, "msg": str(failure)}

    def work(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """What the action does.

        :param arguments: of the task.
        :raises HostFailure: with the sentence for the person.
        """
        raise NotImplementedError

    def completed(self, arguments: dict[str, t.Any], secret: str | None) -> dict[str, t.Any]:
        """What is wanted, checked and completed with what only the controller knows; nothing was sent anywhere yet."""
        self.check_variables(arguments.get("want") or {}, secret)
        want = {name: dict(part) for name, part in arguments["want"].items()}
        ssh = want.get("ssh")
        if ssh:
            archive = ssh["image"].get("archive", "")
            image = dict(ssh["image"], user=ssh["user"], id=None)
            try:
                image = selection.resolve(image) if ssh["state"] == "present" else image
                ssh["image"] = dict(image, archive=archive)
            except (selection.ImageError, cli.DockerError) as error:
                raise HostFailure(str(error)) from error
            ssh["password_set"] = secret is not None
            ssh["authorized_keys"] = [line.strip() for line in ssh["authorized_keys"]]
        for name in {"ssh", "hop"} & set(want):  # each may be asked for alone, and both ask the image
            with open(tree.ENTRY, encoding="utf-8") as entry:
                want[name]["entry"] = entry.read()
        return want

    def execute(self, module: str, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Run one of our modules on the host; a host that cannot be reached fails like any other."""
        try:
            if self._is_pipelining_enabled("new"):
                result = self._in_one_session(module, arguments)
            else:
                name = "quantumsafe.openssh." + module
                result = self._execute_module(module_name=name, module_args=arguments, task_vars=self._task_vars)
        except AnsibleConnectionFailure as error:
            raise HostFailure("unreachable: %s" % str(error).strip().split("\n", maxsplit=1)[0]) from error
        except AnsibleError as error:
            raise HostFailure(summary.refused(str(error))) from error
        if result.get("failed"):
            if "looked" in result:
                with believed():
                    answers.look(result["looked"])
            raise HostFailure(summary.failure(result), result)
        if "want" in arguments:
            with believed():
                answers.look(result)
            self.learn(arguments["want"], result)
        return result

    def _in_one_session(self, module: str, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        try:
            full = dict(request_check.checked(module, arguments), check_mode=self._task.check_mode)
        except request_check.WrongOptions as error:
            raise HostFailure("nothing was sent to the host; %s" % error) from error
        if module == "oqs_apply" and self.comes_over_pq and not self._task.check_mode:
            return self.surviving(self._request, full)
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

    def look(self, arguments: dict[str, t.Any], sections: t.Sequence[str], quick: bool = False) -> dict[str, t.Any]:
        """The valid look of this run that covers the sections, or a new one.

        :param quick: a new one also carries the sections out, where all of the plan is quick.
        :returns: the run store's content: ``want`` and ``look`` among it, ``outcome`` where something was carried out.
        """
        known = self.store.load()
        asked = arguments.get("want") or {}
        if "look" in known and all(known["asked"].get(name) == asked.get(name) for name in sections):
            return known
        origin, _error = self._evaluated("oqs_ssh_probe_from")
        self.store.update(address=self._task_vars.get("ansible_host") or self.host, probe_from=str(origin or ""))
        secret = self.secret(arguments)
        want = dict(known.get("want") or {}, **self.completed(arguments, secret))
        self.prove_if_required()
        asked = dict(known.get("asked") or {}, **asked)
        todo = {"want": sent(want), "password": secret}
        try:
            outcome = self._quick(todo, sections) if quick else self.execute("oqs_look", todo)
        except HostFailure as failure:
            if "looked" in failure.result:
                self.store.update(want=want, look=failure.result["looked"], asked=asked)
            raise
        result = outcome.pop("looked", outcome)
        try:
            image_pull.learn(want, result)
        except image_pull.PullError as error:
            raise HostFailure("nothing was changed; %s" % error) from error
        self.store.update(want=want, look=result, asked=asked)
        errors = result["errors"]
        if errors:
            raise HostFailure("nothing was changed; " + "; ".join(errors))
        self.check_proof(want, result)
        return dict(self.store.load(), **({} if outcome is result else {"outcome": outcome}))

    def _quick(self, todo: dict[str, t.Any], sections: t.Sequence[str]) -> dict[str, t.Any]:
        """A look that goes on where it can. Not where a change may end the connection that it came by."""
        if self._task.check_mode or self.comes_over_pq or not self._is_pipelining_enabled("new"):
            return self.execute("oqs_look", todo)
        return self.execute("oqs_quick", dict(todo, sections=list(sections)))

    def first_word(self, look: t.Mapping[str, t.Any]) -> None:
        """Say what the host does already, and what is to come or was done."""
        words = summary_removal if "removal" in look["wanted"] else summary
        display.display("%s: %s" % (self.host, words.first_word(look)))

    def prove_if_required(self) -> None:
        """To be called before anything is asked of a host.

        :raises HostFailure: the user wants the connection proved, and it is not.
        """
        if self.required():
            self.proved_pq()

    def proved_pq(self) -> pq_proof.Proof:
        """The proof that the connection in use is quantum-safe.

        :raises HostFailure: it may not be.
        """
        try:
            return self.prove()
        except pq_proof.NotProved as error:
            raise HostFailure("the connection is not proved to be quantum-safe: %s" % error) from error
        except AnsibleConnectionFailure as error:
            raise HostFailure("unreachable: %s" % str(error).strip().split("\n", maxsplit=1)[0]) from error

    def check_proof(self, want: dict[str, t.Any], look: dict[str, t.Any]) -> None:
        """A server that is as wanted must also have proved it by a handshake."""
        for section, name, words in (("ssh", "own", "the container's sshd"), ("hop", "hop", "the host's own sshd")):
            proof = look["proof"].get(name)
            if section in want and proof and not proof["ok"] and not self.items(look, [section]):
                raise HostFailure("the handshake with %s failed: %s" % (words, proof["error"]))

    def items(self, look: dict[str, t.Any], sections: t.Sequence[str]) -> list[dict[str, t.Any]]:
        """The plan's items for some sections."""
        wanted = set(sections)
        return [
            item for item in look["plan"] if wanted & {item["section"], item["part"], "removal"}
        ]


def sent(want: dict[str, t.Any]) -> dict[str, t.Any]:
    """What the host needs of what is wanted: no path of the controller."""
    if "ssh" not in want:
        return want
    image = {name: value for name, value in want["ssh"]["image"].items() if name != "archive"}
    return dict(want, ssh=dict(want["ssh"], image=image))
