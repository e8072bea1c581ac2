# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Debian base images for everything that is built here: localhost/quantumsafe/base:bookworm, :trixie and :forky.

An image the engine has is used as it is. Else it is pulled where a registry answers, else imported from the cache,
else made from Debian packages with mmdebstrap. Standard library only.

Usage: python3 images/base.py SUITE [SUITE ...]
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Callable, Dict, Iterator, List, Optional, Sequence

SUITES = ("bookworm", "trixie", "forky")
REPOSITORY = "localhost/quantumsafe/base"
# Names under which a machine's own apt sources may mention Debian's archive (Ubuntu's mirror cannot serve us).
DEBIAN_SUITES = SUITES + ("bullseye", "sid", "oldstable", "stable", "testing", "unstable")
DEFAULT_MIRROR = "http://deb.debian.org/debian"
MIRROR_VARIABLE = "QUANTUMSAFE_DEBIAN_MIRROR"
REGISTRY = "https://registry-1.docker.io/v2/"
REGISTRY_SECONDS = 4.0
PULL_SECONDS = 300.0
BUILD_SECONDS = 900.0

Say = Callable[[str], object]


class BaseImageError(Exception):
    """No base image could be had; the text says why and what to do."""


def _run(argv: Sequence[str], timeout: float = 60.0) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=timeout, check=False, encoding="utf-8", errors="replace",
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(list(argv), 124, "", "no answer within %g seconds" % timeout)
    except OSError as error:
        return subprocess.CompletedProcess(list(argv), 127, "", "%s: %s" % (argv[0], error.strerror))


