# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What real people's files mean, and whether we say the same: ``.venv/bin/python -m tests.corpus [FILE…]``.

Each file has the right verdict in its folder's ``verdicts.toml``. The real programs are asked, in a container of their
own, and our code, and the table; everybody has to agree. Ends with one line of JSON and exit code 0 or 1.
"""

from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path

from lab import test_base

ROOT = Path(__file__).resolve().parent.parent.parent
IMAGE = "quantumsafe/corpus-test:trixie"
_RECIPE = """FROM %s
RUN apt-get update && apt-get install -y --no-install-recommends openssh-server openssh-client nftables iptables ufw \
firewalld dbus iproute2 python3 bash dash zsh tcsh mksh fish \
&& rm -rf /var/lib/apt/lists/* && mkdir -p /run/sshd
"""
# Namespaces need SYS_ADMIN, and a mount of their own; they all end with the container.
_OPTIONS = ("--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN", "--security-opt", "apparmor=unconfined",
            "--security-opt", "seccomp=unconfined", "--network", "none", "--init")
_SECONDS = 240


def main() -> int:
    """Entry point."""
    recipe = (_RECIPE % test_base.ensure("trixie", lambda _text: None)).encode()
    built = subprocess.run(["docker", "build", "-q", "-t", IMAGE, "-"], input=recipe, capture_output=True, timeout=600)
    if built.returncode:
        print(built.stderr.decode("utf-8", "replace")[-2000:], file=sys.stderr)
        return 1
    name = "oqs-corpus-" + uuid.uuid4().hex[:10]
    argv = ["docker", "run", "--rm", "--name", name, *_OPTIONS, "-v", "%s:/corpus:ro" % ROOT, "-w", "/corpus",
            "-e", "PYTHONPATH=/corpus:/corpus/collections", "-e", "PYTHONDONTWRITEBYTECODE=1", IMAGE,
            "timeout", str(_SECONDS), "python3", "-m", "tests.corpus.box", *sys.argv[1:]]
    try:
        return subprocess.run(argv, stdin=subprocess.DEVNULL, timeout=_SECONDS + 30).returncode
    finally:
        subprocess.run(["docker", "rm", "-f", name], capture_output=True)


if __name__ == "__main__":
    sys.exit(main())
