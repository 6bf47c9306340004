"""The words all documents are written in, and the frame that every document has.

Lives here: names, addresses, rates and services as shapes; ``apiVersion``, ``kind``, ``metadata``, ``spec``. Must not
know: what a tenant or a topology is.
"""

from __future__ import annotations

from collections.abc import Mapping

from clos.controller.intent.problem import Findings
from clos.controller.intent.schema import scalars
from clos.controller.intent.schema.shapes import BAD, Choice, Key, Number, Record, Scalar, text
from clos.controller.intent.tree import Node

API_VERSION = "clos/v1"

NAME = text(
    "a name",
    "[A-Za-z0-9][A-Za-z0-9_.-]{0,62}",
    "names are 1 to 63 letters, digits, dots, dashes and underscores, and start with a letter or digit",
)
LABEL = text(
    "a label value",
    r"[^\n]{1,128}",
    "label values are at most 128 characters on one line",
    types=("string", "number", "boolean"),
)
NOTE = text("a text", r"[^\x00]{1,4096}", "at most 4,096 characters")
TICKET = text("a ticket", r"[^\x00-\x1f\x7f]{1,128}", "a ticket is at most 128 characters on one line", "CHG-1042")
IPV4 = Scalar("an IPv4 address", scalars.ipv4, r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", "10.1.0.5")
ALL = "all"
NO_GATEWAY = "none"
GATEWAY_WORD = Scalar("an IPv4 address or none", scalars.gateway, r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|none", "10.1.0.1")
SUBNET = Scalar("a subnet", scalars.cidr, r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}/[0-9]{1,2}", "10.1.0.0/24")
PREFIX = Scalar("a prefix", scalars.prefix, r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}/[0-9]{1,2}", "10.244.3.0/24")
_PAIR = "[0-9A-Fa-f]{2}"
MAC = Scalar("a MAC address", scalars.mac, f"{_PAIR}(?:(?::{_PAIR}){{5}}|(?:-{_PAIR}){{5}})", "02:00:00:00:00:01")
SERVICE = Scalar(
    "a service",
    scalars.service,
    r"any|icmp|gre|esp|(?:tcp|udp|sctp)(?:/[0-9]{1,5}(?:-[0-9]{1,5})?(?:,[0-9]{1,5}(?:-[0-9]{1,5})?)*)?|ip/[0-9]{1,3}",
    "tcp/443",
)
RATE_WORD = Scalar("a rate", scalars.rate, r"[0-9]+(?:\.[0-9]+)? ?(?:kbps|Mbps|Gbps|Tbps)", "500 Mbps")
BURST = Scalar("a burst", scalars.burst, r"[0-9]+(?:\.[0-9]+)? ?(?:kb|Mb|Gb)", "10 Mb")
ON_HOST = Scalar("an address on a host", scalars.address_on_host, r"[0-9.]+ on \S+", "10.1.0.5 on web1")
VLAN = Number("a VLAN id", 1, 4094)


def document(kind: str, metadata: Record, spec: Record, doc: str) -> Record:
    """The shape of a whole document of one kind."""
    keys = (
        Key("apiVersion", Choice({API_VERSION: API_VERSION}), "The version of this notation.", required=True),
        Key("kind", Choice({kind: kind}), "What this document describes.", required=True),
        Key("metadata", metadata, "What it is called.", required=True),
        Key("spec", spec, "What is wanted.", required=True),
    )
    return Record(f"a {kind} document", keys, partial=True, doc=doc)


def kind_of(root: Node, kinds: Mapping[str, Record], out: Findings) -> str | None:
    """Which of ``kinds`` the document says it is; None, and a finding, when it does not say."""
    entries = root.value
    if not isinstance(entries, dict):
        out.say(root.line, root.column, (), "expected a document with apiVersion, kind, metadata and spec")
        return None
    if "kind" not in entries:
        out.say(root.line, root.column, (), f"the key kind is missing: write {' or '.join(kinds)}")
        return None
    kind: str = Choice({name: name for name in kinds}).read(entries["kind"], ("kind",), out)
    return None if kind is BAD else kind
