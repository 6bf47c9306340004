"""A small plan that uses every type once."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from clos.controller.migrate.plan import model as m

SPEAKERS = m.Speakers(
    hsrp=(
        m.HsrpSpeaker(
            "border1",
            10,
            10,
            1,
            IPv4Address("10.20.10.4"),
            "02:00:00:00:00:01",
            (IPv4Address("10.20.10.1"),),
            "00:00:0c:07:ac:0a",
            255,
            3000,
            10000,
            True,
            "md5",
        ),
    ),
    eigrp=(
        m.EigrpSpeaker(
            "border1",
            98,
            100,
            IPv4Address("10.255.0.31"),
            IPv4Interface("10.20.98.4/24"),
            "02:00:00:00:00:02",
            (1, 0, 1, 0, 0),
            5000,
            15000,
            (m.Advertised(IPv4Network("10.20.10.0/24"), 65100),),
        ),
    ),
    watches=(m.BpduWatch("border1", {10: "24586 00:1b:54:12:00:00"}),),
)
PREDICTED = m.Prediction(
    {10: ("dist1",)},
    {10: ("acc1 TenGigabitEthernet1/1/2",)},
    (m.GatewayOwner(10, IPv4Address("10.20.10.1"), ("fabric", "dist1"), "00:00:0c:07:ac:0a"),),
    (m.RouteTo("core1", IPv4Network("10.20.10.0/24"), ("10.255.1.1 TenGigabitEthernet1/3",)),),
    ("VLAN 7: the cost of acc1 Gi1/0/1 is unknown",),
)
STEP = m.Step(
    "4.vlan10",
    "Move the gateway of VLAN 10.",
    vlan=10,
    commands=(
        m.DeviceCommands(
            "dist1", ("interface Vlan10", " standby 10 priority 90"), ("interface Vlan10", " standby 10 priority 110")
        ),
    ),
    intents="intents/4.vlan10.yaml",
    speakers=SPEAKERS,
    plugs=(m.Plug("tellers-1", "acc1 GigabitEthernet1/0/3", "leaf3:4"),),
    checks=(m.Check("hsrp", device="dist1", port="Vlan10", subject="10", expect=("Standby",)),),
    settle_ms=10000,
    predicted=PREDICTED,
    budgets=(m.Budget("tellers-1", 0, "the address and its MAC stay"),),
)
PLAN = m.Plan(
    m.FORMAT,
    "bank",
    "sha256:0",
    "fabric.yaml",
    (
        m.Phase(
            m.GATEWAYS,
            "gateways",
            "Gateways move.",
            "They move back.",
            (STEP,),
            (m.Brake("gateways", "11 VLANs move.", "change board"),),
            ("none",),
        ),
    ),
    PREDICTED,
    {"dist1": "sha256:1"},
    differences=(
        m.Difference("dist1 X line 10", "permit tcp any any established", "state", ("tcp any -> any",), "denies"),
    ),
    silent=("10.20.10.99 has an ARP entry and no MAC address.",),
    capacity=(m.Capacity("leaf1", 10, "4.vlan10", 1000),),
)
