"""What controllers change on a switch: flow, group, meter, port and table mods.

Lives here: one function per message, from the message to the switch's state. Must not know: sessions, bytes.
A message that is refused raises SwitchError and has changed nothing.
Source: OpenFlow 1.3.5 §6.4-§6.6, §7.3.3, §7.3.4.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from clos.fabric.dataplane.action import NO_BUFFER
from clos.fabric.dataplane.rule import FAST_FAILOVER, Rule
from clos.fabric.dataplane.switch import Selection
from clos.fabric.errors import BAD_TABLE, INVALID_GROUP, Fault, SwitchError
from clos.fabric.openflow.constants import (
    ALL_TABLES,
    FlowModCommand,
    FlowModFlag,
    FlowRemovedReason,
    GroupModCommand,
    MeterModCommand,
    PortConfig,
)
from clos.fabric.openflow.errors import (
    BadRequest,
    ErrorType,
    GroupModFailed,
    MeterModFailed,
    PortModFailed,
    TableModFailed,
)
from clos.fabric.openflow.messages import (
    FlowMod,
    FlowRemoved,
    GroupMod,
    Message,
    MeterMod,
    PortMod,
    TableMod,
)
from clos.fabric.sim.meters import Police
from clos.fabric.sim.switch import SimSwitch

NO_BUFFERED_PACKET = Fault(ErrorType.BAD_REQUEST, BadRequest.BUFFER_UNKNOWN)
UNKNOWN_PORT = Fault(ErrorType.PORT_MOD_FAILED, PortModFailed.BAD_PORT)
WRONG_ADDRESS = Fault(ErrorType.PORT_MOD_FAILED, PortModFailed.BAD_HW_ADDR)
BAD_PORT_CONFIG = Fault(ErrorType.PORT_MOD_FAILED, PortModFailed.BAD_CONFIG)
NO_SUCH_TABLE = Fault(ErrorType.TABLE_MOD_FAILED, TableModFailed.BAD_TABLE)
UNSETTABLE = Fault(ErrorType.TABLE_MOD_FAILED, TableModFailed.BAD_CONFIG)
BAD_WATCH = Fault(ErrorType.GROUP_MOD_FAILED, GroupModFailed.BAD_WATCH)
BAD_RATE = Fault(ErrorType.METER_MOD_FAILED, MeterModFailed.BAD_RATE)

_RESET, _NOTIFY = int(FlowModFlag.RESET_COUNTS), int(FlowModFlag.SEND_FLOW_REM)
_DEPRECATED = 3
_PORT_CONFIG = PortConfig.PORT_DOWN | PortConfig.NO_RECV | PortConfig.NO_FWD | PortConfig.NO_PACKET_IN

Removals = list[FlowRemoved]
"""What to tell controllers once the change stands."""


def add_rule(switch: SimSwitch, rule: Rule) -> None:
    """OFPFC_ADD, the hot path. Raises SwitchError."""
    switch.check(rule)
    switch.model.add(rule, switch.seconds)
    switch.version += 1
    if rule.idle_timeout or rule.hard_timeout:
        switch.watch(rule)
    if rule.flags & _NOTIFY:
        switch.notifies = True


def flow_mod(switch: SimSwitch, mod: FlowMod) -> Removals:
    """§6.4."""
    if mod.command == FlowModCommand.ADD:
        if mod.buffer_id != NO_BUFFER:
            raise SwitchError(NO_BUFFERED_PACKET, f"buffer {mod.buffer_id}: this switch buffers no packets")
        add_rule(switch, mod.rule)
        return []
    return _delete(switch, mod) if mod.command >= FlowModCommand.DELETE else _modify(switch, mod)


def _modify(switch: SimSwitch, mod: FlowMod) -> Removals:
    if mod.buffer_id != NO_BUFFER:
        raise SwitchError(NO_BUFFERED_PACKET, f"buffer {mod.buffer_id}: this switch buffers no packets")
    switch.check(mod.rule)
    switch.version += 1
    reset = bool(mod.rule.flags & _RESET)
    for rule in switch.model.modify(_selection(mod), mod.rule.instructions, reset=reset):
        if rule.idle_timeout or rule.hard_timeout:
            switch.watch(rule)
    return []


def _delete(switch: SimSwitch, mod: FlowMod) -> Removals:
    if switch.n_tables <= mod.rule.table != ALL_TABLES:
        raise SwitchError(BAD_TABLE, f"table {mod.rule.table}: this switch has tables 0 to {switch.n_tables - 1}")
    return _telling(switch, FlowRemovedReason.DELETE, partial(switch.model.delete, _selection(mod)))


def _selection(mod: FlowMod) -> Selection:
    rule = mod.rule
    strict = mod.command in (FlowModCommand.MODIFY_STRICT, FlowModCommand.DELETE_STRICT)
    ends = mod.out_port, mod.out_group
    return Selection(rule.table, rule.match, rule.priority if strict else None, rule.cookie, mod.cookie_mask, *ends)


def _telling(switch: SimSwitch, reason: int, remove: Callable[[], tuple[Rule, ...]]) -> Removals:
    """Remove rules, and say of those that asked for it (OFPFF_SEND_FLOW_REM) what they had counted."""
    switch.version += 1
    if not switch.notifies:
        remove()
        return []
    asked = [rule for rule in switch.model.rules() if rule.flags & _NOTIFY]
    last_words = {id(rule): switch.removal(rule, reason) for rule in asked}
    return [last_words[id(rule)] for rule in remove() if id(rule) in last_words]


def group_mod(switch: SimSwitch, mod: GroupMod) -> Removals:
    """§6.5."""
    model, entry = switch.model, mod.entry
    switch.version += 1
    if mod.command == GroupModCommand.DELETE:
        if entry.buckets:  # as Open vSwitch has it; the standard says nothing of buckets here
            raise SwitchError(INVALID_GROUP, f"{entry}: a group is deleted by its number, without buckets")
        return _telling(switch, FlowRemovedReason.GROUP_DELETE, partial(model.delete_group, entry.group))
    if entry.type == FAST_FAILOVER and any(b.watch_port is None and b.watch_group is None for b in entry.buckets):
        raise SwitchError(BAD_WATCH, f"{entry}: every bucket of a fast-failover group watches a port or a group")
    (model.add_group if mod.command == GroupModCommand.ADD else model.modify_group)(entry)
    return []


def meter_mod(switch: SimSwitch, mod: MeterMod) -> Removals:
    """§6.6."""
    model, meter = switch.model, mod.meter
    switch.version += 1
    if mod.command == MeterModCommand.DELETE:
        gone = _telling(switch, FlowRemovedReason.DELETE, partial(model.delete_meter, meter.meter))
        switch.police = {number: police for number, police in switch.police.items() if number in model.meters}
        return gone
    if any(band.rate == 0 for band in meter.bands):
        raise SwitchError(BAD_RATE, f"{meter}: a rate of 0")
    (model.add_meter if mod.command == MeterModCommand.ADD else model.modify_meter)(meter)
    switch.police[meter.meter] = Police(meter, switch.clock.now, mod.flags)
    return []


def port_mod(switch: SimSwitch, mod: PortMod) -> Removals:
    """§7.3.4.3."""
    port = switch.ports.get(mod.port)
    if port is None:
        raise SwitchError(UNKNOWN_PORT, f"port {mod.port} does not exist")
    if mod.mac != port.mac:
        raise SwitchError(WRONG_ADDRESS, f"port {mod.port} has another hardware address")
    if mod.mask & ~_PORT_CONFIG:
        raise SwitchError(BAD_PORT_CONFIG, f"port {mod.port}: configuration bits {mod.mask:#x}")
    config = port.config & ~mod.mask | mod.config & mod.mask
    if config != port.config:
        port.config = config
        switch.port_changed(port)
    return []


def table_mod(switch: SimSwitch, mod: TableMod) -> Removals:
    """§7.3.3: there is nothing to set."""
    if switch.n_tables <= mod.table != ALL_TABLES:
        raise SwitchError(NO_SUCH_TABLE, f"table {mod.table}: this switch has tables 0 to {switch.n_tables - 1}")
    if mod.config & ~_DEPRECATED:
        raise SwitchError(UNSETTABLE, f"table {mod.table}: configuration {mod.config:#x}")
    return []


MODS: dict[type[Message], Callable[..., Removals]] = {
    FlowMod: flow_mod,
    GroupMod: group_mod,
    MeterMod: meter_mod,
    PortMod: port_mod,
    TableMod: table_mod,
}
"""The change each message makes: (switch, message) -> what to tell."""
