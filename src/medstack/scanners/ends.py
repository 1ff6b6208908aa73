"""Where a file ends by its own format's account, so that what stands behind it is looked at.

Only layouts that say so plainly; a file that breaks its layout has no end here (the format's
own module refuses it).
Sources: ITU-T T.81 annex B (JPEG); PNG 3rd edition 5.3; ISO 32000-1 7.5.5 (PDF); RIFF.
"""

from __future__ import annotations

import re

from medstack.kit.streams import CHUNK_BYTES, Source

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_PDF_TAIL_BYTES = 1024 * 1024


def logical_end(source: Source, kind: str) -> int:
    """Offset behind the last byte that belongs to the format; the size where we cannot say."""
    head = source.read_at(0, 16)
    if head.startswith(b"\xff\xd8\xff"):
        return _jpeg(source)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(source)
    if head.startswith(b"RIFF"):
        return min(source.size, 8 + int.from_bytes(head[4:8], "little"))
    if head.startswith(b"%PDF-") or kind == "pdf":
        return _pdf(source)
    return source.size


def _jpeg(source: Source) -> int:
    at = 2
    while True:
        head = source.read_at(at, 4)
        if len(head) < 4 or head[0] != 0xFF:
            return at + 2 if head[:2] == b"\xff\xd9" else source.size
        marker = head[1]
        if marker == 0xD9:
            return at + 2
        if marker in (0x01, 0xFF) or 0xD0 <= marker <= 0xD7:
            at += 1 if marker == 0xFF else 2
            continue
        at += 2 + int.from_bytes(head[2:4], "big")
        if marker == 0xDA:
            at = _next_marker(source, at)


def _next_marker(source: Source, at: int) -> int:
    """The first marker at or after `at` that is neither stuffing nor a restart."""
    while at < source.size:
        block = source.read_at(at, CHUNK_BYTES)
        match = _MARKER.search(block)
        if match is not None:
            return at + match.start()
        at += max(1, len(block) - 1)  # a marker may straddle two blocks
    return source.size


def _png(source: Source) -> int:
    at = 8
    while at + 8 <= source.size:
        head = source.read_at(at, 8)
        at += 12 + int.from_bytes(head[:4], "big")
        if head[4:8] == b"IEND":
            return min(at, source.size)
    return source.size


def _pdf(source: Source) -> int:
    start = max(0, source.size - _PDF_TAIL_BYTES)
    at = source.read_at(start, _PDF_TAIL_BYTES).rfind(b"%%EOF")
    return start + at + 5 if at >= 0 else source.size
