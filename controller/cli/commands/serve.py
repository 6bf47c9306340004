"""``serve``: the controller as a program that runs until it is told to stop."""

from __future__ import annotations

import logging
import socket
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from clos.controller.api.process import serve as run
from clos.controller.cli.answer import unchecked, usage
from clos.controller.cli.logs import log_to_stderr
from clos.controller.cli.openflow_address import address
from clos.controller.cli.remote import DEFAULT, StateDir
from clos.controller.cluster.cluster import LEASE_SECONDS, Cluster
from clos.controller.daemon import FINISH, UNDO, Locked, Refused
from clos.controller.daemon.changes.four_eyes import FourEyes
from clos.controller.daemon.changes.four_eyes import four_eyes as rule
from clos.controller.daemon.switches.tolerance import Tolerance, tolerance
from clos.controller.daemon.switches.watch import POLICIES
from clos.controller.daemon.telemetry.steering import POLICIES as GRAY_POLICIES
from clos.controller.explain.inputs import read_topology
from clos.controller.store import StoreError
from clos.controller.store.etcd_client import EtcdError
from clos.controller.store.etcd_client import Tls as EtcdTls
from clos.controller.wire.osken.patches import Tls


class Policy(StrEnum):
    """On drift."""

    REPORT, REPAIR, ASK = POLICIES


class OnGray(StrEnum):
    """On a cable or spine that is up but spoils frames."""

    STEER, REPORT = GRAY_POLICIES


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
Bound = Annotated[
    bool,
    typer.Option("--tls-bound", help="Refuse certificates that name no datapath id (clos pki makes some)."),
]
ApiKey = Annotated[
    Path | None, typer.Option("--api-tls-key", metavar="PEM", help="The API speaks HTTPS; its private key.")
]
ApiCert = Annotated[Path | None, typer.Option("--api-tls-cert", metavar="PEM", help="The API's certificate.")]
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
Gray = Annotated[
    OnGray, typer.Option("--gray", help="What to do when probes find a cable or spine that is up but spoils frames.")
]
Tolerated = Annotated[
    list[str] | None,
    typer.Option(
        "--tolerate", metavar="COOKIE[/MASK]", help="Rules of others that are meant to be there; may be given again."
    ),
]
LogForm = Annotated[LogFormat, typer.Option("--log-format", help="Lines for people, or one JSON document a line.")]
StoreAddress = Annotated[
    str,
    typer.Option(
        "--store",
        metavar="etcd://HOST:PORT,...",
        help="Of several controllers: the etcd that they share. One of them leads. Default: a file in --state.",
    ),
]
Name = Annotated[str, typer.Option(metavar="NAME", help="Of several controllers, this one's; default: the host's.")]
LeaseSeconds = Annotated[
    int,
    typer.Option("--lease", metavar="SECONDS", min=2, max=60, help="A leader that is silent for so long is replaced."),
]
StoreAuthority = Annotated[
    Path | None, typer.Option("--store-tls-ca", metavar="PEM", help="TLS to etcd; who signed its certificates.")
]
StoreKey = Annotated[Path | None, typer.Option("--store-tls-key", metavar="PEM", help="Our private key for etcd.")]
StoreCert = Annotated[Path | None, typer.Option("--store-tls-cert", metavar="PEM", help="Our certificate for etcd.")]
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
    tls_bound: Bound = False,
    api_tls_key: ApiKey = None,
    api_tls_cert: ApiCert = None,
    no_discovery: Blind = False,
    four_eyes: TwoPeople = None,
    drift: OnDrift = Policy.REPORT,
    tolerate: Tolerated = None,
    gray: Gray = OnGray.STEER,
    store: StoreAddress = "",
    name: Name = "",
    lease: LeaseSeconds = LEASE_SECONDS,
    store_tls_ca: StoreAuthority = None,
    store_tls_key: StoreKey = None,
    store_tls_cert: StoreCert = None,
    log_format: LogForm = LogFormat.TEXT,
    verbose: Verbose = False,
) -> None:
    """Run the controller.

    It holds the fabric to the revision in force until it is told to stop (Ctrl-C, SIGTERM); switches keep their rules
    then. Port 0 takes any free port; the addresses are written to the state directory, where other commands find them.
    With --store several controllers hold the same fabric: one leads, the others take over when it is gone.
    """
    log_to_stderr(logging.INFO if verbose else logging.ERROR, log_format is LogFormat.JSON)
    options: dict[str, Any] = {"api_anywhere": api_anywhere, "discovery": not no_discovery, "drift": drift.value}
    options |= {"api_tls": _api_tls(api_tls_key, api_tls_cert), "four_eyes": _rule(four_eyes)}
    options |= {"tolerance": _tolerance(tolerate), "gray": gray.value}
    options |= {"tls": _tls(tls_key, tls_cert, tls_ca, tls_bound), "recover": UNDO if undo else FINISH}
    options["cluster"] = _cluster(store, name, lease, (store_tls_ca, store_tls_cert, store_tls_key))
    _run(topology, state, listen, api, options)


