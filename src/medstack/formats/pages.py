"""Pictures of documents that have no picture: their first lines or cells, as a page.

A neutral page with the document's own words, so that a list shows at a glance which is which.
It promises no layout: that is the document's own program's business. Words in scripts the
shipped fonts do not cover are drawn as bars of their length.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from medstack.formats.contract import Rendition
from medstack.formats.pictures import renditions_of_array

PAGE_PX = (905, 1280)  # A4 upright
TABLE_PX = (1280, 905)
MAX_LINES = 80
MAX_ROWS = 34
MAX_COLUMNS = 14

_PAPER = (255, 255, 255)
_INK = (31, 41, 51)
_FAINT = (216, 222, 228)
_HEADER = (238, 242, 246)
_MARGIN_PX = 76
_LINE_CHARS = 2000  # of one line, more is never visible

# The glyphs of the shipped Latin subsets.
_EXTRA = frozenset("ıŒœʻʼˆ˚˜€™↑↓−∕‐‑‒–—―‘’‚“”„†‡•…‰‹›⁄")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One paragraph. level: 0 running text, 1 the largest heading, to 3."""

    text: str
    level: int = 0
    is_monospaced: bool = False


_STYLES = {  # level: size in px, weight
    0: (18, 400),
    1: (31, 600),
    2: (24, 600),
    3: (20, 600),
}


def page_of(lines: Iterable[Line]) -> tuple[Rendition, ...]:
    """Draw as many lines as fit on one page, long ones wrapped."""
    image = Image.new("RGB", PAGE_PX, _PAPER)
    draw = ImageDraw.Draw(image)
    width = PAGE_PX[0] - 2 * _MARGIN_PX
    y = float(_MARGIN_PX)
    for count, line in enumerate(lines):
        size, weight = _STYLES[line.level]
        font = _mono(size - 2) if line.is_monospaced else _sans(size, weight)
        y += size * 0.6 if line.level and count else 0
        for row in _wrapped(line.text[:_LINE_CHARS], font, width) or [""]:
            if y + size > PAGE_PX[1] - _MARGIN_PX or count >= MAX_LINES:
                return _rendered(image)
            _draw_words(draw, (_MARGIN_PX, y), row, font, size)
            y += size * 1.5
        y += 0 if line.is_monospaced else size * 0.25
    return _rendered(image)


def table_of(rows: Iterable[Sequence[str]], *, title: str = "") -> tuple[Rendition, ...]:
    """Draw the first cells as a table, its first row as a header."""
    shown = [list(row[:MAX_COLUMNS]) for row, _ in zip(rows, range(MAX_ROWS), strict=False)]
    image = Image.new("RGB", TABLE_PX, _PAPER)
    draw = ImageDraw.Draw(image)
    left, y, height = 40, 40, 25
    if title:
        _draw_words(draw, (left, y), title[:80], _sans(20, 600), 20)
        y += 38
    widths = _column_widths(shown, TABLE_PX[0] - 2 * left)
    for index, row in enumerate(shown):
        if y + height > TABLE_PX[1] - 20:
            break
        font = _sans(15, 600 if index == 0 else 400)
        if index == 0:
            draw.rectangle((left, y, left + sum(widths), y + height), fill=_HEADER)
        _draw_row(draw, (left, y), row, widths, font)
        y += height
        draw.line((left, y, left + sum(widths), y), fill=_FAINT)
    return _rendered(image)


def _draw_row(
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    row: Sequence[str],
    widths: Sequence[int],
    font: ImageFont.FreeTypeFont,
) -> None:
    x, y = at
    for cell, width in zip(row, widths, strict=False):
        text = _shortened(" ".join(cell[:200].split()), font, width - 16)
        _draw_words(draw, (x + 8, y + 3), text, font, 15)
        x += width


