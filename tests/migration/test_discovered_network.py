"""A network read from files: layouts, what is missing, secrets, cables, contradictions; the commands that show it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from clos.controller.cli import main
from clos.controller.migrate.discover.files import NoOutputs, collect, keep, load
from clos.controller.migrate.discover.secrets import without_secrets
from clos.controller.migrate.model import Cable, Network

CDP = """\
-------------------------
Device ID: {device}
Platform: cisco WS-C3750,  Capabilities: Router Switch IGMP
Interface: {here},  Port ID (outgoing port): {there}
Holdtime : 155 sec

advertisement version: 2
Native VLAN: {native}
Duplex: full

Total cdp entries displayed : 1
"""
STANDBY = """\
Vlan10 - Group 10
  State is Active
  Virtual IP address is 10.0.10.1
  Active router is local
  Standby router is {standby}
  Priority 110 (configured 110)
"""


def config(name: str, number: int, allowed: str = "10,20", native: int = 1, hsrp: bool = True) -> str:
    return (
        f"hostname {name}\n{'spanning-tree vlan 10 priority 24576' if number == 2 else '!'}\n"
        "vlan 10,20,30\n!\ninterface GigabitEthernet1/0/1\n"
        f" switchport trunk allowed vlan {allowed}\n switchport trunk native vlan {native}\n switchport mode trunk\n"
        f"!\ninterface Vlan10\n ip address 10.0.10.{number} 255.255.255.0\n"
        + (" standby 10 ip 10.0.10.1\n standby 10 priority 110\n standby 10 authentication s3cret\n" if hsrp else "")
        + "!\nusername admin privilege 15 secret 5 $1$abcd\nsnmp-server community topsecret RO\nend\n"
    )


def tree(mac: str, root: str) -> str:
    own = mac == root
    port = "             This bridge is the root\n" if own else (
        "             Cost        4\n             Port        1 (GigabitEthernet1/0/1)\n"
    )  # fmt: skip
    return (
        "VLAN0010\n  Spanning tree enabled protocol ieee\n"
        f"  Root ID    Priority    24586\n             Address     {root}\n"
        f"{port}  Bridge ID  Priority    {24586 if own else 32778}\n             Address     {mac}\n\n"
        "Interface           Role Sts Cost      Prio.Nbr Type\n"
        f"Gi1/0/1             {'Desg' if own else 'Root'} FWD 4         128.1    P2p\n"
    )


A, B = "0011.0000.000a", "0011.0000.000b"


def written(directory: Path, devices: Mapping[str, Mapping[str, str]]) -> Path:
    for name, outputs in devices.items():
        (directory / name).mkdir(parents=True)
        for command, text in outputs.items():
            (directory / name / f"{command.replace(' ', '_')}.txt").write_text(text, encoding="utf-8")
    return directory


def pair(**changes: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Two switches that agree; ``changes`` replaces outputs by device."""
    agreed = {
        "core1": {
            "show running-config": config("core1", 2),
            "show cdp neighbors detail": CDP.format(
                device="core2.example.net", here="Gi1/0/1", there="GigabitEthernet1/0/1", native=1
            ),
            "show spanning-tree": tree(A, A),
            "show standby": STANDBY.format(standby="10.0.10.3, priority 90 (expires in 1.5 sec)"),
        },
        "core2": {
            "show running-config": config("core2", 3),
            "show cdp neighbors detail": CDP.format(
                device="core1", here="Gi1/0/1", there="GigabitEthernet1/0/1", native=1
            ),
            "show spanning-tree": tree(B, A),
            "show standby": STANDBY.format(standby="local").replace("is Active", "is Standby"),
        },
    }
    return {name: {**outputs, **changes.get(name, {})} for name, outputs in agreed.items()}


def found(directory: Path, **changes: Mapping[str, str]) -> Network:
    return load(written(directory, pair(**changes)))


