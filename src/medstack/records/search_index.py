"""Keeping the inverted index true: FTS5 on SQLite, a tsvector under GIN on PostgreSQL.

Both are given the same tokens (see `tokens`), so both find the same records. The extracted text
itself is kept beside them for excerpts; all of it lies inside the encrypted database.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Text, cast, delete, func, literal, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY

from medstack.db import Tx
from medstack.records.model import Record
from medstack.records.tables import record_texts, record_words
from medstack.records.tokens import beginnings, facets, periods, text_words

_PUT_SQLITE = text("INSERT OR REPLACE INTO record_search (rowid, tokens) VALUES (:id, :tokens)")
_DROP_SQLITE = text("DELETE FROM record_search WHERE rowid = :id")
_HAS_SQLITE = text("SELECT 1 FROM record_search WHERE record_search MATCH :word LIMIT 1")
# A negative number of pages: all pieces become one, a little at a time.
_MERGE_SQLITE = text("INSERT INTO record_search (record_search, rank) VALUES ('merge', :pages)")
_CHANGES_SQLITE = text("SELECT total_changes()")
_LOCK_WORDS = text("LOCK TABLE record_words IN SHARE ROW EXCLUSIVE MODE")
_UNLEARN_POSTGRESQL = text(
    "DELETE FROM record_words WHERE word = ANY(:words) AND NOT EXISTS (SELECT 1 FROM record_texts"
    " WHERE tokens @@ CAST('''' || record_words.word || '''' AS tsquery))"
)
_WORDS_AT_ONCE = 400


def index_text(tx: Tx, record: Record, *, body: str) -> None:
    """Make a record found by its own fields and by `body`, the text of its current version."""
    made = sqlite.insert if tx.dialect == "sqlite" else postgresql.insert
    row = made(record_texts).values(record_id=record.id, body=body.replace("\0", " "))
    tx.execute(
        row.on_conflict_do_update(index_elements=["record_id"], set_={"body": row.excluded.body})
    )
    _put(tx, record, body)


def refresh(tx: Tx, record: Record) -> None:
    """Follow a change of the record's own fields; its text stays what it was."""
    _put(tx, record, _body(tx, record))


def forget(tx: Tx, record: Record) -> None:
    """Take a record out of the index, and out of the vocabulary what no other record holds."""
    words = text_words(record, _body(tx, record))
    if tx.dialect == "postgresql":
        tx.execute(_LOCK_WORDS)  # who is just learning one of these words finishes first
    tx.execute(delete(record_texts).where(record_texts.c.record_id == record.id))
    if tx.dialect == "postgresql":
        tx.execute(_UNLEARN_POSTGRESQL, {"words": list(words)})
        return
    tx.execute(_DROP_SQLITE, {"id": record.id})
    for word in words:
        if tx.execute(_HAS_SQLITE, {"word": f'"{word}"'}).first() is None:
            tx.execute(delete(record_words).where(record_words.c.word == word))


def tidy(tx: Tx, *, pages: int = 1000) -> bool:
    """Merge some of the pieces FTS5 wrote its index in; True while there is more to merge.

    Every commit adds a piece and every search looks into each, so a quiet hour's job calls this
    until it says False. PostgreSQL needs no such help.
    """
    if tx.dialect == "postgresql":
        return False
    before = tx.execute(_CHANGES_SQLITE).scalar_one()
    tx.execute(_MERGE_SQLITE, {"pages": -pages})
    return bool(tx.execute(_CHANGES_SQLITE).scalar_one() - before >= 2)


def _body(tx: Tx, record: Record) -> str:
    where = record_texts.c.record_id == record.id
    return str(tx.execute(select(record_texts.c.body).where(where)).scalar_one())


def _put(tx: Tx, record: Record, body: str) -> None:
    words = text_words(record, body)
    tokens = [*words, *beginnings(words), *facets(record)]
    if tx.dialect == "sqlite":
        tx.execute(_PUT_SQLITE, {"id": record.id, "tokens": " ".join(tokens)})
    else:
        listed = cast(literal([*tokens, *periods(record.id)], ARRAY(Text)), ARRAY(Text))
        here = record_texts.c.record_id == record.id
        vector = func.array_to_tsvector(listed)
        tx.execute(update(record_texts).where(here).values(tokens=vector))
    _learn(tx, words)


def _learn(tx: Tx, words: tuple[str, ...]) -> None:
    """Add words to the vocabulary; sorted, so that no two writers wait for each other."""
    insert = sqlite.insert if tx.dialect == "sqlite" else postgresql.insert
    for some in _portions(words):
        rows = insert(record_words).values([{"word": word} for word in some])
        tx.execute(rows.on_conflict_do_nothing())


def _portions(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(words), _WORDS_AT_ONCE):
        yield words[start : start + _WORDS_AT_ONCE]
