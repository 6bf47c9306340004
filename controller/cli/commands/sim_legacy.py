"""``sim-legacy``: a simulated legacy network, each device reached over SSH, until it is told to stop."""

from __future__ import annotations

import signal
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from clos.controller.cli.answer import failed, unchecked, usage
from clos.controller.cli.openflow_address import address
from clos.controller.cli.render.text import count
from clos.controller.migrate.simulated import INVENTORY, Unreadable, read_network, refused_lines, running_inventory
from clos.fabric.sim.legacy.network import LegacyNetwork

Directory = Annotated[
    Path, typer.Argument(metavar="DIR", help="inventory.yaml, cabling.yaml and startup-configs/DEVICE.cfg.")
]
Ssh = Annotated[
    str, typer.Option("--ssh", metavar="HOST:PORT", help="Where the first device listens; the others follow. 0: any.")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write inventory.yaml and known_hosts with the devices' ports there."),
]
Authorized = Annotated[
    Path | None,
    typer.Option("--authorized-keys", metavar="FILE", help="Public keys that are let in, as OpenSSH has them."),
]


def sim_legacy(
    directory: Directory, ssh: Ssh = "127.0.0.1:2200", out: Out = None, authorized: Authorized = None
) -> None:
    """Run simulated IOS-like switches and routers, reached over SSH.

    Each device has a command line over SSH at a port of its own, until Ctrl-C or SIGTERM.
    """
    host, first = address(ssh)
    network = _network(directory)
    if find_spec("asyncssh") is None:
        raise unchecked("SSH needs asyncssh: pip install 'clos-fabric[migrate]'")
    from clos.fabric.sim.legacy.running import LegacyThread  # noqa: PLC0415 - asyncssh is an extra

    network.settle()
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    try:
        with LegacyThread(network, host, first, _keys(authorized)) as running:
            where = running.listening
            _write(out, directory, host, where.ports, where.known_hosts)
            for device, port in where.ports.items():
                typer.echo(f"{device}: ssh -p {port} {host}")
            typer.echo(f"clos: {count(len(where.ports), 'device', 'devices')} of {network.plan.name} run")
            ended.wait()
    except OSError as error:
        raise unchecked(f"cannot listen at {ssh}: {error.strerror or error}; choose another with --ssh") from None


def _network(directory: Path) -> LegacyNetwork:
    """The directory's network. Raises Stop: FAILED with every problem of its files, USAGE where they are not there."""
    try:
        network = LegacyNetwork(read_network(directory))
    except Unreadable as error:
        raise failed(f"{directory} describes no network", error.problems, problems=list(error.problems)) from None
    except OSError as error:
        raise usage(f"{error.filename or directory}: {error.strerror}") from None
    if refused := refused_lines(network, directory):
        raise failed(f"{count(len(refused), 'line', 'lines')} refused by the devices", refused, problems=list(refused))
    return network


def _keys(file: Path | None) -> tuple[str, ...]:
    if file is None:
        return ()
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"{file}: cannot be read: {error}") from None
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def _write(out: Path | None, directory: Path, host: str, ports: dict[str, int], known_hosts: str) -> None:
    """Raises Stop (UNCHECKED): the files cannot be written."""
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        hosts = (out / "known_hosts").absolute()
        hosts.write_text(known_hosts, encoding="utf-8")
        (out / INVENTORY).write_text(running_inventory(directory, host, ports, str(hosts)), encoding="utf-8")
    except OSError as error:
        raise unchecked(f"{error.filename}: cannot be written: {error.strerror}") from None
