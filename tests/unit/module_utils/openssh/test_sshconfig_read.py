# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is read in a file as OpenSSH reads it: keywords, aliases, blocks, includes, and values that win over ours."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.sshconfig import Change, ConfigError
from config_samples import SSH, SSHD, check

READ = [
    (SSHD, b"PORT=1\nport 2\nPermitRootLogin no # c\npermitrootlogin yes\n",
     {"port": ["1", "2"], "permitrootlogin": ["no"]}),
    (SSHD, b"PubkeyAcceptedKeyTypes a,b\nPubkeyAcceptedAlgorithms c\n", {"pubkeyacceptedalgorithms": ["a,b"]}),
    (SSHD, b"AllowUsers a b\nAllowUsers c\n", {"allowusers": ["a", "b", "c"]}),
    (SSHD, b"PermitOpen a:1 b:1\nPermitOpen c:1\n", {"permitopen": ["a:1", "b:1"]}),
    (SSHD, b"Subsystem a  b\nSubsystem c d\nSubsystem a e\n", {"subsystem": ["a  b", "c d"]}),
    (SSHD, b"ForceCommand a  'b' # c \n", {"forcecommand": ["a  'b' # c"]}),
    (SSHD, b"Banner '/a b'\n", {"banner": ["\"/a b\""]}),
    (SSHD, b"Port 1\nMatch User a\n  Port 2\n", {"port": ["1"]}),
    (SSH, b"IdentityFile a\nIdentityFile2 b\nIdentityFile a\n", {"identityfile": ["a", "b"]}),
    (SSH, b"SendEnv A LC_A LC_B\nSendEnv -LC_* C\n", {"sendenv": ["A", "C"]}),
    (SSHD, b"Subsystem\n", {"subsystem": [""]}),
    (SSHD, b"Banner /\xff\nAllowUsers \xfe a\n", {"banner": ["/\udcff"], "allowusers": ["\udcfe", "a"]}),
    (SSH, b"Port 1\nPort 2\n# Port 3\n  \n\"User\" x\n", {"port": ["1"], "user": ["x"]}),
]


@pytest.mark.parametrize(("dialect", "data", "expected"), READ)
def test_read(dialect, data, expected):
    assert sshconfig.read(data, dialect) == expected


# ssh_config(5) and sshd_config(5): what the programs do with several words, and with a second line.
BEHAVIOUR = {
    "rest of the line": {
        SSH: "knownhostscommand localcommand proxycommand remotecommand",
        SSHD: "authorizedkeyscommand authorizedprincipalscommand forcecommand versionaddendum",
    },
    "algorithms": dict.fromkeys((SSH, SSHD), (
        "casignaturealgorithms ciphers hostbasedacceptedalgorithms hostkeyalgorithms kexalgorithms macs "
        "pubkeyacceptedalgorithms")),
    "comma list": {
        SSH: "gssapikexalgorithms ignoreunknown kbdinteractivedevices preferredauthentications proxyjump",
        SSHD: "gssapikexalgorithms",
    },
    "words of the first line": {
        SSH: ("canonicaldomains canonicalizepermittedcnames channeltimeout globalknownhostsfile logverbose "
              "permitremoteopen setenv userknownhostsfile"),
        SSHD: "authenticationmethods authorizedkeysfile channeltimeout logverbose permitlisten permitopen setenv",
    },
    "words of all lines": {
        SSH: "sendenv", SSHD: "acceptenv allowgroups allowusers denygroups denyusers persourcepenalties"},
    "all lines": {
        SSH: "certificatefile dynamicforward identityfile include localforward remoteforward",
        SSHD: "hostcertificate hostkey include listenaddress port",
    },
    "a line for each name": {SSH: "", SSHD: "subsystem"},
    "first line": {
        SSH: "port user hostname compression identityagent",
        SSHD: "permitrootlogin usedns banner x11forwarding loggracetime",
    },
}
READ_AS = {
    "rest of the line": ["a b # x"], "algorithms": ["a b"], "comma list": ["a b"],
    "words of the first line": ["a", "b"],
    "words of all lines": ["a", "b", "c", "a", "d"], "all lines": ["a b", "c", "a d"],
    "a line for each name": ["a b", "c"], "first line": ["a b"],
}


