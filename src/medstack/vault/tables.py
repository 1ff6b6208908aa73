"""The vault's tables: wrapped keys, contents, their parts, and the objects they lie in.

No row holds a key in clear or anything about a patient but the number their key hangs on.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
)

from medstack.db.schema import metadata
from medstack.db.types import Timestamp

master_key = Table(
    "vault_master_key",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),  # 1, 2, 3 …
    Column("root", String(200), nullable=False),  # the keeper's id
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", Timestamp, nullable=False),
)

vault_secret = Table(
    "vault_secret",
    metadata,
    Column("name", String(100), primary_key=True),  # what it is for
    Column("master_version", ForeignKey("vault_master_key.version"), nullable=False, index=True),
    Column("wrapped", LargeBinary, nullable=False),
)

subject_key = Table(
    "vault_subject_key",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("subject", BigInteger, nullable=False, unique=True),  # a patient; 0 = quarantine
    Column("master_version", ForeignKey("vault_master_key.version"), nullable=False, index=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", Timestamp, nullable=False),
)

content = Table(
    "vault_content",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("subject_key_id", ForeignKey("vault_subject_key.id"), nullable=False, index=True),
    Column("data_key_id", BigInteger, nullable=False),  # new parts are sealed with this one
    Column("size", BigInteger, nullable=False),  # bytes of plaintext
    Column("part_count", Integer, nullable=False),
    Column("chain", LargeBinary, nullable=False),  # a MAC over the list of parts
    Column("created_at", Timestamp, nullable=False),
)

data_key = Table(
    "vault_data_key",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("content_id", ForeignKey("vault_content.id"), nullable=False, index=True),
    Column("wrapped", LargeBinary, nullable=False),  # under the content's subject key
)

stored_object = Table(
    "vault_object",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("sealed_size", BigInteger, nullable=False),
    Column("uses", Integer, nullable=False),  # parts that lie in it; at 0 it is condemned
    Column("condemned_at", Timestamp),
    CheckConstraint("uses >= 0", name="uses_not_negative"),
    CheckConstraint("(uses = 0) = (condemned_at IS NOT NULL)", name="condemned_if_unused"),
)
Index(
    "ix_vault_object_condemned",
    stored_object.c.condemned_at,
    sqlite_where=stored_object.c.condemned_at.is_not(None),
    postgresql_where=stored_object.c.condemned_at.is_not(None),
)

part = Table(
    "vault_part",
    metadata,
    Column("content_id", ForeignKey("vault_content.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),  # 0, 1, 2 …
    Column("object_name", ForeignKey("vault_object.name"), nullable=False, index=True),
    Column("data_key_id", ForeignKey("vault_data_key.id"), nullable=False, index=True),
    Column("size", BigInteger, nullable=False),  # bytes of plaintext
    Column("sealed_size", BigInteger, nullable=False),
)
