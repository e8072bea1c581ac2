# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an edit makes of a file, byte by byte."""

from __future__ import annotations

import time

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.sshconfig import Change, ConfigError

SSH, SSHD = "ssh_config", "sshd_config"


def check(data: bytes, change: Change, expected: bytes, dialect: str = SSHD) -> None:
    assert sshconfig.edit(data, [change], dialect) == expected
    assert sshconfig.edit(expected, [change], dialect) == expected, "a second run changes something"


SET = [
    # one value: the first line counts, everything else in it stays
    (b"Port 22\n", "PermitRootLogin", ["no"], b"Port 22\nPermitRootLogin no\n"),
    (b"PermitRootLogin yes\n", "PermitRootLogin", ["no"], b"PermitRootLogin no\n"),
    (b"  permitrootlogin\t=  yes \t# why\r\n", "PermitRootLogin", ["no"], b"  permitrootlogin\t=  no \t# why\r\n"),
    (b"PermitRootLogin=yes", "PermitRootLogin", ["no"], b"PermitRootLogin=no"),
    (b"\"PermitRootLogin\" yes\n", "PermitRootLogin", ["no"], b"\"PermitRootLogin\" no\n"),
    (b"PermitRootLogin \"yes\" # a\n", "PermitRootLogin", ["no"], b"PermitRootLogin \"no\" # a\n"),
    (b"PermitRootLogin no\nPermitRootLogin yes\n", "PermitRootLogin", ["no"],
     b"PermitRootLogin no\nPermitRootLogin yes\n"),
    (b"PermitRootLogin yes\nPermitRootLogin no\n", "PermitRootLogin", ["no"],
     b"PermitRootLogin no\nPermitRootLogin no\n"),
    (b"PermitRootLogin\n", "PermitRootLogin", ["no"], b"PermitRootLogin no\n"),
    # a line that lacks its value
    (b"Banner # c\n", "Banner", ["/x"], b"Banner /x # c\n"),
    (b"\tBanner\t# c\n", "Banner", ["/x"], b"\tBanner\t/x # c\n"),
    (b"Banner = # c\n", "Banner", ["/x"], b"Banner = /x # c\n"),
    (b"Banner=#c\n", "Banner", ["/x"], b"Banner=/x #c\n"),
    (b"Banner=\n", "Banner", ["/x"], b"Banner=/x\n"),
    (b"\"Banner\" \n", "Banner", ["/x"], b"\"Banner\" /x \n"),
    (b"ForceCommand\n", "ForceCommand", ["/x"], b"ForceCommand /x\n"),
    (b"ForceCommand # c\n", "ForceCommand", ["/x"], b"ForceCommand /x\n"),
    (b"\xff\xfe caf\xe9\nX yes\n", "Y", ["no"], b"\xff\xfe caf\xe9\nX yes\nY no\n"),
    (b"", "Port", ["22"], b"Port 22\n"),
    (b"# c\n", "Port", ["22"], b"# c\nPort 22\n"),
    (b"A b\nX y\n# c\n", "UseDNS", ["no"], b"A b\nX y\nUseDNS no\n# c\n"),
    (b"\n", "UseDNS", ["no"], b"\nUseDNS no\n"),
    (b"UseDNS yes", "LogLevel", ["INFO"], b"UseDNS yes\nLogLevel INFO"),
    (b"UseDNS yes\r\n", "LogLevel", ["INFO"], b"UseDNS yes\r\nLogLevel INFO\r\n"),
    (b"UseDNS yes\r\nX 1", "LogLevel", ["INFO"], b"UseDNS yes\r\nX 1\r\nLogLevel INFO"),
    (b"RekeyLimit 1G  1h\n", "RekeyLimit", ["1G 1h"], b"RekeyLimit 1G  1h\n"),
    (b"RekeyLimit 1G  1h\n", "RekeyLimit", ["1G 2h"], b"RekeyLimit 1G 2h\n"),
    # aliases are one keyword, the spelling that is there stays
    (b"PubkeyAcceptedKeyTypes a\nPubkeyAcceptedAlgorithms b\n", "PubkeyAcceptedAlgorithms", ["c", "d"],
     b"PubkeyAcceptedKeyTypes c,d\nPubkeyAcceptedAlgorithms b\n"),
    (b"ChallengeResponseAuthentication yes\n", "KbdInteractiveAuthentication", ["no"],
     b"ChallengeResponseAuthentication no\n"),
    # never in or after a block
    (b"Match User bob\n  X11Forwarding yes\n", "X11Forwarding", ["no"],
     b"X11Forwarding no\nMatch User bob\n  X11Forwarding yes\n"),
    (b"Port 22\n\n# for bob\nMatch User bob\n  X11Forwarding yes\n", "X11Forwarding", ["no"],
     b"Port 22\nX11Forwarding no\n\n# for bob\nMatch User bob\n  X11Forwarding yes\n"),
    (b"# head\n\n# for bob\nMatch User bob\n", "X11Forwarding", ["no"],
     b"# head\n\nX11Forwarding no\n# for bob\nMatch User bob\n"),
    # below a commented copy
    (b"#Port 22\n#UseDNS no\nX yes\n", "UseDNS", ["yes"], b"#Port 22\n#UseDNS no\nUseDNS yes\nX yes\n"),
    # repeatable keywords: lines
    (b"Port 22\nPort 2222\n", "Port", ["22"], b"Port 22\n"),
    (b"Port 22\nX y\nPort 2222\n", "Port", ["2222"], b"X y\nPort 2222\n"),
    (b"Port 22\nX y\n", "Port", ["22", "2222"], b"Port 22\nPort 2222\nX y\n"),
    (b"Port 22\nX y\n", "Port", ["2222", "22"], b"Port 2222\nPort 22\nX y\n"),
    (b"Port 1 # one\nPort 2\nPort 3\n", "Port", ["1", "4", "3"], b"Port 1 # one\nPort 4\nPort 3\n"),
    (b"Port 1\nPort 2\nPort 3\nPort 4\n", "Port", ["1", "5"], b"Port 1\nPort 5\n"),
    (b"Port 1 # one\nPort 2 # two\nPort 3 # three\nPort 4 # four\n", "Port", ["3", "4"],
     b"Port 3 # three\nPort 4 # four\n"),
    (b"Port 1 # one\nPort 2 # two\nPort 3 # three\nPort 4 # four\n", "Port", ["9", "3", "4"],
     b"Port 9 # one\nPort 3 # three\nPort 4 # four\n"),
    (b"Port 1\nPort 2\nX y\n", "Port", ["1", "2", "3"], b"Port 1\nPort 2\nPort 3\nX y\n"),
    (b"A b\nPort 1\nX y\n", "Port", ["4", "5"], b"A b\nPort 4\nPort 5\nX y\n"),
    # the form that key-gen.sh of the image reads
    (b"  HostKey  \"/a\"  # old\n", "HostKey", ["/b"], b"# old\nHostKey /b\n"),
    (b"  HostKey  \"/a\"\n", "HostKey", ["/a"], b"  HostKey  \"/a\"\n"),
    # words
    (b"AcceptEnv LANG LC_*\n", "AcceptEnv", ["LANG", "LC_*"], b"AcceptEnv LANG LC_*\n"),
    (b"AcceptEnv LANG\nAcceptEnv LC_*\n", "AcceptEnv", ["LANG LC_*"], b"AcceptEnv LANG\nAcceptEnv LC_*\n"),
    (b"AcceptEnv LANG\nX y\nAcceptEnv LC_*\n", "AcceptEnv", ["LC_*"], b"AcceptEnv LC_*\nX y\n"),
    (b"PermitOpen a:1 # x\nPermitOpen b:2\n", "PermitOpen", ["c:3", "d:4"],
     b"PermitOpen c:3 d:4 # x\nPermitOpen b:2\n"),
    # a line for each name
    (b"Subsystem\tsftp\t/usr/lib/sftp # s\nSubsystem x y\n", "Subsystem", ["sftp internal-sftp"],
     b"Subsystem\tsftp\tinternal-sftp # s\nSubsystem x y\n"),
    (b"Subsystem x\ty -l z # c\n", "Subsystem", ["x w"], b"Subsystem x\tw # c\n"),
    (b"Subsystem x # c\n", "Subsystem", ["x w"], b"Subsystem x w # c\n"),
    (b"Subsystem x y # c\n", "Subsystem", ["x"], b"Subsystem x # c\n"),
    (b"Subsystem\nX y\n", "Subsystem", ["a b"], b"Subsystem\nSubsystem a b\nX y\n"),
    (b"Subsystem x y\n", "Subsystem", ["sftp internal-sftp"], b"Subsystem x y\nSubsystem sftp internal-sftp\n"),
    # the rest of the line as it is
    (b"ForceCommand  echo 'a' # b \t\n", "ForceCommand", ["echo  \"c\" #d"], b"ForceCommand  echo  \"c\" #d \t\n"),
    # values that need quotes
    (b"", "Banner", ["\"/etc/my issue\""], b"Banner \"/etc/my issue\"\n"),
    (b"", "Banner", ["'/etc/issue'"], b"Banner /etc/issue\n"),
    (b"", "Banner", [" X/x\t"], b"Banner X/x\n"),
    (b"", "AcceptEnv", ["\"#x\" \"=y\" \"\" z#"], b"AcceptEnv \"#x\" \"=y\" \"\" z#\n"),
    (b"", "Subsystem", ["a  'b'"], b"Subsystem a  'b'\n"),
]