@pytest.mark.parametrize(("how", "dialect", "keyword"), [
    (how, dialect, keyword) for how, dialects in BEHAVIOUR.items() for dialect in dialects
    for keyword in dialects[dialect].split()])
def test_what_openssh_does_with_each_keyword(how, dialect, keyword):
    data = "{0} a b # x\n{0} c\n{0} a d\n".format(keyword.capitalize()).encode()
    assert sshconfig.read(data, dialect) == {keyword: READ_AS[how]}
    add = Change(keyword, ["a"], how="add")
    if how in ("rest of the line", "comma list", "first line"):
        why = "has no line to add to" if how == "comma list" else "nothing can be added to it"
        with pytest.raises(ConfigError, match=why):
            sshconfig.edit(b"", [add], dialect)
    else:
        check(b"", add, (keyword + (" +a\n" if how == "algorithms" else " a\n")).encode(), dialect)


ALIASES = [
    (SSH, "challengeresponseauthentication skeyauthentication tisauthentication", "kbdinteractiveauthentication"),
    (SSHD, "challengeresponseauthentication skeyauthentication", "kbdinteractiveauthentication"),
    (SSH, "dsaauthentication", "pubkeyauthentication"), (SSHD, "dsaauthentication", "pubkeyauthentication"),
    (SSH, "keepalive", "tcpkeepalive"), (SSHD, "keepalive", "tcpkeepalive"),
    (SSH, "pubkeyacceptedkeytypes", "pubkeyacceptedalgorithms"),
    (SSHD, "pubkeyacceptedkeytypes", "pubkeyacceptedalgorithms"),
    (SSH, "hostbasedkeytypes", "hostbasedacceptedalgorithms"),
    (SSHD, "hostbasedacceptedkeytypes", "hostbasedacceptedalgorithms"),
    (SSH, "identityfile2", "identityfile"), (SSH, "protocolkeepalives", "serveraliveinterval"),
    (SSH, "smartcarddevice", "pkcs11provider"), (SSHD, "hostdsakey", "hostkey"),
    (SSHD, "gssapicleanupcreds", "gssapicleanupcredentials"),
]


@pytest.mark.parametrize(("dialect", "alias", "keyword"), [
    (dialect, alias, keyword) for dialect, names, keyword in ALIASES for alias in names.split()])
def test_an_alias_and_its_keyword_are_one(dialect, alias, keyword):
    data = ("%s a\n" % alias.upper()).encode()
    assert sshconfig.read(data, dialect) == {keyword: ["a"]}
    check(data, Change(keyword, ["b"]), data.replace(b" a", b" b"), dialect)
    check(("#%s b\n" % alias).encode(), Change(keyword, ["b"], how="uncomment"), ("%s b\n" % alias).encode(), dialect)
    check(("%s a\n" % keyword).encode(), Change(alias, ["b"]), ("%s b\n" % keyword).encode(), dialect)


def test_the_lines_that_the_image_reads_itself_stay_plain():
    """key-gen.sh finds host keys and identities only in column 0, one blank, nothing behind the value."""
    check(b"X y\n\tIdentityFile = \"~/a b\" # old\n", Change("IdentityFile", ["~/c"]),
          b"X y\n# old\nIdentityFile ~/c\n", SSH)
    check(b"Host a\n\tIdentityFile = ~/b # old\n", Change("IdentityFile", ["~/c"], block="Host a"),
          b"Host a\n\tIdentityFile = ~/c # old\n", SSH)
    check(b"# \tHostKey \t\"/a\"  # c\n", Change("HostKey", ["/a"], how="uncomment"), b"HostKey /a\n")


