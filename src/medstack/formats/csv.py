"""Delimited tables: laboratory results, exports of practice software.

RFC 4180 where the file follows it; other delimiters and loose quoting as programs write them.
A cell that a spreadsheet would take for a formula is kept as it is: escaping is for exports.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from medstack.formats import pages, plaintext
from medstack.formats.contract import Damaged, Excessive, FileMetadata, Inspection, Rendition
from medstack.formats.known import is_text
from medstack.kit.streams import Source

MAX_ROWS = 5_000_000
MAX_COLUMNS = 16_384
MAX_CELL_CHARS = 1_000_000
_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_ROWS = 100
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dialect:
    encoding: str
    delimiter: str
    is_strict: bool  # every quote where RFC 4180 wants it


class Csv:
    """A table of text, one record a line."""

    kind = "csv"
    media_type = "text/csv"
    extensions = ("csv", "tsv", "tab")

    def sniff(self, head: bytes, tail: bytes, size: int) -> bool:
        """Text whose first lines fall into the same number of columns, two or more."""
        if not head or not is_text(head) or not is_text(tail.rstrip(b"\x1a")):
            return False
        lines = head.decode("latin-1").splitlines()
        complete = lines if size <= len(head) else lines[:-1]
        return _best_delimiter([line for line in complete if line.strip()]) is not None

    def inspect(self, source: Source) -> Inspection:
        dialect = _dialect(source)
        widths: Counter[int] = Counter()
        for row in _records(source, dialect):
            widths[len(row)] += 1
            _require_modest(row, widths)
        if not widths:
            raise Damaged("The table has no rows.")
        usual = widths.most_common(1)[0][0]
        return Inspection(
            kind=self.kind,
            media_type=self.media_type,
            extension=self.extensions[0],
            metadata=FileMetadata(
                extra={
                    "encoding": dialect.encoding,
                    "delimiter": _NAMES[dialect.delimiter],
                    "rowCount": widths.total(),
                    "columnCount": max(widths),
                    "raggedRowCount": widths.total() - widths[usual],
                    "hasLooseQuotes": not dialect.is_strict,
                }
            ),
        )

    def render(self, source: Source) -> tuple[Rendition, ...]:
        return pages.table_of(islice(_records(source, _dialect(source)), pages.MAX_ROWS))

    def text(self, source: Source) -> str:
        return plaintext.searchable(source, plaintext.encoding_of(source))


def _require_modest(row: list[str], widths: Counter[int]) -> None:
    if len(row) > MAX_COLUMNS:
        raise Excessive(
            "The table is wider than we read.",
            rule="table-columns",
            limit=MAX_COLUMNS,
            found=len(row),
        )
    if widths.total() > MAX_ROWS:
        raise Excessive(
            "The table is longer than we read.",
            rule="table-rows",
            limit=MAX_ROWS,
            found=MAX_ROWS + 1,
        )


def _dialect(source: Source) -> _Dialect:
    """How the file is written, from its encoding to its quotes. Raises Damaged, Excessive."""
    encoding = plaintext.encoding_of(source)
    sample = [line for line in islice(plaintext.lines(source, encoding), _SAMPLE_ROWS) if line]
    delimiter = _best_delimiter(sample) or ","
    strict = _Dialect(encoding=encoding, delimiter=delimiter, is_strict=True)
    try:
        for _ in _parsed(source, strict):
            pass
    except csv.Error as cause:
        if "unexpected end" in str(cause):
            raise Damaged("A quoted cell is never closed.") from cause
        if "field larger" in str(cause):
            raise _too_large_a_cell() from cause
        return _Dialect(encoding=encoding, delimiter=delimiter, is_strict=False)
    return strict


def _best_delimiter(lines: list[str]) -> str | None:
    """The delimiter that cuts most lines into the same number of columns; None if none does."""
    best: tuple[float, int, str] | None = None
    for delimiter in _DELIMITERS:
        widths = Counter(_width(line, delimiter) for line in lines)
        if not widths:
            continue
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
        share = count / len(lines)
        if width > 1 and share >= 0.7 and (best is None or (share, width) > best[:2]):
            best = (share, width, delimiter)
    return best[2] if best else None


def _width(line: str, delimiter: str) -> int:
    """Columns of one line, delimiters inside quotes not counted."""
    return sum(piece.count(delimiter) for piece in line.split('"')[::2]) + 1


def _records(source: Source, dialect: _Dialect) -> Iterator[list[str]]:
    """Every row that is not blank."""
    try:
        for row in _parsed(source, dialect):
            if row:
                yield row
    except csv.Error as cause:
        raise _too_large_a_cell() from cause


def _parsed(source: Source, dialect: _Dialect) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_CELL_CHARS)
    return csv.reader(
        plaintext.lines(source, dialect.encoding),
        delimiter=dialect.delimiter,
        strict=dialect.is_strict,
    )


def _too_large_a_cell() -> Excessive:
    return Excessive(
        "A cell is longer than we read.",
        rule="cell-characters",
        limit=MAX_CELL_CHARS,
        found=MAX_CELL_CHARS + 1,
    )


CSV = Csv()
