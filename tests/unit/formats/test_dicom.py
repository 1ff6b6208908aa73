"""DICOM: measured before it is read, drawn as a person expects, naming places not people."""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from tests.golden.dicom import make
from tests.golden.scenes import quarters

from medstack.formats.contract import (
    Ambiguous,
    ClaimedPatient,
    Damaged,
    Excessive,
    Inspection,
    Unrecognised,
)
from medstack.formats.dicom import DICOM
from medstack.formats.dicom.layout import measure
from medstack.formats.sniffing import identify
from medstack.kit.errors import Problem
from medstack.kit.streams import MemorySource

FILES = make.files()
BUNDLED = Path(pydicom.__file__).parent / "data" / "test_files"  # nothing is fetched
BITEWINGS = ["bitewing", "implicit", "big-endian", "deflated", "tiff-preamble", "bare"]
REFUSED_BUNDLED = {
    "MR_truncated.dcm": Damaged,
    "rtplan_truncated.dcm": Damaged,
    "no_meta.dcm": Damaged,  # a stray byte before the first element
    "badVR.dcm": Damaged,  # NumberOfFrames is "1A"
    "meta_missing_tsyntax.dcm": Damaged,  # pixel data without rows and columns
    "nested_priv_SQ.dcm": Damaged,  # the same
    "priv_SQ.dcm": Damaged,  # an image class without pixel data, as the next two
    "UN_sequence.dcm": Damaged,
    "no_meta_group_length.dcm": Damaged,
    "JPEG2000-embedded-sequence-delimiter.dcm": Damaged,  # 3.7 billion columns in the stream
}


def inspect(content: bytes) -> Inspection:
    return DICOM.inspect(MemorySource(content))


def preview(content: bytes, mode: str = "L") -> np.ndarray:
    _, drawn = DICOM.render(MemorySource(content))
    return np.asarray(Image.open(io.BytesIO(drawn.data)).convert(mode)).astype(int)


def likeness(drawn: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(drawn - expected.astype(int)).mean())


@pytest.mark.parametrize("name", BITEWINGS)
def test_every_encoding_of_one_object_tells_the_same(name: str) -> None:
    found = inspect(FILES[f"{name}.dcm"])
    metadata = found.metadata
    assert (metadata.width_px, metadata.height_px) == (48, 32)
    assert metadata.captured_at == "2024-03-11T08:30:12+01:00"
    assert metadata.equipment == "Synthetic Cone 9"
    assert metadata.body_part == "Jaw region, Tooth 16, Tooth 17"
    assert metadata.procedure == "Adult standard"
    assert metadata.resolution_dpi == 1270
    assert metadata.extra["modality"] == "IO"
    assert metadata.extra["laterality"] == "R"
    assert metadata.extra["studyDescription"] == "Recall examination"
    assert metadata.extra["pixelSpacingRowMm"] == 0.02
    assert metadata.extra["tubeVoltageKv"] == 65
    assert found.identity == inspect(FILES["bitewing.dcm"]).identity


@pytest.mark.parametrize("name", BITEWINGS)
def test_every_encoding_of_one_object_is_drawn_the_same(name: str) -> None:
    expected = make.radiograph() / 4095 * 255
    assert likeness(preview(FILES[f"{name}.dcm"]), expected) < 6


@pytest.mark.parametrize("name", ["j2k", "jpeg-ls", "jpeg-lossless"])
def test_every_lossless_packing_unpacks_to_the_same(name: str) -> None:
    expected = make.radiograph() / 4095 * 255
    assert likeness(preview(FILES[f"{name}.dcm"]), expected) < 8


@pytest.mark.parametrize("name", ["colour", "rle"])
def test_colour_stays_colour(name: str) -> None:
    assert likeness(preview(FILES[f"{name}.dcm"], "RGB"), quarters(33, 20)) < 14


@pytest.mark.parametrize("name", ["cine", "cine-without-table"])
def test_the_middle_frame_is_found_with_and_without_a_table(name: str) -> None:
    assert inspect(FILES[f"{name}.dcm"]).metadata.extra["frameCount"] == 3
    expected = np.roll(quarters(32, 24), 8, axis=1)
    assert likeness(preview(FILES[f"{name}.dcm"], "RGB"), expected) < 16


def test_functional_groups_give_window_spacing_and_rescale() -> None:
    found = inspect(FILES["slab.dcm"])
    assert found.metadata.extra["frameCount"] == 5
    assert found.metadata.extra["pixelSpacingColumnMm"] == 0.4
    middle = np.roll(make.radiograph(24, 16), 2, axis=1).astype(float) - 1000
    expected = np.clip((middle + 699.5) / 1999, 0, 1) * 255
    assert likeness(preview(FILES["slab.dcm"]), expected) < 8


def test_a_palette_colours_its_indices() -> None:
    drawn = preview(FILES["palette.dcm"], "RGB")
    assert drawn[12, 30, 0] > 200
    assert drawn[12, 30, 2] < 60
    assert drawn[12, 1, 2] > 190
    assert drawn[..., 1].max() < 60


