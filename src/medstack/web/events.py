"""Server-sent events: progress and notices as they happen.

Resumes after `Last-Event-ID`, beats while nothing happens, and ends with the session:
the credential is looked at again at every beat. Follows the WHATWG HTML standard, 9.2.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from medstack.kit.actor import Actor
from medstack.kit.errors import Unauthenticated
from medstack.kit.ids import id_in, id_out

Said = str | int | float | bool | None

POLL_S = 1.0
BEAT_S = 15.0
PAGE = 100


class Notice(Protocol):
    """One thing that happened, as a flow tells it."""

    @property
    def id(self) -> int:
        """Grows with time; what a browser sends back to resume."""
        ...

    @property
    def kind(self) -> str:
        """`record.status`, `upload.offset`, …: letters, dots and dashes only."""
        ...

    @property
    def facts(self) -> Mapping[str, Said]:
        """Ids, codes and numbers, named as on the wire; never a patient's values."""
        ...


class Feed(Protocol):
    """Where notices come from; `flows.notices` is one."""

    def newest(self, actor: Actor) -> int:
        """The id of the last notice so far; 0 if there is none."""
        ...

    def after(self, actor: Actor, last_seen: int, limit: int) -> Sequence[Notice]:
        """At most `limit` notices this caller may know, oldest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often the stream looks and beats; tests go faster."""

    poll_s: float = POLL_S
    beat_s: float = BEAT_S


def resume_point(last_event_id: str | None) -> int | None:
    """The notice id a browser saw last; None starts from now. Raises BadId."""
    return id_in(last_event_id) if last_event_id else None


async def told(
    look: Callable[[int], Awaitable[Sequence[Notice]]],
    still_signed_in: Callable[[], Awaitable[object]],
    *,
    start: int,
    pace: Pace,
) -> AsyncIterator[bytes]:
    """The body of the stream. Ends with a `signed-out` event when the session does."""
    yield b"retry: 2000\n: hello\n\n"
    last_seen, waited_s = start, 0.0
    while True:
        notices = await look(last_seen)
        for notice in notices:
            last_seen = notice.id
            yield written(notice)
        if len(notices) == PAGE:
            continue
        await asyncio.sleep(pace.poll_s)
        waited_s += pace.poll_s
        if waited_s >= pace.beat_s:
            waited_s = 0.0
            try:
                await still_signed_in()
            except Unauthenticated:
                yield b"event: signed-out\ndata: {}\n\n"
                return
            yield b": beat\n\n"


def written(notice: Notice) -> bytes:
    body = msgspec.json.encode(dict(notice.facts)).decode()  # JSON holds no raw line break
    return f"id: {id_out(notice.id)}\nevent: {notice.kind}\ndata: {body}\n\n".encode()
