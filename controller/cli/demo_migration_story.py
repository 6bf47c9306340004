"""The demonstration of a migration: one VLAN of the legacy bank walks onto the fabric and back, every claim checked.

Lives here: the acts. Must not know: how the bank and the controller are started (demo_of_migration).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from clos.controller.api.client import ApiError, NoDaemon
from clos.controller.cli.answer import Stop
from clos.controller.cli.demo_of_migration import (
    CONTROL,
    FABRIC,
    INVENTORY,
    BankEnvironment,
    Losses,
    configurations,
    tables,
)
from clos.controller.cli.demo_stage import run
from clos.controller.cli.demo_story import Story, say
from clos.controller.cli.render.text import columns, count
from clos.controller.migrate.discover.files import NoOutputs
from clos.controller.migrate.plan.model import Phase, Plan
from clos.controller.migrate.plan.plan_json import read_plan
from clos.fabric.sim.control.server import ControlError

VLAN, GATEWAY = 70, "10.20.70.1"
HOSTS = tuple(f"hr-{number}" for number in range(1, 8))
BEYOND = "treasury-1"
"""A host of another VLAN: packets between it and our hosts go through the gateway that moves."""
PAIRS = (*zip(HOSTS[::2], HOSTS[1::2], strict=False), *((host, BEYOND) for host in HOSTS))
PROBE_MS = 5
OWNER, ROUTERS = "dist1", ("dist1", "dist2")
"""The device that has the gateway's address at first, and all that have an interface in the VLAN."""
KEPT_APART = "cards-1"
"""A host whose access list lets it answer none of ours."""
BEFORE, AFTER, PLAN = Path("bank"), Path("bank-afterwards"), Path("bank-plan")
PHASES = (2, 3, 4, 5, 6)
"""Those that are carried out; 0 and 1 change nothing."""
WITHIN = ("--inventory", str(INVENTORY), "--control", str(CONTROL), "--yes")
FABRIC_ALLOWS = ("deletes", "delete-tenant=bank-bridged")
"""The controller's brakes on what the plan does to the fabric: a VLAN leaves one tenant for another."""
ELECTION_SECONDS = 30.0
"""HSRP's hold time three times: who listens for one and speaks for another stands by then (RFC 2281, 5.5)."""

Act = Callable[[BankEnvironment, Story], None]


def _bank(scene: BankEnvironment, story: Story) -> None:
    status = scene.order("status")
    fabric = status["fabric"]
    devices, hosts = len(status["devices"]), len(status["hosts"])
    say(f"{devices} simulated IOS devices with {hosts} hosts, reached over SSH; a fabric of {len(fabric['switches'])} "
        "switches beside them, with a controller. One cable joins the two, and its legacy port is shut.")  # fmt: skip
    story.claim("the fabric is in the controller's hands, without tenants", scene.empty() == 1)
    scene.rules = scene.switches()
    story.claim(f"hr-1 and {BEYOND} answer one another across the legacy gateway", scene.answers(HOSTS[0], BEYOND))
    story.claim(f"{KEPT_APART}, whose access list lets it answer nobody of the VLAN, does not answer", _apart(scene))
    scene.probe(PAIRS, PROBE_MS)
    say(f"From now on {len(PAIRS)} pairs of hosts are probed every {PROBE_MS} ms, in the VLAN and across its gateway.")


def _apart(scene: BankEnvironment) -> bool:
    return not scene.answers(HOSTS[0], KEPT_APART)


def _discover(_scene: BankEnvironment, story: Story) -> None:
    done = run("migrate", "discover", str(INVENTORY), "--out", str(BEFORE))
    words = "13 devices, 28 cables, 0 contradictions, 0 unparsed lines, 0 missing outputs"
    story.ran("13 devices are discovered over SSH, every line of every output understood", done, words=words)