def test_every_place_that_names_somebody_is_marked() -> None:
    assert {(m.kind, m.place) for m in inspect(FILES["bitewing.dcm"]).identity} == {
        ("accession-number", "DICOM (0008,0050)"),
        ("institution", "DICOM (0008,0080)"),
        ("person-name", "DICOM (0008,0090)"),
        ("person-name", "DICOM (0010,0010)"),
        ("patient-id", "DICOM (0010,0020)"),
        ("birth-date", "DICOM (0010,0030)"),
        ("sex", "DICOM (0010,0040)"),
        ("address", "DICOM (0010,1040)"),
        ("device-serial", "DICOM (0018,1000)"),
        ("study-id", "DICOM (0020,0010)"),
    }


def test_nested_names_private_groups_and_burned_in_text_are_marked() -> None:
    ds = make.intraoral()
    step = pydicom.Dataset()
    step.ScheduledPerformingPhysicianName = make.CANARY
    ds.RequestAttributesSequence = pydicom.Sequence([step])
    ds.private_block(0x0009, "SYNTHETIC", create=True).add_new(1, "LO", make.CANARY)
    ds.BurnedInAnnotation = "YES"
    found = {(m.kind, m.place) for m in inspect(make.written(ds, make.EXPLICIT)).identity}
    assert ("person-name", "DICOM (0040,0006)") in found
    assert ("private-attribute", "DICOM (0009,xxxx)") in found
    assert ("burned-in-text", "DICOM pixel data") in found


@pytest.mark.parametrize("name", sorted(FILES))
def test_marks_metadata_and_text_never_repeat_a_patient(name: str) -> None:
    found = inspect(FILES[name])
    told = repr((found.identity, found.metadata, found.instance))
    text = DICOM.text(MemorySource(FILES[name]))
    for value in (make.CANARY, "Lagopus", "P001234", "19810704", "1981-07-04", "A-778"):
        assert value not in told
        assert value not in text


def test_the_patient_the_header_names_is_claimed() -> None:
    assert inspect(FILES["bitewing.dcm"]).claimed == ClaimedPatient(
        family_name="Ptarmigan",
        given_name="Lagopus",
        birth_date="1981-07-04",
        patient_id="P001234",
    )


def test_a_header_that_names_nobody_claims_nobody() -> None:
    ds = make.intraoral()
    for keyword in ("PatientName", "PatientID", "PatientBirthDate"):
        setattr(ds, keyword, "")
    assert inspect(make.written(ds, make.EXPLICIT)).claimed is None


def test_an_instance_knows_its_series_and_study() -> None:
    found = inspect(FILES["slab.dcm"]).instance
    assert found is not None
    assert found.study_uid == f"{make.ROOT}.1"
    assert found.series_uid == f"{make.ROOT}.1.2"
    assert found.instance_uid == f"{make.ROOT}.1.1.4"
    assert (found.number, found.modality) == (4, "CT")


@pytest.mark.parametrize("uid", ["1.02.3", "1..2", "1.2.abc", "1." * 32 + "1", "../../etc"])
def test_a_uid_that_is_none_is_damaged(uid: str) -> None:
    ds = make.intraoral()
    ds.StudyInstanceUID = uid
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = make.written(ds, make.EXPLICIT)
    with pytest.raises(Damaged, match="UID"):
        inspect(content)


def test_descriptions_and_findings_can_be_searched() -> None:
    text = DICOM.text(MemorySource(FILES["report.dcm"]))
    assert "Recall examination" in text
    assert "Finding: Periapical radiolucency at the mesial root." in text


@pytest.mark.parametrize("name", ["report", "document"])
def test_an_object_without_pixels_has_no_picture(name: str) -> None:
    assert DICOM.render(MemorySource(FILES[f"{name}.dcm"])) == ()
    assert inspect(FILES[f"{name}.dcm"]).metadata.width_px is None


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_dicom_file_cut_anywhere_is_damaged(name: str) -> None:
    content = FILES[name]
    for cut in np.linspace(133, len(content) - 1, 20, dtype=int):
        with pytest.raises(Damaged):
            inspect(content[:cut])


def test_data_after_the_last_element_is_damaged() -> None:
    for extra in (b"PK\x03\x04 something", b"\0" * 16, b"x"):
        with pytest.raises(Damaged):
            inspect(FILES["bitewing.dcm"] + extra)


def test_missing_and_surplus_pixel_data_are_damaged() -> None:
    for rows in (31, 33, 16):
        ds = make.intraoral()
        ds.Rows = rows
        with pytest.raises(Damaged, match="as long as"):
            inspect(make.written(ds, make.EXPLICIT))


def test_fewer_frames_than_promised_are_damaged() -> None:
    ds = make.cine()
    ds.NumberOfFrames = 9
    with pytest.raises(Damaged, match="fewer pictures"):
        inspect(make.written(ds, make.JPEG))


