"""The values of this room."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from medstack.kit.ids import AccountId, PatientKey, RecordId


class NoticeKind(StrEnum):
    RECORD_STATUS = "record.status"  # code: the new status
    RECORD_CHANGED = "record.changed"  # code: edited, archived, restored, version
    UPLOAD_EXPIRED = "upload.expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    id: int
    kind: NoticeKind
    code: str
    record_id: RecordId | None
    patient_key: PatientKey | None
    uploader_id: AccountId
    access_level: str
    at: datetime
