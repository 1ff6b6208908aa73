"""Bytes on their way in: uploads, and the batches they come in."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
)

from medstack.db.schema import metadata
from medstack.db.types import Json, Timestamp

batches = Table(
    "upload_batches",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("account_id", BigInteger, nullable=False),
    Column("title", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("files", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    CheckConstraint("files >= 0 AND size >= 0", name="counted"),
)
Index("ix_upload_batches_account", batches.c.account_id, batches.c.id)

uploads = Table(
    "uploads",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("account_id", BigInteger, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("content_id", BigInteger, index=True),
    Column("length", BigInteger),
    Column("offset", BigInteger, nullable=False),
    Column("fields", Json, nullable=False),
    Column("header", Text, nullable=False),
    Column("concat", Text, nullable=False),
    Column("patient_key", BigInteger),
    Column("batch_id", BigInteger, ForeignKey("upload_batches.id"), index=True),
    Column("batch_size", BigInteger, nullable=False),  # what the batch counts for it
    Column("epoch", Integer, nullable=False),
    Column("record_id", BigInteger, unique=True),
    Column("is_forgotten", Boolean, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    CheckConstraint('"offset" >= 0 AND (length IS NULL OR "offset" <= length)', name="within"),
)
# The bytes still awaited: an account's own, and whose time is over.
Index("ix_uploads_account", uploads.c.account_id, uploads.c.state, uploads.c.id)
Index("ix_uploads_expiry", uploads.c.state, uploads.c.expires_at)
