"""How a list without words is found: one index, walked from its newest end.

- a narrow filter (patient, appointment, case, folder, batch): that filter's index;
- a caller with a panel of patients: a few steps into each patient's shelf tell how old the page's
  oldest record can be, and only what is newer is read;
- everybody else: the index of the filter that is likely to be rarest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, select, tuple_

from medstack.db import Tx
from medstack.records.fields import fold_tag
from medstack.records.filters import Ask, Bounds, Filters, given, holds
from medstack.records.sight import aside, levels, panel_keys, shelves, visible
from medstack.records.tables import record_tags, records

NARROW = ("appointment_id", "case_id", "folder_id", "batch_id")
BROAD = ("status", "subcategory", "provider_id", "uploaded_by", "category")
LARGE_PANEL = 2000  # from here on a panel is a fair share of any practice


def find(tx: Tx, ask: Ask) -> list[int]:
    """The newest ids a caller may see under `ask.filters`."""
    if ask.filters.patient_key is not None:  # the caller may look at him: that was asked before
        return _newest(tx, ask, _on_shelf(ask, ask.filters.patient_key))
    for name in NARROW:
        if getattr(ask.filters, name) is not None:
            return _newest(tx, ask, _in_narrow(ask, name))
    panel = panel_keys(tx, ask.scope, at_most=LARGE_PANEL)
    if panel is not None:
        return on_panel(tx, ask, panel)
    if ask.filters.tag is not None:
        return _by_tag(tx, ask)
    asked = given(ask.filters)
    return _by_column(tx, ask, next((name for name in BROAD if name in asked), "id"))


def on_panel(tx: Tx, ask: Ask, panel: frozenset[int], *also: ColumnElement[bool]) -> list[int]:
    """The newest matches over the shelves of a panel.

    If `enough` shelves hold `depth` matches each that are no older than some id, that makes a
    page, and nothing older can be on it. At depth 1 no other shelf can hold any of it either.
    """
    if not panel:
        return []
    depth = max(1, -(-2 * ask.limit // len(panel)))
    enough = -(-ask.limit // depth)
    tops = {row.shelf: row.top for row in tx.execute(_tops(ask, depth, enough, *also))}
    reached = {shelf: top for shelf, top in tops.items() if top is not None}
    oldest = min(reached.values()) if len(reached) == enough else ask.within.lower
    few = sorted(reached if depth == 1 else panel)
    query = _on_shelf(ask, few, *also).where(_id(ask.filters) >= oldest)
    return _newest(tx, ask, query)


def _tops(ask: Ask, depth: int, enough: int, *also: ColumnElement[bool]) -> Select[Any]:
    """For each shelf its match number `depth`, counted from the newest; the newest of these."""
    allowed = shelves(ask.scope)
    assert allowed is not None
    panel = allowed.distinct().cte("panel")
    deep = _on_shelf(ask, panel.c.shelf, *also).order_by(_id(ask.filters).desc())
    top = deep.limit(1).offset(depth - 1).correlate(panel).scalar_subquery().label("top")
    return select(panel.c.shelf, top).order_by(top.desc().nulls_last()).limit(enough)


def _newest(tx: Tx, ask: Ask, query: Select[Any]) -> list[int]:
    (found,) = query.selected_columns
    return [row[0] for row in tx.execute(query.order_by(found.desc()).limit(ask.limit))]


def _in_narrow(ask: Ask, column: str) -> Select[Any]:
    return select(records.c.id).where(
        records.c[column] == getattr(ask.filters, column),
        records.c.is_archived == ask.filters.archived,
        *holds(ask.filters, walked=column),
        *_between(records.c.id, ask.within),
        visible(ask.scope),
    )


def _by_column(tx: Tx, ask: Ask, column: str) -> list[int]:
    """Down the index of one filter, or of the archive's or the daily list's newest."""
    path: dict[str, object] = {"is_archived": ask.filters.archived}
    if column != "id":
        path[column] = getattr(ask.filters, column)
    query = select(records.c.id).where(*holds(ask.filters, walked=column), visible(ask.scope))
    return _along(tx, ask, query, [(records.c[name], value) for name, value in path.items()])


def _by_tag(tx: Tx, ask: Ask) -> list[int]:
    tags = record_tags.c
    query = (
        select(tags.record_id)
        .join(records, records.c.id == aside(tags.record_id))
        .where(*holds(replace(ask.filters, tag=None)), visible(ask.scope))
    )
    path = [(tags.is_archived, ask.filters.archived), (tags.tag, fold_tag(ask.filters.tag or ""))]
    return _along(tx, ask, query, path)


def _along(
    tx: Tx, ask: Ask, query: Select[Any], path: Sequence[tuple[ColumnElement[Any], object]]
) -> list[int]:
    """Walk the index over the columns of `path` and the id, where the columns have these values.

    PostgreSQL is told nothing but where the walk starts and ends. If it knew the columns are
    fixed it might walk the whole archive by id instead, hoping to meet matches soon; what was
    archived, or sent by somebody who left, lies years down that road.
    """
    (found,) = query.selected_columns
    if tx.dialect == "sqlite":
        fixed = [column == value for column, value in path]
        return _newest(tx, ask, query.where(*fixed, *_between(found, ask.within)))
    columns = [*(column for column, _ in path), found]
    values = [value for _, value in path]
    start = tuple_(*columns) < tuple_(*values, ask.within.upper)
    end = tuple_(*columns) >= tuple_(*values, ask.within.lower)
    downwards = query.where(start, end).order_by(*(column.desc() for column in columns))
    return [row[0] for row in tx.execute(downwards.limit(ask.limit))]


def _on_shelf(ask: Ask, shelf: Any, *also: ColumnElement[bool]) -> Select[Any]:
    """Matches on one shelf: a key, or a column of an outer query; or on each of a list of keys."""
    tags = record_tags.c
    kept = tags.shelf if ask.filters.tag is not None else records.c.shelf
    here = kept.in_(shelf) if isinstance(shelf, list) else kept == shelf
    rest = holds(replace(ask.filters, tag=None, patient_key=None))
    where = [here, *rest, *_between(_id(ask.filters), ask.within), levels(ask.scope), *also]
    if ask.filters.tag is None:
        return select(records.c.id).where(
            aside(records.c.is_archived) == ask.filters.archived, *where
        )
    return (
        select(tags.record_id)
        .join(records, records.c.id == aside(tags.record_id))
        .where(
            tags.tag == fold_tag(ask.filters.tag),
            aside(tags.is_archived) == ask.filters.archived,
            *where,
        )
    )


def _id(filters: Filters) -> ColumnElement[int]:
    return records.c.id if filters.tag is None else record_tags.c.record_id


def _between(column: ColumnElement[int], within: Bounds) -> list[ColumnElement[bool]]:
    where = [column < within.upper]
    if within.lower:
        where.append(column >= within.lower)
    return where
