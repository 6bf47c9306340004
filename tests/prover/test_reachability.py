"""The law of the prover's engine: what it says of all packets is what the evaluator does with each."""

from __future__ import annotations

from itertools import islice

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from clos.controller.compile import compile_fabric
from clos.controller.verify.dataplane.outcome import LOOP, Alternative, plain
from clos.controller.verify.dataplane.reachability import SymbolicFabric
from clos.controller.verify.headerspace.header_space import HeaderSpace, meet
from clos.controller.verify.headerspace.header_terms import terms_of
from clos.controller.verify.headerspace.value_atoms import Unmodelled
from clos.fabric.dataplane.action import CONTROLLER
from clos.fabric.dataplane.choose import explore
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.dataplane.walk import Walk, walk
from clos.fabric.packet.build import Packet
from clos.fabric.topology import PortRef, Topology
from tests.support.examples import EXAMPLES
from tests.support.fabrics import intents, packets, topologies
from tests.support.random_rules import frames, soups
from tests.support.verify_engine_support import states_of
from tests.support.verify_points import changed, inside, point, seen

settled = settings(
    max_examples=max(1, EXAMPLES // 20),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def evaluated(done: Walk, topology: Topology) -> str:
    """A walk's ends in a form that can be compared: places and contents, loops, packets for the controller."""
    found = [(port, sorted(seen(frame).items(), key=str)) for port, frame in done.deliveries]
    controller = [
        ((visit.switch, CONTROLLER), sorted(seen(sent.packet).items(), key=str))
        for visit in done.hops
        for sent in visit.step.packet_ins
        if sent.reason != 2
    ]
    return str(sorted(map(str, found + controller)) + ["loop"] * bool(done.loops))


def proved(alternative: Alternative, packet: Packet) -> str:
    found = []
    for switch, port, frame in alternative:
        if switch != LOOP:
            where = (switch, port) if port == CONTROLLER else PortRef(switch, port)
            found.append((where, sorted(changed(packet, frame).items(), key=str)))
    return str(sorted(map(str, found)) + ["loop"] * any(a.switch == LOOP for a in alternative))


def agree(topology: Topology, states: dict[str, SwitchState], at: PortRef, packet: Packet, down=frozenset()) -> None:
    """Fail unless prover and evaluator say the same of one packet, whatever buckets are chosen."""
    space = HeaderSpace(terms_of(states.values()))
    fabric = SymbolicFabric(topology, states, space, down)
    where = point(space, packet)
    pieces = [piece for box in space.everything() if inside(box, where) for piece in plain(fabric.entering(at, box))]
    mine = [outcome for box, outcome in pieces if inside(box, where)]
    assert len(set(mine)) == 1, "one outcome; pieces may be told apart by slots of which the packet has nothing"
    models = {name: SwitchModel.of(states[name], set(topology.ports[name])) for name in states}
    walks = list(islice(explore(lambda choose: walk(models, topology, at, packet, down=down, choose=choose)), 64))
    note("\n\n".join(map(str, walks)))
    theirs = {evaluated(done, topology) for done in walks}
    ours = {proved(option, packet) for option in mine[0]}
    note(f"prover: {ours}")
    if len(walks) < 64 and len(mine[0]) < 8 and not any("loop" in one for one in ours | theirs):
        assert ours == theirs
    else:
        assert (ours & theirs) or any("loop" in one for one in ours) == any("loop" in one for one in theirs)


@given(st.data())
@settled
def test_a_compiled_fabric_does_with_each_packet_what_the_prover_says(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    at, packet = data.draw(packets(topology, intent))
    cut = data.draw(st.sampled_from([None, *topology.links]))
    down = frozenset({cut.a} if cut else ())
    agree(topology, states_of(compile_fabric(intent, topology).ruleset), at, packet, down)


@given(st.data())
@settled
def test_any_rules_do_with_each_packet_what_the_prover_says(data: st.DataObject) -> None:
    topology, states = data.draw(soups())
    at = data.draw(st.sampled_from(sorted(topology.host_at)))
    packet = data.draw(frames())
    try:
        agree(topology, states, at, packet)
    except Unmodelled as refusal:
        assert any(why in str(refusal) for why in ("below a packet's 3 outermost tags", "outcomes that part packets"))


@given(st.data())
@settled
def test_pieces_have_nothing_in_common(data: st.DataObject) -> None:
    topology, states = data.draw(soups())
    space = HeaderSpace(terms_of(states.values()))
    fabric = SymbolicFabric(topology, states, space)
    for at in sorted(topology.host_at):
        try:
            boxes = [box for every in space.everything() for box, _ in plain(fabric.entering(at, every))]
        except Unmodelled:
            continue
        assert all(meet(a, b) is None for i, a in enumerate(boxes) for b in boxes[:i])
