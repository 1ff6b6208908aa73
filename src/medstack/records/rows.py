"""Rows into values and back. No SQL is written and no rule decided here."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Row

from medstack.formats.contract import FileMetadata, IdentityMark
from medstack.kit.ids import (
    AccountId,
    AppointmentId,
    BatchId,
    CaseId,
    FolderId,
    PatientKey,
    ProviderId,
    RecordId,
)
from medstack.records.model import (
    AccessLevel,
    Category,
    DownloadName,
    Record,
    Said,
    ScanSummary,
    Stage,
    Status,
)


def shelf_of(patient_key: PatientKey | None, uploaded_by: AccountId) -> int:
    """Where a record is kept: its patient's shelf, or its uploader's inbox."""
    return -uploaded_by if patient_key is None else patient_key


def record_in(record: Record) -> dict[str, Any]:
    """The row of a record, without its tags' side rows."""
    name = record.name
    return {
        "id": record.id,
        "shelf": shelf_of(record.patient_key, record.uploaded_by),
        "is_archived": record.is_archived,
        "is_listed": record.replaces is None,
        "access_level": record.access_level,
        "category": record.category,
        "subcategory": record.subcategory,
        "status": record.status,
        "uploaded_by": record.uploaded_by,
        "provider_id": record.provider_id,
        "appointment_id": record.appointment_id,
        "case_id": record.case_id,
        "folder_id": record.folder_id,
        "batch_id": record.batch_id,
        "replaces": record.replaces,
        "original_name": record.original_name,
        "description": record.description,
        "modified_at": record.modified_at,
        "archived_at": record.archived_at,
        "tags": list(record.tags),
        "kind": record.kind,
        "file_type": record.file_type,
        "extension": record.extension,
        "file_size": record.file_size,
        "found": plain(record.found),
        "said": plain(record.said),
        "name_code": name and name.code,
        "name_on": name and name.on,
        "name_sequence": name and name.sequence,
        "status_reason": record.status_reason,
        "stopped_at": record.stopped_at,
        "stages": plain(record.stages),
        "scan": plain(record.scan),
        "identity": plain(record.identity),
        "version": record.version,
        "revision": record.revision,
        "changes": record.changes,
    }


def record_out(row: Row[Any]) -> Record:
    """A record from its whole row."""
    return Record(
        id=RecordId(row.id),
        patient_key=PatientKey(row.shelf) if row.shelf > 0 else None,
        original_name=row.original_name,
        category=Category(row.category),
        subcategory=row.subcategory,
        description=row.description,
        appointment_id=_maybe(AppointmentId, row.appointment_id),
        case_id=_maybe(CaseId, row.case_id),
        folder_id=_maybe(FolderId, row.folder_id),
        provider_id=_maybe(ProviderId, row.provider_id),
        uploaded_by=AccountId(row.uploaded_by),
        modified_at=row.modified_at,
        archived_at=row.archived_at,
        access_level=AccessLevel(row.access_level),
        tags=tuple(row.tags),
        kind=row.kind,
        file_type=row.file_type,
        extension=row.extension,
        file_size=row.file_size,
        found=msgspec.convert(row.found, FileMetadata),
        said=msgspec.convert(row.said, Said),
        name=_name(row),
        status=Status(row.status),
        status_reason=row.status_reason,
        stopped_at=_maybe(Status, row.stopped_at),
        stages=msgspec.convert(row.stages, tuple[Stage, ...]),
        scan=None if row.scan is None else msgspec.convert(row.scan, ScanSummary),
        identity=msgspec.convert(row.identity, tuple[IdentityMark, ...]),
        version=row.version,
        revision=row.revision,
        changes=row.changes,
        batch_id=_maybe(BatchId, row.batch_id),
        replaces=_maybe(RecordId, row.replaces),
    )


def _name(row: Row[Any]) -> DownloadName | None:
    if row.name_sequence is None:
        return None
    return DownloadName(code=row.name_code, on=row.name_on, sequence=row.name_sequence)


def _maybe(make: Any, value: Any) -> Any:  # one cast for every optional column
    return None if value is None else make(value)


def plain(value: object) -> Any:  # what a JSON column takes
    """A value as JSON has it."""
    return msgspec.to_builtins(value)
