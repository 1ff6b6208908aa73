from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from medstack import intake
from medstack.db import Database
from medstack.intake import Batch, Purpose, State, Upload
from medstack.intake.rules import (
    BadBatch,
    BadUploadFields,
    BatchTooLarge,
    BeyondLength,
    FinalIsReadOnly,
    LeaseLost,
    LengthIsSet,
    NotYetComplete,
    OffsetMismatch,
    UploadClosed,
    UploadGone,
)
from medstack.kit.errors import Missing
from medstack.kit.ids import AccountId, BatchId, RecordId, TimeOrderedIds, UploadId

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
SOON = NOW + timedelta(hours=1)
ME, OTHER = AccountId(7), AccountId(8)


def begin(db: Database, ids: TimeOrderedIds, **given: Any) -> Upload:
    said = {"length": 10, "account_id": ME, "now": NOW, "expires_at": SOON} | given
    with db.begin() as tx:
        return intake.create(tx, upload_id=UploadId(ids.new()), **said)


def lease(db: Database, upload: Upload) -> Upload:
    with db.begin() as tx:
        return intake.take_lease(tx, upload.id, now=NOW)


def advance(db: Database, held: Upload, to: int, **given: Any) -> Upload:
    with db.begin() as tx:
        return intake.advance(tx, held, to=to, now=NOW, **given)


def read(db: Database, upload: Upload) -> Upload:
    with db.read() as tx:
        return intake.get(tx, upload.id, upload.account_id, now=NOW)


def finish(db: Database, upload: Upload) -> Upload:
    held = advance(db, lease(db, upload), upload.length or 0)
    with db.begin() as tx:
        return intake.complete(tx, held, now=NOW)


def test_an_upload_comes_back_as_it_was_begun(db: Database, ids: TimeOrderedIds) -> None:
    begun = begin(
        db, ids, fields={"filename": "Röntgen.jpg"}, header="filename UsO2", concat="final;/a /b"
    )
    assert read(db, begun) == begun


def test_an_upload_is_its_accounts_alone(db: Database, ids: TimeOrderedIds) -> None:
    begun = begin(db, ids)
    with db.read() as tx, pytest.raises(Missing):
        intake.get(tx, begun.id, OTHER, now=NOW)


def test_bytes_are_counted_where_they_are(db: Database, ids: TimeOrderedIds) -> None:
    held = lease(db, begin(db, ids))
    held = advance(db, held, 4)
    assert advance(db, held, 10).offset == 10


def test_the_same_bytes_twice_are_refused_with_the_true_offset(
    db: Database, ids: TimeOrderedIds
) -> None:
    held = lease(db, begin(db, ids))
    advance(db, held, 4)
    with pytest.raises(OffsetMismatch) as refusal:
        advance(db, held, 4)
    assert refusal.value.facts == {"offset": 4}
    assert refusal.value.code == "upload-offset-mismatch"


def test_a_new_request_evicts_the_old_one(db: Database, ids: TimeOrderedIds) -> None:
    begun = begin(db, ids)
    old = lease(db, begun)
    lease(db, begun)
    with pytest.raises(LeaseLost) as refusal:
        advance(db, old, 4)
    assert refusal.value.code == "upload-lease-lost"
    assert read(db, begun).offset == 0


def test_of_many_requests_at_once_one_may_write(db: Database, ids: TimeOrderedIds) -> None:
    begun = begin(db, ids)
    with ThreadPoolExecutor(8) as pool:
        held = list(pool.map(lambda _: lease(db, begun), range(8)))
        won = list(pool.map(lambda h: _may(db, h), held))
    assert sum(won) == 1
    assert sorted(h.epoch for h in held) == list(range(1, 9))


def _may(db: Database, held: Upload) -> bool:
    try:
        advance(db, held, 5)
    except (LeaseLost, OffsetMismatch):
        return False
    return True


def test_an_upload_takes_what_it_announced_and_no_byte_more(
    db: Database, ids: TimeOrderedIds
) -> None:
    held = lease(db, begin(db, ids))
    with pytest.raises(BeyondLength) as refusal:
        advance(db, held, 11)
    assert refusal.value.facts == {"rule": "upload-length", "limit": 10}


def test_an_upload_is_complete_with_its_last_byte_and_not_before(
    db: Database, ids: TimeOrderedIds
) -> None:
    held = advance(db, lease(db, begin(db, ids)), 9)
    with db.begin() as tx, pytest.raises(NotYetComplete):
        intake.complete(tx, held, now=NOW)
    held = advance(db, held, 10)
    with db.begin() as tx:
        done = intake.complete(tx, held, now=NOW)
    assert done.is_complete
    assert read(db, done) == done
    with pytest.raises(UploadClosed):
        lease(db, done)


