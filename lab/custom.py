"""A Clos topology for Mininet's own ``mn``:

    mn --custom lab/custom.py --topo clos,topologies/demo.yaml,intents/demo.yaml --controller remote

Lives here: the entry that ``mn`` looks for. Hosts with several endpoints or uplinks become bridges without rules
there; use ``clos lab`` for those.
"""

from __future__ import annotations

from pathlib import Path

from clos.lab.lab import texts
from clos.lab.mininet.keeper import plan
from clos.lab.mininet.network import ClosTopo


def clos(topology: str, *intents: str) -> ClosTopo:
    """The topology in a file, with the addresses that the intents give its hosts."""
    return ClosTopo(plan(texts([Path(topology)])[0], texts(map(Path, intents))))


topos = {"clos": clos}
