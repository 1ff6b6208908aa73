"""PDF documents: structure by qpdf, pages by PDFium.

qpdf mends in silence what it can. What real programs get wrong is let through and said
(`isRepaired`); what only damage explains is refused, see `_verify`. Nothing in the document is
executed: PDFium is built without JavaScript.
Source: ISO 32000-1; names of warnings from qpdf 12.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medstack.formats.contract import (
    TEXT_CAP,
    Damaged,
    Encrypted,
    Excessive,
    FileMetadata,
    IdentityMark,
    Inspection,
    Rendition,
)
from medstack.formats.embedded import Embedded, iso_stamp
from medstack.formats.pictures import SIDES_PX, renditions_of_array
from medstack.formats.reading import damage, within_pixel_budget
from medstack.formats.xmp import read_xmp
from medstack.kit.streams import Source, file_of

MAX_PAGES = 5_000
MAX_OBJECTS = 500_000
PAGE_TEXT_CAP = 100_000
_HEADER_REACH = 1024  # ISO 32000-1 H.3.4.1
_TAIL_BYTES = 4096
_MM_PER_POINT = 25.4 / 72
_OUTLINE_CAP = 10_000
_LETTERING_COLOURS = 512

_END = re.compile(rb"startxref\s+\d+\s+%%EOF[\s\0]*\Z")
_STAMP = re.compile(r"D?:?(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(Z|[+-]\d{2}'?\d{2})?")
# Signs of lost content, among what qpdf only warns of; everything else it mends is a writer's
# carelessness: a wrong /Length, a shifted cross-reference table, a missing endobj.
_LOST = (
    "unable to recover stream data",
    "input stream is complete but output may still be valid",
    "unable to find trailer",
    "EOF",
)
_INFO_MARKS = {
    "/Author": "author",
    "/Title": "title",
    "/Subject": "description",
    "/Keywords": "keywords",
    "/Company": "organisation",
    "/Manager": "person-name",
}
_INFO_HARMLESS = frozenset(
    {"/Producer", "/Creator", "/CreationDate", "/ModDate", "/Trapped"}
    | {"/PTEX.Fullbanner", "/GTS_PDFXVersion", "/GTS_PDFXConformance"}
)

# Neither library carries types: Pdf and its objects, PDFium's document and page are Any here.
QpdfDocument = Any
PdfiumDocument = Any


class Pdf:
    """One document, first byte to its last %%EOF; only white space may follow."""

    kind = "pdf"
    media_type = "application/pdf"
    extensions = ("pdf",)

    def sniff(self, head: bytes, tail: bytes, size: int) -> bool:
        return b"%PDF-" in head[:_HEADER_REACH]

    def inspect(self, source: Source) -> Inspection:
        _require_ends(source)
        with _structure(source) as document:
            extra = _counts(document)
            extra["isRepaired"] = _verify(document)
            extra["isProtected"] = bool(document.is_encrypted)  # opened without a password
            embedded = _embedded(document)
            equipment = _info_text(document, "/Producer")[:200] or embedded.equipment
            created = _stamp(_info_text(document, "/CreationDate")) or embedded.captured_at
        with _pages(source) as pages:
            extra |= _page_facts(pages, int(extra["pageCount"]))
        return Inspection(
            kind=self.kind,
            media_type=self.media_type,
            extension=self.extensions[0],
            metadata=FileMetadata(captured_at=created, equipment=equipment, extra=extra),
            identity=embedded.marks,
        )

    def render(self, source: Source) -> tuple[Rendition, ...]:
        with _pages(source) as pages:
            page = pages[0]
            longest = max(page.get_size())
            scale = min(SIDES_PX["preview"] / longest, 8.0)
            bitmap = page.render(scale=scale, rev_byteorder=True, prefer_bgrx=False)
            picture = bitmap.to_numpy()[:, :, :3].copy()
        return renditions_of_array(picture, is_lettering=_is_lettering(picture))

    def text(self, source: Source) -> str:
        parts: list[str] = []
        left = TEXT_CAP
        with _pages(source) as pages:
            for number in range(min(len(pages), MAX_PAGES)):
                said = _page_text(pages[number])[: min(left, PAGE_TEXT_CAP)]
                parts.append(said)
                left -= len(said) + 1
                if left <= 0:
                    break
        return "\n".join(parts)[:TEXT_CAP]


def _is_lettering(picture: NDArray[np.uint8]) -> bool:
    """Few colours: text and lines, no photograph or scan."""
    sample = picture[::4, ::4].reshape(-1, 3).astype(np.uint32)
    packed = sample[:, 0] << 16 | sample[:, 1] << 8 | sample[:, 2]
    return len(np.unique(packed)) < _LETTERING_COLOURS


def _require_ends(source: Source) -> None:
    """A document cut short has lost its end, whatever can still be pieced together of it."""
    head = source.read_at(0, _HEADER_REACH)
    if b"%PDF-" not in head:
        raise Damaged("The PDF header is missing.")
    at = max(0, source.size - _TAIL_BYTES)
    tail = source.read_at(at, _TAIL_BYTES)
    while at > 0 and not tail.strip(b"\0 \t\r\n\f"):  # padding, however long
        at = max(0, at - _TAIL_BYTES)
        tail = source.read_at(at, _TAIL_BYTES)
    if _END.search(tail) is None:
        cut = b"%%EOF" not in tail
        raise Damaged(
            "The PDF ends too early." if cut else "There is data after the end of the PDF."
        )


@contextmanager
def _structure(source: Source) -> Iterator[QpdfDocument]:
    """The document as qpdf reads it. Raises Damaged, Encrypted."""
    import pikepdf

    try:
        with (
            damage("The PDF's structure cannot be read.", pikepdf.ForeignObjectError),
            pikepdf.open(file_of(source), suppress_warnings=True) as document,
        ):
            yield document
    except pikepdf.PasswordError as cause:
        raise Encrypted("The PDF opens with a password only.") from cause
    except pikepdf.PdfError as cause:
        raise Damaged("The PDF's structure cannot be read.") from cause


@contextmanager
def _pages(source: Source) -> Iterator[PdfiumDocument]:
    """The document as PDFium draws it, with the values of its forms. Raises Damaged, Encrypted."""
    import pypdfium2
    from pypdfium2 import raw

    with damage("The PDF's pages cannot be read."):
        try:
            document = pypdfium2.PdfDocument(file_of(source))
        except pypdfium2.PdfiumError as cause:
            if raw.FPDF_GetLastError() == raw.FPDF_ERR_PASSWORD:
                raise Encrypted("The PDF opens with a password only.") from cause
            raise
        try:
            if len(document) == 0:
                raise Damaged("The PDF has no pages.")
            document.init_forms()
            yield document
        finally:
            document.close()


def _verify(document: QpdfDocument) -> bool:
    """Decode every stream and read every page's content. True if qpdf had to mend the file.

    Raises Damaged for errors, and for warnings that mean content is lost.
    """
    said = [*document.check_pdf_syntax(), *map(str, document.get_warnings())]
    for line in said:
        is_warning = line.startswith("WARNING")
        if not is_warning or any(sign in line for sign in _LOST):
            raise Damaged("Parts of the PDF cannot be read.")
    return bool(said)


def _counts(document: QpdfDocument) -> dict[str, str | int | float | bool]:
    """How much of what is in the document. Raises Excessive, Damaged."""
    pages, objects = len(document.pages), len(document.objects)
    for rule, limit, found in (
        ("pdf-pages", MAX_PAGES, pages),
        ("pdf-objects", MAX_OBJECTS, objects),
    ):
        if found > limit:
            raise Excessive("The PDF is larger than we read.", rule=rule, limit=limit, found=found)
    if pages == 0:
        raise Damaged("The PDF has no pages.")
    _require_modest_images(document)
    signatures, fields = _form_counts(document)
    return {
        "pageCount": pages,
        "pdfVersion": str(document.pdf_version),
        "embeddedFileCount": len(document.attachments),
        "outlineCount": _outline_count(document),
        "formFieldCount": fields,
        "signatureCount": signatures,
    }


def _require_modest_images(document: QpdfDocument) -> None:
    import pikepdf

    for thing in document.objects:
        if isinstance(thing, pikepdf.Stream) and thing.get("/Subtype") == "/Image":
            within_pixel_budget(max(1, int(thing.get("/Width", 1))), int(thing.get("/Height", 1)))


def _form_counts(document: QpdfDocument) -> tuple[int, int]:
    """(signed signature fields, all terminal fields)."""
    import pikepdf

    signatures = fields = 0
    for thing in document.objects:
        if not isinstance(thing, pikepdf.Dictionary):
            continue
        if "/FT" in thing and ("/T" in thing or "/Parent" in thing):
            fields += 1
            signatures += thing.get("/FT") == "/Sig" and "/V" in thing
    return signatures, fields


def _outline_count(document: QpdfDocument) -> int:
    """Bookmarks, each counted once however they are chained."""
    outlines = document.Root.get("/Outlines")
    pending = [outlines.get("/First")] if outlines is not None else []
    seen: set[tuple[int, int]] = set()
    while pending and len(seen) < _OUTLINE_CAP:
        item = pending.pop()
        if item is None or item.objgen in seen:
            continue
        seen.add(item.objgen)
        pending += [item.get("/Next"), item.get("/First")]
    return len(seen)


def _page_facts(pages: PdfiumDocument, expected: int) -> dict[str, str | int | float | bool]:
    """Size of the first page. Raises Damaged where the two libraries see different documents."""
    if len(pages) != expected:
        raise Damaged("The PDF's page list can be read in two ways.", pages=len(pages))
    width, height = pages[0].get_size()
    if not (0 < width < 100_000 and 0 < height < 100_000):
        raise Damaged("The PDF's first page has no size.")
    return {
        "pageWidthMm": round(width * _MM_PER_POINT, 1),
        "pageHeightMm": round(height * _MM_PER_POINT, 1),
    }


def _page_text(page: Any) -> str:
    text_page = page.get_textpage()
    try:
        said = str(text_page.get_text_range(0, min(text_page.count_chars(), PAGE_TEXT_CAP)))
    finally:
        text_page.close()
    return said.replace("\r\n", "\n").replace("\0", "").replace("\ufffe", "")


def _embedded(document: QpdfDocument) -> Embedded:
    """Marks of the Info dictionary and the XMP packet; camera and date from XMP."""
    packet = document.Root.get("/Metadata")
    xmp = Embedded() if packet is None else read_xmp(bytes(packet.read_bytes()))
    info = document.trailer.get("/Info")
    marks = [
        IdentityMark(kind=kind, place=place)
        for name, value in sorted({} if info is None else info.items())
        if str(value).strip() and (told := _info_mark(name))
        for kind, place in [told]
    ]
    return Embedded(
        captured_at=xmp.captured_at, equipment=xmp.equipment, marks=(*marks, *xmp.marks)
    )


def _info_mark(name: str) -> tuple[str, str] | None:
    """Kind and place of an Info entry that may name somebody. Unknown keys are not repeated."""
    if name in _INFO_HARMLESS:
        return None
    if name in _INFO_MARKS:
        return _INFO_MARKS[name], f"PDF Info {name}"
    return "custom-property", "PDF Info"


def _info_text(document: QpdfDocument, name: str) -> str:
    info = document.trailer.get("/Info")
    value = None if info is None else info.get(name)
    return "" if value is None else str(value)


def _stamp(text: str) -> str | None:
    """ISO 8601 of a PDF date (ISO 32000-1 7.9.4)."""
    match = _STAMP.match(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    date = f"{year}-{month or '01'}-{day or '01'}"
    time = f"T{hour}:{minute or '00'}:{second or '00'}" if hour else ""
    return iso_stamp(date + time, (zone or "").replace("'", ""))


PDF = Pdf()