def cache_folder() -> str:
    """The folder for things worth keeping between runs, outside the tree: $XDG_CACHE_HOME/quantumsafe-openssh."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(os.path.abspath(home), "quantumsafe-openssh")


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Hold an exclusive lock on a file; whoever comes second waits. The kernel lets go of it when a holder dies."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "a", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _deb822_mirrors(text: str) -> Iterator[str]:
    """URIs of Debian archives in a file in the style of sources.list.d/NAME.sources (deb822, sources.list(5))."""
    for stanza in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        fields: Dict[str, List[str]] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1] in " \t":
                fields.setdefault(name, []).extend(line.split())
            else:
                name, _colon, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.split()
        if "no" in fields.get("enabled", []) or "deb" not in fields.get("types", []):
            continue
        if "main" in fields.get("components", []) and set(fields.get("suites", [])) & set(DEBIAN_SUITES):
            yield from fields.get("uris", [])


def _one_line_mirrors(text: str) -> Iterator[str]:
    """URIs of Debian archives in a file in the one-line style of sources.list(5)."""
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)\s+([^#]*)", line)
        if match and match.group(2) in DEBIAN_SUITES and "main" in match.group(3).split():
            yield match.group(1)


def find_mirror(etc_apt: str = "/etc/apt") -> str:
    """The Debian mirror this machine itself uses; $QUANTUMSAFE_DEBIAN_MIRROR wins, Debian's own is the last resort.

    :param etc_apt: folder with sources.list and sources.list.d.
    """
    if os.environ.get(MIRROR_VARIABLE):
        return os.environ[MIRROR_VARIABLE]
    files = sorted(glob.glob(os.path.join(etc_apt, "sources.list.d", "*")))
    for path in [os.path.join(etc_apt, "sources.list")] + files:
        try:
            with open(path, encoding="utf-8", errors="replace") as handle:
                text = handle.read()
        except OSError:
            continue
        parse = _deb822_mirrors if path.endswith(".sources") else _one_line_mirrors
        for uri in parse(text) if path.endswith((".list", ".sources")) else ():
            if uri.startswith(("http://", "https://")):
                return uri.rstrip("/")
    return DEFAULT_MIRROR


def _registry_answers() -> bool:
    """Whether asking a registry is worth the time: within seconds, since most machines without one never answer."""
    mirrors = _run(["docker", "info", "--format", "{{len .RegistryConfig.Mirrors}}"], 10.0).stdout.strip()
    if mirrors not in ("", "0"):
        return True
    try:
        with urllib.request.urlopen(REGISTRY, timeout=REGISTRY_SECONDS):
            return True
    except urllib.error.HTTPError as error:
        return error.code == 401  # a registry asks who we are; a proxy that refuses says 403 or 407
    except (OSError, ValueError):
        return False


def _pull(suite: str, tag: str, say: Say) -> bool:
    if not _registry_answers():
        return False
    source = "debian:%s-slim" % suite
    say("base image %s: pulling %s" % (suite, source))
    pulled = _run(["docker", "pull", "--quiet", source], PULL_SECONDS)
    return pulled.returncode == 0 and _run(["docker", "tag", source, tag]).returncode == 0


def _as_root() -> List[str]:
    """What to put before a command that needs root; empty when it would not help."""
    if os.geteuid() == 0:
        return []
    return ["sudo", "-n"] if _run(["sudo", "-n", "true"], 10.0).returncode == 0 else []


def _need_mmdebstrap(say: Say) -> None:
    if shutil.which("mmdebstrap"):
        return
    prefix = _as_root()
    if (os.geteuid() == 0 or prefix) and shutil.which("apt-get"):
        say("installing the Debian package mmdebstrap")
        quiet = prefix + ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
        _run(quiet + ["update"], BUILD_SECONDS)
        _run(quiet + ["install", "--no-install-recommends", "mmdebstrap"], BUILD_SECONDS)
    if not shutil.which("mmdebstrap"):
        raise BaseImageError(
            "no registry answers and mmdebstrap is not installed, so there is no way to a Debian image; "
            "run: apt-get install mmdebstrap (as root), or make an image docker.io/library/debian:SUITE-slim available"
        )


def _make(suite: str, tarball: str, say: Say) -> None:
    """Make the root file system with mmdebstrap, under its final name only when it is complete."""
    _need_mmdebstrap(say)
    mirror = find_mirror()
    say("base image %s: making it from Debian packages (about half a minute)" % suite)
    partial = "%s.%d.tar" % (tarball, os.getpid())
    prefix = _as_root()
    argv = prefix + [
        "mmdebstrap", "--variant=minbase", "--include=ca-certificates",
        # Snapshots and slow mirrors of testing are often past their date; signatures are still checked.
        # The image does not keep that: what is built on it later refuses an archive that is past its date.
        "--aptopt=Acquire::Check-Valid-Until \"false\"",
        "--customize-hook=rm \"$1/etc/apt/apt.conf.d/99mmdebstrap\"", suite, partial, mirror,
    ]
    try:
        made = _run(argv, BUILD_SECONDS)
        if made.returncode != 0:
            raise BaseImageError(
                "mmdebstrap could not make a Debian %s from this machine's mirror (another one: set %s): %s"
                % (suite, MIRROR_VARIABLE, made.stderr.strip()[-800:])
            )
        if prefix:
            _run(prefix + ["chown", "%d:%d" % (os.geteuid(), os.getegid()), partial])
        os.replace(partial, tarball)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(partial)


def _import(tarball: str, tag: str) -> Optional[str]:
    """Load a root file system as an image; None when it worked, else what was said."""
    done = _run(["docker", "import", "-c", 'CMD ["/bin/sh"]', tarball, tag], PULL_SECONDS)
    return None if done.returncode == 0 else done.stderr.strip()[-400:]


def _require_engine() -> None:
    version = _run(["docker", "version", "--format", "{{.Server.Version}}"], 20.0)
    if version.returncode != 0:
        raise BaseImageError(
            "no Docker engine answers (%s); start Docker, or become root or a member of the group docker"
            % (version.stderr.strip() or version.stdout.strip())[-300:]
        )


def ensure_base(suite: str, say: Say = print) -> str:
    """See to it that the engine has the base image of a suite.

    :param suite: bookworm, trixie or forky.
    :param say: called with a line of text at each step that takes time.
    :returns: the image's name, localhost/quantumsafe/base:SUITE.
    :raises BaseImageError: unknown suite, no engine, or neither registry nor packages in reach.
    """
    if suite not in SUITES:
        raise BaseImageError("unknown suite '%s'; known are %s" % (suite, ", ".join(SUITES)))
    tag = "%s:%s" % (REPOSITORY, suite)
    inspect = ["docker", "image", "inspect", "--format", "{{.Id}}", tag]
    if _run(inspect).returncode == 0:
        return tag
    _require_engine()
    folder = cache_folder()
    with locked(os.path.join(folder, "base-%s.lock" % suite)):
        if _run(inspect).returncode == 0:  # somebody else made it while we waited
            return tag
        if _pull(suite, tag, say):
            return tag
        tarball = os.path.join(folder, "debian-%s.tar" % suite)
        if os.path.exists(tarball):
            say("base image %s: importing it from the cache" % suite)
            if _import(tarball, tag) is None:
                return tag
            os.unlink(tarball)  # a damaged cache must not stand in the way of a new one
        _make(suite, tarball, say)
        failure = _import(tarball, tag)
        if failure:
            raise BaseImageError("docker import of %s failed: %s" % (tarball, failure))
    return tag


def main(argv: Sequence[str]) -> int:
    """Command line: make the images of the suites given and print their names."""
    if not argv or any(word.startswith("-") for word in argv):
        print("usage: python3 images/base.py SUITE [SUITE ...]   (%s)" % ", ".join(SUITES), file=sys.stderr)
        return 2
    try:
        for suite in argv:
            print(ensure_base(suite, say=lambda text: print(text, file=sys.stderr, flush=True)))
    except BaseImageError as error:
        print("base.py: %s" % error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
