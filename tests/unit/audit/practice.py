"""A log to test on: a clock, a signer, and events to write."""

from __future__ import annotations

from datetime import UTC, datetime

from medstack import audit
from medstack.audit import Action, Signer
from medstack.db import Database, Tx
from medstack.kit.actor import Actor, Role
from medstack.kit.clock import SetClock
from medstack.kit.ids import AccountId, PatientKey, RecordId

SIGNER = Signer(name="medstack.test/audit", seed=bytes(range(32)))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA = Actor(account_id=AccountId(7), role=Role.DENTIST, address="127.0.0.1", request_id="r1")


def write_events(db: Database, many: int, *, first: int = 0) -> None:
    """One transaction for each event; every third has personal details."""
    for number in range(first, first + many):
        with db.begin() as tx:
            write_one(tx, number)


def write_one(tx: Tx, number: int) -> None:
    audit.write(
        tx,
        Action.RECORD_VIEWED,
        actor=ADA,
        record=RecordId(1000 + number),
        patient=PatientKey(number % 5),
        personal={"query": f"words {number}"} if number % 3 == 0 else None,
        clock=SetClock(NOON),
        version=number,
    )


def write_at_once(db: Database, many: int, *, first: int = 0) -> None:
    """All in one transaction."""
    with db.begin() as tx:
        for number in range(first, first + many):
            write_one(tx, number)


def sign(db: Database) -> str:
    with db.begin() as tx:
        return audit.checkpoint(tx, SIGNER)


def check(
    db: Database, *, checkpoint: str | None = None, since: str | None = None
) -> audit.VerifyReport:
    with db.read() as tx:
        return audit.verify(tx, verifier=SIGNER.verifier, checkpoint=checkpoint, since=since)
