"""What a job may carry, and what follows when a run fails. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from medstack.jobs.model import BadJob, Ids, StepResult
from medstack.kit.errors import Busy, Problem

MAX_DEATHS = 5  # processes one batch may take down before it is set aside
POISONED = "job-poisoned"
UNEXPECTED = "unexpected-error"

_CODE = re.compile(r"[a-z0-9][a-z0-9._:/+-]{0,63}\Z")
_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*\Z")
_INT63 = 1 << 63
_LONGEST_BACKOFF_S = 600.0
_BACKOFF_GROWTH = 4
_MOST_RESULTS = 10_000


def checked_name(name: str) -> str:
    """Raises BadJob unless it is dotted lower case, as in `vault.shred`."""
    if not _NAME.match(name):
        raise BadJob("A job's name is dotted lower case.")
    return name


def checked_group(group: str) -> str:
    """Raises BadJob unless it is empty or a short code."""
    if group and not _is_code(group):
        raise BadJob("A job's group is a short code.")
    return group


def checked_ids(ids: Mapping[str, object]) -> Ids:
    """Raises BadJob unless every value is a 63-bit int or a short code."""
    checked: Ids = {}
    for key, value in ids.items():
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise BadJob("A job carries ids and short codes only.", field=key)
        if not (_is_code(value) if isinstance(value, str) else abs(value) < _INT63):
            raise BadJob("A job carries ids and short codes only.", field=key)
        checked[key] = value
    return checked


def checked_step(key: str) -> str:
    """Raises BadJob unless the key is a short code."""
    if not _is_code(key):
        raise BadJob("A step's key is a short code.")
    return key


def checked_result(value: object) -> StepResult:
    """Raises BadJob unless a step's result may lie in clear in the engine's database."""
    if value is None or (isinstance(value, str) and _is_code(value)):
        return value
    if _is_id(value):
        assert isinstance(value, int)
        return value
    if isinstance(value, list) and len(value) <= _MOST_RESULTS and all(map(_is_id, value)):
        return value
    raise BadJob("A step returns an id, a list of ids, a short code or nothing.")


def error_code(error: Exception) -> str:
    """The code a failed job shows."""
    return error.code if isinstance(error, Problem) else UNEXPECTED


def backoff_s(error: Exception, *, failures: int, first_s: float) -> float:
    """Seconds until the next attempt after the `failures`-th failure (1, 2, 3 …)."""
    wait = min(first_s * float(_BACKOFF_GROWTH ** (failures - 1)), _LONGEST_BACKOFF_S)
    return max(wait, float(error.retry_after_s)) if isinstance(error, Busy) and first_s else wait


def _is_code(value: str) -> bool:
    return _CODE.match(value) is not None


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _INT63
