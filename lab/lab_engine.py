# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab's side of the Docker engine: its command line, images of test hosts, networks that do not clash."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import pathlib
import random
import subprocess
from typing import Any, Callable, Dict, Iterator, List, Sequence, Set, Tuple

from images import base
from lab import test_base

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAB_LABEL = "quantumsafe.lab"
RECIPE_LABEL = "quantumsafe.lab.recipe"
VARIANTS = ("plain", "docker", "firewalls")
BUILD_SECONDS = 900.0

Say = Callable[[str], object]
Network = ipaddress.IPv4Network


class LabError(Exception):
    """Something about the lab did not work; the text says what and what to do."""


def docker(
    *words: str, stdin: bytes = b"", check: bool = True, timeout: float = 120.0
) -> "subprocess.CompletedProcess[bytes]":
    """Run a docker command.

    :param words: arguments after `docker`.
    :param stdin: bytes for its standard input.
    :param timeout: seconds until it is killed.
    :raises LabError: no docker, no answer in time, or (with check) a bad exit code.
    """
    environment = dict(os.environ)
    if words[0] == "build" and not has_buildx():
        environment["DOCKER_BUILDKIT"] = "0"
    try:
        done = subprocess.run(
            ["docker", *words], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=timeout, check=False, env=environment,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError("docker %s: no answer within %g seconds" % (words[0], timeout)) from error
    except OSError as error:
        raise LabError("docker cannot be run (%s); see `make help` for what this machine needs" % error) from error
    if check and done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).decode("utf-8", "replace")
        raise LabError("docker %s failed: %s" % (" ".join(words[:3]), said[-1200:]))
    return done


def has_buildx() -> bool:
    """Whether `docker build` can use BuildKit; clients without the plugin still have the old builder."""
    done = subprocess.run(
        ["docker", "buildx", "version"], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=30
    )
    return done.returncode == 0


def docker_json(*words: str) -> Any:
    """What a docker command prints, read as JSON; an empty list where the thing does not exist."""
    done = docker(*words, check=False)
    return json.loads(done.stdout or b"[]")


def ensure_image(suite: str, variant: str, say: Say) -> str:
    """See to it that the engine has the image of a kind of test host; build it when its recipe changed.

    :param suite: Debian suite, as images/base.py knows them.
    :param variant: one of VARIANTS.
    :returns: the image's id.
    :raises LabError: unknown variant or suite, or the build failed.
    """
    if variant not in VARIANTS:
        raise LabError("unknown variant '%s'; known are %s" % (variant, ", ".join(VARIANTS)))
    try:
        base_tag = test_base.ensure(suite, say)
    except base.BaseImageError as error:
        raise LabError(str(error)) from error
    tag = "quantumsafe/lab:%s-%s" % (suite, variant)
    with base.locked(os.path.join(base.cache_folder(), "lab-%s.lock" % suite)):
        recipe = _recipe(docker_json("image", "inspect", base_tag)[0]["Id"])
        found = docker_json("image", "inspect", tag)
        if found and (found[0]["Config"].get("Labels") or {}).get(RECIPE_LABEL) == recipe:
            return str(found[0]["Id"])
        say("lab image %s-%s: building it (about half a minute)" % (suite, variant))
        folder = ROOT / "lab"
        docker(
            "build", "--quiet", "--target", variant, "--build-arg", "BASE=" + base_tag, "--tag", tag,
            "--label", "%s=%s" % (RECIPE_LABEL, recipe), "--file", str(folder / "Dockerfile"), str(folder / "host"),
            timeout=BUILD_SECONDS,
        )
        return str(docker_json("image", "inspect", tag)[0]["Id"])


def _recipe(base_id: str) -> str:
    """A hash of everything an image of a test host is made from."""
    digest = hashlib.sha256(base_id.encode())
    for path in [ROOT / "lab" / "Dockerfile"] + sorted((ROOT / "lab" / "host").iterdir()):
        content = path.read_bytes()
        digest.update(b"%s %d\n" % (path.name.encode(), len(content)) + content)
    return digest.hexdigest()[:24]


