from __future__ import annotations

import random

import pytest
from tests.unit.records.making import make_record, scope_of

from medstack import records
from medstack.db import Database
from medstack.formats.contract import Instance
from medstack.kit.errors import Missing
from medstack.kit.ids import PatientKey, TimeOrderedIds
from medstack.records import WHOLE_ARCHIVE, Record, series
from medstack.records.series import SeriesTooLarge

ANNA = PatientKey(1)


def file_one(
    db: Database,
    ids: TimeOrderedIds,
    number: int | None,
    *,
    uid: str = "1.2.3",
    limit: int | None = None,
) -> Record:
    record = make_record(ids.new(), file_size=10)
    instance = Instance(
        study_uid="1.2",
        series_uid=uid,
        instance_uid=f"{uid}.{record.id}",
        number=number,
        modality="CT",
    )
    with db.begin() as tx:
        records.add(tx, record)
        series.add_instance(tx, record, instance, new_id=ids.new(), limit=limit)
    return record


def test_loose_files_become_one_series_in_their_own_order(
    db: Database, ids: TimeOrderedIds
) -> None:
    numbers = list(range(1, 13))
    random.Random(5).shuffle(numbers)
    filed = {number: file_one(db, ids, number).id for number in numbers}
    with db.read() as tx:
        (found,) = series.of_patient(tx, WHOLE_ARCHIVE, ANNA)
        first = series.items(tx, WHOLE_ARCHIVE, found.id, limit=5)
        rest = series.items(tx, WHOLE_ARCHIVE, found.id, after=first[-1])
    assert (found.instances, found.size, found.modality) == (12, 120, "CT")
    assert [i.record_id for i in (*first, *rest)] == [filed[n] for n in sorted(filed)]


def test_filing_a_record_twice_counts_it_once(db: Database, ids: TimeOrderedIds) -> None:
    record = file_one(db, ids, 1)
    instance = Instance(study_uid="1.2", series_uid="1.2.3", instance_uid="x", number=1)
    with db.begin() as tx:
        again = series.add_instance(tx, record, instance, new_id=ids.new())
    assert (again.instances, again.size) == (1, 10)


def test_a_series_has_a_limit_exact_to_the_byte(db: Database, ids: TimeOrderedIds) -> None:
    file_one(db, ids, 1, limit=20)
    file_one(db, ids, 2, limit=20)
    with pytest.raises(SeriesTooLarge) as refusal:
        file_one(db, ids, 3, limit=20)
    assert refusal.value.facts == {"rule": "dicom-series", "limit": 20}


def test_an_erased_image_leaves_its_series_and_the_last_takes_it_along(
    db: Database, ids: TimeOrderedIds
) -> None:
    one, two = file_one(db, ids, 1), file_one(db, ids, None)
    with db.begin() as tx:
        records.erase(tx, one.id)
        (left,) = series.of_patient(tx, WHOLE_ARCHIVE, ANNA)
        assert (left.instances, left.size) == (1, 10)
        records.erase(tx, two.id)
        assert series.of_patient(tx, WHOLE_ARCHIVE, ANNA) == ()


def test_series_are_listed_newest_first_in_pages(db: Database, ids: TimeOrderedIds) -> None:
    for n in range(5):
        file_one(db, ids, 1, uid=f"1.{n}")
    with db.read() as tx:
        first = series.of_patient(tx, WHOLE_ARCHIVE, ANNA, limit=3)
        rest = series.of_patient(tx, WHOLE_ARCHIVE, ANNA, before=first[-1].id)
    assert [s.series_uid for s in (*first, *rest)] == [f"1.{n}" for n in (4, 3, 2, 1, 0)]


def test_a_series_out_of_sight_is_not_there(db: Database, ids: TimeOrderedIds) -> None:
    file_one(db, ids, 1)
    with db.read() as tx:
        (found,) = series.of_patient(tx, WHOLE_ARCHIVE, ANNA)
        assert series.of_patient(tx, scope_of([2]), ANNA) == ()
        with pytest.raises(Missing):
            series.items(tx, scope_of([2]), found.id)
        assert series.items(tx, scope_of([1], levels=["admin"]), found.id) == ()
