# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Small containers with a real sshd and nft, for the tests of ssh_probe and nftables."""

from __future__ import annotations

import socket
import subprocess
import time
import uuid

from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.probe import probe

from lab import test_base

DOCKERFILE = b"""ARG SUITE
FROM localhost/quantumsafe/test-base:${SUITE}
RUN apt-get update && apt-get install -y --no-install-recommends openssh-server openssh-client nftables iptables \\
 && rm -f /etc/ssh/ssh_host_* && mkdir -p /run/sshd
"""
SSHD = "exec /usr/sbin/sshd -D -e -p 2222 -f /dev/null -o MaxStartups=200 -o LoginGraceTime=10"


def docker(*arguments, stdin=b"", check=True, timeout=300):
    done = subprocess.run(["docker", *arguments], input=stdin, capture_output=True, timeout=timeout, check=False)
    assert done.returncode == 0 or not check, (arguments, done.stderr[-2000:])
    return done


def own_address(other):
    """The address under which this machine connects to another."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unconnected:
        unconnected.connect((other, 9))
        return unconnected.getsockname()[0]


class Host:
    """A container with an sshd on port 2222; `options` are added to its command line."""

    def __init__(self, suite, options=""):
        test_base.ensure(suite)
        image = "quantumsafe/probe-test:" + suite
        docker("build", "-q", "-t", image, "--build-arg", "SUITE=" + suite, "-", stdin=DOCKERFILE, timeout=600)
        self.name = "oqs-probe-%s" % uuid.uuid4().hex[:10]
        more = " -o PerSourcePenalties=no" if suite != "bookworm" and "PerSourcePenalties" not in options else ""
        docker("run", "-d", "--name", self.name, "--cap-add", "NET_ADMIN", image, "sh", "-c",
               "ssh-keygen -A >/dev/null && for k in /etc/ssh/ssh_host_*_key; do keys=\"$keys -h $k\"; done; "
               "%s%s %s $keys" % (SSHD, more, options))
        form = "{{.NetworkSettings.IPAddress}}"
        self.address = docker("inspect", "-f", form, self.name).stdout.decode().strip()
        deadline = time.monotonic() + 20
        while not probe(self.address, 2222, 1.0).ssh:
            assert time.monotonic() < deadline, docker("logs", self.name, check=False).stderr[-2000:]
            time.sleep(0.2)

    def run(self, script, stdin=b"", check=True):
        """A shell script in the container."""
        return docker("exec", "-i", self.name, "sh", "-c", script, stdin=stdin, check=check)

    def remove(self):
        docker("rm", "-f", "-v", self.name, check=False)
