"""Files no practice should take, made on the spot: each with what becomes of it.

Synthetic through and through; the one virus is EICAR's, which only engines take for one.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pikepdf
from tests.archives import nested, zipped
from tests.golden.pdf import make as pdfs
from tests.outside.stage import EICAR

GOLDEN = Path(__file__).parents[1] / "golden"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SEGMENT = 64 << 10  # a sealed segment of the vault
BLOCK = 1 << 20  # what the web door passes on at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class BadFile:
    """`signature`: what a malware engine called it, where one did."""

    name: str
    make: Callable[[], bytes]
    status: str
    reason: str
    signature: str | None = None


def golden(path: str) -> bytes:
    return (GOLDEN / path).read_bytes()


def half(path: str) -> Callable[[], bytes]:
    return lambda: golden(path)[: len(golden(path)) // 2]


def glued(*paths: str) -> Callable[[], bytes]:
    return lambda: b"".join(map(golden, paths))


def at(offset: int) -> Callable[[], bytes]:
    """EICAR inside a ZIP member, half on each side of a border `offset` bytes into the file."""

    def make() -> bytes:
        before = zipped(("a.bin", b""), ("e.com", EICAR), stored=True).index(EICAR)
        return zipped(("a.bin", bytes(offset - before - 34)), ("e.com", EICAR), stored=True)

    return make


def document_with(part: str, data: bytes) -> Callable[[], bytes]:
    """A real letter with one more part in its package."""

    def make() -> bytes:
        made = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(golden("docx/letter.docx"))) as letter,
            zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as package,
        ):
            for member in letter.infolist():
                package.writestr(member.filename, letter.read(member))
            package.writestr(part, data)
        return made.getvalue()

    return make


def pixel_bomb(side_px: int = 60_000) -> bytes:
    """74 bytes that ask for 10 GB of pixels."""
    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(99))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def locked_pdf() -> bytes:
    made = io.BytesIO()
    pdfs.letter().save(made, encryption=pikepdf.Encryption(owner="o", user="u"))
    return made.getvalue()


def _rejected(
    name: str, make: Callable[[], bytes], reason: str, mark: str | None = None
) -> BadFile:
    return BadFile(name=name, make=make, status="rejected", reason=reason, signature=mark)


def _infected(name: str, make: Callable[[], bytes]) -> BadFile:
    return BadFile(
        name=name,
        make=make,
        status="quarantined",
        reason="scan-infected",
        signature="Eicar-Test-Signature",
    )


def _held(name: str, make: Callable[[], bytes], reason: str, mark: str) -> BadFile:
    return BadFile(name=name, make=make, status="held", reason=reason, signature=mark)


BAD_FILES = {
    "a photograph called a PNG": _rejected(
        "a.png", lambda: golden("jpeg/photo.jpg"), "extension-mismatch"
    ),
    "a program called a photograph": _rejected(
        "a.jpg", lambda: b"MZ" + bytes(500), "unrecognised-kind"
    ),
    "a page with a script called a note": _rejected(
        "a.txt", lambda: b"<html><script>x()</script></html>", "scan-forbidden", "script.html"
    ),
    "a photograph and a ZIP at once": _rejected(
        "a.jpg",
        lambda: golden("jpeg/photo.jpg") + zipped(("a.txt", b"hidden")),
        "scan-forbidden",
        "zip.prefix",
    ),
    "a picture and a PDF at once": _rejected(
        "a.png", glued("png/colour.png", "pdf/letter.pdf"), "scan-forbidden", "polyglot.pdf"
    ),
    "half a picture": _rejected("a.png", half("png/colour.png"), "damaged-file"),
    "half a photograph": _rejected("a.jpg", half("jpeg/photo.jpg"), "damaged-file"),
    "half a radiograph": _rejected("a.dcm", half("dicom/bitewing.dcm"), "damaged-file"),
    "half a PDF": _rejected("a.pdf", half("pdf/letter.pdf"), "damaged-file"),
    "half a letter": _rejected("a.docx", half("docx/letter.docx"), "damaged-file", "zip.damaged"),
    "half a film": _rejected("a.mp4", half("mp4/clip.mp4"), "damaged-file"),
    "nothing at all": _rejected("a.txt", lambda: b"", "empty-file"),
    "a pixel bomb": _rejected("a.png", pixel_bomb, "excessive-content"),
    "a ZIP bomb": _rejected(
        "a.zip", lambda: zipped(("a", bytes(300_000_000))), "scan-forbidden", "zip.bomb"
    ),
    "a letter that is a bomb": _rejected(
        "a.docx",
        document_with("word/media/a.bin", bytes(250_000_000)),
        "scan-forbidden",
        "zip.bomb",
    ),
    "a kind nobody reads": _rejected("a.gif", lambda: b"GIF89a" + bytes(40), "unrecognised-kind"),
    "a virus": _infected("a.txt", lambda: EICAR),
    "a virus in a ZIP": _infected("a.zip", lambda: zipped(("e.com", EICAR))),
    "a virus in a zip64": _infected("a.zip", lambda: zipped(("e.com", EICAR), zip64=True)),
    "a virus three ZIPs deep": _infected("a.zip", lambda: nested(EICAR, 3)),
    "a virus in a letter": _infected("a.docx", document_with("word/embeddings/e.bin", EICAR)),
    "a virus over a segment's border": _infected("a.zip", at(SEGMENT)),
    "a virus over a block's border": _infected("a.zip", at(BLOCK)),
    "a letter with macros": _held(
        "a.docx",
        document_with("word/vbaProject.bin", OLE + bytes(2000)),
        "scan-active",
        "office.macro",
    ),
    "a locked PDF": _held("a.pdf", locked_pdf, "encrypted-file", "pdf.encrypted"),
}
