# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the variables say of a host: read once, checked all together, and made into what is wanted."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.validation import check_type_list
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import one_line
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.answer import Look
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import HostStore
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.pq_path.pq_connection import PqConnection
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.variables import password_store, variables, wanted

PASSWORD_STORE = "oqs_ssh_password_store"
Built = t.TypeVar("Built")


class HostFailure(UserError):
    """The host cannot be brought further; the text is the whole story for the person at the terminal.

    ``looked`` is what a look saw before it failed, if there was one.
    """

    def __init__(self, words: str, looked: Look | None = None) -> None:
        super().__init__(one_line(words))  # a host may have said a part of them
        self.looked = looked


class HostVariables(PqConnection):
    """An action that reads variables of ours."""

    store: HostStore

    def __init__(self, *parts: t.Any, **more: t.Any) -> None:
        super().__init__(*parts, **more)
        self._read: dict[str, tuple[t.Any, str]] = {}

    def looks_at(self, arguments: dict[str, t.Any]) -> t.Iterable[str]:
        """The sections that the variables are asked for where the task does not say what it wants.

        :param arguments: of the task.
        """
        del arguments
        return ()

    def variable(self, name: str) -> tuple[t.Any, str]:
        """The value of one of our variables, evaluated once; or what went wrong."""
        if name not in self._read:
            self._read[name] = self._evaluated(name)
        return self._read[name]

    def by_variables(
        self,
        build: t.Callable[[t.Callable[[str], object]], Built],
        sections: t.Collection[str],
        secret: t.Callable[[], str | None],
    ) -> Built:
        """What is built of variables.

        :param build: is given a function that reads a variable.
        :param sections: those that it is about.
        :param secret: gives the password, which is checked with them.
        :raises HostFailure: one of them has a value that cannot be read; all that are wrong are named.
        """
        try:
            return build(self._readable)
        except wanted.NotReadable as problem:
            self.check_variables(sections, secret())
            raise HostFailure("nothing was changed; %s: cannot be read" % problem) from problem

    def _readable(self, name: str) -> object:
        value, error = self.variable(name)
        if error:
            raise wanted.NotReadable(name)
        return t.cast("object", value)

    def what_is_wanted(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """What the variables say, for the sections that the task names."""
        sections = list(self.looks_at(arguments))
        unknown = [name for name in sections if name not in wanted.SECTIONS]
        if unknown:
            words = "nothing was changed; there is no section %s, there are %s"
            raise HostFailure(words % (unknown[0], ", ".join(wanted.SECTIONS)))
        rotate = boolean(arguments.get("rotate", False))
        return self.by_variables(
            lambda value: wanted.wanted(sections, value, rotate), sections,
            lambda: self.secret(arguments, sections))

    def secret(self, arguments: dict[str, t.Any], sections: t.Collection[str]) -> str | None:
        """The password, from the task or the variable; a lookup behind it is asked once in a play.

        :param sections: of which something is wanted.
        """
        if arguments.get("password"):
            return str(arguments["password"])
        if "removal" in sections or set(sections) == {"lockdown"}:
            return None  # there is no use for it, and what is behind it need not be there any more
        known = self.store.load()
        if known.secret is None:
            value, error = self._evaluated(variables.PASSWORD)
            if error:
                raise HostFailure("nothing was changed; " + error)
            if not isinstance(value, str) and value is not None:
                raise HostFailure("nothing was changed; " + variables.no_text(variables.PASSWORD, value))
            self.store.update(secret=self._kept(str(value or "")))
            known = self.store.load()
        return known.secret or None

    def password_store(self) -> password_store.PasswordStore | None:
        """The folder on the controller where this host's password is kept, where there is one."""
        folder, error = self._evaluated(PASSWORD_STORE)
        if error or (folder and not isinstance(folder, str)):
            raise HostFailure("nothing was changed; " + (error or variables.no_text(PASSWORD_STORE, folder)))
        return password_store.PasswordStore(folder, password_store.loaded_secrets()) if folder else None

    def _kept(self, given: str) -> str:
        """The password that was given, or the one that is kept in the store; one is made only when all variables are
        in order."""
        folder, error = self._evaluated(PASSWORD_STORE)
        state, _error = self._evaluated("oqs_ssh_state")
        if error or not isinstance(folder, str) or not folder or state == "absent":
            return given  # what is wrong with it is said by the check of all variables
        if given:
            words = "nothing was changed; %s and %s are both set: take one of them out"
            raise HostFailure(words % (variables.PASSWORD, PASSWORD_STORE))
        self.check_variables({"ssh"}, password_store.generate("oqs"))
        user, _error = self._evaluated("oqs_ssh_user")
        store = password_store.PasswordStore(folder, password_store.loaded_secrets())
        try:
            return password_store.wanted(store, self.host, str(user or "oqs"), not self._task.check_mode)
        except password_store.StoreError as refused:
            raise HostFailure("nothing was changed; %s" % refused) from refused

    def check_variables(self, sections: t.Collection[str], secret: str | None) -> None:
        """Everything that is wrong with the variables that are set, and with those that were read.

        :param sections: what it is about: nobody has to be able to log in where that is not the container.
        :raises HostFailure: naming each variable.
        """
        errors = variables.misspelt(self._task_vars)
        values, failed = {}, {}
        for name in variables.known():
            if (name in self._task_vars or name in self._read) and name != variables.PASSWORD:
                value, error = self.variable(name)
                if error:
                    failed[name] = error
                else:
                    values[name] = value
        errors += [error for name, error in failed.items() if variables.follows(name) not in failed]
        if "ssh" not in sections or "oqs_ssh_authorized_keys" in failed:  # else somebody must be able to log in
            values.pop("oqs_ssh_image", None)
        errors += variables.check(values, secret, self._task_vars.get("groups", {}).get("all"))
        if errors:
            raise HostFailure("nothing was changed; " + "; ".join(errors))


def named(arguments: t.Mapping[str, t.Any], option: str) -> list[str]:
    """The sections that an option of a task names.

    :raises HostFailure: it is no list.
    """
    try:
        return [str(name) for name in check_type_list(arguments.get(option, []))]
    except TypeError as error:
        raise HostFailure("nothing was changed; %s: must be a list of sections" % option) from error
