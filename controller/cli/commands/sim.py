"""``sim``: a simulated fabric as a program that runs until it is told to stop."""

from __future__ import annotations

import signal
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from clos.controller.cli.answer import usage
from clos.controller.cli.openflow_address import address
from clos.controller.cli.render.text import count
from clos.controller.cli.simulated_hosts import attach
from clos.controller.explain.inputs import read_intents, read_topology
from clos.fabric.sim.openflow.server import SimThread
from clos.fabric.sim.openflow.tcp import tls_context

TopologyFile = Annotated[Path, typer.Argument(metavar="TOPOLOGY", help="The fabric.")]
Controller = Annotated[
    str, typer.Option(metavar="tcp:HOST:PORT[,...]", help="The OpenFlow 1.3 controller; of several all.")
]
Living = Annotated[
    list[Path] | None, typer.Option("--intents", metavar="INTENTS", help="Give hosts these endpoints, so they answer.")
]
Capacity = Annotated[int | None, typer.Option(min=1, metavar="N", help="Rules that a table holds; default: no limit.")]
Key = Annotated[Path | None, typer.Option("--tls-key", metavar="PEM", help="Connect by TLS; the switches' key.")]
Cert = Annotated[Path | None, typer.Option("--tls-cert", metavar="PEM", help="The switches' certificate.")]
Authority = Annotated[Path | None, typer.Option("--tls-ca", metavar="PEM", help="Who signed the controller's.")]
Clock = Callable[[], float]
REMIND = 5.0
"""Seconds between two reminders that no controller is there."""
Seed = Annotated[int, typer.Option(metavar="N", help="Of every random choice.")]


def sim(
    topology: TopologyFile,
    controller: Controller = "tcp:127.0.0.1:6653",
    intents: Living = None,
    capacity: Capacity = None,
    seed: Seed = 0,
    tls_key: Key = None,
    tls_cert: Cert = None,
    tls_ca: Authority = None,
) -> None:
    """Run a simulated fabric for any OpenFlow 1.3 controller.

    Every switch connects by TCP, or by TLS with the three PEM files, and again when it loses the connection, until
    Ctrl-C or SIGTERM.
    """
    fabric = read_topology(topology)
    (where, *others), intent = map(address, controller.split(",")), read_intents(intents, fabric) if intents else None
    tls = _tls(tls_key, tls_cert, tls_ca)
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    with SimThread(fabric, where, seed, tls=tls, others=others, capacity=capacity) as running:
        if intent is not None:
            attach(running, intent, fabric)
        switches = count(len(fabric.switches), "switch", "switches")
        typer.echo(f"clos: {switches} of {fabric.name} connect to {where[0]}:{where[1]}")
        for line in progress(running, len(fabric.switches), f"{where[0]}:{where[1]}", ended.wait):
            typer.echo(f"clos: {line}")


def progress(
    running: SimThread, switches: int, controller: str, wait: Callable[[float], bool], clock: Clock = time.monotonic
) -> Iterator[str]:
    """What there is to report until ``wait`` says that the end has come: how many switches are connected, and while
    not all are, every REMIND seconds that they are waiting, for whom and why."""
    known, due = 0, clock() + REMIND / 5
    while not wait(0.2):
        connected = running.connected
        if connected != known:
            known, due = connected, clock() + REMIND
            yield f"{connected} of {switches} connected"
        elif connected < switches and clock() >= due:
            due = clock() + REMIND
            yield f"{connected} of {switches} connected; waiting for a controller at {controller}{_reason(running)}"


def _reason(running: SimThread) -> str:
    return f" ({running.refusal}), trying again" if running.refusal else ", trying again"


def _tls(*files: Path | None) -> ssl.SSLContext | None:
    """TLS with key, certificate and authority; None for none of them. Raises Stop (USAGE)."""
    given = [path for path in files if path is not None]
    if not given:
        return None
    if len(given) < len(files):
        raise usage("TLS needs --tls-key, --tls-cert and --tls-ca")
    try:
        return tls_context(*given)
    except OSError as error:
        raise usage(f"{', '.join(map(str, given))}: cannot be used for TLS: {error}") from None
