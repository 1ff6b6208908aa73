"""Does the price of a list follow the archive's size? Counted in work, not in time.

    python -m benchmarks.listing --sizes 100000,1000000 --db sqlite

Every filter, for every role, through the real query functions with the real scopes. SQLite: steps
of its virtual machine, and pages touched (FTS5 works outside the machine). PostgreSQL: shared
buffers hit or read, by EXPLAIN ANALYZE of every statement a page needs. Neither depends on the
machine or on what else it does. Fails if steps or buffers grow by more than half.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
from benchmarks.listing_archive import (
    ACCOUNTS,
    OLD_WORD,
    RARE_WORD,
    START,
    Archive,
    load,
)
from sqlalchemy import event
from tests import postgres_server

from medstack import access, people
from medstack.db import Database, Tx
from medstack.db.schema import metadata
from medstack.db.scope import Scope
from medstack.kit.actor import Actor, Role
from medstack.kit.ids import AccountId, ProviderId, RecordId, first_id_at
from medstack.records import Category, Filters, Status, page, tidy_index

# Pages are counted for what FTS5 does outside the machine: linear work would show as the sizes'
# own ratio. They may grow by the levels a B-tree gains and by longer leaps, no more.
BARS = {"steps": 1.5, "buffers": 1.5, "pages": 2.5}
FLOOR = {"steps": 500, "pages": 60, "buffers": 60}  # below this a level more of a B-tree decides
KEY = bytes(range(32))
Work = dict[str, int]


def cases(archive: Archive) -> dict[str, tuple[Filters, RecordId | None]]:
    """Every filter, some pairs, and a page far down the list."""
    month = {
        "uploaded_from": archive.middle,
        "uploaded_before": archive.middle + timedelta(days=30),
    }
    middle = RecordId(first_id_at(archive.middle))
    photos = Category.TREATMENT_PHOTOS
    single = {
        "newest": Filters(),
        "patientId": Filters(patient_key=archive.patient),
        "category": Filters(category=photos),
        "subcategory": Filters(subcategory="surgical"),
        "dateFrom/To": Filters(**month),
        "tag common": Filters(tag="tag0"),
        "tag seldom": Filters(tag="tag29"),
        "uploadedBy": Filters(uploaded_by=AccountId(105)),
        "providerId": Filters(provider_id=ProviderId(3)),
        "appointmentId": Filters(appointment_id=archive.appointment),
        "caseId": Filters(case_id=archive.case),
        "folderId": Filters(folder_id=archive.folder),
        "batchId": Filters(batch_id=archive.batch),
        "status": Filters(status=Status.HELD),
        "archived": Filters(archived=True),
        "q common": Filters(q="w00000"),
        "q middling": Filters(q="w00300"),
        "q seldom": Filters(q="w05000"),
        "q rare": Filters(q=RARE_WORD),
        "q of old days": Filters(q=OLD_WORD),
        "q absent": Filters(q="nowhere"),
        "q two words": Filters(q="w00003 w00030"),
        "q beginning, short": Filters(q="w0"),
        "q beginning, long": Filters(q="w0001"),
        "category + date": Filters(category=photos, **month),
        "provider + category": Filters(provider_id=ProviderId(3), category=photos),
        "q common + category": Filters(q="w00000", category=photos),
        "q common + date": Filters(q="w00000", **month),
        "q common + tag": Filters(q="w00000", tag="tag5"),
        "q common + patientId": Filters(q="w00000", patient_key=archive.patient),
    }
    made: dict[str, tuple[Filters, RecordId | None]] = {n: (f, None) for n, f in single.items()}
    made["newest, far down"] = (Filters(), middle)
    made["q middling, far down"] = (Filters(q="w00300"), middle)
    return made


def scopes(archive: Archive) -> dict[str, Scope]:
    """What each role may see, made as the flows make it."""
    made = {}
    for name, account in ACCOUNTS.items():
        role = Role(name.partition("-")[0])
        own = archive.patient if role is Role.PATIENT else None
        actor = Actor(account_id=AccountId(account), role=role, patient_key=own)
        at = START + timedelta(days=6 * 365)
        made[name] = access.scope(actor, people.panel(actor, at))
    return made


@dataclass(slots=True)
class Measured:
    size: int
    work: dict[tuple[str, str], Work]
    found: dict[tuple[str, str], int]


def measure(
    db: Database, archive: Archive, count: Callable[[Tx, Callable[[], Any]], Work]
) -> Measured:
    measured = Measured(archive.size, {}, {})
    for role, scope in scopes(archive).items():
        for name, (filters, cursor) in cases(archive).items():
            with db.read() as tx:
                shown: list[int] = []

                def ask(
                    tx: Tx = tx,
                    scope: Scope = scope,
                    filters: Filters = filters,
                    cursor: RecordId | None = cursor,
                    shown: list[int] = shown,
                ) -> None:
                    shown.append(len(page(tx, scope, filters, cursor=cursor).items))

                measured.work[name, role] = count(tx, ask)
                measured.found[name, role] = shown[0]
    return measured


# --- SQLite


def sqlite_work(tx: Tx, ask: Callable[[], Any]) -> Work:
    """Steps by a progress handler at every step; pages by the connection's own counters."""
    from sqlcipher3 import _sqlite3

    raw: Any = tx.connection.connection.dbapi_connection
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    library = ctypes.CDLL(_sqlite3.__file__)
    handle = ctypes.c_void_p.from_address(id(raw) + 2 * ctypes.sizeof(ctypes.c_void_p))
    before = _pages(library, handle)
    raw.set_progress_handler(step, 1)
    try:
        ask()
    finally:
        raw.set_progress_handler(None, 0)
    return {"steps": steps, "pages": _pages(library, handle) - before}


