"""The lines of a record in which a search was met, for showing beside a hit.

Plain text and the places to mark in it; making HTML of it is the browser's business.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.kit.ids import RecordId
from medstack.records import store
from medstack.records.model import Record
from medstack.records.tables import record_texts
from medstack.records.words import spans

BEFORE = 60
LENGTH = 240
SEARCHED = 200_000  # characters of a text looked through for an excerpt


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A piece of one field. marks: (start, end) in characters of `text`."""

    record_id: RecordId
    field: str  # originalFileName, description, tags, notes, procedure or text
    text: str
    marks: tuple[tuple[int, int], ...]


def excerpts(
    tx: Tx, scope: Scope, ids: tuple[RecordId, ...], q: str
) -> dict[RecordId, tuple[Excerpt, ...]]:
    """Per record the caller may see, one excerpt of each field in which a word of `q` occurs."""
    seen = store.get_many(tx, scope, ids)
    query = select(record_texts.c.record_id, record_texts.c.body).where(
        record_texts.c.record_id.in_([record.id for record in seen])
    )
    bodies = {row.record_id: row.body for row in tx.execute(query)}
    return {record.id: _of(record, bodies.get(record.id, ""), q) for record in seen}


def _of(record: Record, body: str, q: str) -> tuple[Excerpt, ...]:
    places = {
        "originalFileName": record.original_name,
        "description": record.description,
        "tags": ", ".join(record.tags),
        "procedure": record.procedure or "",
        "notes": record.notes or "",
        "text": body[:SEARCHED],
    }
    cut = {name: _cut(text, spans(text, q)) for name, text in places.items()}
    return tuple(
        Excerpt(record_id=record.id, field=name, text=piece[0], marks=piece[1])
        for name, piece in cut.items()
        if piece is not None
    )


def _cut(
    text: str, marks: tuple[tuple[int, int], ...]
) -> tuple[str, tuple[tuple[int, int], ...]] | None:
    if not marks:
        return None
    start = max(0, marks[0][0] - BEFORE)
    end = min(len(text), start + LENGTH)
    inside = tuple((a - start, b - start) for a, b in marks if b <= end)
    return text[start:end], inside
