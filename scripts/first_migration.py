"""Write revision 0001 anew from the tables as they are: one SQL file for each database.

For as long as no release has been made. Afterwards 0001 is history, and a change of a table is
a revision of its own, written by hand.
"""

from __future__ import annotations

import importlib
import itertools
import pkgutil
from pathlib import Path
from typing import Any

from sqlalchemy import Table, create_mock_engine

import medstack
from medstack.db.schema import metadata

FOLDER = Path(__file__).parents[1] / "src/medstack/db/migrations/versions"
DIALECTS = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}
HEADER = "-- Revision 0001 for {dialect}, from the tables by scripts/first_migration.py."
END = ";\n\n"


def statements(url: str) -> list[str]:
    """Every statement that makes the tables, in an order that does not change by itself."""
    found: list[str] = []

    def keep(ddl: Any, *_: object, **__: object) -> None:
        compiled = str(ddl.compile(dialect=engine.dialect)).strip()
        found.append("\n".join(line.expandtabs(4).rstrip() for line in compiled.splitlines()))

    engine = create_mock_engine(url, keep)
    for table in in_order():
        table.create(engine, checkfirst=False)
    runs = itertools.groupby(found, key=lambda sql: "INDEX" in sql.partition("(")[0])
    return [sql for is_index, run in runs for sql in (sorted(run) if is_index else run)]


def in_order() -> list[Table]:
    """The tables by name, each after those it refers to."""
    waiting = sorted(metadata.tables.values(), key=lambda table: table.name)
    ordered: list[Table] = []
    while waiting:
        ready = next(t for t in waiting if referred(t) <= {t.name, *(o.name for o in ordered)})
        waiting.remove(ready)
        ordered.append(ready)
    return ordered


def referred(table: Table) -> set[str]:
    return {key.column.table.name for key in table.foreign_keys}


def main() -> None:
    for module in pkgutil.walk_packages(medstack.__path__, "medstack."):
        if module.name.endswith(".tables"):
            importlib.import_module(module.name)
    for dialect, url in DIALECTS.items():
        script = END.join([HEADER.format(dialect=dialect), *statements(url)])
        script = script.replace(END, "\n\n", 1)  # the header is no statement
        (FOLDER / f"r0001_first.{dialect}.sql").write_text(script + ";\n")


if __name__ == "__main__":
    main()
