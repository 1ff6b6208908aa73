"""The laws of offset and lease, against any order of requests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from medstack import intake
from medstack.db import Database
from medstack.intake import OffsetMismatch, Upload, UploadGone
from medstack.intake.rules import BeyondLength, LeaseLost, NotYetComplete, UploadClosed
from medstack.kit.ids import AccountId, TimeOrderedIds, UploadId

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
LENGTH = 20
REFUSALS = (OffsetMismatch, LeaseLost, BeyondLength, UploadClosed, UploadGone)


def machine(db: Database, ids: TimeOrderedIds) -> type[RuleBasedStateMachine]:
    class Requests(RuleBasedStateMachine):
        """Requests come, hang, come back late; the model knows who may write, and where."""

        held = Bundle("held")

        def __init__(self) -> None:
            super().__init__()
            with db.begin() as tx:
                self.upload = intake.create(
                    tx,
                    upload_id=UploadId(ids.new()),
                    account_id=AccountId(7),
                    length=LENGTH,
                    now=NOW,
                    expires_at=NOW + timedelta(hours=1),
                )
            self.offset = 0
            self.newest = 0
            self.is_open = True

        @rule(target=held)
        def a_request_arrives(self) -> Upload | None:
            try:
                with db.begin() as tx:
                    lease = intake.take_lease(tx, self.upload.id, now=NOW)
            except (UploadClosed, UploadGone):
                assert not self.is_open
                return None
            assert self.is_open
            assert lease.epoch > self.newest
            self.newest = lease.epoch
            return lease

        @rule(target=held, lease=held, more=st.integers(-3, LENGTH + 2))
        def a_request_writes(self, lease: Upload | None, more: int) -> Upload | None:
            if lease is None:
                return None
            to = lease.offset + more
            may = (
                self.is_open
                and lease.epoch == self.newest
                and lease.offset == self.offset
                and self.offset <= to <= LENGTH
            )
            try:
                with db.begin() as tx:
                    after = intake.advance(tx, lease, to=to, now=NOW)
            except REFUSALS:
                assert not may
                return lease
            assert may
            self.offset = to
            return after

        @rule()
        def somebody_completes_it(self) -> None:
            try:
                with db.begin() as tx:
                    intake.complete(tx, self.upload, now=NOW)
            except (NotYetComplete, UploadClosed, UploadGone):
                assert not (self.is_open and self.offset == LENGTH)
                return
            assert self.is_open
            assert self.offset == LENGTH
            self.is_open = False

        @invariant()
        def the_offset_is_what_was_acknowledged(self) -> None:
            with db.read() as tx:
                kept = intake.get(tx, self.upload.id, AccountId(7), now=NOW)
            assert kept.offset == self.offset
            assert kept.is_complete != self.is_open

    return Requests


def test_only_the_newest_request_moves_the_offset_and_only_from_where_it_is(
    db: Database, ids: TimeOrderedIds
) -> None:
    run_state_machine_as_test(
        machine(db, ids),
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
