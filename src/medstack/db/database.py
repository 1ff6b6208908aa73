"""One database, opened once in `wiring`, used by every thread of a process.

SQLite runs through SQLCipher: file, journal and index are encrypted with a raw key. PostgreSQL
runs through psycopg 3; encryption at rest is its disk's business.
Writers are alone (SQLite) or READ COMMITTED (PostgreSQL: lock rows with `with_for_update`, or
take `tx.exclusive`). Readers see one snapshot and cannot write. Nothing is retried here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import TimeoutError as PoolTimeout

from medstack.db import migrate, postgres, sqlite
from medstack.db.problems import DatabaseBusy, problem_of
from medstack.db.tx import Dialect, Tx

LOCK_TIMEOUT_S = 15.0


class Database:
    """Made by `Database.open`. Safe to share between threads, not across a fork."""

    def __init__(
        self, dialect: Dialect, *, writer: Engine, reader: Engine, lock_timeout_s: float
    ) -> None:
        self.dialect: Dialect = dialect
        self._lock_timeout_s = lock_timeout_s
        self._writer = writer
        self._reader = reader
        self._turn = threading.Lock()  # SQLite: threads queue here, not in its busy loop
        self._mine = threading.local()
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        for engine in (writer, reader):
            event.listen(engine, "handle_error", _translate)

    @classmethod
    def open(
        cls, url: str, *, key: bytes | None = None, lock_timeout_s: float = LOCK_TIMEOUT_S
    ) -> Database:
        """Connect to `sqlite:///path` (made if missing) or `postgresql://…`.

        key: 32 raw bytes for SQLite, None for PostgreSQL.
        Raises DatabaseKeyWrong, DatabaseUnreachable; ValueError for a URL of another kind.
        """
        parsed = make_url(url)
        dialect: Dialect
        if parsed.get_backend_name() == "sqlite":
            dialect = "sqlite"
            engines = sqlite.engines(parsed.database, key=key, lock_timeout_s=lock_timeout_s)
        elif parsed.get_backend_name() == "postgresql":
            dialect = "postgresql"
            engines = postgres.engines(parsed, key=key, lock_timeout_s=lock_timeout_s)
        else:
            raise ValueError("a database URL starts with sqlite:/// or postgresql://")
        writer, reader = engines
        opened = cls(dialect, writer=writer, reader=reader, lock_timeout_s=lock_timeout_s)
        with _connection(writer):
            return opened

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        """One write transaction: committed when the block ends, undone when it raises.

        Not to be nested in one thread. Raises DatabaseBusy, StorageFull and their kin.
        """
        with self._alone(), _connection(self._writer) as connection:
            tx = Tx(connection, self.dialect, may_write=True, call=self._call)
            with connection.begin():
                yield tx
                tx.run_before()
        tx.run_after()

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """One snapshot of everything committed so far. Writing in it is refused."""
        with _connection(self._reader) as connection, connection.begin() as snapshot:
            try:
                yield Tx(connection, self.dialect, may_write=False, call=self._call)
            finally:
                snapshot.rollback()

    def subscribe(self, signal: str, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each commit in this process that signals; returns the way out."""
        listeners = self._listeners.setdefault(signal, [])
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    def _call(self, signal: str) -> None:
        for listener in tuple(self._listeners.get(signal, ())):
            listener()

    def migrate(self) -> None:
        """Bring the schema to the newest revision, in one transaction; a no-op if it is there."""
        with self.begin() as tx:
            migrate.upgrade(tx)

    def revision(self) -> str | None:
        """The schema's revision; None for a database that was never migrated."""
        with self.read() as tx:
            return migrate.revision(tx)

    def close(self) -> None:
        """Close every idle connection. The database may be opened again."""
        self._reader.dispose()
        self._writer.dispose()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one thread write at a time where the database admits one writer anyway."""
        if getattr(self._mine, "writing", False):
            raise RuntimeError("this thread already has a write transaction")
        waits = self.dialect == "sqlite"
        if waits and not self._turn.acquire(timeout=self._lock_timeout_s):
            raise DatabaseBusy("Another thread is writing.")
        self._mine.writing = True
        try:
            yield
        finally:
            self._mine.writing = False
            if waits:
                self._turn.release()


def _connection(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except PoolTimeout as error:
        raise DatabaseBusy("Every connection is in use.") from error


def _translate(context: ExceptionContext) -> None:
    problem = problem_of(context.original_exception, is_disconnect=context.is_disconnect)
    if problem is not None:
        raise problem from context.original_exception
