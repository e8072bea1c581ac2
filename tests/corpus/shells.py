# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Start-up files of shells: real shells run our way of asking a host, and our answer is found among what they say."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Dict, List, Sequence

from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.session import transport

#: Where a shell looks for it, by the end of the file's name.
PLACES = {
    ".bashrc": ("bash", ".bashrc"), ".bash_profile": ("bash", ".bash_profile"), ".profile": ("dash", ".profile"),
    ".zshenv": ("zsh", ".zshenv"), ".zlogin": ("zsh", ".zlogin"), ".cshrc": ("tcsh", ".cshrc"),
    ".login": ("tcsh", ".login"), ".mkshrc": ("mksh", ".profile"), ".fish": ("fish", ".config/fish/config.fish"),
}
#: Files that only a login shell reads; those of sshd are none, but su - and some jump hosts make one.
_LOGIN = (".bash_profile", ".profile", ".zlogin", ".login", ".mkshrc")


def missing() -> List[str]:
    """Shells that are not here."""
    return sorted({shell for shell, _place in PLACES.values() if shutil.which(shell) is None})


def run(paths: Sequence[Path], table: Dict[str, str]) -> Dict[str, List[str]]:
    """What is wrong with each of these files. A verdict is ``answer``, or ``none``: then the words have to come up."""
    program = transport.packed("session.client_request")
    result = {}
    for path in paths:
        shell, place = PLACES[path.suffix]
        if shutil.which(shell) is None:
            result[path.name] = []
            continue
        home = Path("/tmp/corpus-home-" + path.name)
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        (home / place).write_bytes(path.read_bytes())
        trip = transport.prepare("session.client_request", {"step": "ask"}, ["/usr/bin/python3"], program)
        argv = [shell, *(["-l"] if path.suffix in _LOGIN and shell != "tcsh" else []), "-c", trip.command]
        if path.suffix == ".login":  # tcsh -l takes no -c: a name with a minus makes a login shell
            argv[0] = "-tcsh"
        env = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "USER": "root", "TERM": "dumb",
               "SSH_CONNECTION": "203.0.113.9 50000 198.51.100.7 22", "SSH_CLIENT": "203.0.113.9 50000 22"}
        done = subprocess.run(argv, executable=shutil.which(shell), input=trip.data, env=env, capture_output=True,
                              timeout=30, cwd=home)
        told = {"rc": done.returncode, "stdout": done.stdout.decode("utf-8", "replace"),
                "stderr": done.stderr.decode("utf-8", "replace")}
        answer = transport.answer(trip, told)
        real = "none" if "module_stdout" in answer else "answer"
        result[path.name] = [] if real == table[path.name] else [
            "right %s, %s: %s" % (table[path.name], real, str(answer.get("msg"))[-200:])]
    return result
