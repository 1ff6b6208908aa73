"""SQLite through SQLCipher: how a connection is opened and set up.

Every page of the file and of its write-ahead log is encrypted and authenticated; temporary
tables and sorts stay in memory, so nothing reaches a disk in clear.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool
from sqlcipher3 import dbapi2

from medstack.db.problems import DatabaseKeyWrong
from medstack.db.types import dump_json

KEY_BYTES = 32
READERS = 24  # the bridge's 16 threads, and the jobs'
_NOT_A_DATABASE = 26

# Every connection. The journal mode is kept in the file; the rest is not.
_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "secure_delete = ON",
    "temp_store = MEMORY",
    "journal_size_limit = 67108864",
    "cache_size = -16000",
)


def engines(path: str | None, *, key: bytes | None, lock_timeout_s: float) -> tuple[Engine, Engine]:
    """A writing engine (one connection) and a reading one for the file at `path`.

    Raises DatabaseKeyWrong at the first connection.
    """
    if not path or path == ":memory:":
        raise ValueError("SQLite needs the path of a file")
    if key is None or len(key) != KEY_BYTES:
        raise ValueError("SQLite needs a key of 32 bytes")
    connect = opener(path, key=key, lock_timeout_s=lock_timeout_s)
    return (
        _engine(connect, begin="BEGIN IMMEDIATE", connections=1),
        _engine(connect, begin="BEGIN", connections=READERS, pragmas=("query_only = ON",)),
    )


def opener(
    path: str, *, key: bytes, lock_timeout_s: float, isolation_level: str | None = None
) -> Callable[[], dbapi2.Connection]:
    """A function that opens one connection with the key applied.

    isolation_level: as in Python's sqlite3; None for autocommit.
    """

    def connect() -> dbapi2.Connection:
        raw = dbapi2.connect(
            path,
            timeout=lock_timeout_s,
            isolation_level=isolation_level,
            check_same_thread=False,
        )
        try:
            raw.execute("PRAGMA cipher_log_level = NONE")  # else it writes to stderr by itself
            raw.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
            raw.execute("SELECT count(*) FROM sqlite_master").fetchone()
            for pragma in _PRAGMAS:
                raw.execute(f"PRAGMA {pragma}")
        except BaseException as error:
            raw.close()
            if getattr(error, "sqlite_errorcode", None) == _NOT_A_DATABASE:
                raise DatabaseKeyWrong("Give the key this database was made with.") from error
            raise
        return raw

    return connect


def _engine(
    connect: Callable[[], dbapi2.Connection],
    *,
    begin: str,
    connections: int,
    pragmas: tuple[str, ...] = (),
) -> Engine:
    engine = create_engine(
        "sqlite://",
        module=dbapi2,
        creator=connect,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,
        json_serializer=dump_json,
    )

    @event.listens_for(engine, "connect")
    def set_up(raw: dbapi2.Connection, _record: object) -> None:
        for pragma in pragmas:
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
