"""Finding records by words, newest first, at a price that does not follow the archive's size.

Both engines are asked the same question: groups of tokens, of each of which one must be there.
Whatever an index finds, the rows decide: every query repeats filters and scope on `records`.
"""

from __future__ import annotations

from sqlalchemy import select

from medstack.db import Tx
from medstack.records import search_postgresql, search_sqlite
from medstack.records.filters import Ask
from medstack.records.sight import panel_size, shelves
from medstack.records.tables import record_words
from medstack.records.tokens import Group, beginning, facet
from medstack.records.walks import LARGE_PANEL
from medstack.records.words import SHORT_PREFIX, query_words

COMPLETIONS = 200  # more words than this with one beginning: let the engine gather them


def find(tx: Tx, ask: Ask) -> list[int]:
    """The newest ids that hold every word of the filter `q`, and all else that is asked."""
    words = _groups(tx, ask.filters.q or "")
    panel = _panel(tx, ask)
    if words is None or panel == ():
        return []
    if tx.dialect == "sqlite":
        return search_sqlite.find(tx, ask, words, panel)
    return search_postgresql.find(tx, ask, words, panel)


def _groups(tx: Tx, q: str) -> list[Group] | None:
    """What a record must hold for each word of a query; None if none can."""
    *whole, last = query_words(q) or ("",)
    if not last:
        return None
    if len(last) <= SHORT_PREFIX:
        ending: Group = (beginning(last),)
    else:
        ending = _completions(tx, last)
    return [*((word,) for word in whole), ending] if ending else None


def _completions(tx: Tx, start: str) -> Group:
    """The words of the archive that begin so; one engine-side beginning if they are too many."""
    word = record_words.c.word
    known = (
        select(word)
        .where(word >= start, word < start + "\U0010ffff")
        .order_by(word)
        .limit(COMPLETIONS + 1)
    )
    words = tuple(row.word for row in tx.execute(known))
    return words if len(words) <= COMPLETIONS else (f"{start}*",)


def _panel(tx: Tx, ask: Ask) -> Group | None:
    """The facets of the caller's shelves; None if they are no useful restriction."""
    allowed = shelves(ask.scope)
    if allowed is None or ask.filters.patient_key is not None:
        return None
    size = panel_size(tx, ask.scope, at_most=LARGE_PANEL)
    if size is None or size > LARGE_PANEL:
        return None
    return tuple(facet("s", row.shelf) for row in tx.execute(allowed.distinct()))
