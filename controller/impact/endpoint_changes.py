"""Who comes, goes and moves, and what networks do of themselves: the rest of what a change means, as sentences.

Lives here: endpoints, networks, limits of tenants. A sentence about an endpoint speaks for all its packets. Must not
know: policies, rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from clos.controller.impact.changed_flows import (
    ALTERED,
    ASKED,
    BROADCAST,
    GAINED,
    LOST,
    PINGED,
    DeliveryPoint,
    Flow,
    grouped,
)
from clos.controller.impact.endpoint_names import Names, some
from clos.controller.impact.endpoint_pairs import AffectedTenants, EndpointPair, Snapshot
from clos.controller.impact.permission_changes import LIMITS
from clos.controller.impact.policy_classes import Attachment, EndpointView, Network
from clos.controller.impact.sentence import (
    ADDS,
    CHANGES,
    NETWORK,
    REMARK,
    REMOVES,
    Sentence,
    rate_text,
)
from clos.controller.intent import model
from clos.fabric.packet.fields import ipv4_text, mac_text

Images = dict[Network, Network]
"""The network that each network before the change has become."""


def residents(
    old: Snapshot, new: Snapshot, who: AffectedTenants, named: list[EndpointPair], exact: tuple[Flow, ...], names: Names
) -> Iterator[Sentence]:
    """Every sentence but those about policies. ``exact``: what was found out about packets."""
    telling = _Telling(old, new, who, named, exact)
    yield from telling.endpoints()
    yield from telling.networks()
    yield from telling.remarks(names)
    yield from _tenant_limits(old, new, who)


class _Telling:
    """Sentences, and what they have explained: ends, addresses, networks."""

    def __init__(
        self, old: Snapshot, new: Snapshot, who: AffectedTenants, named: list[EndpointPair], exact: tuple[Flow, ...]
    ) -> None:
        self.old, self.new, self.who, self.exact = old, new, who, exact
        self.named = [party for party in named if not who.changed.isdisjoint(party.tenants)]
        self.images = _images(old, new, who, self.named)
        self.vlans = {was for was, now in self.images.items() if _net(old, was).vlan != _net(new, now).vlan}
        self.ends: set[Attachment] = set()
        self.gateways: set[int] = set()
        self.toggled: set[Network] = set()

    # Endpoints.

    def endpoints(self) -> Iterator[Sentence]:
        come = [p.after for p in self.named if p.after and not p.before]
        gone = [p.before for p in self.named if p.before and not p.after]
        for kind, found in ((ADDS, come), (REMOVES, gone)):
            whole = [member for member in found if not member.number]
            yield from self._further(kind, found, {str(member) for member in whole})
            for tenant, held in sorted(grouped((member.tenant, member) for member in whole).items()):
                self.ends |= {end for member in held for end in (member.end, member.end.place)}
                yield Sentence(kind, f"{kind} {_counted(tenant, held)}", {"endpoints": list(map(_member_json, held))})
        for party in self.named:
            if party.before and party.after:
                yield from self._altered(party.before, party.after)

    def _further(self, kind: str, found: list[EndpointView], whole: set[str]) -> Iterator[Sentence]:
        """Addresses that endpoints get besides, or lose."""
        for member in found:
            if member.number:
                self.ends |= {member.end, member.end.place}
                if str(member) not in whole:
                    text = f"{kind} address {ipv4_text(member.end.ip)} of {member}"
                    yield Sentence(kind, text, {"endpoints": [_member_json(member)]})

    def _altered(self, was: EndpointView, now: EndpointView) -> Iterator[Sentence]:
        """The sentence about an endpoint that is another one for packets, if it is."""
        moved = self.images.get(was.network) != now.network
        if was.end == now.end and not moved:
            return
        self.ends |= {was.end, now.end, was.end.place, now.end.place}
        aspects = list(_aspects(was, now))
        if moved:
            aspects.append(("network", was.network.name, now.network.name))
        elif was.end.vlan != now.end.vlan and was.network not in self.vlans:
            aspects.append(("VLAN", str(was.end.vlan or "none"), str(now.end.vlan or "none")))
        if was.number:
            aspects = [aspect for aspect in aspects if aspect[0] == "address"]
        if aspects:
            told = ", ".join(f"{what} {before} becomes {after}" for what, before, after in aspects)
            data = {"endpoint": str(now), "changes": [list(aspect) for aspect in aspects]}
            yield Sentence(CHANGES, f"changes {now}: {told}", data)

    # Networks.

    def networks(self) -> Iterator[Sentence]:
        pinged = {flow.change: set(flow.receivers) for flow in self.exact if flow.way == PINGED}
        for flow in self.exact:
            if flow.way == PINGED:
                pinged[flow.change] |= set(flow.receivers)
        for was, now in self.images.items():
            yield from self._network(was, now, set().union(*pinged.values()))
        kept = set(self.images.values())
        for kind, side, word, known in ((ADDS, self.new, GAINED, kept), (REMOVES, self.old, LOST, set(self.images))):
            for network in _networks(side, self.who):
                gateway = _net(side, network).gateway
                if network not in known and gateway is not None and gateway in pinged.get(word, set()):
                    self.gateways.add(gateway)
                    yield _on_network(f"{kind} network {_name(network)} with gateway {ipv4_text(gateway)}", network)

    def _network(self, was: Network, now: Network, pinged: set[Any]) -> Iterator[Sentence]:
        """What is new of a network that was there before."""
        before, after = _net(self.old, was), _net(self.new, now)
        gateways = {gateway for net in (before, after) for gateway in net.gateways}
        words = _gateway(before), _gateway(after)
        if words[0] != words[1] and (gateways & pinged or (before.router != after.router and self._lived_in(was, now))):
            self.gateways |= gateways
            yield _on_network(f"changes network {_name(now)}: gateway {words[0]} becomes {words[1]}", now)
        tagged = sum(p.before is not None and p.before.network == was and p.before.end.vlan for p in self.named)
        if was in self.vlans and tagged:
            yield _on_network(f"changes network {_name(now)}: VLAN {before.vlan} becomes {after.vlan} on trunks", now)
        if before.broadcast != after.broadcast:
            self.toggled |= {was, now}
            if self._broadcasts(was, now):
                verb = "now carries" if after.broadcast else "no longer carries"
                yield _on_network(f"network {_name(now)} {verb} broadcast", now)

    def _lived_in(self, was: Network, now: Network) -> bool:
        return any(m is not None and m.network == n for p in self.named for m, n in zip(p, (was, now), strict=True))

    def _broadcasts(self, was: Network, now: Network) -> bool:
        """Whether anybody's broadcast in the network has another fate."""
        senders = {end.place for flow in self.exact if flow.way == BROADCAST for end in flow.senders}
        return any(
            member is not None and member.network == network and member.end.place in senders
            for party in self.named
            for member, network in zip(party, (was, now), strict=True)
        )

    # What is left.

    def remarks(self, names: Names) -> Iterator[Sentence]:
        """Fates that no other sentence explains."""
        by_end = {member.end.place: party for party in self.named for member in party if member is not None}
        addresses = {end.ip for end in self.ends} | self.gateways
        for flow in self.exact:
            if flow.way not in _REMARKS:
                continue
            senders = [
                end for end in flow.senders if end not in self.ends and not self._explained(flow, by_end[end.place])
            ]
            receivers = [one for one in flow.receivers if not self._known(one, addresses)]
            if senders and receivers and [end.ip for end in senders] != receivers:
                who = names.of([by_end[end.place] for end in senders], before=flow.change == LOST)
                what = some(ipv4_text(one) if isinstance(one, int) else _spot(one) for one in receivers)
                text = _REMARKS[flow.way].format(who.text, what, _NOW[flow.change])
                yield Sentence(REMARK, text, {"from": who.data, "to": what})

    def _explained(self, flow: Flow, party: EndpointPair) -> bool:
        return flow.way == BROADCAST and any(m is not None and m.network in self.toggled for m in party)

    def _known(self, one: object, addresses: set[int]) -> bool:
        if isinstance(one, DeliveryPoint):
            return any(end[:2] == one for end in self.ends)
        return one in addresses


