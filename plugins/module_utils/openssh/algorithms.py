# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Families of SSH algorithm names, recognised by the parts a name is made of and never by a list of whole names.

Names of post-quantum algorithms were changed before (kyber to mlkem, dilithium to mldsa) and will be again, and each
image spells them differently. What stays is how a name is built: the primitives it combines, their sizes, a hash, and
a suffix that says who defined it (RFC 4251, section 6).

Pure.
"""

from __future__ import annotations

import difflib
import re
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

FAMILIES = ("hybrid", "pq", "classical", "weak", "unknown")
"""Every answer of :func:`family`."""
WEAKNESS = {
    "pq": "post-quantum only, with no classical algorithm to fall back on",
    "classical": "classical, a quantum computer breaks it",
    "weak": "weak even without a quantum computer",
    "unknown": "of a family that is not known here",
}
"""What is said of an algorithm that is no hybrid."""

_START = r"(?<![a-z])"  # a part begins where no letter stands before it: "mlkem768x25519", "kyber-768", "p384_mldsa65"


def _parts(*words: str) -> re.Pattern[str]:
    return re.compile(_START + "(?:" + "|".join(words) + ")")


# Key encapsulation and key agreement.
_PQ_KEM = _parts(
    r"ml[-_]?kem", r"kyber", r"sntrup", r"ntru", r"streamlined", r"frodo", r"hqc", r"bike", r"classic[-_]?mceliece",
    r"mceliece", r"saber", r"lightsaber", r"firesaber", r"newhope", r"smaug", r"csidh",
)
# Signatures; XMSS and LMS are the hash-based ones with a state.
_PQ_SIGNATURE = _parts(
    r"ml[-_]?dsa", r"dilithium", r"falcon", r"fn[-_]?dsa", r"mayo", r"sphincs", r"slh[-_]?dsa", r"snova", r"uov",
    r"ov[-_]?i", r"cross[-_]?rsdp", r"cross(?![a-z])", r"picnic", r"xmss", r"lms(?![a-z])", r"hawk", r"sqisign",
    r"haetae",
)
# Once candidates, since broken on ordinary computers (2022): they protect nothing, alone or beside others.
_BROKEN = _parts(r"sike", r"sidh", r"rainbow", r"gemss", r"luov")
_HYBRID = _parts(r"x[-_]?wing")  # the name of a combination: ML-KEM-768 with X25519
_CLASSICAL = _parts(
    r"x?curve25519", r"x25519", r"curve448", r"x448", r"ed25519", r"ed448", r"nist[pkbt]\d", r"secp\d", r"brainpool",
    r"p[-_]?(?:256|384|521)(?!\d)", r"ecdh", r"ecdsa", r"sm2", r"ecmqv", r"1\.\d+\.\d+",
    r"rsa(?:[-_]?sha2|[-_]?(?:[2-9]|1[0-9])\d\d\d(?!\d))", r"gss", r"krb5",
    r"diffie[-_]hellman", r"dh[-_]?group", r"group(?:14|15|16|17|18)(?!\d)", r"gex", r"ffdhe",
)
_WEAK_HASH = _parts(r"sha[-_]?1(?!\d)", r"md5")
_WEAK_KEY = _parts(
    r"dss(?![a-z])", r"dsa(?![a-z])", r"group1(?!\d)", r"rsa(?:512|768|1024)(?!\d)", r"null(?![a-z])", r"none(?![a-z])",
)
# ssh-rsa signs with SHA-1 (RFC 4253, 6.6); so do names that end in it (x509v3-ssh-rsa, RFC 6187).
_WEAK_RSA = re.compile(r"(?:^|[-_])(?:ssh|sign)[-_]rsa(?:[-_]cert[-_]v\d+)?$|^rsa$")

_MARKER = re.compile(r"^(?:ext-info-[cs]|kex-strict-[cs]-v\d+|kexguess\d*)(?:@|$)")

_RENAMED: Sequence[Tuple[str, str]] = (
    (r"ml[-_]kem", "mlkem"), (r"kyber", "mlkem"), (r"ml[-_]dsa", "mldsa"),
    (r"slh[-_]dsa", "slhdsa"), (r"sphincs\+?", "slhdsa"),
    (r"fn[-_]dsa", "falcon"), (r"dilithium[-_]?2(?:aes)?", "mldsa44"), (r"dilithium[-_]?3(?:aes)?", "mldsa65"),
    (r"dilithium[-_]?5(?:aes)?", "mldsa87"), (r"(mlkem[-_]?\d+)r\d", r"\1"),
    (r"curve25519", "x25519"),
    (r"(?<![a-z0-9])p[-_]?(256|384|521)(?!\d)", r"nistp\1"), (r"secp(256|384|521)r1", r"nistp\1"),
    (r"frodokem", "frodo"),
    (r"(?<![a-z])sha2[-_](256|384|512)", r"sha\1"),
)
_GLUED = re.compile(r"(\d)(?=(?:x25519|x448|nistp|ed25519|ed448|mlkem|mldsa|rsa|falcon|mayo|hqc|bike|frodo))")
_FILLER = frozenset(("ssh", "ecdh", "ecdsa", "sha2", "d00", "v00", "v01", "sk", ""))


class _Shape(NamedTuple):
    """A name taken to its parts, with today's spelling of each: what two names of one algorithm have in common."""

    parts: Tuple[str, ...]
    text: str


def base_name(name: str) -> str:
    """The name in lower case, without the definer's suffix and the mechanism hash of GSSAPI names (RFC 4462)."""
    base = name.strip().lower().partition("@")[0]
    if base.startswith("gss-") and base.count("-") >= 3:
        base = base.rpartition("-")[0]
    return base