def test_read_block():
    data = b"Port 1\nMatch user a\n Port 2\nMatch User b\n Port 4\nmatch USER=a\n X y\n"
    assert sshconfig.read(data, SSHD, block="Match User a") == {"port": ["2"], "x": ["y"]}
    assert sshconfig.read(data, SSHD, block="Match User z") == {}


def test_heads_of_all_blocks_compare():
    data = b"Port 1\nHost web1 \"web 2\"\n Port 2\nmatch USER=a !Canonical all\n Port 3\n"
    found = [("host", "web1", "web 2"), ("match", "user", "a", "!canonical", "all")]
    assert sshconfig.heads(data, SSH) == sshconfig.heads(data, SSHD) == found
    assert sshconfig.heads(b"Port 1\n", SSH) == []
    with pytest.raises(ConfigError):
        sshconfig.heads(b"Host \"web1\n", SSH)
    with pytest.raises(ConfigError) as error:
        sshconfig.heads(data, "ssh")
    assert str(error.value) == "dialect 'ssh': use ssh_config or sshd_config"


FILES = {"/a*": [b"Port 5\nUseDNS no\n", b"Banner /x\nMatch all\nLogLevel DEBUG\n"], "self": [b"Include self\n"]}


def include(pattern):
    return FILES.get(pattern, [])


def test_include_is_read():
    data = b"UseDNS yes\nInclude /a* none\nBanner /y\nLogLevel INFO\n"
    assert sshconfig.read(data, SSHD, include=include) == {
        "usedns": ["yes"], "port": ["5"], "banner": ["/x"], "loglevel": ["INFO"]}
    assert sshconfig.read(data, SSHD)["banner"] == ["/y"]
    assert sshconfig.read(b"Include self\n", SSHD, include=include) == {}


def test_include_that_would_win_is_dealt_with():
    data = b"Include /a*\nX y\nBanner /y # c\n"
    change = [Change("Banner", ["/z"])]
    done = sshconfig.edit_with_notes(data, change, SSHD, include)
    assert done == (b"Banner /z\nInclude /a*\nX y\n", ())
    assert sshconfig.edit_with_notes(done.data, change, SSHD, include) == done
    assert sshconfig.edit(b"X y\nInclude /a*\n", [Change("UseDNS", ["yes"])], SSHD, include) == (
        b"X y\nUseDNS yes\nInclude /a*\n")
    assert sshconfig.edit(b"Include /a*\n#Banner /z\n", [Change("Banner", ["/z"], how="uncomment")], SSHD, include) == (
        b"Banner /z\nInclude /a*\n#Banner /z\n")
    assert sshconfig.edit(b"Include /a*\n", [Change("Port", ["6"])], SSHD, include) == b"Include /a*\nPort 6\n"
    assert sshconfig.edit(b"Include /a*\n", [Change("LogLevel", ["INFO"])], SSHD, include) == (
        b"Include /a*\nLogLevel INFO\n")


def test_includes_are_followed_as_deep_as_openssh_goes():
    def chain(pattern):
        level = int(pattern)
        return [b"Include %d\nSendEnv L%d\n" % (level + 1, level)]

    read = sshconfig.read(b"Include 1\n", SSH, include=chain)
    assert sorted(read["sendenv"]) == sorted("L%d" % level for level in range(1, 17))

    def deep(last):
        return lambda pattern: [b"Banner /x\n" if int(pattern) == last else b"Include %d\n" % (int(pattern) + 1)]

    change = [Change("Banner", ["/y"])]
    assert sshconfig.edit(b"Include 1\n", change, SSHD, deep(16)) == b"Banner /y\nInclude 1\n"
    assert sshconfig.edit(b"Include 1\n", change, SSHD, deep(17)) == b"Include 1\nBanner /y\n"


