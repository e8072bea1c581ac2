# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""oqs_look and oqs_apply on a real host: fast, whole, and always on the way to the same end.

`make test` takes the first six of the generated states and a handful of kills; all hundred, and twenty kills, are
marked slow: `make test-modules`, or pytest -m "slow or not slow". The work on the host is done by apply_states.py.
"""

from __future__ import annotations

import difflib
import io
import json
import random
import re
import secrets
import subprocess
import tarfile
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import UNKNOWN
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import plan as plans
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.variables import variables, wanted

from images import build
from lab.lab import Lab, LabError
from tests.integration import apply_damages

pytestmark = pytest.mark.docker
PLACE = "/root/oqs"
STATES, FEW_STATES = 100, 6
KILLS, FEW_KILLS = 20, 3
#: A first deployment writes some thirty entries; one more than it writes ends well at once.
ENTRIES, FEW_ENTRIES = 32, 2
SECRET = "heron-" + secrets.token_hex(9)
USER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHvS0rTq1n3c5Xk9f0bW2mL4d6h8j0q2s4u6w8y0A1C3 me@desk"
FOREIGN = apply_damages.FOREIGN_KEY
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
    for name, all_of_them, few in (
        ("state", STATES, FEW_STATES), ("kill", KILLS, FEW_KILLS), ("entry", ENTRIES, FEW_ENTRIES),
    ):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, [
                pytest.param(number, marks=[pytest.mark.slow] if number >= few else [])
                for number in range(all_of_them if many else few)
            ])


def tar_of_plugins():
    """The collection as a module finds it, and our helpers beside it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.add(ROOT / "plugins/module_utils", "ansible_collections/quantumsafe/openssh/plugins/module_utils",
                    filter=lambda info: None if "__pycache__" in info.name else info)
        for name in ("apply_states.py", "apply_damages.py"):
            archive.add(ROOT / "tests/integration" / name, "tests/integration/" + name)
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
                "classical_clients": False,
                "sources": [], "hop_port": 22, "password_set": True, "mode": "shell",
                "image": {"name": "localhost/quantumsafe/openssh-stock:latest", "source": "build", "id": self.image_id,
                          "facts": None},
                "entry": (ROOT / "roles/oqs_ssh/files/entry").read_text(),
                **ssh,
            },
            "firewall": {"state": "present", "backend": "auto", "sources": [], "port": 2222, "container": "oqs-ssh"},
            "hop": {"state": "present", "users": ["alice"], "hop_port": 22, "scope": "localhost", "privileged": False,
                    "container": "oqs-ssh", "port": 2222, "entry": (ROOT / "roles/oqs_ssh/files/entry").read_text()},
        }
        return {name: parts[name] for name in sections or ("ssh", "firewall", "hop")}

    def job(self, what, timeout=240.0, **more):
        """Run a job of apply_states.py; everything goes by standard input."""
        data = json.dumps({"want": self.want(), "secret": SECRET, "do": what, **more}).encode()
        argv = ["env", "-C", PLACE, "python3", "-m", "tests.integration.apply_states"]
        done = self.lab.exec("web1", argv, data, check=False, timeout=timeout)
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
    """Bring what a role or an action would have brought, then deploy.

    The host's own sshd (9.8 and later) would soon send away whoever connects every second: not here.
    """
    container = lab.host("web1").container
    subprocess.run("docker save '%s' | docker exec -i %s docker load -q" % (image, container), shell=True, check=True,
                   stdout=subprocess.DEVNULL, timeout=300)
    lab.exec("web1", ["mkdir", "-p", PLACE])
    lab.exec("web1", ["tar", "-xC", PLACE], tar_of_plugins())
    lab.exec("web1", ["sh", "-c", "cat >/etc/ssh/sshd_config.d/00-oqs-test.conf; systemctl restart ssh"],
             b"PerSourcePenalties no\n")
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
    may_be_right = {name for name, item in said.items() if item["after"] == UNKNOWN}
    not_done = [item for name, item in said.items() if name not in set(key) | may_be_right]
    assert not not_done, (why, "forecast only", not_done, "done", names(done))
    not_said = [item for item in done if (item["section"], item["kind"], item["name"]) not in said]
    assert not not_said, (why, "not forecast", not_said, "forecast", names(forecast))
    for item in done:
        planned = said[item["section"], item["kind"], item["name"]]
        assert planned["after"] in (UNKNOWN, item["after"]), (why, planned, item)
        if planned["after"] != UNKNOWN:
            assert planned["before"] == item["before"], (why, planned, item)