def kinds(network: Network) -> list[str]:
    return [one.kind for one in network.contradictions]


def test_sources_that_agree_have_no_contradiction_and_one_cable(tmp_path):
    network = found(tmp_path)
    assert kinds(network) == [] and network.unparsed == ()
    assert network.cables == (Cable(("core1", "GigabitEthernet1/0/1"), ("core2", "GigabitEthernet1/0/1")),)
    assert "show ip route" in network.missing["core1"] and "show standby" not in network.missing["core1"]


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"show running-config": config("core2", 3, allowed="10")}, "trunk-one-end", "only core1 carries VLAN 20"),
        ({"show running-config": config("core2", 3, native=30)}, "native-vlan", "30"),
        ({"show running-config": config("core2", 2)}, "duplicate-address", "10.0.10.2 is on core1 Vlan10 and"),
        ({"show running-config": config("core2", 3, hsrp=False)}, "hsrp-no-standby", "core1 only, though core2"),
        ({"show standby": STANDBY.format(standby="unknown")}, "hsrp-no-standby", "has no standby router"),
        ({"show standby": STANDBY.format(standby="10.0.10.2")}, "hsrp-two-active", "core1 and core2"),
        ({"show spanning-tree": tree(B, B)}, "stp-cable", "both designated ports"),
        (
            {"show spanning-tree": tree(B, A).replace("24586", "8202")},
            "stp-root",
            "core2 has core1 (priority 8202) as root",
        ),
        (
            {"show lldp neighbors detail": "Local Intf: Gi1/0/1\nChassis id: 1\nPort id: Gi1/0/9\nSystem Name: core1"},
            "cdp-lldp",
            "LLDP core1 GigabitEthernet1/0/9",
        ),
        (
            {"show cdp neighbors detail": CDP.format(device="core1", here="Gi1/0/1", there="Gi1/0/7", native=1)},
            "neighbor-one-end",
            "core1 GigabitEthernet1/0/1",
        ),
        (
            {
                "show ip arp": "Internet  10.0.10.9   4   0000.1111.2222  ARPA   Vlan10\n",
                "show mac address-table": "  20    0000.1111.2222    DYNAMIC     Gi1/0/1\n",
            },
            "mac-arp",
            "VLAN 10 by ARP, its MAC address only in VLAN 20",
        ),
        (
            {"show running-config": config("core2", 3).replace(" ip address", " ip access-group x in\n ip address")},
            "config-state",
            "applies the access list x in, which is not defined",
        ),
        ({"show spanning-tree": tree(B, A).replace("protocol ieee", "protocol rstp")}, "config-state", "runs rstp"),
    ],
)  # fmt: skip
def test_each_contradiction_is_a_finding(tmp_path, changes, kind, words):
    network = found(tmp_path, core2=changes)
    assert kind in kinds(network)
    assert any(words in one.text for one in network.contradictions if one.kind == kind), network.contradictions


def test_a_neighbour_that_does_not_see_us_is_asymmetric(tmp_path):
    heading = "EIGRP-IPv4 Neighbors for AS(1)\n"
    row = "0   10.0.10.3   Vl10    13    00:00:03  1996   5000   0   5\n"
    eigrp = "router eigrp 1\n network 10.0.0.0\nend\n"
    configs = {name: config(name, number) + eigrp for name, number in (("core1", 2), ("core2", 3))}
    network = found(
        tmp_path,
        core1={"show running-config": configs["core1"], "show ip eigrp neighbors": heading + row},
        core2={"show running-config": configs["core2"], "show ip eigrp neighbors": heading},
    )
    assert kinds(network) == ["eigrp-asymmetric"]


def test_layouts_are_read_alike(tmp_path):
    one = found(tmp_path / "one")
    other = tmp_path / "other"
    for name, outputs in pair().items():
        (other / "show" / name).mkdir(parents=True)
        (other / "configs").mkdir(exist_ok=True)
        for command, text in outputs.items():
            place = other / "configs" / f"{name}.cfg"
            if command != "show running-config":
                place = other / "show" / name / f"{command.replace(' ', '_')}.txt"
            place.write_text(text, encoding="utf-8")
    assert load(other) == one


