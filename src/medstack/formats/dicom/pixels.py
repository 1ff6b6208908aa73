"""The pixel data of a DICOM file: is it all there, and what is in one frame of it.

PS3.3 C.7.6.3 for the description, PS3.5 8 and A.4 for the encodings. Sizes are compared
before anything is decoded, and only one frame is ever in memory.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medstack.formats.contract import Damaged, Excessive
from medstack.formats.dicom.codecs import Samples, decode, is_video
from medstack.formats.dicom.header import whole, word
from medstack.formats.dicom.layout import PIXEL_DATA, Element, Layout
from medstack.formats.reading import exactly, within_pixel_budget

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_FLOAT, _DOUBLE = 0x7FE00008, 0x7FE00009
_OFFSETS, _LENGTHS = 0x7FE00001, 0x7FE00002  # extended offset table
_MAX_FRAMES = 1_000_000
_PADDING_BYTES = 1024  # zeros some writers leave behind the last frame
_VOLUME_BUDGET = 16_000_000_000  # pixels of all frames of a compressed object
_CHROMA_HALVED = "YBR_FULL_422"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How the samples of one frame are described."""

    rows: int
    columns: int
    frames: int
    samples: int
    bits_allocated: int
    bits_stored: int
    is_signed: bool
    is_planar: bool
    photometric: str
    is_float: bool = False

    @property
    def stored_samples(self) -> int:
        """Samples of one uncompressed frame as stored."""
        count = self.rows * self.columns * self.samples
        return count * 2 // 3 if self.photometric == _CHROMA_HALVED else count


def shape_of(dataset: Dataset, layout: Layout) -> Shape | None:
    """What the header says about the pixels; None for an object without any.

    Raises Damaged where the header contradicts itself, Excessive beyond the pixel budget.
    """
    element = pixel_element(layout)
    if element is None:
        return None
    allocated = {_FLOAT: 32, _DOUBLE: 64}.get(element.tag) or whole(dataset, "BitsAllocated", 0)
    shape = Shape(
        rows=whole(dataset, "Rows", 0),
        columns=whole(dataset, "Columns", 0),
        frames=whole(dataset, "NumberOfFrames", 1),
        samples=whole(dataset, "SamplesPerPixel", 1),
        bits_allocated=allocated,
        bits_stored=whole(dataset, "BitsStored", allocated),
        is_signed=whole(dataset, "PixelRepresentation", 0) == 1,
        is_planar=whole(dataset, "PlanarConfiguration", 0) == 1,
        photometric=word(dataset, "PhotometricInterpretation") or "MONOCHROME2",
        is_float=element.tag != PIXEL_DATA,
    )
    _check(shape)
    return shape


def pixel_element(layout: Layout) -> Element | None:
    tags = (PIXEL_DATA, _FLOAT, _DOUBLE)
    return next((layout.elements[tag] for tag in tags if tag in layout.elements), None)


def _check(shape: Shape) -> None:
    within_pixel_budget(shape.columns, shape.rows)
    if not 1 <= shape.frames <= _MAX_FRAMES:
        raise Damaged("The DICOM header names no possible number of frames.", found=shape.frames)
    if shape.bits_allocated not in (1, 8, 16, 32, 64) or shape.samples not in (1, 3, 4):
        raise Damaged(
            "The DICOM header describes pixels that do not exist.",
            bits=shape.bits_allocated,
            samples=shape.samples,
        )
    if not 1 <= shape.bits_stored <= shape.bits_allocated:
        raise Damaged("The DICOM header stores more bits than it allocates.")
    volume = shape.rows * shape.columns * shape.frames
    if volume > _VOLUME_BUDGET:
        raise Excessive(
            f"The frames have {volume} pixels together; at most {_VOLUME_BUDGET} are taken.",
            rule="pixel-budget",
            limit=_VOLUME_BUDGET,
            found=volume,
        )


def check_length(shape: Shape, layout: Layout) -> None:
    """Is there as much pixel data as the header promises? Raises Damaged."""
    element = pixel_element(layout)
    if element is None or is_video(layout.transfer_syntax):
        return
    if element.is_undefined:
        frame_pieces(shape, layout, 0)
        return
    wanted = _native_bytes(shape)
    found = element.end - element.start
    surplus = found - wanted
    is_padding = 0 <= surplus <= _PADDING_BYTES and not exactly(
        layout.source, element.start + wanted, surplus
    ).strip(b"\0")
    if surplus not in (0, wanted % 2) and not is_padding:
        raise Damaged(
            "The DICOM pixel data is not as long as the header says.", wanted=wanted, found=found
        )


def _native_bytes(shape: Shape) -> int:
    return (shape.stored_samples * shape.frames * shape.bits_allocated + 7) // 8


def samples_of(shape: Shape, layout: Layout, frame: int) -> Samples:
    """One frame, number `frame` from 0, as stored: (rows, columns[, samples]).

    Raises Damaged, Unrecognised for an unknown packing.
    """
    element = pixel_element(layout)
    assert element is not None
    if not element.is_undefined:
        return _native(shape, layout, element, frame)
    pieces = frame_pieces(shape, layout, frame)
    stream = b"".join(exactly(layout.source, start, end - start) for start, end in pieces)
    decoded = decode(
        stream,
        layout.transfer_syntax,
        rows=shape.rows,
        columns=shape.columns,
        samples=shape.samples,
        bits=shape.bits_allocated,
        is_rgb=shape.photometric == "RGB",
    )
    return _signed(decoded, shape)


