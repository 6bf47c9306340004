"""A verification as JUnit XML, as pytest writes it and CI reads it: a test case per state and claim.

Must not know: how answers were found. Source: the schema of Jenkins' xUnit plugin (junit-10.xsd).
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from clos.controller.cli.proofs.verification import SAYS, ProvedState, Verification
from clos.controller.cli.render.proof_text import plain

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 §2.2 does not allow."""


def junit(done: Verification) -> str:
    """The whole report. Vacuous proofs pass and say so in ``system-out``; no answer is an error."""
    root = ET.Element("testsuites", name="clos verify")
    suites = [_suite(root, stage) for stage in done.stages]
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    root.set("time", f"{done.seconds:.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(root: ET.Element, stage: ProvedState) -> ET.Element:
    claims = stage.claims
    failing = {one.found.claim for one in stage.refutations}
    numbers = {"tests": len(claims) + bool(stage.refused), "failures": len(failing), "errors": int(bool(stage.refused))}
    suite = ET.SubElement(root, "testsuite", name=_legal(stage.title), skipped="0", time=f"{stage.seconds:.3f}")
    for key, value in numbers.items():
        suite.set(key, str(value))
    for claim in claims:
        _case(suite, stage, claim)
    if stage.refused:
        case = ET.SubElement(suite, "testcase", classname="clos.verify", name="prover", time="0.000")
        error = ET.SubElement(case, "error", message=_legal(stage.refused), type="refused")
        error.text = _legal(stage.refused)
    return suite


def _case(suite: ET.Element, stage: ProvedState, claim: str) -> None:
    time = f"{stage.seconds / len(stage.claims):.3f}"
    case = ET.SubElement(suite, "testcase", classname="clos.verify", name=claim, time=time)
    told = [one for one in stage.refutations if one.found.claim == claim]
    if told:
        failure = ET.SubElement(case, "failure", message=_legal(told[0].found.text), type=claim)
        failure.text = _legal("\n".join((SAYS[claim], *map(plain, told))))
        return
    proof = next(one for one in stage.proofs if one.claim == claim)
    out = ET.SubElement(case, "system-out")
    out.text = _legal(str(proof))


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)
