"""The room's tables. Every list is a walk down one of these indexes, newest id first.

`shelf` says where a record is kept: a patient's key, or minus the account whose inbox it waits in.
One column, so one index serves every caller's slice of the practice.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    event,
    func,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.schema import DDL, ExecutableDDLElement

from medstack.db.schema import metadata
from medstack.db.types import Json, Timestamp

Key = BigInteger().with_variant(Integer, "sqlite")  # on SQLite: the row's own number


def _key(name: str) -> Column[int]:
    return Column(name, Key, primary_key=True, autoincrement=False)


records = Table(
    "records",
    metadata,
    _key("id"),
    Column("shelf", BigInteger, nullable=False),
    Column("is_archived", Boolean, nullable=False),
    Column("is_listed", Boolean, nullable=False),  # False: a new version on its way
    Column("access_level", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("subcategory", Text),
    Column("status", Text, nullable=False),
    Column("uploaded_by", BigInteger, nullable=False),
    Column("provider_id", BigInteger),
    Column("appointment_id", BigInteger),
    Column("case_id", BigInteger),
    Column("folder_id", BigInteger, ForeignKey("record_folders.id")),
    Column("batch_id", BigInteger),
    Column("replaces", BigInteger),
    Column("original_name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("modified_at", Timestamp, nullable=False),
    Column("archived_at", Timestamp),
    Column("tags", Json, nullable=False),
    Column("kind", Text, nullable=False),
    Column("file_type", Text, nullable=False),
    Column("extension", Text, nullable=False),
    Column("file_size", BigInteger, nullable=False),
    Column("found", Json, nullable=False),
    Column("said", Json, nullable=False),
    Column("name_code", Text),
    Column("name_on", Date),
    Column("name_sequence", Integer),
    Column("status_reason", Text, nullable=False),
    Column("stopped_at", Text),
    Column("stages", Json, nullable=False),
    Column("scan", Json),
    Column("identity", Json, nullable=False),
    Column("version", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("changes", Integer, nullable=False),
    CheckConstraint("shelf <> 0", name="shelf"),
)
_c = records.c

# The archive newest first, whole and by each broad filter.
Index("ix_records_newest", _c.is_archived, _c.id)
Index("ix_records_category", _c.is_archived, _c.category, _c.id)
Index("ix_records_subcategory", _c.is_archived, _c.subcategory, _c.id)
Index("ix_records_status", _c.is_archived, _c.status, _c.id)
Index("ix_records_uploaded_by", _c.is_archived, _c.uploaded_by, _c.id)
Index("ix_records_provider_id", _c.is_archived, _c.provider_id, _c.id)
# Filters that are narrow by nature.
for _narrow in (_c.appointment_id, _c.case_id, _c.folder_id, _c.batch_id):
    Index(
        f"ix_records_{_narrow.name}",
        _narrow,
        _c.is_archived,
        _c.id,
        sqlite_where=_narrow.is_not(None),
        postgresql_where=_narrow.is_not(None),
    )
# One shelf newest first, with all that a broad filter asks for inside the index.
Index(
    "ix_records_shelf",
    _c.shelf,
    _c.id,
    _c.is_archived,
    _c.is_listed,
    _c.access_level,
    _c.category,
    _c.subcategory,
    _c.status,
    _c.uploaded_by,
    _c.provider_id,
)

record_tags = Table(
    "record_tags",
    metadata,
    Column("record_id", BigInteger, ForeignKey("records.id"), primary_key=True),
    Column("tag", Text, primary_key=True),  # folded: two spellings are one
    Column("is_archived", Boolean, nullable=False),
    Column("shelf", BigInteger, nullable=False),
)
Index(
    "ix_record_tags_newest", record_tags.c.is_archived, record_tags.c.tag, record_tags.c.record_id
)
Index(
    "ix_record_tags_shelf",
    record_tags.c.shelf,
    record_tags.c.tag,
    record_tags.c.record_id,
    record_tags.c.is_archived,
)

record_history = Table(
    "record_history",
    metadata,
    Column("record_id", BigInteger, ForeignKey("records.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("at", Timestamp, nullable=False),
    Column("by", BigInteger, nullable=False),
    Column("fields", Json, nullable=False),
)

record_versions = Table(
    "record_versions",
    metadata,
    Column("record_id", BigInteger, ForeignKey("records.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("content_id", BigInteger, nullable=False, index=True),
    Column("sha256", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("extension", Text, nullable=False),
    Column("stored_at", Timestamp, nullable=False),
    Column("uploaded_by", BigInteger, nullable=False),
    Column("restored_from", Integer),
    CheckConstraint("number >= 1", name="number"),
)

record_renditions = Table(
    "record_renditions",
    metadata,
    Column("record_id", BigInteger, ForeignKey("records.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("content_id", BigInteger, nullable=False, index=True),
    Column("media_type", Text, nullable=False),
    Column("width_px", Integer, nullable=False),
    Column("height_px", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
)

record_folders = Table(
    "record_folders",
    metadata,
    _key("id"),
    Column("patient_key", BigInteger, nullable=False),
    Column("parent_id", BigInteger, ForeignKey("record_folders.id")),
    Column("place", BigInteger, nullable=False),  # the parent, or 0 at the top
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("created_by", BigInteger, nullable=False),
    UniqueConstraint("patient_key", "place", "folded_name"),
)

record_sequences = Table(
    "record_sequences",
    metadata,
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("code", Text, primary_key=True),
    Column("on", Date, primary_key=True),
    Column("last", Integer, nullable=False),
)

patient_quotas = Table(
    "patient_quotas",
    metadata,
    _key("patient_key"),
    Column("used", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    CheckConstraint("used >= 0 AND reserved >= 0", name="counted"),
)

quota_reservations = Table(
    "quota_reservations",
    metadata,
    _key("id"),  # of the upload or record it was made for
    Column("patient_key", BigInteger, nullable=False, index=True),
    Column("size", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
)

dicom_series = Table(
    "dicom_series",
    metadata,
    _key("id"),
    Column("shelf", BigInteger, nullable=False),
    Column("study_uid", Text, nullable=False, index=True),
    Column("series_uid", Text, nullable=False),
    Column("modality", Text, nullable=False),
    Column("instances", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    UniqueConstraint("shelf", "series_uid"),
)

dicom_instances = Table(
    "dicom_instances",
    metadata,
    Column(
        "record_id",
        Key,
        ForeignKey("records.id"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("series_id", BigInteger, ForeignKey("dicom_series.id"), nullable=False),
    Column("instance_uid", Text, nullable=False, index=True),
    Column("number", Integer),
    Column("size", BigInteger, nullable=False),
)
Index(
    "ix_dicom_instances_order",
    dicom_instances.c.series_id,
    func.coalesce(dicom_instances.c.number, 0),
    dicom_instances.c.record_id,
)

record_texts = Table(
    "record_texts",
    metadata,
    Column("record_id", Key, ForeignKey("records.id"), primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),  # extracted from the current version
    Column("tokens", Text().with_variant(TSVECTOR(), "postgresql")),  # NULL on SQLite
)
# fastupdate would keep a list that every search has to read to its end.
Index(
    "ix_record_texts_tokens",
    record_texts.c.tokens,
    postgresql_using="gin",
    postgresql_with={"fastupdate": "off"},
).ddl_if(dialect="postgresql")

record_words = Table(
    "record_words",
    metadata,
    Column("word", Text(collation="C").with_variant(Text(), "sqlite"), primary_key=True),
    sqlite_with_rowid=False,
)

# The inverted index on SQLite: tokens only (detail=none), the text itself is in record_texts.
CREATE_SEARCH = """
CREATE VIRTUAL TABLE record_search USING fts5(
  tokens, content='', contentless_delete=1, detail=none, tokenize="ascii tokenchars ':-'"
)"""


def _sqlite(statement: str) -> ExecutableDDLElement:
    return DDL(statement).execute_if(dialect="sqlite")  # type: ignore[no-untyped-call]


event.listen(record_texts, "after_create", _sqlite(CREATE_SEARCH))
event.listen(record_texts, "before_drop", _sqlite("DROP TABLE record_search"))
