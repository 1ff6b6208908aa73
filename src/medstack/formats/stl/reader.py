"""Triangles out of STL files, binary and ASCII.

The format has no standard body; the rules are those of its 1989 StereoLithography Interface
Specification: a binary file is exactly 84 + 50·n bytes, whatever its first word says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medstack.formats.contract import Damaged, Excessive
from medstack.formats.reading import exactly
from medstack.kit.streams import Source

HEADER_BYTES = 84
FACET_BYTES = 50
MAX_FACETS = 10_000_000
_BLOCK_FACETS = 200_000
_BLOCK_BYTES = 8 * 1024 * 1024
_FACET_WORDS = 21
_KEYWORDS = {
    0: b"facet", 1: b"normal", 5: b"outer", 6: b"loop", 7: b"vertex",
    11: b"vertex", 15: b"vertex", 19: b"endloop", 20: b"endfacet",
}  # fmt: skip
_COORDINATES = (8, 9, 10, 12, 13, 14, 16, 17, 18)
_SOLID_LINE = re.compile(rb"^[ \t]*(?:end[ \t]?)?solid\b[^\r\n]*[\r\n]*", re.MULTILINE)
_END = re.compile(rb"end ?solid[^\r\n]*\s*\Z")
_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])

Triangles = NDArray[np.float32]  # (facets, 3 corners, 3 coordinates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """All triangles of a file."""

    triangles: Triangles
    is_binary: bool
    name: str  # header text or solid name: may name a person


def is_binary_size(count_field: bytes, size: int) -> bool:
    """Does the facet count at byte 80 explain the file's size?"""
    if len(count_field) < 4:
        return False
    count = int.from_bytes(count_field[:4], "little")
    return count > 0 and size == HEADER_BYTES + FACET_BYTES * count


def read_mesh(source: Source) -> Mesh:
    """Every triangle, finite. Raises Damaged, or Excessive over MAX_FACETS."""
    if is_binary_size(source.read_at(80, 4), source.size):
        mesh = _binary(source)
    elif source.read_at(0, 512).lstrip()[:5].lower() == b"solid":
        mesh = _ascii(source)
    else:
        raise Damaged("The STL's size does not fit its number of triangles.", size=source.size)
    if not np.isfinite(mesh.triangles).all():
        raise Damaged("The STL has corners that are nowhere.")
    return mesh


def _within_budget(facets: int) -> None:
    if facets > MAX_FACETS:
        raise Excessive(
            f"The mesh has more than {MAX_FACETS} triangles.",
            rule="mesh-facets",
            limit=MAX_FACETS,
            found=facets,
        )


def _binary(source: Source) -> Mesh:
    count = (source.size - HEADER_BYTES) // FACET_BYTES
    _within_budget(count)
    triangles = np.empty((count, 3, 3), np.float32)
    for first in range(0, count, _BLOCK_FACETS):
        wanted = min(_BLOCK_FACETS, count - first)
        raw = exactly(source, HEADER_BYTES + first * FACET_BYTES, wanted * FACET_BYTES)
        triangles[first : first + wanted] = np.frombuffer(raw, _RECORD)["corners"]
    header = exactly(source, 0, 80).split(b"\0")[0]
    return Mesh(triangles=triangles, is_binary=True, name=_clean(header))


def _ascii(source: Source) -> Mesh:
    if not _END.search(source.read_at(max(0, source.size - 1024), 1024).lower()):
        raise Damaged("The STL ends before its last triangle does.", size=source.size)
    blocks: list[Triangles] = []
    at, rest, facets = 0, b"", 0
    while at < source.size:
        piece = rest + source.read_at(at, _BLOCK_BYTES).lower()
        at += _BLOCK_BYTES
        whole, mark, rest = piece.rpartition(b"endfacet")
        if mark:
            blocks.append(_facets(whole + mark))
            facets += len(blocks[-1])
            _within_budget(facets)
        elif len(rest) > 2 * _BLOCK_BYTES:
            raise Damaged("The STL holds something else than triangles.", at=at)
    if _SOLID_LINE.sub(b"", rest.lstrip() + b"\n").split() or not facets:
        raise Damaged("The STL holds something else than triangles.")
    name = source.read_at(0, 256).lstrip().splitlines()[0][5:]
    return Mesh(triangles=np.concatenate(blocks), is_binary=False, name=_clean(name))


def _facets(text: bytes) -> Triangles:
    """Whole facets, lower case, to (facets, 3, 3)."""
    words = _SOLID_LINE.sub(b"", text).split()
    if len(words) % _FACET_WORDS:
        raise Damaged("An STL triangle is incomplete.")
    for place, keyword in _KEYWORDS.items():
        if set(words[place::_FACET_WORDS]) - {keyword}:
            raise Damaged("The STL holds something else than triangles.")
    count = len(words) // _FACET_WORDS
    corners = np.empty((count, 9), np.float32)
    try:
        for column, place in enumerate(_COORDINATES):
            corners[:, column] = np.array(words[place::_FACET_WORDS]).astype(np.float64)
    except (ValueError, OverflowError) as cause:
        raise Damaged("An STL coordinate is not a number.") from cause
    return corners.reshape(count, 3, 3)


def _clean(name: bytes) -> str:
    return name.decode("utf-8", "replace").strip(" \t\r\n\0")
