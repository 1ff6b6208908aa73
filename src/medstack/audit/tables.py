"""Tables of the audit log. Rows are added, never changed; only `audit_details` may lose some.

Columns beside `body` are there to be searched; a verification holds them to the body.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from medstack.db.schema import metadata
from medstack.db.types import Timestamp

SEQ = BigInteger().with_variant(Integer, "sqlite")  # on SQLite the row's own number


def _is_blob(name: str) -> CheckConstraint:
    # A text in a BLOB column compares unlike its bytes; PostgreSQL cannot hold one.
    rule = CheckConstraint(f"typeof({name}) = 'blob'", name=f"{name}_is_blob")
    return rule.ddl_if(dialect="sqlite")


events = Table(
    "audit_events",
    metadata,
    Column("seq", SEQ, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("at", Timestamp, nullable=False),  # searched by way of the tiles
    Column("actor_id", BigInteger, nullable=False),
    Column("action", String(60), nullable=False),
    _is_blob("body"),
    _is_blob("leaf_hash"),
    Index(None, "actor_id", "seq"),
    Index(None, "action", "seq"),
)

# What an event touched: one row for each record and each patient in its body.
subjects = Table(
    "audit_subjects",
    metadata,
    Column("kind", String(1), primary_key=True),  # r = record, p = patient
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", SEQ, primary_key=True, autoincrement=False, index=True),
    sqlite_with_rowid=False,
)

details = Table(
    "audit_details",
    metadata,
    Column("seq", SEQ, primary_key=True, autoincrement=False),
    Column("salt", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

# Complete subtrees of 256 leaves: their hash, so that proofs need not read every leaf, and the
# times they span, so that a list of some week need not either. Clocks may step back: times are
# the earliest and latest of the tile, not its first and last.
tiles = Table(
    "audit_tiles",
    metadata,
    Column("number", SEQ, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    Column("earliest", Timestamp, nullable=False),
    Column("latest", Timestamp, nullable=False),
)

# One row: the growing edge of the tree.
head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("peaks", LargeBinary, nullable=False),
)

checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("size", SEQ, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)
