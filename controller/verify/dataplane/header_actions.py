"""What actions that change packets do to sets of them: one row per action, each splitting the packets it treats apart.

An action on a field that a packet does not have leaves that packet as it is. Must not know: tables, ports, groups.
Source: OpenFlow 1.3.5 §5.12, §5.12.1 (a pushed tag inherits from the one that was outermost), §7.2.5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clos.controller.verify.dataplane.prepared_rule import PipelineState
from clos.controller.verify.headerspace.header_space import (
    DEPTH,
    FIELD,
    LAYOUT,
    TAG_SLOTS,
    TTL,
    VID,
    Box,
    HeaderSpace,
    narrowed,
    outside,
    within,
)
from clos.controller.verify.headerspace.transform import (
    HeaderTransform,
    Tag,
    source,
    tag_at,
    ttl_values,
    with_field,
)
from clos.controller.verify.headerspace.value_atoms import Unmodelled
from clos.fabric.dataplane import action as act
from clos.fabric.packet.fields import FIELDS, VID_PRESENT

Rewritten = tuple[list[PipelineState], list[Box]]
"""The packets that go on, in parts; and those that are gone (their time to live ran out)."""
Changed = tuple[list[tuple[Box, HeaderTransform]], list[Box]]
"""The same after several actions: packets that go on, in parts, with what they look like then; and those gone."""
KnownChanges = dict[tuple[tuple[Any, ...], Box, HeaderTransform], Changed]
"""What lists of actions make of packets."""


def rewrite(space: HeaderSpace, action: Any, state: PipelineState) -> Rewritten:
    """Raises Unmodelled for actions and fields that the prover does not know."""
    row = _ROWS.get(type(action))
    if row is None:
        raise Unmodelled(f"the action {action}")
    return row(space, action, state)


def rewrite_all(space: HeaderSpace, actions: tuple[Any, ...], state: PipelineState, known: KnownChanges) -> Changed:
    """What several actions make of packets, one after the other; worked out once."""
    key = actions, state.box, state.frame
    changed = known.get(key)
    if changed is None:
        states, gone = [state], list[Box]()
        for action in actions:
            done = [rewrite(space, action, each) for each in states]
            states = [each for goes_on, _ in done for each in goes_on]
            gone += [box for _, lost in done for box in lost]
        changed = known[key] = [(each.box, each.frame) for each in states], gone
    return changed


def _now(state: PipelineState, frame: HeaderTransform) -> PipelineState:
    """The same packets, looking otherwise now."""
    return PipelineState(state.box, frame, state.metadata, state.tunnel, state.write)


def _where(space: HeaderSpace, shapes: int, state: PipelineState) -> tuple[PipelineState | None, list[PipelineState]]:
    """The state's packets of these shapes, and the others."""
    held = state.box[LAYOUT]
    if not held & ~shapes:
        return state, []
    if not held & shapes:
        return None, [state]
    limits = ((LAYOUT, shapes),)
    others = [state._replace(box=box) for box in outside(state.box, limits)]
    return state._replace(box=narrowed(state.box, LAYOUT, held & shapes)), others


def _set_field(space: HeaderSpace, action: act.SetField, state: PipelineState) -> Rewritten:
    if action.field == "tunnel_id":
        return [state._replace(tunnel=action.value)], []
    if action.field in ("vlan_vid", "vlan_pcp"):
        return _set_tag(space, action, state)
    if action.field not in FIELD:
        raise Unmodelled(f"the action {action}")
    having, others = _where(space, space.sets[action.field], state)
    if having is not None:
        others.append(_now(having, with_field(having.frame, FIELD[action.field].slot, action.value)))
    return others, []


def _set_tag(space: HeaderSpace, action: act.SetField, state: PipelineState) -> Rewritten:
    tagged, others = _tagged(space, state)
    if tagged is None:
        return others, []
    frame = tagged.frame
    tag = tag_at(frame, 0)
    vid = action.field == "vlan_vid"
    tag = Tag(tag[0], action.value | VID_PRESENT, tag[2]) if vid else Tag(tag[0], tag[1], action.value)
    rest = frame.tags[1:]
    base = frame.base if frame.tags else frame.base + 1
    return [*others, _now(tagged, HeaderTransform(frame.rewrites, (tag, *rest), base, frame.ttl))], []


