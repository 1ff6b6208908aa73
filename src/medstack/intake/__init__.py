"""Intake: bytes on their way in, before they are a record."""

from medstack.intake.batches import get_batch, open_batch
from medstack.intake.model import Batch, Purpose, State, Upload
from medstack.intake.rules import (
    BeyondLength,
    OffsetMismatch,
    UploadGone,
    check_offset,
    check_writable,
)
from medstack.intake.store import (
    accepted,
    advance,
    all_contents,
    cancel,
    complete,
    create,
    declare_length,
    describe,
    dropped,
    expire_due,
    get,
    of_record,
    stored,
    take_lease,
    unfinished,
    with_record,
)

__all__ = [
    "Batch",
    "BeyondLength",
    "OffsetMismatch",
    "Purpose",
    "State",
    "Upload",
    "UploadGone",
    "accepted",
    "advance",
    "all_contents",
    "cancel",
    "check_offset",
    "check_writable",
    "complete",
    "create",
    "declare_length",
    "describe",
    "dropped",
    "expire_due",
    "get",
    "get_batch",
    "of_record",
    "open_batch",
    "stored",
    "take_lease",
    "unfinished",
    "with_record",
]
