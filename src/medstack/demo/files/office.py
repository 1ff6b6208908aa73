"""Office documents and tables, written by hand: DOCX, XLSX and CSV.

Source: ECMA-376, the least parts a word processor and a spreadsheet open without complaint.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from xml.sax.saxutils import escape

Table = Sequence[Sequence[str | float | int]]

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPE = "application/vnd.openxmlformats-officedocument"


def docx(title: str, paragraphs: Sequence[str], *, author: str, at: datetime) -> bytes:
    """A note with a heading."""
    return _packed(_document(title, paragraphs, author=author, at=at))


def docx_with_macros(title: str, *, author: str, at: datetime) -> bytes:
    """A document that brings a macro project along, as templates from elsewhere do."""
    parts = _document(title, ["Press Enable Content to fill the form in."], author=author, at=at)
    parts["word/vbaProject.bin"] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2040)
    return _packed(parts)


def xlsx(name: str, table: Table, *, author: str, at: datetime) -> bytes:
    """One sheet of words and numbers."""
    rows = "".join(
        f'<row r="{r}">{"".join(_cell(value, r, c) for c, value in enumerate(row))}</row>'
        for r, row in enumerate(table, start=1)
    )
    sheet = f'{_XML}<worksheet xmlns="{_SHEET}"><sheetData>{rows}</sheetData></worksheet>'
    book = (
        f'{_XML}<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}"><sheets>'
        f'<sheet name="{escape(name[:31])}" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    return _packed(
        {
            "[Content_Types].xml": _types(
                ("/xl/workbook.xml", f"{_TYPE}.spreadsheetml.sheet.main+xml"),
                ("/xl/worksheets/sheet1.xml", f"{_TYPE}.spreadsheetml.worksheet+xml"),
            ),
            "_rels/.rels": _relations(("officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": book.encode(),
            "xl/_rels/workbook.xml.rels": _relations(("worksheet", "worksheets/sheet1.xml")),
            "xl/worksheets/sheet1.xml": sheet.encode(),
            "docProps/core.xml": _core(name, author, at),
        }
    )


def comma_separated(table: Table) -> bytes:
    target = io.StringIO()
    csv.writer(target, lineterminator="\r\n").writerows(table)
    return target.getvalue().encode()


def _document(
    title: str, paragraphs: Sequence[str], *, author: str, at: datetime
) -> dict[str, bytes]:
    body = _paragraph(title, size=32, is_bold=True)
    body += "".join(
        _paragraph(text[2:], size=24, is_bold=True) if text.startswith("# ") else _paragraph(text)
        for text in paragraphs
    )
    document = f'{_XML}<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>'
    main = f"{_TYPE}.wordprocessingml.document.main+xml"
    return {
        "[Content_Types].xml": _types(("/word/document.xml", main)),
        "_rels/.rels": _relations(("officeDocument", "word/document.xml")),
        "word/document.xml": document.encode(),
        "docProps/core.xml": _core(title, author, at),
    }


def _paragraph(text: str, *, size: int = 22, is_bold: bool = False) -> str:
    bold = "<w:b/>" if is_bold else ""
    return (
        f'<w:p><w:r><w:rPr>{bold}<w:sz w:val="{size}"/></w:rPr>'
        f'<w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'
    )


def _cell(value: str | float, row: int, column: int) -> str:
    place = f"{chr(65 + column)}{row}"
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>'


def _types(*parts: tuple[str, str]) -> bytes:
    named = (
        *parts,
        ("/docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml"),
    )
    overrides = "".join(
        f'<Override PartName="{part}" ContentType="{kind}"/>' for part, kind in named
    )
    relations = "application/vnd.openxmlformats-package.relationships+xml"
    return (
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="{relations}"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Default Extension="bin" ContentType="application/octet-stream"/>{overrides}</Types>'
    ).encode()


def _relations(*targets: tuple[str, str]) -> bytes:
    lines = [
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(targets, start=1)
    ]
    if targets[0][0] == "officeDocument":
        kind = f"{_PACKAGE}/relationships/metadata/core-properties"
        lines.append(f'<Relationship Id="rId9" Type="{kind}" Target="docProps/core.xml"/>')
    joined = "".join(lines)
    return (
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{joined}</Relationships>'.encode()
    )


def _core(title: str, author: str, at: datetime) -> bytes:
    stamp = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    return (
        f'{_XML}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{escape(title)}</dc:title><dc:creator>{escape(author)}</dc:creator>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{stamp}</dcterms:created>'
        "</cp:coreProperties>"
    ).encode()


def _packed(parts: dict[str, bytes]) -> bytes:
    """A ZIP with the date of no day, so the same parts are the same bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return target.getvalue()
