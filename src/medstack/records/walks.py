"""How a list without words is found: one index, walked from its newest end.

- a narrow filter (patient, appointment, case, folder, batch): that filter's index;
- a caller who may see a panel of patients: one step into each patient's shelf finds its newest
  match; only the shelves with the newest of those can hold the page, and only they are read;
- everybody else: the index of the filter that is likely to be rarest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select

from medstack.db import Tx
from medstack.records.fields import fold_tag
from medstack.records.filters import Ask, Bounds, Filters, given, holds
from medstack.records.sight import aside, levels, panel_size, shelves, visible
from medstack.records.tables import record_tags, records

NARROW = ("appointment_id", "case_id", "folder_id", "batch_id")
BROAD = ("status", "subcategory", "provider_id", "uploaded_by", "category")
LARGE_PANEL = 2000  # from here on a panel is a fair share of any practice


def walk(tx: Tx, ask: Ask) -> Select[Any]:
    """The query for the newest `limit` ids a caller may see under `ask.filters`."""
    if ask.filters.patient_key is not None:
        return _one_shelf(ask)
    for column in NARROW:
        if getattr(ask.filters, column) is not None:
            return _by_column(ask, column)
    size = panel_size(tx, ask.scope, at_most=LARGE_PANEL)
    if size is not None and size <= LARGE_PANEL:
        return each_shelf(ask)
    if ask.filters.tag is not None:
        return _by_tag(ask)
    asked = given(ask.filters)
    column = next((name for name in BROAD if name in asked), "id")
    return _by_column(ask, column)


def _by_column(ask: Ask, column: str) -> Select[Any]:
    query = select(records.c.id).where(
        records.c.is_archived == ask.filters.archived,
        *holds(ask.filters, walked=column),
        *_between(records.c.id, ask.within),
        visible(ask.scope),
    )
    return query.order_by(records.c.id.desc()).limit(ask.limit)


def _one_shelf(ask: Ask) -> Select[Any]:
    """The caller may look at this shelf: that was asked before."""
    return (
        _on_shelf(ask, ask.filters.patient_key)
        .order_by(_id_column(ask.filters).desc())
        .limit(ask.limit)
    )


def _by_tag(ask: Ask) -> Select[Any]:
    query = (
        select(record_tags.c.record_id.label("id"))
        .join(records, records.c.id == aside(record_tags.c.record_id))
        .where(
            record_tags.c.is_archived == ask.filters.archived,
            record_tags.c.tag == fold_tag(ask.filters.tag or ""),
            *holds(ask.filters, walked="tag"),
            *_between(record_tags.c.record_id, ask.within),
            visible(ask.scope),
        )
    )
    return query.order_by(record_tags.c.record_id.desc()).limit(ask.limit)


def each_shelf(
    ask: Ask,
    *also: ColumnElement[bool],
) -> Select[Any]:
    """The newest matches over a panel of shelves.

    The newest `ask.limit` records lie on as many shelves whose newest match is newest, and none of
    them is older than the oldest of those.
    """
    allowed = shelves(ask.scope)
    assert allowed is not None
    panel = allowed.distinct().cte("panel")
    newest = (
        _on_shelf(ask, panel.c.shelf)
        .where(*also)
        .order_by(_id_column(ask.filters).desc())
        .limit(1)
        .correlate(panel)
        .scalar_subquery()
    )
    tops = select(panel.c.shelf, newest.label("top")).cte("tops")
    best = (
        select(tops.c.shelf, tops.c.top)
        .where(tops.c.top.is_not(None))
        .order_by(tops.c.top.desc())
        .limit(ask.limit)
        .cte("best")
    )
    oldest = select(
        case((func.count() == ask.limit, func.min(best.c.top)), else_=ask.within.lower)
    ).scalar_subquery()
    query = (
        _on_shelf(ask, best.c.shelf)
        .where(_id_column(ask.filters) >= oldest, *also)
        .order_by(_id_column(ask.filters).desc())
    )
    return query.limit(ask.limit)


def _on_shelf(ask: Ask, shelf: Any) -> Select[Any]:
    """Matches on one shelf; `shelf` is a key or a column of an outer query."""
    if ask.filters.tag is None:
        return select(records.c.id).where(
            records.c.shelf == shelf,
            records.c.is_archived == ask.filters.archived,
            *holds(ask.filters, walked="shelf"),
            *_between(records.c.id, ask.within),
            levels(ask.scope),
        )
    tags = record_tags.c
    return (
        select(tags.record_id.label("id"))
        .join(records, records.c.id == aside(tags.record_id))
        .where(
            tags.shelf == shelf,
            tags.is_archived == ask.filters.archived,
            tags.tag == fold_tag(ask.filters.tag),
            *_between(tags.record_id, ask.within),
            *holds(replace(ask.filters, tag=None, patient_key=None)),
            levels(ask.scope),
        )
    )


def _id_column(filters: Filters) -> ColumnElement[int]:
    return records.c.id if filters.tag is None else record_tags.c.record_id


def _between(column: ColumnElement[int], within: Bounds) -> list[ColumnElement[bool]]:
    where = [column < within.upper]
    if within.lower:
        where.append(column >= within.lower)
    return where
