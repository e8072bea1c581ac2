# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`make remove-proof`: what a deployment and its removal leave on hosts. Prints every difference, those that the
allow-list explains with the reason; the last line is JSON."""

from __future__ import annotations

import json
import sys
import time

from tests.e2e.library import traces
from tests.e2e.removal import cases


def main(names: "list[str]") -> int:
    """Run cases by name (none: all); 0 when nothing was left."""
    unknown = [name for name in names if name not in cases.CASES]
    if unknown:
        print("no such case: %s; there are: %s" % (", ".join(unknown), ", ".join(cases.CASES)))
        return 2
    began, left, explained, broken = time.monotonic(), 0, 0, []
    for name in names or list(cases.CASES):
        print("\n%s: %s" % (name, (cases.CASES[name].what.__doc__ or "").strip()), flush=True)
        try:
            by_host = cases.found(name)
        except Exception as error:  # a case that breaks must not keep the others from being run
            broken.append(name)
            print("  broken: %s" % str(error)[-3000:], flush=True)
            continue
        for host, found in by_host.items():
            unexplained = traces.traces(found)
            explained += len(found) - len(unexplained)
            if cases.CASES[name].empty:
                left += len(unexplained)
            for each in found:
                print("  %s %s%s" % (host, str(each)[:160], traces.reason(each)))
            print("  %s: %d traces, %d differences explained" % (
                host, len(unexplained), len(found) - len(unexplained)), flush=True)
    ok = not left and not broken
    print(json.dumps({
        "name": "remove-proof", "ok": ok, "cases": len(names or cases.CASES), "broken": broken, "traces": left,
        "explained": explained, "seconds": round(time.monotonic() - began),
    }))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
