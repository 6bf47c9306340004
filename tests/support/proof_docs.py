"""The answers that docs/proof.md shows, got by asking: the demonstration's rules, spoilt in one way for every claim.

``filled`` puts them into the document's ``proof NAME`` blocks; tests.support.docs writes it,
tests/house/test_docs.py holds it to be up to date. Times are left out, and all but the first counterexample.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.cli_run import DEMO, clos
from tests.support.verify_rules import SPOILT, Rules, spoilt, unknown

FENCE = re.compile(r"^```proof (\S+)\n(?:.*\n)*?```$", re.MULTILINE)
VACUOUS = """\
apiVersion: clos/v1
kind: Tenant
metadata: {name: nobody}
spec: {networks: {none: {subnet: 10.0.0.0/24}}}
"""
_TOPOLOGY = ("-t", DEMO[2])
_TIMES = re.compile(r"\b\d[\d.,]* (?:ms|s)\b")


def filled(document: str) -> str:
    """The document with each block holding the answer of its name."""
    return FENCE.sub(lambda found: f"```proof {found[1]}\n{answer(found[1])}```", document)


def answer(name: str) -> str:
    """The command and what it prints."""
    with TemporaryDirectory() as folder:
        here = Path(folder)
        words = _words(name, here)
        printed = clos("verify", *words)
        shown = " ".join(map(str, ("$ clos verify", *words)))
        text = f"{shown}\n{_shortened(printed.out, whole=name == 'policy')}# exit code {printed.code}\n"
        return _TIMES.sub("...", text.replace(f"{here}/", ""))


def _words(name: str, here: Path) -> tuple[object, ...]:
    """The arguments of the command of this name, and the files it needs."""
    if name == "proved":
        return DEMO
    if name == "plan":
        return (*DEMO, "--plan")
    if name == "failures":
        return (*DEMO, "--failures", 1)
    if name == "vacuous":
        (here / "nobody.yaml").write_text(VACUOUS)
        return (here / "nobody.yaml", *_TOPOLOGY)
    if name in ("survey", "refused"):
        changes: tuple[Callable[[Rules], None], ...] = (unknown,) if name == "refused" else ()
        intents = DEMO[:1] if name == "refused" else ()
        return (*intents, *_TOPOLOGY, "--dump", spoilt(here, *changes))
    one = next(one for one in SPOILT if one.claim == name)
    return (*one.intents(here), *_TOPOLOGY, "--dump", one.rules(here), "--claim", name)


def _shortened(text: str, whole: bool) -> str:
    """The answer with one counterexample, its way only where it is shown ``whole``."""
    lines = text.splitlines()
    starts = [i for i, line in enumerate(lines) if re.match(r"  [a-z-]+: a packet of ", line)]
    if not starts:
        return text
    first = lines[: starts[1] if len(starts) > 1 else -1]
    if not whole:
        way, end = first.index("    path:"), first.index("    likely causes:")
        first[way + 1 : end] = ["      ..."]
    return "\n".join([*first, *(["..."] if len(starts) > 1 else []), lines[-1]]) + "\n"
