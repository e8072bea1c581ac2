# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Close the host's own sshd to the world, confirm that, or open it again."""

from __future__ import annotations

import hmac
import os
import secrets
from typing import Callable, Dict

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import files
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import run
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import bookkeeping
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Item
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import (
    lockdown,
    look_lockdown,
    plan_lockdown,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.apply_container import ContainerError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources.host import Host


def set_lockdown(host: Host, item: Item) -> None:
    """One step: open, closed until confirmed, or confirmed."""
    want = host.want.get("lockdown", {})
    if item.after == plan_lockdown.OPEN:
        undo()  # a ledger that is damaged or lost must not stand in the way
        return
    bookkeeping.record("lockdown", lockdown.FOLDER, item.before, item.after)
    if want.get("step") == plan_lockdown.CLOSE:
        _close(want)
    else:
        _confirm(want, host.facts["lockdown"])


def undo() -> None:
    """Open, and nothing of the lockdown is left."""
    run(["/bin/sh", "-c", lockdown.UNDOING], timeout=120.0)


def _close(want: "plan_lockdown.Want") -> None:
    """The undo is armed first, and proved to be; then the rules are loaded. All of it is gone after a reboot."""
    if look_lockdown.unit("ActiveState", lockdown.UNDO + ".timer") == "active":
        undo()  # an earlier run that nobody confirmed; its undo must not end ours
    run([
        "systemd-run", "--quiet", "--collect", "--unit=" + lockdown.UNDO,
        "--description=Opens ssh again unless the lockdown is confirmed",
        "--on-active=%ds" % lockdown.seconds(want["minutes"]), "--timer-property=AccuracySec=1s",
        "--property=Restart=on-failure", "--property=RestartSec=5s", "/bin/sh", "-c", lockdown.UNDOING,
    ])
    if look_lockdown.unit("ActiveState", lockdown.UNDO + ".timer") != "active":
        raise ContainerError("nothing was closed: systemd does not run the timer that would undo it")
    os.makedirs(lockdown.RUN, mode=0o700, exist_ok=True)
    files.write_file(lockdown.TOKEN, secrets.token_hex(16).encode(), 0o600, root="/run")
    ready = plan_lockdown.complete(want)
    run(["nft", "-f", "-"], stdin=lockdown.rules(ready["ports"]).encode())


def _confirm(want: "plan_lockdown.Want", found: "plan_lockdown.Facts") -> None:
    """Only what came through the container and knows the token confirms; then the watch takes over from the undo."""
    if found["state"] != plan_lockdown.UNCONFIRMED or not found["token"]:
        raise ContainerError("there is nothing to confirm: the host has opened itself again meanwhile; run again")
    if not hmac.compare_digest(str(want.get("token", "")), found["token"]):
        raise ContainerError("the confirmation is of another run: the host opens itself again")
    if not found["through"]:
        raise ContainerError("the confirmation did not come through the container: the host opens itself again")
    wanted = lockdown.files(plan_lockdown.complete(want))
    files.make_dir(lockdown.FOLDER, 0o755)
    for path, text in wanted.items():
        files.write_file(path, text.encode(), 0o644)
    if run(["/bin/sh", lockdown.WATCH, "ask"], check=False).rc != 0:
        raise ContainerError("the watch on this host gets no answer from port %d: the host opens itself again"
                             % want["port"])
    run(["systemctl", "daemon-reload"])
    run(["systemctl", "enable", "--quiet", lockdown.SERVICE, lockdown.TIMER])
    run(["systemctl", "start", lockdown.SERVICE], timeout=120.0)
    run(["systemctl", "restart", lockdown.TIMER])
    run(["systemctl", "stop", lockdown.UNDO + ".timer"])
    files.remove_file(lockdown.TOKEN, root="/run")


HANDLERS: Dict[str, Callable[[Host, Item], None]] = {"lockdown": set_lockdown}
