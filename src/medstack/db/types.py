"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from sqlalchemy import JSON, BigInteger, Dialect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Timestamp(TypeDecorator[datetime]):
    """An aware datetime, kept as whole microseconds since 1970-01-01 UTC.

    Comes back in UTC. A naive datetime is refused: it names no instant.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a timestamp needs a time zone")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MICROSECOND


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON value: text on SQLite, jsonb on PostgreSQL. Python None is SQL NULL."""


class instant(FunctionElement[datetime]):  # noqa: N801 - reads as SQL
    """The database's own clock: for schedules that several processes must agree on."""

    name = "instant"
    type = Timestamp()
    inherit_cache = True


@compiles(instant, "sqlite")
def _on_sqlite(element: instant, compiler: SQLCompiler, **kw: object) -> str:
    return "CAST(unixepoch('subsec') * 1000000 AS INTEGER)"


@compiles(instant, "postgresql")
def _on_postgresql(element: instant, compiler: SQLCompiler, **kw: object) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"


def dump_json(value: object) -> str:
    """How both databases are handed JSON: compact, any script as itself."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
