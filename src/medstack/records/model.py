"""What a medical record is, in the owner's words.

Values only: true the moment they exist, no table, no rule. Field names follow `MedicalRecord` and
`FileMetadata` of requirements/medical-records.md; a door turns them into its camelCase.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from medstack.formats.contract import FileMetadata, IdentityMark
from medstack.kit.ids import (
    AccountId,
    AppointmentId,
    BatchId,
    CaseId,
    ContentId,
    FolderId,
    PatientKey,
    ProviderId,
    RecordId,
    time_of,
)


class Category(StrEnum):
    DIAGNOSTIC_IMAGES = "diagnostic-images"
    TREATMENT_PHOTOS = "treatment-photos"
    FORMS_DOCUMENTS = "forms-documents"
    ADMINISTRATIVE = "administrative"
    INSURANCE = "insurance"
    CORRESPONDENCE = "correspondence"


class AccessLevel(StrEnum):
    """The least role that may read a record, least first."""

    PATIENT = "patient"
    STAFF = "staff"
    DENTIST = "dentist"
    ADMIN = "admin"


class Status(StrEnum):
    """Where a record stands between arriving and being served."""

    RECEIVED = "received"
    SCANNING = "scanning"
    VALIDATING = "validating"
    CHECKING = "checking"
    STORING = "storing"
    AVAILABLE = "available"
    HELD = "held"  # waits for an engine or a person
    QUARANTINED = "quarantined"  # a person must decide
    REJECTED = "rejected"  # refused for good; its bytes are gone


class StageState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    HELD = "held"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of the way in, as the uploader watches it."""

    stage: str  # scan, validate, phi, clean, encrypt, store, index, notify
    state: StageState
    at: datetime
    code: str = ""  # why, where it did not simply go well


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSummary:
    """What the malware engines said, in short."""

    outcome: str  # a scanners.contract.Outcome
    engine: str
    version: str
    signature: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Metadata people wrote. Each given field stands before what the file says of itself."""

    captured_at: str | None = None  # ISO 8601
    equipment: str | None = None
    body_part: str | None = None
    procedure: str | None = None
    notes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadName:
    """The parts of `[PatientID]_[Category]_[Date]_[Sequence].[Ext]` a record owns."""

    code: str  # XRAY
    on: date
    sequence: int  # 1, 2, 3 … within one patient, code and date


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One MedicalRecord. `id` is time-ordered: newest first is greatest id first."""

    id: RecordId
    patient_key: PatientKey | None  # None: in its uploader's inbox
    original_name: str
    category: Category
    subcategory: str | None = None
    description: str = ""
    appointment_id: AppointmentId | None = None
    case_id: CaseId | None = None
    folder_id: FolderId | None = None
    provider_id: ProviderId | None = None
    uploaded_by: AccountId
    modified_at: datetime
    archived_at: datetime | None = None
    access_level: AccessLevel = AccessLevel.PATIENT
    tags: tuple[str, ...] = ()  # in the order they were given
    kind: str = ""  # of the current version: "jpeg"; "" until validated
    file_type: str = "application/octet-stream"  # media type of the current version
    extension: str = ""  # canonical, no dot
    file_size: int = 0  # bytes of the current version
    found: FileMetadata = field(default_factory=FileMetadata)
    said: Said = field(default_factory=Said)
    name: DownloadName | None = None
    status: Status = Status.RECEIVED
    status_reason: str = ""  # a stable code
    stopped_at: Status | None = None  # the stage a held or quarantined record stopped at
    stages: tuple[Stage, ...] = ()
    scan: ScanSummary | None = None
    identity: tuple[IdentityMark, ...] = ()
    version: int = 0  # the current version; 0 until the first is stored
    revision: int = 1  # counts changes made by people; If-Match names it
    changes: int = 1  # counts every change; the ETag also names it
    batch_id: BatchId | None = None
    replaces: RecordId | None = None  # a new version on its way to that record

    @property
    def uploaded_at(self) -> datetime:
        return time_of(self.id)

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None

    @property
    def captured_at(self) -> str | None:
        return self.said.captured_at or self.found.captured_at

    @property
    def equipment(self) -> str | None:
        return self.said.equipment or self.found.equipment

    @property
    def body_part(self) -> str | None:
        return self.said.body_part or self.found.body_part

    @property
    def procedure(self) -> str | None:
        return self.said.procedure or self.found.procedure

    @property
    def notes(self) -> str | None:
        return self.said.notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One immutable state of a record's content."""

    record_id: RecordId
    number: int  # 1, 2, 3 … without gaps
    content_id: ContentId
    sha256: bytes  # of the plaintext
    size: int  # bytes of the plaintext
    media_type: str
    kind: str
    extension: str
    stored_at: datetime
    uploaded_by: AccountId
    restored_from: int | None = None  # the number of the version this one brings back


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """A derived picture of one version."""

    record_id: RecordId
    version: int
    name: str  # thumbnail, preview, …
    content_id: ContentId
    media_type: str
    width_px: int
    height_px: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One edit a person made: per field, the value before and after in wire form."""

    record_id: RecordId
    revision: int
    at: datetime
    by: AccountId
    fields: dict[str, tuple[object, object]]
