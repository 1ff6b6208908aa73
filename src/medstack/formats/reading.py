"""Careful reading of structures: every byte asked for is there, or the file is damaged.

Lengths come from the file and are never trusted: nothing is allocated before it is known to
lie inside the file.
"""

from __future__ import annotations

import contextlib
import struct
import warnings
from collections.abc import Iterator

from medstack.formats.contract import Damaged, Excessive
from medstack.kit.streams import Source

PIXEL_BUDGET = 250_000_000  # pixels of one picture; beyond it nothing is decoded

# What parsing libraries raise when bytes are not what they expect.
LIBRARY_ERRORS: tuple[type[Exception], ...] = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    EOFError,
    OSError,
    ArithmeticError,
    RuntimeError,  # NotImplementedError and RecursionError are its children
    struct.error,
    AssertionError,
)


@contextlib.contextmanager
def damage(detail: str, *more: type[Exception]) -> Iterator[None]:
    """Turn whatever a library raises on bad bytes into Damaged(detail); keep its warnings quiet.

    more: the library's own exception classes that have no common base with LIBRARY_ERRORS.
    """
    foreseen = LIBRARY_ERRORS + more
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except foreseen as cause:
            raise Damaged(detail) from cause


def exactly(source: Source, offset: int, length: int) -> bytes:
    """`length` bytes from `offset`. Raises Damaged if the file ends before."""
    if offset < 0 or length < 0 or offset + length > source.size:
        raise Damaged("The file ends too early.", at=offset, wanted=length, size=source.size)
    return source.read_at(offset, length)


def within_pixel_budget(width: int, height: int, *, limit: int = PIXEL_BUDGET) -> None:
    """Raises Damaged for an empty picture, Excessive for one beyond `limit` pixels."""
    if width < 1 or height < 1:
        raise Damaged("The picture has no extent.", width=width, height=height)
    if width * height > limit:
        raise Excessive(
            f"The picture has {width} × {height} pixels; at most {limit} are decoded.",
            rule="pixel-budget",
            limit=limit,
            found=width * height,
        )
