"""The phases and steps of a migration: what is done, what is checked, and what hosts may lose meanwhile.

Lives here: the method (docs/migration.md). Must not know: how a plan is written, IOS statements. Each VLAN is attached
at one border; the other borders' trunks are ready and carry nothing, so no frame and no BPDU goes round.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address

from clos.controller.intent.model import ROUTER_MAC
from clos.controller.intent.schema.scalars import mac_text
from clos.controller.migrate.discover.names import vlan_text
from clos.controller.migrate.model import HsrpGroup
from clos.controller.migrate.plan import commands as type_
from clos.controller.migrate.plan.budgets import after_plug, at_coup, at_trunk, none_lost
from clos.controller.migrate.plan.fabric_state import gateway_mac
from clos.controller.migrate.plan.ground import Ground, Transit, interface_of
from clos.controller.migrate.plan.making import Course
from clos.controller.migrate.plan.model import (
    BEFORE,
    THROUGHOUT,
    Advertised,
    BpduWatch,
    Budget,
    Check,
    EigrpSpeaker,
    HsrpSpeaker,
    Plug,
    Step,
)
from clos.controller.migrate.plan.predicted import FABRIC, advertised
from clos.controller.migrate.predict.stp_ports import bridge_mac
from clos.controller.migrate.segmentation.hosts import HOST
from clos.controller.migrate.segmentation.vlans import Vlan

TAG = 65100
"""Of our external routes: a router that redistributes back can tell them."""
STP_SETTLE_MS, EIGRP_SETTLE_MS, HSRP_SETTLE_MS = 50_000, 20_000, 15_000
"""Twice forward delay and max age (IEEE 802.1D-2004 §17.14), a hold time and an update, a hold time and more."""
PRIORITY = 255
"""In HSRP: no router preempts us."""


def discover(course: Course) -> Iterator[Step]:
    """Nothing is changed: the network is as the plan knows it."""
    checks = [Check("config", BEFORE, device=name) for name in sorted(course.ground.network.devices)]
    checks += [
        Check(
            "stp-root", device=course.ground.border.device, vlan=vlan.number, expect=course.predicted.roots[vlan.number]
        )
        for vlan in course.ground.segmentation.vlans
        if vlan.number in course.predicted.roots
    ]
    yield course.step(
        "0.snapshot", "Read every device: its configuration is the one that was planned for.", checks=checks
    )


def prepare(course: Course) -> Iterator[Step]:
    """People agree; nothing is changed."""
    checks = [Check("config", BEFORE, device=name) for name in sorted(course.ground.network.devices)]
    yield course.step("1.agree", "Hold the brakes against the approvals; nothing is changed.", checks=checks)


def extend(course: Course) -> Iterator[Step]:
    """Trunks to the fabric, then VLAN by VLAN."""
    ground = course.ground
    for border in ground.borders:
        device = course.network.devices[border.device]
        lines = type_.trunk(device, border, course.configs[border.device])
        yield course.step(
            f"2.{border.host}.trunk",
            f"Make {border.device} {border.port} a trunk to the fabric that carries no VLAN yet.",
            lines=[(border.device, lines)],
            risky=True,
            checks=[
                Check("trunk", device=border.device, port=border.port),
                *_roots(course),
            ],
            settle_ms=STP_SETTLE_MS,
            budgets=none_lost(ground, "no VLAN is on the port, so no tree and no path changes"),
        )
    for number, vlan in enumerate(ground.segmentation.vlans, 1):
        yield _extend_vlan(course, vlan, [v.number for v in ground.segmentation.vlans[:number]])


def _roots(course: Course) -> Iterator[Check]:
    for vlan, roots in sorted(course.predicted.roots.items()):
        if len(roots) == 1 and vlan in {v.number for v in course.ground.segmentation.vlans}:
            yield Check("stp-root", THROUGHOUT, device=course.ground.border.device, vlan=vlan, expect=roots)


def _extend_vlan(course: Course, vlan: Vlan, so_far: list[int]) -> Step:
    ground, border = course.ground, course.ground.border
    watch = BpduWatch(border.host, {n: root for n in so_far if (root := _root(course, n))})
    roots = course.predicted.roots.get(vlan.number, ())
    root_of = [watch.roots[vlan.number]] if vlan.number in watch.roots else []
    blocked = [port for port in course.predicted.blocked.get(vlan.number, ()) if port.startswith(f"{border.device} ")]
    checks = [
        Check("trunk", device=border.device, port=border.port, expect=(vlan_text(so_far),)),
        Check("stp-root", device=border.device, vlan=vlan.number, expect=roots),
        Check(
            "stp-blocked",
            device=border.device,
            vlan=vlan.number,
            expect=tuple(port.partition(" ")[2] for port in blocked),
        ),
        *(Check("border-root", vlan=vlan.number, subject=border.host, expect=(root,)) for root in root_of),
        *(Check("border-quiet", vlan=vlan.number, subject=other.host) for other in ground.borders[1:]),
        Check("mac-one-side", vlan=vlan.number),
        Check("fabric"),
    ]
    return course.step(
        f"2.vlan{vlan.number}",
        f"Let VLAN {vlan.number} ({vlan.name}) through to the fabric; its gateway stays where it is.",
        vlan=vlan.number,
        lines=[(border.device, type_.allow(border, vlan.number))],
        state=course.state.bridging(vlan.number),
        speakers=replace(course.speakers, watches=(watch,)),
        fabric_first=True,
        checks=[check for check in checks if roots or check.kind not in ("stp-root", "stp-blocked")],
        settle_ms=STP_SETTLE_MS,
        budgets=at_trunk(ground, vlan.number),
    )


def _root(course: Course, vlan: int) -> str:
    """``PRIORITY MAC`` of the tree's root, as its BPDUs have it."""
    roots = course.predicted.roots.get(vlan, ())
    if len(roots) != 1:
        return ""
    device = course.network.devices[roots[0]]
    mac = bridge_mac(device)
    return f"{device.stp.priorities.get(vlan, 32768) + vlan} {mac_text(mac)}" if mac is not None else ""


