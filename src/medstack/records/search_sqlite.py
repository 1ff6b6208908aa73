"""Search on SQLite, by FTS5.

FTS5 reads each token's list from its newest end and leaps from match to match, so words, filters
and the caller's shelves are simply required together.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import BigInteger, Text, column, select, table

from medstack.db import Tx
from medstack.records.filters import Ask, facets_of, holds
from medstack.records.sight import aside, visible
from medstack.records.tables import records
from medstack.records.tokens import Group, shelf_facets

_index = table("record_search", column("rowid", BigInteger), column("record_search", Text))


def find(tx: Tx, ask: Ask, words: list[Group], panel: frozenset[int] | None) -> list[int]:
    """The newest ids with one token of each group, on the shelves of `panel` if one is given."""
    required = [*words, *((token,) for token in facets_of(ask.filters))]
    if panel is not None:
        required.append(shelf_facets(panel))
    rowid = _index.c.rowid
    query = (
        select(rowid)
        .join(records, records.c.id == aside(rowid))
        .where(
            _index.c.record_search.op("MATCH")(_match(required)),
            rowid < ask.within.upper,
            rowid >= ask.within.lower,
            aside(records.c.is_archived) == ask.filters.archived,
            *holds(ask.filters),
            visible(ask.scope),
        )
        .order_by(rowid.desc())
        .limit(ask.limit)
    )
    return [row.rowid for row in tx.execute(query)]


def _match(groups: Iterable[Group]) -> str:
    """An FTS5 expression. No token holds a quote, so nothing people type becomes its syntax."""
    return " AND ".join(f"({' OR '.join(map(_term, group))})" for group in groups)


def _term(token: str) -> str:
    return f'"{token[:-1]}" *' if token.endswith("*") else f'"{token}"'
