from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.unit.records.making import NOW, make_record, scope_of

from medstack import records
from medstack.db import Database
from medstack.formats.contract import FileMetadata, IdentityMark, Instance
from medstack.kit.errors import Missing
from medstack.kit.ids import (
    AccountId,
    AppointmentId,
    BatchId,
    CaseId,
    ContentId,
    FolderId,
    PatientKey,
    ProviderId,
    RecordId,
    TimeOrderedIds,
)
from medstack.records import (
    WHOLE_ARCHIVE,
    Edit,
    Filters,
    Record,
    Said,
    Stage,
    StageState,
    Status,
    Step,
)
from medstack.records import series as series_room
from medstack.records.fields import BadField
from medstack.records.folders import WrongFolder
from medstack.records.model import AccessLevel, Category, DownloadName, Rendition, ScanSummary
from medstack.records.rules import IllegalTransition, StaleRevision

LATER = NOW + timedelta(hours=1)
ME = AccountId(7)


@pytest.fixture
def record(db: Database, ids: TimeOrderedIds) -> Record:
    made = make_record(ids.new())
    with db.begin() as tx:
        records.add(tx, made)
    return made


def read(db: Database, record_id: RecordId) -> Record:
    with db.read() as tx:
        return records.get(tx, WHOLE_ARCHIVE, record_id)


def test_every_field_of_a_record_comes_back_as_it_went_in(
    db: Database, ids: TimeOrderedIds
) -> None:
    full = make_record(
        ids.new(),
        patient_key=PatientKey(ids.new()),
        original_name="Röntgen 36 <b>'--.jpg",
        category=Category.DIAGNOSTIC_IMAGES,
        subcategory="bitewing",
        description="two\nlines",
        appointment_id=AppointmentId(2),
        case_id=CaseId(3),
        folder_id=None,
        provider_id=ProviderId(5),
        archived_at=NOW,
        access_level=AccessLevel.DENTIST,
        tags=("Urgent", "<i>x</i>"),
        kind="jpeg",
        file_type="image/jpeg",
        extension="jpg",
        file_size=2**40,
        found=FileMetadata(
            width_px=1, resolution_dpi=72.5, extra={"pageCount": 3, "isLossy": True}
        ),
        said=Said(notes="n", procedure="p"),
        name=DownloadName(code="XRAY", on=date(2026, 3, 1), sequence=12),
        status=Status.HELD,
        status_reason="no-engine",
        stopped_at=Status.SCANNING,
        stages=(Stage(stage="scan", state=StageState.HELD, at=NOW, code="no-engine"),),
        scan=ScanSummary(outcome="clean", engine="clamd", version="1", signature=""),
        identity=(IdentityMark(kind="gps-position", place="EXIF GPSInfo"),),
        version=2,
        revision=3,
        changes=9,
        batch_id=BatchId(6),
        replaces=RecordId(8),
    )
    with db.begin() as tx:
        records.add(tx, full)
    assert read(db, full.id) == full


def test_a_record_in_an_inbox_has_no_patient(db: Database, ids: TimeOrderedIds) -> None:
    made = make_record(ids.new(), patient_key=None)
    with db.begin() as tx:
        records.add(tx, made)
    assert read(db, made.id) == made


def test_not_yours_and_not_there_look_alike(db: Database, record: Record) -> None:
    refusals = []
    for scope, asked in ((scope_of([99]), record.id), (WHOLE_ARCHIVE, RecordId(1))):
        with db.read() as tx, pytest.raises(Missing) as refusal:
            records.get(tx, scope, asked)
        refusals.append((type(refusal.value), str(refusal.value), refusal.value.facts))
    assert refusals[0] == refusals[1]


def test_a_record_above_the_callers_level_is_not_there(db: Database, record: Record) -> None:
    with db.read() as tx, pytest.raises(Missing):
        records.get(tx, scope_of([1], levels=["staff"]), record.id)


def test_an_inbox_is_its_owners_alone(db: Database, ids: TimeOrderedIds) -> None:
    made = make_record(ids.new(), patient_key=None)
    with db.begin() as tx:
        records.add(tx, made)
    with db.read() as tx:
        assert records.get(tx, scope_of([], inbox_of=7), made.id) == made
        with pytest.raises(Missing):
            records.get(tx, scope_of([1], inbox_of=8), made.id)
        with pytest.raises(Missing):
            records.get(tx, scope_of([7]), made.id)


