"""What a DICOM header tells about the picture: when, with what, of which part, how fine.

Descriptions of study and series are clinical facts and go to `extra`; nothing of the
patient group is read here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from medstack.formats.contract import Damaged, FileMetadata, Instance
from medstack.formats.dicom.header import in_frame, items, number, whole, word
from medstack.formats.dicom.layout import Layout
from medstack.formats.embedded import maker_and_model
from medstack.formats.reading import damage

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from medstack.formats.dicom.pixels import Shape

_MM_PER_INCH = 25.4
_UID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))*\Z")
_UID_LENGTH = 64
_STAMPS = (
    ("AcquisitionDate", "AcquisitionTime"),
    ("ContentDate", "ContentTime"),
    ("SeriesDate", "SeriesTime"),
    ("StudyDate", "StudyTime"),
)
_WORDS = {
    "modality": "Modality",
    "studyDescription": "StudyDescription",
    "seriesDescription": "SeriesDescription",
    "protocolName": "ProtocolName",
    "photometricInterpretation": "PhotometricInterpretation",
    "viewPosition": "ViewPosition",
    "conversionType": "ConversionType",
    "encapsulatedMediaType": "MIMETypeOfEncapsulatedDocument",
    "lossyCompression": "LossyImageCompression",
}
_NUMBERS = {
    "sliceThicknessMm": "SliceThickness",
    "tubeVoltageKv": "KVP",
    "exposureMas": "Exposure",
    "seriesNumber": "SeriesNumber",
    "instanceNumber": "InstanceNumber",
}
_TEXTS = (
    *("StudyDescription", "SeriesDescription", "ProtocolName", "BodyPartExamined", "Modality"),
    *("PerformedProcedureStepDescription", "RequestedProcedureDescription", "ViewPosition"),
    *("AcquisitionDeviceProcessingDescription", "ContrastBolusAgent", "DocumentTitle"),
    *("ContentLabel", "ContentDescription", "ManufacturerModelName", "Manufacturer"),
)


def metadata_of(dataset: Dataset, layout: Layout, shape: Shape | None) -> FileMetadata:
    """The owner's FileMetadata. Raises Damaged for values that are none."""
    frame = shape.frames // 2 if shape else 0
    row_mm, column_mm = _spacing(dataset, frame)
    return FileMetadata(
        width_px=shape.columns if shape else None,
        height_px=shape.rows if shape else None,
        resolution_dpi=round(_MM_PER_INCH / column_mm, 2) if column_mm else None,
        captured_at=_captured_at(dataset),
        equipment=maker_and_model(
            word(dataset, "Manufacturer"), word(dataset, "ManufacturerModelName")
        ),
        body_part=_body_part(dataset, frame) or None,
        procedure=_first(
            dataset,
            "PerformedProcedureStepDescription",
            "RequestedProcedureDescription",
            "ProtocolName",
        )
        or None,
        extra=_extra(dataset, layout, shape, row_mm, column_mm),
    )


def _extra(
    dataset: Dataset,
    layout: Layout,
    shape: Shape | None,
    row_mm: float | None,
    column_mm: float | None,
) -> dict[str, str | int | float | bool]:
    from pydicom.uid import UID

    extra: dict[str, str | int | float | bool] = {
        "transferSyntax": UID(layout.transfer_syntax).name
    }
    sop_class = word(dataset, "SOPClassUID")
    if sop_class:
        extra["sopClass"] = UID(sop_class).name
    extra |= {name: text for name, key in _WORDS.items() if (text := word(dataset, key))}
    laterality = _first(dataset, "ImageLaterality", "Laterality")
    if laterality:
        extra["laterality"] = laterality
    for name, keyword in _NUMBERS.items():
        value = number(dataset, keyword)
        if value is not None:
            extra[name] = int(value) if value == int(value) else value
    if row_mm and column_mm:
        extra |= {"pixelSpacingRowMm": row_mm, "pixelSpacingColumnMm": column_mm}
    if shape is not None:
        extra |= {"frameCount": shape.frames, "bitsStored": shape.bits_stored}
    return extra


def _first(dataset: Dataset, *keywords: str) -> str:
    return next((text for keyword in keywords if (text := word(dataset, keyword))), "")


