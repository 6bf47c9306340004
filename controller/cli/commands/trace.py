"""``trace``: one packet walked through the compiled rules, table by table."""

from __future__ import annotations

from dataclasses import astuple
from typing import Annotated

import typer

from clos.controller.cli.answer import FAILED, OK, Answer, answering
from clos.controller.cli.options import PacketOptions
from clos.controller.cli.remote import DEFAULT, StateDir
from clos.controller.cli.sources import IntentPaths, TopologyPath, read
from clos.controller.explain.questions import asked, find_ports
from clos.controller.explain.trace import Outcome, follow, followed_json, lines

LinksDown = Annotated[
    list[str] | None, typer.Option("--link-down", metavar="LEAF:PORT", help="Cut this cable; repeatable.")
]
Expect = Annotated[
    Outcome | None,
    typer.Option(
        metavar="delivered|dropped", help="Exit with 1 when it ends otherwise; dropped: --to does not get it."
    ),
]


@answering
def trace(
    intents: IntentPaths = None,
    topology: TopologyPath = None,
    state: StateDir = DEFAULT,
    *,
    about: PacketOptions,
    link_down: LinksDown = None,
    expect: Expect = None,
) -> Answer:
    """Trace one packet: table, rule and intent line at each hop.

    The packet is the first one that --from sends to --to for a --service, or a raw --packet that comes --in by a port.
    """
    wanted = read(topology, intents, state)
    probe = asked(wanted, *astuple(about))
    done = follow(wanted.compiled(), probe, find_ports(link_down or (), wanted.topology))
    code = OK if expect is None or done.outcome.meets(expect) else FAILED
    return Answer(followed_json(done), lambda: lines(done), code)
