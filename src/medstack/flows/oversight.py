"""Watching over the house: its log, its work, its room, its rules, and whether it is well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import literal, select

from medstack import access, audit, jobs, people
from medstack.access import Policies, Right
from medstack.audit import Action, Event, Filter, Signer, Verifier, VerifyReport
from medstack.db import Tx
from medstack.flows.house import House
from medstack.flows.standing import require, require_here, scope_of
from medstack.flows.witness import refusals_recorded
from medstack.jobs import Job, JobState
from medstack.kit.actor import Actor
from medstack.kit.ids import JobId, PatientId
from medstack.records import quota

LOG_NAME = "medstack-audit"
LOG_KEY = "audit-signing"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """One event, with the names of who caused it and whom it is about."""

    event: Event
    actor_name: str | None
    patient_ids: tuple[PatientId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    items: tuple[EventView, ...]
    next_before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A signed note and the public key it is checked with."""

    note: str
    verifier: Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    items: tuple[Job, ...]
    next_before: JobId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much of a patient's quota is taken, in bytes."""

    patient_id: PatientId
    used: int
    reserved: int  # promised to uploads under way
    limit: int
    rule: str


def heartbeat(house: House) -> None:
    """Return once the database answers. Raises DatabaseBusy, DatabaseUnreachable and their kin."""
    with house.db.read() as tx:
        tx.execute(select(literal(1)))


