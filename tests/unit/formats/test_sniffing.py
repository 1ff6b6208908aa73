"""Telling kinds apart: what is named, what is refused, and who is believed."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medstack.formats import sniffing
from medstack.formats.contract import Ambiguous, Damaged, Mismatch, Unrecognised
from medstack.kit.streams import MemorySource

GOLDEN = Path(__file__).parents[2] / "golden"
JPEG = (GOLDEN / "jpeg" / "photo.jpg").read_bytes()
PNG = (GOLDEN / "png" / "colour.png").read_bytes()
DICOM = (GOLDEN / "dicom" / "bitewing.dcm").read_bytes()
STL = (GOLDEN / "stl" / "arch.stl").read_bytes()
PDF = (GOLDEN / "pdf" / "letter.pdf").read_bytes()
DOCX = (GOLDEN / "docx" / "letter.docx").read_bytes()
WAV = (GOLDEN / "wav" / "heart.wav").read_bytes()


def identify(content: bytes, extension: str = "", declared: str = "") -> str:
    return sniffing.identify(
        MemorySource(content), extension=extension, declared_media_type=declared
    )


def zipped(name: str = "note.txt") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "hello")
    return buffer.getvalue()


FOREIGN = {
    "gif": b"GIF89a\x01\0\x01\0\0\0\0;",
    "webp": b"RIFF\x1a\0\0\0WEBPVP8L" + bytes(14),
    "avi": b"RIFF\x1a\0\0\0AVI LIST" + bytes(14),
    "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "avif": b"\0\0\0\x18ftypavif\0\0\0\0mif1avif",
    "mov": b"\0\0\0\x14ftypqt  \0\0\0\0qt  ",
    "m4a": b"\0\0\0\x18ftypM4A \0\0\0\0isomM4A ",
    "matroska": b"\x1a\x45\xdf\xa3\x01\0\0\0",
    "exe": b"MZ\x90\0\x03\0\0\0",
    "elf": b"\x7fELF\x02\x01\x01\0",
    "html": b"\xef\xbb\xbf <!-- x --> <!DOCTYPE html><html><body>hi",
    "script": b"#!/bin/sh\necho hello\n",
    "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    "xml": b'<?xml version="1.0"?><ClinicalDocument/>',
    "json": b'{"resourceType": "Patient"}\n',
    "rtf": b"{\\rtf1\\ansi hello}",
    "ole": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504),
    "zip": zipped(),
    "gzip": b"\x1f\x8b\x08\0\0\0\0\0",
    "7z": b"7z\xbc\xaf\x27\x1c\0\x04",
    "rar": b"Rar!\x1a\x07\x01\0",
    "ogg": b"OggS\0\x02\0\0",
    "mp3": b"ID3\x04\0\0\0\0\0\0",
    "flac": b"fLaC\0\0\0\x22",
    "ply": b"ply\nformat ascii 1.0\nelement vertex 0\nend_header\n",
    "obj": b"# arch\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n",
    "sqlite": b"SQLite format 3\0" + bytes(84),
    "psd": b"8BPS\0\x01" + bytes(20),
    "postscript": b"%!PS-Adobe-3.0\n",
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_kind_we_do_not_take_is_refused_by_its_name(kind: str) -> None:
    with pytest.raises(Unrecognised) as refusal:
        identify(FOREIGN[kind])
    assert refusal.value.facts == {"kind": kind}


def test_an_empty_file_is_damaged_and_says_so() -> None:
    with pytest.raises(Damaged) as refusal:
        identify(b"", ".jpg")
    assert "empty" in refusal.value.detail


def test_noise_is_refused_without_a_name() -> None:
    with pytest.raises(Unrecognised) as refusal:
        identify(bytes([0, 1, 2, 3, 5, 8, 13, 21]) * 40)
    assert refusal.value.facts == {"kind": ""}


@pytest.mark.parametrize(
    ("content", "kind"),
    [(JPEG, "jpeg"), (DICOM, "dicom"), (STL, "stl"), (DOCX, "docx"), (WAV, "wav"), (PDF, "pdf")],
)
@pytest.mark.parametrize("extension", ["", "0001", ".IMG0007", "backup"])
@pytest.mark.parametrize("declared", ["", "application/octet-stream", "application/x-unheard-of"])
def test_a_name_that_promises_nothing_is_no_contradiction(
    content: bytes, kind: str, extension: str, declared: str
) -> None:
    assert identify(content, extension, declared) == kind


def test_scanners_with_a_tiff_preamble_send_dicom() -> None:
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    assert identify((folder / "CT_small.dcm").read_bytes(), "dcm") == "dicom"


@pytest.mark.parametrize(
    ("content", "extension", "promised"),
    [(JPEG, ".pdf", "pdf"), (PNG, "jpg", "jpeg"), (DICOM, "exe", "exe"), (STL, ".ZIP", "zip")],
)
def test_a_wrong_extension_is_a_mismatch(content: bytes, extension: str, promised: str) -> None:
    with pytest.raises(Mismatch) as refusal:
        identify(content, extension)
    assert refusal.value.code == "extension-mismatch"
    assert refusal.value.facts["promised"] == promised


def test_a_declared_type_alone_can_contradict() -> None:
    with pytest.raises(Mismatch):
        identify(JPEG, "", "application/pdf")


def test_content_and_name_together_outvote_a_declared_type() -> None:
    assert identify(JPEG, ".jpg", "application/pdf") == "jpeg"


def test_three_that_all_disagree_are_ambiguous() -> None:
    with pytest.raises(Ambiguous):
        identify(JPEG, ".png", "application/pdf")


def test_a_name_and_declared_type_that_agree_on_another_kind_are_a_mismatch() -> None:
    with pytest.raises(Mismatch):
        identify(JPEG, ".pdf", "application/pdf")


HTML = b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>\n"
POLYGLOTS = {
    "zip behind a jpeg": JPEG + zipped(),
    "zip behind a png": PNG + zipped(),
    "zip behind a wav": WAV + zipped(),
    "zip behind a pdf": PDF + zipped(),
    "page before a pdf": HTML + PDF,
    "page behind a pdf": PDF + HTML,
    "page behind a jpeg": JPEG + HTML,
    "php behind a png": PNG + b"<?php system($_GET[0]); ?>",
    "program before dicom": b"MZ\x90\0".ljust(128, b"\0") + DICOM[128:],
    "elf before dicom": b"\x7fELF\2\1\1".ljust(128, b"\0") + DICOM[128:],
    "zip before dicom": b"PK\3\4".ljust(128, b"\0") + DICOM[128:],
    "pdf before dicom": b"%PDF-1.7\n".ljust(128, b"\0") + DICOM[128:],
    "page before dicom": HTML.ljust(128, b"\0") + DICOM[128:],
    "jpeg before dicom": b"\xff\xd8\xff\xe0".ljust(128, b"\0") + DICOM[128:],
}


@pytest.mark.parametrize("name", POLYGLOTS)
def test_two_kinds_at_once_are_refused_whatever_the_name(name: str) -> None:
    for extension in ("", "jpg", "png", "pdf", "dcm", "wav", "stl", "html", "zip"):
        with pytest.raises(Ambiguous) as refusal:
            identify(POLYGLOTS[name], extension)
        assert len(refusal.value.facts["kinds"]) > 1


def test_a_mesh_with_a_zip_behind_it_is_no_mesh() -> None:
    with pytest.raises(Unrecognised) as refusal:
        identify(STL + zipped(), "stl")
    assert refusal.value.facts["kind"] == "zip"


def test_a_gif_that_is_a_script_is_refused() -> None:
    with pytest.raises(Unrecognised):
        identify(b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)//", "gif")
    with pytest.raises(Ambiguous):
        identify(b"GIF89a=1;<script>alert(1)</script>" + bytes(20), "gif")


def test_an_appended_zip_is_found_behind_a_long_comment() -> None:
    archive = zipped()
    archive = archive[:-2] + struct.pack("<H", 60_000) + b"c" * 60_000
    assert sniffing.kinds_of(MemorySource(PNG + archive)) == ["png", "zip"]


def test_the_letters_of_a_zip_record_alone_are_no_zip() -> None:
    assert sniffing.kinds_of(MemorySource(JPEG + b"PK\x05\x06" + b"\x11" * 18)) == ["jpeg"]


NOTE = b"Patient reports pain; review in two weeks.\nSecond line, with a comma.\n"


@pytest.mark.parametrize(
    ("extension", "declared", "kind"),
    [
        ("txt", "", "txt"),
        ("csv", "", "csv"),
        ("csv", "application/vnd.ms-excel", "csv"),
        ("", "text/csv", "csv"),
        ("", "text/plain", "txt"),
        ("", "", "txt"),
        ("readme", "", "txt"),
    ],
)
def test_text_is_what_its_name_says(extension: str, declared: str, kind: str) -> None:
    assert identify(b"tooth,depth\n16,3\n17,4\n", extension, declared) == kind


@pytest.mark.parametrize("extension", ["bat", "js", "vbs", "ps1", "hta", "html", "svg", "json"])
def test_text_named_as_something_that_runs_is_refused(extension: str) -> None:
    with pytest.raises(Unrecognised):
        identify(NOTE, extension)


def test_text_named_as_a_picture_is_a_mismatch() -> None:
    with pytest.raises(Mismatch):
        identify(NOTE, "jpg")


@pytest.mark.parametrize(
    "content", [HTML, b"#!/bin/sh\nrm -rf x\n", b"<?php x();\n", b"{\\rtf1 x}"]
)
def test_markup_and_scripts_are_refused_though_named_text(content: bytes) -> None:
    with pytest.raises((Unrecognised, Ambiguous)):
        identify(content, "txt")


def test_a_note_in_brackets_may_be_text() -> None:
    note = b'["16", "17"] to be watched [see chart]'
    assert identify(note, "txt") == "txt"
    with pytest.raises(Unrecognised):
        identify(note)


@given(content=st.binary(max_size=2000))
def test_any_bytes_have_a_list_of_kinds(content: bytes) -> None:
    kinds = sniffing.kinds_of(MemorySource(content))
    assert len(kinds) == len(set(kinds))


@given(content=st.binary(max_size=600), cut=st.integers(0, 600))
def test_bytes_in_front_of_a_picture_hide_it(content: bytes, cut: int) -> None:
    kinds = sniffing.kinds_of(MemorySource(b"\x01" + content + JPEG[cut:]))
    assert "jpeg" not in kinds
