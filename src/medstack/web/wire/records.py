"""MedicalRecord and what hangs on it, as the owner's requirements name the fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from medstack.flows.arrange import FolderView, ItemResult
from medstack.flows.curate import AccessLine, RecordView
from medstack.kit.ids import AppointmentId, CaseId, FolderId, ProviderId, id_out
from medstack.records import (
    KEEP,
    AccessLevel,
    Category,
    Change,
    Edit,
    Record,
    Said,
    StageState,
    Status,
    Version,
    category_of,
)
from medstack.records.editing import Maybe
from medstack.web.params import id_or_none
from medstack.web.wire.base import Ask, IdText, Wire, given
from medstack.web.wire.reasons import sentence_for

T = TypeVar("T")

Description = Annotated[str, Meta(max_length=4000)]
Tag = Annotated[str, Meta(min_length=1, max_length=64)]
Tags = Annotated[list[Tag], Meta(max_length=50)]
Ids = Annotated[list[IdText], Meta(min_length=1, max_length=500)]


class DimensionsOut(Wire):
    width: int
    height: int


class MetadataOut(Wire):
    """The owner's FileMetadata; `extra` holds what only some kinds of file can tell."""

    dimensions: DimensionsOut | None = None
    resolution: float | None = None
    capture_date: str | None = None
    equipment: str | None = None
    body_part: str | None = None
    procedure: str | None = None
    notes: str | None = None
    extra: dict[str, str | int | float | bool] = msgspec.field(default_factory=dict)


class StageOut(Wire):
    """One step of the pipeline; `code` says why where it did not simply go well."""

    stage: str
    state: StageState
    at: datetime
    code: str | None = None


class IdentityOut(Wire):
    """A kind of identifying detail and where in the file it stands; never the detail itself."""

    kind: str
    place: str


class ScanOut(Wire):
    outcome: str
    engine: str
    version: str
    signature: str | None = None


class RecordOut(Wire):
    """The owner's MedicalRecord, and where it stands in the pipeline.

    `statusReason` is the stable code of what stopped it, `statusDetail` the same in words.
    """

    id: str
    patient_id: str | None
    file_name: str
    original_file_name: str
    file_type: str
    file_size: int
    category: Category
    subcategory: str | None
    description: str
    appointment_id: str | None
    case_id: str | None
    folder_id: str | None
    provider_id: str | None
    uploaded_by: str
    upload_date: datetime
    last_modified: datetime
    is_archived: bool
    access_level: AccessLevel
    tags: list[str]
    metadata: MetadataOut
    status: Status
    status_reason: str | None
    status_detail: str | None
    stages: list[StageOut]
    scan: ScanOut | None
    identity: list[IdentityOut]
    version: int
    etag: str


class SaidIn(Ask):
    """FileMetadata a person may write; null takes away what was written before."""

    capture_date: str | UnsetType | None = UNSET
    equipment: Annotated[str, Meta(max_length=200)] | UnsetType | None = UNSET
    body_part: Annotated[str, Meta(max_length=100)] | UnsetType | None = UNSET
    procedure: Annotated[str, Meta(max_length=500)] | UnsetType | None = UNSET
    notes: Annotated[str, Meta(max_length=10_000)] | UnsetType | None = UNSET


class RecordIn(Ask):
    """An edit of a record. A field left out stays as it is; null empties it."""

    category: str | UnsetType = UNSET
    subcategory: str | UnsetType | None = UNSET
    description: Description | UnsetType = UNSET
    appointment_id: IdText | UnsetType | None = UNSET
    case_id: IdText | UnsetType | None = UNSET
    folder_id: IdText | UnsetType | None = UNSET
    provider_id: IdText | UnsetType | None = UNSET
    access_level: AccessLevel | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    metadata: SaidIn | UnsetType = UNSET


class VersionOut(Wire):
    number: int
    file_type: str
    file_size: int
    sha256: str
    stored_at: datetime
    uploaded_by: str
    restored_from: int | None
    is_current: bool


class FolderIn(Ask):
    patient_id: IdText
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    parent_id: IdText | None = None


class FolderEdit(Ask):
    name: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    parent_id: IdText | UnsetType | None = UNSET


class FolderOut(Wire):
    id: str
    patient_id: str
    name: str
    parent_id: str | None
    created_at: datetime


class ChangeOut(Wire):
    """One edit: per field, the value before and after."""

    revision: int
    at: datetime
    by: str
    fields: dict[str, list[Any]]  # values of any field, as it stood on the wire


class AccessLineOut(Wire):
    at: datetime
    action: str
    outcome: str
    by: str
    role: str
    via: str


class CategoriseIn(Ask):
    record_ids: Ids
    category: str
    subcategory: str | None = None


class ArchiveIn(Ask):
    record_ids: Ids


class ItemOut(Wire):
    """What became of one record of a batch; `code` says why it was refused."""

    record_id: str
    ok: bool
    code: str | None
    title: str | None


class BatchOut(Wire):
    done: int
    refused: int
    items: list[ItemOut]