def coexist(course: Course) -> Iterator[Step]:
    """The transit VLAN on the router at the border, and EIGRP on it."""
    ground, transit = course.ground, course.ground.transit
    if transit is None:
        return
    device = course.network.devices[transit.router]
    carried = [vlan.number for vlan in ground.segmentation.vlans] + [transit.vlan]
    yield course.step(
        "3.transit",
        f"Make VLAN {transit.vlan} the way between the fabric and {transit.router}, and speak EIGRP on it.",
        vlan=transit.vlan,
        lines=[(transit.router, type_.transit(device, ground.border, transit))],
        risky=True,
        state=course.state.coexisting(),
        speakers=replace(course.speakers, eigrp=(_eigrp(ground, transit, ()),)),
        fabric_first=True,
        checks=[
            Check("trunk", device=transit.router, port=ground.border.port, expect=(vlan_text(carried),)),
            Check("eigrp-neighbor", device=transit.router, subject=str(transit.ours), expect=(f"Vlan{transit.vlan}",)),
            *(Check("eigrp-passive", device=name) for name in _eigrp_devices(ground)),
            Check("fabric"),
        ],
        settle_ms=max(STP_SETTLE_MS, EIGRP_SETTLE_MS),
        budgets=none_lost(ground, "a new VLAN and a new EIGRP neighbour that tells of nothing: no route changes"),
    )


def _eigrp_devices(ground: Ground) -> list[str]:
    return sorted(name for name, device in ground.network.devices.items() if device.eigrp)


