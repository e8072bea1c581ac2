# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A container is replaced in one way: what is planned, what is tried, and what is refused before."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any, Dict

import core_samples as samples
import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.container import trial
from ansible_collections.quantumsafe.openssh.plugins.module_utils.container.serving import ContainerError
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core import paths, processes
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired import content, migration, policy
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.facts import WantedImage
from ansible_collections.quantumsafe.openssh.plugins.module_utils.desired.spec import ServerSpec
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.containers import LABEL, Container
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker.image_facts import Image
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh import probe
from ansible_collections.quantumsafe.openssh.plugins.module_utils.openssh.config import sshconfig
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan import runner
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.host import Host
from ansible_collections.quantumsafe.openssh.plugins.module_utils.plan.ledger_file import LedgerFile
from ansible_collections.quantumsafe.openssh.plugins.module_utils.session.registry import REGISTRY

OLD, NEW = "mlkem768nistp256-sha256", "mlkem768x25519-sha256"
CONFIG = samples.SSHD_CONFIG.encode()
OTHER_ID = "sha256:" + "ef" * 32


def upgraded(**other: Any) -> Dict[str, Any]:
    """A converged host whose container is of another image than the wanted one."""
    facts = samples.converged()
    facts["container"].update(image=OTHER_ID, labels={LABEL: "old"})
    facts["image"].update(other)
    facts["upgrade"] = {"knew": {"openssh": "OpenSSH_9.9", "kex": samples.KEX, "key": samples.KEY}, "proved": ""}
    return facts


def image(**other: Any) -> Image:
    """An image, typed."""
    return samples.facts_of({}, dict(samples.converged(), image=samples.image(**other))).of(Image)


def lists(data: bytes, name: str) -> Any:
    return sshconfig.read(data, "sshd_config").get(name)


def test_what_an_image_has_lost():
    assert migration.lost(CONFIG, image()) == []
    poor = image(kex=[NEW], key=["ssh-ed25519"])
    assert migration.lost(CONFIG, poor) == [OLD, samples.HYBRID_KEY]
    assert migration.lost(CONFIG, poor, spare=["kexalgorithms"]) == [samples.HYBRID_KEY]


@pytest.mark.parametrize("value", ["+old-name", "-old-*", "^old-name", "old-*,!new-?"])
def test_lists_that_name_nothing_outright_lose_nothing(value):
    assert migration.lost(b"KexAlgorithms %s\n" % value.encode(), image()) == []


def test_an_accepted_loss_is_made_good_by_the_images_own_lists():
    own = CONFIG.replace(OLD.encode() + b",", b"").replace(b"ssh-mldsa44-ed25519", b"ssh-new")
    other = image(kex=[NEW], key=["ssh-new"], sig=[], sshd_config=own.decode())
    assert migration.without(CONFIG, other, [OLD], "sshd_config") == CONFIG, "one of two is not accepted"
    data = migration.without(CONFIG, other, [OLD, samples.HYBRID_KEY], "sshd_config")
    assert lists(data, "kexalgorithms") == [NEW] and lists(data, "hostkeyalgorithms") == ["ssh-new"]
    assert lists(data, "hostkey") == ["/opt/oqs-ssh/ssh_host_ssh-new_key"]
    assert migration.lost(data, other) == []
    assert b"#MaxAuthTries 6" in data and b"  usedns   no" in data, "what is somebody else's stays"


def test_the_advice_serves_both_generations_where_that_is_possible():
    other = image(kex=[NEW])
    words = migration.advice([OLD], CONFIG, other, image(kex=[OLD, NEW], key=[]))
    assert "oqs_ssh_kex_algorithms: [%s, %s]" % (OLD, NEW) in words and "oqs_ssh_image_drops: [%s]" % OLD in words
    assert "cannot be served at once" in migration.advice([OLD], CONFIG, other, Image())


def test_a_loss_is_refused_before_anything_is_changed():
    plan = samples.plan(samples.want(), upgraded(kex=[NEW]))
    assert len(plan.errors) == 1 and OLD in plan.errors[0] and "serves on" in plan.errors[0]
    accepted = dict(samples.ssh_want()["image"], drops=[OLD])
    plan = samples.plan(samples.want(ssh=samples.ssh_want(image=accepted)), upgraded(kex=[NEW]))
    assert plan.errors == []
    assert [item.kind for item in plan.ordered() if item.section in ("image", "container")] == ["trial", "swap"]


def test_the_plan_names_both_images_and_a_proved_one_is_not_tried_again():
    facts = upgraded()
    plan = samples.plan(samples.want(), facts)
    swap = next(item for item in plan.changes if item.kind == "swap")
    assert swap.before == "image efefefefefef OpenSSH_9.9" and swap.after == "image abababababab OpenSSH_10.6p1"
    facts["upgrade"]["proved"] = content.proof_of(samples.content_of(samples.want(), facts))
    assert [item.kind for item in samples.plan(samples.want(), facts).changes] == ["swap"]
    facts["upgrade"].update(cut_short=True)
    assert samples.plan(samples.want(), facts).ordered()[0].kind == "upgrade_rest"


