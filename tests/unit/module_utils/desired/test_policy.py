# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The two configurations: closed by name, algorithms as wished, the hop; every other byte as it was."""

from __future__ import annotations

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import hardening, policy
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.offers import Offer
from hypothesis import given, settings
from hypothesis import strategies as st

SSHD, SSH = samples.SSHD_CONFIG.encode(), samples.SSH_CONFIG.encode()
#: What the design says about the running server, as sshd reads it (lower case keywords).
CLOSED = {
    "port": ["2222"], "pidfile": ["/run/oqs-sshd.pid"], "permitrootlogin": ["no"], "allowusers": ["oqs"],
    "pubkeyauthentication": ["yes"], "passwordauthentication": ["yes"], "kbdinteractiveauthentication": ["yes"],
    "permitemptypasswords": ["no"], "hostbasedauthentication": ["no"], "authorizedkeysfile": [".ssh/authorized_keys"],
    "strictmodes": ["yes"], "maxauthtries": ["4"], "logingracetime": ["30"], "maxstartups": ["60:30:100"],
    "persourcemaxstartups": ["8"], "persourcepenalties": ["yes"], "maxsessions": ["10"], "permittty": ["yes"],
    "allowtcpforwarding": ["local"], "allowstreamlocalforwarding": ["no"],
    "permitopen": ["localhost:22", "127.0.0.1:22", "[::1]:22"], "permitlisten": ["none"], "gatewayports": ["no"],
    "permittunnel": ["no"], "allowagentforwarding": ["no"], "x11forwarding": ["no"], "permituserrc": ["no"],
    "permituserenvironment": ["no"], "gssapiauthentication": ["no"], "kerberosauthentication": ["no"],
    "authorizedkeyscommand": ["none"], "authorizedprincipalscommand": ["none"], "authorizedprincipalsfile": ["none"],
    "trustedusercakeys": ["none"], "persourcenetblocksize": ["32:64"], "clientaliveinterval": ["60"],
    "clientalivecountmax": ["10"], "unusedconnectiontimeout": ["4h"], "requiredrsasize": ["2048"],
    "compression": ["no"], "loglevel": ["INFO"], "warnweakcrypto": ["yes"], "forcecommand": ["none"],
    "ciphers": ["aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr"],
    "macs": ["hmac-sha2-256-etm@openssh.com"],
}
KEPT = {
    "kexalgorithms": ["mlkem768nistp256-sha256,mlkem768x25519-sha256"], "hostkeyalgorithms": [samples.HYBRID_KEY],
    "pubkeyacceptedalgorithms": [samples.HYBRID_KEY], "hostkey": ["/opt/oqs-ssh/ssh_host_ssh-mldsa44-ed25519_key"],
    "usedns": ["no"], "subsystem": ["sftp /opt/oqs-ssh/libexec/sftp-server"],
}


def ssh(**wish):
    return samples.spec({"ssh": samples.ssh_want(**wish)}).of(ServerSpec)


def image(**known):
    return Image(**samples.image(**known))


def server(data=SSHD, of=None, **wish):
    return policy.server_config(data, ssh(**wish), of or image())


def effective(data, dialect="sshd_config"):
    """Keyword to words, whatever the reader's own way to give several values."""
    return {name: " ".join(values).split() for name, values in sshconfig.read(data, dialect).items()}


def words(table):
    return {name: " ".join(values).split() for name, values in table.items()}


# the server


def test_the_server_is_closed_by_name():
    assert effective(server()) == words(dict(CLOSED, **KEPT))


@pytest.mark.parametrize("unknown", [["persourcepenalties"], ["persourcepenalties", "permitlisten", "maxstartups"]])
def test_what_the_image_does_not_know_is_left_out_and_nothing_else(unknown):
    expected = {name: value for name, value in dict(CLOSED, **KEPT).items() if name not in unknown}
    assert effective(server(of=image(unknown_keywords=unknown))) == words(expected)


def test_hop_mode_gives_no_session_and_leaves_the_way_to_the_host():
    found = effective(server(mode="hop"))
    assert [found[name] for name in ("maxsessions", "permittty", "forcecommand")] == [["0"], ["no"], ["/bin/false"]]
    shell = {"maxsessions": ["10"], "permittty": ["yes"], "forcecommand": ["none"]}
    assert {**found, **shell} == effective(server())


