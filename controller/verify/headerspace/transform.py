"""What became of a packet so far, told in terms of the packet that came in: a function, not a value.

A *source* says where a field's value comes from: a number is that number, ``~slot`` is what the slot held when the
packet came in. A ``HeaderTransform`` gives the source of every field that was changed, and the stack of tags.
Together with a
box (which packets) it says exactly what those packets look like now. Frames compose: ``after(first, second)``.
Must not know: rules, switches.
"""

from __future__ import annotations

from typing import NamedTuple

from clos.controller.verify.headerspace.header_space import DEPTH, PCP, TAG_SLOTS, TTL, VID, Box, HeaderSpace
from clos.controller.verify.headerspace.value_atoms import Unmodelled

Source = int


class Tag(NamedTuple):
    """A tag put on or looked into: ``origin`` its TPID, or ``~k`` for those bits of the tag that was k-th outermost."""

    origin: int
    vid: Source
    pcp: Source


class HeaderTransform(NamedTuple):
    """``rewrites``: (slot, source) of changed fields, sorted. The tags are ``tags`` and then those of the packet
    that came
    in, from the ``base``-th on. ``ttl``: how often the time to live was decremented, or ``~value`` once it was set.
    """

    rewrites: tuple[tuple[int, Source], ...] = ()
    tags: tuple[Tag, ...] = ()
    base: int = 0
    ttl: int = 0


UNCHANGED = HeaderTransform()
"""Nothing changed."""


def source(frame: HeaderTransform, slot: int) -> Source:
    """Where a plain field's value comes from."""
    for held, found in frame.rewrites:
        if held == slot:
            return found
    return ~slot


def with_field(frame: HeaderTransform, slot: int, value: Source) -> HeaderTransform:
    """With the field's value from this source from now on."""
    kept = [pair for pair in frame.rewrites if pair[0] != slot]
    if value != ~slot:
        kept.append((slot, value))
        kept.sort()
    return HeaderTransform(tuple(kept), frame.tags, frame.base, frame.ttl)


def tag_at(frame: HeaderTransform, depth: int) -> Tag:
    """The tag that is ``depth``-th outermost now; one of the packet's own may be absent."""
    if depth < len(frame.tags):
        return frame.tags[depth]
    k = frame.base + depth - len(frame.tags)
    if k >= DEPTH:
        raise Unmodelled(f"what is below a packet's {DEPTH} outermost tags")
    return Tag(~k, ~(VID + k), ~(PCP + k))


def values(space: HeaderSpace, box: Box, slot: int, found: Source) -> int:
    """The set of values that a source gives over the box; ``slot`` says of which width."""
    return box[~found] if found < 0 else space.domain[slot].atom(found)


def ttl_values(box: Box, ttl: int) -> int:
    """The set of times to live that packets have now."""
    return 1 << ~ttl if ttl < 0 else box[TTL] >> ttl


def after(first: HeaderTransform, second: HeaderTransform) -> HeaderTransform:
    """``first``, then ``second``, whose sources speak of the packet as ``first`` left it."""
    if first is UNCHANGED or second is UNCHANGED:
        return second if first is UNCHANGED else first
    held = dict(first.rewrites)
    for slot, found in second.rewrites:
        held[slot] = _through(first, found)
    rewrites = tuple(sorted((slot, found) for slot, found in held.items() if found != ~slot))
    tags = tuple([_tag_through(first, tag) for tag in second.tags])
    if second.base <= len(first.tags):
        tags, base = tags + first.tags[second.base :], first.base
    else:
        base = first.base + second.base - len(first.tags)
    return HeaderTransform(rewrites, tags, base, _later(first.ttl, second.ttl))


def _later(first: int, second: int) -> int:
    if second < 0:
        return second
    return ~(~first - second) if first < 0 else first + second


