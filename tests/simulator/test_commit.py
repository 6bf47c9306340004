"""A simulated switch with a long commit before it still hears and answers who asks whether it lives."""

from __future__ import annotations

import asyncio

from clos.fabric.dataplane.action import Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.openflow import Framer, decode, encode
from clos.fabric.openflow import messages as m
from clos.fabric.openflow.constants import BundleControlType, FlowModCommand
from clos.fabric.sim.openflow import agent as switch_agent
from clos.fabric.sim.openflow import tcp as wire
from clos.fabric.sim.openflow.tcp import Desk
from tests.support.sim_peer import Peer, leaf

OPEN, COMMIT = BundleControlType.OPEN_REQUEST, BundleControlType.COMMIT_REQUEST
LONG = switch_agent.SLICE + 1


def adds(count, bundle=1):
    rules = (Rule(0, 1, Match.of(eth_dst=i), Instructions(apply=(Output(1),))) for i in range(count))
    return [m.BundleAdd(bundle, 0, m.FlowMod(FlowModCommand.ADD, rule)) for rule in rules]


def patient():
    """A peer of a switch that defers long work, and the work."""
    _, agent = leaf()
    peer, later = Peer(agent), []
    peer.session.defer = later.append
    return agent, peer, later


def fill(peer, later, bundle, count):
    """A bundle of so many messages, open and ready to be committed."""
    peer.ask(m.BundleControl(bundle, OPEN), *adds(count, bundle))
    while later:
        later.pop()()


def held(agent):
    return sum(1 for _ in agent.switch.model.rules())


def test_echoes_are_answered_while_a_long_commit_waits_and_all_else_after_it():
    agent, peer, later = patient()
    fill(peer, later, 1, LONG)
    assert peer.ask(m.BundleControl(1, COMMIT), m.BarrierRequest(), m.EchoRequest(b"?")) == [m.EchoReply(b"?")]
    assert held(agent) == 0
    peer.heard.clear()
    later.pop()()
    assert [type(message) for message, _ in peer.heard] == [m.BundleControl]
    assert held(agent) == LONG
    later.pop()()
    assert type(peer.heard[-1][0]) is m.BarrierReply
    assert later == []


def test_a_short_commit_is_done_at_once():
    agent, peer, later = patient()
    peer.ask(m.BundleControl(1, OPEN), *adds(5))
    (reply,) = peer.ask(m.BundleControl(1, COMMIT))
    assert (reply.type, held(agent), later) == (BundleControlType.COMMIT_REPLY, 5, [])


def test_two_long_commits_are_two_pieces_of_work_in_order():
    agent, peer, later = patient()
    for bundle in (1, 2):
        fill(peer, later, bundle, LONG * bundle)
    peer.ask(m.BundleControl(1, COMMIT), m.BundleControl(2, COMMIT))
    later.pop()()
    assert (held(agent), len(later)) == (LONG, 1)
    later.pop()()
    assert (held(agent), len(later)) == (2 * LONG, 0)


def test_a_session_that_ends_forgets_what_waits():
    agent, peer, later = patient()
    fill(peer, later, 1, LONG)
    peer.ask(m.BundleControl(1, COMMIT))
    peer.session.close()
    later.pop()()
    assert (held(agent), later) == (0, [])


def test_many_messages_are_handled_a_slice_at_a_time_in_order():
    agent, peer, later = patient()
    rules = [one.message for one in adds(5 * switch_agent.SLICE)]
    heard = peer.ask(*rules, m.BarrierRequest(), m.EchoRequest(b"?"))
    assert heard == [m.EchoReply(b"?")]
    seen = [held(agent)]
    while later:
        later.pop()()
        seen.append(held(agent))
    assert seen == [switch_agent.SLICE * n for n in (1, 2, 3, 4, 5, 5)]
    assert type(peer.heard[-1][0]) is m.BarrierReply


def test_a_controller_that_sends_more_than_a_switch_comes_to_is_not_read_meanwhile(monkeypatch):
    monkeypatch.setattr(wire, "MOST_WAITING", 200)

    async def scene():
        _, agent = leaf()
        most = 0

        class Watched(wire.Link):
            def _read(self):
                nonlocal most
                super()._read()
                most = max(most, self.session.waiting)

        loop, desk, nothing = asyncio.get_running_loop(), Desk(), lambda: None
        make = lambda: Watched(agent, nothing, nothing, nothing, desk)  # noqa: E731
        async with await loop.create_server(make, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            rules = [one.message for one in adds(20_000)]
            writer.write(b"".join(encode(message) for message in (m.Hello(), *rules, m.BarrierRequest())))
            framer, replies = Framer(), []
            while not any(isinstance(decode(frame)[0], m.BarrierReply) for frame in replies):
                replies += framer.feed(await reader.read(65536))
            writer.close()
        return held(agent), most

    rules, most = asyncio.run(asyncio.wait_for(scene(), 60))
    assert rules == 20_000
    assert most < 10_000  # what one read brought


def test_the_desk_lets_short_work_pass_between_two_long_pieces_and_starves_neither(monkeypatch):
    monkeypatch.setattr(wire, "SHORT", 3)

    async def scene():
        desk, done = Desk(), []
        for name in ("A", "B"):
            desk.ask(lambda name=name: done.append(name), long=True)
        for number in range(8):
            desk.ask(lambda number=number: done.append(str(number)))
        while len(done) < 10:
            await asyncio.sleep(0)
        return "".join(done)

    assert asyncio.run(scene()) == "012A345B67"


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
