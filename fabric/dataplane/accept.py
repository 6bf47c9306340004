"""What a switch accepts: the checks a flow-mod, group-mod, meter-mod or packet-out has to pass.

Lives here: one function per thing that may be refused, each raising SwitchError with OpenFlow's error. Must not
know: how state is stored or changed.
Source: OpenFlow 1.3.5 §6.4-§6.6 (what is refused), §7.2.5 (actions), §7.4.4 (error codes).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from clos.fabric import errors
from clos.fabric.dataplane.action import (
    ANY_PORT,
    MAX_PORT,
    PORT_NAMES,
    TABLE,
    Action,
    Group,
    Move,
    Output,
    PopMpls,
    PopPbb,
    PopVlan,
    PushMpls,
    PushPbb,
    PushVlan,
    SetField,
)
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import INDIRECT, GroupEntry, Meter, Rule
from clos.fabric.errors import SwitchError
from clos.fabric.packet.fields import ETH_MPLS, ETH_MPLS_MC, ETH_PBB, FIELDS, VID_PRESENT
from clos.fabric.packet.layout import SLOTS, TAG_TYPES

LAST_TABLE = 0xFE
MAX_GROUP, MAX_METER = 0xFFFFFF00, 0xFFFF0000

_SETTABLE = frozenset(name for name, slots in SLOTS.items() if slots)
_PUSHED_TYPES: dict[type, frozenset[int]] = {
    PushVlan: TAG_TYPES,
    PushMpls: frozenset({ETH_MPLS, ETH_MPLS_MC}),
    PushPbb: frozenset({ETH_PBB}),
}


def check_rule(rule: Rule, groups: Collection[int], meters: Collection[int]) -> None:
    """Refuse a rule whose table, instructions or actions cannot be; ``groups`` and ``meters`` are those that exist."""
    table, todo = rule.table, rule.instructions
    if not 0 <= table <= LAST_TABLE:
        raise SwitchError(errors.BAD_TABLE, f"table {table}: tables are 0 to {LAST_TABLE}")
    if todo.goto is not None and not table < todo.goto <= LAST_TABLE:
        raise SwitchError(errors.BAD_GOTO, f"goto_table:{todo.goto} from table {table}: tables only go up")
    if todo.meter is not None and todo.meter not in meters:
        raise SwitchError(errors.UNKNOWN_METER, f"meter {todo.meter} does not exist")
    if todo.apply:
        check_actions(todo.apply, groups)
        check_prerequisites(todo.apply, rule.match)
    if todo.write:
        check_actions(todo.write, groups)


def check_actions(actions: Iterable[Action], groups: Collection[int], *, from_controller: bool = False) -> None:
    """Refuse actions that no packet could undergo. Output to TABLE is for packet-outs (``from_controller``) only."""
    for action in actions:
        if isinstance(action, Output):
            if not _may_send(action.port, from_controller):
                raise SwitchError(errors.BAD_OUT_PORT, f"{action}: not a port to send to")
        elif isinstance(action, Group):
            if action.group not in groups:
                raise SwitchError(errors.BAD_OUT_GROUP, f"group {action.group} does not exist")
        elif isinstance(action, SetField):
            _check_set(action)
        elif isinstance(action, Move):
            _check_move(action)
        elif isinstance(action, PushVlan | PushMpls | PushPbb) and action.ethertype not in _PUSHED_TYPES[type(action)]:
            raise SwitchError(errors.BAD_ARGUMENT, f"{action}: not an Ethernet type of such a tag")


def _may_send(port: int, from_controller: bool) -> bool:
    if port == TABLE:
        return from_controller
    return 0 < port <= MAX_PORT or (port in PORT_NAMES and port != ANY_PORT)


def _check_set(action: SetField) -> None:
    if action.field not in _SETTABLE and action.field != "tunnel_id":
        raise SwitchError(errors.BAD_SET_TYPE, f"{action.field}: cannot be set")
    if not 0 <= action.value <= FIELDS[action.field].full:
        raise SwitchError(errors.BAD_SET_ARGUMENT, f"{action.field}: {action.value:#x} does not fit")
    if action.field == "vlan_vid" and not action.value & VID_PRESENT:
        raise SwitchError(
            errors.BAD_SET_ARGUMENT, "vlan_vid: the value needs its present bit; pop_vlan takes a tag off"
        )


def _check_move(action: Move) -> None:
    ends = action.source, action.target
    if not all(name in _SETTABLE and name in FIELDS for name in ends):
        raise SwitchError(errors.BAD_SET_TYPE, f"{action}: both must be fields that can be set")
    if FIELDS[ends[0]].bits != FIELDS[ends[1]].bits:
        raise SwitchError(errors.BAD_SET_TYPE, f"{action}: the fields differ in width")


def check_prerequisites(actions: Iterable[Action], match: Match) -> None:
    """Refuse a list that writes a field which the rule's packets need not have (§7.2.5).

    Followed up to the first header that is popped, or pushed in front of the rest: what is below may be anything.
    """
    known = {name: value for name, value, mask in match if mask is None or name == "vlan_vid"}
    for action in actions:
        if isinstance(action, SetField):
            _check_present(action.field, known, action)
            known[action.field] = action.value
        elif isinstance(action, Move):
            _check_present(action.source, known, action)
            _check_present(action.target, known, action)
        elif isinstance(action, PushVlan):
            known["vlan_vid"] = VID_PRESENT
        elif isinstance(action, PopVlan | PushMpls | PopMpls | PushPbb | PopPbb):
            return


def _check_present(field: str, known: Mapping[str, int], action: Action) -> None:
    for need, allowed in FIELDS[field].needs:
        value = known.get(need)
        if value is None or not (value & VID_PRESENT if need == "vlan_vid" else value in allowed):
            raise SwitchError(errors.MATCH_INCONSISTENT, f"{action}: the rule's packets need not have {field}")


def check_group(entry: GroupEntry, groups: Mapping[int, GroupEntry]) -> None:
    """Refuse a group with a bad number or buckets, or one that would lead back to itself."""
    if not 0 <= entry.group <= MAX_GROUP:
        raise SwitchError(errors.INVALID_GROUP, f"group {entry.group:#x}: groups are 0 to {MAX_GROUP:#x}")
    if entry.type == INDIRECT and len(entry.buckets) != 1:
        raise SwitchError(errors.INVALID_GROUP, f"{entry}: an indirect group has one bucket")
    for bucket in entry.buckets:
        check_actions(bucket.actions, groups.keys() | {entry.group})
    if _reaches(leads_to(entry), entry.group, groups):
        raise SwitchError(errors.GROUP_LOOP, f"group {entry.group} would lead back to itself")


def leads_to(entry: GroupEntry) -> list[int]:
    """The groups that this one's buckets name, one per time it is named."""
    return [action.group for bucket in entry.buckets for action in bucket.actions if isinstance(action, Group)]


def _reaches(start: Iterable[int], target: int, groups: Mapping[int, GroupEntry]) -> bool:
    waiting, seen = list(start), set[int]()
    while waiting:
        number = waiting.pop()
        if number == target:
            return True
        if number not in seen and number in groups:
            waiting += leads_to(groups[number])
        seen.add(number)
    return False


def check_meter(meter: Meter) -> None:
    """Refuse a meter with a number that cannot be."""
    if not 0 < meter.meter <= MAX_METER:
        raise SwitchError(errors.INVALID_METER, f"meter {meter.meter:#x}: meters are 1 to {MAX_METER:#x}")
