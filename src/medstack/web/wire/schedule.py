"""Providers, appointments and cases, as programs see them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from medstack.flows.schedule import AppointmentView, CaseView
from medstack.kit.ids import ProviderId, id_out
from medstack.people import Appointment, AppointmentStatus, Case, CaseKind, Provider
from medstack.web.params import id_or_none
from medstack.web.wire.base import Ask, Email, IdText, Wire, given
from medstack.web.wire.people import ChartNumber

Kind = Annotated[str, Meta(max_length=80)]
Note = Annotated[str, Meta(max_length=2000)]
Name = Annotated[str, Meta(min_length=1, max_length=120)]
Title = Annotated[str, Meta(min_length=1, max_length=200)]
# A time without a zone would be somebody's guess.
Moment = Annotated[datetime, Meta(tz=True)]


# ── providers ─────────────────────────────────────────────────────────────────────────────
class ProviderIn(Ask):
    name: Name
    discipline: Kind = ""
    user_email: Email | None = None


class ProviderEdit(Ask):
    name: Name | UnsetType = UNSET
    discipline: Kind | UnsetType = UNSET
    is_archived: bool | UnsetType = UNSET


class ProviderOut(Wire):
    id: str
    name: str
    discipline: str
    user_id: str | None
    is_archived: bool


def provider_out(provider: Provider) -> ProviderOut:
    account = provider.account_id
    return ProviderOut(
        id=id_out(provider.id),
        name=provider.name,
        discipline=provider.discipline,
        user_id=None if account is None else id_out(account),
        is_archived=provider.is_archived,
    )


def provider_changed(asked: ProviderEdit, now: Provider) -> Provider:
    return replace(
        now,
        name=given(asked.name, now.name),
        discipline=given(asked.discipline, now.discipline),
        is_archived=given(asked.is_archived, now.is_archived),
    )


# ── appointments ──────────────────────────────────────────────────────────────────────────
class AppointmentIn(Ask):
    patient_id: ChartNumber
    provider_id: IdText
    starts_at: Moment
    ends_at: Moment
    kind: Kind = ""
    note: Note = ""


class AppointmentEdit(Ask):
    provider_id: IdText | UnsetType = UNSET
    starts_at: Moment | UnsetType = UNSET
    ends_at: Moment | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    status: AppointmentStatus | UnsetType = UNSET
    note: Note | UnsetType = UNSET


class AppointmentOut(Wire):
    id: str
    patient_id: str
    provider_id: str
    starts_at: datetime
    ends_at: datetime
    kind: str
    status: AppointmentStatus
    note: str


def appointment_out(view: AppointmentView) -> AppointmentOut:
    booked = view.appointment
    return AppointmentOut(
        id=id_out(booked.id),
        patient_id=view.patient_id,
        provider_id=id_out(booked.provider_id),
        starts_at=booked.starts_at,
        ends_at=booked.ends_at,
        kind=booked.kind,
        status=booked.status,
        note=booked.note,
    )


def appointment_changed(asked: AppointmentEdit, now: Appointment) -> Appointment:
    provider = None
    if asked.provider_id is not UNSET:
        provider = id_or_none("providerId", asked.provider_id)
    return replace(
        now,
        provider_id=now.provider_id if provider is None else ProviderId(provider),
        starts_at=given(asked.starts_at, now.starts_at),
        ends_at=given(asked.ends_at, now.ends_at),
        kind=given(asked.kind, now.kind),
        status=given(asked.status, now.status),
        note=given(asked.note, now.note),
    )


# ── cases ─────────────────────────────────────────────────────────────────────────────────
class CaseIn(Ask):
    patient_id: ChartNumber
    kind: CaseKind
    title: Title


class CaseEdit(Ask):
    kind: CaseKind | UnsetType = UNSET
    title: Title | UnsetType = UNSET
    is_open: bool | UnsetType = UNSET


class CaseOut(Wire):
    id: str
    patient_id: str
    kind: CaseKind
    title: str
    is_open: bool
    opened_at: datetime
    closed_at: datetime | None


def case_out(view: CaseView) -> CaseOut:
    case = view.case
    return CaseOut(
        id=id_out(case.id),
        patient_id=view.patient_id,
        kind=case.kind,
        title=case.title,
        is_open=case.closed_at is None,
        opened_at=case.opened_at,
        closed_at=case.closed_at,
    )


def case_changed(asked: CaseEdit, now: Case) -> Case:
    return replace(now, kind=given(asked.kind, now.kind), title=given(asked.title, now.title))
