"""Structured log lines that cannot carry patient values.

One event a line: time, level, dotted name, typed fields. A field is a number, a
truth, an id in wire form or a short code; text of any other shape is replaced by
`<refused>` before it reaches a handler, so a careless call leaks nothing.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

Field = int | float | bool | str | None

_CODE = re.compile(r"[a-z0-9][a-z0-9._:/+-]{0,79}\Z")
_EVENT = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+\Z")
_logger = logging.getLogger("medstack")


def event(name: str, *, level: int = logging.INFO, **fields: Field) -> None:
    """Write one event. `name` is dotted lower case: `ingest.stored`.

    String fields must look like a code (lower-case letters, digits and ._:/+-,
    at most 80); route templates and error codes do, names and file names do not.
    """
    if not _EVENT.match(name):
        raise ValueError("an event name is dotted lower case")
    if _logger.isEnabledFor(level):
        _logger.log(level, name, extra={"fields": {k: _safe(v) for k, v in fields.items()}})


def failure(name: str, error: BaseException, **fields: Field) -> None:
    """Write an error by its class and place, never by its message or arguments."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace else "?"
    event(
        name,
        level=logging.ERROR,
        error=_kebab(type(error).__name__),
        where=where.lower(),
        **fields,
    )


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def _safe(value: Field) -> Field:
    if isinstance(value, str) and not _CODE.match(value):
        return "<refused>"
    return value


class JsonLines(logging.Formatter):
    """Formats our events as JSON; a foreign library's record keeps only its logger and level."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Field] = {"at": at, "level": record.levelname.lower()}
        fields = getattr(record, "fields", None)
        if fields is None:
            line |= {"event": "library.message", "logger": record.name.lower()}
        else:
            line |= {"event": record.getMessage(), **fields}
        return json.dumps(line, separators=(",", ":"))


def configure(level: int = logging.INFO) -> None:
    """Send every log record of this process to stderr as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    _logger.setLevel(level)
