"""The near side of the sandbox: orders a child for each task, feeds it, believes little of it.

Implements `kit.sandbox.Sandbox`. A child gets no path, no key and no copy of the file: it asks
for ranges and gets them over a socket. Its answers are read frame by frame under size and time
limits and decoded into the type the task declares; anything else means the file won, and
ends as ParserDied.
"""

from __future__ import annotations

import contextlib
import logging
import re
import signal
import threading
import typing
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import FunctionType, TracebackType
from typing import Any, Self, TypeVar

import msgspec

from medstack.kit import log
from medstack.kit.sandbox import Param, ParserDied
from medstack.kit.streams import Source
from medstack.worker.sandbox.nursery import Child, Nursery
from medstack.worker.sandbox.preload import HEAVY, TASK_MODULES
from medstack.worker.sandbox.problems import problem_of
from medstack.worker.sandbox.walls import Layers, Limits
from medstack.worker.sandbox.wire import (
    READ_BYTES,
    READ_REQUEST,
    Channel,
    Died,
    Hangup,
    Kind,
    Malformed,
    OutOfTime,
    Raised,
    Task,
)

T = TypeVar("T")

_WORDS_BYTES = 64 * 1024  # most that any frame but an item may hold
_ENDS = {-int(signal.SIGXCPU): "time", -int(signal.SIGKILL): "memory"}  # else crash


class ProcessSandbox:
    """Runs each task in a process of its own, used once. Safe from several threads at once.

    modules: the only modules whose public functions may be tasks.
    preload: modules a child finds imported already.
    children: how many `run` tasks go on at once; more callers wait. Streams are not counted,
    because their consumers may call `run` between two items.
    """

    def __init__(
        self,
        *,
        modules: tuple[str, ...] = TASK_MODULES,
        preload: tuple[str, ...] = HEAVY,
        limits: Limits | None = None,
        children: int = 4,
        spares: int = 1,
    ) -> None:
        self._limits = limits or Limits()
        self._modules = modules
        self._slots = threading.BoundedSemaphore(children)
        self.nursery = Nursery(
            modules=modules,
            preload=preload,
            memory_bytes=self._limits.memory_bytes,
            spares=spares,
        )

    def run(self, task: Callable[..., T], source: Source, **params: Param) -> T:
        decoder = _decoder(self._allowed(task), is_stream=False)
        with self._slots, self._child(source) as child:
            visit = _Visit(child, source, self._limits)
            with _blamed_on_the_file(child):
                visit.begin(task, params, is_stream=False)
                kind, payload = visit.next_word()
                if kind is not Kind.DONE:
                    raise Malformed
                answer: T = decoder.decode(payload)
                return answer

    def stream(
        self, task: Callable[..., Iterator[T]], source: Source, **params: Param
    ) -> Iterator[T]:
        decoder = _decoder(self._allowed(task), is_stream=True)
        with self._child(source) as child:
            visit = _Visit(child, source, self._limits)
            with _blamed_on_the_file(child):
                visit.begin(task, params, is_stream=True)
            while True:
                with _blamed_on_the_file(child):
                    kind, payload = visit.next_word()
                    if kind is Kind.DONE:
                        return
                    item: T = decoder.decode(payload)
                yield item

    def layers(self) -> Layers:
        """Which walls hold here, as a new child reports them; text says why one does not."""
        with self.nursery.child(seconds=self._limits.seconds) as child:
            return child.layers

    def close(self) -> None:
        """End every child and the process they come from. A later call starts anew."""
        self.nursery.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _child(self, source: Source) -> contextlib.AbstractContextManager[Child]:
        return self.nursery.child(seconds=self._limits.seconds_for(source.size))

    def _allowed(self, task: Callable[..., Any]) -> FunctionType:
        """Refuse, as a mistake of ours, whatever is not a public function of a task module."""
        if not isinstance(task, FunctionType) or task.__module__ not in self._modules:
            raise TypeError("a sandbox task is a top-level function of a task module")
        if task.__name__ != task.__qualname__ or task.__name__.startswith("_"):
            raise TypeError("a sandbox task is public and top-level")
        return task


