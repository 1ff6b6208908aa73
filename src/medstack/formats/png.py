"""PNG pictures: ISO/IEC 15948 (third edition), every chunk's CRC checked.

Chunks are walked in pieces; text chunks are reported by their keyword, never by value.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from medstack.formats.contract import Damaged, FileMetadata, IdentityMark, Inspection, Rendition
from medstack.formats.embedded import Embedded, iso_stamp, merged, sane_dpi
from medstack.formats.exif import read_exif
from medstack.formats.pictures import decode_fully, renditions_of_source
from medstack.formats.reading import exactly, within_pixel_budget
from medstack.formats.xmp import read_xmp
from medstack.kit.streams import Source, chunks_of

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CRITICAL = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_KEPT = frozenset({b"IHDR", b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"pHYs", b"acTL"})
_KEPT_BYTES = 16 * 1024 * 1024
_MAX_CHUNKS = 1_000_000
_INCHES_PER_METRE = 0.0254
_BIT_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}

_XMP_KEYWORD = b"XML:com.adobe.xmp"
_RAW_PROFILES = (b"Raw profile type exif", b"Raw profile type iptc", b"Raw profile type xmp")
_KEYWORDS = {
    b"Author": "author",
    b"Copyright": "copyright",
    b"Title": "title",
    b"Description": "description",
    b"Comment": "comment",
    b"Source": "device-name",
}
_HARMLESS = frozenset({b"Software", b"Creation Time", b"Disclaimer", b"Warning", _XMP_KEYWORD})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    name: bytes
    offset: int  # of its data
    length: int


@dataclass(slots=True, kw_only=True)
class _Walk:
    """What the chunks say, gathered while they are walked."""

    width: int = 0
    height: int = 0
    bits: int = 0
    colour_type: int = 0
    dpi: float | None = None
    frames: int = 1
    blocks: list[Embedded] = field(default_factory=list)


class Png:
    """One picture (its default frame, where it is animated) from signature to IEND."""

    kind = "png"
    media_type = "image/png"
    extensions = ("png", "apng")

    def sniff(self, head: bytes, tail: bytes, size: int) -> bool:
        return head.startswith(_SIGNATURE)

    def inspect(self, source: Source) -> Inspection:
        walk = _walked(source)
        decode_fully(source, "pngload_source")
        embedded = merged(*walk.blocks)
        turned = embedded.orientation >= 5
        return Inspection(
            kind=self.kind,
            media_type=self.media_type,
            extension=self.extensions[0],
            metadata=FileMetadata(
                width_px=walk.height if turned else walk.width,
                height_px=walk.width if turned else walk.height,
                resolution_dpi=walk.dpi or embedded.resolution_dpi,
                captured_at=embedded.captured_at,
                equipment=embedded.equipment,
                extra={
                    "bitsPerSample": walk.bits,
                    "components": _CHANNELS[walk.colour_type],
                    **({"frameCount": walk.frames} if walk.frames > 1 else {}),
                },
            ),
            identity=embedded.marks,
        )

    def render(self, source: Source) -> tuple[Rendition, ...]:
        _walked(source)
        return renditions_of_source(source)

    def text(self, source: Source) -> str:
        return ""


def _walked(source: Source) -> _Walk:
    """Walk every chunk, check its CRC and the order of the critical ones."""
    walk = _Walk()
    previous = b""
    has_pixels = False
    for chunk in _chunks(source):
        name = chunk.name
        if (previous == b"") != (name == b"IHDR"):
            raise Damaged("The PNG header is missing or repeated.", at=chunk.offset)
        if name == b"IDAT" and has_pixels and previous != b"IDAT":
            raise Damaged("The PNG's picture data is interrupted.", at=chunk.offset)
        if not name[0] & 0x20 and name not in _CRITICAL:
            raise Damaged("The PNG needs a chunk nobody knows.", at=chunk.offset)
        has_pixels = has_pixels or name == b"IDAT"
        _take(walk, source, chunk)
        previous = name
    if previous != b"IEND" or not has_pixels:
        raise Damaged("The PNG ends too early.", size=source.size)
    return walk


def _chunks(source: Source) -> Iterator[_Chunk]:
    """Every chunk up to IEND, which must be the end of the file."""
    if exactly(source, 0, 8) != _SIGNATURE:
        raise Damaged("The PNG signature is not one.")
    at = 8
    for _ in range(_MAX_CHUNKS):
        length, name = struct.unpack(">I4s", exactly(source, at, 8))
        if not name.isalpha():
            raise Damaged("A PNG chunk has no name.", at=at)
        if at + 12 + length > source.size:
            raise Damaged("A PNG chunk reaches beyond the file.", at=at, size=source.size)
        _check_crc(source, at, length)
        yield _Chunk(name=name, offset=at + 8, length=length)
        at += 12 + length
        if name == b"IEND":
            if at != source.size:
                raise Damaged("There is data after the end of the picture.", at=at)
            return
    raise Damaged("The PNG has too many chunks.", found=_MAX_CHUNKS)


def _check_crc(source: Source, at: int, length: int) -> None:
    crc = 0
    for piece in chunks_of(source, at + 4, at + 8 + length):
        crc = zlib.crc32(piece, crc)
    if crc != int.from_bytes(exactly(source, at + 8 + length, 4), "big"):
        raise Damaged("A PNG chunk fails its checksum.", at=at)


def _take(walk: _Walk, source: Source, chunk: _Chunk) -> None:
    """Learn from one chunk what the inspection wants to know."""
    if chunk.name not in _KEPT or chunk.length > _KEPT_BYTES:
        return
    data = exactly(source, chunk.offset, chunk.length)
    if chunk.name == b"IHDR":
        _take_header(walk, data)
    elif chunk.name == b"pHYs" and len(data) == 9 and data[8] == 1:
        walk.dpi = sane_dpi(int.from_bytes(data[:4], "big") * _INCHES_PER_METRE)
    elif chunk.name == b"acTL" and len(data) == 8:
        walk.frames = int.from_bytes(data[:4], "big")
    elif chunk.name == b"eXIf":
        walk.blocks.append(read_exif(data))
    elif chunk.name in (b"tEXt", b"zTXt", b"iTXt"):
        walk.blocks.append(_text_chunk(chunk.name, data))


def _take_header(walk: _Walk, data: bytes) -> None:
    if len(data) != 13:
        raise Damaged("The PNG header has a wrong length.")
    walk.width, walk.height, walk.bits, walk.colour_type = struct.unpack(">IIBB", data[:10])
    if walk.bits not in _BIT_DEPTHS.get(walk.colour_type, ()):
        raise Damaged("The PNG header names a pixel that does not exist.", bits=walk.bits)
    within_pixel_budget(walk.width, walk.height)


def _text_chunk(name: bytes, data: bytes) -> Embedded:
    keyword, _, rest = data.partition(b"\0")
    if keyword == _XMP_KEYWORD and name == b"iTXt":
        return read_xmp(_international_text(rest))
    stamp = None
    if keyword == b"Creation Time" and name == b"tEXt":
        stamp = iso_stamp(rest.decode("latin-1"))
    if keyword in _HARMLESS or not rest.strip(b"\0 "):
        return Embedded(captured_at=stamp)
    known = keyword in _KEYWORDS or keyword in _RAW_PROFILES
    place = f"PNG {keyword.decode('ascii')}" if known else "PNG text"
    kind = _KEYWORDS.get(keyword, "unreadable" if keyword in _RAW_PROFILES else "comment")
    return Embedded(marks=(IdentityMark(kind=kind, place=place),))


def _international_text(rest: bytes) -> bytes:
    """The text of an iTXt chunk after its keyword, unpacked up to the kept size."""
    is_packed, packed = rest[:1] == b"\x01", rest[2:]
    text = packed.partition(b"\0")[2].partition(b"\0")[2]
    if not is_packed:
        return text
    try:
        return zlib.decompressobj().decompress(text, _KEPT_BYTES)
    except zlib.error:
        return b""


PNG = Png()
