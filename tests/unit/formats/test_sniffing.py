"""Telling kinds apart: what is named, what is refused, and who is believed."""

from __future__ import annotations

import io
import zipfile

import pytest

from medstack.formats import sniffing
from medstack.formats.contract import Damaged, Unrecognised
from medstack.kit.streams import MemorySource


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
        sniffing.identify(MemorySource(FOREIGN[kind]))
    assert refusal.value.facts == {"kind": kind}


def test_an_empty_file_is_damaged_and_says_so() -> None:
    with pytest.raises(Damaged) as refusal:
        sniffing.identify(MemorySource(b""), extension=".jpg")
    assert "empty" in refusal.value.detail


def test_noise_is_refused_without_a_name() -> None:
    with pytest.raises(Unrecognised) as refusal:
        sniffing.identify(MemorySource(bytes([0, 1, 2, 3, 5, 8, 13, 21]) * 40))
    assert refusal.value.facts == {"kind": ""}
