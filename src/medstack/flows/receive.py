"""Bytes arrive: an upload is begun, fed, interrupted, resumed, joined, given up.

Every byte is sealed before it reaches a disk and counted only once it is durable there: what a
sender is told has arrived, has. The last byte makes a record in the same transaction.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType

from medstack import access, audit, intake, people, records
from medstack.audit import Action
from medstack.db import Tx
from medstack.flows.filing import Filing, WrongChart, check_context, file_away
from medstack.flows.house import House
from medstack.flows.ingest import accept
from medstack.flows.standing import scope_of
from medstack.flows.witness import refusals_recorded
from medstack.intake import Batch, BeyondLength, Purpose, State, Upload
from medstack.kit.actor import Actor
from medstack.kit.errors import Conflict, Problem
from medstack.kit.ids import BatchId, PatientKey, RecordId, UploadId
from medstack.records import Status
from medstack.vault import QUARANTINE, PartWriter, SealedPart

PART_BYTES = 64 << 20  # sealed and made durable at a time


class PartsNotReady(Conflict):
    code = "upload-parts-not-ready"
    title = "Only complete parts can be joined"


class NotInInbox(Conflict):
    code = "not-in-inbox"
    title = "This record is not waiting in an inbox"


class ChecksumMismatch(Problem):
    """tus answers 460; the offset has not moved."""

    code = "upload-checksum-mismatch"
    title = "The bytes do not match their checksum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the bytes of one request must hash to, when their sender said so."""

    algorithm: str
    digest: bytes


def open_batch(house: House, actor: Actor, *, title: str, context: str) -> Batch:
    """Begin a batch: files sent together, with one limit for them all and one progress.

    context: whose limits hold, `` for the usual ones. Raises UnknownContext, BadBatch.
    """
    check_context(context)
    batch = Batch(
        id=BatchId(house.ids.new()),
        account_id=actor.account_id,
        title=title,
        context=context or "default",
        created_at=house.clock.now(),
    )
    with house.db.begin() as tx:
        audit.write(tx, Action.UPLOAD_CREATED, actor=actor, batch=batch.id)
        return intake.open_batch(tx, batch)


def begin(
    house: House,
    actor: Actor,
    words: Mapping[str, str],
    *,
    length: int | None,
    header: str = "",
    is_part: bool = False,
) -> Upload:
    """Begin an upload: everything that can be refused is refused before the first byte.

    length: bytes to come, None if not known yet. header: the sender's own words, to be echoed.
    is_part: of a later whole, which will say where it belongs.
    Raises what `file_away` raises; TooLarge leaves that name the rule.
    """
    with refusals_recorded(house, actor, Action.UPLOAD_CREATED), house.db.begin() as tx:
        filing = file_away(tx, house, actor, words)
        purpose = Purpose.PARTIAL if is_part else Purpose.SINGLE
        now = house.clock.now()
        upload = intake.create(
            tx,
            upload_id=UploadId(house.ids.new()),
            account_id=actor.account_id,
            purpose=purpose,
            content_id=house.vault.create(tx, subject=QUARANTINE),
            length=length,
            fields=dict(words),
            header=header,
            patient_key=filing.patient_key,
            batch_id=filing.batch_id,
            batch_limit=_checked(tx, filing, purpose, length or 0),
            now=now,
            expires_at=_expiry(house),
        )
        _reserve(tx, filing, upload)
        audit.write(
            tx, Action.UPLOAD_CREATED, actor=actor, patient=filing.patient_key, upload=upload.id
        )
        return _settled(tx, house, actor, upload)


def join(
    house: House,
    actor: Actor,
    part_ids: Sequence[UploadId],
    words: Mapping[str, str],
    *,
    header: str = "",
    concat: str = "",
) -> Upload:
    """Join complete parts into one upload, without copying a byte.

    concat: the sender's own list of parts, to be echoed. Raises PartsNotReady, and what `begin`
    raises.
    """
    now = house.clock.now()
    with refusals_recorded(house, actor, Action.UPLOAD_CREATED), house.db.begin() as tx:
        filing = file_away(tx, house, actor, words)
        parts = [intake.get(tx, part, actor.account_id, now=now) for part in part_ids]
        contents = [part.content_id for part in parts if _is_ready(part) and part.content_id]
        if len(contents) != len(parts):
            raise PartsNotReady("Finish every part first; join each once.")
        length = sum(part.offset for part in parts)
        upload = intake.create(
            tx,
            upload_id=UploadId(house.ids.new()),
            account_id=actor.account_id,
            purpose=Purpose.FINAL,
            content_id=house.vault.join(tx, contents, subject=QUARANTINE),
            length=length,
            offset=length,
            fields=dict(words),
            header=header,
            concat=concat,
            patient_key=filing.patient_key,
            batch_id=filing.batch_id,
            batch_limit=_checked(tx, filing, Purpose.FINAL, length),
            now=now,
            expires_at=_expiry(house),
        )
        _reserve(tx, filing, upload)
        audit.write(
            tx, Action.UPLOAD_CREATED, actor=actor, patient=filing.patient_key, upload=upload.id
        )
        return _settled(tx, house, actor, upload)


