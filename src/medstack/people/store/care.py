"""Care assignments, and the panel of patients that follows from them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, insert, literal, or_, select, update

from medstack.db import Tx
from medstack.kit.actor import Actor, Role
from medstack.kit.errors import Missing
from medstack.kit.ids import AccountId, Ids, PatientKey
from medstack.people.model import Account, Assignment, AssignmentId, Patient
from medstack.people.problems import AlreadyAssigned, BadField
from medstack.people.store import pages
from medstack.people.tables import assignments, patients


def panel(actor: Actor, at: datetime) -> Select[tuple[int]] | None:
    """The keys of the patients an actor cares for at a moment; None for every patient.

    Patients have themselves, staff their assignments, dentists and administrators everybody.
    """
    if actor.role in (Role.DENTIST, Role.ADMIN):
        return None
    if actor.role is Role.STAFF:
        return select(assignments.c.patient_key).where(
            assignments.c.account_id == actor.account_id, _runs(at)
        )
    own = patients.c.key == actor.patient_key if actor.patient_key is not None else literal(False)
    return select(patients.c.key).where(own)


def is_on_panel(tx: Tx, actor: Actor, patient_key: PatientKey, *, at: datetime) -> bool:
    """Does this patient exist, and belong to the actor's panel?"""
    asked = select(patients.c.key).where(patients.c.key == patient_key)
    mine = panel(actor, at)
    if mine is not None:
        asked = asked.where(patients.c.key.in_(mine))
    return tx.execute(asked).first() is not None


def assign(
    tx: Tx,
    account: Account,
    patient: Patient,
    *,
    by: Actor,
    ids: Ids,
    now: datetime,
    until_at: datetime | None = None,
) -> Assignment:
    """Put a patient into an account's care from now on.

    Only staff need it: patients have themselves, the others see everybody.
    Raises AlreadyAssigned while another assignment of the two runs, BadField.
    """
    if account.role is not Role.STAFF:
        raise BadField("userEmail", "an account of the role staff")
    if until_at is not None and until_at <= now:
        raise BadField("until", "after now")
    tx.exclusive(f"assignment.{account.id}")
    both = assignments.c.account_id == account.id, assignments.c.patient_key == patient.key
    if tx.execute(select(assignments.c.id).where(*both, _runs(now))).first() is not None:
        raise AlreadyAssigned("End the present assignment first to change it.")
    made = Assignment(
        id=AssignmentId(ids.new()),
        account_id=account.id,
        patient_key=patient.key,
        from_at=now,
        until_at=until_at,
        created_by=by.account_id,
    )
    row = {
        "id": made.id,
        "account_id": made.account_id,
        "patient_key": made.patient_key,
        "from_at": made.from_at,
        "until_at": made.until_at,
        "created_by": made.created_by,
    }
    tx.execute(insert(assignments).values(row))
    return made


def end_assignment(tx: Tx, assignment_id: AssignmentId, *, now: datetime) -> Assignment:
    """End an assignment that runs; its row stays. Raises Missing if none such runs."""
    chosen = assignments.c.id == assignment_id
    ended = update(assignments).where(chosen, _runs(now)).values(until_at=now)
    if tx.execute(ended).rowcount != 1:
        raise Missing()
    return _assignment(tx.execute(select(assignments).where(chosen)).one())


def list_assignments(
    tx: Tx,
    *,
    at: datetime | None,
    account_id: AccountId | None = None,
    patient_key: PatientKey | None = None,
    after: AssignmentId | None = None,
    limit: int = 50,
) -> tuple[Assignment, ...]:
    """Assignments that run at a moment (None: all there ever were), oldest first."""
    asked = select(assignments).order_by(assignments.c.id).limit(pages.rows(limit))
    if at is not None:
        asked = asked.where(_runs(at))
    if account_id is not None:
        asked = asked.where(assignments.c.account_id == account_id)
    if patient_key is not None:
        asked = asked.where(assignments.c.patient_key == patient_key)
    if after is not None:
        asked = asked.where(assignments.c.id > after)
    return tuple(_assignment(row) for row in tx.execute(asked))


def _runs(at: datetime) -> ColumnElement[bool]:
    is_open = or_(assignments.c.until_at.is_(None), assignments.c.until_at > at)
    return and_(assignments.c.from_at <= at, is_open)


def _assignment(row: Row[Any]) -> Assignment:
    return Assignment(
        id=AssignmentId(row.id),
        account_id=AccountId(row.account_id),
        patient_key=PatientKey(row.patient_key),
        from_at=row.from_at,
        until_at=row.until_at,
        created_by=AccountId(row.created_by),
    )
