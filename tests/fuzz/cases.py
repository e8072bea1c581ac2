# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Made-up configuration files and changes, and what they mean.

A case is made as a *model* (sections with settings) and written out with every freedom of layout that OpenSSH allows.
The model knows nothing of the editor: a change is applied to the model by the few lines below, written out plainly,
and the real program has to read the same from the edited file and from the plain one.
"""

from __future__ import annotations

import random
from typing import Dict, List, NamedTuple, Optional, Tuple

Lines = List[List[str]]  # the values of each line of a keyword, as words


class Keyword(NamedTuple):
    """A keyword for the generator: its names, how its values count, values that every version takes."""

    names: Tuple[str, ...]
    kind: str
    values: Tuple[str, ...]
    in_block: bool = True


_YES_NO = ("yes", "no")
_KEX = ("curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp521",
        "diffie-hellman-group16-sha512", "sntrup761x25519-sha512@openssh.com")
_SIGNATURES = ("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384")
_CIPHERS = ("aes128-ctr", "aes256-ctr", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com")
_PATHS = ("/etc/issue", "/etc/my issue", "none", "/srv/a#b")

SSHD = (
    Keyword(("PermitRootLogin",), "single", ("yes", "no", "prohibit-password")),
    Keyword(("PasswordAuthentication",), "single", _YES_NO),
    Keyword(("KbdInteractiveAuthentication", "ChallengeResponseAuthentication"), "single", _YES_NO),
    Keyword(("PubkeyAuthentication",), "single", _YES_NO),  # the alias is not allowed in Match blocks
    Keyword(("X11Forwarding",), "single", _YES_NO),
    Keyword(("AllowTcpForwarding",), "single", ("yes", "no", "local", "remote")),
    Keyword(("MaxAuthTries",), "single", ("1", "3", "6")),
    Keyword(("LoginGraceTime",), "single", ("30", "2m"), False),
    Keyword(("UseDNS",), "single", _YES_NO, False),
    Keyword(("Banner",), "single", _PATHS),
    Keyword(("RekeyLimit",), "single", ("1G 1h", "512M none", "default 30m")),
    Keyword(("MaxStartups",), "single", ("5:30:50", "10"), False),
    Keyword(("KexAlgorithms",), "algorithms", _KEX, False),
    Keyword(("Ciphers",), "algorithms", _CIPHERS, False),
    Keyword(("HostKeyAlgorithms",), "algorithms", _SIGNATURES, False),
    Keyword(("PubkeyAcceptedAlgorithms", "PubkeyAcceptedKeyTypes"), "algorithms", _SIGNATURES),
    Keyword(("HostbasedAcceptedAlgorithms", "HostbasedAcceptedKeyTypes"), "algorithms", _SIGNATURES),
    Keyword(("Port",), "lines", ("22", "2222", "2200", "443"), False),
    Keyword(("ListenAddress",), "lines", ("127.0.0.1", "127.0.0.2:22", "[::1]:22"), False),
    Keyword(("HostKey", "HostDSAKey"), "lines", (
        "/opt/oqs-ssh/ssh_host_ssh-ed25519_key", "/etc/no key/k", "/etc/ssh/ssh_host_rsa_key"), False),
    Keyword(("AcceptEnv",), "words", ("LANG", "LC_*", "TERM", "COLOR?")),
    Keyword(("AllowUsers",), "words", ("alice", "bob@10.*", "carol", "d?v")),
    Keyword(("DenyGroups",), "words", ("wheel", "games", "nobody*")),
    Keyword(("PermitOpen",), "first-words", ("localhost:22", "127.0.0.1:22", "[::1]:22", "host:*")),
    Keyword(("AuthorizedKeysFile",), "first-words", (".ssh/authorized_keys", "/etc/keys/%u", ".ssh/two words")),
    Keyword(("SetEnv",), "first-words", ("A=1", "B=", "C=x y")),
    Keyword(("AuthenticationMethods",), "first-words", ("publickey", "publickey,password", "password")),
    Keyword(("Subsystem",), "keyed", ("sftp internal-sftp", "sftp /usr/lib/sftp -l INFO", "echo /bin/cat"), False),
    Keyword(("ForceCommand",), "raw", ("internal-sftp", "/bin/sh -c 'echo #1'", "/bin/echo \"a  b\" # c")),
)
SSH = (
    Keyword(("ForwardAgent",), "single", _YES_NO),
    Keyword(("PasswordAuthentication",), "single", _YES_NO),
    Keyword(("PubkeyAuthentication", "DSAAuthentication"), "single", _YES_NO),
    Keyword(("KbdInteractiveAuthentication", "ChallengeResponseAuthentication"), "single", _YES_NO),
    Keyword(("Port",), "single", ("22", "2222", "2200")),
    Keyword(("User",), "single", ("oqs", "alice", "two words")),
    Keyword(("HostName",), "single", ("192.0.2.7", "h.example")),
    Keyword(("StrictHostKeyChecking",), "single", ("yes", "no", "ask", "accept-new")),
    Keyword(("RekeyLimit",), "single", ("1G 1h", "512M none", "default 30m")),
    Keyword(("ServerAliveInterval",), "single", ("5", "30")),
    Keyword(("KexAlgorithms",), "algorithms", _KEX),
    Keyword(("Ciphers",), "algorithms", _CIPHERS),
    Keyword(("HostKeyAlgorithms",), "algorithms", _SIGNATURES),
    Keyword(("PubkeyAcceptedAlgorithms", "PubkeyAcceptedKeyTypes"), "algorithms", _SIGNATURES),
    Keyword(("HostbasedAcceptedAlgorithms", "HostbasedKeyTypes"), "algorithms", _SIGNATURES),
    Keyword(("PreferredAuthentications",), "comma", ("publickey", "password", "keyboard-interactive")),
    Keyword(("IdentityFile", "IdentityFile2"), "lines", (
        "~/.ssh/id_ed25519", "~/.ssh/id_ssh-ecdsa-nistp384-mldsa65", "/srv/no key")),
    Keyword(("CertificateFile",), "lines", ("~/.ssh/a-cert.pub", "~/.ssh/b-cert.pub")),
    Keyword(("LocalForward",), "lines", ("8080 localhost:80", "[::1]:8081 localhost:81")),
    Keyword(("SendEnv",), "words", ("LANG", "LC_*", "TERM")),
    Keyword(("SetEnv",), "first-words", ("A=1", "B=", "C=x y")),
    Keyword(("UserKnownHostsFile",), "first-words", ("~/.ssh/known_hosts", "/etc/kh", "/srv/two words")),
    Keyword(("ProxyCommand",), "raw", ("nc %h %p", "sh -c 'nc %h %p' # x", "none")),
)
KEYWORDS = {"sshd_config": SSHD, "ssh_config": SSH}
HEADS = {
    "sshd_config": ("Match User bob", "Match User alice,bob", "Match Address 10.0.0.0/8", "Match all",
                    "Match User bob Address 10.*"),
    "ssh_config": ("Host localhost 127.0.0.1 ::1", "Host *.example", "Host *", "Match host localhost",
                   "Match originalhost localhost,x"),
}
GLOBAL_AGAIN = "Match all"


class Section:
    """The global part (head None) or a block."""

    def __init__(self, head: Optional[str]) -> None:
        self.head = head
        self.settings: List[Tuple[Keyword, List[str]]] = []

    def lines(self, keyword: Keyword) -> Lines:
        """The values of the lines of a keyword."""
        return [words for found, words in self.settings if found is keyword]

    def replace(self, keyword: Keyword, lines: Lines) -> None:
        """Give a keyword these lines, the first where its first was."""
        here = next((n for n, one in enumerate(self.settings) if one[0] is keyword), len(self.settings))
        rest = [one for one in self.settings if one[0] is not keyword]
        here = min(here, len(rest))
        self.settings = rest[:here] + [(keyword, words) for words in lines] + rest[here:]


class Change(NamedTuple):
    """A change in the words of the model."""

    keyword: Keyword
    name: str
    action: str
    values: Tuple[str, ...]
    place: str
    before: str
    head: Optional[str]
    where: str


def quoted(word: str) -> str:
    """A word with the quotes it needs."""
    return '"%s"' % word if " " in word or word.startswith("#") else word


def words_of(keyword: Keyword, value: str) -> List[str]:
    """The words of a value of the tables: paths and names are one word each, the rest is cut at blanks."""
    several = keyword.kind == "keyed" or keyword.names[0] in ("RekeyLimit", "LocalForward", "MaxStartups")
    return value.split(" ") if several else [value]


def written(keyword: Keyword, words: List[str]) -> str:
    """A value as it stands in a plain file."""
    return " ".join(words if keyword.kind == "raw" else map(quoted, words))


def plain(sections: List[Section]) -> bytes:
    """The sections as the plainest file that says the same."""
    text = ""
    for number, section in enumerate(sections):
        if section.head is not None:
            text += section.head + "\n"
        elif number:
            text += GLOBAL_AGAIN + "\n"
        for keyword, words in section.settings:
            text += "%s %s\n" % (keyword.names[0], written(keyword, words))
    return text.encode()


def setting(rng: random.Random, keyword: Keyword) -> List[str]:
    """The words of one line of a keyword."""
    if keyword.kind in ("words", "first-words"):
        return rng.sample(keyword.values, rng.randint(1, 2))
    if keyword.kind in ("algorithms", "comma"):
        head = rng.choice(("", "", "", "+", "-", "^")) if keyword.kind == "algorithms" else ""
        return [head + ",".join(rng.sample(keyword.values, rng.randint(1, 3)))]
    return words_of(keyword, rng.choice(keyword.values))


def sections(rng: random.Random, dialect: str, size: int) -> List[Section]:
    """A made-up file: a global part first, or (ssh_config) below blocks that have to win."""
    heads = list(HEADS[dialect])
    rng.shuffle(heads)
    blocks = [Section(head) for head in heads[:rng.choice((0, 0, 1, 2, 3))]]
    if blocks and rng.random() < 0.1:
        blocks.append(Section(blocks[0].head))
    made = [Section(None)] + blocks
    if dialect == "ssh_config" and len(blocks) > 1 and rng.random() < 0.3:
        made = [blocks[0], made[0]] + blocks[1:]
    for _ in range(rng.randint(0, size)):
        section = rng.choice(made)
        keyword = rng.choice(KEYWORDS[dialect])
        if section.head is None or keyword.in_block:
            words = setting(rng, keyword)
            known = section.lines(keyword)
            if keyword.kind == "keyed" and any(one[0] == words[0] for one in known):
                continue
            if keyword.kind in ("words", "lines") and any(set(words) & set(one) for one in known):
                continue
            section.settings.append((keyword, words))
    return made


NOISE = (b"", b"", b"# a remark", b"#", b"   ", b"\t# caf\xe9 \xff", b"# Port 22 is usual", b"#Port 2222",
         b"#   IdentityFile ~/.ssh/id_ed25519", b"#IdentityFile ~/.ssh/id_ed25519", b"#AcceptEnv LANG TERM",
         b"#PermitRootLogin no", b"#HostKey /opt/oqs-ssh/ssh_host_ssh-ed25519_key", b"  #User alice",
         b"#KexAlgorithms curve25519-sha256", b"# KexAlgorithms", b"#Match User bob", b"# Host *")


def _line(rng: random.Random, keyword: Keyword, words: List[str], in_block: bool) -> bytes:
    name = rng.choice(keyword.names)
    name = rng.choice((name, name, name, name.lower(), name.upper()))
    plain_line = rng.random() < 0.5
    if not plain_line and rng.random() < 0.05:
        return ('"%s" %s' % (name, written(keyword, words))).encode()
    indent = rng.choice(("    ", "\t", "")) if in_block else rng.choice(("", "", "", " ", "\t"))
    if plain_line:
        return (indent + name + " " + written(keyword, words)).encode()
    between = rng.choice((" ", "  ", "\t", "=", " = ", " =", "\t\t"))
    if keyword.kind == "raw":
        return (indent + name + between + written(keyword, words) + rng.choice(("", " ", "\t"))).encode()
    shown = []
    for word in words:
        styles = [quoted(word), quoted(word), '"%s"' % word]
        if " " not in word and len(word) > 2:
            styles += ['%s"%s"' % (word[:1], word[1:]), "'%s'" % word]
        shown.append(rng.choice(styles))
    text = rng.choice((" ", "  ", "\t")).join(shown)
    return (indent + name + between + text + rng.choice(("", "", " ", "\t", " # remark", "\t#x \"y", " #"))).encode()


def layout(rng: random.Random, made: List[Section]) -> bytes:
    """The sections written out with the freedom that the syntax leaves."""
    lines: List[bytes] = []
    noise = rng.choice((0.0, 0.2, 0.5))
    for number, section in enumerate(made):
        head = section.head or (GLOBAL_AGAIN if number else None)
        if head is not None:
            name, rest = head.split(" ", 1)
            lines.append((rng.choice((name, name.lower())) + rng.choice((" ", "  ", "\t")) + rest).encode())
        for keyword, words in section.settings:
            while rng.random() < noise and (number or section.head is None):
                lines.append(rng.choice(NOISE))
            lines.append(_line(rng, keyword, words, section.head is not None))
    if made[0].head is None:
        for _ in range(rng.choice((0, 0, 1, 3))):
            lines.insert(rng.randint(0, len(lines)), rng.choice(NOISE))
    eol = rng.choice((b"\n", b"\n", b"\n", b"\r\n"))
    data = b"".join(line + (eol if rng.random() < 0.97 else b"\n") for line in lines)
    return data[:-len(eol)] if rng.random() < 0.15 and data.endswith(eol) else data


def change(rng: random.Random, dialect: str, made: List[Section]) -> Change:
    """A change that may or may not meet something in the file."""
    present = [one[0] for section in made for one in section.settings]
    keyword = rng.choice(present) if present and rng.random() < 0.6 else rng.choice(KEYWORDS[dialect])
    head = rng.choice(HEADS[dialect]) if keyword.in_block and rng.random() < 0.4 else None
    lists = keyword.kind not in ("single", "raw")
    action = rng.choice(("set", "set", "add", "remove", "delete", "uncomment", "comment") if lists
                        else ("set", "set", "set", "delete", "uncomment", "remove", "comment"))
    count = rng.randint(1, min(2, len(keyword.values))) if lists and keyword.kind != "keyed" else 1
    values = tuple(rng.sample(keyword.values, count))
    place = before = ""
    if action == "add" and keyword.kind != "keyed":
        place = rng.choice(("", "", "first", "last"))
        others = [value for value in keyword.values if value not in values]
        if others and not place and rng.random() < 0.3:
            before = rng.choice(others)
    if action in ("delete", "comment"):
        values = ()
    where = rng.choice(("", "top", "end")) if head else ""
    return Change(keyword, rng.choice(keyword.names), action, values, place, before, head, where)


def as_dict(one: Change) -> Dict[str, object]:
    """The change as a user of the module writes it."""
    values = [written(one.keyword, words_of(one.keyword, value)) for value in one.values]
    given: Dict[str, object] = {"keyword": one.name, "values": values}
    given["state"] = "absent" if one.action in ("delete", "comment") else "present"
    given["how"] = "set" if one.action == "delete" else one.action
    for name in ("place", "before", "where"):
        if getattr(one, name):
            given[name] = getattr(one, name)
    if one.before:
        given["before"] = written(one.keyword, words_of(one.keyword, one.before))
    if one.head:
        given["block"] = one.head
    return given
