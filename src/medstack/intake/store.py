"""The state of bytes on their way in. It knows no wire protocol and touches no byte.

Who writes holds a lease: a number that every new request for the same upload raises, so a request
that its network left behind finds out at its next write and cannot spoil anything. The offset
moves only forward, only from where it is, only for the holder of the newest lease.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, insert, or_, select, update

from medstack.db import Tx
from medstack.intake import batches
from medstack.intake.model import Purpose, State, Upload
from medstack.intake.rules import (
    BeyondLength,
    LengthIsSet,
    NotYetComplete,
    UploadClosed,
    check_advance,
    check_fields,
    check_here,
    check_writable,
)
from medstack.intake.tables import uploads
from medstack.kit.errors import Missing
from medstack.kit.ids import AccountId, BatchId, ContentId, PatientKey, RecordId, UploadId

EXPIRED_AT_ONCE = 200


def create(
    tx: Tx,
    *,
    upload_id: UploadId,
    account_id: AccountId,
    purpose: Purpose = Purpose.SINGLE,
    content_id: ContentId | None = None,
    length: int | None,
    offset: int = 0,
    fields: dict[str, str] | None = None,
    header: str = "",
    concat: str = "",
    patient_key: PatientKey | None = None,
    batch_id: BatchId | None = None,
    batch_limit: int | None = None,
    now: datetime,
    expires_at: datetime,
) -> Upload:
    """Begin an upload; its length, where known, counts towards its batch at once.

    offset: other than 0 for a final upload, whose bytes are all here.
    batch_limit: bytes its batch may have in all.
    Raises BadUploadFields, BatchTooLarge, Missing (the account has no such batch).
    """
    upload = Upload(
        id=upload_id,
        account_id=account_id,
        purpose=purpose,
        state=State.OPEN,
        content_id=content_id,
        length=length,
        offset=offset,
        fields=fields or {},
        header=header,
        concat=concat,
        patient_key=patient_key,
        batch_id=batch_id,
        created_at=now,
        updated_at=now,
        expires_at=expires_at,
    )
    check_fields(upload.fields, header)
    counted = length or 0
    if batch_id is not None:
        batches.count(tx, batch_id, account_id, files=1, size=counted, limit=batch_limit)
    tx.execute(insert(uploads).values(_row(upload) | {"batch_size": counted}))
    return upload


def get(tx: Tx, upload_id: UploadId, account_id: AccountId, *, now: datetime) -> Upload:
    """Raises Missing if it is not there, or another account's; UploadGone if it has ended."""
    upload = _one(tx, uploads.c.id == upload_id, uploads.c.account_id == account_id)
    check_here(upload, now)
    return upload


def of_record(tx: Tx, record_id: RecordId) -> Upload:
    """The upload a record came from, ended or not. Raises Missing."""
    return _one(tx, uploads.c.record_id == record_id)


def unfinished(
    tx: Tx, account_id: AccountId, *, now: datetime, limit: int = 200
) -> tuple[Upload, ...]:
    """An account's uploads that still await bytes, newest first; pieces of a file left out."""
    query = select(uploads).where(
        uploads.c.account_id == account_id,
        uploads.c.state == State.OPEN,
        uploads.c.purpose == Purpose.SINGLE,
        uploads.c.expires_at > now,
    )
    return _many(tx, query.order_by(uploads.c.id.desc()).limit(limit))


def declare_length(
    tx: Tx, upload: Upload, length: int, *, now: datetime, batch_limit: int | None = None
) -> Upload:
    """Fix a deferred length. Saying the same length again is no change.

    Raises LengthIsSet, BeyondLength (more is here already), BatchTooLarge, and what
    `take_lease` raises.
    """
    current = _lock(tx, upload.id)
    check_writable(current, now)
    if current.length == length:
        return current
    if current.length is not None:
        raise LengthIsSet
    if length < current.offset:
        raise BeyondLength(rule="upload-length", limit=length)
    _count_bytes(tx, current, length, batch_limit)
    return _change(tx, current, now=now, length=length)


def describe(
    tx: Tx,
    upload: Upload,
    *,
    fields: dict[str, str],
    patient_key: PatientKey | None,
    batch_id: BatchId | None,
    now: datetime,
) -> Upload:
    """Replace what an open upload says of itself; it joins its batch, if it names one now.

    Raises BadUploadFields, Missing (the account has no such batch), and what `take_lease` raises.
    """
    current = _lock(tx, upload.id)
    check_writable(current, now)
    check_fields(fields, current.header)
    if batch_id != current.batch_id:
        counted = _counted(tx, current)
        for place, sign in ((current.batch_id, -1), (batch_id, 1)):
            if place is not None:
                batches.count(tx, place, current.account_id, files=sign, size=sign * counted)
    return _change(tx, current, now=now, fields=fields, patient_key=patient_key, batch_id=batch_id)


def take_lease(tx: Tx, upload_id: UploadId, *, now: datetime) -> Upload:
    """Become the one who may write; whoever was it before is no longer.

    The upload returned carries the lease. Raises Missing, UploadGone, UploadClosed,
    FinalIsReadOnly.
    """
    upload = _lock(tx, upload_id)
    check_writable(upload, now)
    return _change(tx, upload, now=now, epoch=upload.epoch + 1)


def advance(
    tx: Tx,
    held: Upload,
    *,
    to: int,
    now: datetime,
    expires_at: datetime | None = None,
    batch_limit: int | None = None,
) -> Upload:
    """Note that the bytes up to `to` are safely stored.

    held: the upload as its lease or the last advance returned it.
    Raises LeaseLost, OffsetMismatch, BeyondLength, BatchTooLarge, UploadGone, UploadClosed.
    """
    upload = _lock(tx, held.id)
    check_writable(upload, now)
    check_advance(upload, held=held, to=to)
    if upload.length is None:
        _count_bytes(tx, upload, to, batch_limit)
    until = upload.expires_at if expires_at is None else expires_at
    return _change(tx, upload, now=now, offset=to, expires_at=until)


