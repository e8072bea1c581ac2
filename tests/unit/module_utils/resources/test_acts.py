# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that is planned can be carried out, and written down before; what single acts promise."""

from __future__ import annotations

import os
import stat
import subprocess
from functools import partial

import core_samples as samples
import plan_samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.container import serving, trial
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import commands, files, paths, trees
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.describe import UNKNOWN
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.errors import UserError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.file_modes import Ownership
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import HopSpec, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import cli, packages
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import Container
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import password
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.keys import file_pairs, keypair
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import ledger
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger import Row
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import LedgerFile
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.plan import ANOTHER_LOOK
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.typed import Facts, Spec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.resources import (
    configuration,
    engine,
    firewall,
    lockdown,
    proof,
    state,
)
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY

HOSTS = plan_samples.hosts()
#: Kinds that are carried out in a moment, in a container that goes on running, with nothing but what the host has.
QUICK = {
    "folder", "file_mode", "sshd_config", "ssh_config", "known_hosts", "password", "authorized_keys", "in_force",
    "restart_policy",
    "firewalld", "ufw", "nftables", "iptables", "firewall_file",
    "hop_config", "hop_client", "hop_known_hosts", "hop_user",
}
#: Whose outcome only the act can tell.
MAKERS = {"image_facts", "host_key", "next_host_key", "hop_identity"}
#: Kinds that become known by the act of others.
FOLLOWS = {"known_hosts": {"host_key", "next_host_key"}, "hop_user": {"hop_identity"}}


def test_every_change_has_an_act_or_is_of_ansible_core_or_waits_for_another_look():
    changes = plan_samples.every_change()
    assert {each.kind for each in changes if each.by_ansible} == {"packages", "service"}
    assert all(each.act is None for each in changes if each.by_ansible)
    for each in changes:
        waits = each.needs == ANOTHER_LOOK and each.after == UNKNOWN
        assert waits is (each.act is None and not each.by_ansible), each


def test_every_section_and_every_drift_is_among_them():
    """Else the proofs of this file would prove less than they say."""
    found = plan_samples.every_change()
    assert {each.section for each in found} == set(REGISTRY.places) - {"removal"}
    assert {each.kind for each in found} >= QUICK - {"firewalld", "ufw", "iptables"}
    assert {each.kind for each in found} >= MAKERS | {"image", "trial", "swap", "host_key_switch", "lockdown",
                                                       "watch", "earlier_file"}


@pytest.mark.parametrize("name", sorted(HOSTS))
def test_what_waits_for_the_image_waits_for_something_that_comes(name):
    want, facts = HOSTS[name]
    plan = samples.plan(want, facts)
    waiting = [each for each in plan.changes if each.needs == ANOTHER_LOOK]
    assert not waiting or any(each.act for each in plan.of_kind("image", "image_facts"))


def test_quick_are_those_that_were():
    for each in plan_samples.every_change():
        assert each.quick is bool(each.act and each.kind in QUICK), each


def test_what_is_not_known_yet_says_what_makes_it_known():
    for each in plan_samples.every_change():
        if each.after == UNKNOWN and each.act:
            assert set(each.needs) == FOLLOWS.get(each.kind, set()), each
            assert each.needs or each.kind in MAKERS, each


# the ledger
#: Acts that end with a sentence where programs say nothing, after what they write down.
SILENT = ("image", "known_hosts", "lockdown")


class Checked(LedgerFile):
    """A ledger that takes what the real one takes, and writes nothing."""

    def __init__(self):
        super().__init__(REGISTRY.kinds)
        self.rows = []

    def record(self, kind, name, before, after):
        ledger.entry(self.kinds, Row(kind, name, before, after))
        self.rows.append(kind)


