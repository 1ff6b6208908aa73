"""Frames between the parent and one sandboxed child, over an inherited socket pair.

A frame is four bytes of length, one byte of kind, then the payload: msgpack for words, raw bytes
for file content. Every receive names the most it will take, so a child that has been taken over
can only say short, known things. Files are plain descriptors read and written with read(2) and
write(2): the child's walls forbid every other socket call.
"""

from __future__ import annotations

import os
import select
import struct
import time
from dataclasses import dataclass, field
from enum import IntEnum

from medstack.kit.errors import Fact
from medstack.kit.sandbox import Param

READ_BYTES = 1024 * 1024  # most content one READ may ask for
_HEADER = struct.Struct("<IB")
READ_REQUEST = struct.Struct("<QI")


class Kind(IntEnum):
    """What a frame says. The first two come from the parent, the rest from the child."""

    TASK = 1
    CONTENT = 2
    READY = 3
    READ = 4
    ITEM = 5
    DONE = 6
    PROBLEM = 7
    DIED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What the child is to run. The bytes are asked for afterwards, piece by piece."""

    module: str
    name: str
    params: dict[str, Param]
    size_bytes: int
    is_stream: bool
    cpu_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """A Problem on its way across: its code, not its class."""

    code: str
    detail: str = ""
    facts: dict[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Died:
    """An end nobody meant: class of the error and where, never its message."""

    why: str  # memory or crash
    error: str = ""
    at: str = ""


class Hangup(Exception):
    """The other side closed the socket."""


class Malformed(Exception):
    """The other side said something no honest child says."""


class OutOfTime(Exception):
    """The time set for waiting on the other side is used up."""


class Channel:
    """Whole frames over one descriptor, which it owns.

    `seconds` bounds the time spent waiting on the other side, all waits added up; time the
    owner spends elsewhere, such as decrypting what was asked for, does not count.
    """

    def __init__(self, fd: int, *, seconds: float | None = None) -> None:
        self._fd = fd
        self._left_s = seconds

    def send(self, kind: Kind, payload: bytes = b"") -> None:
        """Write one frame. Raises Hangup or OutOfTime."""
        view = memoryview(_HEADER.pack(len(payload), kind) + payload)
        while view:
            self._wait(select.POLLOUT)
            try:
                view = view[os.write(self._fd, view) :]
            except BlockingIOError:
                continue
            except (BrokenPipeError, ConnectionResetError) as error:
                raise Hangup from error

    def receive(self, *, most_bytes: int) -> tuple[Kind, bytes]:
        """Read one frame. Raises Hangup, OutOfTime, or Malformed when it is longer or unknown."""
        length, number = _HEADER.unpack(self._exactly(_HEADER.size))
        if length > most_bytes or number not in _KINDS:
            raise Malformed
        return _KINDS[number], self._exactly(length)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _exactly(self, length: int) -> bytes:
        found = bytearray()
        while len(found) < length:
            self._wait(select.POLLIN)
            try:
                piece = os.read(self._fd, min(length - len(found), READ_BYTES))
            except BlockingIOError:
                continue
            except ConnectionResetError as error:
                raise Hangup from error
            if not piece:
                raise Hangup
            found += piece
        return bytes(found)

    def _wait(self, event: int) -> None:
        if self._left_s is None:
            return
        waiter = select.poll()
        waiter.register(self._fd, event)
        began = time.monotonic()
        is_due = not waiter.poll(max(0.0, self._left_s) * 1000)
        self._left_s -= time.monotonic() - began
        if is_due:
            raise OutOfTime


_KINDS = {int(kind): kind for kind in Kind}
