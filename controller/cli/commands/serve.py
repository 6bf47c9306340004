"""``serve``: the controller as a program that runs until it is told to stop."""

from __future__ import annotations

import logging
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from clos.controller.api.process import serve as run
from clos.controller.cli.answer import unchecked, usage
from clos.controller.cli.logs import log_to_stderr
from clos.controller.cli.openflow_address import address
from clos.controller.cli.remote import DEFAULT, StateDir
from clos.controller.daemon import FINISH, UNDO, Locked, Refused
from clos.controller.daemon.changes.four_eyes import FourEyes
from clos.controller.daemon.changes.four_eyes import four_eyes as rule
from clos.controller.daemon.switches.watch import POLICIES
from clos.controller.explain.inputs import read_topology
from clos.controller.store import StoreError
from clos.controller.wire.osken.patches import Tls


class Policy(StrEnum):
    """On drift."""

    REPORT, REPAIR, ASK = POLICIES


class LogFormat(StrEnum):
    """Of the log on stderr."""

    TEXT, JSON = "text", "json"


TopologyFile = Annotated[Path, typer.Argument(metavar="TOPOLOGY", help="The fabric.")]
Listen = Annotated[str, typer.Option(metavar="HOST:PORT", help="Where switches connect.")]
Api = Annotated[str, typer.Option(metavar="HOST:PORT", help="Where programs ask.")]
Anywhere = Annotated[bool, typer.Option("--api-anywhere", help="Consent to an --api that other machines can reach.")]
Undo = Annotated[bool, typer.Option("--undo", help="Take back what a crash cut short, instead of finishing it.")]
Key = Annotated[Path | None, typer.Option("--tls-key", metavar="PEM", help="Switches connect by TLS; our private key.")]
Cert = Annotated[Path | None, typer.Option("--tls-cert", metavar="PEM", help="Our certificate.")]
Authority = Annotated[
    Path | None,
    typer.Option("--tls-ca", metavar="PEM", help="Refuse switches without a certificate of this authority."),
]
Blind = Annotated[bool, typer.Option("--no-discovery", help="Disable discovery of the cabling (clos links).")]
TwoPeople = Annotated[
    list[str] | None,
    typer.Option(
        "--four-eyes",
        metavar="RULE",
        help="Changes that take two people: always, brakes, or tenant=NAME; may be given again.",
    ),
]
OnDrift = Annotated[Policy, typer.Option("--drift", help="What to do when another changes a switch's entries.")]
LogForm = Annotated[LogFormat, typer.Option("--log-format", help="Lines for people, or one JSON document a line.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log to stderr.")]


def serve(
    topology: TopologyFile,
    state: StateDir = DEFAULT,
    listen: Listen = "127.0.0.1:6653",
    api: Api = "127.0.0.1:8181",
    api_anywhere: Anywhere = False,
    undo: Undo = False,
    tls_key: Key = None,
    tls_cert: Cert = None,
    tls_ca: Authority = None,
    no_discovery: Blind = False,
    four_eyes: TwoPeople = None,
    drift: OnDrift = Policy.REPORT,
    log_format: LogForm = LogFormat.TEXT,
    verbose: Verbose = False,
) -> None:
    """Run the controller.

    It holds the fabric to the revision in force until it is told to stop (Ctrl-C, SIGTERM); switches keep their rules
    then. Port 0 takes any free port; the addresses are written to the state directory, where other commands find them.
    """
    log_to_stderr(logging.INFO if verbose else logging.ERROR, log_format is LogFormat.JSON)
    read_topology(topology)
    try:
        run(
            topology,
            state,
            address(listen),
            address(api),
            api_anywhere=api_anywhere,
            recover=UNDO if undo else FINISH,
            tls=_tls(tls_key, tls_cert, tls_ca),
            discovery=not no_discovery,
            four_eyes=_rule(four_eyes),
            drift=drift.value,
            say=typer.echo,
        )
    except (Locked, Refused, StoreError, OSError) as error:  # OSError: an address that cannot be used
        raise unchecked(str(error)) from None


def _rule(words: list[str] | None) -> FourEyes:
    try:
        return rule(words or ())
    except ValueError as error:
        raise usage(f"--four-eyes: {error}") from None


def _tls(key: Path | None, cert: Path | None, ca: Path | None) -> Tls | None:
    """What TLS needs, None for plain TCP. Raises Stop (USAGE) when a file is not there or not named."""
    given = [path for path in (key, cert, ca) if path is not None]
    for path in given:
        if not path.is_file():
            raise usage(f"{path}: no such file")
    if key is not None and cert is not None:
        return Tls(str(key), str(cert), str(ca) if ca else None)
    if given:
        raise usage("TLS needs --tls-key and --tls-cert; --tls-ca besides, if switches must show certificates")
    return None
