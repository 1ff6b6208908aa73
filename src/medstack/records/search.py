"""Finding records by words, newest first, at a price that does not follow the archive's size.

Both engines are asked the same question: groups of tokens, of each of which one must be there.
Whatever an index finds, the rows decide: every query repeats filters and scope on `records`.
"""

from __future__ import annotations

from sqlalchemy import select

from medstack.db import Tx
from medstack.records import search_postgresql, search_sqlite, walks
from medstack.records.filters import Ask
from medstack.records.sight import panel_keys
from medstack.records.tables import record_words
from medstack.records.tokens import Group, beginning
from medstack.records.words import SHORT_PREFIX, query_words

COMPLETIONS = 200  # more words than this with one beginning: let the engine gather them


def find(tx: Tx, ask: Ask) -> list[int]:
    """The newest ids that hold every word of the filter `q`, and all else that is asked."""
    words = _groups(tx, ask.filters.q or "")
    if words is None:
        return []
    panel = None
    if ask.filters.patient_key is None:
        panel = panel_keys(tx, ask.scope, at_most=walks.LARGE_PANEL)
    if panel is not None and not panel:
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
