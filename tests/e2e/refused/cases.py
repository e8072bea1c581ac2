# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wrong input, and the exact words that an operator gets. docs/bad-input.md is made from this table.

`CASES` are decided by the variables alone, before the first connection; `HOST_CASES` need a look at the host, and are
decided before any change there. Every variable also gets a value of a wrong type (`wrong_types`), and every text one
that a shell or an option parser would take for a command (`injections`).
"""

from __future__ import annotations

import base64
import hashlib
import pathlib
import re
import struct
from typing import Any, Dict, List, NamedTuple, Tuple

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
PASSWORD = "oqs_ssh_password"
#: A file that a shell would make if a value ever reached one, on the host or here.
CANARY = "/tmp/oqs-ssh-was-executed"
#: Stand for words that change with a version or a process number.
BY_ANSIBLE, BY_HOST = "<what Ansible says>", "<what the host says>"
#: Stands for the folder of the files that `make_archives` makes.
FOLDER = "/FOLDER"


class Case(NamedTuple):
    """Variables over `GOOD`, and all that must be said; `shown`: values that may be named, since others know them;
    `host`: `plain` (no Docker) or `ready` (with it), where a look at one is needed."""

    name: str
    variables: Dict[str, Any]
    words: str
    shown: Tuple[str, ...] = ()
    host: str = ""

    def fits(self, said: str) -> bool:
        """Whether this is what must be said."""
        parts = re.split("%s|%s" % (BY_ANSIBLE, BY_HOST), self.words)
        return bool(re.fullmatch("(nothing was changed; )?" + ".+".join(map(re.escape, parts)), said))


def public_line(seed: bytes) -> str:
    """An ed25519 public key line; nobody has the private half."""
    fields = (b"ssh-ed25519", hashlib.sha256(seed).digest())
    blob = b"".join(struct.pack(">I", len(field)) + field for field in fields)
    return "ssh-ed25519 %s someone@desk" % base64.b64encode(blob).decode()


KEY = public_line(b"bad-input")
GOOD: Dict[str, Any] = {
    "oqs_ssh_authorized_keys": [KEY], "oqs_ssh_image_source": "build", "oqs_ssh_stock_clients": True,
}
_PRIVATE = "-----BEGIN OPENSSH PRIVATE " + "KEY-----"
_PORT = "must be a port from 1 to 65535, got a number outside"
_CONTAINER = "must be a container name (letters, digits, _ . -; at most 63), got text of "
_USER = "must be an account name (small letters, digits, _ -; at most 32), got text of "
_IMAGE = "must be an image name such as registry/name:tag or name@sha256:<64 digits>, got text of "
_ALGORITHMS = "must be algorithm names, one a member, best first (ssh -Q kex, ssh -Q key list them), member "
_NETWORK = "is no address or network such as 192.0.2.0/24 or 2001:db8::/32 (host bits must be 0; no names)"
_NO_KEY = "oqs_ssh_authorized_keys: member 1 is no public key line: "
_VAULT = ": give a longer random one, from a vault"
_REFUSED = "oqs_ssh_password: refused, it "
_SOURCES = "oqs_ssh_firewall_sources: member "
_NO_SUCH = ": there is no such variable; did you mean "
_NOBODY = "nobody could log in: set oqs_ssh_password (from a vault), or oqs_ssh_authorized_keys (a list of keys)"
_EXPECT = "oqs_ssh_verify_expect: must be made of what ssh_probe expects, "
_NOT_USED = ("oqs_ssh_image_archive: is set, but oqs_ssh_image_source is %s and would not use it: set "
             "oqs_ssh_image_source: archive, or empty oqs_ssh_image_archive")

CASES: List[Case] = [
    # wrong type
    Case("port in words", {"oqs_ssh_port": "ssh"},
         "oqs_ssh_port: must be a whole number, got text of 3 characters: write it without quotes, in digits"),
    Case("port with a fraction", {"oqs_ssh_port": 2222.5}, "oqs_ssh_port: must be a whole number, got a number"),
    Case("port true", {"oqs_ssh_port": True}, "oqs_ssh_port: must be a whole number, got true or false"),
    Case("port empty", {"oqs_ssh_port": ""}, "oqs_ssh_port: must be a whole number, got an empty text"),
    Case("port without a value", {"oqs_ssh_port": None},
         "oqs_ssh_port: must be a whole number, got nothing (null): write a value, or take the line out"),
    Case("port in full-width digits", {"oqs_ssh_port": "\uff12\uff12\uff12\uff12"},
         "oqs_ssh_port: must be a whole number, got text of 4 characters: write it without quotes, in digits"),
    Case("keys as one text", {"oqs_ssh_authorized_keys": KEY},
         "oqs_ssh_authorized_keys: must be a list, got text of %d characters: write a single member in brackets, too, "
         '["…"]' % len(KEY)),
    Case("keys as a dictionary", {"oqs_ssh_authorized_keys": {"me": KEY}},
         "oqs_ssh_authorized_keys: must be a list, got a dictionary of 1"),
    Case("a key that is a number", {"oqs_ssh_authorized_keys": [KEY, 4711]},
         "oqs_ssh_authorized_keys: must be a list of texts, member 2 is a number: write it in quotes"),
    Case("a list in a list", {"oqs_ssh_kex_algorithms": [["mlkem768x25519-sha256"]]},
         "oqs_ssh_kex_algorithms: must be a list of texts, member 1 is a list of 1"),
    Case("clients without protection, and no ordinary ones",
         {"oqs_ssh_classical_clients": True, "oqs_ssh_stock_clients": False},
         "oqs_ssh_classical_clients: needs oqs_ssh_stock_clients: true, which says that ordinary clients are served at "
         "all"),
    Case("truth in other words", {"oqs_ssh_stock_clients": "halfway"},
         "oqs_ssh_stock_clients: must be true or false, got text of 7 characters: write it without quotes, in small "
         "letters"),
    Case("truth as a number", {"oqs_ssh_hop_enabled": 1}, "oqs_ssh_hop_enabled: must be true or false, got a number"),
    Case("policy no without quotes", {"oqs_ssh_restart_policy": False},
         "oqs_ssh_restart_policy: must be one of no, always, on-failure, unless-stopped, got true or false: write it "
         "in quotes"),
    Case("expectations as a text", {"oqs_ssh_verify_expect": "strict_kex"},
         "oqs_ssh_verify_expect: must be a dictionary, got text of 10 characters"),
    Case("password as a number", {PASSWORD: 48151623420},
         "oqs_ssh_password: must be text, got a number: write it in quotes"),
    Case("password as a list", {PASSWORD: ["heron-lantern-vortex"]},
         "oqs_ssh_password: must be text, got a list of 1: write it in quotes"),
    Case("pipelining in other words", {"oqs_ssh_pipelining": "halfway"},
         "oqs_ssh_pipelining: must be true or false, got text of 7 characters: write it without quotes, in small "
         "letters"),
    Case("proof of the connection in other words", {"oqs_ssh_require_pq": "if possible"},
         "oqs_ssh_require_pq: must be true or false, got text of 11 characters: write it without quotes, in small "
         "letters"),
    Case("proof of the connection as a number", {"oqs_ssh_require_pq": 2},
         "oqs_ssh_require_pq: must be true or false, got a number"),
    Case("folder as a list", {"oqs_ssh_client_dir": ["~/.ssh"]},
         "oqs_ssh_client_dir: must be text, got a list of 1"),

    # the client side
    Case("client folder that is no path", {"oqs_ssh_client_dir": "keys"},
         "oqs_ssh_client_dir: must be a path that begins with / or ~, without quotes, $, % and backslash, got text of "
         "4 characters"),
    Case("client program by a wrong name", {"oqs_ssh_client_program": "sytem"},
         "oqs_ssh_client_program: must be one of auto, system, image, got text of 5 characters; did you mean system?"),
    Case("identity with a blank", {"oqs_ssh_client_identity": "ssh ed25519"},
         "oqs_ssh_client_identity: must be a type of key such as ssh-mldsa44-ed25519, or empty, got text of 11 "
         "characters"),
    Case("account behind the hop with an address", {"oqs_ssh_client_hop_user": "alice@web1"},
         "oqs_ssh_client_hop_user: must be an account name, or empty, got text of 10 characters"),
    Case("prefix that is a pattern", {"oqs_ssh_client_prefix": "*"},
         "oqs_ssh_client_prefix: must be letters, digits, _ . - (at most 32), or empty, got text of 1 character"),

    # out of range
    Case("port 0", {"oqs_ssh_port": 0}, "oqs_ssh_port: " + _PORT),
    Case("port 65536", {"oqs_ssh_port": 65536}, "oqs_ssh_port: " + _PORT),
    Case("port below 0", {"oqs_ssh_hop_port": -22}, "oqs_ssh_hop_port: " + _PORT),
    Case("a store of passwords, and a wrong port",
         {"oqs_ssh_password_store": "/nowhere/store", PASSWORD: "", "oqs_ssh_port": 0}, "oqs_ssh_port: " + _PORT,
         ("/nowhere/store",)),
    Case("two ports out of range", {"oqs_ssh_verify_port": 99999, "oqs_ssh_hop_container_port": 0},
         "oqs_ssh_hop_container_port: %s; oqs_ssh_verify_port: %s" % (_PORT, _PORT)),
    Case("timeout 0", {"oqs_ssh_verify_timeout": 0},
         "oqs_ssh_verify_timeout: must be from 0.1 to 3600 seconds, got a number outside"),
    Case("uid 0", {"oqs_ssh_uid": 0}, "oqs_ssh_uid: must be auto or a uid above 0, got a number"),
    Case("uid of ten digits", {"oqs_ssh_uid": "4294967296"},
         "oqs_ssh_uid: must be auto or a uid above 0, got text of 10 characters"),
    Case("network with host bits", {"oqs_ssh_firewall_sources": ["192.0.2.1/24"]},
         _SOURCES + "1 (text of 12 characters) " + _NETWORK),
    Case("network too long", {"oqs_ssh_firewall_sources": ["198.51.100.0/24", "2001:db8::/129"]},
         _SOURCES + "2 (text of 14 characters) " + _NETWORK),
    Case("a rotation step that there is not", {"oqs_ssh_rotate_keys": "announced"},
         "oqs_ssh_rotate_keys: must be one of announce, switch, cancel, hop_identity, got text of 9 characters; did "
         "you mean announce?"),
    Case("less than no overlap", {"oqs_ssh_rotate_overlap": -1},
         "oqs_ssh_rotate_overlap: must be from 0 to 100000 hours, got a number outside"),
    Case("no minutes to confirm in", {"oqs_ssh_lockdown_minutes": 0},
         "oqs_ssh_lockdown_minutes: must be from 0.1 to 1440 minutes, got a number outside"),
    Case("silence of more than a day", {"oqs_ssh_breakglass_minutes": 1441},
         "oqs_ssh_breakglass_minutes: must be from 0.1 to 1440 minutes, got a number outside"),
    Case("root as the user", {"oqs_ssh_user": "root"},
         "oqs_ssh_user: must be another account than root: the server lets root in by no means", ("root",)),

    # unknown
    Case("unknown state", {"oqs_ssh_state": "presnt"},
         "oqs_ssh_state: must be one of present, absent, got text of 6 characters; did you mean present?"),
    Case("unknown source", {"oqs_ssh_image_source": "anywhere"},
         "oqs_ssh_image_source: must be one of pull, archive, build, got text of 8 characters"),
    Case("unknown firewall", {"oqs_ssh_firewall_backend": "firewall"},
         "oqs_ssh_firewall_backend: must be one of auto, firewalld, ufw, nftables, iptables, none, got text of 8 "
         "characters; did you mean firewalld?", ("firewall",)),
    Case("unknown scope", {"oqs_ssh_hop_scope": "everywhere"},
         "oqs_ssh_hop_scope: must be one of localhost, global, got text of 10 characters"),
    Case("unknown expectation", {"oqs_ssh_verify_expect": {"quantum_safe_kx": "all"}},
         _EXPECT + "entry 1 (text of 15 characters) is no such name; did you mean quantum_safe_kex?"),
    Case("unknown extent", {"oqs_ssh_verify_expect": {"quantum_safe_kex": "most"}},
         _EXPECT + "quantum_safe_kex must be one of all, some, got text of 4 characters"),
    Case("name in place of a network", {"oqs_ssh_firewall_sources": ["office.example.org"]},
         _SOURCES + "1 (text of 18 characters) " + _NETWORK),
    Case("name in place of a breakglass source", {"oqs_ssh_breakglass_sources": ["office.example.org"]},
         "oqs_ssh_breakglass_sources: member 1 (text of 18 characters) " + _NETWORK),
    Case("proof from nowhere", {"oqs_ssh_probe_from": "bastoin"},
         "oqs_ssh_probe_from: must be controller, host, or the name of an inventory host, and no host of the inventory "
         "is called so (text of 7 characters)"),
    Case("misspelt password", {"oqs_ssh_pasword": "heron-lantern-vortex"},
         "oqs_ssh_pasword%soqs_ssh_password?" % _NO_SUCH),
    Case("misspelt sources", {"oqs_ssh_firewal_sources": ["198.51.100.0/24"]},
         "oqs_ssh_firewal_sources%soqs_ssh_firewall_sources?" % _NO_SUCH),
    Case("misspelt role", {"docker_engine_stat": "absent"},
         "docker_engine_stat%sdocker_engine_state?" % _NO_SUCH, ("absent",)),
    Case("capital letters", {"OQS_SSH_PORT": 2022}, "OQS_SSH_PORT%soqs_ssh_port?" % _NO_SUCH),
    Case("British spelling", {"oqs_ssh_authorised_keys": [KEY]},
         "oqs_ssh_authorised_keys%soqs_ssh_authorized_keys?" % _NO_SUCH),
    Case("a template without its variable", {"oqs_ssh_user": "{{ team_account }}"},
         "oqs_ssh_user: cannot be evaluated: 'team_account' is undefined", ("team_account",)),
    Case("a password with braces", {PASSWORD: "heron{{lantern-vortex"},
         "oqs_ssh_password: cannot be evaluated: %s; text with braces that is no template: write the tag !unsafe "
         "before it" % BY_ANSIBLE),
    Case("a lookup that finds nothing", {"oqs_ssh_authorized_keys": ["{{ lookup('file', '/nowhere/key.pub') }}"]},
         "oqs_ssh_authorized_keys: cannot be evaluated: " + BY_ANSIBLE, ("/nowhere/key.pub",)),

    # contradictory
    Case("port of the host's own sshd", {"oqs_ssh_port": 22},
         "oqs_ssh_port: must differ from oqs_ssh_hop_port, which is the port of the host's own sshd"),
    Case("hop to the container itself", {"oqs_ssh_hop_port": "2222"},
         "oqs_ssh_port: must differ from oqs_ssh_hop_port, which is the port of the host's own sshd"),
    Case("firewall for another port", {"oqs_ssh_port": 2022, "oqs_ssh_firewall_port": 2222},
         "oqs_ssh_firewall_port: must be the same as oqs_ssh_port: take it out, it follows by itself"),
    Case("hop through another port", {"oqs_ssh_hop_container_port": 2022},
         "oqs_ssh_hop_container_port: must be the same as oqs_ssh_port: take it out, it follows by itself"),
    Case("archive that is not named", {"oqs_ssh_image_source": "archive"},
         "oqs_ssh_image_archive: must name a file on the controller, because oqs_ssh_image_source is archive"),
    Case("archive that would not be used", {"oqs_ssh_image_source": "pull", "oqs_ssh_image_archive": "/srv/image.tar"},
         _NOT_USED % "pull"),
    Case("nobody may log in", {"oqs_ssh_authorized_keys": []}, _NOBODY),
    Case("hop mode without a hop", {"oqs_ssh_mode": "hop", "oqs_ssh_hop_enabled": False},
         "oqs_ssh_mode: hop leaves nothing to log in for while oqs_ssh_hop_enabled is false"),
    Case("hop mode with the container's key", {"oqs_ssh_mode": "hop", "oqs_ssh_hop_users": ["alice"]},
         "oqs_ssh_hop_users: is for logins with a shell in the container, and oqs_ssh_mode is hop: take the list out, "
         "people hop with their own keys"),
    Case("nobody may log in, both empty", {PASSWORD: "", "oqs_ssh_authorized_keys": []}, _NOBODY),

    # injection
    Case("option as the container's name", {"oqs_ssh_container_name": "--privileged"},
         "oqs_ssh_container_name: " + _CONTAINER + "12 characters"),
    Case("command in the image's name", {"oqs_ssh_image": "openssh:$(touch %s)" % CANARY},
         "oqs_ssh_image: %s%d characters" % (_IMAGE, 17 + len(CANARY))),
    Case("second line in the user's name", {"oqs_ssh_user": "oqs\nroot::0:0"},
         "oqs_ssh_user: " + _USER + "13 characters"),
    Case("second keyword in an algorithm", {"oqs_ssh_kex_algorithms": ["mlkem768x25519-sha256\nPermitRootLogin yes"]},
         "oqs_ssh_kex_algorithms: " + _ALGORITHMS + "1 is text of 41 characters"),
    Case("several algorithms in one member", {"oqs_ssh_pubkey_algorithms": ["ssh-ed25519,ssh-rsa"]},
         "oqs_ssh_pubkey_algorithms: " + _ALGORITHMS + "1 is text of 19 characters"),
    Case("path as an account", {"oqs_ssh_hop_users": ["alice", "../../root"]},
         "oqs_ssh_hop_users: must be account names (letters, digits, _ . @ -; at most 64), member 2 is text of 10 "
         "characters"),
    Case("second key in a key's line", {"oqs_ssh_authorized_keys": [KEY + "\n" + KEY]},
         _NO_KEY + "a key is one line; this has a line end or NUL inside"),
    Case("second rule in a network", {"oqs_ssh_firewall_sources": ["198.51.100.0/24 accept; flush ruleset"]},
         _SOURCES + "1 (text of 37 characters) " + _NETWORK),
    Case("terminal escape in an address", {"oqs_ssh_verify_address": "web1\x1b[2J"},
         "oqs_ssh_verify_address: must be a host name or an address, got text of 8 characters"),

    # huge
    Case("port of thirty digits", {"oqs_ssh_port": 10**29}, "oqs_ssh_port: " + _PORT),
    Case("message of a book", {"oqs_ssh_image_build_message": "m" * 1001},
         "oqs_ssh_image_build_message: must be at most 1000 characters of text, got text of 1001 characters"),
    Case("user of a million letters", {"oqs_ssh_user": "o" * 1000000}, "oqs_ssh_user: " + _USER + "1000000 characters"),
    Case("image of a thousand parts", {"oqs_ssh_image": "/".join(["part"] * 1000)},
         "oqs_ssh_image: " + _IMAGE + "4999 characters"),
    Case("algorithm of 65 letters", {"oqs_ssh_host_key_algorithms": ["a" * 65]},
         "oqs_ssh_host_key_algorithms: " + _ALGORITHMS + "1 is text of 65 characters"),
    Case("a thousand wrong networks", {"oqs_ssh_firewall_sources": ["anywhere"] * 1000},
         "; ".join([_SOURCES + "%d (text of 8 characters) %s" % (number, _NETWORK) for number in range(1, 6)]
                   + ["oqs_ssh_firewall_sources: 995 more members are wrong in such a way"])),
    Case("password of 600 characters", {PASSWORD: "heron lantern vortex " * 30},
         _REFUSED + "is longer than 256 bytes, which the image cannot check" + _VAULT),

    # unicode
    Case("Cyrillic letter in the user's name", {"oqs_ssh_user": "\u043eqs"},
         "oqs_ssh_user: " + _USER + "3 characters"),
    Case("container in another script", {"oqs_ssh_container_name": "контейнер"},
         "oqs_ssh_container_name: " + _CONTAINER + "9 characters"),
    Case("invisible letter in an algorithm", {"oqs_ssh_kex_algorithms": ["mlkem768x25519\u200b-sha256"]},
         "oqs_ssh_kex_algorithms: " + _ALGORITHMS + "1 is text of 22 characters"),
    Case("typographic dash in a network", {"oqs_ssh_firewall_sources": ["192.0.2.0\u2013192.0.2.9"]},
         _SOURCES + "1 (text of 19 characters) " + _NETWORK),

    # empty
    Case("empty user", {"oqs_ssh_user": ""},
         "oqs_ssh_user: must be an account name (small letters, digits, _ -; at most 32), got an empty text"),
    Case("empty image", {"oqs_ssh_image": ""},
         "oqs_ssh_image: must be an image name such as registry/name:tag or name@sha256:<64 digits>, got an empty "
         "text"),
    Case("empty key", {"oqs_ssh_authorized_keys": [""]}, _NO_KEY + "there is no key in the line"),
    Case("a comment as a key", {"oqs_ssh_authorized_keys": ["# nobody yet"]}, _NO_KEY + "there is no key in the line"),
    Case("empty network", {"oqs_ssh_firewall_sources": [""]}, _SOURCES + "1 (an empty text) " + _NETWORK),

    # secrets, and what is none, in the wrong place
    Case("published password", {PASSWORD: "Pa55W0rd"},
         _REFUSED + "is one that the image's documents made known to the world" + _VAULT),
    Case("short password", {PASSWORD: "Sh0rt!"}, _REFUSED + "has fewer than 12 characters (6)" + _VAULT),
    Case("password of one letter", {PASSWORD: "aaaaaaaaaaaaaaaa"},
         _REFUSED + "is a simple pattern (a repetition, a sequence or a row of keys)" + _VAULT),
    Case("password of well-known words", {PASSWORD: "password-openssh"},
         _REFUSED + "consists of little more than well-known words" + _VAULT),
    Case("password with a line end", {PASSWORD: "heron-lantern-vortex\n"},
         _REFUSED + "contains a line end, a NUL or another control character, which cannot be typed at a prompt"
         + _VAULT),
    Case("password that is still encrypted", {PASSWORD: "$ANSIBLE_VAULT;1.1;AES256 61626364656667"},
         _REFUSED + "is still encrypted (write the !vault tag before it)" + _VAULT),
    Case("hash as a password", {PASSWORD: "$6$saltsalt$" + "x" * 86},
         _REFUSED + "is a hash, and the password itself is needed to prove the login" + _VAULT),
    Case("key as a password", {PASSWORD: KEY},
         _REFUSED + "is a key (keys go into oqs_ssh_authorized_keys, public ones only)" + _VAULT),
    Case("private key as a key", {"oqs_ssh_authorized_keys": [_PRIVATE]},
         _NO_KEY + "it is a private key, and who reads the inventory has it now: make a new pair, give its .pub line"),
    Case("path as a key", {"oqs_ssh_authorized_keys": ["~/.ssh/id_ed25519.pub"]},
         _NO_KEY + "it is a path; for the file's content write \"{{ lookup('file', PATH) }}\""),
    Case("password as a key", {"oqs_ssh_authorized_keys": ["heron-lantern-vortex"]},
         _NO_KEY + "a public key is written as: TYPE BASE64 COMMENT"),
    Case("password as the user", {"oqs_ssh_user": "Heron-Lantern-9"}, "oqs_ssh_user: " + _USER + "15 characters"),
    Case("password as the state", {"oqs_ssh_hop_state": "Heron-Lantern-9"},
         "oqs_ssh_hop_state: must be one of present, absent, got text of 15 characters"),
]

_ARCHIVE = "oqs_ssh_image_archive"


def _archive(name: str, file: str, words: str) -> Case:
    path = "%s/%s" % (FOLDER, file)
    return Case(name, {"oqs_ssh_image_source": "archive", _ARCHIVE: path}, words, (path,))


#: Archives that are there, and none; the file's name may be told, what is wrong is in the file.
ARCHIVE_CASES: List[Case] = [
    Case("archive that is not there", {"oqs_ssh_image_source": "archive", _ARCHIVE: "/nowhere/image.tar"},
         "oqs_ssh_image_archive: there is no file /nowhere/image.tar on the controller", ("/nowhere/image.tar",)),
    _archive("archive that is cut off", "half.tar",
             FOLDER + "/half.tar is truncated or not an image archive (%s): make it anew with docker save" % BY_HOST),
    _archive("archive that is text", "text.tar",
             FOLDER + "/text.tar is truncated or not an image archive (%s): make it anew with docker save" % BY_HOST),
    _archive("archive of something else", "other.tar",
             "%s/other.tar is an archive, but not of an image: make it with docker save" % FOLDER),
    _archive("archive that is a folder", "folder", "%s/folder cannot be read: Is a directory" % FOLDER),
]
_SUDO = {"ansible_user": "carol"}
_UNKNOWN = ("oqs_ssh_%s_algorithms: member 1 (text of %d characters) is no algorithm that the image knows; did you "
            "mean %s?")
_NO_SSHD = ("the host's own sshd does not answer on localhost port 2022 (%s): set oqs_ssh_hop_port, or "
            "oqs_ssh_hop_enabled: false" % BY_HOST)

HOST_CASES: List[Case] = [
    Case("unknown key exchange", {"oqs_ssh_kex_algorithms": ["mlkem768x25519-sha265"]},
         _UNKNOWN % ("kex", 21, "mlkem768x25519-sha256"), (), "plain"),
    Case("unknown host key", {"oqs_ssh_host_key_algorithms": ["ssh-mldsa44-ed25591"]},
         _UNKNOWN % ("host_key", 19, "ssh-mldsa44-ed25519"), (), "plain"),
    Case("unknown key type", {"oqs_ssh_pubkey_algorithms": ["ssh-ed25591"]},
         _UNKNOWN % ("pubkey", 11, "ssh-ed25519"), (), "plain"),
    Case("several that are unknown", {"oqs_ssh_kex_algorithms": ["kyber-768-sha384"], "oqs_ssh_hop_users": ["heron-7"]},
         "oqs_ssh_kex_algorithms: member 1 (text of 16 characters) is no algorithm that the image knows; %s; "
         "oqs_ssh_hop_users: member 1 (text of 7 characters): this host has no such account: make it first, or correct "
         "the name" % BY_HOST, (), "plain"),
    Case("account that is not there", {"oqs_ssh_hop_users": ["alice", "heron-lantern"]},
         "oqs_ssh_hop_users: member 2 (text of 13 characters): this host has no such account: make it first, or "
         "correct the name", ("alice",), "plain"),
    Case("root by hop", {"oqs_ssh_hop_users": ["root"]},
         "oqs_ssh_hop_users: root is root; whoever gets into the container would be that account: name another, or set "
         "oqs_ssh_hop_privileged: true", ("root",), "plain"),
    Case("administrator by hop", {"oqs_ssh_hop_users": ["carol"]},
         "oqs_ssh_hop_users: carol is a member of sudo; whoever gets into the container would be that account: name "
         "another, or set oqs_ssh_hop_privileged: true", ("carol",), "plain"),
    Case("nobody at the hop's port", {"oqs_ssh_hop_port": 2022}, _NO_SSHD, (), "plain"),
    Case("port of another sshd", {"oqs_ssh_port": 22, "oqs_ssh_hop_port": 2022},
         "port 22 is taken by %s: stop it there, or set oqs_ssh_port to a free one; %s" % (BY_HOST, _NO_SSHD), (),
         "plain"),
    Case("no root", {"ansible_user": "admin", "ansible_become": False},
         "this needs root on the host: set become: true (or ansible_become), or connect as root", ("admin",), "plain"),
    Case("no sudo password", _SUDO,
         "sudo on the host asks for a password: give it (ansible-playbook -K), or connect as root", ("carol",),
         "plain"),
    Case("wrong sudo password", dict(_SUDO, ansible_become_password="heron-lantern-vortex"),
         "sudo on the host refused the password: check ansible_become_password (or what was typed at -K) and that the "
         "account may use sudo", ("carol",), "plain"),
    Case("no Python where it is said to be", {"ansible_python_interpreter": "/usr/bin/python-of-nobody"},
         "the host has no Python that Ansible finds: install python3 (3.8 or newer), or set ansible_python_interpreter",
         ("/usr/bin/python-of-nobody",), "plain"),
    Case("wrong port to reach it", {"ansible_port": 9}, "unreachable: %s" % BY_ANSIBLE, (), "plain"),
    Case("no such account to reach it", {"ansible_user": "heron"}, "unreachable: %s" % BY_ANSIBLE, ("heron",), "plain"),
    Case("port of another program", {"oqs_ssh_port": 2223},
         "port 2223 is taken by python3, process %s: stop it there, or set oqs_ssh_port to a free one" % BY_HOST, (),
         "ready"),
    Case("name of another container", {"oqs_ssh_container_name": "somebodys"},
         "a container somebodys is there that this collection did not make: look at it (docker inspect somebodys), "
         "then remove it (docker rm -f somebodys) or set oqs_ssh_container_name", ("somebodys",), "ready"),
]


def options() -> Dict[str, Dict[str, Any]]:
    """All variables of all roles, as their argument_specs have them."""
    found: Dict[str, Dict[str, Any]] = {}
    for spec in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        found.update(yaml.safe_load(spec.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"])
    return found


#: What is said of a list in the place of something else.
_WRONG = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "dict": "a dictionary"}


def wrong_types() -> Case:
    """Every variable of every role with a value of a wrong type; all of them are named."""
    variables: Dict[str, Any] = {}
    words = []
    for name, option in sorted(options().items()):
        if name == PASSWORD or option["type"] == "raw":
            continue
        if option["type"] == "list":
            variables[name] = name
            said = "a list, got text of %d characters: write a single member in brackets, too, [\"…\"]" % len(name)
        else:
            variables[name] = [name]  # not the same twice: one that follows another would be told with that one
            said = "one of " + ", ".join(option["choices"]) if "choices" in option else _WRONG[option["type"]]
            said += ", got a list of 1"
        words.append("%s: must be %s" % (name, said))
    return Case("every variable of a wrong type", variables, "; ".join(words), tuple(variables))


NASTY = {
    "blanks": "two words",
    "quotes": "it's \"quoted\" `touch %s`" % CANARY,
    "shell": "$(touch %s); touch %s | x" % (CANARY, CANARY),
    "newline": "one\ntouch %s" % CANARY,
    "option": "--privileged",
}
#: Lists whose members are looked into when everything else is in order; and what may hold anything but a line end.
_LATER = ("oqs_ssh_authorized_keys", "oqs_ssh_firewall_sources", "oqs_ssh_breakglass_sources")
_FREE = ("oqs_ssh_image_archive", "oqs_ssh_image_build_message", "oqs_ssh_password_store", PASSWORD)


def injections() -> Dict[str, Tuple[Dict[str, Any], List[str]]]:
    """For each nasty text: every variable that takes texts set to it, and how each must be named."""
    found = {}
    texts = {name: option for name, option in options().items()
             if option["type"] in ("str", "list") and name not in _LATER + _FREE}
    # one that follows another, as its default says, is told with that one
    named = [name + ": must be " for name, option in texts.items() if "{{ oqs_ssh_" not in str(option["default"])]
    for kind, value in NASTY.items():
        values = {name: [value] if option["type"] == "list" else value for name, option in texts.items()}
        found[kind] = (values, named)
    for name in _LATER:
        found[name] = ({name: list(NASTY.values())}, ["%s: member %d " % (name, number) for number in range(1, 6)])
    return found