_REMARKS = {
    ASKED: "ARP requests of {0} for {1} {2}",
    PINGED: "pings of {0} to the gateway {1} {2}",
    BROADCAST: "broadcast of {0} to {1} {2}",
}
_NOW = {GAINED: "pass now", LOST: "pass no longer", ALTERED: "are answered with another address"}


def _aspects(was: EndpointView, now: EndpointView) -> Iterator[tuple[str, str, str]]:
    """What differs between an endpoint before and after, in words: (what, before, after)."""
    if was.end.ports != now.end.ports:
        if was.host != now.host:
            yield "host", was.host, now.host
        else:
            yield "port", _ports(was), _ports(now)
    if was.end.ip != now.end.ip:
        yield "address", ipv4_text(was.end.ip), ipv4_text(now.end.ip)
    if was.end.mac != now.end.mac:
        yield "MAC", mac_text(was.end.mac), mac_text(now.end.mac)


def _gateway(network: model.Network) -> str:
    if network.gateway is None:
        return "none"
    own = "" if network.gateway_mac == model.ROUTER_MAC else f" with {mac_text(network.gateway_mac)}"
    return f"{', '.join(map(ipv4_text, network.gateways))}{own}"


def _ports(member: EndpointView) -> str:
    return "+".join(map(str, member.end.ports))


