"""Lists against a plain model of them: same records, same order, on both databases."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.records.making import make_record, scope_of

from medstack import records
from medstack.db import Database
from medstack.db.scope import Scope
from medstack.kit.clock import SetClock
from medstack.kit.ids import (
    AccountId,
    AppointmentId,
    CaseId,
    PatientKey,
    ProviderId,
    RecordId,
    TimeOrderedIds,
)
from medstack.records import listing, search_postgresql, store, walks
from medstack.records.categories import SUBCATEGORIES
from medstack.records.fields import fold_tag
from medstack.records.filters import BadLimit, Filters
from medstack.records.model import AccessLevel, Category, Record, Status
from medstack.records.sight import WHOLE_ARCHIVE
from medstack.records.words import query_words, words_of

START = datetime(2024, 1, 1, tzinfo=UTC)
PATIENTS = 12
ACCOUNTS = (AccountId(101), AccountId(102), AccountId(103))
TAGS = ("Urgent", "recall", "Molar", "for teaching", "<b>x</b>")
VOCABULARY = ("crown", "molar", "bone", "loss", "panoramic", "panorex", "pan", "röntgen", "über")
RARE = ("xanthoma", "odontome")


@dataclass(frozen=True, slots=True)
class Archive:
    records: tuple[Record, ...]
    bodies: dict[int, str]


def make_archive(seed: int, size: int) -> Archive:
    chance = random.Random(seed)
    clock = SetClock(START)
    ids = TimeOrderedIds(clock)
    made, bodies = [], {}
    for number in range(size):
        clock.advance(chance.choice((0, 60, 3600, 86400)))
        record = _any_record(chance, ids.new(), number)
        made.append(record)
        words = chance.choices(VOCABULARY, k=4) + (
            [chance.choice(RARE)] if chance.random() < 0.05 else []
        )
        bodies[record.id] = " ".join(words)
    return Archive(tuple(made), bodies)


def _any_record(chance: random.Random, record_id: int, number: int) -> Record:
    category = chance.choice(tuple(Category))
    return make_record(
        record_id,
        patient_key=PatientKey(chance.randint(1, PATIENTS)) if chance.random() < 0.9 else None,
        original_name=f"IMG_{number:04d}.jpg",
        category=category,
        subcategory=chance.choice((None, *SUBCATEGORIES[category])),
        description=chance.choice(("", "before and after", "Zahn 36 Füllung")),
        uploaded_by=chance.choice(ACCOUNTS),
        provider_id=chance.choice((None, ProviderId(1), ProviderId(2))),
        appointment_id=chance.choice((None, AppointmentId(1), AppointmentId(2))),
        case_id=chance.choice((None, None, CaseId(1))),
        access_level=chance.choice(tuple(AccessLevel)),
        archived_at=START if chance.random() < 0.2 else None,
        status=chance.choice((Status.AVAILABLE, Status.AVAILABLE, Status.HELD)),
        tags=tuple(chance.sample(TAGS, chance.randint(0, 3))),
        replaces=RecordId(1) if chance.random() < 0.05 else None,
    )


def any_filters(chance: random.Random) -> Filters:
    """One to three filters at once."""
    category = chance.choice(tuple(Category))
    choices: dict[str, object] = {
        "patient_key": PatientKey(chance.randint(1, PATIENTS)),
        "category": category,
        "subcategory": chance.choice(tuple(SUBCATEGORIES[category])),
        "tag": chance.choice(TAGS).upper(),
        "uploaded_by": chance.choice(ACCOUNTS),
        "provider_id": ProviderId(1),
        "appointment_id": AppointmentId(2),
        "case_id": CaseId(1),
        "status": Status.HELD,
        "archived": True,
        "uploaded_from": START + timedelta(days=chance.randint(0, 60), seconds=1),
        "uploaded_before": START + timedelta(days=chance.randint(0, 60), seconds=1),
        "q": any_query(chance),
    }
    names = chance.sample(sorted(choices), chance.randint(1, 3))
    if chance.random() < 0.5 and "q" not in names:
        names.append("q")
    return Filters(**{name: choices[name] for name in names})  # type: ignore[arg-type]


def any_query(chance: random.Random) -> str:
    word = chance.choice((*VOCABULARY, *RARE, "before", "jpg", "zahn", "urgent", "nowhere"))
    words = [*chance.choices(VOCABULARY, k=chance.randint(0, 1)), word[: chance.randint(1, 9)]]
    return " ".join(words)


def any_scope(chance: random.Random) -> Scope:
    levels = chance.sample(tuple(AccessLevel), chance.randint(1, 4))
    if chance.random() < 0.3:
        return Scope(panel=None, levels=frozenset(levels))
    keys = chance.sample(range(1, PATIENTS + 1), chance.randint(0, PATIENTS))
    return scope_of(keys, levels=levels, inbox_of=chance.choice((None, *ACCOUNTS)))


def panel_keys(scope: Scope, db: Database) -> set[int] | None:
    if scope.panel is None:
        return None
    with db.read() as tx:
        return {row[0] for row in tx.execute(scope.panel)}


def expected(archive: Archive, scope: Scope, keys: set[int] | None, asked: Filters) -> list[int]:
    """What a list must show, decided record by record."""
    return [
        record.id
        for record in reversed(archive.records)
        if _may_see(record, scope, keys) and _fits(record, asked, archive.bodies[record.id])
    ]


def _may_see(record: Record, scope: Scope, keys: set[int] | None) -> bool:
    if record.access_level not in scope.levels:
        return False
    if keys is None:
        return True
    if record.patient_key is None:
        return record.uploaded_by == scope.inbox_of
    return record.patient_key in keys


def _fits(record: Record, asked: Filters, body: str) -> bool:
    named = ("patient_key", "category", "subcategory", "uploaded_by", "provider_id")
    named += ("appointment_id", "case_id", "status")
    return (
        record.replaces is None
        and record.is_archived == asked.archived
        and all(getattr(asked, n) in (None, getattr(record, n)) for n in named)
        and (asked.tag is None or fold_tag(asked.tag) in {fold_tag(t) for t in record.tags})
        and (asked.uploaded_from is None or record.uploaded_at >= asked.uploaded_from)
        and (asked.uploaded_before is None or record.uploaded_at < asked.uploaded_before)
        and (asked.q is None or _says(record, body, asked.q))
    )


def _says(record: Record, body: str, q: str) -> bool:
    *whole, last = query_words(q)
    texts = (record.original_name, record.description, *record.tags, record.category)
    words = {w for text in (*texts, record.subcategory or "", body) for w in words_of(text)}
    return all(w in words for w in whole) and any(w.startswith(last) for w in words)


def fill(db: Database, archive: Archive) -> None:
    with db.begin() as tx:
        for record in archive.records:
            store.add(tx, record)
            store.index_text(tx, record, body=archive.bodies[record.id])


def every_page(db: Database, scope: Scope, asked: Filters, *, limit: int) -> list[int]:
    found: list[int] = []
    cursor = None
    while True:
        with db.read() as tx:
            page = listing.page(tx, scope, asked, cursor=cursor, limit=limit)
        found += [record.id for record in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found


@contextmanager
def small_numbers(monkeypatch: pytest.MonkeyPatch, chance: random.Random) -> Iterator[None]:
    """Sizes at which a plan changes, made small enough that this archive meets every plan."""
    with monkeypatch.context() as patch:
        large = chance.choice((0, 3, 2000))
        patch.setattr(walks, "LARGE_PANEL", large)
        patch.setattr(search_postgresql, "RECENT", chance.choice((1, 10, 2000)))
        patch.setattr(search_postgresql, "CROWD", chance.choice((1, 2, 1000)))
        patch.setattr(search_postgresql, "AT_ONCE", chance.choice((1, 3, 400)))
        patch.setattr(search_postgresql, "COMMON", chance.choice((0, 15, 10_000)))
        yield


@pytest.mark.parametrize("seed", range(3))
def test_every_list_holds_exactly_what_its_filters_and_its_scope_allow_newest_first(
    db: Database, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    archive = make_archive(seed, 160)
    fill(db, archive)
    chance = random.Random(seed + 1000)
    met = 0
    for _ in range(70):
        scope, asked = any_scope(chance), any_filters(chance)
        with small_numbers(monkeypatch, chance):
            found = every_page(db, scope, asked, limit=chance.choice((1, 4, 200)))
        wanted = expected(archive, scope, panel_keys(scope, db), asked)
        assert found == wanted, asked
        met += len(wanted)
    assert met > 100


@pytest.mark.parametrize("keys", [range(1, 4), None])
def test_a_reader_who_pages_through_meets_each_record_once_while_new_ones_arrive(
    db: Database, ids: TimeOrderedIds, keys: range | None
) -> None:
    scope = WHOLE_ARCHIVE if keys is None else scope_of(keys)
    there = [make_record(ids.new(), patient_key=PatientKey(n % 3 + 1)) for n in range(40)]
    with db.begin() as tx:
        for record in there:
            store.add(tx, record)
    found: list[int] = []
    cursor = None
    while True:
        with db.read() as tx:
            page = listing.page(tx, scope, Filters(), cursor=cursor, limit=7)
        found += [record.id for record in page.items]
        with db.begin() as tx:
            store.add(tx, make_record(ids.new(), patient_key=PatientKey(2)))
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == [record.id for record in reversed(there)]


def test_a_page_brings_tags_and_all_in_few_queries_whatever_its_length(
    db: Database, ids: TimeOrderedIds, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.begin() as tx:
        for _ in range(60):
            store.add(tx, make_record(ids.new(), tags=("a", "b")))
    counts = []
    for limit in (1, 50):
        with db.read() as tx:
            asked: list[object] = []
            run = tx.execute
            monkeypatch.setattr(
                tx,
                "execute",
                lambda s, p=None, run=run, asked=asked: (asked.append(s), run(s, p))[1],
            )
            page = listing.page(tx, WHOLE_ARCHIVE, Filters(), limit=limit)
            assert [record.tags for record in page.items] == [("a", "b")] * limit
        counts.append(len(asked))
    assert counts[0] == counts[1] == 2


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_a_page_takes_one_to_two_hundred_records(db: Database, limit: int) -> None:
    with db.read() as tx, pytest.raises(BadLimit):
        listing.page(tx, WHOLE_ARCHIVE, Filters(), limit=limit)


@pytest.mark.parametrize(
    "q", ['"', "'", "a' OR 1=1 --", "crown AND", "NOT", "(", "*", "c*", "a:b", "\\", "^x", "{", "-"]
)
def test_no_query_is_a_syntax_error(db: Database, ids: TimeOrderedIds, q: str) -> None:
    with db.begin() as tx:
        store.add(tx, make_record(ids.new(), description="crown and not or a b c x"))
    for scope in (WHOLE_ARCHIVE, scope_of([1])):
        with db.read() as tx:
            listing.page(tx, scope, Filters(q=q))


def test_a_beginning_shared_by_more_words_than_are_spelled_out_still_finds_all(
    db: Database, ids: TimeOrderedIds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medstack.records.search.COMPLETIONS", 3)
    with db.begin() as tx:
        for n in range(8):
            store.add(tx, make_record(ids.new(), description=f"sample{n}"))
    for scope in (WHOLE_ARCHIVE, scope_of([1])):
        with db.read() as tx:
            assert len(listing.page(tx, scope, Filters(q="samp")).items) == 8


def test_an_erased_record_leaves_no_word_behind(db: Database, ids: TimeOrderedIds) -> None:
    from sqlalchemy import select

    from medstack.records.tables import record_words

    gone = make_record(ids.new(), description="Kowalczyk shared")
    kept = make_record(ids.new(), description="shared")
    with db.begin() as tx:
        store.add(tx, gone)
        store.add(tx, kept)
    with db.begin() as tx:
        store.erase(tx, gone.id)
    with db.read() as tx:
        words = {row.word for row in tx.execute(select(record_words))}
        assert "kowalczyk" not in words
        assert "shared" in words
        assert not listing.page(tx, WHOLE_ARCHIVE, Filters(q="kowalczyk")).items
        assert [r.id for r in listing.page(tx, WHOLE_ARCHIVE, Filters(q="shared")).items] == [
            kept.id
        ]


def test_archiving_moves_a_record_from_one_list_to_the_other(
    db: Database, ids: TimeOrderedIds
) -> None:
    record = make_record(ids.new(), tags=("recall",), description="crown")
    with db.begin() as tx:
        store.add(tx, record)
        store.archive(tx, record.id, now=datetime(2026, 4, 1, tzinfo=UTC))
    for asked in (
        Filters(),
        Filters(tag="recall"),
        Filters(q="crown"),
        Filters(patient_key=PatientKey(1)),
    ):
        for scope in (WHOLE_ARCHIVE, scope_of([1])):
            with db.read() as tx:
                assert not listing.page(tx, scope, asked).items
                assert listing.page(tx, scope, replace(asked, archived=True)).items


def test_tidying_ends_and_leaves_every_search_as_it_was(db: Database) -> None:
    archive = make_archive(9, 60)
    fill(db, archive)
    before = every_page(db, WHOLE_ARCHIVE, Filters(q="crown"), limit=50)
    rounds = 0
    is_untidy = True
    while is_untidy:
        with db.begin() as tx:
            is_untidy = records.tidy_index(tx, pages=1)
        rounds += 1
    assert rounds > 1 or db.dialect == "postgresql"
    assert every_page(db, WHOLE_ARCHIVE, Filters(q="crown"), limit=50) == before != []