def _plan(scene: BankEnvironment, story: Story) -> None:
    border = ("--border", "border1=dist1:Te1/15")
    done = run("migrate", "plan", str(BEFORE), "-t", str(FABRIC), *border, "--only-vlan", str(VLAN), "--out", str(PLAN))
    story.ran("there is a plan, and all its commands and inverse commands lead back", done, words="lead back")
    story.claim("its policies permit and deny what the access lists do", "pairs of endpoints: equal." in done.text)
    if done.code:
        return
    plan = scene.plan = read_plan((PLAN / "plan.json").read_text(encoding="utf-8"), str(PLAN))
    roots, blocked = plan.start.roots.get(VLAN), plan.start.blocked.get(VLAN)
    after = [step.predicted for number in PHASES for step in _phase(plan, number).steps]
    for phase in (_phase(plan, number) for number in PHASES):
        lines = sum(len(commands.lines) for step in phase.steps for commands in step.commands)
        say(f"  phase {phase.number}, {phase.name}: {count(lines, 'command', 'commands')}, "
            f"{count(sum(len(step.checks) for step in phase.steps), 'check', 'checks')}")  # fmt: skip
    same = all((each.roots.get(VLAN), each.blocked.get(VLAN)) == (roots, blocked) for each in after)
    story.claim(f"predicted: the root of VLAN {VLAN} stays {' '.join(roots or ('unknown',))}, and the same "
                f"{len(blocked or ())} ports block", same and bool(roots))  # fmt: skip
    owners = [owner.owners for owner in after[-1].gateways if owner.vlan == VLAN] if after else []
    say(f"  predicted: {GATEWAY} is answered by {', '.join(owners[0]) if owners else 'nobody knows whom'} afterwards")


def _phase(plan: Plan, number: int) -> Phase:
    return next(phase for phase in plan.phases if phase.number == number)


def _owner(scene: BankEnvironment, story: Story) -> None:
    words = _standby(scene)
    story.claim(f"{OWNER} is the active router of {GATEWAY}", " Active " in words)


def _standby(scene: BankEnvironment) -> str:
    """The device's own row of the group, shown."""
    answer = scene.shows(OWNER, "show standby brief")
    row = next((line for line in answer.splitlines() if GATEWAY in line.split()), "(no such group)")
    say(f"{OWNER}# show standby brief | include {GATEWAY}\n{row}")
    return row


def _carry_out(numbers: tuple[int, ...], scene: BankEnvironment, story: Story) -> None:
    what = "phase " + " and ".join(map(str, numbers))
    if scene.plan is None:
        story.claim(f"{what}: carried out", False)
        return
    phases = [_phase(scene.plan, number) for number in numbers]
    brakes = [brake for phase in phases for brake in phase.brakes]
    for brake in brakes:
        say(f"The {brake.who} must say yes to {brake.name}: {brake.text}")
    allowed = [*(brake.name for brake in brakes), *(FABRIC_ALLOWS if 4 in numbers else ())]
    flags = [word for name in allowed for word in ("--allow", name)]
    scene.losses(HOSTS)
    done = run("migrate", "run", str(PLAN), "--to", str(numbers[-1]), *WITHIN, *flags)
    words = f"phase {numbers[-1]} is in force"
    story.ran(f"{what}: carried out, and all checks hold", done, words=words)
    budgets = (each.ms for phase in phases for step in phase.steps for each in step.budgets)
    _told(story, scene.losses(HOSTS), max(budgets, default=0))


def _told(story: Story, losses: Losses, budget: int) -> None:
    """What each host lost meanwhile, held against the plan."""
    rows = [("host", "probes and answers", "lost", "longest loss")]
    rows += [(host, f"{one.sent:,}", f"{one.lost:,}", f"{one.ms:.0f} ms") for host, one in losses.hosts.items()]
    for line in columns(rows, right=(1, 2, 3)):
        say(f"  {line}")
    longest = max(one.ms for one in losses.hosts.values())
    story.claim(f"no host is cut off for longer than the plan says: {longest:.0f} ms of {budget} ms; "
                f"{losses.lost:,} of {losses.sent:,} packets lost",
                all(one.sent for one in losses.hosts.values()) and longest <= budget)  # fmt: skip


def _moved(scene: BankEnvironment, story: Story) -> None:
    done = run("migrate", "status", str(PLAN))
    words = f"HSRP border1 VLAN {VLAN} group {VLAN}: Active for {GATEWAY}"
    story.ran(f"the fabric is the active router of {GATEWAY}", done, words=words)
    story.claim(f"{OWNER} stands by, ready to take over", " Standby " in _standby(scene))
    story.claim(f"hr-1 and {BEYOND} answer one another across the fabric", scene.answers(HOSTS[0], BEYOND))


