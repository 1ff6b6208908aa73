"""Charts: their numbers, their fields, finding one, and changing one."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.people.practice import EVERYBODY, NOW, full_person, open_chart, person

from medstack import people
from medstack.db import Database
from medstack.db.scope import Scope
from medstack.kit.errors import Missing
from medstack.kit.ids import Ids, PatientKey
from medstack.people import BadField, Demographics, rules


def found(db: Database, q: str = "", **more: object) -> list[str]:
    with db.read() as tx:
        page = people.list_patients(tx, EVERYBODY, q=q, **more)  # type: ignore[arg-type]
    return [patient.id for patient in page.items]


def test_a_chart_reads_back_as_it_was_opened(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        opened = open_chart(tx, ids, full_person(), "X-17")
    with db.read() as tx:
        assert people.get_patient(tx, opened.key) == opened
        assert people.find_patient(tx, EVERYBODY, "X-17") == opened


def test_numbers_are_given_in_the_owners_style(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        given = [open_chart(tx, ids).id for _ in range(3)]
    assert given == ["P000001", "P000002", "P000003"]


def test_a_number_taken_by_hand_is_stepped_over(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        open_chart(tx, ids, number="P000002")
        given = [open_chart(tx, ids).id for _ in range(3)]
    assert given == ["P000001", "P000003", "P000004"]


def test_a_number_is_never_given_twice_however_many_ask(db: Database, ids: Ids) -> None:
    given: list[str] = []

    def open_some() -> None:
        for _ in range(8):
            with db.begin() as tx:
                given.append(open_chart(tx, ids).id)

    threads = [threading.Thread(target=open_some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == [f"P{number:06d}" for number in range(1, 33)]


def test_a_taken_number_is_refused_and_the_transaction_lives_on(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        open_chart(tx, ids, number="P7")
        with pytest.raises(people.ChartNumberTaken):
            open_chart(tx, ids, number="P7")
        open_chart(tx, ids, number="P8")
    assert set(found(db)) == {"P7", "P8"}


@pytest.mark.parametrize(
    "number", ["", "p1", "P 1", "P" * 21, "P1\n", "P/1", "Ｐ１", "../P1", "P_1", "'--"]
)
def test_a_malformed_number_is_refused(db: Database, ids: Ids, number: str) -> None:
    with pytest.raises(BadField), db.begin() as tx:
        open_chart(tx, ids, number=number)


@pytest.mark.parametrize(
    "text",
    ["Robert'); DROP TABLE patients;--", "<script>alert(1)</script>", "O’Brien-Ünal", "李", "🦷"],
)
def test_any_text_is_kept_as_it_is_and_found_again(db: Database, ids: Ids, text: str) -> None:
    with db.begin() as tx:
        opened = open_chart(tx, ids, person(text, note=text, alerts=(text,)))
    with db.read() as tx:
        assert people.get_patient(tx, opened.key).demographics == opened.demographics
    assert found(db, text) == [opened.id]


@pytest.mark.parametrize(
    "field",
    [
        {"family_name": ""},
        {"family_name": "   "},
        {"family_name": "a\x00b"},
        {"family_name": "a\nb"},
        {"family_name": "\ud800"},
        {"given_name": "x" * 101},
        {"phone": "\x1b[31m"},
        {"email": "nobody"},
        {"address": ("a",) * 7},
        {"alerts": ("",)},
        {"note": "x" * 4001},
        {"note": "\x00"},
    ],
)
def test_a_broken_field_never_becomes_a_value(field: dict[str, object]) -> None:
    with pytest.raises(BadField):
        Demographics(**({"family_name": "Marlowe"} | field))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("marl", {"P1"}),
        ("MARLOWE anna", {"P1"}),
        ("anna marl", {"P1"}),
        ("ann", {"P1", "P2"}),
        ("unal", {"P2"}),
        ("ünal", {"P2"}),
        ("smith", {"P3"}),
        ("jones", {"P3"}),
        ("jones-sm", {"P3"}),
        ("p3", {"P3", "P30"}),
        ("p30", {"P30"}),
        ("P", {"P1", "P2", "P3", "P30"}),
        ("marlowe zz", set()),
        ("%", set()),
        ("_", set()),
        ("   ", {"P1", "P2", "P3", "P30"}),
        ("", {"P1", "P2", "P3", "P30"}),
    ],
)
def test_every_word_asked_for_begins_a_name_or_the_number(
    db: Database, ids: Ids, q: str, expected: set[str]
) -> None:
    with db.begin() as tx:
        open_chart(tx, ids, person("Marlowe", "Anna"), "P1")
        open_chart(tx, ids, person("Ünal", "Anneliese"), "P2")
        open_chart(tx, ids, person("Jones-Smith", "Bob"), "P3")
        open_chart(tx, ids, person("Zed", "Zoe"), "P30")
    assert set(found(db, q)) == expected


def test_a_renamed_patient_is_found_by_the_new_name_only(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        opened = open_chart(tx, ids, person("Marlowe"), "P1")
        people.save_patient(tx, replace(opened, demographics=person("Vasquez")))
    assert found(db, "marlowe") == []
    assert found(db, "vasquez") == ["P1"]


@pytest.mark.parametrize("limit", [1, 2, 3, 200])
def test_pages_together_are_everybody_by_name(db: Database, ids: Ids, limit: int) -> None:
    names = ["zeta", "Alpha", "émile", "Alpha", "Beta", "alpha"]
    with db.begin() as tx:
        for name in names:
            open_chart(tx, ids, person(name, "X"))
    seen: list[str] = []
    after: PatientKey | None = None
    with db.read() as tx:
        while True:
            page = people.list_patients(tx, EVERYBODY, after=after, limit=limit)
            seen += [patient.demographics.family_name for patient in page.items]
            after = page.next_after
            if after is None:
                break
    assert [name.lower() for name in seen] == ["alpha"] * 3 + ["beta", "émile", "zeta"]


def test_archived_patients_are_listed_apart(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        opened = open_chart(tx, ids, number="P1")
        open_chart(tx, ids, number="P2")
        people.save_patient(tx, replace(opened, is_archived=True))
    assert found(db) == ["P2"]
    assert found(db, is_archived=True) == ["P1"]


def test_a_change_made_on_an_old_state_is_refused(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        opened = open_chart(tx, ids)
        saved = people.save_patient(tx, replace(opened, quota_bytes=5))
    assert saved.revision == 2
    with pytest.raises(people.Stale) as refused, db.begin() as tx:
        people.save_patient(tx, replace(opened, quota_bytes=6))
    assert refused.value.facts == {"revision": 2}
    with db.read() as tx:
        assert people.get_patient(tx, opened.key) == saved


def test_changing_a_patient_who_is_not_there_is_missing(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        opened = open_chart(tx, ids)
    with pytest.raises(Missing), db.begin() as tx:
        people.save_patient(tx, replace(opened, key=PatientKey(1)))


def test_a_number_outside_the_scope_and_one_that_is_free_look_alike(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        open_chart(tx, ids, number="P1")
    mine = people.panel(people.actor_of(_signed_in_stranger()), NOW)
    scope = Scope(panel=mine, levels=frozenset({"patient"}))
    answers = []
    for number in ("P1", "P2"):
        with db.read() as tx, pytest.raises(Missing) as refused:
            people.find_patient(tx, scope, number)
        answers.append((type(refused.value), refused.value.detail, refused.value.facts))
    assert answers[0] == answers[1]


def _signed_in_stranger() -> people.SignedIn:
    from medstack.kit.actor import Role
    from medstack.kit.ids import AccountId

    account = people.Account(
        id=AccountId(99),
        email="x@demo.test",
        display_name="",
        role=Role.STAFF,
        patient_key=None,
        is_enabled=True,
        must_change_password=False,
        created_at=NOW,
        revision=1,
    )
    return people.SignedIn(account=account)


def test_several_patients_are_read_at_once(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        one, two = open_chart(tx, ids), open_chart(tx, ids)
    with db.read() as tx:
        assert people.get_patients(tx, [two.key, one.key, PatientKey(5)]) == {
            one.key: one,
            two.key: two,
        }


@given(st.text(max_size=100))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert rules.fold(rules.fold(text)) == rules.fold(text)


@given(st.text(max_size=100))
def test_a_name_is_always_found_by_each_of_its_own_words(text: str) -> None:
    words = rules.words_of(text)
    assert all(word[:60] in words for word in rules.fold(text).split(" ") if word)


def test_a_birth_date_survives_both_databases(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        opened = open_chart(tx, ids, person(birth_date=date(1901, 1, 1)))
    with db.read() as tx:
        assert people.get_patient(tx, opened.key).demographics.birth_date == date(1901, 1, 1)
