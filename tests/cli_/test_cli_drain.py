"""Laws of the question before maintenance: who is cut off is said, and what is said of the others holds."""

from __future__ import annotations

import pytest

from tests.support.cli_run import clos

DEMO = ("-t", "topologies/demo.yaml", "--intents", "intents/demo.yaml")


def test_without_a_spine_nobody_loses_anything():
    ran = clos("drain", "spine1", *DEMO, "--json")
    assert (ran.code, ran.data["cut_off"], ran.data["broken"]) == (0, {}, [])
    assert {"isolated", "reachable", "loop-free"} <= set(ran.data["holds"])


@pytest.mark.parametrize(
    ("switch", "hosts"), [("leaf1", {"app1", "desk1", "web1"}), ("leaf3", {"app2"}), ("leaf4", {"desk2", "dns1"})]
)
def test_without_a_leaf_only_hosts_that_have_no_other_are_cut_off(switch, hosts):
    ran = clos("drain", switch, *DEMO, "--json")
    assert (ran.code, set(ran.data["cut_off"]), ran.data["broken"]) == (1, hosts, [])


def test_a_dual_homed_host_is_cut_off_when_both_its_leaves_go():
    one, both = (
        set(clos("drain", *names, *DEMO, "--json").data["cut_off"]) for names in (["leaf3"], ["leaf3", "leaf4"])
    )
    assert "db1" not in one and "db1" in both


def test_a_switch_that_there_is_not_is_named():
    ran = clos("drain", "leaf9", *DEMO)
    assert ran.code == 2 and "no switch leaf9" in ran.err
