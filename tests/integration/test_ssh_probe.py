# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The verdicts of ssh_probe compared with what real clients and servers of several OpenSSH do, name by name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.probe import probe
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.probe_task import Client, common_ground

from tests.integration.module_call import call, docker, python_host
from tests.integration.probe_hosts import Host

pytestmark = pytest.mark.docker
SUITES = ("bookworm", "trixie", "forky")
SSHD_T = "/usr/sbin/sshd -T -f /dev/null -h /etc/ssh/ssh_host_ed25519_key"
ROOT = Path(__file__).resolve().parents[2]
# NEWKEYS: the key exchange is through.
TRY_ALL = """
try() {
  if ssh -vvv -F /dev/null -p 2222 -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \\
    -o GSSAPIAuthentication=no -o PreferredAuthentications=none "$@" nobody@ADDRESS true >/tmp/said 2>&1; then :; fi
  if grep -q "SSH2_MSG_NEWKEYS received" /tmp/said; then agreed=yes; else agreed=no; fi
  if grep -q "will use strict KEX ordering" /tmp/said; then strict=yes; else strict=no; fi
  kex=$(sed -n 's/^debug1: kex: algorithm: \\([^ (]*\\).*/\\1/p' /tmp/said | tr -d '\\r')
  key=$(sed -n 's/^debug1: kex: host key algorithm: \\([^ (]*\\).*/\\1/p' /tmp/said | tr -d '\\r')
}
say() { echo "$1 $2 $agreed $strict ${kex:--} ${key:--}"; }
try; say default -
for name in $(ssh -Q kex); do try -o KexAlgorithms=$name; say kex $name; done
for name in $(ssh -Q sig); do try -o HostKeyAlgorithms=$name; say host_key_algorithms $name; done
[ ALSO = yes ] || exit 0
for name in $(ssh -Q cipher); do try -o Ciphers=$name; say ciphers $name; done
for name in $(ssh -Q mac); do try -o Ciphers=aes128-ctr -o MACs=$name; say macs $name; done
"""


@pytest.fixture(scope="module")
def hosts():
    found = {}
    try:
        for suite in SUITES:
            found[suite] = Host(suite)
        yield found
    finally:
        for host in found.values():
            host.remove()


@pytest.mark.parametrize("server", SUITES)
def test_what_is_offered_is_what_sshd_says(hosts, server):
    """Lists and order, against the server's own account of itself (sshd -T)."""
    said = {
        line.partition(" ")[0].lower(): line.partition(" ")[2]  # 10.6 prints keywords in mixed case
        for line in hosts[server].run(SSHD_T).stdout.decode().splitlines()
    }
    offered = probe(hosts[server].address, 2222).offered
    assert offered.kex == said["kexalgorithms"].split(",")
    assert offered.ciphers == said["ciphers"].split(",") and offered.macs == said["macs"].split(",")
    assert set(offered.host_key_algorithms) <= set(said["hostkeyalgorithms"].split(","))
    files = hosts[server].run("cut -d' ' -f1 /etc/ssh/ssh_host_*_key.pub").stdout.decode().split()
    assert sorted(offered.host_key_types) == sorted(files)
    assert offered.software in hosts[server].run("ssh -V 2>&1").stdout.decode()


@pytest.mark.parametrize("server", SUITES)
@pytest.mark.parametrize("client", SUITES)
def test_common_ground_is_what_real_clients_find(hosts, client, server):
    """Each key exchange and signature that the client's ssh lists: agreed upon or not, as we say; ciphers, too, among
    equals."""
    offered = probe(hosts[server].address, 2222).offered
    script = TRY_ALL.replace("ADDRESS", hosts[server].address).replace("ALSO", "yes" if client == server else "no")
    lines = hosts[client].run(script).stdout.decode().splitlines()
    seen = {}
    for line in lines:
        what, name, agreed, strict, kex, key = line.split()
        if what == "default":
            assert (agreed, strict) == ("yes", "yes" if offered.strict_kex else "no"), line
            assert algorithms.family(kex) == "hybrid" or server == client == "bookworm", line
            continue
        lists = {what: [name]} if what != "macs" else {"ciphers": ["aes128-ctr"], "macs": [name]}
        ours = common_ground(offered, Client(**lists))
        assert ours.agreed is (agreed == "yes"), (line, ours)
        if ours.agreed and what == "kex":
            assert ours.kex == kex == name
        if ours.agreed and what == "host_key_algorithms":
            assert ours.host_key == key == name
        seen.setdefault(what, set()).add(agreed)
    assert {"kex", "host_key_algorithms"} <= set(seen) and ("macs" in seen) is (client == server)
    assert seen["kex"] == seen["host_key_algorithms"] == {"yes", "no"} and len(lines) > 20