def _run(topology: Path, state: Path, listen: str, api: str, options: dict[str, Any]) -> None:
    read_topology(topology)
    try:
        run(topology, state, address(listen), address(api), say=typer.echo, **options)
    except (Locked, Refused, StoreError, OSError) as error:  # OSError: an address that cannot be used
        raise unchecked(str(error)) from None


def _cluster(address: str, name: str, lease: int, files: tuple[Path | None, Path | None, Path | None]) -> Any:
    """The controllers that this one is among; None: it is alone. Raises Stop."""
    for path in files:
        if path is not None and not path.is_file():
            raise usage(f"{path}: no such file")
    ca, cert, key = files
    if not address:
        if name or any(files):
            raise usage("--name and --store-tls-... go with --store: one controller alone has no use for them")
        return None
    if (cert is None) != (key is None) or (cert is not None and ca is None):
        raise usage(
            "TLS to etcd needs --store-tls-ca, and --store-tls-cert with --store-tls-key where etcd asks for them"
        )
    try:
        return Cluster(address, name or socket.gethostname(), EtcdTls(ca, cert, key) if ca else None, lease)
    except ValueError as error:
        raise usage(f"--store: {error}") from None
    except EtcdError as error:
        raise unchecked(str(error)) from None


def _tolerance(words: list[str] | None) -> Tolerance:
    try:
        return tolerance(words or ())
    except ValueError as error:
        raise usage(f"--tolerate: {error}") from None


def _rule(words: list[str] | None) -> FourEyes:
    try:
        return rule(words or ())
    except ValueError as error:
        raise usage(f"--four-eyes: {error}") from None


def _api_tls(key: Path | None, cert: Path | None) -> tuple[str, str] | None:
    for path in (key, cert):
        if path is not None and not path.is_file():
            raise usage(f"{path}: no such file")
    if (key is None) != (cert is None):
        raise usage("HTTPS needs both --api-tls-key and --api-tls-cert")
    return (str(key), str(cert)) if key and cert else None


def _tls(key: Path | None, cert: Path | None, ca: Path | None, bound: bool) -> Tls | None:
    """What TLS needs, None for plain TCP. Raises Stop (USAGE) when a file is not there or not named."""
    given = [path for path in (key, cert, ca) if path is not None]
    for path in given:
        if not path.is_file():
            raise usage(f"{path}: no such file")
    if key is not None and cert is not None:
        if bound and ca is None:
            raise usage("--tls-bound needs --tls-ca: without it switches show no certificates")
        return Tls(str(key), str(cert), str(ca) if ca else None, bound)
    if given:
        raise usage("TLS needs --tls-key and --tls-cert; --tls-ca besides, if switches must show certificates")
    return None