def test_many_records_come_in_the_order_they_were_asked_for_without_the_others(
    db: Database, ids: TimeOrderedIds
) -> None:
    made = [make_record(ids.new(), patient_key=PatientKey(n)) for n in (1, 2, 3)]
    with db.begin() as tx:
        for one in made:
            records.add(tx, one)
    asked = (made[2].id, made[0].id, made[1].id)
    with db.read() as tx:
        assert records.get_many(tx, scope_of([1, 3]), asked) == (made[2], made[0])


# --- the way in


def test_a_stopped_record_says_why_and_where_until_it_goes_on(db: Database, record: Record) -> None:
    with db.begin() as tx:
        records.move(tx, record.id, Step.ADVANCE, now=NOW)
        held = records.move(tx, record.id, Step.HOLD, now=NOW, reason="engine-unavailable")
    assert (held.status, held.status_reason) == (Status.HELD, "engine-unavailable")
    assert held.stopped_at is Status.SCANNING
    with db.begin() as tx:
        moved = records.move(tx, record.id, Step.RELEASE, now=NOW)
    assert (moved.status, moved.status_reason, moved.stopped_at) == (Status.VALIDATING, "", None)
    assert read(db, record.id) == moved


def test_a_held_record_that_is_quarantined_remembers_the_first_stop(
    db: Database, record: Record
) -> None:
    with db.begin() as tx:
        records.move(tx, record.id, Step.ADVANCE, now=NOW)
        records.move(tx, record.id, Step.HOLD, now=NOW)
        stopped = records.move(tx, record.id, Step.QUARANTINE, now=NOW)
    assert stopped.stopped_at is Status.SCANNING


def test_an_illegal_step_changes_nothing(db: Database, record: Record) -> None:
    with db.begin() as tx, pytest.raises(IllegalTransition):
        records.move(tx, record.id, Step.RELEASE, now=NOW)
    assert read(db, record.id) == record


def test_a_stage_keeps_its_place_while_its_state_changes(db: Database, record: Record) -> None:
    running = Stage(stage="scan", state=StageState.RUNNING, at=NOW)
    following = Stage(stage="validate", state=StageState.RUNNING, at=NOW)
    done = Stage(stage="scan", state=StageState.DONE, at=LATER)
    with db.begin() as tx:
        for stage in (running, following, done):
            records.note_stage(tx, record.id, stage)
    assert read(db, record.id).stages == (done, following)


def test_the_checks_spoil_no_edit_but_the_entity_tag_tells_them_apart(
    db: Database, record: Record
) -> None:
    with db.begin() as tx:
        moved = records.move(tx, record.id, Step.ADVANCE, now=NOW)
    assert moved.revision == record.revision
    assert records.etag(moved) != records.etag(record)


def test_what_a_file_says_of_itself_is_found_by_its_words(db: Database, record: Record) -> None:
    with db.begin() as tx:
        records.note_inspection(
            tx,
            record.id,
            kind="dicom",
            media_type="application/dicom",
            extension="dcm",
            found=FileMetadata(
                equipment="Sirona Orthophos", body_part="JAW", extra={"modality": "PX"}
            ),
            identity=(IdentityMark(kind="person-name", place="DICOM (0010,0010)"),),
        )
    for q in ("orthophos", "jaw", "px"):
        with db.read() as tx:
            assert [r.kind for r in records.page(tx, WHOLE_ARCHIVE, Filters(q=q)).items] == [
                "dicom"
            ]


# --- names


def test_names_count_up_within_a_patient_a_type_and_a_date(
    db: Database, ids: TimeOrderedIds
) -> None:
    made = [make_record(ids.new(), subcategory="bitewing") for _ in range(3)]
    other = make_record(ids.new(), patient_key=PatientKey(2), subcategory="bitewing")
    day = date(2024, 12, 6)
    with db.begin() as tx:
        for one in (*made, other):
            records.add(tx, one)
        numbers = [records.give_name(tx, one.id, day).name for one in made]
        again = records.give_name(tx, made[0].id, day).name
        elsewhere = records.give_name(tx, other.id, day).name
    assert numbers == [DownloadName(code="XRAY", on=day, sequence=n) for n in (1, 2, 3)]
    assert again == numbers[0]
    assert elsewhere == numbers[0]


def test_a_record_without_a_patient_gets_no_name(db: Database, ids: TimeOrderedIds) -> None:
    made = make_record(ids.new(), patient_key=None)
    with db.begin() as tx:
        records.add(tx, made)
        assert records.give_name(tx, made.id, date(2024, 1, 1)).name is None


# --- edits


