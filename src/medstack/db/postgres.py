"""PostgreSQL through psycopg 3: how an engine is made."""

from __future__ import annotations

from sqlalchemy import URL, Engine, create_engine

from medstack.db.types import dump_json

CONNECTIONS = 16
SPARE_CONNECTIONS = 16
IDLE_TIMEOUT_S = 120  # a process frozen inside a transaction gives its locks back


def engines(url: URL, *, key: bytes | None, lock_timeout_s: float) -> tuple[Engine, Engine]:
    """A writing engine and a reading one over the same pool of connections."""
    if key is not None:
        raise ValueError("PostgreSQL takes no key: its disk is encrypted, or not, by its host")
    writer = engine(
        url, lock_timeout_s=lock_timeout_s, connections=CONNECTIONS, spare=SPARE_CONNECTIONS
    )
    reader = writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return writer, reader


def engine(url: URL, *, lock_timeout_s: float, connections: int, spare: int = 0) -> Engine:
    """One engine, each transaction READ COMMITTED."""
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        isolation_level="READ COMMITTED",
        pool_size=connections,
        max_overflow=spare,
        pool_pre_ping=True,
        hide_parameters=True,
        json_serializer=dump_json,
        connect_args={
            "application_name": "medstack",
            "connect_timeout": 10,
            "options": _options(url, lock_timeout_s),
        },
    )


def _options(url: URL, lock_timeout_s: float) -> str:
    given = url.query.get("options", "")
    settings = {
        "synchronous_commit": "on",
        "lock_timeout": int(lock_timeout_s * 1000),
        "idle_in_transaction_session_timeout": IDLE_TIMEOUT_S * 1000,
    }
    ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return f"{given} {ours}".strip()
