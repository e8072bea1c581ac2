# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ending of a play: what was done, what was negotiated, how to log in; failed and unreachable hosts, too."""

from __future__ import annotations

import os
import shutil
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, run
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core import words
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import HostStore, play_of
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path import commandlines
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.summary import summary, summary_algorithms

#: Ansible leaves out a host that failed, in all plays that follow.
_LEFT_OUT = "left out: it failed earlier in this run; mend that first, see above"


class ActionModule(ActionBase):
    """Prints from what the run store knows; makes no connection."""

    _VALID_ARGS = frozenset(("failed", "folder", "step"))
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """``step: note`` a failure of this host; ``end``: print the ending of the batch, fail a host that failed;
        ``algorithms``: print what the images of the batch know instead."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        self._play = play_of(self._task)
        store = self._store(variables.get("inventory_hostname", "localhost"))
        if self._task.args["step"] == "note":
            if not store.load().failed:
                store.update(failed=str(self._task.args.get("failed") or "a task failed"))
            return {"changed": False}
        if variables["inventory_hostname"] == variables["ansible_play_batch"][0]:
            if self._task.args["step"] == "algorithms":
                rows = {host: self._store(host).load() for host in variables["ansible_play_batch"]}
                return self._verdict(store, summary_algorithms.words(rows))
            folder = os.path.expanduser(str(self._task.args.get("folder") or "~/.ssh"))
            for host in set(variables["ansible_play_hosts_all"]) - set(variables["ansible_play_hosts"]):
                if not self._store(host).load().begun:
                    self._store(host).update(failed=_LEFT_OUT)
            batch = variables["ansible_play_batch"]
            return self._verdict(store, self._ending(variables["ansible_play_hosts_all"], batch, own_ssh(folder)))
        return self._verdict(store)

    def _store(self, host: str) -> HostStore:
        return HostStore(host, self._play)

    def _verdict(self, store: HostStore, told: str = "") -> dict[str, t.Any]:
        """A host that failed fails here; what is told of all stands in the result, too, where the output is data."""
        failed, people = store.load().failed, words.for_people()
        result: dict[str, t.Any] = {"changed": False}
        if failed:
            result.update(failed=True, msg="see the ending above" if people else failed)
        if told:
            words.say(told)
            result.update({} if people else {"ending": told.splitlines()})
        return result

    def _ending(self, every: list[str], batch: list[str], controller: commandlines.Controller) -> str:
        """The ending of the hosts of this batch; one that failed for good is no longer named in it."""
        rows = {host: self._store(host).load() for host in every}
        shown = [host for host in every if host in batch or (rows[host].begun and not rows[host].reported)]
        for host in shown:
            self._store(host).update(reported=True)
        return summary.ending(rows, controller, shown)


def own_ssh(folder: str) -> commandlines.Controller:
    """What the controller's own ssh offers by default (``ssh -G``); nothing where there is none."""
    offered: dict[str, list[str]] = {}
    program = shutil.which("ssh")
    try:
        said = run([program, "-G", "localhost"], timeout=10.0).text if program else ""
    except CommandError:
        said = ""
    for line in said.splitlines():
        keyword, _blank, value = line.partition(" ")
        offered[keyword] = value.split(",")
    pubkeys = offered.get("pubkeyacceptedalgorithms") or offered.get("pubkeyacceptedkeytypes", [])
    return commandlines.Controller(
        offered.get("kexalgorithms", []), offered.get("hostkeyalgorithms", []), pubkeys, folder
    )