def _eigrp(ground: Ground, transit: Transit, prefixes: tuple[Advertised, ...]) -> EigrpSpeaker:
    process = next(p for p in ground.network.devices[ground.border.device].eigrp if p.asn == transit.asn)
    mode = None
    if transit.authentication:
        mode = f"{transit.authentication[0]} 1" if transit.authentication[0] == "md5" else transit.authentication[0]
    return EigrpSpeaker(
        ground.border.host, transit.vlan, transit.asn, transit.ours, interface_of(transit.ours, transit.subnet),
        mac_text(ROUTER_MAC), process.k_values, 5000, 15000, prefixes, True, mode,
    )  # fmt: skip


def gateways(course: Course) -> Iterator[Step]:
    """VLAN by VLAN: the virtual address and its MAC address are the fabric's, legacy routers stand by."""
    if course.ground.transit is not None:
        for vlan in course.ground.movable:
            yield _gateway(course, vlan)


def _gateway(course: Course, vlan: Vlan) -> Step:
    ground, transit, group = course.ground, course.ground.transit, vlan.group
    assert transit is not None and group is not None
    state = course.state.routing(vlan.number)
    prefixes = tuple(Advertised(net, TAG) for net in advertised(ground, state.routed))
    speakers = replace(
        course.speakers,
        hsrp=(*course.speakers.hsrp, _hsrp(ground, vlan, group)),
        eigrp=(_eigrp(ground, transit, prefixes),),
    )
    owner = next((o.owners for o in course.predicted.gateways if o.vlan == vlan.number), ())
    by = (f"{transit.ours} Vlan{transit.vlan}",)
    device = course.network.devices[transit.router]
    moved = [v for v in ground.movable if v.number in state.routed]
    standby = [
        Check("hsrp", device=device, port=f"Vlan{vlan.number}", subject=str(group.group), expect=(state_,))
        for device, state_ in zip(owner, ("Standby", "Listen", "Listen"), strict=False)
    ]
    return course.step(
        f"4.vlan{vlan.number}",
        f"Move the gateway of VLAN {vlan.number} ({vlan.name}) to the fabric, with its address {vlan.gateways[0]} and "
        f"its MAC address; its access lists are the fabric's policies from now on.",
        vlan=vlan.number,
        lines=[(transit.router, type_.take_lists(device, transit, moved))],
        state=state,
        speakers=speakers,
        checks=[
            Check("gateway", BEFORE, vlan=vlan.number, subject=str(vlan.gateways[0]), expect=owner[:1]),
            Check("gateway", vlan=vlan.number, subject=str(vlan.gateways[0]), expect=(FABRIC,)),
            *standby,
            *(Check("route", device=ground.border.device, subject=str(net), expect=by)
              for net in advertised(ground, frozenset({vlan.number})) if net not in vlan.subnets),
            *(Check("eigrp-passive", device=name) for name in _eigrp_devices(ground)),
            Check("fabric"),
            Check("loss"),
        ],
        settle_ms=HSRP_SETTLE_MS + group.hold_ms,
        budgets=at_coup(ground, vlan, group),
    )  # fmt: skip


def _hsrp(ground: Ground, vlan: Vlan, group: HsrpGroup) -> HsrpSpeaker:
    kind = (group.authentication or "").split(" ")[0] or None
    assert group.address is not None
    return HsrpSpeaker(
        ground.border.host, vlan.number, group.group, group.version, _free_address(ground, vlan), _speaker_mac(vlan),
        (group.address, *group.secondaries), mac_text(gateway_mac(vlan)), PRIORITY, group.hello_ms, group.hold_ms, True,
        kind,
    )  # fmt: skip


def _speaker_mac(vlan: Vlan) -> str:
    return mac_text(0x02_C1_05_01_00_00 + vlan.number)


def _free_address(ground: Ground, vlan: Vlan) -> IPv4Address:
    """The highest address of the subnet that nobody has: HSRP's messages come from it."""
    taken = {host.address for host in ground.hosts(vlan.number)}
    return next(a for a in reversed(list(vlan.subnets[0].hosts())) if a not in taken)


