"""A small practice to test on. Everybody in it is invented."""

from __future__ import annotations

from datetime import UTC, date, datetime

from medstack import people
from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.kit.actor import Actor, Role
from medstack.kit.ids import AccountId, Ids, PatientKey
from medstack.people import Account, Demographics, Patient, Sex

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
EVERYBODY = Scope(panel=None, levels=frozenset({"patient", "staff", "dentist", "admin"}))
ADMIN = Actor(account_id=AccountId(1), role=Role.ADMIN)


def person(family: str = "Marlowe", given: str = "Anna", **more: object) -> Demographics:
    return Demographics(family_name=family, given_name=given, **more)  # type: ignore[arg-type]


def full_person() -> Demographics:
    return Demographics(
        family_name="Marlowe",
        given_name="Anna K.",
        birth_date=date(1980, 2, 29),
        sex=Sex.FEMALE,
        phone="+1 555 0100",
        email="anna@example.test",
        address=("1 Main Street", "Springfield"),
        alerts=("Penicillin", "Pacemaker"),
        note="Prefers mornings.\nSpeaks Welsh.",
    )


def open_chart(
    tx: Tx, ids: Ids, demographics: Demographics | None = None, number: str | None = None
) -> Patient:
    return people.create_patient(
        tx, demographics or person(), ids=ids, now=NOW, chart_number=number
    )


def make_account(
    tx: Tx,
    ids: Ids,
    email: str = "ada@demo.test",
    role: Role = Role.STAFF,
    patient_key: PatientKey | None = None,
    password_hash: str | None = "hash",
) -> Account:
    return people.create_account(
        tx,
        email=email,
        role=role,
        password_hash=password_hash,
        ids=ids,
        now=NOW,
        patient_key=patient_key,
    )


def actor_for(account: Account) -> Actor:
    return Actor(
        account_id=account.id, role=account.role, patient_key=account.patient_key, via="session"
    )
