# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accounts of test hosts besides those that the lab makes."""

from __future__ import annotations

import secrets

from tests.e2e.library.scenario import Scenario

#: Standard input: "carol:PASSWORD".
_CAROL = """set -e
useradd --create-home --home-dir /srv/carol --groups sudo --shell /bin/bash carol
cp -r /home/admin/.ssh /srv/carol/ && chown -R carol: /srv/carol/.ssh
chpasswd
"""


def add_carol(scenario: Scenario, host: str) -> str:
    """An administrator who has to type a password for sudo, at home where snapshots do not look; the password."""
    password = secrets.token_urlsafe(15)
    scenario.lab.exec(host, ["sh", "-c", _CAROL], stdin=b"carol:%s\n" % password.encode())
    return password
