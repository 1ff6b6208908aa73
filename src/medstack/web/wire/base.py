"""The one base of every shape that crosses this door, and the small types they share.

Names on the wire are camelCase; a request with a field we do not know is refused,
so a misspelt field is never silently ignored.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

T = TypeVar("T")

_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
_MANY_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

Line = Annotated[str, Meta(min_length=1, max_length=200, pattern=_ONE_LINE)]
Word = Annotated[str, Meta(min_length=1, max_length=64, pattern=_ONE_LINE)]
Prose = Annotated[str, Meta(max_length=10_000, pattern=_MANY_LINES)]
IdText = Annotated[str, Meta(min_length=1, max_length=40, pattern=_ONE_LINE)]
Email = Annotated[
    str, Meta(min_length=3, max_length=254, pattern=r"^[^\x00-\x20@]+@[^\x00-\x20@]+$")
]
Secret = Annotated[str, Meta(min_length=1, max_length=1024)]


class Wire(msgspec.Struct, kw_only=True, rename="camel"):
    """An answer's shape. Values inside become one of these at the very last step."""


class Ask(Wire, forbid_unknown_fields=True):
    """A request's shape; an unknown field is an error the sender can fix."""


class Page(Wire, Generic[T]):
    """One page of a list; `next_cursor` is None on the last."""

    items: list[T]
    next_cursor: str | None = None


class ProblemOut(Wire):
    """RFC 9457 problem details; `code` is stable, the facts of a problem stand beside it."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""


def given(value: T | UnsetType, otherwise: T) -> T:
    """The field as sent, or `otherwise` when the request left it out."""
    return otherwise if value is UNSET else value
