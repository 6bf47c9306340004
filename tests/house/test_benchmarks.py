"""Every benchmark that the documents name runs, in a size in which it measures nothing: so none of them rots.

What it prints must have figures in it, of things that cannot be negative or without number; how large they are is not
looked at.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.etcd_members import lacking
from tests.support.frr_peer import missing

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 300
"""After this long it hangs."""

FIB = "".join(f"r{n % 3} {n << 24} {8 + n % 17} p{n % 4}\n" for n in range(60))
ACL = "".join(
    f"@10.0.{n}.0/24\t10.1.0.0/{16 + n % 9}\t0 : 65535\t{n} : {n + 9}\t0x06/0xFF\t0x0000/0x0000\n" for n in range(20)
)

SMALL = {
    "acl": ["{acl}"],
    "cluster": ["--faults", "1", "--clients", "1"],
    "border": ["6"],
    "compile": ["small"],
    "confirm": ["small", "--rounds", "2"],
    "daemon_change": ["small", "--rounds", "2"],
    "difference": ["small"],
    "discovery": ["--devices", "3", "--serial", "1", "--think", "0", "--rounds", "1"],
    "endurance": ["--applies", "3", "--topology", "topologies/demo.yaml", "--intents", "intents/demo.yaml"],
    "fib": ["{fib}"],
    "legacy_fields": ["{legacy}"],
    "legacy_roles": ["{outputs}"],
    "legacy_routes": ["{outputs}"],
    "gate": ["small", "--rounds", "2"],
    "gray": ["--topology", "topologies/bench-small.yaml", "--runs", "0"],
    "migration": ["--only-vlan", "70", "--to", "0"],
    "migration_kills": ["--kills", "0"],
    "mutants": ["--packets", "200"],
    "ovs_push": ["--size", "small", "--rules", "50", "--runs", "1"],
    "pack": ["--rules", "200"],
    "protocols_on_wire": ["--trees", "0", "--restarts", "0"],
    "push": ["--rules", "400", "--leaves", "4"],
    "services": ["small"],
    "sim_packets": ["small", "--packets", "50"],
    "startup": ["1"],
    "spanning_tree": ["--vlans", "20", "--switches", "8", "--run", "2", "--rounds", "1"],
    "thousand": ["--switches", "16"],
    "verify": ["small", "--rounds", "2"],
}
"""The arguments that make each small; ``{acl}`` and ``{fib}`` are files of the kind it reads."""

ENTRY = {"link_layer_address": "0011.2233.4455", "ip": "10.0.0.1", "age": "3"}
"""Of an ARP table, as the independent reading has it."""

OUTPUTS = {
    "show_running-config": "hostname r1\ninterface GigabitEthernet0/1\n switchport mode access\n"
    "interface GigabitEthernet0/2\n no switchport\n ip address 10.0.0.1 255.255.255.0\n!\n"
    "router eigrp 1\n network 10.0.0.0\n!\nend\n",
    "show_spanning-tree": "VLAN0001\n  Spanning tree enabled protocol ieee\n  Root ID    Priority    32769\n"
    "             Address     0011.2233.4455\n  Bridge ID  Priority    32769\n             Address     0011.2233.4455\n"
    "Gi0/1               Desg FWD 4         128.1    P2p\n",
    "show_ip_route": "C        10.0.0.0/24 is directly connected, GigabitEthernet0/2\n",
}
_NAMED = re.compile(r"benchmarks[./](\w+)")


def test_every_benchmark_that_is_named_is_there_and_has_a_small_size():
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "Makefile"]
    named = {name for page in pages for name in _NAMED.findall(page.read_text(encoding="utf-8"))}
    programs = {
        path.stem for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text(encoding="utf-8")
    }
    assert named <= programs
    assert set(SMALL) == programs


def _outputs(directory: Path) -> Path:
    """A router with a connected EIGRP network and a switch's tree, as discovery keeps outputs."""
    (directory / "r1").mkdir(parents=True)
    for name, text in OUTPUTS.items():
        (directory / "r1" / f"{name}.txt").write_text(text, encoding="utf-8")
    return directory


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SMALL))
def test_a_benchmark_runs_and_prints_figures(name, tmp_path):
    if name == "ovs_push" and shutil.which("ovs-vswitchd") is None:
        pytest.skip("pushes to Open vSwitch, which is not installed")
    if name == "protocols_on_wire" and (os.geteuid() != 0 or missing()):
        pytest.skip("needs root, and FRR")
    if name == "cluster" and (why := lacking()):
        pytest.skip(why)
    for kind, text in (("acl", ACL), ("fib", FIB)):
        (tmp_path / kind).write_text(text, encoding="utf-8")
    arp = tmp_path / "genie" / "ios" / "ShowIpArp"
    arp.mkdir(parents=True)
    (arp / "one.txt").write_text("Internet  10.0.0.1   3   0011.2233.4455  ARPA   Vlan10\n", encoding="utf-8")
    (arp / "one.json").write_text(json.dumps({"x": ENTRY}), encoding="utf-8")
    places = {
        "acl": tmp_path / "acl",
        "fib": tmp_path / "fib",
        "legacy": tmp_path,
        "outputs": _outputs(tmp_path / "outputs"),
    }
    arguments = [each.format(**places) for each in SMALL[name]]
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    numbers = [float(number.replace(",", "")) for number in re.findall(r"(?<![\w-])\d[\d,]*\.?\d*", done.stdout)]
    assert len(numbers) >= 3
    assert any(number > 0 for number in numbers)
    assert not re.search(r"\bnan\b|\binf\b|\s-\d", done.stdout)