def _signed(decoded: Samples, shape: Shape) -> Samples:
    """Bits a codec took for unsigned, as the header's two's complement."""
    if not shape.is_signed or decoded.dtype.kind != "u":
        return decoded
    spare = decoded.dtype.itemsize * 8 - shape.bits_stored
    if spare < 0:
        raise Damaged("The compressed picture has more bits than the DICOM header says.")
    return (decoded << spare).view(f"i{decoded.dtype.itemsize}") >> spare


def _native(shape: Shape, layout: Layout, element: Element, frame: int) -> Samples:
    if shape.bits_allocated == 1:
        return _bits(shape, layout, element, frame)
    raw = _frame_bytes(shape, layout, element, frame)
    kind = "f" if shape.is_float else ("i" if shape.is_signed else "u")
    values = np.frombuffer(raw, f"{layout.encoding.order}{kind}{shape.bits_allocated // 8}")
    values = _stored_bits(values, shape)
    if shape.samples == 1:
        return values.reshape(shape.rows, shape.columns)
    if shape.photometric == _CHROMA_HALVED:
        return _spread_chroma(values, shape)
    if shape.is_planar:
        return values.reshape(shape.samples, shape.rows, shape.columns).transpose(1, 2, 0)
    return values.reshape(shape.rows, shape.columns, shape.samples)


def _frame_bytes(shape: Shape, layout: Layout, element: Element, frame: int) -> bytes:
    """The bytes of one frame; bytes kept in big-endian words (PS3.5 8.1.1) are put in order."""
    size = shape.stored_samples * shape.bits_allocated // 8
    at = frame * size
    if layout.encoding.is_little or shape.bits_allocated > 8 or element.vr != b"OW":
        return exactly(layout.source, element.start + at, size)
    first, last = at & ~1, (at + size + 1) & ~1
    words = np.frombuffer(exactly(layout.source, element.start + first, last - first), ">u2")
    return words.astype("<u2").tobytes()[at - first :][:size]


def _stored_bits(values: Samples, shape: Shape) -> Samples:
    """Without what older devices keep in the bits above BitsStored (overlays)."""
    spare = shape.bits_allocated - shape.bits_stored
    if not spare or shape.is_float:
        return values
    native = values.astype(values.dtype.newbyteorder("="))
    return (native << spare) >> spare


def _bits(shape: Shape, layout: Layout, element: Element, frame: int) -> Samples:
    """One bit a pixel, least significant first, frames not aligned to bytes."""
    count = shape.rows * shape.columns * shape.samples
    first = frame * count
    start, end = first // 8, (first + count + 7) // 8
    raw = exactly(layout.source, element.start + start, end - start)
    bits = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")
    return bits[first % 8 :][:count].reshape(shape.rows, shape.columns)


def _spread_chroma(values: Samples, shape: Shape) -> Samples:
    """YBR_FULL_422: Y1 Y2 Cb Cr for two pixels (PS3.3 C.7.6.3.1.2)."""
    if shape.columns % 2 or values.size % 4:
        raise Damaged("The halved colour of the DICOM picture does not fit its columns.")
    quads = values.reshape(-1, 4)
    pairs = quads[:, [0, 2, 3, 1, 2, 3]]
    return pairs.reshape(shape.rows, shape.columns, 3)


def frame_pieces(shape: Shape, layout: Layout, frame: int) -> list[tuple[int, int]]:
    """Start and end of every fragment of frame `frame` (PS3.5 A.4).

    Raises Damaged if the fragments cannot be told apart into the frames promised.
    """
    table, *pieces = layout.fragments or ((0, 0),)
    if len(pieces) < shape.frames:
        raise Damaged(
            "The DICOM file has fewer pictures than its header says.",
            wanted=shape.frames,
            found=len(pieces),
        )
    if shape.frames == 1:
        return pieces
    if len(pieces) == shape.frames:
        return [pieces[frame]]
    starts = _offset_table(layout, table, shape.frames) or _starts_by_end_marker(layout, pieces)
    if len(starts) != shape.frames:
        raise Damaged("The DICOM file does not say which fragments make a frame.")
    base = table[1]
    begin = base + starts[frame]
    end = base + starts[frame + 1] if frame + 1 < shape.frames else pieces[-1][1]
    return [piece for piece in pieces if begin <= piece[0] - 8 and piece[1] <= end]


def _offset_table(layout: Layout, basic: tuple[int, int], frames: int) -> list[int]:
    """Offsets of the frames' first items from the first byte behind the basic table."""
    extended = layout.elements.get(_OFFSETS)
    if extended is not None and extended.end - extended.start == frames * 8:
        raw = exactly(layout.source, extended.start, frames * 8)
        return list(struct.unpack(f"<{frames}Q", raw))
    if basic[1] - basic[0] == frames * 4:
        raw = exactly(layout.source, basic[0], frames * 4)
        return list(struct.unpack(f"<{frames}I", raw))
    return []


def _starts_by_end_marker(layout: Layout, pieces: list[tuple[int, int]]) -> list[int]:
    """Without a table: a frame ends with the fragment that ends with EOI."""
    base = pieces[0][0] - 8
    starts, is_first = [], True
    for start, end in pieces:
        if is_first:
            starts.append(start - 8 - base)
        tail = exactly(layout.source, max(start, end - 16), min(16, end - start))
        is_first = tail.rstrip(b"\0").endswith(b"\xff\xd9")
    return starts
