"""Packets: bytes in, fields out; what is changed changes alone, and checksums follow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from os_ken.lib.packet import arp, ethernet, icmpv6, ipv4, ipv6, packet, pbb, tcp, udp, vlan

from clos.fabric.packet import build
from clos.fabric.packet.build import Packet, PacketError
from clos.fabric.packet.checksum import crc32c, internet
from clos.fabric.packet.fields import FIELDS
from clos.fabric.packet.layout import SLOTS, STRUCTURAL

A, B = 0x020000000001, 0x020000000002
MACS = {"eth_src": A, "eth_dst": B}
ENDS = {**MACS, "ipv4_src": 0x0A010004, "ipv4_dst": 0x0A020009}
TCP = build.tcp(**ENDS, tcp_src=40000, tcp_dst=1433, payload=b"odd")
UDP = build.udp(**ENDS, udp_src=5353, udp_dst=53, payload=b"query")
ECHO = build.icmp_echo(**ENDS, payload=b"ping")
ARP = build.arp_request(A, 0x0A010004, 0x0A010009)


# -- the naive truth about checksums, apart from the code under test ------------------------------------------


def ones_sum(data: bytes) -> int:
    """RFC 1071, word by word."""
    total = 0
    for i in range(0, len(data), 2):
        total += int.from_bytes(data[i : i + 2].ljust(2, b"\0"), "big")
        total = (total & 0xFFFF) + (total >> 16)
    return total


def ip6(proto: int, segment: bytes, extensions: bytes = b"", first: int | None = None) -> Packet:
    """An IPv6 packet of 10::10 > 20::20; ``first`` is the next header where extensions precede the segment."""
    ends = (0x10 << 112 | 0x10).to_bytes(16, "big") + (0x20 << 112 | 0x20).to_bytes(16, "big")
    body = extensions + segment
    head = b"\x60\0\0\x64" + len(body).to_bytes(2, "big") + bytes((proto if first is None else first, 64)) + ends
    return build.ethernet(**MACS, eth_type=0x86DD, payload=head + body)


def summed6(proto: int, segment: bytes, at: int) -> bytes:
    pseudo = (0x10 << 112 | 0x10).to_bytes(16, "big") + (0x20 << 112 | 0x20).to_bytes(16, "big")
    total = ones_sum(pseudo + len(segment).to_bytes(4, "big") + proto.to_bytes(4, "big") + segment)
    return segment[:at] + (0xFFFF - total).to_bytes(2, "big") + segment[at + 2 :]


TCP6 = ip6(6, summed6(6, b"\x9c\x40\x05\x99" + bytes(8) + b"\x50\x02\x40\0" + bytes(4) + b"data", 16))
UDP6 = ip6(17, summed6(17, b"\x14\xe9\0\x35\0\x0c" + bytes(2) + b"data", 6))
SOLICIT = ip6(58, summed6(58, b"\x87\0" + bytes(6) + b"\xfe\x80" + bytes(13) + b"\1" + b"\1\1\2\0\0\0\0\1", 2))
ADVERTISE = ip6(58, summed6(58, b"\x88\0" + bytes(6) + b"\xfe\x80" + bytes(13) + b"\1" + b"\2\1\2\0\0\0\0\1", 2))
SCTP_SEGMENT = b"\x2b\x67\x08\xae\0\0\0\0" + bytes(4) + b"\0\3\0\x05\7"
SCTP = build.ipv4(
    **ENDS, ip_proto=132, payload=SCTP_SEGMENT[:8] + crc32c(SCTP_SEGMENT).to_bytes(4, "little") + SCTP_SEGMENT[12:]
)
EVERY = (TCP, UDP, ECHO, ARP, SCTP, TCP6, UDP6, SOLICIT, ADVERTISE)
TAGGED = tuple(p.push_vlan().set("vlan_vid", 0x1007).push_vlan(0x88A8).set("vlan_pcp", 3) for p in EVERY)
LABELLED = tuple(p.push_mpls().set("mpls_label", 16 + i) for i, p in enumerate(EVERY))
SERVICE = tuple(p.push_pbb().set("pbb_isid", 77) for p in EVERY)
packets = st.sampled_from(EVERY + TAGGED + LABELLED + SERVICE)


def checksums_hold(shown: Packet) -> bool:
    """Whether the IPv4 header and the transport carry the checksums they should, computed the long way."""
    marks, data, end = shown.layout.marks, shown.data, shown.layout.end
    good = True
    ends = b""
    if "ipv4" in marks:
        at = marks["ipv4"]
        good &= ones_sum(data[at : at + 20]) == 0xFFFF
        ends = data[at + 12 : at + 20]
    elif "ipv6" in marks:
        ends = data[marks["ipv6"] + 8 : marks["ipv6"] + 40]
    for layer, proto in (("tcp", 6), ("udp", 17), ("icmpv6", 58)):
        if layer in marks:
            segment = data[marks[layer] : end]
            good &= ones_sum(ends + len(segment).to_bytes(4, "big") + proto.to_bytes(4, "big") + segment) == 0xFFFF
    if "icmpv4" in marks:
        good &= ones_sum(data[marks["icmpv4"] : end]) == 0xFFFF
    if "sctp" in marks:
        at = marks["sctp"]
        segment = data[at : at + 8] + bytes(4) + data[at + 12 : end]
        good &= crc32c(segment).to_bytes(4, "little") == data[at + 8 : at + 12]
    return good


# -- laws ------------------------------------------------------------------------------------------------------


@given(st.binary(min_size=14, max_size=200))
def test_any_frame_is_kept_to_the_byte_and_read_without_a_fault(data: bytes) -> None:
    shown = Packet.parse(data)
    assert shown.to_bytes() == data
    assert shown.headers()["vlan_vid"] in range(0x2000)
    assert str(shown)


@given(packets, st.integers(14, 100))
def test_a_frame_cut_anywhere_is_read_as_far_as_it_goes(whole: Packet, length: int) -> None:
    cut = Packet.parse(whole.data[:length])
    unsure = {"vlan_vid", "eth_type"}  # of a tag cut in two, the type is all that is left
    assert {(k, v) for k, v in cut.headers().items() if k not in unsure} <= set(whole.headers().items())


@given(st.binary(max_size=13))
def test_less_than_an_ethernet_header_is_no_packet(data: bytes) -> None:
    with pytest.raises(PacketError, match="too short"):
        Packet.parse(data)


@given(packets, st.data())
def test_a_field_that_is_set_reads_so_and_no_other_field_moves(before: Packet, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(n for n in before.headers() if SLOTS.get(n) and n not in STRUCTURAL)))
    value = data.draw(st.integers(0, FIELDS[name].full)) | (0x1000 if name == "vlan_vid" else 0)
    after = before.set(name, value)
    expected = value if "vlan" in before.layout.marks or name != "vlan_vid" else 0
    assert after.headers() == {**before.headers(), name: expected}
    assert after.headers() == Packet.parse(after.data).headers()
    assert len(after) == len(before)
    assert checksums_hold(after)


@given(packets, st.sampled_from(["nw_ttl", "mpls_ttl"]), st.integers(0, 255))
def test_a_time_to_live_that_is_set_reads_so(before: Packet, name: str, ttl: int) -> None:
    after = before.set(name, ttl)
    assert after.get(name) == (None if before.get(name) is None else ttl)
    assert checksums_hold(after)


@given(packets, st.data())
def test_setting_a_field_back_restores_every_byte(before: Packet, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(n for n in before.headers() if SLOTS.get(n) and n not in STRUCTURAL)))
    value = data.draw(st.integers(0, FIELDS[name].full))
    assert before.set(name, value).set(name, before.headers()[name]) == before


@given(
    st.sampled_from([(TCP, "tcp", 16), (UDP, "udp", 6), (ECHO, "icmpv4", 2), (SOLICIT, "icmpv6", 2)]),
    st.sampled_from(["ipv4_src", "ipv6_dst", "tcp_dst", "udp_src", "icmpv4_code", "ipv6_nd_target"]),
    st.integers(0, 255),
)
def test_a_wrong_checksum_stays_wrong(kind: tuple[Packet, str, int], name: str, value: int) -> None:
    before, layer, offset = kind
    at = before.layout.marks[layer] + offset
    stored = int.from_bytes(before.data[at : at + 2], "big")
    wrong = Packet(before.data[:at] + (stored ^ 0x0101).to_bytes(2, "big") + before.data[at + 2 :])
    assert checksums_hold(before.set(name, value))
    assert not checksums_hold(wrong.set(name, value))


@given(packets)
def test_what_is_pushed_can_be_popped(before: Packet) -> None:
    assert before.push_vlan(0x88A8).pop_vlan() == before
    assert before.push_mpls().pop_mpls(int.from_bytes(before.data[12:14], "big")) == before
    assert before.push_pbb().pop_pbb() == before


# -- layouts, with os-ken's packet library as the oracle ---------------------------------------------------------


def osken(*layers) -> Packet:
    made = packet.Packet()
    for layer in layers:
        made.add_protocol(layer)
    made.serialize()
    return Packet.parse(bytes(made.data))


def test_an_ipv4_packet_reads_as_another_library_wrote_it() -> None:
    shown = osken(
        ethernet.ethernet("22:22:22:22:22:22", "12:11:11:11:11:11", 0x8100),
        vlan.vlan(pcp=3, vid=100, ethertype=0x0800),
        ipv4.ipv4(tos=0x21, proto=6, src="192.168.10.10", dst="192.168.20.20", ttl=9),
        tcp.tcp(src_port=11111, dst_port=2222),
        b"payload",
    )
    assert shown.headers() == {
        "eth_dst": 0x222222222222, "eth_src": 0x121111111111, "eth_type": 0x0800, "vlan_vid": 0x1064, "vlan_pcp": 3,
        "ip_dscp": 8, "ip_ecn": 1, "ip_proto": 6, "ipv4_src": 0xC0A80A0A, "ipv4_dst": 0xC0A81414,
        "tcp_src": 11111, "tcp_dst": 2222,
    }  # fmt: skip
    assert shown.get("nw_ttl") == 9
    assert checksums_hold(shown)


def test_a_neighbour_solicitation_reads_as_another_library_wrote_it() -> None:
    option = icmpv6.nd_option_sla(hw_src="12:11:11:11:11:11")
    shown = osken(
        ethernet.ethernet("22:22:22:22:22:22", "12:11:11:11:11:11", 0x86DD),
        ipv6.ipv6(src="10::10", dst="20::20", flow_label=100, nxt=58, hop_limit=64, traffic_class=0x21),
        icmpv6.icmpv6(code=0, type_=135, data=icmpv6.nd_neighbor(option=option, dst="20::20")),
    )
    assert shown.headers() == {
        "eth_dst": 0x222222222222, "eth_src": 0x121111111111, "eth_type": 0x86DD, "vlan_vid": 0,
        "ip_dscp": 8, "ip_ecn": 1, "ip_proto": 58, "ipv6_src": 0x10 << 112 | 0x10, "ipv6_dst": 0x20 << 112 | 0x20,
        "ipv6_flabel": 100, "ipv6_exthdr": 0, "icmpv6_type": 135, "icmpv6_code": 0,
        "ipv6_nd_target": 0x20 << 112 | 0x20, "ipv6_nd_sll": 0x121111111111,
    }  # fmt: skip
    assert checksums_hold(shown)


def test_built_packets_are_those_another_library_builds() -> None:
    macs = ethernet.ethernet("02:00:00:00:00:02", "02:00:00:00:00:01", 0x0800)
    ends = {"src": "10.1.0.4", "dst": "10.2.0.9", "flags": 2}
    theirs = osken(macs, ipv4.ipv4(proto=17, ttl=64, **ends), udp.udp(5353, 53), b"query")
    assert UDP.data.ljust(60, b"\0") == theirs.data
    broadcast = ethernet.ethernet("ff:ff:ff:ff:ff:ff", "02:00:00:00:00:01", 0x0806)
    asking = arp.arp(opcode=1, src_mac="02:00:00:00:00:01", src_ip="10.1.0.4", dst_ip="10.1.0.9")
    assert ARP.data.ljust(60, b"\0") == osken(broadcast, asking).set("arp_tha", 0).data


# -- what a pushed header inherits (OpenFlow 1.3.5 §5.12.1) -----------------------------------------------------


def test_a_pushed_tag_copies_id_and_priority_of_the_tag_below() -> None:
    bare = TCP.push_vlan().headers()
    assert (bare["vlan_vid"], bare["vlan_pcp"]) == (0x1000, 0)
    stacked = TCP.push_vlan().set("vlan_vid", 0x1064).set("vlan_pcp", 5).push_vlan(0x88A8)
    assert (stacked.headers()["vlan_vid"], stacked.headers()["vlan_pcp"]) == (0x1064, 5)
    assert stacked.vlans == (100, 100)
    assert stacked.data[12:14] == b"\x88\xa8"
    assert stacked.headers()["eth_type"] == 0x0800


@pytest.mark.parametrize(
    ("below", "label", "tc", "bos", "ttl"),
    [
        (TCP.set("nw_ttl", 9), 0, 0, 1, 9),
        (TCP6.set("nw_ttl", 7), 0, 0, 1, 7),
        (ARP, 0, 0, 1, 0),
        (TCP.push_mpls().set("mpls_label", 99).set("mpls_tc", 3).set("mpls_ttl", 5), 99, 3, 0, 5),
    ],
    ids=["ipv4", "ipv6", "arp", "mpls"],
)
def test_a_pushed_label_copies_what_is_below(below: Packet, label: int, tc: int, bos: int, ttl: int) -> None:
    shown = below.push_mpls()
    fields = shown.headers()
    assert (fields["mpls_label"], fields["mpls_tc"], fields["mpls_bos"], shown.get("mpls_ttl")) == (label, tc, bos, ttl)


def test_a_label_goes_in_front_of_a_tag() -> None:
    shown = TCP.push_vlan().set("vlan_vid", 0x1007).push_mpls(0x8848)
    assert shown.headers()["eth_type"] == 0x8848
    assert (shown.headers()["vlan_vid"], shown.headers()["mpls_bos"]) == (0, 1)
    assert shown.pop_mpls(0x8100).vlans == (7,)


def test_a_backbone_header_copies_addresses_service_and_priority() -> None:
    tagged = TCP.push_vlan().set("vlan_pcp", 5)
    shown = tagged.push_pbb()
    assert {k: shown.headers()[k] for k in ("eth_src", "eth_dst", "eth_type", "pbb_isid", "vlan_vid")} == {
        "eth_src": A, "eth_dst": B, "eth_type": 0x88E7, "pbb_isid": 0, "vlan_vid": 0,
    }  # fmt: skip
    itag = pbb.itag.parser(shown.data[14:18])[0]
    assert (itag.pcp, itag.sid) == (5, 0)
    assert shown.set("pbb_isid", 77).push_pbb().headers()["pbb_isid"] == 77


def test_popping_a_backbone_header_leaves_its_tag() -> None:
    shown = TCP.push_pbb().push_vlan(0x88A8).set("vlan_vid", 0x1009).pop_pbb()
    assert shown.vlans == (9,)
    assert shown.headers()["tcp_dst"] == 1433


@pytest.mark.parametrize("inner", [TCP, TCP6, UDP], ids=["tcp", "ipv6", "udp"])
def test_a_ttl_is_copied_between_a_label_and_what_is_below_it(inner: Packet) -> None:
    one = inner.set("nw_ttl", 32).push_mpls().set("mpls_ttl", 64)
    kind = inner.headers()["eth_type"]
    assert one.copy_ttl_out().get("mpls_ttl") == 32
    assert one.copy_ttl_in().pop_mpls(kind) == inner.set("nw_ttl", 64)
    two = one.push_mpls().set("mpls_ttl", 10)
    assert two.copy_ttl_out().get("mpls_ttl") == 64
    assert two.copy_ttl_in().pop_mpls(0x8847).get("mpls_ttl") == 10


def test_actions_on_headers_that_are_not_there_change_nothing() -> None:
    assert TCP.pop_vlan() == TCP.pop_mpls(0x0800) == TCP.pop_pbb() == TCP.copy_ttl_in() == TCP.copy_ttl_out() == TCP
    assert TCP.set("arp_op", 2) == TCP.set("vlan_pcp", 3) == TCP
    with pytest.raises(PacketError, match="metadata: cannot be set"):
        TCP.set("metadata", 1)


# -- odd packets -------------------------------------------------------------------------------------------------


def test_a_later_fragment_has_ports_of_zero_that_cannot_be_set() -> None:
    later = Packet(TCP.data[:20] + b"\0\x10" + TCP.data[22:])
    assert (later.headers()["ip_proto"], later.headers()["tcp_src"], later.headers()["tcp_dst"]) == (6, 0, 0)
    assert later.set("tcp_dst", 80) == later
    first = Packet(TCP.data[:20] + b"\x20\0" + TCP.data[22:])
    assert first.headers()["tcp_dst"] == 1433


def test_a_later_ipv6_fragment_is_of_protocol_44() -> None:
    fragment = b"\x06\0\0\x10" + bytes(4)
    fields = ip6(6, bytes(24), fragment, first=44).headers()
    assert (fields["ip_proto"], fields["ipv6_exthdr"]) == (44, 1 << 4)
    assert "tcp_dst" not in fields


@pytest.mark.parametrize(
    ("spoil", "absent"),
    [
        (lambda d: d[:14] + b"\x44" + d[15:], "ipv4_src"),
        (lambda d: d[:14] + b"\x65" + d[15:], "ipv4_src"),
        (lambda d: d[:16] + b"\xff\xff" + d[18:], "ipv4_src"),
        (lambda d: d[:16] + b"\0\x20" + d[18:], "tcp_src"),
        (lambda d: d[:30], "ipv4_src"),
    ],
    ids=["short header", "version", "longer than the frame", "no room for tcp", "cut"],
)
def test_fields_of_a_malformed_layer_are_absent(spoil, absent: str) -> None:
    shown = Packet.parse(spoil(TCP.data))
    assert absent in TCP.headers()
    assert absent not in shown.headers()
    assert shown.headers()["eth_type"] == 0x0800


HOP, DEST, ROUTE, AUTH = 0, 60, 43, 51


@pytest.mark.parametrize(
    ("chain", "bits"),
    [
        ((), 0),
        ((HOP, AUTH), 64 | 4),
        ((AUTH, HOP), 64 | 4 | 256),
        ((HOP, HOP), 64 | 128),
        ((DEST, ROUTE, DEST), 8 | 32),
        ((DEST, DEST, DEST), 8 | 128),
        ((ROUTE, HOP), 32 | 64 | 256),
    ],
)
def test_extension_headers_show_as_bits(chain: tuple[int, ...], bits: int) -> None:
    following = (*chain[1:], 6)
    headers = b"".join(
        bytes((after, 0)) + bytes(6) if kind != AUTH else bytes((after, 1)) + bytes(10)
        for kind, after in zip(chain, following, strict=False)
    )
    segment = summed6(6, b"\x9c\x40\x05\x99" + bytes(8) + b"\x50\x02\x40\0" + bytes(4), 16)
    shown = ip6(6, segment, headers, first=chain[0] if chain else None)
    assert shown.headers()["ipv6_exthdr"] == bits
    assert (shown.headers()["ip_proto"], shown.headers()["tcp_dst"]) == (6, 0x599)
    assert checksums_hold(shown.set("tcp_dst", 80))


def test_no_next_header_ends_an_ipv6_packet() -> None:
    fields = ip6(59, b"").headers()
    assert (fields["ip_proto"], fields["ipv6_exthdr"]) == (59, 1)


def test_a_destination_behind_a_routing_header_leaves_the_checksum_alone() -> None:
    """The pseudo-header holds the final destination, which the routing header has (RFC 8200 §8.1)."""
    routing = bytes((6, 0, 0, 1)) + bytes(4)
    shown = ip6(6, b"\x9c\x40\x05\x99" + bytes(8) + b"\x50\x02\x40\0\xab\xcd" + bytes(2), routing, first=43)
    assert shown.set("ipv6_dst", 1).data[-4:-2] == b"\xab\xcd"
    assert shown.set("ipv6_src", 1).data[-4:-2] != b"\xab\xcd"


def test_a_frame_without_an_ethernet_type_has_a_type_of_its_own() -> None:
    llc = build.ethernet(**MACS, eth_type=38, payload=b"\x42\x42\x03" + bytes(35))
    assert llc.headers()["eth_type"] == 0x05FF
    snap = build.ethernet(**MACS, eth_type=36, payload=b"\xaa\xaa\x03\0\0\0\x08\x06" + ARP.data[14:])
    assert snap.headers()["arp_op"] == 1
    pvst = build.ethernet(**MACS, eth_type=50, payload=b"\xaa\xaa\x03\0\0\x0c\x01\x0b" + bytes(42))
    assert pvst.headers()["eth_type"] == 0x05FF


def test_udp_without_a_checksum_gets_none_and_never_sends_zero() -> None:
    at = UDP.layout.marks["udp"] + 6
    without = Packet(UDP.data[:at] + bytes(2) + UDP.data[at + 2 :])
    assert without.set("udp_dst", 99).data[at : at + 2] == bytes(2)
    stored = int.from_bytes(UDP.data[at : at + 2], "big")
    port = (UDP.headers()["udp_dst"] + stored) % 0xFFFF
    assert UDP.set("udp_dst", port).data[at : at + 2] == b"\xff\xff"


def test_an_echo_of_nothing_but_zeros_keeps_a_valid_checksum() -> None:
    request = build.icmp_echo(**ENDS, ident=0, seq=0)
    assert request.set("icmpv4_type", 0) == build.icmp_echo(**ENDS, ident=0, seq=0, reply=True)


# -- checksums and words -----------------------------------------------------------------------------------------


@given(st.binary(max_size=100))
def test_the_internet_checksum_is_the_ones_complement_of_the_sum(data: bytes) -> None:
    assert internet(data) == 0xFFFF - ones_sum(data)


def test_crc32c_gives_the_published_check_value() -> None:
    assert crc32c(b"123456789") == 0xE3069283


@pytest.mark.parametrize(("dscp", "levels", "after"), [(18, 1, 20), (18, 5, 22), (22, 1, 22), (46, 1, 46), (0, 1, 0)])
def test_remarking_raises_the_drop_precedence_within_its_class(dscp: int, levels: int, after: int) -> None:
    assert TCP.set("ip_dscp", dscp).remarked(levels).headers()["ip_dscp"] == after


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (TCP, "10.1.0.4 > 10.2.0.9 tcp/1433 ttl 64"),
        (TAGGED[0], "10.1.0.4 > 10.2.0.9 tcp/1433 ttl 64 [vlan 7, 7]"),
        (ECHO, "10.1.0.4 > 10.2.0.9 icmp echo request ttl 64"),
        (ARP, "arp who-has 10.1.0.9 tell 10.1.0.4"),
        (build.arp_reply(A, 1, B, 2), "arp 0.0.0.1 is-at 02:00:00:00:00:01 to 0.0.0.2"),
        (UDP6, "10::10 > 20::20 udp/53 ttl 64"),
        (LABELLED[0], "02:00:00:00:00:01 > 02:00:00:00:00:02 mpls 16"),
        (SERVICE[0], "02:00:00:00:00:01 > 02:00:00:00:00:02 pbb 77"),
        (build.ethernet(**MACS, eth_type=0x88CC), "02:00:00:00:00:01 > 02:00:00:00:00:02 type 0x88cc 14 bytes"),
    ],
)
def test_a_packet_says_what_it_is(shown: Packet, text: str) -> None:
    assert str(shown) == text