def test_a_deferred_length_is_declared_once(db: Database, ids: TimeOrderedIds) -> None:
    held = advance(db, lease(db, begin(db, ids, length=None)), 6)
    with db.begin() as tx:
        with pytest.raises(NotYetComplete):
            intake.complete(tx, held, now=NOW)
        with pytest.raises(BeyondLength):
            intake.declare_length(tx, held, 5, now=NOW)
        declared = intake.declare_length(tx, held, 8, now=NOW)
        assert intake.declare_length(tx, declared, 8, now=NOW) == declared
        with pytest.raises(LengthIsSet):
            intake.declare_length(tx, declared, 9, now=NOW)
    assert advance(db, held, 8).length == 8


def test_a_final_upload_takes_no_bytes_of_its_own(db: Database, ids: TimeOrderedIds) -> None:
    final = begin(db, ids, purpose=Purpose.FINAL, length=5, offset=5)
    with pytest.raises(FinalIsReadOnly):
        lease(db, final)
    with db.begin() as tx:
        assert intake.complete(tx, final, now=NOW).is_complete


def test_an_upload_becomes_one_record(db: Database, ids: TimeOrderedIds) -> None:
    done = finish(db, begin(db, ids))
    with db.begin() as tx:
        kept = intake.accepted(tx, done.id, RecordId(5), now=NOW)
        assert kept == intake.with_record(done, RecordId(5))
        assert intake.of_record(tx, RecordId(5)) == kept
        with pytest.raises(UploadClosed):
            intake.accepted(tx, done.id, RecordId(6), now=NOW)


def test_an_upload_without_all_its_bytes_becomes_no_record(
    db: Database, ids: TimeOrderedIds
) -> None:
    begun = begin(db, ids)
    with db.begin() as tx, pytest.raises(NotYetComplete):
        intake.accepted(tx, begun.id, RecordId(5), now=NOW)


def test_a_cancelled_upload_is_gone_and_its_writer_evicted(
    db: Database, ids: TimeOrderedIds
) -> None:
    held = lease(db, begin(db, ids))
    with db.begin() as tx:
        assert intake.cancel(tx, held.id, now=NOW).state is State.CANCELLED
    with pytest.raises(UploadGone):
        advance(db, held, 5)
    with pytest.raises(UploadGone):
        read(db, held)
    with db.begin() as tx, pytest.raises(UploadGone):
        intake.cancel(tx, held.id, now=NOW)


def test_forgetting_an_upload_that_became_a_record_keeps_it_for_the_record(
    db: Database, ids: TimeOrderedIds
) -> None:
    done = finish(db, begin(db, ids))
    with db.begin() as tx:
        intake.accepted(tx, done.id, RecordId(5), now=NOW)
        intake.cancel(tx, done.id, now=NOW)
        assert intake.of_record(tx, RecordId(5)).state is State.ACCEPTED
    with pytest.raises(UploadGone):
        read(db, done)


def test_what_nobody_continues_in_time_expires(db: Database, ids: TimeOrderedIds) -> None:
    left = begin(db, ids)
    piece = finish(db, begin(db, ids, purpose=Purpose.PARTIAL))
    done = finish(db, begin(db, ids))
    kept = begin(db, ids, expires_at=SOON + timedelta(seconds=1))
    with db.begin() as tx:
        assert intake.expire_due(tx, SOON - timedelta(seconds=1)) == ()
        assert {u.id for u in intake.expire_due(tx, SOON)} == {left.id, piece.id}
        assert intake.expire_due(tx, SOON) == ()
    assert read(db, done) == done
    assert read(db, kept) == kept


def test_an_upload_is_gone_on_time_even_before_it_is_swept(
    db: Database, ids: TimeOrderedIds
) -> None:
    held = lease(db, begin(db, ids))
    with db.read() as tx:
        with pytest.raises(UploadGone):
            intake.get(tx, held.id, ME, now=SOON)
        assert intake.unfinished(tx, ME, now=SOON) == ()
    with db.begin() as tx, pytest.raises(UploadGone):
        intake.advance(tx, held, to=5, now=SOON)


def test_every_byte_that_arrives_buys_time(db: Database, ids: TimeOrderedIds) -> None:
    later = SOON + timedelta(hours=1)
    held = advance(db, lease(db, begin(db, ids)), 5, expires_at=later)
    with db.begin() as tx:
        assert intake.expire_due(tx, SOON) == ()
    assert held.expires_at == later