def hosts(course: Course) -> Iterator[Step]:
    """Host by host, those with a port waiting at the fabric."""
    for vlan in course.ground.movable:
        if vlan.number not in course.state.routed:
            continue
        for host in course.ground.hosts(vlan.number, HOST):
            name = course.ground.fabric_host(host)
            if name is None or host.port is None:
                continue
            shadow = [Check("denies", BEFORE)] if not course.state.plugged else []
            ports = ", ".join(str(port) for port in course.ground.topology.hosts[name].ports)
            plug = Plug(name, f"{host.port[0]} {host.port[1]}", ports)
            yield course.step(
                f"5.{name}",
                f"{str(plug)[0].upper()}{str(plug)[1:]}.",
                vlan=vlan.number,
                host=name,
                state=course.state.plugging(name),
                plugs=(plug,),
                checks=[
                    *shadow,
                    Check("denies"),
                    *_neighbour(course.ground, vlan, name),
                    Check("mac-one-side", vlan=vlan.number),
                    Check("fabric"),
                    Check("loss"),
                ],
                settle_ms=STP_SETTLE_MS,
                budgets=after_plug(name),
            )


def _neighbour(ground: Ground, vlan: Vlan, name: str) -> Iterator[Check]:
    """That a host reaches another one of its VLAN, wherever that is."""
    others = (ground.names[host.vlan, host.address] for host in ground.hosts(vlan.number, HOST))
    other = next((each for each in others if each != name), None)
    if other is not None:
        yield Check("reach", subject=name, expect=(other,))


def clean(course: Course) -> Iterator[Step]:
    """Legacy interfaces that nobody needs any more, shut; those that relay DHCP or serve legacy devices stand by."""
    ground = course.ground
    emptied: dict[str, list[str]] = {}
    for vlan in ground.movable:
        for host in ground.hosts(vlan.number, HOST):
            name = ground.fabric_host(host)
            if name in course.state.plugged and host.port is not None:
                emptied.setdefault(host.port[0], []).append(host.port[1])
    for device, ports in sorted(emptied.items()):
        yield course.step(
            f"6.{device}.ports",
            f"Shut the ports of {device} that hosts have left.",
            lines=[(device, type_.shut_ports(ports))],
            budgets=none_lost(ground, "nobody is at these ports"),
        )
    for vlan in ground.movable:
        if vlan.number in course.state.routed and not _kept(ground, vlan):
            yield _shut(course, vlan)


def _kept(ground: Ground, vlan: Vlan) -> str:
    """Why legacy routers keep their addresses in a VLAN; empty: they need them no more."""
    if any(router.interface.helpers for router in vlan.routers):
        return "it relays DHCP"
    staying = [h for h in ground.hosts(vlan.number, "device", HOST) if ground.fabric_host(h) is None]
    return f"{len(staying)} hosts or devices stay in the legacy network" if staying else ""


def _shut(course: Course, vlan: Vlan) -> Step:
    assert course.ground.transit is not None
    by = (f"{course.ground.transit.ours} Vlan{course.ground.transit.vlan}",)
    router = course.ground.border.device
    budgets: tuple[Budget, ...] = none_lost(course.ground, "packets have gone by the longer prefixes since phase 4")
    return course.step(
        f"6.vlan{vlan.number}",
        f"Shut the legacy routers' interfaces in VLAN {vlan.number} ({vlan.name}).",
        vlan=vlan.number,
        lines=[(r.device, type_.shut_svi(vlan.number)) for r in reversed(vlan.routers)],
        risky=True,
        state=course.state.without_routers(vlan.number),
        checks=[
            Check("route", device=router, subject=str(vlan.subnets[0]), expect=by),
            *(Check("eigrp-passive", device=name) for name in _eigrp_devices(course.ground)),
            Check("fabric"),
            Check("loss"),
        ],
        settle_ms=EIGRP_SETTLE_MS,
        budgets=budgets,
    )
