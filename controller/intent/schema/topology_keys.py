"""The keys of a ``Topology`` document, and what each key's values make.

Lives here: one table of keys. Must not know: files, which fabrics are sound.
"""

from __future__ import annotations

from typing import Any

from clos.controller.intent.model import Where
from clos.controller.intent.schema import scalars
from clos.controller.intent.schema.notation import MAC, NAME, NOTE, document
from clos.controller.intent.schema.shapes import (
    FLAG,
    Choice,
    Either,
    Key,
    ListOf,
    MapOf,
    Number,
    Record,
    Refused,
    Scalar,
)
from clos.fabric.generate import host_mac
from clos.fabric.topology import (
    ACCESS,
    LEGACY,
    MAX_NODE_TAG,
    ROLES,
    SPINE,
    TRUNK,
    Host,
    Link,
    PortRef,
)

PORT = Scalar("a port", lambda text: PortRef(*scalars.port(text)), r"[A-Za-z0-9][A-Za-z0-9_.-]*:[0-9]+", "leaf1:3")
SPEED = Scalar("a speed", scalars.speed, r"[0-9]+(?:\.[0-9]+)? ?(?:Mbps|Gbps|Tbps)", "40 Gbps")
LATENCY = Scalar("a latency", scalars.latency, r"[0-9]+(?:\.[0-9]+)? ?(?:us|ms|s)", "5 us")
SITE = Key("site", NAME, "The site it stands in.", default="`main`")


def _switch(_name: str, values: dict[str, Any], _where: Where) -> dict[str, Any]:
    if values["role"] == SPINE and "tag" in values:
        raise Refused("tag", "spines have no node tag: leave it out")
    return values


SWITCH = Record(
    "a switch",
    (
        Key("role", Choice({role: role for role in ROLES}), "What it is.", required=True),
        SITE,
        Key(
            "dpid",
            Number("a datapath id", 1, 2**64 - 1),
            "Its OpenFlow datapath id.",
            default="`0x10001`, `0x20001`, `0x30001` and up, for spines, leaves, borders, in order",
        ),
        Key(
            "tag", Number("a node tag", 1, MAX_NODE_TAG), "Its node tag; not for spines.", default="1 and up, in order"
        ),
    ),
    _switch,
)

END = Either(
    "a port, or a port with its speed",
    (
        PORT,
        Record(
            "a link end",
            (Key("port", PORT, "The switch port.", required=True), Key("speed", SPEED, "The speed of this end.")),
        ),
    ),
)


def _cable(_name: str, values: dict[str, Any], _where: Where) -> Link:
    ends = [_end(values[key]) for key in ("a", "b")]
    speeds = [speed for speed in {values.get("speed"), ends[0][1], ends[1][1]} if speed is not None]
    if len(speeds) > 1:
        raise Refused(
            "", f"the ends differ in speed ({' and '.join(f'{s} Mbps' for s in sorted(speeds))}): a link has one speed"
        )
    return Link(ends[0][0], ends[1][0], speeds[0] if speeds else 10_000, values.get("latency", 5))


def _end(value: PortRef | dict[str, Any]) -> tuple[PortRef, int | None]:
    return (value, None) if isinstance(value, PortRef) else (value["port"], value.get("speed"))


LINK = Either(
    "a link: [leaf1:1, spine1:1], or a mapping with a and b",
    (
        ListOf(PORT, least=2, most=2),
        Record(
            "a link",
            (
                Key("a", END, "One end.", required=True),
                Key("b", END, "The other end.", required=True),
                Key("speed", SPEED, "The speed of both ends.", default="`10 Gbps`"),
                Key("latency", LATENCY, "How long a bit travels.", default="`5 us`"),
            ),
            _cable,
        ),
    ),
)
PAIR = Either(
    "a pair: [leaf1, leaf2], or a mapping with leaves and tag",
    (
        ListOf(NAME, least=2, most=2),
        Record(
            "a pair",
            (
                Key("leaves", ListOf(NAME, least=2, most=2), "Its two leaves.", required=True),
                Key(
                    "tag",
                    Number("a node tag", 1, MAX_NODE_TAG),
                    "Its anycast node tag.",
                    default=f"{MAX_NODE_TAG} and down, in order",
                ),
            ),
        ),
    ),
)


