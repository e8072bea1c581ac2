# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a request is given, checked before it is sent: nothing on the host does that where it goes in one session."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session import request_options

_CHECKS = {
    "oqs_look": ArgumentSpecValidator(request_options.LOOK),
    "oqs_quick": ArgumentSpecValidator(request_options.QUICK),  # there is no module of this name
    "oqs_apply": ArgumentSpecValidator(request_options.APPLY),
    "oqs_client": ArgumentSpecValidator(request_options.CLIENT),
}


class WrongOptions(UserError):
    """What was to be sent makes no sense; the text names the option."""


def checked(module: str, arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The arguments as the module would have them, with its defaults.

    :raises WrongOptions: the module would refuse them.
    """
    result = _CHECKS[module].validate(dict(arguments))
    if result.error_messages:
        raise WrongOptions("%s: %s" % (module, "; ".join(result.error_messages)))
    return dict(result.validated_parameters)
