"""The far side of the sandbox: what happens in a child, from walls to last word.

Started by the zygote with one socket and nothing else. Raises the walls, says READY, takes one
task, reads the file by asking for it, answers, ends. Never serves a second file.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

import msgspec

from medstack.kit.errors import Problem
from medstack.worker.sandbox import landlock, walls
from medstack.worker.sandbox.wire import (
    READ_BYTES,
    READ_REQUEST,
    Channel,
    Died,
    Kind,
    Raised,
    Task,
)

_TASK_BYTES = 1024 * 1024


class AskedSource:
    """A Source whose bytes the parent hands over on request. Safe across threads."""

    def __init__(self, channel: Channel, size_bytes: int) -> None:
        self._channel = channel
        self._size = size_bytes
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self._size)
        pieces = []
        while offset < end:
            piece = self._ask(offset, min(end - offset, READ_BYTES))
            if not piece:
                break
            pieces.append(piece)
            offset += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        return None

    def _ask(self, offset: int, length: int) -> bytes:
        with self._lock:
            self._channel.send(Kind.READ, READ_REQUEST.pack(offset, length))
            return self._channel.receive(most_bytes=READ_BYTES)[1]


def live(fd: int, *, modules: tuple[str, ...], memory_bytes: int) -> NoReturn:
    """Be a sandboxed child on socket `fd`, then end this process."""
    channel = Channel(fd)
    layers = walls.raise_walls(memory_bytes=memory_bytes, readable=landlock.python_paths())
    channel.send(Kind.READY, msgspec.msgpack.encode(layers))
    task = msgspec.msgpack.decode(channel.receive(most_bytes=_TASK_BYTES)[1], type=Task)
    walls.limit_cpu(task.cpu_s)
    kind, payload = _outcome(channel, task, modules)
    channel.send(kind, payload)
    os._exit(0)


def _outcome(channel: Channel, task: Task, modules: tuple[str, ...]) -> tuple[Kind, bytes]:
    """Run the task and put its end into a frame. The one place that catches everything."""
    try:
        return Kind.DONE, _perform(channel, task, modules)
    except Problem as problem:
        raised = Raised(code=problem.code, detail=problem.detail, facts=problem.facts)
        return Kind.PROBLEM, msgspec.msgpack.encode(raised)
    except Exception as error:  # noqa: BLE001  the top of a process: whatever it was, it is told
        gc.collect()
        is_memory = isinstance(error, MemoryError) or (
            isinstance(error, OSError) and error.errno == errno.ENOMEM
        )
        died = Died(
            why="memory" if is_memory else "crash", error=type(error).__name__, at=_place(error)
        )
        return Kind.DIED, msgspec.msgpack.encode(died)


def _perform(channel: Channel, task: Task, modules: tuple[str, ...]) -> bytes:
    if task.module not in modules or task.name.startswith("_"):
        raise LookupError
    function = getattr(sys.modules[task.module], task.name)
    answer = function(AskedSource(channel, task.size_bytes), **task.params)
    if not task.is_stream:
        return msgspec.msgpack.encode(answer)
    items: Iterator[object] = answer
    for item in items:
        channel.send(Kind.ITEM, msgspec.msgpack.encode(item))
    return b""


def _place(error: BaseException) -> str:
    """module:line of our own innermost frame, for the log."""
    trace, where = error.__traceback__, ""
    while trace is not None:
        frame: FrameType = trace.tb_frame
        name = str(frame.f_globals.get("__name__", ""))
        if name.startswith("medstack."):
            where = f"{name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return where
