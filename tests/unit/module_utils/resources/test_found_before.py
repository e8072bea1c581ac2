# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What somebody had in our folder before us is kept, and stays."""

from __future__ import annotations

import os

import core_samples as samples
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.file_modes import Ownership
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import removal


def test_a_configuration_that_lay_there_is_kept_before_the_first_deployment():
    facts = samples.image_known()
    facts["state"]["sshd_config"] = b"Port 2022\n"
    made = samples.plan(samples.want(), facts)
    assert ("found", "/etc/oqs-ssh/sshd_config") in [(each.kind, each.name) for each in made.changes]
    assert any("was there before: it is kept" in note for note in made.notes)
    assert "found" not in [each.kind for each in samples.plan(samples.want(), samples.converged()).changes]


def test_a_folder_is_emptied_of_ours_and_has_its_mode_again(tmp_path):
    for name in ("theirs", "ours"):
        (tmp_path / name).write_text(name)
    owner = Ownership(0o750, os.getuid(), os.getgid())
    removal._empty(str(tmp_path), [str(tmp_path / "theirs")], owner, None)
    assert os.listdir(tmp_path) == ["theirs"] and os.stat(tmp_path).st_mode & 0o777 == 0o750
