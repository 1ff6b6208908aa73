"""The running number in a download name: one counter row per patient, type and date."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from medstack.db import Tx
from medstack.kit.ids import PatientKey
from medstack.records.tables import record_sequences as sequences


def next_sequence(tx: Tx, patient_key: PatientKey, code: str, on: date) -> int:
    """1, 2, 3 … never the same twice; a number is lost only with its transaction."""
    where = {"patient_key": patient_key, "code": code, "on": on}
    insert = sqlite.insert if tx.dialect == "sqlite" else postgresql.insert
    tx.execute(insert(sequences).values(**where, last=0).on_conflict_do_nothing())
    row = [sequences.c[name] == value for name, value in where.items()]
    tx.execute(update(sequences).where(*row).values(last=sequences.c.last + 1))
    return int(tx.execute(select(sequences.c.last).where(*row)).scalar_one())