@pytest.mark.parametrize(("data", "keyword", "values", "expected"), SET)
def test_set(data, keyword, values, expected):
    check(data, Change(keyword, values), expected)


ADD_REMOVE = [
    (b"Ciphers = \"a,b\" # c\n", "add", ["x"], {}, b"Ciphers = \"a,b,x\" # c\n"),
    (b"Ciphers a,b\n", "add", ["x", "b"], {}, b"Ciphers a,b,x\n"),
    (b"Ciphers a,b\n", "add", ["x"], {"place": "first"}, b"Ciphers x,a,b\n"),
    (b"Ciphers a,b\n", "add", ["b"], {"place": "first"}, b"Ciphers b,a\n"),
    (b"Ciphers a,b\n", "add", ["a"], {"place": "last"}, b"Ciphers b,a\n"),
    (b"Ciphers a,b,c\n", "add", ["b", "c"], {"place": "last"}, b"Ciphers a,b,c\n"),
    (b"Ciphers a,b\n", "add", ["x"], {"before": "b"}, b"Ciphers a,x,b\n"),
    (b"Ciphers a,b,x\n", "add", ["x"], {"before": "b"}, b"Ciphers a,x,b\n"),
    (b"Ciphers x,a,b\n", "add", ["x"], {"before": "b"}, b"Ciphers x,a,b\n"),
    (b"Ciphers a,b\n", "remove", ["a"], {}, b"Ciphers b\n"),
    (b"", "add", ["x", "x"], {}, b"Ciphers +x\n"),
    (b"", "remove", ["x", "x"], {}, b"Ciphers -x\n"),
    (b"", "set", ["x", "x"], {}, b"Ciphers x,x\n"),
    (b"Ciphers a,b\n", "remove", ["x"], {}, b"Ciphers a,b\n"),
    (b"Ciphers +a\n", "add", ["b"], {}, b"Ciphers +a,b\n"),
    (b"Ciphers ^a\n", "add", ["b"], {"place": "first"}, b"Ciphers ^b,a\n"),
    (b"Ciphers -a,b\n", "add", ["b"], {}, b"Ciphers -a\n"),
    (b"Ciphers -a\n", "add", ["a"], {}, b"Ciphers +a\n"),
    (b"Ciphers -a\n", "remove", ["b"], {}, b"Ciphers -a,b\n"),
    (b"Ciphers -a*\n", "remove", ["ab"], {}, b"Ciphers -a*\n"),
    (b"Ciphers -a[b]\n", "remove", ["ab"], {}, b"Ciphers -a[b],ab\n"),
    (b"Ciphers -a[b*\n", "remove", ["a[bc"], {}, b"Ciphers -a[b*\n"),
    (b"Ciphers -\xff*\n", "remove", ["\udcffb"], {}, b"Ciphers -\xff*\n"),
    (b"Ciphers a, b\n", "add", ["c"], {}, b"Ciphers a,b,c\n"),
    (b"Ciphers +a,b\n", "remove", ["b"], {}, b"Ciphers +a\n"),
    (b"Ciphers +a\n", "remove", ["a"], {}, b"Ciphers -a\n"),
    (b"X y\n", "add", ["a", "b"], {}, b"X y\nCiphers +a,b\n"),
    (b"X y\n", "add", ["a"], {"place": "first"}, b"X y\nCiphers ^a\n"),
    (b"X y\n", "remove", ["a"], {}, b"X y\nCiphers -a\n"),
]


