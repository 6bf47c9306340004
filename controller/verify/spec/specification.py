"""What an intent means for all packets: which must arrive where, with which headers, and that no others arrive.

Must not know: rules, how switches behave.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from clos.controller.intent.model import Endpoint, Intent
from clos.controller.verify.headerspace.header_space import (
    ETH_DST,
    IP_DST,
    Box,
    HeaderSpace,
    Limits,
    outside,
    split,
    within,
)
from clos.controller.verify.spec.admissions import Admission, Admissions, SenderProfile
from clos.controller.verify.spec.attachments import AttachedEndpoint, Attachments, TenantView
from clos.controller.verify.spec.control_frames import ControlFrames, control_frames
from clos.controller.verify.spec.deliveries import Deliveries
from clos.controller.verify.spec.intent_terms import MULTICAST
from clos.controller.verify.spec.policy_space import PolicyClass, PolicySpace
from clos.controller.verify.spec.requirements import NOT_ADMITTED, ConditionalRequirement, Requirements
from clos.fabric.topology import PortRef, Topology

OWN_HOST = ""
"""The host of whoever sends, whoever that is."""

_ANYONE = Endpoint("", "", OWN_HOST, 0, -1)


class Specification:
    """An intent on a topology, over a header space made from its terms. ``before``: another specification over the same
    space and topology, of which everything is kept that has not changed."""

    def __init__(
        self, intent: Intent, topology: Topology, space: HeaderSpace, before: Specification | None = None
    ) -> None:
        self.intent, self.topology, self.space = intent, topology, space
        self.services: PolicySpace = PolicySpace(intent, space, before.services if before else None)
        self._attachments: Attachments = Attachments(
            intent, topology, space, self.services.who, before._attachments if before else None
        )
        self._admissions = Admissions(self._attachments)
        self._deliveries = Deliveries(self._attachments, self.services)
        self.many = space.domain[ETH_DST].of(MULTICAST, MULTICAST)
        self._control: dict[str, tuple[ControlFrames, ...]] = {}
        self._anyone: dict[SenderProfile, AttachedEndpoint] = {}

    def views(self) -> Iterable[TenantView]:
        """All tenants' endpoints and networks."""
        return self._attachments.views.values()

    def places(self, host: str) -> list[AttachedEndpoint]:
        """The endpoints of a host."""
        return self._attachments.at(host)

    def tenants_at(self, host: str) -> set[str]:
        """The tenants with an endpoint at a host."""
        return {place.tenant.name for place in self.places(host)}

    def partners(self, tenant: str) -> Iterable[str]:
        """The tenants with which one shares anything, itself among them."""
        return self._attachments.partners(tenant)

    def admissions(self, host: str, box: Box) -> Iterable[Admission]:
        """What each endpoint of a host may send, as far as packets of a box are concerned; perhaps more."""
        return self._admissions.of_box(host, box)

    def control(self, host: str) -> tuple[ControlFrames, ...]:
        """The packets from a host that are for the controller, whoever sends them."""
        found = self._control.get(host)
        if found is None:
            found = self._control[host] = control_frames(host, self._attachments)
        return found

    def at(self, port: PortRef, box: Box) -> list[Requirements]:
        """The requirements on the packets of a box that come in at a host's port: a partition of the box."""
        left = [box]
        requirements: list[Requirements] = []
        for limits, wanted in self.control(self.topology.host_at[port]):
            found, left = split(left, limits)
            requirements += [(taken, wanted) for taken in found]
        for place, limits, profile in self.admissions(self.topology.host_at[port], box):
            if not left:
                break
            found, left = split(left, limits)
            for taken in found:
                requirements += self._deliveries.of(place, profile.kind, taken)
        return requirements + [(part, NOT_ADMITTED) for part in left]

    def of(self, profile: SenderProfile, box: Box) -> list[Requirements]:
        """The requirements on packets of a box which such a sender may send, unless they are for the sender itself or
        for another endpoint of its host; a partition of the box."""
        known = self._attachments.routed[profile.tenant].known
        if known is None:
            return list(self._deliveries.of(self._any_sender(profile), profile.kind, box))
        alike = known.setdefault((profile.network, profile.vlan, profile.kind), {})
        requirements = alike.get(box)
        if requirements is None:
            requirements = alike[box] = list(self._deliveries.of(self._any_sender(profile), profile.kind, box))
            return requirements
        return [
            (part, self._chosen(of, profile.who) if type(of) is ConditionalRequirement else of)
            for part, of in requirements
        ]

    def from_elsewhere(self, sender: AttachedEndpoint, box: Box) -> Iterator[Requirements]:
        """The requirements on IPv4 packets of a box that an endpoint sends where another intent has it, when this one
        has it at another host, in the same network: those on the same packets from there. Nothing of other packets.

        A broadcast never goes back to the host that sends it, but is due where this intent has the sender.
        """
        mine = self._attachments.elsewhere(sender)
        if mine is None or within(box, self._admissions.own(mine)) != box:
            return
        there = AttachedEndpoint(mine.tenant, mine.endpoint, sender.vlan, mine.who, mine.legacy)
        here = AttachedEndpoint(mine.tenant, replace(mine.endpoint, host=sender.endpoint.host), sender.vlan, mine.who)
        many: Limits = ((ETH_DST, self.many),)
        for place, parts in ((here, _some(within(box, many))), (there, outside(box, many))):
            for part in parts:
                yield from self._deliveries.of(place, "ip", part)

    def from_there(self, sender: AttachedEndpoint, box: Box) -> Iterator[Requirements]:
        """The requirements on IPv4 packets of a box that an endpoint sends where another intent has it, as if this one
        had it there too. Nothing of other packets."""
        view = self._attachments.views.get(sender.tenant.name)
        if view is None or within(box, self._admissions.own(sender)) != box:
            return
        place = AttachedEndpoint(view.tenant, sender.endpoint, sender.vlan, sender.who, sender.legacy)
        yield from self._deliveries.of(place, "ip", box)

    def has_elsewhere(self, sender: AttachedEndpoint) -> bool:
        """Whether this intent has another intent's endpoint too, and in the same network, but at another host."""
        return self._attachments.elsewhere(sender) is not None

    def named(self, sender: tuple[str, str]) -> AttachedEndpoint | None:
        """The endpoint of a tenant with this name."""
        view = self._attachments.views.get(sender[0])
        return view.named.get(sender[1]) if view is not None else None

    def _any_sender(self, profile: SenderProfile) -> AttachedEndpoint:
        anyone = self._anyone.get(profile)
        if anyone is None:
            tenant = self._attachments.views[profile.tenant].tenant
            anyone = self._anyone[profile] = AttachedEndpoint(
                tenant, replace(_ANYONE, network=profile.network), profile.vlan, profile.who
            )
        return anyone

    def _chosen(self, choice: ConditionalRequirement, who: PolicyClass) -> ConditionalRequirement:
        """The same choice for another sender."""
        return choice._replace(permits=self.services.permitted(who, choice.who))

    def router(self, profile: SenderProfile) -> int:
        """The Ethernet addresses to which senders of a profile send what is to be routed, as a set."""
        tenant = self.intent.tenants.get(profile.tenant)
        network = tenant.networks.get(profile.network) if tenant is not None else None
        return 0 if network is None else self._attachments.router(network)

    def broadcasts(self, profile: SenderProfile) -> bool:
        """Whether the network of a profile carries broadcast."""
        tenant = self.intent.tenants.get(profile.tenant)
        network = tenant.networks.get(profile.network) if tenant is not None else None
        return network is not None and network.broadcast

    def beside(self, admission: Admission, box: Box) -> Iterator[Box]:
        """The packets of a box for which ``of`` does not speak: to endpoints of the sender's host, to everybody."""
        place, _, profile = admission
        routed: Limits = ((ETH_DST, self._attachments.router(place.network)),) if profile.kind == "ip" else ()
        near = self.partners(profile.tenant)
        if profile.kind == "ip" and place.network.broadcast:
            yield from _some(within(box, ((ETH_DST, self.many),)))
        for other in self.places(place.endpoint.host):
            if other.tenant.name in near:
                ips = self._attachments.behind(other)
                for address in other.endpoint.addresses:
                    ips |= self.space.domain[IP_DST].of(address)
                yield from _some(within(box, (*routed, (IP_DST, ips))))
                if profile.kind == "ip":
                    yield from _some(within(box, ((ETH_DST, self.space.domain[ETH_DST].of(other.endpoint.mac)),)))


def _some(box: Box | None) -> tuple[Box, ...]:
    return () if box is None else (box,)
