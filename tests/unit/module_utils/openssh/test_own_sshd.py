# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hop goes where the host's own sshd listens: another port, some addresses, socket activation."""

from __future__ import annotations

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import commands, processes
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import hop
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import HopSpec, LockdownSpec, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import own_sshd
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.own_sshd import OwnSshd

EVERYWHERE = [("0.0.0.0", 22), ("::", 22)]


@pytest.mark.parametrize(("asked", "ends", "port", "address"), [
    (22, EVERYWHERE, 22, "localhost"),
    (22, [], 22, "localhost"),  # not known: asked for is tried
    (22, [("0.0.0.0", 2022), ("::", 2022)], 2022, "localhost"),
    (22, [("127.0.0.1", 2022), ("192.0.2.5", 2022)], 2022, "localhost"),
    (22, [("192.0.2.5", 22)], 22, "192.0.2.5"),
    (22, [("2001:db8::5", 22), ("192.0.2.5", 22)], 22, "2001:db8::5"),
    (22, [("192.0.2.5", 2022), ("0.0.0.0", 2023)], 2022, "192.0.2.5"),
    (2022, EVERYWHERE, 2022, "localhost"),  # a second sshd, maybe
    (2022, [*EVERYWHERE, ("192.0.2.5", 2022)], 2022, "192.0.2.5"),
])
def test_where_the_hop_goes(asked, ends, port, address):
    found = own_sshd.decide(asked, ends)
    assert (found.port, found.address) == (port, address)


def test_as_programs_print_it():
    lines = ["[::]:22", "0.0.0.0:2022", "192.0.2.5:22 (Stream)", "[fe80::1%eth0]:22", "/run/x.sock (Stream)",
             "", "x:22"]
    assert own_sshd.parse_ends(lines) == [
        ("::", 22), ("0.0.0.0", 2022), ("192.0.2.5", 22), ("fe80::1", 22),
    ]


@pytest.fixture
def host(monkeypatch):
    """A host whose listening ends and socket units are set by the test."""

    class Host:
        there = set(EVERYWHERE)
        units, its, systemd = "", frozenset(), True

        def run(self, argv, **_more):
            return commands.Completed(0, self.units.encode(), b"")

    found = Host()
    monkeypatch.setattr(processes, "ends", lambda: found.there)
    monkeypatch.setattr(processes, "ends_of", lambda _program: found.its)
    monkeypatch.setattr(own_sshd, "run", found.run)
    monkeypatch.setattr(own_sshd.os.path, "isdir", lambda path: found.systemd and path == "/run/systemd/system")
    return found


WANT = {"ssh": samples.ssh_want(hop_port=22), "hop": samples.hop_want(hop_port=22)}


def resolved(want, settings):
    found = hop.resolved(samples.spec(want), OwnSshd(settings))
    parts = [found.get(kind) for kind in (ServerSpec, HopSpec)]
    return [(part.hop_port, part.hop_address) for part in parts if part]


def test_configuration_that_is_so(host):
    assert resolved(WANT, {"listenaddress": ["[::]:22", "0.0.0.0:22"]}) == [(22, "localhost")] * 2
    host.there = {("192.0.2.5", 2022)}
    assert resolved(WANT, {"listenaddress": ["192.0.2.5:2022"]}) == [(2022, "192.0.2.5")] * 2


def test_with_socket_activation_the_configuration_does_not_count(host):
    host.there, host.units = {("::", 2200)}, "Listen=[::]:2200 (Stream)\n\n"
    assert resolved(WANT, {"listenaddress": ["[::]:22", "0.0.0.0:22"]}) == [(2200, "localhost")] * 2
    assert resolved(WANT, {}) == [(2200, "localhost")] * 2


def test_nothing_known_leaves_what_was_asked_for(host):
    host.there = set()
    assert resolved(WANT, {}) == [(22, "localhost")] * 2


