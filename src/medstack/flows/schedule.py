"""What care is arranged around: providers, appointments and cases.

Whoever may see a patient may see these of that patient; `standing` says who may change them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from medstack import audit, people
from medstack.access import Right
from medstack.audit import Action
from medstack.db import Tx
from medstack.flows.house import House
from medstack.flows.standing import require, require_here, scope_of
from medstack.flows.witness import refusals_recorded
from medstack.kit.actor import Actor
from medstack.kit.ids import AppointmentId, CaseId, PatientId, PatientKey, ProviderId
from medstack.people import Appointment, AppointmentStatus, Case, CaseKind, Patient, Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentView:
    appointment: Appointment
    patient_id: PatientId


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentPage:
    items: tuple[AppointmentView, ...]
    next_after: AppointmentId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    case: Case
    patient_id: PatientId


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage:
    items: tuple[CaseView, ...]
    next_before: CaseId | None


# ── providers ─────────────────────────────────────────────────────────────────────────────
def add_provider(
    house: House, actor: Actor, *, name: str, discipline: str = "", user_email: str | None = None
) -> Provider:
    """Enter somebody who treats. Raises Denied, Missing (no such account), BadField."""
    with (
        refusals_recorded(house, actor, Action.PROVIDER_CREATED),
        house.db.begin() as tx,
    ):
        require_here(tx, actor, Right.PROVIDER_MANAGE)
        account = None if user_email is None else people.find_account(tx, user_email)
        provider = people.create_provider(
            tx,
            Provider(
                id=ProviderId(house.ids.new()),
                name=name,
                discipline=discipline,
                account_id=None if account is None else account.id,
            ),
        )
        audit.write(tx, Action.PROVIDER_CREATED, actor=actor, provider=provider.id)
    return provider


def list_providers(
    house: House, actor: Actor, *, is_archived: bool = False
) -> tuple[Provider, ...]:
    """The practice's providers by name; everybody who signs in may know them."""
    with house.db.read() as tx:
        require_here(tx, actor, Right.PROVIDER_READ)
        return people.list_providers(tx, is_archived=is_archived)


def get_provider(house: House, actor: Actor, provider_id: ProviderId) -> Provider:
    """Raises Missing."""
    with house.db.read() as tx:
        require_here(tx, actor, Right.PROVIDER_READ)
        return people.get_provider(tx, provider_id)


def change_provider(
    house: House,
    actor: Actor,
    provider_id: ProviderId,
    change: Callable[[Provider], Provider],
    *,
    expected: int | None,
) -> Provider:
    """Raises Denied, Missing, BadField, Stale."""
    with (
        refusals_recorded(house, actor, Action.PROVIDER_CHANGED, asked=provider_id),
        house.db.begin() as tx,
    ):
        require_here(tx, actor, Right.PROVIDER_MANAGE)
        before = people.get_provider(tx, provider_id)
        revision = before.revision if expected is None else expected
        saved = people.save_provider(tx, replace(change(before), revision=revision))
        audit.write(tx, Action.PROVIDER_CHANGED, actor=actor, provider=provider_id)
    return saved


# ── appointments ──────────────────────────────────────────────────────────────────────────
def book(
    house: House,
    actor: Actor,
    *,
    patient_id: str,
    provider_id: ProviderId,
    starts_at: datetime,
    ends_at: datetime,
    kind: str = "",
    note: str = "",
    status: AppointmentStatus = AppointmentStatus.BOOKED,
) -> AppointmentView:
    """Raises Missing (patient or provider), Denied, BadField."""
    with (
        refusals_recorded(house, actor, Action.APPOINTMENT_CREATED, asked=patient_id),
        house.db.begin() as tx,
    ):
        patient = _patient(tx, house, actor, patient_id)
        require(tx, house, actor, Right.APPOINTMENT_MANAGE, patient_key=patient.key)
        made = people.create_appointment(
            tx,
            Appointment(
                id=AppointmentId(house.ids.new()),
                patient_key=patient.key,
                provider_id=provider_id,
                starts_at=starts_at,
                ends_at=ends_at,
                kind=kind,
                note=note,
                status=status,
            ),
        )
        audit.write(
            tx, Action.APPOINTMENT_CREATED, actor=actor, patient=patient.key, appointment=made.id
        )
    return AppointmentView(appointment=made, patient_id=patient.id)