def _host(name: str, values: dict[str, Any], _where: Where) -> Host:
    if ("port" in values) == ("ports" in values):
        raise Refused("ports", "write port, or ports for a dual-homed host")
    ports = tuple(values.get("ports") or [values["port"]])
    return Host(
        name, values.get("mac") or host_mac(name), ports, values.get("mode", ACCESS), values.get("speed", 10_000)
    )


HOST = Either(
    "a host: leaf1:3, or a mapping",
    (
        PORT,
        Record(
            "a host",
            (
                Key("port", PORT, "Its port.", default="`port` or `ports` must be there"),
                Key("ports", ListOf(PORT, least=2, most=2), "Its two ports, on the leaves of a pair."),
                Key("mac", MAC, "Its MAC address.", default="made from its name"),
                Key(
                    "mode",
                    Choice({mode: mode for mode in (ACCESS, TRUNK, LEGACY)}),
                    "Untagged frames of one network; a VLAN for each; or that, to switches of another network.",
                    default="`access`",
                ),
                Key("speed", SPEED, "The speed of its ports.", default="`10 Gbps`"),
            ),
            _host,
        ),
    ),
)


def _count(name: str, doc: str, key: str = "", required: bool = False) -> Key:
    return Key(key or name, Number("a number", 1 if required else 0, 10_000), doc, required, "" if required else "0")


RECIPE = Record(
    "a recipe",
    (
        _count("spines", "Spines `spine1`, ...", required=True),
        _count("leaves", "Leaves `leaf1`, ...; port n leads to spine n.", required=True),
        _count("borders", "Border leaves `border1`, ..."),
        _count("hostsPerLeaf", "Access hosts `h<leaf>-<n>` on each leaf, from port 101."),
        _count("trunksPerLeaf", "Trunk hosts `t<leaf>-<n>` on each leaf, on the ports after those."),
        _count("hostsPerBorder", "Access hosts `b<border>-<n>` on each border leaf."),
        Key(
            "pairs",
            FLAG,
            "Pair leaves 1 and 2, 3 and 4, ... as `pair1`, ...; border leaves as `border-pair1`, ...",
            default="`false`",
        ),
        _count("dualHomed", "Access hosts `d<pair>-<n>` on each pair of leaves, on the ports after those."),
        Key("speed", SPEED, "The speed of links.", default="`10 Gbps`"),
        Key("latency", LATENCY, "The latency of links.", default="`5 us`"),
        SITE,
    ),
)
RECIPE_WORDS: dict[str, str] = {
    "hostsPerLeaf": "hosts_per_leaf",
    "trunksPerLeaf": "trunks_per_leaf",
    "hostsPerBorder": "hosts_per_border",
    "dualHomed": "dual_homed",
}

SPEC = Record(
    "a topology's spec",
    (
        Key("generate", RECIPE, "A recipe for a regular fabric; the other keys add to it.", default="none"),
        Key(
            "switches",
            MapOf(NAME, SWITCH, partial=True),
            "Switches by name; their order gives default ids.",
            default="none",
        ),
        Key(
            "pairs", MapOf(NAME, PAIR, partial=True), "Pairs of leaves that hosts may be dual-homed to.", default="none"
        ),
        Key("links", ListOf(LINK, partial=True), "Cables between leaves and spines.", default="none"),
        Key("hosts", MapOf(NAME, HOST, partial=True), "Hosts by name.", default="none"),
        Key(
            "probes",
            FLAG,
            "Probe every cable and spine all the time, so that one that is up but loses frames is found.",
            default="`false`",
        ),
        Key(
            "avoid",
            ListOf(PORT),
            "Cables, by either port, that carry nothing while there is another way.",
            default="none",
        ),
    ),
    partial=True,
)
METADATA = Record(
    "metadata",
    (Key("name", NAME, "The fabric's name.", required=True), Key("description", NOTE, "For people.", default="none")),
)
TOPOLOGY = document("Topology", METADATA, SPEC, "The switches, links and hosts of one fabric.")
KINDS = {"Topology": TOPOLOGY}
