"""A simulated switch with a long commit before it still hears and answers who asks whether it lives."""

from __future__ import annotations

import asyncio

from clos.fabric.dataplane.action import Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.openflow import messages as m
from clos.fabric.openflow.constants import BundleControlType, FlowModCommand
from clos.fabric.sim.openflow import agent as switch_agent
from clos.fabric.sim.openflow.tcp import Desk
from tests.support.sim_peer import Peer, leaf

OPEN, COMMIT = BundleControlType.OPEN_REQUEST, BundleControlType.COMMIT_REQUEST
LONG = switch_agent.LONG + 1


def adds(count, bundle=1):
    rules = (Rule(0, 1, Match.of(eth_dst=i), Instructions(apply=(Output(1),))) for i in range(count))
    return [m.BundleAdd(bundle, 0, m.FlowMod(FlowModCommand.ADD, rule)) for rule in rules]


def patient():
    """A peer of a switch that defers long work, and the work."""
    _, agent = leaf()
    peer, later = Peer(agent), []
    peer.session.defer = later.append
    return agent, peer, later


def held(agent):
    return sum(1 for _ in agent.switch.model.rules())


def test_echoes_are_answered_while_a_long_commit_waits_and_all_else_after_it():
    agent, peer, later = patient()
    peer.ask(m.BundleControl(1, OPEN), *adds(LONG))
    assert peer.ask(m.BundleControl(1, COMMIT), m.BarrierRequest(), m.EchoRequest(b"?")) == [m.EchoReply(b"?")]
    assert held(agent) == 0
    peer.heard.clear()
    later.pop()()
    assert [type(message) for message, _ in peer.heard] == [m.BundleControl, m.BarrierReply]
    assert held(agent) == LONG
    assert later == []


def test_a_short_commit_is_done_at_once():
    agent, peer, later = patient()
    peer.ask(m.BundleControl(1, OPEN), *adds(5))
    (reply,) = peer.ask(m.BundleControl(1, COMMIT))
    assert (reply.type, held(agent), later) == (BundleControlType.COMMIT_REPLY, 5, [])


def test_two_long_commits_are_two_pieces_of_work_in_order():
    agent, peer, later = patient()
    for bundle in (1, 2):
        peer.ask(m.BundleControl(bundle, OPEN), *adds(LONG * bundle, bundle))
    peer.ask(m.BundleControl(1, COMMIT), m.BundleControl(2, COMMIT))
    later.pop()()
    assert (held(agent), len(later)) == (LONG, 1)
    later.pop()()
    assert (held(agent), len(later)) == (2 * LONG, 0)


def test_a_session_that_ends_forgets_what_waits():
    agent, peer, later = patient()
    peer.ask(m.BundleControl(1, OPEN), *adds(LONG))
    peer.ask(m.BundleControl(1, COMMIT))
    peer.session.close()
    later.pop()()
    assert held(agent) == 0


def test_whoever_lets_too_much_wait_is_cut_off():
    _, peer, _ = patient()
    peer.ask(m.BundleControl(1, OPEN), *adds(LONG))
    peer.ask(m.BundleControl(1, COMMIT), *[m.BarrierRequest()] * switch_agent.MOST_WAITING)
    assert "wait for a commit" in peer.session.closed


def test_the_desk_does_one_piece_in_a_turn_of_the_loop():
    async def scene():
        desk, done, turns = Desk(), [], 0
        for number in range(5):
            desk.ask(lambda n=number: done.append((n, turns)))
        while len(done) < 5:
            turns += 1
            await asyncio.sleep(0)
        return done

    done = asyncio.run(scene())
    assert [number for number, _ in done] == [0, 1, 2, 3, 4]
    assert len({turn for _, turn in done}) == 5
