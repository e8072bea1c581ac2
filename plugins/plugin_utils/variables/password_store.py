# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Passwords of hosts in a folder on the controller: one file a host, and during a rotation a second one.

``HOST`` holds the password that counts, ``HOST@next`` the one that is about to replace it. The second is on the disk
before the host hears of it and takes the first's place after the host has shown that it is in force: whenever a run is
cut short, the password in force is in one of the two. Both are encrypted where the run has a vault secret.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
import time
import typing as t
import urllib.parse

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, VaultSecretsContext, is_encrypted, match_encrypt_secret
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import shadow

#: Letters and digits without those that look alike on paper; 24 of them are 139 bits.
ALPHABET = "".join(sorted(set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") - set("0O1lI")))
LENGTH = 24
_NEXT = "@next"  # a host's name has no @ in it after it was quoted


class StoreError(UserError):
    """The store cannot be used; the text says what is wrong and what to do, and never holds a password."""


def generate(user: str) -> str:
    """A new password that our own check takes.

    :param user: whose; it must not be made of that name.
    """
    while True:
        made = "".join(secrets.choice(ALPHABET) for _count in range(LENGTH))
        if not shadow.weakness(made, user):
            return made


def loaded_secrets() -> list[tuple[str, t.Any]]:
    """The vault secrets that this run was given (--vault-id, --ask-vault-pass, vault_password_file)."""
    context = VaultSecretsContext.current(optional=True)
    return list(context.secrets or []) if context else []


class PasswordStore:
    """The folder."""

    def __init__(self, folder: str, vault: t.Sequence[tuple[str, t.Any]] = ()) -> None:
        """:param folder: on the controller. :param vault: secrets as ``loaded_secrets`` gives them."""
        self.folder = os.path.abspath(os.path.expanduser(folder))
        self._vault = list(vault)

    def path(self, host: str) -> str:
        """The file of a host; what a file name cannot hold of its name is written as %XX."""
        name = urllib.parse.quote(host, safe=":+,=")
        return os.path.join(self.folder, "%2E" + name[1:] if name.startswith(".") else name)

    def current(self, host: str) -> str | None:
        """The password that counts; None: there is none.

        :raises StoreError: it cannot be read.
        """
        return self._read(self.path(host))

    def pending(self, host: str) -> str | None:
        """The password of a rotation that was cut short.

        :raises StoreError: it cannot be read.
        """
        return self._read(self.path(host) + _NEXT)

    def age(self, host: str) -> float | None:
        """Hours since the password was put there."""
        try:
            return max(0.0, time.time() - os.stat(self.path(host)).st_mtime) / 3600
        except FileNotFoundError:
            return None

    def announce(self, host: str, password: str) -> None:
        """Put the next password on the disk, for good.

        :raises StoreError: that cannot be done; then the host must not hear of it.
        """
        self._write(self.path(host) + _NEXT, password)

    def settle(self, host: str) -> None:
        """The next password is in force: it becomes the one that counts.

        :raises StoreError: the folder cannot be written to.
        """
        with self._told("take the new password over"):
            os.replace(self.path(host) + _NEXT, self.path(host))
            self._sync()

    def first(self, host: str, user: str) -> str:
        """Make the first password of a host and keep it; where another run was faster, the one that it made.

        :raises StoreError: that cannot be done.
        """
        made = generate(user)
        return made if self._write(self.path(host), made, new=True) else self.current(host) or self.first(host, user)

    @contextlib.contextmanager
    def locked(self, host: str) -> t.Iterator[None]:
        """One run at a time for a host.

        :raises StoreError: another one is at it.
        """
        self.check(make=True)
        name = os.path.join(self.folder, ".%s.lock" % os.path.basename(self.path(host)))
        with self._told("lock the password"):
            handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StoreError("another run is changing the password of this host in %s" % self.folder) from error
            yield
        finally:
            os.close(handle)

    def check(self, make: bool = False) -> None:
        """Whether only its owner can look into the folder.

        :param make: make it where it is missing.
        :raises StoreError: it is not so.
        """
        with self._told("make the folder"):
            if make:
                os.makedirs(self.folder, mode=0o700, exist_ok=True)
        try:
            found = os.stat(self.folder)
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(found.st_mode):
            raise StoreError("%s is no folder" % self.folder)
        if found.st_uid not in (os.getuid(), 0) or stat.S_IMODE(found.st_mode) & 0o077:
            words = "others can look into %s, where passwords are kept: chmod 700 it, and let it be yours"
            raise StoreError(words % self.folder)

    def _read(self, path: str) -> str | None:
        self.check()
        try:
            with open(path, "rb") as stored:
                data = stored.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError("%s cannot be read: %s" % (path, error.strerror)) from error
        if is_encrypted(data):
            if not self._vault:
                raise StoreError("%s is encrypted: give the vault's password (--vault-id, --ask-vault-pass)" % path)
            try:
                data = VaultLib(self._vault).decrypt(data)
            except AnsibleError as error:
                raise StoreError("%s is encrypted, and no vault password of this run opens it" % path) from error
        text = data.decode("utf-8", "replace").strip("\r\n")
        if not text or "\n" in text:
            raise StoreError("%s does not hold one line with a password: repair it, or move it away" % path)
        return text

    def _write(self, path: str, password: str, new: bool = False) -> bool:
        """:param new: nothing may be there. :returns: False where something was."""
        self.check(make=True)
        data = password.encode() + b"\n"
        temporary = os.path.join(self.folder, ".%s.%s" % (os.path.basename(path), secrets.token_hex(8)))
        with self._told("keep a new password"):
            if self._vault:
                vault_id, secret = match_encrypt_secret(self._vault, C.config.get_config_value(
                    "DEFAULT_VAULT_ENCRYPT_IDENTITY"))
                data = VaultLib(self._vault).encrypt(data, secret, vault_id)
            try:
                handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "wb") as stored:
                    stored.write(data)
                    stored.flush()
                    os.fsync(stored.fileno())
                if new:
                    os.link(temporary, path)
                else:
                    os.replace(temporary, path)
                self._sync()
            except FileExistsError:
                return False
            finally:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
        return True

    def _sync(self) -> None:
        handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    @contextlib.contextmanager
    def _told(self, what: str) -> t.Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError("cannot %s in %s: %s" % (what, self.folder, error.strerror or error)) from error
        except AnsibleError as error:
            said = str(error).split("\n", maxsplit=1)[0]
            raise StoreError("cannot %s in %s: %s" % (what, self.folder, said)) from error


def wanted(store: PasswordStore, host: str, user: str, keep: bool) -> str:
    """The password of a host for a deployment: the one that counts, the next one where there is no other, or a new one.

    :param keep: whether a new one is kept (not in check mode).
    :raises StoreError: the store cannot be used.
    """
    found = store.current(host) or store.pending(host)
    if found:
        return found
    return store.first(host, user) if keep else generate(user)
