"""The marker segments of a JPEG stream, ITU-T T.81 Annex B, walked to its EOI.

Reads no coefficient. Everything between the markers is measured, nothing is trusted.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from medstack.formats.contract import Damaged
from medstack.formats.reading import exactly
from medstack.kit.streams import CHUNK_BYTES, Source

SOI, EOI, SOS, COM = 0xD8, 0xD9, 0xDA, 0xFE
APP0, APP1, APP2, APP13 = 0xE0, 0xE1, 0xE2, 0xED
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_MARKER_IN_SCAN = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One marker segment: where its payload starts and the payload."""

    marker: int
    offset: int
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the frame header says about the picture."""

    width_px: int
    height_px: int
    components: int
    is_progressive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One complete JPEG stream inside a source."""

    frame: Frame
    segments: tuple[Segment, ...]  # application and comment segments, in order
    end: int  # the byte after EOI


def walk(source: Source, start: int = 0) -> Stream:
    """Walk the stream that starts at `start`. Raises Damaged where it breaks or ends early."""
    if exactly(source, start, 2) != b"\xff\xd8":
        raise Damaged("The JPEG does not start with SOI.", at=start)
    frame: Frame | None = None
    kept: list[Segment] = []
    at = start + 2
    has_scan = False
    for segment in _segments(source, at):
        at = segment.offset
        if segment.marker == EOI:
            break
        if segment.marker in _FRAMES:
            if frame is not None:
                raise Damaged("The JPEG has two frame headers.", at=at)
            frame = _frame(segment)
        elif segment.marker == SOS:
            has_scan = True
        elif segment.marker == COM or APP0 <= segment.marker <= 0xEF:
            kept.append(segment)
    if frame is None or not has_scan:
        raise Damaged("The JPEG holds no picture.")
    return Stream(frame=frame, segments=tuple(kept), end=at)


def _segments(source: Source, at: int) -> Iterator[Segment]:
    """Every segment from `at` to EOI, entropy-coded data skipped; EOI's offset is its end."""
    while True:
        marker, at = _marker(source, at)
        if marker == EOI:
            yield Segment(marker=EOI, offset=at, payload=b"")
            return
        if marker in _ALONE:
            continue
        if marker == SOI or marker < 0xC0:
            raise Damaged("The JPEG has a marker out of place.", at=at, marker=marker)
        (length,) = struct.unpack(">H", exactly(source, at, 2))
        if length < 2:
            raise Damaged("A JPEG segment is shorter than its own length field.", at=at)
        yield Segment(marker=marker, offset=at + 2, payload=exactly(source, at + 2, length - 2))
        at += length
        if marker == SOS:
            at = _end_of_scan(source, at)


def _marker(source: Source, at: int) -> tuple[int, int]:
    """The marker at `at` and the byte after it. Fill bytes (B.1.1.2) are skipped."""
    if exactly(source, at, 1) != b"\xff":
        raise Damaged("A JPEG marker is missing.", at=at)
    while (code := exactly(source, at, 1)) == b"\xff":
        at += 1
    return code[0], at + 1


def _end_of_scan(source: Source, at: int) -> int:
    """Where the entropy-coded data ends: the first marker that is no restart."""
    while at < source.size:
        piece = source.read_at(at, CHUNK_BYTES)
        match = _MARKER_IN_SCAN.search(piece)
        if match:
            return at + match.start()
        at += max(1, len(piece.rstrip(b"\xff")))  # a marker may straddle two pieces
    raise Damaged("The JPEG ends inside its picture data.", size=source.size)


def _frame(segment: Segment) -> Frame:
    if len(segment.payload) < 6:
        raise Damaged("The JPEG frame header is too short.", at=segment.offset)
    _precision, height, width, components = struct.unpack(">BHHB", segment.payload[:6])
    return Frame(
        width_px=width,
        height_px=height,
        components=components,
        is_progressive=segment.marker in _PROGRESSIVE,
    )
