"""Collections of garbage, kept away from values that live as long as the fabric does. Must not know: what they are."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused() -> Iterator[None]:
    """For work that makes very many values and next to no garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def freeze_heap() -> None:
    """All that is alive now is looked at no more: it is millions of values that no collection frees, and looking at
    them again and again would stop every thread for most of a second. What died of the values kept before is freed."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
