"""Mininet programs: read without being run, run only when asked to; what their options become."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clos.controller.intent import Text, dump, load_topology
from clos.controller.intent.importers.adopt import Adopted, adopt
from clos.controller.intent.importers.mininet_text import NeedsRun, read_miniedit, read_program
from clos.controller.intent.importers.mininet_topo import Described, Edge, Vertex, sketch_of
from clos.controller.intent.importers.tiers import SWITCH, NotReadable, NotSpineLeaf
from clos.fabric.topology import LEAF, SPINE, PortRef
from tests.support.cli_run import clos
from tests.support.imported import imported, needs_mininet, roles

LINKS = """
from mininet.topo import Topo
from mininet.link import TCLink

FAST = dict(bw=100, delay='2ms')


class T(Topo):
    "Two leaves."

    def __init__(self, speed=40, **opts):
        Topo.__init__(self, **opts)
        self.top = self.addSwitch('s1', dpid='1f')
        s2, s3 = self.addSwitch('s2', dpid='00:00:00:00:00:00:00:2A'), self.addSwitch(name='s3')
        h1 = self.addHost('h1', ip='10.0.0.1/24', mac='00:00:00:00:00:01', defaultRoute='via 10.0.0.254')
        h2 = self.addHost('h2', vlan=10)
        slow = {'bw': 10, 'delay': '5ms', 'loss': 1}
        self.addLink(self.top, s2, 1, 7, cls=TCLink, **slow)
        self.addLink(s3, self.top, port2=2, port1=9, cls=TCLink, **FAST)
        self.addLink(h1, s2, bw=speed)
        self.addLink(h2, s3, params1={'ip': '10.0.0.2/24'}, addr1='00:00:00:00:00:02', max_queue_size=50)


topos = {'t': (lambda: T()), 'u': T}
print('loaded')
"""
SCRIPT = """
from mininet.net import Mininet
from mininet.node import Node, OVSKernelSwitch, RemoteController
from mininet.link import Intf, TCLink
open("RAN", "w").close()

def lab():
    net = Mininet(topo=None, build=False, ipBase='10.0.0.0/8')
    c0 = net.addController(name='c0', controller=RemoteController, ip='127.0.0.1', port=6653)
    s1 = net.addSwitch('s1', cls=OVSKernelSwitch, dpid='a1')
    s2 = net.addSwitch('s2', cls=OVSKernelSwitch, failMode='standalone')
    Intf('eth7', node=s2)
    r3 = net.addHost('r3', cls=Node, ip='0.0.0.0')
    r3.cmd('sysctl -w net.ipv4.ip_forward=1')
    h1 = net.addHost('h1', cls=Node, ip='10.0.0.1', defaultRoute=None)
    s1s2 = {'bw': 20, 'delay': '5ms', 'jitter': '1ms'}
    net.addLink(s1, s2, cls=TCLink, **s1s2)
    net.addLink(s2, h1)
    net.addLink(s2, r3)
    net.build()
    for controller in net.controllers:
        controller.start()
    net.get('s1').start([c0])

if __name__ == '__main__':
    lab()
"""


def read(program: str, name: str = "T") -> Adopted:
    return adopt(sketch_of(read_program(Text("lab.py", program), name)))


def topo(*lines: str) -> str:
    """A class with these lines, in a fabric of a spine and two leaves with a host each."""
    first = """s1, s2, s3 = self.addSwitch('s1'), self.addSwitch('s2'), self.addSwitch('s3')
