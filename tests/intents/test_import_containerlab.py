"""containerlab files: what is a host, which port is which, what stands beside the fabric; nothing is silent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clos.controller.intent import Text, load_topology
from clos.controller.intent.importers.adopt import Adopted, adopt
from clos.controller.intent.importers.clab_ports import numbered
from clos.controller.intent.importers.containerlab import read_containerlab
from clos.controller.intent.importers.foreign_yaml import NotRead, read_foreign
from clos.controller.intent.importers.tiers import NotReadable, NotSpineLeaf
from clos.controller.intent.topology.file import dump
from clos.fabric.topology import LEAF, SPINE, PortRef
from tests.support.cli_run import clos
from tests.support.imported import roles

FABRIC = """\
name: lab
topology:
  kinds:
    arista_ceos: {image: "ceos:4.32"}
    linux: {image: "ghcr.io/srl-labs/network-multitool"}
  nodes:
    spine1: {kind: arista_ceos}
    spine2: {kind: arista_ceos}
    leaf1: {kind: arista_ceos}
    leaf2: {kind: arista_ceos}
    h1: {kind: linux}
    h2: {kind: linux}
NODES
  links:
    - endpoints: ["leaf1:eth49", "spine1:eth1"]
    - endpoints: ["leaf1:eth50", "spine2:eth1"]
    - endpoints: ["leaf2:eth49", "spine1:eth2"]
    - endpoints: ["leaf2:eth50", "spine2:eth2"]
    - endpoints: ["h1:eth1", "leaf1:eth1"]
    - endpoints: ["h2:eth1", "leaf2:eth1"]
