"""Dumps in Open vSwitch's own words are read as Open vSwitch means them: ``ofproto/trace`` is the judge.

A switch is given random flows with registers, tables that are called and come back, conjunctions, tags as OpenFlow 1.0
has them and connections; its own dump is read, and every frame leaves by the ports that the switch says.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from clos.controller.dump import read_dump
from clos.controller.dump.foreign import Blind
from clos.controller.intent import Text
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.dataplane.step import Step, step
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.packet import build
from clos.fabric.packet.build import Packet
from clos.lab.ovs.processes import DUMMY, PrivateSwitches
from tests.support.lab_ready import require_switch

pytestmark = pytest.mark.lab
require_switch()

PORTS = range(1, 6)
PIPELINES = int(os.environ.get("CLOS_LAB_FABRICS", "12")) * 5
TABLES = 5

_ACTIONS = re.compile(r"^Datapath actions: (.*)$", re.MULTILINE)
_PORT = re.compile(r"^\s+(p\d+) (\d+)/(\d+):", re.MULTILINE)


@pytest.fixture(scope="module")
def switches() -> Iterator[PrivateSwitches]:
    with PrivateSwitches(DUMMY) as running:
        running.configure(["add-br", "br", "--", "set", "bridge", "br", "datapath_type=dummy", "fail_mode=secure"])
        for port in PORTS:
            kind = ["set", "interface", f"p{port}", "type=dummy", f"ofport_request={port}"]
            running.configure(["add-port", "br", f"p{port}", "--", *kind])
        yield running


def matches(dice: Random) -> str:
    kind = dice.choice(["", "ip", "tcp", "udp", "arp"])
    words = [kind] if kind else []
    if kind in ("ip", "tcp", "udp") and dice.random() < 0.4:
        words.append(f"nw_src=10.0.0.{dice.randint(1, 3)}")
    if kind in ("tcp", "udp") and dice.random() < 0.5:
        words.append(f"tp_dst={dice.choice([53, 80])}")
    if dice.random() < 0.3:
        words.append(f"in_port={dice.choice(PORTS)}")
    if dice.random() < 0.3:
        words.append(dice.choice(["vlan_tci=0x0000/0x1fff", "dl_vlan=5", "vlan_tci=0x1000/0x1000"]))
    if dice.random() < 0.5:
        words.append(dice.choice(["reg0=1", "reg0=0/0x2", "reg1=2", "xreg0=0x100000002", "metadata=3", "reg3=0x1/0x1",
                                  "xxreg0=1", "pkt_mark=1"]))  # fmt: skip
    return ",".join(words)


def actions(dice: Random, table: int) -> str:
    words = [action(dice, table) for _ in range(dice.randint(0, 4))]
    return ",".join(words) or "drop"


def action(dice: Random, table: int) -> str:
    later = dice.randint(table + 1, TABLES) if table < TABLES else None
    return dice.choice([
        f"output:{dice.choice(PORTS)}", f"output:{dice.choice(PORTS)}", "IN_PORT",
        "load:1->NXM_NX_REG0[]", "load:0x2->NXM_NX_REG0[0..7]", "set_field:2->reg1", "set_field:0x1/0x1->reg3",
        "load:1->NXM_NX_REG3[0]", "set_field:3->metadata", "set_field:1->pkt_mark", "load:0x0->NXM_NX_XXREG0[]",
        "mod_vlan_vid:5", "mod_vlan_pcp:3", "strip_vlan", "mod_dl_src:02:00:00:00:00:09",
        "set_field:4->reg5,output:reg5", f"clone(output:{dice.choice(PORTS)})", "note:00.01", "exit", "dec_ttl",
        *([f"resubmit(,{later})"] * 4 if later is not None else []),
    ])  # fmt: skip


def pipeline(dice: Random) -> list[str]:
    lines = []
    for table in range(TABLES + 1):
        for n in range(dice.randint(1, 4)):
            match = "".join(f",{word}" for word in [matches(dice)] if word)
            lines.append(f"table={table},priority={10 * n + 1}{match} actions={actions(dice, table)}")
    if dice.random() < 0.5:
        lines += ["table=0,priority=90,conj_id=7,ip actions=" + actions(dice, 0)]
        lines += [f"table=0,priority=90,ip,nw_src=10.0.0.{n} actions=conjunction(7,1/2)" for n in (1, 2)]
        lines += [f"table=0,priority=90,{kind},tp_dst=80 actions=conjunction(7,2/2)" for kind in ("tcp", "udp")]
    return lines


def frames() -> list[Packet]:
    ends = {"eth_src": 0x020000000001, "eth_dst": 0x020000000002}
    found = [build.arp_request(0x020000000001, 0x0A000001, 0x0A000002)]
    for source in (1, 2, 3):
        ip = {"ipv4_src": 0x0A000000 + source, "ipv4_dst": 0x0A000009}
        found += [build.tcp(**ends, **ip, tcp_src=9, tcp_dst=port) for port in (53, 80)]
        found += [build.udp(**ends, **ip, udp_src=9, udp_dst=port) for port in (53, 80)]
    return found + [packet.push_vlan().set("vlan_vid", vid) for packet in found for vid in (0x1005, 0x1006)]


def asked(switches: PrivateSwitches, names: dict[str, int], port: int, packet: Packet) -> Counter[int]:
    """The ports that the switch says the frame leaves by."""
    said = _ACTIONS.search(switches.control.trace("br", port, packet.data))
    assert said is not None
    plain = re.sub(r"clone\(([^()]*)\)", r"\1", said[1])
    while "(" in plain:
        plain = re.sub(r"\w*\([^()]*\)", "", plain)
    return Counter(names[word] for word in plain.split(",") if word in names)


def blind(done: Step) -> bool:
    rules = [hop.rule for hop in done.trail if hop.rule is not None]
    return any(isinstance(action, Blind) for rule in rules for action in rule.instructions.apply)


def test_frames_leave_as_the_switch_says_whatever_its_flows(switches: PrivateSwitches) -> None:
    names = {each: int(number) for _, number, each in _PORT.findall(switches.control.call("dpif/show"))}
    dice, compared, left_out = Random(5), 0, 0
    for _ in range(PIPELINES):
        lines = pipeline(dice)
        switches.run("ovs-ofctl", "del-flows", "br")
        file = switches.directory / "br.flows"
        file.write_text("\n".join(lines))
        switches.run("ovs-ofctl", "add-flows", "br", str(file))
        dump, problems = read_dump(
            [Text("br.flows", switches.run("ovs-ofctl", "dump-flows", "br"))], {"br": 1}, partial=True
        )
        assert dump is not None, f"{lines}: {problems}"
        state = dump.states.get("br", SwitchState((), (), ()))
        model = SwitchModel.of(state, set(PORTS))
        for packet in frames():
            port = dice.choice(PORTS)
            done = step(model, port, packet)
            if blind(done):
                left_out += 1
                continue
            compared += 1
            ours = Counter(out for out, _ in done.emissions)
            assert ours == asked(switches, names, port, packet), "\n".join([*lines, f"in_port={port} {packet}"])
    assert compared > 5 * left_out
