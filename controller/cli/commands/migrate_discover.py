"""``migrate discover`` and ``show``: a legacy network read, and what was discovered."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from clos.controller.cli.answer import FAILED, OK, UNCHECKED, Answer, answering, complain, unchecked, usage
from clos.controller.cli.render.migration import VIEWS, summary
from clos.controller.migrate.discover.assemble import Collected, network
from clos.controller.migrate.discover.files import NoOutputs, collect, keep
from clos.controller.migrate.model import Network
from clos.controller.migrate.netbox import netbox_objects
from clos.controller.migrate.network_json import network_json
from clos.controller.migrate.pictures.layer2 import NoPicture, layer2
from clos.controller.migrate.pictures.layer3 import layer3

View = Enum("View", [(name, name) for name in VIEWS])  # type: ignore[misc]
SUMMARY = View("summary")


Inventory = Annotated[
    str | None,
    typer.Argument(
        metavar="[INVENTORY]",
        help="The devices to ask over SSH: YAML, an Ansible inventory, a NetBox (its URL, or an export of devices).",
    ),
]
FromFiles = Annotated[
    Path | None,
    typer.Option("--from-files", metavar="DIR", help="Read files: DEVICE/show_*.txt, or configs/ and show/."),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Keep the outputs there, secrets removed (over SSH: ./discovered)."),
]
User = Annotated[str, typer.Option(envvar="CLOS_MIGRATE_USER", help="The user, where the inventory has none.")]
Parallel = Annotated[int, typer.Option(min=1, max=256, metavar="N", help="Devices asked at once.")]
Timeout = Annotated[float, typer.Option(min=1, metavar="SECONDS", help="For a connection.")]
KnownHosts = Annotated[
    Path | None, typer.Option("--known-hosts", metavar="FILE", help="Host keys, beside those of ~/.ssh/known_hosts.")
]
Accept = Annotated[
    bool, typer.Option("--accept-new-host-keys", help="Trust a host whose key is not known, and keep its key.")
]


@answering
def discover(
    inventory: Inventory = None,
    from_files: FromFiles = None,
    out: Out = None,
    user: User = "",
    parallel: Parallel = 32,
    timeout: Timeout = 15.0,
    known_hosts: KnownHosts = None,
    accept: Accept = False,
) -> Answer:
    """Read a legacy network: configurations and tables of its devices, held against one another.

    Over SSH only commands that change nothing are sent. The password is CLOS_MIGRATE_PASSWORD, that of the key ring
    (service "clos"), or an SSH agent's key; CLOS_MIGRATE_ENABLE is the enable password. Exits with 1 when a line was
    not understood, an output is missing or two sources contradict each other; with 3 when a device could not be asked.
    """
    if (inventory is None) == (from_files is None):
        raise usage("say what to read: either an INVENTORY or --from-files DIR")
    if from_files is not None:
        devices = _collected(from_files)
        _keep(devices, out)
        return _answer(network(devices))
    assert inventory is not None
    from clos.controller.cli.legacy_access import ask_all  # noqa: PLC0415 - SSH takes half a second to load

    kept = out or Path("discovered")
    devices = ask_all(inventory, user, known_hosts, accept, timeout, parallel, lambda one: _keep((one,), kept))
    complain(f"the outputs are in {kept}")
    return _answer(network(devices), UNCHECKED if any(not device.outputs for device in devices) else OK)


def _keep(devices: tuple[Collected, ...], directory: Path | None) -> None:
    try:
        if directory is not None:
            keep(devices, directory)
    except OSError as fault:
        raise unchecked(f"the outputs cannot be kept in {directory}: {fault.strerror}") from None


def _answer(found: Network, worst: int = OK) -> Answer:
    problems = found.unparsed or found.contradictions or found.missing
    return Answer(network_json(found), lambda: summary(found), worst or (FAILED if problems else OK))


Picture = Enum("Picture", [("l2", "l2"), ("l3", "l3")])
To = Enum("To", [("netbox", "netbox")])


@answering
def show(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where outputs were kept.")],
    view: Annotated[View, typer.Argument(metavar="[VIEW]", help=f"One of {', '.join(VIEWS)}.")] = SUMMARY,
    to: Annotated[
        To | None, typer.Option(metavar="netbox", help="The network's objects as NetBox imports them.")
    ] = None,
    picture: Annotated[
        Picture | None, typer.Option(metavar="l2|l3", help="A picture (SVG): layer 2 of a VLAN, or layer 3.")
    ] = None,
    vlan: Annotated[
        int | None, typer.Option(min=1, max=4094, metavar="N", help="The VLAN of a picture of layer 2.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="PATH", help="The picture's file; with --to a directory, a file a kind."
        ),
    ] = None,
) -> Answer:
    """Show a discovered network as tables, as a picture, or with --json every value of it.

    --to netbox prints one document, or writes a file for each kind of object, numbered in the order of their import.
    """
    found = network(_collected(directory))
    if to is not None and picture is not None:
        raise usage("--to and --picture are two different answers: ask for one")
    if (vlan is not None) != (picture is not None and picture.value == "l2"):
        raise usage("--picture l2 and --vlan N belong together")
    if output is not None and to is None and picture is None:
        raise usage("--output goes with --to or --picture")
    if to is not None:
        return _exported(found, output)
    if picture is not None:
        return _drawn(found, vlan, output)
    return Answer(network_json(found), lambda: VIEWS[view.value](found))


def _exported(found: Network, directory: Path | None) -> Answer:
    """The objects on stdout, or in files."""
    objects = netbox_objects(found)
    if directory is None:
        return Answer(objects, lambda: iter(json.dumps(objects, indent=2).split("\n")))
    written = []
    for number, (kind, rows) in enumerate(objects.items(), 1):
        path = directory / f"{number:02}-{kind}.json"
        _written(path, json.dumps(rows, indent=2) + "\n")
        written.append(f"{path}: {len(rows)}")
    return Answer(objects, lambda: iter(written))


def _drawn(found: Network, vlan: int | None, path: Path | None) -> Answer:
    """The picture on stdout, or in a file."""
    try:
        drawing = layer3(found) if vlan is None else layer2(found, vlan)
    except NoPicture as fault:
        raise unchecked(str(fault)) from None
    if path is None:
        return Answer({"svg": drawing}, lambda: iter(drawing.rstrip("\n").split("\n")))
    _written(path, drawing)
    return Answer({"svg": drawing, "file": str(path)}, lambda: iter([f"the picture is in {path}"]))


def _written(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise unchecked(f"{path} cannot be written: {fault.strerror}") from None


def _collected(directory: Path) -> tuple[Collected, ...]:
    try:
        return collect(directory)
    except NoOutputs as fault:
        raise usage(str(fault)) from None
    except OSError as fault:
        raise usage(f"{fault.filename or directory} cannot be read: {fault.strerror}") from None
