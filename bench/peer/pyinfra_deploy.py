# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of site.yml in the manner of pyinfra: facts are asked, operations follow from them."""

from __future__ import annotations

import io
import json
import pathlib
import shlex

from pyinfra import host
from pyinfra.facts.server import Command
from pyinfra.operations import apt, files, server, systemd

want = json.loads(pathlib.Path(host.data.settings).read_text(encoding="utf-8"))
CLIENT, SERVER = "/opt/oqs-ssh/ssh_config", "/opt/oqs-ssh/sshd_config"
EDITS = (
    ("^IdentityFile ~/.ssh/id_ed25519", r"0,/^#IdentityFile ~\/.ssh\/id_ed25519/s//IdentityFile ~\/.ssh\/id_ed25519/"),
    ("^HostKeyAlgorithms.*ssh-ed25519$", "/^HostKeyAlgorithms/s/$/,ssh-ed25519/"),
    ("^PubkeyAccepted.*ssh-ed25519$", "/^PubkeyAccepted/s/$/,ssh-ed25519/"),
    ("^KexAlgorithms.*curve25519", "/^KexAlgorithms/s/$/,curve25519-sha256@libssh.org/"),
)
HOP = """install -d -o alice -g alice -m 700 /home/alice/.ssh
k=$(docker exec oqs-ssh cat /home/oqs/.ssh/id_ed25519.pub); f=/home/alice/.ssh/authorized_keys
grep -qxF "$k" $f 2>/dev/null || echo "$k" >>$f
chown alice:alice $f && chmod 600 $f"""


def inside(program: str) -> str:
    return "docker exec oqs-ssh sh -c %s" % shlex.quote(program)


def says(command: str) -> bool:
    return host.get_fact(Command, "%s >/dev/null 2>&1 && echo yes || echo no" % command) == "yes"


def edit(path: str, pattern: str, change: str) -> bool:
    if says(inside("grep -q '%s' %s" % (pattern, path))):
        return False
    server.shell(name="Edit %s" % path, commands=[inside("sed -i '%s' %s" % (change, path))])
    return True


if not says("command -v docker"):
    apt.packages(name="Docker", packages=["docker.io", "docker-cli"], update=True, no_recommends=True)
systemd.service(name="Docker runs", service="docker", running=True, enabled=True)
if not says("docker image inspect %s" % want["image"]):
    files.put(name="The image arrives", src=want["archive"], dest="/var/tmp/image.tar.gz", mode="600")
    server.shell(name="The image is loaded", commands=["docker load --input /var/tmp/image.tar.gz"])
if not says("docker container inspect oqs-ssh"):
    server.shell(name="The container runs", commands=[
        "docker run -dit --name oqs-ssh --network host --restart unless-stopped %s" % want["image"]])
files.put(name="The password", src=io.StringIO("oqs:%s\n" % want["password"]), dest="/run/oqs-new", mode="600")
server.shell(name="The password counts", commands=["docker exec -i oqs-ssh chpasswd </run/oqs-new; rm /run/oqs-new"])
if [pattern for pattern, change in EDITS if edit(CLIENT, pattern, change)]:
    server.shell(name="Keys of the new types", commands=[inside("/opt/oqs-ssh/scripts/key-gen.sh")])
if edit(SERVER, "^KexAlgorithms %s$" % want["kex"], "s/^KexAlgorithms.*/KexAlgorithms %s/" % want["kex"]):
    server.shell(name="The server loads it", commands=[inside("rc-service oqs-sshd restart")])
server.shell(name="The account takes the hop's key", commands=[HOP])
if not says("grep -q 'tcp dport 2222 accept' /etc/nftables.conf"):
    server.shell(name="The firewall", commands=[
        "sed -i '/tcp dport 22 /a tcp dport 2222 accept' /etc/nftables.conf && nft -f /etc/nftables.conf"])
