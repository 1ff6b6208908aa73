"""Patients, and the people who care for them. Names follow FHIR: Patient, Practitioner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NewType

from medstack.kit.actor import Role
from medstack.kit.ids import (
    AccountId,
    AppointmentId,
    CaseId,
    PatientId,
    PatientKey,
    ProviderId,
)
from medstack.people import rules
from medstack.people.problems import BadField

SessionId = NewType("SessionId", int)
TokenId = NewType("TokenId", int)
AssignmentId = NewType("AssignmentId", int)


class Sex(StrEnum):
    """Administrative gender. Source: FHIR R4 administrative-gender."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demographics:
    """What is known about a patient as a person. Raises BadField where a rule is broken."""

    family_name: str
    given_name: str = ""
    birth_date: date | None = None
    sex: Sex = Sex.UNKNOWN
    phone: str = ""
    email: str = ""
    address: tuple[str, ...] = ()  # lines, as on an envelope
    alerts: tuple[str, ...] = ()  # short: "Penicillin", "Pacemaker"
    note: str = ""

    def __post_init__(self) -> None:
        rules.check_line("familyName", self.family_name, most=100, least=1)
        rules.check_line("givenName", self.given_name, most=100)
        rules.check_line("phone", self.phone, most=40)
        if self.email:
            rules.check_email(self.email)
        rules.check_lines("address", self.address, most=6, longest=120)
        rules.check_lines("alerts", self.alerts, most=20, longest=120)
        rules.check_text("note", self.note, most=4000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    key: PatientKey
    id: PatientId  # the chart number
    demographics: Demographics
    is_archived: bool
    quota_bytes: int | None  # None: what the practice's limits say
    created_at: datetime
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientPage:
    items: tuple[Patient, ...]
    next_after: PatientKey | None  # None: this was the last page


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    id: AccountId
    email: str
    display_name: str
    role: Role
    patient_key: PatientKey | None  # whose chart this is, for patients
    is_enabled: bool
    must_change_password: bool
    created_at: datetime
    revision: int

    def __post_init__(self) -> None:
        rules.check_email(self.email)
        rules.check_line("displayName", self.display_name, most=120)
        rules.check_belonging(self.role, has_patient=self.patient_key is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser. Its secret is known to the browser alone."""

    id: SessionId
    account_id: AccountId
    created_at: datetime
    seen_at: datetime  # to the minute: see `rules.TOUCH_EVERY`
    expires_at: datetime  # however busy it is
    address: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BearerToken:
    """A program's way in. Its secret was shown once."""

    id: TokenId
    account_id: AccountId
    name: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Whom a valid secret stands for, and by which kind of secret."""

    account: Account
    session: Session | None = None
    token: BearerToken | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One account's care for one patient, for a time."""

    id: AssignmentId
    account_id: AccountId
    patient_key: PatientKey
    from_at: datetime
    until_at: datetime | None  # None: until further notice
    created_by: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Who treats: a dentist, a hygienist, a visiting surgeon. May have no account."""

    id: ProviderId
    name: str
    discipline: str = ""
    account_id: AccountId | None = None
    is_archived: bool = False
    revision: int = 1

    def __post_init__(self) -> None:
        rules.check_line("name", self.name, most=120, least=1)
        rules.check_line("discipline", self.discipline, most=80)


class AppointmentStatus(StrEnum):
    """Source: FHIR R4 appointmentstatus, the ones a practice uses."""

    BOOKED = "booked"
    ARRIVED = "arrived"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NOSHOW = "noshow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    id: AppointmentId
    patient_key: PatientKey
    provider_id: ProviderId
    starts_at: datetime
    ends_at: datetime
    kind: str = ""  # "Recall", "Extraction": the practice's own words
    status: AppointmentStatus = AppointmentStatus.BOOKED
    note: str = ""
    revision: int = 1

    def __post_init__(self) -> None:
        rules.check_line("kind", self.kind, most=80)
        rules.check_text("note", self.note, most=2000)
        rules.check_span(self.starts_at, self.ends_at, longest=timedelta(hours=24))


class CaseKind(StrEnum):
    QUICK = "quick"
    CLINICAL = "clinical"
    PORTFOLIO = "portfolio"
    TEACHING = "teaching"
    CLAIM = "claim"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Records of one patient that belong to one question."""

    id: CaseId
    patient_key: PatientKey
    kind: CaseKind
    title: str
    opened_at: datetime
    closed_at: datetime | None = None
    revision: int = 1

    def __post_init__(self) -> None:
        rules.check_line("title", self.title, most=200, least=1)
        if self.closed_at is not None and self.closed_at < self.opened_at:
            raise BadField("closedAt", "not before the case was opened")
