# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rejected value is described, not shown."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import describe, member


class _Tagged(int):
    """Ansible's own numbers and texts are of classes derived from Python's."""


@pytest.mark.parametrize(("value", "words"), [
    ("secret", "text of 6 characters"), ("x", "text of 1 character"), ("", "an empty text"),
    (["secret"], "a list of 1"),
    ({"a": 1, "b": 2}, "a dictionary of 2"), (None, "nothing (null)"), (True, "true or false"), (7, "a number"),
    (_Tagged(7), "a number"), (0.5, "a number"), (b"secret", "something else"),
])
def test_in_words(value, words):
    assert describe(value) == words


def test_a_member_of_a_list_by_its_place():
    assert member(2, "secret") == "member 2 (text of 6 characters)"
