"""Lines of access lists are read wholly, or refused by name."""

from __future__ import annotations

import pytest

from clos.controller.migrate.segmentation.addresses import Pattern, prefixes_of
from clos.controller.migrate.segmentation.rules import NotUnderstood, Rule, read_line
from clos.controller.migrate.segmentation.services import Ports


def service(rule: Rule) -> tuple[int | None, Ports, Ports, set[str]]:
    (one,) = rule.services
    return one.proto, one.sources, one.targets, {condition.text for condition in one.conditions}


@pytest.mark.parametrize(
    ("text", "proto", "sources", "targets", "conditions"),
    [
        ("permit tcp any host 1.1.1.1 eq www 8080", 6, Ports.ANY, Ports.of((80, 80), (8080, 8080)), set()),
        ("permit tcp any range ftp-data ftp any", 6, Ports.of((20, 21)), Ports.ANY, set()),
        ("deny udp any any gt netbios-ss", 17, Ports.ANY, Ports.of((140, 65535)), set()),
        ("permit tcp any any neq telnet log", 6, Ports.ANY, Ports.of((0, 22), (24, 65535)), set()),
        ("permit tcp any any established log-input", 6, Ports.ANY, Ports.ANY, {"established"}),
        ("permit icmp any any 3 4", 1, Ports.ANY, Ports.ANY, {"type 3 code 4"}),
        ("permit icmp any any packet-too-big", 1, Ports.ANY, Ports.ANY, {"packet-too-big"}),
        ("permit 112 any any", 112, Ports.ANY, Ports.ANY, set()),
        ("deny ip any any dscp ef", None, Ports.ANY, Ports.ANY, {"dscp ef"}),
        ("permit tcp any any eq 80 time-range W log (18 matches)", 6, Ports.ANY, Ports.of((80, 80)), {"time-range W"}),
        ("evaluate SESSIONS", None, Ports.ANY, Ports.ANY, {"session of SESSIONS"}),
        ("deny ip any any fragments", None, Ports.ANY, Ports.ANY, {"fragments"}),
    ],
)  # fmt: skip
def test_a_line_says_protocol_ports_and_conditions(
    text: str, proto: int | None, sources: Ports, targets: Ports, conditions: set[str]
) -> None:
    assert service(read_line(text)) == (proto, sources, targets, conditions)


@pytest.mark.parametrize(
    "text",
    [
        "permit tcp any any eq wwww",
        "permit tcp any any eq 70000",
        "permit quic any any",
        "permit ip any",
        "permit ip 10.0.0 0.0.0.255 any",
        "permit ip any any shiny",
        "permit tcp any object-group NONE any",
        "allow ip any any",
        "permit icmp any any 8 999",
        "permit tcp any any match-any +syn +ack",
    ],
)
def test_what_is_not_understood_is_refused_with_the_line(text: str) -> None:
    with pytest.raises(NotUnderstood, match="is not understood") as told:
        read_line(text)
    assert repr(text) in str(told.value)


def test_standard_lines_take_sources_in_all_their_forms() -> None:
    for text in ("permit 10.1.2.0 0.0.0.255", "permit 10.1.2.0, wildcard bits 0.0.0.255 (3 matches)"):
        assert read_line(text, extended=False).source.patterns == (Pattern(0x0A010200, 255),)
    assert read_line("deny 10.9.3.4 log", extended=False).source.patterns == (Pattern(0x0A090304, 0),)


def test_object_groups_may_hold_others_and_never_themselves() -> None:
    groups = {"A": ("network", "group-object B", "10.0.0.0 255.0.0.0"), "B": ("network", "host 1.1.1.1")}
    rule = read_line("permit ip object-group A any", groups)
    assert rule.source.holds(0x01010101) and rule.source.holds(0x0A000001) and rule.source.name == "A"
    circle = {"A": ("network", "group-object A")}
    with pytest.raises(NotUnderstood, match="holds itself"):
        read_line("permit ip object-group A any", circle)


def test_an_odd_wildcard_is_the_prefixes_that_it_is_made_of() -> None:
    nets = prefixes_of([Pattern(0x0A000001, 0xFE)])
    assert nets is not None and len(nets) == 128
    assert all(int(net.network_address) & 1 and net.prefixlen == 32 for net in nets)
    assert prefixes_of([Pattern(1, 0xFFFFFFFE)]) is None
