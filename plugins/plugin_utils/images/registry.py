# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask a registry which image a tag means now: one HEAD request, without a login, from the controller.

Source: the OCI distribution specification 1.1 (pulling manifests), and the token authentication of the distribution
project (a 401 names a server that gives a Bearer token to anybody for public images). The proxy of the environment
(https_proxy, no_proxy) and SSL_CERT_FILE count, as for any program. Plain http is spoken to loopback addresses only.
"""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import json
import re
import threading
import typing as t
import urllib.error
import urllib.parse
import urllib.request

from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import image_names
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_names import NoAnswer, NoSuchImage

#: Seconds for a step (connect, a part of an answer), and for everything.
STEP, ALL = 8.0, 20.0
#: A manifest or an index may have 4 MiB (the specification's own bound).
MOST = 4 << 20
_HUB = "registry-1.docker.io"
_ACCEPT = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)


def digest_of(reference: image_names.Reference, seconds: float = ALL) -> str:
    """The digest that a tag means now; for an image of several platforms that of the index, which all hosts share.

    :param seconds: for everything, however slowly the other side talks.
    :raises NoAnswer, NoSuchImage: with the reason.
    """
    answer: list[str | Exception] = []

    def ask() -> None:
        try:
            answer.append(_ask(reference))
        except (NoAnswer, NoSuchImage) as failure:
            answer.append(failure)
        except (OSError, ValueError, http.client.HTTPException) as failure:
            answer.append(NoAnswer(_why(failure)))

    worker = threading.Thread(target=ask, daemon=True)
    worker.start()
    worker.join(seconds)
    if not answer:
        raise NoAnswer("no whole answer within %g seconds" % seconds)
    if isinstance(answer[0], Exception):
        raise answer[0]
    return answer[0]


def _ask(reference: image_names.Reference) -> str:
    host = _HUB if reference.registry == image_names.HUB else reference.registry
    path = "%s/v2/%s/manifests/%s" % (host, reference.repository, reference.tag)
    try:
        return _manifest("https://" + path, reference)
    except OSError:
        if not _loopback(host):
            raise
        return _manifest("http://" + path, reference)


def _loopback(host: str) -> bool:
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name == "localhost"


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows where the registry sends us, but never from https to http. (The token goes to the registry only.)"""

    def redirect_request(
        self, req: urllib.request.Request, fp: t.Any, code: int, msg: str, headers: t.Any, newurl: str
    ) -> urllib.request.Request | None:
        if req.full_url.startswith("https://") and not newurl.startswith("https://"):
            raise NoAnswer("it redirects to plain http")
        found = super().redirect_request(req, fp, code, msg, headers, newurl)
        if found is not None:
            found.method = req.get_method()
        return found


def _manifest(url: str, reference: image_names.Reference) -> str:
    token = ""
    direct = [urllib.request.ProxyHandler({})] if _loopback(url.split("/")[2]) else []
    opener = urllib.request.build_opener(_Redirects, *direct)
    for method in ("HEAD", "GET"):
        for _attempt in range(2):
            request = urllib.request.Request(url, method=method, headers={"Accept": _ACCEPT})
            if token:
                request.add_unredirected_header("Authorization", "Bearer " + token)
            try:
                with opener.open(request, timeout=STEP) as response:
                    digest = _digest(response, method)
            except urllib.error.HTTPError as error:
                if error.code != 401 or token:
                    raise _refusal(error, reference) from error
                token = _token(opener, error.headers.get_all("WWW-Authenticate") or [], url, reference)
                continue
            break
        if digest:
            return digest
    raise NoAnswer("it gives no digest for %s" % reference.tagged)


def _digest(response: t.Any, method: str) -> str:
    """From the answer's header; of its content where a registry leaves that out."""
    said = response.headers.get("Docker-Content-Digest", "")
    if method == "HEAD" or image_names.is_digest(said):
        return said if image_names.is_digest(said) else ""
    return "sha256:" + hashlib.sha256(_read(response)).hexdigest()


def _read(response: t.Any) -> bytes:
    data: bytes = response.read(MOST + 1)
    if len(data) > MOST:
        raise NoAnswer("its answer is larger than %d MiB" % (MOST >> 20))
    return data


def _refusal(error: urllib.error.HTTPError, reference: image_names.Reference) -> Exception:
    if error.code == 404:
        return NoSuchImage("the registry %s has no %s:%s" % (reference.registry, reference.repository, reference.tag))
    if error.code in (401, 403):
        return NoAnswer("it wants a login, or has no such image")
    if error.code == 429:
        return NoAnswer("it refuses more questions for now (429)")
    return NoAnswer("it answers %d %s" % (error.code, error.reason))


def _token(opener: t.Any, challenges: list[str], url: str, reference: image_names.Reference) -> str:
    """A token for everybody from the server that a 401 names.

    :param challenges: its WWW-Authenticate headers (RFC 9110 section 11.6.1).
    """
    bearer = next((text for text in challenges if text.lower().startswith("bearer ")), "")
    fields = dict(re.findall(r'(\w+)="([^"]*)"', bearer))
    realm = fields.get("realm", "")
    if not bearer:
        raise NoAnswer("it wants a login")
    if not realm.startswith(("https://", url.split("//", 1)[0] + "//")):
        raise NoAnswer("it names no safe place to get a token from")
    query = {"scope": fields.get("scope") or "repository:%s:pull" % reference.repository}
    if fields.get("service"):
        query["service"] = fields["service"]
    place = realm + ("&" if "?" in realm else "?") + urllib.parse.urlencode(query)
    try:
        with opener.open(place, timeout=STEP) as answer:
            found = json.loads(_read(answer))
    except urllib.error.HTTPError as error:
        raise NoAnswer("it wants a login, or has no such image (%d from its token server)" % error.code) from error
    token = (found.get("token") or found.get("access_token")) if isinstance(found, dict) else None
    if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
        raise NoAnswer("its token server gives no token")
    return token


def _why(failure: Exception) -> str:
    """The reason in a person's words."""
    reason = getattr(failure, "reason", failure)
    words = getattr(reason, "strerror", None) or str(reason)
    said = " ".join(words.split())[:300] or type(reason).__name__
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return "its certificate is not trusted on the controller (SSL_CERT_FILE can name the authority's)"
    if "WRONG_VERSION_NUMBER" in said or "RECORD_LAYER_FAILURE" in said:
        return "it speaks plain http"
    return said
