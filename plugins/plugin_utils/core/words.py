# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What we say to a person beside Ansible's own output. Where that output is data for a program, nothing comes in
between: our words go to standard error, and into the results of the tasks."""

from __future__ import annotations

from ansible import constants as C
from ansible.plugins.loader import callback_loader
from ansible.utils.display import Display

#: What is made of these is for people; of other output we do not know it (json, jsonl, …).
_FOR_PEOPLE = {
    "%s.plugins.callback.%s" % (home, name)
    for home in ("ansible", "ansible_collections.ansible.builtin") for name in ("default", "minimal", "oneline")
}


def for_people() -> bool:
    """Whether standard output is text for people (``ANSIBLE_STDOUT_CALLBACK``)."""
    found = callback_loader.get(C.DEFAULT_STDOUT_CALLBACK, class_only=True)
    return any(base.__module__ in _FOR_PEOPLE for base in found.__mro__)


def say(words: str) -> None:
    """Say something to the person who started the run."""
    Display().display(words, stderr=not for_people())
