# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the documentation shows works as it stands: every example of the modules and every play of the READMEs is run
word for word on a test host, the examples four times (check, real, check, real); variables and files give the rest."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.variables import variables

ROOT = Path(__file__).resolve().parents[2]
from images import build
from lab.lab import Lab, LabError

pytestmark = pytest.mark.docker
MODULES = sorted((ROOT / "plugins" / "modules").glob("[!_]*.py"))
READMES = [ROOT / "README.md", *sorted((ROOT / "roles").glob("*/README.md"))]
ALICE = "ssh-novel512@example.org AAAAGHNzaC1ub3ZlbDUxMkBleGFtcGxlLm9yZwAAAAhzZWVkc2VlZA== alice@desk"
#: What a rotation changes: each time something.
ALWAYS = "always"
#: In which order the examples are run, by their names, and whether there is something to change the first time.
ORDER = {
    "The port must be closed to us": False,
    "Is this host's own sshd quantum-safe already?": False,
    "A host key of a type that the host itself does not know": True,
    "Two host keys in one container, broken ones replaced": True,
    "A classical identity made by the host": True,
    "A colleague's post-quantum key": True,
    "Take a key away from two accounts": True,
    "See what a deployment would change": False,
    "Only the container and its state": True,
    "A new password": ALWAYS,
    "From outside, the container must offer nothing but quantum-safe key exchanges": False,
    "Would a client of OpenSSH 9.2 get in?": False,
    "Only these keys reach the container's user, and only from the office": True,
    "Let the client of the container reach a classical sshd, as the manual of the image describes it": True,
    "The user's own password before the container is started": True,
    "Keep the hash in the state folder, too": True,
    "Keys only": True,
    "Close the host's sshd, checked by itself": True,
    "What was done, what was negotiated, how to log in": False,
}
#: Examples that need more than one host, or another way to it; the scenario that runs them.
ELSEWHERE = {
    "What clients have to know": "client",
    "Aliases on this machine": "client",
    "Closed to the world": "lockdown",
    "Only over a quantum-safe connection": "ansible-over-pq",
}
PREPARE = """set -e
useradd -m -s /bin/sh bob
install -d -m 755 /etc/oqs-ssh /var/lib/oqs-ssh
install -d -m 700 /etc/oqs-ssh/private
docker tag localhost/quantumsafe/openssh-stock:latest openquantumsafe/openssh:latest
ip address add 192.0.2.10/32 dev lo
printf 'PerSourcePenalties no\\n' >/etc/ssh/sshd_config.d/00-oqs-test.conf
systemctl restart ssh
"""


def documentation(path):
    """A module's documentation and its examples as tasks."""
    found = dict(re.findall(r'(?ms)^(DOCUMENTATION|EXAMPLES) = r"""\n(.*?)^"""', path.read_text(encoding="utf-8")))
    return yaml.safe_load(found["DOCUMENTATION"]), yaml.safe_load(found["EXAMPLES"])


def examples():
    """All examples by their names."""
    return {task["name"]: task for path in MODULES for task in documentation(path)[1]}


def blocks(path):
    """The indented blocks of a README, with their own indentation gone."""
    text = path.read_text(encoding="utf-8")
    return [textwrap.dedent(found.group(0)) for found in re.finditer(r"(?m)(?:^ {4,}\S.*\n(?:\n(?= {4}))?)+", text)]


def plays():
    """All plays that the READMEs show."""
    found = [yaml.safe_load(block) for path in READMES for block in blocks(path) if block.startswith("- hosts:")]
    return [play for block in found for play in block]


def spec_of(options):
    """The argument spec that documentation describes (ansible-test sanity compares it with the module's own)."""
    spec = {}
    for name, option in options.items():
        spec[name] = {key: option[key] for key in ("type", "choices", "elements", "required") if key in option}
        if "suboptions" in option:
            spec[name]["options"] = spec_of(option["suboptions"])
    return spec


def test_every_example_is_in_the_order():
    names = [task["name"] for path in MODULES for task in documentation(path)[1]]
    assert sorted(names) == sorted([*ORDER, *ELSEWHERE])
    assert all((ROOT / "molecule" / scenario / "molecule.yml").exists() for scenario in ELSEWHERE.values())
    # the client's role has none: it goes with its playbook, which asks the hosts first
    assert len(plays()) == len(READMES) - 1 and all(documentation(path)[1] for path in MODULES)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_arguments_are_those_of_the_documentation(path):
    described, tasks = documentation(path)
    for task in tasks:
        name = "quantumsafe.openssh." + path.stem
        assert set(task) <= {"name", "register", name}, task
        said = ArgumentSpecValidator(spec_of(described.get("options") or {})).validate(task[name] or {})
        assert said.error_messages == [], task


def test_variables_that_the_documentation_speaks_of_are_real():
    real = set(variables.known())
    for path in [*READMES, ROOT / "hosts.example"]:
        words = set(re.findall(r"\b(?:oqs_ssh|docker_engine)_\w+", path.read_text(encoding="utf-8")))
        roles = {role.name for role in (ROOT / "roles").iterdir()}
        assert words - roles <= real, path


