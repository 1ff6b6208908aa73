"""What a list can be narrowed by, and each filter as SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, select

from medstack.db.scope import Scope
from medstack.kit.errors import Invalid
from medstack.kit.ids import (
    LAST_ID,
    AccountId,
    AppointmentId,
    BatchId,
    CaseId,
    FolderId,
    PatientKey,
    ProviderId,
    RecordId,
    first_id_at,
)
from medstack.records.fields import fold_tag
from medstack.records.model import Category, Record, Status
from medstack.records.sight import aside
from medstack.records.tables import record_tags, records
from medstack.records.tokens import facet, tag_facet

LONGEST_PAGE = 200


class BadLimit(Invalid):
    code = "bad-limit"
    title = "A page holds 1 to 200 records"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """All given filters must hold. Times are of the upload: from <= time < before."""

    patient_key: PatientKey | None = None
    category: Category | None = None
    subcategory: str | None = None
    q: str | None = None
    uploaded_from: datetime | None = None
    uploaded_before: datetime | None = None
    tag: str | None = None
    uploaded_by: AccountId | None = None
    provider_id: ProviderId | None = None
    appointment_id: AppointmentId | None = None
    case_id: CaseId | None = None
    folder_id: FolderId | None = None
    batch_id: BatchId | None = None
    status: Status | None = None
    archived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Records newest first. `next_cursor` continues the list; None at its end."""

    items: tuple[Record, ...]
    next_cursor: RecordId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One page somebody wants: whose eyes, which filters, which ids, how many at most."""

    scope: Scope
    filters: Filters
    within: Bounds
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The ids a page may hold: lower <= id < upper."""

    lower: int
    upper: int


def bounds(filters: Filters, cursor: RecordId | None) -> Bounds:
    """Ids are time-ordered, so a range of time and a cursor are a range of ids."""
    before = filters.uploaded_before
    upper = LAST_ID if before is None else first_id_at(before)
    start = filters.uploaded_from
    return Bounds(
        lower=0 if start is None else first_id_at(start),
        upper=upper if cursor is None else min(upper, cursor),
    )


# The filters that are a column's value, with the facet that stands for each in the search index.
COLUMNS = {
    "category": "c",
    "subcategory": "b",
    "uploaded_by": "u",
    "provider_id": "p",
    "appointment_id": "v",
    "case_id": "k",
    "folder_id": "f",
    "batch_id": "n",
    "status": "",  # changes too often to be indexed
}


def given(filters: Filters) -> dict[str, object]:
    """The column filters that were asked for."""
    asked = {name: getattr(filters, name) for name in COLUMNS}
    return {name: value for name, value in asked.items() if value is not None}


def holds(filters: Filters, *, walked: str | None = None) -> list[ColumnElement[bool]]:
    """Every filter but words, time, the archive, and the column whose index is walked."""
    where: list[ColumnElement[bool]] = [aside(records.c.is_listed) == True]  # noqa: E712
    for name, value in given(filters).items():
        if name != walked:
            where.append(aside(records.c[name]) == value)
    if filters.patient_key is not None:
        where.append(aside(records.c.shelf) == filters.patient_key)
    if filters.tag is not None:
        where.append(_tagged(filters.tag))
    return where


def facets_of(filters: Filters) -> list[str]:
    """The tokens in which the search index knows these filters."""
    asked = [facet(COLUMNS[name], value) for name, value in given(filters).items() if COLUMNS[name]]
    if filters.patient_key is not None:
        asked.append(facet("s", filters.patient_key))
    if filters.tag is not None:
        asked.append(tag_facet(filters.tag))
    if filters.archived:
        asked.append(facet("x", "1"))
    return asked


def _tagged(tag: str) -> ColumnElement[bool]:
    this = (record_tags.c.record_id == records.c.id) & (record_tags.c.tag == fold_tag(tag))
    return exists(select(record_tags.c.record_id).where(this).correlate(records))
