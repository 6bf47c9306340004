"""``clos migrate predict`` says who will be gateway, and what EIGRP will have as routes."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.cli_run import clos

FIRST = """hostname a
interface Loopback0
 ip address 192.0.2.1 255.255.255.255
interface GigabitEthernet1
 ip address 10.0.0.2 255.255.255.0
 standby 1 ip 10.0.0.1
 standby 1 priority 110
 standby 1 preempt
router eigrp 1
 network 10.0.0.0
 network 192.0.2.1 0.0.0.0
end
"""
SECOND = FIRST.replace("hostname a", "hostname b").replace("10.0.0.2", "10.0.0.3").replace("192.0.2.1", "192.0.2.2")


def test_routes_and_gateways_are_predicted_from_configurations(tmp_path: Path) -> None:
    for name, text in (("a", FIRST), ("b", SECOND.replace("priority 110", "priority 90"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "show_running-config.txt").write_text(text)
    document = json.loads(clos("migrate", "predict", tmp_path, "--json").out)
    (gateway,) = document["gateways"]
    assert (gateway["active"], gateway["standby"], gateway["settled"]) == ("a", "b", True)
    routes = {(r["device"], r["prefix"]): r["paths"] for r in document["eigrp"]["routes"]}
    assert routes == {
        ("a", "192.0.2.2/32"): [{"via": "10.0.0.3", "interface": "GigabitEthernet1", "metric": 130816}],
        ("b", "192.0.2.1/32"): [{"via": "10.0.0.2", "interface": "GigabitEthernet1", "metric": 130816}],
    }
    text = clos("migrate", "predict", tmp_path).out
    assert "a (priority 110)" in text
    assert "EIGRP: 2 routes on 2 devices; 0 of 6 entries have a feasible successor" in text
