"""A request's body into a sink: one block on its way down while the next one arrives.

A newer request for the same upload evicts the one that hangs: it stops where it is, what has
arrived is kept, and the newer one goes on from there. Nobody is ever told "locked".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any, Protocol

from medstack.kit.bridge import call

BLOCK_BYTES = 2 << 20
IDLE_S = 60.0
EVICTION_WAIT_S = 2.0

Receive = Callable[[], Awaitable[Any]]  # an ASGI receive; its messages are loosely typed dicts


class Sink(Protocol):
    def write(self, block: bytes) -> None:
        """Take the next bytes. Called from one thread at a time."""
        ...


class Ending(StrEnum):
    COMPLETE = "complete"
    GONE = "gone"  # the client hung up
    IDLE = "idle"  # nothing arrived for a while
    EVICTED = "evicted"  # a newer request took over


class Pump:
    """Moves one request's body. Made for one run."""

    def __init__(self, receive: Receive, *, idle_s: float = IDLE_S) -> None:
        self._receive = receive
        self._idle_s = idle_s
        self._stopped_by: Ending | None = None
        self._waiting: asyncio.Task[Any] | None = None

    def stop(self, why: Ending) -> None:
        """End a run that is waiting for its client; one that is finishing is left alone."""
        if self._stopped_by is None:
            self._stopped_by = why
            if self._waiting is not None:
                self._waiting.cancel()

    async def run(self, sink: Sink) -> Ending:
        """Write the body to `sink`; all that arrived is written when this returns.

        Exceptions of the sink are raised here.
        """
        writing: asyncio.Future[None] | None = None
        block: list[bytes] = []
        held = 0
        ending: Ending | None = None
        while ending is None:
            piece, ending = await self._next()
            if piece:
                block.append(piece)
                held += len(piece)
            if held >= BLOCK_BYTES or (held and ending is not None):
                if writing is not None:
                    await asyncio.shield(writing)
                writing = asyncio.ensure_future(call(_write, sink, block))
                block, held = [], 0
        if writing is not None:
            await asyncio.shield(writing)
        return ending

    def _is_stopped(self) -> bool:
        return self._stopped_by is not None

    async def _next(self) -> tuple[bytes, Ending | None]:
        if self._stopped_by is not None:
            return b"", self._stopped_by
        watch = asyncio.get_running_loop().call_later(self._idle_s, self.stop, Ending.IDLE)
        task = self._waiting = _this_task()
        try:
            message = await self._receive()
        except asyncio.CancelledError:
            if not self._is_stopped():  # somebody else cancels us: not ours to swallow
                raise
            task.uncancel()
            return b"", self._stopped_by
        finally:
            self._waiting = None
            watch.cancel()
        if message["type"] == "http.disconnect":
            return b"", Ending.GONE
        is_last = not message.get("more_body", False)
        return message.get("body", b""), Ending.COMPLETE if is_last else None


class Arrivals:
    """Which pump is receiving which upload, in this process."""

    def __init__(self) -> None:
        self._present: dict[int, tuple[Pump, asyncio.Event]] = {}

    async def evict(self, upload_id: int) -> None:
        """Stop whoever receives `upload_id` now, and wait until its bytes are kept."""
        present = self._present.get(upload_id)
        if present is None:
            return
        pump, has_left = present
        pump.stop(Ending.EVICTED)
        try:
            await asyncio.wait_for(has_left.wait(), EVICTION_WAIT_S)
        except TimeoutError:
            return  # its lease is taken over next: what it still writes is not counted

    @asynccontextmanager
    async def receiving(self, upload_id: int, pump: Pump) -> AsyncIterator[None]:
        """Be the one that receives `upload_id`; evicts whoever was."""
        await self.evict(upload_id)
        mine = (pump, asyncio.Event())
        self._present[upload_id] = mine
        try:
            yield
        finally:
            mine[1].set()
            if self._present.get(upload_id) is mine:
                del self._present[upload_id]


def _write(sink: Sink, block: Sequence[bytes]) -> None:
    for piece in block:
        sink.write(piece)


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task
