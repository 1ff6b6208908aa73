"""The way in, from the last byte to the notice: scan, validate, check phi, clean, encrypt,
store, index, notify.

`accept` is one transaction behind a door; `process` is the story the worker tells afterwards.
A record's status is the only bookmark: a story broken off anywhere is told again from there,
and no stage leaves an effect twice.
"""

from __future__ import annotations

from functools import partial

from medstack import audit, intake, jobs, people, records
from medstack.audit import Action
from medstack.db import Tx
from medstack.flows.filing import Filing
from medstack.flows.house import Bench, House
from medstack.flows.stages import check_identity, scan, store, validate
from medstack.flows.story import Halted, Story, announce
from medstack.formats import tasks as formats
from medstack.intake import Upload
from medstack.kit.actor import SYSTEM, Actor
from medstack.kit.ids import AppointmentId, RecordId
from medstack.records import Record, Status, Step

JOB = "ingest"


def accept(tx: Tx, house: House, actor: Actor, upload: Upload, filing: Filing) -> Upload:
    """A complete upload becomes a record, in the transaction that counted its last byte."""
    now = house.clock.now()
    record = Record(
        id=RecordId(house.ids.new()),
        patient_key=filing.patient_key,
        original_name=filing.original_name,
        category=filing.category,
        subcategory=filing.subcategory,
        description=filing.description,
        appointment_id=filing.appointment_id or _running_visit(tx, house, filing),
        case_id=filing.case_id,
        folder_id=filing.folder_id,
        provider_id=filing.provider_id,
        uploaded_by=actor.account_id,
        modified_at=now,
        access_level=filing.access_level,
        tags=filing.tags,
        said=filing.said,
        file_size=upload.offset,
        batch_id=filing.batch_id,
        replaces=filing.replaces,
    )
    records.add(tx, record)
    accepted = intake.accepted(tx, upload.id, record.id, now=now)
    audit.write(
        tx,
        Action.RECORD_RECEIVED,
        actor=actor,
        record=record.id,
        patient=record.patient_key,
        upload=upload.id,
        bytes=upload.offset,
    )
    jobs.enqueue(tx, JOB, group=f"{filing.batch_id or record.id}", record=record.id)
    announce(tx, house, record)
    return accepted


def _running_visit(tx: Tx, house: House, filing: Filing) -> AppointmentId | None:
    """A file taken during an appointment belongs to it."""
    if filing.patient_key is None:
        return None
    visit = people.current_appointment(tx, filing.patient_key, at=house.clock.now())
    return None if visit is None else visit.id


def process(house: House, bench: Bench, record_id: RecordId) -> None:
    """Tell a record's story to its end: available, held, quarantined or rejected."""
    with Story.resume(house, bench, record_id) as story:
        try:
            while not story.is_over:
                match story.record.status:
                    case Status.RECEIVED:
                        story.advance()
                    case Status.SCANNING:
                        scan(story)
                    case Status.VALIDATING:
                        validate(story)
                    case Status.CHECKING:
                        check_identity(story)
                    case Status.STORING:
                        store(story)
        except Halted as halt:
            story.halt(halt)


def run(house: House, bench: Bench, job: jobs.JobRun) -> None:
    """The job: every record of a batch, one after the other."""
    for place, item in enumerate(job.items):
        record_id = RecordId(int(item["record"]))
        job.step(f"record-{record_id}", partial(process, house, bench, record_id))
        job.progress(place + 1, len(job.items))


def reindex(house: House, bench: Bench, job: jobs.JobRun) -> None:
    """Read the text of records' current versions again, as after an old one was restored."""
    for item in job.items:
        record_id = RecordId(int(item["record"]))
        with house.db.read() as tx:
            version = records.version(tx, records.WHOLE_ARCHIVE, record_id)
            source = house.vault.open(tx, version.content_id)
        try:
            text = bench.sandbox.run(formats.text, source, kind=version.kind)
        finally:
            source.close()
        with house.db.begin() as tx:
            records.index_text(tx, records.lock(tx, record_id), body=text)


def given_up(house: House, tx: Tx, items: tuple[dict[str, int | str], ...], code: str) -> None:
    """A record whose job failed for good waits for a person instead of for nobody."""
    for item in items:
        record_id = RecordId(int(item["record"]))
        if records.lock(tx, record_id).status in UNFINISHED:
            record = records.move(tx, record_id, Step.HOLD, now=house.clock.now(), reason=code)
            audit.write(tx, Action.RECORD_HELD, actor=SYSTEM, record=record_id, code=code)
            announce(tx, house, record)


UNFINISHED = frozenset(
    {Status.RECEIVED, Status.SCANNING, Status.VALIDATING, Status.CHECKING, Status.STORING}
)