def test_wants_as_the_roles_make_them(bench):
    specs = variables.known()  # some defaults are templates; only the names of what they give count here
    said = wanted.wanted(("ssh", "firewall", "hop"), lambda name: specs[name]["default"])
    added = {"ssh": {"entry", "password_set"}, "hop": {"entry"}, "firewall": set()}
    for section, part in said.items():
        assert set(bench.want()[section]) == set(part) | added[section]


def test_a_look_is_quick(bench):
    """Half a second on an idle machine; the limit here leaves room for others' work on the same one. What it costs
    does not depend on them: few programs (docker takes 50 ms a call, systemctl 10), and little of the
    processor."""
    found = bench.job("time")
    print("one look: %(look).3f s, with a handshake and a hop as proof %(with_proof).3f s; %(cpu).3f s of the "
          "processor (load %(load).1f on %(cores)d)" % found)
    print(*found["programs"], sep="\n")
    # one for each question: NAT, what is loaded at boot and whether the engine starts then are among them
    assert len(found["programs"]) <= 12 and sum(argv[0] == "docker" for argv in found["programs"]) <= 3, found
    assert found["cpu"] < 0.8
    assert found["look"] < (0.5 if found["load"] < 0.5 * found["cores"] else max(2.0, found["load"] / found["cores"]))


def test_from_any_state(bench, state):
    found = bench.job("cycle", seed=state, watch=True)
    assert_converged(found)
    assert not found["refused"]
    assert found["lost"] == [], found
    assert found["serves"] == "fine"
    assert found["keys"] == []
    assert found["unseen"] == [] and found["modes"] == []
    if "sshd_killed" not in found["damages"]:  # a server that comes and goes by itself changes things meanwhile
        assert_as_forecast(found["forecast"], found["done"], found["damages"])


def assert_survived(found):
    """After a kill, and after the apply that followed."""
    assert_converged(found)
    assert found["broken_keys"] == [] and found["keys"] == []
    assert "published" not in found["seen"] if "password_by_hand" not in found["damages"] else True, found["damages"]
    assert found["after"] == "fine"
    assert [path for path in found["left_over"] if "oqs-ssh-keys-" not in path] == [], found


def test_killed_at_a_random_moment(bench, kill):
    """SIGKILL to the process; half the time it was at its first deployment."""
    found = bench.job("kill", seed=kill, wipe=kill % 2 == 0, after=random.Random(kill).uniform(0.3, 6.0))
    assert found["rc"] in (0, -9), found
    assert_survived(found)


def test_killed_at_each_entry_of_the_ledger(bench, entry):
    """The process ends right after it has written an entry and before it does what the entry says."""
    found = bench.job("kill", seed=entry, wipe=True, exit_after=entry)
    assert found["rc"] in (0, 99), found
    assert_survived(found)


def test_two_at_once(bench):
    """One waits for the other; both end well, what the first did is not done twice, and rubbish is cleared away."""
    found = bench.job("two", seed=7, damages=["container_absent", "config_edited", "authorized_keys", "rule"])
    assert [result.get("failed") for result in found["results"]] == [None, None]
    assert not [path for path in found["left_over"] if path.endswith(("-old", "-aa", "-abcdef"))]
    assert sorted(bool(result["done"]) for result in found["results"]) == [False, True]
    assert found["left"] == []
    assert found["serves"] == "fine"


def test_whoever_waits_too_long_is_told(bench):
    found = bench.job("wait")
    assert "another run has been changing this host for over 1 seconds; wait for it" in found["said"]


def test_a_refused_configuration_leaves_the_server_alone(bench):
    """sshd would end on a reload; the person who wrote the line reads which one it is."""
    found = bench.job("nonsense")
    assert "NoSuchKeyword" in found["said"] or "nosuchkeyword" in found["said"]
    assert found["same_process"]
    assert found["left"] == []
    assert found["proof"]["own"]["ok"]


