"""Connections, transactions, migrations: one way to reach SQLite (encrypted) or PostgreSQL.

Knows no table of any room. Only flows open transactions; everybody else is handed a `Tx`.
"""

from medstack.db.database import Database
from medstack.db.problems import (
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseKeyWrong,
    DatabaseUnreachable,
    StorageFull,
)
from medstack.db.tx import Tx

__all__ = [
    "Database",
    "DatabaseBusy",
    "DatabaseDamaged",
    "DatabaseKeyWrong",
    "DatabaseUnreachable",
    "StorageFull",
    "Tx",
]
