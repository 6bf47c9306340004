"""Questions turned into packets: who sends what to whom, and where it enters the fabric.

Lives here: names of endpoints, services and ports as people type them, and the packet they mean. Must not know:
what becomes of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from clos.controller.explain.errors import BadQuestion
from clos.controller.explain.inputs import Inputs
from clos.controller.intent.model import Intent, Service
from clos.controller.intent.problem import suggest
from clos.controller.intent.reach import End, Flow, ends, has, near
from clos.controller.intent.schema import scalars
from clos.controller.probe.packets import WITH_PORTS, Party, message
from clos.fabric.packet.build import Packet, PacketError
from clos.fabric.packet.fields import ipv4_text
from clos.fabric.topology import PortRef, Topology

SOURCE_PORT = 49152
"""The port that probes are sent from: the first ephemeral one (RFC 6335 §6)."""


class Probe(NamedTuple):
    """A packet and the port it enters by; who sends it to whom, where that is known."""

    at: PortRef
    packet: Packet
    source: End | None = None
    target: End | None = None
    flow: Flow | None = None


def asked(wanted: Inputs, source: str, target: str, service: str, via: str, at: str, packet: str) -> Probe:
    """The probe that the options of ``trace`` and ``explain`` ask for. Raises BadQuestion."""
    if by_frame(source, target, at, packet):
        return raw(at, packet, wanted.topology)
    one, other = (find_end(wanted.intent, end) for end in (source, target))
    return between_ends(wanted, one, other, find_flow(service), via)


def by_frame(source: str, target: str, at: str, packet: str) -> bool:
    """Whether a raw frame is asked about, and not two endpoints. Raises BadQuestion when neither is named in full."""
    ends, frame = (source, target), (at, packet)
    if not (all(ends) and not any(frame)) and not (all(frame) and not any(ends)):
        raise BadQuestion("pass --from and --to, or --in and --packet")
    return all(frame)


def find_end(intent: Intent, word: str) -> End:
    """The endpoint called ``tenant/name``, ``name`` where only one tenant has it, or by its IPv4 address; an address
    outside belongs to who stands for it.

    Raises BadQuestion when there is none or more than one.
    """
    everyone = list(ends(intent))
    found = [one for one in everyone if word in (str(one), one.endpoint.name, ipv4_text(one.endpoint.ip))]
    found = found or list(_outside(everyone, word))
    if len(found) == 1:
        return found[0]
    if found:
        raise BadQuestion(f"{word} may be {' or '.join(map(str, found))}: write one of these")
    names = {one.endpoint.name for one in everyone} | {str(one) for one in everyone}
    meant = suggest(word, names)
    raise BadQuestion(f"no endpoint {word}{f'; did you mean {meant}?' if meant else ''}")


def _outside(everyone: Iterable[End], word: str) -> Iterator[End]:
    """Whoever an address outside belongs to, with that address."""
    try:
        ip = scalars.ipv4(word)
    except ValueError:
        return
    for one in everyone:
        if one.endpoint.outside is not None and has(one.tenant, one.endpoint, ip):
            yield one._replace(endpoint=replace(one.endpoint, ip=ip))


def find_flow(word: str) -> Flow:
    """The flow a client of this service opens: ``tcp/1433``, ``udp/53``, ``icmp``, ``ip/47``.

    Raises BadQuestion for what is more than one flow: a range of ports, a protocol with all of its ports, ``any``.
    """
    service = find_service(word)
    if service.proto is None or (
        service.proto in WITH_PORTS and (service.first is None or service.first != service.last)
    ):
        raise BadQuestion(
            f"--service {word}: name one packet's service, like tcp/443, udp/53 or icmp (explain takes ranges)"
        )
    return Flow(service.proto, SOURCE_PORT, service.first) if service.proto in WITH_PORTS else Flow(service.proto)


def find_service(word: str) -> Service:
    """A service as intents write it: ``tcp/443``, ``udp/5000-5010``, ``tcp``, ``icmp``, ``any``, ``ip/47``."""
    try:
        return scalars.service(word)
    except ValueError as error:
        raise BadQuestion(f"--service {word}: {error}") from None


def find_ports(words: Iterable[str], topology: Topology) -> frozenset[PortRef]:
    """Switch ports written ``leaf1:3``. Raises BadQuestion for one that the topology does not have."""
    return frozenset(find_port(word, topology) for word in words)


def find_port(word: str, topology: Topology) -> PortRef:
    try:
        port = PortRef(*scalars.port(word))
    except ValueError as error:
        raise BadQuestion(f"{word}: {error}") from None
    if port.switch not in topology.switches:
        raise no_switch(port.switch, topology)
    if port.port not in topology.ports[port.switch]:
        raise BadQuestion(
            f"{word}: {port.switch} has no such port; it uses {', '.join(map(str, topology.ports[port.switch]))}"
        )
    return port


def no_switch(name: str, topology: Topology) -> BadQuestion:
    """What to say to someone who names a switch that is not there."""
    meant = suggest(name, topology.switches)
    return BadQuestion(f"no switch {name}{f'; did you mean {meant}?' if meant else ''}")


def between_ends(wanted: Inputs, source: End, target: End, flow: Flow, via: str = "") -> Probe:
    """The first packet ``source`` sends to ``target``: bridged within a network, else by way of the gateway.

    ``via``: the leaf it enters by, for a dual-homed host.
    """
    if str(source) == str(target):
        raise BadQuestion(f"{source} to itself: no fabric sees such a packet")
    host = wanted.topology.hosts[source.endpoint.host]
    ports = [port for port in host.ports if via in ("", port.switch)]
    if not ports:
        raise BadQuestion(f"{host.name} is not attached to {via}, but to {' and '.join(p.switch for p in host.ports)}")
    vlan = source.tenant.networks[source.endpoint.network].vlan if host.tagged else None
    party = Party(source.tenant, source.endpoint, host.ports, vlan)
    packet = message(party, target.endpoint.mac if near(source, target) else party.router, target.endpoint.ip, flow)
    return Probe(ports[0], packet, source, target, flow)


def raw(port: str, text: str, topology: Topology) -> Probe:
    """A frame given in hexadecimal digits; spaces and colons between them do not matter."""
    try:
        packet = Packet.parse(bytes.fromhex(text.replace(":", "")))
    except (ValueError, PacketError) as error:
        raise BadQuestion(f"--packet: {error}") from None
    return Probe(find_port(port, topology), packet)
