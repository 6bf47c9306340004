"""``show ip eigrp neighbors|topology|interfaces`` and ``show ip protocols``: EIGRP processes as IOS prints them."""

from __future__ import annotations

from collections.abc import Iterator

from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.grammar import Match
from clos.fabric.sim.legacy.names import short_name
from clos.fabric.sim.legacy.show.words import clock_time, text_of
from clos.fabric.sim.legacy.state import EigrpInterface, EigrpNeighbor, EigrpPath, EigrpPrefix, EigrpProcess
from clos.fabric.sim.legacy.tree import starting

INFINITY = (1 << 32) - 1


def _title(process: EigrpProcess, what: str) -> str:
    if process.name is None:
        return f"EIGRP-IPv4 {what} for AS({process.asn})"
    family = "" if what == "Topology Table" else "Address-Family "
    return f"EIGRP-IPv4 VR({process.name}) {family}{what} for AS({process.asn})"


def neighbors(device: LegacyDevice, match: Match) -> str:
    detail = match.words[-1] == "detail"
    return text_of(line for one in device.machines.eigrp() or () for line in _neighbors(one, detail))


def _neighbors(process: EigrpProcess, detail: bool) -> Iterator[str]:
    yield _title(process, "Neighbors")
    if process.neighbors:
        yield "H   Address                 Interface              Hold Uptime   SRTT   RTO  Q  Seq"
        yield "                                                   (sec)         (ms)       Cnt Num"
    for one in process.neighbors:
        yield _neighbor(one)
        if detail:
            version = "2.0" if process.name else "1.2"
            yield f"   Version 15.0/{version}, Retrans: 0, Retries: 0, Prefixes: {one.prefixes}"
            if one.stub:
                yield "   Stub Peer Advertising (CONNECTED SUMMARY ) Routes"
                yield "   Suppressing queries"
            yield "   Topology-ids from peer - 0 "


def _neighbor(one: EigrpNeighbor) -> str:
    where = f"{one.handle:<3} {one.address!s:<23} {short_name(one.interface):<21}"
    times = f"{one.hold_s:>5} {clock_time(one.uptime_s):<8} {one.srtt_ms:>5} {one.rto_ms:>5}"
    return f"{where} {times}  {one.queue} {one.sequence}"


def interfaces(device: LegacyDevice, match: Match) -> str:
    detail = match.words[-1] == "detail"
    return text_of(line for one in device.machines.eigrp() or () for line in _interfaces(one, detail))


def _interfaces(process: EigrpProcess, detail: bool) -> Iterator[str]:
    yield _title(process, "Interfaces")
    yield "                              Xmit Queue   PeerQ        Mean   Pacing Time   Multicast    Pending"
    yield "Interface              Peers  Un/Reliable  Un/Reliable  SRTT   Un/Reliable   Flow Timer   Routes"
    for one in process.interfaces:
        yield (
            f"{short_name(one.name):<22} {one.peers:>3}        0/0       0/0     {one.srtt_ms:>6}"
            f"       {one.pacing_ms[0]}/{one.pacing_ms[1]}         {one.flow_timer_ms:>4}         {one.pending:>3}"
        )
        if detail:
            yield from _detail(one)


def _detail(one: EigrpInterface) -> Iterator[str]:
    yield f"  Hello-interval is {one.hello_s}, Hold-time is {one.hold_s}"
    yield f"  Split-horizon is {'enabled' if one.split_horizon else 'disabled'}"
    yield "  Next xmit serial <none>"
    yield "  Topology-ids on interface - 0 "
    yield f"  Authentication mode is {one.authentication}" if one.authentication else "  Authentication mode is not set"


def topology(device: LegacyDevice, match: Match) -> str:
    every = match.words[-1] == "all-links"
    return text_of(line for one in device.machines.eigrp() or () for line in _topology(one, every))


def _topology(process: EigrpProcess, every: bool) -> Iterator[str]:
    yield f"{_title(process, 'Topology Table')}/ID({process.router_id})"
    yield "Codes: P - Passive, A - Active, U - Update, Q - Query, R - Reply,"
    yield "       r - reply Status, s - sia Status "
    yield ""
    for one in process.topology:
        paths = (*one.paths, *one.others) if every else one.paths
        if paths:
            yield _prefix(one)
            yield from (_path(path) for path in paths)
    yield ""


def _metric(number: int) -> str:
    return "Infinity" if number >= INFINITY and number == INFINITY else str(number)


