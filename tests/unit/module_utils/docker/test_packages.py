# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packages that may go: never one that somebody else's package needs."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.openssh.plugins.module_utils.core.commands import CommandError, Completed
from ansible_collections.quantumsafe.openssh.plugins.module_utils.docker import packages
from hypothesis import given
from hypothesis import strategies as st

TEXT = """installed\tdocker.io\t\tadduser (>= 1.54~), libc6 (>= 2.34), containerd (>= 1.4~), iptables | nftables
installed\tcontainerd\tcontainer-runtime\t, libc6, runc (>= 1.0.0~rc2~)
installed\trunc\t\t, libc6 (>= 2.38)
installed\tlibc6\tlibc6-2.41\t,
config-files\told\t\t, runc
installed\tiptables\t\t, libc6:any
"""
OURS = ["docker.io", "containerd", "runc"]


def test_what_dpkg_says_is_read():
    found = packages.parse(TEXT)
    assert set(found) == {"docker.io", "containerd", "runc", "libc6", "iptables"}
    assert found["containerd"].names == {"containerd", "container-runtime"}
    assert {"iptables", "nftables"} in found["docker.io"].needs and {"libc6"} in found["iptables"].needs


def test_all_of_ours_may_go_when_nobody_needs_them():
    assert packages.needed(packages.parse(TEXT), OURS) == {}


@pytest.mark.parametrize(("line", "staying"), [
    ("installed\tpodman\t\t, runc", {"runc": "podman"}),
    ("installed\tpodman\t\t, crun | runc", {"runc": "podman"}),
    ("installed\tkubelet\t\t, container-runtime", {"containerd": "kubelet", "runc": "containerd"}),
    ("installed\tpodman\t\t, libc6 | runc", {}),
    ("half-configured\tpodman\t\t, runc", {"runc": "podman"}),
    ("config-files\tpodman\t\t, runc", {}),
])
def test_what_others_need_stays_with_what_it_needs_itself(line, staying):
    assert packages.needed(packages.parse(TEXT + line + "\n"), OURS) == staying


NAMES = st.sampled_from(list("abcdefgh"))


@given(st.dictionaries(NAMES, st.lists(st.sets(NAMES, min_size=1, max_size=2), max_size=3)), st.sets(NAMES))
def test_what_is_left_lacks_nothing_that_it_had(tree, ours):
    installed = {name: packages.Package({name}, needs) for name, needs in tree.items()}
    gone = ours & set(tree) - set(packages.needed(installed, ours))
    left = set(tree) - gone
    for name in left:
        for clause in tree[name]:
            assert not clause & set(tree) or clause & left


def test_a_purge_that_would_take_more_is_refused(monkeypatch):
    ran = []

    def run(argv, **_more):
        ran.append(argv)
        return Completed(0, b"Purg runc [1]\nPurg podman:amd64 [2]\n", b"")

    monkeypatch.setattr(packages, "run", run)
    monkeypatch.setattr(packages.shutil, "which", lambda name: name)
    with pytest.raises(CommandError, match="it would also change podman"):
        packages.purge(["runc"])
    assert len(ran) == 1 and "--simulate" in ran[0]
    packages.purge(["runc", "podman"])
    assert "--simulate" not in ran[-1] and ran[-1][-2:] == ["runc", "podman"]