def test_my_unfinished_uploads_are_mine_newest_first_without_pieces_and_the_done(
    db: Database, ids: TimeOrderedIds
) -> None:
    one, two = begin(db, ids), begin(db, ids, length=None)
    begin(db, ids, account_id=OTHER)
    begin(db, ids, purpose=Purpose.PARTIAL)
    finish(db, begin(db, ids))
    with db.read() as tx:
        assert intake.unfinished(tx, ME, now=NOW) == (two, one)


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"fields": {str(n): "" for n in range(41)}}, "count"),
        ({"fields": {"n" * 65: ""}}, "name-length"),
        ({"fields": {"notes": "x" * 16_001}}, "length"),
        ({"header": "x" * 64_001}, "header-length"),
        ({"fields": {"a": "\0"}}, "characters"),
        ({"fields": {"a": "\ud800"}}, "characters"),
    ],
)
def test_a_sender_cannot_have_just_anything_kept(
    db: Database, ids: TimeOrderedIds, given: dict[str, Any], rule: str
) -> None:
    with pytest.raises(BadUploadFields) as refusal:
        begin(db, ids, **given)
    assert refusal.value.facts["rule"] == rule


# --- batches


def open_batch(db: Database, ids: TimeOrderedIds, **given: Any) -> BatchId:
    batch = Batch(id=BatchId(ids.new()), account_id=ME, created_at=NOW, **given)
    with db.begin() as tx:
        assert intake.open_batch(tx, batch) == batch
    return batch.id


def total(db: Database, batch_id: BatchId) -> tuple[int, int]:
    with db.read() as tx:
        batch = intake.get_batch(tx, batch_id, ME)
    return batch.files, batch.size


def test_a_batch_counts_what_its_uploads_announce(db: Database, ids: TimeOrderedIds) -> None:
    batch = open_batch(db, ids, title="Bitewings", context="clinical-case")
    for length in (10, 20):
        begin(db, ids, length=length, batch_id=batch, batch_limit=30)
    assert total(db, batch) == (2, 30)
    with pytest.raises(BatchTooLarge) as refusal:
        begin(db, ids, length=1, batch_id=batch, batch_limit=30)
    assert refusal.value.facts == {"rule": "limits.batch", "limit": 30, "left": 0}
    assert total(db, batch) == (2, 30)


def test_parallel_uploads_never_overshoot_their_batch(db: Database, ids: TimeOrderedIds) -> None:
    batch = open_batch(db, ids)

    def try_one(_: int) -> bool:
        try:
            begin(db, ids, length=10, batch_id=batch, batch_limit=55)
        except BatchTooLarge:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_one, range(20))) == 5
    assert total(db, batch) == (5, 50)


def test_bytes_of_unknown_length_count_as_they_arrive(db: Database, ids: TimeOrderedIds) -> None:
    batch = open_batch(db, ids)
    held = lease(db, begin(db, ids, length=None, batch_id=batch, batch_limit=10))
    held = advance(db, held, 6, batch_limit=10)
    assert total(db, batch) == (1, 6)
    with pytest.raises(BatchTooLarge):
        advance(db, held, 11, batch_limit=10)
    with db.begin() as tx:
        intake.declare_length(tx, held, 9, now=NOW, batch_limit=10)
    assert total(db, batch) == (1, 9)


def test_what_ends_without_a_record_is_given_back_to_its_batch(
    db: Database, ids: TimeOrderedIds
) -> None:
    batch = open_batch(db, ids)
    cancelled = begin(db, ids, batch_id=batch)
    begin(db, ids, length=20, batch_id=batch)
    with db.begin() as tx:
        intake.cancel(tx, cancelled.id, now=NOW)
    assert total(db, batch) == (1, 20)
    with db.begin() as tx:
        intake.expire_due(tx, SOON)
    assert total(db, batch) == (0, 0)


def test_a_batch_is_its_accounts_alone(db: Database, ids: TimeOrderedIds) -> None:
    batch = open_batch(db, ids)
    with db.read() as tx, pytest.raises(Missing):
        intake.get_batch(tx, batch, OTHER)
    with pytest.raises(Missing):
        begin(db, ids, account_id=OTHER, batch_id=batch)


@pytest.mark.parametrize("given", [{"title": "x" * 201}, {"title": "a\0"}, {"context": "x" * 41}])
def test_a_batch_has_a_short_title_and_context(
    db: Database, ids: TimeOrderedIds, given: dict[str, str]
) -> None:
    with pytest.raises(BadBatch):
        open_batch(db, ids, **given)
