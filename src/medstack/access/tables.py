"""Tables of changed policies and of signed links."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table

from medstack.db.schema import metadata
from medstack.db.types import Json, Timestamp

policies = Table(
    "policies",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("value", Json, nullable=False),
    Column("changed_at", Timestamp, nullable=False),
    Column("changed_by", BigInteger, nullable=False),
)

links = Table(
    "links",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("record_id", BigInteger, nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("rendition", String(40), nullable=False),
    Column("issuer_id", BigInteger, nullable=False, index=True),
    Column("created_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False, index=True),
    Column("max_uses", Integer),
    Column("uses", Integer, nullable=False),
    Column("revoked_at", Timestamp),
)
