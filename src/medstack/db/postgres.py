"""PostgreSQL through psycopg 3: how an engine is made."""

from __future__ import annotations

from sqlalchemy import URL, Engine, create_engine

from medstack.db.types import dump_json

CONNECTIONS = 16
SPARE_CONNECTIONS = 16


def engines(url: URL, *, key: bytes | None, lock_timeout_s: float) -> tuple[Engine, Engine]:
    """A writing engine and a reading one over the same pool of connections."""
    if key is not None:
        raise ValueError("PostgreSQL takes no key: its disk is encrypted, or not, by its host")
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        isolation_level="READ COMMITTED",
        pool_size=CONNECTIONS,
        max_overflow=SPARE_CONNECTIONS,
        pool_pre_ping=True,
        hide_parameters=True,
        json_serializer=dump_json,
        connect_args={
            "application_name": "medstack",
            "connect_timeout": 10,
            "options": _options(url, lock_timeout_s),
        },
    )
    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine, reader


def _options(url: URL, lock_timeout_s: float) -> str:
    given = url.query.get("options", "")
    settings = f"-c lock_timeout={int(lock_timeout_s * 1000)} -c synchronous_commit=on"
    return f"{given} {settings}".strip()