def test_inventories_are_what_they_seem(tmp_path):
    """The inventory of the README and the example file: hosts in their group, values that pass the checks."""
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519.pub").write_text(ALICE + "\n")
    (shown,) = [block for block in blocks(ROOT / "README.md") if block.startswith("[oqs_ssh]")]
    for text in (shown, (ROOT / "hosts.example").read_text(encoding="utf-8")):
        (tmp_path / "hosts").write_text(text)
        playbook = [{"hosts": "oqs_ssh", "connection": "local", "gather_facts": False, "tasks": [
            {"ansible.builtin.debug": {"msg": "{{ 'oqs_ssh_authorized_keys oqs_ssh_image_source oqs_ssh_stock_clients'"
                                              " | split | map('extract', vars) | to_json }}"}}]}]
        said = ansible(tmp_path, playbook, "-i", "hosts", env={"HOME": str(tmp_path)})
        assert said.count("ok=1") == 2
        keys, source, stock = json.loads(json.loads(re.findall(r'"msg": (".*")', said)[0]))
        assert variables.check({"oqs_ssh_authorized_keys": keys, "oqs_ssh_image_source": source,
                                "oqs_ssh_stock_clients": stock}, None) == []
        assert keys == [ALICE]


def ansible(folder, playbook, *options, env=None):
    """Run a playbook as people do, from a folder of their own; what it said."""
    (folder / "play.yml").write_text(yaml.safe_dump(playbook, sort_keys=False), encoding="utf-8")
    ours = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    ours.update(ANSIBLE_NOCOLOR="1", ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"), LC_ALL="C.UTF-8",
                PYTHONDONTWRITEBYTECODE="1", PATH="%s:%s" % (Path(sys.executable).parent, os.environ["PATH"]))
    done = subprocess.run(["ansible-playbook", "play.yml", *options], cwd=folder, env=dict(ours, **(env or {})),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A test host with the image, and what the examples take for granted."""
    image = build.build("stock")
    name = "examples-" + uuid.uuid4().hex[:6]
    try:
        made = Lab.up(name, {"web1": "trixie"}, variant="docker", state=tmp_path_factory.mktemp("lab") / "state")
    except LabError:
        Lab(name).down()
        raise
    try:
        subprocess.run("docker save '%s' | docker exec -i %s docker load -q" % (image, made.host("web1").container),
                       shell=True, check=True, stdout=subprocess.DEVNULL, timeout=300)
        made.exec("web1", ["sh", "-c", PREPARE])
        yield made
    finally:
        made.down()


@pytest.fixture
def folder(tmp_path, lab):
    """Where somebody stands who has read the documentation: a key of a colleague, an inventory, a vault."""
    (tmp_path / "alice.pub").write_text(ALICE + "\n")
    (tmp_path / "vars.json").write_text(json.dumps({
        "lost_key": ALICE, "vault_oqs_password": "heron-" + uuid.uuid4().hex, "ansible_pipelining": True,
        "oqs_ssh_image_source": "build", "oqs_ssh_stock_clients": True, "oqs_ssh_authorized_keys": [ALICE],
        "oqs_ssh_password_store": str(tmp_path / "store"), "oqs_ssh_client_dir": str(tmp_path),
    }))
    return tmp_path


def four_times(task, changes):
    """Check, real, check, real, each with what is expected about changes; twice is enough where nothing changes."""
    expected = [True] * 4 if changes == ALWAYS else [True, True, False, False] if changes else [False, False]
    return [
        dict(task, check_mode=number % 2 == 0, register="call",
             failed_when="call.failed | default(false) or call.changed | default(false) is not %s" % changed)
        for number, changed in enumerate(map(str.lower, map(str, expected)))
    ]


def test_every_example_runs(lab, folder):
    known = examples()
    tasks = [step for name, changes in ORDER.items() for step in four_times(known[name], changes)]
    files = [str(ROOT / "roles" / "oqs_ssh" / kind / "main.yml") for kind in ("defaults", "vars")]
    play = {"hosts": "all", "gather_facts": False, "become": True, "vars_files": files, "tasks": tasks}
    said = ansible(folder, [play], "-i", str(lab.inventory), "-e", "@vars.json")
    assert "ok=%d" % len(tasks) in said


def test_every_play_of_the_readmes_runs(lab, folder):
    """In the state that the examples left, which is not quite as wanted; then there is nothing left to do.

    Each role in four calls, in plays of their own: tests/e2e/deploy/test_roles_alone.py."""
    arguments = ("-i", str(lab.inventory), "-e", "@vars.json")
    done, nothing = (ansible(folder, plays(), *options, *arguments) for options in ([], ["--check"]))
    assert int(re.search(r"changed=(\d+)", done).group(1)) > 0
    assert "changed=0" in nothing, nothing
