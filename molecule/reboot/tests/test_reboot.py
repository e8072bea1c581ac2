# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""After a reboot by ansible.builtin.reboot the container serves again, with the same keys, without anybody's doing."""

from __future__ import annotations

import subprocess

from tests.e2e.library.scenario import Scenario, environment
from tests.e2e.library.visitor import Visitor


def test_serves_after_a_reboot_by_ansible(scenario: Scenario, visitor: Visitor) -> None:
    before = {}
    for host in scenario.hosts:
        assert visitor.ssh(host, "true").code == 0  # the host keys are known from here on
        before[host] = scenario.lab.boot_id(host)
    argv = ["ansible", "all", "-i", str(scenario.lab.inventory), "-b", "-m", "ansible.builtin.reboot",
            "-a", "reboot_timeout=120"]
    done = subprocess.run(argv, env=environment(), capture_output=True, check=False, timeout=240, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for host in scenario.hosts:
        assert scenario.lab.boot_id(host) != before[host]
        visitor.served(host)
        assert scenario.inside(host, "rc-service", "oqs-sshd", "status").endswith("started")
