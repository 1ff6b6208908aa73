"""Fixtures every suite shares: real databases, a clock that stands, ids that count.

`db` runs a test twice, on encrypted SQLite and on PostgreSQL. The PostgreSQL server is a private
one, started once per run (also under xdist) in a temporary folder and stopped at its end.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from tests import postgres_server
from tests.places import DATABASE_KEY, NewPlace, Place

import medstack
from medstack.db import Database
from medstack.db.schema import metadata
from medstack.kit.clock import SetClock
from medstack.kit.ids import TimeOrderedIds

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


# The suite runs beside others on small machines: time says nothing about our code there.
settings.register_profile(
    "medstack", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("medstack")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        postgres_server.reserve()


# Whole applications and drawn pictures: seconds each, so not in `make check`.
SLOW_FOLDERS = ("tests/unit/web", "tests/unit/demo")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(folder in item.path.as_posix() for folder in SLOW_FOLDERS):
            item.add_marker(pytest.mark.slow)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        postgres_server.stop()


@pytest.fixture(scope="session")
def all_tables() -> None:
    """Import every `tables` module, so that `metadata` is whole."""
    for module in pkgutil.walk_packages(medstack.__path__, "medstack."):
        if module.name.endswith(".tables"):
            importlib.import_module(module.name)


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """The URL of the suite's own PostgreSQL server, database `postgres`."""
    if postgres_server.binaries() is None:
        reason = "PostgreSQL is missing: install the package `postgresql` (Debian, Ubuntu)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return postgres_server.start()


@pytest.fixture(scope="session")
def _sqlite_template(all_tables: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "medstack.db"
    _create_all(Place(url=f"sqlite:///{path}", key=DATABASE_KEY))
    return path


@pytest.fixture(scope="session")
def _postgres_template(all_tables: None, postgres_url: str) -> str:
    name = f"template_{uuid.uuid4().hex}"
    _run(postgres_url, f"CREATE DATABASE {name}")
    _create_all(Place(url=_with_database(postgres_url, name), key=None))
    return name


@pytest.fixture
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewPlace]:
    """Makes places for databases: `new_place("sqlite")` holds all tables, `empty=True` none."""
    dropped: list[Callable[[], None]] = []

    def make(kind: str, *, empty: bool = False) -> Place:
        if kind == "sqlite":
            return _sqlite_place(
                tmp_path, None if empty else request.getfixturevalue("_sqlite_template")
            )
        server: str = request.getfixturevalue("postgres_url")
        template = "template0" if empty else request.getfixturevalue("_postgres_template")
        name = f"test_{uuid.uuid4().hex}"
        _run(server, f"CREATE DATABASE {name} TEMPLATE {template}")
        dropped.append(lambda: _run(server, f"DROP DATABASE {name} WITH (FORCE)"))
        return Place(url=_with_database(server, name), key=None)

    yield make
    for drop in dropped:
        drop()


@pytest.fixture(params=BOTH)
def db_kind(request: pytest.FixtureRequest) -> str:
    """`sqlite`, then `postgresql`."""
    kind: str = request.param
    return kind


@pytest.fixture
def db_place(db_kind: str, new_place: NewPlace) -> Place:
    """Where `db` is, for tests that start processes of their own."""
    return new_place(db_kind)


@pytest.fixture
def db(db_place: Place) -> Iterator[Database]:
    """A fresh database with every table, on SQLite and on PostgreSQL."""
    database = db_place.open()
    yield database
    database.close()


@pytest.fixture
def clock() -> SetClock:
    """A clock that stands at 2026-03-01 09:00 UTC until a test moves it."""
    return SetClock(datetime(2026, 3, 1, 9, tzinfo=UTC))


@pytest.fixture
def ids(clock: SetClock) -> TimeOrderedIds:
    return TimeOrderedIds(clock)


def _sqlite_place(folder: Path, template: Path | None) -> Place:
    path = folder / f"{uuid.uuid4().hex}.db"
    if template is not None:
        shutil.copyfile(template, path)
    return Place(url=f"sqlite:///{path}", key=DATABASE_KEY)


def _create_all(place: Place) -> None:
    database = place.open()
    with database.begin() as tx:
        metadata.create_all(tx.connection)
    database.close()


def _with_database(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"


def _run(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[arg-type]  # names are made here