def test_both_roles_alone_say_the_same(host):
    host.there, settings = {("192.0.2.5", 2022)}, {"listenaddress": ["192.0.2.5:2022"]}
    assert resolved({"ssh": WANT["ssh"]}, settings) == resolved({"hop": WANT["hop"]}, settings) == [(2022, "192.0.2.5")]
    other = samples.spec({"firewall": samples.firewall_want()})
    assert hop.resolved(other, OwnSshd(settings)) is other


def test_what_was_asked_for_is_kept_and_resolving_again_is_no_change(host):
    host.there, settings = {("::", 2022), ("::", 2023)}, {"listenaddress": ["[::]:2022", "[::]:2023"]}
    asked, sshd = samples.spec(WANT), OwnSshd(settings)
    once = hop.resolved(asked, sshd)
    assert (once.of(HopSpec).hop_asked, once.of(HopSpec).hop_others) == (22, [2023])
    again = hop.resolved(once, sshd)
    assert all(again.of(kind) == once.of(kind) for kind in (HopSpec, ServerSpec)) and asked.of(HopSpec).hop_port == 22


def test_a_host_without_systemd(host, monkeypatch):
    def missing(argv, **_more):
        raise commands.CommandError(argv, "there is no systemctl")

    monkeypatch.setattr(own_sshd, "run", missing)
    host.there = {("::", 2200)}
    with pytest.raises(commands.CommandError):
        resolved(WANT, {})  # systemd is there, and does not say
    host.systemd = False
    assert resolved(WANT, {}) == [(22, "localhost")] * 2


def test_where_it_listens_counts_whatever_anybody_says(host):
    host.there = host.its = {("::", 22), ("::", 2022)}
    found = hop.resolved(samples.spec(WANT), OwnSshd({}, "Match LocalPort"))
    assert (found.of(HopSpec).hop_port, found.of(HopSpec).hop_others) == (22, [2022])


def test_the_lockdown_closes_what_is_configured_and_does_not_listen_yet(host):
    """It will at sshd's next start, or when somebody starts the socket."""
    host.units = "Listen=[::]:2200 (Stream)\n\n"
    wanted = samples.spec({"lockdown": {"state": "present", "hop_port": 22}, "hop": samples.hop_want(hop_port=22)})
    settings = {"port": ["22", "2022"], "listenaddress": ["[::]:22", "0.0.0.0:22", "192.0.2.5:2023"]}
    found = hop.resolved(wanted, OwnSshd(settings))
    assert found.of(LockdownSpec).hop_others == [2022, 2023, 2200]
    assert found.of(HopSpec).hop_others == [], "the hop goes where it listens"
    again = hop.resolved(found, OwnSshd(settings))
    assert again.of(LockdownSpec) == found.of(LockdownSpec)


#: An sshd whose configuration has `Match LocalPort`: bare -T fails as 9.2 and 10.0 do.
PICKY = """#!/bin/sh
case "$*" in
  *lport=*) printf 'port 22\\nport 2022\\nhostkey /etc/ssh/key\\nauthorizedkeysfile %s\\n' ;;
  *) echo "'Match LocalPort' in configuration but 'lport' not in connection test specification." >&2; exit 255 ;;
esac
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A program in sshd's place, and its configuration."""
    def put(text, config=""):
        (tmp_path / "sshd").write_text(text)
        (tmp_path / "sshd").chmod(0o755)
        (tmp_path / "config").write_text(config)

    monkeypatch.setattr(own_sshd, "_program", lambda: str(tmp_path / "sshd"))
    monkeypatch.setattr(own_sshd, "_CONFIG", str(tmp_path / "config"))
    return put


def test_ports_behind_a_match_of_ports(program):
    program(PICKY % "/etc/ssh/authorized_keys/%%u")
    found = own_sshd.read()
    assert not found.trouble and found.settings["port"] == ["22", "2022"]
    assert own_sshd.keys_file("root") == "/etc/ssh/authorized_keys/%u"


