"""Providers, appointments, the current one, and cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.unit.people.practice import EVERYBODY, NOW, make_account, open_chart

from medstack import people
from medstack.db import Database
from medstack.db.scope import Scope
from medstack.kit.errors import Missing
from medstack.kit.ids import AppointmentId, CaseId, Ids, PatientKey, ProviderId
from medstack.people import Appointment, AppointmentStatus, BadField, Case, CaseKind, Provider

MINUTE = timedelta(minutes=1)


class Practice:
    def __init__(self, db: Database, ids: Ids) -> None:
        self.db, self.ids = db, ids
        with db.begin() as tx:
            self.patient = open_chart(tx, ids).key
            self.other = open_chart(tx, ids).key
            self.provider = people.create_provider(
                tx, Provider(id=ProviderId(ids.new()), name="Dr. Vasquez", discipline="Surgery")
            )

    def book(
        self,
        start: int,
        end: int,
        *,
        patient: PatientKey | None = None,
        status: AppointmentStatus = AppointmentStatus.BOOKED,
    ) -> Appointment:
        """start, end: minutes from NOW."""
        made = Appointment(
            id=AppointmentId(self.ids.new()),
            patient_key=patient or self.patient,
            provider_id=self.provider.id,
            starts_at=NOW + start * MINUTE,
            ends_at=NOW + end * MINUTE,
            status=status,
        )
        with self.db.begin() as tx:
            return people.create_appointment(tx, made)

    def current(self, at: datetime = NOW) -> Appointment | None:
        with self.db.read() as tx:
            return people.current_appointment(tx, self.patient, at=at)


@pytest.fixture
def practice(db: Database, ids: Ids) -> Practice:
    return Practice(db, ids)


def test_a_provider_reads_back_and_is_found_by_account(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        ada = make_account(tx, ids)
        made = people.create_provider(
            tx, Provider(id=ProviderId(ids.new()), name="Ada", account_id=ada.id)
        )
        people.create_provider(tx, Provider(id=ProviderId(ids.new()), name="aaron"))
        assert people.get_provider(tx, made.id) == made
        assert people.provider_of(tx, ada.id) == made
        assert [one.name for one in people.list_providers(tx)] == ["aaron", "Ada"]
        gone = people.save_provider(tx, replace(made, is_archived=True))
        assert people.list_providers(tx, is_archived=True) == (gone,)
        with pytest.raises(people.Stale):
            people.save_provider(tx, made)


def test_an_appointment_reads_back_as_booked(practice: Practice) -> None:
    made = practice.book(0, 30)
    with practice.db.read() as tx:
        assert people.get_appointment(tx, EVERYBODY, made.id) == made


def test_an_appointment_needs_a_provider_who_exists(practice: Practice) -> None:
    made = practice.book(0, 30)
    with practice.db.begin() as tx, pytest.raises(Missing):
        people.create_appointment(tx, replace(made, id=AppointmentId(5), provider_id=ProviderId(1)))


@pytest.mark.parametrize("length", [0, -1, 24 * 60 + 1])
def test_an_appointment_ends_after_it_starts_within_a_day(length: int) -> None:
    with pytest.raises(BadField):
        Appointment(
            id=AppointmentId(1),
            patient_key=PatientKey(1),
            provider_id=ProviderId(1),
            starts_at=NOW,
            ends_at=NOW + length * MINUTE,
        )


def test_appointments_are_listed_by_time_patient_and_provider(practice: Practice) -> None:
    late, early = practice.book(60, 90), practice.book(0, 30)
    others = practice.book(30, 60, patient=practice.other)
    with practice.db.read() as tx:
        assert people.list_appointments(tx, EVERYBODY) == (early, others, late)
        assert people.list_appointments(tx, EVERYBODY, patient_key=practice.patient) == (
            early,
            late,
        )
        assert people.list_appointments(tx, EVERYBODY, provider_id=ProviderId(1)) == ()
        assert people.list_appointments(tx, EVERYBODY, since=NOW + 30 * MINUTE) == (others, late)
        assert people.list_appointments(tx, EVERYBODY, until=NOW + 30 * MINUTE) == (early,)
        first = people.list_appointments(tx, EVERYBODY, limit=1)
        assert people.list_appointments(tx, EVERYBODY, after=first[-1].id) == (others, late)


def test_an_appointment_outside_the_scope_is_missing(practice: Practice) -> None:
    made = practice.book(0, 30)
    from sqlalchemy import literal, select

    nobody = Scope(panel=select(literal(1)).where(literal(False)), levels=frozenset())
    with practice.db.read() as tx, pytest.raises(Missing):
        people.get_appointment(tx, nobody, made.id)


def test_a_changed_appointment_keeps_count_of_its_changes(practice: Practice) -> None:
    made = practice.book(0, 30)
    with practice.db.begin() as tx:
        saved = people.save_appointment(tx, replace(made, status=AppointmentStatus.ARRIVED))
        assert saved.revision == 2
        with pytest.raises(people.Stale):
            people.save_appointment(tx, made)


@pytest.mark.parametrize(
    ("at", "is_current"), [(-31, 0), (-30, 1), (0, 1), (29, 1), (90, 1), (91, 0)]
)
def test_an_appointment_is_current_from_a_little_before_to_a_little_after(
    practice: Practice, at: int, is_current: int
) -> None:
    made = practice.book(0, 30)
    assert practice.current(NOW + at * MINUTE) == (made if is_current else None)


def test_the_one_that_runs_comes_before_the_ones_around_it(practice: Practice) -> None:
    practice.book(-60, -1)
    running = practice.book(-1, 5)
    practice.book(5, 30)
    assert practice.current() == running


def test_between_two_the_nearer_is_current(practice: Practice) -> None:
    practice.book(-60, -20)
    nearer = practice.book(10, 40)
    assert practice.current() == nearer


def test_of_two_running_the_later_begun_is_current(practice: Practice) -> None:
    practice.book(-30, 30)
    later = practice.book(-10, 10)
    assert practice.current() == later


@pytest.mark.parametrize("status", [AppointmentStatus.CANCELLED, AppointmentStatus.NOSHOW])
def test_one_that_did_not_happen_is_never_current(
    practice: Practice, status: AppointmentStatus
) -> None:
    practice.book(0, 30, status=status)
    assert practice.current() is None


def test_somebody_elses_appointment_is_never_current(practice: Practice) -> None:
    practice.book(0, 30, patient=practice.other)
    assert practice.current() is None


def test_cases_are_opened_closed_and_listed_newest_first(practice: Practice) -> None:
    def case(kind: CaseKind, patient: PatientKey) -> Case:
        return Case(
            id=CaseId(practice.ids.new()),
            patient_key=patient,
            kind=kind,
            title="Implant 36",
            opened_at=NOW,
        )

    with practice.db.begin() as tx:
        one = people.create_case(tx, case(CaseKind.QUICK, practice.patient))
        two = people.create_case(tx, case(CaseKind.CLAIM, practice.other))
        assert people.get_case(tx, EVERYBODY, one.id) == one
        assert people.list_cases(tx, EVERYBODY) == (two, one)
        assert people.list_cases(tx, EVERYBODY, patient_key=practice.patient) == (one,)
        assert people.list_cases(tx, EVERYBODY, kind=CaseKind.CLAIM) == (two,)
        assert people.list_cases(tx, EVERYBODY, before=two.id) == (one,)
        closed = people.save_case(tx, replace(one, closed_at=NOW + MINUTE))
        assert people.list_cases(tx, EVERYBODY, is_open=True) == (two,)
        assert people.list_cases(tx, EVERYBODY, is_open=False) == (closed,)
        with pytest.raises(Missing):
            people.get_case(tx, EVERYBODY, CaseId(3))


def test_a_case_is_not_closed_before_it_was_opened() -> None:
    with pytest.raises(BadField):
        Case(
            id=CaseId(1),
            patient_key=PatientKey(1),
            kind=CaseKind.QUICK,
            title="x",
            opened_at=NOW,
            closed_at=NOW - MINUTE,
        )
