"""What an upload may do next, and how much its sender may say about it."""

from __future__ import annotations

from datetime import datetime

from medstack.intake.model import Purpose, State, Upload
from medstack.kit.errors import Conflict, Denied, Invalid, Missing, TooLarge

FIELDS = 40
FIELD_NAME_LENGTH = 64
FIELD_LENGTH = 16_000
HEADER_LENGTH = 64_000
BATCH_TITLE_LENGTH = 200
BATCH_CONTEXT_LENGTH = 40


class OffsetMismatch(Conflict):
    """`facts`: offset, where the next byte belongs."""

    code = "upload-offset-mismatch"
    title = "The upload goes on at another offset"


class LeaseLost(Conflict):
    code = "upload-lease-lost"
    title = "A newer request continues this upload"


class UploadClosed(Conflict):
    """`facts`: state."""

    code = "upload-closed"
    title = "This upload takes no more bytes"


class NotYetComplete(Conflict):
    """`facts`: offset."""

    code = "upload-incomplete"
    title = "This upload still awaits bytes"


class LengthIsSet(Conflict):
    code = "upload-length-set"
    title = "The length of this upload is known already"


class BeyondLength(TooLarge):
    """`facts`: rule, limit (the announced length)."""

    code = "upload-beyond-length"
    title = "More bytes than the upload announced"


class FinalIsReadOnly(Denied):
    code = "upload-final"
    title = "A final upload is made of its parts and cannot be written to"


class UploadGone(Missing):
    """Expired, cancelled or forgotten. `facts`: state."""

    code = "upload-gone"
    title = "This upload has ended"


class BadUploadFields(Invalid):
    """`facts`: rule, limit."""

    code = "bad-upload-fields"
    title = "The upload says too much about itself"


class BadBatch(Invalid):
    """`facts`: rule, limit."""

    code = "bad-batch"
    title = "This is not a batch that can be opened"


class BatchTooLarge(TooLarge):
    """`facts`: rule, limit, left (bytes)."""

    code = "batch-too-large"
    title = "The files of this batch are over the limit together"


def check_fields(fields: dict[str, str], header: str) -> None:
    """Bound what a sender may have us keep before anybody has looked at it."""
    for rule, found, limit in (
        ("count", len(fields), FIELDS),
        ("name-length", max(map(len, fields), default=0), FIELD_NAME_LENGTH),
        ("length", max(map(len, fields.values()), default=0), FIELD_LENGTH),
        ("header-length", len(header), HEADER_LENGTH),
    ):
        if found > limit:
            raise BadUploadFields(
                f"The limit of the rule {rule} is {limit}.", rule=rule, limit=limit
            )
    for text in (header, *fields, *fields.values()):
        if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
            raise BadUploadFields("A field holds what is no text.", rule="characters")


def check_here(upload: Upload, now: datetime) -> None:
    """Raises UploadGone for an upload that has ended for its sender."""
    if upload.is_forgotten or upload.state in (State.CANCELLED, State.EXPIRED):
        raise UploadGone(state=str(upload.state))
    if is_due(upload, now):
        raise UploadGone(state=str(State.EXPIRED))


def is_due(upload: Upload, now: datetime) -> bool:
    """Nobody continued it in time. A complete piece that was never joined is due too."""
    waits = upload.state is State.OPEN or (
        upload.state is State.COMPLETE and upload.purpose is Purpose.PARTIAL
    )
    return waits and upload.expires_at <= now


def check_writable(upload: Upload, now: datetime) -> None:
    """Raises FinalIsReadOnly, UploadGone, UploadClosed unless bytes are awaited."""
    if upload.purpose is Purpose.FINAL:
        raise FinalIsReadOnly
    check_here(upload, now)
    if upload.state is not State.OPEN:
        raise UploadClosed(state=str(upload.state))


def check_offset(upload: Upload, offset: int) -> None:
    """Raises OffsetMismatch unless the next byte belongs at `offset`."""
    if upload.offset != offset:
        raise OffsetMismatch("Ask where the upload stands and go on there.", offset=upload.offset)


def check_advance(upload: Upload, *, held: Upload, to: int) -> None:
    """Raises what forbids the holder of `held` to bring `upload` to `to`."""
    if upload.epoch != held.epoch:
        raise LeaseLost
    check_offset(upload, held.offset)
    if to < upload.offset:
        raise OffsetMismatch(offset=upload.offset)
    if upload.length is not None and to > upload.length:
        raise BeyondLength(rule="upload-length", limit=upload.length)
