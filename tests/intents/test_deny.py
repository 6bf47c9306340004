"""What a deny stops: a conversation, in both directions. Nothing of it passes by a later allow, replies no more than
questions."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clos.controller.intent.reach import Flow, ends, ruling
from clos.fabric.packet import build
from tests.support.cli_run import ROOT, clos
from tests.support.fabrics import PORTS, intents, topologies

_PORT = st.sampled_from(PORTS)
FLOWS = st.one_of(st.just(Flow(1)), st.just(Flow(47)), st.builds(Flow, st.sampled_from([6, 17, 132]), _PORT, _PORT))

INTENT = """\
apiVersion: clos/v1
kind: Tenant
metadata: {name: office}
spec:
  networks: {desks: {subnet: 10.2.0.0/24}}
  endpoints: {desk1: 10.2.0.11 on web1, desk2: 10.2.0.12 on web2}
  groups: {staff: {networks: [desks]}, one: {endpoints: [desk1]}, other: {endpoints: [desk2]}}
  policies:
POLICIES
"""
DESK1, DESK2 = (0x0A02000B, "leaf1:11"), (0x0A02000C, "leaf2:11")


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_conversation_passes_both_ways_or_not_at_all(data: st.DataObject) -> None:
    intent = data.draw(intents(data.draw(topologies())))
    people = list(ends(intent))
    for _ in range(6 if len(people) > 1 else 0):
        source, target = data.draw(st.permutations(people))[:2]
        flow = data.draw(FLOWS)
        there, back = ruling(intent, source, target, flow), ruling(intent, target, source, flow.back())
        assert (there.allowed, there.by, there.via) == (back.allowed, back.by, back.via)


def passes(folder: Path, policies: str, source_port: int, target_port: int, udp: bool = False) -> bool:
    """Whether desk1 may send desk2 a packet from one port to another."""
    path = folder / "office.yaml"
    path.write_text(INTENT.replace("POLICIES", policies))
    macs = [0x020000000101, 0x020000000102]
    ports = (
        {"udp_src": source_port, "udp_dst": target_port} if udp else {"tcp_src": source_port, "tcp_dst": target_port}
    )
    make = build.udp if udp else build.tcp
    frame = make(eth_src=macs[0], eth_dst=macs[1], ipv4_src=DESK1[0], ipv4_dst=DESK2[0], **ports)  # type: ignore[operator]
    words = ("--in", DESK1[1], "--packet", frame.to_bytes().hex(), "--json")
    return clos("trace", path, "-t", ROOT / "topologies/demo.yaml", *words).data["outcome"] == "delivered"


STAFF = """\
    - {name: no-telnet, from: staff, to: staff, services: [tcp/23], action: deny}
    - {name: the-rest, from: staff, to: staff, services: [tcp, icmp]}"""
ONE_WAY = """\
    - {name: no-telnet, from: one, to: other, services: [tcp/23], action: deny}
    - {name: the-rest, from: RULE, services: [tcp]}"""


@pytest.mark.parametrize(
    ("policies", "ports", "through"),
    [
        (STAFF, (50_000, 23), False),
        (STAFF, (23, 50_000), False),
        (STAFF, (50_000, 24), True),
        (STAFF, (24, 50_000), True),
        (ONE_WAY.replace("RULE", "one, to: other"), (50_000, 23), False),
        (
            ONE_WAY.replace("from: one, to: other", "from: other, to: one").replace("RULE", "other, to: one"),
            (23, 9),
            False,
        ),
        (
            ONE_WAY.replace("from: one, to: other", "from: other, to: one").replace("RULE", "one, to: other"),
            (23, 9),
            False,
        ),
        (
            ONE_WAY.replace("from: one, to: other", "from: other, to: one").replace("RULE", "one, to: other"),
            (9, 23),
            True,
        ),
    ],
)
def test_a_later_allow_lets_no_reply_of_a_denied_service_through(
    tmp_path: Path, policies: str, ports: tuple[int, int], through: bool
) -> None:
    assert passes(tmp_path, policies, *ports) is through


def test_what_is_allowed_before_the_deny_passes_one_way_too(tmp_path: Path) -> None:
    allow = "    - {name: log, from: one, to: other, services: [udp/514]}"
    deny = "    - {name: nothing, from: other, to: one, services: [any], action: deny}"
    assert passes(tmp_path, f"{allow}\n{deny}", 50_000, 514, udp=True)
    assert not passes(tmp_path, f"{deny}\n{allow}", 50_000, 514, udp=True)


def test_explain_names_the_deny_that_stops_a_reply(tmp_path: Path) -> None:
    path = tmp_path / "office.yaml"
    both = (
        "    - {name: nothing, from: other, to: one, services: [any], action: deny}\n"
        "    - {name: web, from: one, to: other, services: [tcp/443]}"
    )
    path.write_text(INTENT.replace("POLICIES", both))
    words = ("--from", "desk1", "--to", "desk2", "-s", "tcp/443")
    ran = clos("explain", path, "-t", ROOT / "topologies/demo.yaml", *words)
    assert ran.code == 0
    assert "Denied: policy nothing forbids group other to open any to one; these packets are its replies." in ran.out
