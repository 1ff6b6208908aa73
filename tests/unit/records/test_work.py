"""A list's price in a small and in a five times larger archive, in steps of SQLite's machine.

The benchmark does this at a million records; this is the tripwire for a plan that went wrong.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.places import DATABASE_KEY, Place
from tests.unit.records.making import NOW, make_record, scope_of

from medstack.db import Database, Tx
from medstack.db.scope import Scope
from medstack.kit.clock import SetClock
from medstack.kit.ids import AccountId, AppointmentId, PatientKey, ProviderId, TimeOrderedIds
from medstack.records import WHOLE_ARCHIVE, Category, Filters, Status, add, page

RECORDS_PER_PATIENT = 30
SIZES = (300, 1500)
MIDDLE = NOW + timedelta(hours=100)
FILTERS = {
    "newest": Filters(),
    "patient": Filters(patient_key=PatientKey(1)),
    "category": Filters(category=Category.INSURANCE),
    "subcategory": Filters(subcategory="claim"),
    "date": Filters(uploaded_from=MIDDLE, uploaded_before=MIDDLE + timedelta(hours=10)),
    "tag": Filters(tag="recall"),
    "uploader": Filters(uploaded_by=AccountId(3)),
    "provider": Filters(provider_id=ProviderId(3)),
    "appointment": Filters(appointment_id=AppointmentId(1)),
    "status": Filters(status=Status.HELD),
    "archived": Filters(archived=True),
    "word": Filters(q="crown"),
    "beginning": Filters(q="crow"),
    "word and tag": Filters(q="crown", tag="recall"),
}
SCOPES = {"everybody": WHOLE_ARCHIVE, "a panel": scope_of([1, 2, 3, 4, 5]), "one": scope_of([1])}


@pytest.fixture(scope="module")
def archives(
    tmp_path_factory: pytest.TempPathFactory, _sqlite_template: Path
) -> Iterator[list[Database]]:
    folder = tmp_path_factory.mktemp("work")
    opened = []
    for size in SIZES:
        path = folder / f"{size}.db"
        shutil.copyfile(_sqlite_template, path)
        db = Place(url=f"sqlite:///{path}", key=DATABASE_KEY).open()
        _fill(db, size)
        opened.append(db)
    yield opened
    for db in opened:
        db.close()


def _fill(db: Database, size: int) -> None:
    """Everything in the same shares, spread over the same time."""
    clock = SetClock(NOW)
    ids = TimeOrderedIds(clock)
    patients = size // RECORDS_PER_PATIENT
    with db.begin() as tx:
        for number in range(size):
            clock.advance(200 * 3600 / size)
            add(
                tx,
                make_record(
                    ids.new(),
                    patient_key=PatientKey(number % patients + 1),
                    original_name=f"IMG_{number % 100}.jpg",
                    category=tuple(Category)[number % 6],
                    subcategory="claim" if number % 6 == 4 else None,
                    description="crown" if number % 2 else "bridge",
                    uploaded_by=AccountId(number % 7 + 1),
                    provider_id=ProviderId(number % 4 + 1),
                    appointment_id=AppointmentId(number % patients // 2 + 1),
                    status=Status.HELD if number % 9 == 0 else Status.AVAILABLE,
                    archived_at=NOW if number < size // 4 else None,
                    tags=("recall",) if number % 5 == 0 else (),
                ),
            )


def steps(tx: Tx, ask: Callable[[], object]) -> int:
    raw: Any = tx.connection.connection.dbapi_connection
    counted = 0

    def step() -> int:
        nonlocal counted
        counted += 1
        return 0

    raw.set_progress_handler(step, 1)
    try:
        ask()
    finally:
        raw.set_progress_handler(None, 0)
    return counted


@pytest.mark.parametrize("who", SCOPES)
@pytest.mark.parametrize("what", FILTERS)
def test_a_page_of_an_archive_five_times_as_large_takes_no_more_steps(
    archives: list[Database], what: str, who: str
) -> None:
    scope: Scope = SCOPES[who]
    work = []
    for db in archives:
        with db.read() as tx:
            work.append(steps(tx, lambda tx=tx: page(tx, scope, FILTERS[what], limit=10)))
    small, large = work
    assert large <= 1.5 * max(small, 300), work
