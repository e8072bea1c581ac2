# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carry out sections of the plan; a host for which there is nothing to do is not even asked."""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible_collections.quantumsafe.openssh.plugins.module_utils import docker
from ansible_collections.quantumsafe.openssh.plugins.module_utils.apply_container import BY_ANSIBLE
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import diff
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils import images, images_pull
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.host_action import (
    LOOK,
    HostAction,
    HostFailure,
    display,
    sent,
)


class ActionModule(HostAction):
    """Action side of the module oqs_apply."""

    _VALID_ARGS = frozenset(("want", "sections", "password"))

    def work(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Skip, forecast, or do."""
        sections = arguments["sections"]
        known = self.look(arguments, sections)
        items = self.items(known["look"], sections)
        packages = [name for item in items if item["kind"] == "packages" for name in item["after"].split()]
        result: dict[str, t.Any] = {"changed": bool(items), "plan": items, "packages": packages}
        if self._task.diff:
            result["diff"] = diff(items)
        if self._task.check_mode:
            self.store.update(check=True)
        elif items:
            result["done"] = self._apply(arguments, sections, known, items)
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
        done: list[dict[str, t.Any]] = outcome["done"] + [item for item in items if item["kind"] in BY_ANSIBLE]
        look = known["look"]
        if set(look["wanted"]) <= set(outcome["wanted"]):
            look = {name: outcome[name] for name in LOOK}
        else:
            mended = [item["resource"] for item in items]
            look = dict(look, plan=[item for item in look["plan"] if item["resource"] not in mended])
        self.store.update(done=known.get("done", []) + done, look=look)
        self.check_proof(known["want"], look)
        return done

    def _run(self, todo: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
        return self.execute("quantumsafe.openssh.oqs_apply", dict(todo, **more))

    def _with_image(self, todo: dict[str, t.Any], image: dict[str, t.Any]) -> dict[str, t.Any]:
        if image["source"] != "pull":
            return self._sending(todo, image)
        if image["digest"]:
            return self._run(todo)
        try:
            with images_pull.decided(image["name"]) as run:
                todo["want"]["ssh"]["image"]["digest"] = run.get("digest", "")
                outcome = self._run(todo)
                run["digest"] = outcome["host"]["image_origin"]["digest"]
                return outcome
        except images_pull.PullError as error:
            raise HostFailure(str(error)) from error

    def _sending(self, todo: dict[str, t.Any], image: dict[str, t.Any]) -> dict[str, t.Any]:
        """Send the image in parts, then apply; what was sent is removed whatever happens."""
        try:
            parts = images.parts(image, image["archive"])
        except (images.ImageError, docker.DockerError) as error:
            raise HostFailure(str(error)) from error
        size = sum(os.path.getsize(part["path"]) for part in parts)
        display.display("%s: sending the image %s, %.0f MB compressed" % (self.host, image["name"], size / 1e6))
        try:
            folder = self._make_tmp_path()
            sent_parts = []
            for part in parts:
                remote = self._connection._shell.join_path(folder, os.path.basename(part["path"]))
                self._transfer_file(part["path"], remote)
                sent_parts.append({"path": remote, "sha256": part["sha256"]})
            return self._run(todo, parts=sent_parts)
        except AnsibleConnectionFailure as error:
            raise HostFailure("the connection broke while the image was sent: %s; run again" % error) from error
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
