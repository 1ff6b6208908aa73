"""How many rows one list may ask for."""

from __future__ import annotations

MAX_PAGE = 200


def rows(limit: int) -> int:
    """1 to MAX_PAGE, and one more for a caller who looks whether another page follows."""
    return min(max(limit, 1), MAX_PAGE + 1)
