"""A verification as text for engineers: what holds and what that covers, what does not and by which packet.

Lives here: words and their order. Must not know: how answers were found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rich.text import Text

from clos.controller.cli.proofs.verification import SAYS, ProvedState, Refutation, Verification
from clos.controller.cli.render.text import columns, count, paragraph, took
from clos.controller.explain.policy_reasons import quoted
from clos.controller.intent.model import NOWHERE
from clos.controller.verify import Proof
from clos.controller.verify.proof.invariants import Reach

_WIDE = 26
"""Hosts that a matrix has columns for; beyond that the pairs are listed."""


def lines(done: Verification) -> Iterator[Text | str]:
    """The whole report."""
    yield from paragraph(Text(done.subject, "bold"))
    for stage in done.stages:
        yield from _stage(stage, len(done.stages) > 1)
    if done.reach is not None:
        yield from matrix(done.reach, done.unreached)
    for one in done.foreign:
        yield from paragraph(f"Not modelled: {one}.")
    for one in done.strange:
        yield from paragraph(f"Not in the topology: {one}.")
    for note in done.notes:
        yield from paragraph(f"Not covered: {note}.")
    yield from paragraph(summary(done))


def _stage(stage: ProvedState, titled: bool) -> Iterator[Text | str]:
    if titled:
        yield from paragraph(Text(f"{stage.title} ({took(stage.seconds)})", "bold"))
    if stage.refused:
        yield from paragraph(Text(stage.refused, "yellow"))
        return
    if titled and not stage.refutations:
        yield from paragraph(f"{count(len(_telling(stage)), 'claim')} proved: {_covered(stage)}", 2)
        yield from _vacuous_lines(stage)
        return
    proofs = {one.claim: one for one in stage.proofs}
    rows = [(_word(claim, proofs), claim, SAYS[claim]) for claim in stage.claims]
    yield from columns(rows, indent=2)
    yield from _vacuous_lines(stage)
    for refutation in stage.refutations:
        yield from refuted(refutation)
    if stage.more:
        yield f"  and {count(stage.more, 'more set')} of packets"


def _word(claim: str, proofs: Mapping[str, Proof]) -> Text:
    if claim not in proofs:
        return Text("REFUTED", "bold red")
    return Text("vacuous", "yellow") if proofs[claim].vacuous else Text("proved", "green")


def _vacuous_lines(stage: ProvedState) -> Iterator[Text]:
    for proof in stage.proofs:
        if proof.vacuous:
            yield from paragraph(f"{proof.claim} is vacuously true: {proof.vacuous}", 2)


def refuted(one: Refutation) -> Iterator[Text | str]:
    """A counterexample: what happens, the packet, its way with what is behind each rule, and what to look at."""
    found = one.found
    yield Text.assemble("  ", (f"{found.claim}: ", "bold red"), found.text)
    yield f"    enters at {found.at} from {found.host}; replay with scapy:"
    yield Text(f"      {found.scapy}", "cyan")
    yield "    path:"
    origins = {met.rule.cookie: str(met.origin) for met in one.met if met.origin is not None}
    for line in found.trace:
        yield f"      {_explained(line, origins)}"
    placed = [cause for cause in one.causes if cause.where != NOWHERE]
    if placed:
        yield "    likely causes:"
    for cause in placed[:_CAUSES]:
        yield f"    {cause.path} {cause.role}"
        yield from quoted(cause.where)


_COOKIE = re.compile(r" cookie (0x[0-9a-f]+)$")
_CAUSES = 3
"""Causes told; the way names what is behind every rule."""


def _explained(line: str, origins: Mapping[int, str]) -> str:
    """A line of a trace with the object behind its rule instead of a cookie."""
    found = _COOKIE.search(line)
    origin = origins.get(int(found[1], 16)) if found else None
    return line if found is None or origin is None else f"{line[: found.start()]} ; {origin}"


def plain(one: Refutation) -> str:
    """The same as text without styles."""
    return "\n".join(str(line) for line in refuted(one))


def _telling(stage: ProvedState) -> list[Proof]:
    """The proofs that say something."""
    return [one for one in stage.proofs if not one.vacuous]


def _covered(stage: ProvedState) -> str:
    """What the proofs speak of."""
    return next((one.covered for one in _telling(stage)), "nothing")


def summary(done: Verification) -> Text:
    """The last line: how many claims hold, over what, and how long that took."""
    refutations = [one for stage in done.stages for one in stage.refutations]
    if refutations:
        claims = list(dict.fromkeys(one.found.claim for one in refutations))
        where = {one.place: None for one in refutations if one.place != NOWHERE}
        at = f"; start at {next(iter(where))}" if where else ""
        return Text(f"Refuted: {', '.join(claims)}{at}.", "bold red")
    if any(stage.refused for stage in done.stages):
        return Text("Could not check: neither proved nor refuted.", "bold yellow")
    failing = sum(stage.failure is not None for stage in done.stages)
    last = done.stages[0 if failing else -1]
    real = _telling(last)
    empty = f", {len(last.proofs) - len(real)} more vacuous" if len(real) < len(last.proofs) else ""
    states = f" after each of {count(len(done.stages), 'batch', 'batches')}" if len(done.stages) > 1 else ""
    states = f" under each of {count(failing, 'kind')} of failures" if failing else states
    over = f" over {_covered(last)}" if real else ""
    return Text(f"{count(len(real), 'claim')} proved{states}{over}, in {took(done.seconds)}{empty}.", "bold green")


def matrix(reach: Reach, unreached: tuple[str, ...] = ()) -> Iterator[Text | str]:
    """Who may reach whom: a row for each host's port, a mark where packets of it may arrive."""
    hosts = sorted({*unreached, *(host for found in reach.values() for host in found)})
    yield Text("Reachability (x: some packet that enters at the port reaches the host)", "bold")
    if len(hosts) <= _WIDE:
        yield from _table(reach, hosts)
        return
    for at, found in reach.items():
        yield f"  {at} reaches {', '.join(found) or 'no host'}"
    if unreached:
        yield f"  no host reaches {', '.join(unreached)}"


def _table(reach: Reach, hosts: list[str]) -> Iterator[Text | str]:
    rows = [("", *hosts)]
    rows += [(str(at), *("x" if host in found else "." for host in hosts)) for at, found in reach.items()]
    yield from columns(rows, indent=2)
