"""Alembic, driven from inside a transaction; no configuration file, nothing printed.

Revisions live in `db/migrations/versions` and say everything themselves: they import no room,
so an old revision still means what it meant.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from medstack.db.tx import Tx

TABLE = "schema_revision"


def config(connection: Connection) -> Config:
    """The configuration `migrations/env.py` reads; the connection is already in a transaction."""
    made = Config()
    made.set_main_option("script_location", "medstack.db:migrations")
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def upgrade(tx: Tx) -> None:
    """Run every revision the database lacks."""
    tx.exclusive("schema")
    command.upgrade(config(tx.connection), "head")


def revision(tx: Tx) -> str | None:
    """The database's revision; None before the first."""
    context = MigrationContext.configure(tx.connection, opts={"version_table": TABLE})
    return context.get_current_revision()
