# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan the Docker engine: only where there is none; those that are of no use are refused by name. Pure."""

from __future__ import annotations

import json
from typing import Any, Mapping

from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import platforms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import Plan

#: How Docker is configured before its first start, when it is this collection that brings it: the host's network and
#: forwarding stay as they were, containers outlive a restart of the engine, logs are bounded.
DAEMON_SETTINGS = {
    "bridge": "none",
    "iptables": False,
    "ip6tables": False,
    "ip-forward": False,
    "ip-masq": False,
    "live-restore": True,
    "log-driver": "local",
    "log-opts": {"max-size": "10m", "max-file": "3"},
}

_PODMAN = (
    "what answers to the command docker here is Podman, and the container needs a Docker engine: remove podman-docker "
    "(Podman itself may stay) and run again, Docker is then installed beside it; or use another host"
)
_SNAP = (
    "Docker is a snap here, which sees no files outside of home folders: remove it (snap remove docker) and run again, "
    "the distribution's own is then installed; or use another host"
)
_ROOTLESS = (
    "the Docker engine that answers here runs rootless, so that its host network is not the host's: start the system's "
    "own engine (systemctl enable --now docker) and have root's docker use it (docker context use default)"
)
_USERNS = (
    "the Docker engine remaps user ids (userns-remap), and refuses host networking for that: take userns-remap out of "
    "/etc/docker/daemon.json and restart Docker, if what runs there allows it; or use another host"
)
#: Packages whose command line belongs to the engine that would be installed.
_FITTING = ("", "docker.io", "docker-cli", "moby-cli")


def daemon_json() -> str:
    """The content of daemon.json for an engine that we install."""
    return json.dumps(DAEMON_SETTINGS, indent=2, sort_keys=True) + "\n"


def plan_engine(want: Mapping[str, Any], facts: Mapping[str, Any], plan: Plan) -> None:
    """A Docker engine, only where there is none; an existing one is never replaced or reconfigured."""
    engine = facts["engine"]
    if want["engine"]["state"] == "absent":
        return
    if unusable(engine, plan) or engine["running"]:
        return
    if not engine["installed"] or not engine.get("service"):
        packages = platforms.docker_packages(facts["machine"])
        if engine.get("owner", "") not in _FITTING:
            plan.refuse(
                "the command docker is here (%s, of %s), but no engine and no service that starts one: install or "
                "start the engine that belongs to it, or remove the command, then run again"
                % (engine["program"], engine["owner"])
            )
            return
        if not packages:
            plan.refuse(platforms.no_docker(facts["machine"]))
            return
        if not engine["daemon_json"]:
            plan.want("engine", "daemon_settings", "", "absent", daemon_json(), "before Docker's first start")
        plan.want("engine", "packages", "", "absent", " ".join(packages), "no Docker engine here")
    plan.want("engine", "service", "docker", "stopped", "running, enabled", "no Docker engine answers")


def unusable(engine: Mapping[str, Any], plan: Plan) -> bool:
    """Engines that a host-network container with root inside cannot live on are refused by name, with what to do."""
    words = ""
    if engine["kind"] in ("podman", "snap"):
        words = _PODMAN if engine["kind"] == "podman" else _SNAP
    elif engine.get("rootless") or engine.get("userns"):
        words = _ROOTLESS if engine.get("rootless") else _USERNS
    if words:
        plan.refuse(words)
    return bool(words)
