"""Patients, accounts, sessions and assignments, as programs see them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from medstack.flows.enroll import AccountEdit, AssignmentView
from medstack.kit.actor import Role
from medstack.kit.ids import id_out
from medstack.people import Demographics, Patient, Sex
from medstack.web.wire.base import Ask, Email, Secret, Wire

T = TypeVar("T")
ChartNumber = Annotated[str, Meta(pattern=r"^[A-Z0-9-]{1,20}$")]
Lines = Annotated[list[Annotated[str, Meta(min_length=1, max_length=120)]], Meta(max_length=20)]


def text(most: int, *, least: int = 0) -> Meta:
    return Meta(min_length=least, max_length=most)


# ── patients ──────────────────────────────────────────────────────────────────────────────
class PatientOut(Wire):
    id: str
    family_name: str
    given_name: str
    birth_date: date | None
    sex: Sex
    phone: str
    email: str
    address: list[str]
    alerts: list[str]
    note: str
    is_archived: bool
    quota_bytes: int | None
    created_at: datetime


class PatientIn(Ask):
    """A new patient. Without an `id` the practice's next chart number is given."""

    family_name: Annotated[str, text(100, least=1)]
    given_name: Annotated[str, text(100)] = ""
    id: ChartNumber | None = None
    birth_date: date | None = None
    sex: Sex = Sex.UNKNOWN
    phone: Annotated[str, text(40)] = ""
    email: Annotated[str, text(254)] = ""
    address: Lines = msgspec.field(default_factory=list)
    alerts: Lines = msgspec.field(default_factory=list)
    note: Annotated[str, text(4000)] = ""


class PatientEdit(Ask):
    """A change of a patient; a field left out stays as it is."""

    family_name: Annotated[str, text(100, least=1)] | UnsetType = UNSET
    given_name: Annotated[str, text(100)] | UnsetType = UNSET
    birth_date: date | UnsetType | None = UNSET
    sex: Sex | UnsetType = UNSET
    phone: Annotated[str, text(40)] | UnsetType = UNSET
    email: Annotated[str, text(254)] | UnsetType = UNSET
    address: Lines | UnsetType = UNSET
    alerts: Lines | UnsetType = UNSET
    note: Annotated[str, text(4000)] | UnsetType = UNSET


def patient_out(patient: Patient) -> PatientOut:
    known = patient.demographics
    return PatientOut(
        id=patient.id,
        family_name=known.family_name,
        given_name=known.given_name,
        birth_date=known.birth_date,
        sex=known.sex,
        phone=known.phone,
        email=known.email,
        address=list(known.address),
        alerts=list(known.alerts),
        note=known.note,
        is_archived=patient.is_archived,
        quota_bytes=patient.quota_bytes,
        created_at=patient.created_at,
    )


def demographics_in(asked: PatientIn) -> Demographics:
    return Demographics(
        family_name=asked.family_name.strip(),
        given_name=asked.given_name.strip(),
        birth_date=asked.birth_date,
        sex=asked.sex,
        phone=asked.phone.strip(),
        email=asked.email.strip(),
        address=tuple(asked.address),
        alerts=tuple(asked.alerts),
        note=asked.note,
    )


def demographics_changed(asked: PatientEdit, now: Demographics) -> Demographics:
    """`now` with what the request names put in its place."""
    fields = {name: getattr(asked, name) for name in asked.__struct_fields__}
    given = {name: value for name, value in fields.items() if value is not UNSET}
    for name in ("address", "alerts"):
        if name in given:
            given[name] = tuple(given[name])
    return replace(now, **given)


# ── accounts ─────────────────────────────────────────────────────────
class UserIn(Ask):
    email: Email
    role: Role
    password: Secret
    display_name: Annotated[str, text(120)] = ""
    patient_id: ChartNumber | None = None
    must_change_password: bool = False


class UserEdit(Ask):
    display_name: Annotated[str, text(120)] | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    patient_id: ChartNumber | UnsetType = UNSET
    is_enabled: bool | UnsetType = UNSET


class PasswordIn(Ask):
    """An administrator's reset, or a person's own change, which also needs the current one."""

    password: Secret
    current_password: Secret | None = None


def account_edit_in(asked: UserEdit) -> AccountEdit:
    return AccountEdit(
        display_name=_or_none(asked.display_name),
        role=_or_none(asked.role),
        is_enabled=_or_none(asked.is_enabled),
        patient_id=_or_none(asked.patient_id),
    )


# ── assignments ───────────────────────────────────────────────────────────────────────────
class AssignmentIn(Ask):
    user_email: Email
    patient_id: ChartNumber
    until: datetime | None = None


class AssignmentOut(Wire):
    id: str
    user_email: str
    patient_id: str
    since: datetime
    until: datetime | None


def assignment_out(view: AssignmentView) -> AssignmentOut:
    made = view.assignment
    return AssignmentOut(
        id=id_out(made.id),
        user_email=view.user_email,
        patient_id=view.patient_id,
        since=made.from_at,
        until=made.until_at,
    )


def _or_none(value: T | UnsetType) -> T | None:
    return None if value is UNSET else value
