# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asking a registry which image a tag means: against servers of our own, honest and hostile; Docker Hub's way of giving
everybody a token among them. The real registry is asked by the scenario image-sources."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import socket
import threading
import time
import urllib.parse

import known_samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ImageSpec, ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import image_names
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.core.known import Want
from ansible_collections.quantumsafe.openssh.plugins.plugin_utils.images import image_pull, registry

DIGEST = "sha256:" + "a1" * 32
MANIFEST = b'{"schemaVersion": 2}'


class Box:
    """A server whose answers a test decides: path to (status, headers, body), or to a function of the request."""

    def __init__(self):
        self.answers, self.asked = {}, []
        box = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def __getattr__(self, name):
                if name in ("do_GET", "do_HEAD"):
                    return self.answer
                raise AttributeError(name)

            def answer(self):
                box.asked.append((self.command, self.path, dict(self.headers)))
                found = box.answers.get(self.path.split("?")[0], (404, {}, b""))
                status, headers, body = found(self) if callable(found) else found
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    with contextlib.suppress(OSError):
                        self.wfile.write(body)

            def log_message(self, *_words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.place = "127.0.0.1:%d" % self.server.server_port

    def ask(self, name="oqs:1", seconds=10.0):
        return registry.digest_of(image_names.parse("%s/%s" % (self.place, name)), seconds)


@pytest.fixture
def box():
    made = Box()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


PATH = "/v2/oqs/manifests/1"


def test_one_question(box):
    box.answers[PATH] = (200, {"Docker-Content-Digest": DIGEST}, b"")
    assert box.ask() == DIGEST
    (method, _path, headers), = box.asked
    assert method == "HEAD"
    assert "application/vnd.oci.image.index.v1+json" in headers["Accept"]
    assert "application/vnd.docker.distribution.manifest.list.v2+json" in headers["Accept"]


@pytest.mark.parametrize("header", [{}, {"Docker-Content-Digest": "md5:1"}])
def test_a_registry_that_names_no_digest(box, header):
    """Its answer is the manifest, and a digest is the manifest's hash."""
    box.answers[PATH] = (200, header, MANIFEST)
    assert box.ask() == "sha256:" + hashlib.sha256(MANIFEST).hexdigest()


def token_flow(box, **changes):
    """As Docker Hub does it: 401 with the place of a token server, a token for everybody, then the answer."""
    field = {
        "realm": "http://%s/token" % box.place, "service": "registry.example", "scope": "repository:team/oqs:pull",
        **changes,
    }
    challenge = "Bearer " + ",".join('%s="%s"' % pair for pair in field.items())

    def manifest(request):
        if request.headers.get("Authorization") == "Bearer let-me-in":
            return 200, {"Docker-Content-Digest": DIGEST}, b""
        return 401, {"WWW-Authenticate": challenge}, b""

    box.answers["/v2/team/oqs/manifests/1"] = manifest
    box.answers["/token"] = (200, {}, json.dumps({"token": "let-me-in"}).encode())


def test_a_token_for_everybody(box):
    token_flow(box)
    assert box.ask("team/oqs:1") == DIGEST
    assert [method for method, _path, _headers in box.asked] == ["HEAD", "GET", "HEAD"]
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(box.asked[1][1]).query)
    assert query == {"service": ["registry.example"], "scope": ["repository:team/oqs:pull"]}
    assert "Authorization" not in box.asked[1][2]


def test_the_older_name_of_a_token(box):
    token_flow(box)
    box.answers["/token"] = (200, {}, b'{"access_token": "let-me-in"}')
    assert box.ask("team/oqs:1") == DIGEST


@pytest.mark.parametrize("answer", [
    (401, {}, b""), (403, {}, b""), (500, {}, b""), (200, {}, b""), (200, {}, b"[]"), (200, {}, b'{"token": 1}'),
    (200, {}, b'{"token": "a\\r\\nHost: x"}'), (200, {}, b"\xff"), (200, {}, b"x" * (5 << 20)),
])
def test_a_token_server_that_gives_none(box, answer):
    token_flow(box)
    box.answers["/token"] = answer
    with pytest.raises(registry.NoAnswer):
        box.ask("team/oqs:1")


