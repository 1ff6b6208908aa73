"""An upload and a batch, as they stand between the first byte and the record."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from medstack.kit.ids import AccountId, BatchId, ContentId, PatientKey, RecordId, UploadId


class Purpose(StrEnum):
    SINGLE = "single"
    PARTIAL = "partial"  # a piece that waits for its final upload
    FINAL = "final"  # made of partial uploads, never written to


class State(StrEnum):
    OPEN = "open"  # bytes are awaited
    COMPLETE = "complete"  # every byte is here
    ACCEPTED = "accepted"  # it became a record
    STORED = "stored"  # its content is the record's now
    DROPPED = "dropped"  # its record was refused, its content destroyed
    CANCELLED = "cancelled"
    EXPIRED = "expired"


WITH_ALL_BYTES = frozenset({State.COMPLETE, State.ACCEPTED, State.STORED, State.DROPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One file, or one piece of a file, on its way in."""

    id: UploadId
    account_id: AccountId
    purpose: Purpose
    state: State
    content_id: ContentId | None  # where the vault keeps what has arrived
    length: int | None  # bytes announced; None while that is deferred
    offset: int  # bytes that are safely here
    fields: dict[str, str] = field(default_factory=dict)  # the record's fields as sent
    header: str = ""  # the sender's metadata, to be echoed as it came
    concat: str = ""  # the sender's list of parts, to be echoed as it came
    patient_key: PatientKey | None = None
    batch_id: BatchId | None = None
    epoch: int = 0  # of the request that may write
    record_id: RecordId | None = None  # the record it became
    is_forgotten: bool = False  # its sender ended it after it became a record
    created_at: datetime
    updated_at: datetime
    expires_at: datetime

    @property
    def is_complete(self) -> bool:
        return self.state in WITH_ALL_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Files that were sent together; their sum has a limit of its own."""

    id: BatchId
    account_id: AccountId
    title: str = ""
    context: str = "default"  # whose limits hold: quick-consultation, clinical-case, …
    files: int = 0
    size: int = 0  # bytes counted so far, announced or arrived
    created_at: datetime
