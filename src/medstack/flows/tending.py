"""What the worker does by itself, now and then: end what expired, retry what waits, sweep up.

Every act is safe to repeat and to leave off anywhere; several workers may tend the same house.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from medstack import access, audit, intake, jobs, notices, people, records
from medstack.audit import Action
from medstack.flows import ingest
from medstack.flows.house import House
from medstack.flows.receive import forget
from medstack.flows.story import announce
from medstack.kit.actor import SYSTEM
from medstack.records import Filters, Record, Status, Step

# Held for what passes by itself: an engine, a disk, a database or the parsers in trouble.
PASSING = frozenset(
    {
        "sandbox-unavailable",
        "scanner-unavailable",
        "storage-full",
        "storage-failed",
        "database-busy",
        "database-unreachable",
    }
)
_NEWS_KEPT = timedelta(days=2)
_LINKS_KEPT = timedelta(days=30)
_JOBS_KEPT = timedelta(days=30)
_LITTER_AGE = timedelta(hours=1)
_AT_ONCE = 200


def expire_uploads(house: House) -> int:
    """End uploads nobody continued in time; their keys go at once. Returns how many."""
    now = house.clock.now()
    with house.db.begin() as tx:
        ended = intake.expire_due(tx, now)
        for upload in ended:
            forget(tx, house, upload)
            audit.write(tx, Action.UPLOAD_EXPIRED, actor=SYSTEM, upload=upload.id)
    return len(ended)


def retry_waiting(house: House) -> int:
    """Send records through again that were held for what passes. Returns how many."""
    waiting = [record for record in _held(house) if record.status_reason in PASSING]
    for record in waiting:
        with house.db.begin() as tx:
            if records.lock(tx, record.id).status is Status.HELD:
                moved = records.move(tx, record.id, Step.RETRY, now=house.clock.now())
                jobs.enqueue(tx, ingest.JOB, group=f"{record.id}", record=record.id)
                announce(tx, house, moved)
    return len(waiting)


def _held(house: House) -> Iterator[Record]:
    cursor = None
    while True:
        with house.db.read() as tx:
            page = records.page(
                tx,
                records.WHOLE_ARCHIVE,
                Filters(status=Status.HELD),
                cursor=cursor,
                limit=_AT_ONCE,
            )
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def sweep(house: House) -> int:
    """Remove what no longer counts: litter in the store, old sessions, old news."""
    now = house.clock.now()
    with house.db.begin() as tx:
        people.sweep_expired(tx, at=now)
        people.sweep_attempts(tx, now=now)
        notices.forget_before(tx, now - _NEWS_KEPT)
        access.sweep_links(tx, before=now - _LINKS_KEPT)
        jobs.prune(tx, before=now - _JOBS_KEPT)
    return house.vault.sweep(house.db, older_than=_LITTER_AGE)
