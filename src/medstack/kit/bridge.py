"""The one way from async doors to the synchronous floors below.

Threads come from one bounded pool; a door never blocks its event loop and nothing
below it ever awaits.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 16
_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="bridge")
_END = object()


async def call(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `fn` in a thread and wait for it. Its exceptions are raised here."""
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_pool, partial(context.run, fn, *args, **kwargs))


async def stream(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Pull a synchronous iterator from a thread, one piece at a time; closes it when left."""
    try:
        while True:
            piece = await call(next, pieces, _END)
            if piece is _END:
                return
            assert isinstance(piece, bytes)
            yield piece
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
