"""``clos lab legacy``: a legacy network on real packets, from the command line.

Lives here: the commands and how their answers read. Must not know: how a lab works.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clos.controller.api.server import is_loopback
from clos.controller.cli.answer import FAILED, OK, Answer, answering, unchecked, usage
from clos.controller.cli.openflow_address import address
from clos.controller.cli.render.text import columns, count
from clos.lab.asking import Where, there, tried
from clos.lab.mininet.sandbox import DEFAULT, down

if TYPE_CHECKING:
    from clos.lab.legacy.legacy_lab import LegacyLab

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Run a legacy network on real packets, beside a fabric on Open vSwitch.",
)

SIDES = {"legacy": "legacy network", "fabric": "fabric"}
Directory = Annotated[
    Path | None,
    typer.Argument(
        metavar="[DIR]", help="inventory.yaml, cabling.yaml and startup-configs/DEVICE.cfg. Default: legacy-bank."
    ),
]
Fabric = Annotated[
    Path | None, typer.Option("--fabric", metavar="TOPOLOGY", help="The fabric. Default: fabric.yaml in DIR.")
]
Ssh = Annotated[
    str,
    typer.Option("--ssh", metavar="HOST:PORT", help="Where the first device listens; the others follow; port 0: any."),
]
Silent = Annotated[bool, typer.Option("--silent", help="Hosts do not ping their gateways by themselves.")]


@answering
def up(
    legacy: Directory = None,
    fabric: Fabric = None,
    directory: Where = DEFAULT,
    ssh: Ssh = "127.0.0.1:2200",
    silent: Silent = False,
) -> Answer:
    """Start a legacy network on real packets: simulated devices in real time, and hosts and a fabric that are real.

    Cables between devices are simulated; those to hosts and to the fabric's switches are pairs of interfaces. The
    devices take SSH, and the fabric's controller takes commands (--state DIR), on the machine's loopback. It runs until
    ``lab legacy down``.
    """
    from clos.lab.legacy.legacy_lab import BANK, FABRIC, start  # noqa: PLC0415 - not needed to end a lab

    place = BANK if legacy is None else legacy
    topology = place / FABRIC if fabric is None else fabric
    there(place, topology)
    host, first = address(ssh)
    if not is_loopback(host):
        raise usage(f"--ssh {ssh}: a lab's devices listen on loopback only, such as 127.0.0.1:2200")
    if find_spec("asyncssh") is None:
        raise unchecked("SSH needs asyncssh: pip install 'clos-fabric[migrate]'")
    lab = tried(lambda: start(place, topology, directory, (host, first), silent=silent))
    state = tried(lambda: lab.order("status"))
    told = {
        "directory": str(directory), "host": host, "devices": lab.ports, "inventory": str(lab.inventory),
        "control": str(lab.control), "hosts": sorted(state["hosts"]), "switches": sorted(lab.switches),
    }  # fmt: skip
    return Answer(told, lambda: _up_lines(lab, host, state))


@answering
def end(directory: Where = DEFAULT) -> Answer:
    """End the lab and remove all of it, in whatever state it was left."""
    ran = tried(lambda: down(directory))
    return Answer({"ended": ran}, lambda: ["Lab stopped." if ran else "No lab is running."])


@answering
def status(directory: Where = DEFAULT) -> Answer:
    """Show the lab's devices, where each host is plugged in, broken cables, and the fabric's switches.

    Exits with 1 when a device is down, a cable is broken, or a switch is missing or differs from what it should hold.
    """
    from clos.lab.legacy.legacy_lab import find  # noqa: PLC0415

    lab = tried(lambda: find(directory))
    state, fabric = tried(lambda: lab.order("status")), tried(lambda: lab.cell.ask("status"))
    out = [name for name in lab.switches if fabric["drift"].get(name) != [0, 0, 0]]
    missing = sorted(set(lab.switches) - set(fabric["connected"]))
    down_devices = [name for name, one in state["devices"].items() if not one["alive"]]
    sound = not (out or missing or down_devices or state["broken"])
    told = {"sound": sound, **state, "ssh": lab.ports, "switches": list(lab.switches), "not_connected": missing}
    told["not_in_sync"] = out
    return Answer(told, lambda: _status_lines(lab, told), OK if sound else FAILED)


app.command("up")(up)
app.command("down")(end)
app.command("status")(status)


def _up_lines(lab: LegacyLab, host: str, state: dict[str, Any]) -> list[str]:
    what = f"{count(len(lab.ports), 'device')} of {lab.name} and {count(len(state['hosts']), 'host')}"
    return [
        *(f"{name}: ssh -p {port} {host}" for name, port in lab.ports.items()),
        f"{what} run beside a fabric of {count(len(lab.switches), 'switch', 'switches')}.",
        f"inventory: {lab.inventory}; the controller: --state {lab.state}; cables and pings: --control {lab.control}",
    ]


def _status_lines(lab: LegacyLab, told: dict[str, Any]) -> list[Any]:
    devices = [
        (name, f"port {told['ssh'][name]}", "up" if one["alive"] else "down") for name, one in told["devices"].items()
    ]
    hosts = [(name, "", f"plugged into the {SIDES[side]}") for name, side in told["hosts"].items()]
    borders = [(name, "", f"cabled to {port}") for name, port in told["borders"].items()]
    broken = [(where, "", "broken") for where in told["broken"]]
    switches = [
        (name, "", "not connected" if name in told["not_connected"] else "not in sync" if name in told["not_in_sync"]
         else "in sync") for name in told["switches"]
    ]  # fmt: skip
    return list(columns([*devices, *hosts, *borders, *switches, *broken]))