def _tagged(space: HeaderSpace, state: PipelineState) -> tuple[PipelineState | None, list[PipelineState]]:
    """The state's packets that have a tag now, and those that do not."""
    if state.frame.tags:
        return state, []
    slot = VID + state.frame.base
    if state.frame.base >= DEPTH:
        raise Unmodelled(f"what is below a packet's {DEPTH} outermost tags")
    held = state.box[slot]
    if not held & space.tagged:
        return None, [state]
    tagged = state._replace(box=narrowed(state.box, slot, held & space.tagged))
    bare = held & ~space.tagged
    return tagged, [state._replace(box=narrowed(state.box, slot, bare))] if bare else []


def _push_vlan(space: HeaderSpace, action: act.PushVlan, state: PipelineState) -> Rewritten:
    tagged, others = _tagged(space, state)
    done = [_pushed(one, Tag(action.ethertype, VID_PRESENT, 0)) for one in others]
    if tagged is not None:
        outer = tag_at(tagged.frame, 0)
        done.append(_pushed(tagged, Tag(action.ethertype, outer.vid, outer.pcp)))
    return done, []


def _pushed(state: PipelineState, tag: Tag) -> PipelineState:
    rewrites, tags, base, ttl = state.frame
    return _now(state, HeaderTransform(rewrites, (tag, *tags), base, ttl))


def _pop_vlan(space: HeaderSpace, action: act.PopVlan, state: PipelineState) -> Rewritten:
    tagged, others = _tagged(space, state)
    if tagged is None:
        return others, []
    frame = tagged.frame
    less = frame._replace(tags=frame.tags[1:]) if frame.tags else frame._replace(base=frame.base + 1)
    return [*others, tagged._replace(frame=less)], []


def _move(space: HeaderSpace, action: act.Move, state: PipelineState) -> Rewritten:
    ends = FIELD.get(action.source), FIELD.get(action.target)
    if ends[0] is None or ends[1] is None or FIELDS[action.source].bits != FIELDS[action.target].bits:
        raise Unmodelled(f"the action {action}")
    having, others = _where(space, space.reads[action.source] & space.sets[action.target], state)
    if having is not None:
        frame = with_field(having.frame, ends[1].slot, source(having.frame, ends[0].slot))
        others.append(having._replace(frame=frame))
    return others, []


def _ip(space: HeaderSpace) -> int:
    """The shapes that have a time to live."""
    return space.reads["ip_dscp"]


def _dec_ttl(space: HeaderSpace, action: act.DecNwTtl, state: PipelineState) -> Rewritten:
    having, others = _where(space, _ip(space), state)
    if having is None:
        return others, []
    ttl = having.frame.ttl
    if ttl_values(having.box, ttl) & 3 == 0:
        return [*others, having._replace(frame=_older(having.frame.ttl, having))], []
    if ttl < 0:
        return others, [having.box]
    limits = ((TTL, space.full[TTL] & ~((4 << ttl) - 1)),)
    alive = within(having.box, limits)
    gone = list(outside(having.box, limits))
    return others + ([] if alive is None else [having._replace(box=alive, frame=_older(ttl, having))]), gone


def _older(ttl: int, state: PipelineState) -> Any:
    return state.frame._replace(ttl=~(~ttl - 1) if ttl < 0 else ttl + 1)


def _set_ttl(space: HeaderSpace, action: act.SetNwTtl, state: PipelineState) -> Rewritten:
    having, others = _where(space, _ip(space), state)
    if having is not None:
        others.append(having._replace(frame=having.frame._replace(ttl=~action.ttl)))
    return others, []


def _nothing(space: HeaderSpace, action: object, state: PipelineState) -> Rewritten:
    return [state], []


_ROWS: dict[type, Callable[[HeaderSpace, Any, PipelineState], Rewritten]] = {
    act.SetField: _set_field,
    act.Move: _move,
    act.PushVlan: _push_vlan,
    act.PopVlan: _pop_vlan,
    act.DecNwTtl: _dec_ttl,
    act.SetNwTtl: _set_ttl,
    act.SetQueue: _nothing,
}


def touches(action: Any) -> tuple[int, ...]:
    """The slots that an action looks at to tell packets apart."""
    if isinstance(action, act.SetField):
        return TAG_SLOTS if action.field.startswith("vlan_") else (LAYOUT,)
    if isinstance(action, act.PushVlan | act.PopVlan):
        return TAG_SLOTS
    if isinstance(action, act.Move) and action.source in FIELD:
        return LAYOUT, FIELD[action.source].slot
    return (LAYOUT, TTL) if isinstance(action, act.DecNwTtl | act.SetNwTtl) else (LAYOUT,)
