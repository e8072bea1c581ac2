# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Give a host a new password: on the controller's disk first, then on the host, then the one that counts."""

from __future__ import annotations

import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import (
    ABSENT,
    GIVEN,
    LOCKED,
    in_container,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Item, diff
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import Want
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_action import HostAction
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session.host_variables import (
    PASSWORD_STORE,
    HostFailure,
)
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.variables import password_store

SECTION = "password"
OLDER = "oqs_ssh_rotate_older_than"
_NO_STORE = "nothing was changed; %s: say where the passwords are kept, a folder on the controller" % PASSWORD_STORE
_NONE = {
    "": "nothing is deployed on this host, or it does not hold the image: run deploy first",
    ABSENT: "nothing is deployed on this host: run deploy first",
    LOCKED: "no password is set on this host, people log in by key: nothing to rotate",
}


class ActionModule(HostAction):
    """Action of the playbook rotate_password."""

    _VALID_ARGS = frozenset(("want",))

    def looks_at(self, arguments: dict[str, t.Any]) -> t.Iterable[str]:
        """The password belongs to the container."""
        del arguments
        return ("ssh",)

    def work(self, arguments: dict[str, t.Any], asked: Want) -> dict[str, t.Any]:
        """Finish a rotation that was cut short, or begin and finish one."""
        del arguments
        store = self.password_store()
        if store is None:
            raise HostFailure(_NO_STORE)
        if not asked.ssh:
            raise HostFailure("nothing was changed; nobody said which container has the password (section ssh)")
        try:
            if self._task.check_mode:
                return self._rotate(store, asked, asked.ssh.user)
            with store.locked(self.host):
                return self._rotate(store, asked, asked.ssh.user)
        except password_store.StoreError as error:
            raise HostFailure(str(error)) from error

    def _rotate(self, store: password_store.PasswordStore, asked: Want, user: str) -> dict[str, t.Any]:
        current, pending = store.current(self.host), store.pending(self.host)
        young = self._young(store) if current and not pending else ""
        password = pending or (current if young else None) or password_store.generate(user)
        items = self._items(asked, password)
        if young and not items:
            return self._told(store, [], young, changed=False)
        if young:
            password = password_store.generate(user)
        if self._task.check_mode:
            self.store.update(check=True)
            words = "an interrupted rotation would be finished" if pending else "a new one would be made"
            return self._told(store, items, words, changed=True)
        if not pending:
            store.announce(self.host, password)
        done = self._on_the_host(store, password) if items else []
        store.settle(self.host)
        words = "an interrupted rotation is finished" if pending else "a new one is in force"
        return self._told(store, done, words, changed=True)

    def _young(self, store: password_store.PasswordStore) -> str:
        """Words for a password that is not old enough to be replaced; empty for one that is."""
        least, error = self._evaluated(OLDER)
        if error:
            raise HostFailure("nothing was changed; " + error)
        age = store.age(self.host)
        try:
            fresh = age is not None and age < float(least or 0)
        except (TypeError, ValueError):
            return ""  # the check of all variables says it
        return "%.1f hours old, kept (%s)" % (age or 0.0, OLDER) if fresh else ""

    def _items(self, asked: Want, password: str) -> list[Item]:
        """What the host's plan has about the password.

        :raises HostFailure: the host has none that could be replaced.
        """
        look = self.look({"password": password}, asked, ["ssh"]).look
        items = self.items(look, [SECTION])
        state = in_container(look.host.password)
        if state in _NONE or any(item.pending for item in items):
            raise HostFailure("nothing was changed; " + _NONE.get(state, _NONE[""]))
        return items

    def _on_the_host(self, store: password_store.PasswordStore, password: str) -> list[Item]:
        """Change it, and have the host's stored hash prove it."""
        want = self.store.load().want
        try:
            outcome = self.ask("oqs_apply", want, sections=[SECTION], password=password)
            if outcome.look.host.password != GIVEN:
                raise HostFailure("the host's stored hash does not match the new password")
        except HostFailure as failure:
            words = "%s; the old password and the new one are both kept in %s: run this again, it finishes the rotation"
            raise HostFailure(words % (failure, store.folder)) from failure
        done = outcome.done or []
        self.store.update(look=outcome.look, done=done)
        return done

    def _told(
        self, store: password_store.PasswordStore, items: list[Item], words: str, changed: bool
    ) -> dict[str, t.Any]:
        words = "%s: %s" % (store.path(self.host), words)
        self.say("%s: password in %s" % (self.host, words))
        look = self.store.load().look
        self.store.update(look=look and look._replace(plan=self.items(look, [SECTION])), password_file=words)
        result: dict[str, t.Any] = {"changed": changed, "plan": shape.plain(items)}
        if self._task.diff:
            result["diff"] = diff(items)
        return result
