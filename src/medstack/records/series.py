"""Loose DICOM files of one series, shown as one.

A series belongs to a shelf: the same files under two patients are two series. Its row counts what
it holds, so a list needs no counting and the series' limit is kept under parallel uploads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.formats.contract import Instance
from medstack.kit.errors import Missing, TooLarge
from medstack.kit.ids import Ids, PatientKey, RecordId
from medstack.records.model import Record
from medstack.records.rows import shelf_of
from medstack.records.sight import levels, sees
from medstack.records.tables import dicom_instances as instances
from medstack.records.tables import dicom_series as series
from medstack.records.tables import records


class SeriesTooLarge(TooLarge):
    """`facts`: rule, limit (bytes)."""

    code = "series-too-large"
    title = "The DICOM series is over its limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One acquisition: images that belong together in order."""

    id: int
    patient_key: PatientKey | None
    study_uid: str
    series_uid: str
    modality: str
    instances: int
    size: int  # bytes of all instances


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesItem:
    record_id: RecordId
    instance_uid: str
    number: int | None


def add_instance(
    tx: Tx, record: Record, instance: Instance, *, new_id: int, limit: int | None = None
) -> Series:
    """File a record as one image of its series; a second call for the same record is a no-op.

    new_id: the series' id if it is new. limit: bytes the whole series may have.
    Raises SeriesTooLarge.
    """
    shelf = shelf_of(record.patient_key, record.uploaded_by)
    row = {"study_uid": instance.study_uid, "modality": instance.modality}
    made = sqlite.insert if tx.dialect == "sqlite" else postgresql.insert
    fresh = made(series).values(
        id=new_id, shelf=shelf, series_uid=instance.series_uid, instances=0, size=0, **row
    )
    tx.execute(fresh.on_conflict_do_nothing(index_elements=["shelf", "series_uid"]))
    this = (series.c.shelf == shelf) & (series.c.series_uid == instance.series_uid)
    found = tx.execute(select(series).where(this).with_for_update()).one()
    already = select(instances.c.record_id).where(instances.c.record_id == record.id)
    if tx.execute(already).first() is not None:
        return _series_out(found)
    if limit is not None and found.size + record.file_size > limit:
        raise SeriesTooLarge(
            f"A series takes at most {limit} bytes in all.", rule="dicom-series", limit=limit
        )
    tx.execute(
        insert(instances).values(
            record_id=record.id,
            series_id=found.id,
            instance_uid=instance.instance_uid,
            number=instance.number,
            size=record.file_size,
        )
    )
    _count(tx, found.id, images=1, size=record.file_size)
    return _series_out(tx.execute(select(series).where(series.c.id == found.id)).one())


def remove(tx: Tx, record_id: RecordId) -> None:
    """Take a record out of its series, if it is in one; an empty series goes too."""
    row = tx.execute(select(instances).where(instances.c.record_id == record_id)).first()
    if row is None:
        return
    tx.execute(delete(instances).where(instances.c.record_id == record_id))
    _count(tx, row.series_id, images=-1, size=-row.size)
    tx.execute(delete(series).where(series.c.id == row.series_id, series.c.instances == 0))


def follow(tx: Tx, record: Record, *, ids: Ids) -> None:
    """File a record that came to another shelf with the same series there."""
    row = tx.execute(
        select(series, instances.c.instance_uid, instances.c.number)
        .join(instances, instances.c.series_id == series.c.id)
        .where(instances.c.record_id == record.id)
    ).first()
    if row is None:
        return
    remove(tx, record.id)
    instance = Instance(
        study_uid=row.study_uid,
        series_uid=row.series_uid,
        instance_uid=row.instance_uid,
        number=row.number,
        modality=row.modality,
    )
    add_instance(tx, record, instance, new_id=ids.new())


def get(tx: Tx, scope: Scope, series_id: int) -> Series:
    """Raises Missing if it is not there or not on a shelf the caller may look at."""
    row = tx.execute(select(series).where(series.c.id == series_id)).first()
    if row is None or not sees(tx, scope, row.shelf):
        raise Missing
    return _series_out(row)


def of_patient(
    tx: Tx, scope: Scope, patient_key: PatientKey, *, before: int | None = None, limit: int = 50
) -> tuple[Series, ...]:
    """A patient's series, newest first; `before` continues below an id."""
    if not sees(tx, scope, patient_key):
        return ()
    query = select(series).where(series.c.shelf == patient_key)
    if before is not None:
        query = query.where(series.c.id < before)
    rows = tx.execute(query.order_by(series.c.id.desc()).limit(limit))
    return tuple(_series_out(row) for row in rows)


def items(
    tx: Tx, scope: Scope, series_id: int, *, after: SeriesItem | None = None, limit: int = 500
) -> tuple[SeriesItem, ...]:
    """The images of a series in their own order; `after` continues below one."""
    get(tx, scope, series_id)
    order = func.coalesce(instances.c.number, 0)
    query = (
        select(instances)
        .join(records, records.c.id == instances.c.record_id)
        .where(instances.c.series_id == series_id, levels(scope))
    )
    if after is not None:
        here = after.number or 0
        query = query.where(
            (order > here) | ((order == here) & (instances.c.record_id > after.record_id))
        )
    rows = tx.execute(query.order_by(order, instances.c.record_id).limit(limit))
    return tuple(
        SeriesItem(
            record_id=RecordId(row.record_id), instance_uid=row.instance_uid, number=row.number
        )
        for row in rows
    )


def _count(tx: Tx, series_id: int, *, images: int, size: int) -> None:
    counted = {"instances": series.c.instances + images, "size": series.c.size + size}
    tx.execute(update(series).where(series.c.id == series_id).values(counted))


def _series_out(row: Row[Any]) -> Series:
    return Series(
        id=row.id,
        patient_key=PatientKey(row.shelf) if row.shelf > 0 else None,
        study_uid=row.study_uid,
        series_uid=row.series_uid,
        modality=row.modality,
        instances=row.instances,
        size=row.size,
    )
