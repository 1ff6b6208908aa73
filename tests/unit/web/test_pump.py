"""A body on its way down: nothing lost, nothing reordered, whoever hangs is evicted."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medstack.web.pump import Arrivals, Ending, Pump


class Collected:
    def __init__(self) -> None:
        self.data = b""

    def write(self, block: bytes) -> None:
        self.data += block


def body(
    *pieces: bytes, then: dict[str, Any] | None = None
) -> Callable[[], Coroutine[Any, Any, Any]]:
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append(then or {"type": "http.request", "body": b"", "more_body": False})
    waiting = iter(messages)

    async def receive() -> Any:
        for message in waiting:
            return message
        return await asyncio.Event().wait()

    return receive


class Counted(Collected):
    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def write(self, block: bytes) -> None:
        self.sizes.append(len(block))


HANGS = {"type": "http.request", "body": b"", "more_body": True}


@given(st.lists(st.binary(max_size=700_000), max_size=6))
def test_what_is_sent_is_what_is_written(pieces: list[bytes]) -> None:
    sink = Collected()
    assert asyncio.run(Pump(body(*pieces)).run(sink)) is Ending.COMPLETE
    assert sink.data == b"".join(pieces)


def test_nothing_is_never_written() -> None:
    sink = Counted()
    asyncio.run(Pump(body(b"", b"abc", b"")).run(sink))
    assert sink.sizes == [3]


def test_a_client_that_hangs_up_leaves_what_it_sent() -> None:
    sink = Collected()
    receive = body(b"abc", then={"type": "http.disconnect"})
    assert asyncio.run(Pump(receive).run(sink)) is Ending.GONE
    assert sink.data == b"abc"


def test_a_client_that_says_nothing_is_let_go_and_its_bytes_kept() -> None:
    sink = Collected()
    assert asyncio.run(Pump(body(b"abc", then=HANGS), idle_s=0.05).run(sink)) is Ending.IDLE
    assert sink.data == b"abc"


def test_a_newer_request_evicts_the_one_that_hangs() -> None:
    sink = Collected()

    async def story() -> Ending:
        arrivals = Arrivals()
        stale = Pump(body(b"abc", then=HANGS))

        async def first() -> Ending:
            async with arrivals.receiving(7, stale):
                return await stale.run(sink)

        hanging = asyncio.create_task(first())
        await asyncio.sleep(0.05)
        async with arrivals.receiving(7, Pump(body())):
            assert hanging.done() or sink.data == b"abc"
        return await hanging

    assert asyncio.run(story()) is Ending.EVICTED
    assert sink.data == b"abc"


def test_a_failing_sink_ends_the_run_with_its_own_error() -> None:
    class Full:
        def write(self, block: bytes) -> None:
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        asyncio.run(Pump(body(b"x" * 3_000_000, b"y")).run(Full()))
