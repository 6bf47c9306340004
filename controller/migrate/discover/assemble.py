"""Readings put together: configurations and tables become devices, devices a network.

Lives here: which output completes which, and what is missing. Must not know: where outputs come from, layouts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from clos.controller.migrate.cables import cables
from clos.controller.migrate.contradictions import contradictions
from clos.controller.migrate.discover.config.device import read_config
from clos.controller.migrate.discover.lines import LineReader, Output, Reading
from clos.controller.migrate.discover.readers import COMMANDS, NXOS, NXOS_OPTIONAL, RUNNING_CONFIG, Command, reader_of
from clos.controller.migrate.discover.secrets import without_secrets
from clos.controller.migrate.discover.show.eigrp import EigrpNeighbors, EigrpTopology
from clos.controller.migrate.discover.show.hsrp import Standby
from clos.controller.migrate.discover.show.nxos import HsrpAll
from clos.controller.migrate.discover.show.spanning_tree import SpanningTree
from clos.controller.migrate.discover.show.switching import EtherchannelSummary, InterfacesTrunk
from clos.controller.migrate.discover.show.tables import MacTable
from clos.controller.migrate.discover.show.vlans import Vlans
from clos.controller.migrate.inferred import inferred
from clos.controller.migrate.model import ROUTED, Device, Network, Source, State, Unparsed

_KEYS: Mapping[str, Callable[[Any], object]] = {
    "trees": lambda tree: tree.vlan,
    "hsrp": lambda group: (group.interface, group.group, group.address),
    "arp": lambda entry: (entry.vrf, entry.address, entry.interface),
    "macs": lambda entry: (entry.vlan, entry.mac),
    "routes": lambda route: (route.vrf, route.prefix),
    "eigrp_neighbors": lambda row: (row.vrf, row.address, row.interface),
    "eigrp_topology": lambda row: (row.asn, row.vrf, row.prefix),
    "eigrp_interfaces": lambda row: (row.asn, row.vrf, row.interface),
    "neighbors": lambda row: (row.protocol, row.interface, row.device, row.port),
    "access_lists": lambda acl: (acl.family, acl.name),
    "vlan_table": lambda row: row.vlan,
}
"""What makes two rows of different outputs the same row; the earlier output's is kept."""


def _bridges(device: Device) -> bool:
    """Whether it has ports of layer 2."""
    return any(port.mode != ROUTED for port in device.interfaces.values())


_FEATURES: Mapping[str, Callable[[Device], bool]] = {
    "hsrp": lambda device: any(port.hsrp for port in device.interfaces.values()),
    "eigrp_neighbors": lambda device: bool(device.eigrp),
    "eigrp_topology": lambda device: bool(device.eigrp),
    "eigrp_interfaces": lambda device: bool(device.eigrp),
    "channels": lambda device: any(port.channel for port in device.interfaces.values()),
    "trunks": lambda device: any(port.allowed for port in device.interfaces.values()),
    "trees": _bridges,
    "macs": _bridges,
    "vlan_table": _bridges,
}
"""Where a device may print nothing because there is nothing: the configuration says whether there is."""


FIELDS: Mapping[type[LineReader], str] = {
    Standby: "hsrp",
    HsrpAll: "hsrp",
    EigrpNeighbors: "eigrp_neighbors",
    EigrpTopology: "eigrp_topology",
    EtherchannelSummary: "channels",
    InterfacesTrunk: "trunks",
    SpanningTree: "trees",
    MacTable: "macs",
    Vlans: "vlan_table",
}
"""The field that a reader's rows become, where there may be none of them."""


class Collected(NamedTuple):
    """What was got of one device: outputs by command, and commands that failed, with the reason."""

    name: str
    outputs: tuple[Output, ...]
    failed: tuple[str, ...] = ()


def device(collected: Collected) -> tuple[Device, tuple[Unparsed, ...], tuple[str, ...]]:
    """The device, its unparsed lines, and what is missing of it."""
    found, missing = Device(collected.name), list(collected.failed)
    unparsed: list[Unparsed] = []
    outputs = [output._replace(text=without_secrets(output.text)) for output in collected.outputs]
    config = next((output for output in outputs if output.command == RUNNING_CONFIG), None)
    if config is None or not config.text.strip():
        missing.append(RUNNING_CONFIG)
    else:
        found, lines = read_config(collected.name, config.text)
        unparsed += lines
    readings = [(output, _read(output)) for output in _in_order(outputs) if output.command != RUNNING_CONFIG]
    for _, reading in readings:
        unparsed += reading.unparsed
    state, absent = _completed(found, _state(readings), readings)
    missing += absent
    return _with_facts(replace(found, state=state)), tuple(unparsed), tuple(dict.fromkeys(missing))


