"""Networks of other tools become topologies: real Mininet classes, a containerlab file, and what is no spine-leaf."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clos.controller.intent import Text
from clos.controller.intent.importers.adopt import adopt
from clos.controller.intent.importers.containerlab import read_containerlab
from clos.controller.intent.importers.tiers import HOST, SWITCH, Cable, Node, NotSpineLeaf, Plug, Sketch
from clos.fabric.generate import clos as generate
from clos.fabric.topology import BORDER, LEAF, SPINE, PortRef
from tests.support.cli_run import clos
from tests.support.imported import imported, needs_mininet, roles

OWN = '''
"""A user's own fabric, as users write them."""
from mininet.topo import Topo


class Campus(Topo):
    def build(self, leaves=2, **_):
        spines = [self.addSwitch(f"spine{i}", dpid=f"{i:016x}") for i in (161, 162)]
        for i in range(1, leaves + 1):
            leaf = self.addSwitch(f"leaf{i}")
            for spine in spines:
                self.addLink(leaf, spine, bw=400)
            for j in (1, 2):
                host = self.addHost(f"pc {i}.{j}", mac=f"00:00:00:00:0{i}:0{j}", ip=f"10.0.{i}.{j}/16")
                self.addLink(host, leaf)


class Dual(Topo):
    def build(self):
        spine = self.addSwitch("s9")
        left, right = (self.addSwitch(name) for name in ("s1", "s2"))
        server = self.addHost("server")
        for leaf in (left, right):
            self.addLink(spine, leaf)
            self.addLink(leaf, server)


def small(count=1):
    return Campus(leaves=count + 1)


