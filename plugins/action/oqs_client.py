# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What clients have to know of a host, and a person's own machine set up with it."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.client.report import Report
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import printable
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core import tree
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import Want
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.run_store import together
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import selection
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session import answers
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_action import HostAction
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_request import believed
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_variables import HostFailure
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.variables import variables, wanted

#: What hosts have reported, and which could not be asked, for the machines that are set up with it. That is another
#: play, so it is kept for the run; once machines are set up, the next host that is asked begins anew.
REPORTED = "client"
_NOTHING = "nothing is deployed on this host: run deploy first; no alias is written for it"


class ActionModule(HostAction):
    """Action side of the module oqs_client."""

    _VALID_ARGS = frozenset(("step", "settings"))

    def work(self, arguments: dict[str, t.Any], asked: Want) -> dict[str, t.Any]:
        """Ask a host, or set up a machine with what all hosts of the run have reported."""
        del asked
        if arguments["step"] == "ask":
            try:
                return self._host()
            except HostFailure as failure:
                self._report("failed", str(failure))
                raise
        settings = arguments.get("settings") or self.by_variables(wanted.client, (), lambda: None)
        return self._machine(dict(settings))

    def _host(self) -> dict[str, t.Any]:
        """What clients have to know of a host; the keys that it names are pinned, so the way to it counts."""
        self.check_variables((), None)
        self.prove_if_required()
        with believed():
            found = answers.client(self.execute("oqs_client", {"step": "ask", "settings": {}}).get("client"))
        row: dict[str, object] = {}
        if found:
            address, _error = self._evaluated("ansible_host")
            row = found._replace(address=str(address or self.host)).to_json()
        self._report("hosts", row)
        if not found:
            raise HostFailure(_NOTHING)
        return {"changed": False, "client": row}

    def _report(self, kind: str, value: object) -> None:
        with together(REPORTED) as reported:
            if reported.get("used"):
                reported.update(hosts={}, failed={}, used=False)
            reported[kind] = dict(reported.get(kind, {}), **{self.host: value})

    def _machine(self, settings: dict[str, t.Any]) -> dict[str, t.Any]:
        """A person's own machine. Mostly the one this runs on: a local connection carries nothing over a network, so
        there is nothing to prove; one behind a network is proved like any host, where the variable is true for it."""
        self.check_variables((), None)
        if self._connection.transport != "local":
            self.prove_if_required()
        source, _error = self._evaluated("oqs_ssh_image_source")
        image, _error = self._evaluated("oqs_ssh_image")
        if source == "build" and settings["image"] in (image, _usual_image()):
            user, _error = self._evaluated("oqs_ssh_user")
            message, _error = self._evaluated("oqs_ssh_image_build_message")
            settings["image"] = selection.built_name(selection.Own(str(user or "oqs"), str(message or "")))
        settings["programs"] = {name: _program(name) for name in ("oqs-ssh", "oqs-scp", "oqs-sftp")}
        settings["inventory"] = list(self._task_vars.get("groups", {}).get("all", []))
        with together(REPORTED) as reported:
            reported["used"] = True
            settings["hosts"], failed = reported.get("hosts", {}), reported.get("failed", {})
        result = self.execute("oqs_client", {"step": "settle", "settings": settings})
        with believed():
            report = answers.settled(result)
        self._say(report, settings["state"] == "absent", settings["inventory"], failed)
        shown = report.shown()
        if self._task.diff:
            shown["diff"] = [
                {"before_header": each.path, "after_header": each.path, "before": each.before, "after": each.after}
                for each in report.files
            ]
        return shown

    def _say(self, report: Report, takes_away: bool, inventory: t.Sequence[str],
             failed: t.Mapping[str, str]) -> None:
        lines = ["", self.host, "-" * len(self.host)]
        verb = {"made": "make ", "changed": "change ", "removed": "remove "} if self._task.check_mode else {}
        for each in report.files:
            word = "would " + verb[each.what] if verb else each.what + " "
            lines.append("  %s%s" % (word, each.path))
        for name, way in sorted(report.ways.items()):
            if way.usable:
                commands = ", ".join(filter(None, (way.login, way.hop)))
                lines.append("  %-11s %s (%s)" % (name, commands, way.kex))
        lines += ["  note        " + note for note in report.notes]
        if report.identity and report.identity.public:
            lines += ["  identity    %s" % report.identity.path,
                      "  for oqs_ssh_authorized_keys: \"{{ lookup('file', '%s.pub') }}\"" % report.identity.path]
        if len(lines) == 3:
            lines.append("  nothing to do" if takes_away else "  no host is known")
        for name in inventory:
            if name in failed and name != self.host:
                lines += ["", name, "-" * len(name), "  failed      %s" % failed[name]]
        self.say("\n".join(printable(line) for line in lines))


def _usual_image() -> str:
    """The image that is meant where nobody says another."""
    return str(variables.known()["oqs_ssh_image"]["default"])


def _program(name: str) -> str:
    with open(os.path.join(tree.PROGRAMS, name), encoding="utf-8") as stored:
        return stored.read()
