"""All VLANs of the legacy bank walk onto the fabric and back: each host's longest loss, and what each phase takes.

    python -m benchmarks.migration [--only-vlan 70] [--probe-ms 20]

The simulated bank, its fabric and the controller run as in ``clos demo --migration``: real SSH, OpenFlow and HTTP, and
a proof before each change of the fabric. Probes go between hosts of the VLANs that move, all the time.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from clos.controller.cli.demo_of_migration import CONTROL, FABRIC, INVENTORY, bank_stage
from clos.controller.cli.demo_stage import Ran, run

KEPT, PLAN = Path("bank"), Path("bank-plan")
OF_FABRIC = ("deletes", "delete-tenant=bank-bridged", "unchecked")
"""What the controller asks for in phase 4; and checks that nobody can make, which the report lists."""
SPOKEN_SECONDS = 10.0
"""In which every host asks for its gateway, so that every device knows it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only-vlan", default="", help="as clos migrate plan has it; default: all")
    parser.add_argument("--probe-ms", default="20")
    parser.add_argument("--to", type=int, default=6, help="the last phase; 0: only discovery and plan")
    chosen = parser.parse_args()
    with bank_stage() as scene:
        scene.order("leap", seconds=SPOKEN_SECONDS)
        scene.empty()
        took = walk(chosen.only_vlan, chosen.probe_ms, chosen.to)
        report = PLAN / "report.json"
        losses = json.loads(report.read_text(encoding="utf-8"))["losses"] if report.exists() else []
    print("\n".join(told(took, losses)))


def walk(only: str, probe_ms: str, to: int) -> dict[str, float]:
    """Seconds by phase, up to one of them, and back. Ends the measurement where a command fails."""
    took, began = {}, time.perf_counter()
    ended(run("migrate", "discover", str(INVENTORY), "--out", str(KEPT)))
    took["0"] = time.perf_counter() - began
    began = time.perf_counter()
    vlans = ("--only-vlan", only) if only else ()
    border = ("--border", "border1=dist1:Te1/15")
    ended(run("migrate", "plan", str(KEPT), "-t", str(FABRIC), *border, *vlans, "--out", str(PLAN)))
    took["1"] = time.perf_counter() - began
    plan = json.loads((PLAN / "plan.json").read_text(encoding="utf-8"))
    names = (*(brake["name"] for phase in plan["phases"] for brake in phase["brakes"]), *OF_FABRIC)
    allow = [word for name in names for word in ("--allow", name)]
    within = ("--inventory", str(INVENTORY), "--control", str(CONTROL), "--probe-ms", probe_ms, "--yes")
    for phase in range(2, to + 1):
        began = time.perf_counter()
        ended(run("migrate", "run", str(PLAN), "--to", str(phase), *within, *allow))
        took[str(phase)] = time.perf_counter() - began
    began = time.perf_counter()
    ended(run("migrate", "rollback", str(PLAN), "--to", "1", *within))
    return {**took, "back": time.perf_counter() - began}


def ended(done: Ran) -> None:
    if done.code:
        raise SystemExit(f"the command before ended with {done.code}")


def told(took: dict[str, float], losses: list[dict[str, Any]]) -> list[str]:
    """A row for each phase, and one for each host that lost anything."""
    hosts = {str(loss["phase"]): loss["hosts"] for loss in losses}
    lines = []
    for phase, seconds in took.items():
        here = hosts.get(phase, {})
        lost = {name: row for name, row in here.items() if row["lost"]}
        longest = max((row["gap_ms"] for row in lost.values()), default=0)
        sent = sum(row["sent"] for row in here.values())
        lines.append(f"{phase:>5}: {seconds:7.1f} s; {len(here)} hosts, {sent:,} probes; ")
        lines[-1] += f"{len(lost)} hosts lost any, {longest:.0f} ms at most"
        lines += [f"       {name}: {row['lost']} packets, {row['gap_ms']:.0f} ms" for name, row in lost.items()]
    return lines


if __name__ == "__main__":
    main()
