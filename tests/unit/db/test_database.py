"""Transactions, hooks and refusals, on both databases."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, func, insert, select, update
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.exc import IntegrityError
from tests.places import NewPlace, Place

from medstack.db import Database, DatabaseBusy, DatabaseKeyWrong, StorageFull
from medstack.db.types import Json, Timestamp, instant

CANARY = "Quicksilver-Wombat-7731"
shelf = Table(
    "test_shelf",
    MetaData(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("label", Text, unique=True),
    Column("at", Timestamp),
    Column("facts", Json),
)


@pytest.fixture
def db(db: Database) -> Database:
    with db.begin() as tx:
        shelf.create(tx.connection)
    return db


def count(db: Database) -> int:
    with db.read() as tx:
        return tx.execute(select(func.count()).select_from(shelf)).scalar_one()


def test_a_finished_block_is_committed(db: Database) -> None:
    with db.begin() as tx:
        tx.execute(insert(shelf), [{"id": 1}, {"id": 2}])
    assert count(db) == 2


def test_an_exception_undoes_the_whole_block(db: Database) -> None:
    with pytest.raises(ZeroDivisionError), db.begin() as tx:
        tx.execute(insert(shelf), {"id": 1})
        raise ZeroDivisionError
    assert count(db) == 0


def test_schema_changes_are_undone_too(db: Database) -> None:
    with pytest.raises(ZeroDivisionError), db.begin() as tx:
        shelf.drop(tx.connection)
        raise ZeroDivisionError
    assert count(db) == 0


def test_a_reader_keeps_its_snapshot_while_others_write(db: Database) -> None:
    with db.read() as reader:
        before = reader.execute(select(func.count()).select_from(shelf)).scalar_one()
        with db.begin() as tx:
            tx.execute(insert(shelf), {"id": 1})
        after = reader.execute(select(func.count()).select_from(shelf)).scalar_one()
    assert (before, after, count(db)) == (0, 0, 1)


def test_a_reading_transaction_cannot_write(db: Database) -> None:
    with pytest.raises(Exception, match=r"readonly|read-only"), db.read() as tx:
        tx.execute(insert(shelf), {"id": 1})
    assert count(db) == 0


@pytest.mark.parametrize("method", ["before_commit", "after_commit"])
def test_a_reading_transaction_refuses_hooks_it_would_never_run(db: Database, method: str) -> None:
    with db.read() as tx, pytest.raises(RuntimeError):
        getattr(tx, method)(lambda: None)


def test_write_transactions_do_not_nest_in_one_thread(db: Database) -> None:
    with db.begin(), pytest.raises(RuntimeError), db.begin():
        pass


def test_hooks_run_in_order_around_the_commit(db: Database) -> None:
    seen: list[str] = []
    with db.begin() as tx:
        tx.after_commit(lambda: seen.append(f"after, {count(db)} row"))
        tx.before_commit(lambda: seen.append("first"))
        tx.before_commit(lambda: tx.before_commit(lambda: seen.append("added by second")))
        tx.before_commit(lambda: tx.execute(insert(shelf), {"id": 1}) and seen.append("third"))
        seen.append("block")
    assert seen == ["block", "first", "third", "added by second", "after, 1 row"]


def test_a_failing_hook_before_the_commit_undoes_the_transaction(db: Database) -> None:
    def refuse() -> None:
        raise ZeroDivisionError

    late: list[str] = []
    with pytest.raises(ZeroDivisionError), db.begin() as tx:
        tx.execute(insert(shelf), {"id": 1})
        tx.after_commit(lambda: late.append("ran"))
        tx.before_commit(refuse)
    assert (count(db), late) == (0, [])


def test_a_failing_hook_after_the_commit_is_logged_and_the_others_run(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    seen: list[str] = []
    with db.begin() as tx:
        tx.execute(insert(shelf), {"id": 1})
        tx.after_commit(fail)
        tx.after_commit(lambda: seen.append("next"))
    assert (count(db), seen) == (1, ["next"])
    assert [record.message for record in caplog.records] == ["db.after_commit"]


def test_a_hook_after_the_commit_may_open_the_next_transaction(db: Database) -> None:
    def follow() -> None:
        with db.begin() as tx:
            tx.execute(insert(shelf), {"id": 2})

    with db.begin() as tx:
        tx.after_commit(follow)
    assert count(db) == 1


def test_sixteen_threads_lose_no_update(db: Database) -> None:
    with db.begin() as tx:
        tx.execute(insert(shelf), {"id": 0})

    def add(_: int) -> None:
        with db.begin() as tx:
            tx.exclusive("counter")
            seen = tx.execute(select(shelf.c.id)).scalar_one()
            tx.execute(update(shelf).values(id=seen + 1))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(add, range(160)))
    with db.read() as tx:
        assert tx.execute(select(shelf.c.id)).scalar_one() == 160


def test_readers_do_not_wait_for_a_writer(db: Database) -> None:
    with db.begin() as tx:
        tx.execute(insert(shelf), {"id": 1})
        with ThreadPoolExecutor(16) as pool:
            assert list(pool.map(lambda _: count(db), range(64))) == [0] * 64


CHILD = """
import sys
from sqlalchemy import text
from medstack.db import Database
url, key, rounds = sys.argv[1], bytes.fromhex(sys.argv[2]) or None, int(sys.argv[3])
db = Database.open(url, key=key)
for _ in range(rounds):
    with db.begin() as tx:
        tx.exclusive("counter")
        seen = tx.execute(text("SELECT id FROM test_shelf")).scalar_one()
        tx.execute(text("UPDATE test_shelf SET id = :id"), {"id": seen + 1})
