"""DICOM Part 10 files, and bare data sets that are clearly DICOM: PS3.3, PS3.5, PS3.10.

Header and pixel length are checked for the whole file; one frame, the middle one, is decoded
for validation and drawn for the preview. Original bytes are the record.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from medstack.formats.contract import TEXT_CAP, Damaged, Inspection, Rendition, Unrecognised
from medstack.formats.dicom.codecs import is_video
from medstack.formats.dicom.facts import instance_of, metadata_of, words_of
from medstack.formats.dicom.header import read_header, word
from medstack.formats.dicom.identity import claimed_of, marks_of
from medstack.formats.dicom.layout import VRS, Layout, measure
from medstack.formats.dicom.pixels import Shape, check_length, shape_of
from medstack.formats.pictures import renditions_of_array
from medstack.kit.streams import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

_DIRECTORY_CLASS = "1.2.840.10008.1.3.10"
_BARE_ELEMENTS = 3
_SUBSTANCE = {  # by a part of the SOP class's name
    "Image Storage": "PixelData",
    "Encapsulated": "EncapsulatedDocument",
    "SR Storage": "ContentSequence",
    "RT Plan Storage": "FractionGroupSequence",
    "RT Structure Set Storage": "StructureSetROISequence",
    "Waveform Storage": "WaveformSequence",
}


class Dicom:
    """One object: image, multi-frame image, report, plan or encapsulated document."""

    kind = "dicom"
    media_type = "application/dicom"
    extensions = ("dcm", "dicom", "dic", "ima")

    def sniff(self, head: bytes, tail: bytes, size: int) -> bool:
        return head[128:132] == b"DICM" or _is_bare(head, size)

    def inspect(self, source: Source) -> Inspection:
        layout, dataset, shape = _read(source)
        _draw(dataset, shape, layout)
        has_overlay = any(0x6000 <= tag >> 16 <= 0x601E for tag in layout.elements)
        return Inspection(
            kind=self.kind,
            media_type=self.media_type,
            extension=self.extensions[0],
            metadata=metadata_of(dataset, layout, shape),
            identity=marks_of(dataset, has_overlay=has_overlay),
            claimed=claimed_of(dataset),
            instance=instance_of(dataset),
        )

    def render(self, source: Source) -> tuple[Rendition, ...]:
        layout, dataset, shape = _read(source)
        pixels = _draw(dataset, shape, layout)
        return () if pixels is None else renditions_of_array(pixels)

    def text(self, source: Source) -> str:
        _layout, dataset, _shape = _read(source)
        return words_of(dataset)[:TEXT_CAP]


def _read(source: Source) -> tuple[Layout, Dataset, Shape | None]:
    """Layout, header and pixel description, true against each other and the file."""
    layout = measure(source)
    dataset = read_header(source, layout)
    if word(dataset.file_meta, "MediaStorageSOPClassUID") == _DIRECTORY_CLASS:
        raise Unrecognised("An index of a DICOM disc holds no record itself.", kind="dicomdir")
    shape = shape_of(dataset, layout)
    if shape is not None:
        check_length(shape, layout)
    else:
        _check_substance(dataset)
    return layout, dataset, shape


def _check_substance(dataset: Dataset) -> None:
    """A data set has no end mark: one cut between two elements lacks what its class is for."""
    from pydicom.uid import UID

    sop_class = word(dataset, "SOPClassUID") or word(dataset.file_meta, "MediaStorageSOPClassUID")
    name = UID(sop_class).name
    for part, keyword in _SUBSTANCE.items():
        if part in name and keyword not in dataset:
            raise Damaged("The DICOM object lacks the content its class is for.", element=keyword)


def _draw(dataset: Dataset, shape: Shape | None, layout: Layout) -> NDArray[np.uint8] | None:
    """The middle frame; None for what has no picture or holds a video."""
    if shape is None or is_video(layout.transfer_syntax):
        return None
    from medstack.formats.dicom.picture import draw

    return draw(dataset, shape, layout)


def _is_bare(head: bytes, size: int) -> bool:
    """A data set without preamble: elements of group 0008 or 0002 in order, from byte 0."""
    for order in ("<", ">"):
        for is_implicit in (False, True):
            if _starts_in_order(head, size, order, is_implicit=is_implicit):
                return True
    return False


def _starts_in_order(head: bytes, size: int, order: str, *, is_implicit: bool) -> bool:
    at, previous, seen = 0, 0, 0
    while seen < _BARE_ELEMENTS and at + 12 <= len(head):
        group, number = struct.unpack(order + "HH", head[at : at + 4])
        tag = group << 16 | number
        if group not in (0x0002, 0x0008) or tag <= previous:
            return False
        if is_implicit:
            length, value_at = struct.unpack(order + "I", head[at + 4 : at + 8])[0], at + 8
        else:
            vr = head[at + 4 : at + 6]
            if vr not in VRS:
                return False
            is_long = vr in (b"OB", b"SQ", b"UN", b"UT", b"UC")
            field = head[at + 8 : at + 12] if is_long else head[at + 6 : at + 8]
            length = struct.unpack(order + ("I" if is_long else "H"), field)[0]
            value_at = at + (12 if is_long else 8)
        if length % 2 or value_at + length > size:
            return False
        at, previous, seen = value_at + length, tag, seen + 1
    return seen == _BARE_ELEMENTS


DICOM = Dicom()