def _is_ready(part: Upload) -> bool:
    return part.purpose is Purpose.PARTIAL and part.state is State.COMPLETE


def find(house: House, actor: Actor, upload_id: UploadId) -> Upload:
    """An upload of the caller's own. Raises Missing, UploadGone."""
    with house.db.read() as tx:
        return intake.get(tx, upload_id, actor.account_id, now=house.clock.now())


def unfinished(house: House, actor: Actor) -> Sequence[Upload]:
    """The caller's uploads that wait for bytes, on whatever device they were begun."""
    with house.db.read() as tx:
        return intake.unfinished(tx, actor.account_id, now=house.clock.now())


def largest(house: House) -> int:
    """Bytes of the largest file any rule of the practice takes."""
    with house.db.read() as tx:
        return access.load_policies(tx).largest().bytes


def check_possible(house: House, size: int) -> None:
    """Refuse what no rule of the practice would take. Raises OverLimit."""
    with house.db.read() as tx:
        access.load_policies(tx).largest().check(size)


def describe(house: House, actor: Actor, upload_id: UploadId, words: Mapping[str, str]) -> Upload:
    """Complete what an open upload says of itself. Raises what `begin` raises, WrongChart."""
    now = house.clock.now()
    with refusals_recorded(house, actor, Action.UPLOAD_CREATED), house.db.begin() as tx:
        upload = intake.get(tx, upload_id, actor.account_id, now=now)
        if upload.fields == dict(words):
            return upload
        filing = file_away(tx, house, actor, words)
        if upload.patient_key not in (None, filing.patient_key):
            raise WrongChart("The patient was named before and cannot change.")
        told = intake.describe(
            tx,
            upload,
            fields=dict(words),
            patient_key=filing.patient_key,
            batch_id=filing.batch_id,
            now=now,
        )
        if upload.patient_key is None:
            _reserve(tx, filing, told)
        return told


def file_from_inbox(
    house: House, actor: Actor, record_id: RecordId, words: Mapping[str, str]
) -> Upload:
    """Put a record from an inbox into a chart: as a new record, checked again for that patient.

    words: where it goes, over what its sender said. The inbox's own record goes; no byte is
    copied. Raises Missing, Denied, NotInInbox, and what `begin` raises.
    """
    with (
        refusals_recorded(house, actor, Action.UPLOAD_FILED, record=record_id),
        house.db.begin() as tx,
    ):
        record = records.lock(tx, record_id, scope_of(house, actor))
        if record.patient_key is not None or record.status is not Status.AVAILABLE:
            raise NotInInbox("Only an available record without a patient can be filed.")
        sent = intake.of_record(tx, record_id)
        assert sent.content_id is not None
        said = sent.fields | dict(words)
        filing = file_away(tx, house, actor, said)
        now = house.clock.now()
        upload = intake.create(
            tx,
            upload_id=UploadId(house.ids.new()),
            account_id=actor.account_id,
            purpose=Purpose.FINAL,
            content_id=house.vault.join(tx, [sent.content_id], subject=QUARANTINE),
            length=record.file_size,
            offset=record.file_size,
            fields=said,
            patient_key=filing.patient_key,
            now=now,
            expires_at=_expiry(house),
        )
        _reserve(tx, filing, upload)
        filed = _settled(tx, house, actor, upload)
        for content_id in records.contents(tx, record_id):
            house.vault.shred(tx, content_id)
        intake.dropped(tx, sent.id, now=now)
        records.erase(tx, record_id)
        audit.write(
            tx, Action.UPLOAD_FILED, actor=actor, record=record_id, patient=filing.patient_key
        )
        return filed


def give_up(house: House, actor: Actor, upload_id: UploadId) -> None:
    """End an upload. One that became a record is only forgotten; the record stays.

    Raises Missing, UploadGone.
    """
    now = house.clock.now()
    with house.db.begin() as tx:
        upload = intake.get(tx, upload_id, actor.account_id, now=now)
        intake.cancel(tx, upload_id, now=now)
        if upload.record_id is None:
            forget(tx, house, upload)
        audit.write(tx, Action.UPLOAD_TERMINATED, actor=actor, upload=upload.id)


