"""IPTC-IIM 4.2 inside Photoshop resource blocks: where a person is named.

Reports places, never values.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from medstack.formats.contract import IdentityMark
from medstack.formats.embedded import Embedded, unreadable

_PLACES = {
    5: ("title", "ObjectName"),
    25: ("keywords", "Keywords"),
    40: ("comment", "SpecialInstructions"),
    80: ("author", "By-line"),
    85: ("author", "By-lineTitle"),
    90: ("location", "City"),
    92: ("location", "Sub-location"),
    105: ("title", "Headline"),
    110: ("author", "Credit"),
    115: ("author", "Source"),
    116: ("copyright", "CopyrightNotice"),
    118: ("contact", "Contact"),
    120: ("description", "Caption-Abstract"),
    122: ("author", "Writer-Editor"),
}
_IPTC_RESOURCE = 0x0404


class _Broken(Exception):
    """The block's own lengths do not add up."""


def read_photoshop(block: bytes) -> Embedded:
    """Read the 8BIM resources that follow "Photoshop 3.0\\0" in APP13, or TIFF tag 34377."""
    try:
        blocks = [read_iptc(data) for kind, data in _resources(block) if kind == _IPTC_RESOURCE]
    except _Broken:
        return unreadable("IPTC")
    return Embedded(marks=tuple(mark for found in blocks for mark in found.marks))


def read_iptc(records: bytes) -> Embedded:
    """Read bare IIM records."""
    try:
        present = {number for number, value in _datasets(records) if value.strip(b"\0 \r\n")}
    except _Broken:
        return unreadable("IPTC")
    return Embedded(
        marks=tuple(
            IdentityMark(kind=kind, place=f"IPTC {name}")
            for number, (kind, name) in _PLACES.items()
            if number in present
        )
    )


def _resources(block: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while block[at : at + 4] == b"8BIM":
        name_bytes = (block[at + 6 : at + 7] or b"\0")[0]
        header = at + 6 + name_bytes + 1 + (name_bytes + 1) % 2
        if header + 4 > len(block):
            raise _Broken
        kind, length = struct.unpack(">H", block[at + 4 : at + 6])[0], block[header : header + 4]
        size = int.from_bytes(length, "big")
        if header + 4 + size > len(block):
            raise _Broken
        yield kind, block[header + 4 : header + 4 + size]
        at = header + 4 + size + size % 2


def _datasets(records: bytes) -> Iterator[tuple[int, bytes]]:
    """Record 2 (application) datasets; padding after the last is allowed."""
    at = 0
    while records[at : at + 1] == b"\x1c":
        if at + 5 > len(records):
            raise _Broken
        record, number, size = struct.unpack(">BBH", records[at + 1 : at + 5])
        if size & 0x8000 or at + 5 + size > len(records):
            raise _Broken
        if record == 2:
            yield number, records[at + 5 : at + 5 + size]
        at += 5 + size
