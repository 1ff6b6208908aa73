"""Migrating an empty database gives exactly the schema the tables ask for, on both databases."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.schema import SchemaItem
from tests.places import NewPlace

from medstack.db import Database, Tx
from medstack.db.migrate import TABLE
from medstack.db.schema import metadata

ROOT = Path(__file__).parents[3]
OUT_OF_DATE = (
    "the tables changed: run `python scripts/first_migration.py` and commit what it writes"
)

CATALOGUE = {
    "sqlite": {
        "objects": "SELECT type, name, tbl_name, sql FROM sqlite_master"
        " WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name",
    },
    "postgresql": {
        "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default,"
        " collation_name, is_identity, is_generated FROM information_schema.columns"
        " WHERE table_schema = 'public' ORDER BY table_name, ordinal_position",
        "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        " ORDER BY indexname",
        "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
        "triggers": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
        " ORDER BY 1",
        "functions": "SELECT pg_get_functiondef(oid) FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
    },
}


@pytest.fixture
def migrated(db_kind: str, new_place: NewPlace) -> Database:
    database: Database = new_place(db_kind, empty=True).open()
    database.migrate()
    return database


def catalogue(db: Database) -> dict[str, list[tuple[object, ...]]]:
    with db.read() as tx:
        found = {name: rows(tx, query) for name, query in CATALOGUE[db.dialect].items()}
    ours = (TABLE, f"{TABLE}_pkc", f"sqlite_autoindex_{TABLE}_1")
    return {
        name: [row for row in kept if not any(value in ours for value in row)]
        for name, kept in found.items()
    }


def rows(tx: Tx, query: str) -> list[tuple[object, ...]]:
    return [
        tuple(" ".join(value.split()) if isinstance(value, str) else value for value in row)
        for row in tx.execute(text(query))
    ]


def test_a_migrated_database_has_the_schema_of_the_tables(db: Database, migrated: Database) -> None:
    asked, got = catalogue(db), catalogue(migrated)
    migrated.close()
    assert asked.keys() == got.keys()
    for name in asked:
        assert got[name] == asked[name], OUT_OF_DATE


def test_alembic_finds_nothing_left_to_change(all_tables: None, migrated: Database) -> None:
    def is_comparable(item: SchemaItem, name: str | None, kind: str, *_: object) -> bool:
        if kind == "index" and migrated.dialect == "sqlite":  # Alembic is blind to ddl_if
            return not item.dialect_options["postgresql"].get("using")
        return kind != "table" or name in metadata.tables

    with migrated.read() as tx, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(functional|expression).*")
        opts = {"version_table": TABLE, "include_object": is_comparable}
        changes = compare_metadata(MigrationContext.configure(tx.connection, opts=opts), metadata)
    migrated.close()
    assert changes == [], OUT_OF_DATE


def test_migrating_twice_changes_nothing(migrated: Database) -> None:
    before = catalogue(migrated), migrated.revision()
    migrated.migrate()
    after = catalogue(migrated), migrated.revision()
    migrated.close()
    assert before == after
    assert before[1] is not None


def test_a_database_that_was_never_migrated_has_no_revision(
    db_kind: str, new_place: NewPlace
) -> None:
    database = new_place(db_kind, empty=True).open()
    revision = database.revision()
    database.close()
    assert revision is None


def test_processes_that_start_together_migrate_once(db_kind: str, new_place: NewPlace) -> None:
    place = new_place(db_kind, empty=True)
    program = (
        "import sys; from medstack.db import Database;"
        "db = Database.open(sys.argv[1], key=bytes.fromhex(sys.argv[2]) or None);"
        "db.migrate(); print(db.revision())"
    )
    command = [sys.executable, "-c", program, place.url, (place.key or b"").hex()]
    started = [
        subprocess.Popen(
            command, env={"PYTHONPATH": str(ROOT / "src")}, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    said = {process.communicate(timeout=60)[0].strip() for process in started}
    assert [process.returncode for process in started] == [0, 0, 0]
    assert said == {"0001"}


def test_a_migration_that_fails_leaves_nothing_behind(db_kind: str, new_place: NewPlace) -> None:
    database = new_place(db_kind, empty=True).open()
    with database.begin() as tx:
        tx.execute(text("CREATE TABLE vault_part (in_the_way INTEGER)"))
    with pytest.raises(Exception, match="already exists"):
        database.migrate()
    left = catalogue(database)
    revision = database.revision()
    database.close()
    assert revision is None
    assert "jobs" not in str(left)
