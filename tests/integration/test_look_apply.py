# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""oqs_look and oqs_apply on a real host: fast, whole, and always on the way to the same end.

`make test` takes the first six of the generated states and a handful of kills; all hundred, and twenty kills, are
marked slow: `make test-modules`, or pytest -m "slow or not slow". The work on the host is done by apply_states.py.
"""

from __future__ import annotations

import io
import json
import re
import secrets
import subprocess
import sys
import tarfile
import uuid
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "lab"), str(ROOT / "images")]
import build
from lab import Lab, LabError

from ansible_collections.quantumsafe.openssh.plugins.module_utils import plan as plans

pytestmark = pytest.mark.docker
UNKNOWN = plans.UNKNOWN
PLACE = "/root/oqs"
STATES, FEW_STATES = 100, 6
KILLS, FEW_KILLS = 20, 3
SECRET = "heron-" + secrets.token_hex(9)
USER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHvS0rTq1n3c5Xk9f0bW2mL4d6h8j0q2s4u6w8y0A1C3 me@desk"
#: A firewall as people have it: closed, but for ssh, pings, and what the operator added.
NFT = """#!/usr/sbin/nft -f
# operator: keep this table
table inet filter
delete table inet filter
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        iif lo accept
        ct state established,related accept
        meta l4proto { icmp, ipv6-icmp } accept
        tcp dport 22 accept
        tcp dport 8080 accept comment "operator"
    }
}
"""


def pytest_generate_tests(metafunc):
    """A hundred states where slow tests are asked for (or asked not to run), else those of every day."""
    many = "slow" in (metafunc.config.getoption("markexpr") or "")
    for name, all_of_them, few in (("state", STATES, FEW_STATES), ("kill", KILLS, FEW_KILLS)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, [
                pytest.param(number, marks=[pytest.mark.slow] if number >= few else [])
                for number in range(all_of_them if many else few)
            ])


def tar_of_plugins():
    """The collection as a module finds it, and our helper beside it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.add(ROOT / "plugins/module_utils", "ansible_collections/quantumsafe/openssh/plugins/module_utils",
                    filter=lambda info: None if "__pycache__" in info.name else info)
        archive.add(ROOT / "tests/integration/apply_states.py", "apply_states.py")
    return stream.getvalue()


