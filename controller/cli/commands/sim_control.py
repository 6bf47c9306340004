"""``sim-control``: tell a running simulation to do something, or ask it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from clos.controller.cli.answer import Answer, answering, failed, unchecked, usage
from clos.fabric.sim.control.server import ControlError, Place, call

At = Annotated[str, typer.Argument(metavar="PATH|HOST:PORT", help="Where the simulation takes orders.")]
Operation = Annotated[str, typer.Argument(metavar="OPERATION", help="Such as status, plug, cut, flows; see below.")]
Fields = Annotated[
    list[str] | None, typer.Argument(metavar="FIELD=VALUE", help="Values are JSON; what is no JSON is a text.")
]
LONGEST = 600.0
"""Seconds that an answer may take."""


@answering
def sim_control(place: At, operation: Operation, fields: Fields = None) -> Answer:
    """Give an order to a simulation that runs, or ask it something.

    clos sim-control out/control plug host=tellers-1 side=fabric: re-plug a host
    clos sim-control out/control cut where="acc1 Te1/1/1": break a cable; restore mends it
    clos sim-control out/control reload device=dist1: restart a device
    clos sim-control out/control flows_start pairs='[["tellers-1", "hr-1"]]' interval_ms=5: probe pairs without end
    clos sim-control out/control flows: what they lost, and each pair's longest gap
    """
    given = dict(_field(one) for one in fields or ())
    try:
        result = call(_place(place), operation, timeout=LONGEST, **given)
    except ControlError as error:
        raise failed(f"{place}: {error}") from None
    except OSError as error:
        raise unchecked(f"nothing answers at {place}: {error.strerror or error}") from None
    return Answer({"result": result}, lambda: _lines(result))


def _field(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise usage(f"{text!r} is no FIELD=VALUE, such as side=fabric")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _place(text: str) -> Place:
    host, colon, port = text.rpartition(":")
    return (host, int(port)) if colon and port.isdecimal() and "/" not in text else Path(text)


def _lines(result: Any) -> list[str]:
    return [] if result is None else json.dumps(result, indent=2).splitlines()
