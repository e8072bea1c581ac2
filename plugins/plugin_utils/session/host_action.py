# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the actions oqs_look and oqs_apply share on the controller."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli
from ansible_collections.quantumsafe.openssh.plugins.module_utils.firewall.spec import Prover
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Item
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import answer
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core import tree
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import (
    SECTIONS,
    HostStore,
    Want,
    parse_want,
    play_of,
)
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import image_pull, selection
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import pq_proof
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_request import HostRequest
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_variables import HostFailure
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.summary import summary, summary_removal

#: The role that makes the proof from outside, and the tag that it has in the playbooks.
_VERIFY, _TAG = "quantumsafe.openssh.oqs_ssh_verify", "oqs_ssh_verify"


class Seen(t.NamedTuple):
    """A look, and what was wanted; ``outcome`` where it also carried something out."""

    want: Want
    look: answer.Look
    outcome: answer.Outcome | None = None


class HostAction(HostRequest):
    """An action that knows the host's look of this play; what it does is in ``work``."""

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
        self.store = HostStore(self.host, play_of(self._task))
        try:
            arguments = dict(self._task.args)
            given = arguments.pop("want") if "want" in arguments else self.what_is_wanted(arguments)
            return self.with_words(self.work(arguments, self._checked(given, arguments)))
        except HostFailure as failure:
            self.store.update(failed=str(failure))
            return self.with_words({"failed": True, "changed": False, "msg": str(failure)})

    def work(self, arguments: dict[str, t.Any], asked: Want) -> dict[str, t.Any]:
        """What the action does.

        :param arguments: options of the task.
        :param asked: what it wants of the host.
        :raises HostFailure: with the sentence for the person.
        """
        raise NotImplementedError

    def _checked(self, given: object, arguments: dict[str, t.Any]) -> Want:
        """What a task wants. Where that is of no shape, what is wrong with the variables is said first."""
        try:
            return parse_want(given)
        except shape.WrongShape as error:
            sections = list(given) if isinstance(given, dict) else []
            self.check_variables(sections, self.secret(arguments, sections))
            words = "the option want of this task cannot be evaluated" if given is None else str(error)
            raise HostFailure("nothing was changed; " + words) from error

    def completed(self, asked: Want, secret: str | None) -> Want:
        """What is wanted, checked and completed with what only the controller knows; nothing was sent anywhere yet."""
        self.check_variables(asked.sections, secret)
        want, ssh = asked, asked.ssh
        if ssh:
            image = ssh.image._replace(user=ssh.user)
            try:
                image = selection.resolve(image, asked.archive) if ssh.state == "present" else image
            except (selection.ImageError, cli.DockerError) as error:
                raise HostFailure(str(error)) from error
            keys = [line.strip() for line in ssh.authorized_keys]
            want = want._replace(ssh=ssh._replace(
                image=image, password_set=secret is not None, authorized_keys=keys, entry=_entry()))
        if want.hop:  # each may be asked for alone, and both ask the image
            want = want._replace(hop=want.hop._replace(entry=_entry()))
        if want.firewall and want.firewall.sources:
            want = want._replace(firewall=want.firewall._replace(prover=self._prover(want.firewall.port)))
        return want

    def _prover(self, port: int) -> Prover:
        """Where the proof from outside starts that this very play makes of the port (the role oqs_ssh_verify)."""
        names, tags, skipped = (
            set(self._task_vars.get("ansible_" + name) or ()) for name in ("play_role_names", "run_tags", "skip_tags"))
        if _VERIFY not in names or _TAG in skipped or not tags & {"all", _TAG}:
            return Prover()
        origin, state, address, asked = (
            str(self._evaluated("oqs_ssh_verify_" + name)[0]) for name in ("from", "state", "address", "port"))
        if (origin, state, asked) != ("controller", "present", str(port)):
            return Prover()
        return Prover(address, self.goes_directly_to(address))

    def look(
        self, arguments: dict[str, t.Any], asked: Want, sections: t.Sequence[str], quick: bool = False
    ) -> Seen:
        """The valid look of this play that covers the sections, or a new one.

        :param quick: a new one also carries the sections out, where all of the plan is quick.
        """
        known = self.store.load()
        parts = SECTIONS.intersection(sections)
        if known.look and all(getattr(known.asked, name) == getattr(asked, name) for name in parts):
            return Seen(known.want, known.look)
        origin, _error = self._evaluated("oqs_ssh_probe_from")
        self.store.update(address=self._task_vars.get("ansible_host") or self.host, probe_from=str(origin or ""))
        secret = self.secret(arguments, asked.sections)
        want = known.want.and_also(self.completed(asked, secret))
        self.prove_if_required()
        asked = known.asked.and_also(asked)
        try:
            outcome = self._quick(want, secret, sections) if quick else self.ask("oqs_look", want, password=secret)
        except HostFailure as failure:
            if failure.looked:
                self.store.update(want=want, look=failure.looked, asked=asked)
            raise
        try:
            want, look, note = image_pull.learn(want, outcome.looked or outcome.look)
        except image_pull.PullError as error:
            raise HostFailure("nothing was changed; %s" % error) from error
        if note:
            self.say("%s: %s" % (self.host, note))
        self.store.update(want=want, look=look, asked=asked)
        if look.errors:
            raise HostFailure("nothing was changed; " + "; ".join(look.errors))
        self.check_proof(want, look)
        return Seen(want, look, outcome if outcome.looked else None)

    def _quick(self, want: Want, secret: str | None, sections: t.Sequence[str]) -> answer.Outcome:
        """A look that goes on where it can. Not where a change may end the connection that it came by."""
        if self._task.check_mode or self.comes_over_pq or not self._is_pipelining_enabled("new"):
            return self.ask("oqs_look", want, password=secret)
        return self.ask("oqs_quick", want, password=secret, sections=list(sections))

    def first_word(self, look: answer.Look) -> None:
        """Say what the host does already, and what is to come or was done."""
        words = summary_removal if "removal" in look.wanted else summary
        self.say("%s: %s" % (self.host, words.first_word(look)))

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

    def check_proof(self, want: Want, look: answer.Look) -> None:
        """A server that is as wanted must also have proved it by a handshake."""
        servers = (
            ("ssh", want.ssh, look.proof.own, "the container's sshd"),
            ("hop", want.hop, look.proof.hop, "the host's own sshd"),
        )
        for section, part, proof, words in servers:
            if part and proof and not proof.ok and not self.items(look, [section]):
                raise HostFailure("the handshake with %s failed: %s" % (words, proof.error))

    def items(self, look: answer.Look, sections: t.Sequence[str]) -> list[Item]:
        """The plan's items for some sections."""
        wanted = set(sections)
        return [item for item in look.plan if wanted & {item.section, item.part, "removal"}]


def shown(look: answer.Look) -> dict[str, object]:
    """A look as a task returns it."""
    found = look.to_json()
    del found["lockdown"]  # the lockdown's own business
    return found


def _entry() -> str:
    with open(tree.ENTRY, encoding="utf-8") as entry:
        return entry.read()
