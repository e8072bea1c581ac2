# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Build this collection's own OpenSSH images with the docker command line of the controller.

    python3 images/build.py stock|quirks|broken-names|all [--fresh] [--user NAME] [--uid N]

An image is built again only when its recipe (images/stock/) or the base image has changed; the label
org.quantumsafe.openssh.recipe says which recipe it was made from. Debian's updates arrive with --fresh.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Callable, Iterator, Optional

HERE = Path(__file__).resolve().parent
RECIPE = HERE / "stock"
SUITE = "forky"
LABEL = "org.quantumsafe.openssh"
VARIANTS = ("stock", "quirks")
BUILD_SECONDS = 1800
ENTRY = HERE.parent / "roles" / "oqs_ssh" / "files" / "entry"
# Set: an archive of Debian that is past its date will do, as a snapshot or a slow mirror is.
OLD_ARCHIVE = "QUANTUMSAFE_OLD_ARCHIVE"
NEWER = HERE / "newer.sh"
# Asked of the image's sshd, so that a plan can be made before any host holds the image.
KEYWORDS = (
    "AllowAgentForwarding no", "AllowStreamLocalForwarding no", "AllowTcpForwarding local", "AllowUsers oqs",
    "AuthorizedKeysCommand none", "AuthorizedKeysFile .ssh/authorized_keys", "AuthorizedPrincipalsCommand none",
    "AuthorizedPrincipalsFile none", "ClientAliveCountMax 10", "ClientAliveInterval 60", "Compression no",
    "ForceCommand none", "GSSAPIAuthentication no", "GatewayPorts no", "HostbasedAuthentication no",
    "KbdInteractiveAuthentication no", "KerberosAuthentication no", "LogLevel INFO", "LoginGraceTime 30",
    "MaxAuthTries 4", "MaxSessions 10", "MaxStartups 60:30:100", "PasswordAuthentication no", "PerSourceMaxStartups 8",
    "PerSourceNetBlockSize 32:64", "PerSourcePenalties yes", "PermitEmptyPasswords no", "PermitListen none",
    "PermitOpen localhost:22", "PermitRootLogin no", "PermitTTY yes", "PermitTunnel no", "PermitUserEnvironment no",
    "PermitUserRC no", "PidFile /run/oqs-sshd.pid", "Port 2222", "PubkeyAuthentication yes", "RequiredRSASize 2048",
    "StrictModes yes", "TrustedUserCAKeys none", "UnusedConnectionTimeout 4h", "WarnWeakCrypto yes", "X11Forwarding no",
)

Say = Callable[[str], None]


class BuildError(Exception):
    """The image cannot be built; the text says what was attempted, what went wrong and what to do."""


def tag_of(variant: str, user: str = "oqs", uid: int = 1000, broken_names: bool = False, message: str = "") -> str:
    """The tag of an image: latest for the contract's user and uid, else one that tells them."""
    tag = "broken-names" if broken_names else "latest"
    if (user, uid) != ("oqs", 1000):
        tag = "%s-%d%s" % (user, uid, "-broken-names" if broken_names else "")
    if message:
        tag += "-" + hashlib.sha256(message.encode()).hexdigest()[:12]
    return "localhost/quantumsafe/openssh-%s:%s" % (variant, tag)


