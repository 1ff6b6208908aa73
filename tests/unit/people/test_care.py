"""Assignments and the panel: nobody outside it is ever returned, on either database."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from tests.unit.people.practice import ADMIN, NOW, actor_for, make_account, open_chart, person

from medstack import people
from medstack.db import Database
from medstack.db.scope import Scope
from medstack.kit.actor import Actor, Role
from medstack.kit.errors import Missing
from medstack.kit.ids import AccountId, Ids, PatientKey
from medstack.people import Account, Appointment, AssignmentId, BadField, Case, CaseKind, Provider
from medstack.people.tables import patients

HOUR = timedelta(hours=1)
ALL_LEVELS = frozenset({"patient", "staff", "dentist", "admin"})


def seen_by(db: Database, actor: Actor, at: datetime = NOW) -> set[PatientKey]:
    scope = Scope(panel=people.panel(actor, at), levels=ALL_LEVELS)
    with db.read() as tx:
        page = people.list_patients(tx, scope, limit=200)
    return {patient.key for patient in page.items}


def test_staff_see_their_patients_and_no_others(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        mine, other = open_chart(tx, ids), open_chart(tx, ids)
        ada = make_account(tx, ids)
        people.assign(tx, ada, mine, by=ADMIN, ids=ids, now=NOW)
    assert seen_by(db, actor_for(ada)) == {mine.key}
    with db.read() as tx:
        assert people.is_on_panel(tx, actor_for(ada), mine.key, at=NOW)
        assert not people.is_on_panel(tx, actor_for(ada), other.key, at=NOW)


def test_a_patient_sees_one_chart(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        mine = open_chart(tx, ids)
        open_chart(tx, ids)
        anna = make_account(tx, ids, role=Role.PATIENT, patient_key=mine.key)
    assert seen_by(db, actor_for(anna)) == {mine.key}


def test_a_patient_without_a_chart_sees_nothing(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        open_chart(tx, ids)
    assert seen_by(db, Actor(account_id=AccountId(9), role=Role.PATIENT)) == set()


@pytest.mark.parametrize("role", [Role.DENTIST, Role.ADMIN])
def test_dentists_and_administrators_see_everybody(db: Database, ids: Ids, role: Role) -> None:
    with db.begin() as tx:
        everybody = {open_chart(tx, ids).key for _ in range(3)}
    actor = Actor(account_id=AccountId(9), role=role)
    assert seen_by(db, actor) == everybody
    with db.read() as tx:
        assert not people.is_on_panel(tx, actor, PatientKey(1), at=NOW)


def test_an_assignment_runs_from_its_start_until_before_its_end(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        mine = open_chart(tx, ids)
        ada = make_account(tx, ids)
        people.assign(tx, ada, mine, by=ADMIN, ids=ids, now=NOW, until_at=NOW + HOUR)
    moment = timedelta(microseconds=1)
    actor = actor_for(ada)
    assert seen_by(db, actor, NOW - moment) == set()
    assert seen_by(db, actor, NOW) == {mine.key}
    assert seen_by(db, actor, NOW + HOUR - moment) == {mine.key}
    assert seen_by(db, actor, NOW + HOUR) == set()


def test_an_ended_assignment_is_gone_from_the_next_look(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        mine = open_chart(tx, ids)
        ada = make_account(tx, ids)
        made = people.assign(tx, ada, mine, by=ADMIN, ids=ids, now=NOW)
        ended = people.end_assignment(tx, made.id, now=NOW + HOUR)
        assert ended.until_at == NOW + HOUR
        with pytest.raises(Missing):
            people.end_assignment(tx, made.id, now=NOW + 2 * HOUR)
        again = people.assign(tx, ada, mine, by=ADMIN, ids=ids, now=NOW + 2 * HOUR)
        assert people.list_assignments(tx, at=NOW + HOUR, account_id=ada.id) == ()
        assert people.list_assignments(tx, at=None, patient_key=mine.key) == (ended, again)
        assert people.list_assignments(tx, at=None, after=ended.id) == (again,)
    assert seen_by(db, actor_for(ada), NOW + HOUR) == set()


def test_the_same_two_are_not_assigned_twice(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        mine = open_chart(tx, ids)
        ada = make_account(tx, ids)
        people.assign(tx, ada, mine, by=ADMIN, ids=ids, now=NOW, until_at=NOW + HOUR)
        with pytest.raises(people.AlreadyAssigned):
            people.assign(tx, ada, mine, by=ADMIN, ids=ids, now=NOW + HOUR / 2)


@pytest.mark.parametrize("role", [Role.DENTIST, Role.ADMIN])
def test_only_staff_are_assigned(db: Database, ids: Ids, role: Role) -> None:
    with db.begin() as tx:
        mine = open_chart(tx, ids)
        account = make_account(tx, ids, role=role)
        with pytest.raises(BadField):
            people.assign(tx, account, mine, by=ADMIN, ids=ids, now=NOW)


def test_ending_an_assignment_that_never_was_is_missing(db: Database) -> None:
    with pytest.raises(Missing), db.begin() as tx:
        people.end_assignment(tx, AssignmentId(5), now=NOW)


histories = st.lists(
    st.tuples(
        st.integers(0, 2),  # whose
        st.integers(0, 4),  # which patient
        st.integers(0, 6),  # from, in hours
        st.one_of(st.none(), st.integers(1, 5)),  # for so long; None: until ended
        st.booleans(),  # ended an hour later by hand
    ),
    max_size=12,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(histories=histories, look=st.integers(0, 12))
def test_no_list_ever_shows_staff_a_patient_who_is_not_theirs(
    db: Database, ids: Ids, histories: list[tuple[int, int, int, int | None, bool]], look: int
) -> None:
    tag = str(ids.new())
    at = NOW + look * HOUR
    with db.begin() as tx:
        charts = [open_chart(tx, ids, person(f"N{n}", tag)) for n in range(5)]
        staff = [make_account(tx, ids, f"s{n}-{tag}@demo.test") for n in range(3)]
        provider = people.create_provider(tx, Provider(id=ids.new(), name="Dr. Vasquez"))  # type: ignore[arg-type]
        for chart in charts:
            people.create_appointment(tx, _appointment(ids, chart.key, provider))
            people.create_case(tx, _case(ids, chart.key))
        expected = _play(tx, ids, histories, staff, charts, at)
    mine = {chart.key for chart in charts}
    for number, account in enumerate(staff):
        actor = actor_for(account)
        scope = Scope(panel=people.panel(actor, at), levels=ALL_LEVELS)
        right = expected[number]
        with db.read() as tx:
            listed = people.list_patients(tx, scope, limit=200).items
            searched = people.list_patients(tx, scope, q=tag, limit=200).items
            visits = people.list_appointments(tx, scope, limit=200)
            cases = people.list_cases(tx, scope, limit=200)
            asked = {key for key in mine if people.is_on_panel(tx, actor, key, at=at)}
            panel = people.panel(actor, at)
            assert panel is not None
            joined = tx.execute(select(patients.c.key).where(patients.c.key.in_(panel))).scalars()
            assert set(joined) == right
        assert {patient.key for patient in listed} == right
        assert {patient.key for patient in searched} == right
        assert {visit.patient_key for visit in visits} == right
        assert {case.patient_key for case in cases} == right
        assert asked == right


def _play(  # type: ignore[no-untyped-def]
    tx, ids: Ids, histories, staff: list[Account], charts, at: datetime
) -> list[set[PatientKey]]:
    """Carry the histories out, and say in plain Python who is whose at `at`."""
    expected: list[set[PatientKey]] = [set() for _ in staff]
    for who, which, start, lasts, is_ended in sorted(histories, key=lambda one: one[2]):
        from_at = NOW + start * HOUR
        until_at = None if lasts is None else from_at + lasts * HOUR
        try:
            made = people.assign(
                tx, staff[who], charts[which], by=ADMIN, ids=ids, now=from_at, until_at=until_at
            )
        except people.AlreadyAssigned:
            continue
        if is_ended and lasts != 1:
            until_at = from_at + HOUR
            people.end_assignment(tx, made.id, now=until_at)
        if from_at <= at and (until_at is None or at < until_at):
            expected[who].add(charts[which].key)
    return expected


def _appointment(ids: Ids, key: PatientKey, provider: Provider) -> Appointment:
    return Appointment(
        id=ids.new(),  # type: ignore[arg-type]
        patient_key=key,
        provider_id=provider.id,
        starts_at=NOW,
        ends_at=NOW + HOUR,
    )


def _case(ids: Ids, key: PatientKey) -> Case:
    return Case(
        id=ids.new(),  # type: ignore[arg-type]
        patient_key=key,
        kind=CaseKind.CLINICAL,
        title="Implant 36",
        opened_at=NOW,
    )
