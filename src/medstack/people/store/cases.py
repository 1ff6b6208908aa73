"""Cases: what binds several records of one patient together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Row, insert, select

from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.kit.errors import Missing
from medstack.kit.ids import CaseId, PatientKey
from medstack.people.model import Case, CaseKind
from medstack.people.store import pages
from medstack.people.store.revisions import change
from medstack.people.tables import cases


def create_case(tx: Tx, case: Case) -> Case:
    """Open a case; its patient was read before."""
    tx.execute(insert(cases).values(_row(case) | {"id": case.id, "revision": case.revision}))
    return case


def save_case(tx: Tx, case: Case) -> Case:
    """Keep a changed case. Raises Stale, Missing."""
    revision = change(tx, cases, "id", of=case.id, revision=case.revision, values=_row(case))
    return replace(case, revision=revision)


def get_case(tx: Tx, scope: Scope, case_id: CaseId) -> Case:
    """One case of a patient in the caller's scope. Raises Missing."""
    chosen = cases.c.id == case_id, scope.covers(cases.c.patient_key)
    row = tx.execute(select(cases).where(*chosen)).one_or_none()
    if row is None:
        raise Missing()
    return _case(row)


def list_cases(
    tx: Tx,
    scope: Scope,
    *,
    patient_key: PatientKey | None = None,
    kind: CaseKind | None = None,
    is_open: bool | None = None,
    before: CaseId | None = None,
    limit: int = 50,
) -> tuple[Case, ...]:
    """Cases of the caller's patients, newest first; the next page lies before the last id."""
    asked = select(cases).where(scope.covers(cases.c.patient_key))
    if patient_key is not None:
        asked = asked.where(cases.c.patient_key == patient_key)
    if kind is not None:
        asked = asked.where(cases.c.kind == kind.value)
    if is_open is not None:
        closed = cases.c.closed_at
        asked = asked.where(closed.is_(None) if is_open else closed.is_not(None))
    if before is not None:
        asked = asked.where(cases.c.id < before)
    rows = tx.execute(asked.order_by(cases.c.id.desc()).limit(pages.rows(limit)))
    return tuple(_case(row) for row in rows)


def _row(case: Case) -> dict[str, Any]:
    return {
        "patient_key": case.patient_key,
        "kind": case.kind.value,
        "title": case.title,
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
    }


def _case(row: Row[Any]) -> Case:
    return Case(
        id=CaseId(row.id),
        patient_key=PatientKey(row.patient_key),
        kind=CaseKind(row.kind),
        title=row.title,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        revision=row.revision,
    )
