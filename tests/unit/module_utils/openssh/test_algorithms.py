# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Families are told by structure: names of the past, of today, of other definers, and names nobody has seen."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import algorithms
from hypothesis import given
from hypothesis import strategies as st

KNOWN = {
    "hybrid": """
        mlkem768x25519-sha256 mlkem768nistp256-sha256 mlkem1024nistp384-sha384 sntrup761x25519-sha512@openssh.com
        sntrup761x25519-sha512 sntrup4591761x25519-sha512@tinyssh.org ecdh-nistp384-kyber-768-sha384
        ecdh-nistp384-kyber-768r3-sha384-d00@openquantumsafe.org x25519-kyber-512r3-sha256-d00@amazon.com
        ecdh-nistp521-hqc-256-sha512-d00@openquantumsafe.org ecdh-nistp256-classic-mceliece-348864-sha256
        curve25519-frodokem-640-aes-sha256 ecdh-nistp384-bike-l3-sha384 X25519MLKEM768 x448-ml-kem-1024-sha512
        ssh-mldsa44-ed25519 ssh-mldsa44-ed25519@openssh.com ssh-mldsa44-ed25519-cert-v01@openssh.com
        ssh-ecdsa-nistp384-mldsa65 ssh-ecdsa-nistp384-mldsa-65 ssh-ecdsa-nistp384-dilithium3 ssh-rsa3072-mldsa44
        ssh-rsa3072-falcon512 ssh-ecdsa-nistp521-mayo5 ssh-ecdsa-nistp256-sphincssha2128fsimple xwing-sha256
        p256_mldsa44 ssh-ed448-slh-dsa-sha2-256s mlkem768-p-256-sha256""",
    "pq": """
        kyber-768-sha384 mlkem768-sha256 ml-kem-1024 frodokem-976-aes-sha384 hqc-128-sha256 bike-l1-sha512
        classic-mceliece-348864-sha256 ntru-hps2048509-sha512 ssh-mldsa44 ssh-mldsa-65 ssh-dilithium2aes ssh-falcon1024
        ssh-mayo2 ssh-sphincsharaka128fsimple ssh-slh-dsa-sha2-128s ssh-fn-dsa-512 ssh-xmss@openssh.com
        ssh-xmss-cert-v01@openssh.com ssh-snova2454""",
    "classical": """
        curve25519-sha256 curve25519-sha256@libssh.org curve448-sha512 ecdh-sha2-nistp256 ecdh-sha2-nistp521
        ecdh-sha2-1.3.132.0.10 diffie-hellman-group14-sha256 diffie-hellman-group16-sha512
        diffie-hellman-group18-sha512@ssh.com diffie-hellman-group-exchange-sha256 rsa2048-sha256 sm2kep-sha2-nistp256
        gss-group14-sha256-toWM5Slw5Ew8Mqkay+al2g== gss-nistp256-sha256- ssh-ed25519 ssh-ed25519-cert-v01@openssh.com
        sk-ssh-ed25519@openssh.com sk-ecdsa-sha2-nistp256@openssh.com webauthn-sk-ecdsa-sha2-nistp256@openssh.com
        ecdsa-sha2-nistp521 rsa-sha2-256 rsa-sha2-512-cert-v01@openssh.com ssh-ed448 x509v3-ecdsa-sha2-nistp256
        ecdh-nistp384-sike-p610-sha384 ssh-rsa3072-rainbowiclassic""",
    "weak": """
        diffie-hellman-group1-sha1 diffie-hellman-group14-sha1 diffie-hellman-group-exchange-sha1 rsa1024-sha1
        gss-gex-sha1- gss-group14-sha1-toWM5Slw5Ew8Mqkay+al2g== ssh-rsa ssh-rsa-cert-v01@openssh.com ssh-dss
        ssh-dss-cert-v01@openssh.com x509v3-ssh-rsa x509v3-sign-rsa x509v3-ssh-dss sike-p434-sha256
        ssh-rainbowiclassic diffie-hellman-group1-sha256""",
    "unknown": """
        foo frobnicate-512 ssh-novelty ext-info-c ext-info-s kex-strict-s-v00@openssh.com kexguess2@matt.ucc.asn.au""",
}


@pytest.mark.parametrize(("expected", "name"), [(family, name) for family in KNOWN for name in KNOWN[family].split()])
def test_family(expected, name):
    assert algorithms.family(name) == expected
    assert algorithms.is_quantum_safe(name) is (expected in ("hybrid", "pq"))


@given(st.text(max_size=80))
def test_any_text_has_a_family(name):
    assert algorithms.family(name) in algorithms.FAMILIES
    assert isinstance(algorithms.is_marker(name), bool)


@given(
    st.sampled_from(["mlkem", "ml-kem-", "kyber", "kyber-", "sntrup", "frodokem-", "hqc-", "bike-l"]),
    st.integers(1, 9999),
    st.sampled_from(["x25519", "-x25519", "nistp256", "-nistp521", "-p384", "_curve25519"]),
    st.sampled_from(["sha256", "sha384", "sha512"]),
    st.sampled_from(["", "@example.org", "@openssh.com"]),
)
def test_combinations_nobody_has_named_yet_are_hybrids(kem, size, classical, digest, suffix):
    name = "%s%d%s-%s%s" % (kem, size, classical, digest, suffix)
    assert algorithms.family(name) == "hybrid"
    assert algorithms.family(name.upper()) == "hybrid"
    assert algorithms.family(name.replace(digest, "sha1")) == "weak"