def test_several_changes_of_what_an_include_sets():
    changes = [Change("Banner", state="absent"), Change("Banner", ["/z"])]
    assert sshconfig.edit(b"Include /a*\n", changes, SSHD, include) == b"Banner /z\nInclude /a*\n"


def test_include_may_name_anything():
    asked = []
    sshconfig.read(b"Include \"/a b\" /\xff\n", SSHD, include=lambda pattern: asked.append(pattern) or [])
    assert asked == ["/a b", "/\udcff"]


def test_include_that_nobody_reads_is_named():
    done = sshconfig.edit_with_notes(b"  Include /a*\nX y\n", [Change("Banner", ["/z"])], SSHD)
    assert done.data == b"  Include /a*\nX y\nBanner /z\n"
    assert done.notes == (
        "line 1 (Include /a*) comes before Banner on line 3: a value in an included file would win",)


def test_earlier_value_that_wins_is_named():
    done = sshconfig.edit_with_notes(b"Port 1\nHost a\n", [Change("Port", ["2"], block="Host a")], SSH)
    assert done == (b"Port 1\nHost a\n    Port 2\n", ("line 1 (Port 1) comes first and wins over Port in 'Host a'",))
    for how in ("add", "uncomment"):
        change = Change("Ciphers", ["b"], how=how, block="Host a")
        done = sshconfig.edit_with_notes(b"Ciphers a\nHost a\n", [change], SSH)
        assert done.notes == ("line 1 (Ciphers a) comes first and wins over Ciphers in 'Host a'",)
    odd = sshconfig.edit_with_notes(b" Port\t\xff \nHost a\n", [Change("Port", ["2"], block="Host a")], SSH)
    assert odd.notes == ("line 1 (Port\t\\xff) comes first and wins over Port in 'Host a'",)
    above = sshconfig.edit_with_notes(b"Match all\n  Banner 1\n", [Change("Banner", ["2"], block="Match User a")], SSHD)
    assert above.notes == ("line 2 (Banner 1) comes first and wins over Banner in 'Match User a'",)
    every = sshconfig.edit_with_notes(b"Host *\n Port 1\nHost a\n", [Change("Port", ["2"], block="Host a")], SSH)
    assert every.notes == ("line 2 (Port 1) comes first and wins over Port in 'Host a'",)
    assert not sshconfig.edit_with_notes(b"\n#\nPort 2\n", [Change("Port", ["3"])], SSH).notes
    assert not sshconfig.edit_with_notes(b"Banner 1\n", [Change("Banner", ["2"], block="Match User a")], SSHD).notes
    assert not sshconfig.edit_with_notes(b"Host b\n Port 1\n", [Change("Port", ["2"], block="Host a")], SSH).notes


@pytest.mark.parametrize(("head", "fits"), [
    ("Match all", True), ("Match User *", True), ("match Host=*", True), ("Match Address *,0.0.0.0/0", True),
    ("Match Address ::/0", True), ("Match LocalAddress 0.0.0.0/0 User **", True), ("Match Group ?*,root", True),
    ("Match User root", False), ("Match User *,!bob", False), ("Match User * Address 10.0.0.0/8", False),
    ("Match LocalPort 2022", False), ("Match invalid-user", False), ("Match User a*", False),
])
def test_a_match_that_fits_all_wins_over_what_is_global(head, fits):
    """As sshd -T -C of OpenSSH 9.2 says it of each of these."""
    data = b"PermitRootLogin no\n%s\n  PermitRootLogin yes\n" % head.encode()
    done = sshconfig.edit_with_notes(data, [Change("PermitRootLogin", ["no"])], SSHD)
    words = "line 3 (PermitRootLogin yes) wins over PermitRootLogin for all whom '%s' fits" % head
    assert done == (data, (words,) if fits else ())