def _through(first: HeaderTransform, found: Source) -> Source:
    if found >= 0:
        return found
    slot = ~found
    if VID <= slot < VID + DEPTH:
        return tag_at(first, slot - VID).vid
    if PCP <= slot < PCP + DEPTH:
        return tag_at(first, slot - PCP).pcp
    return source(first, slot)


def _tag_through(first: HeaderTransform, tag: Tag) -> Tag:
    origin = tag.origin if tag.origin >= 0 else tag_at(first, ~tag.origin).origin
    return Tag(origin, _through(first, tag.vid), _through(first, tag.pcp))


def canonical(space: HeaderSpace, box: Box, frame: HeaderTransform) -> HeaderTransform:
    """The frame in its one form over the box: two frames do the same to every packet of it iff these are equal."""
    rewrites = []
    for slot, found in frame.rewrites:
        found = _settled(space, box, found)
        if found != _settled(space, box, ~slot):
            rewrites.append((slot, found))
    tags = [Tag(t.origin, _settled(space, box, t.vid), _settled(space, box, t.pcp)) for t in frame.tags]
    base = frame.base
    while tags and base and tags[-1] == _own_tag(space, box, base - 1):
        tags.pop()
        base -= 1
    ttl = space.single(TTL, box[TTL])
    left = frame.ttl if ttl is None or frame.ttl < 0 else ~(ttl - frame.ttl)
    if ttl is not None and left == ~ttl:
        left = 0
    return HeaderTransform(tuple(rewrites), tuple(tags), base, left)


def _own_tag(space: HeaderSpace, box: Box, k: int) -> Tag:
    return Tag(~k, _settled(space, box, ~(VID + k)), _settled(space, box, ~(PCP + k)))


def _settled(space: HeaderSpace, box: Box, found: Source) -> Source:
    """The source as a number, where the box leaves no choice."""
    if found >= 0:
        return found
    value = space.single(~found, box[~found])
    return found if value is None else value


def seen_in(space: HeaderSpace, box: Box, frame: HeaderTransform, slot: int) -> int:
    """The set of values that the slot has in packets as they are now."""
    if slot == TTL:
        return ttl_values(box, frame.ttl)
    if VID <= slot < PCP + DEPTH:
        depth = (slot - VID) % DEPTH
        if frame.base + depth - len(frame.tags) >= DEPTH:
            return space.full[slot]
        tag = tag_at(frame, depth)
        return values(space, box, slot, tag.vid if slot < PCP else tag.pcp)
    return values(space, box, slot, source(frame, slot))


def image(space: HeaderSpace, box: Box, frame: HeaderTransform, live: tuple[int, ...]) -> Box:
    """The smallest box around the packets as they are now, as if they had just come in; ``live`` slots only."""
    seen = list(space.full)
    for slot in live:
        seen[slot] = box[slot]
    if frame is UNCHANGED:
        return tuple(seen)
    for slot, found in frame.rewrites:
        if slot in live:
            seen[slot] = values(space, box, slot, found)
    for slot in (TTL, *TAG_SLOTS) if frame.tags or frame.base else (TTL,):
        if slot in live:
            seen[slot] = seen_in(space, box, frame, slot)
    return tuple(seen)


def preimage(space: HeaderSpace, box: Box, frame: HeaderTransform, limits: tuple[tuple[int, int], ...]) -> Box | None:
    """The packets of the box that are within ``limits`` as they are now; None when there are none."""
    cut: list[int] | None = None
    for slot, allowed in limits:
        if slot == TTL:
            var, fits = TTL, allowed << frame.ttl if frame.ttl >= 0 else -(allowed >> ~frame.ttl & 1)
        else:
            found = _through(frame, ~slot)
            var, fits = (
                (~found, allowed) if found < 0 else (slot, -1 if space.domain[slot].atom(found) & allowed else 0)
            )
        if cut is None:
            cut = list(box)
        left = cut[var] & fits
        if not left:
            return None
        cut[var] = left
    return box if cut is None else tuple(cut)
