"""``sim-legacy``: a simulated legacy network, each device reached over SSH, alone or joined with a simulated fabric."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clos.controller.cli.answer import Stop, failed, unchecked, usage
from clos.controller.cli.openflow_address import address
from clos.controller.cli.render.text import count
from clos.controller.explain.inputs import read_topology
from clos.controller.migrate.simulated import INVENTORY, Unreadable, read_network, refused_lines, running_inventory
from clos.fabric.sim.control.server import Place
from clos.fabric.sim.world import chatter
from clos.fabric.sim.world.world import SETTLED, World

if TYPE_CHECKING:
    from clos.fabric.sim.world.running import Open, WorldThread

Directory = Annotated[
    Path, typer.Argument(metavar="DIR", help="inventory.yaml, cabling.yaml and startup-configs/DEVICE.cfg.")
]
Ssh = Annotated[
    str,
    typer.Option("--ssh", metavar="HOST:PORT", help="Where the first device listens; the others follow; port 0: any."),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write inventory.yaml and known_hosts with the devices' ports there."),
]
Authorized = Annotated[
    Path | None,
    typer.Option("--authorized-keys", metavar="FILE", help="Public keys that are let in, as OpenSSH has them."),
]
FabricFile = Annotated[
    Path | None,
    typer.Option("--fabric", metavar="TOPOLOGY", help="Join this fabric by the cables in `border:` of cabling.yaml."),
]
Controller = Annotated[
    str, typer.Option("--controller", metavar="tcp:HOST:PORT", help="The fabric's OpenFlow 1.3 controller.")
]
ControlAt = Annotated[
    str | None,
    typer.Option(
        "--control",
        metavar="PATH|HOST:PORT",
        help="Take orders there (clos sim-control). Default: DIR/control of --out, else nowhere.",
    ),
]

Silent = Annotated[
    bool,
    typer.Option("--silent", help="Hosts do not ask for their gateways by themselves."),
]


def sim_legacy(
    directory: Directory,
    ssh: Ssh = "127.0.0.1:2200",
    out: Out = None,
    authorized: Authorized = None,
    fabric: FabricFile = None,
    controller: Controller = "tcp:127.0.0.1:6653",
    control: ControlAt = None,
    silent: Silent = False,
) -> None:
    """Run simulated IOS-like switches and routers, reached over SSH.

    Each device has a command line over SSH at a port of its own, and carries packets between simulated hosts, until
    Ctrl-C or SIGTERM. With --fabric, a simulated fabric runs beside them on the same clock, cabled to them; hosts that
    both know are plugged into the legacy network at first.
    """
    host, first = address(ssh)
    where = address(controller) if fabric is not None else None
    world = _world(directory, fabric)
    if find_spec("asyncssh") is None:
        raise unchecked("SSH needs asyncssh: pip install 'clos-fabric[migrate]'")
    from clos.fabric.sim.world.running import Doorway, WorldThread  # noqa: PLC0415 - asyncssh is an extra

    _settle(world, silent)
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    place = _control(control, out)
    _check_places(ssh, first + len(world.legacy.devices) - 1 if first else 0, place)
    _make(out)
    doorway = Doorway(host, first, _keys(authorized), where, place)
    try:
        with WorldThread(world, doorway) as running:
            _write(out, directory, host, running.open)
            _say(world, running.open, where)
            _wait(running, ended.wait)
    except OSError as error:
        raise _deaf(ssh, control, error) from None


def _settle(world: World, silent: bool) -> None:
    world.run(SETTLED)
    if not silent:
        chatter.start(world)
        world.run(1)


def _deaf(ssh: str, control: str | None, error: OSError) -> Stop:
    places = f"{ssh} or at --control {control}" if control else ssh
    return unchecked(f"cannot listen at {places}: {error.strerror or error}; choose another with --ssh or --control")


def _check_places(ssh: str, last: int, control: Path | tuple[str, int] | None) -> None:
    """Places at which nobody could listen. Raises Stop."""
    if last > 65535:
        raise usage(f"--ssh {ssh}: the last device would have port {last}, and ports end at 65535")
    if isinstance(control, tuple) and not (_loopback(control[0]) and control[1] <= 65535):
        raise usage(f"--control {control[0]}:{control[1]}: orders are taken on loopback only, such as 127.0.0.1:9000")


def _say(world: World, where: Open, controller: tuple[str, int] | None) -> None:
    for device, port in where.devices.ports.items():
        typer.echo(f"{device}: ssh -p {port} {where.devices.host}")
    plan = world.legacy.plan
    typer.echo(f"clos: {count(len(plan.devices), 'device', 'devices')} of {plan.name} run")
    if where.control is not None:
        place = where.control if isinstance(where.control, Path) else ":".join(map(str, where.control))
        typer.echo(f"clos: takes orders at {place}: clos sim-control {place} status")
    if world.fabric is not None and controller is not None:
        switches = count(len(world.fabric.switches), "switch", "switches")
        typer.echo(f"clos: {switches} of {world.fabric.topology.name} connect to {controller[0]}:{controller[1]}")


def _wait(running: WorldThread, wait: Callable[[float], bool]) -> None:
    """Until the end; says how many switches are connected whenever that changes."""
    known = 0
    while not wait(0.2):
        connected = running.running.connected
        if connected != known and running.world.fabric is not None:
            known = connected
            typer.echo(f"clos: {connected} of {len(running.world.fabric.switches)} connected")


def _world(directory: Path, fabric: Path | None) -> World:
    """The directory's network, joined with the fabric. Raises Stop: FAILED with every problem of its files, USAGE where
    they are not there."""
    topology = None if fabric is None else read_topology(fabric)
    try:
        plan = read_network(directory)
        world = World(plan, topology, dict(plan.borders))
    except Unreadable as error:
        raise failed(f"{directory} describes no network", error.problems, problems=list(error.problems)) from None
    except ValueError as error:
        raise failed(f"{directory} and {fabric} do not fit together", (str(error),), problems=[str(error)]) from None
    except OSError as error:
        raise usage(f"{error.filename or directory}: {error.strerror}") from None
    if refused := refused_lines(world.legacy, directory):
        raise failed(f"{count(len(refused), 'line', 'lines')} refused by the devices", refused, problems=list(refused))
    return world


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _control(text: str | None, out: Path | None) -> Place | None:
    """A loopback address and port, or the path of a socket; by default one beside the inventory that is written."""
    if text is None:
        return None if out is None else out / "control"
    host, colon, port = text.rpartition(":")
    return (host, int(port)) if colon and port.isdecimal() and "/" not in text else Path(text)


def _keys(file: Path | None) -> tuple[str, ...]:
    if file is None:
        return ()
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"{file}: cannot be read: {error}") from None
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def _make(out: Path | None) -> None:
    """Raises Stop (UNCHECKED): the directory cannot be made."""
    try:
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unchecked(f"{error.filename}: cannot be made: {error.strerror}") from None


def _write(out: Path | None, directory: Path, host: str, where: Open) -> None:
    """Raises Stop (UNCHECKED): the files cannot be written."""
    if out is None:
        return
    try:
        hosts = (out / "known_hosts").absolute()
        hosts.write_text(where.devices.known_hosts, encoding="utf-8")
        written = running_inventory(directory, host, where.devices.ports, str(hosts))
        (out / INVENTORY).write_text(written, encoding="utf-8")
    except OSError as error:
        raise unchecked(f"{error.filename}: cannot be written: {error.strerror}") from None
