# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carry out sections of the plan; a host for which there is nothing to do is not even asked."""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ImageSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, platforms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Item, diff
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.answer import Look, Outcome
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import Want
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import image_parts, selection
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_action import HostAction, Seen, shown
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_variables import HostFailure, named


class ActionModule(HostAction):
    """Action side of the module oqs_apply."""

    _VALID_ARGS = frozenset(("want", "sections", "look_at", "rotate", "password", "quick"))

    def looks_at(self, arguments: dict[str, t.Any]) -> t.Iterable[str]:
        """What is carried out, unless the look is to see more."""
        names = named(arguments, "look_at" if "look_at" in arguments else "sections")
        return dict.fromkeys("ssh" if name == "password" else name for name in names)

    def work(self, arguments: dict[str, t.Any], asked: Want) -> dict[str, t.Any]:
        """Skip, forecast, or do."""
        sections = named(arguments, "sections")
        if boolean(arguments.get("quick", False)):
            return self._quickly(arguments, asked, sections)
        seen = self.look(arguments, asked, sections)
        items = self.items(seen.look, sections)
        packages = [name for item in items if item.kind == "packages" for name in item.values]
        host = seen.look.host
        result: dict[str, t.Any] = {"changed": bool(items), "plan": shape.plain(items)}
        result.update(platforms.how_to_install(packages, host.package_manager, host.init))
        if self._task.diff:
            result["diff"] = diff(items)
        if self._task.check_mode:
            self.store.update(check=True)
        elif items:
            done = self._apply(sections, seen, items, self.secret(arguments, asked.sections))
            result["done"] = shape.plain(done)
        return result

    def _quickly(self, arguments: dict[str, t.Any], asked: Want, sections: list[str]) -> dict[str, t.Any]:
        """The first look of a run, which goes on by itself where all of the plan is quick; the rest of it is left."""
        seen = self.look(arguments, asked, sections, quick=bool(sections))
        self.first_word(seen.look)
        look, done = self._remember(seen, seen.look.plan, seen.outcome) if seen.outcome else (seen.look, [])
        result = dict(shown(look), changed=bool(done), done=shape.plain(done))
        if self._task.diff:
            result["diff"] = diff(done)
        return result

    def _apply(self, sections: list[str], seen: Seen, items: list[Item], secret: str | None) -> list[Item]:
        # while the engine is made ready, looking at the rest is of no use
        want = seen.want.only("engine") if "engine" in sections else seen.want
        todo: dict[str, object] = {"sections": sections, "password": secret}
        image = want.ssh.image if want.ssh and any(item.kind == "image" for item in items) else None
        if image and image.source != "pull":
            outcome = self._sending(want, todo, image)
        else:
            outcome = self.ask("oqs_apply", want, **todo)
        return self._remember(seen, items, outcome)[1]

    def _remember(self, seen: Seen, items: list[Item], outcome: Outcome) -> tuple[Look, list[Item]]:
        """What the run knows of the host now, and what was done."""
        done, look = [*(outcome.done or []), *(item for item in items if item.by_ansible)], seen.look
        if set(look.wanted) <= set(outcome.look.wanted):
            look = outcome.look
        else:
            done_now = [item.resource for item in items]
            look = look._replace(plan=[item for item in look.plan if item.resource not in done_now])
        self.store.update(done=self.store.load().done + done, look=look)
        self.check_proof(seen.want, look)
        return look, done

    def _sending(self, want: Want, todo: dict[str, object], image: ImageSpec) -> Outcome:
        """Send the parts that are not there yet, then apply. What an interrupted run sent stays for the next one."""
        try:
            paths = selection.parts(image, want.archive)
        except (selection.ImageError, cli.DockerError, OSError) as error:
            raise HostFailure(str(error)) from error
        names = [os.path.basename(path) for path in paths]
        look = self.store.load().look
        there = look.host.image_parts if look else []
        missing = {name: path for name, path in zip(names, paths) if name not in there}
        size = sum(map(os.path.getsize, missing.values())) / 1e6
        words = "%s: sending the image %s, %d of %d parts, %.0f MB compressed"
        self.say(words % (self.host, image.name, len(missing), len(names), size))
        stale = [name for name in there if name not in names]
        try:
            for name, path in missing.items():
                self._send(name, path, stale)
        except AnsibleConnectionFailure as error:
            said = str(error).strip().split("\n", maxsplit=1)[0]
            words = "the connection broke while the image was sent: %s; run again, what has arrived is not sent again"
            raise HostFailure(words % said) from error
        return self.ask("oqs_apply", want, parts=names, **todo)

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
