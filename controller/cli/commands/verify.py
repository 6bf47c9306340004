"""``verify``: what rules do to all packets, proved or refuted: of intents, of a plan, of switches, of dumps.

Lives here: which states are asked about and what their claims are held against. Must not know: forms of reports.
"""

from __future__ import annotations

import json as json_text
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from clos.controller.cli.answer import Answer, answering, usage
from clos.controller.cli.options import Before
from clos.controller.cli.processes import one_each, processors
from clos.controller.cli.proofs.dumps import dump_texts, read_whole
from clos.controller.cli.proofs.failures import broken, surveyed
from clos.controller.cli.proofs.plan_steps import plan_steps, states_of
from clos.controller.cli.proofs.verification import SAYS, Ours, ProvedState, Sources, Verification
from clos.controller.cli.remote import DEFAULT, StateDir, controller, running
from clos.controller.cli.render.proof_json import verification_json
from clos.controller.cli.render.proof_junit import junit
from clos.controller.cli.render.proof_sarif import sarif
from clos.controller.cli.render.proof_text import lines
from clos.controller.cli.sources import IntentPaths, TopologyPath, in_force, read
from clos.controller.compile import Compiled
from clos.controller.daemon.gc_control import gc_paused
from clos.controller.dump import Dump
from clos.controller.dump.foreign import unknown_ends
from clos.controller.dump.ovs_steps import ASSUMED
from clos.controller.dump.strange import strange
from clos.controller.explain.inputs import Inputs, load_inputs, read_intents, read_topology
from clos.controller.intent import Text
from clos.controller.verify import CLAIMS, Report, verify_parallel, verify_states
from clos.controller.verify.headerspace.example_packet import ExamplePacket
from clos.controller.verify.proof.invariants import INVARIANTS, InvariantReport, check_invariants
from clos.fabric.dataplane.rule import Rule
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.topology import PortRef, Topology

Live = Annotated[bool, typer.Option("--live", help="Prove what the controller's switches hold right now.")]
Plan = Annotated[bool, typer.Option("--plan", help="Prove the state after every batch of the plan to these intents.")]
Dumps = Annotated[
    list[Path] | None,
    typer.Option("--dump", metavar="PATH", help="Prove what these dumps say: a file, or a directory of them."),
]
Assume = Annotated[
    str | None,
    typer.Option("--assume", metavar="ct=STATE", help="Of connections in dumps: ct=new, ct=established or ct=any."),
]
Failures = Annotated[
    int,
    typer.Option("--failures", min=0, max=2, metavar="N", help="Prove it with any N (1, 2) links or switches broken."),
]
Claims = Annotated[list[str] | None, typer.Option("--claim", metavar="NAME", help="Only this claim; repeatable.")]
JunitFile = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write the report as JUnit XML too.")]
SarifFile = Annotated[Path | None, typer.Option("--sarif", metavar="FILE", help="Write the report as SARIF 2.1.0 too.")]


FEWEST, MOST = 10_000, 1_000_000
"""Rules between which a proof is spread over several processes."""


class Asked(NamedTuple):
    """What is to be proved, and what for."""

    intents: list[Path]
    topology: Path | None
    state: Path
    before: list[Path]
    claims: frozenset[str]
    failures: int = 0
    assume: str | None = None


@answering
def verify(
    intents: IntentPaths = None,
    topology: TopologyPath = None,
    state: StateDir = DEFAULT,
    live: Live = False,
    plan: Plan = False,
    before: Before = None,
    dump: Dumps = None,
    assume: Assume = None,
    failures: Failures = 0,
    claim: Claims = None,
    junit_file: JunitFile = None,
    sarif_file: SarifFile = None,
) -> Answer:
    """Prove each claim for all packets, or refute it with a counterexample.

    By default the rules that the intents compile to. With --dump, those that ovs-ofctl or Ryu's ofctl_rest printed;
    without intents then what can be said without them, and who reaches whom. docs/proof.md says what is claimed and
    assumed. Exit codes: 0 every claim is proved, 1 a claim is refuted, 3 there is no answer.
    """
    with nullcontext() if failures or plan else gc_paused():
        if sum((live, plan, bool(dump))) > 1:
            raise usage("--live, --plan and --dump exclude each other: pass one of them")
        if before and not plan:
            raise usage("--from names the start of a plan: pass --plan too")
        if failures and plan:
            raise usage("--failures and --plan exclude each other: pass one of them")
        if assume is not None and not dump:
            raise usage("--assume is of dumps: pass --dump too")
        claims = known_claims(claim or [])
        asked = Asked(intents or [], topology, state, before or [], claims, failures, assumed(assume))
        done = _dumped(asked, dump) if dump else _live(asked) if live else _planned(asked) if plan else _compiled(asked)
        for file, text in ((junit_file, junit), (sarif_file, lambda done: sarif(done, _fallback(asked)))):
            if file is not None:
                write(file, text(done))
    return Answer(verification_json(done), lambda: lines(done), done.code)