def test_of_several_that_fit_all_the_first_wins():
    data = b"AllowUsers a\nMatch User *\n AllowUsers a\nMatch all\n AllowUsers b\n"
    assert not sshconfig.edit_with_notes(data, [Change("AllowUsers", ["a"])], SSHD).notes
    words = "line 3 (AllowUsers a) wins over AllowUsers for all whom 'Match User *' fits"
    assert sshconfig.edit_with_notes(data, [Change("AllowUsers", ["c"], how="add")], SSHD).notes == (words,)
    data = data.replace(b"AllowUsers", b"Banner")
    done = sshconfig.edit_with_notes(data + b"Match User a\n", [Change("Banner", ["c"], block="Match User a")], SSHD)
    assert "line 3 (Banner a) comes first and wins over Banner in 'Match User a'" in done.notes


@pytest.mark.parametrize(("data", "noted"), [
    (b"Banner a\nInclude x\n", True), (b"Banner a\nMatch User *\nInclude y\n", True),
    (b"Banner a\nMatch User bob\nInclude x\n", False), (b"Include y\nBanner a\n", False),
])
def test_a_match_that_fits_all_in_an_included_file(data, noted):
    files = {"x": b"Match all\n Banner b\n", "y": b"Banner b\n"}
    done = sshconfig.edit_with_notes(data, [Change("Banner", ["a"])], SSHD, lambda name: [files[name]])
    assert [note for note in done.notes if "(Banner b), included by line" in note] == list(done.notes)
    assert bool(done.notes) == noted


def test_in_ssh_config_what_is_above_wins_over_what_is_global_again():
    data = b"Host *\n Port 1\nMatch all\nPort 2\n"
    words = "line 2 (Port 1) comes first and wins over Port"
    assert sshconfig.edit_with_notes(data, [Change("Port", ["3"])], SSH).notes == (words,)
    assert not sshconfig.edit_with_notes(b"Port 2\nHost *\n Port 1\n", [Change("Port", ["3"])], SSH).notes


def test_rivals_are_named():
    done = sshconfig.edit_with_notes(b"ProxyJump a\nPort 1\n", [Change("ProxyCommand", ["b"])], SSH)
    assert done.notes == ("line 1 (ProxyJump a) comes first and wins over ProxyCommand",)
    done = sshconfig.edit_with_notes(b"ProxyJump a\nProxyJump d\n", [Change("ProxyCommand", ["b"])], SSH)
    assert done.notes == ("line 1 (ProxyJump a) comes first and wins over ProxyCommand",)
    done = sshconfig.edit_with_notes(b"X y\nProxyCommand c\n", [Change("ProxyJump", ["b"])], SSH)
    assert done.notes == ("line 2 (ProxyCommand c) comes first and wins over ProxyJump",)
    assert not sshconfig.edit_with_notes(b"ProxyJump a\nProxyCommand c\n", [Change("ProxyJump", ["b"])], SSH).notes


def test_lists_that_cannot_tell_are_named():
    done = sshconfig.edit_with_notes(b"Ciphers -a\n", [Change("Ciphers", ["b"], how="add")], SSHD)
    assert done == (b"Ciphers -a\n", ("Ciphers begins with '-': b counts only if the built-in list has it",))
    done = sshconfig.edit_with_notes(b"Ciphers ^a\n", [Change("Ciphers", ["b"], how="remove")], SSHD)
    assert done == (b"Ciphers ^a\n", ("Ciphers begins with '^': b may still be in the built-in list",))
    odd = sshconfig.edit_with_notes(b"Ciphers -a\n", [Change("Ciphers", ["\udcff"], how="add")], SSHD)
    assert odd.notes == ("Ciphers begins with '-': \ufffd counts only if the built-in list has it",)
    for data, how, value in ((b"Ciphers +a\n", "add", "b"), (b"Ciphers +a,b\n", "remove", "a"),
                             (b"Ciphers -a\n", "remove", "b"), (b"Ciphers -a,b\n", "add", "b"),
                             (b"Ciphers a,b\n", "remove", "c")):
        assert not sshconfig.edit_with_notes(data, [Change("Ciphers", [value], how=how)], SSHD).notes