h2, h3 = self.addHost('h2'), self.addHost('h3')
self.addLink(s2, s1); self.addLink(s3, s1); self.addLink(s2, h2); self.addLink(s3, h3)"""
    body = [f"        {line}" for line in [*first.splitlines(), *lines]]
    return "\n".join(["class T(Topo):", "    def build(self):", *body])


@pytest.mark.parametrize("name", ["T", "t", "u"])
def test_a_class_written_out_is_read_from_its_text(name: str) -> None:
    found = read(LINKS, name)
    assert roles(found.topology) == {"s1": SPINE, "s2": LEAF, "s3": LEAF}
    assert {name: switch.dpid for name, switch in found.topology.switches.items()} == {"s1": 0x1F, "s2": 0x2A, "s3": 3}
    assert {(str(k.a), str(k.b), k.speed, k.latency) for k in found.topology.links} == {
        ("s1:1", "s2:7", 10, 5000), ("s3:9", "s1:2", 100, 2000)
    }  # fmt: skip
    hosts = found.topology.hosts
    assert [(h.mac, h.speed, h.ports) for h in (hosts["h1"], hosts["h2"])] == [
        (1, 40, (PortRef("s2", 2),)), (2, 10_000, (PortRef("s3", 2),))
    ]  # fmt: skip
    for note in (
        "s3: datapath id 0x3 comes from its name, as in Mininet",
        "addresses are written in intents, and left out here: h2 10.0.0.2/24, h1 10.0.0.1/24",
        "left out: loss=1 of s1 - s2", "left out: max_queue_size=50 of h2 - s3", "left out: vlan=10 of h2",
        "left out: defaultRoute=via 10.0.0.254 of h1", "1 of 4 cables without bw are taken for 10 Gbps",
        "2 of 4 cables without delay get the default latency",
    ):  # fmt: skip
        assert note in found.notes, note


@needs_mininet
def test_a_text_says_what_running_it_says(tmp_path: Path) -> None:
    file = tmp_path / "lab.py"
    file.write_text(LINKS)
    words = ("topology", "import", "mininet", f"{file}:T")
    read_only, run = clos(*words), clos(*words, "--run")
    assert f"# {file}:T was run to read it (--run).\n" in run.out and "--run" not in read_only.out
    assert imported(read_only) == imported(run)
    assert {*run.err.splitlines()} - {*read_only.err.splitlines()} == {f"note: {file}:T was run to read it (--run)"}


def test_a_program_that_miniedit_exports_is_read_and_not_run(tmp_path: Path) -> None:
    file = tmp_path / "lab.py"
    file.write_text(SCRIPT.replace('"RAN"', repr(str(tmp_path / "RAN"))))
    topology = imported(ran := clos("topology", "import", "mininet", f"{file}:lab"))
    assert not (tmp_path / "RAN").exists()
    assert {name: switch.dpid for name, switch in topology.switches.items()} == {"s1": 0xA1, "s2": 2}
    assert (topology.links[0].speed, topology.links[0].latency, list(topology.hosts)) == (20, 5000, ["h1"])
    for note in (
        "r3 is left out with its cables: it is a router (ip_forward); the fabric routes between networks by itself",
        "left out: a port of the machine, Intf('eth7', node=s2) in line 12", "left out: jitter=1ms of s1 - s2",
        "left out: failMode=standalone of s2", "s2: datapath id 0x2 comes from its name, as in Mininet",
    ):  # fmt: skip
        assert f"# {note}.\n" in ran.out and f"note: {note}\n" in ran.err, note


@needs_mininet
def test_no_network_is_started_even_when_run(tmp_path: Path) -> None:
    file = tmp_path / "lab.py"
    file.write_text(SCRIPT.replace('"RAN"', repr(str(tmp_path / "RAN"))))
    ran = clos("topology", "import", "mininet", f"{file}:lab", "--run")
    assert ran.code == 3 and "it makes a Mininet, which would start a network" in ran.err


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("for i in (1, 2): self.addHost('h%s' % i)", "line 6: it stands in a for statement"),
        ("if True: self.addHost('x')", "line 6: it stands in a if statement"),
        ("x = [self.addSwitch(n) for n in 'ab']", "line 6: it stands in an expression"),
        ("x = self.addHost('h' + str(4))", "line 6: its name is computed"),
        ("x = self.addHost(f'h{4}')", "line 6: its name is computed"),
        ("self.addLink(s1, other)", "line 6: other is no node that its text names"),
        ("self.addLink(s1, s2, **self.opts)", "line 6: **self.opts is not known"),
        ("self.addLink(s1, s2, port1=next(ports))", "line 6: a port is computed"),
        ("self.addLink(s1, s2, params1=make())", "line 6: its parameters are computed"),
        ("more(self)\n\ndef more(topo):\n    topo.addHost('x')", "line 9: more adds it"),
    ],
)
def test_what_its_text_does_not_tell_is_not_guessed(line: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(NeedsRun) as caught:
        read(topo(*line.split("\n")[:1]) + "\n" + "\n".join(line.split("\n")[1:]))
    assert str(caught.value) == why
    file = tmp_path / "lab.py"
    file.write_text(f"open({str(tmp_path / 'RAN')!r}, 'w')\n{topo(line.split(chr(10), maxsplit=1)[0])}\n")
    ran = clos("topology", "import", "mininet", f"{file}:T")
    if "more" not in line:
        assert ran.code == 2 and "was not run" in ran.err and "pass --run" in ran.err
    assert not (tmp_path / "RAN").exists()


@pytest.mark.parametrize("words", [("LAB.py:T,2",), ("somebodys.module:T",), ("LAB.py:Nobody",)])
def test_nothing_of_the_users_is_run_without_being_asked(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "LAB.py").write_text(f"open({str(tmp_path / 'RAN')!r}, 'w')\n{topo()}\n")
    ran = clos("topology", "import", "mininet", *(word.replace("LAB.py", str(tmp_path / "LAB.py")) for word in words))
    assert ran.code == 2 and "--run" in ran.err and not (tmp_path / "RAN").exists()


@pytest.mark.parametrize(
    ("options", "speed", "latency", "note"),
    [
        ({"bw": 10, "delay": "5ms"}, 10, 5000, ""),
        ({"delay": "5us"}, 0, 5, ""),
        ({"delay": "1.5ms"}, 0, 1500, ""),
        ({"delay": "0.002s"}, 0, 2000, ""),
        ({"delay": "3msec"}, 0, 3000, ""),
        ({"delay": "7usecs"}, 0, 7, ""),
        ({"delay": "5 ms"}, 0, 0, "delay=5 ms is left out: expected a time like 5ms"),
        ({"delay": 5}, 0, 5, "delay=5 has no unit: taken for microseconds, as tc does"),
        ({"delay": "soon"}, 0, 0, "delay=soon is left out: expected a time like 5ms"),
        ({"bw": 0.5}, 1, 0, "bw=0.5 is rounded up to 1 Mbps"),
        ({"bw": "10"}, 0, 0, "bw=10 is left out: expected Mbit/s"),
        ({"bw": -1}, 0, 0, "bw=-1 is left out: expected Mbit/s"),
        ({"bw": float("nan")}, 0, 0, "bw=nan is left out: expected Mbit/s"),
    ],
)
def test_units_are_what_they_are_and_guesses_are_told(
    options: dict[str, Any], speed: int, latency: int, note: str
) -> None:
    nodes = {"s1": Vertex(SWITCH, {}), "s2": Vertex(SWITCH, {})}
    found = sketch_of(Described("t", nodes, (Edge(("s1", "s2"), (1, 1), options),)))
    assert (found.cables[0].speed, found.cables[0].latency) == (speed, latency)
    assert [each for each in found.notes if each.startswith("s1 - s2: ")] == [f"s1 - s2: {note}"] * bool(note)


def test_options_of_one_end_count() -> None:
    line = "self.addLink(s1, self.addSwitch('s4'), params1=dict(bw=5, delay='1ms'), params2={'bw': 7, 'delay': '3ms'})"
    found = read(topo(line))
    (link,) = (each for each in found.topology.links if "s4" in (each.a.switch, each.b.switch))
    assert (link.speed, link.latency) == (5, 3000)
    assert "s1 - s4: the ends differ in bw: the lower, 5 Mbps, is taken for both" in found.notes
    assert "s1 - s4: the ends differ in delay: the longer, 3000 us, is taken for both" in found.notes


@pytest.mark.parametrize(
    ("given", "want", "note"),
    [
        ("dpid='10'", 0x10, ""), ("dpid='0x10'", 0x10, ""), ("dpid='00:00:00:00:00:00:0a:0B'", 0xA0B, ""),
        ("dpid=10", 0x10, "s44: dpid=10 is no text, as Mininet wants it: read as hexadecimal"),
        ("dpid='xyz'", 0x20001, "s44: dpid='xyz' is left out: it is no hexadecimal number of 64 bits"),
        ("dpid='1' * 1", 0x20001, "s44: dpid=\"'1' * 1\" is left out: it is no hexadecimal number of 64 bits"),
        ("dpid='11111111111111111'", 0x20001, "datapath ids are numbered here for s44 0x20001"),
        ("ip=None", 44, "s44: datapath id 0x2c comes from its name, as in Mininet"),
        ("dpid='2'", 0x20001, "datapath ids that two switches have are not used: s2 0x2, s44 0x2"),
    ],
)  # fmt: skip
def test_datapath_ids_are_hexadecimal_and_guesses_are_told(given: str, want: int, note: str) -> None:
    found = read(topo(f"self.addLink(s1, self.addSwitch('s44', {given}))"))
    ids = {name: switch.dpid for name, switch in found.topology.switches.items()}
    assert ids["s44"] in (want, 0x20002) and len(set(ids.values())) == len(ids) and ids["s3"] == 3
    assert not note or note in found.notes or note.replace("0x20001", "0x20002") in found.notes


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["r = self.addNode('x', cls=LinuxRouter)", "self.addLink(r, s2)", "self.addLink(r, s3)"],
         "x is left out with its cables: it is a router (LinuxRouter)"),
        (["r = self.addHost('x')", "self.addLink(r, s2, params1={'ip': '10.0.0.1/24'})",
          "self.addLink(r, s3, params1={'ip': '10.0.1.1/24'})"],
         "x is left out with its cables: it is a router, with an address on each cable"),
        (["r = self.addHost('r0')", "self.addLink(r, s2)", "self.addLink(r, s3)"],
         "r0 is left out with its cables: it has 2 cables and is called like a router"),
        (["r = self.addHost('x', cls=Mine)", "self.addLink(r, s2)", "", ],
         "x is left out with its cables: it is a router (ip_forward)"),
    ],
)  # fmt: skip
def test_a_router_is_no_host_on_two_leaves(lines: list[str], why: str) -> None:
    mine = "class Mine(Node):\n    def config(self, **p):\n        self.cmd('sysctl net.ipv4.ip_forward=1')\n"
    found = read(mine + topo(*lines))
    assert list(found.topology.hosts) == ["h2", "h3"] and not found.topology.pairs
    assert f"{why}; the fabric routes between networks by itself" in found.notes


def test_a_refusal_says_what_was_left_out_before_it(tmp_path: Path) -> None:
    file = tmp_path / "lab.py"
    file.write_text("""class T(Topo):
    def build(self):
        r = self.addNode('r0', cls=LinuxRouter)
        self.addLink(r, self.addSwitch('s1'))
        self.addLink(r, self.addSwitch('s2'))