LINKS
"""


def every(name: str) -> str:
    """Links from a node to all four switches."""
    return "\n".join(f"endpoints: ['{name}:eth{i}', '{switch}:eth40']" for i, switch in enumerate(SWITCHES, 1))


SWITCHES = {"spine1": SPINE, "spine2": SPINE, "leaf1": LEAF, "leaf2": LEAF}


def fabric(nodes: str = "", links: str = "", old: str = "", new: str = "") -> str:
    """Two spines, two leaves, two hosts, and these nodes and links (one a line) as well."""
    text = FABRIC.replace("NODES", "".join(f"    {line.strip()}\n" for line in nodes.strip().splitlines()))
    text = text.replace("LINKS", "".join(f"    - {line.strip()}\n" for line in links.strip().splitlines()))
    assert not old or old in text
    return text.replace(old, new) if old else text


def read(text: str, **environ: str) -> Adopted:
    """What a file becomes; and what is written of it loads as it is."""
    found = adopt(read_containerlab(Text("x.clab.yml", text), environ))
    assert load_topology(Text("written.yaml", dump(found.topology))).topology == found.topology
    return found


def refused(text: str) -> str:
    with pytest.raises(NotSpineLeaf) as caught:
        read(text)
    return str(caught.value)


def test_a_sound_file_says_only_what_its_format_lacks() -> None:
    found = read(fabric())
    assert roles(found.topology) == SWITCHES and list(found.topology.hosts) == ["h1", "h2"]
    assert found.notes == (
        "containerlab gives no speeds: every cable is taken for 10 Gbps and 5 us",
        "datapath ids are numbered here, by role and in order",
        "MAC addresses are made from names: h1, h2",
    )


@pytest.mark.parametrize(
    "settings",
    [
        "kind: ext-container",
        "kind: generic_vm, image: vrnetlab/ubuntu",
        "kind: openbsd",
        "kind: keysight_ixia-c-one",
        "kind: linux, image: alpine",
        "kind: linux, image: 'quay.io/frrouting/frr:10.1', labels: {role: host}",
        "kind: linux, image: 'quay.io/frrouting/frr:10.1', labels: {role: server}",
        "kind: linux, image: 'quay.io/frrouting/frr:10.1', group: servers",
        "kind: linux, image: frr, labels: {graph-icon: client}",
        "kind: arista_ceos, labels: {role: host}",
        "kind: nokia_srlinux, group: clients",
        "kind: paloalto_panos",
        "kind: f5_bigip-ve",
        "kind: host",
        "group: ends",
    ],
)
@pytest.mark.parametrize("cables", [("leaf1:eth2",), ("leaf1:eth2", "leaf2:eth2"), ("leaf1:eth2", "leaf1:eth3"),
                                    ("leaf1:eth2", "leaf1:eth3", "leaf2:eth2", "leaf2:eth3")])  # fmt: skip
def test_what_stands_at_the_edge_is_a_host_however_many_cables_it_has(settings: str, cables: tuple[str, ...]) -> None:
    links = "\n".join(f"endpoints: ['x:eth{i}', '{port}']" for i, port in enumerate(cables, 1))
    text = fabric(f"x: {{{settings}}}", links, "  kinds:", "  groups: {ends: {kind: linux}}\n  kinds:")
    found = read(text)
    assert roles(found.topology) == SWITCHES
    ports = {port.split(":")[0]: int(port[-1]) for port in reversed(cables)}
    assert found.topology.hosts["x"].ports == tuple(sorted(PortRef(*each) for each in ports.items()))
    assert sum("a second cable to the same switch" in note for note in found.notes) == len(cables) - len(ports)
    assert any("are a pair: x cabled to both" in note for note in found.notes) == (len(ports) == 2)


@pytest.mark.parametrize(
    ("name", "settings", "why"),
    [
        ("server1", "kind: arista_ceos", "server1: taken for a host by its name, though its kind is arista_ceos"),
        ("host-a", "kind: linux, image: frr", "host-a: taken for a host by its name, though its kind is linux"),
        ("fw", "kind: fortinet_fortigate", "fw: taken for a host: it is a firewall"),
        ("gen", "kind: spirent_stc", "gen: taken for a host: it is a traffic generator"),
        ("outside", "kind: host", "outside: taken for a host: it is the machine that runs the lab"),
    ],
)
def test_a_host_that_was_guessed_is_a_note(name: str, settings: str, why: str) -> None:
    found = read(fabric(f"{name}: {{{settings}}}", f"endpoints: ['{name}:eth1', 'leaf1:eth2']"))
    assert name in found.topology.hosts and why in found.notes


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("kind: linux, image: 'frrouting/frr:v9'", "x: taken for a switch by its image, frrouting/frr:v9"),
        (
            "kind: linux, image: alpine, sysctls: {net.ipv4.ip_forward: 1}",
            "x: taken for a switch: it forwards (sysctls)",
        ),
        ("kind: somebodys_nos", "x: taken for a switch: its kind, somebodys_nos, is not one we know"),
        ("image: foo", "x: taken for a switch: it has no kind"),
        ("kind: linux, labels: {role: leaf}", ""),
        ("kind: ext-container, labels: {role: leaf}", ""),
        ("kind: linux, group: leafs", ""),
    ],
)
def test_what_forwards_is_a_switch_and_a_guess_is_a_note(settings: str, why: str) -> None:
    found = read(fabric(f"x: {{{settings}}}", "endpoints: [x:eth1, spine1:eth3]\nendpoints: [x:eth2, spine2:eth3]"))
    assert found.topology.switches["x"].role == LEAF
    assert [note for note in found.notes if note.startswith("x: taken for a switch")] == [why][: bool(why)]


def test_mac_addresses_of_extended_links_are_the_hosts() -> None:
    links = """
    {type: veth, endpoints: [{node: a, interface: eth1, mac: '02:00:00:00:00:0a'}, {node: leaf1, interface: eth2}]}
    endpoints: [{node: leaf2, interface: e2, mac: '02:00:00:00:ff:02'}, {node: b, interface: e, mac: 02-00-00-00-00-0B}]
    endpoints: [{node: c, interface: eth1, mac: '02:00:00:00:00:0c'}, {node: leaf1, interface: eth3}]
    endpoints: [{node: c, interface: eth2, mac: '02:00:00:00:00:0d'}, {node: leaf2, interface: eth3}]
    endpoints: [{node: d, interface: eth1, mac: '03:00:00:00:00:0d'}, {node: leaf2, interface: eth4}]
    """
    found = read(fabric("a: {kind: linux}\nb: {kind: linux}\nc: {kind: linux}\nd: {kind: linux}", links))
    assert [found.topology.hosts[name].mac for name in "abc"] == [0x02000000000A, 0x02000000000B, 0x02000000000C]
    for note in (
        "c:eth2: its mac, 02:00:00:00:00:0d, is left out: a host has one address for both of its cables",
        "leaf2:e2: its mac, 02:00:00:00:ff:02, is left out: ports of switches have none here",
        "d:eth1: its mac, 03:00:00:00:00:0d, is left out: a host's MAC address is unicast and not zero",
        "MAC addresses are made from names: h1, h2, d",
    ):
        assert note in found.notes, note


def test_addresses_mtu_and_settings_are_left_out_with_a_note() -> None:
    links = """
    {endpoints: [{node: a, interface: eth1, ipv4: 10.0.0.1/24, ipv6: '::1/64'}, leaf1:eth2], mtu: 9000}
    {endpoints: ['leaf2:eth2', 'b:eth1'], ipv4: ['', '10.0.0.2/24'], mtu: 1500, vars: {x: 1}}
    """
    found = read(fabric("a: {kind: linux, exec: [ip link]}\nb: {kind: linux, startup-config: x.cfg}", links))
    for note in (
        "a: 10.0.0.1/24, ::1/64 at eth1 left out: addresses are written in intents",
        "b: 10.0.0.2/24 at eth1 left out: addresses are written in intents",
        "links[6], links[7]: mtu left out", "links[7]: vars left out",
        "settings of nodes that are left out: exec, startup-config",
    ):  # fmt: skip
        assert note in found.notes, note


@pytest.mark.parametrize(
    ("names", "ports", "changed"),
    [
        ("e1-1 e1-49 ethernet-1/50", (1, 49, 50), ""),
        ("eth1 eth2 Ethernet3", (1, 2, 3), ""),
        ("Ethernet1/1 Ethernet1/2", (1, 2), ""),
        ("ge-0/0/0 ge-0/0/1 xe-0/0/7", (1, 2, 8), "ge-0/0/0 ge-0/0/1 xe-0/0/7"),
        ("ge-0/0/1", (2,), "ge-0/0/1"),
        ("1/1/c1/1 1/1/c2/1 1/1/c13/1", (1, 2, 13), "1/1/c2/1 1/1/c13/1"),
        ("1/1/c2/1", (2,), "1/1/c2/1"),
        ("eth1_1 eth2_1 eth3_1", (1, 2, 3), "eth2_1 eth3_1"),
        ("Gi0/0/0/0 Gi0/0/0/1", (1, 2), "Gi0/0/0/0 Gi0/0/0/1"),
        ("Ethernet0 Ethernet4 Ethernet8", (1, 5, 9), "Ethernet0 Ethernet4 Ethernet8"),
        ("e1-1 e1-2 e2-1", (1, 2, 3), "e2-1"),
        ("Gi2 Gi3", (2, 3), ""),
        ("uplink eth1", (2, 1), "uplink"),
        ("eth9999999999 eth300000000", (300000001, 300000000), "eth9999999999"),
    ],
)
def test_interfaces_keep_their_number_or_the_change_is_told(names: str, ports: tuple[int, ...], changed: str) -> None:
    found = numbered(names.split())
    assert tuple(found.ports[name] for name in names.split()) == ports
    assert sorted(found.changed) == sorted(changed.split())


@given(st.lists(st.text("eg0129-/c_", min_size=1, max_size=9), min_size=1, max_size=12))
def test_every_interface_has_a_port_of_its_own_whatever_the_order(names: list[str]) -> None:
    found = numbered(names)
    assert len(set(found.ports.values())) == len(set(names)) and all(1 <= p <= 0xFFFFFF00 for p in found.ports.values())
    assert numbered(reversed(names)) == found


def test_changed_ports_are_notes_of_the_file() -> None:
    text = fabric().replace("leaf1:eth49", "leaf1:xe-0/0/0").replace("leaf1:eth50", "leaf1:xe-0/0/1")
    found = read(text.replace("leaf1:eth1", "leaf1:xe-0/0/4"))
    assert found.topology.hosts["h1"].ports == (PortRef("leaf1", 5),)
    assert "leaf1: xe-0/0/0 is port 1, xe-0/0/1 is port 2, xe-0/0/4 is port 5" in found.notes


@pytest.mark.parametrize(
    ("nodes", "links", "notes"),
    [
        ("x: {kind: linux}", "endpoints: [x:eth1, leaf1:eth7]\nendpoints: [x:eth2, leaf2:eth7]\n"
         "endpoints: [leaf1:eth8, leaf2:eth8]\nendpoints: [leaf1:eth9, leaf2:eth9]",
         ["leaf1 and leaf2 are both leaves: what runs between them is left out, a peer link "
          "(leaf1:eth8 - leaf2:eth8, leaf1:eth9 - leaf2:eth9)"]),
        ("", "endpoints: [spine1:eth8, spine2:eth8]",
         ["spine1 and spine2 are both spines: what runs between them is left out, a peer link "
          "(spine1:eth8 - spine2:eth8)"]),
        ("br-mgmt: {kind: bridge}", every("br-mgmt"),
         ["br-mgmt: left out with its cables: it stands beside the fabric, to manage it"]),
        ("x: {kind: ovs-bridge}", every("x"),
         ["x: left out with its cables: kind ovs-bridge is the lab machine's own; "
          "if it is of the fabric, label its role"]),
        ("oob: {kind: arista_ceos}", every("oob"),
         ["oob: left out with its cables: it stands beside the fabric, to manage it"]),
        ("sw9: {kind: arista_ceos}", every("sw9"),
         ["sw9 is left out with its cables: it is cabled to spines and leaves alike, as an out-of-band switch is"]),
        ("x: {kind: bridge}", every("x"),
         ["x: left out with its cables: kind bridge is the lab machine's own; if it is of the fabric, label its role"]),
        ("x: {kind: arista_ceos, labels: {role: mgmt-switch}}", "endpoints: [x:eth1, leaf1:eth9]",
         ["x: left out with its cables: it stands beside the fabric, to manage it"]),
        ("oob-sw1: {kind: cvx}", every("oob-sw1"),
         ["oob-sw1: left out with its cables: it stands beside the fabric, to manage it"]),
        ("", "endpoints: [leaf1:Management1, leaf2:Management1]",
         ["links[6] is left out: leaf1:Management1 is a management port"]),
        ("", "endpoints: [leaf1:eth9, leaf1:eth10]", ["links[6] leads from leaf1 to itself, and is left out"]),
        ("", "{type: mgmt-net, endpoint: {node: leaf1, interface: eth30}, host-interface: m}\n"
         "{type: host, endpoint: {node: leaf1, interface: eth31}, host-interface: m}\n"
         "{type: macvlan, endpoint: {node: leaf1, interface: eth32}, host-interface: m}\n"
         "{type: vxlan, endpoint: {node: leaf1, interface: eth33}, remote: 192.0.2.1, vni: 1, dst-port: 4789}\n"
         "{type: vxlan-stitch, endpoint: {node: leaf1, interface: eth34}, remote: 192.0.2.1, vni: 1, dst-port: 4789}\n"
         "{type: dummy, endpoint: {node: leaf1, interface: eth35}}\nendpoints: [leaf1:eth36, 'macvlan:ens3']",
         ["links[6] (leaf1:eth30) leads to mgmt-net, out of the lab, and is left out",
          "links[7] (leaf1:eth31) leads to host, out of the lab, and is left out",
          "links[8] (leaf1:eth32) leads to macvlan, out of the lab, and is left out",
          "links[9] (leaf1:eth33) leads to vxlan, out of the lab, and is left out",
          "links[10] (leaf1:eth34) leads to vxlan-stitch, out of the lab, and is left out",
          "links[11] (leaf1:eth35) leads to dummy, out of the lab, and is left out",
          "links[12] (leaf1:eth36) leads to macvlan, out of the lab, and is left out"]),
    ],
)  # fmt: skip
def test_what_stands_beside_the_fabric_is_left_out_with_a_note(nodes: str, links: str, notes: list[str]) -> None:
    found = read(fabric(nodes, links))
    plain = read(fabric())
    assert roles(found.topology) == SWITCHES and found.topology.links == plain.topology.links
    assert {*found.notes} >= {*notes}


def test_a_lab_of_bridges_alone_is_a_fabric_of_bridges() -> None:
    found = read(fabric(old="kind: arista_ceos}", new="kind: ovs-bridge}"))
    assert roles(found.topology) == SWITCHES
    found = read(fabric(old="kind: arista_ceos}", new="kind: bridge}").replace("leaf", "x").replace("spine", "y"))
    assert roles(found.topology) == {"y1": SPINE, "y2": SPINE, "x1": LEAF, "x2": LEAF}
    assert "x1: taken for a switch, though it is a bridge (bridge): the file has no others" in found.notes


def test_a_ring_of_leaves_without_spines_is_still_refused() -> None:
    nodes = "".join(f"    s{i}: {{kind: ceos}}\n    h{i}: {{kind: linux}}\n" for i in (1, 2, 3))
    pairs = (("s1:e1", "s2:e2"), ("s2:e1", "s3:e2"), ("s3:e1", "s1:e2"), *((f"h{i}:e1", f"s{i}:e3") for i in (1, 2, 3)))
    text = f"topology:\n  nodes:\n{nodes}  links:\n" + "".join(f"    - endpoints: ['{a}', '{b}']\n" for a, b in pairs)
    assert "cabled in a ring of 3" in refused(text)


def test_a_spine_that_misses_leaves_or_is_called_a_leaf_is_a_note() -> None:
    found = read(fabric("wan: {kind: vyosnetworks_vyos}", "endpoints: [wan:eth1, leaf1:eth7]"))
    assert "wan: taken for a spine, though it has cables to 1 of 2 leaves" in found.notes
    found = read(
        fabric("leaf9: {kind: srl}", "endpoints: [leaf9:e1-1, leaf1:eth7]\nendpoints: [leaf9:e1-2, leaf2:eth7]")
    )
    assert "leaf9: taken for a spine by its cables, though it is called a leaf" in found.notes


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("topology: {nodes: {a: {kind: ceos}}}\nlinks: [{endpoints: [a:e1, b:e1]}]", "links: stands at the top level"),
        ("nodes: {a: {kind: ceos}}", "nodes: stands at the top level"),
        ("topology:\n  nodes:\n    a: {kind: ceos}\n    links: [{endpoints: [a:e1, b:e1]}]", "stands among the nodes"),
        ("topology: {nodes: {a: {kind: ceos, links: []}}}", "topology.nodes.a.links"),
        ("topology: {nodes: [a, b]}", "topology.nodes: expected a mapping"),
        ("topology: {nodes: {a: ceos}}", "topology.nodes.a: expected a mapping"),
        ("topology:\n  nodes: {a: }\n  links: []\n  links: []", "line 4: links is written twice"),
        ("topology:\n  nodes:\n    a: {kind: ceos}\n    a: {kind: linux}", "line 4: a is written twice"),
        ("topology: {nodes: {a: }, links: {endpoints: [a:e1, a:e2]}}", "topology.links: expected a list"),
        ("topology: {nodes: {a: }, links: [[a:e1, a:e2]]}", "topology.links[0]: expected endpoints"),
        ("topology: {nodes: {a: }, links: [{endpoints: [a:e1]}]}", "a link has two endpoints, and this has 1"),
        ("topology: {nodes: {a: , b: }, links: [{endpoints: [a:e1, b:e1, b:e2]}]}", "and this has 3"),
        ("topology: {nodes: {a: , b: }, links: [{endpoints: [a, b:e1]}]}", "a without an interface"),
        ("topology: {nodes: {a: , b: }, links: [{type: vteh, endpoints: [a:e1, b:e1]}]}", "its type, vteh, is none"),
        ("topology: {nodes: {a: , b: , c: }, links: [{endpoints: [a:e1, b:e1]}, {endpoints: [c:e1, b:e1]}]}",
         "topology.links[1]: b:e1 is in links[0], too"),
        ("topology: {nodes: {a: , b: , c: }, links: [{endpoints: [a:e1-1, b:e]}, {endpoints: [a:ethernet-1/1, c:e]}]}",
         "topology.links[1]: a:ethernet-1/1 is in links[0], too"),
        ("{{ range $i := seq 3 }}", "it is a template"),
        ("a: 1\n---\nb: 2", "line 2: a second document"),
        ("a: *nobody", "refers to nothing"), ("? [a]\n: b", "a key must be a word"),
    ],
)  # fmt: skip
def test_what_containerlab_itself_refuses_is_refused_and_where(text: str, why: str) -> None:
    with pytest.raises(NotReadable) as caught:
        read(text)
    assert why in str(caught.value)


def test_all_wrong_links_are_named_at_once() -> None:
    text = "topology: {nodes: {a: , b: }, links: [{endpoints: [a:e1]}, {endpoints: [a:e1, c:e1]}, {}]}"
    assert [line[:18] for line in refused(text).splitlines()] == [f"topology.links[{i}]:"[:18] for i in range(3)]


def test_a_link_written_twice_is_one_cable() -> None:
    found = read(fabric(links="endpoints: [spine1:eth1, leaf1:eth49]"))
    assert found.topology.links == read(fabric()).topology.links
    assert "links[6] is links[0] once more (spine1:eth1 - leaf1:eth49), and is left out" in found.notes


def test_names_are_what_is_written_and_anchors_are_followed() -> None:
    text = """
    topology:
      nodes: {010: &ceos {kind: ceos}, yes: *ceos, 1: {<<: *ceos, image: x}, "no": {kind: linux}, 2: {kind: linux}}
      links:
        - endpoints: [010:eth1, yes:eth1]
        - endpoints: [010:eth2, 1:eth1]
        - endpoints: [yes:eth2, "no:eth1"]
        - endpoints: [1:2, 2:1]
    """
    found = read(text)
    assert roles(found.topology) == {"010": SPINE, "yes": LEAF, "1": LEAF} and list(found.topology.hosts) == ["no", "2"]


def test_variables_come_from_the_environment_or_their_defaults_and_are_named() -> None:
    text = fabric(old="name: lab", new="name: ${LAB:=dflt}-${SITE}").replace("ceos:4.32", "ceos:${EOS:-4.30}$$")
    found = read(text, SITE="ams")
    assert found.topology.name == "dflt-ams"
    assert "variables of the file: EOS (not set: 4.30), LAB (not set: dflt), SITE (from the environment)" in found.notes
    assert "SITE (not set, and left as it stands)" in " ".join(read(text).notes)


def test_no_small_file_becomes_a_large_document() -> None:
    rows = ["a0: &a0 [x, x]", *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 40))]
    assert read_foreign("\n".join(rows))["a39"]
    merges = [
        "a0: &a0 {x: y}",
        *(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}], k{i}: 1}}" for i in range(1, 40)),
    ]
    assert len(read_foreign("\n".join(merges))["a39"]) == 40
    for text in ("[" * 60 + "]" * 60, "- " * 60 + "x"):
        with pytest.raises(NotRead, match="nested deeper"):
            read_foreign(text)


@pytest.mark.parametrize("name", ["x\nkind= Evil", "x\u2028apiVersion", "x\r- z", "x\x1b[31m"])
def test_no_name_of_the_file_gets_out_of_its_comment(name: str, tmp_path: Path) -> None:
    file = tmp_path / "x.clab.yml"
    quoted, end = json.dumps(name), json.dumps(f"{name}:e1")
    file.write_text(fabric(f"{quoted}: {{kind: ceos}}", f"endpoints: [{end}, leaf1:eth9]"))
    ran = clos("topology", "import", "containerlab", file)
    assert ran.code == 0, ran.err
    head = ran.out[: ran.out.index("apiVersion: clos/v1")]
    assert all(line.startswith("# ") and line.isprintable() for line in head.split("\n")[:-1])
    assert all(line.startswith("note: ") and line.isprintable() for line in ran.err.split("\n")[:-1])
    file.write_text(fabric("", f"endpoints: [{end}, leaf1:eth9]"))
    ran = clos("topology", "import", "containerlab", file)
    assert ran.code == 1 and "there is no node x" in ran.err
    assert all(line.isprintable() for line in ran.err.split("\n"))