@given(st.sampled_from(KNOWN["classical"].split()), st.sampled_from(["mlkem768.example", "sntrup.org", "pq-hybrid"]))
def test_a_suffix_makes_nothing_quantum_safe(name, domain):
    assert not algorithms.is_quantum_safe(name.partition("@")[0] + "@" + domain)


def test_markers():
    assert [
        name
        for name in (
            "ext-info-s",
            "ext-info-c",
            "kex-strict-c-v00@openssh.com",
            "kex-strict-s-v01@x",
            "kexguess2@matt.ucc.asn.au",
            "curve25519-sha256",
            "ext-info-x",
            "my-ext-info-c",
        )
        if not algorithms.is_marker(name)
    ] == ["curve25519-sha256", "ext-info-x", "my-ext-info-c"]


KEX = [
    "mlkem768nistp256-sha256",
    "mlkem768x25519-sha256",
    "mlkem1024nistp384-sha384",
    "sntrup761x25519-sha512@openssh.com",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
]
SIG = [
    "ssh-ed25519",
    "ssh-ecdsa-nistp256-mldsa-44",
    "ssh-ecdsa-nistp384-mldsa-65",
    "ssh-mldsa-65",
    "ssh-falcon512",
    "ssh-rsa3072-falcon512",
]


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("kyber768x25519", KEX, "mlkem768x25519-sha256"),
        ("x25519-kyber-768r3-sha256-d00@amazon.com", KEX, "mlkem768x25519-sha256"),
        ("ecdh-nistp256-kyber-768-sha256", KEX, "mlkem768nistp256-sha256"),
        ("ecdh-nistp384-kyber-768-sha384", KEX, "mlkem768nistp256-sha256"),
        ("ecdh-nistp384-kyber-1024-sha384@openquantumsafe.org", KEX, "mlkem1024nistp384-sha384"),
        ("mlkem768x25519-sha265", KEX, "mlkem768x25519-sha256"),
        ("ml-kem-768x25519-sha256", KEX, "mlkem768x25519-sha256"),
        ("mlkem768x25519-sha256@openssh.com", KEX, "mlkem768x25519-sha256"),
        ("sntrup761x25519-sha512", KEX, "sntrup761x25519-sha512@openssh.com"),
        ("curve25519-sha256@libssh.com", KEX, "curve25519-sha256@libssh.org"),
        ("curve25519-sha512", KEX, "curve25519-sha256"),
        ("curve25519-sha256", KEX, "curve25519-sha256"),
        ("ssh-ecdsa-nistp384-dilithium3", SIG, "ssh-ecdsa-nistp384-mldsa-65"),
        ("ssh-ecdsa-nistp384-mldsa65", SIG, "ssh-ecdsa-nistp384-mldsa-65"),
        ("ssh-dilithium3", SIG, "ssh-mldsa-65"),
        ("ssh-fn-dsa-512", SIG, "ssh-falcon512"),
        ("ssh-ed2551", SIG, "ssh-ed25519"),
        ("quantum", KEX, None),
        ("", KEX, None),
        ("rsa", SIG, None),
        ("mlkem768x25519-sha256", [], None),
        ("mlkem768x25519-sha256", ["curve25519-sha256", "ecdh-sha2-nistp256"], None),
    ],
)
def test_nearest(name, known, expected):
    assert algorithms.nearest(name, known) == expected


@given(st.text(max_size=40), st.lists(st.sampled_from(KEX + SIG)))
def test_nearest_is_one_of_the_known(name, known):
    assert algorithms.nearest(name, known) in [*known, None]


@given(st.lists(st.sampled_from([name for names in KNOWN.values() for name in names.split()])))
def test_sorting_is_stable_and_loses_nothing(names):
    ordered = algorithms.sort_for_preference(names)
    assert sorted(ordered) == sorted(names)
    assert algorithms.sort_for_preference(ordered) == ordered
    for family in algorithms.FAMILIES:
        of_family = [name for name in names if algorithms.family(name) == family and not algorithms.is_marker(name)]
        assert [name for name in ordered if name in of_family] == of_family
    groups = algorithms.by_family(names)
    assert ordered == [
        *groups["hybrid"],
        *groups["pq"],
        *groups["classical"],
        *groups["unknown"],
        *groups["weak"],
        *[name for name in names if algorithms.is_marker(name)],
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], "none"),
        (["ext-info-s"], "none"),
        (["mlkem768x25519-sha256", "kex-strict-s-v00@openssh.com"], "all"),
        (["mlkem768x25519-sha256", "curve25519-sha256"], "some"),
        (["curve25519-sha256", "foo"], "none"),
    ],
)
def test_how_many(names, expected):
    assert algorithms.how_many_quantum_safe(names) == expected


def test_key_types():
    names = ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa", "rsa-sha2-512-cert-v01@openssh.com", "ssh-mldsa44-ed25519"]
    assert [algorithms.key_type(name) for name in names] == [
        "ssh-rsa",
        "ssh-rsa",
        "ssh-rsa",
        "ssh-rsa-cert-v01@openssh.com",
        "ssh-mldsa44-ed25519",
    ]
