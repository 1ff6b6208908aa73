"""One compressed frame to samples: PS3.5 8.2, by imagecodecs.

The code stream's own size is compared with the header's before a decoder allocates by it.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from medstack.formats.contract import Damaged, Unrecognised
from medstack.formats.reading import damage

_RLE = "1.2.840.10008.1.2.5"
_JPEG_DCT = frozenset({"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"})
_JPEG_LOSSLESS = frozenset({"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"})
_JPEG_LS = frozenset({"1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"})
_JPEG_2000 = frozenset({f"1.2.840.10008.1.2.4.{n}" for n in (90, 91, 92, 93)})
_HTJ2K = frozenset({f"1.2.840.10008.1.2.4.{n}" for n in (201, 202, 203)})
_VIDEO = frozenset(
    {f"1.2.840.10008.1.2.4.{n}{part}" for n in range(100, 109) for part in ("", ".1")}
)
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
_RLE_HEADER_BYTES = 64
_RLE_SEGMENTS = 15

Samples = np.ndarray[Any, np.dtype[Any]]


def makes_rgb(transfer_syntax: str) -> bool:
    """decode() turns this packing's YCbCr into RGB itself."""
    return transfer_syntax in _JPEG_DCT


def is_video(transfer_syntax: str) -> bool:
    """MPEG-2, H.264 or HEVC inside DICOM: stored and served, not drawn."""
    return transfer_syntax in _VIDEO


def decode(
    stream: bytes, transfer_syntax: str, *, rows: int, columns: int, samples: int, bits: int,
    is_rgb: bool,
) -> Samples:  # fmt: skip
    """Decode one frame to (rows, columns) or (rows, columns, samples).

    bits: allocated for a sample; is_rgb: the header says the stream holds RGB, not YBR.
    JPEG's YCbCr comes back as RGB; other colour spaces as they are.
    Raises Damaged, or Unrecognised for a transfer syntax we have no decoder for.
    """
    if transfer_syntax == _RLE:
        return _run_lengths(stream, rows=rows, columns=columns, samples=samples, bits=bits)
    found = declared_size(stream)
    if found != (rows, columns, samples):
        raise Damaged("The compressed picture is not of the size the DICOM header says.")
    decoded = np.asarray(_decoder(stream, transfer_syntax, is_rgb=is_rgb))
    if decoded.size != rows * columns * samples:
        raise Damaged("The compressed picture has not as many samples as its header says.")
    return decoded.reshape((rows, columns, samples) if samples > 1 else (rows, columns))


def _decoder(stream: bytes, transfer_syntax: str, *, is_rgb: bool) -> Any:
    import imagecodecs

    with damage("The compressed DICOM picture cannot be decoded."):
        if transfer_syntax in _JPEG_DCT:
            stored = "RGB" if is_rgb and not _says_ycc(stream) else None
            return imagecodecs.jpeg_decode(stream, colorspace=stored, outcolorspace=stored)
        if transfer_syntax in _JPEG_LOSSLESS:
            return imagecodecs.ljpeg_decode(stream)
        if transfer_syntax in _JPEG_LS:
            return imagecodecs.jpegls_decode(stream)
        if transfer_syntax in _JPEG_2000:
            return imagecodecs.jpeg2k_decode(stream, numthreads=1)
        if transfer_syntax in _HTJ2K:
            return imagecodecs.htj2k_decode(stream)
    raise Unrecognised("The DICOM pixel data is packed in a way that is not taken.", kind="dicom")


def _says_ycc(stream: bytes) -> bool:
    """The stream itself says YCbCr: JFIF, or Adobe's marker with transform 1."""
    head = stream[:4096]
    adobe = head.find(b"\xff\xee\x00\x0eAdobe")
    if adobe >= 0:
        return head[adobe + 15 : adobe + 16] == b"\x01"
    return b"\xff\xe0\x00\x10JFIF\0" in head


def declared_size(stream: bytes) -> tuple[int, int, int]:
    """Rows, columns and components as the code stream itself says. Raises Damaged."""
    if stream.startswith(b"\xff\x4f\xff\x51"):
        return _size_of_j2k(stream)
    if stream.startswith(b"\0\0\0\x0cjP  "):  # a JP2 box file: not allowed, often seen
        at = stream.find(b"\xff\x4f\xff\x51")
        return _size_of_j2k(stream[at:]) if at >= 0 else (0, 0, 0)
    if stream.startswith(b"\xff\xd8"):
        return _size_of_jpeg(stream)
    raise Damaged("The compressed DICOM picture is none.")


def _size_of_j2k(stream: bytes) -> tuple[int, int, int]:
    """SIZ marker segment, ISO/IEC 15444-1 A.5.1."""
    if len(stream) < 42:
        raise Damaged("The compressed DICOM picture is cut off.")
    right, bottom, left, top = struct.unpack(">4I", stream[8:24])
    return bottom - top, right - left, int.from_bytes(stream[40:42], "big")


def _size_of_jpeg(stream: bytes) -> tuple[int, int, int]:
    """The frame header of a JPEG or JPEG-LS stream."""
    at = 2
    while at + 10 <= len(stream):
        if stream[at] != 0xFF:
            break
        marker = stream[at + 1]
        if marker in _JPEG_FRAMES:
            rows, columns, components = struct.unpack(">HHB", stream[at + 5 : at + 10])
            return rows, columns, components
        at += 1 if marker == 0xFF else 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
    raise Damaged("The compressed DICOM picture has no frame header.")


def _run_lengths(stream: bytes, *, rows: int, columns: int, samples: int, bits: int) -> Samples:
    """PS3.5 Annex G: one PackBits segment for each byte plane, high bytes first."""
    import imagecodecs

    width = bits // 8
    if len(stream) < _RLE_HEADER_BYTES:
        raise Damaged("The run-length header is cut off.")
    count, *offsets = struct.unpack("<16I", stream[:_RLE_HEADER_BYTES])
    if count != samples * width or not 1 <= count <= _RLE_SEGMENTS:
        raise Damaged("The run-length header has not one segment for each byte plane.")
    ends = [*offsets[1:count], len(stream)]
    planes = np.zeros((samples, width, rows * columns), np.uint8)
    for index, (start, end) in enumerate(zip(offsets[:count], ends, strict=True)):
        if not _RLE_HEADER_BYTES <= start <= end <= len(stream):
            raise Damaged("A run-length segment lies outside its frame.")
        with damage("A run-length segment is broken."):
            plane = np.frombuffer(imagecodecs.packbits_decode(stream[start:end]), np.uint8)
        if plane.size < rows * columns:
            raise Damaged("A run-length segment ends too early.")
        planes[index // width, width - 1 - index % width] = plane[: rows * columns]
    joined = np.ascontiguousarray(planes.transpose(2, 0, 1)).view(f"<u{width}")
    return joined.reshape((rows, columns, samples) if samples > 1 else (rows, columns))
