"""A verification as JSON: the form that docs/cli.md describes. Must not know: how answers were found."""

from __future__ import annotations

from clos.controller.cli.answer import Json
from clos.controller.cli.proofs.verification import (
    COULD_NOT,
    PROVED,
    REFUTED,
    SAYS,
    Cause,
    Met,
    ProvedState,
    Refutation,
    Verification,
)
from clos.controller.explain.trace import origin_json
from clos.controller.intent.model import NOWHERE
from clos.controller.plan import rule_json

VERDICTS: dict[int, str] = {PROVED: "proved", REFUTED: "refuted", COULD_NOT: "unknown"}


def verification_json(done: Verification) -> Json:
    """The whole report."""
    reach = None
    if done.reach is not None:
        reach = [
            {"port": str(at), "host": host, "packet": one.scapy, "hex": one.data.hex()}
            for at, found in done.reach.items()
            for host, one in found.items()
        ]
    return {
        "verdict": VERDICTS[done.code],
        "subject": done.subject,
        "seconds": round(done.seconds, 3),
        "states": [_stage(stage) for stage in done.stages],
        "reach": reach,
        "unreached": list(done.unreached) if done.reach is not None else None,
        "strange": list(done.strange),
        "not_modelled": list(done.foreign),
        "notes": list(done.notes),
    }


def _stage(stage: ProvedState) -> Json:
    proofs = {one.claim: one for one in stage.proofs}
    return {
        "title": stage.title,
        "verdict": VERDICTS[stage.code],
        "seconds": round(stage.seconds, 3),
        "claims": [
            {
                "claim": claim,
                "says": SAYS[claim],
                "verdict": "proved" if claim in proofs else "refuted",
                "covered": proofs[claim].covered if claim in proofs else None,
                "vacuous": proofs[claim].vacuous if claim in proofs else None,
            }
            for claim in stage.claims
        ],
        "counterexamples": [counterexample_json(one) for one in stage.refutations],
        "more": stage.more,
        "refused": stage.refused or None,
        "failure": dict(stage.failure) if stage.failure is not None else None,
    }


def counterexample_json(one: Refutation) -> Json:
    found = one.found
    return {
        "claim": found.claim,
        "text": found.text,
        "at": str(found.at),
        "host": found.host,
        "packet": found.packet,
        "hex": found.data.hex(),
        "scapy": found.scapy,
        "trace": list(found.trace),
        "causes": [_cause(cause) for cause in one.causes],
        "rules": [_met(met) for met in one.met],
    }


def _cause(cause: Cause) -> Json:
    file, line, column = cause.where if cause.where != NOWHERE else (None, None, None)
    return {"path": cause.path, "file": file, "line": line, "column": column, "role": cause.role}


def _met(met: Met) -> Json:
    return {"switch": met.switch, **rule_json(met.rule), "origin": origin_json(met.origin)}