def containers(lab: str = "") -> List[Dict[str, Any]]:
    """Test hosts as `docker inspect` describes them: of one lab, or of all."""
    wanted = "label=%s=%s" % (LAB_LABEL, lab) if lab else "label=" + LAB_LABEL
    ids = docker("ps", "--all", "--quiet", "--no-trunc", "--filter", wanted).stdout.decode().split()
    return list(docker_json("inspect", *ids)) if ids else []


def _taken(resolvers: Sequence[str]) -> Iterator[Network]:
    """Networks a new one must not overlap: the engine's, the machine's routes and its name servers."""
    ids = docker("network", "ls", "--quiet", "--no-trunc").stdout.decode().split()
    for network in docker_json("network", "inspect", *ids) if ids else []:
        for config in (network.get("IPAM") or {}).get("Config") or []:
            if ":" not in config.get("Subnet", ":"):
                yield Network(config["Subnet"], strict=False)
    for line in pathlib.Path("/proc/net/route").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        target, mask = (int.from_bytes(bytes.fromhex(fields[column]), "little") for column in (1, 7))
        if mask:
            yield Network((target, bin(mask).count("1")))
    for server in resolvers:
        if ":" not in server:
            yield Network(server)


def create_network(name: str, lab: str, resolvers: Sequence[str]) -> None:
    """Make a network with a subnet nobody uses, unless it exists.

    Subnets are drawn at random: an address that soon returns with another host key would meet old ssh masters.
    172.16.0.0/12 and 192.168.0.0/16 stay free, Docker inside the test hosts takes from these.

    :param resolvers: name servers that must stay in reach.
    :raises LabError: no subnet could be had.
    """
    if docker_json("network", "inspect", name):
        return
    taken: Set[Network] = set(_taken(resolvers))
    failure = "every subnet is taken"
    for _attempt in range(200):
        subnet = Network((int(ipaddress.IPv4Address("10.0.0.0")) + (random.randrange(128, 32768) << 8), 24))
        if any(subnet.overlaps(other) for other in taken):
            continue
        six = ["--ipv6", "--subnet", _private_six()] if has_six() else []
        made = docker(
            "network", "create", "--subnet", str(subnet), *six, "--label", "%s=%s" % (LAB_LABEL, lab), name, check=False
        )
        if made.returncode == 0:
            return
        failure = made.stderr.decode("utf-8", "replace").strip()
        if "overlaps" not in failure:
            break
        taken.add(subnet)
    raise LabError("no network for the lab '%s': %s" % (lab, failure))


def has_six() -> bool:
    """Whether this machine speaks IPv6, so that labs can have it, too."""
    try:
        return bool(pathlib.Path("/proc/net/if_inet6").read_text(encoding="ascii").strip())
    except OSError:
        return False


def _private_six() -> str:
    """A unique local IPv6 network (RFC 4193)."""
    return str(ipaddress.IPv6Network(((0xFD << 120) + (random.getrandbits(56) << 64), 64)))


def addresses(name: str) -> List[Tuple[str, str]]:
    """Addresses for hosts on a network: IPv4, and IPv6 where it has that."""
    configs = docker_json("network", "inspect", name)[0]["IPAM"]["Config"]
    four, six = (next((one["Subnet"] for one in configs if (":" in one["Subnet"]) is wanted), "")
                 for wanted in (False, True))
    first = ipaddress.IPv4Network(four).network_address
    return [
        (str(first + last), str(ipaddress.IPv6Network(six).network_address + last) if six else "")
        for last in range(11, 251)
    ]


def remove_network(name: str) -> None:
    """Remove a network, if it is there; strangers that are still connected to it are disconnected."""
    found = docker_json("network", "inspect", name)
    for container in (found[0].get("Containers") or {}) if found else {}:
        docker("network", "disconnect", "--force", name, container, check=False)
    if found:
        docker("network", "rm", name)
