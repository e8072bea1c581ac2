# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host answers, parsed once on the controller before anything there uses it. A host is believed about itself,
and only in exact shapes: what does not fit fails that host alone. Pure."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.quantumsafe.openssh.plugins.module_utils.client import host, report
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import shape
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import answer


class BadAnswer(UserError):
    """A host answered in a shape that nothing of ours gives; the text names the field, never the value."""


@contextlib.contextmanager
def _from_a_host() -> t.Iterator[None]:
    try:
        yield
    except shape.WrongShape as error:
        raise BadAnswer("the host's answer cannot be believed: %s" % error) from error


def client(found: object) -> host.Host | None:
    """What a host's clients have to know of it.

    :returns: None where nothing is deployed.
    :raises BadAnswer: it has another shape.
    """
    with _from_a_host():
        return host.parse_answer(found)


def settled(found: object) -> report.Report:
    """What was done on a person's machine.

    :raises BadAnswer: it has another shape.
    """
    with _from_a_host():
        return report.parse(found)


def outcome(found: object) -> answer.Outcome:
    """A look, or what came of carrying one out: whole, since the ending of a run is made from what all hosts said.

    :raises BadAnswer: a part is missing, or has another shape.
    """
    with _from_a_host():
        return answer.parse(found)