def build(
    variant: str = "stock",
    user: str = "oqs",
    uid: int = 1000,
    broken_names: bool = False,
    message: str = "",
    say: Say = print,
    fresh: bool = False,
    update: bool = False,
) -> str:
    """Build an image unless it is there already, made from the present recipe and base.

    :param variant: "stock", or "quirks" with the flaws measured on the real image.
    :param user: name of its account (lower case, as useradd wants it).
    :param uid: that account's uid and gid, 1000 to 60000.
    :param broken_names: configuration files that name algorithms the programs do not know.
    :param message: what a shell says at a login (motd(5)).
    :param say: gets progress, one line at a time.
    :param fresh: build in any case, and fetch Debian's packages anew.
    :param update: do so where Debian has a newer OpenSSH or OpenSSL than the image.
    :returns: the tag.
    :raises BuildError: bad arguments, no docker, no base image, or a step that failed.
    """
    if variant not in VARIANTS:
        raise BuildError("variant must be one of %s, not %r" % (", ".join(VARIANTS), variant))
    if not re.match(r"[a-z][a-z0-9_-]{0,30}\Z", user):
        raise BuildError("user must be a lower case account name of at most 31 characters, not %r" % (user,))
    if not 1000 <= uid <= 60000:
        raise BuildError("uid must be from 1000 to 60000, not %d" % uid)
    _docker(["version", "--format", "{{.Server.Version}}"], 30)
    tag = tag_of(variant, user, uid, broken_names, message)
    with _lock(say):
        base = _base(say)
        recipe = _recipe_hash(_docker(["image", "inspect", "--format", "{{.Id}}", base], 30))
        there = _label(tag, "recipe") == recipe
        newer = _newer(tag, base) if there and update and not fresh else ""
        if there and not fresh and not newer:
            say("%s is up to date" % tag)
            return tag
        fresh = fresh or bool(newer)
        say("building %s on %s" % (tag, base))
        arguments = {
            "BASE": base, "VARIANT": variant, "BROKEN_NAMES": str(int(broken_names)),
            "OQS_USER": user, "OQS_UID": str(uid), "MESSAGE": message, "APT_OPTION": _apt_option(),
        }
        _build(tag, arguments, recipe, fresh, say)
    size = int(_docker(["image", "inspect", "--format", "{{.Size}}", tag], 30))
    say("%s is ready: %d MB" % (tag, size // 1000000))
    return tag


def facts_of(image: str, user: str) -> str:
    """What an image's programs say of themselves when the collection's entry asks them, in a container without network.

    :returns: the answer of ``entry facts``, as the collection reads it.
    :raises BuildError: the image does not run, or its ssh answers nothing.
    """
    options = ["--rm", "-i", "--network", "none", "--env", "OQS_USER=" + user, "--entrypoint", "/bin/sh"]
    argv = ["run", *options, image, "-c", ENTRY.read_text(encoding="utf-8"), "entry", "facts"]
    answer = _docker(argv, 120, "".join(setting + "\n" for setting in KEYWORDS))
    if not re.search(r"^== kex\n\S", answer, re.MULTILINE):
        raise BuildError("%s: its ssh answered nothing when asked for algorithms" % image)
    return answer


def _apt_option() -> str:
    """How apt is to take Debian's archive: strictly, unless somebody has said otherwise."""
    return "Acquire::Check-Valid-Until=false" if os.environ.get(OLD_ARCHIVE) else ""


def _newer(tag: str, base: str) -> str:
    """The packages of an image that Debian has newer, a line each.

    :raises BuildError: Debian does not answer.
    """
    status = _docker(["run", "--rm", "--network", "none", "--entrypoint", "cat", tag, "/var/lib/dpkg/status"], 60)
    options = ["--rm", "--interactive", "--env", "APT_OPTION=" + _apt_option()]
    return _docker(["run", *options, base, "sh", "-c", NEWER.read_text(encoding="utf-8")], 300, status)


def _build(tag: str, arguments: dict[str, str], recipe: str, fresh: bool, say: Say) -> None:
    """Two builds: the recipe, then the labels, which only the finished image can tell."""
    bare = "localhost/quantumsafe/building:%s" % uuid.uuid4().hex[:12]
    argv = ["build", "--tag", bare]
    for name, value in sorted(arguments.items()):
        argv += ["--build-arg", "%s=%s" % (name, value)]
    try:
        _docker_aloud(argv + (["--no-cache"] if fresh else []) + [str(RECIPE)], say)
        say("asking the new image what it knows")
        now = datetime.datetime.now(datetime.timezone.utc)
        labels = {
            LABEL + ".facts": facts_of(bare, arguments["OQS_USER"]),
            LABEL + ".recipe": recipe,
            LABEL + ".variant": arguments["VARIANT"] + ("+broken-names" if arguments["BROKEN_NAMES"] == "1" else ""),
            "org.opencontainers.image.created": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "org.opencontainers.image.title": "quantumsafe.openssh %s" % arguments["VARIANT"],
            "org.opencontainers.image.licenses": "GPL-3.0-or-later AND BSD-2-Clause",
        }
        home = "/home/%s" % arguments["OQS_USER"]
        dockerfile = 'FROM %s\nWORKDIR %s\nENTRYPOINT ["%s/entrypoint.sh"]\nCMD ["bash"]\n' % (bare, home, home)
        argv = ["build", "--tag", tag]
        for name, value in labels.items():
            argv += ["--label", "%s=%s" % (name, value)]
        _docker(argv + ["-"], 300, dockerfile)
    finally:
        with contextlib.suppress(BuildError):
            _docker(["image", "rm", bare], 60)


def _recipe_hash(base_id: str) -> str:
    """One number for everything that the image depends on."""
    digest = hashlib.sha256(base_id.encode())
    for path in sorted(RECIPE.rglob("*")) + [Path(__file__).resolve()]:
        if path.is_file() and path.suffix != ".md":
            name = path.relative_to(HERE).as_posix().encode()
            content = path.read_bytes()
            digest.update(b"%d %s %d " % (len(name), name, len(content)) + content)
    return digest.hexdigest()


def _base(say: Say) -> str:
    """The tag of the base image, made by images/base.py where it is missing."""
    path = HERE / "base.py"
    spec = importlib.util.spec_from_file_location("quantumsafe_images_base", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise BuildError("%s is missing: it makes the base image; check the installation of the collection" % path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        return str(module.ensure_base(SUITE, say=say))
    except Exception as error:
        raise BuildError("no base image of Debian %s: %s" % (SUITE, error)) from error


def _label(image: str, name: str) -> Optional[str]:
    """One of our labels, or None where there is no such image or label."""
    try:
        text = _docker(["image", "inspect", "--format", "{{json .Config.Labels}}", image], 30)
    except BuildError:
        return None
    return (json.loads(text) or {}).get("%s.%s" % (LABEL, name))


@contextlib.contextmanager
def _lock(say: Say) -> Iterator[None]:
    """One build at a time for this user: parallel ones would do the same work twice."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "quantumsafe-openssh"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(folder / "images.lock", "w", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("waiting for another build of images to end")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _docker(argv: list[str], seconds: float, stdin: str = "") -> str:
    """Run docker quietly and return what it printed."""
    try:
        done = subprocess.run(
            ["docker"] + argv, input=stdin, capture_output=True, text=True, errors="replace", timeout=seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise BuildError(
            "no docker command on this machine: install Docker here, or give the image as an archive "
            "(oqs_ssh_image_source: archive)"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise BuildError("docker %s: no answer within %g seconds" % (argv[0], seconds)) from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-600:]
        cure = ""
        if "Cannot connect to the Docker daemon" in said or "permission denied" in said:
            cure = " (start Docker on this machine, or give yourself access to it)"
        raise BuildError("docker %s ended with %d: %s%s" % (argv[0], done.returncode, said, cure))
    return done.stdout.strip()


def _docker_aloud(argv: list[str], say: Say) -> None:
    """Run docker, tell its steps, and show its last lines when it fails."""
    last: list[str] = []
    with subprocess.Popen(
        ["docker"] + argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            line = line.rstrip()
            last = (last + [line])[-30:]
            if re.match(r"(Step \d+/\d+|#\d+ \[.*\]) ", line):
                say("  " + line[:110])
        code = process.wait(timeout=BUILD_SECONDS)
    if code != 0:
        cure = ""
        if any("is expired" in line for line in last):
            cure = ("\nDebian's archive here is past its date, so that updates would be missing: take another mirror "
                    "(QUANTUMSAFE_DEBIAN_MIRROR), or build with it all the same (%s=1)" % OLD_ARCHIVE)
        raise BuildError("docker build ended with %d; its last lines:\n%s%s" % (code, "\n".join(last), cure))


def main() -> int:
    """The command line: build one image, or all three."""
    parser = argparse.ArgumentParser(description="Build the OpenSSH images of quantumsafe.openssh")
    parser.add_argument("which", choices=["stock", "quirks", "broken-names", "all"])
    parser.add_argument("--fresh", action="store_true", help="build in any case, with Debian's packages of today")
    parser.add_argument("--user", default="oqs", help="name of the account in the image (default: oqs)")
    parser.add_argument("--uid", type=int, default=1000, help="its uid and gid (default: 1000)")
    asked = parser.parse_args()
    wanted = ["stock", "quirks", "broken-names"] if asked.which == "all" else [asked.which]
    try:
        for name in wanted:
            variant = "quirks" if name == "broken-names" else name
            build(
                variant, asked.user, asked.uid, name == "broken-names",
                say=lambda line: print(line, flush=True), fresh=asked.fresh,
            )
    except BuildError as error:
        print("error: %s" % error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
