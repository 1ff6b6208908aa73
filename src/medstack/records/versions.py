"""The contents of a record: immutable versions and the pictures made of them.

A version is never altered. Restoring an old one makes a new version that points at the old content.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select

from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.kit.errors import Missing
from medstack.kit.ids import AccountId, ContentId, RecordId
from medstack.records import store
from medstack.records.model import Record, Rendition, Version
from medstack.records.rules import check_revision
from medstack.records.tables import record_renditions, record_versions

_VERSION = tuple(column.name for column in record_versions.c)
_RENDITION = tuple(column.name for column in record_renditions.c)


def add_version(
    tx: Tx,
    record_id: RecordId,
    *,
    content_id: ContentId,
    sha256: bytes,
    size: int,
    media_type: str,
    kind: str,
    extension: str,
    uploaded_by: AccountId,
    now: datetime,
) -> Version:
    """Make `content_id` the record's current version. Numbers have no gaps. Raises Missing."""
    record = store.lock(tx, record_id)
    version = Version(
        record_id=record_id,
        number=record.version + 1,
        content_id=content_id,
        sha256=sha256,
        size=size,
        media_type=media_type,
        kind=kind,
        extension=extension,
        stored_at=now,
        uploaded_by=uploaded_by,
    )
    _append(tx, record, version)
    return version


def restore(
    tx: Tx,
    scope: Scope,
    record_id: RecordId,
    number: int,
    *,
    by: AccountId,
    now: datetime,
    expected: int | None = None,
) -> Version:
    """Bring version `number` back as a new version, with its pictures.

    The caller indexes the old content's text again. Raises Missing, StaleRevision.
    """
    record = store.lock(tx, record_id, scope)
    check_revision(record.revision, expected)
    old = _version(tx, record_id, number)
    fresh = replace(
        old, number=record.version + 1, stored_at=now, uploaded_by=by, restored_from=number
    )
    _append(tx, record, fresh)
    for picture in _renditions(tx, record_id, number):
        put_rendition(tx, replace(picture, version=fresh.number))
    return fresh


def versions(tx: Tx, scope: Scope, record_id: RecordId) -> tuple[Version, ...]:
    """Every version, oldest first. Raises Missing."""
    store.get(tx, scope, record_id)
    query = select(record_versions).where(record_versions.c.record_id == record_id)
    return tuple(_version_out(row) for row in tx.execute(query.order_by(record_versions.c.number)))


def version(tx: Tx, scope: Scope, record_id: RecordId, number: int | None = None) -> Version:
    """One version; the current one if no number is given. Raises Missing."""
    record = store.get(tx, scope, record_id)
    return _version(tx, record_id, record.version if number is None else number)


def put_rendition(tx: Tx, rendition: Rendition) -> None:
    """Add a picture of a version, in place of one of the same name."""
    here = record_renditions.c
    tx.execute(
        delete(record_renditions).where(
            here.record_id == rendition.record_id,
            here.version == rendition.version,
            here.name == rendition.name,
        )
    )
    row = {name: getattr(rendition, name) for name in _RENDITION}
    tx.execute(insert(record_renditions).values(row))


def drop_renditions(tx: Tx, record_id: RecordId) -> None:
    """Forget every picture of a record; their contents are the caller's to shred."""
    tx.execute(delete(record_renditions).where(record_renditions.c.record_id == record_id))


def renditions(
    tx: Tx, scope: Scope, record_id: RecordId, number: int | None = None
) -> tuple[Rendition, ...]:
    """The pictures of a version, the current one if no number is given. Raises Missing."""
    record = store.get(tx, scope, record_id)
    return _renditions(tx, record_id, record.version if number is None else number)


def rendition(
    tx: Tx, scope: Scope, record_id: RecordId, name: str, number: int | None = None
) -> Rendition:
    """One picture by its name. Raises Missing."""
    for picture in renditions(tx, scope, record_id, number):
        if picture.name == name:
            return picture
    raise Missing


def contents(tx: Tx, record_id: RecordId) -> tuple[ContentId, ...]:
    """Every content a record refers to, once each: what destroying it must shred."""
    sources = (record_versions, record_renditions)
    kept = {
        row.content_id
        for table in sources
        for row in tx.execute(select(table.c.content_id).where(table.c.record_id == record_id))
    }
    return tuple(sorted(kept))


def all_contents(tx: Tx) -> set[ContentId]:
    """Every content any record refers to, for a check of the whole archive."""
    return {
        ContentId(found)
        for table in (record_versions, record_renditions)
        for found in tx.execute(select(table.c.content_id)).scalars()
    }


def _append(tx: Tx, record: Record, fresh: Version) -> None:
    row = {name: getattr(fresh, name) for name in _VERSION}
    tx.execute(insert(record_versions).values(row))
    store.write(
        tx,
        replace(
            record,
            version=fresh.number,
            kind=fresh.kind,
            file_type=fresh.media_type,
            extension=fresh.extension,
            file_size=fresh.size,
            modified_at=fresh.stored_at,
            revision=record.revision + (1 if fresh.number > 1 else 0),
        ),
    )


def _version(tx: Tx, record_id: RecordId, number: int) -> Version:
    here = record_versions.c
    query = select(record_versions).where(here.record_id == record_id, here.number == number)
    row = tx.execute(query).first()
    if row is None:
        raise Missing
    return _version_out(row)


def _renditions(tx: Tx, record_id: RecordId, number: int) -> tuple[Rendition, ...]:
    here = record_renditions.c
    query = select(record_renditions).where(here.record_id == record_id, here.version == number)
    return tuple(_rendition_out(row) for row in tx.execute(query.order_by(here.name)))


def _version_out(row: Row[Any]) -> Version:
    return Version(**{**row._mapping, "sha256": bytes(row.sha256)})


def _rendition_out(row: Row[Any]) -> Rendition:
    return Rendition(**row._mapping)