def list_appointments(
    house: House,
    actor: Actor,
    *,
    patient_id: str | None = None,
    provider_id: ProviderId | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: AppointmentId | None = None,
    limit: int = 50,
) -> AppointmentPage:
    """Appointments of the caller's patients, earliest first. Raises Missing."""
    with (
        refusals_recorded(house, actor, Action.APPOINTMENT_LISTED, asked=patient_id),
        house.db.begin() as tx,
    ):
        require_here(tx, actor, Right.APPOINTMENT_READ)
        found = people.list_appointments(
            tx,
            scope_of(house, actor),
            patient_key=_key(tx, house, actor, patient_id),
            provider_id=provider_id,
            since=since,
            until=until,
            after=after,
            limit=limit + 1,
        )
        shown = found[:limit]
        charts = _charts(tx, (one.patient_key for one in shown))
        audit.write(tx, Action.APPOINTMENT_LISTED, actor=actor, patient=charts, shown=len(shown))
    views = tuple(
        AppointmentView(appointment=one, patient_id=charts[one.patient_key]) for one in shown
    )
    return AppointmentPage(items=views, next_after=shown[-1].id if len(found) > limit else None)


def get_appointment(house: House, actor: Actor, appointment_id: AppointmentId) -> AppointmentView:
    """Raises Missing."""
    with (
        refusals_recorded(house, actor, Action.APPOINTMENT_LISTED, asked=appointment_id),
        house.db.begin() as tx,
    ):
        found = people.get_appointment(tx, scope_of(house, actor), appointment_id)
        require(tx, house, actor, Right.APPOINTMENT_READ, patient_key=found.patient_key)
        charts = _charts(tx, (found.patient_key,))
        audit.write(tx, Action.APPOINTMENT_LISTED, actor=actor, patient=charts, shown=1)
    return AppointmentView(appointment=found, patient_id=charts[found.patient_key])


def change_appointment(
    house: House,
    actor: Actor,
    appointment_id: AppointmentId,
    change: Callable[[Appointment], Appointment],
    *,
    expected: int | None,
) -> AppointmentView:
    """Raises Missing, Denied, BadField, Stale."""
    with (
        refusals_recorded(house, actor, Action.APPOINTMENT_CHANGED, asked=appointment_id),
        house.db.begin() as tx,
    ):
        before = people.get_appointment(tx, scope_of(house, actor), appointment_id)
        require(tx, house, actor, Right.APPOINTMENT_MANAGE, patient_key=before.patient_key)
        revision = before.revision if expected is None else expected
        saved = people.save_appointment(tx, replace(change(before), revision=revision))
        charts = _charts(tx, (saved.patient_key,))
        audit.write(
            tx, Action.APPOINTMENT_CHANGED, actor=actor, patient=charts, appointment=saved.id
        )
    return AppointmentView(appointment=saved, patient_id=charts[saved.patient_key])


# ── cases ─────────────────────────────────────────────────────────────────────────────────
def open_case(
    house: House, actor: Actor, *, patient_id: str, kind: CaseKind, title: str
) -> CaseView:
    """Raises Missing, Denied, BadField."""
    with (
        refusals_recorded(house, actor, Action.CASE_OPENED, asked=patient_id),
        house.db.begin() as tx,
    ):
        patient = _patient(tx, house, actor, patient_id)
        require(tx, house, actor, Right.CASE_MANAGE, patient_key=patient.key)
        made = people.create_case(
            tx,
            Case(
                id=CaseId(house.ids.new()),
                patient_key=patient.key,
                kind=kind,
                title=title,
                opened_at=house.clock.now(),
            ),
        )
        audit.write(tx, Action.CASE_OPENED, actor=actor, patient=patient.key, case=made.id)
    return CaseView(case=made, patient_id=patient.id)


