"""Laws of a session, driven without a socket: what it sends is kept, what it hears is given to it."""

from __future__ import annotations

import asyncio

import pytest

from clos.controller.plan import ADD
from clos.controller.wire import exchange
from clos.controller.wire.encoding import WINDOW_MESSAGES, pack, wrap
from clos.controller.wire.errors import Lost, Refused, Silent, Unexplained
from clos.controller.wire.session import REQUEST, WINDOWS, Session
from clos.fabric.dataplane.action import Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.openflow import Framer, decode, encode
from clos.fabric.openflow import messages as m
from clos.fabric.openflow import multipart as mp
from clos.fabric.openflow.constants import BundleControlType, FlowModCommand


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
        with pytest.raises(Silent, match=r"leaf1: no answer to BARRIER_REQUEST for 0\.02 s"):
            await line.session.barrier()
        return line.closed

    assert played(scene()) == ["no answer to BARRIER_REQUEST for 0.02 s"]


PORT = m.Port(1, name="p1")


def test_an_answer_that_keeps_coming_is_waited_for(monkeypatch):
    monkeypatch.setattr(exchange, "SLOWEST", 1)

    async def scene():
        line = Line(patience=1)
        asked = asyncio.create_task(line.session.ask(mp.PortDescRequest()))
        await settle()
        xid = line.unread[0][1]
        for _ in range(5):
            await asyncio.sleep(0.25)
            line.hear(mp.PortDescReply((PORT,), more=True), xid)
        line.hear(mp.PortDescReply(()), xid)
        return await asked

    assert len(played(scene())) == 6


async def fed(line, page, seconds=5.0, pause=0.01):
    """Ask for ports and hear nothing but this page, until the session has had enough."""
    asked = asyncio.create_task(line.session.ask(mp.PortDescRequest()))
    await settle()
    xid, end = line.unread[0][1], asyncio.get_running_loop().time() + seconds
    while not asked.done() and asyncio.get_running_loop().time() < end:
        line.hear(page, xid)
        await asyncio.sleep(pause)
    await asked


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (mp.PortDescReply((PORT,), more=True), "no end of its answer to MULTIPART_REQUEST/PORT_DESC within 0.2 s"),
        (mp.PortDescReply((), more=True), "an answer to MULTIPART_REQUEST/PORT_DESC with more than 16 empty parts"),
        (mp.DescReply("a", "b", "c", "d"), "answered MULTIPART_REQUEST/PORT_DESC with MULTIPART_REPLY/DESC"),
        (m.BarrierReply(), "answered MULTIPART_REQUEST/PORT_DESC with BARRIER_REPLY"),
        (m.Experimenter(1, 2, b""), "answered MULTIPART_REQUEST/PORT_DESC with EXPERIMENTER"),
    ],
)
def test_an_answer_without_end_or_to_another_question_costs_the_connection(monkeypatch, page, why):
    monkeypatch.setattr(exchange, "SLOWEST", 1)

    async def scene():
        line = Line(patience=0.05 if "0.2 s" in why else 5)
        with pytest.raises(Silent, match=f"leaf1: {why}; connection closed"):
            await fed(line, page)
        return line.closed

    assert played(scene()) == [why]


def test_an_answer_that_comes_in_drips_is_not_waited_for_as_long_as_one_that_comes_in_gulps():
    drop = mp.PortDescReply((PORT,), more=True)

    async def scene():
        line = Line(patience=0.5)  # each drop comes in time, and the whole answer may take four times as long
        with pytest.raises(Silent, match=r"no more than [\d,]+ bytes of its answer to \S+PORT_DESC within"):
            await fed(line, drop, pause=0.05)

    played(scene())


def test_an_answer_that_stops_half_way_says_so():
    async def scene():
        line = Line(patience=0.05)
        asked = asyncio.create_task(line.session.ask(mp.PortDescRequest()))
        await settle()
        line.hear(mp.PortDescReply((PORT,), more=True), line.unread[0][1])
        with pytest.raises(Silent, match=r"no more of its answer to MULTIPART_REQUEST/PORT_DESC for 0\.05 s"):
            await asked

    played(scene())


def test_an_answer_longer_than_is_accepted_costs_the_connection(monkeypatch):
    monkeypatch.setattr(exchange, "REPLY_BYTES", 1000)

    async def scene():
        line = Line()
        with pytest.raises(Silent, match="with more than 1,000 bytes"):
            await fed(line, mp.PortDescReply((PORT,) * 5, more=True))

    played(scene())


def test_a_switch_that_answers_everything_but_barriers_is_given_up_all_the_same():
    async def scene():
        line = Line(patience=0.1)
        barrier = asyncio.create_task(line.session.barrier())
        await settle()
        line.unread.clear()
        while not barrier.done():
            asked = asyncio.create_task(line.session.ask(mp.DescRequest()))
            await asyncio.sleep(0.01)
            for _, xid, _ in line.unread:
                line.hear(mp.DescReply("a", "b", "c", "d"), xid)
            line.unread.clear()
            await asyncio.gather(asked, return_exceptions=True)
        await barrier

    with pytest.raises(Silent, match="leaf1: no answer to BARRIER_REQUEST"):
        played(scene())


