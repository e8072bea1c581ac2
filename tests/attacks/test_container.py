# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Attacks from within the container on its host: by its root, and by whoever has a shell in it."""

from __future__ import annotations

import os
import subprocess
import uuid

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.machine import Machine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import content, effect, policy
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.engine import Engine
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import configuration

from images import build
from tests.attacks.attack import attack

UID = "22222"


def arguments(**wish):
    """Of ``docker create``."""
    want = {"ssh": samples.ssh_want(**wish)}
    found = samples.facts_of(want, samples.image_known())
    return content.create_arguments(samples.spec(want).of(ServerSpec), found.of(Image), int(UID), found.of(Machine),
                                    found.of(Engine))


def values(option):
    found = arguments()
    return [found[number + 1] for number, word in enumerate(found) if word == option]


@attack("A2", "container root -> host root", "writes to what root runs, mounts or believes at the next upgrade")
def test_nothing_that_is_run_or_believed_lies_where_it_can_write():
    mounts = [dict(part.partition("=")[::2] for part in each.split(",")) for each in values("--mount")]
    writable = [each["source"] + "/" for each in mounts if "readonly" not in each]
    assert [each for each in mounts if each["target"] == paths.ENTRY and "readonly" in each]
    others = [each["source"] for each in mounts if "readonly" in each]
    for path in (*others, paths.UID, paths.WRITTEN, paths.LEDGER, paths.IMAGES_DIR):
        assert not [each for each in writable if path.startswith(each)], path


@attack("A18", "container root -> the host's services", "takes a port below 1024 that a service has just left")
def test_it_binds_no_port_of_the_hosts_services():
    assert "NET_BIND_SERVICE" not in values("--cap-add") and values("--cap-drop") == ["ALL"]


@pytest.fixture
def shell():
    """Somebody with a shell in a container with the real one's limits: a script, and what it says."""
    name = "oqs-attack-" + uuid.uuid4().hex[:8]
    image = build.build("stock", say=lambda _text: None)
    options = [*content.limits(samples.spec({"ssh": samples.ssh_want()}).of(ServerSpec)), "--network", "none"]
    docker("run", "--detach", "--rm", "--name", name, *options, "--entrypoint", "/bin/sleep", image, "300")
    yield lambda user, script: docker("exec", "--user", user, name, "bash", "-c", script)
    docker("rm", "--force", name)


def docker(*argv):
    done = subprocess.run(["docker", *argv], capture_output=True, text=True, timeout=120, check=False)
    return done.stdout.strip()


@attack("A18", "user oqs -> the host's disk", "fills the folders that everybody may write to")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs Docker, as root")
def test_what_everybody_may_fill_is_bounded(shell):
    for folder in ("/tmp", "/var/tmp", "/run/lock"):
        said = shell(UID, "head -c 100M /dev/zero >%s/much 2>/dev/null; wc -c <%s/much" % (folder, folder))
        assert 0 < int(said) <= 64 << 20, folder


@attack("A18", "user oqs -> the only way in", "starts processes until nobody else can")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs Docker, as root")
def test_a_users_processes_leave_room_for_sshd(shell):
    said = shell(UID, "for each in {1..400}; do sleep 60 2>/dev/null & done 2>/dev/null; jobs -p | wc -l")
    assert not said or int(said) <= content.USERS_PROCESSES
    mine = "grep -l '^Uid:.%s' /proc/[0-9]*/status 2>/dev/null | wc -l" % UID
    assert 64 < int(shell("0", mine)) <= content.USERS_PROCESSES, "root looks, which takes processes, too"


WEAKENING = [
    "Match all\n  PermitRootLogin yes\n  AllowUsers *\n",
    "Match Address 198.51.100.7\n  AuthorizedKeysCommand /bin/cat\n  AuthorizedKeysCommandUser root\n",
    "Match User root\n  TrustedUserCAKeys /etc/oqs-ssh/ca\n", "Include /etc/oqs-ssh/more\n",
    "Match LocalPort 2222 Address 192.0.2.1\n  AllowTcpForwarding yes\n  PermitOpen any\n",
    "SshdSessionPath /bin/evil\n",
]


@attack("A10", "container root -> the policy", "appends to sshd_config what lets root in, or runs a program")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs Docker, as root")
def test_an_edit_that_weakens_is_found_and_taken_out(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "VAR_DIR", str(tmp_path / "var"))
    monkeypatch.setattr(paths, "LOCK_DIR", str(tmp_path / "run"))
    image = build.build("stock", say=lambda _text: None)
    ssh = samples.spec({"ssh": samples.ssh_want(entry=build.ENTRY.read_text("utf-8"))}).of(ServerSpec)
    own = docker("run", "--rm", "--network", "none", "--entrypoint", "cat", image, "/opt/oqs-ssh/sshd_config").encode()
    alone = policy.server_config(own + b"\n", ssh, Image(**samples.image(unsupported_keywords=[
        "gssapiauthentication", "kerberosauthentication"])))

    def judged(draft):
        asked = effect.configurations(draft, alone, own)
        return effect.weak(configuration._effects(ssh, image, asked, draft), draft, own)

    assert judged(alone + b"Match Address 192.0.2.1\n  PasswordAuthentication no\n") == ()
    draft = alone + "".join(sorted(WEAKENING, key=lambda each: each.startswith("Match"))).encode()
    found = judged(draft)
    assert len({each.block for each in found}) == 5 and len(found) >= 8
    assert judged(effect.repaired(draft, found, own)) == ()
