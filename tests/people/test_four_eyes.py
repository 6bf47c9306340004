"""Laws of four eyes: what takes two people is not done by one, and what is done is what was approved."""

from __future__ import annotations

import pytest

from clos.controller.daemon import Refused
from clos.controller.daemon.changes.four_eyes import FourEyes, four_eyes
from tests.support.daemon_harness import DEMO, SMALL, TENANTS, Rig, edited


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("eyes") / "state"
        with Rig(place, patch, four_eyes=FourEyes(always=True)) as made:
            proposals = made.daemon.proposals
            for texts in ([DEMO], edited("tcp/8080", "tcp/8090")):
                proposal = proposals.propose(sources(texts), None, "ann", "for the tests")
                proposals.approve(proposal.number, "bob")
                proposals.apply(proposal.number, "ann")
            yield made


def sources(texts):
    return {text.name: text.text for text in texts}


def code(call, *args, **options):
    with pytest.raises(Refused) as caught:
        call(*args, **options)
    return caught.value.code


def test_one_person_alone_changes_nothing_and_two_do(rig):
    proposals, texts = rig.daemon.proposals, edited("tcp/8080", "tcp/8084")
    assert code(rig.daemon.changes.apply, texts, "ann") == "four-eyes"
    made = proposals.propose(sources(texts), None, "ann", "a port")
    assert (made.status, made.base) == ("open", rig.daemon.revisions.running.number)
    assert code(proposals.apply, made.number, "ann") == "four-eyes"
    assert code(proposals.approve, made.number, "ann") == "four-eyes"
    assert proposals.approve(made.number, "bob", "looks right").judged_by == "bob"
    assert code(proposals.approve, made.number, "cy") == "stale"
    done = proposals.apply(made.number, "ann")
    assert rig.holds(rig.daemon.revisions.running.ruleset)
    kept = rig.daemon.revisions.get(done.revision)
    assert (kept.who, kept.why) == ("ann", f"a port (proposal {made.number} by ann, approved by bob)")
    assert proposals.get(made.number).revision == done.revision
    assert code(proposals.apply, made.number, "ann") == "four-eyes"


def test_the_owner_is_one_person_under_whatever_names(rig):
    proposals = rig.daemon.proposals
    made = proposals.propose({DEMO.name: DEMO.text}, None, "owner as ann", "")
    for name in ("owner as bob", "owner", "owner as ann"):
        assert code(proposals.approve, made.number, name) == "four-eyes"
    proposals.reject(made.number, "owner")


def test_what_was_approved_for_another_revision_is_not_applied(rig):
    proposals = rig.daemon.proposals
    texts = [sources(edited("tcp/8080", f"tcp/{port}")) for port in (8085, 8086)]
    one, other = (proposals.propose(text, None, "ann", "a port") for text in texts)
    for made in (one, other):
        proposals.approve(made.number, "bob")
    proposals.apply(one.number, "ann")
    assert code(proposals.apply, other.number, "ann") == "stale"
    assert rig.daemon.revisions.running.number == one.base + 1


def test_a_rejected_proposal_is_not_applied_and_ones_own_can_be_taken_back(rig):
    proposals = rig.daemon.proposals
    made = proposals.propose({DEMO.name: DEMO.text}, None, "ann", "")
    assert proposals.reject(made.number, "ann", "a mistake").status == "rejected"
    assert code(proposals.approve, made.number, "bob") == "stale"
    assert code(proposals.apply, made.number, "bob") == "four-eyes"


def test_a_rollback_takes_two_as_well(rig):
    proposals = rig.daemon.proposals
    assert code(rig.daemon.changes.rollback, 1, "ann") == "four-eyes"
    made = proposals.propose_rollback(1, "ann", "")
    proposals.approve(made.number, "bob")
    assert proposals.apply(made.number, "cy").changed


def test_a_proposal_that_cannot_be_planned_is_none(rig):
    before = len(rig.daemon.proposals.newest(1000))
    wrong = sources(edited("10.1.1.11 on web1", "10.9.9.9 on web1"))
    assert code(rig.daemon.proposals.propose, wrong, None, "ann", "") == "invalid"
    assert code(rig.daemon.proposals.propose_rollback, 999, "ann", "") == "unknown"
    assert code(rig.daemon.proposals.get, 999) == "unknown"
    assert len(rig.daemon.proposals.newest(1000)) == before


def test_the_rule_by_brake_and_by_tenant_asks_only_there(rig):
    changes = rig.daemon.changes
    small = changes.plan([SMALL])
    port = changes.plan(edited("tcp/8080", "tcp/8087"))
    assert not FourEyes().asks(small, TENANTS)
    brakes = four_eyes(["brakes"])
    assert "delete-tenant=infra" in brakes.asks(small, ())
    assert not brakes.asks(port, ())
    assert "without a proof" in brakes.asks(port, ("unproven",))
    assert "shop" in four_eyes(["tenant=shop"]).asks(port, ())
    assert not four_eyes(["tenant=office"]).asks(port, ())


@pytest.mark.parametrize("word", ["sometimes", "tenant=", "tenant", ""])
def test_an_unknown_rule_is_refused(word):
    with pytest.raises(ValueError, match="choose always, brakes or tenant=NAME"):
        four_eyes([word])
