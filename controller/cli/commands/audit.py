"""``audit``: a revision's proof, checked once more by something that is not the prover.

Lives here: what is compared with what, and how the comparison reads. Must not know: how packets are judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, NamedTuple

import typer
from rich.text import Text

from clos.controller.audit import Audit, Broken, check
from clos.controller.audit import audit as checked
from clos.controller.cli.answer import FAILED, OK, Answer, Json, answering, unchecked, usage
from clos.controller.cli.remote import DEFAULT, StateDir, controller
from clos.controller.cli.render.text import columns, some, took
from clos.controller.compile import CompileError, compile_fabric
from clos.controller.compile.numbering import from_json
from clos.controller.daemon.changes.verdict import NOW, PROVED
from clos.controller.daemon.compiler_version import fingerprint
from clos.controller.daemon.revisions import COMPILER
from clos.controller.explain.inputs import load_inputs
from clos.controller.intent import Text as Document
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.openflow.digest import fabric_digest, state_digest
from clos.fabric.packet.build import Packet
from clos.fabric.topology import PortRef


class Rules(NamedTuple):
    """Switches whose rules differ from what was kept account of, and (``live``) from what they hold.

    ``kept``: whether account was kept; ``sound``: whether it agrees with itself; ``foreign``: another version of Clos
    made the rules.
    """

    kept: bool
    sound: bool
    foreign: bool
    differ: tuple[str, ...]
    live: tuple[str, ...] | None
    away: tuple[str, ...] = ()

    @property
    def agree(self) -> bool:
        return self.sound and not self.differ and not self.live


@answering
def audit(
    revision: Annotated[int | None, typer.Argument(metavar="[REVISION]", help="By default the one in force.")] = None,
    state: StateDir = DEFAULT,
    live: Annotated[bool, typer.Option("--live", help="Read switches back too, and compare what they hold.")] = False,
    seconds: Annotated[float, typer.Option(min=0, metavar="N", help="How long packets are tried at most.")] = 30.0,
) -> Answer:
    """Check a revision's proof by independent means.

    Makes the revision's rules again and compares them with the digests that were kept when they were proved (with
    --live, what switches hold as well). Then walks packets through them, one for everything the intents tell packets
    apart by, and judges by a reading of the intents that neither the compiler nor the prover shares. Says how much of
    that there was time for. Exits with 1 when anything disagrees.
    """
    with controller(state) as client:
        in_force = client.status()["revision"]
        number = revision or in_force
        if not number:
            raise usage("no revision is in force yet")
        if live and number != in_force:
            raise usage(f"switches hold revision {in_force}: --live goes with that one")
        found = client.revision(number)
        held = client.digests() if live else None
    wanted = load_inputs(
        Document("topology.yaml", found["topology"]), [Document(*item) for item in found["sources"].items()]
    )
    try:
        compiled = compile_fabric(wanted.intent, wanted.topology, from_json(found["numbering"]))
    except (CompileError, ValueError) as error:
        raise unchecked(f"revision {number} cannot be compiled: {error}") from None
    states = {name: compiled.ruleset.state(name) for name in compiled.ruleset.switches}
    rules = compared(found, states, held)
    result = checked(wanted.intent, wanted.topology, states, seconds)
    unshown = _not_shown(found["proof"], check.Checker(wanted.intent, wanted.topology, states))
    return _answer(found, rules, result, unshown)


def compared(found: Json, states: Mapping[str, SwitchState], held: Mapping[str, str] | None) -> Rules:
    """A revision's rules made again, and those that switches hold, against the digests that were kept."""
    made = {name: state_digest(state) for name, state in states.items()}
    proof = found["proof"]
    kept = proof["digests"] if proof else made
    differ = tuple(sorted(name for name in kept.keys() | made.keys() if kept.get(name) != made.get(name)))
    foreign = found["summary"].get(COMPILER) != fingerprint()
    account = proof is not None, proof is None or _sound(found["verdict"], proof), foreign, differ
    if held is None:
        return Rules(*account, None)
    other = tuple(sorted(name for name in held.keys() & made.keys() if held[name] != made[name]))
    return Rules(*account, other, tuple(sorted(made.keys() - held.keys())))