def forget(tx: Tx, house: House, upload: Upload) -> None:
    """Destroy the bytes of an upload that became nothing, and give its quota back."""
    if upload.content_id is not None:
        house.vault.shred(tx, upload.content_id)
    records.release_quota(tx, upload.id)


class Receiver:
    """Takes the bytes of one request. One thread at a time.

    A full part is made durable and counted behind the caller's back, while the next one fills.
    Holds the upload's lease: a later Receiver takes it over, and what this one seals after that
    is not counted.
    """

    def __init__(
        self,
        house: House,
        actor: Actor,
        upload_id: UploadId,
        *,
        offset: int,
        length: int | None = None,
        expected: Expected | None = None,
    ) -> None:
        """offset: where the sender believes the upload stands. length: declares a deferred one.

        Raises Missing, UploadGone, FinalIsReadOnly, UploadClosed, OffsetMismatch, LengthIsSet,
        TooLarge leaves.
        """
        self._house = house
        self._actor = actor
        self._expected = expected
        self._hasher = hashlib.new(expected.algorithm, usedforsecurity=False) if expected else None
        self._writer: PartWriter | None = None
        self._waiting: list[SealedPart] = []
        self._behind = ThreadPoolExecutor(1, thread_name_prefix="receive")
        self._ending: Future[None] | None = None  # of the full part before this one
        with house.db.begin() as tx:
            upload = intake.get(tx, upload_id, actor.account_id, now=house.clock.now())
            intake.check_writable(upload, house.clock.now())
            intake.check_offset(upload, offset)
            if length is not None:
                upload = _declared(tx, house, actor, upload, length)
            self._upload = intake.take_lease(tx, upload.id, now=house.clock.now())
            filing = file_away(tx, house, actor, upload.fields)
            policies = access.load_policies(tx)
            self._limit = filing.file_limit(policies)
            self._batch_limit = (
                None if filing.batch_id is None else filing.batch_limit(policies).bytes
            )
            assert upload.content_id is not None
            self._content_id = upload.content_id
            self._key = house.vault.data_key(tx, upload.content_id)
        self._received = offset

    @property
    def room(self) -> int | None:
        """Bytes that may still come; None while the length is not known."""
        return None if self._upload.length is None else self._upload.length - self._received

    def expect(self, size: int) -> None:
        """Refuse a body of `size` bytes before reading it. Raises BeyondLength, OverLimit."""
        if self.room is not None and size > self.room:
            raise BeyondLength(
                "Send exactly as many bytes as declared.",
                rule="upload-length",
                limit=self._upload.length,
            )
        if self.room is None:
            self._limit.check(self._received + size)

    def write(self, block: bytes) -> None:
        """Seal the next bytes. Raises what `expect` raises, Busy leaves for storage, LeaseLost."""
        self.expect(len(block))
        if self._hasher is not None:
            self._hasher.update(block)
        if self._writer is None:
            self._writer = self._house.vault.part_writer(self._key)
        self._writer.write(block)
        self._received += len(block)
        if self._writer.size >= PART_BYTES:
            self._end_part()

    def keep(self, *, is_whole: bool = True) -> Upload:
        """Count what arrived. Complete, the upload becomes a record in the same transaction.

        is_whole: the body ended as its sender meant it to; otherwise a checksum cannot be
        checked, and what it was for is dropped. Raises ChecksumMismatch, LeaseLost, Busy leaves
        for storage.
        """
        self._settle()
        if self._expected is not None and self._hasher is not None:
            matches = hmac.compare_digest(self._hasher.digest(), self._expected.digest)
            if not (is_whole and matches):
                self.drop()
            if is_whole and not matches:
                raise ChecksumMismatch("Send these bytes again from the same offset.")
        if self._writer is not None:
            self._waiting.append(self._writer.finish())
            self._writer = None
        return self._count()

    def drop(self) -> None:
        """Abandon what was not counted; the offset stays where it was."""
        if self._ending is not None:
            wait([self._ending])  # a part that is whole may still count
        if self._writer is not None:
            self._writer.abort()
            self._writer = None
        self._behind.shutdown()
        self._waiting.clear()  # objects nobody names: the next sweep removes them

    def __enter__(self) -> Receiver:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.drop()

    def _end_part(self) -> None:
        """Let the part that is full end behind us, after the one before it has."""
        assert self._writer is not None
        self._settle()
        self._ending = self._behind.submit(self._seal, self._writer)
        self._writer = None

    def _settle(self) -> None:
        """Wait for the part that is ending; after one that failed none is ever counted."""
        if self._ending is not None:
            self._ending.result()
            self._ending = None

    def _seal(self, writer: PartWriter) -> None:
        self._waiting.append(writer.finish())
        if self._expected is None:
            self._count()

    def _count(self) -> Upload:
        """Name the sealed parts in the rows: from here on they have arrived."""
        upload = self._upload
        with self._house.db.begin() as tx:
            for part in self._waiting:
                upload = self._count_part(tx, upload, part)
            upload = _settled(tx, self._house, self._actor, upload)
        self._waiting.clear()
        self._upload = upload
        return upload

    def _count_part(self, tx: Tx, upload: Upload, part: SealedPart) -> Upload:
        house = self._house
        end = upload.offset + part.size
        counted = intake.advance(
            tx,
            upload,
            to=end,
            now=house.clock.now(),
            expires_at=_expiry(house),
            batch_limit=self._batch_limit,
        )
        house.vault.append(tx, self._content_id, part, at=upload.offset)
        return counted


