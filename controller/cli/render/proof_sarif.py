"""A verification as SARIF 2.1.0, which code reviews show at the line of YAML: a result per counterexample.

Must not know: how answers were found. Source: OASIS SARIF 2.1.0 (sections in the code).
"""

from __future__ import annotations

import json
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from clos.controller.cli.answer import Json
from clos.controller.cli.proofs.verification import SAYS, Cause, ProvedState, Refutation, Verification
from clos.controller.intent.model import NOWHERE, Where

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(done: Verification, fallback: str) -> str:
    """The whole report. ``fallback``: the file that results are shown at when no line of any file is behind them."""
    claims = [claim for claim in SAYS if any(claim in stage.claims for stage in done.stages)]
    results = [_result(stage, one, claims, Where(fallback, 1, 1)) for stage in done.stages for one in stage.refutations]
    driver = {"name": "Clos", "version": version("clos-fabric"), "rules": [_rule(claim) for claim in claims]}
    run = {
        "tool": {"driver": driver},
        "invocations": [_invocation(done)],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {"subject": done.subject, "proved": [_proved(stage) for stage in done.stages]},
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(claim: str) -> Json:
    """§3.49 reportingDescriptor."""
    said = SAYS[claim]
    return {
        "id": claim,
        "name": "".join(word.capitalize() for word in claim.split("-")),
        "shortDescription": {"text": f"{said[0].upper()}{said[1:]}."},
        "defaultConfiguration": {"level": "error"},
    }


def _invocation(done: Verification) -> Json:
    """§3.20: whether the prover gave an answer to everything, and what it refused."""
    refused = [stage for stage in done.stages if stage.refused]
    told = [{"level": "error", "message": {"text": f"{stage.title}: {stage.refused}"}} for stage in refused]
    told += [{"level": "note", "message": {"text": f"not looked at: {note}"}} for note in done.notes]
    return {"executionSuccessful": not refused, "exitCode": done.code, "toolExecutionNotifications": told}


def _proved(stage: ProvedState) -> Json:
    return {
        "state": stage.title,
        "claims": {
            one.claim: (one.vacuous and f"vacuously true: {one.vacuous}") or one.covered for one in stage.proofs
        },
    }


def _result(stage: ProvedState, one: Refutation, claims: list[str], fallback: Where) -> Json:
    """§3.27: the counterexample at the line that is the likeliest cause, the others as related locations."""
    found = one.found
    placed = [cause for cause in one.causes if cause.where != NOWHERE]
    first = placed[0] if placed else Cause(stage.title, fallback, "has no line behind it")
    print_of = sha256(
        b"\0".join((found.claim.encode(), str(found.at).encode(), found.text.encode(), found.data))
    ).hexdigest()
    return {
        "ruleId": found.claim,
        "ruleIndex": claims.index(found.claim),
        "kind": "fail",
        "level": "error",
        "message": {"text": f"{found.claim}: {found.text}. {first.path} {first.role}. To replay: {found.scapy}"},
        "locations": [_location(first)],
        "relatedLocations": [
            {"id": number, **_location(cause), "message": {"text": f"{cause.path} {cause.role}"}}
            for number, cause in enumerate(placed[1:], 1)
        ],
        "codeFlows": [{"threadFlows": [{"locations": [_step(line, first) for line in found.trace or (found.text,)]}]}],
        "partialFingerprints": {"closCounterexample/v1": print_of},
        "properties": {
            "state": stage.title,
            "ingress": str(found.at),
            "host": found.host,
            "packet": found.packet,
            "hex": found.data.hex(),
            "scapy": found.scapy,
            "rules": [f"{met.switch} {met.rule}" for met in one.met],
        },
    }


def _step(line: str, at: Cause) -> Json:
    """§3.38 threadFlowLocation: a step of the packet's way; it has no line of its own."""
    return {"location": {"message": {"text": line}, "logicalLocations": [{"fullyQualifiedName": at.path}]}}


def _location(cause: Cause) -> Json:
    """§3.28, §3.29: a file's line, and the object there."""
    where = cause.where
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(where.file)},
            "region": {"startLine": max(1, where.line), "startColumn": max(1, where.column)},
        },
        "logicalLocations": [{"fullyQualifiedName": cause.path}],
    }


def _uri(file: str) -> str:
    """A relative reference for files below here, so that reviews find them; else a file URI (RFC 3986)."""
    path = Path(file)
    if path.is_absolute():
        try:
            path = path.relative_to(Path.cwd())
        except ValueError:
            return path.as_uri()
    return quote(path.as_posix())
