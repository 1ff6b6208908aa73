"""Lists and single reads agree: a row is listed if, and only if, it may be read."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, MetaData, String, Table, insert, literal, select
from tests.unit.people.practice import ADMIN, NOW, actor_for, make_account, open_chart, person

from medstack import access, people
from medstack.access import Relation, Right
from medstack.db import Database, Tx
from medstack.db.scope import Scope
from medstack.kit.actor import Actor, Role
from medstack.kit.ids import AccountId, Ids, PatientKey

LEVELS = ["patient", "staff", "dentist", "admin"]
PATIENTS, COLLEAGUES = 4, 3


@pytest.mark.parametrize("role", [Role.PATIENT, Role.STAFF])
def test_a_scope_without_its_panel_is_never_made(role: Role) -> None:
    with pytest.raises(ValueError, match="panel"):
        access.scope(Actor(account_id=AccountId(1), role=role), None)


@pytest.mark.parametrize("role", [Role.DENTIST, Role.ADMIN])
def test_a_panel_given_for_a_role_that_sees_everybody_does_not_narrow_it(role: Role) -> None:
    given_panel = select(literal(1))
    made = access.scope(Actor(account_id=AccountId(1), role=role), given_panel)
    assert made.panel is None


def test_what_is_ones_own_is_told_by_the_account() -> None:
    actor = Actor(account_id=AccountId(7), role=Role.STAFF)
    assert access.belonging(actor, AccountId(7)).relation is Relation.OWN
    assert access.belonging(actor, AccountId(8)).relation is Relation.OTHER


def test_a_patient_without_a_chart_owns_nothing() -> None:
    actor = Actor(account_id=AccountId(7), role=Role.PATIENT)
    thing = access.resource(actor, patient_key=PatientKey(1), is_on_panel=True)
    assert thing.relation is Relation.OTHER


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    role=st.sampled_from(Role),
    cared_for=st.sets(st.integers(0, PATIENTS - 1)),
    rows=st.lists(
        st.tuples(
            st.one_of(st.none(), st.integers(0, PATIENTS - 1)),
            st.sampled_from(LEVELS),
            st.integers(0, COLLEAGUES - 1),
        ),
        min_size=1,
        max_size=25,
    ),
)
def test_a_row_is_listed_if_and_only_if_it_may_be_read(
    db: Database,
    ids: Ids,
    role: Role,
    cared_for: set[int],
    rows: list[tuple[int | None, str, int]],
) -> None:
    tag = ids.new()
    with db.begin() as tx:
        charts = [open_chart(tx, ids, person(f"N{n}")) for n in range(PATIENTS)]
        own = charts[0].key if role is Role.PATIENT else None
        me = make_account(tx, ids, f"me-{tag}@demo.test", role=role, patient_key=own)
        if role is Role.STAFF:
            for number in cared_for:
                people.assign(tx, me, charts[number], by=ADMIN, ids=ids, now=NOW)
    actor = actor_for(me)
    uploaders = [me.id, AccountId(ids.new()), AccountId(ids.new())]
    shelf = [
        (n, None if who is None else charts[who].key, level, uploaders[by])
        for n, (who, level, by) in enumerate(rows)
    ]
    with db.begin() as tx:
        listed = _listed(tx, access.scope(actor, people.panel(actor, NOW)), shelf)
    readable = set()
    with db.read() as tx:
        for number, patient_key, level, uploader in shelf:
            thing = access.resource(
                actor,
                patient_key=patient_key,
                is_on_panel=patient_key is not None
                and people.is_on_panel(tx, actor, patient_key, at=NOW),
                uploader=uploader,
                level=level,
            )
            if access.decide(actor, Right.RECORD_READ, thing).is_allowed:
                readable.add(number)
    assert listed == readable


def _listed(
    tx: Tx, scope: Scope, shelf: list[tuple[int, PatientKey | None, str, AccountId]]
) -> set[int]:
    """The rows SQL returns under a scope, from a table with the three columns it asks for."""
    table = Table(
        "shelf",
        MetaData(),
        Column("number", BigInteger),
        Column("patient_key", BigInteger),
        Column("level", String),
        Column("uploader", BigInteger),
        prefixes=["TEMPORARY"],
    )
    table.create(tx.connection)
    tx.execute(insert(table), [dict(zip(table.c.keys(), row, strict=True)) for row in shelf])
    where = scope.allows(table.c.patient_key, table.c.level, table.c.uploader)
    found = set(tx.execute(select(table.c.number).where(where)).scalars())
    table.drop(tx.connection)
    return found