def test_passwords_are_off_where_none_is_set():
    found = effective(server(password_set=False))
    assert found["passwordauthentication"] == found["kbdinteractiveauthentication"] == ["no"]


def test_sources_are_enforced_by_sshd_itself():
    found = effective(server(sources=["192.0.2.0/24", "2001:db8::/32"]))
    assert found["allowusers"] == ["oqs@192.0.2.0/24", "oqs@2001:db8::/32"]


def test_forwarding_goes_to_the_hops_port_only():
    assert effective(server(hop_port=2200))["permitopen"] == ["localhost:2200", "127.0.0.1:2200", "[::1]:2200"]


@pytest.mark.parametrize("wish", [{}, {"stock_clients": True}, {"sources": ["192.0.2.1"], "password_set": False},
                                  {"kex_algorithms": ["mlkem768x25519-sha256"], "port": 22222}])
def test_a_second_run_changes_nothing(wish):
    once = server(**wish)
    assert server(once, **wish) == once
    assert policy.client_config(policy.client_config(SSH, ssh(**wish)), ssh(**wish)) == (
        policy.client_config(SSH, ssh(**wish)))


def test_every_byte_that_is_no_setting_of_ours_stays():
    ours = {keyword.lower() for keyword, _value in hardening.closed_by_name(ssh())}
    ours |= {"ciphers", "macs", "kexalgorithms", "hostkeyalgorithms", "pubkeyacceptedkeytypes", "hostkey"}
    before = SSHD.splitlines(True)
    kept = [line for line in before if not line.split() or line.split()[0].decode().lower() not in ours]
    after = server().splitlines(True)
    position = 0
    for line in kept:  # in this order, byte for byte
        position = after.index(line, position) + 1


@settings(max_examples=20)
@given(st.lists(st.sampled_from(
    [b"# \xff note\r\n", b"\n", b"\tClientAliveInterval  7\n", b"Banner=none\n", b"MaxAuthTries 99\n",
     b"GatewayPorts yes\n", b"permitrootlogin yes\n", b"AllowUsers mallory\n", b"PasswordAuthentication yes\n"]
), max_size=6), st.booleans())
def test_whatever_the_file_says_the_server_is_closed(lines, at_end):
    data = SSHD + b"".join(lines) if at_end else b"".join(lines) + SSHD
    after = server(data, password_set=False)
    found = effective(after)
    for name in ("permitrootlogin", "maxauthtries", "gatewayports", "allowusers", "passwordauthentication"):
        expected = {"passwordauthentication": ["no"]}.get(name, CLOSED[name])
        assert found[name] == expected
    assert server(after, password_set=False) == after
    for line in lines:
        if line.split()[:1] in ([b"#"], [b"ClientAliveInterval"], [b"Banner=none"]):
            assert line in after


def test_stock_clients_are_served_too():
    found = effective(server(stock_clients=True))
    assert found["kexalgorithms"][0].split(",") == [
        "mlkem768nistp256-sha256", "mlkem768x25519-sha256", "sntrup761x25519-sha512@openssh.com",
    ]
    assert found["hostkeyalgorithms"] == found["pubkeyacceptedalgorithms"] == [samples.HYBRID_KEY + ",ssh-ed25519"]
    assert found["hostkey"] == [
        "/opt/oqs-ssh/ssh_host_ssh-mldsa44-ed25519_key", "/opt/oqs-ssh/ssh_host_ed25519_key",
    ]
    assert not [name for name in found["kexalgorithms"][0].split(",") if policy.algorithms.family(name) != "hybrid"]


def test_only_what_the_image_knows_is_offered_to_stock_clients():
    found = effective(server(of=image(kex=["mlkem768nistp256-sha256"]), stock_clients=True))
    assert found["kexalgorithms"] == ["mlkem768nistp256-sha256,mlkem768x25519-sha256"]  # as the file had it