def test_an_edit_keeps_what_was_before(db: Database, record: Record, ids: TimeOrderedIds) -> None:
    change = Edit(description="new", tags=("a", "A", "b"), said=Said(notes="note"))
    with db.begin() as tx:
        after = records.edit(
            tx, WHOLE_ARCHIVE, record.id, change, by=ME, now=LATER, ids=ids, expected=1
        )
    assert (after.description, after.tags, after.notes) == ("new", ("a", "b"), "note")
    assert (after.revision, after.modified_at) == (2, LATER)
    with db.read() as tx:
        (entry,) = records.history(tx, WHOLE_ARCHIVE, record.id)
    assert (entry.revision, entry.at, entry.by) == (2, LATER, ME)
    assert set(entry.fields) == {"description", "tags", "said"}
    assert entry.fields["description"] == ("", "new")
    assert entry.fields["tags"] == ([], ["a", "b"])


def test_a_stale_edit_is_refused_and_changes_nothing(
    db: Database, record: Record, ids: TimeOrderedIds
) -> None:
    with db.begin() as tx:
        records.edit(
            tx, WHOLE_ARCHIVE, record.id, Edit(description="1"), by=ME, now=NOW, ids=ids, expected=1
        )
    with db.begin() as tx, pytest.raises(StaleRevision):
        records.edit(
            tx, WHOLE_ARCHIVE, record.id, Edit(description="2"), by=ME, now=NOW, ids=ids, expected=1
        )
    assert read(db, record.id).description == "1"


def test_an_edit_that_changes_nothing_counts_nothing(
    db: Database, record: Record, ids: TimeOrderedIds
) -> None:
    with db.begin() as tx:
        records.edit(tx, WHOLE_ARCHIVE, record.id, Edit(description=""), by=ME, now=LATER, ids=ids)
    assert read(db, record.id) == record


def test_an_edit_needs_sight_of_the_record(
    db: Database, record: Record, ids: TimeOrderedIds
) -> None:
    with db.begin() as tx, pytest.raises(Missing):
        records.edit(tx, scope_of([2]), record.id, Edit(description="x"), by=ME, now=NOW, ids=ids)


def test_another_category_drops_a_subcategory_it_does_not_have(
    db: Database, ids: TimeOrderedIds
) -> None:
    made = make_record(ids.new(), subcategory="cbct")
    with db.begin() as tx:
        records.add(tx, made)
        after = records.edit(
            tx, WHOLE_ARCHIVE, made.id, Edit(category=Category.INSURANCE), by=ME, now=NOW, ids=ids
        )
    assert after.subcategory is None


def test_a_bad_field_changes_nothing(db: Database, record: Record, ids: TimeOrderedIds) -> None:
    with db.begin() as tx, pytest.raises(BadField):
        records.edit(tx, WHOLE_ARCHIVE, record.id, Edit(description="\0"), by=ME, now=NOW, ids=ids)
    assert read(db, record.id) == record


def test_a_record_cannot_be_put_into_a_folder_that_is_not_its_patients(
    db: Database, record: Record, ids: TimeOrderedIds
) -> None:
    change = Edit(folder_id=FolderId(ids.new()))
    with db.begin() as tx, pytest.raises(WrongFolder):
        records.edit(tx, WHOLE_ARCHIVE, record.id, change, by=ME, now=NOW, ids=ids)


def test_a_record_given_to_its_patient_leaves_the_inbox_everywhere(
    db: Database, ids: TimeOrderedIds
) -> None:
    made = make_record(ids.new(), patient_key=None, tags=("x",), description="crown")
    instance = Instance(study_uid="1.2", series_uid="1.2.3", instance_uid="1.2.3.4", number=1)
    with db.begin() as tx:
        records.add(tx, made)
        series_room.add_instance(tx, made, instance, new_id=ids.new())
        records.edit(
            tx, WHOLE_ARCHIVE, made.id, Edit(patient_key=PatientKey(5)), by=ME, now=NOW, ids=ids
        )
    for asked in (Filters(), Filters(tag="x"), Filters(q="crown")):
        with db.read() as tx:
            assert not records.page(tx, scope_of([], inbox_of=7), asked).items
            assert records.page(tx, scope_of([5]), asked).items
    with db.read() as tx:
        (moved,) = series_room.of_patient(tx, WHOLE_ARCHIVE, PatientKey(5))
        assert moved.instances == 1


def test_a_record_that_changes_hands_loses_the_name_that_told_its_patient(
    db: Database, record: Record, ids: TimeOrderedIds
) -> None:
    with db.begin() as tx:
        records.give_name(tx, record.id, date(2024, 1, 1))
        after = records.edit(
            tx, WHOLE_ARCHIVE, record.id, Edit(patient_key=PatientKey(2)), by=ME, now=NOW, ids=ids
        )
    assert after.name is None


