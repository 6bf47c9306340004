"""Laws of identities: a switch stays the box it is whatever is written before it, and a change of that is asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clos.controller.daemon import Refused
from clos.controller.intent import Text, keep_identities, load_topology
from clos.controller.intent.topology.identity import as_written
from clos.controller.plan import identity_brake, identity_changes
from tests.support.cli_run import clos
from tests.support.daemon_harness import ALLOW, Rig
from tests.support.waiting import eventually

HEAD = "apiVersion: clos/v1\nkind: Topology\nmetadata: {name: t}\n"
SWITCHES = """spec:
  switches:
    spine1: {role: spine}
    spine2: {role: spine}
    leaf1: {role: leaf}
    leaf2: {role: leaf}
  links: [[leaf1:1, spine1:1], [leaf1:2, spine2:1], [leaf2:1, spine1:2], [leaf2:2, spine2:2]]
  hosts: {a: leaf1:11, b: leaf2:11}
"""
TWO = Text("two.yaml", HEAD + SWITCHES)
INSERTED = Text(
    "inserted.yaml",
    TWO.text.replace("    leaf2: {", "    leaf1b: {role: leaf}\n    leaf2: {").replace(
        "spine2:2]]", "spine2:2], [leaf1b:1, spine1:3], [leaf1b:2, spine2:3]]"
    ),
)
TENANT = Text(
    "shop.yaml",
    """
apiVersion: clos/v1
kind: Tenant
metadata: {name: shop}
spec:
  networks: {one: {subnet: 10.77.0.0/24}}
  endpoints: {first: 10.77.0.11 on a, second: 10.77.0.12 on b}
  groups: {all: {networks: [one]}}
  policies: [{from: all, to: all, services: [icmp]}]