def is_marker(name: str) -> bool:
    """Whether this entry of a key exchange list is no algorithm but a signal.

    ``ext-info-c`` and ``-s`` (RFC 8308), ``kex-strict-c-v00@openssh.com`` and ``-s`` (OpenSSH's PROTOCOL file, 1.10),
    ``kexguess2@matt.ucc.asn.au`` (Dropbear).
    """
    return bool(_MARKER.match(name))


def family(name: str) -> str:
    """The family of a key exchange or signature algorithm, by the structure of its name.

    :param name: as ``ssh -Q`` prints it or a peer offers it; any text is accepted.
    :returns: ``hybrid`` (post-quantum and a sound classical part), ``pq`` (post-quantum without one), ``classical``,
        ``weak`` (SHA-1, MD5, DSA, 1024-bit groups and keys, broken candidates alone) or ``unknown``.
    """
    base = base_name(name)
    if is_marker(name) or not base:
        return "unknown"
    if _WEAK_HASH.search(base) or _WEAK_RSA.search(base):
        return "weak"
    rest, signatures = _PQ_SIGNATURE.subn("|", base)  # taken out first: slh-dsa holds no dsa
    rest, mechanisms = _PQ_KEM.subn("|", rest)
    post_quantum = bool(signatures or mechanisms)
    weak = bool(_WEAK_KEY.search(rest))
    classical = bool(_CLASSICAL.search(rest)) and not weak
    if _HYBRID.search(base) or (post_quantum and classical):
        return "hybrid"
    if post_quantum:
        return "pq"
    if classical:
        return "classical"
    return "weak" if weak or _BROKEN.search(base) else "unknown"


def is_quantum_safe(name: str) -> bool:
    """Whether recorded traffic (or a signature) under this algorithm withstands a large quantum computer."""
    return family(name) in ("hybrid", "pq")


def by_family(names: Sequence[str]) -> Dict[str, List[str]]:
    """The names sorted into their families, markers left out; every family is a key, order within is kept."""
    found: Dict[str, List[str]] = {each: [] for each in FAMILIES}
    for name in names:
        if not is_marker(name):
            found[family(name)].append(name)
    return found


def how_many_quantum_safe(names: Sequence[str]) -> str:
    """``all``, ``some`` or ``none`` of the names are quantum-safe; markers do not count; ``none`` of no names."""
    verdicts = [is_quantum_safe(name) for name in names if not is_marker(name)]
    if verdicts and all(verdicts):
        return "all"
    return "some" if any(verdicts) else "none"


def sort_for_preference(names: Sequence[str]) -> List[str]:
    """Hybrids first, then pure post-quantum, classical, unknown, weak, and markers last; stable within each."""
    order = ("hybrid", "pq", "classical", "unknown", "weak")
    return sorted(names, key=lambda name: len(order) if is_marker(name) else order.index(family(name)))


def key_type(algorithm: str) -> str:
    """The type of key that a signature algorithm needs; RSA keys have three algorithms (RFC 8332)."""
    if algorithm in ("rsa-sha2-256", "rsa-sha2-512"):
        return "ssh-rsa"
    return re.sub(r"^rsa-sha2-(?:256|512)-cert-", "ssh-rsa-cert-", algorithm)


def _shape(name: str) -> _Shape:
    base = base_name(name)
    for old, new in _RENAMED:
        base = re.sub(old, new, base)
    base = re.sub(r"([a-z])[-_](?=\d)", r"\1", base)  # kyber-768 is kyber768
    base = _GLUED.sub(r"\1-", base)
    parts = sorted(set(re.split(r"[-_.]", base)) - _FILLER)
    return _Shape(tuple(parts), "-".join(parts))


def _weight(parts: Iterable[str]) -> int:
    """Post-quantum parts say most about which algorithm is meant."""
    return sum(3 if is_quantum_safe(part) else 1 for part in parts)


def _likeness(wanted: _Shape, other: _Shape) -> float:
    """Shared parts and likeness letter by letter, so that renamings and typing errors both score; 1 is alike."""
    mine, theirs = set(wanted.parts), set(other.parts)
    shared = _weight(mine & theirs) / max(1, _weight(mine | theirs))
    same_primitive = any(is_quantum_safe(part) for part in mine & theirs)
    letters = difflib.SequenceMatcher(None, wanted.text, other.text, autojunk=False).ratio()
    return (shared + 2 * letters) / 3 + (0.15 if same_primitive else 0.0)


def nearest(name: str, known: Sequence[str]) -> Optional[str]:
    """The known algorithm that was probably meant, for error messages.

    Renamings (kyber and mlkem, dilithium and mldsa), dashes more or less, and another definer's suffix count as near;
    so do typing errors. A quantum-safe name is never answered with one that is not.

    :returns: one of `known`, or None when nothing comes close.
    """
    if name in known:
        return name
    wanted = _shape(name)
    safe = is_quantum_safe(name)
    best: Optional[str] = None
    best_score = 0.55
    for candidate in known:
        if is_marker(candidate) or (safe and not is_quantum_safe(candidate)):
            continue
        shape = _shape(candidate)
        score = 2.0 if shape.parts == wanted.parts and shape.parts else _likeness(wanted, shape)
        # Spelled alike decides between two of one shape (with and without a suffix).
        score += difflib.SequenceMatcher(None, name, candidate, autojunk=False).ratio() / 100
        if score > best_score:
            best, best_score = candidate, score
    return best


def accepts(accepted_names: Sequence[str], key_type: str) -> bool:
    """Whether a list of signature algorithms takes a key of this type; RSA keys sign with SHA-2 (RFC 8332)."""
    names = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa") if key_type == "ssh-rsa" else (key_type,)
    return any(name in accepted_names for name in names)