@pytest.mark.parametrize("syntax", [make.EXPLICIT, make.J2K])
def test_a_pixel_bomb_is_refused_by_its_header(syntax: str) -> None:
    ds = make.intraoral()
    if syntax == make.J2K:
        make.packed(ds, b"\xff\x4f\xff\x51" + bytes(60))
    ds.Rows = ds.Columns = 65_535
    content = make.written(ds, syntax)
    for act in (DICOM.inspect, DICOM.render):
        with pytest.raises(Excessive) as refusal:
            act(MemorySource(content))
        assert refusal.value.facts["rule"] == "pixel-budget"


def test_a_stream_larger_than_its_header_is_never_decoded() -> None:
    stream = bytearray(make.imagecodecs.jpeg2k_encode(make.radiograph(), level=0))
    at = stream.index(b"\xff\x4f\xff\x51")
    struct.pack_into(">II", stream, at + 8, 60_000, 60_000)
    ds = make.with_pixels(make.patient(6, make.PANORAMIC, "PX"), make.radiograph(), "MONOCHROME2")
    with pytest.raises(Damaged, match="not of the size"):
        inspect(make.written(make.packed(ds, bytes(stream)), make.J2K))


def test_a_deflate_bomb_is_refused() -> None:
    element = struct.pack("<HH2sHI", 0x0009, 0x1000, b"OB", 0, 1 << 31)
    bomb = make.inflated(FILES["deflated.dcm"], element + bytes(1 << 26))
    with pytest.raises((Excessive, Damaged)):
        inspect(bomb)


def test_a_length_that_lies_is_refused_before_anything_is_read_by_it() -> None:
    content = bytearray(FILES["implicit.dcm"])
    at = content.rindex(struct.pack("<HH", 0x7FE0, 0x0010))
    struct.pack_into("<I", content, at + 4, 0xFFFFFFF0)
    with pytest.raises(Damaged, match="beyond the file"):
        measure(MemorySource(bytes(content)))


def test_sequences_nested_without_end_are_refused() -> None:
    opening = struct.pack("<HHIHHI", 0x0040, 0x0275, 0xFFFFFFFF, 0xFFFE, 0xE000, 0xFFFFFFFF)
    meta_end = FILES["implicit.dcm"].index(b"\x08\0\x05\0")
    with pytest.raises(Damaged, match="nested too deep"):
        inspect(FILES["implicit.dcm"][:meta_end] + opening * 5000)


@pytest.mark.parametrize(
    "preamble",
    [b"MZ\x90\0\3\0\0\0", b"\x7fELF\2\1\1", b"PK\x03\x04", b"%PDF-1.4\n", b"#!/bin/sh\n"],
)
def test_a_preamble_of_another_kind_is_two_kinds_at_once(preamble: bytes) -> None:
    content = make.written(make.intraoral(), make.EXPLICIT, preamble.ljust(128, b"\0"))
    with pytest.raises(Ambiguous):
        identify(MemorySource(content), extension="dcm")
        inspect(content)  # the PDF's own module may not be there to say so
    with pytest.raises(Ambiguous):
        inspect(content)


def test_a_dual_personality_tiff_preamble_is_dicom() -> None:
    assert identify(MemorySource(FILES["tiff-preamble.dcm"]), extension="dcm") == "dicom"


def test_the_index_of_a_disc_is_refused_by_its_name() -> None:
    content = (BUNDLED / "dicomdirtests" / "DICOMDIR").read_bytes()
    with pytest.raises(Unrecognised) as refusal:
        inspect(content)
    assert refusal.value.facts["kind"] == "dicomdir"


@pytest.mark.parametrize("path", sorted(BUNDLED.glob("**/*.dcm")), ids=lambda p: p.name)
def test_a_file_pydicom_ships_is_read_or_refused_for_a_reason(path: Path) -> None:
    content = path.read_bytes()
    expected = REFUSED_BUNDLED.get(path.name)
    if path.name.startswith("DICOMDIR"):
        expected = Unrecognised
    if expected:
        with pytest.raises(expected):
            inspect(content)
        return
    found = inspect(content)
    drawn = DICOM.render(MemorySource(content))
    assert bool(drawn) == (found.metadata.width_px is not None)
    assert identify(MemorySource(content), extension="dcm") == "dicom"


@pytest.mark.parametrize("name", ["693_J2KI.dcm", "JPEG2000.dcm", "SC_rgb_jpeg_dcmtk.dcm"])
def test_a_stray_bit_in_a_stream_never_escapes_as_another_error(name: str) -> None:
    content = (BUNDLED / name).read_bytes()
    for at in np.linspace(len(content) // 2, len(content) - 1, 10, dtype=int):
        changed = bytearray(content)
        changed[at] ^= 0xFF
        try:
            inspect(bytes(changed))
        except Problem:
            continue
