"""Options that several commands have. Must not know: what commands do with them."""

from __future__ import annotations

from typing import Annotated

import typer

From = Annotated[str, typer.Option("--from", metavar="ENDPOINT", help="Who sends: tenant/name, name or address.")]
To = Annotated[str, typer.Option("--to", metavar="ENDPOINT", help="To whom.")]
ServiceWord = Annotated[str, typer.Option("--service", "-s", metavar="SERVICE", help="tcp/1433, udp/53, icmp, ip/47.")]
Via = Annotated[str, typer.Option("--via", metavar="LEAF", help="The leaf a dual-homed host sends by.")]
AtPort = Annotated[str, typer.Option("--in", metavar="LEAF:PORT", help="Where a raw --packet enters.")]
Hexadecimal = Annotated[str, typer.Option("--packet", metavar="HEX", help="A raw Ethernet frame.")]