@pytest.fixture
def dry(monkeypatch):
    """Acts touch nothing: files are absent and none is written, programs answer well and say nothing."""
    done = commands.Completed(0, b"", b"")

    def never(*_any, **_more):
        raise AssertionError("this touches the machine")

    for place, name in ((subprocess, "Popen"), (os, "kill"), (os, "rename"), (os, "replace"),
                        (os, "unlink"), (os, "mkdir"), (os, "symlink")):
        monkeypatch.setattr(place, name, never)
    for place, name in ((files, "write_file"), (files, "remove_file"), (files, "make_dir"), (files, "read_file"),
                        (os, "rmdir"), (trees, "remove"), (os, "makedirs"),
                        (file_pairs, "replace_pair"), (serving, "start"), (serving, "reload"), (serving, "wait"),
                        (password, "set_hash"), (cli, "inspect")):
        monkeypatch.setattr(place, name, lambda *_any, **_more: None)
    root = os.stat("/")
    monkeypatch.setattr(files, "stat_file", lambda path, **_more: root if path == "/etc" else None)
    for place, name in ((files, "list_dir"), (packages, "installed"), (keypair, "ensure_pairs")):
        monkeypatch.setattr(place, name, lambda *_any, **_more: [])
    for place, name in ((cli, "docker"), (cli, "run_once"), (engine, "run"), (firewall, "run"), (lockdown, "run")):
        monkeypatch.setattr(place, name, lambda *_any, **_more: done)
    monkeypatch.setattr(engine, "_unit", lambda _name: "inactive disabled")
    monkeypatch.setattr(engine, "_members", lambda _name: None)
    monkeypatch.setattr(proof, "of_own", lambda *_any: proof.Handshake(ok=True))
    monkeypatch.setattr(trial, "_proved", lambda *_any: None)


@pytest.mark.parametrize("name", sorted(HOSTS))
def test_the_ledger_takes_what_acts_write_down(dry, name):
    recorded(name)


def recorded(name):
    """What every act of a plan writes down, each by itself, and what is announced."""
    want, found = HOSTS[name]
    book = Checked()
    plan = samples.plan(want, found)
    for resource in REGISTRY.resources:
        resource.announce(Host(samples.spec(want), samples.facts_of(want, found), book), plan.ordered())
    for each in plan.changes:
        host = Host(samples.spec(want), samples.facts_of(want, found), book)
        try:
            if each.act:
                each.act(host)
        except ledger.LedgerError as error:
            raise AssertionError("%s: %s" % (each.resource, error)) from error
        except UserError as error:
            assert each.kind in SILENT, "%s: %s" % (each.resource, error)
    return set(book.rows)


def test_nearly_every_kind_of_the_ledger_is_among_them(dry):
    found = set().union(*map(recorded, HOSTS))
    of_other_firewalls = {"firewalld", "ufw", "iptables"}
    assert set(REGISTRY.kinds) - found == of_other_firewalls


# what single acts promise


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to own files as somebody else")
def test_the_identity_goes_with_its_folder(tmp_path, monkeypatch):
    """Else another look, before the container starts and hands over its home, would find an identity to mend."""
    home = tmp_path / "home-ssh"
    home.mkdir(mode=0o700)
    for name, mode in (("id_ed25519", 0o600), ("id_ed25519.pub", 0o644), ("other", 0o644)):
        (home / name).write_bytes(name.encode())
        (home / name).chmod(mode)
    (home / "link").symlink_to("/etc/passwd")
    monkeypatch.setattr(paths, "HOME_SSH", str(home))
    monkeypatch.setattr(paths, "IDENTITY", str(home / "id_ed25519"))
    monkeypatch.setattr(paths, "VAR_DIR", str(tmp_path))
    host = Host(Spec(), Facts(), Checked())
    state.make_folder(str(home), Ownership(0o700, 4711, 4712), Ownership(0o700), host)
    seen = {path.name: (path.lstat().st_uid, path.lstat().st_gid, stat.S_IMODE(path.lstat().st_mode))
            for path in (home, *home.iterdir())}
    assert seen.pop("link")[0] == seen.pop("other")[0] == 0
    assert seen == {"home-ssh": (4711, 4712, 0o700), "id_ed25519": (4711, 4712, 0o600),
                    "id_ed25519.pub": (4711, 4712, 0o644)}
    assert (home / "id_ed25519").read_bytes() == b"id_ed25519"