@pytest.mark.parametrize(("data", "how", "values", "options", "expected"), ADD_REMOVE)
def test_algorithm_list(data, how, values, options, expected):
    check(data, Change("Ciphers", values, how=how, **options), expected)
    check(data, Change("Ciphers", values, how=how, **options), expected, SSH)


MEMBERS = [
    ("AllowUsers", b"AllowUsers  a\tb # c\nX y\n", "add", ["d"], {}, b"AllowUsers  a\tb d # c\nX y\n"),
    ("AllowUsers", b"AllowUsers a\nAllowUsers b\n", "add", ["a", "c"], {}, b"AllowUsers a\nAllowUsers b c\n"),
    ("AllowUsers", b"AllowUsers a\nAllowUsers b\n", "add", ["c"], {"place": "first"}, b"AllowUsers c a b\n"),
    ("AllowUsers", b"AllowUsers a  b\tc # d\n", "remove", ["b"], {}, b"AllowUsers a\tc # d\n"),
    ("AllowUsers", b"AllowUsers a  b\tc # d\n", "remove", ["a", "c"], {}, b"AllowUsers b # d\n"),
    ("AllowUsers", b"X y\nAllowUsers a\nAllowUsers b\n", "remove", ["b"], {}, b"X y\nAllowUsers a\n"),
    ("AllowUsers", b"X y\n", "remove", ["b"], {}, b"X y\n"),
    ("PermitOpen", b"PermitOpen a:1 b:2\nPermitOpen c:3\n", "remove", ["c:3"], {},
     b"PermitOpen a:1 b:2\nPermitOpen c:3\n"),
    ("PermitOpen", b"PermitOpen a:1\nPermitOpen c:3\n", "remove", ["a:1"], {}, b""),
    ("PermitOpen", b"PermitOpen a:1\nPermitOpen c:3\n", "add", ["b:2"], {}, b"PermitOpen a:1 b:2\nPermitOpen c:3\n"),
    ("AllowUsers", b"AllowUsers\n", "add", ["a", "b"], {}, b"AllowUsers a b\n"),
    ("AllowUsers", b"AllowUsers=\n", "add", ["a"], {}, b"AllowUsers=a\n"),
    ("AllowUsers", b"AllowUsers # c\n", "add", ["a"], {}, b"AllowUsers a # c\n"),
    ("AllowUsers", b"AllowUsers a b a\n", "add", ["a"], {"place": "first"}, b"AllowUsers a b a\n"),
    ("AllowUsers", b"AllowUsers a b a\n", "add", ["a"], {"place": "last"}, b"AllowUsers a b a\n"),
    ("AllowUsers", b"AllowUsers a\nX y\nAllowUsers a b\n", "remove", ["a"], {}, b"X y\nAllowUsers b\n"),
    ("AllowUsers", b"AllowUsers a b\nAllowUsers a\n", "remove", ["a"], {}, b"AllowUsers b\n"),
    ("SetEnv", b"SetEnv A=\n", "add", ["B=1"], {}, b"SetEnv A= B=1\n"),
    ("AcceptEnv", b"AcceptEnv a\\  # c\n", "add", ["b"], {}, b"AcceptEnv a\\  b # c\n"),
    ("AcceptEnv", b"AcceptEnv  x a\\\n", "add", ["b"], {}, b"AcceptEnv  x \"a\\\\\" b\n"),
    ("AcceptEnv", b"AcceptEnv \xff\n", "add", ["a"], {"before": "\udcff"}, b"AcceptEnv a \xff\n"),
    ("Port", b"X y\nPort 1\nPort 2\nZ y\n", "add", ["2", "1"], {"place": "first"}, b"X y\nZ y\nPort 2\nPort 1\n"),
    ("Port", b"Port 1\nPort 2\nX y\n", "add", ["1"], {"place": "last"}, b"Port 2\nPort 1\nX y\n"),
    ("Port", b"Port 1\nX y\nPort 2\n", "add", ["3"], {}, b"Port 1\nX y\nPort 2\nPort 3\n"),
    ("Port", b"Port 1\nX y\nPort 2\n", "add", ["3"], {"place": "first"}, b"Port 3\nPort 1\nX y\nPort 2\n"),
    ("Port", b"Port 1\nX y\nPort 2\n", "add", ["2"], {"place": "first"}, b"Port 2\nPort 1\nX y\n"),
    ("Port", b"Port 1\nX y\nPort 2\n", "add", ["1"], {"place": "last"}, b"X y\nPort 2\nPort 1\n"),
    ("Port", b"Port 1\nX y\nPort 2\n", "add", ["3"], {"before": "2"}, b"Port 1\nX y\nPort 3\nPort 2\n"),
    ("Port", b"Port 1\n  Port 2 # c\n", "remove", ["2", "7"], {}, b"Port 1\n"),
    ("HostKey", b"HostKey \"/a b\"\n", "add", ["/c"], {"before": "\"/a b\""}, b"HostKey /c\nHostKey \"/a b\"\n"),
    ("Subsystem", b"Subsystem a b\n", "add", ["c d"], {}, b"Subsystem a b\nSubsystem c d\n"),
    ("Subsystem", b"Subsystem a b\nSubsystem c d\n", "remove", ["a"], {}, b"Subsystem c d\n"),
    ("Subsystem", b"Subsystem a b\nSubsystem c d\n", "remove", ["a x"], {}, b"Subsystem a b\nSubsystem c d\n"),
    ("UseDNS", b"UseDNS no\nUseDNS yes\n", "remove", ["no"], {}, b"UseDNS yes\n"),
]


@pytest.mark.parametrize(("keyword", "data", "how", "values", "options", "expected"), MEMBERS)
def test_members(keyword, data, how, values, options, expected):
    check(data, Change(keyword, values, how=how, **options), expected)


