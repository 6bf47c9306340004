"""``pki``: a small certificate authority for the fabric."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clos.controller.cli.answer import Answer, answering, unchecked, usage
from clos.controller.cli.remote import DEFAULT
from clos.controller.cli.render.text import columns, count

if TYPE_CHECKING:
    from clos.controller.pki.authority import Authority, Pair

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Make an authority, and certificates for switches and controllers.",
)


def _place() -> Path:
    """Where commands look for the authority that they trust: in the state directory."""
    return Path(os.environ.get("CLOS_STATE") or DEFAULT) / "pki"


Directory = Annotated[
    Path,
    typer.Option(
        "--dir",
        metavar="DIR",
        help="Where keys and certificates are.",
        default_factory=_place,
        show_default="pki in the state directory",
    ),
]
Days = Annotated[int, typer.Option(min=1, max=3650, metavar="DAYS", help="How long it counts.")]
CA = "ca"


@app.command("init")
@answering
def init(
    directory: Directory,
    name: Annotated[str, typer.Option(metavar="NAME", help="Of the authority.")] = "Clos fabric",
    days: Days = 3650,
) -> Answer:
    """Make an authority. Keep ca.key secret: whoever has it can make a switch or a controller."""
    from clos.controller.pki.authority import new_authority  # noqa: PLC0415 - cryptography takes a tenth of a second

    if (directory / f"{CA}.key").exists():
        raise usage(f"{directory / CA}.key: there is an authority already; another --dir makes another")
    _write(directory, CA, new_authority(name, days))
    return _made(directory, [CA], "It signs: clos pki switches TOPOLOGY, clos pki controller NAME")


@app.command("switches")
@answering
def switches(
    topology: Annotated[Path, typer.Argument(metavar="TOPOLOGY", help="The fabric.")],
    directory: Directory,
    days: Days = 825,
) -> Answer:
    """Make a certificate for every switch of a fabric that has none yet, each bound to its datapath id.

    A switch that shows another switch's certificate is refused.
    """
    from clos.controller.explain.inputs import read_topology  # noqa: PLC0415 - for who reads one

    authority = _authority(directory)
    fabric = read_topology(topology)
    missing = [one for one in fabric.switches.values() if not (directory / f"{one.name}.pem").exists()]
    for one in missing:
        _write(directory, one.name, authority.switch(one.name, one.dpid, days))
    return _made(directory, [one.name for one in missing], f"{count(len(missing), 'certificate')} made")


@app.command("switch")
@answering
def switch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the switch; the files' name.")],
    dpid: Annotated[str, typer.Argument(metavar="DPID", help="Its datapath id: 0x1, or 16 hexadecimal digits.")],
    directory: Directory,
    days: Days = 825,
) -> Answer:
    """Make a certificate for one switch, in place of the one it has."""
    try:
        number = int(dpid, 0 if dpid.startswith("0x") else 16)
        if not 0 < number < 1 << 64:
            raise ValueError
    except ValueError:
        raise usage(f"{dpid}: a datapath id is 0x1, or 16 hexadecimal digits") from None
    _write(directory, _file_name(name), _authority(directory).switch(name, number, days))
    return _made(directory, [name], f"for datapath id {number:#x} only")


@app.command("controller")
@answering
def controller(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the controller; the files' name.")],
    directory: Directory,
    host: Annotated[
        list[str] | None,
        typer.Option("--host", metavar="HOST", help="A name or address it is reached by, besides this machine's own."),
    ] = None,
    days: Days = 825,
) -> Answer:
    """Make a certificate for a controller: its OpenFlow port, its API and its web page."""
    for each in host or ():
        if not each or not each.isprintable() or " " in each:
            raise usage(f"--host {each!r} is no name or address")
    hosts = ["localhost", "127.0.0.1", "::1", *(host or ())]
    _write(directory, _file_name(name), _authority(directory).controller(name, hosts, days))
    return _made(directory, [name], f"reached as {', '.join(hosts)}")


@app.command("list")
@answering
def list_(directory: Directory) -> Answer:
    """List certificates: whose they are, what they name, until when they count."""
    from clos.controller.pki.authority import Unusable, about  # noqa: PLC0415 - as above

    rows = []
    for path in sorted(directory.glob("*.pem")):
        try:
            found = about(path.read_bytes())
        except (OSError, Unusable) as error:
            raise unchecked(f"{path}: {error}") from None
        rows.append({"file": path.name, "subject": found.subject, "names": [*found.names], "ends": f"{found.ends:%F}"})
    head = ("file", "subject", "ends", "names")
    cells = [(str(row["file"]), str(row["subject"]), str(row["ends"]), ", ".join(row["names"])) for row in rows]
    return Answer({"certificates": rows}, lambda: columns([head, *cells]))


def _authority(directory: Path) -> Authority:
    from clos.controller.pki.authority import Authority, Pair, Unusable  # noqa: PLC0415 - as above

    try:
        return Authority(Pair((directory / f"{CA}.key").read_bytes(), (directory / f"{CA}.pem").read_bytes()))
    except FileNotFoundError as error:
        raise usage(f"{error.filename}: there is no authority yet; clos pki init makes one") from None
    except (OSError, Unusable) as error:
        raise unchecked(f"{directory}: {error}") from None


def _file_name(name: str) -> str:
    if name == CA or name.startswith(".") or "/" in name or not name.isprintable():
        raise usage(f"{name!r} cannot be the name of a certificate's files")
    return name


def _write(directory: Path, name: str, pair: Pair) -> None:
    """Both files, the key readable by its owner only; whole, or not at all."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for suffix, content, mode in (("key", pair.key, 0o600), ("pem", pair.certificate, 0o644)):
            fresh = directory / f".{name}.{suffix}.new"
            fresh.unlink(missing_ok=True)
            descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            fresh.replace(directory / f"{name}.{suffix}")
    except OSError as error:
        raise unchecked(f"{error.filename or directory}: cannot be written: {error.strerror}") from None


def _made(directory: Path, names: list[str], note: str) -> Answer:
    files = [str(directory / f"{name}.{suffix}") for name in names for suffix in ("key", "pem")]

    def lines() -> Iterator[Text | str]:
        yield from files[:20]
        if len(files) > 20:
            yield f"and {len(files) - 20} more"
        yield note

    return Answer({"files": files}, lines)
