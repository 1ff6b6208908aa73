"""How much of a patient's space is used, and promised to uploads on their way.

A reservation is one conditional UPDATE, so any number of parallel uploads never overshoot.
Counted are the bytes of originals; what is derived from them is not the patient's affair.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from medstack.db import Tx
from medstack.kit.errors import TooLarge
from medstack.kit.ids import PatientKey
from medstack.records.tables import patient_quotas as quotas
from medstack.records.tables import quota_reservations as reservations

RESERVED, COMMITTED, RELEASED = "reserved", "committed", "released"


class QuotaExceeded(TooLarge):
    """`facts`: rule, limit and left (bytes)."""

    code = "quota-exceeded"
    title = "The patient's storage is full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    used: int
    reserved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    patients: int  # who ever had anything stored
    used: int
    reserved: int


def reserve(tx: Tx, patient_key: PatientKey, reservation_id: int, size: int, *, limit: int) -> None:
    """Promise `size` bytes to an upload or record. Raises QuotaExceeded."""
    made = sqlite.insert if tx.dialect == "sqlite" else postgresql.insert
    empty = made(quotas).values(patient_key=patient_key, used=0, reserved=0)
    tx.execute(empty.on_conflict_do_nothing())
    _grow(tx, patient_key, size, limit)
    tx.execute(
        insert(reservations).values(
            id=reservation_id, patient_key=patient_key, size=size, state=RESERVED
        )
    )


def resize(tx: Tx, reservation_id: int, size: int, *, limit: int) -> None:
    """Change what is promised, once the true length is known. Raises QuotaExceeded."""
    held = _locked(tx, reservation_id)
    if held is None or held.state != RESERVED or held.size == size:
        return
    if size > held.size:
        _grow(tx, held.patient_key, size - held.size, limit)
    else:
        _shift(tx, held.patient_key, reserved=size - held.size)
    this = reservations.c.id == reservation_id
    tx.execute(update(reservations).where(this).values(size=size))


def commit(tx: Tx, reservation_id: int) -> None:
    """The bytes are stored: promised becomes used. Doing it twice counts once."""
    held = _settle(tx, reservation_id, (RESERVED,), COMMITTED)
    if held is not None:
        _shift(tx, held.patient_key, reserved=-held.size, used=held.size)


def release(tx: Tx, reservation_id: int) -> None:
    """The bytes will not come, or are gone again. Doing it twice counts once."""
    held = _settle(tx, reservation_id, (RESERVED, COMMITTED), RELEASED)
    if held is not None:
        was = {"reserved" if held.state == RESERVED else "used": -held.size}
        _shift(tx, held.patient_key, **was)


def usage(tx: Tx, patient_key: PatientKey) -> Usage:
    """What a patient has and what is on its way; for a patient the caller has been shown."""
    row = tx.execute(select(quotas).where(quotas.c.patient_key == patient_key)).first()
    return Usage(used=row.used, reserved=row.reserved) if row else Usage(used=0, reserved=0)


def totals(tx: Tx) -> Totals:
    """What the whole practice has and what is on its way."""
    row = tx.execute(
        select(
            func.count().label("patients"),
            func.sum(quotas.c.used).label("used"),
            func.sum(quotas.c.reserved).label("reserved"),
        )
    ).one()
    return Totals(patients=row.patients, used=int(row.used or 0), reserved=int(row.reserved or 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    patient_key: PatientKey
    size: int
    state: str


def _grow(tx: Tx, patient_key: PatientKey, size: int, limit: int) -> None:
    fits = quotas.c.used + quotas.c.reserved + size <= limit
    here = update(quotas).where(quotas.c.patient_key == patient_key, fits)
    if tx.execute(here.values(reserved=quotas.c.reserved + size)).rowcount == 0:
        now = usage(tx, patient_key)
        raise QuotaExceeded(
            "Remove something or ask for more room.",
            rule="limits.patient-quota",
            limit=limit,
            left=max(0, limit - now.used - now.reserved),
        )


def _shift(tx: Tx, patient_key: PatientKey, *, used: int = 0, reserved: int = 0) -> None:
    counted = {"used": quotas.c.used + used, "reserved": quotas.c.reserved + reserved}
    tx.execute(update(quotas).where(quotas.c.patient_key == patient_key).values(counted))


def _settle(tx: Tx, reservation_id: int, states: tuple[str, ...], state: str) -> _Held | None:
    """Move a reservation on; None if another call already has, or there is none."""
    held = _locked(tx, reservation_id)
    if held is None or held.state not in states:
        return None
    this = reservations.c.id == reservation_id
    tx.execute(update(reservations).where(this).values(state=state))
    return held


def _locked(tx: Tx, reservation_id: int) -> _Held | None:
    this = select(reservations).where(reservations.c.id == reservation_id).with_for_update()
    row = tx.execute(this).first()
    if row is None:
        return None
    return _Held(patient_key=PatientKey(row.patient_key), size=row.size, state=row.state)