def test_section_by_section_as_the_roles_do_it(bench):
    """The firewall's and the hop's part are another run's; what the look said is what all of them did."""
    damages = ["folder_missing", "container_absent", "rule", "line_of_account"]
    bench.job("damage", seed=1, damages=damages)
    forecast = bench.job("look")["plan"]
    done = [item for section in ("ssh", "firewall", "hop") for item in bench.job("apply", sections=[section])["done"]]
    assert_as_forecast(forecast, done, damages)
    assert bench.job("look")["plan"] == []


def test_a_look_tells_what_the_issue_asks_for(bench):
    """Engine, image, container, state, both configurations as the programs read them, keys, password, firewall,
    listener, hop; never a hash."""
    found = bench.job("truth")
    host = found["host"]
    assert host["engine"][0].isdigit() and host["container"] == "running" and host["image"].startswith("sha256:")
    assert host["openssh"].startswith("OpenSSH_")
    assert host["password"] == "the given one"
    assert host["listener"].startswith("sshd") and host["listener_is_ours"]
    assert host["firewall"] == "nftables" and len(host["firewall_rules"]) == 1
    assert host["hop_users"] == {"alice": "the container's key may log in"}
    assert host["folders"]["/etc/oqs-ssh/private"] == "700 0:0"
    assert all(re.match(r"good \S+ SHA256:", words) for words in host["keys"].values()) and len(host["keys"]) == 2
    for name, lines in found["programs"].items():
        for keyword, value in host["settings"][name].items():
            if keyword in ("include", "identityfile", "hostkey", "subsystem", "acceptenv", "sendenv", "allowusers"):
                continue  # lists, which the programs print a line a member; their values are compared elsewhere
            assert any(_same_setting(line, keyword, value) for line in lines), (name, keyword, value, lines)
    everything = json.dumps(host) + json.dumps(bench.job("look"))
    assert found["shadow"].strip() not in everything
    assert "$6$" not in everything and SECRET not in everything


def _same_setting(line, keyword, value):
    name, _blank, said = line.partition(" ")
    aliases = {"pubkeyacceptedalgorithms": ("pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes")}
    words = {"yes": ("yes", "true"), "no": ("no", "false")}
    wanted = value.lower()
    return name in aliases.get(keyword, (keyword,)) and (said == wanted or said in words.get(wanted, ()) or name in (
        "persourcepenalties", "maxstartups", "logingracetime", "permitopen", "permitlisten", "unusedconnectiontimeout"))


def test_an_address_in_the_penalty_box_can_still_look(bench):
    """The host's own sshd sends away who connects too often; that says nothing against the hop."""
    found = bench.job("penalty")
    assert "Not allowed at this time" in found["said"]
    assert found["errors"] == []
    assert found["plan"] == []


def test_the_plan_reads_well_as_a_diff(bench):
    """As people see it with --diff: one key, one setting a line, and no line longer than the thing itself."""
    bench.job("damage", seed=2, damages=["authorized_keys", "config_edited", "key_damaged", "line_of_account", "rule"])
    changed = {}
    for part in plans.diff([plans.Item(**row) for row in bench.job("look")["plan"]]):
        assert all(text == "" or text.endswith("\n") for text in (part["before"], part["after"]))
        lines = list(difflib.unified_diff(part["before"].splitlines(True), part["after"].splitlines(True), n=0))[2:]
        changed[part["after_header"]] = [line for line in lines if not line.startswith("@@")]
    print(json.dumps(changed, indent=1))
    assert changed["authorized keys oqs"] == ["-" + FOREIGN + "\n"]
    assert changed["known hosts container"] == ["+<known after apply>\n"]
    assert [line[0] for line in changed["nftables port 2222"]] in (["-"], ["-", "+"])
    assert len(changed["sshd config"]) <= 4
    assert_converged_again(bench)


def assert_converged_again(bench):
    outcome = bench.job("apply")
    assert "failed" not in outcome, outcome
    assert bench.job("look")["plan"] == []
