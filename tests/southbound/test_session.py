"""Laws of a session, driven without a socket: what it sends is kept, what it hears is given to it."""

from __future__ import annotations

import asyncio

import pytest

from clos.controller.plan import ADD
from clos.controller.wire.encoding import WINDOW_MESSAGES, pack
from clos.controller.wire.errors import Lost, Refused, Silent
from clos.controller.wire.session import WINDOWS, Session
from clos.fabric.dataplane.action import Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.openflow import Framer, decode, encode
from clos.fabric.openflow import messages as m
from clos.fabric.openflow import multipart as mp


def rule(i, table=0):
    return Rule(table, 7, Match.of(eth_dst=i), Instructions(apply=(Output(1),)))


def cargo(count, table=0):
    return pack((ADD, rule(i, table)) for i in range(count))


class Line:
    """A session and its other end, both in this thread."""

    def __init__(self, patience=5.0):
        self.framer, self.unread, self.closed = Framer(), [], []
        self.session = Session("leaf1", self.take, self.close, patience)

    def take(self, data):
        self.unread += [(*decode(frame), frame) for frame in self.framer.feed(bytes(data))]

    def close(self, reason):
        self.closed.append(reason)
        self.session.lost()

    def hear(self, message, xid):
        return self.session.claim(encode(message, xid))

    def serve(self, refuse=lambda rule: None):
        """Process everything unread as a switch would."""
        unread, self.unread = self.unread, []
        for message, xid, frame in unread:
            if isinstance(message, m.BarrierRequest):
                self.hear(m.BarrierReply(), xid)
            elif isinstance(message, m.FlowMod) and (error := refuse(message.rule)):
                assert self.hear(m.Error(*error, frame[:64]), xid)

    def count(self, kind):
        return sum(isinstance(message, kind) for message, _, _ in self.unread)


def played(scene):
    """Run a scene on a loop of its own."""
    return asyncio.run(asyncio.wait_for(scene, 10))


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


def test_nothing_beyond_the_window_is_sent_unconfirmed():
    async def scene():
        line = Line()
        push = asyncio.create_task(line.session.push([cargo(10 * WINDOW_MESSAGES)]))
        rounds = 0
        while not push.done():
            await settle()
            assert line.count(m.FlowMod) <= WINDOWS * WINDOW_MESSAGES
            rounds += 1
            line.serve()
        return (await push)[0], rounds

    sent, rounds = played(scene())
    assert sent == 10 * WINDOW_MESSAGES
    assert rounds >= 3


def test_a_push_is_confirmed_by_its_last_barrier_and_not_before():
    async def scene():
        line = Line()
        push = asyncio.create_task(line.session.push([cargo(3)]))
        await settle()
        assert not push.done()
        (barrier,) = [xid for message, xid, _ in line.unread if isinstance(message, m.BarrierRequest)]
        assert type(line.unread[-1][0]) is m.BarrierRequest
        line.hear(m.BarrierReply(), barrier)
        return await push

    assert played(scene()) == (3, [])


def test_an_error_names_the_rule_it_is_about_among_pushes_that_count_alike():
    async def scene():
        line = Line()
        push = asyncio.create_task(line.session.push([cargo(5, table=1), cargo(5, table=2)]))
        await settle()
        line.serve(refuse=lambda r: (5, 1) if r == rule(3, table=2) else None)
        return await push

    _, (refusal,) = played(scene())
    assert refusal.entry == rule(3, table=2)
    assert (refusal.type, refusal.code) == (5, 1)


def test_after_a_refusal_no_further_window_is_sent():
    async def scene():
        line = Line()
        push = asyncio.create_task(line.session.push([cargo(100 * WINDOW_MESSAGES)]))
        await settle()
        seen = 0
        while not push.done():
            seen += line.count(m.FlowMod)
            line.serve(refuse=lambda r: (5, 1) if r == rule(0) else None)
            await settle()
        return seen, await push

    seen, (_, refusals) = played(scene())
    assert [refusal.entry for refusal in refusals] == [rule(0)]
    assert seen <= (WINDOWS + 1) * WINDOW_MESSAGES


def test_a_push_waits_for_the_one_before():
    async def scene():
        line = Line()
        pushes = [asyncio.create_task(line.session.push([cargo(2, table)])) for table in (1, 2)]
        await settle()
        tables = {message.rule.table for message, _, _ in line.unread if isinstance(message, m.FlowMod)}
        line.serve()
        await settle()
        line.serve()
        await asyncio.gather(*pushes)
        return tables

    assert played(scene()) == {1}


def test_an_error_about_nothing_that_was_sent_is_left_to_others():
    async def scene():
        line = Line()
        return line.hear(m.Error(1, 1, b""), 5)

    assert played(scene()) is False


def test_an_error_to_a_question_is_raised_where_it_was_asked():
    async def scene():
        line = Line()
        asked = asyncio.create_task(line.session.ask(mp.DescRequest()))
        await settle()
        line.hear(m.Error(1, 2, b""), line.unread[0][1])
        await asked

    with pytest.raises(Refused, match="leaf1: BAD_REQUEST/BAD_MULTIPART"):
        played(scene())


def test_a_multipart_answer_is_all_its_frames():
    async def scene():
        line = Line()
        asked = asyncio.create_task(line.session.ask(mp.PortDescRequest()))
        await settle()
        xid = line.unread[0][1]
        for more in (True, True, False):
            assert not asked.done()
            line.hear(mp.PortDescReply((), more=more), xid)
            await settle()
        return await asked

    assert len(played(scene())) == 3


@pytest.mark.parametrize("ask", [lambda s: s.barrier(), lambda s: s.push([cargo(3)])])
def test_whoever_waits_for_a_lost_switch_is_told(ask):
    async def scene():
        line = Line()
        waiting = asyncio.create_task(ask(line.session))
        await settle()
        line.session.lost()
        await waiting

    with pytest.raises(Lost, match="leaf1: the connection ended"):
        played(scene())


@pytest.mark.parametrize("ask", [lambda s: s.barrier(), lambda s: s.push([cargo(3)])])
def test_a_lost_switch_is_not_waited_for(ask):
    async def scene():
        line = Line()
        line.session.lost()
        await ask(line.session)

    with pytest.raises(Lost):
        played(scene())


def test_a_silent_switch_is_given_up_and_disconnected():
    async def scene():
        line = Line(patience=0.02)
        with pytest.raises(Silent, match=r"leaf1: no answer for 0\.02 s"):
            await line.session.barrier()
        return line.closed

    assert played(scene()) == ["no answer for 0.02 s"]


def test_an_answer_that_keeps_coming_is_waited_for():
    async def scene():
        line = Line(patience=0.1)
        asked = asyncio.create_task(line.session.ask(mp.PortDescRequest()))
        await settle()
        xid = line.unread[0][1]
        for _ in range(10):
            await asyncio.sleep(0.04)
            line.hear(mp.PortDescReply((), more=True), xid)
        line.hear(mp.PortDescReply(()), xid)
        return await asked

    assert len(played(scene())) == 11


def test_a_late_answer_is_swallowed():
    async def scene():
        line = Line()
        asked = asyncio.create_task(line.session.barrier())
        await settle()
        xid = line.unread[0][1]
        line.hear(m.BarrierReply(), xid)
        await asked
        return line.hear(m.BarrierReply(), xid)

    assert played(scene()) is True
