"""Which bytes a request wants, and the headers that answer it. Source: RFC 9110 §13, §14."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from medstack.kit.errors import Problem

Span = tuple[int, int]  # [start, end)

_ONE_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})\Z")


class RangeNotSatisfiable(Problem):
    """Answered 416 with the size. `facts`: size."""

    code = "range-not-satisfiable"
    title = "This file does not reach that far"


def span_of(headers: Mapping[str, str], *, size: int, etag: str) -> Span | None:
    """The one range asked for; None for the whole file.

    Several ranges, other units and malformed ones are ignored, as the standard allows; so is a
    range whose If-Range names another state. Raises RangeNotSatisfiable.
    """
    found = _ONE_RANGE.match(headers.get("range", "").strip())
    if found is None or headers.get("if-range", etag) != etag:
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if first and last and int(last) < int(first):
        return None
    if start >= end:
        raise RangeNotSatisfiable(size=size)
    return start, end


def is_unchanged(headers: Mapping[str, str], etag: str) -> bool:
    """True if what the client has is what we have."""
    said = headers.get("if-none-match")
    if said is None:
        return False
    known = {tag.strip().removeprefix("W/") for tag in said.split(",")}
    return etag in known or "*" in known


def disposition(file_name: str, *, is_inline: bool) -> str:
    """Content-Disposition with any name. Source: RFC 6266, RFC 8187."""
    kind = "inline" if is_inline else "attachment"
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", file_name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
