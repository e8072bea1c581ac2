# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The container's health is the truth, sshd comes back, its log is in the journal and bounded, and guessing is slow."""

from __future__ import annotations

import json
import re
import time
from typing import Callable, List

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import content

from tests.e2e.library.prober.box import Prober
from tests.e2e.library.scenario import ROOT, Scenario, Setting, image
from tests.e2e.library.visitor import Visitor

pytestmark = pytest.mark.slow
HOST = "web1"
FAIL2BAN = ROOT / "roles" / "oqs_ssh" / "files" / "fail2ban"
MILLION = 1_000_000
#: One line a sample: does somebody listen, what the container looks like, does somebody listen still.
SAMPLE = r"""
listens() { ss -Hltn "sport = :2222" | grep -q . && echo yes || echo no; }
end=$(($(date +%s) + $1))
while [ $(date +%s) -lt $end ]; do
    before=$(listens)
    looks=$(docker inspect -f '{{.State.Status}}/{{.State.Health.Status}}' oqs-ssh)
    echo "$before $looks $(listens) $(date +%s.%N)"
done
"""
CAPPED = r"""
mkdir -p $0
printf '[Journal]\nSystemMaxUse=16M\nRateLimitIntervalSec=0\n' > $0/cap.conf
systemctl restart systemd-journald
"""
INSTALL = r"""
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends fail2ban python3-systemd nftables
"""


def prepare(scenario: Scenario) -> None:
    """Deploy to it."""
    run = scenario.deploy(oqs_ssh_image_source="build", oqs_ssh_stock_clients=True)
    assert run.code == 0, run.text


SETTING = Setting("health", {HOST: "trixie:docker"}, prepare=prepare)


def looks(scenario: Scenario) -> str:
    """What `docker ps` would show."""
    form = "{{.State.Status}}/{{.State.Health.Status}}"
    return scenario.root(HOST, "docker", "inspect", "-f", form, "oqs-ssh")


def wait(what: str, done: Callable[[], bool], seconds: float = 90.0) -> float:
    """Until something is so. :returns: seconds that it took."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < seconds, "%s: not within %g seconds" % (what, seconds)
        time.sleep(0.2)
    return time.monotonic() - began


def pid(scenario: Scenario) -> str:
    """The sshd that listens, on the host."""
    return scenario.root(HOST, "docker", "inspect", "-f", "{{.State.Pid}}", "oqs-ssh")


def journal(scenario: Scenario, *options: str) -> str:
    """What sshd has said, as the host's journal has it."""
    scenario.root(HOST, "journalctl", "--sync")
    return scenario.root(HOST, "journalctl", "--quiet", "--no-pager", "-t", "oqs-ssh", *options)


def false_health(samples: List[str]) -> List[str]:
    """Samples in which nobody listened, before and after, and the container looked healthy; each with the next."""
    bad = [line.split()[:3] == ["no", "running/healthy", "no"] for line in samples]
    return [line for line, this, following in zip(samples, bad, bad[1:]) if this and following]


def test_killed_sshd_is_back_and_health_never_lies(scenario: Scenario, visitor: Visitor) -> None:
    wait("healthy", lambda: looks(scenario) == "running/healthy")
    old = pid(scenario)
    scenario.root(HOST, "sh", "-c", "sh -c '%s' sample 12 >/run/samples 2>&1 &" % SAMPLE.replace("'", "'\\''"))
    scenario.root(HOST, "kill", "-KILL", old)
    visitor.served(HOST, 30.0, other_than=lambda: pid(scenario) in (old, "0"))
    wait("samples", lambda: not scenario.root(HOST, "pgrep", "-f", "sh -c .*sample 12", check=False), 60)
    samples = scenario.root(HOST, "cat", "/run/samples").splitlines()
    assert any(line.startswith("no ") for line in samples), "the sampling missed the gap"
    assert false_health(samples) == []
    wait("healthy again", lambda: looks(scenario) == "running/healthy")


def test_stopped_sshd_is_not_healthy(scenario: Scenario) -> None:
    wait("healthy", lambda: looks(scenario) == "running/healthy")
    scenario.root(HOST, "kill", "-STOP", pid(scenario))
    try:
        seconds = wait("unhealthy", lambda: looks(scenario) == "running/unhealthy")
    finally:
        scenario.root(HOST, "kill", "-CONT", pid(scenario))
    wait("healthy again", lambda: looks(scenario) == "running/healthy")
    print(json.dumps({"name": "stopped-sshd-shows", "ok": True, "seconds": round(seconds, 1)}))


def test_sshd_that_cannot_start_is_never_healthy(scenario: Scenario, visitor: Visitor) -> None:
    scenario.root(HOST, "sed", "-i.kept", "1i Nonsense yes", "/etc/oqs-ssh/sshd_config")
    try:
        scenario.root(HOST, "kill", "-KILL", pid(scenario))
        samples = scenario.root(HOST, "sh", "-c", SAMPLE, "sample", "20").splitlines()
        assert [line for line in samples if line.startswith("yes")][2:] == []
        assert false_health(samples) == []
    finally:
        scenario.root(HOST, "mv", "/etc/oqs-ssh/sshd_config.kept", "/etc/oqs-ssh/sshd_config")
    visitor.served(HOST, 90.0)