def test_the_time_for_an_answer_begins_when_what_was_asked_before_is_answered(monkeypatch):
    monkeypatch.setattr(exchange, "SLOWEST", 1)

    async def scene():
        line = Line(patience=1)
        asked = asyncio.create_task(line.session.ask(mp.PortDescRequest()))
        barrier = asyncio.create_task(line.session.barrier())
        await settle()
        (_, ports, _), (_, last, _) = line.unread
        for _ in range(4):
            await asyncio.sleep(0.4)
            line.hear(mp.PortDescReply((PORT,), more=True), ports)
        line.hear(mp.PortDescReply(()), ports)
        await asyncio.sleep(0.4)
        assert line.session.busy
        line.hear(m.BarrierReply(), last)
        await asyncio.gather(asked, barrier)
        return line.session.busy

    assert played(scene()) is False


def test_what_nobody_waits_for_any_more_still_counts_as_owed():
    async def scene():
        line = Line(patience=0.05)
        asked = asyncio.create_task(line.session.barrier())
        await settle()
        asked.cancel()
        assert line.session.busy
        with pytest.raises(Silent, match="no answer to BARRIER_REQUEST"):
            await line.session.ask(mp.DescRequest())
        return line.session.busy

    assert played(scene()) is False


# Bundles.

CHANGE = wrap(cargo(3), 7, 0)
NOT_OURS = encode(m.FlowMod(FlowModCommand.ADD, rule(77)), 9)


async def committed(line, trouble, late=False):
    """Commit a bundle; the switch answers all, and reports ``trouble`` (error, xid) once it has the messages."""
    task = asyncio.create_task(line.session.commit([CHANGE], 7, 0))
    steps, opened = [], 0
    while not task.done():
        await settle()
        unread, line.unread = line.unread, []
        for message, xid, _ in unread:
            if isinstance(message, m.BundleControl):
                steps.append(message.type.name)
                opened = opened or xid
                if late and message.type == BundleControlType.COMMIT_REQUEST:
                    line.hear(trouble[0], opened if trouble[1] == "open" else trouble[1])
                line.hear(m.BundleControl(message.bundle, BundleControlType(message.type + 1), message.flags), xid)
            elif isinstance(message, m.BarrierRequest):
                if trouble and not late:
                    line.hear(trouble[0], opened if trouble[1] == "open" else trouble[1])
                line.hear(m.BarrierReply(), xid)
    return steps, task


TROUBLES = {
    "the opening's xid, quoting nothing": (m.Error(5, 1, b""), "open"),
    "the opening's xid, quoting something else": (m.Error(5, 1, NOT_OURS), "open"),
    "an xid of no request": (m.Error(5, 1, b""), REQUEST + 5000),
    "an xid of no message": (m.Error(5, 1, b""), 4000),
    "a message's xid, quoting another": (m.Error(5, 1, NOT_OURS), 1),
    "xid 0, quoting half a header": (m.Error(5, 1, b"\x04\x0e"), 4_000_000),
    "a refusal of bundles that comes too late": (m.Error(1, 3, b""), REQUEST + 5000),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
def test_any_error_between_opening_and_commit_discards_the_bundle(trouble):
    async def scene():
        line = Line()
        steps, task = await committed(line, trouble)
        assert steps == ["OPEN_REQUEST", "DISCARD_REQUEST"]
        with pytest.raises(Unexplained, match=r"leaf1: reported .* for no message of it: the change was discarded"):
            await task

    played(scene())


def test_an_error_that_names_a_message_discards_the_bundle_and_names_the_rule():
    async def scene():
        line = Line()
        quoted = CHANGE.data[CHANGE.start(1) : CHANGE.ends[1]]
        steps, task = await committed(line, (m.Error(5, 1, quoted[:64]), 1))
        return steps, (await task)[1][0].entry

    assert played(scene()) == (["OPEN_REQUEST", "DISCARD_REQUEST"], rule(1))


def test_an_error_that_comes_with_the_commit_is_no_success():
    async def scene():
        line = Line()
        steps, task = await committed(line, (m.Error(5, 1, b""), "open"), late=True)
        assert steps == ["OPEN_REQUEST", "COMMIT_REQUEST"]
        with pytest.raises(Unexplained, match="may hold a part"):
            await task

    played(scene())


def test_an_error_about_a_packet_out_has_nothing_to_do_with_a_bundle():
    async def scene():
        line = Line()
        line.session.send(m.PacketOut((Output(9),), b"x"))
        ((_, xid, frame),) = line.unread
        line.unread.clear()
        steps, task = await committed(line, (m.Error(2, 4, frame[:64]), xid))
        return steps, await task

    assert played(scene()) == (["OPEN_REQUEST", "COMMIT_REQUEST"], (3, []))


def test_an_error_about_nothing_fails_plain_messages_too():
    async def scene():
        line = Line()
        push = asyncio.create_task(line.session.push([cargo(3)]))
        await settle()
        line.hear(m.Error(5, 1, b""), REQUEST + 5000)
        line.serve()
        await push

    with pytest.raises(Unexplained, match="what it holds is unknown"):
        played(scene())


def test_a_bundle_is_made_before_it_is_opened():
    def breaking():
        yield CHANGE
        raise ValueError("cannot be made")

    async def scene():
        line = Line()
        with pytest.raises(ValueError, match="cannot be made"):
            await line.session.commit(breaking(), 7, 0)
        return line.unread

    assert played(scene()) == []


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