def _column_widths(rows: Sequence[Sequence[str]], total: int) -> list[int]:
    """Wide enough for what is shown, shrunk in proportion where that is too much."""
    columns = max((len(row) for row in rows), default=0)
    font = _sans(15, 600)
    wanted = [
        min(290, max((_length(row[n][:60], font) for row in rows if n < len(row)), default=0)) + 24
        for n in range(columns)
    ]
    scale = min(1.0, total / sum(wanted)) if wanted else 1.0
    return [int(max(40, width * scale)) for width in wanted]


def _shortened(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    if _length(text, font) <= width:
        return text
    while text and _length(text + "…", font) > width:
        text = text[:-1]
    return text + "…"


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    rows: list[str] = []
    row = ""
    for word in _words(text.expandtabs(4), font, width):
        longer = f"{row} {word}" if row else word
        if row and _length(longer, font) > width:
            rows.append(row)
            longer = word
        row = longer
    return [*rows, row] if row else rows


def _words(text: str, font: ImageFont.FreeTypeFont, width: float) -> Iterator[str]:
    """Words, those wider than a whole row cut up."""
    for word in text.split(" "):
        rest = word
        while _length(rest, font) > width and len(rest) > 1:
            fits = max(1, int(len(rest) * width / _length(rest, font)))
            yield rest[:fits]
            rest = rest[fits:]
        yield rest


def _draw_words(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    font: ImageFont.FreeTypeFont,
    size: int,
) -> None:
    """Draw a row; a word the font lacks becomes a bar."""
    x, y = at
    run: list[str] = []
    for word in [*text.split(" "), None]:
        if word is not None and _is_covered(shown := _closest(word)):
            run.append(shown)
            continue
        if run:
            draw.text((x, y), " ".join(run), font=font, fill=_INK)
            x += font.getlength(" ".join(run) + " ")
            run = []
        if word is not None:
            length = _bar_length(word, size)
            draw.rounded_rectangle((x, y + size * 0.35, x + length, y + size), 4, fill=_FAINT)
            x += length + font.getlength(" ")


def _length(text: str, font: ImageFont.FreeTypeFont) -> float:
    shown = _closest(text)
    if _is_covered(shown):
        return font.getlength(shown)
    return sum(
        font.getlength(word) if _is_covered(word) else _bar_length(word, int(font.size))
        for word in shown.split(" ")
    ) + font.getlength(" ") * shown.count(" ")


def _bar_length(word: str, size: int) -> float:
    return len(word) * size * 0.55


def _is_covered(text: str) -> bool:
    return all(letter <= "\xff" or letter in _EXTRA for letter in text)


def _closest(text: str) -> str:
    """What the fonts can show of it: accents they lack are left off, controls are spaces."""
    if text.isascii() and text.isprintable():
        return text
    kept = "".join(" " if unicodedata.category(letter) in _UNSEEN else letter for letter in text)
    if _is_covered(kept):
        return kept
    return "".join(_plain(letter) for letter in kept)


_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp", "Zs")
_STROKES = str.maketrans("łŁđĐħĦŧŦ", "lLdDhHtT")


def _plain(letter: str) -> str:
    if _is_covered(letter):
        return letter
    letter = letter.translate(_STROKES)
    base = unicodedata.normalize("NFKD", letter)[:1]
    return base if base and base <= "\xff" else letter


@cache
def _sans(size: int, weight: int) -> ImageFont.FreeTypeFont:
    font = _font("plex-sans-latin.woff2", size)
    font.set_variation_by_axes([weight])
    return font


@cache
def _mono(size: int) -> ImageFont.FreeTypeFont:
    return _font("plex-mono-latin.woff2", size)


def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    data = (files("medstack.formats") / "fonts" / name).read_bytes()
    return ImageFont.truetype(io.BytesIO(data), size, layout_engine=ImageFont.Layout.BASIC)


def _rendered(image: Image.Image) -> tuple[Rendition, ...]:
    return renditions_of_array(np.asarray(image), is_lettering=True)
