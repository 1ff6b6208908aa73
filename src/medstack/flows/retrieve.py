"""The way out: who may, which version, recorded before the first byte, then the bytes.

Not yours and not there are the same answer. A picture shown in a list was recorded with the
list; opening, downloading and printing are each recorded here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from medstack import audit, people, records
from medstack.access import ORIGINAL, Decision, Right
from medstack.audit import Action
from medstack.db import Tx
from medstack.flows.damage import Watched, damage_recorded
from medstack.flows.house import House
from medstack.flows.standing import require_on, scope_of
from medstack.flows.witness import refusals_recorded
from medstack.kit.actor import Actor
from medstack.kit.errors import Conflict
from medstack.kit.ids import RecordId
from medstack.kit.streams import Source
from medstack.records import Record, Rendition, Status, Version

THUMBNAIL = "thumbnail"
_RANGE = re.compile(r"bytes=[0-9]{0,19}-[0-9]{0,19}")


class NotAvailable(Conflict):
    """`facts`: record_status. The file is on its way in, or has been stopped."""

    code = "not-available"
    title = "This file is not available"


class Purpose(StrEnum):
    VIEW = "view"
    DOWNLOAD = "download"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A file ready to be sent. Whoever receives it closes the source."""

    source: Source
    media_type: str
    file_name: str  # the owner's naming convention; for the download dialog only
    etag: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of a record is asked for, and what for."""

    version: int | None = None  # None: the current one
    rendition: str = ORIGINAL
    purpose: Purpose = Purpose.DOWNLOAD
    span: str = ""  # the Range header, for the log


def open_file(
    house: House, actor: Actor, record_id: RecordId, asked: Asked | None = None
) -> Opened:
    """Open a version of a record or one of its renditions.

    Raises Missing, Denied, NotAvailable, ReasonNeeded; Broken if what is stored is not what was
    stored.
    """
    asked = asked or Asked()
    with (
        refusals_recorded(house, actor, Action.CONTENT_READ, record=record_id),
        damage_recorded(house, actor, record_id),
        house.db.begin() as tx,
    ):
        scope = scope_of(house, actor)
        record = records.get(tx, scope, record_id)
        is_original = asked.rendition == ORIGINAL
        right = Right.RECORD_DOWNLOAD if is_original else Right.RECORD_READ
        decision = require_on(tx, house, actor, right, record)
        if record.status is not Status.AVAILABLE or record.version == 0:
            raise NotAvailable("Look at its status and stages.", record_status=record.status.value)
        version = records.version(tx, scope, record.id, asked.version)
        found: Version | Rendition = version
        if not is_original:
            found = records.rendition(tx, scope, record.id, asked.rendition, version.number)
        if asked.rendition != THUMBNAIL:  # a list's pictures were recorded with the list
            _write_down(tx, actor, record, decision, version=version.number, asked=asked)
        return _opened(tx, house, actor, record, found)


def _opened(
    tx: Tx, house: House, actor: Actor, record: Record, found: Version | Rendition
) -> Opened:
    picture_type = found.media_type.rpartition("/")[2]
    extension = found.extension if isinstance(found, Version) else picture_type
    return Opened(
        source=Watched(house.vault.open(tx, found.content_id), house, actor, record.id),
        media_type=found.media_type,
        file_name=_file_name(tx, record, extension),
        etag=f'"{found.content_id:x}"',  # a content never changes: its number names its bytes
        size=found.size,
    )


def _file_name(tx: Tx, record: Record, extension: str) -> str:
    if record.patient_key is None or record.name is None:
        return f"file.{extension}"
    patient = people.get_patient(tx, record.patient_key)
    return records.download_name(patient.id, record.name, extension)


def _write_down(
    tx: Tx, actor: Actor, record: Record, decision: Decision, *, version: int, asked: Asked
) -> None:
    """Before the first byte. An administrator's reading of content is marked as such."""
    is_download = asked.purpose is Purpose.DOWNLOAD and asked.rendition == ORIGINAL
    audit.write(
        tx,
        Action.CONTENT_DOWNLOADED if is_download else Action.CONTENT_READ,
        actor=actor,
        record=record.id,
        patient=record.patient_key,
        version=version,
        rendition=asked.rendition,
        range=asked.span if _RANGE.fullmatch(asked.span) else None,
        administrative=decision.is_marked,
    )