def _spacing(dataset: Dataset, frame: int) -> tuple[float | None, float | None]:
    """Row and column distance of pixels in mm, at the patient or at the detector."""
    measured = in_frame(dataset, "PixelMeasuresSequence", frame)
    for source, keyword in (
        (measured, "PixelSpacing"),
        (dataset, "ImagerPixelSpacing"),
        (dataset, "NominalScannedPixelSpacing"),
    ):
        with damage("The DICOM pixel spacing is not one."):
            value = source.get(keyword)
            pair = [float(v) for v in value] if value else []
        if len(pair) == 2 and all(0 < v < 1000 for v in pair):
            return pair[0], pair[1]
    return None, None


def _captured_at(dataset: Dataset) -> str | None:
    zone = word(dataset, "TimezoneOffsetFromUTC")
    stamp = word(dataset, "AcquisitionDateTime")
    match = re.match(r"(\d{8})(\d{6})?(?:\.\d+)?([+-]\d{4})?", stamp)
    if match:
        return _iso(match[1], match[2] or "", match[3] or zone)
    for date_keyword, time_keyword in _STAMPS:
        found = _iso(word(dataset, date_keyword), word(dataset, time_keyword), zone)
        if found:
            return found
    return None


def _iso(date: str, time: str, zone: str) -> str | None:
    """DA and TM (PS3.5 6.2), the older forms with dots and colons too, as ISO 8601."""
    day = re.match(r"(\d{4})\.?(0[1-9]|1[0-2])\.?(0[1-9]|[12]\d|3[01])\Z", date)
    if day is None:
        return None
    clock = re.match(r"([01]\d|2[0-3]):?([0-5]\d)?:?([0-5]\d)?", time)
    text = "-".join(day.groups())
    if clock is None:
        return text
    text += f"T{clock[1]}:{clock[2] or '00'}:{clock[3] or '00'}"
    offset = re.match(r"([+-])(\d{2})(\d{2})\Z", zone)
    return text + (f"{offset[1]}{offset[2]}:{offset[3]}" if offset else "")


def _body_part(dataset: Dataset, frame: int) -> str:
    """Tooth or structure where it is coded, else the region, else the examined part."""
    anatomy = in_frame(dataset, "FrameAnatomySequence", frame)
    for source in (dataset, anatomy):
        structures = items(source, "PrimaryAnatomicStructureSequence")
        regions = items(source, "AnatomicRegionSequence")
        names = [word(item, "CodeMeaning") for item in (*regions[:1], *structures)]
        named = [name for name in names if name]
        if named:
            return ", ".join(dict.fromkeys(named))[:200]
    return word(dataset, "BodyPartExamined")


def instance_of(dataset: Dataset) -> Instance | None:
    """Where the object belongs; None for one that does not say. Raises Damaged (UID syntax)."""
    uids = [word(dataset, f"{level}InstanceUID") for level in ("Study", "Series", "SOP")]
    for uid in uids:
        if uid and (len(uid) > _UID_LENGTH or not _UID.match(uid)):
            raise Damaged("A DICOM UID is not one.")
    if not all(uids):
        return None
    numbered = number(dataset, "InstanceNumber")
    return Instance(
        study_uid=uids[0],
        series_uid=uids[1],
        instance_uid=uids[2],
        number=None if numbered is None else whole(dataset, "InstanceNumber", 0),
        modality=word(dataset, "Modality"),
    )


def words_of(dataset: Dataset) -> str:
    """Descriptions and protocol names, one a line, and what a structured report says."""
    lines = [word(dataset, keyword) for keyword in _TEXTS]
    lines += [_body_part(dataset, 0), *_report_lines(dataset, 0)]
    return "\n".join(dict.fromkeys(line for line in lines if line))


def _report_lines(dataset: Dataset, depth: int) -> list[str]:
    """Text and coded content of an SR tree (PS3.3 C.17.3); names of persons are left out."""
    lines: list[str] = []
    if depth > 16:
        return lines
    for item in items(dataset, "ContentSequence"):
        concept = next((word(c, "CodeMeaning") for c in items(item, "ConceptNameCodeSequence")), "")
        coded = next((word(c, "CodeMeaning") for c in items(item, "ConceptCodeSequence")), "")
        said = word(item, "TextValue", limit=20_000) or coded
        if said:
            lines.append(f"{concept}: {said}" if concept else said)
        lines += _report_lines(item, depth + 1)
    return lines