def _move_hosts(scene: BankEnvironment, story: Story) -> None:
    """Each host's own loss is what its step lost, not what its neighbours' steps lost with it."""
    _carry_out((5,), scene, story)
    sides = scene.order("status")["hosts"]
    story.claim(f"{len(HOSTS)} hosts are plugged into the fabric", {sides[host] for host in HOSTS} == {"fabric"})
    found = json.loads((PLAN / "report.json").read_text(encoding="utf-8"))
    own = next(loss["hosts"] for loss in found["losses"] if loss["phase"] == 5)
    longest = ", ".join(f"{host} {own[host]['gap_ms']:.0f} ms" for host in HOSTS if host in own)
    story.claim(f"the longest that each lost in its own step: {longest}", own.keys() == set(HOSTS))
    story.claim(f"{KEPT_APART} still does not answer {HOSTS[0]}", _apart(scene))


def _left(scene: BankEnvironment, story: Story) -> None:
    for device in ROUTERS:
        shown = scene.shows(device, "show ip interface brief")
        row = next((line for line in shown.splitlines() if line.startswith(f"Vlan{VLAN} ")), "")
        say(f"{device}# show ip interface brief | include Vlan{VLAN}\n{row}")
        story.claim(f"{device}'s interface in the VLAN is shut", "administratively down" in row)
    tree = scene.shows(OWNER, "show spanning-tree").partition(f"VLAN{VLAN:04}")[2].partition("\nVLAN")[0]
    story.claim(f"the VLAN's tree stands, and {OWNER} is its root", "This bridge is the root" in tree)
    story.claim(f"hr-1 and {BEYOND} answer one another across the fabric", scene.answers(HOSTS[0], BEYOND))


def _back(scene: BankEnvironment, story: Story) -> None:
    budget = 0
    if scene.plan is not None:
        steps = [step for number in PHASES for step in _phase(scene.plan, number).steps]
        budget = max((each.ms for step in steps for each in step.budgets), default=0)
    scene.losses(HOSTS)
    done = run("migrate", "rollback", str(PLAN), "--to", "1", *WITHIN)
    story.ran("all phases are undone, the last act first", done, words="2  extend L2      not begun")
    _told(story, scene.losses(HOSTS), budget)
    story.claim("nothing of Clos speaks to the legacy devices any more", scene.speaking() == 0)


def _as_before(scene: BankEnvironment, story: Story) -> None:
    scene.quiet(ELECTION_SECONDS)
    done = run("migrate", "discover", str(INVENTORY), "--out", str(AFTER))
    story.ran("the bank is discovered a second time", done, words="0 contradictions, 0 unparsed lines, 0 missing")
    devices = len(configurations(BEFORE))
    same = configurations(BEFORE) == configurations(AFTER)
    story.claim(f"running configurations of {devices} devices are what they were", same and devices > 0)
    before, after = tables(BEFORE), tables(AFTER)
    for what, found in before.items():
        story.claim(f"{what} are what they were", any(found.values()) and found == after[what])
    _owner(scene, story)
    held = scene.switches()
    story.claim(f"{len(held)} switches of the fabric, read back, hold what they held", held == scene.rules != {})


ACTS: tuple[tuple[str, Act], ...] = (
    ("A legacy bank, and a fabric beside it", _bank),
    ("Discover", _discover),
    ("Plan the migration of VLAN 70 (hr)", _plan),
    ("Phases 2 and 3: the VLAN reaches the fabric, which speaks EIGRP", partial(_carry_out, (2, 3))),
    ("Who has the gateway, before", _owner),
    ("Phase 4: the gateway moves", partial(_carry_out, (4,))),
    ("Who has the gateway, after", _moved),
    ("Phase 5: the hosts move, cable by cable", _move_hosts),
    ("Phase 6: clean up", partial(_carry_out, (6,))),
    ("What is left of the VLAN in the legacy network", _left),
    ("Roll all of it back", _back),
    ("All is as it was", _as_before),
)
"""The story, act by act."""


def play(scene: BankEnvironment, story: Story) -> None:
    """All acts. What keeps one from being looked at to its end is a claim that does not hold, and the last."""
    for title, act in ACTS:
        story.begin(title)
        try:
            act(scene, story)
        except (Stop, ControlError, ApiError, NoDaemon, NoOutputs, OSError) as fault:
            story.claim(f"{title}: looked at to its end ({fault})", False)
            return
