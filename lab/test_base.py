# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The base of test hosts and test images: images/base.py's, and apt in it takes an archive that is past its date.

Snapshots and slow mirrors of testing often are. Nothing that somebody uses is made from it.
"""

from __future__ import annotations

import subprocess
from typing import Callable

from images import base

REPOSITORY = "localhost/quantumsafe/test-base"
_RECIPE = """FROM %s
RUN echo 'Acquire::Check-Valid-Until "false";' >/etc/apt/apt.conf.d/90old-archive
"""


def ensure(suite: str, say: Callable[[str], object] = print) -> str:
    """See to it that the engine has the base of a suite for tests.

    :param suite: bookworm, trixie or forky.
    :returns: the image's name.
    :raises BaseImageError: as ``base.ensure_base``; or the engine does not build it.
    """
    tag = "%s:%s" % (REPOSITORY, suite)
    recipe = (_RECIPE % base.ensure_base(suite, say)).encode()
    done = subprocess.run(["docker", "build", "--quiet", "--tag", tag, "-"], input=recipe, capture_output=True,
                          timeout=120, check=False)
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace")[-400:]
        raise base.BaseImageError("docker build of %s failed: %s" % (tag, said))
    return tag