def assumed(word: str | None) -> str | None:
    """What ``ct=STATE`` assumes of connections. Raises Stop."""
    if word is None:
        return None
    name, _, state = word.partition("=")
    if name != "ct" or state not in ASSUMED:
        raise usage(f"--assume {word}: choose from {', '.join(f'ct={one}' for one in ASSUMED)}")
    return state


def known_claims(words: Sequence[str]) -> frozenset[str]:
    """The claims of these names. Raises Stop for one that there is not."""
    for word in words:
        if word not in SAYS:
            raise usage(f"--claim {word}: no such claim; choose from {', '.join(SAYS)}")
    return frozenset(words)


def write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise usage(f"{file}: cannot be written: {error.strerror}") from None


def _fallback(asked: Asked) -> str:
    """The file for what no line is behind: the topology, which rules may come from without any intent."""
    return str(asked.topology or "topology.yaml")


def _compiled(asked: Asked) -> Verification:
    """The rules that intents compile to."""
    wanted = read(asked.topology, asked.intents, asked.state)
    states = states_of(wanted.compiled().ruleset)
    return _against(_named(asked, "Rules compiled from"), wanted, states, asked)


def _against(
    subject: str, wanted: Inputs, states: Mapping[str, SwitchState], asked: Asked, dump: Dump | None = None
) -> Verification:
    """States held against intents."""
    _asked_of(CLAIMS, asked)
    ours = (lambda: states_of(wanted.compiled().ruleset)) if dump else None
    sources = Sources(wanted.topology, wanted.intent, dump.where if dump else None, ours and by_switch(ours))
    ask = lambda: _proved(wanted, states)  # noqa: E731
    whole = _stage(subject, ask, sources, asked)
    odd = tuple(strange(dump, wanted.topology.ports)) if dump else ()
    if not asked.failures or whole.refused:
        return Verification(subject, (whole,), strange=odd)
    failing = broken(wanted, states, asked.failures)
    stages = (sources.stage(one.title, one.verdict.report, asked.claims, one.seconds, one.failure) for one in failing)
    return Verification(subject, (whole._replace(title="With nothing broken"), *stages), strange=odd)


def _proved(wanted: Inputs, states: Mapping[str, SwitchState]) -> Report:
    """Every claim for these states, by as many processes as help: for small fabrics one, and for those so large that
    there may not be room for copies."""
    parts = processors() if FEWEST < sum(len(state.rules) for state in states.values()) < MOST else 1
    if parts == 1:
        return verify_states(wanted.intent, wanted.topology, states)
    return verify_parallel(wanted.intent, wanted.topology, states, parts, one_each)


def by_switch(compiled: Callable[[], Mapping[str, SwitchState]]) -> Ours:
    """The rules of each switch, compiled when the first is asked for."""

    @cache
    def all_of() -> dict[str, frozenset[Rule]]:
        return {switch: frozenset(state.rules) for switch, state in compiled().items()}

    return lambda switch: all_of().get(switch, frozenset())


def _asked_of(known: Mapping[str, str], asked: Asked) -> None:
    """Raises Stop when a claim is asked for that has no answer here."""
    for claim in sorted(asked.claims - known.keys()):
        what = "needs intents" if claim in CLAIMS else "is for dumps without intents"
        raise usage(f"--claim {claim}: this claim {what}; choose from {', '.join(known)}")


def _named(asked: Asked, what: str) -> str:
    """``Rules compiled from intents/demo.yaml on topologies/demo.yaml``."""
    intents = ", ".join(map(str, asked.intents)) or "the intents in force"
    return f"{what} {intents} on {asked.topology or 'the topology in force'}"


def _live(asked: Asked) -> Verification:
    """The rules that switches hold, whoever put them there, held against intents."""
    wanted = read(asked.topology, asked.intents, asked.state)
    dpids = {switch.name: switch.dpid for switch in wanted.topology.switches.values()}
    with controller(asked.state) as client, telling("reading switches"):
        texts = [Text(f"{name}, read back", json_text.dumps(client.entries(name))) for name in sorted(dpids)]
    dump = read_whole(texts, dpids)
    return _against(_named(asked, "Rules that switches hold, against"), wanted, dump.states, asked)


def _planned(asked: Asked) -> Verification:
    """The state after every batch of a plan."""
    _asked_of(CLAIMS, asked)
    held, wanted = _ends_of_plan(asked)
    steps = plan_steps(held, wanted)
    start = ", ".join(map(str, asked.before)) or ("the revision in force" if held else "an empty fabric")
    stages: list[ProvedState] = []
    for step in steps.steps:
        sources = Sources(wanted.topology, wanted.intent)
        stages.append(_stage(step.title, step.ask, sources, asked))
        if stages[-1].code:
            break
    subject = f"{_named(asked, 'The plan to')}, from {start}"
    return Verification(subject, tuple(stages), None, (steps.left_out,) if steps.left_out else ())


