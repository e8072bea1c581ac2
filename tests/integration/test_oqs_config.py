# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""oqs_config as a module: four calls, diffs, validation by the real programs, errors; and a short differential fuzz."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig

from tests.integration.module_call import REPOSITORY, call, docker, four, need_image

pytestmark = pytest.mark.docker
IMAGES = ["localhost/quantumsafe/openssh-stock:latest", "localhost/quantumsafe/openssh-quirks:latest"]
CLASSICAL = "ssh-ed25519"
HOP: List[Dict[str, object]] = [
    {"keyword": "IdentityFile", "value": "~/.ssh/id_ed25519", "how": "uncomment"},
    {"keyword": "HostKeyAlgorithms", "value": CLASSICAL, "how": "add"},
    {"keyword": "PubkeyAcceptedAlgorithms", "value": CLASSICAL, "how": "add"},
    {"keyword": "KexAlgorithms", "value": "curve25519-sha256@libssh.org", "how": "add", "place": "last"},
    {"keyword": "*", "block": "Host localhost 127.0.0.1 ::1", "where": "top",
     "values": ["Port 22", "StrictHostKeyChecking yes"]},
]
CLOSED: List[Dict[str, object]] = [
    {"keyword": "PermitRootLogin", "value": False},
    {"keyword": "MaxAuthTries", "value": 3},
    {"keyword": "AllowUsers", "values": ["oqs"], "how": "add"},
    {"keyword": "HostKey", "value": "/opt/oqs-ssh/ssh_host_ed25519_key", "how": "uncomment"},
    {"keyword": "X11Forwarding", "value": False, "block": "Match User alice"},
]


@pytest.fixture(params=IMAGES)
def configs(request: pytest.FixtureRequest, tmp_path: Path) -> Dict[str, object]:
    """Both files of an image, as it has them."""
    image = need_image(request.param)
    for name in ("ssh_config", "sshd_config"):
        argv = ["run", "--rm", "--network", "none", "--entrypoint", "/bin/cat", image, "/opt/oqs-ssh/" + name]
        (tmp_path / name).write_bytes(docker(*argv).stdout)
        (tmp_path / name).chmod(0o644)
    return {"image": image, "folder": tmp_path}


def both(configs: Dict[str, object], **more: object) -> Dict[str, object]:
    return dict(more, image=configs["image"], files=[
        {"path": "%s/ssh_config" % configs["folder"], "changes": HOP},
        {"path": "%s/sshd_config" % configs["folder"], "changes": CLOSED},
    ])


def test_four_calls_on_both_files_of_the_image(configs):
    folder = configs["folder"]
    before = {name: (folder / name).read_bytes() for name in ("ssh_config", "sshd_config")}
    results = four("oqs_config", both(configs, backup=True))
    assert results[0]["diff"] == results[1]["diff"], "check mode shows what happens"
    assert results[2]["diff"] == results[3]["diff"] == []
    for shown, file in zip(results[0]["diff"], results[1]["files"]):
        name = Path(file["path"]).name
        assert shown["before"].encode() == before[name] == Path(file["backup_file"]).read_bytes()
        assert shown["after"].encode() == (folder / name).read_bytes()
        assert (folder / name).stat().st_mode & 0o777 == 0o644
    lines = (folder / "ssh_config").read_bytes().splitlines()
    assert lines[0] == b"Host localhost 127.0.0.1 ::1"
    assert lines[1:4] == [b"    Port 22", b"    StrictHostKeyChecking yes", b"Match all"]
    assert lines.count(b"IdentityFile ~/.ssh/id_ed25519") == 1
    now = sshconfig.read((folder / "sshd_config").read_bytes(), "sshd_config")
    assert "/opt/oqs-ssh/ssh_host_ed25519_key" in now["hostkey"]
    assert (now["permitrootlogin"], now["maxauthtries"], now["allowusers"]) == (["no"], ["3"], ["oqs"])
    argv = ["run", "--rm", "--network", "none", "-v", "%s/ssh_config:/tmp/c:ro" % folder, "--entrypoint",
            "/opt/oqs-ssh/bin/ssh", configs["image"], "-G", "-F", "/tmp/c"]
    for host, port in (("localhost", b"\nport 22\n"), ("elsewhere", b"\nport 2222\n")):
        told = docker(*argv, host).stdout
        assert port in told
        assert CLASSICAL.encode() in told.split(b"\nhostkeyalgorithms ")[1].split(b"\n")[0]