def test_clients_without_post_quantum_key_exchange_come_last():
    known = image(kex=["mlkem768nistp256-sha256", "mlkem768x25519-sha256", "curve25519-sha256"])
    found = effective(server(of=known, stock_clients=True, classical_clients=True))
    assert found["kexalgorithms"] == ["mlkem768nistp256-sha256,mlkem768x25519-sha256,curve25519-sha256"]


@pytest.mark.parametrize(("server_kex", "client_kex", "words"), [
    (["a", "b"], ["b"], ""), (["a"], [], ""), ([], ["b"], ""), (["a"], ["+b"], ""), (["^a"], ["b"], ""),
    (["a"], ["b", "c"], "no common key exchange: it takes b, c, the server would offer a"),
])
def test_a_client_without_anything_in_common(server_kex, client_kex, words):
    keys = Offer((), ("k",), ())
    server, client = keys._replace(kex=tuple(server_kex)), keys._replace(kex=tuple(client_kex))
    assert policy.out_of_reach(server, client) == words
    one = keys._replace(kex=("a",), pubkeys=("p",))
    other = policy.out_of_reach(one, one._replace(host_keys=("l",)))
    assert other == "no common host key algorithm: it takes l, the server would offer k"
    assert policy.out_of_reach(one, one._replace(pubkeys=("q",))) == ""
    other = policy.out_of_reach(one, one._replace(pubkeys=("q",)), by_key=True)
    assert other == "no common public key algorithm: it takes q, the server would offer p"


def test_what_an_image_could_offer():
    known = Image(kex=["a"], key=["k", "k-cert-v01@openssh.com", "sk-k"], sig=["rsa-sha2-512", "k"])
    assert policy.knows(known) == Offer(("a",), ("k",), ("k", "sk-k", "rsa-sha2-512"))
    assert policy.knows(Image()) == Offer((), (), ())


def test_wishes_for_algorithms_win_in_their_order():
    data = server(kex_algorithms=["sntrup761x25519-sha512@openssh.com", "mlkem768x25519-sha256"],
                  host_key_algorithms=["ssh-mldsa44", "ssh-ed25519"], pubkey_algorithms=["ssh-ed25519"])
    assert policy.offer(data) == Offer(
        ("sntrup761x25519-sha512@openssh.com", "mlkem768x25519-sha256"), ("ssh-mldsa44", "ssh-ed25519"),
        ("ssh-ed25519",))
    assert policy.host_key_algorithms(data) == ["ssh-mldsa44", "ed25519"]
    assert policy.accepted(data) == ["ssh-ed25519"]


def test_an_empty_file_offers_what_the_program_does():
    assert policy.offer(b"") == Offer((), (), ())
    assert policy.accepted(b"") == []


@pytest.mark.parametrize(("accepted", "key_type", "verdict"), [
    (["ssh-ed25519"], "ssh-ed25519", True),
    (["ssh-mldsa44-ed25519"], "ssh-ed25519", False),
    (["rsa-sha2-512"], "ssh-rsa", True),
    (["rsa-sha2-256"], "ssh-rsa", True),
    (["ssh-ed25519"], "ssh-rsa", False),
])
def test_which_keys_are_accepted(accepted, key_type, verdict):
    assert algorithms.accepts(accepted, key_type) is verdict


def test_unknown_names():
    assert policy.unknown_names(["mlkem768x25519-sha256"], samples.KEX, "x") == []
    assert policy.unknown_names(["mlkem768x25519"], samples.KEX, "x") == [
        "x: member 1 (text of 14 characters) is no algorithm that the image knows; did you mean mlkem768x25519-sha256?"
    ]


def test_forwarding_goes_where_the_hosts_own_sshd_listens():
    for address, last in (("192.0.2.5", "192.0.2.5:2022"), ("2001:db8::5", "[2001:db8::5]:2022")):
        settings = dict(hardening.closed_by_name(ssh(hop_port=2022, hop_address=address)))
        assert settings["PermitOpen"] == "localhost:2022 127.0.0.1:2022 [::1]:2022 " + last


# the client


def test_without_wishes_the_clients_file_is_as_it_was():
    assert policy.client_config(SSH, ssh()) == SSH


