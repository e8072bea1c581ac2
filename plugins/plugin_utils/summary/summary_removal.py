# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run that takes everything away says: what went, what was left, and why. Pure."""

from __future__ import annotations

import typing as t

Row = t.Mapping[str, t.Any]

#: Kind of plan item -> how a person calls it; %s is its name.
_CALLED = {
    "container_gone": "the container %s", "packages_gone": "packages (%s)", "group_gone": "the group %s",
    "folder_gone": "%s", "folder_emptied": "ours in %s", "engine_folder": "%s", "empty_folder": "%s",
    "file_back": "%s", "zone_file": "%s", "firewall_file": "%s", "service_back": "%s as it was",
    "hop_user_gone": "our line in authorized_keys of %s", "keys_folder_gone": "%s", "keys_folder_back": "%s as it was",
    "ledger_gone": "the ledger (%s)", "lockdown": "the lockdown", "keys_aside": "",
}


def first_word(look: Row) -> str:
    """What there is, in one line."""
    container = [item["name"] for item in look["plan"] if item["kind"] == "container_gone"]
    if not look["plan"]:
        return "nothing of this collection is to be taken away here"
    return "%d things to take away%s" % (
        len(look["plan"]), ", the container %s among them" % ", ".join(container) if container else "")


def host(row: Row) -> list[str]:
    """The ending for a host."""
    look = row["look"]
    if row.get("check"):
        said = "nothing (check mode); a run would take away: " + (_things(look["plan"]) or "nothing")
    else:
        said = _things(row.get("done", [])) or "nothing, nothing of ours was here"
    return ["  %-11s %s" % ("gone", said)] + ["  %-11s %s" % ("left", note) for note in look["notes"]]


def last(rows: t.Mapping[str, Row], named: t.Sequence[str]) -> list[str]:
    """The last line: how many hosts are done."""
    good = sum(1 for row in rows.values() if not row.get("failed") and row.get("look") and not row.get("check"))
    later = sum(1 for name, row in rows.items() if not row and name not in named)
    return ["", "%d of %d hosts are rid of it%s." % (good, len(rows), ", %d to come" % later if later else "")]


def _things(items: t.Sequence[Row]) -> str:
    return ", ".join(filter(None, dict.fromkeys(_thing(item) for item in items)))


def _thing(item: Row) -> str:
    if item["kind"] == "image_gone":
        return "the image %s" % next((name for name in item["before"].split() if "sha256:" not in name), item["name"])
    if item["kind"] in _CALLED:
        words = _CALLED[item["kind"]]
        return words % (item["name"] or item["before"]) if "%s" in words else words
    return "the rules in %s (%s)" % (item["kind"], item["name"])
