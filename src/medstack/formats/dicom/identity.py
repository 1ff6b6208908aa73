"""Where a DICOM header names a person, and whom it names.

Places follow PS3.15 Table E.1-1: the whole patient group, every person's name wherever it
is nested, and the attributes below. Marks carry a place, never a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from medstack.formats.contract import ClaimedPatient, IdentityMark
from medstack.formats.dicom.header import word
from medstack.formats.reading import damage

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

_PATIENT_GROUP = 0x0010
_PATIENT_KINDS = {
    0x00100010: "person-name",
    0x00100020: "patient-id",
    0x00100021: "patient-id",
    0x00100030: "birth-date",
    0x00100032: "birth-date",
    0x00100040: "sex",
    0x00101000: "patient-id",
    0x00101001: "person-name",
    0x00101005: "person-name",
    0x00101010: "age",
    0x00101020: "body-size",
    0x00101030: "body-size",
    0x00101040: "address",
    0x00101060: "person-name",
    0x00102154: "contact",
    0x00102155: "contact",
    0x00102160: "ethnicity",
    0x00104000: "comment",
}
_KINDS = {
    0x00080050: "accession-number",
    0x00080080: "institution",
    0x00080081: "address",
    0x00080090: "person-name",
    0x00080092: "address",
    0x00080094: "contact",
    0x00081010: "station",
    0x00081040: "institution",
    0x00081048: "person-name",
    0x00081050: "person-name",
    0x00081060: "person-name",
    0x00081070: "person-name",
    0x00081080: "diagnosis",
    0x00181000: "device-serial",
    0x00181002: "device-serial",
    0x00181004: "device-serial",
    0x00181007: "device-serial",
    0x00184000: "comment",
    0x00189074: "person-name",
    0x00200010: "study-id",
    0x00204000: "comment",
    0x00321032: "person-name",
    0x00321033: "institution",
    0x00324000: "comment",
    0x00380010: "admission-id",
    0x00380060: "admission-id",
    0x00380300: "location",
    0x00380400: "location",
    0x00380500: "patient-state",
    0x00384000: "comment",
    0x00400006: "person-name",
    0x00400010: "station",
    0x00400011: "location",
    0x00400241: "station",
    0x00400242: "station",
    0x00400243: "location",
    0x00400253: "accession-number",
    0x00400280: "comment",
    0x00401001: "accession-number",
    0x00401010: "person-name",
    0x00401400: "comment",
    0x00402008: "person-name",
    0x00402009: "institution",
    0x00402010: "contact",
    0x00402016: "accession-number",
    0x00402017: "accession-number",
    0x00402400: "comment",
    0x00404037: "person-name",
    0x0040A075: "person-name",
    0x0040A123: "person-name",
    0x00700084: "person-name",
    0x04000564: "person-name",
}
_MAX_DEPTH = 16
_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})\Z")


def marks_of(dataset: Dataset, *, has_overlay: bool) -> tuple[IdentityMark, ...]:
    """Every place that names somebody, each once, in tag order; nested ones too."""
    found = list(_walk(dataset, 0))
    if word(dataset, "BurnedInAnnotation").upper() == "YES":
        found.append(IdentityMark(kind="burned-in-text", place="DICOM pixel data"))
    if word(dataset, "RecognizableVisualFeatures").upper() == "YES":
        found.append(IdentityMark(kind="face", place="DICOM pixel data"))
    if has_overlay:
        found.append(IdentityMark(kind="overlay", place="DICOM (60xx,3000)"))
    return tuple(dict.fromkeys(found))


def _walk(dataset: Dataset, depth: int) -> Iterator[IdentityMark]:
    with damage("A DICOM element cannot be read."):
        elements = list(dataset)
    for element in elements:
        if element.VR == "SQ":
            if depth < _MAX_DEPTH:
                for item in element.value or ():
                    yield from _walk(item, depth + 1)
        elif not _is_empty(element):
            kind, place = _kind(element)
            if kind:
                yield IdentityMark(kind=kind, place=place)


def _kind(element: DataElement) -> tuple[str, str]:
    tag = int(element.tag)
    place = f"DICOM ({tag >> 16:04X},{tag & 0xFFFF:04X})"
    if tag >> 16 == _PATIENT_GROUP:
        return _PATIENT_KINDS.get(tag, "patient-attribute"), place
    if (tag >> 16) % 2:
        return "private-attribute", f"DICOM ({tag >> 16:04X},xxxx)"
    return _KINDS.get(tag, "person-name" if element.VR == "PN" else ""), place


def _is_empty(element: DataElement) -> bool:
    return element.value is None or not str(element.value).strip("\0 ^")


def claimed_of(dataset: Dataset) -> ClaimedPatient | None:
    """The patient the header names; None where it names none at all."""
    name = word(dataset, "PatientName").split("=")[0]  # alphabetic group, PS3.5 6.2.1
    family, _, rest = name.partition("^")
    claimed = ClaimedPatient(
        family_name=family.strip(),
        given_name=rest.partition("^")[0].strip(),
        birth_date=_birth_date(word(dataset, "PatientBirthDate")),
        patient_id=word(dataset, "PatientID"),
    )
    return claimed if claimed != ClaimedPatient() else None


def _birth_date(text: str) -> str:
    match = _DATE.match(text)
    return "-".join(match.groups()) if match else ""
