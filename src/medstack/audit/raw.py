"""The log's rows as bare bytes, for eyes that trust no column's type.

A reader of SQL values can be made to stumble: SQLite keeps a text in a BLOB column if asked
to, and its driver raises on text that is no text. Here every value arrives as bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Text, cast, func, literal, select

from medstack.audit.tables import checkpoints, details, events, head, subjects, tiles
from medstack.db import Tx

BATCH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEvent:
    """One row of the log with its details, undecoded."""

    seq: int
    body: bytes
    leaf_hash: bytes
    is_blob: bool  # body and hash are stored as bytes, not as something that looks like them
    at: bytes  # columns as their digits or letters
    actor_id: bytes
    action: bytes
    salt: bytes | None  # None: no details stored
    details: bytes | None


def batches(tx: Tx, start: int) -> Iterator[list[RawEvent]]:
    """Events from `start` on (all, were their number negative, if start is 0), in order."""
    after = start - 1 if start else None
    while True:
        batch = _batch(tx, after)
        if not batch:
            return
        yield batch
        after = batch[-1].seq


def _batch(tx: Tx, after: int | None) -> list[RawEvent]:
    asked = (
        select(
            events.c.seq,
            _raw(tx, events.c.body).label("body"),
            _raw(tx, events.c.leaf_hash).label("leaf_hash"),
            _type(tx, events.c.body).label("body_type"),
            _type(tx, events.c.leaf_hash).label("hash_type"),
            _raw(tx, events.c.at).label("at"),
            _raw(tx, events.c.actor_id).label("actor_id"),
            _raw(tx, events.c.action).label("action"),
            _raw(tx, details.c.salt).label("salt"),
            _raw(tx, details.c.body).label("details"),
        )
        .select_from(events.outerjoin(details, details.c.seq == events.c.seq))
        .order_by(events.c.seq)
        .limit(BATCH)
    )
    if after is not None:
        asked = asked.where(events.c.seq > after)
    return [
        RawEvent(
            seq=int(row.seq),
            body=_bytes(row.body),
            leaf_hash=_bytes(row.leaf_hash),
            is_blob=row.body_type == row.hash_type == "blob",
            at=_bytes(row.at),
            actor_id=_bytes(row.actor_id),
            action=_bytes(row.action),
            salt=None if row.salt is None else _bytes(row.salt),
            details=None if row.details is None else _bytes(row.details),
        )
        for row in tx.execute(asked)
    ]


def touched(tx: Tx, first: int, last: int) -> set[tuple[int, bytes, bytes]]:
    """(seq, kind, key) of every subject stored for events first … last."""
    kind, key = _raw(tx, subjects.c.kind), _raw(tx, subjects.c.key)
    asked = select(subjects.c.seq, kind.label("kind"), key.label("key"))
    rows = tx.execute(asked.where(subjects.c.seq.between(first, last)))
    return {(int(row.seq), _bytes(row.kind), _bytes(row.key)) for row in rows}


def counts(tx: Tx) -> tuple[int, int]:
    """How many subjects and how many details are stored in all."""
    both = (select(func.count()).select_from(table) for table in (subjects, details))
    found, kept = (int(tx.execute(asked).scalar_one()) for asked in both)
    return found, kept


def tile(tx: Tx, number: int) -> tuple[bytes, bytes, bytes] | None:
    """A stored tile's hash and its earliest and latest time as digits; None if there is none."""
    asked = select(
        _raw(tx, tiles.c.hash).label("hash"),
        _raw(tx, tiles.c.earliest).label("earliest"),
        _raw(tx, tiles.c.latest).label("latest"),
    ).where(tiles.c.number == number)
    row = tx.execute(asked).one_or_none()
    if row is None:
        return None
    return _bytes(row.hash), _bytes(row.earliest), _bytes(row.latest)


def stored_head(tx: Tx) -> tuple[bytes, bytes] | None:
    """The head's size, as digits, and its peaks; None if there is no head."""
    asked = select(_raw(tx, head.c.size).label("size"), _raw(tx, head.c.peaks).label("peaks"))
    row = tx.execute(asked.order_by(head.c.id).limit(1)).one_or_none()
    return None if row is None else (_bytes(row.size), _bytes(row.peaks))


def stored_notes(tx: Tx, start: int) -> list[bytes]:
    """The checkpoints the database keeps of itself, from this size on."""
    asked = select(_raw(tx, checkpoints.c.note)).order_by(checkpoints.c.size)
    if start:
        asked = asked.where(checkpoints.c.size >= start)
    return [_bytes(note) for note in tx.execute(asked).scalars()]


def _raw(tx: Tx, column: ColumnElement[Any]) -> ColumnElement[Any]:
    if tx.dialect == "sqlite":
        return cast(column, LargeBinary)
    return column if isinstance(column.type, LargeBinary) else cast(column, Text)


def _type(tx: Tx, column: ColumnElement[Any]) -> ColumnElement[str]:
    return func.typeof(column) if tx.dialect == "sqlite" else literal("blob")


def _bytes(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode()
    return value if isinstance(value, bytes) else b""
