# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What OpenSSH does with the values of each keyword: ssh_config(5), sshd_config(5), readconf.c and servconf.c. Pure."""

from __future__ import annotations

import functools
from typing import Dict, FrozenSet, List

SSH = "ssh_config"
SSHD = "sshd_config"
DIALECTS = (SSH, SSHD)
HEADS = ("host", "match")

# How the values of a keyword are counted.
SINGLE = "single"            # one value, the first line wins
RAW = "raw"                  # likewise, and the value is the rest of the line, comment signs and all
ALGORITHMS = "algorithms"    # comma list, may begin with + - ^ (changes to the built-in list); the first line wins
COMMA = "comma"              # comma list without such heads; the first line wins
FIRST_WORDS = "first-words"  # several words; the first line wins
WORDS = "words"              # several words a line, all lines are added up
LINES = "lines"              # one value a line, all lines are added up
KEYED = "keyed"              # one line for each name, the first word of the value
REPEATABLE = frozenset((WORDS, LINES, KEYED))

_ALGORITHMS = (
    "casignaturealgorithms ciphers hostbasedacceptedalgorithms hostkeyalgorithms kexalgorithms macs "
    "pubkeyacceptedalgorithms"
)
_KINDS: Dict[str, Dict[str, str]] = {
    SSH: {
        RAW: "knownhostscommand localcommand proxycommand remotecommand",
        ALGORITHMS: _ALGORITHMS,
        COMMA: "gssapikexalgorithms ignoreunknown kbdinteractivedevices preferredauthentications proxyjump",
        FIRST_WORDS: "canonicaldomains canonicalizepermittedcnames channeltimeout globalknownhostsfile logverbose "
                     "permitremoteopen setenv userknownhostsfile",
        WORDS: "sendenv",
        LINES: "certificatefile dynamicforward identityfile include localforward remoteforward",
    },
    SSHD: {
        RAW: "authorizedkeyscommand authorizedprincipalscommand forcecommand versionaddendum",
        ALGORITHMS: _ALGORITHMS,
        COMMA: "gssapikexalgorithms",
        FIRST_WORDS: "authenticationmethods authorizedkeysfile channeltimeout logverbose permitlisten permitopen "
                     "setenv",
        WORDS: "acceptenv allowgroups allowusers denygroups denyusers persourcepenalties",
        LINES: "hostcertificate hostkey include listenaddress port",
        KEYED: "subsystem",
    },
}
_KIND = {
    dialect: {keyword: kind for kind, names in kinds.items() for keyword in names.split()}
    for dialect, kinds in _KINDS.items()
}
_COMMON_ALIASES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "skeyauthentication": "kbdinteractiveauthentication",
    "dsaauthentication": "pubkeyauthentication",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
    "keepalive": "tcpkeepalive",
}
_ALIASES: Dict[str, Dict[str, str]] = {
    SSH: dict(
        _COMMON_ALIASES,
        hostbasedkeytypes="hostbasedacceptedalgorithms",
        identityfile2="identityfile",
        protocolkeepalives="serveraliveinterval",
        smartcarddevice="pkcs11provider",
        tisauthentication="kbdinteractiveauthentication",
    ),
    SSHD: dict(
        _COMMON_ALIASES,
        hostbasedacceptedkeytypes="hostbasedacceptedalgorithms",
        hostdsakey="hostkey",
        gssapicleanupcreds="gssapicleanupcredentials",
    ),
}
# Of these the first that is set wins, whichever it is.
RIVALS = {"proxycommand": "proxyjump", "proxyjump": "proxycommand"}
# The image's key-gen.sh finds these lines only in their plainest form (column 0, one blank, nothing after the value).
PLAIN_LINES = frozenset(("hostkey", "identityfile"))


def canonical(name: str, dialect: str) -> str:
    """The one name, in lower case, of a keyword and its aliases."""
    lower = name.lower()
    return _ALIASES[dialect].get(lower, lower)


@functools.lru_cache(maxsize=1024)
def spellings(keyword: str, dialect: str) -> FrozenSet[str]:
    """All names, in lower case, that mean a canonical keyword."""
    names: List[str] = [alias for alias, name in _ALIASES[dialect].items() if name == keyword]
    return frozenset(names + [keyword])


def kind(keyword: str, dialect: str) -> str:
    """How the values of a canonical keyword are counted; keywords unknown here count as SINGLE."""
    return _KIND[dialect].get(keyword, SINGLE)
