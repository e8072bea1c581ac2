# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which of the flaws measured on the real image does an image have? None of them breaks the contract."""

from __future__ import annotations

import re
import time

from box import DIR, OTHER, OTHER_YESCRYPT, PUBLISHED, Bench, Entry
from sheet import Sheet, group


@group(flaws=["pid-file-mismatch", "restart-loads-nothing", "reload-fails", "stop-stops-nothing"])
def service(bench: Bench, sheet: Sheet) -> None:
    """Does rc-service tell the truth about a healthy server, and do what it says?"""
    box = bench.run("flaws")
    box.must_listen()
    time.sleep(1)
    status = box.sh("rc-service oqs-sshd status")
    said = "status of a healthy server gives %d: %s" % (status.rc, status.both[-60:])
    sheet.flaw("pid-file-mismatch", status.rc != 0, said)
    reload = box.sh("rc-service oqs-sshd reload")
    sheet.flaw("reload-fails", reload.rc != 0, "reload gives %d" % reload.rc)
    time.sleep(1)
    box.wait()
    box.sh("sed -i '1i VersionAddendum conformance' %s/sshd_config" % DIR)
    restart = box.sh("rc-service oqs-sshd restart")
    time.sleep(1)
    box.wait()
    banner = box.banner()
    loaded = "conformance" in banner
    sheet.flaw("restart-loads-nothing", not loaded, "restart gives %d, the server says %s" % (restart.rc, banner))
    stop = box.sh("rc-service oqs-sshd stop")
    gone = box.wait(seconds=3, wanted=False)
    said = "stop gives %d, the server %s" % (stop.rc, "is gone" if gone else "goes on")
    sheet.flaw("stop-stops-nothing", not gone, said)


@group(flaws=["stale-state", "death-unseen", "slow-stop"])
def life(bench: Bench, sheet: Sheet) -> None:
    """Restart of the container, death of sshd, docker stop."""
    box = bench.run("life")
    box.must_listen()
    time.sleep(1)
    box.restart()
    back = box.wait(seconds=10)
    up = "Up" if box.running() else "not running"
    sheet.flaw("stale-state", not back, "after docker restart the container is %s, 2222 %s" % (
        up, "answers" if back else "is dead"))
    box.sh("rc-service oqs-sshd restart")
    box.must_listen()
    time.sleep(1)
    seconds = box.stop()
    sheet.flaw("slow-stop", seconds > 8, "docker stop takes %.1f s" % seconds)
    box = bench.run("death")
    box.must_listen()
    time.sleep(1)
    box.sh("kill -9 %s" % box.sshd_pid())
    end = time.monotonic() + 8
    while time.monotonic() < end and box.running():
        time.sleep(0.5)
    unseen = box.running() and not box.listens()
    said = "sshd killed: the container %s" % ("is Up, nothing listens" if unseen else "ends, or sshd is back")
    sheet.flaw("death-unseen", unseen, said)


@group(flaws=["shell-is-main-process", "log-goes-nowhere", "connect-test-leaves-traces", "profile-error"])
def beside(bench: Bench, sheet: Sheet) -> None:
    """The main process, the log, and what the image's own test leaves behind."""
    alone = bench.run("alone", ["-d"])
    box = bench.run("beside")
    box.must_listen()
    box.ssh(["oqs@localhost", "true"], password=PUBLISHED)
    time.sleep(0.5)
    sheet.flaw("log-goes-nowhere", "Accepted password" not in box.logs(), "docker logs after a login")
    profile = box.sh("bash -lc true; sh -lc true")
    sheet.flaw("profile-error", profile.rc != 0 or "rror" in profile.err, profile.err[-100:])
    before = box.sh("ls -A /home/oqs/.ssh; cat /home/oqs/.ssh/authorized_keys; rc-service oqs-sshd status").out
    box.sh("echo | bash %s/test/connect-test.sh" % DIR)
    after = box.sh("ls -A /home/oqs/.ssh; cat /home/oqs/.ssh/authorized_keys; rc-service oqs-sshd status").out
    new = sorted(set(after.split()) - set(before.split()), key=len)
    sheet.flaw("connect-test-leaves-traces", before != after, " ".join(new)[:80])
    time.sleep(1)
    sheet.flaw("shell-is-main-process", not alone.running(), "with -d alone the container %s" % (
        "goes on" if alone.running() else "ends at once"))


@group(flaws=["key-gen-list-shift", "key-gen-hides-errors"])
def key_gen(bench: Bench, sheet: Sheet) -> None:
    """Unusual lines before a usual one."""
    box = bench.run("shift", ["-d", "--entrypoint", "sleep"], ["300"])
    box.sh("cd %s; sed -i '/^IdentityFile/d' ssh_config; printf 'IdentityFile /home/oqs/.ssh/id_rsa\\n"
           "IdentityFile ~/.ssh/id_ed25519\\n' >> ssh_config" % DIR)
    box.sh("%s/scripts/key-gen.sh" % DIR)
    kind = box.sh("cut -d ' ' -f 1 /home/oqs/.ssh/id_ed25519.pub").out.strip()
    sheet.flaw("key-gen-list-shift", kind != "ssh-ed25519", "id_ed25519 holds %s" % (kind or "nothing"))
    box.sh("cd %s; sed -i '/^IdentityFile/d' ssh_config; "
           "printf 'IdentityFile ~/.ssh/id_nosuchalgorithm\\n' >> ssh_config" % DIR)
    answer = box.sh("%s/scripts/key-gen.sh" % DIR)
    said = re.search(r"(?i)(unknown|unsupported|invalid) key type", answer.both)
    sheet.flaw("key-gen-hides-errors", not said, "exit code %d: %s" % (answer.rc, answer.both[-80:]))


@group(flaws=["yescrypt-refused"])
def crypt(bench: Bench, sheet: Sheet) -> None:
    """A hash that is good on most hosts."""
    box = bench.create("crypt")
    shadow = re.sub(rb"(?m)^oqs:[^:]*:", b"oqs:" + OTHER_YESCRYPT.encode() + b":", box.get("/etc/shadow"))
    box.put("/etc", [Entry("shadow", shadow, 0o640)])
    box.start()
    box.must_listen()
    answer = box.ssh(["oqs@localhost", "true"], password=OTHER)
    sheet.flaw("yescrypt-refused", answer.rc != 0, "login with a $y$ hash %s" % ("fails" if answer.rc else "works"))
