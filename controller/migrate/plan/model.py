"""The plan of a migration as values: what is done in which order, how each step is checked, and how it is undone.

Lives here: the types that the planner fills and the executor follows. Must not know: how a plan is made, sent or shown.
Devices and interfaces go by their names in the discovered network, MAC addresses are text (``00:00:0c:07:ac:0a``),
times are milliseconds. States (intents, speakers) are whole: what holds *after* a step, not what it adds, so that a
step may be done twice, and the state before a step is that of the step before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import ClassVar

FORMAT = 1
"""Of ``plan.json``; goes up when a key changes meaning or goes away."""

DISCOVER, PREPARE, EXTEND, COEXIST, GATEWAYS, HOSTS, CLEAN = range(7)
"""Numbers of the phases."""

BEFORE, AFTER, THROUGHOUT = "before", "after", "throughout"
"""When a check must hold: before the step's commands; after them, within the step's ``settle_ms``; all the time."""

CHECKS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "config": (("device",), "{device}'s running configuration is the one that the plan expects"),
    "config-has": (("device", "expect"), "{device}'s running configuration has {expect}"),
    "stp-root": (("device", "vlan", "expect"), "{device} sees {expect} as root of VLAN {vlan}"),
    "stp-port": (("device", "vlan", "port", "expect"), "{device} {port} is {expect} in VLAN {vlan}"),
    "stp-blocked": (("device", "vlan", "expect"), "{device} blocks exactly {expect} in VLAN {vlan}"),
    "trunk": (("device", "port", "expect"), "{device} {port} is a trunk with the VLANs {expect}"),
    "mac-at": (("device", "vlan", "subject", "expect"), "{device} has {subject} of VLAN {vlan} at {expect}"),
    "mac-one-side": (("vlan",), "no MAC address of VLAN {vlan} is seen on both sides"),
    "hsrp": (("device", "port", "subject", "expect"), "{device} {port} is {expect} in HSRP group {subject}"),
    "gateway": (("vlan", "subject", "expect"), "{subject} of VLAN {vlan} is answered by {expect}"),
    "eigrp-neighbor": (("device", "subject", "expect"), "{device} has the EIGRP neighbour {subject} at {expect}"),
    "eigrp-passive": (("device",), "no EIGRP route of {device} is active"),
    "route": (("device", "subject", "expect"), "{device} reaches {subject} by {expect}"),
    "no-route": (("device", "subject"), "{device} has no route to {subject}"),
    "border-root": (("subject", "vlan", "expect"), "the border at {subject} hears {expect} as root of VLAN {vlan}"),
    "border-quiet": (("subject", "vlan"), "the border at {subject} hears no BPDU of VLAN {vlan}"),
    "fabric": ((), "the fabric holds this step's intents, proved and in sync"),
    "reach": (("subject", "expect"), "{subject} reaches {expect}"),
    "apart": (("subject", "expect"), "{subject} does not reach {expect}"),
    "denies": ((), "no packet was refused that the legacy access lists permit"),
    "loss": ((), "no host lost more than its budget"),
}
"""By kind: the keys that it needs, and how it reads."""


class _Read:
    """What is read from JSON has no other keys than these."""

    __slots__ = ()
    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class Check(_Read):
    """Something that must hold. ``expect`` may list several values, all of them in any order."""

    kind: str
    when: str = AFTER
    device: str | None = None
    port: str | None = None
    vlan: int | None = None
    subject: str | None = None
    """What the kind is about: an address, a prefix, a MAC address, a group, a host of the fabric's topology."""
    expect: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in CHECKS:
            raise ValueError(f"{self.kind!r} is no kind of check; there are {', '.join(CHECKS)}")
        if self.when not in (BEFORE, AFTER, THROUGHOUT):
            raise ValueError(f"a check is made before, after or throughout, not {self.when!r}")
        lacking = [key for key in CHECKS[self.kind][0] if key != "expect" and getattr(self, key) is None]
        if lacking:
            raise ValueError(f"a check of kind {self.kind!r} needs {', '.join(lacking)}")

    def __str__(self) -> str:
        words = {key: getattr(self, key) for key in ("device", "port", "vlan", "subject")}
        return CHECKS[self.kind][1].format(**words, expect=", ".join(self.expect) or "nothing")


