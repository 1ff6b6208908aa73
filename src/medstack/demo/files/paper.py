"""A letter-headed page as blocks, and the two ways it reaches a practice: PDF, or a scan.

The PDF has a real text layer and no compression, so the same words are the same bytes. The scan is
a picture of the page: grey, noisy and not quite straight.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from medstack.demo.files.noise import patch, rng_for, texture

PRACTICE = "Harbour Street Dental"
ADDRESS = "14 Harbour Street"
_WIDTH, _HEIGHT, _MARGIN = 595, 842, 56
_TEAL = "0.10 0.36 0.44"
_WIDTHS = (  # Helvetica, space to tilde, thousandths. Source: Adobe's font metrics
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    *(556,) * 10, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722,
    278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611,
    278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222,
    833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What stands on it. Lines starting "- " are ticked boxes, "= " labelled fields."""

    title: str
    lines: tuple[str, ...]
    signed_by: str = ""
    author: str = ""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """One thing to draw; y counts down from the top."""

    what: str  # text, bold, box, tick, rule, ink, square
    x: float
    y: float
    text: str = ""
    size: float = 10.5


def pdf(paper: Paper) -> bytes:
    """One or more A4 pages, PDF 1.4."""
    pages = [_content(page) for page in _pages(paper)]
    kids = " ".join(f"{5 + 2 * n} 0 R" for n in range(len(pages)))
    stamp = f"D:{paper.at:%Y%m%d%H%M%S}Z"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (en-GB) >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        _font("Helvetica"),
        _font("Helvetica-Bold"),
    ]
    for number, page in enumerate(pages):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {_WIDTH} {_HEIGHT}] /Resources "
            f"<< /Font << /F1 3 0 R /F2 4 0 R >> >> /Contents {6 + 2 * number} 0 R >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page))
    objects.append(
        b"<< /Title (%s) /Author (%s) /Producer (Harbour Street Dental office) "
        b"/CreationDate (%s) /ModDate (%s) >>"
        % (
            _escaped(paper.title),
            _escaped(paper.author or PRACTICE),
            stamp.encode(),
            stamp.encode(),
        )
    )
    return _assembled(objects)


def scan(paper: Paper, *, seed: int) -> Image.Image:
    """The first page as a flatbed gives it, 150 dpi, grey."""
    rng = rng_for(seed, "scan", paper.title)
    scale = 150 / 72
    size = (round(_WIDTH * scale), round(_HEIGHT * scale))
    page = Image.new("L", size, 250)
    draw = ImageDraw.Draw(page)
    for mark in next(_pages(paper)):
        _draw(draw, mark, scale)
    turn = float(rng.uniform(0.4, 1.3) * rng.choice((-1, 1)))
    page = page.rotate(turn, Image.Resampling.BICUBIC, fillcolor=248)
    plane = np.asarray(page, np.float32)
    shape = (size[1], size[0])
    tone = 1 + 0.010 * patch(texture(220.0, 0.8, 2), shape, rng)
    edge = np.linspace(0.93, 1.0, size[0], dtype=np.float32)[None, :] ** 2
    noise = 3.0 * rng.standard_normal(shape, dtype=np.float32)
    plane = np.minimum(plane * tone * np.maximum(edge, 0.9), 244) + noise
    for y in (0.36, 0.64):  # the holes it was filed by
        yy, xx = np.ogrid[: shape[0], : shape[1]]
        plane[np.hypot(xx - 34, yy - y * shape[0]) < 17] = 92
    return Image.fromarray(np.clip(plane, 0, 255).astype(np.uint8), "L")


def tiff(image: Image.Image) -> bytes:
    """Black and white, Group 4, as a scanner's text mode stores it."""
    target = io.BytesIO()
    black = image.point(lambda value: 255 if value > 150 else 0).convert("1")
    black.save(target, "TIFF", compression="group4", dpi=(150, 150), software="FlatScan 3")
    return target.getvalue()


def jpeg(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, "JPEG", quality=62, dpi=(150, 150))
    return target.getvalue()


def _pages(paper: Paper) -> Iterator[list[_Mark]]:
    marks, y = _head(paper), 176.0
    for line in paper.lines:
        if y > _HEIGHT - 120:
            yield marks
            marks, y = [], 70.0
        for mark, down in _block(line, y):
            marks.append(mark)
            y += down
    if paper.signed_by:
        y = max(y + 34, 660)
        marks.append(_Mark(what="ink", x=_MARGIN + 8, y=y - 8, text=paper.signed_by))
        marks.append(_Mark(what="rule", x=_MARGIN, y=y, size=210))
        signed = f"{paper.signed_by}, {paper.at:%d %b %Y}"
        marks.append(_Mark(what="text", x=_MARGIN, y=y + 14, text=signed, size=9))
    yield marks


def _head(paper: Paper) -> list[_Mark]:
    return [
        _Mark(what="square", x=_MARGIN, y=46, size=22),
        _Mark(what="bold", x=_MARGIN + 32, y=58, text=PRACTICE, size=12),
        _Mark(what="text", x=_MARGIN + 32, y=70, text=ADDRESS, size=8),
        _Mark(what="rule", x=_MARGIN, y=92, size=_WIDTH - 2 * _MARGIN),
        _Mark(what="bold", x=_MARGIN, y=128, text=paper.title, size=17),
        _Mark(what="text", x=_MARGIN, y=148, text=f"{paper.at:%d %B %Y}", size=9.5),
    ]