def _pages(library: ctypes.CDLL, handle: ctypes.c_void_p) -> int:
    """Pages a connection has asked its cache for: SQLITE_DBSTATUS_CACHE_HIT and _MISS."""
    total = 0
    for counter in (7, 8):
        current, highest = ctypes.c_int(), ctypes.c_int()
        done = library.sqlite3_db_status(
            handle, counter, ctypes.byref(current), ctypes.byref(highest), 0
        )
        assert done == 0
        total += current.value
    return total


@contextmanager
def sqlite_database() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="medstack-bench-") as folder:
        db = Database.open(f"sqlite:///{folder}/bench.db", key=KEY)
        with db.begin() as tx:
            raw: Any = tx.connection.connection.dbapi_connection
            metadata.create_all(tx.connection)
        for pragma in ("synchronous = OFF", "cache_size = -1000000"):
            raw.execute(f"PRAGMA {pragma}")
        yield db
        db.close()


# --- PostgreSQL


def postgresql_work(tx: Tx, ask: Callable[[], Any]) -> Work:
    """Run the page once, then explain every statement it needed, on the same snapshot."""
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, params: Any, _x: Any, _many: Any) -> None:
        asked.append((statement, params))

    event.listen(tx.connection, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(tx.connection, "before_cursor_execute", note)
    total = 0
    for statement, params in asked:
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
        plan = tx.connection.exec_driver_sql(explain, params).scalar_one()[0]["Plan"]
        if os.environ.get("PLANS"):
            print(json.dumps(plan, indent=1), file=sys.stderr)
        total += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return {"buffers": total}


@contextmanager
def postgresql_database() -> Iterator[Database]:
    postgres_server.reserve()
    try:
        url = postgres_server.start()
        db = Database.open(url)
        with db.begin() as tx:
            metadata.create_all(tx.connection)
        yield db
        db.close()
    finally:
        postgres_server.stop()


def settle(db: Database) -> None:
    """What a quiet hour does: on SQLite our job, on PostgreSQL its own."""
    is_untidy = True
    while is_untidy:
        with db.begin() as tx:
            is_untidy = tidy_index(tx)
    if db.dialect == "postgresql":
        with db.read() as tx:
            raw: Any = tx.connection.connection.dbapi_connection
            dsn = raw.info.dsn
        with psycopg.connect(dsn, autocommit=True) as own:
            own.execute("VACUUM ANALYZE")


# --- report


def run(kind: str, sizes: list[int]) -> list[Measured]:
    measured = []
    for size in sizes:
        opener = sqlite_database if kind == "sqlite" else postgresql_database
        with opener() as db:
            started = time.monotonic()
            archive = load(db, size)
            settle(db)
            print(f"{kind}: {size} records in {time.monotonic() - started:.0f} s", file=sys.stderr)
            count = sqlite_work if kind == "sqlite" else postgresql_work
            measured.append(measure(db, archive, count))
    return measured


def report(kind: str, runs: list[Measured]) -> bool:
    """Print every figure; True if none grew past the bar."""
    first, last = runs[0], runs[-1]
    is_flat = True
    units = list(next(iter(first.work.values())))
    print(f"\n{kind}: {first.size} -> {last.size} records")
    print(
        f"{'filter':<24}{'role':<12}{'found':>6}" + "".join(f"{u:>20}{'ratio':>7}" for u in units)
    )
    for key, work in last.work.items():
        line = f"{key[0]:<24}{key[1]:<12}{last.found[key]:>6}"
        for unit in units:
            small, large = first.work[key][unit], work[unit]
            ratio = large / max(small, FLOOR[unit])
            flag = "!" if ratio > BARS[unit] else " "
            is_flat = is_flat and ratio <= BARS[unit]
            line += f"{small:>10}{large:>10}{ratio:>6.2f}{flag}"
        print(line)
    return is_flat


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--sizes", default="20000,200000")
    parser.add_argument("--db", choices=("sqlite", "postgresql", "both"), default="both")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    kinds = ("sqlite", "postgresql") if options.db == "both" else (options.db,)
    verdicts = [report(kind, run(kind, sizes)) for kind in kinds]
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