# ── the log ───────────────────────────────────────────────────────────────────────────────
def read_log(
    house: House,
    actor: Actor,
    chosen: Filter,
    *,
    patient_id: str | None = None,
    user_email: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> EventPage:
    """Events, newest first; reading the log is an event too. Raises Denied, Missing."""
    with (
        refusals_recorded(house, actor, Action.AUDIT_READ),
        house.db.begin() as tx,
    ):
        require_here(tx, actor, Right.AUDIT_READ)
        filled = _about(tx, house, actor, chosen, patient_id=patient_id, user_email=user_email)
        found = audit.listing(tx, filled, before=before, limit=limit + 1)
        shown = _event_views(tx, found[:limit])
        audit.write(tx, Action.AUDIT_READ, actor=actor, shown=len(shown))
    more = len(found) > limit
    return EventPage(items=shown, next_before=shown[-1].event.seq if more else None)


def verify_log(house: House, actor: Actor, *, checkpoint: str | None = None) -> VerifyReport:
    """Check the whole log, also against a checkpoint kept elsewhere. Raises Denied."""
    with refusals_recorded(house, actor, Action.AUDIT_VERIFIED):
        signer = log_signer(house)
        with house.db.read() as tx:
            require_here(tx, actor, Right.AUDIT_VERIFY)
            report = audit.verify(tx, verifier=signer.verifier, checkpoint=checkpoint)
        with house.db.begin() as tx:
            audit.write(
                tx,
                Action.AUDIT_VERIFIED,
                actor=actor,
                whole=report.is_whole,
                size=report.size,
                findings=len(report.findings),
            )
    return report


def checkpoint_log(house: House, actor: Actor) -> Checkpoint:
    """A signed statement of the log as it stands, to be kept elsewhere. Raises Denied."""
    with refusals_recorded(house, actor, Action.AUDIT_CHECKPOINTED):
        signer = log_signer(house)
        with house.db.begin() as tx:
            require_here(tx, actor, Right.AUDIT_VERIFY)
            note = audit.checkpoint(tx, signer)
            audit.write(tx, Action.AUDIT_CHECKPOINTED, actor=actor)
    return Checkpoint(note=note, verifier=signer.verifier)


def log_signer(house: House) -> Signer:
    """The log's own key; made when it is first needed."""
    with house.db.begin() as tx:
        return Signer(name=LOG_NAME, seed=house.keyring.secret(tx, LOG_KEY))


def _about(
    tx: Tx,
    house: House,
    actor: Actor,
    chosen: Filter,
    *,
    patient_id: str | None,
    user_email: str | None,
) -> Filter:
    if patient_id is not None:
        patient = people.find_patient(tx, scope_of(house, actor), patient_id)
        chosen = replace(chosen, patient=patient.key)
    if user_email is not None:
        chosen = replace(chosen, actor_id=people.find_account(tx, user_email).id)
    return chosen


def _event_views(tx: Tx, events: tuple[Event, ...]) -> tuple[EventView, ...]:
    charts = people.get_patients(tx, {key for event in events for key in event.patients})
    names = people.names_of(tx, {event.actor_id for event in events})
    return tuple(
        EventView(
            event=event,
            actor_name=names.get(event.actor_id),
            patient_ids=tuple(charts[key].id for key in event.patients if key in charts),
        )
        for event in events
    )


# ── work ──────────────────────────────────────────────────────────────────────────────────
def list_jobs(
    house: House,
    actor: Actor,
    *,
    state: JobState | None = None,
    before: JobId | None = None,
    limit: int = 50,
) -> JobPage:
    """Work waiting, under way and done, newest first. Raises Denied."""
    with house.db.read() as tx:
        require_here(tx, actor, Right.JOB_READ)
        found = jobs.listing(tx, state=state, before=before, limit=limit + 1)
    shown = tuple(found[:limit])
    return JobPage(items=shown, next_before=shown[-1].id if len(found) > limit else None)


def get_job(house: House, actor: Actor, job_id: JobId) -> Job:
    """Raises Denied, Missing."""
    with house.db.read() as tx:
        require_here(tx, actor, Right.JOB_READ)
        return jobs.get(tx, job_id)


def retry_job(house: House, actor: Actor, job_id: JobId) -> Job:
    """Queue failed work again. Raises Denied, Missing, JobUnfinished, JobFinished."""
    with (
        refusals_recorded(house, actor, Action.JOB_RETRIED, asked=job_id),
        house.db.begin() as tx,
    ):
        require_here(tx, actor, Right.JOB_RETRY)
        jobs.retry(tx, job_id)
        audit.write(tx, Action.JOB_RETRIED, actor=actor, job=job_id)
        return jobs.get(tx, job_id)


def cancel_job(house: House, actor: Actor, job_id: JobId) -> Job:
    """Cancel waiting work, or ask running work to stop. Raises Denied, Missing, JobFinished."""
    with (
        refusals_recorded(house, actor, Action.JOB_CANCELLED, asked=job_id),
        house.db.begin() as tx,
    ):
        require_here(tx, actor, Right.JOB_RETRY)
        jobs.cancel(tx, job_id)
        audit.write(tx, Action.JOB_CANCELLED, actor=actor, job=job_id)
        return jobs.get(tx, job_id)


# ── rules and room ────────────────────────────────────────────────────────────────────────
def read_policies(house: House, actor: Actor) -> Policies:
    """The practice's rules, so that a browser can check before the first byte."""
    with house.db.read() as tx:
        require_here(tx, actor, Right.POLICY_READ)
        return access.load_policies(tx)


def set_policies(house: House, actor: Actor, changes: Mapping[str, bool | int | None]) -> Policies:
    """Change rules by name; None puts back what ships. All or none.

    Raises Denied, UnknownPolicy, BadPolicy.
    """
    with (
        refusals_recorded(house, actor, Action.POLICY_CHANGED),
        house.db.begin() as tx,
    ):
        require_here(tx, actor, Right.POLICY_MANAGE)
        for name, value in sorted(changes.items()):
            access.set_policy(tx, name, value, by=actor, now=house.clock.now())
            audit.write(tx, Action.POLICY_CHANGED, actor=actor, policy=name, value=value)
        return access.load_policies(tx)


def figures(house: House, actor: Actor) -> quota.Totals:
    """How much the vault holds for everybody, in bytes. Raises Denied."""
    with house.db.read() as tx:
        require_here(tx, actor, Right.SYSTEM_READ)
        return quota.totals(tx)


def room_of(house: House, actor: Actor, patient_id: str) -> Room:
    """How much of a patient's quota is taken. Raises Missing."""
    with (
        refusals_recorded(house, actor, Action.PATIENT_VIEWED, asked=patient_id),
        house.db.read() as tx,
    ):
        patient = people.find_patient(tx, scope_of(house, actor), patient_id)
        require(tx, house, actor, Right.PATIENT_READ, patient_key=patient.key)
        taken = quota.usage(tx, patient.key)
        limit = access.load_policies(tx).quota(patient.quota_bytes)
    return Room(
        patient_id=patient.id,
        used=taken.used,
        reserved=taken.reserved,
        limit=limit.bytes,
        rule=limit.rule,
    )
