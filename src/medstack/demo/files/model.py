"""The demonstration practice as a value: invented people, their visits, their files.

Nothing here is stored or drawn; a file's bytes come when `make` is called, the same each time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from medstack.kit.actor import Role
from medstack.people import AppointmentStatus, Demographics
from medstack.records import AccessLevel, Category, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPatient:
    patient_id: str  # P001001 …
    demographics: Demographics


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAccount:
    email: str
    display_name: str
    role: Role
    patient: int | None = None  # index into Practice.patients


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoProvider:
    name: str
    discipline: str
    account: str | None = None  # email


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAppointment:
    patient: int
    provider: int
    starts_at: datetime  # UTC
    ends_at: datetime
    kind: str
    status: AppointmentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFile:
    """A file on its way into the practice, and what is to become of it."""

    patient: int
    name: str
    category: Category
    subcategory: str
    description: str
    tags: tuple[str, ...]
    appointment: int | None
    access_level: AccessLevel
    captured_at: datetime
    make: Callable[[], bytes]
    expects: Status = Status.AVAILABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    name: str
    patients: tuple[DemoPatient, ...]
    accounts: tuple[DemoAccount, ...]
    providers: tuple[DemoProvider, ...]
    assignments: tuple[tuple[str, int], ...]  # email, patient
    appointments: tuple[DemoAppointment, ...]  # oldest first
    files: tuple[DemoFile, ...]  # oldest first
