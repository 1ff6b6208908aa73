"""Pictures that stand behind the first in one JPEG file: CIPA DC-007 multi-picture format.

Phones write depth maps and gain maps this way.
"""

from __future__ import annotations

import struct

from medstack.formats.contract import Damaged
from medstack.formats.jpeg.structure import APP2, Stream, walk
from medstack.formats.reading import exactly
from medstack.formats.tiffdir import TiffBlock
from medstack.kit.streams import MemorySource, Source

_SIGNATURE = b"MPF\0"
_ENTRIES = 0xB002
_ENTRY_BYTES = 16
_MAX_PICTURES = 64
_MAX_PADDING_BYTES = 65_536


def end_of_companions(source: Source, first: Stream) -> tuple[int, int]:
    """Where the last picture named by the MPF index of `first` ends, and how many there are.

    Raises Damaged where index and pictures do not match.
    """
    at, count = first.end, 0
    for start, end in sorted(_indexed(first)):
        if start < at or end > source.size or start - at > _MAX_PADDING_BYTES:
            raise Damaged("The index of further pictures does not match the file.", at=start)
        if exactly(source, at, start - at).strip(b"\0") or walk(source, start).end > end:
            raise Damaged("There is data between the pictures of the file.", at=at)
        at, count = end, count + 1
    return at, count


def _indexed(first: Stream) -> list[tuple[int, int]]:
    """Start and end of every picture but the first, as the MPF index tells."""
    for segment in first.segments:
        if segment.marker == APP2 and segment.payload.startswith(_SIGNATURE):
            base = segment.offset + len(_SIGNATURE)
            return [
                (base + offset, base + offset + size)
                for size, offset in _entries(segment.payload[len(_SIGNATURE) :])
                if offset
            ]
    return []


def _entries(block: bytes) -> list[tuple[int, int]]:
    tiff = TiffBlock(MemorySource(block))
    entry = tiff.directory(tiff.first_offset).entries.get(_ENTRIES)
    if entry is None or entry.size_bytes > _MAX_PICTURES * _ENTRY_BYTES:
        return []
    raw = tiff.raw(entry)
    return [
        struct.unpack(tiff.order + "II", raw[at + 4 : at + 12])
        for at in range(0, len(raw) - _ENTRY_BYTES + 1, _ENTRY_BYTES)
    ]
