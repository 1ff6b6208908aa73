"""The directory Samsung cameras append to every JPEG: "SEFH … SEFT".

No standard allows it, millions of phones write it. Taken only where its own directory explains
every byte behind the picture; what the blocks hold is not read, so it may name anybody.
"""

from __future__ import annotations

import struct

from medstack.formats.contract import Damaged, IdentityMark
from medstack.formats.reading import exactly
from medstack.kit.streams import Source

_END, _START = b"SEFT", b"SEFH"
_ENTRY_BYTES = 12
_MAX_ENTRIES = 256
_FILM = b"MotionPhoto"


def marks_of_trailer(source: Source, start: int) -> tuple[IdentityMark, ...] | None:
    """Marks of the directory that fills the file from `start`; None where there is none.

    Raises Damaged if there is one and it does not explain every byte.
    """
    if source.size - start < 20 or exactly(source, source.size - 4, 4) != _END:
        return None
    (length,) = struct.unpack("<I", exactly(source, source.size - 8, 4))
    at = source.size - 8 - length
    if at < start or length < _ENTRY_BYTES or exactly(source, at, 4) != _START:
        raise Damaged("The camera's directory behind the picture is broken.", at=start)
    holds_film = _check_blocks(source, at, length, start)
    kind = "embedded-film" if holds_film else "unreadable"
    return (IdentityMark(kind=kind, place="JPEG camera directory"),)


def _check_blocks(source: Source, at: int, length: int, start: int) -> bool:
    """Do the blocks tile [start, at)? Returns whether one of them is a film."""
    (count,) = struct.unpack("<8xI", exactly(source, at, 12))
    if count > _MAX_ENTRIES or 12 + count * _ENTRY_BYTES > length:
        raise Damaged("The camera's directory behind the picture is broken.", at=at)
    entries = exactly(source, at + 12, count * _ENTRY_BYTES)
    blocks = sorted(
        (at - back, size, kind) for kind, back, size in struct.iter_unpack("<2xHII", entries)
    )
    holds_film = False
    for offset, size, kind in blocks:
        if offset != start or size < 8 or offset + size > at:
            raise Damaged("There is data the camera's directory does not know.", at=start)
        inner, name_bytes = struct.unpack("<2xHI", exactly(source, offset, 8))
        if inner != kind or name_bytes > size - 8:
            raise Damaged("The camera's directory behind the picture is broken.", at=offset)
        holds_film |= exactly(source, offset + 8, min(name_bytes, 32)).startswith(_FILM)
        start = offset + size
    if start != at:
        raise Damaged("There is data the camera's directory does not know.", at=start)
    return holds_film
