"""A synthetic archive of any size, in the real schema, loaded in bulk.

About 50 records a patient over five years, words by Zipf's law, three tags, a tenth archived.
Shares do not depend on the size, so two sizes differ in nothing but how much there is.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Table, text

from medstack.db import Database, Tx
from medstack.kit.ids import (
    AccountId,
    AppointmentId,
    BatchId,
    CaseId,
    FolderId,
    PatientKey,
    ProviderId,
    RecordId,
    first_id_at,
)
from medstack.people.tables import accounts, assignments, patients
from medstack.records.categories import SUBCATEGORIES
from medstack.records.fields import fold_tag
from medstack.records.model import AccessLevel, Category, Record, Status
from medstack.records.rows import record_in
from medstack.records.tables import (
    record_folders,
    record_tags,
    record_texts,
    record_words,
    records,
)
from medstack.records.tokens import beginnings, facets, periods, text_words

START = datetime(2021, 1, 1, tzinfo=UTC)
SPAN = timedelta(days=5 * 365)
RECORDS_PER_PATIENT = 50
UPLOADERS, PROVIDERS, TAGS, VOCABULARY, WORDS = 40, 20, 30, 30_000, 40
PANELS = {"staff-50": 50, "staff-1000": 1000}
ACCOUNTS = {"admin": 1, "dentist": 2, "staff-50": 3, "staff-1000": 4, "patient": 5}
RARE_WORD, RARE_COUNT = "xanthogranuloma", 20
OLD_WORD = "fluoroscope"  # in a fifth of the first third, never since
PORTION = 5000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Archive:
    """What the benchmark asks for: one patient everybody on the panels may see, and his things."""

    size: int
    patient: PatientKey
    appointment: AppointmentId
    case: CaseId
    folder: FolderId
    batch: BatchId
    middle: datetime


def load(db: Database, size: int, *, seed: int = 1) -> Archive:
    """Fill an empty database. Says nothing, commits in portions."""
    chance = random.Random(seed)
    people = max(1200, size // RECORDS_PER_PATIENT)
    keys = [PatientKey(n) for n in range(1, people + 1)]
    panels = {name: chance.sample(keys, count) for name, count in PANELS.items()}
    patient = panels["staff-50"][0]
    panels["staff-1000"] = list({patient, *panels["staff-1000"]})
    _bulk(db, patients, (_patient(key) for key in keys))
    _bulk(db, accounts, (_account(name, patient) for name in ACCOUNTS))
    _bulk(db, assignments, _assignments(panels))
    _bulk(db, record_folders, (_folder(key) for key in keys))
    words = _words()
    _bulk(db, record_words, ({"word": word} for word in sorted({*words, *_fixed_words()})))
    for portion in _portions(_records(chance, size, keys, words)):
        _load_portion(db, portion)
    return Archive(
        size=size,
        patient=patient,
        appointment=AppointmentId(patient * 100 + 1),
        case=CaseId(patient * 10 + 1),
        folder=FolderId(patient),
        batch=BatchId(size // 20),
        middle=START + SPAN / 2,
    )


def _words() -> list[str]:
    return [f"w{number:05d}" for number in range(VOCABULARY)]


def _fixed_words() -> set[str]:
    fixed = {RARE_WORD, OLD_WORD, "jpg", "img", "tag", *(f"{n:04d}" for n in range(10_000))}
    fixed |= {part for c in Category for part in c.split("-")}
    fixed |= {part for c in Category for s in SUBCATEGORIES[c] for part in s.split("-")}
    return fixed | {f"tag{n}" for n in range(TAGS)}


def _records(
    chance: random.Random, size: int, keys: list[PatientKey], words: list[str]
) -> Iterator[tuple[Record, str]]:
    rank = list(itertools.accumulate(1 / (n + 1) for n in range(VOCABULARY)))
    tag_rank = list(itertools.accumulate(1 / (n + 1) for n in range(TAGS)))
    tags = [f"tag{n}" for n in range(TAGS)]
    categories = tuple(Category)
    rare = set(chance.sample(range(size), RARE_COUNT))
    for number in range(size):
        key = chance.choice(keys)
        category = chance.choice(categories)
        at = START + SPAN * (number / size)
        record = Record(
            id=RecordId(first_id_at(at) + number),
            patient_key=key,
            original_name=f"IMG_{chance.randrange(10_000):04d}.jpg",
            category=category,
            subcategory=chance.choice(tuple(SUBCATEGORIES[category])),
            appointment_id=AppointmentId(key * 100 + chance.randrange(17)),
            case_id=CaseId(key * 10 + chance.randrange(3)),
            folder_id=FolderId(key) if chance.random() < 0.5 else None,
            provider_id=ProviderId(chance.randrange(1, PROVIDERS + 1)),
            uploaded_by=AccountId(100 + chance.randrange(UPLOADERS)),
            modified_at=at,
            archived_at=at if number < size // 10 else None,
            access_level=chance.choices(tuple(AccessLevel), (70, 20, 8, 2))[0],
            tags=tuple(dict.fromkeys(chance.choices(tags, cum_weights=tag_rank, k=3))),
            file_size=1_000_000,
            status=chance.choices((Status.AVAILABLE, Status.HELD), (199, 1))[0],
            batch_id=BatchId(number // 10),
        )
        said = chance.choices(words, cum_weights=rank, k=WORDS)
        said += [RARE_WORD] if number in rare else []
        said += [OLD_WORD] if number < size // 3 and chance.random() < 0.2 else []
        yield record, " ".join(said)


def _load_portion(db: Database, portion: list[tuple[Record, str]]) -> None:
    _bulk(db, records, (record_in(record) for record, _ in portion))
    _bulk(
        db,
        record_tags,
        (
            {
                "record_id": record.id,
                "tag": fold_tag(tag),
                "is_archived": record.is_archived,
                "shelf": record.patient_key,
            }
            for record, _ in portion
            for tag in record.tags
        ),
    )
    _bulk(db, record_texts, (_text(record, body, db.dialect) for record, body in portion))
    if db.dialect == "sqlite":
        put = text("INSERT INTO record_search (rowid, tokens) VALUES (:id, :tokens)")
        with db.begin() as tx:
            tx.execute(
                put, [{"id": r.id, "tokens": " ".join(_tokens(r, body))} for r, body in portion]
            )


def _tokens(record: Record, body: str) -> list[str]:
    words = text_words(record, body)
    return [*words, *beginnings(words), *facets(record)]


def _text(record: Record, body: str, dialect: str) -> dict[str, Any]:
    if dialect == "sqlite":
        return {"record_id": record.id, "body": body, "tokens": None}
    tokens = [*_tokens(record, body), *periods(record.id)]
    return {"record_id": record.id, "body": body, "tokens": " ".join(f"'{t}'" for t in tokens)}


def _patient(key: PatientKey) -> dict[str, Any]:
    return {
        "key": key,
        "id": f"P{key:06d}",
        "family_name": "Muster",
        "given_name": f"N{key}",
        "sort_name": f"muster n{key}",
        "birth_date": date(1980, 1, 1),
        "sex": "unknown",
        "phone": "",
        "email": "",
        "address": [],
        "alerts": [],
        "note": "",
        "is_archived": False,
        "quota_bytes": None,
        "created_at": START,
        "revision": 1,
    }


def _account(name: str, patient: PatientKey) -> dict[str, Any]:
    return {
        "id": ACCOUNTS[name],
        "email": f"{name}@bench.test",
        "email_key": f"{name}@bench.test",
        "display_name": name,
        "role": name.partition("-")[0],
        "patient_key": patient if name == "patient" else None,
        "password_hash": None,
        "is_enabled": True,
        "must_change_password": False,
        "created_at": START,
        "revision": 1,
    }


def _assignments(panels: dict[str, list[PatientKey]]) -> Iterator[dict[str, Any]]:
    number = itertools.count(1)
    for name, keys in panels.items():
        for key in keys:
            yield {
                "id": next(number),
                "account_id": ACCOUNTS[name],
                "patient_key": key,
                "from_at": START,
                "until_at": None,
                "created_by": 1,
            }


def _folder(key: PatientKey) -> dict[str, Any]:
    return {
        "id": key,
        "patient_key": key,
        "parent_id": None,
        "place": 0,
        "name": "Folder",
        "folded_name": "folder",
        "created_at": START,
        "created_by": 1,
    }


def _bulk(db: Database, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    for portion in _portions(rows):
        with db.begin() as tx:
            if db.dialect == "postgresql":
                _copy(tx, table, portion)
            else:
                tx.execute(table.insert(), portion)


def _portions(rows: Iterable[T]) -> Iterator[list[T]]:
    ordered = iter(rows)
    return iter(lambda: list(itertools.islice(ordered, PORTION)), [])


def _copy(tx: Tx, table: Table, rows: list[dict[str, Any]]) -> None:
    """COPY, which is ten times as fast as INSERT; types are bound as the tables bind them."""
    dialect = tx.connection.dialect
    columns = [column for column in table.c if column.name in rows[0]]
    binds = [column.type.bind_processor(dialect) for column in columns]
    names = ", ".join(f'"{column.name}"' for column in columns)
    raw = tx.connection.connection.dbapi_connection
    assert isinstance(raw, psycopg.Connection)
    with raw.cursor().copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:  # type: ignore[arg-type]
        for row in rows:
            copy.write_row(
                [_plain(row[c.name], bind) for c, bind in zip(columns, binds, strict=True)]
            )


def _plain(value: Any, bind: Any) -> Any:
    bound = bind(value) if bind is not None and value is not None else value
    if isinstance(bound, (dict, list)):
        return json.dumps(bound)
    return getattr(bound, "obj", bound) if not isinstance(bound, str) else str(bound)