def _ends_of_plan(asked: Asked) -> tuple[Compiled | None, Compiled]:
    """What is installed, as far as is known without asking switches, and what is wanted."""
    if asked.before or not running(asked.state):
        wanted = read(asked.topology, asked.intents, asked.state)
        held = Inputs(wanted.topology, read_intents(asked.before, wanted.topology)).compiled() if asked.before else None
        return held, wanted.compiled(held)
    with controller(asked.state) as client:
        number = client.status()["revision"]
        if not number:
            if not asked.topology or not asked.intents:
                raise usage("no revision is in force yet: pass --topology FILE and INTENTS")
            return None, load_inputs(asked.topology, asked.intents).compiled()
    before = in_force(asked.state, number)
    was = load_inputs(*before).compiled()
    return was, load_inputs(asked.topology or before.topology, asked.intents or before.intents).compiled(was)


def _dumped(asked: Asked, paths: Sequence[Path]) -> Verification:
    """What dumps say, held against intents; without any, against what holds of every sound fabric."""
    if asked.topology is None:
        raise usage("missing --topology FILE")
    fabric = read_topology(asked.topology)
    told = f"{', '.join(map(str, paths))} on {asked.topology}"
    dpids = {switch.name: switch.dpid for switch in fabric.switches.values()}
    states: Mapping[int, str] | Mapping[None, str] = ASSUMED[asked.assume] if asked.assume else {None: ""}
    with telling("reading dumps"):
        texts = dump_texts(paths)
        partly = not asked.intents
        dumps = {said: read_whole(texts, dpids, partial=partly, assume=state) for state, said in states.items()}
    if not asked.intents:
        return _surveyed(f"Rules of {told}, without intents", fabric, dumps, asked)
    wanted = Inputs(fabric, read_intents(asked.intents, fabric))
    intents = ", ".join(map(str, asked.intents))
    subject = f"Rules of {told}, against {intents}"
    if len(dumps) == 1:
        (dump,) = dumps.values()
        return _against(subject, wanted, dump.states, asked, dump)
    found = [_against(subject, wanted, dump.states, asked, dump) for dump in dumps.values()]
    stages = (
        stage._replace(title=f"{_assuming(said)}. {stage.title}" if asked.failures else _assuming(said))
        for said, one in zip(dumps, found, strict=True)
        for stage in one.stages
    )
    return found[0]._replace(stages=tuple(stages))


def _assuming(said: str) -> str:
    return f"Connections: {said}"


def _surveyed(subject: str, fabric: Topology, dumps: Mapping[str, Dump], asked: Asked) -> Verification:
    """What holds of every sound fabric, for each thing that is assumed of connections."""
    _asked_of(INVARIANTS, asked)
    stages: list[ProvedState] = []
    reach: dict[PortRef, dict[str, ExamplePacket]] = {}
    blind: Counter[PortRef] = Counter()
    for said, dump in dumps.items():
        kept: list[InvariantReport] = []

        def ask(dump: Dump = dump, kept: list[InvariantReport] = kept) -> Report:
            kept.append(check_invariants(fabric, dump.states))
            return kept[0].report

        sources = Sources(fabric, None, dump.where)
        title = _assuming(said) if said else "With nothing broken" if asked.failures else subject
        stages.append(_stage(title, ask, sources, asked))
        for one in surveyed(fabric, dump.states, asked.failures) if asked.failures else ():
            report = one.found.report
            stages.append(sources.stage(one.title, report, asked.claims, one.seconds, one.failure))
            blind.update(one.found.blind)
        blind.update(kept[0].blind)
        for at, hosts in kept[0].reach.items():
            reach[at] = {**hosts, **reach.get(at, {})}
    (dump, *_) = dumps.values()
    refused = any(stage.refused for stage in stages)
    odd, foreign = tuple(strange(dump, fabric.ports)), tuple(unknown_ends(dump, blind))
    hosts_there = tuple(sorted(fabric.hosts))
    return Verification(subject, tuple(stages), None if refused else reach, (), odd, hosts_there, foreign, bool(blind))


def _stage(title: str, ask: Callable[[], Report], sources: Sources, asked: Asked) -> ProvedState:
    """Ask the prover."""
    began = time.perf_counter()
    with telling(f"proving: {title}"):
        report = ask()
    return sources.stage(title, report, asked.claims, time.perf_counter() - began)


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Says on stderr what is being done; nothing where stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - for terminals only

    with Console(stderr=True).status(what):
        yield
