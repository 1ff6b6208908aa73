"""Writing, listing, proving and continuing the log, on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tests.places import Place
from tests.unit.audit.practice import (
    ADA,
    NOON,
    SIGNER,
    check,
    sign,
    write_at_once,
    write_events,
)

from medstack import audit
from medstack.audit import Action, Fault, Filter, Outcome, merkle
from medstack.db import Database
from medstack.kit.actor import Actor, Role
from medstack.kit.clock import SetClock
from medstack.kit.ids import AccountId, PatientKey, RecordId


def everything(db: Database, chosen: Filter | None = None) -> tuple[audit.Event, ...]:
    with db.read() as tx:
        return audit.listing(tx, chosen or Filter(), limit=200)


def test_an_event_says_who_did_what_to_which_and_how_it_went(db: Database) -> None:
    with db.begin() as tx:
        audit.write(
            tx,
            Action.CONTENT_DOWNLOADED,
            actor=ADA,
            outcome="refused",
            record=RecordId(11),
            patient=PatientKey(22),
            clock=SetClock(NOON),
            code="right-missing",
            size_bytes=5,
        )
    (event,) = everything(db)
    assert (event.seq, event.at, event.action) == (0, NOON, "content.downloaded")
    assert (event.actor_id, event.role, event.via) == (7, "dentist", "session")
    assert (event.address, event.request_id, event.outcome) == ("127.0.0.1", "r1", "refused")
    assert (event.records, event.patients) == ((11,), (22,))
    assert event.facts == {"code": "right-missing", "size_bytes": 5}


def test_an_event_of_an_undone_transaction_was_never_written(db: Database) -> None:
    with pytest.raises(RuntimeError, match="undone"), db.begin() as tx:
        audit.write(tx, Action.RECORD_CHANGED, actor=ADA)
        raise RuntimeError("undone")
    assert everything(db) == ()
    assert check(db).is_whole


def test_an_event_that_cannot_be_written_undoes_its_transaction(db: Database) -> None:
    write_events(db, 1)
    with db.begin() as tx:
        tx.execute(text("UPDATE audit_head SET size = 0, peaks = :none"), {"none": b""})
    with pytest.raises(Exception, match=r"UNIQUE|duplicate"), db.begin() as tx:
        tx.execute(text("DELETE FROM audit_subjects"))
        audit.write(tx, Action.RECORD_CHANGED, actor=ADA)
    with db.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM audit_subjects")).scalar_one() == 2


def test_a_damaged_head_refuses_events_by_name(db: Database) -> None:
    write_events(db, 1)
    with db.begin() as tx:
        tx.execute(text("UPDATE audit_head SET size = 3"))
    with pytest.raises(audit.LogDamaged), db.begin() as tx:
        audit.write(tx, Action.RECORD_CHANGED, actor=ADA)


def test_events_of_one_transaction_keep_their_order(db: Database) -> None:
    actions = [Action.UPLOAD_FINISHED, Action.RECORD_RECEIVED, Action.RECORD_STORED]
    with db.begin() as tx:
        for action in actions:
            audit.write(tx, action, actor=ADA)
    assert [event.action for event in reversed(everything(db))] == actions


def test_an_event_written_while_the_transaction_commits_is_kept(db: Database) -> None:
    with db.begin() as tx:
        audit.write(tx, Action.RECORD_CHANGED, actor=ADA)
        tx.before_commit(lambda: audit.write(tx, Action.RECORD_ARCHIVED, actor=ADA))
    assert [event.action for event in everything(db)] == ["record.archived", "record.changed"]
    assert check(db).is_whole


def test_writers_at_once_neither_fork_the_log_nor_lose_an_event(db: Database) -> None:
    threads = [
        threading.Thread(target=write_events, args=(db, 10), kwargs={"first": 100 * n})
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = check(db)
    assert report.is_whole
    assert report.size == 40
    assert {event.facts["version"] for event in everything(db)} == {
        100 * n + m for n in range(4) for m in range(10)
    }


@pytest.mark.parametrize("told", ["Smith, Anna", "anna smith", "smith\n", "x" * 200, "ñ"])
def test_a_fact_that_is_no_code_word_is_not_in_the_leaf(db: Database, told: str) -> None:
    with db.begin() as tx:
        audit.write(tx, Action.RECORD_LISTED, actor=ADA, query=told, parts=("a", told))
    (event,) = everything(db)
    assert event.facts == {}
    assert event.personal == {"query": told, "parts": f"a {told}"}
    with db.read() as tx:
        body = bytes(tx.execute(text("SELECT body FROM audit_events")).scalar_one())
    assert told.encode() not in body


def test_a_stated_purpose_is_a_personal_detail(db: Database) -> None:
    actor = Actor(account_id=AccountId(1), role=Role.ADMIN, reason="asked by the patient")
    with db.begin() as tx:
        audit.write(tx, Action.RECORD_VIEWED, actor=actor)
    assert everything(db)[0].personal == {"purpose": "asked by the patient"}


def test_erased_details_leave_the_log_whole(db: Database) -> None:
    write_events(db, 12)
    with db.begin() as tx:
        assert audit.erase_details(tx, PatientKey(0)) == 1
    report = check(db)
    assert report.is_whole
    assert report.erased_details == 1
    erased = [event.seq for event in everything(db) if event.personal is None]
    assert erased == [0]


def test_an_outcome_that_is_none_is_refused(db: Database) -> None:
    with pytest.raises(ValueError, match="fine"), db.begin() as tx:
        audit.write(tx, Action.RECORD_VIEWED, actor=ADA, outcome="fine")


@pytest.fixture
def mixed(db: Database) -> Database:
    clock = SetClock(NOON)
    for number in range(30):
        with db.begin() as tx:
            audit.write(
                tx,
                Action.RECORD_VIEWED if number % 2 else Action.CONTENT_READ,
                actor=Actor(account_id=AccountId(number % 3), role=Role.STAFF),
                record=(RecordId(number), RecordId(number + 1)),
                patient=PatientKey(number % 4),
                clock=clock,
            )
        clock.advance(60)
    return db


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Filter(), set(range(30))),
        (Filter(actor_id=AccountId(1)), set(range(1, 30, 3))),
        (Filter(patient=PatientKey(2)), set(range(2, 30, 4))),
        (Filter(record=RecordId(5)), {4, 5}),
        (Filter(actions=frozenset({"content.read"})), set(range(0, 30, 2))),
        (Filter(actions=frozenset({"content.read", "record.viewed"})), set(range(30))),
        (Filter(since=NOON + timedelta(minutes=10)), set(range(10, 30))),
        (Filter(until=NOON + timedelta(minutes=10)), set(range(10))),
        (
            Filter(
                actor_id=AccountId(1),
                patient=PatientKey(1),
                actions=frozenset({"record.viewed"}),
                since=NOON + timedelta(minutes=2),
            ),
            {13, 25},
        ),
    ],
)
def test_a_filter_lists_what_fits_every_condition_newest_first(
    mixed: Database, chosen: Filter, expected: set[int]
) -> None:
    found = [event.seq for event in everything(mixed, chosen)]
    assert found == sorted(expected, reverse=True)


@pytest.mark.parametrize("limit", [1, 7, 30, 200])
def test_pages_together_are_the_whole_list(mixed: Database, limit: int) -> None:
    pages, before = [], None
    with mixed.read() as tx:
        while page := audit.listing(tx, Filter(), before=before, limit=limit):
            pages += [event.seq for event in page]
            before = page[-1].seq
    assert pages == list(range(29, -1, -1))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_every_filter_lists_exactly_what_fits_though_the_clock_steps_back(
    long_mixed: list[audit.Event], long_db: Database, data: st.DataObject
) -> None:
    times = st.one_of(st.none(), st.integers(-5, 700).map(lambda m: NOON + timedelta(minutes=m)))
    chosen = Filter(
        actor_id=data.draw(st.one_of(st.none(), st.integers(0, 3).map(AccountId))),
        patient=data.draw(st.one_of(st.none(), st.integers(0, 4).map(PatientKey))),
        actions=data.draw(st.frozensets(st.sampled_from(["record.viewed", "content.read", "x"]))),
        since=data.draw(times),
        until=data.draw(times),
    )
    before = data.draw(st.one_of(st.none(), st.integers(0, 700)))
    expected = [event for event in long_mixed if _fits(event, chosen)]
    expected = [event for event in expected if before is None or event.seq < before]
    with long_db.read() as tx:
        found = audit.listing(tx, chosen, before=before, limit=60)
    assert list(found) == expected[:60]


def _fits(event: audit.Event, chosen: Filter) -> bool:
    return (
        (chosen.actor_id is None or event.actor_id == chosen.actor_id)
        and (chosen.patient is None or chosen.patient in event.patients)
        and (not chosen.actions or event.action in chosen.actions)
        and (chosen.since is None or event.at >= chosen.since)
        and (chosen.until is None or event.at < chosen.until)
    )


@pytest.fixture
def long_db(db: Database) -> Database:
    """600 events over ten hours, whose clock went back half an hour every hour and a half."""
    for minute in range(0, 600, 10):
        clock = SetClock(NOON + timedelta(minutes=minute - 30 * (minute // 90)))
        with db.begin() as tx:
            for number in range(minute, minute + 10):
                audit.write(
                    tx,
                    Action.RECORD_VIEWED if number % 3 else Action.CONTENT_READ,
                    actor=Actor(account_id=AccountId(number % 3), role=Role.STAFF),
                    patient=PatientKey(number % 4),
                    clock=clock,
                )
    return db


@pytest.fixture
def long_mixed(long_db: Database) -> list[audit.Event]:
    """All of them, newest first."""
    found: list[audit.Event] = []
    with long_db.read() as tx:
        while page := audit.listing(
            tx, Filter(), before=found[-1].seq if found else None, limit=99
        ):
            found += page
    assert len(found) == 600
    return found


def test_a_caller_may_look_one_row_beyond_the_largest_page(db: Database) -> None:
    write_at_once(db, 210)
    with db.read() as tx:
        assert len(audit.listing(tx, Filter(), limit=201)) == 201
        assert len(audit.listing(tx, Filter(), limit=5000)) == 201


def test_an_altered_event_is_refused_by_the_list_too(mixed: Database) -> None:
    with mixed.begin() as tx:
        tx.execute(text("UPDATE audit_events SET body = :body WHERE seq = 3"), {"body": b"{}"})
    with pytest.raises(audit.LogDamaged), mixed.read() as tx:
        audit.listing(tx, Filter())


def test_a_later_check_starts_where_the_last_one_ended(db: Database) -> None:
    write_at_once(db, 300)
    since = sign(db)
    write_at_once(db, 300, first=300)
    report = check(db, since=since)
    assert report.is_whole
    assert (report.checked_from, report.size) == (256, 600)
    assert report.root == check(db).root


def test_a_later_check_still_sees_a_hash_changed_before_its_start(db: Database) -> None:
    write_at_once(db, 300)
    since = sign(db)
    with db.begin() as tx:
        tx.execute(
            text("UPDATE audit_events SET leaf_hash = :hash WHERE seq = 290"), {"hash": bytes(32)}
        )
    report = check(db, since=since)
    assert not report.is_whole
    assert report.checked_from == 0
    assert report.findings[0].seq == 290


def test_an_event_gone_from_before_the_start_shows_against_an_older_checkpoint(
    db: Database,
) -> None:
    write_at_once(db, 40)
    oldest = sign(db)
    write_at_once(db, 300, first=40)
    since = sign(db)
    with db.begin() as tx:
        tx.execute(text("DELETE FROM audit_events WHERE seq = 39"))
    report = check(db, checkpoint=oldest, since=since)
    assert Fault.MISSING in {finding.fault for finding in report.findings}
    assert not check(db).is_whole


@pytest.mark.parametrize("note", ["", "nonsense", "\ud800", "a\n\n— medstack.test/audit \ud800\n"])
def test_a_checkpoint_that_is_none_is_a_finding_and_no_crash(db: Database, note: str) -> None:
    write_events(db, 2)
    for report in (check(db, checkpoint=note), check(db, since=note)):
        assert [finding.fault for finding in report.findings] == [Fault.CHECKPOINT]
        assert (report.size, report.checked_from) == (2, 0)


def test_a_later_check_holds_an_even_older_checkpoint_to_the_log(db: Database) -> None:
    write_at_once(db, 40)
    oldest = sign(db)
    write_at_once(db, 300, first=40)
    since = sign(db)
    report = check(db, checkpoint=oldest, since=since)
    assert report.is_whole
    assert report.checkpoints == 2


@pytest.fixture(scope="module")
def long_log(tmp_path_factory: pytest.TempPathFactory) -> Database:
    from tests.places import DATABASE_KEY

    from medstack.db.schema import metadata

    path = tmp_path_factory.mktemp("log") / "log.db"
    db = Place(url=f"sqlite:///{path}", key=DATABASE_KEY).open()
    with db.begin() as tx:
        metadata.create_all(
            tx.connection,
            tables=[table for table in metadata.sorted_tables if table.name.startswith("audit_")],
        )
    write_at_once(db, 1100)
    return db


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_event_is_proved_to_be_in_any_later_tree(
    long_log: Database, data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, 1100))
    seq = data.draw(st.integers(0, size - 1))
    with long_log.read() as tx:
        proof = audit.prove_inclusion(tx, seq, size=size)
        root = audit.store.edge_at(tx, size).root
        leaf = audit.store.subtree(tx, seq, seq + 1)
    assert merkle.is_included(leaf, index=seq, size=size, root=root, proof=proof)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_tree_is_proved_to_continue_any_earlier_one(
    long_log: Database, data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, 1100))
    old = data.draw(st.integers(1, size))
    with long_log.read() as tx:
        proof = audit.prove_consistency(tx, old, size=size)
        old_root = audit.store.edge_at(tx, old).root
        root = audit.store.edge_at(tx, size).root
    assert merkle.is_consistent(old=old, old_root=old_root, size=size, root=root, proof=proof)


def test_the_stored_edge_is_the_tree_of_every_leaf(long_log: Database) -> None:
    with long_log.read() as tx:
        leaves = tx.execute(text("SELECT leaf_hash FROM audit_events ORDER BY seq")).scalars()
        assert audit.edge(tx).root == merkle.Edge().extend(leaves).root


def test_a_kept_checkpoint_is_found_again(db: Database) -> None:
    write_events(db, 3)
    note = sign(db)
    with db.read() as tx:
        assert audit.latest_checkpoint(tx) == note
    assert audit.read_checkpoint(note, SIGNER.verifier).size == 3


def test_every_action_is_two_words_and_unlike_every_other() -> None:
    assert len({action.value for action in Action}) == len(Action)
    for action in Action:
        subject, _, verb = action.value.partition(".")
        assert subject
        assert verb
    assert [outcome.value for outcome in Outcome] == ["ok", "refused", "failed"]


def test_times_never_run_backwards_while_the_clock_does_not(mixed: Database) -> None:
    times = [event.at for event in reversed(everything(mixed))]
    assert all(earlier <= later for earlier, later in pairwise(times))
