"""TIFF 6.0 directories: the skeleton of TIFF files and of EXIF blocks.

Reads entries and small values only; no pixel is touched. Offsets and counts are checked
against the block before use, and loops end.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from medstack.formats.contract import Damaged
from medstack.formats.reading import exactly
from medstack.kit.streams import Source

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I"}
_MAX_VALUES = 4_000_000  # strips or tiles of one page
_MAX_DIRECTORIES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One tag of a directory and where its value lies."""

    tag: int
    type: int
    count: int
    offset: int

    @property
    def size_bytes(self) -> int:
        return self.count * _SIZES.get(self.type, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """One IFD: a page of a TIFF, or a group of EXIF tags."""

    entries: dict[int, Entry] = field(default_factory=dict)
    next_offset: int | None = 0  # None where the block ends before it says


class TiffBlock:
    """A TIFF structure over a Source that starts at its byte order mark.

    Raises Damaged where the structure breaks.
    """

    def __init__(self, source: Source) -> None:
        header = exactly(source, 0, 8)
        orders: dict[bytes, Literal["<", ">"]] = {b"II*\0": "<", b"MM\0*": ">"}
        order = orders.get(header[:4])
        if order is None:
            raise Damaged("The TIFF header is not one.")
        self._source = source
        self.order: Literal["<", ">"] = order
        self.first_offset: int = struct.unpack(order + "I", header[4:])[0]

    def directories(self) -> Iterator[Directory]:
        """The chain of directories from the first. Raises Damaged on a loop."""
        seen: set[int] = set()
        offset = self.first_offset
        while offset:
            if offset in seen or len(seen) >= _MAX_DIRECTORIES:
                raise Damaged("The chain of pages never ends.", pages=len(seen))
            seen.add(offset)
            directory = self.directory(offset)
            if directory.next_offset is None:
                raise Damaged("The TIFF ends inside a page's directory.", at=offset)
            yield directory
            offset = directory.next_offset

    def directory(self, offset: int) -> Directory:
        (count,) = struct.unpack(self.order + "H", exactly(self._source, offset, 2))
        body = exactly(self._source, offset + 2, count * 12)
        following = self._source.read_at(offset + 2 + count * 12, 4)  # some EXIF writers omit it
        entries: dict[int, Entry] = {}
        for index in range(count):
            entry = self._entry(body[index * 12 : index * 12 + 12], offset + 2 + index * 12)
            entries.setdefault(entry.tag, entry)
        is_whole = len(following) == 4
        next_offset = struct.unpack(self.order + "I", following)[0] if is_whole else None
        return Directory(entries=entries, next_offset=next_offset)

    def _entry(self, raw: bytes, at: int) -> Entry:
        tag, kind, count, value = struct.unpack(self.order + "HHII", raw)
        inline = count * _SIZES.get(kind, 1) <= 4
        return Entry(tag=tag, type=kind, count=count, offset=at + 8 if inline else value)

    def raw(self, entry: Entry) -> bytes:
        """The value's bytes. Raises Damaged if they are not inside the block."""
        return exactly(self._source, entry.offset, entry.size_bytes)

    def integers(self, entry: Entry) -> tuple[int, ...]:
        code = _INTEGERS.get(entry.type)
        if code is None or entry.count > _MAX_VALUES:
            raise Damaged("A TIFF tag has no whole numbers.", tag=entry.tag)
        return struct.unpack(f"{self.order}{entry.count}{code}", self.raw(entry))

    def integer(self, directory: Directory, tag: int, default: int) -> int:
        """First number of `tag`, or `default` where the tag is absent or empty."""
        entry = directory.entries.get(tag)
        if entry is None or entry.count == 0:
            return default
        return self.integers(entry)[0]

    def text(self, directory: Directory, tag: int) -> str:
        """`tag` as text up to its first NUL, stripped; "" where absent."""
        entry = directory.entries.get(tag)
        if entry is None or entry.count > 65_536:
            return ""
        return self.raw(entry).split(b"\0")[0].decode("utf-8", "replace").strip()

    def rational(self, directory: Directory, tag: int) -> float | None:
        entry = directory.entries.get(tag)
        if entry is None or entry.type != RATIONAL or entry.count == 0:
            return None
        over, under = struct.unpack(self.order + "II", self.raw(entry)[:8])
        return over / under if under else None