class _Visit:
    """One task in one child: serves its reads, counts what it says."""

    def __init__(self, child: Child, source: Source, limits: Limits) -> None:
        self._channel: Channel = child.channel
        self._source = source
        self._limits = limits
        self._left_bytes = limits.output_bytes

    def begin(self, task: Callable[..., Any], params: dict[str, Param], *, is_stream: bool) -> None:
        order = Task(
            module=task.__module__,
            name=task.__name__,
            params=params,
            size_bytes=self._source.size,
            is_stream=is_stream,
            cpu_s=int(self._limits.seconds_for(self._source.size)),
        )
        self._channel.send(Kind.TASK, msgspec.msgpack.encode(order))

    def next_word(self) -> tuple[Kind, bytes]:
        """Serve reads until the child says something else; raise what it says it died of."""
        while True:
            most = min(self._limits.item_bytes, max(self._left_bytes, _WORDS_BYTES))
            kind, payload = self._channel.receive(most_bytes=most)
            if kind is Kind.READ:
                self._serve(payload)
                continue
            self._left_bytes -= len(payload)
            if self._left_bytes < 0:
                raise Malformed
            if kind in (Kind.ITEM, Kind.DONE):
                return kind, payload
            raise self._end(kind, payload)

    def _serve(self, payload: bytes) -> None:
        if len(payload) != READ_REQUEST.size:
            raise Malformed
        offset, length = READ_REQUEST.unpack(payload)
        if length > READ_BYTES:
            raise Malformed
        length = max(0, min(length, self._source.size - offset))
        self._channel.send(Kind.CONTENT, self._source.read_at(offset, length) if length else b"")

    def _end(self, kind: Kind, payload: bytes) -> Exception:
        if len(payload) > _WORDS_BYTES:
            return Malformed()
        if kind is Kind.PROBLEM:
            return problem_of(msgspec.msgpack.decode(payload, type=Raised))
        if kind is Kind.DIED:
            return _Told(msgspec.msgpack.decode(payload, type=Died))
        return Malformed()


class _Told(Exception):
    """The child itself said why it ends."""

    def __init__(self, died: Died) -> None:
        super().__init__(died.why)
        self.died = died


@contextlib.contextmanager
def _blamed_on_the_file(child: Child) -> Iterator[None]:
    """Turn every end of a child but an honest answer into ParserDied."""
    try:
        yield
    except OutOfTime as error:
        raise _died("time") from error
    except Hangup as error:
        raise _died(_ENDS.get(child.exit_code(), "crash")) from error
    except _Told as told:
        why = "memory" if told.died.why == "memory" else "crash"
        raise _died(why, told.died) from told
    except (Malformed, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise _died("crash", Died(why="crash", error=type(error).__name__)) from error


def _died(why: str, died: Died | None = None) -> ParserDied:
    log.event(
        "sandbox.parser_died",
        level=logging.WARNING,
        why=why,
        error=re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", died.error).lower() if died else None,
        at=died.at.lower() if died else None,
    )
    return ParserDied(why=why)


@lru_cache(maxsize=128)
def _decoder(task: FunctionType, *, is_stream: bool) -> msgspec.msgpack.Decoder[Any]:
    """The decoder for the value a task declares. Raises TypeError when it declares none."""
    declared = typing.get_type_hints(task).get("return", Any)
    if is_stream:
        if typing.get_origin(declared) is not Iterator:
            raise TypeError("a streaming task returns Iterator[...]")
        (declared,) = typing.get_args(declared)
    if declared is Any or declared is object:
        raise TypeError("a sandbox task declares what it returns")
    return msgspec.msgpack.Decoder(declared)
