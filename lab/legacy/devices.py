"""The simulated devices of a lab, as a process: real time, real cables, SSH on the machine's loopback.

    python -m lab.legacy.devices DIRECTORY

Lives here: starting everything in order. Must not know: how any of it works.
lab.legacy.stage starts it inside of the lab's processes and mounts, and in the machine's own network. DIRECTORY holds
order.json (what to run) and nodes.json (hosts' processes), once they are there; it receives inventory.yaml,
known_hosts, control, and ready-legacy.json or failed-legacy.txt.
"""

from __future__ import annotations

import asyncio
import json
import sys
import traceback
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from clos.controller.intent import Text
from clos.controller.migrate.simulated import INVENTORY, read_network, running_inventory
from clos.fabric.sim.control.server import Control
from clos.fabric.sim.legacy.doors import Doors, Listening
from clos.fabric.sim.legacy.network import LegacyNetwork
from clos.fabric.sim.realtime import Pace
from clos.fabric.sim.world.world import SETTLED, World
from clos.lab.legacy.operations import Running, answer
from clos.lab.legacy.panel import Panel
from clos.lab.legacy.patching import Patching, patching
from clos.lab.legacy.pings import Pings, Sockets
from clos.lab.legacy.places import CONTROL, FAILED, KNOWN_HOSTS, NODES, READY, write
from clos.lab.legacy.wires import Wires
from clos.lab.order import read
from clos.lab.ovs.processes import LabError

KEEPER = Path("/proc/1/ns/net")
"""Where the panel's ends are: in the namespace of the lab's first process."""
SPEAK = 60.0
"""Seconds between two pings of a host to its gateway: far less than a switch remembers it."""
FIRST = 5.0
"""Seconds in which each host's first ping should be answered."""
APART = 0.005


def main() -> None:
    directory = Path(sys.argv[1])
    try:
        asyncio.run(_serve(directory, json.loads((directory / "order.json").read_text())))
    except (LabError, OSError) as error:
        write(directory / FAILED, f"the simulated devices: {error}")
    except BaseException:
        write(directory / FAILED, traceback.format_exc())
        raise


async def _serve(directory: Path, order: dict[str, Any]) -> None:
    place, (host, first) = Path(order["legacy"]["directory"]), order["legacy"]["ssh"]
    plan = read_network(place)
    made = patching(read(Text(*order["topology"]), [])[0], plan)
    world = World(replace(plan, hosts=(), borders=()))
    panel = Panel(world.legacy, made)
    world.run(SETTLED)
    pings = Pings({name: one.address for name, one in made.plans.items() if one.address is not None})
    nodes = await _nodes(directory / NODES)
    async with AsyncExitStack() as stack:
        wires = stack.enter_context(Wires(KEEPER, made.interfaces, panel.frame, panel.carrier))
        hosts = {name: Path(f"/proc/{nodes[name]}/ns/net") for name in pings.addresses}
        pings.sockets = stack.enter_context(Sockets(hosts, pings.heard))
        pace = Pace(world.clock, asyncio.get_running_loop())
        panel.connect(wires, pace)
        pace.nudge()
        listening = await _doors(world.legacy, pace, host, first)
        running = Running(world, pace, panel, pings)
        await stack.enter_async_context(Control(partial(answer, running), directory / CONTROL))
        _inventory(directory, place, listening)
        if not order["legacy"]["silent"]:
            await asyncio.gather(*_greetings(made, pings))
        write(directory / READY, json.dumps({"host": listening.host, "ports": listening.ports}))
        while True:
            await asyncio.sleep(SPEAK)
            if not order["legacy"]["silent"]:
                await asyncio.gather(*_greetings(made, pings))


async def _doors(legacy: LegacyNetwork, pace: Pace, host: str, first: int) -> Listening:
    """Raises LabError: a port cannot be had."""
    try:
        return await Doors(legacy).open(pace, host, first, ())
    except OSError as error:
        why = error.strerror or error
        raise LabError(f"cannot listen at {host}:{first} and behind it: {why}; choose another with --ssh") from None


def _greetings(made: Patching, pings: Pings) -> list[asyncio.Task[None]]:
    """Each host that has a gateway pings it, one after another."""

    async def greet(name: str, place: int) -> None:
        await asyncio.sleep(place * APART)
        gateway = made.plans[name].gateway
        if gateway is not None:
            await pings.answers(name, gateway, FIRST)

    return [asyncio.create_task(greet(name, place)) for place, name in enumerate(pings.addresses)]


async def _nodes(file: Path) -> dict[str, int]:
    """The hosts' processes, as soon as they are known. The keeper ends this process where they never are."""
    while not file.exists():
        await asyncio.sleep(0.01)
    return dict(json.loads(file.read_text()))


def _inventory(directory: Path, place: Path, listening: Listening) -> None:
    known = directory / KNOWN_HOSTS
    write(known, listening.known_hosts)
    write(directory / INVENTORY, running_inventory(place, listening.host, listening.ports, str(known)))


if __name__ == "__main__":
    main()