def receive_whole(
    house: House, actor: Actor, words: Mapping[str, str], pieces: Iterable[bytes]
) -> Upload:
    """Take a file of unknown length in one go, as from a folder. Returns the complete upload.

    Raises what `begin` and Receiver raise; nothing is left behind then.
    """
    upload = begin(house, actor, words, length=None)
    try:
        with Receiver(house, actor, upload.id, offset=0) as receiver:
            for piece in pieces:
                receiver.write(piece)
            received = receiver.keep()
        return declare(house, actor, received.id, received.offset)
    except Problem:
        give_up(house, actor, upload.id)
        raise


def declare(house: House, actor: Actor, upload_id: UploadId, length: int) -> Upload:
    """Say how long a deferred upload is; with all bytes here, that completes it.

    Raises LengthIsSet, TooLarge leaves.
    """
    with house.db.begin() as tx:
        upload = intake.get(tx, upload_id, actor.account_id, now=house.clock.now())
        return _settled(tx, house, actor, _declared(tx, house, actor, upload, length))


def _declared(tx: Tx, house: House, actor: Actor, upload: Upload, length: int) -> Upload:
    filing = file_away(tx, house, actor, upload.fields)
    batch_limit = _checked(tx, filing, upload.purpose, length)
    now = house.clock.now()
    declared = intake.declare_length(tx, upload, length, now=now, batch_limit=batch_limit)
    if filing.patient_key is not None and upload.purpose is not Purpose.PARTIAL:
        records.resize_quota(tx, upload.id, length, limit=_quota(tx, filing.patient_key))
    return declared


def _checked(tx: Tx, filing: Filing, purpose: Purpose, length: int) -> int | None:
    """Check the file's own limit; returns its batch's. A part is checked as its whole."""
    policies = access.load_policies(tx)
    is_part = purpose is Purpose.PARTIAL
    limit = policies.largest() if is_part else filing.file_limit(policies)
    limit.check(length)
    return None if filing.batch_id is None else filing.batch_limit(policies).bytes


def _reserve(tx: Tx, filing: Filing, upload: Upload) -> None:
    """Promise the patient's quota to the upload; a part's is promised to its whole."""
    if filing.patient_key is not None and upload.purpose is not Purpose.PARTIAL:
        limit = _quota(tx, filing.patient_key)
        records.reserve_quota(tx, filing.patient_key, upload.id, upload.length or 0, limit=limit)


def _quota(tx: Tx, patient_key: PatientKey) -> int:
    own = people.get_patient(tx, patient_key).quota_bytes
    return access.load_policies(tx).quota(own).bytes


def _settled(tx: Tx, house: House, actor: Actor, upload: Upload) -> Upload:
    """With all bytes here, a part waits for its whole; anything else becomes a record."""
    if upload.state is not State.OPEN or upload.offset != upload.length:
        return upload
    complete = intake.complete(tx, upload, now=house.clock.now())
    audit.write(
        tx,
        Action.UPLOAD_FINISHED,
        actor=actor,
        patient=upload.patient_key,
        upload=upload.id,
        bytes=upload.offset,
    )
    if upload.purpose is Purpose.PARTIAL:
        return complete
    return accept(tx, house, actor, complete, file_away(tx, house, actor, upload.fields))


def _expiry(house: House) -> datetime:
    return house.clock.now() + timedelta(seconds=house.upload_expiry_s)
