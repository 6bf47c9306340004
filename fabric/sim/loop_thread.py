"""An event loop in a thread of its own, with one thing that runs on it while a context is open.

Lives here: starting and stopping the two. Must not know: what it is that runs.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

R = TypeVar("R")
T = TypeVar("T")


class LoopThread(Generic[R]):
    """Enters what ``make`` returns, on a loop of its own, and leaves it when the context is left.

    ``value``: what entering it gave. Entering raises what that raises. Any thread may call ``submit`` and ``soon``.
    """

    def __init__(self, name: str, make: Callable[[], AbstractAsyncContextManager[R]]) -> None:
        self._make = make
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._up: Future[tuple[R, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    def __enter__(self) -> Self:
        self._thread.start()
        self.value, self._loop, self._stop = self._up.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.soon(self._stop.set)
        self._thread.join()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Have the coroutine run there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def soon(self, call: Callable[..., object], *words: object) -> None:
        """Have a function called there."""
        self._loop.call_soon_threadsafe(call, *words)

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as problem:
            if self._up.done():
                raise
            self._up.set_exception(problem)

    async def _serve(self) -> None:
        async with self._make() as value:
            stop = asyncio.Event()
            self._up.set_result((value, asyncio.get_running_loop(), stop))
            await stop.wait()