ABSENT = [
    (b"X y\nPort 1\n\nport=2\nZ y", Change("Port", state="absent"), b"X y\n\nZ y"),
    (b"X y\nPort 1\nPort 2", Change("Port", state="absent"), b"X y"),
    (b"X y\n\nPort 2", Change("Port", state="absent"), b"X y\n\n"),
    (b"Port 1\nPort 2\n", Change("Port", ["1"], state="absent"), b"Port 2\n"),
    (b" Port 1\nPort 2\n", Change("Port", ["1"], state="absent", how="comment"), b"# Port 1\nPort 2\n"),
    (b"UseDNS no\nUseDNS yes\n", Change("UseDNS", state="absent", how="comment"), b"#UseDNS no\n#UseDNS yes\n"),
    (b"AllowUsers a b\n", Change("AllowUsers", ["a"], state="absent"), b"AllowUsers b\n"),
    (b"Port 1\nPort 2\nPort 3\n", Change("Port", ["7", "2", "1"], state="absent"), b"Port 3\n"),
    (b"Port 1\nPort 2\nPort 3\n", Change("Port", ["2", "1"], state="absent", how="comment"),
     b"#Port 1\n#Port 2\nPort 3\n"),
    (b"Ciphers a,b\n", Change("Ciphers", ["a", "b"], state="absent", how="comment"), b"#Ciphers a,b\n"),
    (b"Ciphers a,b\n", Change("Ciphers", ["b"], state="absent", how="comment"), b"Ciphers a,b\n"),
    (b"X y\nMatch User b\n  UseDNS no\n", Change("UseDNS", state="absent"), b"X y\nMatch User b\n  UseDNS no\n"),
    (b"Match User b\n  Banner a\nMatch User c\n  Banner a\n", Change("Banner", state="absent", block="match user b"),
     b"Match User c\n  Banner a\n"),
    (b"Match User b\n  Banner a\n  # c\nMatch User c\n", Change("Banner", state="absent", block="Match User b"),
     b"Match User b\n  # c\nMatch User c\n"),
    (b"Port 1\n", Change("Banner", state="absent", block="Match User b"), b"Port 1\n"),
]


@pytest.mark.parametrize(("data", "change", "expected"), ABSENT)
def test_absent(data, change, expected):
    check(data, change, expected)


KEY = "~/.ssh/id_ed25519"
UNCOMMENT = [
    (b"#IdentityFile ~/.ssh/id_ed25519\n#   IdentityFile ~/.ssh/id_ed25519\n",
     b"IdentityFile ~/.ssh/id_ed25519\n#   IdentityFile ~/.ssh/id_ed25519\n"),
    (b"#   IdentityFile ~/.ssh/id_ed25519\n#IdentityFile ~/.ssh/id_ed25519\n",
     b"#   IdentityFile ~/.ssh/id_ed25519\nIdentityFile ~/.ssh/id_ed25519\n"),
    (b"IdentityFile ~/x\n ## identityfile =\t\"~/.ssh/id_ed25519\"  # c\n",
     b"IdentityFile ~/x\nidentityfile ~/.ssh/id_ed25519\n"),
    (b"#IdentityFile ~/.ssh/id_rsa\n", b"#IdentityFile ~/.ssh/id_rsa\nIdentityFile ~/.ssh/id_ed25519\n"),
    (b"# IdentityFile ~/.ssh/id_ed25519 is good\n",
     b"# IdentityFile ~/.ssh/id_ed25519 is good\nIdentityFile ~/.ssh/id_ed25519\n"),
    (b"identityfile ~/.ssh/id_ed25519\n#IdentityFile ~/.ssh/id_ed25519\n",
     b"identityfile ~/.ssh/id_ed25519\n#IdentityFile ~/.ssh/id_ed25519\n"),
    (b"IdentityFile ~/x\nY z\n", b"IdentityFile ~/x\nIdentityFile ~/.ssh/id_ed25519\nY z\n"),
    (b"Host a\n  #IdentityFile ~/.ssh/id_ed25519\n",
     b"IdentityFile ~/.ssh/id_ed25519\nHost a\n  #IdentityFile ~/.ssh/id_ed25519\n"),
]


@pytest.mark.parametrize(("data", "expected"), UNCOMMENT)
def test_uncomment(data, expected):
    check(data, Change("IdentityFile", [KEY], how="uncomment"), expected, SSH)


def test_uncomment_keeps_one_value_where_one_counts():
    check(b"UseDNS yes\n#UseDNS no\n", Change("UseDNS", ["no"], how="uncomment"), b"UseDNS no\n#UseDNS no\n")
    check(b" #\tUseDNS no \n", Change("UseDNS", ["no"], how="uncomment"), b"UseDNS no \n")
    check(b"# X11Forwarding no\n#X11Forwarding no\n", Change("X11Forwarding", ["no"], how="uncomment"),
          b"# X11Forwarding no\nX11Forwarding no\n")
    check(b"#Port 1\n#Port 2\n", Change("Port", ["1", "2"], how="uncomment"), b"Port 1\nPort 2\n")
    check(b"Port 1\n#Port 2\n", Change("Port", ["1", "2"], how="uncomment"), b"Port 1\nPort 2\n")
    check(b"#ForceCommand  echo # b \n", Change("ForceCommand", ["echo # b"], how="uncomment"),
          b"ForceCommand  echo # b \n")
    check(b"#UseDNS  no\n", Change("UseDNS", ["no"], how="uncomment"), b"UseDNS  no\n")
    check(b"#AcceptEnv A B\n", Change("AcceptEnv", ["A", "B"], how="uncomment"), b"AcceptEnv A B\n")
    check(b"AcceptEnv B C A\n#AcceptEnv A B\n", Change("AcceptEnv", ["A", "B"], how="uncomment"),
          b"AcceptEnv B C A\n#AcceptEnv A B\n")


def test_uncomment_in_a_block_keeps_the_indentation():
    check(b"Host a\n\t#Port 1\n  X y\n", Change("Port", ["1"], how="uncomment", block="Host a"),
          b"Host a\n\tPort 1\n  X y\n", SSH)


