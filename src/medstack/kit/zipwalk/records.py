"""The fixed records of a ZIP, read from bytes. No judgement here, only layout.

Source: PKWARE APPNOTE 6.3.10, sections 4.3.7 to 4.3.16 and 4.5.3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

LOCAL = b"PK\x03\x04"
DESCRIPTOR = b"PK\x07\x08"
CENTRAL = b"PK\x01\x02"
END = b"PK\x05\x06"
END64 = b"PK\x06\x06"
LOCATOR64 = b"PK\x06\x07"

LOCAL_BYTES = 30
CENTRAL_BYTES = 46
END_BYTES = 22
END64_BYTES = 56
LOCATOR64_BYTES = 20

FULL16 = 0xFFFF
FULL32 = 0xFFFFFFFF

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64 = struct.Struct("<4sIQI")


class Malformed(ValueError):
    """A record that does not follow its layout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a local or a central header says, zip64 fields already applied."""

    flags: int
    method: int
    crc: int
    packed_bytes: int
    size: int
    name: bytes = field(repr=False)
    unicode_name: bytes | None = field(default=None, repr=False)  # extra field 0x7075
    header_at: int = 0
    mode: int = 0  # unix file mode, 0 where the maker was not a unix
    disk: int = 0
    header_bytes: int = 0  # the whole record
    is_zip64: bool = False

    @property
    def has_descriptor(self) -> bool:
        return bool(self.flags & 0x0008)

    @property
    def is_encrypted(self) -> bool:
        return bool(self.flags & 0x2041) or self.method == 99


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The end record; its zip64 sibling has the same fields."""

    disk: int
    directory_disk: int
    count_here: int
    count: int
    directory_bytes: int
    directory_at: int
    length: int  # of this record, comment included


def read_end(data: bytes) -> End:
    """data: from the signature on, at least END_BYTES."""
    _, disk, directory_disk, here, count, size, at, comment = _END.unpack_from(data)
    return End(
        disk=disk,
        directory_disk=directory_disk,
        count_here=here,
        count=count,
        directory_bytes=size,
        directory_at=at,
        length=END_BYTES + comment,
    )


def read_end64(data: bytes) -> End:
    """data: END64_BYTES from the signature on. Raises Malformed."""
    if len(data) < END64_BYTES or data[:4] != END64:
        raise Malformed
    _, size, _, _, disk, directory_disk, here, count, length, at = _END64.unpack_from(data)
    return End(
        disk=disk,
        directory_disk=directory_disk,
        count_here=here,
        count=count,
        directory_bytes=length,
        directory_at=at,
        length=size + 12,
    )


def read_locator64(data: bytes) -> int | None:
    """Where the zip64 end record says it is, or None if `data` is no locator."""
    if len(data) < LOCATOR64_BYTES or data[:4] != LOCATOR64:
        return None
    return int(_LOCATOR64.unpack_from(data)[2])


def read_central(data: bytes, at: int) -> Entry:
    """The central header at `at`. Raises Malformed."""
    if data[at : at + 4] != CENTRAL or len(data) < at + CENTRAL_BYTES:
        raise Malformed
    (
        _, made_by, _, flags, method, _, _, crc, packed, size,
        name_bytes, extra_bytes, comment_bytes, disk, _, attributes, header_at,
    ) = _CENTRAL.unpack_from(data, at)  # fmt: skip
    start = at + CENTRAL_BYTES
    end = start + name_bytes + extra_bytes + comment_bytes
    if end > len(data):
        raise Malformed
    name = data[start : start + name_bytes]
    extra = _extra(data[start + name_bytes : start + name_bytes + extra_bytes])
    wide = _Wide(extra.get(0x0001))
    size = wide.take(size, FULL32, 8)
    packed = wide.take(packed, FULL32, 8)
    header_at = wide.take(header_at, FULL32, 8)
    disk = wide.take(disk, FULL16, 4)
    return Entry(
        flags=flags,
        method=method,
        crc=crc,
        packed_bytes=packed,
        size=size,
        name=name,
        unicode_name=_unicode_name(extra),
        header_at=header_at,
        mode=attributes >> 16 if made_by >> 8 in (3, 19) else 0,
        disk=disk,
        header_bytes=end - at,
    )


def read_local(data: bytes) -> Entry:
    """The local header `data` starts with, name and extra field included. Raises Malformed."""
    if data[:4] != LOCAL or len(data) < LOCAL_BYTES:
        raise Malformed
    _, _, flags, method, _, _, crc, packed, size, name_bytes, extra_bytes = _LOCAL.unpack_from(data)
    end = LOCAL_BYTES + name_bytes + extra_bytes
    if end > len(data):
        raise Malformed
    extra = _extra(data[LOCAL_BYTES + name_bytes : end])
    is_zip64 = 0x0001 in extra
    wide = _Wide(extra.get(0x0001))
    size = wide.take(size, FULL32, 8)
    packed = wide.take(packed, FULL32, 8)
    return Entry(
        flags=flags,
        method=method,
        crc=crc,
        packed_bytes=packed,
        size=size,
        name=data[LOCAL_BYTES : LOCAL_BYTES + name_bytes],
        unicode_name=_unicode_name(extra),
        header_bytes=end,
        is_zip64=is_zip64,
    )


def local_bytes(data: bytes) -> int:
    """Length of the local header whose first LOCAL_BYTES are `data`. Raises Malformed."""
    if data[:4] != LOCAL or len(data) < LOCAL_BYTES:
        raise Malformed
    name_bytes, extra_bytes = struct.unpack_from("<2H", data, 26)
    return LOCAL_BYTES + int(name_bytes) + int(extra_bytes)


def descriptor_bytes(data: bytes, entry: Entry, *, prefer_wide: bool) -> int | None:
    """Length of the data descriptor at the start of `data` if it repeats `entry`'s values."""
    narrow = struct.pack("<I", entry.crc)
    layouts = ["<2Q", "<2I"] if prefer_wide else ["<2I", "<2Q"]
    for layout in layouts:
        if layout == "<2I" and max(entry.packed_bytes, entry.size) > FULL32:
            continue
        body = narrow + struct.pack(layout, entry.packed_bytes, entry.size)
        for told in (DESCRIPTOR + body, body):
            if data.startswith(told):
                return len(told)
    return None


def _extra(data: bytes) -> dict[int, bytes]:
    """Extra fields by id. Raises Malformed; a tail of zeros is padding some makers leave."""
    fields: dict[int, bytes] = {}
    at = 0
    while len(data) - at >= 4:
        kind, length = struct.unpack_from("<2H", data, at)
        if kind == 0 and length == 0 and not data[at:].strip(b"\0"):
            return fields
        at += 4
        if at + length > len(data) or (kind in fields and kind in (0x0001, 0x7075)):
            raise Malformed
        fields[kind] = data[at : at + length]
        at += length
    if data[at:].strip(b"\0"):
        raise Malformed
    return fields


def _unicode_name(extra: dict[int, bytes]) -> bytes | None:
    told = extra.get(0x7075)
    return told[5:] if told is not None and len(told) >= 5 else None


class _Wide:
    """Hands out the zip64 values in their order, one for each field that is full."""

    def __init__(self, data: bytes | None) -> None:
        self._data = data
        self._at = 0

    def take(self, value: int, full: int, width: int) -> int:
        if value != full or self._data is None:
            return value
        piece = self._data[self._at : self._at + width]
        if len(piece) < width:
            raise Malformed
        self._at += width
        return int.from_bytes(piece, "little")
