"""One record at a time: put it in, read it, move it through its checks, shelve it.

Reads need a Scope. Writes take the record's id after a flow has decided; each counts a change, so
an entity tag never stands for two states. Lists are in `listing`, edits by people in `editing`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select, update

from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.formats.contract import FileMetadata, IdentityMark
from medstack.kit.errors import Missing
from medstack.kit.ids import RecordId
from medstack.records import search_index, series
from medstack.records.categories import short_code
from medstack.records.fields import fold_tag
from medstack.records.model import DownloadName, Record, ScanSummary, Stage
from medstack.records.numbering import next_sequence
from medstack.records.rows import record_in, record_out, shelf_of
from medstack.records.rules import STOPPED, Step, next_status
from medstack.records.sight import WHOLE_ARCHIVE, visible
from medstack.records.tables import (
    record_history,
    record_renditions,
    record_tags,
    record_versions,
    records,
)


def add(tx: Tx, record: Record) -> None:
    """Put a new record in; it is found by its names and description from now on."""
    tx.execute(insert(records).values(record_in(record)))
    write_tags(tx, record)
    search_index.index_text(tx, record, body="")


def get(tx: Tx, scope: Scope, record_id: RecordId) -> Record:
    """Raises Missing if it is not there or not the caller's to see: both look alike."""
    return _one(tx, records.c.id == record_id, visible(scope))


def get_many(tx: Tx, scope: Scope, ids: tuple[RecordId, ...]) -> tuple[Record, ...]:
    """Those of `ids` the caller may see, in the order of `ids`, in one query."""
    query = select(records).where(records.c.id.in_(ids), visible(scope))
    by_id = {row.id: record_out(row) for row in tx.execute(query)}
    return tuple(by_id[i] for i in ids if i in by_id)


def lock(tx: Tx, record_id: RecordId, scope: Scope = WHOLE_ARCHIVE) -> Record:
    """Read a record for changing it: nobody else changes it until the transaction ends.

    Raises Missing as `get` does.
    """
    return _one(tx, records.c.id == record_id, visible(scope), for_update=True)


def _one(tx: Tx, *where: ColumnElement[bool], for_update: bool = False) -> Record:
    query = select(records).where(*where)
    row = tx.execute(query.with_for_update(of=records) if for_update else query).first()
    if row is None:
        raise Missing
    return record_out(row)


def move(tx: Tx, record_id: RecordId, step: Step, *, now: datetime, reason: str = "") -> Record:
    """Take one step of the way in and return the record as it is then.

    reason: a stable code, kept for as long as the record stands where it was stopped.
    Raises IllegalTransition, Missing.
    """
    record = lock(tx, record_id)
    status = next_status(record.status, step, stopped_at=record.stopped_at)
    stopped = status in STOPPED
    return _change(
        tx,
        record,
        status=status,
        status_reason=reason,
        stopped_at=(record.stopped_at or record.status) if stopped else None,
        modified_at=now,
    )


def note_stage(tx: Tx, record_id: RecordId, stage: Stage) -> Record:
    """Put a stage's newest state in the place its name has, or at the end."""
    record = lock(tx, record_id)
    kept = [stage if old.stage == stage.stage else old for old in record.stages]
    if all(old.stage != stage.stage for old in record.stages):
        kept.append(stage)
    return _change(tx, record, stages=tuple(kept))


def note_scan(tx: Tx, record_id: RecordId, scan: ScanSummary) -> Record:
    """Keep what the malware engines said."""
    return _change(tx, lock(tx, record_id), scan=scan)


def note_inspection(
    tx: Tx,
    record_id: RecordId,
    *,
    kind: str,
    media_type: str,
    extension: str,
    found: FileMetadata,
    identity: tuple[IdentityMark, ...],
) -> Record:
    """Keep what the file says of itself: its kind, its metadata, where it names a person."""
    record = _change(
        tx,
        lock(tx, record_id),
        kind=kind,
        file_type=media_type,
        extension=extension,
        found=found,
        identity=identity,
    )
    search_index.refresh(tx, record)
    return record


def index_text(tx: Tx, record: Record, *, body: str) -> None:
    """Make a record found by `body`, the text of its current version, besides its own fields."""
    search_index.index_text(tx, lock(tx, record.id), body=body)


def give_name(tx: Tx, record_id: RecordId, on: date) -> Record:
    """Number a record within its patient, type and date. Once numbered it keeps its name.

    A record in an inbox has no patient and stays without a name.
    """
    record = lock(tx, record_id)
    if record.patient_key is None or record.name is not None:
        return record
    code = short_code(record.category, record.subcategory)
    sequence = next_sequence(tx, record.patient_key, code, on)
    return _change(tx, record, name=DownloadName(code=code, on=on, sequence=sequence))


def archive(tx: Tx, record_id: RecordId, *, now: datetime) -> Record:
    """Take a record out of the daily lists. Archiving twice changes nothing."""
    record = lock(tx, record_id)
    return record if record.is_archived else _shelve(tx, record, archived_at=now, now=now)


def unarchive(tx: Tx, record_id: RecordId, *, now: datetime) -> Record:
    """Bring an archived record back."""
    record = lock(tx, record_id)
    return _shelve(tx, record, archived_at=None, now=now) if record.is_archived else record


def _shelve(tx: Tx, record: Record, *, archived_at: datetime | None, now: datetime) -> Record:
    shelved = write(
        tx, replace(record, archived_at=archived_at, modified_at=now, revision=record.revision + 1)
    )
    write_tags(tx, shelved)
    search_index.refresh(tx, shelved)
    return shelved


def erase(tx: Tx, record_id: RecordId) -> None:
    """Remove a record and all that is known of it here; its contents are the caller's to shred."""
    search_index.forget(tx, lock(tx, record_id))
    series.remove(tx, record_id)
    for table in (record_tags, record_history, record_renditions, record_versions):
        tx.execute(delete(table).where(table.c.record_id == record_id))
    tx.execute(delete(records).where(records.c.id == record_id))


def write(tx: Tx, record: Record) -> Record:
    """For this room only: overwrite the row of a locked record and count the change."""
    changed = replace(record, changes=record.changes + 1)
    tx.execute(update(records).where(records.c.id == record.id).values(record_in(changed)))
    return changed


def write_tags(tx: Tx, record: Record) -> None:
    """For this room only: make the tags' side rows agree with the record."""
    tx.execute(delete(record_tags).where(record_tags.c.record_id == record.id))
    rows = [
        {
            "record_id": record.id,
            "tag": fold_tag(tag),
            "is_archived": record.is_archived,
            "shelf": shelf_of(record.patient_key, record.uploaded_by),
        }
        for tag in record.tags
    ]
    if rows:
        tx.execute(insert(record_tags), rows)


def _change(tx: Tx, record: Record, **fields: Any) -> Record:  # any field of Record
    """Write the given fields only, and count the change."""
    changed = replace(record, changes=record.changes + 1, **fields)
    row = record_in(changed)
    names = {"changes"} | {column for field in fields for column in _columns(field)}
    values = {name: row[name] for name in names}
    tx.execute(update(records).where(records.c.id == record.id).values(values))
    return changed


def _columns(field: str) -> tuple[str, ...]:
    return ("name_code", "name_on", "name_sequence") if field == "name" else (field,)