class Bench:
    """The test host with an image, a firewall, and a way to run jobs there."""

    def __init__(self, lab, image_id):
        self.lab, self.image_id = lab, image_id

    def want(self, *sections, **ssh):
        """What is wanted, as the action sends it (its keys are compared with the roles' own below)."""
        parts = {
            "ssh": {
                "state": "present", "container": "oqs-ssh", "port": 2222, "restart_policy": "unless-stopped",
                "user": "oqs", "uid": "auto", "authorized_keys": [USER_KEY], "authorized_keys_exclusive": True,
                "kex_algorithms": [], "host_key_algorithms": [], "pubkey_algorithms": [], "stock_clients": True,
                "sources": [], "hop_port": 22, "password_set": True,
                "image": {"name": "quantumsafe/openssh-stock:latest", "source": "build", "id": self.image_id,
                          "facts": None},
                "entry": (ROOT / "roles/oqs_ssh/files/entry").read_text(),
                **ssh,
            },
            "firewall": {"state": "present", "backend": "auto", "sources": [], "port": 2222, "container": "oqs-ssh"},
            "hop": {"state": "present", "users": ["alice"], "hop_port": 22, "scope": "localhost", "privileged": False,
                    "container": "oqs-ssh", "port": 2222},
        }
        return {name: parts[name] for name in sections or ("ssh", "firewall", "hop")}

    def job(self, what, timeout=240.0, **more):
        """Run a job of apply_states.py; everything goes by standard input."""
        data = json.dumps({"want": self.want(), "secret": SECRET, "do": what, **more}).encode()
        done = self.lab.exec("web1", ["python3", PLACE + "/apply_states.py"], data, check=False, timeout=timeout)
        assert done.returncode == 0, done.stderr.decode()[-3000:]
        return json.loads(done.stdout)

    def run(self, script, stdin=b"", check=True):
        return self.lab.exec("web1", ["sh", "-c", script], stdin, check=check).stdout.decode("utf-8", "replace")


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A host of its own for this file, deployed."""
    image = build.build("stock")
    name = "apply-" + uuid.uuid4().hex[:6]
    try:
        lab = Lab.up(name, {"web1": "trixie"}, variant="docker", state=tmp_path_factory.mktemp("lab") / "state")
    except LabError:
        Lab(name).down()
        raise
    try:
        yield prepared(lab, image)
    finally:
        lab.down()


def prepared(lab, image):
    """Bring what a role or an action would have brought, then deploy."""
    container = lab.host("web1").container
    subprocess.run("docker save '%s' | docker exec -i %s docker load -q" % (image, container), shell=True, check=True,
                   stdout=subprocess.DEVNULL, timeout=300)
    lab.exec("web1", ["mkdir", "-p", PLACE])
    lab.exec("web1", ["tar", "-xC", PLACE], tar_of_plugins())
    lab.exec("web1", ["sh", "-c", "cat >/etc/nftables.conf; nft -f /etc/nftables.conf; systemctl -q enable nftables"],
             NFT.encode())
    image_id = subprocess.run(["docker", "image", "inspect", "-f", "{{.Id}}", image], capture_output=True, check=True,
                              text=True).stdout.strip()
    bench = Bench(lab, image_id)
    outcome = bench.job("apply")
    assert "failed" not in outcome, outcome["failed"]
    return bench


def names(items):
    return ["%s %s" % (item["kind"], item["name"]) for item in items]


def assert_converged(found):
    """Nothing left to do, and the proof that it works; what a failure shows is enough to repeat it."""
    assert "failed" not in found, found
    assert not found.get("errors"), found["errors"]
    assert found["left"] == [], (found.get("damages"), found["left"])
    for name in ("own", "hop"):
        assert found["proof"][name]["ok"], (found.get("damages"), name, found["proof"][name])


def assert_as_forecast(forecast, done, why):
    """What the plan said is what was done: resource by resource, before and after where they could be known."""
    key = [(item["section"], item["kind"], item["name"]) for item in done]
    assert len(set(key)) == len(key), (why, "twice", names(done))
    if any(item["kind"] in ("image_facts", "image") for item in forecast):
        return  # nearly everything is <known after apply> there
    said = {(item["section"], item["kind"], item["name"]): item for item in forecast}
    assert set(said) == set(key), (why, "forecast", names(forecast), "done", names(done))
    for item in done:
        planned = said[item["section"], item["kind"], item["name"]]
        assert planned["after"] in (UNKNOWN, item["after"]), (why, planned, item)
        if planned["after"] != UNKNOWN:
            assert planned["before"] == item["before"], (why, planned, item)


def test_wants_as_the_roles_make_them(bench):
    for section, role in (("ssh", "oqs_ssh"), ("firewall", "oqs_ssh_firewall"), ("hop", "oqs_ssh_hop")):
        wanted = yaml.safe_load((ROOT / "roles" / role / "vars/main.yml").read_text())[role + "_want"]
        assert set(bench.want()[section]) == set(wanted) | ({"entry", "password_set"} if section == "ssh" else set())


def test_a_look_is_quick(bench):
    """The limit that counts is half a second on an idle machine; the one here leaves room for busy ones."""
    found = bench.job("time")
    print("one look: %(look).3f s, with a handshake and a hop as proof %(with_proof).3f s (load %(load).1f)" % found)
    assert found["look"] < 2.0


def test_from_any_state(bench, state):
    found = bench.job("cycle", seed=state, watch=True)
    assert_converged(found)
    assert not found["refused"]
    assert found["lost"] == [], found
    assert found["serves"] == "fine"
    assert_as_forecast(found["forecast"], found["done"], found["damages"])
