"""Options that several commands have. Must not know: what commands do with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from clos.controller.cli.option_groups import OptionGroup

From = Annotated[str, typer.Option("--from", metavar="ENDPOINT", help="Who sends: tenant/name, name or address.")]
To = Annotated[str, typer.Option("--to", metavar="ENDPOINT", help="To whom.")]
ServiceWord = Annotated[str, typer.Option("--service", "-s", metavar="SERVICE", help="tcp/1433, udp/53, icmp, ip/47.")]
Via = Annotated[str, typer.Option("--via", metavar="LEAF", help="The leaf a dual-homed host sends by.")]
AtPort = Annotated[str, typer.Option("--in", metavar="LEAF:PORT", help="Where a raw --packet enters.")]
Hexadecimal = Annotated[str, typer.Option("--packet", metavar="HEX", help="A raw Ethernet frame.")]


@dataclass(frozen=True, slots=True)
class PacketOptions(OptionGroup):
    """One packet: the first that an endpoint sends to another for a service, or a raw frame at a port."""

    source: From = ""
    target: To = ""
    service: ServiceWord = "icmp"
    via: Via = ""
    at: AtPort = ""
    packet: Hexadecimal = ""


Before = Annotated[
    list[Path] | None, typer.Option("--from", metavar="INTENTS", help="Start from these; needs no controller.")
]
FromTopology = Annotated[
    Path | None,
    typer.Option("--from-topology", metavar="FILE", help="The topology that --from is for; by default the same."),
]
Detailed = Annotated[bool, typer.Option("--detailed-exitcode", help="Exit with 4 when there are changes.")]
Entries = Annotated[bool, typer.Option("--entries", "-e", help="Show every entry, not only numbers.")]
All = Annotated[bool, typer.Option("--all", "-a", help="Show all changes (default: the first ten).")]
Untouched = Annotated[
    bool, typer.Option("--untouched", help="Compare rules before and after for all packets, however many there are.")
]
Limit = Annotated[int, typer.Option(min=0, metavar="N", help="Print at most N entries; count the rest.")]
Roles = Annotated[
    list[str] | None,
    typer.Option("--role", metavar="ROLE", help="viewer, planner, approver, operator or admin; may be given again."),
]