def _prefix(one: EigrpPrefix) -> str:
    distance = "Infinity" if not one.successors else _metric(one.feasible_distance)
    tag = f", tag is {one.tag}" if one.tag else ""
    return f"{'A' if one.active else 'P'} {one.prefix}, {one.successors} successors, FD is {distance}{tag}"


def _path(path: EigrpPath) -> str:
    figures = f"({_metric(path.distance)}/{_metric(path.reported)})"
    if path.via is not None:
        return f"        via {path.via} {figures}, {path.interface}"
    if path.source == "Connected":
        return f"        via Connected, {path.interface}"
    where = f", {path.interface}" if path.interface else ""
    return f"        via {path.source} {figures}{where}"


def protocols(device: LegacyDevice, match: Match) -> str:
    """The section of the application, as every device prints it, and one for each process."""
    lines = ["*** IP Routing is NSF aware ***", ""]
    for process in device.machines.eigrp() or ():
        lines += _protocol(device, process)
    return text_of(lines)


def _protocol(device: LegacyDevice, process: EigrpProcess) -> Iterator[str]:
    own = _lines(device, process)
    yield f'Routing Protocol is "eigrp {process.asn}"'
    yield "  Outgoing update filter list for all interfaces is not set"
    yield "  Incoming update filter list for all interfaces is not set"
    yield "  Default networks flagged in outgoing updates"
    yield "  Default networks accepted from incoming updates"
    yield f"  Redistributing: {', '.join(_sources(own)) or 'none'}"
    yield f"  EIGRP-IPv4 Protocol for AS({process.asn})"
    k = ", ".join(f"K{number}={weight}" for number, weight in enumerate(process.weights[: 6 if process.name else 5], 1))
    yield f"    Metric weight {k}"
    yield "    Soft SIA disabled"
    yield "    NSF-aware route hold timer is 240"
    yield f"    Router-ID: {process.router_id}"
    yield "    Topology : 0 (base) "
    yield "      Active Timer: 3 min"
    yield f"      Distance: internal {process.distances[0]} external {process.distances[1]}"
    yield f"      Maximum path: {process.maximum_paths}"
    yield "      Maximum hopcount 100"
    yield f"      Maximum metric variance {process.variance}"
    yield ""
    yield "  Automatic Summarization: disabled"
    yield f"  Maximum path: {process.maximum_paths}"
    yield "  Routing for Networks:"
    yield from (f"    {network}" for network in _networks(own))
    yield from _passive(device, process)
    yield "  Routing Information Sources:"
    yield "    Gateway         Distance      Last Update"
    for one in process.neighbors:
        yield f"    {one.address!s:<15} {process.distances[0]:>8}      {clock_time(one.uptime_s)}"
    yield f"  Distance: internal {process.distances[0]} external {process.distances[1]}"
    yield ""


def _lines(device: LegacyDevice, process: EigrpProcess) -> list[str]:
    """The lines of the process, those of blocks within it among them."""
    found: list[str] = []
    for line in starting(device.running, f"router eigrp {process.name or process.asn}"):
        pending = list(line.children)
        while pending:
            one = pending.pop(0)
            found.append(one.text)
            pending = [*one.children, *pending]
    return found


def _sources(lines: list[str]) -> Iterator[str]:
    for text in lines:
        if text.startswith("redistribute "):
            words = text.split()[1:]
            yield " ".join(words[:2]) if words[0] in {"eigrp", "ospf", "bgp"} else words[0]


def _networks(lines: list[str]) -> Iterator[str]:
    for text in lines:
        if text.startswith("network "):
            words = text.split()
            yield f"{words[1]}/{_length(words[2])}" if len(words) > 2 else words[1]


def _length(wildcard: str) -> str:
    """A wildcard as the length it is; as it stands where it is none."""
    bits = "".join(f"{int(part):08b}" for part in wildcard.split("."))
    return str(32 - bits.count("1")) if "10" not in bits else wildcard


def _passive(device: LegacyDevice, process: EigrpProcess) -> Iterator[str]:
    speaks = {one.name for one in process.interfaces}
    texts = _lines(device, process)
    names = [name for name in device.interfaces() if name not in speaks and f"passive-interface {name}" in texts]
    if "passive-interface default" in texts:
        addressed = (name for name in device.interfaces() if any(starting(device.interface(name), "ip address")))
        names = [name for name in addressed if name not in speaks]
    if names:
        yield "  Passive Interface(s):"
        yield from (f"    {name}" for name in names)
