"""Plain text: notes, letters, device logs."""

from __future__ import annotations

from itertools import islice

from medstack.formats import pages, plaintext
from medstack.formats.contract import FileMetadata, Inspection, Rendition
from medstack.formats.known import is_text
from medstack.kit.streams import Source

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Txt:
    """Text in UTF-8, UTF-16 with a mark, or Windows-1252."""

    kind = "txt"
    media_type = "text/plain"
    extensions = ("txt", "text", "log")

    def sniff(self, head: bytes, tail: bytes, size: int) -> bool:
        if head.startswith(_UTF16_MARKS):
            return size % 2 == 0 and b"\0\0" not in head
        return size > 0 and is_text(head) and is_text(tail.rstrip(b"\x1a"))

    def inspect(self, source: Source) -> Inspection:
        encoding = plaintext.encoding_of(source)
        count = sum(1 for _ in plaintext.lines(source, encoding))
        return Inspection(
            kind=self.kind,
            media_type=self.media_type,
            extension=self.extensions[0],
            metadata=FileMetadata(extra={"encoding": encoding, "lineCount": count}),
        )

    def render(self, source: Source) -> tuple[Rendition, ...]:
        lines = plaintext.lines(source, plaintext.encoding_of(source))
        return pages.page_of(
            pages.Line(text=line.rstrip("\r\n"), is_monospaced=True)
            for line in islice(lines, pages.MAX_LINES)
        )

    def text(self, source: Source) -> str:
        return plaintext.searchable(source, plaintext.encoding_of(source))


TXT = Txt()
