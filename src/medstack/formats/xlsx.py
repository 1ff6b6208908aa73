"""Excel workbooks (SpreadsheetML), with or without macros; values as last computed.

The package is verified first; openpyxl then reads cells from what is known to be sound.
Source: ECMA-376 part 1, 18.
"""

from __future__ import annotations

import posixpath
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from itertools import islice
from typing import Any
from zipfile import BadZipFile

from medstack.formats import pages
from medstack.formats.contract import (
    TEXT_CAP,
    Damaged,
    Excessive,
    FileMetadata,
    IdentityMark,
    Inspection,
    Rendition,
)
from medstack.formats.ooxml import Package, local
from medstack.formats.reading import damage
from medstack.kit.streams import Source, file_of

MAX_CELLS = 5_000_000
MAX_SHEETS = 1_000
_OFFICE = "application/vnd.openxmlformats-officedocument.spreadsheetml."
_MAIN = {
    _OFFICE + "sheet.main+xml": ("xlsx", _OFFICE + "sheet"),
    _OFFICE + "template.main+xml": ("xltx", _OFFICE + "template"),
    "application/vnd.ms-excel.sheet.macroenabled.main+xml": (
        "xlsm",
        "application/vnd.ms-excel.sheet.macroEnabled.12",
    ),
    "application/vnd.ms-excel.template.macroenabled.main+xml": (
        "xltm",
        "application/vnd.ms-excel.template.macroEnabled.12",
    ),
}
_TEXT_COLUMNS = 256
_TEXT_VISITS = 3_000_000
_SHEET = "worksheet+xml"
_HEADER = re.compile(rb"PK\x03\x04.{26}xl/|PK\x01\x02.{42}xl/", re.DOTALL)
_COLUMN = re.compile(r"([A-Z]{1,3})[0-9]+")

# openpyxl's workbook and cells carry no types we could lean on.
Workbook = Any


class Xlsx:
    """A workbook, a template, and both with macros; the extension says which."""

    kind = "xlsx"
    media_type = _OFFICE + "sheet"
    extensions = ("xlsx", "xlsm", "xltx", "xltm")

    def sniff(self, head: bytes, tail: bytes, size: int) -> bool:
        return (
            head.startswith(b"PK\x03\x04")
            and (b"[Content_Types].xml" in head or b"[Content_Types].xml" in tail)
            and (_HEADER.search(head) is not None or _HEADER.search(tail) is not None)
        )

    def inspect(self, source: Source) -> Inspection:
        package = Package(source)
        extension, media_type = _main_type(package)
        package.verify()
        _require_sheets(package)
        shape = _shape(package)
        with _workbook(source) as book:  # proves that what render and text need is there
            sheet_count = len(book.sheetnames)
            next(_rows(book), None)
        properties = package.properties()
        return Inspection(
            kind=self.kind,
            media_type=media_type,
            extension=extension,
            metadata=FileMetadata(
                captured_at=properties.created,
                equipment=properties.application,
                extra={
                    "sheetCount": sheet_count,
                    "rowCount": shape.rows,
                    "columnCount": shape.columns,
                    "cellCount": shape.cells,
                    "formulaCount": shape.formulas,
                    "hasMacros": "vbaproject" in " ".join(package.names()),
                },
            ),
            identity=(*properties.marks, *_people(package)),
        )

    def render(self, source: Source) -> tuple[Rendition, ...]:
        Package(source)
        with _workbook(source) as book:
            title = book.sheetnames[0] if book.sheetnames else ""
            return pages.table_of(islice(_rows(book), pages.MAX_ROWS), title=title)

    def text(self, source: Source) -> str:
        Package(source)
        parts: list[str] = []
        left = TEXT_CAP
        with _workbook(source) as book:
            for row in _all_rows(book):
                line = "\t".join(row).rstrip()
                parts.append(line)
                left -= len(line) + 1
                if left <= 0:
                    break
        return "\n".join(parts)[:TEXT_CAP].replace("\0", "")