def list_cases(
    house: House,
    actor: Actor,
    *,
    patient_id: str | None = None,
    kind: CaseKind | None = None,
    is_open: bool | None = None,
    before: CaseId | None = None,
    limit: int = 50,
) -> CasePage:
    """Cases of the caller's patients, newest first. Raises Missing."""
    with (
        refusals_recorded(house, actor, Action.CASE_LISTED, asked=patient_id),
        house.db.begin() as tx,
    ):
        require_here(tx, actor, Right.CASE_READ)
        found = people.list_cases(
            tx,
            scope_of(house, actor),
            patient_key=_key(tx, house, actor, patient_id),
            kind=kind,
            is_open=is_open,
            before=before,
            limit=limit + 1,
        )
        shown = found[:limit]
        charts = _charts(tx, (one.patient_key for one in shown))
        audit.write(tx, Action.CASE_LISTED, actor=actor, patient=charts, shown=len(shown))
    views = tuple(CaseView(case=one, patient_id=charts[one.patient_key]) for one in shown)
    return CasePage(items=views, next_before=shown[-1].id if len(found) > limit else None)


def get_case(house: House, actor: Actor, case_id: CaseId) -> CaseView:
    """Raises Missing."""
    with (
        refusals_recorded(house, actor, Action.CASE_LISTED, asked=case_id),
        house.db.begin() as tx,
    ):
        found = people.get_case(tx, scope_of(house, actor), case_id)
        require(tx, house, actor, Right.CASE_READ, patient_key=found.patient_key)
        charts = _charts(tx, (found.patient_key,))
        audit.write(tx, Action.CASE_LISTED, actor=actor, patient=charts, shown=1)
    return CaseView(case=found, patient_id=charts[found.patient_key])


def change_case(
    house: House,
    actor: Actor,
    case_id: CaseId,
    change: Callable[[Case], Case],
    *,
    is_open: bool | None = None,
    expected: int | None,
) -> CaseView:
    """Change a title or kind, close or open again. Raises Missing, Denied, BadField, Stale."""
    action = Action.CASE_CLOSED if is_open is False else Action.CASE_CHANGED
    with (
        refusals_recorded(house, actor, action, asked=case_id),
        house.db.begin() as tx,
    ):
        before = people.get_case(tx, scope_of(house, actor), case_id)
        require(tx, house, actor, Right.CASE_MANAGE, patient_key=before.patient_key)
        revision = before.revision if expected is None else expected
        wanted = replace(
            change(before), closed_at=_closing(house, before, is_open), revision=revision
        )
        saved = people.save_case(tx, wanted)
        charts = _charts(tx, (saved.patient_key,))
        audit.write(tx, action, actor=actor, patient=charts, case=saved.id)
    return CaseView(case=saved, patient_id=charts[saved.patient_key])


def _closing(house: House, case: Case, is_open: bool | None) -> datetime | None:
    if is_open is None:
        return case.closed_at
    return None if is_open else case.closed_at or house.clock.now()


def _patient(tx: Tx, house: House, actor: Actor, patient_id: str) -> Patient:
    return people.find_patient(tx, scope_of(house, actor), patient_id)


def _key(tx: Tx, house: House, actor: Actor, patient_id: str | None) -> PatientKey | None:
    return None if patient_id is None else _patient(tx, house, actor, patient_id).key


def _charts(tx: Tx, keys: Iterable[PatientKey]) -> dict[PatientKey, PatientId]:
    return {key: patient.id for key, patient in people.get_patients(tx, keys).items()}