BLOCKS = [
    (b"Host a\n\tX y\n\nHost b\n", {"block": "Host a"}, b"Host a\n\tX y\n\tPort 1\n\nHost b\n"),
    (b"Host a\nHost b\n", {"block": "Host a"}, b"Host a\n    Port 1\nHost b\n"),
    (b"Host a\n  # c\n", {"block": "Host a"}, b"Host a\n    Port 1\n  # c\n"),
    (b"Host a\n# about b\nHost b\n", {"block": "Host a"}, b"Host a\n    Port 1\n# about b\nHost b\n"),
    (b"host=\"a\"   b\n Port 2\n", {"block": "Host a b"}, b"host=\"a\"   b\n Port 1\n"),
    (b"match HOST=a user b\n Port 2\n", {"block": "Match host a User b"}, b"match HOST=a user b\n Port 1\n"),
    (b"Host a\n X y\nHost a\n Port 2\n", {"block": "Host a"}, b"Host a\n X y\nHost a\n Port 1\n"),
    (b"X y", {"block": "Host a"}, b"X y\nHost a\n    Port 1"),
    (b"# c\nX y\n", {"block": "Host a", "where": "top"}, b"Host a\n    Port 1\nMatch all\n# c\nX y\n"),
    (b"", {"block": "Host a", "where": "top"}, b"Host a\n    Port 1\nMatch all\n"),
    (b"X y\nHost a\n\tPort 2\n# c\nHost b\n", {"block": "Host a", "where": "top"},
     b"Host a\n\tPort 1\nMatch all\nX y\n# c\nHost b\n"),
    (b"Host b\n Y z\nMatch all\nX y\n", {"block": "Host a", "where": "top"},
     b"Host a\n    Port 1\nHost b\n Y z\nMatch all\nX y\n"),
    (b"Host b\n Y z\nMatch all\nX y\n", {"block": "Host *", "where": "top"},
     b"Host b\n Y z\nHost *\n    Port 1\nMatch all\nX y\n"),
    (b"Host b\n Y z\nHost a\n Port 1\n# c\nHost c\n", {"block": "Host a", "where": "top"},
     b"Host b\n Y z\nHost a\n Port 1\nMatch all\n# c\nHost c\n"),
    (b"X y\nHost a\n Port 1", {"block": "Host a", "where": "top"}, b"Host a\n Port 1\nMatch all\nX y"),
    (b"Host b\n Y z\nHost *\n Port 2\n", {"block": "Host *", "where": "top"},
     b"Host b\n Y z\nHost *\n Port 1\nMatch all\n"),
    (b"Host b\n Y z\nMatch all\nX y\nHost *\n Port 2\n", {"block": "Host *", "where": "top"},
     b"Host b\n Y z\nHost *\n Port 1\nMatch all\nX y\n"),
    (b"\n# of\n# b\nHost b\n Y z\nMatch all\nX y\n", {"block": "Host a", "where": "top"},
     b"\nHost a\n    Port 1\n# of\n# b\nHost b\n Y z\nMatch all\nX y\n"),
]


@pytest.mark.parametrize(("data", "options", "expected"), BLOCKS)
def test_block(data, options, expected):
    check(data, Change("Port", ["1"], **options), expected, SSH)


def test_what_adds_makes_the_block():
    made = b"Match User b\n    AllowUsers a\n"
    for how in ("set", "add", "uncomment"):
        check(b"", Change("AllowUsers", ["a"], how=how, block="Match User b"), made)
    for state, how in (("present", "remove"), ("absent", "set"), ("absent", "comment")):
        check(b"X y\n", Change("AllowUsers", ["a"], state=state, how=how, block="Match User b"), b"X y\n")


def test_a_second_block_with_one_head_stays_when_its_line_goes():
    data = b"Match User a\n AllowUsers x\nMatch User a\n AllowUsers y\n"
    check(data, Change("AllowUsers", ["z"], block="Match User a"), b"Match User a\n AllowUsers z\nMatch User a\n")
    check(data, Change("AllowUsers", ["y"], how="remove", block="Match User a"), b"Match User a\n AllowUsers x\n")


def test_block_of_sshd_stands_behind_the_globals():
    data = b"X y\n# c\nMatch User a\n  UseDNS no\n"
    check(data, Change("Banner", ["/b"], block="Match User b", where="top"),
          b"X y\nMatch User b\n    Banner /b\n# c\nMatch User a\n  UseDNS no\n")
    check(data, Change("Banner", ["/b"], block="Match User b"), data + b"Match User b\n    Banner /b\n")
    check(b"# b\n# c\nMatch User a\n", Change("Banner", ["/b"], block="Match User b", where="top"),
          b"Match User b\n    Banner /b\n# b\n# c\nMatch User a\n")
    check(b"X y\n", Change("Banner", ["/b"], block="Match User b", where="top"), b"X y\nMatch User b\n    Banner /b\n")


def test_globals_of_ssh_go_on_below_a_block_that_has_to_win():
    data = b"# c\n#Port 7\nHost a\n  Port 1\nMatch all\nPort 2222\nUser oqs\nHost b\n  Port 3\n"
    check(data, Change("Port", ["22"]), data.replace(b"2222", b"22"), SSH)
    check(data, Change("Compression", ["yes"]), data.replace(b"oqs\n", b"oqs\nCompression yes\n"), SSH)
    assert sshconfig.read(data, SSH) == {"port": ["2222"], "user": ["oqs"]}
    above = b"Port 1\nHost a\n X y\nMatch all\n#User b\n"
    check(above, Change("User", ["c"]), above.replace(b"Port 1\n", b"Port 1\nUser c\n"), SSH)
    check(above, Change("User", ["b"], how="uncomment"), above.replace(b"Port 1\n", b"Port 1\nUser b\n"), SSH)
    bare = b"Host a\n  Port 1\nMatch all\n"
    check(bare, Change("Port", ["2"]), bare + b"Port 2\n", SSH)


HOP = "Host localhost 127.0.0.1 ::1"


