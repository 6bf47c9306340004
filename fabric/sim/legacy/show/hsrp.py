"""``show standby [all|brief]``: HSRP groups as IOS prints them."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.grammar import Match
from clos.fabric.sim.legacy.names import short_name
from clos.fabric.sim.legacy.show.words import clock_time, mac_text, text_of
from clos.fabric.sim.legacy.state import HsrpGroup

_BRIEF = (
    "                     P indicates configured to preempt.",
    "                     |",
    "Interface   Grp  Pri P State   Active          Standby         Virtual IP",
)


def standby(device: LegacyDevice, match: Match) -> str:
    """Every group; on a device without any, nothing."""
    return text_of(line for group in device.machines.hsrp() or () for line in _group(group))


def brief(device: LegacyDevice, match: Match) -> str:
    groups = device.machines.hsrp() or ()
    return text_of([*_BRIEF, *(_row(group) for group in groups)]) if groups else ""


def _row(group: HsrpGroup) -> str:
    active, standby_ = (_who(group, one) for one in (group.active, group.standby))
    flag = "P" if group.preempt else " "
    head = f"{short_name(group.interface):<11} {group.group:<4} {group.priority:<3} {flag} {group.state:<7}"
    return f"{head} {active:<15} {standby_:<15} {_address(group.address)}"


def _who(group: HsrpGroup, address: IPv4Address | None) -> str:
    return "unknown" if address is None else "local" if address == group.local else str(address)


def _address(address: IPv4Address) -> str:
    return str(address) if int(address) else "unknown"


def _seconds(milliseconds: int) -> str:
    """``3 sec``; what is no whole number of seconds is printed in milliseconds."""
    return f"{milliseconds} msec" if milliseconds % 1000 else f"{milliseconds // 1000} sec"


def _group(group: HsrpGroup) -> Iterator[str]:
    version = " (version 2)" if group.version == 2 else ""
    yield f"{group.interface} - Group {group.group}{version}"
    yield f"  State is {group.state}"
    if group.changes:
        word = "state change" if group.changes == 1 else "state changes"
        yield f"    {group.changes} {word}, last state change {clock_time(group.changed_s)}"
    yield from _tracks(group)
    yield f"  Virtual IP address is {_address(group.address)}"
    yield from (f"    Secondary virtual IP address {one}" for one in group.secondaries)
    use = "MAC In Use" if group.state == "Active" else "MAC Not In Use"
    yield f"  Active virtual MAC address is {_active_mac(group, use)}"
    yield f"    Local virtual MAC address is {mac_text(group.virtual_mac)} (v{group.version} default)"
    yield f"  Hello time {_seconds(group.hello_ms)}, hold time {_seconds(group.hold_ms)}"
    if group.state in {"Active", "Standby", "Speak"}:
        yield f"    Next hello sent in {group.next_hello_ms / 1000:.3f} secs"
    if group.authentication:
        yield f"  Authentication {group.authentication}, key-string"
    elif group.text:
        yield f'  Authentication text, string "{group.text}"'
    delay = f", delay min {group.preempt_delay_s} secs" if group.preempt and group.preempt_delay_s else ""
    yield f"  Preemption {'enabled' if group.preempt else 'disabled'}{delay}"
    yield f"  Active router is {_router(group, group.active, group.active_priority)}"
    yield f"  Standby router is {_router(group, group.standby, group.standby_priority)}"
    configured = "default" if group.configured_priority == 100 else "configured"
    yield f"  Priority {group.priority} ({configured} {group.configured_priority})"
    default = f"hsrp-{short_name(group.interface)}-{group.group}"
    yield f'  Group name is "{group.name or default}" ({"cfgd" if group.name else "default"})'


def _tracks(group: HsrpGroup) -> Iterator[str]:
    for name, less, up in group.tracks:
        yield f"    Track object {name} state {'Up' if up else 'Down'} decrement {less}"


def _active_mac(group: HsrpGroup, use: str) -> str:
    return f"unknown ({use})" if group.active is None else f"{mac_text(group.virtual_mac)} ({use})"


def _router(group: HsrpGroup, address: IPv4Address | None, priority: int | None) -> str:
    who = _who(group, address)
    return who if priority is None or who in {"local", "unknown"} else f"{who}, priority {priority}"
