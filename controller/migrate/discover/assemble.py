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
from clos.controller.migrate.discover.lines import Output, Reading
from clos.controller.migrate.discover.readers import COMMANDS, RUNNING_CONFIG, reader_of
from clos.controller.migrate.discover.secrets import without_secrets
from clos.controller.migrate.model import Device, Network, Source, State, Unparsed

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

_FEATURES: Mapping[str, Callable[[Device], bool]] = {
    "hsrp": lambda device: any(port.hsrp for port in device.interfaces.values()),
    "eigrp_neighbors": lambda device: bool(device.eigrp),
    "eigrp_topology": lambda device: bool(device.eigrp),
    "eigrp_interfaces": lambda device: bool(device.eigrp),
    "channels": lambda device: any(port.channel for port in device.interfaces.values()),
    "trunks": lambda device: any(port.allowed for port in device.interfaces.values()),
    "access_lists": lambda device: bool(device.access_lists),
}
"""Where a device may print nothing because there is nothing: the configuration says whether there is."""


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
    for output, reading in readings:
        unparsed += reading.unparsed
        if reading.refused:
            missing.append(f"{output.command} (refused: {reading.refused})")
    state, silent = _state(found, readings)
    missing += silent
    missing += _absent({output.command for output in outputs})
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
    cabled = replace(bare, cables=cables(bare))
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


def _state(found: Device, readings: list[tuple[Output, Reading]]) -> tuple[State, list[str]]:
    """The tables of all readings, and commands that printed nothing where there should be something."""
    fields: dict[str, Any] = {}
    silent = []
    for output, reading in readings:
        for field, value in reading.values.items():
            fields[field] = _joined(field, fields.get(field), value)
        if reading.silent and (name := _field_of(output.command)):
            feature = _FEATURES.get(name)
            if feature and found.interfaces and not feature(found):
                fields.setdefault(name, ())
            elif fields.get(name) is None:
                silent.append(f"{output.command} (printed nothing)")
    return State(**fields), silent


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


def _field_of(command: str) -> str | None:
    """The field that a command's rows become."""
    known = reader_of(command)
    names = {
        "Standby": "hsrp", "StandbyBrief": "hsrp", "EigrpNeighbors": "eigrp_neighbors", "Routes": "routes",
        "EigrpTopology": "eigrp_topology", "EigrpInterfaces": "eigrp_interfaces", "EtherchannelSummary": "channels",
        "InterfacesTrunk": "trunks", "AccessLists": "access_lists", "MacTable": "macs", "ArpTable": "arp",
        "SpanningTree": "trees", "SpanningTreeDetail": "trees", "CdpNeighbors": "neighbors",
        "LldpNeighbors": "neighbors", "Vlans": "vlan_table",
    }  # fmt: skip
    return names.get(known.reader.__name__) if known else None


def _absent(given: set[str]) -> list[str]:
    """Commands that a complete discovery needs, and that were not given, nor what can stand in for them."""
    readers = {known.reader for known in map(reader_of, given) if known and known.vrf is None}
    stand_ins = {command.text: command for command in COMMANDS}
    return [
        command.text
        for command in COMMANDS
        if command.needed
        and command.reader not in readers
        and not (command.instead and stand_ins[command.instead].reader in readers)
    ]


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