""")
    ran = clos("topology", "import", "mininet", f"{file}:T")
    assert ran.code == 1 and ran.err.startswith("note: ") and ran.err.endswith("is no spine-leaf fabric\n")
    assert "note: r0 is left out with its cables: it is a router (LinuxRouter)" in ran.err


def test_a_host_on_two_leaves_makes_a_pair_and_is_told() -> None:
    found = read(topo("h = self.addHost('srv')", "self.addLink(h, s2, bw=5)", "self.addLink(h, s3, bw=9, delay='1ms')"))
    assert found.topology.hosts["srv"].dual_homed and found.topology.hosts["srv"].speed == 5
    for note in (
        "s2 and s3 are a pair: srv cabled to both", "srv: its cables differ in speed; 5 Mbps is taken for both",
        "srv: the latency of its cables is left out: cables of hosts have none here",
    ):  # fmt: skip
        assert note in found.notes, note


def test_ports_that_cannot_be_kept_are_told() -> None:
    found = read(
        topo("h = self.addHost('h9')", "self.addLink(h, s2, port2=1)", "self.addLink(self.addHost('g'), s3, 0, 0)")
    )
    assert found.topology.hosts["h9"].ports == (PortRef("s2", 3),)
    assert "s2: the cable to h9 is on port 3, not 1" in found.notes
    assert "s3: the cable to g is on port 3" in found.notes


MN = {
    "version": "2", "application": {}, "controllers": [],
    "hosts": [{"number": "1", "opts": {"hostname": "h1", "ip": "10.0.0.1", "nodeNum": 1, "sched": "host"}},
              {"number": "2", "opts": {"hostname": "h2", "nodeNum": 2}}],
    "switches": [{"number": "1", "opts": {"hostname": "s1", "dpid": "1a", "switchType": "default", "nodeNum": 1}},
                 {"number": "2", "opts": {"hostname": "s2", "switchType": "legacySwitch", "nodeNum": 2}},
                 {"number": "3", "opts": {"hostname": "r3", "switchType": "legacyRouter", "nodeNum": 3}}],
    "links": [{"src": "s1", "dest": "s2", "opts": {"bw": 30, "delay": "4ms"}}, {"src": "h1", "dest": "s2", "opts": {}},
              {"src": "s2", "dest": "h2", "opts": {"loss": 2}}, {"src": "r3", "dest": "s2", "opts": {}}],
}  # fmt: skip


def test_a_file_of_miniedits_is_read(tmp_path: Path) -> None:
    file = tmp_path / "lab.mn"
    file.write_text(json.dumps(MN))
    topology = imported(ran := clos("topology", "import", "mininet", file, "--name", "mine"))
    assert topology.name == "mine" and roles(topology) == {"s1": SPINE, "s2": LEAF}
    assert topology.switches["s1"].dpid == 0x1A and topology.links[0].speed == 30 and topology.links[0].latency == 4000
    assert list(topology.hosts) == ["h1", "h2"] and "r3 is left out with its cables: it is a router" in ran.err
    assert "note: left out: loss=2 of s2 - h2\n" in ran.err


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"hosts": [1], "switches": [], "links": []}', "[" * 9999,
                                  '{"hosts": [], "switches": [], "links": [{"src": "a", "dest": "b"}]}'])  # fmt: skip
def test_a_file_that_is_not_miniedits_is_refused(text: str) -> None:
    with pytest.raises(NotReadable):
        read_miniedit(Text("x.mn", text))


@pytest.mark.parametrize(
    "text", ["class T(", "(" * 500, "\0", "class T(Topo):\n    def build(self): self.addHost('h')"]
)
def test_any_program_is_read_or_refused(text: str) -> None:
    with pytest.raises(NotSpineLeaf):
        read(text)


WORDS = st.sampled_from(
    [
        "1",
        "'a'",
        "None",
        "[1]",
        "{'bw': 1}",
        "h2",
        "s1",
        "s2",
        "-1",
        "dict(bw=2)",
        "x.y",
        "f()",
        "1.5",
        "0x" + "f" * 9999,
    ]
)
METHODS = st.sampled_from(["addLink", "addHost", "addSwitch", "cmd", "get"])
KEYS = st.sampled_from(["", "port1", "bw", "delay", "dpid", "mac", "cls", "params1", "ip"])


@given(st.lists(st.tuples(METHODS, st.lists(WORDS, max_size=5)), max_size=6), KEYS, WORDS)
def test_any_calls_are_read_or_need_to_be_run(calls: list[tuple[str, list[str]]], key: str, value: str) -> None:
    lines = [f"self.{name}({', '.join([*args, f'{key}={value}'] if key else args)})" for name, args in calls]
    try:
        found = read(topo(*lines))
    except (NeedsRun, NotSpineLeaf):
        return
    assert load_topology(Text("written.yaml", dump(found.topology))).topology == found.topology


def test_deep_expressions_are_not_read() -> None:
    with pytest.raises((NeedsRun, NotReadable)):
        read(topo(f"x = {'-(' * 3000}1{')' * 3000}"))
    with pytest.raises((NeedsRun, NotReadable)):
        read(topo(f"x = {'1+' * 30000}1"))
