"""The way in, told with real engines, real formats and real databases."""

from __future__ import annotations

from datetime import date
from functools import partial

import pytest
from tests.flows.conftest import Send, a_patient

from medstack import records
from medstack.flows import curate, ingest, receive, retrieve, soundness, stages
from medstack.flows.filing import NothingToReplace
from medstack.flows.house import Bench, House
from medstack.flows.retrieve import Asked, NotAvailable
from medstack.jobs.memory import MemoryJobs
from medstack.kit.actor import Actor
from medstack.kit.errors import Missing
from medstack.kit.ids import id_out
from medstack.kit.streams import chunks_of
from medstack.people import Patient
from medstack.records import Record, Status
from medstack.vault import QUARANTINE

NOTE = b"Synthetic note: upper left molar, no findings.\n"
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def record_of(house: House, record_id: records.Record | int | None) -> Record:
    assert isinstance(record_id, int)
    with house.db.read() as tx:
        return records.get(tx, records.WHOLE_ARCHIVE, record_id)  # type: ignore[arg-type]


def test_a_file_goes_in_is_made_safe_and_is_had_again(
    house: House, worker: MemoryJobs, send: Send, dentist: Actor
) -> None:
    upload = send(NOTE, "note.txt")
    assert record_of(house, upload.record_id).status is Status.RECEIVED
    worker.drain()
    record = record_of(house, upload.record_id)
    assert record.status is Status.AVAILABLE
    assert [stage.stage for stage in record.stages] == [
        "scan",
        "validate",
        "phi",
        "clean",
        "store",
        "encrypt",
        "index",
        "notify",
    ]
    opened = retrieve.open_file(house, dentist, record.id)
    assert b"".join(chunks_of(opened.source)) == NOTE
    assert opened.media_type == "text/plain"


def test_a_file_on_its_way_is_served_to_nobody(house: House, send: Send, dentist: Actor) -> None:
    upload = send(NOTE, "note.txt")
    assert upload.record_id is not None
    with pytest.raises(NotAvailable) as refusal:
        retrieve.open_file(house, dentist, upload.record_id)
    assert refusal.value.facts == {"record_status": "received"}  # `status` is HTTP's on the wire


def test_a_virus_is_quarantined(house: House, worker: MemoryJobs, send: Send) -> None:
    upload = send(EICAR, "invoice.txt")
    worker.drain()
    record = record_of(house, upload.record_id)
    assert record.status is Status.QUARANTINED
    assert record.scan is not None
    assert record.scan.outcome == "infected"


def test_an_empty_file_is_refused_and_its_key_destroyed(
    house: House, worker: MemoryJobs, send: Send
) -> None:
    upload = send(b"", "empty.txt")
    worker.drain()
    assert record_of(house, upload.record_id).status is Status.REJECTED
    with house.db.read() as tx, pytest.raises(Missing):
        assert upload.content_id is not None
        house.vault.open(tx, upload.content_id)


def test_what_no_module_recognises_is_refused_by_name(
    house: House, worker: MemoryJobs, send: Send
) -> None:
    upload = send(b"GIF89a" + bytes(40), "moving.gif")
    worker.drain()
    record = record_of(house, upload.record_id)
    assert (record.status, record.status_reason) == (Status.REJECTED, "unrecognised-kind")


def test_a_stored_file_hangs_on_its_patients_key(
    house: House, worker: MemoryJobs, send: Send, patient: Patient
) -> None:
    upload = send(NOTE, "note.txt")
    worker.drain()
    assert upload.content_id is not None
    with house.db.begin() as tx:
        house.vault.shred_subject(tx, QUARANTINE)
    with house.db.read() as tx:
        assert house.vault.open(tx, upload.content_id).size == len(NOTE)
    with house.db.begin() as tx:
        house.vault.shred_subject(tx, patient.key)
    with house.db.read() as tx, pytest.raises(Missing):
        house.vault.open(tx, upload.content_id)


def test_a_new_version_comes_on_top_and_the_old_one_stays(
    house: House, worker: MemoryJobs, send: Send, dentist: Actor
) -> None:
    first = send(NOTE, "note.txt")
    worker.drain()
    assert first.record_id is not None
    send(NOTE + b"Addendum.\n", "note.txt", replaces=id_out(first.record_id))
    worker.drain()
    record = record_of(house, first.record_id)
    assert record.version == 2
    old = retrieve.open_file(house, dentist, record.id, Asked(version=1))
    new = retrieve.open_file(house, dentist, record.id)
    assert (old.size, new.size) == (len(NOTE), len(NOTE) + 10)


