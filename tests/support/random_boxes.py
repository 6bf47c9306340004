"""Random boxes of a space so small that every point of it can be tried."""

from __future__ import annotations

from itertools import product

from hypothesis import strategies as st

from clos.controller.analysis.interval_boxes import Box

SIDE, DIMENSIONS = 4, 3
intervals = st.tuples(st.integers(0, SIDE - 1), st.integers(0, SIDE - 1)).map(lambda ends: (min(ends), max(ends)))
wide = st.just((0, SIDE - 1)) | intervals
boxes = st.tuples(*[wide] * DIMENSIONS)
lists = st.lists(boxes, min_size=1, max_size=9)
ranks = st.lists(st.integers(0, 4), min_size=9, max_size=9)
Points = frozenset[tuple[int, ...]]


def points(box: Box) -> Points:
    return frozenset(product(*(range(first, last + 1) for first, last in box)))
