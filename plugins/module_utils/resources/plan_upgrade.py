# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan how a container is replaced by another: proved beside the old one first, then put in its place. Pure.

There is one way for all reasons: another image, other settings, back to the image before.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests, paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import desired as goal
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import migration, policy
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Plan

Want = Mapping[str, Any]
Facts = Mapping[str, Any]

#: The name that keeps the image before from being taken for unused.
PREVIOUS_TAG = "oqs-ssh:previous"

_COPIES = (
    (paths.STATE_DIR, paths.TRIAL_STATE), (paths.STATE_DIR + "/entry", paths.TRIAL_STATE + "/entry"),
    (paths.HOME_SSH, paths.TRIAL_HOME),
)
#: Types that the image's own ssh-keygen makes no key of (certificates, keys on a token, signatures).
_NO_KEYS = ("cert", "sk-", "webauthn", "rsa-sha2")


def trial_name(container: str) -> str:
    """The container that is tried beside the old one."""
    return container + "-trial"


def old_name(container: str) -> str:
    """The old container, until the new one is proved."""
    return container + "-before"


def plan_first(want: Want, facts: Facts, plan: Plan) -> None:
    """What has to be known before anything else of a replacement: is there a way back, does nobody lose anything."""
    ssh = want["ssh"]
    if ssh["image"].get("rollback") and not facts["image_here"]:
        plan.refuse(
            "oqs_ssh_rollback: this host holds no image from before an upgrade (%s, %s); name the image that you want "
            "in oqs_ssh_image" % (PREVIOUS_TAG, paths.PREVIOUS)
        )
    if facts.get("upgrade", {}).get("cut_short"):
        why = "a replacement did not come to its end"
        plan.want("image", "upgrade_rest", ssh["container"], "cut short", "absent", why)


def refuse_losses(ssh: Want, facts: Facts, plan: Plan) -> None:
    """Algorithms in force that another image does not know: clients rely on them, so it is for a person to decide."""
    image, data = facts["image"], facts["state"].get("sshd_config")
    if not data or not is_other_image(facts):
        return
    # wishes are refused by name elsewhere; what they replace is no longer asked for
    base = goal.base("sshd_config", ssh, facts)
    wished = {"kexalgorithms": ssh["kex_algorithms"], "hostkeyalgorithms": ssh["host_key_algorithms"],
              "hostkey": ssh["host_key_algorithms"], "pubkeyacceptedalgorithms": ssh["pubkey_algorithms"]}
    spare = {name for name, names in wished.items() if names}
    gone = migration.lost(base, image, spare=spare)
    if gone:
        before = facts.get("upgrade", {}).get("knew") or {}
        plan.refuse(
            "the image %s does not know %s, which clients of this host rely on; nothing was changed, and the present "
            "image serves on: %s"
            % (ssh["image"]["name"], ", ".join(gone), migration.advice(gone, base, image, before))
        )


def is_other_image(facts: Facts) -> bool:
    """Whether the container that is there is of another image than the wanted one."""
    return bool(facts["container"]) and facts["container"].get("image") != facts["image"].get("engine_id")


def plan_replacement(ssh: Want, facts: Facts, wanted: goal.Desired, plan: Plan) -> None:
    """The trial, before anything of the state is touched, and the change itself."""
    name, label = ssh["container"], proof_of(wanted)
    if facts.get("upgrade", {}).get("proved") != label:
        plan.want("image", "trial", name, "not proved", "proved", "beside the old one, with a copy of the state")
    before, after = "of other settings", "created anew"
    if is_other_image(facts):
        known = facts.get("upgrade", {}).get("knew") or {}
        before = words(facts["container"]["image"], known)
        after = words(facts["image"]["engine_id"], facts["image"])
    plan.want("container", "swap", name, before, after, "image or settings changed")


def words(image_id: str, known: Facts) -> str:
    """An image for people."""
    return " ".join(filter(None, ["image", image_id.replace("sha256:", "")[:12], known.get("openssh", "")[:60]]))


def proof_of(wanted: goal.Desired) -> str:
    """What a trial has proved: these settings with this configuration."""
    return digests.digest((goal.label_of(wanted.container) + digests.digest(wanted.sshd_config)).encode())


def trial_config(data: bytes, port: int, user: str) -> bytes:
    """The server's configuration for the trial: on the loopback only, and for the one login from there.

    :raises ConfigError: the file cannot be edited without harm.
    """
    return sshconfig.edit(data, [
        sshconfig.Change(keyword="Port", values=[str(port)]),
        sshconfig.Change(keyword="ListenAddress", values=["127.0.0.1"]),
        sshconfig.Change(keyword="AllowUsers", values=["%s@127.0.0.1" % user]),
        sshconfig.Change(keyword="MaxSessions", values=["1"]),  # a way through only (oqs_ssh_mode) has none
    ], "sshd_config")


def trial_arguments(arguments: Sequence[str], name: str) -> List[str]:
    """Arguments for ``docker create`` of the trial: the real ones, with copies mounted, and never started again."""
    own = {"--name": name, "--restart": "no"}
    result: List[str] = []
    for option, value in zip([""] + list(arguments), arguments):
        if option == "--mount":
            for source, copy in _COPIES:
                value = value.replace("source=%s," % source, "source=%s," % copy)
        result.append(own.get(option, value))
    return result


def login_key(data: bytes, image: Facts) -> str:
    """The type of the one-time key: the first that the server takes and the image makes."""
    names = [name for name in policy.accepted(data) or image["key"] if name in image["key"]]
    fit = [name for name in names if not any(word in name for word in _NO_KEYS)]
    best = [name for name in fit if algorithms.family(name) == "hybrid"]
    return (best or fit or [policy.CLASSICAL_KEY])[0]


def missing(before: Mapping[str, Any], now: Mapping[str, Any], wanted: bytes) -> List[str]:
    """Algorithms that the running server offers, that the wishes do not take away, and that the new one lacks.

    :param before: what ``probe`` found of the running server; without ``ssh``: it did not answer.
    :param wanted: the configuration that is to be in force.
    """
    offer = policy.offer(wanted)
    found: Dict[str, None] = {}
    for name, listed in (("kex", "kex"), ("host_key_algorithms", "host_keys")):
        for each in before.get(name, []):
            if each not in now.get(name, []) and (not offer[listed] or each in offer[listed]):
                found[each] = None
    return list(found)