def test_whole_block():
    data = b"# c\nPort 2222\n"
    lines = ["Port 22", "KexAlgorithms a,b", "# why"]
    done = sshconfig.set_block(data, HOP, lines, "top", SSH)
    assert done == (b"Host localhost 127.0.0.1 ::1\n    Port 22\n    KexAlgorithms a,b\n    # why\nMatch all\n" + data)
    assert sshconfig.set_block(done, HOP, lines, "top", SSH) == done
    other = sshconfig.set_block(done, HOP, ["Port 23"], "top", SSH)
    assert other == b"Host localhost 127.0.0.1 ::1\n    Port 23\nMatch all\n" + data
    assert sshconfig.set_block(other, HOP, None, "top", SSH) == data
    assert sshconfig.set_block(data, HOP, None, "top", SSH) == data
    assert sshconfig.set_block(b"Host a\n X y\n\n# b\nHost b\n", "Host a", None, "", SSH) == b"\n# b\nHost b\n"
    assert sshconfig.blocks(done, SSH) == [HOP, "Match all"]
    assert sshconfig.blocks(b" match  User \xff\t\n X y\n", SSHD) == ["match  User \udcff"]
    odd = [" X=1\t", "Banner /\udcff", "# caf\udce9", "#", "#x", "Y \"a b\""]
    assert sshconfig.set_block(b"", "Match User a", odd, "", SSHD) == (
        b"Match User a\n    X=1\n    Banner /\xff\n    # caf\xe9\n    #\n    #x\n    Y \"a b\"\n")
    twice = done + b"Host localhost 127.0.0.1 ::1\n  User x\n"
    assert sshconfig.set_block(twice, HOP, lines, "top", SSH) == done


def test_removing_blocks_on_top_in_any_order_gives_the_file_back():
    for data in (b"Port 1\n", b"# c\nHost x\n  Port 1\n", b"Match all\nPort 1\n", b""):
        for first, second in (("Host a", "Host b"), ("Host b", "Host a")):
            both = sshconfig.set_block(sshconfig.set_block(data, "Host a", ["Port 2"], "top", SSH),
                                       "Host b", ["Port 3"], "top", SSH)
            assert sshconfig.set_block(sshconfig.set_block(both, first, None, "", SSH), second, None, "", SSH) == data


@pytest.mark.parametrize("head", ["Match final", "Match !Final host a", "Match canonical", "Match exec \"x y\""])
def test_a_head_that_does_something_by_itself_stays(head):
    data = head.encode() + b"\n"
    check(data + b" Port 1\n", Change("Port", state="absent", block=head), data, SSH)


def test_a_block_without_lines_goes():
    for head in ("Match host Xfinal", "Host a"):
        check(head.encode() + b"\n Port 1\n", Change("Port", state="absent", block=head), b"", SSH)
    again = b"Match all\n Banner /y\n"
    check(b"Match User a\n Banner /x\n" + again, Change("Banner", state="absent", block="Match User a"), again)
    check(b"Host b\n Port 1\n" + again, Change("Port", state="absent", block="Host b"), b" Banner /y\n", SSH)
    check(b"X y\nHost b\n Port 1\n" + again, Change("Port", state="absent", block="Host b"), b"X y\n" + again, SSH)


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