# --- versions


def new_version(db: Database, record_id: RecordId, content: int, *, size: int = 10) -> None:
    with db.begin() as tx:
        records.add_version(
            tx,
            record_id,
            content_id=ContentId(content),
            sha256=bytes([content]) * 32,
            size=size,
            media_type="image/jpeg",
            kind="jpeg",
            extension="jpg",
            uploaded_by=ME,
            now=NOW,
        )


def picture(record_id: RecordId, version: int, content: int) -> Rendition:
    return Rendition(
        record_id=record_id,
        version=version,
        name="thumbnail",
        content_id=ContentId(content),
        media_type="image/webp",
        width_px=400,
        height_px=300,
        size=99,
    )


def test_versions_count_up_and_the_last_is_the_current_one(db: Database, record: Record) -> None:
    new_version(db, record.id, 1)
    new_version(db, record.id, 2, size=20)
    with db.read() as tx:
        kept = records.versions(tx, WHOLE_ARCHIVE, record.id)
        current = records.version(tx, WHOLE_ARCHIVE, record.id)
    assert [v.number for v in kept] == [1, 2]
    assert current == kept[1]
    assert read(db, record.id).file_size == 20


def test_a_restored_version_is_a_new_one_with_the_old_content_and_pictures(
    db: Database, record: Record
) -> None:
    new_version(db, record.id, 1)
    new_version(db, record.id, 2)
    with db.begin() as tx:
        records.put_rendition(tx, picture(record.id, 1, 11))
        back = records.restore(tx, WHOLE_ARCHIVE, record.id, 1, by=ME, now=LATER)
    assert (back.number, back.content_id, back.restored_from) == (3, 1, 1)
    assert back.sha256 == b"\1" * 32
    with db.read() as tx:
        assert records.rendition(tx, WHOLE_ARCHIVE, record.id, "thumbnail").content_id == 11
        assert len(records.versions(tx, WHOLE_ARCHIVE, record.id)) == 3


@pytest.mark.parametrize("number", [0, 2, -1])
def test_a_version_that_never_was_is_not_there(db: Database, record: Record, number: int) -> None:
    new_version(db, record.id, 1)
    with db.read() as tx, pytest.raises(Missing):
        records.version(tx, WHOLE_ARCHIVE, record.id, number)


def test_a_record_without_content_has_no_version(db: Database, record: Record) -> None:
    with db.read() as tx, pytest.raises(Missing):
        records.version(tx, WHOLE_ARCHIVE, record.id)


def test_versions_and_pictures_are_only_for_who_sees_the_record(
    db: Database, record: Record
) -> None:
    new_version(db, record.id, 1)
    for ask in (records.versions, records.version, records.renditions, records.history):
        with db.read() as tx, pytest.raises(Missing):
            ask(tx, scope_of([2]), record.id)  # type: ignore[operator]


def test_erasing_names_every_content_once_and_leaves_nothing(db: Database, record: Record) -> None:
    new_version(db, record.id, 1)
    with db.begin() as tx:
        records.put_rendition(tx, picture(record.id, 1, 11))
        records.restore(tx, WHOLE_ARCHIVE, record.id, 1, by=ME, now=LATER)
        assert records.contents(tx, record.id) == (1, 11)
        records.erase(tx, record.id)
        assert records.contents(tx, record.id) == ()
    with db.read() as tx, pytest.raises(Missing):
        records.get(tx, WHOLE_ARCHIVE, record.id)


def test_archiving_twice_is_archiving_once(db: Database, record: Record) -> None:
    with db.begin() as tx:
        once = records.archive(tx, record.id, now=NOW)
        assert records.archive(tx, record.id, now=LATER) == once
        assert records.unarchive(tx, record.id, now=LATER).archived_at is None


def test_an_excerpt_shows_where_the_words_were_met(db: Database, ids: TimeOrderedIds) -> None:
    made = make_record(ids.new(), description="Crown on 36")
    with db.begin() as tx:
        records.add(tx, made)
        records.index_text(tx, made, body="x " * 300 + "the crown was fitted")
    with db.read() as tx:
        found = records.excerpts(tx, WHOLE_ARCHIVE, (made.id,), "cro")[made.id]
        assert records.excerpts(tx, scope_of([2]), (made.id,), "cro") == {}
    assert [e.field for e in found] == ["description", "text"]
    assert [e.text[a:b] for e in found for a, b in e.marks] == ["Crown", "crown"]


def test_a_record_is_uploaded_when_its_id_was_made(record: Record) -> None:
    assert record.uploaded_at == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert replace(record, archived_at=NOW).is_archived
