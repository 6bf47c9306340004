"""``demo``: Clos at work on a simulated fabric, as a story whose every claim is checked.

The controller is a process of its own, the switches speak OpenFlow 1.3 to it over TCP, and every packet is one that
the simulated hosts send. What is expected comes from the words of the intents (controller.intent.reach), not from the
compiler.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from itertools import permutations
from typing import Annotated

import typer

from clos.controller.cli.answer import CHANGES, FAILED, OK, Stop, write_json
from clos.controller.cli.demo_environment import INTENTS, TOPOLOGY, DemoEnvironment, stage
from clos.controller.cli.demo_stage import Ended
from clos.controller.cli.demo_story import Story, say
from clos.controller.cli.render.text import took
from clos.controller.explain.questions import SOURCE_PORT, between_ends, find_end
from clos.controller.explain.trace import follow
from clos.controller.intent.reach import PING, Flow, converse, ends
from clos.fabric.packet.fields import IP_TCP, IP_UDP
from clos.fabric.topology import PortRef

FILES = (str(INTENTS), "-t", str(TOPOLOGY))
SERVICES = (("tcp", 8080), ("tcp", 5432), ("tcp", 22), ("tcp", 23), ("udp", 53))
PPS = 1000
MOST_LOST = 40
"""Packets at PPS that a cut cable may cost: switches take 10 ms to notice, this is four times that."""
FEW = 60
"""Entries that moving one endpoint may cost."""

Pair = tuple[str, str]
MARKS = {(True, True): "+", (False, False): ".", (True, False): "?", (False, True): "!"}
"""By (expected, observed)."""

WAS_AT = "app2: {host: app2, ip: 10.1.2.12,"
IS_AT = "app2: {host: vm1, mac: 02:00:00:00:01:12, ip: 10.1.2.12,"


MIGRATION_HELP = "One VLAN of a legacy EIGRP/PVST+ network walks onto a fabric and back."
Migration = Annotated[bool, typer.Option("--migration", help=MIGRATION_HELP)]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON (format_version 1); the story goes to stderr.")]


def demo(migration: Migration = False, json: AsJson = False) -> None:
    """Run a demonstration on simulated networks, whose every claim is checked.

    Exits with 1 when anything is not as expected. Leaves nothing behind.
    """
    story, start = Story(), time.monotonic()
    try:
        with redirect_stdout(sys.stderr) if json else nullcontext():
            (_migration if migration else _fabric)(story)
            seconds = time.monotonic() - start
            say(f"\n{story.held} of {len(story.claims)} claims hold, in {took(seconds)}.")
            if story.broken:
                say(f"NOT as expected: {'; '.join(story.broken)}")
    except Ended as end:
        raise typer.Exit(128 + end.number) from None
    except Stop as stop:
        if not json:
            raise
        write_json({"error": stop.message, **stop.data})
        raise typer.Exit(stop.code) from None
    if json:
        write_json(story.to_json(seconds))
    if story.broken:
        raise typer.Exit(FAILED)


def _fabric(story: Story) -> None:
    say("One controller process, six simulated switches that speak OpenFlow 1.3 to it over TCP, eleven endpoints.")
    with stage() as scene:
        for title, act in ACTS:
            story.begin(title)
            act(scene, story)


def _migration(story: Story) -> None:
    from clos.controller.cli.demo_migration_story import play  # noqa: PLC0415 - what a migration loads
    from clos.controller.cli.demo_of_migration import bank_stage  # noqa: PLC0415

    say("A legacy network is started, with a fabric beside it and a controller: some seconds. No root is needed.")
    with bank_stage() as scene:
        play(scene, story)


def _validate(scene: DemoEnvironment, story: Story) -> None:
    story.ran("the intents are sound", scene.clos("validate", *FILES), words="Valid on demo")


def _plan_and_apply(scene: DemoEnvironment, story: Story) -> None:
    story.ran("there is something to do", scene.clos("plan", str(INTENTS), "--detailed-exitcode"), CHANGES)
    done = scene.clos("apply", str(INTENTS), "--yes", "--why", "first light")
    story.ran("every switch has confirmed", done, words="Revision 1 is in force")


def _matrix(scene: DemoEnvironment, story: Story) -> None:
    """Every ordered pair of endpoints: a ping, and each service; expected by the intents, observed by the hosts."""
    intent = scene.wanted.intent
    people = {str(end): end for end in ends(intent)}
    pairs = list(permutations(people, 2))
    expected = {(a, b): converse(intent, people[a], people[b], PING) for a, b in pairs}
    observed = {pair: outcome.ok for pair, outcome in scene.sim.ping_matrix(people).items()}
    for a in people:
        say(f"  {a:13}{''.join(_mark(expected, observed, (a, b)) for b in people)}")
    say("  + answers and . is silent as the intents say; ? is silent and ! answers against them")
    answers = sum(expected.values())
    story.claim(f"{len(pairs)} pings: {answers} answered, the others silent, each as expected", observed == expected)
    probes = [(a, b, *service) for service in SERVICES for a, b in pairs]
    wanted = {probe: converse(intent, people[probe[0]], people[probe[1]], _flow(*probe[2:])) for probe in probes}
    answered = {probe: scene.sim.probe(*probe).ok for probe in probes}
    open_ = sum(wanted.values())
    story.claim(f"{len(probes)} TCP and UDP probes: {open_} answered, each as expected", answered == wanted)


def _mark(expected: dict[Pair, bool], observed: dict[Pair, bool], pair: Pair) -> str:
    """How a pair is shown in the matrix."""
    if pair not in expected:
        return " \\"
    return f" {MARKS[expected[pair], observed[pair]]}"


def _flow(proto: str, port: int) -> Flow:
    return Flow(IP_TCP if proto == "tcp" else IP_UDP, SOURCE_PORT, port)


def _isolation(scene: DemoEnvironment, story: Story) -> None:
    tried = scene.sim.probe("office/desk1", "shop/db1", "tcp", 5432)
    say(f"desk1 of tenant office tries the database of tenant shop; lost: {tried.why}")
    story.claim("the packet never arrives", not tried.arrived)
    done = scene.clos("explain", "--from", "desk1", "--to", "db1", "--service", "tcp/5432")
    story.ran("the intents say why, and the rules agree", done, words="The rules agree: dropped")
    say("And one that is permitted, table by table:")
    words = ("--from", "web1", "--to", "app2", "--service", "tcp/8080", "--expect", "delivered")
    story.ran("the packet arrives", scene.clos("trace", *words))


def _failure(scene: DemoEnvironment, story: Story) -> None:
    """Cut the very cable that packets run over: at the leaf that sends them, then at the leaf that receives them."""
    for what, port in zip(("sender's", "receiver's"), _cables(scene, "web1", "app2"), strict=True):
        events = ((0.4, "cut", str(port)), (0.8, "restore", str(port)))
        say(f"{PPS} packets a second from web1 to app2; the {what} cable {port} is cut after 0.4 s, for 0.4 s:")
        done = scene.sim.flow("shop/web1", "shop/app2", PPS, 1.2, proto="icmp", during=events)
        say(f"  {done.sent} sent, {done.received} received, {done.lost} lost, longest gap {done.longest_gap:.0f} ms")
        story.claim("the switches heal it by themselves, no controller asked", 0 < done.lost <= MOST_LOST)


def _cables(scene: DemoEnvironment, source: str, target: str) -> tuple[PortRef, PortRef]:
    """The leaf ports by which pings leave the first leaf, and enter the last."""
    wanted = scene.wanted
    probe = between_ends(wanted, find_end(wanted.intent, source), find_end(wanted.intent, target), PING)
    hops = follow(wanted.compiled(), probe).walk.hops
    return PortRef(hops[0].switch, hops[0].step.emissions[0].port), hops[-1].at


def _move(scene: DemoEnvironment, story: Story) -> None:
    say("app2 moves from a machine at leaf3 to a hypervisor at leaf2. One line:")
    scene.edit(WAS_AT, IS_AT)
    done = story.ran("the plan is made", scene.clos("plan", str(INTENTS)), words="Plan: ")
    story.claim(f"it costs {_entries(done.text)} of the fabric's entries", _entries(done.text) <= FEW)
    _relocate(scene)
    done = scene.clos("apply", str(INTENTS), "--yes", "--why", "app2 to vm1")
    story.ran("every switch has confirmed", done, words="Revision 2 is in force")
    story.claim("app2 answers at its new place", scene.sim.probe("shop/web1", "shop/app2", "tcp", 8080).ok)


def _entries(text: str) -> int:
    """How many entries the last line of a plan speaks of: ``Plan: 6 to add, 9 to change, 7 to delete on ...``."""
    line = next(line for line in text.splitlines() if line.startswith("Plan: "))
    return sum(int(number.replace(",", "")) for number in re.findall(r"([\d,]+) to ", line))


def _relocate(scene: DemoEnvironment) -> None:
    """Move the simulated endpoint to where the intents say it is."""
    wanted = scene.wanted
    end = find_end(wanted.intent, "shop/app2")
    one, network = end.endpoint, end.tenant.networks[end.endpoint.network]
    vlan = network.vlan if wanted.topology.hosts[one.host].tagged else None
    scene.sim.detach("shop/app2")
    scene.sim.attach("shop/app2", one.host, one.mac, one.ip, network.subnet[1], network.gateway, vlan)


def _mistake(scene: DemoEnvironment, story: Story) -> None:
    text = INTENTS.read_text()
    say("Two slips of the pen:")
    scene.edit("{from: web, to: app, services", "{from: web, to: ap, services")
    scene.edit("db1: {host: db1, ip: 10.1.2.21", "db1: {host: db1, ip: 10.1.3.21")
    done = story.ran("nothing is sent", scene.clos("apply", str(INTENTS), "--yes"), FAILED, "did you mean app?")
    told = f"{INTENTS}:28:" in done.text and f"{INTENTS}:19:" in done.text
    story.claim("every problem is reported at once, with its line", told)
    INTENTS.write_text(text)


def _crash(scene: DemoEnvironment, story: Story) -> None:
    say("The controller is killed (SIGKILL) while web2 talks to app1, and started again:")
    running = scene.sim.start_flow("shop/web2", "shop/app1", PPS, 1.5, proto="tcp", port=8080)
    time.sleep(0.2)
    scene.kill()
    scene.start(openflow=scene.addresses.openflow[1])
    back = scene.wait_in_line()
    done = running.result()
    say(f"  {done.sent} packets sent, {done.received} received, {done.lost} lost")
    story.claim("forwarding does not depend on the controller", done.lost == 0)
    story.claim("every switch is in sync again", back)


def _rollback(scene: DemoEnvironment, story: Story) -> None:
    done = scene.clos("rollback", "1", "--yes", "--why", "app2 back to its machine")
    story.ran("every switch has confirmed", done, words="Revision 3 is in force")
    INTENTS.write_text(INTENTS.read_text().replace(IS_AT, WAS_AT))
    _relocate(scene)
    done = scene.clos("history")
    numbers = re.findall(r"^(\d+) ", done.text, re.MULTILINE)  # reasons are wrapped to the terminal's width
    story.claim(f"history only grows (exit code {done.code})", done.code == OK and numbers == ["3", "2", "1"])
    done = scene.clos("status", "--read-back")
    story.ran("every switch, read back, is in sync", done, words="6 connected, 6 in sync")
    _matrix(scene, story)


ACTS: tuple[tuple[str, Callable[[DemoEnvironment, Story], None]], ...] = (
    ("Validate: three tenants on two spines and four leaves", _validate),
    ("Plan, then apply", _plan_and_apply),
    ("Who reaches whom: expected = observed", _matrix),
    ("A packet across tenants: dropped, and explained", _isolation),
    ("A cable is cut", _failure),
    ("A host moves", _move),
    ("A mistake is refused, with its line", _mistake),
    ("The controller dies", _crash),
    ("Roll back", _rollback),
)
"""The story, act by act."""