def _block(line: str, y: float) -> Iterator[tuple[_Mark, float]]:
    """The marks of one line of words, each with how far it moves down."""
    if not line:
        yield _Mark(what="text", x=_MARGIN, y=y), 9
    elif line.startswith("# "):
        yield _Mark(what="bold", x=_MARGIN, y=y + 6, text=line[2:], size=11.5), 24
    elif line.startswith("= "):
        label, _, value = line[2:].partition(": ")
        yield _Mark(what="text", x=_MARGIN, y=y, text=label, size=8), 5
        yield _Mark(what="box", x=_MARGIN, y=y, size=_WIDTH - 2 * _MARGIN), 13
        yield _Mark(what="text", x=_MARGIN + 8, y=y + 18, text=value), 18
    elif line.startswith("- "):
        yield _Mark(what="tick", x=_MARGIN, y=y), 0
        for part in _wrapped(line[2:], _WIDTH - 2 * _MARGIN - 22, 10.5):
            yield _Mark(what="text", x=_MARGIN + 20, y=y, text=part), 15
            y += 15
    else:
        for part in _wrapped(line, _WIDTH - 2 * _MARGIN, 10.5):
            yield _Mark(what="text", x=_MARGIN, y=y, text=part), 15
            y += 15


def _wrapped(text: str, width: float, size: float) -> Iterator[str]:
    held = ""
    for word in text.split():
        longer = f"{held} {word}".strip()
        if _length(longer, size) > width and held:
            yield held
            held = word
        else:
            held = longer
    yield held


def _length(text: str, size: float) -> float:
    known = (ord(letter) - 32 for letter in text)
    return sum(_WIDTHS[n] if 0 <= n < len(_WIDTHS) else 556 for n in known) * size / 1000


def _content(marks: list[_Mark]) -> bytes:
    return b"\n".join(_operators(mark) for mark in marks)


def _operators(mark: _Mark) -> bytes:
    x, y = mark.x, _HEIGHT - mark.y
    if mark.what in ("text", "bold"):
        font = "F2" if mark.what == "bold" else "F1"
        return b"BT /%s %.1f Tf 0.12 g %.1f %.1f Td (%s) Tj ET" % (
            font.encode(), mark.size, x, y, _escaped(mark.text),
        )  # fmt: skip
    if mark.what == "square":
        return f"{_TEAL} rg {x:.1f} {y - mark.size:.1f} {mark.size} {mark.size} re f".encode()
    if mark.what == "box":
        return f"0.6 G 0.6 w {x:.1f} {y - 21:.1f} {mark.size} 18 re S".encode()
    if mark.what == "tick":
        return (
            f"0.4 G 0.7 w {x:.1f} {y - 1:.1f} 9 9 re S {_TEAL} RG 1.4 w "
            f"{x + 1.5:.1f} {y + 3:.1f} m {x + 4:.1f} {y + 0.6:.1f} l {x + 8:.1f} {y + 8:.1f} l S"
        ).encode()
    if mark.what == "rule":
        return f"0.7 G 0.6 w {x:.1f} {y:.1f} m {x + mark.size:.1f} {y:.1f} l S".encode()
    points = _signature(mark.text)
    steps = " ".join(
        f"{x + px:.1f} {y + py:.1f} {'l' if n else 'm'}" for n, (px, py) in enumerate(points)
    )
    return f"0.08 0.10 0.35 RG 1.1 w {steps} S".encode()


def _draw(draw: ImageDraw.ImageDraw, mark: _Mark, scale: float) -> None:
    x, y = mark.x * scale, mark.y * scale
    if mark.what in ("text", "bold"):
        font = ImageFont.load_default(mark.size * scale * 0.98)
        stroke = 0.6 if mark.what == "bold" else 0
        draw.text((x, y), mark.text, fill=38, font=font, anchor="ls", stroke_width=stroke)
    elif mark.what == "square":
        draw.rectangle((x, y, x + mark.size * scale, y + mark.size * scale), fill=92)
    elif mark.what == "box":
        draw.rectangle((x, y + 3 * scale, x + mark.size * scale, y + 21 * scale), outline=130)
    elif mark.what == "tick":
        draw.rectangle((x, y - 8 * scale, x + 9 * scale, y + scale), outline=110)
        draw.line([(x + 3, y - 8), (x + 8, y - 2), (x + 17, y - 16)], fill=60, width=3)
    elif mark.what == "rule":
        draw.line((x, y, x + mark.size * scale, y), fill=150, width=1)
    else:
        points = [(x + px * scale, y - py * scale) for px, py in _signature(mark.text)]
        draw.line(points, fill=70, width=3, joint="curve")


def _signature(name: str) -> list[tuple[float, float]]:
    """A pen's way, the same for the same name."""
    rng = rng_for(0, "signature", name)
    t = np.linspace(0, 1, 120)
    height = sum(
        float(rng.uniform(2, 7)) * np.sin(2 * np.pi * t * turns + float(rng.uniform(0, 6)))
        for turns in (3, 7, 11)
    ) * np.exp(-1.2 * t)
    along = 150 * t + 6 * np.sin(2 * np.pi * t * 9)
    return [(float(x), float(y)) for x, y in zip(along, height, strict=True)]


def _font(name: str) -> bytes:
    return (
        f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>".encode()
    )


def _escaped(text: str) -> bytes:
    raw = text.encode("cp1252", errors="replace")
    return raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _assembled(objects: list[bytes]) -> bytes:
    """Header, numbered objects, cross-reference table, trailer."""
    whole = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(whole))
        whole += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(whole)
    whole += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    whole += b"".join(b"%010d 00000 n \n" % place for place in places)
    name = hashlib.sha256(whole).hexdigest()[:32].encode()
    whole += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R /ID [<%s> <%s>] >>\n" % (
        len(objects) + 1, len(objects), name, name,
    )  # fmt: skip
    return bytes(whole + b"startxref\n%d\n%%%%EOF\n" % start)
