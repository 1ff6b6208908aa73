"""What a database can refuse, and how a driver's error becomes one of ours.

Drivers put statement values into their messages; none of that text is repeated here.
A broken constraint stays `sqlalchemy.exc.IntegrityError`: the room that wrote the row knows
what it means.
"""

from __future__ import annotations

from medstack.kit.errors import Broken, Busy, Problem


class DatabaseBusy(Busy):
    """Another writer held a lock for too long, or two of them met in a deadlock."""

    code = "database-busy"
    title = "The database is busy"


class DatabaseUnreachable(Busy):
    """The database server does not answer."""

    code = "database-unreachable"
    title = "The database cannot be reached"


class StorageFull(Busy):
    """No room left for the database. The transaction was undone."""

    code = "storage-full"
    title = "The disk is full"


class DatabaseKeyWrong(Broken):
    """The file does not open with this key, or is not a MedStack database."""

    code = "database-key-wrong"
    title = "The database does not open with this key"


class DatabaseDamaged(Broken):
    """Pages of the file fail their check, or the disk fails to read or write them."""

    code = "database-damaged"
    title = "The database file is damaged"


_SQLITE_PRIMARY = 0xFF
_SQLITE: dict[int, tuple[type[Problem], str]] = {
    5: (DatabaseBusy, "Another process is writing."),  # SQLITE_BUSY
    6: (DatabaseBusy, "Another connection is writing."),  # SQLITE_LOCKED
    10: (DatabaseDamaged, "The disk reported an error."),  # SQLITE_IOERR
    11: (DatabaseDamaged, "Restore the database from a backup."),  # SQLITE_CORRUPT
    13: (StorageFull, "Free some space on the disk of the data folder."),  # SQLITE_FULL
    14: (DatabaseUnreachable, "The database file cannot be opened."),  # SQLITE_CANTOPEN
    26: (DatabaseDamaged, "A page failed its check."),  # SQLITE_NOTADB
}
_POSTGRESQL: dict[str, tuple[type[Problem], str]] = {
    "40001": (DatabaseBusy, "Another transaction changed the same rows."),
    "40P01": (DatabaseBusy, "Two transactions waited for each other."),
    "55P03": (DatabaseBusy, "Another transaction held the lock for too long."),
    "25P03": (DatabaseUnreachable, "A transaction stood still for too long."),
    "53100": (StorageFull, "Free some space on the disk of the database server."),
    "53300": (DatabaseUnreachable, "The server has no connection left."),
    "57P01": (DatabaseUnreachable, "The server closed the connection."),
    "57P03": (DatabaseUnreachable, "The server is starting."),
    "XX001": (DatabaseDamaged, "Restore the database from a backup."),
    "XX002": (DatabaseDamaged, "Restore the database from a backup."),
}


def problem_of(error: BaseException, *, is_disconnect: bool = False) -> Problem | None:
    """Our problem for a driver's exception; None if it is no condition of the database."""
    code = getattr(error, "sqlite_errorcode", None)
    found = None if code is None else _SQLITE.get(code & _SQLITE_PRIMARY)
    state = getattr(error, "sqlstate", None)
    if found is None and state is not None:
        found = _POSTGRESQL.get(state)
    if found is None and is_disconnect:
        found = (DatabaseUnreachable, "The connection was lost.")
    return None if found is None else found[0](found[1])