def _spot(spot: Any) -> str:
    return "+".join(map(str, spot.ports))


def _counted(tenant: str, held: list[EndpointView]) -> str:
    if len(held) == 1:
        return f"{held[0]} ({ipv4_text(held[0].end.ip)} on {held[0].host})"
    return f"{len(held):,} endpoints of {tenant}: {some(member.name for member in held)}"


def _member_json(member: EndpointView) -> dict[str, str]:
    addresses = {"mac": mac_text(member.end.mac), "ip": ipv4_text(member.end.ip)}
    return {"name": str(member), "host": member.host, "network": member.network.name, **addresses}


def _net(side: Snapshot, network: Network) -> model.Network:
    return side.intent.tenants[network.tenant].networks[network.name]


def _name(network: Network) -> str:
    return f"{network.tenant}/{network.name}"


def _on_network(text: str, network: Network) -> Sentence:
    return Sentence(NETWORK, text, {"network": _name(network)})


def _networks(side: Snapshot, who: AffectedTenants) -> Iterator[Network]:
    for tenant in sorted(who.changed & side.intent.tenants.keys()):
        yield from (Network(tenant, name) for name in side.intent.tenants[tenant].networks)


def _images(old: Snapshot, new: Snapshot, who: AffectedTenants, named: Iterable[EndpointPair]) -> Images:
    """Which network has become which: the one most of its endpoints are in, else the one of its name."""
    votes = Counter((p.before.network, p.after.network) for p in named if p.before and p.after)
    after = set(_networks(new, who))
    votes.update({(network, network): 0 for network in _networks(old, who) if network in after})
    found: Images = {}
    taken: set[Network] = set()
    for was, now in sorted(votes, key=lambda pair: (-votes[pair], pair[0] != pair[1], pair)):
        if was not in found and now not in taken:
            found[was] = now
            taken.add(now)
    return found


def _tenant_limits(old: Snapshot, new: Snapshot, who: AffectedTenants) -> Iterator[Sentence]:
    for name in sorted(who.changed & old.intent.tenants.keys() & new.intent.tenants.keys()):
        was, now = old.intent.tenants[name].rate, new.intent.tenants[name].rate
        if was != now:
            before, after = rate_text(was), rate_text(now)
            verb = f"limits tenant {name} to {after} per leaf" if now else f"no longer limits tenant {name}"
            text = f"{verb} ({f'it was {before}' if was else 'it had no limit'})"
            yield Sentence(LIMITS, text, {"tenant": name, "before": before, "after": after})
