"""All SQL of this room."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, or_, select

from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.kit.ids import AccountId, PatientKey, RecordId
from medstack.notices.model import Notice, NoticeKind
from medstack.notices.tables import notices

PAGE = 500


def post(tx: Tx, notice: Notice) -> None:
    """Add a notice; it is seen when the caller's transaction commits."""
    tx.execute(
        insert(notices).values(
            id=notice.id,
            kind=notice.kind.value,
            code=notice.code,
            record_id=notice.record_id,
            patient_key=notice.patient_key,
            uploader_id=notice.uploader_id,
            access_level=notice.access_level,
            at=notice.at,
        )
    )


def newest(tx: Tx) -> int:
    """The id of the last notice; 0 if there is none."""
    return int(tx.execute(select(func.coalesce(func.max(notices.c.id), 0))).scalar_one())


def since(
    tx: Tx, scope: Scope, reader: AccountId, after_id: int, *, limit: int = PAGE
) -> list[Notice]:
    """Notices above `after_id` that the scope allows, or about the reader's own uploads.

    Oldest first. Ids of other processes may commit out of order: a reader that must miss none
    reads again a few seconds back and drops what it has seen.
    """
    may_know = or_(
        scope.allows(notices.c.patient_key, notices.c.access_level, notices.c.uploader_id),
        notices.c.uploader_id == reader,
    )
    rows = tx.execute(
        select(notices).where(notices.c.id > after_id, may_know).order_by(notices.c.id).limit(limit)
    )
    return [_notice(row) for row in rows]


def forget_before(tx: Tx, at: datetime) -> int:
    """Drop notices older than `at`; they are news, not history. Returns how many."""
    return int(tx.execute(delete(notices).where(notices.c.at < at)).rowcount)


def _notice(row: Any) -> Notice:
    return Notice(
        id=row.id,
        kind=NoticeKind(row.kind),
        code=row.code,
        record_id=None if row.record_id is None else RecordId(row.record_id),
        patient_key=None if row.patient_key is None else PatientKey(row.patient_key),
        uploader_id=AccountId(row.uploader_id),
        access_level=row.access_level,
        at=row.at,
    )