"""


def test_several_processes_lose_no_update(db: Database, db_place: Place) -> None:
    with db.begin() as tx:
        tx.execute(insert(shelf), {"id": 0})
    key = (db_place.key or b"").hex()
    command = [sys.executable, "-c", CHILD, db_place.url, key, "40"]
    children = [subprocess.Popen(command, env=os.environ | {"PYTHONPATH": "src"}) for _ in range(3)]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    with db.read() as tx:
        assert tx.execute(select(shelf.c.id)).scalar_one() == 120


def test_a_writer_that_waits_too_long_is_told_the_database_is_busy(db_place: Place) -> None:
    one, other = db_place.open(), db_place.open(lock_timeout_s=0.2)
    with one.begin() as tx:
        tx.exclusive("the door")
        with pytest.raises(DatabaseBusy) as refused, other.begin() as late:
            late.exclusive("the door")
    one.close()
    other.close()
    assert refused.value.code == "database-busy"


@pytest.mark.postgres
def test_two_that_wait_for_each_other_are_not_both_left_waiting(new_place: NewPlace) -> None:
    db = new_place("postgresql").open()
    both_hold_one = threading.Barrier(2, timeout=20)

    def take(names: tuple[str, str]) -> str:
        try:
            with db.begin() as tx:
                tx.exclusive(names[0])
                both_hold_one.wait()
                tx.exclusive(names[1])
                return "both"
        except DatabaseBusy as problem:
            return problem.code

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(take, [("left", "right"), ("right", "left")]))
    db.close()
    assert outcomes == ["both", "database-busy"]


def test_threads_of_one_process_wait_in_turn_and_then_give_up(new_place: NewPlace) -> None:
    db = new_place("sqlite").open(lock_timeout_s=0.2)
    outcome: list[str] = []

    def late() -> None:
        try:
            with db.begin():
                outcome.append("got in")
        except DatabaseBusy as problem:
            outcome.append(problem.code)

    with db.begin():
        thread = threading.Thread(target=late)
        thread.start()
        thread.join(10)
    db.close()
    assert outcome == ["database-busy"]


def test_a_broken_constraint_stays_for_the_room_to_explain(db: Database) -> None:
    with pytest.raises(IntegrityError), db.begin() as tx:
        tx.execute(insert(shelf), [{"id": 1, "label": "x"}, {"id": 2, "label": "x"}])
    assert count(db) == 0


def test_the_wrong_key_is_named_as_such(new_place: NewPlace) -> None:
    place = new_place("sqlite")
    with pytest.raises(DatabaseKeyWrong) as refused:
        Database.open(place.url, key=bytes(32))
    assert refused.value.code == "database-key-wrong"


def test_opening_with_the_wrong_key_prints_nothing(
    new_place: NewPlace, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DatabaseKeyWrong):
        Database.open(new_place("sqlite").url, key=bytes(32))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("key", [None, b"", b"short", bytes(33)])
def test_sqlite_is_never_opened_without_a_proper_key(tmp_path: Path, key: bytes | None) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Database.open(f"sqlite:///{tmp_path / 'plain.db'}", key=key)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_and_the_transaction_undone(new_place: NewPlace) -> None:
    db = new_place("sqlite").open()
    with db.begin() as tx:
        shelf.create(tx.connection)
        pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 5}").fetchall()
    with pytest.raises(StorageFull) as refused, db.begin() as tx:
        tx.execute(insert(shelf), {"id": 1, "label": "x" * 1_000_000})
    assert refused.value.code == "storage-full"
    assert count(db) == 0
    db.close()


def test_text_is_found_in_no_file_of_the_folder(new_place: NewPlace) -> None:
    place = new_place("sqlite")
    folder = place.folder
    db = place.open()

    def clean_files() -> set[str]:
        files = [path for path in folder.iterdir() if path.is_file()]
        assert [path.name for path in files if CANARY.encode() in path.read_bytes()] == []
        return {path.suffix for path in files}

    rows = [{"id": n, "label": f"{CANARY} {n}", "facts": {"a": CANARY}} for n in range(3000)]
    with db.begin() as tx:
        shelf.create(tx.connection)
        tx.execute(insert(shelf), rows)
        clean_files()
    assert {".db", ".db-wal", ".db-shm"} <= clean_files()
    with db.begin() as tx:
        tx.execute(shelf.delete().where(shelf.c.id > 100))
    clean_files()
    db.close()
    assert ".db" in clean_files()


def test_json_comes_back_as_it_went(db: Database) -> None:
    facts = {"zahn": "Prämolar", "list": [1, 2.5, None, True], "deep": {"a": {}}}
    with db.begin() as tx:
        tx.execute(insert(shelf), {"id": 1, "facts": facts})
    with db.read() as tx:
        assert tx.execute(select(shelf.c.facts)).scalar_one() == facts


def test_a_timestamp_keeps_its_instant_and_comes_back_in_utc(db: Database) -> None:
    at = datetime(2026, 3, 1, 23, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=-8)))
    with db.begin() as tx:
        tx.execute(insert(shelf), {"id": 1, "at": at})
    with db.read() as tx:
        back = tx.execute(select(shelf.c.at)).scalar_one()
    assert back == at
    assert back.tzinfo is UTC


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_timestamps_are_stored_exactly_and_in_order(one: datetime, other: datetime) -> None:
    kind, dialect = Timestamp(), sqlite_dialect.dialect()
    stored = [kind.process_bind_param(at, dialect) for at in (one, other)]
    assert [kind.process_result_value(value, dialect) for value in stored] == [one, other]
    assert (stored[0] < stored[1]) == (one < other)  # type: ignore[operator]


def test_a_naive_datetime_names_no_instant() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Timestamp().process_bind_param(datetime(2026, 1, 1), sqlite_dialect.dialect())  # noqa: DTZ001


def test_a_signal_reaches_subscribers_once_and_only_after_the_commit(db: Database) -> None:
    heard: list[int] = []
    leave = db.subscribe("shelf", lambda: heard.append(count(db)))
    with pytest.raises(ZeroDivisionError), db.begin() as tx:
        tx.signal("shelf")
        raise ZeroDivisionError
    with db.begin() as tx:
        tx.signal("shelf")
        tx.signal("shelf")
        tx.execute(insert(shelf), {"id": 1})
    leave()
    with db.begin() as tx:
        tx.signal("shelf")
    assert heard == [1]


def test_the_database_tells_the_time_of_a_row(db: Database) -> None:
    before = datetime.now(UTC)
    with db.begin() as tx:
        tx.execute(insert(shelf).values(id=1, at=instant()))
        at = tx.execute(select(shelf.c.at)).scalar_one()
    assert abs((at - before).total_seconds()) < 5