@pytest.mark.parametrize("want", [
    ServerSpec("present", samples.spec(samples.want()).of(ServerSpec).image, entry="ours"),
    HopSpec("present", entry="ours"),
], ids=["ssh", "hop"])
def test_what_is_run_comes_from_no_folder_that_a_container_can_write(want, monkeypatch, tmp_path):
    """The state folder is mounted writable: what its entry says may be the container's word, and is never run."""
    asked = []

    def run_once(image, program, mounts, **_more):
        source = next(mount for mount in mounts if "readonly" in mount and paths.ENTRY in mount).split("source=")[1]
        path = source.split(",")[0]
        with open(path, encoding="ascii") as entry:
            asked.append((image, program[0], os.path.dirname(path), entry.read(), stat.S_IMODE(os.stat(path).st_mode)))
        return commands.Completed(0, b"", b"")

    monkeypatch.setattr(paths, "VAR_DIR", str(tmp_path))
    monkeypatch.setattr(configuration.cli, "run_once", run_once)
    monkeypatch.setattr(files, "make_dir", lambda *_any: None)
    write = files.write_file
    monkeypatch.setattr(files, "write_file",
                        lambda path, data, mode: write(path, data, mode, os.geteuid(), os.getegid()))
    host = Host(Spec(want), Facts(Image(engine_id="sha256:e"), Container()), Checked())
    assert configuration._asked(host, "/etc/oqs-ssh/private/candidate").rc == 0
    assert asked == [("sha256:e", paths.ENTRY, str(tmp_path), "ours", 0o755)]
    assert list(tmp_path.iterdir()) == [], "nothing of it is left"


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """A state folder with a client's configuration that a person has edited, and a host whose programs are ours."""
    def asked(_host, candidate):
        return commands.run(["ssh", "-G", "-F", candidate + "/ssh_config", "localhost"], check=False)

    monkeypatch.setattr(paths, "STATE_DIR", str(tmp_path))
    monkeypatch.setattr(paths, "PRIVATE_DIR", str(tmp_path / "private"))
    monkeypatch.setattr(configuration, "_asked", asked)
    for name in ("make_dir", "write_file"):
        monkeypatch.setattr(files, name, partial(getattr(files, name), uid=os.geteuid(), gid=os.getegid()))
    (tmp_path / "private").mkdir()
    return tmp_path / "ssh_config"


@pytest.mark.parametrize(("before", "number"), [(b"Port 22\n", 2), (b"Port 22\n# more\n\n", 4)])
def test_a_line_that_the_program_does_not_know_is_named_where_the_person_wrote_it(edited, before, number):
    """What is asked about has our lines above theirs, and lies in a folder that is gone when they read of it."""
    edited.write_bytes(before + b"\tNonsense yes\nUser a\n")
    host = Host(Spec(), Facts(Image(), Container()), Checked())
    with pytest.raises(configuration.ConfigurationError) as caught:
        configuration.write(host, {"ssh_config": b"Compression no\n" + edited.read_bytes()})
    said = str(caught.value)
    assert "%s: line %d: Bad configuration option: nonsense" % (edited, number) in said
    assert "candidate" not in said and "private" not in said and edited.read_bytes().startswith(before)


@pytest.mark.parametrize("name", ["whole", "global", "block-0"])
def test_so_it_is_where_the_effect_is_asked_about(monkeypatch, tmp_path, name):
    """In the words of OpenSSH 9.2's sshd, of a part whose lines are those of the file without their blanks."""
    def run_once(*_any, **_more):
        said = "\n== %s root 203.0.113.77\nfailed: %s/%s line 2: unsupported option \"maybe\"." % (
            name, paths.ASKED, name)
        return commands.Completed(0, said.encode(), b"")

    monkeypatch.setattr(paths, "VAR_DIR", str(tmp_path))
    monkeypatch.setattr(configuration.cli, "run_once", run_once)
    write = files.write_file
    monkeypatch.setattr(files, "write_file",
                        lambda path, data, mode: write(path, data, mode, os.geteuid(), os.getegid()))
    ssh = ServerSpec("present", samples.spec(samples.want()).of(ServerSpec).image, entry="ours")
    present = b"Port 2222\n\n# mine\n  PermitRootLogin maybe\n"
    with pytest.raises(configuration.ConfigurationError, match="/etc/oqs-ssh/sshd_config line 4: unsupported option"):
        configuration._effects(ssh, "sha256:e", {name: b"X y\nPermitRootLogin maybe\n"}, present)
