"""What a caller may see and do right now: the rooms' facts put before `access`'s rules."""

from __future__ import annotations

from medstack import access, people
from medstack.access import Decision, Right
from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.flows.house import House
from medstack.kit.actor import Actor
from medstack.kit.ids import AccountId, PatientKey
from medstack.records import Record


def scope_of(house: House, actor: Actor) -> Scope:
    """The caller's slice of the practice at this moment."""
    return access.scope(actor, people.panel(actor, house.clock.now()))


def require(
    tx: Tx,
    house: House,
    actor: Actor,
    right: Right,
    *,
    patient_key: PatientKey | None,
    uploader: AccountId | None = None,
    level: str | None = None,
) -> Decision:
    """Decide about something of a patient's (or of an inbox).

    Raises Missing, RightMissing, ReasonNeeded.
    """
    is_mine = patient_key is not None and people.is_on_panel(
        tx, actor, patient_key, at=house.clock.now()
    )
    resource = access.resource(
        actor, patient_key=patient_key, is_on_panel=is_mine, uploader=uploader, level=level
    )
    return access.require(actor, right, resource, policies=access.load_policies(tx))


def require_on(tx: Tx, house: House, actor: Actor, right: Right, record: Record) -> Decision:
    """Decide about a record the caller was just shown by its Scope."""
    return require(
        tx,
        house,
        actor,
        right,
        patient_key=record.patient_key,
        uploader=record.uploaded_by,
        level=record.access_level.value,
    )


def require_here(tx: Tx, actor: Actor, right: Right) -> Decision:
    """Decide about the practice's own things: accounts, jobs, the audit log."""
    return access.require(actor, right, access.PRACTICE, policies=access.load_policies(tx))