def test_a_token_that_is_not_enough(box):
    token_flow(box)
    box.answers["/token"] = (200, {}, b'{"token": "another"}')
    with pytest.raises(registry.NoAnswer, match="it wants a login, or has no such image"):
        box.ask("team/oqs:1")
    assert len(box.asked) == 3


@pytest.mark.parametrize("realm", ["", "ftp://127.0.0.1/token", "file:///etc/passwd"])
def test_a_token_server_at_no_proper_place(box, realm):
    token_flow(box, realm=realm)
    with pytest.raises(registry.NoAnswer, match="no safe place"):
        box.ask("team/oqs:1")


def test_a_login(box):
    box.answers[PATH] = (401, {"WWW-Authenticate": 'Basic realm="lab"'}, b"")
    with pytest.raises(registry.NoAnswer, match="it wants a login"):
        box.ask()


def test_no_such_image(box):
    with pytest.raises(registry.NoSuchImage, match="has no oqs:1"):
        box.ask()


@pytest.mark.parametrize(("status", "words"), [(403, "wants a login"), (429, "429"), (500, "500"), (503, "503")])
def test_a_registry_that_will_not(box, status, words):
    box.answers[PATH] = (status, {}, b"")
    with pytest.raises(registry.NoAnswer, match=words):
        box.ask()


def test_the_token_does_not_follow_to_other_servers(box):
    other = Box()
    try:
        token_flow(box)
        honest = box.answers["/v2/team/oqs/manifests/1"]

        def elsewhere(request):
            status, headers, body = honest(request)
            there = {"Location": "http://%s/there" % other.place}
            return (307, there, b"") if status == 200 else (status, headers, body)

        box.answers["/v2/team/oqs/manifests/1"] = elsewhere
        other.answers["/there"] = (200, {"Docker-Content-Digest": DIGEST}, b"")
        assert box.ask("team/oqs:1") == DIGEST
        (method, _path, headers), = other.asked
        assert method == "HEAD"
        assert "Authorization" not in headers
    finally:
        other.server.shutdown()
        other.server.server_close()


def test_never_from_https_to_http():
    request = registry.urllib.request.Request("https://registry.example/v2/")
    with pytest.raises(registry.NoAnswer, match="redirects to plain http"):
        registry._Redirects().redirect_request(request, None, 307, "", {}, "http://registry.example/v2/")


def test_a_redirect_without_end(box):
    box.answers[PATH] = (307, {"Location": PATH}, b"")
    with pytest.raises(registry.NoAnswer):
        box.ask()


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(registry.NoAnswer, match="Connection refused"):
        registry.digest_of(image_names.parse("127.0.0.1:%d/oqs:1" % port))