def test_a_directory_without_outputs_is_named(tmp_path):
    with pytest.raises(NoOutputs, match=r"show_\*\.txt"):
        load(tmp_path)


def test_what_is_kept_has_no_secret_and_is_read_alike(tmp_path):
    network = found(tmp_path / "raw")
    keep(collect(tmp_path / "raw"), tmp_path / "kept")
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "kept").rglob("*.txt")]
    assert not any(secret in text for text in texts for secret in ("s3cret", "topsecret", "$1$abcd"))
    assert load(tmp_path / "kept") == network


@pytest.mark.parametrize(
    "line",
    [
        "enable secret 5 $1$KEY", "enable password KEY", "username a privilege 15 password 7 KEY", " password KEY",
        " key-string 7 KEY", "snmp-server community KEY RO", "tacacs-server host 10.0.0.1 key KEY", " key 7 KEY",
        "radius-server key KEY", " standby 1 authentication KEY", " standby 1 authentication md5 key-string KEY",
        " ip ospf authentication-key KEY", " ip ospf message-digest-key 1 md5 KEY", "ntp authentication-key 1 md5 KEY",
        "crypto isakmp key KEY address 0.0.0.0", " neighbor 10.0.0.1 password 7 KEY",
        "snmp-server user u g v3 auth sha KEY priv aes 128 KEY", "snmp-server host 10.0.0.1 version 2c KEY",
        '  Authentication text, string "KEY"', "   authentication mode hmac-sha-256 0 KEY", " ppp chap password 0 KEY",
    ],
)  # fmt: skip
def test_every_kind_of_secret_is_taken_out_once(line):
    clean = without_secrets(line)
    assert "KEY" not in clean and "<removed>" in clean
    assert without_secrets(clean) == clean
    assert clean.split()[0] == line.split()[0]


def run(capsys, *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        main(list(words))
    return int(str(end.value.code)), capsys.readouterr().out


def test_discover_names_what_is_unsure_and_show_fits_a_terminal(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    source = written(tmp_path / "raw", pair(core2={"show standby": STANDBY.format(standby="unknown")}))
    code, out = run(capsys, "migrate", "discover", "--from-files", str(source), "--out", str(tmp_path / "kept"))
    assert code == 1 and "has no standby router" in out and "2 devices, 1 cable" in out
    for view in ("summary", "devices", "ports", "stp", "hsrp", "eigrp", "acls", "cables", "findings"):
        code, out = run(capsys, "migrate", "show", str(tmp_path / "kept"), view)
        assert code == 0 and out and max(map(len, out.splitlines())) <= 80
    code, out = run(capsys, "migrate", "show", str(tmp_path / "kept"), "--json")
    answer = json.loads(out)
    assert answer["devices"]["core1"]["state"]["trees"][0]["root_mac"] == A
    assert (
        "s3cret" not in out and answer["devices"]["core1"]["interfaces"]["GigabitEthernet1/0/1"]["allowed"] == "10,20"
    )


def test_discover_wants_one_source(capsys, tmp_path):
    assert run(capsys, "migrate", "discover")[0] == 2
    assert run(capsys, "migrate", "discover", "--from-files", str(tmp_path / "nowhere"))[0] == 2


def test_an_output_beyond_the_limit_is_refused_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, {"sw1": {"show version": "x" * (1 << 20) + "y"}})
    monkeypatch.setattr("clos.controller.migrate.discover.files.MAX_BYTES", 1 << 20)
    with pytest.raises(OSError, match="larger than 1 MiB") as caught:
        collect(tmp_path)
    assert str(caught.value.filename).startswith(f"{tmp_path}/sw1/show_version")