@dataclass(frozen=True, slots=True)
class DeviceCommands(_Read):
    """What is typed on one device in ``configure terminal``, and what takes it back, each in its safe order.

    A line begins with one blank per level of its section, as in a configuration: `` switchport nonegotiate``.
    """

    device: str
    lines: tuple[str, ...]
    inverse: tuple[str, ...]
    risky: bool = False
    """The device may be lost, or frames may stop: a revert timer is armed first."""


@dataclass(frozen=True, slots=True)
class Plug(_Read):
    """A cable that a person moves: a host from its legacy port to its port at the fabric."""

    host: str
    """Of the fabric's topology; the cabling of a simulated network has it by the same name."""
    legacy: str
    """``acc1 GigabitEthernet1/0/3``."""
    fabric: str
    """``leaf3:4``."""

    def __str__(self) -> str:
        return f"plug {self.host} from {self.legacy} to {self.fabric}"


@dataclass(frozen=True, slots=True)
class HsrpSpeaker(_Read):
    """Our router in a legacy HSRP group, heard at a border port. It sends from ``mac`` until it is active."""

    border: str
    """The ``mode: legacy`` host of the fabric's topology that it speaks at."""
    vlan: int
    group: int
    version: int
    address: IPv4Address
    mac: str
    virtual: tuple[IPv4Address, ...]
    """The virtual address, then the secondary ones."""
    virtual_mac: str
    priority: int
    hello_ms: int
    hold_ms: int
    active: bool
    """It sends a coup and stays active; else it listens, and resigns where it was active."""
    authentication: str | None = None
    """``text`` or ``md5``; the key is in the environment (``CLOS_HSRP_KEY_GROUP``), never in a plan."""


@dataclass(frozen=True, slots=True)
class Advertised(_Read):
    """A prefix that our EIGRP router tells of, as an external route with this tag, or (None) as an internal one."""

    prefix: IPv4Network
    tag: int | None = None


@dataclass(frozen=True, slots=True)
class EigrpSpeaker(_Read):
    """Our router in a legacy EIGRP autonomous system, on one VLAN at a border port."""

    border: str
    vlan: int
    asn: int
    router_id: IPv4Address
    address: IPv4Interface
    mac: str
    k_values: tuple[int, ...]
    hello_ms: int
    hold_ms: int
    advertised: tuple[Advertised, ...] = ()
    stub: bool = True
    authentication: str | None = None
    """``md5 KEY-ID`` or ``hmac-sha-256``; the key is in the environment (``CLOS_EIGRP_KEY_AS``), never in a plan."""


@dataclass(frozen=True, slots=True)
class BpduWatch(_Read):
    """VLANs whose BPDUs are read at a border port, and the root that each must name."""

    border: str
    roots: Mapping[int, str]
    """By VLAN: ``PRIORITY MAC``, ``24586 00:1b:54:12:00:00``, the priority with the VLAN in it."""


@dataclass(frozen=True, slots=True)
class Speakers(_Read):
    """What speaks legacy protocols at the borders after a step."""

    hsrp: tuple[HsrpSpeaker, ...] = ()
    eigrp: tuple[EigrpSpeaker, ...] = ()
    watches: tuple[BpduWatch, ...] = ()


@dataclass(frozen=True, slots=True)
class GatewayOwner(_Read):
    """Who answers for a VLAN's gateway address: devices in the order in which they take over, or ``fabric``."""

    vlan: int
    address: IPv4Address
    owners: tuple[str, ...]
    mac: str


