"""One frame as a person expects to see it: modality values, window, polarity, colour.

PS3.3 C.11 (modality and VOI), C.7.6.3.1.2 (photometric interpretation), C.7.9 (palettes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medstack.formats.contract import Damaged
from medstack.formats.dicom import windows
from medstack.formats.dicom.codecs import Samples, makes_rgb
from medstack.formats.dicom.header import in_frame, items, number, whole, word
from medstack.formats.dicom.layout import Layout
from medstack.formats.dicom.pixels import Shape, pixel_element, samples_of
from medstack.formats.reading import damage

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_WINDOWS = {"LINEAR_EXACT": windows.linear_exact, "SIGMOID": windows.sigmoid}
_PALETTES = ("Red", "Green", "Blue")


def draw(dataset: Dataset, shape: Shape, layout: Layout) -> NDArray[np.uint8]:
    """The middle frame, (rows, columns) grey or (rows, columns, 3) RGB, 0 black to 255 white.

    Raises Damaged, Unrecognised.
    """
    frame = shape.frames // 2
    samples = samples_of(shape, layout, frame)
    if shape.samples >= 3:
        return _colour(samples, shape, layout)
    if shape.photometric == "PALETTE COLOR":
        return _palette(samples, dataset)
    return _grey(samples, dataset, shape, frame)


def _colour(samples: Samples, shape: Shape, layout: Layout) -> NDArray[np.uint8]:
    eight = _eight_bits(samples[..., :3], shape)
    element = pixel_element(layout)
    is_packed = element is not None and element.is_undefined
    is_rgb_already = is_packed and makes_rgb(layout.transfer_syntax)
    if shape.photometric.startswith("YBR_FULL") and not is_rgb_already:
        return _from_ybr(eight)
    return eight


def _eight_bits(samples: Samples, shape: Shape) -> NDArray[np.uint8]:
    spare = shape.bits_stored - 8
    shifted = samples >> spare if spare > 0 and samples.dtype.itemsize > 1 else samples
    return np.clip(shifted, 0, 255).astype(np.uint8)


def _from_ybr(ybr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Full-range CCIR 601 to RGB (PS3.3 C.7.6.3.1.2)."""
    y, cb, cr = (ybr[..., band].astype(np.float32) for band in range(3))
    cb, cr = cb - 128, cr - 128
    bands = (y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb)
    rgb = np.clip(np.rint(np.stack(bands, axis=-1)), 0, 255)
    return np.asarray(rgb, dtype=np.uint8)


def _palette(samples: Samples, dataset: Dataset) -> NDArray[np.uint8]:
    bands = [_lookup(samples, dataset, colour) for colour in _PALETTES]
    return np.stack(bands, axis=-1)


def _lookup(samples: Samples, dataset: Dataset, colour: str) -> NDArray[np.uint8]:
    """One colour of a palette, PS3.3 C.7.6.3.1.5 and .6."""
    keyword = f"{colour}PaletteColorLookupTable"
    with damage("The DICOM palette cannot be read."):
        length, first, bits = (int(v) for v in dataset[f"{keyword}Descriptor"].value)
        raw = dataset.get(f"{keyword}Data")
        if raw is None:
            raise Damaged("The DICOM palette is missing.")
        table = _table(bytes(raw), length or 65_536, bits, is_little=_is_little(dataset))
        index = np.clip(samples.astype(np.int64) - first, 0, table.size - 1)
        return np.asarray(table[index], np.uint8)


def _is_little(dataset: Dataset) -> bool:
    return dataset.original_encoding[1] is not False


def _table(raw: bytes, length: int, bits: int, *, is_little: bool) -> NDArray[np.uint8]:
    """Table entries as 8 bits; some writers store 8 bit entries one a byte, some one a word."""
    if len(raw) >= length * 2:
        words = np.frombuffer(raw[: length * 2], "<u2" if is_little else ">u2")
        deep = bits == 16 and words.max(initial=0) > 255
        return (words >> 8 if deep else words & 0xFF).astype(np.uint8)
    if len(raw) < length:
        raise Damaged("The DICOM palette is cut off.")
    return np.frombuffer(raw[:length], np.uint8)


def _grey(samples: Samples, dataset: Dataset, shape: Shape, frame: int) -> NDArray[np.uint8]:
    shown = _windowed(_modality(samples, dataset, frame), dataset, samples, frame)
    return np.subtract(255, shown) if shape.photometric == "MONOCHROME1" else shown


def _modality(samples: Samples, dataset: Dataset, frame: int) -> Samples:
    """Stored values to modality values: a table, or slope and intercept (C.11.1)."""
    tables = items(dataset, "ModalityLUTSequence")
    if tables and samples.dtype.kind in "ui":
        return _through_table(samples, tables[0])
    source = in_frame(dataset, "PixelValueTransformationSequence", frame)
    slope = number(source, "RescaleSlope")
    intercept = number(source, "RescaleIntercept")
    if slope in (None, 1.0, 0.0) and not intercept:
        return samples
    return np.asarray(samples.astype(np.float32) * (slope or 1.0) + (intercept or 0.0))


def _through_table(values: Samples, table: Dataset) -> Samples:
    with damage("A DICOM look-up table cannot be read."):
        length, first, bits = (int(v) for v in table["LUTDescriptor"].value)
        data: Any = table["LUTData"].value
        entries = np.frombuffer(data, "<u2") if isinstance(data, bytes) else np.asarray(data)
        entries = entries[: length or 65_536]
        index = np.clip(np.rint(values).astype(np.int64) - first, 0, entries.size - 1)
        return np.asarray(entries[index] / np.float32(2 ** min(max(bits, 1), 16) - 1))


def _windowed(values: Samples, dataset: Dataset, stored: Samples, frame: int) -> NDArray[np.uint8]:
    """Through the VOI table, the first window, or one found for the values (C.11.2)."""
    tables = items(dataset, "VOILUTSequence")
    if tables:
        shares = _through_table(values, tables[0])
        return np.asarray(np.rint(np.clip(shares, 0, 1) * 255), np.uint8)
    source = in_frame(dataset, "FrameVOILUTSequence", frame)
    center, width = number(source, "WindowCenter"), number(source, "WindowWidth")
    if center is None or width is None or width < 1:
        return windows.spread(_without_padding(values, stored, dataset))
    window = _WINDOWS.get(word(source, "VOILUTFunction"), windows.linear)
    return window(values, center=center, width=width)


def _without_padding(values: Samples, stored: Samples, dataset: Dataset) -> Samples:
    """Values with the padding outside the sensor set to the least real one."""
    if number(dataset, "PixelPaddingValue") is None:
        return values
    is_padding = stored == whole(dataset, "PixelPaddingValue", 0)
    if not is_padding.any() or is_padding.all():
        return values
    return np.asarray(np.where(is_padding, values[~is_padding].min(), values))
