from __future__ import annotations

import pytest
from tests.unit.records.making import NOW, make_record, scope_of

from medstack import records
from medstack.db import Database
from medstack.kit.errors import Missing
from medstack.kit.ids import AccountId, FolderId, PatientKey, TimeOrderedIds
from medstack.records import WHOLE_ARCHIVE, Edit, folders
from medstack.records.fields import BadField
from medstack.records.folders import (
    Folder,
    FolderCycle,
    FolderExists,
    FolderNotEmpty,
    TooManyFolders,
    WrongFolder,
)

ANNA, BERT = PatientKey(1), PatientKey(2)


def make(
    db: Database,
    ids: TimeOrderedIds,
    name: str,
    parent: FolderId | None = None,
    patient: PatientKey = ANNA,
) -> FolderId:
    folder = Folder(
        id=FolderId(ids.new()),
        patient_key=patient,
        parent_id=parent,
        name=name,
        created_at=NOW,
        created_by=AccountId(7),
    )
    with db.begin() as tx:
        return folders.create(tx, WHOLE_ARCHIVE, folder).id


def test_a_name_is_taken_once_among_siblings_and_free_elsewhere(
    db: Database, ids: TimeOrderedIds
) -> None:
    ortho = make(db, ids, "Ortho")
    make(db, ids, "Ortho", parent=ortho)
    make(db, ids, "Ortho", patient=BERT)
    with pytest.raises(FolderExists):
        make(db, ids, "  ORTHO ")


def test_a_folder_cannot_be_moved_into_itself_or_below(db: Database, ids: TimeOrderedIds) -> None:
    top = make(db, ids, "top")
    below = make(db, ids, "below", parent=top)
    for target in (top, below):
        with db.begin() as tx, pytest.raises(FolderCycle):
            folders.change(tx, WHOLE_ARCHIVE, top, name="top", parent_id=target)


def test_a_folder_moves_and_is_renamed(db: Database, ids: TimeOrderedIds) -> None:
    one, two = make(db, ids, "one"), make(db, ids, "two")
    with db.begin() as tx:
        moved = folders.change(tx, WHOLE_ARCHIVE, two, name="three", parent_id=one)
        assert (moved.name, moved.parent_id) == ("three", one)
        assert [f.name for f in folders.of_patient(tx, WHOLE_ARCHIVE, ANNA)] == ["one", "three"]


def test_a_folder_lies_in_its_own_patients_only(db: Database, ids: TimeOrderedIds) -> None:
    berts = make(db, ids, "x", patient=BERT)
    with pytest.raises(WrongFolder):
        make(db, ids, "y", parent=berts)


def test_folders_nest_twenty_deep(db: Database, ids: TimeOrderedIds) -> None:
    parent = None
    for depth in range(folders.DEPTH):
        parent = make(db, ids, f"d{depth}", parent=parent)
    with pytest.raises(TooManyFolders):
        make(db, ids, "deeper", parent=parent)
    tall = make(db, ids, "tall")
    make(db, ids, "inside", parent=tall)
    with db.begin() as tx:
        above = folders.get(tx, WHOLE_ARCHIVE, parent or FolderId(0)).parent_id
        with pytest.raises(TooManyFolders):
            folders.change(tx, WHOLE_ARCHIVE, tall, name="tall", parent_id=above)


def test_only_an_empty_folder_is_removed(db: Database, ids: TimeOrderedIds) -> None:
    top = make(db, ids, "top")
    below = make(db, ids, "below", parent=top)
    record = make_record(ids.new())
    with db.begin() as tx:
        records.add(tx, record)
        change = Edit(folder_id=below)
        records.edit(tx, WHOLE_ARCHIVE, record.id, change, by=AccountId(7), now=NOW, ids=ids)
        for full in (top, below):
            with pytest.raises(FolderNotEmpty):
                folders.remove(tx, WHOLE_ARCHIVE, full)
        change = Edit(folder_id=None)
        records.edit(tx, WHOLE_ARCHIVE, record.id, change, by=AccountId(7), now=NOW, ids=ids)
        folders.remove(tx, WHOLE_ARCHIVE, below)
        folders.remove(tx, WHOLE_ARCHIVE, top)
        assert folders.of_patient(tx, WHOLE_ARCHIVE, ANNA) == ()


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101])
def test_a_folder_needs_a_name_on_one_line(db: Database, ids: TimeOrderedIds, name: str) -> None:
    with pytest.raises(BadField):
        make(db, ids, name)


def test_a_folder_out_of_sight_is_not_there(db: Database, ids: TimeOrderedIds) -> None:
    annas = make(db, ids, "x")
    scope = scope_of([BERT])
    with db.begin() as tx:
        assert folders.of_patient(tx, scope, ANNA) == ()
        with pytest.raises(Missing):
            folders.get(tx, scope, annas)
        with pytest.raises(Missing):
            folders.change(tx, scope, annas, name="y", parent_id=None)
        with pytest.raises(Missing):
            folders.remove(tx, scope, annas)
