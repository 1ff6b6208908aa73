"""The tags in use, for suggestions while typing."""

from __future__ import annotations

from sqlalchemy import select

from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.kit.ids import PatientKey
from medstack.records.fields import fold_tag
from medstack.records.sight import sees
from medstack.records.tables import record_tags


def of_patient(
    tx: Tx, scope: Scope, patient_key: PatientKey, *, start: str = "", limit: int = 50
) -> tuple[str, ...]:
    """The folded tags on a patient's current records that begin with `start`, sorted."""
    if not sees(tx, scope, patient_key):
        return ()
    here = record_tags.c
    folded = fold_tag(start)
    query = (
        select(here.tag)
        .where(here.shelf == patient_key, here.is_archived == False)  # noqa: E712
        .distinct()
    )
    found = sorted(row.tag for row in tx.execute(query))
    return tuple(tag for tag in found if tag.startswith(folded))[:limit]
