"""Uploads as the wire shows them."""

from __future__ import annotations

from datetime import datetime

from medstack.intake import Upload
from medstack.kit.ids import id_out
from medstack.web.wire.base import Wire


class UploadOut(Wire):
    """An upload on its way in. `offset` bytes have safely arrived."""

    id: str
    url: str
    file_name: str
    patient_id: str | None
    length: int | None
    offset: int
    state: str
    expires_at: datetime
    record_id: str | None


def upload_out(upload: Upload, *, url: str) -> UploadOut:
    words = upload.fields
    return UploadOut(
        id=id_out(upload.id),
        url=url,
        file_name=words.get("filename") or words.get("name") or "",
        patient_id=words.get("patientId") or None,
        length=upload.length,
        offset=upload.offset,
        state=upload.state.value,
        expires_at=upload.expires_at,
        record_id=None if upload.record_id is None else id_out(upload.record_id),
    )