def test_what_the_image_refuses_replaces_nothing(configs):
    folder = configs["folder"]
    before = {name: (folder / name).read_bytes() for name in ("ssh_config", "sshd_config")}
    given = both(configs)
    given["files"][1]["changes"] = [{"keyword": "KexAlgorithms", "value": "no-such-kex", "how": "add"}]
    for check in (True, False):
        result = call("oqs_config", given, check)
        assert result["failed"]
        assert "%s/sshd_config was not touched, the changed file does not pass validation" % folder in result["msg"]
        assert "no-such-kex" in result["msg"]
        assert "candidate" not in result["msg"]
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert sorted(path.name for path in folder.iterdir()) == ["ssh_config", "sshd_config"]


def test_validate_by_a_program(tmp_path):
    path = tmp_path / "sshd_config"
    path.write_bytes(b"Port 22\n")
    given = {"path": str(path), "changes": [{"keyword": "Port", "value": 2222}]}
    given["validate"] = ["grep", "-q", "2222", "%s"]
    four("oqs_config", given)
    given["changes"][0]["value"] = 7
    assert call("oqs_config", given)["failed"]
    assert path.read_bytes() == b"Port 2222\n"
    given["validate"] = ["true"]
    assert "option 'validate' lacks %s" in call("oqs_config", given)["msg"]


BAD = [
    ({"path": "/no/sshd_config", "changes": [{"keyword": "Port", "value": 1}]}, "/no/sshd_config: there is no such"),
    ({"path": "/etc/hostname", "changes": [{"keyword": "Port", "value": 1}]}, "give 'dialect'"),
    ({"path": "PATH", "changes": [{"keyword": "Match", "value": "all"}]}, "name the block in 'block'"),
    ({"path": "PATH", "changes": [{"keyword": "UseDNS", "value": "yes\nPort 1"}]}, "UseDNS: line ends and control"),
    ({"path": "PATH", "changes": [{"keyword": "UseDNS", "value": "$(id) \"x"}]}, "a quote is not closed"),
    ({"path": "PATH", "changes": [{"keyword": "Port"}]}, "Port: no value given"),
    ({"path": "PATH", "changes": [{"value": "1"}]}, "keyword"),
    ({"path": "PATH"}, "changes"),
    ({"changes": []}, "path"),
    ({"files": [{"path": "PATH", "changes": []}, {"path": "PATH", "changes": []}]}, "named more than once"),
]


@pytest.mark.parametrize(("given", "message"), BAD)
def test_bad_input_is_named(given, message, tmp_path):
    path = tmp_path / "sshd_config"
    path.write_bytes(b"Port 22\n")
    given = json.loads(json.dumps(given).replace("PATH", str(path)))
    result = call("oqs_config", given)
    assert result["failed"]
    assert message in result["msg"]
    assert "Traceback" not in result["_raw"]
    assert path.read_bytes() == b"Port 22\n"


def test_earlier_value_is_warned_of(tmp_path):
    path = tmp_path / "ssh_config"
    path.write_bytes(b"Port 1\n")
    changes = [{"keyword": "Port", "value": "2", "block": "Host a"}]
    result = call("oqs_config", {"path": str(path), "changes": changes})
    note = "%s: line 1 (Port 1) comes first and wins over Port in 'Host a'" % path
    assert result["notes"] == [note]
    assert result["_raw"].count(note) >= 2, "named in the result and as a warning"


def test_bytes_that_are_no_text_survive(tmp_path):
    path = tmp_path / "sshd_config"
    path.write_bytes(b"# caf\xe9\r\nPort\t22\r\n# \xff\xfe")
    results = four("oqs_config", {"path": str(path), "changes": [{"keyword": "Port", "value": "23"}]})
    assert path.read_bytes() == b"# caf\xe9\r\nPort\t23\r\n# \xff\xfe"
    assert "caf\\xe9" in results[0]["diff"][0]["after"]


@pytest.mark.slow
def test_a_short_differential_fuzz():
    argv = [sys.executable, "-m", "tests.fuzz", "--pure", "500", "--differential", "100", "--seed", "7"]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, timeout=900, check=False)
    told = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0, (told, done.stderr)
    assert told["ok"]
    assert told["parsers"]
