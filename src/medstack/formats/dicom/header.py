"""The data set before the pixels, as pydicom reads it, after the layout has been measured."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

from medstack.formats.contract import Damaged
from medstack.formats.dicom.layout import META_ENCODING, PIXEL_ELEMENTS, Encoding, Layout
from medstack.formats.reading import damage
from medstack.kit.streams import Source, file_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def read_header(source: Source, layout: Layout) -> Dataset:
    """Every element but the pixel data, nested ones too. Raises Damaged.

    source: the file; layout: what measure() made of it.
    """
    with damage("The DICOM header cannot be read."):
        dataset = _read(layout.source, layout.start, layout.source.size, layout.encoding)
        dataset.file_meta = _meta_of(_read(source, *layout.meta, META_ENCODING))
        return dataset


def _read(source: Source, start: int, end: int, encoding: Encoding) -> Dataset:
    from pydicom.filereader import read_dataset

    _quiet()
    file = file_of(source)
    file.seek(start)
    dataset = read_dataset(
        file,
        encoding.is_implicit,
        encoding.is_little,
        bytelength=end - start,
        stop_when=lambda tag, _vr, _length: int(tag) in PIXEL_ELEMENTS,
    )
    dataset.set_original_encoding(encoding.is_implicit, encoding.is_little, None)
    return dataset


def _meta_of(dataset: Dataset) -> Any:
    from pydicom.dataset import FileMetaDataset

    return FileMetaDataset(dataset)


@functools.cache
def _quiet() -> None:
    """Values that break their VR are the sender's; they are read, not complained about."""
    import pydicom.config

    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    pydicom.config.convert_wrong_length_to_UN = True


def word(dataset: Dataset, keyword: str, limit: int = 200) -> str:
    """The first value of `keyword` as one line of text, "" where absent or unreadable."""
    with damage("A DICOM value cannot be read."):
        value = dataset.get(keyword)
        if value is None:
            return ""
        if not isinstance(value, str) and hasattr(value, "__getitem__") and len(value):
            value = value[0]
        return " ".join(str(value).replace("\0", "").split())[:limit]


def number(dataset: Dataset, keyword: str) -> float | None:
    """The first value of `keyword` as a number, None where absent. Raises Damaged."""
    text = word(dataset, keyword)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError as cause:
        raise Damaged("A DICOM number is not one.", element=keyword) from cause
    if not math.isfinite(value):
        raise Damaged("A DICOM number is not finite.", element=keyword)
    return value


def whole(dataset: Dataset, keyword: str, default: int) -> int:
    """The first value of `keyword` as a whole number, `default` where absent. Raises Damaged."""
    value = number(dataset, keyword)
    return default if value is None else int(value)


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence, [] where absent."""
    with damage("A DICOM sequence cannot be read."):
        found = dataset.get(keyword)
        return list(found) if found is not None and hasattr(found, "__iter__") else []


def in_frame(dataset: Dataset, keyword: str, frame: int) -> Dataset:
    """The item of macro `keyword` that holds for `frame`, else the data set itself.

    PS3.3 C.7.6.16: per-frame groups win over shared ones.
    """
    frames = items(dataset, "PerFrameFunctionalGroupsSequence")
    groups = [*frames[frame : frame + 1], *items(dataset, "SharedFunctionalGroupsSequence")[:1]]
    for group in groups:
        macro = items(group, keyword)
        if macro:
            return macro[0]
    return dataset