@pytest.mark.parametrize("drip", [b"", b"H", b"HTTP/1.1 200 OK\r\nX: "])
def test_somebody_who_talks_slowly_or_not_at_all(drip):
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            with contextlib.suppress(OSError):
                while not over.is_set():
                    connection, _address = server.accept()
                    threading.Thread(target=talk, args=(connection,), daemon=True).start()

        def talk(connection):
            with contextlib.suppress(OSError):
                connection.sendall(drip)
                while not over.wait(0.05):
                    connection.sendall(drip[:1])

        threading.Thread(target=serve, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(registry.NoAnswer):
            registry.digest_of(image_names.parse("127.0.0.1:%d/oqs:1" % server.getsockname()[1]), 0.5)
        assert time.monotonic() - began < 5
        over.set()


@pytest.mark.parametrize("answer", [b"\x00" * 100, b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nA: b\r\n" * 200, b""])
def test_somebody_who_speaks_something_else(answer):
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _address = server.accept()
                    connection.recv(100)
                    connection.sendall(answer)
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(registry.NoAnswer):
            registry.digest_of(image_names.parse("127.0.0.1:%d/oqs:1" % server.getsockname()[1]), 5.0)


def test_the_proxy_of_the_environment_counts(box, monkeypatch):
    """https through a proxy begins with CONNECT; our box knows no such thing, but it was asked."""
    monkeypatch.setenv("https_proxy", "http://" + box.place)
    with pytest.raises(registry.NoAnswer):
        registry.digest_of(image_names.parse("registry.invalid/oqs:1"))


def test_no_proxy_lies_between_us_and_ourselves(box, monkeypatch):
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    box.answers[PATH] = (200, {"Docker-Content-Digest": DIGEST}, b"")
    assert box.ask() == DIGEST


def test_where_docker_hub_is(monkeypatch):
    seen = []
    monkeypatch.setattr(registry, "_manifest", lambda url, _reference: seen.append(url) or DIGEST)
    for name in ("openquantumsafe/openssh", "debian:trixie", "docker.io/openquantumsafe/openssh:latest"):
        registry.digest_of(image_names.parse(name))
    assert seen == [
        "https://registry-1.docker.io/v2/openquantumsafe/openssh/manifests/latest",
        "https://registry-1.docker.io/v2/library/debian/manifests/trixie",
        "https://registry-1.docker.io/v2/openquantumsafe/openssh/manifests/latest",
    ]


@pytest.mark.parametrize("host", ["registry.example", "192.0.2.1:5000", "10.0.0.1"])
def test_plain_http_is_for_ourselves_only(monkeypatch, host):
    seen = []

    def refuse(url, _reference):
        seen.append(url)
        raise OSError("no")

    monkeypatch.setattr(registry, "_manifest", refuse)
    with pytest.raises(registry.NoAnswer):
        registry.digest_of(image_names.parse(host + "/oqs:1"))
    assert [url.split(":")[0] for url in seen] == ["https"]


# once in a run

NAME = "registry.example/oqs:1"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of its own, and a registry of which we count the questions."""
    monkeypatch.setattr(image_pull.run_store.C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    asked = []

    def answer_with(answer):
        def digest_of(reference):
            asked.append(reference.tagged)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(registry, "digest_of", digest_of)
        return asked

    return answer_with


def look(kind="image", **more):
    return known_samples.look(plan=[known_samples.item(kind=kind, after="?")], **more)


def want(**more):
    return Want(ssh=ServerSpec("present", ImageSpec(NAME, digest="")._replace(**more)))


def test_all_hosts_of_a_run_get_the_same_digest(run):
    asked = run(DIGEST)
    for _host in range(2):
        wanted, seen, _note = image_pull.learn(want(), look())
        assert wanted.ssh.image.digest == DIGEST
        assert seen.plan[0].after == "registry.example/oqs@%s (pull)" % DIGEST
    assert len(asked) == 1


@pytest.mark.parametrize(("wanted", "seen"), [
    (want(), look("container")), (want(digest=DIGEST), look()), (want(source="archive"), look()), (Want(), look()),
    (want(), look(errors=["no"])),
])
def test_nobody_is_asked_without_need(run, wanted, seen):
    asked = run(DIGEST)
    assert image_pull.learn(wanted, seen) == (wanted, seen, "")
    assert asked == []


def test_an_unknown_tag_stops_all_hosts_and_is_asked_once(run):
    asked = run(registry.NoSuchImage("the registry registry.example has no oqs:1"))
    for _host in range(2):
        with pytest.raises(image_pull.PullError, match="has no oqs:1: check oqs_ssh_image"):
            image_pull.learn(want(), look())
    assert len(asked) == 1


def test_where_the_controller_cannot_ask_each_host_asks_for_itself(run):
    asked = run(registry.NoAnswer("no route"))
    for _host in range(2):
        wanted, seen, note = image_pull.learn(want(), look())
        assert (wanted, seen) == (want(), look()) and "no route" in note and "asks for itself" in note
    assert len(asked) == 1


def test_pinned_or_updated(run):
    asked = run(DIGEST)
    pinned = "registry.example/oqs:1@sha256:" + "b2" * 32
    assert image_pull.wanted(pinned, update=True) == "sha256:" + "b2" * 32
    assert image_pull.wanted(NAME, update=False) == "" and asked == []
    assert image_pull.wanted(NAME, update=True) == DIGEST


def test_an_update_needs_an_answer(run):
    run(registry.NoAnswer("no route"))
    with pytest.raises(image_pull.PullError, match=r"oqs_ssh_image_update: .*no route.*oqs@sha256:") as caught:
        image_pull.wanted(NAME, update=True)
    assert "oqs_ssh_image_source: archive" in str(caught.value)