@pytest.mark.parametrize("server", SUITES)
def test_every_name_that_openssh_knows_has_a_family(hosts, server):
    names = hosts[server].run("ssh -Q kex; ssh -Q sig; ssh -Q key").stdout.decode().split()
    families = {name: algorithms.family(name) for name in names}
    assert "unknown" not in families.values(), families
    hybrids = [name for name in names if any(word in name for word in ("mlkem", "sntrup", "mldsa"))]
    assert [name for name in names if families[name] == "hybrid"] == hybrids
    assert {name for name in names if families[name] == "pq"} <= {"ssh-xmss@openssh.com"}


@pytest.mark.parametrize("server", SUITES)
def test_the_server_s_log_shows_a_polite_visitor(hosts, server):
    probe(hosts[server].address, 2222)
    log = subprocess.run(["docker", "logs", hosts[server].name], capture_output=True, check=True).stderr.decode()
    assert "only asking" in log and "error:" not in log, log[-800:]


def test_many_probes_at_once(hosts):
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(probe(hosts["forky"].address, 2222, 10.0)))
        for _number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.error for result in results] == [None] * 20


def ansible(*arguments):
    """ansible-playbook of this Python, with output as JSON of the last task's result."""
    program = shutil.which("ansible", path=os.path.dirname(sys.executable))
    if program is None:
        pytest.skip("no ansible beside this Python")
    environment = {
        **os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable, "ANSIBLE_NOCOLOR": "1",
    }
    done = subprocess.run(
        [program, "-m", "quantumsafe.openssh.ssh_probe", *arguments], capture_output=True, text=True, env=environment,
        timeout=120, check=False,
    )
    return done.returncode, done.stdout + done.stderr


def result_of(said):
    return json.loads(said[said.index("{"):said.rindex("}") + 1])


def test_module_on_the_host_and_from_the_controller(hosts):
    address = hosts["forky"].address
    code, said = ansible("localhost", "-a", "host=%s port=2222" % address)
    assert code == 0, said
    from_host = result_of(said)
    # The managed host itself is out of reach: nothing but the controller's process is needed.
    inventory = "away,"
    code, said = ansible("away", "-i", inventory, "-e", "ansible_host=%s" % address, "-e", "ansible_port=1",
                         "-a", "probe_from=controller port=2222", "--check")
    assert code == 0, said
    from_controller = result_of(said)
    volatile = ("duration", "invocation", "warnings", "deprecations", "ansible_facts")
    assert {key: value for key, value in from_host.items() if key not in volatile} == {
        key: value for key, value in from_controller.items() if key not in volatile
    }
    assert from_host["changed"] is False and from_host["quantum_safe"]["kex"] == "some"


@pytest.mark.parametrize("where", ["host", "controller"])
@pytest.mark.parametrize(("more", "words"), [
    ({"expect": {"quantum_safe_kex": "all"}}, "some of the key exchange algorithms offered are quantum-safe"),
    ({"expect": {"reachable": False}}, "a connection was accepted, where expect.reachable is false"),
    ({"client": {"kex": ["diffie-hellman-group1-sha1"]}, "expect": {"common_ground": True}}, "no common ground"),
    ({"expect": {"quantum_safe_kex": "most"}}, "value of quantum_safe_kex must be one of: all, some"),
    ({"port": 0}, "port 0 is not between 1 and 65535"),
    ({"porto": 1}, "porto"),
])
def test_failures_in_words(hosts, where, more, words):
    arguments = {"host": hosts["trixie"].address, "port": 2222, "probe_from": where, **more}
    code, said = ansible("localhost", "-a", json.dumps(arguments))
    assert code != 0 and words in said and "Traceback" not in said, said


def test_by_a_jump_through_the_host():
    """A server that nobody but the host itself reaches, by a name with several addresses of which one answers."""
    for host in python_host("trixie"):
        names = "192.0.2.1 many.example\\n2001:db8::1 many.example\\n127.0.0.1 many.example\\n"
        docker("exec", host, "sh", "-c", "printf '%s' >>/etc/hosts" % names)
        for name, address in (("many.example", "127.0.0.1"), (None, None)):
            result = call("ssh_probe", {"host": name, "port": 2222, "expect": {"quantum_safe_kex": "some"}}, host=host)
            assert not result.get("failed"), result
            assert result["address"] in ([address] if address else ["127.0.0.1", "::1"])
        assert docker("inspect", "-f", "{{.HostConfig.NetworkMode}}", host).stdout == b"none\n"
