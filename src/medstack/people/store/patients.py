"""Patients: charts, their numbers, and finding one by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, tuple_
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.kit.errors import Missing
from medstack.kit.ids import Ids, PatientId, PatientKey
from medstack.people import rules
from medstack.people.model import Demographics, Patient, PatientPage, Sex
from medstack.people.problems import ChartNumberTaken
from medstack.people.store import pages
from medstack.people.store.revisions import change
from medstack.people.tables import chart_numbers, patient_words, patients

MAX_WORDS = 8
_COUNTER = 1
_LAST = "\U0010ffff"  # sorts behind every letter


def create_patient(
    tx: Tx,
    demographics: Demographics,
    *,
    ids: Ids,
    now: datetime,
    chart_number: str | None = None,
    quota_bytes: int | None = None,
) -> Patient:
    """Open a chart, under the number given or the next one free.

    Raises BadField for a malformed number, ChartNumberTaken.
    """
    if chart_number is not None:
        rules.check_chart_number(chart_number)
    patient = Patient(
        key=PatientKey(ids.new()),
        id=PatientId(chart_number or _next_number(tx)),
        demographics=demographics,
        is_archived=False,
        quota_bytes=quota_bytes,
        created_at=now,
        revision=1,
    )
    while not _insert(tx, patient):
        if chart_number is not None:
            raise ChartNumberTaken("Choose another number, or leave it out to be given one.")
        patient = replace(patient, id=_next_number(tx))
    _index(tx, patient)
    return patient


def _insert(tx: Tx, patient: Patient) -> bool:
    """False if the chart number is taken; a conflict with an open transaction waits for it."""
    row = _row(patient) | {"created_at": patient.created_at, "revision": patient.revision}
    into = pg_insert(patients) if tx.dialect == "postgresql" else sqlite_insert(patients)
    asked = into.values(row).on_conflict_do_nothing(index_elements=["id"]).returning(patients.c.key)
    return tx.execute(asked).one_or_none() is not None


def _next_number(tx: Tx) -> PatientId:
    into = pg_insert(chart_numbers) if tx.dialect == "postgresql" else sqlite_insert(chart_numbers)
    asked = (
        into.values(id=_COUNTER, next=2)
        .on_conflict_do_update(index_elements=["id"], set_={"next": chart_numbers.c.next + 1})
        .returning(chart_numbers.c.next)
    )
    return PatientId(f"P{tx.execute(asked).scalar_one() - 1:06d}")


def save_patient(tx: Tx, patient: Patient) -> Patient:
    """Keep a changed patient; its revision must still be the stored one.

    Returns it with its new revision. The chart number never changes.
    Raises Stale, Missing.
    """
    values = _row(patient)
    del values["key"], values["id"]
    revision = change(tx, patients, "key", of=patient.key, revision=patient.revision, values=values)
    tx.execute(delete(patient_words).where(patient_words.c.patient_key == patient.key))
    _index(tx, patient)
    return replace(patient, revision=revision)


def _row(patient: Patient) -> dict[str, Any]:
    person = patient.demographics
    return {
        "key": patient.key,
        "id": patient.id,
        "family_name": person.family_name,
        "given_name": person.given_name,
        "sort_name": rules.fold(f"{person.family_name} {person.given_name}")[:220],
        "birth_date": person.birth_date,
        "sex": person.sex.value,
        "phone": person.phone,
        "email": person.email,
        "address": list(person.address),
        "alerts": list(person.alerts),
        "note": person.note,
        "is_archived": patient.is_archived,
        "quota_bytes": patient.quota_bytes,
    }


def _index(tx: Tx, patient: Patient) -> None:
    person = patient.demographics
    words = rules.words_of(person.family_name, person.given_name, patient.id)
    rows = [{"word": word, "patient_key": patient.key} for word in sorted(words)]
    if rows:
        tx.execute(insert(patient_words), rows)


def get_patient(tx: Tx, key: PatientKey) -> Patient:
    """One patient by key, whoever asks: a flow has decided before. Raises Missing."""
    row = tx.execute(select(patients).where(patients.c.key == key)).one_or_none()
    if row is None:
        raise Missing()
    return _patient(row)


def get_patients(tx: Tx, keys: Iterable[PatientKey]) -> dict[PatientKey, Patient]:
    """Those of `keys` that exist, for a list that names its patients."""
    chosen = patients.c.key.in_(sorted(set(keys)))
    return {
        PatientKey(row.key): _patient(row) for row in tx.execute(select(patients).where(chosen))
    }


def find_patient(tx: Tx, scope: Scope, chart_number: str) -> Patient:
    """One patient by chart number, within the caller's scope.

    Raises Missing for no such number and for somebody else's patient alike.
    """
    asked = select(patients).where(patients.c.id == chart_number, scope.covers(patients.c.key))
    row = tx.execute(asked).one_or_none()
    if row is None:
        raise Missing()
    return _patient(row)


def list_patients(
    tx: Tx,
    scope: Scope,
    *,
    q: str = "",
    is_archived: bool = False,
    after: PatientKey | None = None,
    limit: int = 50,
) -> PatientPage:
    """The caller's patients by name. Each word of q begins a name or the chart number.

    after: the last key of the page before; limit: 1 to pages.MAX_PAGE.
    """
    limit = min(max(limit, 1), pages.MAX_PAGE)
    asked = select(patients).where(
        scope.covers(patients.c.key), patients.c.is_archived.is_(is_archived)
    )
    for word in rules.fold(q).split(" ")[:MAX_WORDS]:
        if word:
            begins = patient_words.c.word.between(word[:60], word[:60] + _LAST)
            asked = asked.where(
                patients.c.key.in_(select(patient_words.c.patient_key).where(begins))
            )
    if after is not None:
        asked = asked.where(tuple_(patients.c.sort_name, patients.c.key) > _place(tx, after))
    rows = tx.execute(asked.order_by(patients.c.sort_name, patients.c.key).limit(limit + 1)).all()
    items = tuple(_patient(row) for row in rows[:limit])
    return PatientPage(items=items, next_after=items[-1].key if len(rows) > limit else None)


def _place(tx: Tx, key: PatientKey) -> Any:  # a row value; SQLAlchemy has no type for one
    name = tx.execute(select(patients.c.sort_name).where(patients.c.key == key)).scalar()
    if name is None:
        raise Missing()
    return tuple_(name, key)


def _patient(row: Row[Any]) -> Patient:
    person = Demographics(
        family_name=row.family_name,
        given_name=row.given_name,
        birth_date=row.birth_date,
        sex=Sex(row.sex),
        phone=row.phone,
        email=row.email,
        address=tuple(row.address),
        alerts=tuple(row.alerts),
        note=row.note,
    )
    return Patient(
        key=PatientKey(row.key),
        id=PatientId(row.id),
        demographics=person,
        is_archived=row.is_archived,
        quota_bytes=row.quota_bytes,
        created_at=row.created_at,
        revision=row.revision,
    )
