"""Providers and appointments: who treats whom, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, literal, select, tuple_

from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.db.types import Timestamp
from medstack.kit.errors import Missing
from medstack.kit.ids import AccountId, AppointmentId, PatientKey, ProviderId
from medstack.people import rules
from medstack.people.model import Appointment, AppointmentStatus, Provider
from medstack.people.store import pages
from medstack.people.store.revisions import change
from medstack.people.tables import appointments, providers

_AWAY = (AppointmentStatus.CANCELLED.value, AppointmentStatus.NOSHOW.value)


def create_provider(tx: Tx, provider: Provider) -> Provider:
    row = _provider_row(provider) | {"id": provider.id, "revision": provider.revision}
    tx.execute(insert(providers).values(row))
    return provider


def save_provider(tx: Tx, provider: Provider) -> Provider:
    """Keep a changed provider. Raises Stale, Missing."""
    values = _provider_row(provider)
    revision = change(
        tx, providers, "id", of=provider.id, revision=provider.revision, values=values
    )
    return replace(provider, revision=revision)


def get_provider(tx: Tx, provider_id: ProviderId) -> Provider:
    """Raises Missing."""
    row = tx.execute(select(providers).where(providers.c.id == provider_id)).one_or_none()
    if row is None:
        raise Missing()
    return _provider(row)


def list_providers(tx: Tx, *, is_archived: bool = False) -> tuple[Provider, ...]:
    """The practice's providers by name: a few dozen at most."""
    chosen = providers.c.is_archived.is_(is_archived)
    asked = select(providers).where(chosen).order_by(providers.c.sort_name, providers.c.id)
    return tuple(_provider(row) for row in tx.execute(asked))


def provider_of(tx: Tx, account_id: AccountId) -> Provider | None:
    """The provider an account stands for, if it stands for one."""
    asked = select(providers).where(providers.c.account_id == account_id).order_by(providers.c.id)
    row = tx.execute(asked.limit(1)).one_or_none()
    return None if row is None else _provider(row)


def create_appointment(tx: Tx, appointment: Appointment) -> Appointment:
    """Book it. The patient was read before; raises Missing for an unknown provider."""
    get_provider(tx, appointment.provider_id)
    row = _appointment_row(appointment) | {
        "id": appointment.id,
        "revision": appointment.revision,
    }
    tx.execute(insert(appointments).values(row))
    return appointment


def save_appointment(tx: Tx, appointment: Appointment) -> Appointment:
    """Keep a changed appointment. Raises Stale, Missing."""
    get_provider(tx, appointment.provider_id)
    values = _appointment_row(appointment)
    revision = change(
        tx, appointments, "id", of=appointment.id, revision=appointment.revision, values=values
    )
    return replace(appointment, revision=revision)


def get_appointment(tx: Tx, scope: Scope, appointment_id: AppointmentId) -> Appointment:
    """One appointment of a patient in the caller's scope. Raises Missing."""
    chosen = appointments.c.id == appointment_id, scope.covers(appointments.c.patient_key)
    row = tx.execute(select(appointments).where(*chosen)).one_or_none()
    if row is None:
        raise Missing()
    return _appointment(row)


def list_appointments(
    tx: Tx,
    scope: Scope,
    *,
    patient_key: PatientKey | None = None,
    provider_id: ProviderId | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: AppointmentId | None = None,
    limit: int = 50,
) -> tuple[Appointment, ...]:
    """Appointments of the caller's patients, earliest first.

    since, until: those that start at or after, and before. after: the last one of the page
    before. Raises Missing if that one is gone.
    """
    asked = select(appointments).where(scope.covers(appointments.c.patient_key))
    if patient_key is not None:
        asked = asked.where(appointments.c.patient_key == patient_key)
    if provider_id is not None:
        asked = asked.where(appointments.c.provider_id == provider_id)
    if since is not None:
        asked = asked.where(appointments.c.starts_at >= since)
    if until is not None:
        asked = asked.where(appointments.c.starts_at < until)
    if after is not None:
        last = get_appointment(tx, scope, after)
        place = tuple_(appointments.c.starts_at, appointments.c.id)
        asked = asked.where(place > tuple_(literal(last.starts_at, Timestamp), last.id))
    asked = asked.order_by(appointments.c.starts_at, appointments.c.id)
    rows = tx.execute(asked.limit(pages.rows(limit)))
    return tuple(_appointment(row) for row in rows)


def current_appointment(tx: Tx, patient_key: PatientKey, *, at: datetime) -> Appointment | None:
    """The appointment a file captured now belongs to: the one that runs, else the nearest.

    Cancelled and missed ones do not count, nor those further away than `rules` allows. Of two
    equally near, the one that started later.
    """
    near = (
        appointments.c.patient_key == patient_key,
        appointments.c.starts_at <= at + rules.EARLY,
        appointments.c.ends_at >= at - rules.LATE,
        appointments.c.status.not_in(_AWAY),
    )
    best: tuple[float, float, Appointment] | None = None
    for row in tx.execute(select(appointments).where(*near).order_by(appointments.c.id)):
        found = _appointment(row)
        away = rules.distance(found.starts_at, found.ends_at, at)
        if away is None:
            continue
        rank = (away.total_seconds(), -found.starts_at.timestamp(), found)
        if best is None or rank[:2] < best[:2]:
            best = rank
    return None if best is None else best[2]


def _provider_row(provider: Provider) -> dict[str, Any]:
    return {
        "name": provider.name,
        "sort_name": rules.fold(provider.name)[:130],
        "discipline": provider.discipline,
        "account_id": provider.account_id,
        "is_archived": provider.is_archived,
    }


def _appointment_row(appointment: Appointment) -> dict[str, Any]:
    return {
        "patient_key": appointment.patient_key,
        "provider_id": appointment.provider_id,
        "starts_at": appointment.starts_at,
        "ends_at": appointment.ends_at,
        "kind": appointment.kind,
        "status": appointment.status.value,
        "note": appointment.note,
    }


def _provider(row: Row[Any]) -> Provider:
    return Provider(
        id=ProviderId(row.id),
        name=row.name,
        discipline=row.discipline,
        account_id=None if row.account_id is None else AccountId(row.account_id),
        is_archived=row.is_archived,
        revision=row.revision,
    )


def _appointment(row: Row[Any]) -> Appointment:
    return Appointment(
        id=AppointmentId(row.id),
        patient_key=PatientKey(row.patient_key),
        provider_id=ProviderId(row.provider_id),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        kind=row.kind,
        status=AppointmentStatus(row.status),
        note=row.note,
        revision=row.revision,
    )
