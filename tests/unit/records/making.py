"""Records for tests: small, synthetic, as varied as a list needs them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, literal, select, union_all

from medstack.db.scope import Scope
from medstack.kit.ids import AccountId, PatientKey, RecordId
from medstack.records.model import AccessLevel, Category, Record

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
EVERY_LEVEL = frozenset(AccessLevel)


def make_record(record_id: int, **fields: Any) -> Record:
    given = {
        "patient_key": PatientKey(1),
        "original_name": f"file-{record_id % 1000}.jpg",
        "category": Category.DIAGNOSTIC_IMAGES,
        "uploaded_by": AccountId(7),
        "modified_at": NOW,
        **fields,
    }
    return Record(id=RecordId(record_id), **given)


def panel_of(keys: Iterable[int]) -> Select[Any]:
    """A SELECT of patient keys, as `access` makes from care assignments."""
    rows = [select(literal(key).label("patient_key")) for key in keys]
    if not rows:
        return select(literal(1).label("patient_key")).where(literal(1) == literal(0))
    return select(union_all(*rows).subquery().c.patient_key)


def scope_of(
    keys: Iterable[int], *, levels: Iterable[str] = EVERY_LEVEL, inbox_of: int | None = None
) -> Scope:
    return Scope(
        panel=panel_of(keys),
        levels=frozenset(levels),
        inbox_of=None if inbox_of is None else AccountId(inbox_of),
    )
