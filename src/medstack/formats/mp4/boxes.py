"""Boxes of the ISO base media file format, ISO/IEC 14496-12: sizes first, contents later.

Every box is known to lie inside its parent before anything in it is read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from medstack.formats.contract import Damaged
from medstack.formats.reading import exactly
from medstack.kit.streams import Source

_MAX_BOXES = 200_000
_SMALL_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One box; start and end are those of its body."""

    name: bytes
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


class Boxes:
    """The boxes of one file, read on demand. Raises Damaged wherever they break."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._seen = 0

    def top(self) -> list[Box]:
        """The boxes of the file; together they are the file, to its last byte."""
        return list(self._within(0, self._source.size, is_top=True))

    def children(self, parent: Box, *, skip: int = 0) -> list[Box]:
        """The boxes in `parent`, behind `skip` bytes of its own fields."""
        return list(self._within(parent.start + skip, parent.end, is_top=False))

    def body(self, box: Box, most_bytes: int = _SMALL_BYTES) -> bytes:
        """The box's contents, which must not be longer than `most_bytes`."""
        if box.size > most_bytes:
            raise Damaged("An MP4 box is larger than it can be.", at=box.start, size=box.size)
        return exactly(self._source, box.start, box.size)

    def _within(self, at: int, end: int, *, is_top: bool) -> Iterator[Box]:
        while at < end:
            if end - at < 8:
                if is_top or self._source.read_at(at, end - at).strip(b"\0"):
                    raise Damaged("There is data between the boxes of the MP4.", at=at)
                return  # a terminating zero, which QuickTime writers leave in user data
            size, name = struct.unpack(">I4s", exactly(self._source, at, 8))
            header = 8
            if size == 1:
                size, header = struct.unpack(">Q", exactly(self._source, at + 8, 8))[0], 16
            elif size == 0 and is_top:
                size = end - at
            self._check(name, size, header, at, end)
            if is_top and not name.decode("latin-1").isprintable():
                raise Damaged("There is data between the boxes of the MP4.", at=at)
            yield Box(name=name, start=at + header, end=at + size)
            at += size

    def _check(self, name: bytes, size: int, header: int, at: int, end: int) -> None:
        self._seen += 1
        if self._seen > _MAX_BOXES:
            raise Damaged("The MP4 has too many boxes.", found=self._seen)
        if not name.replace(b"\xa9", b"c").replace(b"\0", b" ").isascii():
            raise Damaged("An MP4 box has no name.", at=at)
        if size < header or at + size > end:
            raise Damaged("An MP4 box reaches beyond its parent.", at=at, size=size)


def one(boxes: list[Box], name: bytes) -> Box:
    """The only box called `name`. Raises Damaged."""
    found = [box for box in boxes if box.name == name]
    if len(found) != 1:
        raise Damaged("The MP4 lacks a box it needs, or has it twice.", box=name.decode("latin-1"))
    return found[0]


def maybe(boxes: list[Box], name: bytes) -> Box | None:
    return next((box for box in boxes if box.name == name), None)
