"""Word documents (WordprocessingML), with or without macros; nothing in them is run.

Text is what a reader sees: deleted passages and fallback copies are left out.
Source: ECMA-376 part 1, 17.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from medstack.formats import pages
from medstack.formats.contract import (
    TEXT_CAP,
    Damaged,
    FileMetadata,
    IdentityMark,
    Inspection,
    Rendition,
)
from medstack.formats.ooxml import Package, local
from medstack.kit.streams import Source

# Content type of the main part: (extension, media type).
_OFFICE = "application/vnd.openxmlformats-officedocument.wordprocessingml."
_MAIN = {
    _OFFICE + "document.main+xml": ("docx", _OFFICE + "document"),
    _OFFICE + "template.main+xml": ("dotx", _OFFICE + "template"),
    "application/vnd.ms-word.document.macroenabled.main+xml": (
        "docm",
        "application/vnd.ms-word.document.macroEnabled.12",
    ),
    "application/vnd.ms-word.template.macroenabledtemplate.main+xml": (
        "dotm",
        "application/vnd.ms-word.template.macroEnabled.12",
    ),
}
_BESIDE = ("header+xml", "footer+xml", "footnotes+xml", "endnotes+xml", "comments+xml")
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADER = re.compile(rb"PK\x03\x04.{26}word/|PK\x01\x02.{42}word/", re.DOTALL)
_LEVELS = re.compile(r"(?:heading|berschrift|titre|titolo|kop|rubrik)\s?([1-9])", re.IGNORECASE)


class Docx:
    """A document, a template, and both with macros; the extension says which."""

    kind = "docx"
    media_type = _OFFICE + "document"
    extensions = ("docx", "docm", "dotx", "dotm")

    def sniff(self, head: bytes, tail: bytes, size: int) -> bool:
        return (
            head.startswith(b"PK\x03\x04")
            and (b"[Content_Types].xml" in head or b"[Content_Types].xml" in tail)
            and (_HEADER.search(head) is not None or _HEADER.search(tail) is not None)
        )

    def inspect(self, source: Source) -> Inspection:
        package = Package(source)
        main, extension, media_type = _main_part(package)
        package.verify()
        seen = _Reader()
        package.parse(main, seen)
        properties = package.properties()
        return Inspection(
            kind=self.kind,
            media_type=media_type,
            extension=extension,
            metadata=FileMetadata(
                captured_at=properties.created,
                equipment=properties.application,
                extra={
                    "paragraphCount": seen.paragraph_count,
                    "tableCount": seen.table_count,
                    "imageCount": sum(n.startswith("word/media/") for n in package.names()),
                    "hasMacros": "vbaproject" in " ".join(package.names()),
                    "hasTrackedChanges": seen.has_changes,
                },
            ),
            identity=(*properties.marks, *_people(package, seen)),
        )

    def render(self, source: Source) -> tuple[Rendition, ...]:
        package = Package(source)
        seen = _Reader(limit=20_000)
        package.parse(_main_part(package)[0], seen)
        return pages.page_of(seen.lines)

    def text(self, source: Source) -> str:
        package = Package(source)
        parts = [_main_part(package)[0]]
        parts += [name for ending in _BESIDE for name in package.parts_of_type(ending)]
        return "\n".join(_texts(package, parts))[:TEXT_CAP]


def _texts(package: Package, parts: list[str]) -> Iterator[str]:
    left = TEXT_CAP
    for name in parts:
        if left <= 0:
            return
        seen = _Reader(limit=left)
        package.parse(name, seen)
        text = "\n".join(line.text for line in seen.lines)
        left -= len(text)
        yield text


def _main_part(package: Package) -> tuple[str, str, str]:
    """Name, extension and media type. Raises Damaged where it is no Word document."""
    for told, (extension, media_type) in _MAIN.items():
        for name in package.parts_of_type(told):
            return name, extension, media_type
    raise Damaged("The document has no main part.")


def _people(package: Package, seen: _Reader) -> Iterator[IdentityMark]:
    if package.parts_of_type("comments+xml"):
        yield IdentityMark(kind="author", place="comments.xml")
    if seen.has_changes:
        yield IdentityMark(kind="author", place="tracked changes")
    if package.parts_of_type("people+xml"):
        yield IdentityMark(kind="author", place="people.xml")


class _Reader:
    """Gathers paragraphs as they stream by, at most `limit` characters."""

    def __init__(self, limit: int = TEXT_CAP) -> None:
        self.lines: list[pages.Line] = []
        self.paragraph_count = 0
        self.table_count = 0
        self.has_changes = False
        self._left = limit
        self._text: list[str] = []
        self._level = 0
        self._is_text = False
        self._hidden = 0  # inside a deletion or a fallback copy
        self._cell = 0  # inside so many table cells: paragraphs there do not end the line

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = local(tag)
        if name in ("Fallback", "del", "moveFrom"):
            self._hidden += 1
        if name in ("ins", "del") and tag.startswith(_WORD):
            self.has_changes = True
        if name == "t" and tag.startswith(_WORD):
            self._is_text = True
        elif name == "pStyle":
            self._level = _level(attributes.get(_WORD + "val", ""))
        elif name == "tbl":
            self.table_count += 1
        elif name == "tc":
            self._cell += 1
        elif name in ("br", "cr") and tag.startswith(_WORD):
            self._text.append(" ")
        elif name == "tab" and not attributes:
            self._text.append("\t")

    def data(self, text: str) -> None:
        if self._is_text and not self._hidden:
            self._text.append(text)

    def end(self, tag: str) -> None:
        name = local(tag)
        if name == "t":
            self._is_text = False
        elif name in ("Fallback", "del", "moveFrom"):
            self._hidden -= 1
        elif name == "p" and tag.startswith(_WORD):
            self.paragraph_count += 1
            if self._cell:
                self._text.append(" ")
            else:
                self._finish()
        elif name == "tc":
            self._cell -= 1
            self._text.append("\t")
        elif name == "tr" and not self._cell:
            self._finish()

    def _finish(self) -> None:
        text = "".join(self._text).rstrip()[: max(0, self._left)]
        self._text.clear()
        if self._left > 0:
            self.lines.append(pages.Line(text=text, level=self._level))
        self._left -= len(text) + 1
        self._level = 0


def _level(style: str) -> int:
    """Heading level of a paragraph style, by the names Word and LibreOffice give them."""
    if style.lower() in ("title", "titel", "titre", "titolo"):
        return 1
    match = _LEVELS.search(style)
    return min(3, int(match[1])) if match else 0


DOCX = Docx()
