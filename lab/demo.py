# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The main job, to watch: untouched test hosts, one playbook, a post-quantum login, the hop, and what was negotiated.

Everything is real: Docker is installed inside the hosts, the lines that the playbook prints are typed into a terminal.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import secrets
import subprocess
import sys
import time
from typing import Dict, List, NamedTuple

import pexpect

from images import build
from lab.lab import Lab
from lab.lab_engine import ROOT, LabError
from lab.lab_state import write

HOSTS = {"web1": "bookworm", "db1": "trixie"}
IDENTITY = "ssh-mldsa44-ed25519"
PROMPT = r"[$#] (\x1b\[K)?$"


class Run(NamedTuple):
    """One run of the playbook."""

    seconds: float
    sessions: Dict[str, int]
    said: str


def say(text: str) -> None:
    """A line of the demo itself."""
    print("\n\033[1m== %s\033[0m" % text if sys.stdout.isatty() else "\n== %s" % text, flush=True)


def client_folder(lab: Lab, image: str) -> pathlib.Path:
    """A folder like a person's ~/.ssh: a post-quantum identity, and alice's own ed25519 key for the host itself."""
    folder = lab.state.folder / "client"
    folder.mkdir(mode=0o700, exist_ok=True)
    if not (folder / ("id_" + IDENTITY)).exists():
        subprocess.run(
            ["docker", "run", "--rm", "--network", "none", "-v", "%s:/keys" % folder,
             "--entrypoint", "/opt/oqs-ssh/bin/ssh-keygen", image,
             "-q", "-t", IDENTITY, "-N", "", "-C", "demo", "-f", "/keys/id_" + IDENTITY],
            check=True,
        )
    write(folder / "id_ed25519", lab.state.alice_key.read_text())
    return folder


def variables(lab: Lab, folder: pathlib.Path) -> pathlib.Path:
    """The variables of the deployment, with a password of its own, readable by nobody else."""
    path = lab.state.folder / "demo.json"
    write(path, json.dumps({
        "oqs_ssh_image_source": "build",
        "oqs_ssh_authorized_keys": [(folder / ("id_%s.pub" % IDENTITY)).read_text().strip()],
        "oqs_ssh_password": secrets.token_urlsafe(18),
        "oqs_ssh_client_dir": str(folder),
    }))
    return path


def deploy(lab: Lab, extra: pathlib.Path) -> Run:
    """Run the playbook as a user would, and count what it cost on the hosts."""
    before = {host: lab.sessions(host) for host in lab.hosts}
    playbook = pathlib.Path(sys.executable).with_name("ansible-playbook")
    command = [str(playbook), "deploy-oqs-ssh.yml", "-i", str(lab.inventory), "-e", "@%s" % extra]
    print("$ ansible-playbook deploy-oqs-ssh.yml -i %s" % lab.inventory.relative_to(ROOT), flush=True)
    begun = time.monotonic()
    said: List[str] = []
    environment = dict(os.environ, ANSIBLE_PYTHON_INTERPRETER="auto_silent", PYTHONUNBUFFERED="1")
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        assert run.stdout is not None
        for line in run.stdout:
            said.append(line)
            print(line, end="", flush=True)
    if run.returncode != 0:
        raise LabError("the playbook failed")
    seconds = time.monotonic() - begun
    return Run(seconds, {host: lab.sessions(host) - count for host, count in before.items()}, "".join(said))


def printed(said: str, host: str, what: str) -> str:
    """What the ending of the run says about a host."""
    part = said.split("\n%s\n%s\n" % (host, "-" * len(host)), 1)[1].split("\n\n", 1)[0]
    found = re.search(r"^  %s +(.*)$" % what, part, re.M)
    if not found:
        raise LabError("the run printed no '%s' for %s" % (what, host))
    return found.group(1)


