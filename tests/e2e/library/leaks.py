# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where secrets could be seen: a sampler of all processes on this machine, and a search of a test host.

Test hosts share the kernel of the machine that they run on, so one sampler sees the processes of controller and hosts.
"""

from __future__ import annotations

import base64
import os
import pathlib
import threading
import urllib.parse
from typing import Dict, Iterator, List, Set, Tuple

from tests.e2e.library.scenario import ROOT, Scenario

#: Rounds of the sampler in which a new process is read each time.
YOUNG = 25
#: Where a test host's secrets may lie, by kind; nobody but their owner may read them.
HOMES: Dict[str, Tuple[str, ...]] = {
    "password": (),
    "hash": ("/etc/oqs-ssh/private/password", "/etc/shadow"),  # the latter in the container's layer
    "private key": ("/etc/oqs-ssh/private/", "/var/lib/oqs-ssh/home-ssh/"),
}
PLACES = ("/etc", "/home", "/opt", "/root", "/run", "/srv", "/tmp", "/usr/local", "/var")
#: Standard input: the secrets, a line each. Prints mode and name of each file with one of them, and never a secret.
SEARCH = """
umask 077; patterns=$(mktemp /dev/shm/patterns.XXXXXX); cat > "$patterns"
grep -rlaF --devices=skip -f "$patterns" "$@" 2>/dev/null | while read -r name; do stat -c '%a %n' "$name"; done
rm "$patterns"
"""
PRIVATE_KEYS = "find /etc/oqs-ssh/private /var/lib/oqs-ssh/home-ssh -type f 2>/dev/null | grep -E '_key$|/id_[^.]*$'"
#: What a host says of itself that others may read.
SAYINGS = (
    ("journal", "journalctl --sync; journalctl --quiet --no-pager --all"),
    ("docker inspect", "docker ps -aq | xargs -r docker inspect; docker images -q | xargs -r docker inspect"),
    ("docker logs", "docker ps -aq | xargs -r -n1 docker logs 2>&1"),
    ("process list", "ps axeww"),
)


class Secrets:
    """Texts that must not be seen, by name; a name begins with its kind (a key of HOMES)."""

    def __init__(self) -> None:
        self.texts: Dict[str, bytes] = {}

    def add(self, name: str, text: str) -> None:
        """One secret, also as people encode it."""
        self.texts[name] = text.encode()
        self.texts[name + " in base64"] = base64.b64encode(text.encode()).rstrip(b"=")[:-1]
        if urllib.parse.quote(text) != text:
            self.texts[name + " in a URL"] = urllib.parse.quote(text).encode()

    def add_private_key(self, name: str, pem: str) -> None:
        """A private key by a line of its own: the one before the last, which no public key has."""
        lines = pem.strip().splitlines()
        self.texts[name] = lines[-3].encode()

    def of_host(self, scenario: Scenario, host: str) -> None:
        """What a deployed host keeps: the password's hash and all private keys."""
        stored = scenario.root(host, "cat", "/etc/oqs-ssh/private/password", check=False)
        if stored.startswith("$"):
            self.texts["hash %s of %s" % (stored[-4:], host)] = stored.encode()
        for path in scenario.root(host, "sh", "-c", PRIVATE_KEYS, check=False).splitlines():
            self.add_private_key("private key %s of %s" % (path, host), scenario.root(host, "cat", path))

    def seen_in(self, data: bytes) -> List[str]:
        """Names of the secrets in some bytes."""
        return [name for name, text in self.texts.items() if text in data]


class Sampler(threading.Thread):
    """Reads arguments and environments of all processes, over and over, while a ``with`` lasts."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.kept: Dict[Tuple[str, bytes], bytes] = {}
        self.done = threading.Event()
        self.rounds = 0

    def __enter__(self) -> Sampler:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.done.set()
        self.join()

    def run(self) -> None:
        """Until it is told to end."""
        ages: Dict[str, int] = {}
        while not self.done.wait(0.002):
            self.rounds += 1
            here = [name for name in os.listdir("/proc") if name.isdigit()]
            ages = {name: ages.get(name, 0) + 1 for name in here}
            for name in here:
                if ages[name] < YOUNG or self.rounds % YOUNG == 0:  # who is new may yet become another program
                    self._take(name)

    def _take(self, pid: str) -> None:
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as said:
                argv = said.read()
            if (pid, argv) not in self.kept:
                with open("/proc/%s/environ" % pid, "rb") as said:
                    self.kept[pid, argv] = said.read()
        except OSError:
            return  # it ended meanwhile

    def found(self, secrets: Secrets) -> Set[str]:
        """Which secrets were in whose arguments or environment."""
        return {"%s in the %s of %s" % (name, what, argv.split(b"\0")[0].decode("utf-8", "replace"))
                for (_pid, argv), environ in self.kept.items()
                for what, data in (("arguments", argv), ("environment", environ)) for name in secrets.seen_in(data)}


def in_folder(secrets: Secrets, folder: pathlib.Path, what: str) -> Iterator[str]:
    """Secrets in files of a folder of this machine."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            for name in secrets.seen_in(path.read_bytes()):
                yield "%s in %s: %s" % (name, what, path.relative_to(folder))


def on_host(scenario: Scenario, host: str, secrets: Secrets) -> Iterator[str]:
    """Secrets in what a host says, and in files where they do not belong or that others may read."""
    for what, script in SAYINGS:
        said = scenario.lab.exec(host, ["sh", "-c", script], check=False).stdout
        for name in secrets.seen_in(said):
            yield "%s in the %s of %s" % (name, what, host)
    for kind, homes in HOMES.items():
        texts = [text for name, text in secrets.texts.items() if name.startswith(kind)]
        if not texts:
            continue
        argv = ["sh", "-c", SEARCH, "search", *PLACES]
        listed = scenario.lab.exec(host, argv, stdin=b"\n".join(texts) + b"\n", timeout=300).stdout.decode()
        for line in listed.splitlines():
            mode, path = line.split(" ", 1)
            if not any(home in path for home in homes):
                yield "a %s in a file of %s: %s" % (kind, host, path)
            elif int(mode, 8) & 0o037:
                yield "a %s that others may read on %s: %s" % (kind, host, line)


def environment(folder: pathlib.Path) -> Dict[str, str]:
    """Settings by which Ansible writes down all that it can, into folders that are searched afterwards."""
    for name in ("facts", "temporary", "local"):
        (folder / name).mkdir(exist_ok=True)
    return {
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder / "facts"),
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"), "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "TMPDIR": str(folder / "temporary"), "ANSIBLE_GATHERING": "implicit", "ANSIBLE_INJECT_FACT_VARS": "true",
    }