def network(devices: Iterable[Collected]) -> Network:
    """The network of all devices, with its cables and contradictions."""
    values: dict[str, Device] = {}
    unparsed: list[Unparsed] = []
    missing: dict[str, tuple[str, ...]] = {}
    for collected in devices:
        found, lines, absent = device(collected)
        values[found.name] = found
        unparsed += lines
        if absent:
            missing[found.name] = absent
    bare = Network(values, (), tuple(unparsed), (), missing)
    named = cables(bare)
    guesses = inferred(bare, {end for one in named for end in one})
    cabled = replace(bare, cables=tuple(sorted((*named, *(one.cable for one in guesses)))), inferred=guesses)
    return replace(cabled, contradictions=contradictions(cabled))


def _in_order(outputs: list[Output]) -> list[Output]:
    """In the order of the table of commands: earlier ones are the better source."""
    rank = {command.text: place for place, command in enumerate(COMMANDS)}
    known = {output.command: reader_of(output.command) for output in outputs}

    def place(output: Output) -> tuple[int, str]:
        found = known[output.command]
        text = found.text.replace(found.vrf, "{vrf}") if found and found.vrf else output.command
        return rank.get(text, len(rank)), output.command

    return sorted(outputs, key=place)


def _read(output: Output) -> Reading:
    """What its reader makes of an output; without a reader the whole output is one unparsed line."""
    known = reader_of(output.command)
    if known is None:
        lines = len([line for line in output.text.splitlines() if line.strip()])
        if not lines:
            return Reading(silent=True)
        what = Unparsed(Source(output.device, output.command), f"no reader for this command ({lines} lines)")
        return Reading(unparsed=(what,))
    return known.reader.read(output._replace(vrf=output.vrf or known.vrf))


def _state(readings: list[tuple[Output, Reading]]) -> dict[str, Any]:
    """The tables of all readings, by field of ``State``."""
    fields: dict[str, Any] = {}
    for _, reading in readings:
        for field, value in reading.values.items():
            fields[field] = _joined(field, fields.get(field), value)
    return fields


def _completed(
    found: Device, fields: dict[str, Any], readings: list[tuple[Output, Reading]]
) -> tuple[State, list[str]]:
    """The state, and what is missing of it, with the reason.

    A device that refuses a command, or prints nothing, has none of what its configuration has none of.
    """
    given = {output.command: reading for output, reading in readings}
    readers = {
        known.reader
        for command, reading in given.items()
        if not (reading.refused or reading.silent)
        and (known := reader_of(command))
        and (known.vrf is None or known.vrf.lower() == "all")
    }
    table = {command.text: command for command in COMMANDS}
    missing = []
    for command in _needed(found, fields):
        instead = table[command.instead].reader if command.instead else command.reader
        if readers & {command.reader, instead}:
            continue
        field, reading = FIELDS.get(command.reader), given.get(command.text)
        feature = _FEATURES.get(field or "")
        if reading is not None and field and feature and found.interfaces and not feature(found):
            fields.setdefault(field, ())
        else:
            missing.append(command.text + _why(reading))
    return State(**fields), missing


def _needed(found: Device, fields: Mapping[str, Any]) -> Iterable[Command]:
    """The commands without which the answer is incomplete, on this platform."""
    if "nxos" not in (found.platform, fields.get("facts", {}).get("platform")):
        return (command for command in COMMANDS if command.needed)
    asked = ((text, reader_of(text)) for text in NXOS if text not in NXOS_OPTIONAL)
    return (Command(text, known.reader) for text, known in asked if known is not None)


def _why(reading: Reading | None) -> str:
    if reading is None:
        return ""
    return f" (refused: {reading.refused})" if reading.refused else " (printed nothing)"


def _joined(field: str, before: Any, value: Any) -> Any:
    if before is None:
        return value
    if isinstance(value, Mapping):
        return {**value, **before}
    key = _KEYS.get(field)
    if key is None:
        return before
    known = {key(row): row for row in before}
    fuller = {key(row): row for row in value if field == "eigrp_topology"}
    kept = [
        fuller[key(row)] if key(row) in fuller and len(fuller[key(row)].paths) > len(row.paths) else row for row in before
    ] if fuller else list(before)  # fmt: skip
    return (*kept, *(row for row in value if key(row) not in known))


def _with_facts(found: Device) -> Device:
    """What ``show version`` and ``show vtp status`` say of the device itself."""
    facts = found.state.facts
    vtp = facts.get("vtp_mode", "").lower() or None
    return replace(
        found,
        platform=facts.get("platform", found.platform),
        version=facts.get("version", facts.get("xe_version", found.version)),
        serial=facts.get("system_serial", facts.get("serial", found.serial)),
        hostname=found.hostname or facts.get("hostname"),
        vtp_mode=found.vtp_mode or vtp,
        interfaces=_with_states(found),
    )


def _with_states(found: Device) -> dict[str, Any]:
    up = {port.name: port.status == "connected" for port in found.state.ports or ()}
    up |= {port.name: port.up for port in found.state.interfaces or ()}
    macs = {port.name: port.mac for port in found.state.interfaces or ()}
    return {
        name: replace(port, up=up.get(name, port.up), mac=port.mac if port.mac is not None else macs.get(name))
        for name, port in found.interfaces.items()
    }
