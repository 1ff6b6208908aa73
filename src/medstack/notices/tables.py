"""Where notices wait to be read."""

from sqlalchemy import BigInteger, Column, Index, String, Table

from medstack.db.schema import metadata
from medstack.db.types import Timestamp

notices = Table(
    "notices",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(40), nullable=False),
    Column("code", String(60), nullable=False),
    Column("record_id", BigInteger),
    Column("patient_key", BigInteger),
    Column("uploader_id", BigInteger, nullable=False),
    Column("access_level", String(10), nullable=False),
    Column("at", Timestamp, nullable=False),
    Index("ix_notices_uploader", "uploader_id", "id"),
)
