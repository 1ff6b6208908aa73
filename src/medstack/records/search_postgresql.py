"""Search on PostgreSQL, by GIN over a tsvector.

GIN hands out all matches at once, in no order, so it is never asked for more than it must:
- a patient, an appointment, a case, a folder: all matches in it, which are few;
- a panel of shelves: a common word is soon met walking each shelf; of a rare one, the index knows
  every place on these shelves;
- everything: the newest records are compared one by one (a common word is met there), then
  windows of time that grow eightfold are looked up (a rare word is found in a handful of steps).
  A window that turns out to be crowded is looked through part by part, newest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Subquery, Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import TSQUERY

from medstack.db import Tx
from medstack.records.filters import Ask, Bounds, facets_of, holds
from medstack.records.sight import visible
from medstack.records.tables import record_texts, records
from medstack.records.tokens import Group, Window, shelf_facets, windows
from medstack.records.walks import NARROW, on_panel

RECENT = 2000
SAMPLE = 300
COMMON = 60  # matches in a sample from which a word counts as common
CROWD = 1000  # matches in a window from which it is looked through in parts
AT_ONCE = 400
_ALL_BUT_GIN = ("enable_seqscan", "enable_indexscan", "enable_indexonlyscan")
_BULK_JOINS = ("enable_mergejoin", "enable_hashjoin")


def find(tx: Tx, ask: Ask, words: list[Group], panel: frozenset[int] | None) -> list[int]:
    """The newest ids with one token of each group, on the shelves of `panel` if one is given."""
    required = [*words, *((token,) for token in facets_of(ask.filters))]
    if _is_narrow(ask):
        return _look_up(tx, ask, required)
    if panel is None:
        return _everywhere(tx, ask, required)
    if _is_common(tx, ask.within, words):
        return _walk_shelves(tx, ask, words, panel)
    return _look_up(tx, ask, [*required, shelf_facets(panel)])


def _is_narrow(ask: Ask) -> bool:
    return any(getattr(ask.filters, name) is not None for name in ("patient_key", *NARROW))


def _everywhere(tx: Tx, ask: Ask, required: list[Group]) -> list[int]:
    found, upper = _among_newest(tx, ask, required)
    waiting = list(windows(upper, ask.within.lower))
    while waiting and len(found) < ask.limit:
        window = waiting.pop(0)
        rest = replace(ask, within=_inside(window, ask, upper), limit=ask.limit - len(found))
        hits = _hits(tx, [*required, window.tokens], at_most=CROWD)
        if hits is not None:
            found += _decided(tx, rest, hits)
        elif window.parts:
            waiting = [*window.parts, *waiting]
        else:
            found += _walk_crowd(tx, rest, required)
    return found


def _inside(window: Window, ask: Ask, upper: int) -> Bounds:
    return Bounds(lower=max(window.lowest, ask.within.lower), upper=min(window.highest + 1, upper))


def _among_newest(tx: Tx, ask: Ask, required: list[Group]) -> tuple[list[int], int]:
    """Matches among the newest records, and the id below which nothing was looked at yet."""
    recent = _recent(ask.within, RECENT)
    query = (
        select(recent.c.record_id)
        .join(records, records.c.id == recent.c.record_id)
        .where(_holds_all(recent.c.tokens, required), *_decided_by_rows(ask))
        .order_by(recent.c.record_id.desc())
        .limit(ask.limit)
    )
    with _without(tx, *_BULK_JOINS):
        found = [row.record_id for row in tx.execute(query)]
    if len(found) >= ask.limit:
        return found, ask.within.lower
    lowest = tx.execute(select(func.min(recent.c.record_id))).scalar_one()
    return found, ask.within.lower if lowest is None else lowest


def _is_common(tx: Tx, within: Bounds, words: list[Group]) -> bool:
    sample = _recent(within, SAMPLE)
    query = select(func.count()).select_from(sample).where(_holds_all(sample.c.tokens, words))
    return int(tx.execute(query).scalar_one()) >= COMMON


def _walk_shelves(tx: Tx, ask: Ask, words: list[Group], panel: frozenset[int]) -> list[int]:
    texts = record_texts.c
    text_of = select(texts.record_id).where(
        texts.record_id == records.c.id, _holds_all(texts.tokens, words)
    )
    return on_panel(tx, ask, panel, text_of.correlate(records).exists())


def _look_up(tx: Tx, ask: Ask, required: list[Group]) -> list[int]:
    """All the index knows of these tokens, then the newest of it."""
    hits = _hits(tx, required) or []
    return _decided(tx, ask, hits)


def _hits(tx: Tx, required: Iterable[Group], *, at_most: int | None = None) -> list[int] | None:
    """Every record with one token of each group, newest first; None if they are a crowd."""
    texts = record_texts.c
    query = select(texts.record_id).where(*(_holds(texts.tokens, group) for group in required))
    with _without(tx, *_ALL_BUT_GIN):
        found = [row.record_id for row in tx.execute(query.limit(at_most))]
    return None if len(found) == at_most else sorted(found, reverse=True)


@contextmanager
def _without(tx: Tx, *ways: str) -> Iterator[None]:
    """Keep the planner, which guesses how common a word is, from ways that a bad guess ruins."""
    tx.execute(select(*(func.set_config(way, "off", True) for way in ways)))
    yield
    tx.execute(select(*(func.set_config(way, "on", True) for way in ways)))


def _decided(tx: Tx, ask: Ask, hits: list[int]) -> list[int]:
    """The newest of `hits` that the rows agree to, asked for some at a time."""
    found: list[int] = []
    inside = [i for i in hits if ask.within.lower <= i < ask.within.upper]
    for start in range(0, len(inside), AT_ONCE):
        some = records.c.id.in_(inside[start : start + AT_ONCE])
        query = select(records.c.id).where(some, *_decided_by_rows(ask))
        found += sorted((row.id for row in tx.execute(query)), reverse=True)
        if len(found) >= ask.limit:
            break
    return found[: ask.limit]


def _walk_crowd(tx: Tx, ask: Ask, required: list[Group]) -> list[int]:
    """The shortest window and still a crowd, as after an import: matches are near its end."""
    texts = record_texts.c
    query = (
        select(texts.record_id)
        .join(records, records.c.id == texts.record_id)
        .where(
            texts.record_id >= ask.within.lower,
            texts.record_id < ask.within.upper,
            _holds_all(texts.tokens, required),
            *_decided_by_rows(ask),
        )
        .order_by(texts.record_id.desc())
        .limit(ask.limit)
    )
    return [row.record_id for row in tx.execute(query)]


def _decided_by_rows(ask: Ask) -> list[ColumnElement[bool]]:
    archived = records.c.is_archived == ask.filters.archived
    return [archived, *holds(ask.filters), visible(ask.scope)]


def _recent(within: Bounds, rows: int) -> Subquery:
    texts = record_texts.c
    return (
        select(texts.record_id, texts.tokens)
        .where(texts.record_id < within.upper, texts.record_id >= within.lower)
        .order_by(texts.record_id.desc())
        .limit(rows)
        .subquery("recent")
    )


def _holds_all(tokens: ColumnElement[Any], groups: Iterable[Group]) -> ColumnElement[bool]:
    return tokens.op("@@")(_tsquery(" & ".join(f"({_any_of(group)})" for group in groups)))


def _holds(tokens: ColumnElement[Any], group: Group) -> ColumnElement[bool]:
    """A condition of its own for each group: only then does GIN leap between them."""
    return tokens.op("@@")(_tsquery(_any_of(group)))


def _any_of(group: Group) -> str:
    """Quoted lexemes. No token holds a quote, so nothing people type becomes syntax."""
    return " | ".join(f"'{t[:-1]}':*" if t.endswith("*") else f"'{t}'" for t in group)


def _tsquery(query: str) -> ColumnElement[Any]:
    return cast(literal(query, Text), TSQUERY)