def test_no_way_back_is_said():
    back = samples.ssh_want(image=dict(samples.ssh_want()["image"], rollback=True))
    facts = dict(upgraded(), image={})
    assert "oqs_ssh_rollback: this host holds no image" in samples.plan(samples.want(ssh=back), facts).errors[0]


def test_the_trial_is_on_the_loopback_with_copies():
    data = trial.configuration(CONFIG, 40000, "oqs")
    assert lists(data, "port") == ["40000"] and lists(data, "listenaddress") == ["127.0.0.1"]
    assert lists(trial.configuration(CONFIG + b"MaxSessions 0\n", 40000, "oqs"), "maxsessions") == ["1"]
    arguments = samples.content_of(samples.want(), samples.converged()).container
    tried = trial.arguments_for(arguments, "oqs-ssh-trial")
    assert len(tried) == len(arguments) and tried[tried.index("--name") + 1] == "oqs-ssh-trial"
    assert tried[tried.index("--restart") + 1] == "no"
    mounts = [value for value in tried if value.startswith("type=bind")]
    assert len(mounts) == 3 and all("source=%s/" % paths.UPGRADE_DIR in value for value in mounts)


def test_the_one_time_key_is_of_a_type_that_the_server_takes_and_the_image_makes():
    assert trial.login_key(CONFIG, image()) == samples.HYBRID_KEY
    mixed = b"PubkeyAcceptedAlgorithms rsa-sha2-512,ssh-ed25519-cert-v01@openssh.com,ssh-ed25519\n"
    assert trial.login_key(mixed, image()) == policy.CLASSICAL_KEY


def test_what_the_new_server_lacks():
    now = probe.nothing()._replace(kex=[NEW], host_key_algorithms=[samples.HYBRID_KEY])
    before = now._replace(kex=[OLD, NEW, "taken-away-by-the-spec"])
    assert trial.missing(before, now, CONFIG) == [OLD]
    assert trial.missing(before, now._replace(kex=[OLD, NEW]), CONFIG) == []
    assert trial.missing(probe.nothing(), now, CONFIG) == []


@contextlib.contextmanager
def saying(*greetings):
    """A server that says one of these to each who comes, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as own:
        def serve():
            for each in greetings:
                peer, _address = own.accept()
                with peer, contextlib.suppress(OSError):  # who has heard enough hangs up
                    peer.sendall(each)
                    peer.recv(64)

        threading.Thread(target=serve, daemon=True).start()
        yield own.getsockname()[1]


def offered(port, **other):
    """What a container offers that listens on a port."""
    sockets = frozenset(processes.listening(port))
    present = Container(name="oqs-ssh", id="c", running=True, sockets=sockets)._replace(**other)
    return trial._offered(present, port)


@pytest.mark.parametrize("says", [
    (b"", b""), (b"HTTP/1.1 400 Bad Request\r\n" * 4000,), (b"Exceeded MaxStartups\r\n",) * 2,
])
def test_a_present_server_that_does_not_say_what_it_offers_is_not_replaced(monkeypatch, says):
    monkeypatch.setattr(trial.proof, "PAUSES", (0.0,))
    with saying(*says) as port, pytest.raises(ContainerError, match=r"what it offers \(.*docker stop oqs-ssh"):
        offered(port)


@pytest.mark.parametrize("other", [{"running": False}, {"sockets": frozenset()}])
def test_a_present_server_that_listens_nowhere_offers_nothing(other):
    with saying(b"") as port:
        assert offered(port, **other) == probe.nothing()


def test_a_trial_writes_down_what_it_has_tried_and_not_what_was_planned(monkeypatch):
    """The image may have come in this round: its id is another than that of the plan, which was made from a label."""
    wanted, kept = samples.want(), []
    facts = samples.facts_of(wanted, upgraded())
    planned = next(each for each in runner.make_plan(REGISTRY, samples.spec(wanted), facts).changes
                   if each.kind == "trial")
    host = Host(samples.spec(wanted), facts, LedgerFile(REGISTRY.kinds))
    facts.put(WantedImage(facts.of(Image)._replace(engine_id="sha256:" + "12" * 32)))
    quiet = contextlib.nullcontext
    monkeypatch.setattr(trial, "_copied", lambda *_any: quiet())
    monkeypatch.setattr(trial, "_started", lambda *_any: quiet())
    for module, name in ((trial, "_checked"), (trial, "_proved"), (trial.serving, "wait"), (trial.journal, "begin")):
        monkeypatch.setattr(module, name, lambda *_any: None)
    monkeypatch.setattr(trial.journal, "remember_proof", kept.append)
    planned.act(host)
    assert kept == [content.proof_of(content.wanted(host.spec.of(ServerSpec), facts))]
    assert kept != [content.proof_of(samples.content_of(wanted, upgraded()))]
