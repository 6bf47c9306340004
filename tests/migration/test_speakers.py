"""Speakers at a border against legacy routers: the same frames as on the wire, virtual time between them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest

from clos.controller.migrate.plan.model import Advertised, BpduWatch, EigrpSpeaker, HsrpSpeaker, Speakers
from clos.controller.migrate.speakers.config import BadSpeakers, lacking_keys, read_speakers, speakers_json
from clos.controller.migrate.speakers.frames import eigrp_frame, hsrp_frame, read_frame
from clos.controller.migrate.speakers.keeping import loaded
from clos.controller.migrate.speakers.speakers import BorderSpeakers
from clos.fabric.protocols.eigrp import config as eigrp
from clos.fabric.protocols.eigrp.authentication import MD5, Authentication
from clos.fabric.protocols.eigrp.metric import Vector
from clos.fabric.protocols.eigrp.router import Router
from clos.fabric.protocols.eigrp.routes import Prefix
from clos.fabric.protocols.hsrp import machine as hsrp
from clos.fabric.protocols.hsrp.packet import ACTIVE, GROUP_ADDRESS, PORT, STANDBY, Keyed
from clos.fabric.protocols.pvst.frame import StpFrame, encode_frame
from clos.fabric.protocols.pvst.packet import CONFIGURATION, NOTIFICATION, Bpdu
from clos.fabric.protocols.pvst.vector import Times
from clos.fabric.protocols.pvst.vector import Vector as TreeVector

VIRTUAL, LEGACY, OURS = IPv4Address("10.1.10.1"), IPv4Address("10.1.10.2"), IPv4Address("10.1.10.4")
VMAC, LEGACY_MAC = 0x0000_0C07_AC0A, 0x001B_5412_0040
GROUP = HsrpSpeaker("border1", 10, 10, 1, OURS, "02:c1:05:00:10:04", (VIRTUAL,), "00:00:0c:07:ac:0a", 200,
                    3000, 10000, True)  # fmt: skip
PROCESS = EigrpSpeaker("border1", 98, 100, IPv4Address("10.255.0.99"), IPv4Interface("10.255.98.3/29"),
                       "02:c1:05:00:98:03", (1, 0, 1, 0, 0), 5000, 15000,
                       (Advertised(IPv4Network("10.1.10.0/24"), 77),))  # fmt: skip


class Segment:
    """A VLAN with our speakers and one legacy machine on it; time goes by in steps of 100 ms."""

    def __init__(self, config: Speakers, key: bytes | None = None) -> None:
        self.now, self.key = 1_000_000, key
        self.ours, self.config = BorderSpeakers(lambda _: key, lambda _: key), config
        self.frames: list[bytes] = []
        self.cut = False

    def begin(self, kept=None) -> None:
        self.take(self.ours.configure(self.config, self.now, kept))

    def take(self, out) -> None:
        if not self.cut:
            self.frames += [each.data for each in out]
            for each in out:
                self.legacy(each.data)

    def to_us(self, data: bytes) -> None:
        if not self.cut:
            self.take(self.ours.heard("border1", data, self.now))

    def run(self, ms: int) -> None:
        for _ in range(ms // 100):
            self.now += 100
            self.legacy_tick()
            self.take(self.ours.tick(self.now))

    def restarted(self, kept: dict[str, bytes]) -> None:
        """Another process of ours, with what the first one kept."""
        self.ours = BorderSpeakers(lambda _: self.key, lambda _: self.key)
        self.begin(kept)


class WithHsrp(Segment):
    def __init__(self, config: Speakers, key: bytes | None = None, **legacy: object) -> None:
        super().__init__(config, key)
        settings = {"priority": 110, "preempt": True, "key": Keyed(key) if key else None, **legacy}
        self.machine = hsrp.Group(hsrp.Config(10, int(LEGACY), int(VIRTUAL), **settings))
        self.send(self.machine.up(self.now))
        self.run(25_000)

    def legacy_tick(self) -> None:
        self.send(self.machine.tick(self.now))

    def send(self, effects) -> None:
        for effect in effects:
            if isinstance(effect, hsrp.Send):
                mac = VMAC if self.machine.state == ACTIVE else LEGACY_MAC
                self.to_us(hsrp_frame(10, mac, int(LEGACY), GROUP_ADDRESS[1], PORT, effect.data))

    def legacy(self, data: bytes) -> None:
        frame = read_frame(data)
        if frame and frame.udp_port == PORT:
            self.send(self.machine.receive(frame.source, frame.payload, self.now))

    def state(self) -> str:
        (row,) = self.ours.report(self.now)["hsrp"]
        return str(row["state"])


@pytest.mark.parametrize("key", [None, b"hsrp-10"])
def test_a_coup_takes_the_gateway_at_once_and_the_legacy_router_becomes_standby(key: bytes | None) -> None:
    group = replace(GROUP, authentication="md5") if key else GROUP
    segment = WithHsrp(Speakers((group,)), key)
    assert segment.machine.state == ACTIVE
    segment.begin()
    assert segment.state() == "Active" and segment.machine.state != ACTIVE
    segment.run(15_000)
    assert segment.state() == "Active" and segment.machine.state == STANDBY
    assert segment.ours.report(segment.now)["hsrp"][0]["standby"] == str(LEGACY)


def test_the_new_owner_speaks_from_the_virtual_mac_with_the_vlan_s_tag_and_announces_the_address() -> None:
    segment = WithHsrp(Speakers((GROUP,)))
    segment.begin()
    segment.run(4000)
    heads = [read_frame(data) for data in segment.frames]
    assert all(frame is not None and frame.vlan == 10 for frame in heads)
    assert {frame.mac for frame in heads[2:] if frame} == {VMAC}
    assert any(frame.kind == 0x0806 and frame.payload[14:18] == VIRTUAL.packed for frame in heads if frame)


def test_a_resignation_gives_the_gateway_back_at_once() -> None:
    segment = WithHsrp(Speakers((GROUP,)))
    segment.begin()
    segment.run(15_000)
    segment.take(segment.ours.configure(Speakers((replace(GROUP, active=False),)), segment.now))
    assert segment.machine.state == ACTIVE and segment.state() == "Listening"
    segment.run(4000)
    assert segment.ours.report(segment.now)["hsrp"][0]["active"] == str(LEGACY)


def test_one_that_is_not_to_be_active_sends_nothing_and_takes_over_from_nobody() -> None:
    segment = WithHsrp(Speakers((replace(GROUP, active=False),)))
    segment.begin()
    segment.machine.down(segment.now)
    segment.run(60_000)
    assert segment.frames == [] and segment.state() == "Listening"


def test_a_router_of_a_higher_priority_is_not_pushed_aside_and_that_is_told() -> None:
    segment = WithHsrp(Speakers((GROUP,)), priority=250)
    segment.begin()
    segment.run(20_000)
    assert segment.machine.state == ACTIVE
    assert any("not active" in text for text in segment.ours.wrong(segment.now))


def test_a_restart_within_the_hold_time_is_not_noticed() -> None:
    segment = WithHsrp(Speakers((GROUP,)))
    segment.begin()
    segment.run(15_000)
    kept = segment.ours.machines()
    segment.cut = True
    segment.run(6000)
    segment.cut = False
    segment.restarted(kept)
    segment.run(200)
    assert segment.state() == "Active" and segment.machine.state == STANDBY
    segment.run(30_000)
    assert segment.state() == "Active" and segment.machine.state == STANDBY


def test_where_the_fabric_falls_silent_the_legacy_router_takes_over_in_its_hold_time() -> None:
    segment = WithHsrp(Speakers((GROUP,)))
    segment.begin()
    segment.run(15_000)
    segment.cut = True
    segment.run(11_000)
    assert segment.machine.state == ACTIVE


class WithEigrp(Segment):
    """The legacy router is at 10.255.98.1 and has 10.2.0.0/16."""

    def __init__(self, config: Speakers, key: bytes | None = None) -> None:
        super().__init__(config, key)
        self.told: list[object] = []
        using = Authentication(MD5, key, 1) if key else None
        link = Vector(10_000_000, 1_000_000)
        at = eigrp.Interface("Vlan98", PEER, (Prefix(PEER & ~7, 29),), link, authentication=using)
        inside = eigrp.Interface("Vlan2", 0, (Prefix(0x0A02_0000, 16),), link, passive=True)
        self.machine = Router(eigrp.Config(100, PEER, (at, inside)))
        self.send(self.machine.start(self.now))

    def legacy_tick(self) -> None:
        self.send(self.machine.tick(self.now))

    def send(self, effects) -> None:
        for effect in effects:
            self.told.append(effect)
            if isinstance(effect, eigrp.Send):
                self.to_us(eigrp_frame(98, LEGACY_MAC, 0x0100_5E00_000A, PEER, effect.destination, effect.data))

    def legacy(self, data: bytes) -> None:
        frame = read_frame(data)
        if frame and frame.proto == 88:
            self.send(self.machine.receive("Vlan98", frame.source, frame.payload, self.now))

    def row(self) -> dict[str, object]:
        return self.ours.report(self.now)["eigrp"][0]


PEER = int(IPv4Address("10.255.98.1"))
TOLD = Prefix(0x0A01_0A00, 24)


@pytest.mark.parametrize("key", [None, b"eigrp-bank"])
def test_an_adjacency_comes_up_and_prefixes_go_both_ways(key: bytes | None) -> None:
    process = replace(PROCESS, authentication="md5 1") if key else PROCESS
    segment = WithEigrp(Speakers(eigrp=(process,)), key)
    segment.begin()
    segment.run(8000)
    row = segment.row()
    assert [each["up"] for each in row["neighbors"]] == [True]
    assert {each["prefix"] for each in row["learned"]} == {"10.2.0.0/16"}
    change = segment.machine.topology.table[TOLD]
    assert change.external and change.paths[0].next_hop == int(PROCESS.address.ip)
    path = next(iter(segment.machine.topology.entries[TOLD].paths.values()))
    assert path.external is not None and path.external.tag == 77


def test_a_prefix_without_a_tag_is_internal() -> None:
    inside = replace(PROCESS, advertised=(Advertised(IPv4Network("10.1.10.0/25")),))
    segment = WithEigrp(Speakers(eigrp=(inside,)))
    segment.begin()
    segment.run(8000)
    assert not segment.machine.topology.table[Prefix(0x0A01_0A00, 25)].external


def test_a_prefix_that_is_told_no_longer_is_withdrawn_and_the_adjacency_stays() -> None:
    segment = WithEigrp(Speakers(eigrp=(PROCESS,)))
    segment.begin()
    segment.run(8000)
    segment.told.clear()
    segment.take(segment.ours.configure(Speakers(eigrp=(replace(PROCESS, advertised=()),)), segment.now))
    segment.run(2000)
    assert TOLD not in segment.machine.topology.table
    assert not any(isinstance(each, eigrp.NeighborDown) for each in segment.told)


def test_a_farewell_takes_all_routes_at_once() -> None:
    segment = WithEigrp(Speakers(eigrp=(PROCESS,)))
    segment.begin()
    segment.run(8000)
    segment.take(segment.ours.configure(Speakers(), segment.now))
    assert TOLD not in segment.machine.topology.table and not segment.machine.neighbors


def test_an_adjacency_outlives_a_restart_within_the_hold_time() -> None:
    segment = WithEigrp(Speakers(eigrp=(PROCESS,)))
    segment.begin()
    segment.run(8000)
    kept = segment.ours.machines()
    segment.told.clear()
    segment.cut = True
    segment.run(9000)
    segment.cut = False
    segment.restarted(kept)
    segment.run(30_000)
    assert not any(isinstance(each, eigrp.NeighborDown | eigrp.RouteChanged) for each in segment.told)
    assert {each["prefix"] for each in segment.row()["learned"]} == {"10.2.0.0/16"}
    segment.take(segment.ours.configure(Speakers(eigrp=(replace(PROCESS, advertised=()),)), segment.now))
    segment.run(2000)
    assert TOLD not in segment.machine.topology.table


SIGNED = (
    Speakers((replace(GROUP, authentication="md5"),)),
    Speakers(eigrp=(replace(PROCESS, authentication="md5 1"),)),
)
FOREIGN = b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06getpid\x93."


@pytest.mark.parametrize("config", SIGNED)
def test_what_is_kept_has_no_key_and_makes_nothing_but_machines(config: Speakers) -> None:
    ours = BorderSpeakers(lambda _: b"secret-word", lambda _: b"secret-word")
    ours.configure(config, 1000)
    (data,) = ours.machines().values()
    assert b"secret-word" not in data
    assert loaded(data[: len(data) // 2], hsrp.Config(10, 1)) is None
    assert (
        loaded(b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06getpid\x93.", hsrp.Config(10, 1))
        is None
    )


ROOT = 24586 << 48 | 0x001B_5412_0000


def bpdu(root: int = ROOT, changing: bool = False) -> bytes:
    vector = TreeVector(root, 4, ROOT + 1, 0x8003)
    return encode_frame(StpFrame(LEGACY_MAC, Bpdu(CONFIGURATION, vector, Times(), topology_change=changing), 10, 10))


def watching(root: str = "24586 00:1b:54:12:00:00") -> BorderSpeakers:
    ours = BorderSpeakers()
    ours.configure(Speakers(watches=(BpduWatch("border1", {10: root}),)), 0)
    return ours


def test_the_root_of_a_vlan_is_heard_and_forgotten_when_it_falls_silent() -> None:
    ours = watching()
    assert ours.wrong(19_000) == ()  # who has just begun to listen has nothing to say
    assert ours.heard("border1", bpdu(), 1000) == ()
    (row,) = ours.report(2000)["watches"]
    assert (row["vlan"], row["root"], row["cost"]) == (10, "24586 00:1b:54:12:00:00", 4)
    assert ours.wrong(2000) == ()
    assert ours.report(30_000)["watches"][0]["root"] is None
    assert "no BPDU is heard" in ours.wrong(30_000)[0]


def test_another_root_than_expected_is_told() -> None:
    ours = watching("4106 00:1b:54:12:00:00")
    ours.heard("border1", bpdu(), 1000)
    assert "its root is 24586 00:1b:54:12:00:00, expected 4106" in ours.wrong(1500)[0]


def test_topology_changes_are_counted_once_each_and_their_sender_is_named() -> None:
    ours = watching()
    for at, changing in enumerate((False, True, True, False, True, False)):
        ours.heard("border1", bpdu(changing=changing), 1000 + at)
    (row,) = ours.report(2000)["watches"]
    assert row["changes"] == 2 and row["changed_by"] == "24586 00:1b:54:12:00:01 port 3" and not row["storm"]
    ours.heard("border1", encode_frame(StpFrame(0x1234, NOTIFICATION, 10, 10)), 3000)
    assert ours.report(4000)["watches"][0]["changed_by"] == "a switch at 00:00:00:00:12:34"
    for at in range(20):
        ours.heard("border1", bpdu(changing=bool(at % 2)), 4000 + at)
    assert ours.report(5000)["watches"][0]["storm"] and any("topology changes" in text for text in ours.wrong(5000))


@pytest.mark.parametrize("cut", range(0, 64, 3))
def test_frames_that_are_cut_short_change_nothing(cut: int) -> None:
    ours = watching()
    ours.configure(Speakers((GROUP,), (PROCESS,)), 0)
    state = hsrp_frame(10, VMAC, int(LEGACY), GROUP_ADDRESS[1], PORT, b"\0" * 20)
    route = eigrp_frame(98, VMAC, 0x0100_5E00_000A, PEER, 0xE000_000A, b"\2\5" + bytes(30))
    before = ours.report(10)
    for data in (bpdu(), state, route):
        ours.heard("border1", data[:cut], 10)
    assert ours.report(10) == before


def test_speakers_are_read_as_they_are_written_and_bad_ones_are_named() -> None:
    config = Speakers((GROUP,), (PROCESS,), (BpduWatch("border1", {10: "24586 00:1b:54:12:00:00"}),))
    assert read_speakers(speakers_json(config)) == config
    with pytest.raises(BadSpeakers, match=r"hsrp\.0"):
        read_speakers({"hsrp": [{"border": "x"}]})


def test_lacking_keys_are_named_by_their_variable() -> None:
    config = Speakers((replace(GROUP, authentication="md5"),), (replace(PROCESS, authentication="md5 1"),))
    assert lacking_keys(config, {}) == ("CLOS_HSRP_KEY_10", "CLOS_EIGRP_KEY_100")
    assert lacking_keys(config, {"CLOS_HSRP_KEY": "a", "CLOS_EIGRP_KEY_100": "b"}) == ()