REFUSED = [
    (Change("Port 22", ["1"]), "keyword 'Port 22': a keyword is one word of letters and digits"),
    (Change("7", ["1"]), "keyword '7': a keyword is one word of letters and digits"),
    (Change("Match", ["User a"]), "keyword 'Match' opens a block: name the block in 'block' and set keywords in it"),
    (Change("Port"), "Port: no value given"),
    (Change("UseDNS", ["yes", "no"]), "UseDNS takes one value, 2 were given"),
    (Change("ForceCommand", ["a", "b"]), "ForceCommand takes one value, 2 were given"),
    (Change("UseDNS", ["yes"], how="add"), "UseDNS takes one value, nothing can be added to it: use how 'set'"),
    (Change("UseDNS", ["yes\nPort 1"]), "UseDNS: line ends and control characters cannot be part of a value"),
    (Change("UseDNS", ["yes\n"]), "UseDNS: line ends and control characters cannot be part of a value"),
    (Change("UseDNS", ["yes\0"]), "UseDNS: line ends and control characters cannot be part of a value"),
    (Change("UseDNS", [" "]), "UseDNS: an empty value; write \"\" (two quotes) if the program takes one"),
    (Change("UseDNS", ["=yes"]), "UseDNS: a value cannot begin with '=', which separates it from its keyword"),
    (Change("UseDNS", ["yes # no"]),
     "UseDNS: 'yes # no' holds a comment sign, and what follows would be ignored: quote it"),
    (Change("UseDNS", ["# no"]), "UseDNS: '# no' holds a comment sign, and what follows would be ignored: quote it"),
    (Change("Banner", ["\"/a"]), "Banner: a quote is not closed in the value '\"/a'"),
    (Change("Ciphers", ["a,,b"]), "Ciphers: a member of a comma list is one word, not ''"),
    (Change("Ciphers", ["a b"]), "Ciphers: a member of a comma list is one word, not 'a b'"),
    (Change("Ciphers", ["a\udcff b"]), "Ciphers: a member of a comma list is one word, not 'a\ufffd b'"),
    (Change("Ciphers", ["a", "+\udcff"]), "Ciphers: '+\ufffd': a list begins with + - or ^, a single member does not"),
    (Change("Ciphers", ["+a"], how="add"), "Ciphers: '+a': a list begins with + - or ^, a single member does not"),
    (Change("Ciphers", ["^a"], how="remove"), "Ciphers: '^a': a list begins with + - or ^, a single member does not"),
    (Change("Ciphers", ["a", "-b"]), "Ciphers: '-b': a list begins with + - or ^, a single member does not"),
    (Change("Ciphers", ["a"], how="add", before="b"),
     "Ciphers has no list, so nothing can go before b: use how 'set' with the whole list"),
    (Change("Port", ["1"], how="add", before="2"),
     "Port: 'before' names 2, which is not in the list: there is no line yet"),
    (Change("Port", ["1"], place="first"), "Port: 'place' and 'before' belong to how 'add'"),
    (Change("Port", ["1"], before="2"), "Port: 'place' and 'before' belong to how 'add'"),
    (Change("Port", ["1"], how="add", place="first", before="2"), "Port: give 'place' or 'before', not both"),
    (Change("Port", ["1"], how="add", place="middle"), "Port: place must be one of first, last, not 'middle'"),
    (Change("Port", ["1"], how="put"),
     "Port: how must be one of set, add, remove, uncomment, comment, not 'put'"),
    (Change("Port", ["1"], state="gone"), "Port: state must be one of present, absent, not 'gone'"),
    (Change("Port", ["1"], block="Match User a", where="up"), "Port: where must be one of top, end, not 'up'"),
    (Change("Port", ["1"], state="absent", how="add"), "Port: state 'absent' and how 'add' contradict each other"),
    (Change("Port", ["1"], state="absent", how="uncomment"),
     "Port: state 'absent' and how 'uncomment' contradict each other"),
    (Change("Port", ["1"], how="comment"), "Port: how 'comment' takes a setting away: it needs state 'absent'"),
    (Change("Port", ["1"], where="top"), "Port: 'where' is the place of a block; a global setting has its own"),
    (Change("Port", ["1"], block="Host a"), "block 'Host a': a block of sshd_config begins with Match and is one line"),
    (Change("Port", ["1"], block="Match"), "block 'Match': Match needs something to match"),
    (Change("Port", ["1"], block="Match User a\nPort 2"),
     "block 'Match User a\\nPort 2': a block of sshd_config begins with Match and is one line"),
    (Change("*", ["Port 1"]), "keyword '*' stands for a whole block: give 'block', and how 'set' or state 'absent'"),
    (Change("*", ["Port 1"], how="add", block="Match User a"),
     "keyword '*' stands for a whole block: give 'block', and how 'set' or state 'absent'"),
    (Change("*", ["Match User b"], block="Match User a"),
     "'Match User b' cannot stand in a block, it would open another"),
    (Change("*", ["host=b"], block="Match User a"), "'host=b' cannot stand in a block, it would open another"),
    (Change("*", ["HOST b"], block="Match User a"), "'HOST b' cannot stand in a block, it would open another"),
    (Change("*", ["= match\tall"], block="Match User a"),
     "'= match\\tall' cannot stand in a block, it would open another"),
    (Change("*", ["Banner=# c"], block="Match User a"), "'Banner=# c' lacks a value"),
    (Change("*", ["="], block="Match User a"), "'=' lacks a value"),
    (Change("*", ["Banner \"/a"], block="Match User a"), "a quote is not closed in the line 'Banner \"/a'"),
    (Change("*", ["\"Match\" b"], block="Match User a"),
     "'\"Match\" b' cannot stand in a block, it would open another"),
    (Change("*", ["UseDNS"], block="Match User a"), "'UseDNS' lacks a value"),
    (Change("*", [""], block="Match User a"), "'' is no line of a block: it is empty or holds control characters"),
    (Change("*", ["a b\n"], block="Match User a"),
     "'a b\\n' is no line of a block: it is empty or holds control characters"),
    (Change("*", ["a b\nc"], block="Match User a"),
     "'a b\\nc' is no line of a block: it is empty or holds control characters"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_refused(change, message):
    with pytest.raises(ConfigError) as error:
        sshconfig.edit(b"X y\n", [change], SSHD)
    assert str(error.value) == message


@pytest.mark.parametrize("code", [*range(1, 9), *range(10, 32), 127])
def test_no_control_character_gets_into_a_file(code):
    for change in (Change("Banner", ["a%cb" % code]), Change("ForceCommand", ["a %c b" % code])):
        with pytest.raises(ConfigError, match=r"line ends and control characters cannot be part of a value"):
            sshconfig.edit(b"", [change], SSHD)
    with pytest.raises(ConfigError, match=r"is no line of a block"):
        sshconfig.edit(b"", [Change("*", ["Banner a%cb" % code], block="Match User a")], SSHD)
    assert sshconfig.edit(b"", [Change("Banner", ["\"a\tb\""])], SSHD) == b"Banner \"a\tb\"\n"


def test_refused_by_the_file():
    add_auth = Change("PreferredAuthentications", ["a"], how="add")
    for dialect, data, change, message in (
        (SSHD, b"P\0o\0r\0t\0", Change("Port", ["1"]),
         "the file holds NUL bytes, so it is no ssh configuration (UTF-16?): save it as plain text"),
        (SSHD, b"Ciphers a\n", Change("Ciphers", ["a"], how="remove"),
         "Ciphers: removing a would leave an empty list: use state 'absent' to return to the built-in one"),
        (SSHD, b"Ciphers a,b\n", Change("Ciphers", ["b", "a"], how="remove"),
         "Ciphers: removing b, a would leave an empty list: use state 'absent' to return to the built-in one"),
        (SSHD, b"Ciphers -a*\n", Change("Ciphers", ["ab"], how="add"),
         "Ciphers removes a* from the built-in list, so ab cannot be added: use how 'set' with the whole list"),
        (SSHD, b"Ciphers a\n", Change("Ciphers", ["b"], how="add", before="c"),
         "Ciphers: 'before' names c, which is not in the list: a"),
        (SSHD, b"Ciphers a,d\n", Change("Ciphers", ["b"], how="add", before="c"),
         "Ciphers: 'before' names c, which is not in the list: a, d"),
        (SSHD, b"Ciphers \xff\n", Change("Ciphers", ["b"], how="add", before="c"),
         "Ciphers: 'before' names c, which is not in the list: \ufffd"),
        (SSHD, b"Ciphers \xff\n", Change("Ciphers", ["\udcff"], how="remove"),
         "Ciphers: removing \ufffd would leave an empty list: use state 'absent' to return to the built-in one"),
        (SSHD, b"Ciphers -\xff*\n", Change("Ciphers", ["\udcffb"], how="add"),
         ("Ciphers removes \ufffd* from the built-in list, so \ufffdb cannot be added: "
          "use how 'set' with the whole list")),
        (SSHD, b"Banner \"x\xff\n", Change("Banner", ["y"]), "a quote is not closed in the line 'Banner \"x\\\\xff'"),
        (SSH, b"", add_auth, ("PreferredAuthentications has no line to add to, and a new one would replace the "
                              "built-in list: use how 'set' with the whole list")),
        (SSH, b"", Change("Port", ["1"], block="match ALL"),
         "block 'match ALL': what stands there is global in ssh_config; leave the block out"),
        (SSH, b"", Change("Port", ["1"], block="User a"),
         "block 'User a': a block of ssh_config begins with Host or Match and is one line"),
        ("sshd", b"", Change("Port", ["1"]), "dialect 'sshd': use ssh_config or sshd_config"),
    ):
        with pytest.raises(ConfigError) as error:
            sshconfig.edit(data, [change], dialect)
        assert str(error.value) == message


CONTRADICTIONS = [
    [Change("Port", ["1"]), Change("Port", state="absent", how="comment")],
    [Change("Ciphers", ["b"], how="add", before="a"), Change("Ciphers", ["c"])],
    [Change("Port", ["1"], how="add", place="last"), Change("Port", ["2"], how="add")],
    [Change("Port", ["1"]), Change("Ciphers", ["b"]), Change("Ciphers", ["b"]),
     Change("Port", state="absent", how="comment")],
]


@pytest.mark.parametrize("changes", CONTRADICTIONS)
def test_changes_that_undo_each_other_are_refused(changes):
    with pytest.raises(ConfigError) as error:
        sshconfig.edit(b"Port 1\nCiphers a\n", changes, SSHD)
    assert str(error.value) == ("the changes of %s contradict each other, so every run would change the file again: "
                                "make them one, or drop one" % changes[0].keyword)


def test_several_changes_of_one_keyword_may_agree():
    changes = [Change("Ciphers", ["a"], how="remove"), Change("Ciphers", ["c"], how="add", place="first")]
    assert sshconfig.edit(b"Ciphers a,b\n", changes, SSHD) == b"Ciphers c,b\n"


def test_change_from_dict():
    given = {"keyword": "PermitRootLogin", "value": False, "state": None, "block": "Match User a"}
    assert sshconfig.change_from_dict(given) == Change("PermitRootLogin", ("no",), block="Match User a")
    assert sshconfig.change_from_dict({"keyword": "Port", "values": [22, "23", True]}).values == ("22", "23", "yes")
    assert sshconfig.change_from_dict({"keyword": "Port", "values": 22}).values == ("22",)
    everything = {"keyword": "A", "values": ("b", "c"), "state": "d", "how": "e", "place": "f", "before": "g",
                  "block": "h", "where": "i"}
    assert sshconfig.change_from_dict(everything) == Change("A", ("b", "c"), "d", "e", "f", "g", "h", "i")
    for wrong, message in (
        ("Port 22", "a change must be a dictionary with at least 'keyword', not str"),
        ({}, "a change lacks the option 'keyword'"),
        ({"keyword": "Port", "vaule": 1, "zzz": 2},
         "unknown option 'vaule' in a change: use keyword, values, value, state, how, place, before, block, where"),
        ({"keyword": "Port", "value": 1, "values": [1]}, "change of 'Port': give 'value' or 'values', not both"),
        ({"keyword": "Port", "value": {"a": 1}}, "a value of Port must be text, a number or a boolean, not dict"),
        ({"keyword": 7}, "option 'keyword' of a change must be text, not int"),
    ):
        with pytest.raises(ConfigError) as error:
            sshconfig.change_from_dict(wrong)
        assert str(error.value) == message


def test_unified():
    assert sshconfig.unified(b"a\nb", b"a\n\xff\n", "f") == (
        "--- f\n+++ f\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+\\xff\n")
    assert sshconfig.unified(b"a\n", b"a\n", "f") == ""


def test_guess_dialect():
    for path, dialect in (("/etc/ssh/sshd_config", SSHD), ("/etc/ssh/sshd_config.d/10-a.conf", SSHD),
                          ("/etc/oqs-ssh/ssh_config", SSH), ("/etc/ssh/ssh_config.d/a.conf", SSH),
                          ("/root/.ssh/config", SSH)):
        assert sshconfig.guess_dialect(path) == dialect
    for path in ("/etc/x", "/root/config/x", "/root/.ssh/config2"):
        with pytest.raises(ConfigError) as error:
            sshconfig.guess_dialect(path)
        assert str(error.value) == "%s: the name does not tell which program reads it: give 'dialect'" % path


LONG = [
    Change("UseDNS", ["no"]), Change("Port", ["2222"]), Change("AllowUsers", ["a"], how="add"),
    Change("HostKey", ["/z"]), Change("HostKey", state="absent"), Change("PermitOpen", ["/x"], how="remove"),
    Change("Port", ["1"], how="uncomment"), Change("Banner", ["/b"], block="Match User a", where="top"),
]


@pytest.mark.parametrize("change", LONG)
def test_long_files_are_quick_and_linear(change):
    """Processor time, and the best of as many tries as it takes: a busy machine makes it slower, never quicker."""
    def seconds(data: bytes) -> float:
        start = time.process_time()
        sshconfig.edit(data, [change], SSHD)
        return time.process_time() - start

    small = b"".join(b"# remark %d\nPermitOpen %d\n  HostKey /x/y # a\n\n" % (n, n) for n in range(2500)) + b"Port 22\n"
    large = small * 4
    best_small = best_large = 9.0
    for _ in range(40):
        best_small, best_large = min(best_small, seconds(small)), min(best_large, seconds(large))
        if best_small < 0.05 and best_large < 8 * best_small:
            return
    pytest.fail("10,000 lines: %.3f s (wanted: 0.05), 40,000: %.3f s (wanted: less than 8 times that)" % (
        best_small, best_large))


def test_heads_compare_as_openssh_compares_them():
    data = b"match FINAL Host=a !user Bob\n Port 1\n"
    check(data, Change("Port", ["2"], block="Match final host a !USER Bob"), data.replace(b"1", b"2"), SSH)
    for other in ("Match final host A !user Bob", "Match final host a !user bob", "Match host a !user Bob"):
        assert sshconfig.read(data, SSH, block=other) == {}


@pytest.mark.parametrize(("written", "asked", "dialect"), [
    (b"match canonical host a", "Match Canonical HOST=a", SSH),
    (b"match !canonical host=a", "Match !CANONICAL Host a", SSH),
    (b"Match invalid-user address 10.*", "Match Invalid-User Address=10.*", SSHD),
    (b"match host= a", "Match host a", SSH), (b"HOST=\"a\" b", "Host a b", SSH),
    (b"Match User \xff", "Match user=\udcff", SSHD), (b"match ALL", "Match all", SSHD),
])
def test_heads_that_are_one(written, asked, dialect):
    check(written + b"\n X 1\n", Change("X", ["2"], block=asked), written + b"\n X 2\n", dialect)