def test_wishes_count_for_the_client_too():
    found = effective(policy.client_config(SSH, ssh(kex_algorithms=["a", "b"])), "ssh_config")
    assert found["kexalgorithms"] == ["a,b"] and found["hostkeyalgorithms"] == [samples.HYBRID_KEY]


# the hop


@pytest.mark.parametrize(("host", "chosen"), [
    (["curve25519-sha256", "mlkem768x25519-sha256"], ["mlkem768x25519-sha256"]),
    (["sntrup761x25519-sha512@openssh.com", "curve25519-sha256@libssh.org"], ["sntrup761x25519-sha512@openssh.com"]),
    (["curve25519-sha256", "curve25519-sha256@libssh.org"], ["curve25519-sha256@libssh.org"]),
    (["ecdh-sha2-nistp256", "curve25519-sha256"], ["ecdh-sha2-nistp256"]),
    (["kex-strict-s-v00@openssh.com", "diffie-hellman-group14-sha256"], []),
    ([], []),
])
def test_the_hops_key_exchange_is_hybrid_wherever_it_can_be(host, chosen):
    assert policy.hop_kex(samples.KEX, host) == chosen


def test_the_hop_offers_all_hybrids_and_no_classical_one_beside_them():
    host = ["curve25519-sha256", "sntrup761x25519-sha512@openssh.com", "mlkem768x25519-sha256"]
    assert policy.hop_kex(samples.KEX, host) == ["sntrup761x25519-sha512@openssh.com", "mlkem768x25519-sha256"]


def hop_lines(identity=True):
    return policy.hop_lines(SSH, ["sntrup761x25519-sha512@openssh.com"], ["ssh-ed25519"], identity)


def test_the_hops_own_file():
    data = policy.hop_file(hop_lines())
    lines = data.decode().splitlines()
    assert lines[1] == "Host localhost 127.0.0.1 ::1"
    found = sshconfig.read(data, "ssh_config", block="Host localhost 127.0.0.1 ::1")
    assert found["kexalgorithms"] == [
        "mlkem768nistp256-sha256,mlkem768x25519-sha256,sntrup761x25519-sha512@openssh.com"]
    assert found["hostkeyalgorithms"] == [samples.HYBRID_KEY + ",ssh-ed25519"]
    assert found["globalknownhostsfile"] == ["/etc/oqs-ssh/known_hosts"]
    assert found["stricthostkeychecking"] == ["yes"] and found["identityfile"] == ["~/.ssh/id_ed25519"]
    assert sshconfig.read(data, "ssh_config") == {}


def test_no_identity_where_nobody_may_use_one():
    assert not [line for line in hop_lines(False) if line.startswith("IdentityFile")]


PARTS = [SSH, b"Host x\n", b"  Port 1\r\n", b"# c", b"\n", b"Include other\n", b""]


@given(st.lists(st.sampled_from(PARTS), max_size=4))
def test_the_include_comes_first_and_goes_without_a_trace(parts):
    data = b"".join(parts)
    inside = policy.with_include(data, True)
    assert inside.startswith(policy.HOP_INCLUDE + b"\n")
    assert policy.with_include(inside, True) == inside
    assert policy.with_include(inside, False) == data


def test_an_include_that_slipped_down_comes_up_again():
    assert policy.with_include(b"Port 1\n  " + policy.HOP_INCLUDE + b"\n", True) == policy.HOP_INCLUDE + b"\nPort 1\n"


def test_the_global_hop_is_the_manuals_edit():
    after = policy.global_hop(SSH, hop_lines())
    assert b"\nIdentityFile ~/.ssh/id_ed25519\n" in after and b"\n#IdentityFile ~/.ssh/id_ed25519" not in after
    assert b"#   IdentityFile ~/.ssh/id_ed25519\n" in after  # one copy is uncommented, not both
    found = effective(after, "ssh_config")
    assert found["identityfile"] == ["~/.ssh/id_ssh-mldsa44-ed25519", "~/.ssh/id_ed25519"]
    assert found["kexalgorithms"][0].endswith(",sntrup761x25519-sha512@openssh.com")
    again = policy.hop_lines(after, ["sntrup761x25519-sha512@openssh.com"], ["ssh-ed25519"], True)
    assert policy.global_hop(after, again) == after