print("loaded")
topos = {"campus": Campus, "three": lambda: Campus(leaves=3)}
NOT_ONE = str
'''

CLAB = """
name: dc 1
topology:
  defaults: {kind: nokia_srlinux}
  kinds:
    linux: {image: alpine:3}
  groups:
    servers: {kind: linux}
  nodes:
    spine1: {}
    spine2: {kind: ceos}
    leaf1: {}
    leaf2: {}
    edge: {labels: {role: border-leaf}}
    frr1: {kind: linux, image: "frrouting/frr:v8"}
    srv1: {group: servers}
    srv2: {group: servers}
    "db@1": {kind: linux}
    idle: {kind: linux}
  links:
    - endpoints: ["leaf1:e1-49", "spine1:e1-1"]
    - endpoints: ["leaf1:e1-50", "spine2:eth1"]
    - endpoints: ["leaf2:e1-49", "spine1:e1-2"]
    - endpoints: ["leaf2:e1-50", "spine2:eth2"]
    - endpoints: ["edge:e1-49", "spine1:e1-3"]
    - endpoints: ["edge:e1-50", "spine2:eth3"]
    - endpoints: ["frr1:eth1", "spine1:e1-4"]
    - endpoints: ["frr1:eth2", "spine2:eth4"]
    - endpoints: ["srv1:eth1", "leaf1:e1-1"]
    - type: veth
      endpoints:
        - {node: srv2, interface: eth1}
        - {node: leaf2, interface: ethernet-1/1}
    - endpoints: ["db@1:eth1", "leaf1:e1-2"]
    - endpoints: ["db@1:eth2", "leaf2:e1-2"]
    - endpoints: ["leaf1:e2-1", "host:leaf1-mirror"]
    - type: mgmt-net
      endpoint: {node: leaf1, interface: mgmt0}
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


@needs_mininet
def test_mininets_own_tree_of_two_levels_is_a_spine_and_its_leaves() -> None:
    topology = imported(clos("topology", "import", "mininet", "mininet.topolib:TreeTopo,2,3"))
    assert roles(topology) == {"s1": SPINE, "s2": LEAF, "s3": LEAF, "s4": LEAF}
    assert len(topology.hosts) == 9 and topology.hosts["h4"].ports == (PortRef("s3", 1),)
    assert {name: switch.dpid for name, switch in topology.switches.items()} == {"s1": 1, "s2": 2, "s3": 3, "s4": 4}


@needs_mininet
@pytest.mark.parametrize(
    ("topo", "why"),
    [
        ("mininet.topolib:TreeTopo,3,2", "s3 and s6 have no spine in common"),
        ("mininet.topo:LinearTopo,3", "s2 and s1 both have hosts"),
        ("mininet.topo:SingleSwitchTopo,4", "s1 is cabled to no other switch: a leaf needs a spine above it"),
        ("mininet.topolib:TorusTopo,3,3", "in a ring of 3"),
    ],
)
def test_what_is_no_spine_leaf_is_refused_with_what_is_in_the_way(topo: str, why: str) -> None:
    ran = clos("topology", "import", "mininet", topo)
    assert (ran.code, ran.out) == (1, "") and why in ran.err
    assert ran.err.endswith(f"clos: {topo} is no spine-leaf fabric\n")


@needs_mininet
def test_a_users_own_class_keeps_its_names_ids_ports_speeds_and_addresses(own: Path) -> None:
    ran = clos("topology", "import", "mininet", f"{own}:Campus,leaves=3", "--name", "campus", "--run")
    topology = imported(ran)
    assert topology.name == "campus"
    assert roles(topology) == {"spine161": SPINE, "spine162": SPINE, "leaf1": LEAF, "leaf2": LEAF, "leaf3": LEAF}
    assert topology.switches["spine162"].dpid == 162 and topology.switches["leaf3"].dpid == 3
    assert {link.speed for link in topology.links} == {400}
    assert topology.peers[PortRef("leaf2", 1)] == PortRef("spine161", 2)
    assert topology.hosts["pc-2.1"].mac == 0x0201 and topology.hosts["pc-2.1"].ports == (PortRef("leaf2", 3),)
    assert "# pc 2.1 is called pc-2.1 here" in ran.out


@needs_mininet
def test_classes_functions_and_entries_of_topos_are_taken(own: Path) -> None:
    for topo, leaves in (("Campus", 2), ("campus,3", 3), ("three", 3), ("small,count=3", 4)):
        assert len(imported(clos("topology", "import", "mininet", f"{own}:{topo}", "--run")).leaves) == leaves


@needs_mininet
def test_a_host_on_two_leaves_makes_them_a_pair(own: Path) -> None:
    topology = imported(clos("topology", "import", "mininet", f"{own}:Dual", "--run"))
    assert [pair.leaves for pair in topology.pairs.values()] == [("s1", "s2")]
    assert topology.hosts["server"].dual_homed


@needs_mininet
def test_what_cannot_be_run_is_told_with_its_last_words(own: Path, tmp_path: Path) -> None:
    ran = clos("topology", "import", "mininet", f"{own}:Nothing", "--run")
    assert ran.code == 3 and "no Topo Nothing in own; there are: Campus, Dual, Topo, campus, three" in ran.err
    ran = clos("topology", "import", "mininet", f"{own}:NOT_ONE", "--run")
    assert ran.code == 3 and "NOT_ONE gives str and not a Topo" in ran.err
    (tmp_path / "broken.py").write_text("import nothing_of_that_name")
    ran = clos("topology", "import", "mininet", f"{tmp_path / 'broken.py'}:X", "--run")
    assert ran.code == 3 and "No module named 'nothing_of_that_name'" in ran.err
    assert clos("topology", "import", "mininet", f"{tmp_path / 'none.py'}:X").code == 2
    assert clos("topology", "import", "mininet", "own").code == 2


def test_the_users_code_runs_in_no_process_of_ours(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text("import sys, os\nsys.modules['fabric'] = None\nos._exit(7)\n")
    ran = clos("topology", "import", "mininet", f"{tmp_path / 'evil.py'}:X", "--run")
    assert ran.code == 3 and "no reason given" in ran.err


def test_a_containerlab_file_becomes_a_fabric(tmp_path: Path) -> None:
    file = tmp_path / "dc.clab.yml"
    file.write_text(CLAB)
    ran = clos("topology", "import", "containerlab", file)
    topology = imported(ran)
    assert topology.name == "dc-1"
    assert roles(topology) == {
        "spine1": SPINE, "spine2": SPINE, "leaf1": LEAF, "leaf2": LEAF, "frr1": LEAF, "edge": BORDER
    }  # fmt: skip
    assert topology.peers[PortRef("leaf1", 49)] == PortRef("spine1", 1)
    assert topology.peers[PortRef("edge", 50)] == PortRef("spine2", 3)
    assert topology.hosts["srv2"].ports == (PortRef("leaf2", 1),)
    assert topology.hosts["db-1"].ports == (PortRef("leaf1", 2), PortRef("leaf2", 2))
    assert list(topology.hosts) == ["srv1", "srv2", "db-1"]
    for said in (
        "# db@1 is called db-1 here", "# frr1: taken for a switch by its image, frrouting/frr:v8.",
        "# idle is left out: no cable leads to it.",
        "# links[12] (leaf1:e2-1) leads to host, out of the lab, and is left out.",
        "# links[13] (leaf1:mgmt0) leads to mgmt-net, out of the lab, and is left out.",
        "# edge, frr1: no hosts, but cabled as leaves are",
    ):  # fmt: skip
        assert said in ran.out, said
    data = clos("topology", "import", "containerlab", file, "--json").data
    assert data["names"] == {"db@1": "db-1"} and [f"note: {note}" for note in data["notes"]] == ran.err.splitlines()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", "not YAML"),
        ("[]", "is it a containerlab file?"),
        ("topology: {nodes: {a: {kind: ceos}}, links: [{endpoints: ['a:e1', 'b:e1']}]}", "there is no node b"),
        ("topology: {defaults: {kind: linux}, nodes: {a: , b: }, links: [{endpoints: [a:1, b:1]}]}", "both are hosts"),
        ("topology: {nodes: {a: {kind: linux}}}", "there is no switch in it"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_lab_of_switches_is_refused(text: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "x.yml"
    file.write_text(text)
    ran = clos("topology", "import", "containerlab", file)
    assert ran.code == 1 and why in ran.err


# The guess alone.


def sketch(*cables: str, hosts: str = "") -> Sketch:
    """``a-b`` for a cable; ``hosts``: the nodes that are hosts."""
    ends = [cable.split("-") for cable in cables]
    names = dict.fromkeys(name for pair in ends for name in pair)
    nodes = {name: Node(HOST if name in hosts.split() else SWITCH) for name in names}
    return Sketch("net", nodes, tuple(Cable(Plug(a), Plug(b)) for a, b in ends))


def test_without_hosts_names_tell_then_numbers_then_a_guess_that_is_called_one() -> None:
    named = adopt(sketch("spineA-leafA", "spineA-leafB", "spineB-leafA", "spineB-leafB"))
    assert roles(named.topology) == {"spineA": SPINE, "spineB": SPINE, "leafA": LEAF, "leafB": LEAF}
    assert "by their names" in named.notes[0]
    counted = adopt(sketch("x-a", "x-b", "x-c", "y-a", "y-b", "y-c"))
    assert roles(counted.topology) == {"x": SPINE, "y": SPINE, "a": LEAF, "b": LEAF, "c": LEAF}
    assert "there are more of them" in counted.notes[0]
    assert "a guess" in adopt(sketch("x-a", "x-b", "y-a", "y-b")).notes[0]


def test_a_leaf_in_two_pairs_and_a_host_on_three_are_refused_by_name() -> None:
    base = ("s-a", "s-b", "s-c")
    with pytest.raises(NotSpineLeaf, match="already belongs to pair"):
        adopt(sketch(*base, "h-a", "h-b", "g-b", "g-c", hosts="h g"))
    with pytest.raises(NotSpineLeaf, match=r"hosts\.h: a host has one port, or two"):
        adopt(sketch(*base, "h-a", "h-b", "h-c", hosts="h"))


def test_a_second_cable_to_the_same_leaf_is_left_out_and_said_so() -> None:
    found = adopt(sketch("s-a", "a-h", "a-h", hosts="h"))
    assert len(found.topology.hosts["h"].ports) == 1
    assert found.notes[0] == (
        "h: a second cable to the same switch is left out; hosts have one cable to each leaf (a - h)"
    )


def test_names_that_collide_once_mended_stay_apart() -> None:
    made = Sketch(
        "a b", {"s": Node(SWITCH), "l@1": Node(SWITCH), "l 1": Node(SWITCH), "l-1": Node(SWITCH)},
        tuple(Cable(Plug("s"), Plug(name)) for name in ("l@1", "l 1", "l-1")),
    )  # fmt: skip
    found = adopt(made)
    assert found.topology.name == "a-b"
    assert set(found.topology.switches) == {"s", "l-1", "l-1-1", "l-1-2"}
    assert set(found.names) == {"l@1", "l 1"}


@given(st.integers(1, 4), st.integers(2, 6), st.integers(1, 3), st.randoms(use_true_random=False))
def test_any_clos_fabric_comes_back_from_its_cables_alone(spines: int, leaves: int, hosts: int, dice) -> None:
    fabric = generate(spines, leaves, hosts_per_leaf=hosts)
    hidden = {
        name: f"n{number}"
        for number, name in enumerate(
            dice.sample(sorted({*fabric.switches, *fabric.hosts}), k=len(fabric.switches) + len(fabric.hosts))
        )
    }
    nodes = {hidden[name]: Node(SWITCH, switch.dpid) for name, switch in fabric.switches.items()}
    nodes |= {hidden[name]: Node(HOST, 0, host.mac) for name, host in fabric.hosts.items()}
    cables = [
        Cable(Plug(hidden[link.a.switch], link.a.port), Plug(hidden[link.b.switch], link.b.port))
        for link in fabric.links
    ]
    cables += [
        Cable(Plug(hidden[host.name]), Plug(hidden[p.switch], p.port))
        for host in fabric.hosts.values()
        for p in host.ports
    ]
    dice.shuffle(cables)
    found = adopt(Sketch("again", nodes, tuple(cables))).topology
    assert roles(found) == {hidden[name]: role for name, role in roles(fabric).items()}
    assert found.peers == {
        PortRef(hidden[a.switch], a.port): PortRef(hidden[b.switch], b.port) for a, b in fabric.peers.items()
    }
    assert {h.name: (h.mac, h.ports) for h in found.hosts.values()} == {
        hidden[h.name]: (h.mac, tuple(PortRef(hidden[p.switch], p.port) for p in h.ports))
        for h in fabric.hosts.values()
    }


TEXTS = st.text(st.sampled_from("ab:{}[]-,'\"\n links: nodes topology endpoints kind"), max_size=80)


@given(TEXTS)
def test_any_text_is_a_sketch_or_refused(text: str) -> None:
    for document in (text, f"topology: {{nodes: {{a: {text}}}}}", f"topology:\n  nodes: {{a: }}\n  links: [{text}]"):
        with suppress(NotSpineLeaf):
            read_containerlab(Text("any.yml", document))


@needs_mininet
def test_the_reader_of_topos_prints_one_document_after_whatever_the_file_prints(own: Path) -> None:
    words = [sys.executable, "-m", "clos.lab.mininet.topology_import", f"{own}:Dual"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    first, last = done.stdout.splitlines()
    assert first == "loaded" and last.startswith('{"name": "Dual"')
