"""Intake: bytes on their way in, before they are a record."""

from medstack.intake.batches import get_batch, open_batch
from medstack.intake.model import Batch, Purpose, State, Upload
from medstack.intake.rules import OffsetMismatch, UploadGone, check_offset
from medstack.intake.store import (
    accepted,
    advance,
    cancel,
    complete,
    create,
    declare_length,
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
    "OffsetMismatch",
    "Purpose",
    "State",
    "Upload",
    "UploadGone",
    "accepted",
    "advance",
    "cancel",
    "check_offset",
    "complete",
    "create",
    "declare_length",
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
