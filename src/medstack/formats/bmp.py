"""BMP pictures of older imaging bridges: Windows DIB headers, versions 2 to 5.

Checked by its own header, decoded by Pillow (libvips has no BMP loader).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medstack.formats.contract import Damaged, FileMetadata, Inspection, Rendition
from medstack.formats.embedded import sane_dpi
from medstack.formats.pictures import renditions_of_array
from medstack.formats.reading import damage, exactly, within_pixel_budget
from medstack.kit.streams import Source, file_of

_HEADER_SIZES = frozenset({12, 40, 52, 56, 64, 108, 124})
_CORE_HEADER = 12
_PROFILE_HEADER = 124
_RGB, _RLE8, _RLE4, _BITFIELDS, _ALPHABITFIELDS = 0, 1, 2, 3, 6
_UNCOMPRESSED = frozenset({_RGB, _BITFIELDS, _ALPHABITFIELDS})
_INCHES_PER_METRE = 0.0254
_PADDING_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    width: int
    height: int
    bits: int
    compression: int
    dpi: float | None
    pixels_at: int
    end: int  # the byte after pixels and colour profile


class Bmp:
    """One uncompressed or run-length picture that ends where its headers say."""

    kind = "bmp"
    media_type = "image/bmp"
    extensions = ("bmp", "dib")

    def sniff(self, head: bytes, tail: bytes, size: int) -> bool:
        if len(head) < 26 or head[:2] != b"BM":
            return False
        pixels_at, header_size = struct.unpack("<II", head[10:18])
        return header_size in _HEADER_SIZES and 14 + header_size <= pixels_at <= size

    def inspect(self, source: Source) -> Inspection:
        header = _checked(source)
        _decoded(source)
        return Inspection(
            kind=self.kind,
            media_type=self.media_type,
            extension=self.extensions[0],
            metadata=FileMetadata(
                width_px=header.width,
                height_px=header.height,
                resolution_dpi=header.dpi,
                extra={"bitsPerPixel": header.bits},
            ),
        )

    def render(self, source: Source) -> tuple[Rendition, ...]:
        _checked(source)
        return renditions_of_array(_decoded(source))

    def text(self, source: Source) -> str:
        return ""


def _checked(source: Source) -> _Header:
    """The headers, true against the file's size."""
    header = _header(source)
    within_pixel_budget(header.width, header.height)
    if header.end > source.size:
        raise Damaged("The BMP ends inside its picture data.", end=header.end, size=source.size)
    trailing = source.size - header.end
    if trailing and (
        trailing > _PADDING_BYTES or exactly(source, header.end, trailing).strip(b"\0")
    ):
        raise Damaged("There is data after the end of the picture.", at=header.end)
    return header


def _header(source: Source) -> _Header:
    start = exactly(source, 0, 18)
    declared, pixels_at, size = struct.unpack("<2xI4xII", start)
    if start[:2] != b"BM" or size not in _HEADER_SIZES:
        raise Damaged("The BMP header is not one.")
    body = exactly(source, 14, size)
    if size == _CORE_HEADER:
        width, height, _planes, bits = struct.unpack("<HHHH", body[4:12])
        compression, data_bytes, per_metre = _RGB, 0, 0
    else:
        width, height, _planes, bits, compression, data_bytes, per_metre = struct.unpack(
            "<iiHHIIi", body[4:28]
        )
    if bits not in (1, 4, 8, 16, 24, 32) or pixels_at < 14 + size:
        raise Damaged("The BMP header contradicts itself.", bits=bits)
    height = abs(height)  # negative: rows run top to bottom
    if compression in _UNCOMPRESSED:
        data_bytes = (width * bits + 31) // 32 * 4 * height
    elif not data_bytes:
        data_bytes = declared - pixels_at
    end = max(pixels_at + data_bytes, _profile_end(body))
    return _Header(
        width=width,
        height=height,
        bits=bits,
        compression=compression,
        dpi=sane_dpi(per_metre * _INCHES_PER_METRE),
        pixels_at=pixels_at,
        end=end,
    )


def _profile_end(body: bytes) -> int:
    """Where an embedded colour profile of a version 5 header ends, 0 without one."""
    if len(body) < _PROFILE_HEADER or body[56:60] != b"DEBM":
        return 0
    offset, size = struct.unpack("<II", body[112:120])
    return int(14 + offset + size)


def _decoded(source: Source) -> NDArray[np.uint8]:
    """(rows, columns, 3) sRGB. Raises Damaged."""
    from PIL import BmpImagePlugin, Image

    Image.MAX_IMAGE_PIXELS = None  # our own budget has been checked
    with damage("The picture cannot be decoded to its end."):
        image = BmpImagePlugin.BmpImageFile(file_of(source))
        return np.asarray(image.convert("RGB"), dtype=np.uint8)


BMP = Bmp()