class Terminal:
    """A person at a terminal, who compares fingerprints before saying yes."""

    def __init__(self, line: str, trusted: List[str]) -> None:
        print("$ %s" % line, flush=True)
        self._trusted = trusted
        self._shell = pexpect.spawn("/bin/sh", ["-c", line], encoding="utf-8", timeout=30, dimensions=(40, 200))
        self._shell.logfile_read = sys.stdout

    def until_prompt(self, password: str = "") -> None:
        """Answer questions until a shell is there.

        :raises LabError: an unknown fingerprint, or no shell.
        """
        while True:
            answer = self._shell.expect([r"fingerprint is:? (SHA256:\S+?)\.?\s", r"password: ", PROMPT, pexpect.EOF])
            if answer == 0:
                found = self._shell.match
                if not isinstance(found, re.Match) or found.group(1) not in self._trusted:
                    raise LabError("the host key is not the one that the playbook printed")
                self._shell.expect(r"\(yes/no.*\)\? ")
                self._shell.sendline("yes")
            elif answer == 1 and password:
                self._shell.logfile_read = None
                self._shell.sendline(password)
                self._shell.expect("\r\n")
                self._shell.logfile_read = sys.stdout
            elif answer == 2:
                return
            else:
                raise LabError("no login")

    def type(self, command: str) -> str:
        """Type a command and wait for the next prompt; what came in between."""
        self._shell.sendline(command)
        self._shell.expect(PROMPT)
        return str(self._shell.before)

    def send(self, command: str) -> None:
        """Type a command that asks for something."""
        self._shell.sendline(command)

    def leave(self) -> None:
        """End the session."""
        self._shell.sendline("exit")
        self._shell.expect(pexpect.EOF)
        self._shell.close()


def fingerprints(said: str, host: str) -> List[str]:
    """The host keys that the run proved."""
    return re.findall(r"SHA256:\S+", printed(said, host, "negotiated") + " " + printed(said, host, "hop"))


def walk_through(lab: Lab, said: str) -> None:
    """Paste the printed lines, as a person would."""
    host = next(iter(lab.hosts))
    trusted = fingerprints(said, host)
    say("%s: log in, post-quantum, from outside the host" % host)
    terminal = Terminal(printed(said, host, "log in"), trusted)
    terminal.until_prompt()
    terminal.type("id")
    say("%s: hop from there to the host's own sshd, with alice's own password" % host)
    terminal.send(printed(said, host, "then hop").replace("USER", "alice"))
    terminal.until_prompt(lab.state.password())
    if "alice" not in terminal.type("whoami; hostname"):
        raise LabError("the hop did not arrive as alice")
    terminal.send("exit")
    terminal.until_prompt()
    terminal.leave()
    say("%s: the same in one go, with alice's own key (ProxyJump)" % host)
    terminal = Terminal(printed(said, host, "in one go").replace("USER", "alice"), trusted)
    terminal.until_prompt()
    if "alice" not in terminal.type("whoami; hostname"):
        raise LabError("the jump did not arrive as alice")
    terminal.leave()


def main() -> int:
    """Run the demo; 0 when everything worked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lab", default="demo", help="name of the lab (default: demo)")
    parser.add_argument("--down", action="store_true", help="remove the hosts at the end")
    arguments = parser.parse_args()
    Lab(arguments.lab).down()
    try:
        names = ", ".join("%s (%s)" % pair for pair in HOSTS.items())
        say("Test hosts that behave like machines, without Docker: " + names)
        lab = Lab.up(arguments.lab, HOSTS, say=print)
        say("The image, and a person's identities")
        folder = client_folder(lab, build.build("stock"))
        extra = variables(lab, folder)
        say("The main job")
        first = deploy(lab, extra)
        walk_through(lab, first.said)
        say("The same again: nothing to do")
        second = deploy(lab, extra)
        say("What it cost")
        for words, run in (("first deployment", first), ("converged run", second)):
            counts = ", ".join("%s %d" % pair for pair in run.sessions.items())
            print("%-17s %5.1f s; remote executions: %s" % (words, run.seconds, counts))
        ok = max(second.sessions.values()) <= 1 and "changed=0" in second.said
        if arguments.down:
            lab.down()
        else:
            print("The hosts stay up: ansible -i %s all -m ping; make lab-down LAB=%s removes them." % (
                lab.inventory.relative_to(ROOT), lab.name))
        print(json.dumps({
            "name": "demo", "ok": ok, "first_seconds": round(first.seconds, 1), "first_sessions": first.sessions,
            "second_seconds": round(second.seconds, 1), "second_sessions": second.sessions,
        }))
    except (LabError, subprocess.CalledProcessError, pexpect.ExceptionPexpect) as error:
        print("\nThe demo failed: %s" % str(error).split("\n", 1)[0], file=sys.stderr)
        return 1
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
