"""Bytes as text: one encoding, strictly, or not text at all.

Tried in order: a byte order mark (UTF-8, UTF-16), UTF-8, Windows-1252, which is what is left of
the practice software of the nineties. Nothing is replaced or ignored on the way.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from medstack.formats.contract import TEXT_CAP, Damaged, Excessive
from medstack.kit.streams import Source, chunks_of

MAX_BYTES = 256 * 1024 * 1024
# Control characters no text file holds: all but tab, line ends, form feed, the separators that
# HL7 and old databases use (0B, 1C–1F), and DOS's end-of-file mark.
_GARBAGE = re.compile("[\x00-\x08\x0e-\x19\x1b\x7f]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding_of(source: Source) -> str:
    """The encoding the whole content decodes in: utf-8, utf-8-sig, utf-16 or cp1252.

    Raises Damaged where none does or control characters show it is no text, Excessive over
    MAX_BYTES.
    """
    if source.size == 0:
        raise Damaged("The file is empty.", size=0)
    if source.size > MAX_BYTES:
        raise Excessive(
            "The text is longer than we read.",
            rule="text-bytes",
            limit=MAX_BYTES,
            found=source.size,
        )
    head = source.read_at(0, 3)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            _require_text(source, encoding)
            return encoding
    try:
        _require_text(source, "utf-8")
    except UnicodeDecodeError:
        _require_text(source, "cp1252")
        return "cp1252"
    return "utf-8"


def _require_text(source: Source, encoding: str) -> None:
    """Decode to the end. UTF-8 without a mark may be wrong: its error is let through."""
    try:
        for piece in pieces(source, encoding):
            if _GARBAGE.search(piece):
                raise Damaged("The text holds control characters no text has.")
    except UnicodeDecodeError as cause:
        if encoding == "utf-8":
            raise
        raise Damaged("The text breaks its own encoding.", at=cause.start) from cause


def pieces(source: Source, encoding: str) -> Iterator[str]:
    """The content decoded, a chunk at a time, line ends as they are."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    for chunk in chunks_of(source):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def lines(source: Source, encoding: str) -> Iterator[str]:
    """The content line by line, each with its line end; lone CR ends a line too."""
    held = ""
    for piece in pieces(source, encoding):
        held += piece
        if held.endswith("\r"):  # its LF may come with the next piece
            continue
        whole = held.splitlines(keepends=True) if _only_line_ends(held) else _split(held)
        held = whole.pop() if whole and not whole[-1].endswith(("\n", "\r")) else ""
        yield from whole
    yield from _split(held)


_LINE = re.compile("[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def _split(text: str) -> list[str]:
    return _LINE.findall(text)


def _only_line_ends(text: str) -> bool:
    """True where str.splitlines, which is faster, cuts at CR and LF only."""
    return text.isascii() and not _OTHER_BREAKS.search(text)


_OTHER_BREAKS = re.compile("[\x0b\x0c\x1c-\x1e]")


def searchable(source: Source, encoding: str) -> str:
    """The first TEXT_CAP characters."""
    parts: list[str] = []
    left = TEXT_CAP
    for piece in pieces(source, encoding):
        parts.append(piece[:left])
        left -= len(parts[-1])
        if left <= 0:
            break
    return "".join(parts).replace("\x1a", "")