def test_a_new_version_of_what_is_not_there_yet_is_refused(house: House, send: Send) -> None:
    first = send(NOTE, "note.txt")
    assert first.record_id is not None
    with pytest.raises(NothingToReplace):
        send(NOTE + b"Addendum.\n", "note.txt", replaces=id_out(first.record_id))


def test_pictures_that_cannot_be_drawn_again_leave_no_row_behind(
    house: House, bench: Bench, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Power(Exception):
        pass

    def cut(*_: object, **__: object) -> None:
        raise Power

    upload = send(NOTE, "note.txt")
    assert upload.record_id is not None
    with monkeypatch.context() as patched, pytest.raises(Power):
        patched.setattr(stages, "_place", cut)
        ingest.process(house, bench, upload.record_id)
    monkeypatch.setattr(stages, "_derive", lambda story, found: ((), ""))
    ingest.process(house, bench, upload.record_id)
    report = soundness.check(house, deep=True)
    assert report.is_sound, report.lines


def test_a_told_story_is_not_told_again(house: House, worker: MemoryJobs, send: Send) -> None:
    upload = send(NOTE, "note.txt")
    worker.drain()
    before = record_of(house, upload.record_id)
    with house.db.begin() as tx:
        from medstack import jobs

        jobs.enqueue(tx, ingest.JOB, record=before.id)
    worker.drain()
    assert record_of(house, upload.record_id) == before


def test_an_upload_without_a_patient_waits_in_its_senders_inbox(
    house: House, worker: MemoryJobs, dentist: Actor
) -> None:
    upload = receive.receive_whole(house, dentist, {"filename": "loose.txt"}, iter([NOTE]))
    worker.drain()
    record = record_of(house, upload.record_id)
    assert (record.patient_key, record.status) == (None, Status.AVAILABLE)


def test_somebody_elses_x_ray_is_quarantined(house: House, worker: MemoryJobs, send: Send) -> None:
    from pydicom.uid import ExplicitVRLittleEndian
    from tests.golden.dicom import make

    data = make.written(make.intraoral(), ExplicitVRLittleEndian)
    other = a_patient(house, "Brandt", "Noa", date(1990, 1, 1))
    upload = send(data, "xray.dcm", patientId=other.id, category="diagnostic-images")
    worker.drain()
    record = record_of(house, upload.record_id)
    assert (record.status, record.status_reason) == (Status.QUARANTINED, "wrong-patient")


def test_a_restored_version_is_found_by_its_text_again(
    house: House, bench: Bench, worker: MemoryJobs, send: Send, dentist: Actor
) -> None:
    first = send(b"The word is quokka.\n", "note.txt")
    worker.drain()
    assert first.record_id is not None
    send(b"The word is numbat.\n", "note.txt", replaces=id_out(first.record_id))
    worker.register(curate.REINDEX, partial(ingest.reindex, house, bench))
    worker.drain()
    assert _found(house, dentist, "quokka") == []
    curate.restore_version(house, dentist, first.record_id, 1)
    worker.drain()
    assert _found(house, dentist, "quokka") == [first.record_id]
    assert _found(house, dentist, "numbat") == []


def _found(house: House, actor: Actor, word: str) -> list[int]:
    page = curate.list_records(house, actor, curate.Wanted(q=word))
    return [view.record.id for view in page.items]


def test_a_record_is_filed_from_the_inbox_into_a_chart_and_checked_as_that_patients(
    house: House, worker: MemoryJobs, dentist: Actor, patient: Patient
) -> None:
    upload = receive.receive_whole(house, dentist, {"filename": "loose.txt"}, iter([NOTE]))
    worker.drain()
    assert upload.record_id is not None
    filed = receive.file_from_inbox(
        house, dentist, upload.record_id, {"patientId": patient.id, "category": "insurance"}
    )
    worker.drain()
    record = record_of(house, filed.record_id)
    assert (record.patient_key, record.status) == (patient.key, Status.AVAILABLE)
    opened = retrieve.open_file(house, dentist, record.id)
    assert b"".join(chunks_of(opened.source)) == NOTE
    with pytest.raises(Missing):
        record_of(house, upload.record_id)
    assert soundness.check(house, deep=True).is_sound


def test_what_has_a_chart_cannot_be_filed_again(
    house: House, worker: MemoryJobs, send: Send, dentist: Actor, patient: Patient
) -> None:
    upload = send(NOTE, "note.txt")
    worker.drain()
    assert upload.record_id is not None
    with pytest.raises(receive.NotInInbox):
        receive.file_from_inbox(house, dentist, upload.record_id, {"patientId": patient.id})