""",
)
BEFORE = load_topology(TWO).topology
OLD_IDS = {"spine1": 0x10001, "spine2": 0x10002, "leaf1": 0x20001, "leaf2": 0x20002}


def numbers(topology):
    return {s.name: (s.dpid, s.tag) for s in topology.switches.values()}


def recipe(leaves, more=""):
    spec = f"spec:\n  generate: {{spines: 2, leaves: {leaves}, borders: 1, pairs: true}}\n{more}"
    return Text("recipe.yaml", HEAD + spec)


EXTRA = "  switches: {extra: {role: leaf}}\n  links: [[extra:1, spine1:77]]\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(TWO, INSERTED, id="a leaf in the middle"),
        pytest.param(recipe(2), recipe(3), id="a leaf before the borders"),
        pytest.param(recipe(2, EXTRA), recipe(4, EXTRA), id="a recipe that grows before what is written out"),
        pytest.param(
            TWO,
            Text("x", TWO.text.replace("    spine1: {", "    spine0: {role: spine}\n    spine1: {")),
            id="a spine first",
        ),
        pytest.param(
            TWO,
            Text("x", TWO.text.replace("    leaf1: {role: leaf}\n    leaf2: {role: leaf}\n",
                                       "    leaf2: {role: leaf}\n    leaf1: {role: leaf}\n")),
            id="another order",
        ),
    ],
)  # fmt: skip
def test_who_is_known_keeps_its_numbers_and_nobody_gets_them(old, new):
    before = load_topology(old).topology
    alone = load_topology(new).topology
    assert identity_changes(before, alone), "positions give other numbers: else the law is void"
    text = keep_identities(new, before)
    kept = load_topology(text).topology
    assert identity_changes(before, kept) == ()
    assert {name: numbers(kept)[name] for name in before.switches} == numbers(before)
    assert len({*kept.nodes.values()}) == len(kept.nodes)
    assert replace(kept, switches={}, pairs={}) == replace(alone, switches={}, pairs={})
    assert as_written(text.text) == new.text
    assert keep_identities(text, kept) == text


def test_a_leaf_that_goes_from_the_middle_leaves_the_others_as_they_were():
    before = load_topology(INSERTED).topology
    kept = load_topology(keep_identities(TWO, before)).topology
    assert numbers(kept)["leaf2"] == numbers(before)["leaf2"] == (0x20003, 3)


def test_what_is_written_counts_and_is_told():
    text = TWO.text.replace("leaf2: {role: leaf}", "leaf2: {role: leaf, dpid: 0x99, tag: 9}")
    now = load_topology(keep_identities(Text("x", text), BEFORE)).topology
    brake = identity_brake(BEFORE, now)
    assert brake.flag == "--allow-identity"
    assert brake.switches == ("leaf2",)
    assert "leaf2 becomes another switch (datapath id 0x20002 becomes 0x99)" in brake.message
    assert "node tag of leaf2 becomes 9 (was 2)" in brake.message


def test_kept_identities_are_a_document_that_is_checked():
    text = keep_identities(INSERTED, BEFORE).text
    line = text[: text.index("dpid: 0x20002")].count("\n") + 1
    _, problems = load_topology(Text("x", text.replace("dpid: 0x20002", "dpid: leaf")))
    assert [(p.line, p.path) for p in problems] == [(line, "spec.switches.leaf2.dpid")]
    _, problems = load_topology(Text("x", text + "---\nkind: Topology\n"))
    assert "a second document" in problems[0].message


@pytest.fixture
def rig(tmp_path, monkeypatch):
    """Two leaves in force; a third box is there, which nobody knows yet."""
    boxes = load_topology(keep_identities(INSERTED, BEFORE)).topology
    assert numbers(boxes)["leaf1b"] == (0x20003, 3)
    with Rig(tmp_path / "state", monkeypatch, start=TWO, boxes=boxes) as made:
        made.apply([TENANT])
        yield made


def test_an_inserted_leaf_takes_nobody_s_box(rig):
    before = rig.state("leaf2")
    draft = rig.daemon.changes.plan([TENANT], INSERTED)
    assert draft.identities == ()
    rig.apply([TENANT], topology=INSERTED)
    rig.settle()
    assert {switch.name: switch.dpid for switch in rig.daemon.queries.status().switches} == {
        **OLD_IDS,
        "leaf1b": 0x20003,
    }
    assert rig.holds(rig.daemon.revisions.running.ruleset)
    assert {r.key for r in before.rules} <= {r.key for r in rig.state("leaf2").rules}
    rig.restart()
    rig.settle()
    assert not rig.watch.seen, "it is kept"
    assert rig.daemon.queries.status().topology_changed, "the file of its start is another"
    assert not rig.apply([TENANT]).changed
    assert not rig.apply([TENANT], topology=INSERTED).changed
    rig.daemon.changes.rollback(1, allow=ALLOW)
    assert not rig.state("leaf1b").rules
    rules = rig.daemon.revisions.running.ruleset
    assert all(rig.state(name) == rules.state(name) for name in rules.switches)


def test_a_change_of_identity_has_a_brake_of_its_own_and_says_which(rig):
    rig.apply([TENANT], topology=INSERTED)
    swapped = INSERTED.text.replace("leaf1b: {role: leaf}", "leaf1b: {role: leaf, dpid: 0x20002}")
    swapped = Text("swapped", swapped.replace("leaf2: {role: leaf}", "leaf2: {role: leaf, dpid: 0x20003}"))
    draft = rig.daemon.changes.plan([TENANT], swapped)
    assert [change.text for change in draft.identities] == [
        "leaf1b becomes another switch (datapath id 0x20003 becomes 0x20002)",
        "leaf1b takes over the switch that was leaf2 (datapath id 0x20002)",
        "leaf2 becomes another switch (datapath id 0x20002 becomes 0x20003)",
        "leaf2 takes over the switch that was leaf1b (datapath id 0x20003)",
    ]
    with pytest.raises(Refused, match="takes over the switch that was leaf2") as caught:
        rig.apply([TENANT], topology=swapped)
    assert caught.value.flags[0] == "identity"
    done = rig.apply([TENANT], topology=swapped, allow=(*ALLOW, "identity"))
    assert done.offline == ()
    rig.settle()
    rules = rig.daemon.revisions.running.ruleset
    assert (rig.state("leaf1b"), rig.state("leaf2")) == (rules.state("leaf2"), rules.state("leaf1b"))


def test_a_replaced_switch_that_nobody_has_plugged_in_is_offline(rig):
    fresh = Text("fresh", TWO.text.replace("leaf2: {role: leaf}", "leaf2: {role: leaf, dpid: 0x77}"))
    draft = rig.daemon.changes.plan([TENANT], fresh)
    assert rig.daemon.changes.offline(draft) == ("leaf2",)
    with pytest.raises(Refused, match="leaf2") as caught:
        rig.apply([TENANT], topology=fresh, allow=(*ALLOW, "identity"))
    assert (caught.value.code, caught.value.flags) == ("offline", ("offline",))
    assert eventually(lambda: rig.daemon.queries.status().in_line == 4), "refused: the old box is leaf2 still"
    done = rig.apply([TENANT], topology=fresh, allow=(*ALLOW, "identity", "offline"))
    assert done.offline == ("leaf2",)
    rows = {switch.name: switch for switch in rig.daemon.queries.status().switches}
    assert (rows["leaf2"].connected, rows["leaf2"].in_line, rows["leaf2"].dpid) == (False, False, 0x77)
    assert any("leaf2" in text for text in rig.daemon.revisions.get(done.revision).proof["left_out"])


def test_a_replaced_switch_that_is_there_is_programmed(rig):
    other = Text("other", TWO.text.replace("leaf2: {role: leaf}", "leaf2: {role: leaf, dpid: 0x20003}"))
    draft = rig.daemon.changes.plan([TENANT], other)
    assert rig.daemon.changes.offline(draft) == ()
    assert draft.plan.touched == ("leaf2",)
    done = rig.apply([TENANT], topology=other, allow=(*ALLOW, "identity"))
    assert (done.offline, done.proof) == ((), "proved")
    assert rig.state("leaf1b") == rig.daemon.revisions.running.ruleset.state("leaf2"), (
        "the box that the fabric calls leaf1b"
    )
    assert eventually(lambda: rig.daemon.queries.status().in_line == 4)


def test_a_plan_from_files_keeps_identities_and_says_first_what_changes_them(tmp_path):
    for text in (TWO, INSERTED, TENANT):
        (tmp_path / text.name).write_text(text.text)
    two, inserted, shop = (tmp_path / text.name for text in (TWO, INSERTED, TENANT))
    words = ("plan", shop, "--from", shop, "--from-topology", two, "--json")
    assert clos(*words, "-t", inserted).data["identities"] == []
    written = tmp_path / "written.yaml"
    written.write_text(INSERTED.text.replace("leaf2: {role: leaf}", "leaf2: {role: leaf, dpid: 0x77}"))
    found = clos(*words, "-t", written).data
    assert "leaf2 becomes another switch (datapath id 0x20002 becomes 0x77)" in found["identities"]
    assert found["brakes"][0]["name"] == "identity"
    shown = clos(*words[:-1], "-t", written).out
    assert shown.startswith("Identities change: ")
