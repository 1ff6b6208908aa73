"""DICOM golden files: what sensors, panoramic units, cones, ultrasound and reports send."""

from __future__ import annotations

import io
import zlib
from typing import Any

import imagecodecs
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import dcmwrite, write_dataset
from pydicom.sequence import Sequence
from tests.golden.scenes import arch, quarters

CANARY = "Ptarmigan"
ROOT = "1.2.826.0.1.3680043.8.498.70"  # below pydicom's own example root
IMPLICIT, EXPLICIT, BIG = (f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".2"))
DEFLATED, JPEG, JPEG_LS = (f"1.2.840.10008.1.2{end}" for end in (".1.99", ".4.50", ".4.80"))
JPEG_LOSSLESS, J2K, RLE = (f"1.2.840.10008.1.2{end}" for end in (".4.70", ".4.90", ".5"))
INTRAORAL, PANORAMIC = "1.2.840.10008.5.1.4.1.1.1.3", "1.2.840.10008.5.1.4.1.1.1.1"
CT, ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1"
SECONDARY, TEXT_REPORT = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.88.11"
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"


def code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def patient(number: int, sop_class: str, modality: str) -> Dataset:
    """A data set with everybody named who can be."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, f"{ROOT}.1.1.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = f"{ROOT}.1", f"{ROOT}.1.{number % 3 + 1}"
    ds.StudyDate, ds.StudyTime = "20240311", "081500"
    ds.AcquisitionDate, ds.AcquisitionTime = "20240311", "083012.25"
    ds.TimezoneOffsetFromUTC = "+0100"
    ds.AccessionNumber, ds.Modality = "A-778", modality
    ds.Manufacturer, ds.ManufacturerModelName = "Synthetic", "Cone 9"
    ds.InstitutionName, ds.ReferringPhysicianName = "Practice " + CANARY, f"{CANARY}^Refers"
    ds.StudyDescription, ds.SeriesDescription = "Recall examination", "Right side"
    ds.ProtocolName = "Adult standard"
    ds.PatientName, ds.PatientID = f"{CANARY}^Lagopus^M", "P001234"
    ds.PatientBirthDate, ds.PatientSex, ds.PatientAddress = "19810704", "F", CANARY + " Lane 1"
    ds.DeviceSerialNumber = "SN-0042"
    ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = "17", 1, number
    return ds


def with_pixels(ds: Dataset, pixels: np.ndarray, photometric: str, **more: Any) -> Dataset:
    frames = more.get("NumberOfFrames", 1)
    ds.Rows, ds.Columns = pixels.shape[1:3] if frames > 1 else pixels.shape[:2]
    ds.SamplesPerPixel = 3 if pixels.shape[-1] == 3 else 1
    ds.PhotometricInterpretation = photometric
    bits = pixels.dtype.itemsize * 8
    ds.BitsAllocated, ds.BitsStored = bits, more.pop("BitsStored", bits)
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, int(pixels.dtype.kind == "i")
    if ds.SamplesPerPixel == 3:
        ds.PlanarConfiguration = 0
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    ds.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    ds["PixelData"].VR = "OW" if bits > 8 else "OB"
    return ds


def packed(ds: Dataset, *streams: bytes, fragments: int = 1, has_table: bool = True) -> Dataset:
    """`ds` with its pixel data encapsulated."""
    ds.PixelData = encapsulate(list(streams), fragments_per_frame=fragments, has_bot=has_table)
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return ds


def written(ds: Dataset, syntax: str, preamble: bytes = bytes(128)) -> bytes:
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.ImplementationClassUID = f"{ROOT}.0"
    ds.preamble = preamble
    buffer = io.BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


def radiograph(width: int = 48, height: int = 32) -> np.ndarray:
    return (arch(width, height) * 4095).astype(np.uint16)


def intraoral(number: int = 1) -> Dataset:
    """A bitewing as sensors store it: 12 of 16 bits, MONOCHROME1, teeth coded."""
    ds = patient(number, INTRAORAL, "IO")
    ds.BodyPartExamined, ds.ImageLaterality = "TOOTH", "R"
    ds.AnatomicRegionSequence = Sequence([code("39456-5", "SCT", "Jaw region")])
    ds.PrimaryAnatomicStructureSequence = Sequence(
        [code("T-54160", "SRT", "Tooth 16"), code("T-54170", "SRT", "Tooth 17")]
    )
    ds.ImagerPixelSpacing = [0.02, 0.02]
    ds.KVP, ds.BurnedInAnnotation = 65, "NO"
    inverted = 4095 - radiograph()
    return with_pixels(
        ds, inverted, "MONOCHROME1", BitsStored=12, WindowCenter=2048, WindowWidth=4096
    )


def slab(frames: int = 5) -> Dataset:
    """An enhanced multi-frame CT: windows, spacing and rescale in functional groups."""
    ds = patient(4, ENHANCED_CT, "CT")
    shared, measures, window, values = Dataset(), Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.4, 0.4], 0.4
    window.WindowCenter, window.WindowWidth = 300, 2000
    values.RescaleSlope, values.RescaleIntercept, values.RescaleType = 1, -1000, "HU"
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.FrameVOILUTSequence = Sequence([window])
    shared.PixelValueTransformationSequence = Sequence([values])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    volume = np.stack([np.roll(radiograph(24, 16), n, axis=1) for n in range(frames)])
    return with_pixels(ds, volume, "MONOCHROME2", BitsStored=12, NumberOfFrames=frames)


def cine(has_table: bool = True, fragments: int = 2) -> Dataset:
    """Three JPEG frames of two fragments each."""
    ds = patient(5, SECONDARY, "US")
    frames = [np.roll(quarters(32, 24), 8 * n, axis=1) for n in range(3)]
    with_pixels(ds, np.stack(frames), "YBR_FULL_422", NumberOfFrames=3)
    streams = [imagecodecs.jpeg_encode(f, level=90, subsampling="422") for f in frames]
    return packed(ds, *streams, fragments=fragments, has_table=has_table)


def report() -> Dataset:
    ds = patient(7, TEXT_REPORT, "SR")
    item = Dataset()
    item.RelationshipType, item.ValueType = "CONTAINS", "TEXT"
    item.ConceptNameCodeSequence = Sequence([code("121071", "DCM", "Finding")])
    item.TextValue = "Periapical radiolucency at the mesial root."
    ds.ContentSequence = Sequence([item])
    return ds


def palette() -> Dataset:
    ds = patient(8, SECONDARY, "US")
    with_pixels(ds, np.tile(np.arange(32, dtype=np.uint8), (24, 1)), "PALETTE COLOR")
    ramp = (np.arange(32, dtype="<u2") * 257 * 8).tobytes()
    for colour, table in (("Red", ramp), ("Green", bytes(64)), ("Blue", ramp[::-1])):
        setattr(ds, f"{colour}PaletteColorLookupTableDescriptor", [32, 0, 16])
        setattr(ds, f"{colour}PaletteColorLookupTableData", table)
    return ds


def document() -> Dataset:
    ds = patient(9, ENCAPSULATED_PDF, "DOC")
    ds.DocumentTitle, ds.MIMETypeOfEncapsulatedDocument = "Referral", "application/pdf"
    ds.EncapsulatedDocument = b"%PDF-1.4\n%%EOF\n\0"
    return ds


def swapped(ds: Dataset) -> Dataset:
    """Pixels in big-endian words; pydicom swaps every element but these."""
    ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
    return ds


def bare() -> bytes:
    """A data set as some bridges leave it: no preamble, no meta group."""
    ds = intraoral(10)
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, True
    write_dataset(buffer, ds)
    return bytes(buffer.getvalue())


def colour() -> Dataset:
    return with_pixels(patient(2, SECONDARY, "XC"), quarters(33, 20), "RGB")


def run_lengths(pixels: np.ndarray) -> bytes:
    """One RLE frame, PS3.5 Annex G."""
    planes = [pixels[..., n].tobytes() for n in range(pixels.shape[-1])]
    segments = [imagecodecs.packbits_encode(plane) for plane in planes]
    segments = [segment + b"\0" * (len(segment) % 2) for segment in segments]
    offsets = [64 + sum(map(len, segments[:n])) for n in range(len(segments))]
    header = np.array([len(segments), *offsets, *[0] * (15 - len(segments))], "<u4").tobytes()
    return header + b"".join(segments)


def single(ds: Dataset, stream: bytes) -> Dataset:
    return packed(ds, stream)


def files() -> dict[str, bytes]:
    grey = radiograph()
    lossless = with_pixels(patient(6, PANORAMIC, "PX"), grey, "MONOCHROME2", BitsStored=12)
    return {
        "bitewing.dcm": written(intraoral(), EXPLICIT),
        "implicit.dcm": written(intraoral(), IMPLICIT),
        "big-endian.dcm": written(swapped(intraoral()), BIG),
        "deflated.dcm": written(intraoral(), DEFLATED),
        "tiff-preamble.dcm": written(intraoral(), EXPLICIT, b"II*\0".ljust(128, b"\0")),
        "bare.dcm": bare(),
        "colour.dcm": written(colour(), EXPLICIT),
        "slab.dcm": written(slab(), EXPLICIT),
        "cine.dcm": written(cine(), JPEG),
        "cine-without-table.dcm": written(cine(has_table=False), JPEG),
        "j2k.dcm": written(single(lossless, imagecodecs.jpeg2k_encode(grey, level=0)), J2K),
        "jpeg-ls.dcm": written(single(lossless, imagecodecs.jpegls_encode(grey)), JPEG_LS),
        "jpeg-lossless.dcm": written(
            single(lossless, imagecodecs.ljpeg_encode(grey, bitspersample=16)), JPEG_LOSSLESS
        ),
        "rle.dcm": written(single(colour(), run_lengths(quarters(33, 20))), RLE),
        "palette.dcm": written(palette(), EXPLICIT),
        "report.dcm": written(report(), EXPLICIT),
        "document.dcm": written(document(), EXPLICIT),
    }


def inflated(content: bytes, body: bytes) -> bytes:
    """`content` (deflated) with another data set packed into it."""
    at = 132 + 12 + int.from_bytes(content[140:144], "little")
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return content[:at] + packer.compress(body) + packer.flush()
