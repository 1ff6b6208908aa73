"""How many audit events a second are durable, beside bare commits of the same database.

    python -m benchmarks.audit

A bare commit inserts rows of an event's size and waits for the disk, through the same
connection; an event does that, and keeps the tree and the index of what it touched. Both are
timed in turns, in one run, so the ratio means something on a busy machine. Wanted are 1000
events a second; where the disk cannot do as many bare commits, half of what it can.
PostgreSQL runs with fsync, in a private server.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, insert
from tests import postgres_server

from medstack import audit
from medstack.audit import Action, Signer
from medstack.db import Database
from medstack.db.schema import metadata
from medstack.kit.actor import Actor, Role
from medstack.kit.ids import AccountId, PatientKey, RecordId

WANTED_PER_S = 1000
WANTED_OF_BARE = 0.5
ROUNDS = 5
COMMITS = {1: 400, 20: 100}  # events a commit -> commits a round
BODY = bytes(340)
ADA = Actor(account_id=AccountId(7), role=Role.DENTIST, address="127.0.0.1", request_id="bench")
SIGNER = Signer(name="medstack.bench/audit", seed=bytes(32))

plain = Table(
    "bench_plain",
    MetaData(),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)


def main() -> int:
    missed = 0
    for name, opened in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
        with opened() as db:
            missed += _measure(name, db)
    return 1 if missed else 0


def _measure(name: str, db: Database) -> int:
    with db.begin() as tx:
        tables = [table for table in metadata.sorted_tables if table.name.startswith("audit_")]
        metadata.create_all(tx.connection, tables=tables)
        plain.create(tx.connection)
    missed = 0
    written = [0]
    for each, commits in COMMITS.items():
        bare, full = [], []
        for _ in range(ROUNDS):
            bare.append(_rate(partial(_plain_commit, db, each, written), commits) * each)
            full.append(_rate(partial(_event_commit, db, each), commits) * each)
        mine, other = statistics.median(full), statistics.median(bare)
        is_met = mine >= min(WANTED_PER_S, other * WANTED_OF_BARE)
        missed += not is_met
        print(
            f"{name:10} {each:3} a commit: {mine:7.0f} events/s,"
            f" bare rows {other:7.0f}/s, ratio {mine / other:.2f}"
            f"   {'ok' if is_met else 'MISSED'}",
            flush=True,
        )
    _measure_verification(name, db)
    return missed


def _measure_verification(name: str, db: Database) -> None:
    with db.begin() as tx:
        note = audit.checkpoint(tx, SIGNER)
    for how, since in (("all of it", None), ("since the last", note)):
        start = time.perf_counter()
        with db.read() as tx:
            report = audit.verify(tx, verifier=SIGNER.verifier, since=since)
        took = time.perf_counter() - start
        assert report.is_whole
        print(f"{name:10}  verified {how}: {report.size} events in {took:.2f} s")


def _rate(commit: Callable[[], None], commits: int) -> float:
    start = time.perf_counter()
    for _ in range(commits):
        commit()
    return commits / (time.perf_counter() - start)


def _event_commit(db: Database, each: int) -> None:
    with db.begin() as tx:
        for number in range(each):
            audit.write(
                tx,
                Action.CONTENT_READ,
                actor=ADA,
                record=RecordId(number),
                patient=PatientKey(number % 50),
                version=1,
            )


def _plain_commit(db: Database, each: int, written: list[int]) -> None:
    with db.begin() as tx:
        rows = [{"seq": written[0] + n, "body": BODY} for n in range(each)]
        tx.execute(insert(plain), rows)
        written[0] += each


@contextmanager
def _sqlite() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:  # a disk, not a memory /tmp
        db = Database.open(f"sqlite:///{folder}/audit.db", key=bytes(range(32)))
        yield db
        db.close()


@contextmanager
def _postgresql() -> Iterator[Database]:
    postgres_server.reserve()
    try:
        url = postgres_server.start()
        with psycopg.connect(url, autocommit=True) as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {setting} = on")  # type: ignore[arg-type]
            connection.execute("SELECT pg_reload_conf()")
            time.sleep(0.5)
            (is_durable,) = connection.execute("SHOW fsync").fetchone() or ("off",)
            assert is_durable == "on"
        db = Database.open(url)
        yield db
        db.close()
    finally:
        postgres_server.stop()


if __name__ == "__main__":
    sys.exit(main())