def _sound(verdict: str, proof: Json) -> bool:
    """Whether the kept proof is of one piece: its word, and the digests of the last state."""
    if proof["verdict"] != verdict or (verdict == PROVED) != all(state["ok"] for state in proof["states"]):
        return False
    last = [state["digest"] for state in proof["states"] if state["against"] == NOW]
    return verdict != PROVED or last == [fabric_digest(proof["digests"])]


def _not_shown(proof: Json | None, checker: check.Checker) -> tuple[str, ...]:
    """The kept counterexamples, of the last state of a plan that was not proved, that turn out to break nothing."""
    last = next((state for state in (proof or {}).get("states", ()) if state["against"] == NOW), None)
    rows = last["findings"] if last else ()
    return tuple(
        row["text"] for row in rows if not checker.wrong(_port(row["at"]), Packet.parse(bytes.fromhex(row["data"])))
    )


def _port(text: str) -> PortRef:
    switch, _, port = text.rpartition(":")
    return PortRef(switch, int(port))


def _answer(found: Json, rules: Rules, result: Audit, unshown: tuple[str, ...]) -> Answer:
    proof = found["proof"]
    proved = proof is not None and proof["verdict"] == PROVED
    said = "proved" if proved else "not proved" if proof else "-"
    rows = [{"claim": claim, "proof": said, "broken": result.broken.get(claim, 0)} for claim in result.claims]
    agrees = rules.agree and not unshown and not (result.broken and (proved or proof is None))
    data = {
        "revision": found["number"],
        "verdict": found["verdict"],
        "agrees": agrees,
        "rules": {
            "kept": rules.kept,
            "sound": rules.sound,
            "differ": rules.differ,
            "live": rules.live,
            "away": rules.away,
        },
        "claims": rows,
        "not_shown": unshown,
        "packets": result.packets,
        "arrivals": result.arrivals,
        "complete": result.complete,
        "coverage": [row._asdict() for row in result.coverage],
        "broken": [_json(one) for one in result.shown],
        "seconds": round(result.seconds, 3),
    }
    return Answer(data, lambda: _lines(data, result, rules, proof), OK if agrees else FAILED)


def _json(one: Broken) -> Json:
    return {"claim": one.claim, "at": str(one.at), "data": one.data.hex(), "text": one.text}


def _lines(data: Json, result: Audit, rules: Rules, proof: Json | None) -> Iterator[Text | str]:
    yield f"Revision {data['revision']}: {_kept(proof)}"
    yield from _rules(rules)
    yield f"{result.packets:,} packets traced in {took(result.seconds)}, {result.arrivals:,} of them to be delivered:"
    yield from (f"  {row}" for row in result.coverage)
    if not result.complete:
        yield Text("Partial check: the results cover only the packets tried (--seconds N tries more)", "yellow")
    yield from columns([("claim", "proof", "audit"), *map(_row, data["claims"])])
    for one in result.shown:
        yield f"{one.claim}: {one.text}"
        yield f"  at {one.at}: {Packet.parse(one.data)}"
    yield from (Text(f"stored counterexample violates no claim: {text}", "red") for text in data["not_shown"])
    yield (
        Text("The audit and the proof agree.", "green")
        if data["agrees"]
        else Text("The audit and the proof disagree.", "bold red")
    )


def _kept(proof: Json | None) -> str:
    if proof is None:
        return "no proof was stored; only this check applies"
    left = "".join(f"; {text}" for text in proof["left_out"])
    word = "proved" if proof["verdict"] == PROVED else "NOT PROVED"
    return f"{word}, {proof['text']}{left}"


def _rules(rules: Rules) -> Iterator[Text | str]:
    if not rules.sound:
        yield Text("The stored proof is inconsistent: it was modified", "red")
    if rules.kept and not rules.differ:
        yield "Recompiled rules equal the proved rules."
    elif rules.differ:
        because = " (compiled by another version of Clos)" if rules.foreign else ""
        yield Text(f"Recompiled rules differ from the proved rules{because}: {some(rules.differ)}", "red")
    if rules.live is not None:
        told = (
            f"Switches hold other entries: {some(rules.live)}"
            if rules.live
            else "Connected switches hold exactly these rules."
        )
        yield Text(told, "red" if rules.live else "")
    if rules.away:
        yield Text(f"Not connected, so not read: {some(rules.away)}", "yellow")


def _row(row: Json) -> tuple[str | Text, ...]:
    broken = row["broken"]
    return row["claim"], row["proof"], Text(f"violated by {broken:,} packets", "red") if broken else "holds"
