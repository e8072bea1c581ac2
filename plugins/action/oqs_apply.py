# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carry out sections of the plan; a host for which there is nothing to do is not even asked."""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, platforms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import diff
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import image_parts, image_pull, selection
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_action import (
    LOOK,
    HostAction,
    display,
    sent,
)
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_variables import HostFailure, named


class ActionModule(HostAction):
    """Action side of the module oqs_apply."""

    _VALID_ARGS = frozenset(("want", "sections", "look_at", "rotate", "password", "quick"))

    def looks_at(self, arguments: dict[str, t.Any]) -> t.Iterable[str]:
        """What is carried out, unless the look is to see more."""
        names = named(arguments, "look_at" if "look_at" in arguments else "sections")
        return dict.fromkeys("ssh" if name == "password" else name for name in names)

    def work(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Skip, forecast, or do."""
        sections = named(arguments, "sections")
        if boolean(arguments.get("quick", False)):
            return self._quickly(arguments, sections)
        known = self.look(arguments, sections)
        items = self.items(known["look"], sections)
        packages = [name for item in items if item["kind"] == "packages" for name in item["values"]]
        host = known["look"]["host"]
        result: dict[str, t.Any] = {"changed": bool(items), "plan": items}
        result.update(platforms.how_to_install(packages, host["package_manager"], host["init"]))
        if self._task.diff:
            result["diff"] = diff(items)
        if self._task.check_mode:
            self.store.update(check=True)
        elif items:
            result["done"] = self._apply(arguments, sections, known, items)
        return result

    def _quickly(self, arguments: dict[str, t.Any], sections: list[str]) -> dict[str, t.Any]:
        """The first look of a run, which goes on by itself where all of the plan is quick; the rest of it is left."""
        known = self.look(arguments, sections, quick=bool(sections))
        look, outcome, done = known["look"], known.get("outcome"), []
        self.first_word(look)
        if outcome:
            done = self._remember(known, look["plan"], outcome)
            look = self.store.load()["look"]
        result = dict({name: look[name] for name in LOOK}, changed=bool(done), done=done)
        if self._task.diff:
            result["diff"] = diff(done)
        return result

    def _apply(
        self,
        arguments: dict[str, t.Any],
        sections: list[str],
        known: dict[str, t.Any],
        items: list[dict[str, t.Any]],
    ) -> list[dict[str, t.Any]]:
        engine = "engine" in sections  # while it is made ready, looking at the rest is of no use
        todo = {
            "want": sent({name: part for name, part in known["want"].items() if name == "engine" or not engine}),
            "sections": sections,
            "password": self.secret(arguments),
        }
        outcome = self._with_image(todo, known["want"]["ssh"]["image"]) if any(
            item["kind"] == "image" for item in items
        ) else self._run(todo)
        return self._remember(known, items, outcome)

    def _remember(
        self, known: dict[str, t.Any], items: list[dict[str, t.Any]], outcome: dict[str, t.Any]
    ) -> list[dict[str, t.Any]]:
        done: list[dict[str, t.Any]] = outcome["done"] + [item for item in items if item["by_ansible"]]
        look = known["look"]
        if set(look["wanted"]) <= set(outcome["wanted"]):
            look = {name: outcome[name] for name in LOOK}
        else:
            done_now = [item["resource"] for item in items]
            look = dict(look, plan=[item for item in look["plan"] if item["resource"] not in done_now])
        self.store.update(done=known.get("done", []) + done, look=look)
        self.check_proof(known["want"], look)
        return done

    def _run(self, todo: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
        return self.execute("oqs_apply", dict(todo, **more))

    def _with_image(self, todo: dict[str, t.Any], image: dict[str, t.Any]) -> dict[str, t.Any]:
        if image["source"] != "pull":
            return self._sending(todo, image)
        if image["digest"]:
            return self._run(todo)
        try:
            with image_pull.decided(image["name"]) as run:
                todo["want"]["ssh"]["image"]["digest"] = run.get("digest", "")
                if not run.get("digest"):
                    words = "%s: decides for all hosts of this run which image %s is; the controller cannot ask (%s)"
                    display.display(words % (self.host, image["name"], run.get("no_answer", "")))
                outcome = self._run(todo)
                run["digest"] = outcome["host"]["image_origin"].get("digest", "")
                return outcome
        except image_pull.PullError as error:
            raise HostFailure(str(error)) from error

    def _sending(self, todo: dict[str, t.Any], image: dict[str, t.Any]) -> dict[str, t.Any]:
        """Send the parts that are not there yet, then apply. What an interrupted run sent stays for the next one."""
        try:
            paths = selection.parts(image)
        except (selection.ImageError, cli.DockerError, OSError) as error:
            raise HostFailure(str(error)) from error
        names = [os.path.basename(path) for path in paths]
        there = self.store.load()["look"]["host"].get("image_parts", [])
        missing = {name: path for name, path in zip(names, paths) if name not in there}
        size = sum(map(os.path.getsize, missing.values())) / 1e6
        words = "%s: sending the image %s, %d of %d parts, %.0f MB compressed"
        display.display(words % (self.host, image["name"], len(missing), len(names), size))
        stale = [name for name in there if name not in names]
        try:
            for name, path in missing.items():
                self._send(name, path, stale)
        except AnsibleConnectionFailure as error:
            said = str(error).strip().split("\n", maxsplit=1)[0]
            words = "the connection broke while the image was sent: %s; run again, what has arrived is not sent again"
            raise HostFailure(words % said) from error
        return self._run(todo, parts=names)

    def _send(self, name: str, path: str, stale: list[str]) -> None:
        """One part, into a folder of root's: by standard input, or where pipelining is off by a file of the user's."""
        data, source = None, "-"
        if self._is_pipelining_enabled("new"):
            with open(path, "rb") as part:
                data = part.read()
        else:
            source = self._connection._shell.join_path(self._make_tmp_path(), name)
            self._transfer_file(path, source)
        try:
            done = self._low_level_execute_command(image_parts.store_command(name, source, stale), in_data=data)
        finally:
            if data is None:
                self._remove_tmp_path(self._connection._shell.tmpdir)
        if done["rc"] != 0:
            raise HostFailure(image_parts.not_stored(done["rc"], done["stderr"] or done["stdout"]))
