# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an edit makes of a file, byte by byte."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config.sshconfig import Change
from config_samples import SSH, SSHD, check

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