@pytest.mark.parametrize("text", [
    "#!/bin/sh\necho 'Bad configuration option: Nonsense' >&2\nexit 255\n", "#!/bin/sh\necho port 22\n",
    "#!/bin/sh\n", "#!/bin/sh\nkill -9 $$\n",
])
def test_what_it_does_not_say_is_not_nothing(program, text):
    program(text)
    found = own_sshd.read()
    assert found.trouble and not found.settings
    with pytest.raises(own_sshd.Unknown, match="does not say how it is configured"):
        own_sshd.settings()
    with pytest.raises(own_sshd.Unknown, match="does not say where it reads keys"):
        own_sshd.keys_file("root")


DEFAULT = ".ssh/authorized_keys .ssh/authorized_keys2"


@pytest.mark.parametrize(("config", "said", "path"), [
    ("", DEFAULT, ".ssh/authorized_keys"),
    ("AuthorizedKeysFile .ssh/a .ssh/b\n", ".ssh/a .ssh/b", ".ssh/a"),
    ('AuthorizedKeysFile "/etc/ssh/keys/%u"\n', "/etc/ssh/keys/%u", "/etc/ssh/keys/%u"),
    ('AuthorizedKeysFile "/etc/ssh/our keys/%u" .ssh/b\n', "/etc/ssh/our keys/%u .ssh/b", "/etc/ssh/our keys/%u"),
    ("Match User x\n authorizedkeysfile=/etc/our\\ keys\n", "/etc/our keys", "/etc/our keys"),
    ("Include FOLDER/more\n", "/a b/%u", "/a b/%u"),
    ("AuthorizedKeysFile NONE .ssh/b\n", "NONE .ssh/b", ".ssh/b"),  # auth2-pubkey.c goes on behind it
])
def test_the_first_file_of_keys_is_the_one_that_sshd_reads(program, tmp_path, config, said, path):
    """As OpenSSH 9.2 prints each: without the quotes, so that its own files say where a path ends."""
    (tmp_path / "more").write_text('AuthorizedKeysFile "/a b/%u"\n')
    program(PICKY % said.replace("%", "%%"), config.replace("FOLDER", str(tmp_path)))
    assert own_sshd.keys_file("root") == path


@pytest.mark.parametrize(("config", "said", "words"), [
    ("AuthorizedKeysFile none\n", "none", "reads no file of keys for this account"),
    ("", "", "reads no file of keys for this account"),
    ('AuthorizedKeysFile "/a b"\nMatch User root\nAuthorizedKeysFile /a b\n', "/a b", "does not say where the path"),
    ("# in a file that is not here\n", "/a b", "does not say where the path"),
    ('AuthorizedKeysFile "/a b\n', "/a b", "does not say where the path"),
])
def test_files_of_keys_that_are_of_no_use(program, config, said, words):
    program(PICKY % said, config)
    with pytest.raises(own_sshd.Unknown, match=words):
        own_sshd.keys_file("root")


def test_the_file_is_the_one_of_the_hops_own_connection(program):
    """A Match block may be about the port or the address that the hop comes to."""
    echo = "#!/bin/sh\nprintf 'port 22\\nhostkey k\\nauthorizedkeysfile /keys/%s\\n' \"$(echo $3 | tr , _)\"\n"
    program(echo)
    assert own_sshd.keys_file("me") == "/keys/user=me_host=localhost_addr=127.0.0.1_laddr=127.0.0.1_lport=22"
    assert own_sshd.keys_file("me", "192.0.2.5", 2022).endswith("_addr=192.0.2.5_laddr=192.0.2.5_lport=2022")


def test_one_that_runs_from_elsewhere_is_not_none(monkeypatch, program):
    monkeypatch.setattr(processes, "ends_of", lambda _program: {("::", 22)})
    assert own_sshd.read().trouble
    with pytest.raises(own_sshd.Unknown):
        own_sshd.keys_file("root")


def test_a_host_without_an_sshd(monkeypatch, program):
    monkeypatch.setattr(processes, "ends_of", lambda _program: set())
    assert own_sshd.read() == OwnSshd() and own_sshd.keys_file("root") == ".ssh/authorized_keys"


def test_the_settings_are_those_of_look():
    assert isinstance(own_sshd.settings(), dict)
