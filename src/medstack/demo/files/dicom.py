"""DICOM instances round invented pixels, with headers a device would write.

Sources: PS3.3 C.8.11 (DX, intra-oral), C.8.2.1 (CT), PS3.16 for coded anatomy.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray
from openjpeg.utils import encode_array
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, generate_uid

_IMPLEMENTATION = generate_uid(entropy_srcs=["medstack demonstration"])
_CLASSES = {
    "IO": "1.2.840.10008.5.1.4.1.1.1.3",  # Digital Intra-Oral X-Ray, for presentation
    "PX": "1.2.840.10008.5.1.4.1.1.1.1",  # Digital X-Ray, for presentation
    "CT": "1.2.840.10008.5.1.4.1.1.2",
}
_DEVICES = {  # maker, model, serial, kV, mA, ms
    "IO": ("Northlight Imaging", "Ray S2", "NS2-04417", 65, 7, 160),
    "PX": ("Northlight Imaging", "Orbit Pan", "OP-11820", 73, 12, 13900),
    "CT": ("Northlight Imaging", "Orbit Cone", "OC-00391", 90, 8, 12000),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom the header names."""

    patient_id: str
    family_name: str
    given_name: str
    birth_date: date
    sex: str  # F, M or O


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """One picture and where it belongs."""

    modality: str
    study: str  # any words that name the study; its UID comes from them
    series: str
    number: int
    taken_at: datetime
    description: str
    physician: str
    mm_per_px: float
    teeth: str = ""  # "16 15 14"
    side: str = ""  # R, L or ""
    is_annotated: bool = False  # text burned in
    is_compressed: bool = False  # JPEG 2000, lossless
    slice_mm: float = 0.0


def instance(pixels: NDArray[np.uint16] | NDArray[np.int16], of: Subject, by: Exposure) -> bytes:
    """A whole Part 10 file."""
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    _identify(made, of, by)
    _describe(made, by)
    _picture(made, pixels, by)
    made.file_meta = _meta(made)
    if by.is_compressed:
        _compress(made, pixels)
    target = io.BytesIO()
    dcmwrite(target, made, enforce_file_format=True)
    return target.getvalue()


def uid(*words: str | int) -> str:
    """A UID that depends on `words` and nothing else."""
    return str(generate_uid(entropy_srcs=[str(word) for word in words]))


def _identify(made: Dataset, of: Subject, by: Exposure) -> None:
    made.SOPClassUID = _CLASSES[by.modality]
    made.SOPInstanceUID = uid("instance", of.patient_id, by.study, by.series, by.number)
    made.StudyInstanceUID = uid("study", of.patient_id, by.study)
    made.SeriesInstanceUID = uid("series", of.patient_id, by.study, by.series)
    made.StudyID = f"{by.taken_at:%y%m%d}"
    made.AccessionNumber = f"A{by.taken_at:%y%m%d%H%M}"
    made.InstanceNumber = by.number
    made.SeriesNumber = {"IO": 1, "PX": 2, "CT": 3}[by.modality]
    made.PatientName = f"{of.family_name}^{of.given_name}"
    made.PatientID = of.patient_id
    made.PatientBirthDate = f"{of.birth_date:%Y%m%d}"
    made.PatientSex = of.sex
    made.PatientOrientation = ""
    for name in ("Study", "Series", "Acquisition", "Content"):
        setattr(made, f"{name}Date", f"{by.taken_at:%Y%m%d}")
        setattr(made, f"{name}Time", f"{by.taken_at:%H%M%S}")


def _describe(made: Dataset, by: Exposure) -> None:
    maker, model, serial, kilovolts, milliamperes, duration = _DEVICES[by.modality]
    made.Modality = by.modality
    made.Manufacturer = maker
    made.ManufacturerModelName = model
    made.DeviceSerialNumber = serial
    made.SoftwareVersions = "4.2"
    made.InstitutionName = "Harbour Street Dental"
    made.ReferringPhysicianName = by.physician
    made.StudyDescription = by.study
    made.SeriesDescription = by.description
    made.BodyPartExamined = "JAW"
    made.KVP = kilovolts
    made.XRayTubeCurrent = milliamperes
    made.ExposureTime = duration
    if by.teeth:
        made.ImageComments = f"Teeth {by.teeth}"
    if by.modality != "CT":
        made.PresentationIntentType = "FOR PRESENTATION"
        made.ImageLaterality = by.side or "B"
        region = Dataset()
        region.CodeValue, region.CodingSchemeDesignator = "661005", "SCT"
        region.CodeMeaning = "Jaw region"
        made.AnatomicRegionSequence = [region]


def _picture(made: Dataset, pixels: NDArray[np.generic], by: Exposure) -> None:
    is_signed = pixels.dtype == np.int16
    made.SamplesPerPixel = 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.Rows, made.Columns = pixels.shape
    made.BitsAllocated = 16
    made.BitsStored = 16 if is_signed else 12
    made.HighBit = made.BitsStored - 1
    made.PixelRepresentation = int(is_signed)
    made.PixelSpacing = [by.mm_per_px, by.mm_per_px]
    made.BurnedInAnnotation = "YES" if by.is_annotated else "NO"
    if by.modality == "CT":
        _place(made, by)
    else:
        made.ImageType = ["ORIGINAL", "PRIMARY", ""]
        made.ImagerPixelSpacing = [by.mm_per_px, by.mm_per_px]
        made.PixelIntensityRelationship, made.PixelIntensityRelationshipSign = "LOG", -1
        made.RescaleIntercept, made.RescaleSlope, made.RescaleType = 0, 1, "US"
        made.PresentationLUTShape = "IDENTITY"
        made.LossyImageCompression = "00"
        made.WindowCenter, made.WindowWidth = 2048, 4096
    made.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    made["PixelData"].VR = "OW"


def _place(made: Dataset, by: Exposure) -> None:
    """A CT slice's place in space: feet first upwards from the chin."""
    half = made.Columns * by.mm_per_px / 2
    made.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    made.FrameOfReferenceUID = uid("frame", made.StudyInstanceUID)
    made.PositionReferenceIndicator = ""
    made.PatientPosition = "HFS"
    made.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    made.ImagePositionPatient = [-half, -half, (by.number - 1) * by.slice_mm]
    made.SliceThickness = made.SpacingBetweenSlices = by.slice_mm
    made.RescaleIntercept, made.RescaleSlope, made.RescaleType = 0, 1, "HU"
    made.WindowCenter, made.WindowWidth = [550, 2000], [2800, 4000]
    made.WindowCenterWidthExplanation = ["BONE", "TEETH"]
    made.AcquisitionNumber = 1


def _compress(made: Dataset, pixels: NDArray[np.generic]) -> None:
    """JPEG 2000, reversible, one fragment."""
    stream = encode_array(pixels, bits_stored=made.BitsStored, use_mct=False)
    made.PixelData = encapsulate([stream])
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    made.file_meta.TransferSyntaxUID = JPEG2000Lossless


def _meta(made: Dataset) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = made.SOPClassUID
    meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = _IMPLEMENTATION
    meta.ImplementationVersionName = "MEDSTACK_DEMO"
    return meta