def test_guessing_from_one_address_is_slow(scenario: Scenario, visitor: Visitor, prober: Prober) -> None:
    guessed = prober.knock(HOST, prober.outside[:1], seconds=20)
    # Each attempt takes well under a second; sshd's penalties leave a handful of them.
    assert 1 <= guessed["judged"] <= 12, guessed
    assert guessed["states"]["dropped"] > guessed["judged"], guessed
    assert visitor.ssh(HOST, "true").code == 0, "others are not slowed"
    print(json.dumps(dict(guessed, name="guesses-from-one-address", ok=True)))


def test_what_failed_logins_cost_the_log(scenario: Scenario, prober: Prober) -> None:
    config = json.loads(scenario.root(HOST, "docker", "inspect", "-f", "{{json .HostConfig.LogConfig}}", "oqs-ssh"))
    assert config == {"Type": "journald", "Config": {"tag": "oqs-ssh"}}
    cursor = journal(scenario, "-n", "1", "-o", "export").partition("__CURSOR=")[2].splitlines()[0]
    failed = prober.knock(HOST, prober.inside + prober.outside, attempts=180, seconds=120)
    assert failed["judged"] > 100, failed
    said = journal(scenario, "--after-cursor", cursor, "-o", "export")
    lines, size = said.count("__CURSOR="), len(said.encode())
    assert re.search("Failed password for oqs from", journal(scenario, "--after-cursor", cursor))
    told = scenario.root(HOST, "journalctl", "--no-pager", "-u", "systemd-journald")
    cap = re.findall(r"System Journal .* max ([\d.]+)([KMGT])", told)[-1]
    bound = float(cap[0]) * 1024 ** ("KMGT".index(cap[1]) + 1)
    print(json.dumps({
        "name": "failed-logins", "ok": True, "measured": failed["judged"],
        "lines_each": round(lines / failed["judged"], 1), "bytes_each_at_most": size // failed["judged"],
        "million_mb_at_most": size * MILLION // failed["judged"] // 2**20, "journal_cap_mb": int(bound) // 2**20}))
    assert lines / failed["judged"] < 10


def test_fail2ban_bans_for_real(scenario: Scenario, visitor: Visitor, prober: Prober) -> None:
    scenario.lab.exec(HOST, ["sh", "-c", INSTALL], timeout=300)
    for path in FAIL2BAN.rglob("*.conf"):
        target = "/etc/fail2ban/%s" % path.relative_to(FAIL2BAN)
        scenario.lab.exec(HOST, ["sh", "-c", "cat > $0", target], stdin=path.read_bytes())
    guesser, named = prober.outside[5], prober.outside[6]
    prober.knock(HOST, [named], attempts=1, user="x from 192.0.2.1 port 22 ssh2")
    scenario.root(HOST, "systemctl", "restart", "fail2ban")
    wait("fail2ban", lambda: "Journal matches" in banned(scenario))
    prober.knock(HOST, [guesser], attempts=8, seconds=60)
    wait("the ban", lambda: guesser in banned(scenario).partition("Banned IP list:")[2])
    assert prober.knock(HOST, [guesser], attempts=1)["states"].keys() <= {"no answer", "refused"}
    assert visitor.ssh(HOST, "true").code == 0, "others are not banned"
    matched = scenario.root(HOST, "fail2ban-regex", "-o", "ip", "systemd-journal", "oqs-ssh").split()
    assert {guesser, named} <= set(matched)
    assert "192.0.2.1" not in matched, "a name put somebody else's address into the log"
    scenario.root(HOST, "fail2ban-client", "unban", "--all")


def banned(scenario: Scenario) -> str:
    """What fail2ban says of the jail."""
    return scenario.root(HOST, "fail2ban-client", "status", "oqs-ssh", check=False)


def test_journal_keeps_to_its_cap(scenario: Scenario) -> None:
    """With a cap of 16 MB and 40 MB of log by the container's own settings, older lines go."""
    folder = "/etc/systemd/journald.conf.d"
    scenario.root(HOST, "sh", "-c", CAPPED, folder)
    try:
        flood(scenario, ["--log-driver", "journald", "--log-opt", "tag=oqs-ssh"])
        used = scenario.root(HOST, "sh", "-c", "journalctl --sync; du -sm /var/log/journal | cut -f1")
        assert int(used) <= 24, used
    finally:
        scenario.root(HOST, "rm", "-r", folder)
        scenario.root(HOST, "systemctl", "restart", "systemd-journald")


def test_files_keep_to_their_cap_where_there_is_no_journal(scenario: Scenario) -> None:
    options = content.log_arguments(journal=False)
    script = "du -sm $(dirname $(find /var/lib/docker/containers -name container.log)) | cut -f1"
    used = flood(scenario, options, script)
    assert 1 <= int(used) <= 16, used


def flood(scenario: Scenario, options: List[str], then: str = "true") -> str:
    """40 MB of log by a container with these options. :returns: what a script says before it goes."""
    script = "head -c 30000000 /dev/urandom | base64 -w 4000 >&2"
    try:
        scenario.root(HOST, "docker", "run", "--name", "flood", *options, "--network", "none", "--entrypoint", "sh",
                      image("stock"), "-c", script)
        return scenario.root(HOST, "sh", "-c", then)
    finally:
        scenario.root(HOST, "docker", "rm", "-f", "flood")
