"""One file's way in as the worker holds it: the record, its bytes, and where it stands.

Moves the record along and says so to the log and to those who watch; knows no stage.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from types import TracebackType

from medstack import audit, intake, notices, records
from medstack.access import Context
from medstack.audit import Action
from medstack.db import Tx
from medstack.flows.damage import Watched, damage_recorded
from medstack.flows.filing import extension_of
from medstack.flows.house import Bench, House
from medstack.formats.contract import Inspection
from medstack.intake import Upload
from medstack.kit import log
from medstack.kit.actor import SYSTEM
from medstack.kit.ids import ContentId, RecordId
from medstack.kit.streams import Source
from medstack.notices import Notice, NoticeKind
from medstack.records import Record, Stage, StageState, Status, Step

OVER = frozenset({Status.AVAILABLE, Status.HELD, Status.QUARANTINED, Status.REJECTED})
_EVENTS = {
    Step.HOLD: Action.RECORD_HELD,
    Step.QUARANTINE: Action.RECORD_QUARANTINED,
    Step.REJECT: Action.RECORD_REJECTED,
}
_STAGE_OF = {
    Status.RECEIVED: "scan",
    Status.SCANNING: "scan",
    Status.VALIDATING: "validate",
    Status.CHECKING: "phi",
    Status.STORING: "store",
}


class Halted(Exception):
    """A file goes no further for now: held, quarantined or rejected."""

    def __init__(self, step: Step, code: str) -> None:
        super().__init__(code)
        self.step = step
        self.code = code


@dataclass(kw_only=True)
class Story:
    """One telling. Not shared between threads."""

    house: House
    bench: Bench
    record: Record
    upload: Upload
    inspection: Inspection | None = None

    @classmethod
    def resume(cls, house: House, bench: Bench, record_id: RecordId) -> Story:
        """Pick the story up where its record stands. Raises Missing."""
        with house.db.read() as tx:
            record = records.get(tx, records.WHOLE_ARCHIVE, record_id)
            upload = intake.of_record(tx, record_id)
        return cls(house=house, bench=bench, record=record, upload=upload)

    @property
    def is_over(self) -> bool:
        return self.record.status in OVER

    @property
    def content_id(self) -> ContentId:
        assert self.upload.content_id is not None
        return self.upload.content_id

    @cached_property
    def source(self) -> Source:
        """The plaintext, decrypted as it is read."""
        house, record_id = self.house, self.record.id
        with damage_recorded(house, SYSTEM, record_id), house.db.read() as tx:
            return Watched(house.vault.open(tx, self.content_id), house, SYSTEM, record_id)

    @property
    def extension(self) -> str:
        """Of the name the sender gave, lower case, without its dot."""
        return extension_of(self.record.original_name)

    @cached_property
    def context(self) -> Context | None:
        """The purpose it was sent for, where that sets its limits."""
        said = self.upload.fields.get("context", "")
        if not said and self.upload.batch_id is not None:
            with self.house.db.read() as tx:
                batch = intake.get_batch(tx, self.upload.batch_id, self.upload.account_id)
                said = batch.context
        return Context(said) if said in tuple(Context) else None

    def begin(self, stage: str) -> None:
        with self.house.db.begin() as tx:
            self.note(tx, stage, StageState.RUNNING)

    def note(self, tx: Tx, stage: str, state: StageState, *, code: str = "") -> None:
        """Put a stage's state on the record, where its uploader watches it."""
        at = self.house.clock.now()
        noted = Stage(stage=stage, state=state, at=at, code=code)
        self.record = records.note_stage(tx, self.record.id, noted)

    def remark(self, about: str, code: str) -> None:
        """Say that something derived could not be made; the file itself is kept."""
        log.event("ingest.lacks", record=self.record.id, about=about, code=code)

    def advance(self) -> None:
        with self.house.db.begin() as tx:
            self._move(tx, Step.ADVANCE)

    def finish(self, tx: Tx, stage: str) -> None:
        """The stage went well: on to the next, in the transaction that kept its outcome."""
        self.note(tx, stage, StageState.DONE)
        self._move(tx, Step.ADVANCE)

    def halt(self, halted: Halted) -> None:
        """Stop here, for the reason given; a rejected file's key is destroyed at once."""
        state = StageState.HELD if halted.step is Step.HOLD else StageState.FAILED
        with self.house.db.begin() as tx:
            self.note(tx, _STAGE_OF[self.record.status], state, code=halted.code)
            self._move(tx, halted.step, reason=halted.code)
            audit.write(
                tx,
                _EVENTS[halted.step],
                actor=SYSTEM,
                record=self.record.id,
                patient=self.record.patient_key,
                code=halted.code,
            )
            if halted.step is Step.REJECT:
                destroy_content(tx, self.house, self.record, self.upload)
        log.event("ingest.halted", record=self.record.id, code=halted.code)

    def _move(self, tx: Tx, step: Step, *, reason: str = "") -> None:
        now = self.house.clock.now()
        self.record = records.move(tx, self.record.id, step, now=now, reason=reason)
        announce(tx, self.house, self.record)

    def close(self) -> None:
        if "source" in self.__dict__:
            self.source.close()

    def __enter__(self) -> Story:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def destroy_content(tx: Tx, house: House, record: Record, upload: Upload) -> None:
    """Destroy what a rejected record holds: keys now, bytes with the next sweep."""
    for content_id in records.contents(tx, record.id):
        house.vault.shred(tx, content_id)
    records.drop_renditions(tx, record.id)
    if upload.content_id is not None:
        house.vault.shred(tx, upload.content_id)
    intake.dropped(tx, upload.id, now=house.clock.now())
    records.release_quota(tx, upload.id)


def announce(tx: Tx, house: House, record: Record) -> None:
    """Tell those who may know it where a record stands now."""
    notices.post(
        tx,
        Notice(
            id=house.ids.new(),
            kind=NoticeKind.RECORD_STATUS,
            code=record.status.value,
            record_id=record.id,
            patient_key=record.patient_key,
            uploader_id=record.uploaded_by,
            access_level=record.access_level.value,
            at=house.clock.now(),
        ),
    )
