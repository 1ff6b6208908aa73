"""Parameters that several routes take: each one's name and meaning, and how it is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, TypeVar

from litestar.params import HeaderParameter, PathParameter, QueryParameter

from medstack.kit.errors import Missing
from medstack.kit.ids import AccountId, BadId, id_in, id_out
from medstack.web.problems import IfMatchRequired
from medstack.web.strict import InvalidRequest

T = TypeVar("T")

ID_PATTERN = "^[0-7][0-9a-hjkmnp-tv-z]{12}$"
ID_SCHEMA = {"pattern": ID_PATTERN}
MOMENT_SCHEMA = {"pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})?)?$"}

IdInPath = Annotated[str, PathParameter(description="An id.", schema_extra=ID_SCHEMA)]
ChartInPath = Annotated[
    str,
    PathParameter(
        description="A chart number: P001234.", schema_extra={"pattern": "^[A-Z0-9-]{1,20}$"}
    ),
]
NumberInPath = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]
Text = str | None
DateFrom = Annotated[
    str | None,
    QueryParameter(name="dateFrom", description="A day or a time.", schema_extra=MOMENT_SCHEMA),
]
DateTo = Annotated[
    str | None,
    QueryParameter(
        name="dateTo", description="A day (to its end) or a time.", schema_extra=MOMENT_SCHEMA
    ),
]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="Most items to answer with.")]
Cursor = Annotated[
    str | None,
    QueryParameter(description="`nextCursor` of the page before.", schema_extra=ID_SCHEMA),
]
IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        description="The ETag you last read, or * to overwrite whatever is there.",
        schema_extra={"pattern": r'^(\*|"[1-9][0-9]{0,17}(\.[0-9]{1,18})?")$'},
    ),
]
LastEventId = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID",
        description="The last event you saw; resumes there.",
        schema_extra=ID_SCHEMA,
    ),
]

_ETAG = re.compile(r'"([1-9][0-9]{0,17})(?:\.[0-9]{1,18})?"\Z')


def path_id(text: str) -> int:
    """An id from an address. What is no id names nothing: raises Missing."""
    try:
        return id_in(text)
    except BadId as error:
        raise Missing from error


def id_or_none(field: str, text: str | None) -> int | None:
    """An id from a parameter or a body. Raises InvalidRequest."""
    if text is None:
        return None
    try:
        return id_in(text)
    except BadId as error:
        raise InvalidRequest("An id has 13 letters and digits.", field=field) from error


def needed_id(field: str, text: str) -> int:
    """An id from a body. Raises InvalidRequest."""
    value = id_or_none(field, text)
    assert value is not None
    return value


def given_id(field: str, text: str | None, kind: Callable[[int], T]) -> T | None:
    """An id of one kind, if one was given. Raises InvalidRequest."""
    value = id_or_none(field, text)
    return None if value is None else kind(value)


def account_in(text: str | None) -> tuple[AccountId | None, str | None]:
    """An account by its id or its email: (id, None), (None, email) or neither."""
    if text is not None and "@" in text:
        return None, text
    return given_id("uploadedBy", text, AccountId), None


def cursor_in(text: str | None) -> int | None:
    return id_or_none("cursor", text)


def cursor_out(value: int | None) -> str | None:
    return None if value is None else id_out(value)


def revision_in(if_match: str | None) -> int | None:
    """The revision an If-Match header names; None for `*`, which overwrites whatever is there.

    Raises IfMatchRequired, InvalidRequest. Source: RFC 9110 §13.1.1, RFC 6585 §3.
    """
    if if_match is None:
        raise IfMatchRequired("Send the ETag of what you are changing as If-Match.")
    if if_match.strip() == "*":
        return None
    found = _ETAG.match(if_match.strip())
    if found is None:
        raise InvalidRequest("Send the ETag as you last read it.", field="If-Match")
    return int(found.group(1))


def etag_out(revision: int) -> str:
    return f'"{revision}"'


def day_start(field: str, text: str | None) -> datetime | None:
    """A day (from its first moment) or a time. Raises InvalidRequest."""
    return None if text is None else _moment(field, text, timedelta(0))


def day_end(field: str, text: str | None) -> datetime | None:
    """A day (to its last moment) or a time, as the first moment that is too late."""
    return None if text is None else _moment(field, text, timedelta(days=1))


def _moment(field: str, text: str, more: timedelta) -> datetime:
    try:
        if len(text) == len("2026-03-01"):
            return datetime.combine(date.fromisoformat(text), time.min, UTC) + more
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(
            "Give a day (2026-03-01) or a time (ISO 8601).", field=field
        ) from error
