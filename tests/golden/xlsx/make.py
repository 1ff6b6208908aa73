"""Excel golden files, written by openpyxl and packed again with fixed dates."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime

from openpyxl import Workbook
from openpyxl.comments import Comment
from tests.golden.docx.make import package
from tests.golden.jpeg.make import CANARY

WHEN = datetime(2025, 6, 1, 12, 0)  # noqa: DTZ001  # Excel knows no time zone


def saved(book: Workbook) -> bytes:
    book.properties.created = WHEN
    buffer = io.BytesIO()
    book.save(buffer)
    with zipfile.ZipFile(buffer) as archive:
        parts: dict[str, str | bytes] = {
            name: archive.read(name).replace(*_modified(archive.read(name)))
            for name in archive.namelist()
        }
    return package(parts)


def _modified(part: bytes) -> tuple[bytes, bytes]:
    """openpyxl writes the time of saving: put a fixed one in its place."""
    start = part.find(b"<dcterms:modified")
    if start < 0:
        return b"\0", b"\0"
    value = part[part.index(b">", start) + 1 : part.index(b"</dcterms:modified", start)]
    return value, b"2025-06-01T12:00:00Z"


def repacked(content: bytes, parts: dict[str, bytes | None]) -> bytes:
    """A workbook with some parts replaced, or left out where None."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()}
    merged = kept | parts
    return package({name: part for name, part in merged.items() if part is not None})


def laboratory() -> bytes:
    book = Workbook()
    book.properties.creator = "openpyxl"
    sheet = book.active
    sheet.title = "Labor"
    sheet.append(["Datum", "Parameter", "Wert", "Einheit"])
    sheet.append([WHEN, "Hämoglobin", 13.9, "g/dl"])
    sheet.append([WHEN, "CRP", 2.1, "mg/l"])
    sheet["C4"] = "=AVERAGE(C2:C3)"
    book.create_sheet("Zweites")["B2"] = True
    return saved(book)


def described() -> bytes:
    book = Workbook()
    book.properties.creator = CANARY
    book.properties.title = CANARY
    sheet = book.active
    sheet["A1"] = "Werte"
    sheet["A1"].comment = Comment("siehe Vorbefund", CANARY)
    return saved(book)


def files() -> dict[str, bytes]:
    return {"laboratory.xlsx": laboratory(), "described.xlsx": described()}