def _main_type(package: Package) -> tuple[str, str]:
    """Extension and media type. Raises Damaged where it is no workbook."""
    for told, names in _MAIN.items():
        if package.parts_of_type(told):
            return names
    raise Damaged("The workbook has no main part.")


def _require_sheets(package: Package) -> None:
    """openpyxl leaves out a sheet whose part is gone; we do not."""
    relations = _Relations()
    if "xl/_rels/workbook.xml.rels" in package:
        package.parse("xl/_rels/workbook.xml.rels", relations)
    for target in relations.sheets:
        if posixpath.normpath(posixpath.join("/xl", target)).lstrip("/") not in package:
            raise Damaged("A sheet of the workbook is missing.")


class _Relations:
    """Targets of the workbook's sheets, lower case."""

    def __init__(self) -> None:
        self.sheets: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if attributes.get("Type", "").endswith("/worksheet"):
            self.sheets.append(attributes.get("Target", "").lower())

    def end(self, tag: str) -> None:
        return None

    def data(self, text: str) -> None:
        return None


def _people(package: Package) -> Iterator[IdentityMark]:
    if package.parts_of_type("comments+xml"):
        yield IdentityMark(kind="author", place="comments.xml")
    if any(name.startswith("xl/persons/") for name in package.names()):
        yield IdentityMark(kind="author", place="persons")


@contextmanager
def _workbook(source: Source) -> Iterator[Workbook]:
    """The workbook, read-only, values instead of formulas. Raises Damaged, Excessive."""
    from openpyxl import load_workbook

    with damage("The workbook's sheets cannot be read.", BadZipFile, zlib.error):
        book = load_workbook(file_of(source), read_only=True, data_only=True, keep_links=False)
        try:
            if len(book.sheetnames) > MAX_SHEETS:
                raise Excessive(
                    "The workbook has more sheets than we read.",
                    rule="workbook-sheets",
                    limit=MAX_SHEETS,
                    found=len(book.sheetnames),
                )
            yield book
        finally:
            book.close()


def _rows(book: Workbook) -> Iterator[list[str]]:
    """Rows of the first sheet that holds cells."""
    for sheet in book.worksheets:
        is_empty = True
        for row in sheet.iter_rows(values_only=True, max_col=pages.MAX_COLUMNS):
            cells = [_shown(value) for value in row]
            is_empty = is_empty and not any(cells)
            yield cells
        if not is_empty:
            return


def _all_rows(book: Workbook) -> Iterator[list[str]]:
    """Sheet names and rows with something in them, as far as the search goes into a workbook."""
    visited = 0
    for sheet in book.worksheets:
        yield [sheet.title]
        # openpyxl fills gaps: one cell far out would otherwise cost a million empty ones
        sheet.reset_dimensions()
        for row in sheet.iter_rows(values_only=True, max_col=_TEXT_COLUMNS):
            visited += 1 + len(row)
            if visited > _TEXT_VISITS:
                return
            cells = [_shown(value) for value in row]
            if any(cells):
                yield cells


def _shown(value: object) -> str:
    """A cell as a person would write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes") if value.time() != time() else str(value.date())
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


class _Shape:
    """Counts what the sheets really hold; their own `dimension` is not believed."""

    def __init__(self) -> None:
        self.rows = 0
        self.columns = 0
        self.cells = 0
        self.formulas = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = local(tag)
        if name == "c":
            self.cells += 1
            match = _COLUMN.fullmatch(attributes.get("r", ""))
            if match is not None:
                self.columns = max(self.columns, _column_number(match[1]))
            if self.cells > MAX_CELLS:
                raise Excessive(
                    "The workbook has more cells than we read.",
                    rule="workbook-cells",
                    limit=MAX_CELLS,
                    found=self.cells,
                )
        elif name == "row":
            self.rows += 1
        elif name == "f":
            self.formulas += 1

    def end(self, tag: str) -> None:
        return None

    def data(self, text: str) -> None:
        return None


def _shape(package: Package) -> _Shape:
    shape = _Shape()
    for name in package.parts_of_type(_SHEET):
        package.parse(name, shape)
    return shape


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


XLSX = Xlsx()