def record_out(view: RecordView) -> RecordOut:
    record = view.record
    return RecordOut(
        id=id_out(record.id),
        patient_id=view.patient_id,
        file_name=view.file_name,
        original_file_name=record.original_name,
        file_type=record.file_type,
        file_size=record.file_size,
        category=record.category,
        subcategory=record.subcategory,
        description=record.description,
        appointment_id=_maybe(record.appointment_id),
        case_id=_maybe(record.case_id),
        folder_id=_maybe(record.folder_id),
        provider_id=_maybe(record.provider_id),
        uploaded_by=id_out(record.uploaded_by),
        upload_date=record.uploaded_at,
        last_modified=record.modified_at,
        is_archived=record.is_archived,
        access_level=record.access_level,
        tags=list(record.tags),
        metadata=metadata_out(record),
        status=record.status,
        status_reason=record.status_reason or None,
        status_detail=sentence_for(record.status_reason),
        stages=[
            StageOut(stage=s.stage, state=s.state, at=s.at, code=s.code or None)
            for s in record.stages
        ],
        scan=scan_out(record),
        identity=[IdentityOut(kind=mark.kind, place=mark.place) for mark in record.identity],
        version=record.version,
        etag=view.etag,
    )


def metadata_out(record: Record) -> MetadataOut:
    found = record.found
    size = None
    if found.width_px is not None and found.height_px is not None:
        size = DimensionsOut(width=found.width_px, height=found.height_px)
    return MetadataOut(
        dimensions=size,
        resolution=found.resolution_dpi,
        capture_date=record.captured_at,
        equipment=record.equipment,
        body_part=record.body_part,
        procedure=record.procedure,
        notes=record.notes,
        extra=dict(found.extra),
    )


def scan_out(record: Record) -> ScanOut | None:
    scan = record.scan
    if scan is None:
        return None
    return ScanOut(
        outcome=scan.outcome,
        engine=scan.engine,
        version=scan.version,
        signature=scan.signature or None,
    )


def version_out(version: Version, current: int) -> VersionOut:
    return VersionOut(
        number=version.number,
        file_type=version.media_type,
        file_size=version.size,
        sha256=version.sha256.hex(),
        stored_at=version.stored_at,
        uploaded_by=id_out(version.uploaded_by),
        restored_from=version.restored_from,
        is_current=version.number == current,
    )


def folder_out(view: FolderView) -> FolderOut:
    return FolderOut(
        id=id_out(view.folder.id),
        patient_id=view.patient_id,
        name=view.folder.name,
        parent_id=_maybe(view.folder.parent_id),
        created_at=view.folder.created_at,
    )


def edit_in(asked: RecordIn, now: Record) -> Edit:
    """The edit a request asks for. Raises InvalidRequest, UnknownCategory."""
    return Edit(
        category=KEEP if asked.category is UNSET else category_of(asked.category),
        subcategory=_kept(asked.subcategory),
        description=_kept(asked.description),
        appointment_id=_id_in("appointmentId", asked.appointment_id, AppointmentId),
        case_id=_id_in("caseId", asked.case_id, CaseId),
        folder_id=_id_in("folderId", asked.folder_id, FolderId),
        provider_id=_id_in("providerId", asked.provider_id, ProviderId),
        access_level=_kept(asked.access_level),
        tags=KEEP if asked.tags is UNSET else tuple(asked.tags),
        said=KEEP if asked.metadata is UNSET else said_in(asked.metadata, now.said),
    )


def said_in(asked: SaidIn, now: Said) -> Said:
    return Said(
        captured_at=given(asked.capture_date, now.captured_at),
        equipment=given(asked.equipment, now.equipment),
        body_part=given(asked.body_part, now.body_part),
        procedure=given(asked.procedure, now.procedure),
        notes=given(asked.notes, now.notes),
    )


def change_out(change: Change) -> ChangeOut:
    return ChangeOut(
        revision=change.revision,
        at=change.at,
        by=id_out(change.by),
        fields={name: list(pair) for name, pair in change.fields.items()},
    )


def access_line_out(line: AccessLine) -> AccessLineOut:
    return AccessLineOut(
        at=line.at,
        action=line.action,
        outcome=line.outcome,
        by=line.by,
        role=line.role,
        via=line.via,
    )


def batch_out(results: Sequence[ItemResult]) -> BatchOut:
    items = [
        ItemOut(
            record_id=id_out(result.record_id),
            ok=result.refusal is None,
            code=None if result.refusal is None else result.refusal.code,
            title=None if result.refusal is None else result.refusal.title,
        )
        for result in results
    ]
    done = sum(item.ok for item in items)
    return BatchOut(done=done, refused=len(items) - done, items=items)


def _kept(value: T | UnsetType) -> Maybe[T]:
    return KEEP if value is UNSET else value


def _id_in(field: str, text: str | UnsetType | None, kind: Callable[[int], T]) -> Maybe[T | None]:
    if text is UNSET:
        return KEEP
    value = id_or_none(field, text)
    return None if value is None else kind(value)


def _maybe(value: int | None) -> str | None:
    return None if value is None else id_out(value)