@dataclass(frozen=True, slots=True)
class RouteTo(_Read):
    """Where a device sends packets to a prefix: next hops as ``ADDRESS INTERFACE``, or ``connected``."""

    device: str
    prefix: IPv4Network
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prediction(_Read):
    """The legacy network after a step. What could not be predicted is a sentence in ``unknown``."""

    roots: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    blocked: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """By VLAN: ``DEVICE INTERFACE``."""
    gateways: tuple[GatewayOwner, ...] = ()
    routes: tuple[RouteTo, ...] = ()
    """Only those that differ from the step before; in the plan's ``start`` all."""
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Budget(_Read):
    """The longest time that a host may be without its path during a step, and why."""

    host: str
    ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class Step(_Read):
    """The least that is done at once: checks before, commands, the fabric's new intents, checks after.

    Order within a step: ``checks`` before; ``commands`` in their order; ``intents``, then ``speakers``; ``plugs``;
    ``checks`` after. With ``fabric_first`` intents and speakers come before the commands. The way back is the reverse:
    ``plugs`` back, the state of the step before, ``inverse`` of the commands, last device first (with
    ``fabric_first``: the inverse commands before the state).
    """

    id: str
    """Unique in the plan, and never reused for something else: ``2.border1.trunk``."""
    what: str
    """One sentence."""
    vlan: int | None = None
    host: str | None = None
    commands: tuple[DeviceCommands, ...] = ()
    fabric_first: bool = False
    intents: str | None = None
    """File beside the plan with the fabric's intents after the step; None: they stay as they are."""
    speakers: Speakers = field(default_factory=Speakers)
    plugs: tuple[Plug, ...] = ()
    checks: tuple[Check, ...] = ()
    settle_ms: int = 0
    """Checks after the step must hold within this time, and the next step starts no sooner than they do."""
    predicted: Prediction = field(default_factory=Prediction)
    budgets: tuple[Budget, ...] = ()


@dataclass(frozen=True, slots=True)
class Brake(_Read):
    """Something that a person must say yes to by name (``--allow NAME``) before a phase begins."""

    name: str
    text: str
    who: str
    """Whose yes it is: ``change board``, ``security``, ``application owner``."""


@dataclass(frozen=True, slots=True)
class Phase(_Read):
    """A part of the migration that is accepted as a whole; only then is anything saved to a startup configuration."""

    number: int
    name: str
    what: str
    back: str
    """The way back in one sentence."""
    steps: tuple[Step, ...] = ()
    brakes: tuple[Brake, ...] = ()
    risks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference(_Read):
    """Packets that a legacy access list and the intents treat differently."""

    where: str
    """``dist1 GUARD-CORE-BANKING line 30``."""
    line: str
    """The line as the device has it."""
    reason: str
    packets: tuple[str, ...]
    """The exact sets, one each: ``tcp 10.20.20.0/24 -> 10.20.30.11 dst 443``."""
    fabric: str
    """What the fabric does with them: ``permits`` or ``denies``."""


@dataclass(frozen=True, slots=True)
class Capacity(_Read):
    """Rules that a switch of the fabric holds at most during the migration, and its table's size (None: not told)."""

    switch: str
    rules: int
    step: str
    """The step after which they are most."""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Plan(_Read):
    """A whole migration. ``digest``: of the discovered network; a plan holds for that network only."""

    format: int
    name: str
    digest: str
    topology: str
    """File beside the plan with the fabric's topology."""
    phases: tuple[Phase, ...]
    start: Prediction = field(default_factory=Prediction)
    """The legacy network before the first step."""
    configs: Mapping[str, str] = field(default_factory=dict)
    """By device: digest of the running configuration, without secrets, that the plan starts from."""
    translation: str = "strict"
    """What becomes of what intents cannot say: ``strict``, ``exact`` or ``lenient``."""
    only_vlans: tuple[int, ...] = ()
    """The plan is for these VLANs only; empty: for all."""
    differences: tuple[Difference, ...] = ()
    silent: tuple[str, ...] = ()
    """What is known of hosts that could not be planned for, a sentence each."""
    capacity: tuple[Capacity, ...] = ()

    def __post_init__(self) -> None:
        ids = [step.id for step in self.steps()]
        again = sorted({each for each in ids if ids.count(each) > 1})
        if again:
            raise ValueError(f"several steps have the id {', '.join(again)}")
        numbers = [phase.number for phase in self.phases]
        if numbers != sorted(set(numbers)):
            raise ValueError(f"phases are not in the order of their numbers: {', '.join(map(str, numbers))}")

    def steps(self) -> Iterator[Step]:
        """All steps in order."""
        for phase in self.phases:
            yield from phase.steps