def complete(tx: Tx, upload: Upload, *, now: datetime) -> Upload:
    """Every byte is here; no more are taken. Raises NotYetComplete, UploadGone, UploadClosed."""
    current = _lock(tx, upload.id)
    check_here(current, now)
    if current.state is not State.OPEN:
        raise UploadClosed(state=str(current.state))
    if current.offset != current.length:
        raise NotYetComplete(offset=current.offset)
    return _change(tx, current, now=now, state=State.COMPLETE)


def accepted(tx: Tx, upload_id: UploadId, record_id: RecordId, *, now: datetime) -> Upload:
    """A complete upload became a record, once. Raises UploadClosed, NotYetComplete."""
    upload = _lock(tx, upload_id)
    if upload.state is State.OPEN:
        raise NotYetComplete(offset=upload.offset)
    if upload.state is not State.COMPLETE:
        raise UploadClosed(state=str(upload.state))
    return _change(tx, upload, now=now, state=State.ACCEPTED, record_id=record_id)


def with_record(upload: Upload, record_id: RecordId) -> Upload:
    """The upload as it stands once it is accepted."""
    return replace(upload, state=State.ACCEPTED, record_id=record_id)


def stored(tx: Tx, upload_id: UploadId, *, now: datetime) -> None:
    """Its content belongs to a version of its record from now on."""
    _change(tx, _lock(tx, upload_id), now=now, state=State.STORED)


def dropped(tx: Tx, upload_id: UploadId, *, now: datetime) -> None:
    """Its record was refused and its content destroyed."""
    _change(tx, _lock(tx, upload_id), now=now, state=State.DROPPED, content_id=None)


def cancel(tx: Tx, upload_id: UploadId, *, now: datetime) -> Upload:
    """Its sender wants it no more. Who is writing loses the lease; the batch counts it no more.

    One that became a record is only forgotten: the record stays. Raises UploadGone.
    """
    upload = _lock(tx, upload_id)
    check_here(upload, now)
    if upload.record_id is not None:
        return _change(tx, upload, now=now, is_forgotten=True)
    return _end(tx, upload, State.CANCELLED, now)


def expire_due(tx: Tx, now: datetime) -> tuple[Upload, ...]:
    """End some of what nobody continued in time, until () comes back.

    What it returns is the caller's to shred, and its quota to release.
    """
    waits = or_(
        uploads.c.state == State.OPEN,
        (uploads.c.state == State.COMPLETE) & (uploads.c.purpose == Purpose.PARTIAL),
    )
    query = select(uploads).where(waits, uploads.c.expires_at <= now).order_by(uploads.c.id)
    due = query.limit(EXPIRED_AT_ONCE).with_for_update(skip_locked=True)
    return tuple(_end(tx, upload, State.EXPIRED, now) for upload in _many(tx, due))


def all_contents(tx: Tx) -> set[ContentId]:
    """Every content an upload still refers to, for a check of the whole vault."""
    ended = (State.CANCELLED, State.EXPIRED, State.DROPPED)
    query = select(uploads.c.content_id).where(
        uploads.c.content_id.is_not(None), uploads.c.state.not_in(ended)
    )
    return set(tx.execute(query).scalars())


def _end(tx: Tx, upload: Upload, state: State, now: datetime) -> Upload:
    if upload.batch_id is not None:
        counted = _counted(tx, upload)
        batches.count(tx, upload.batch_id, upload.account_id, files=-1, size=-counted)
    return _change(tx, upload, now=now, state=state, epoch=upload.epoch + 1)


def _count_bytes(tx: Tx, upload: Upload, size: int, limit: int | None) -> None:
    """Let the batch count `size` bytes for an upload whose length was not known so far."""
    if upload.batch_id is None:
        return
    more = size - _counted(tx, upload)
    batches.count(tx, upload.batch_id, upload.account_id, files=0, size=more, limit=limit)
    tx.execute(update(uploads).where(uploads.c.id == upload.id).values(batch_size=size))


def _counted(tx: Tx, upload: Upload) -> int:
    query = select(uploads.c.batch_size).where(uploads.c.id == upload.id)
    return int(tx.execute(query).scalar_one())


def _lock(tx: Tx, upload_id: UploadId) -> Upload:
    return _one(tx, uploads.c.id == upload_id, for_update=True)


def _one(tx: Tx, *where: ColumnElement[bool], for_update: bool = False) -> Upload:
    query = select(uploads).where(*where)
    found = _many(tx, query.with_for_update() if for_update else query)
    if not found:
        raise Missing
    return found[0]


def _many(tx: Tx, query: Select[Any]) -> tuple[Upload, ...]:
    return tuple(_upload_out(row) for row in tx.execute(query))


def _change(tx: Tx, upload: Upload, *, now: datetime, **fields: Any) -> Upload:  # of Upload
    changed = replace(upload, updated_at=now, **fields)
    values = {name: getattr(changed, name) for name in (*fields, "updated_at")}
    tx.execute(update(uploads).where(uploads.c.id == upload.id).values(values))
    return changed


def _row(upload: Upload) -> dict[str, Any]:
    names = (column.name for column in uploads.c if column.name != "batch_size")
    return {name: getattr(upload, name) for name in names}


def _upload_out(row: Row[Any]) -> Upload:
    given = {name: value for name, value in row._mapping.items() if name != "batch_size"}
    return Upload(**{**given, "purpose": Purpose(row.purpose), "state": State(row.state)})
