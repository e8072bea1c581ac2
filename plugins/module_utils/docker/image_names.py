# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of images, and what an engine says when it cannot get one. Pure.

Source: the grammar of references of the distribution project (NAME means docker.io/library/NAME:latest), and the
messages of Docker 20.10 to 28.
"""

from __future__ import annotations

import re
from typing import List, NamedTuple, Sequence

from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError

HUB = "docker.io"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class NoAnswer(UserError):
    """The registry cannot be asked from here (down, no way to it, no trust, a login); the hosts may still reach it."""


class NoSuchImage(UserError):
    """The registry was asked, and says that it has no such image."""


class Reference(NamedTuple):
    """The parts of an image's name; ``tag`` or ``digest`` may be empty, not both."""

    registry: str
    repository: str
    tag: str
    digest: str

    @property
    def place(self) -> str:
        """Registry and repository: the name without tag and digest."""
        return "%s/%s" % (self.registry, self.repository)

    @property
    def tagged(self) -> str:
        """The name that people know the image by; empty where it has only a digest."""
        return "%s:%s" % (self.place, self.tag) if self.tag else ""

    def pinned(self, digest: str = "") -> str:
        """The name that means one image and no other, with the digest given or else its own; empty without any."""
        digest = digest or self.digest
        return "%s@%s" % (self.place, digest) if digest else ""


def parse(name: str) -> Reference:
    """The parts of a name as people write it.

    :param name: ``[registry/]repository[:tag][@sha256:digits]``; no registry means Docker Hub, no tag ``latest``.
    """
    rest, _at, digest = name.partition("@")
    first, slash, others = rest.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, others = HUB, rest
    head, colon, tag = others.rpartition(":")
    repository = head if colon else others
    if first in (HUB, "index.docker.io"):
        first = HUB
        repository = repository if "/" in repository else "library/" + repository
    return Reference(first, repository, tag if colon else ("" if digest else "latest"), digest)


def same(one: str, other: str) -> bool:
    """Whether two names mean the same tag of the same repository, however they are written."""
    return parse(one)[:3] == parse(other)[:3]


def digest_among(names: Sequence[str], name: str) -> str:
    """The digest under which a host got an image from the repository of ``name``.

    :param names: ``RepoDigests`` of ``docker image inspect``.
    :returns: ``sha256:…``, or nothing: the image did not come from there.
    """
    place = parse(name).place
    found: List[str] = [each.digest for each in map(parse, names) if each.place == place]
    return found[0] if found and _DIGEST.fullmatch(found[0]) else ""


def is_digest(text: str) -> bool:
    """Whether this is a digest as registries give it."""
    return bool(_DIGEST.fullmatch(text))


def described(name: str, digest: str, made: str) -> str:
    """An image in words for a plan: name, digest, the day on which it was made; what is not known is left out."""
    words = parse(name).pinned(digest) or name
    return "%s of %s" % (words, made) if made > "1980" else words


_UNREACHABLE = (
    r"no such host|server misbehaving|connection refused|i/o timeout|Client\.Timeout|deadline exceeded|"
    r"no answer within|no route to host|network is unreachable|connection reset|\bEOF\b"
)
#: What engines say, what it means, and what to do; the first that fits counts.
_MEANINGS = (
    (
        r"Cannot connect to the Docker daemon|dial unix|Is the docker daemon running",
        "the engine of this host does not answer any more, so nobody asked the registry",
        "look at it (journalctl -u docker), have docker info answer, then run again",
    ),
    (
        r"error getting credentials|executable file not found",
        "root's docker asks a program for the login, and that does not answer",
        "correct credsStore and credHelpers in /root/.docker/config.json here",
    ),
    (
        r"no space left on device|disk quota exceeded",
        "the disk of this host is full",
        "make room (df -h /var/lib/docker; docker image prune), then run again",
    ),
    (
        r"server gave HTTP response to HTTPS client",
        "the registry %(registry)s speaks plain http, which the engine of this host refuses",
        "give it a certificate, or name it under insecure-registries in /etc/docker/daemon.json here and reload Docker",
    ),
    (
        r"x509: |certificate signed by unknown|tls: ",
        "the certificate of the registry %(registry)s is not trusted on this host",
        "put its authority's certificate into /etc/docker/certs.d/%(registry)s/ca.crt here",
    ),
    (
        r"toomanyrequests|429 Too Many",
        "the registry %(registry)s refuses more pulls for now",
        "wait, log in there (docker login), or take another source (oqs_ssh_image_source: archive or build)",
    ),
    (
        r"no basic auth credentials|unauthorized|authentication required|access denied|is denied",
        "the registry %(registry)s wants a login for it, or has no such image",
        "run 'docker login %(registry)s' as root on this host, or check oqs_ssh_image",
    ),
    (
        r"manifest unknown|not found|name unknown",
        "the registry %(registry)s has no such image",
        "check oqs_ssh_image",
    ),
    (
        r"no matching manifest for",
        "the registry %(registry)s has the image, but not for the processor of this host",
        "take another image, or oqs_ssh_image_source: build",
    ),
    (
        _UNREACHABLE,
        "the registry %(registry)s cannot be reached from this host",
        "see that it is up, and the engine's proxy, or take the image along (oqs_ssh_image_source: archive, build)",
    ),
)


def why_not(said: str, name: str) -> str:
    """What it means that an engine could not get an image, and what to do, as one sentence.

    :param said: the engine's own words; they are quoted at the end.
    """
    words = " ".join(said.split())[-300:]
    for pattern, meaning, cure in _MEANINGS:
        if re.search(pattern, said, re.IGNORECASE):
            return ("%(name)s: " + meaning + ": " + cure + " (%(words)s)") % {
                "name": name, "registry": parse(name).registry, "words": words,
            }
    return "%s cannot be had: %s" % (name, words)


def planned(name: str, digest: str, source: str) -> str:
    """The wanted image as the plan names it; the controller says it again when it has learnt the digest."""
    pinned = parse(name).pinned(digest) if source == "pull" else ""
    return "%s (%s)" % (pinned or name, source)
