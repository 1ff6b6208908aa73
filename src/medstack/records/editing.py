"""Edits by people: what may change, who changed it, and what it was before."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import Enum
from typing import Any, Final, TypeAlias, TypeVar

from sqlalchemy import insert, select

from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.kit.ids import (
    AccountId,
    AppointmentId,
    CaseId,
    FolderId,
    Ids,
    PatientKey,
    ProviderId,
    RecordId,
)
from medstack.records import folders, search_index, series, store
from medstack.records.categories import subcategory_of
from medstack.records.fields import check_description, check_said, check_tags
from medstack.records.model import AccessLevel, Category, Change, Record, Said
from medstack.records.rows import plain
from medstack.records.rules import check_revision
from medstack.records.tables import record_history


class _Kept(Enum):
    KEEP = "keep"


KEEP: Final = _Kept.KEEP  # a field an edit leaves as it is
T = TypeVar("T")
Maybe: TypeAlias = T | _Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The fields a person changes; all others stay."""

    patient_key: Maybe[PatientKey] = KEEP
    category: Maybe[Category] = KEEP
    subcategory: Maybe[str | None] = KEEP
    description: Maybe[str] = KEEP
    appointment_id: Maybe[AppointmentId | None] = KEEP
    case_id: Maybe[CaseId | None] = KEEP
    folder_id: Maybe[FolderId | None] = KEEP
    provider_id: Maybe[ProviderId | None] = KEEP
    access_level: Maybe[AccessLevel] = KEEP
    tags: Maybe[tuple[str, ...]] = KEEP
    said: Maybe[Said] = KEEP


def edit(
    tx: Tx,
    scope: Scope,
    record_id: RecordId,
    change: Edit,
    *,
    by: AccountId,
    now: datetime,
    ids: Ids,
    expected: int | None = None,
) -> Record:
    """Carry out an edit and note it in the history. An edit that changes nothing counts nothing.

    expected: the revision the person saw; None to change whatever is there.
    A record given to another patient leaves its folder and its file name behind.
    Raises Missing, StaleRevision, BadField, UnknownSubcategory, WrongFolder.
    """
    before = store.lock(tx, record_id, scope)
    check_revision(before.revision, expected)
    after = _checked(tx, _applied(before, change))
    changed = _difference(before, after)
    if not changed:
        return before
    after = store.write(tx, replace(after, revision=before.revision + 1, modified_at=now))
    store.write_tags(tx, after)
    if after.patient_key != before.patient_key:
        series.follow(tx, after, ids=ids)
    search_index.refresh(tx, after)
    tx.execute(
        insert(record_history).values(
            record_id=record_id, revision=after.revision, at=now, by=by, fields=changed
        )
    )
    return after


def history(tx: Tx, scope: Scope, record_id: RecordId) -> tuple[Change, ...]:
    """Every edit of a record, oldest first. Raises Missing."""
    store.get(tx, scope, record_id)
    query = (
        select(record_history)
        .where(record_history.c.record_id == record_id)
        .order_by(record_history.c.revision)
    )
    return tuple(
        Change(
            record_id=record_id,
            revision=row.revision,
            at=row.at,
            by=AccountId(row.by),
            fields={name: (old, new) for name, (old, new) in row.fields.items()},
        )
        for row in tx.execute(query)
    )


def _applied(record: Record, change: Edit) -> Record:
    given = {f.name: getattr(change, f.name) for f in fields(change)}
    wanted = {name: value for name, value in given.items() if value is not KEEP}
    if "category" in wanted and "subcategory" not in wanted:
        wanted["subcategory"] = (
            None if wanted["category"] != record.category else record.subcategory
        )
    if wanted.get("patient_key", record.patient_key) != record.patient_key:
        wanted = {"folder_id": None, **wanted, "name": None}
    return replace(record, **wanted)


def _checked(tx: Tx, record: Record) -> Record:
    folders.check(tx, record.folder_id, record.patient_key)
    return replace(
        record,
        subcategory=subcategory_of(record.category, record.subcategory),
        description=check_description(record.description),
        tags=check_tags(record.tags),
        said=check_said(record.said),
    )


def _difference(before: Record, after: Record) -> dict[str, list[Any]]:  # JSON: [old, new]
    pairs = {f.name: (getattr(before, f.name), getattr(after, f.name)) for f in fields(Edit)}
    return {name: [plain(old), plain(new)] for name, (old, new) in pairs.items() if old != new}
