# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real registry (Debian's docker-registry) on the network of a scenario, with the same images on three ports: plain
http, https, and https with a login."""

from __future__ import annotations

import pathlib
import secrets
import time
import urllib.request
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[3]
from lab import test_base
from lab.lab_engine import docker, docker_json

PLAIN, TLS, LOGIN = 5000, 5001, 5002
SUITE = "trixie"
DOCKERFILE = b"""ARG BASE
FROM ${BASE}
RUN apt-get -q update && apt-get -q -y install --no-install-recommends docker-registry openssl \\
 && rm -rf /var/lib/apt/lists/*
"""
#: Arguments: address, login password. The certificate is its own authority; perl's crypt makes the bcrypt hash.
START = r"""set -e
cd /run
[ -e registry.crt ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
    -subj /CN=registry -addext "subjectAltName=IP:$1" -keyout registry.key -out registry.crt 2>/dev/null
perl -e 'print "bot:" . crypt($ARGV[0], q($2b$05$abcdefghijklmnopqrstuu)) . "\n"' "$2" > htpasswd
config() {
    printf 'version: 0.1\nstorage: {filesystem: {rootdirectory: /var/lib/registry}}\nhttp: {addr: ":%s"%s}\n%s\n' "$@"
}
tls=', tls: {certificate: /run/registry.crt, key: /run/registry.key}'
config 5000 '' '' > 5000.yml
config 5001 "$tls" '' > 5001.yml
config 5002 "$tls" 'auth: {htpasswd: {realm: lab, path: /run/htpasswd}}' > 5002.yml
for port in 5000 5001; do docker-registry serve $port.yml & done
exec docker-registry serve 5002.yml
"""
ACCEPT = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"


class Registry:
    """The registry of a scenario; made with :meth:`up`, found again by its name."""

    def __init__(self, network: str, folder: pathlib.Path) -> None:
        """:param network: Docker's network of the test hosts. :param folder: where its certificate is put."""
        self.network, self.folder = network, folder
        self.container = network + "-registry"

    @property
    def address(self) -> str:
        """Its address on the network; always the same."""
        subnet = docker_json("network", "inspect", self.network)[0]["IPAM"]["Config"][0]["Subnet"]
        return str(subnet.rsplit(".", 1)[0] + ".250")

    @property
    def certificate(self) -> pathlib.Path:
        """What somebody has to trust who speaks https with it."""
        return self.folder / "registry.crt"

    @property
    def password(self) -> str:
        """Of its only user, bot."""
        return (self.folder / "registry-password").read_text(encoding="ascii")

    def name(self, tag: str, port: int = TLS) -> str:
        """An image's name: `tag` is `oqs:1` or the like."""
        return "%s:%d/%s" % (self.address, port, tag)

    def up(self) -> Registry:
        """Start it, and wait until it serves."""
        tag = "quantumsafe/registry:" + SUITE
        argument = "BASE=" + test_base.ensure(SUITE, lambda _text: None)
        docker("build", "--quiet", "--tag", tag, "--build-arg", argument, "-", stdin=DOCKERFILE, timeout=600)
        secret = self.folder / "registry-password"
        if not secret.exists():
            secret.touch(mode=0o600)
            secret.write_text(secrets.token_hex(12), encoding="ascii")
        self.down()
        docker("run", "--detach", "--name", self.container, "--network", self.network, "--ip", self.address,
               "--publish", "127.0.0.1::%d" % PLAIN, tag, "sh", "-c", START, "start", self.address, self.password)
        self.wait()
        self.certificate.write_bytes(docker("exec", self.container, "cat", "/run/registry.crt").stdout)
        return self

    def down(self) -> None:
        """Remove it."""
        docker("rm", "--force", "--volumes", self.container, check=False)

    def stop(self) -> None:
        """Nothing answers any more; what it holds stays."""
        docker("kill", self.container)

    def start(self) -> None:
        """It serves again."""
        docker("start", self.container)
        self.wait()

    def wait(self) -> None:
        """Until its last port serves, too."""
        probe = "exec 3<>/dev/tcp/%s/%d" % (self.address, LOGIN)
        end = time.monotonic() + 30
        while docker("exec", self.container, "bash", "-c", probe, check=False).returncode:
            if time.monotonic() > end:
                said = docker("logs", self.container, check=False)
                raise AssertionError("the registry does not serve: %s" % (said.stdout + said.stderr)[-800:].decode())
            time.sleep(0.1)

    def push(self, image: str, tag: str) -> str:
        """Put an image of this machine's engine there.

        :returns: its digest.
        """
        port = docker("port", self.container, str(PLAIN)).stdout.decode().split("\n")[0].rpartition(":")[2]
        local = "127.0.0.1:%s/%s" % (port, tag)
        docker("tag", image, local)
        try:
            docker("push", "--quiet", local, timeout=300)
        finally:
            docker("rmi", local, check=False)
        return self.digest(tag)

    def digest(self, tag: str) -> str:
        """What a tag means now."""
        return str(self._manifest(tag).headers["Docker-Content-Digest"])

    def move(self, tag: str, other: str) -> str:
        """Let a tag mean what another of the same repository means.

        :returns: that digest.
        """
        answer = self._manifest(other)
        self._manifest(tag, method="PUT", data=answer.read(),
                       headers={"Content-Type": answer.headers["Content-Type"]}).close()
        return self.digest(tag)

    def _manifest(self, tag: str, **request: Any) -> Any:
        repository, _colon, name = tag.partition(":")
        request.setdefault("headers", {"Accept": ACCEPT})
        url = "http://%s:%d/v2/%s/manifests/%s" % (self.address, PLAIN, repository, name)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return opener.open(urllib.request.Request(url, **request), timeout=20)

    def asked(self) -> int:
        """How many requests it has answered."""
        said = docker("logs", self.container)
        return (said.stdout + said.stderr).count(b"http.request.method")


def trusted_by(registry: Registry, host: str, run: Any) -> None:
    """Have a host's engine trust the certificate.

    :param run: runs a program on the host (`Scenario.root`).
    """
    for port in (TLS, LOGIN):
        folder = "/etc/docker/certs.d/%s:%d" % (registry.address, port)
        run(host, "sh", "-c", 'mkdir -p "$1" && printf %s "$2" > "$1/ca.crt"', "trust", folder,
            registry.certificate.read_text(encoding="ascii"))


