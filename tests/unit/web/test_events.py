from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from medstack.kit.errors import Unauthenticated
from medstack.kit.ids import BadId, id_out
from medstack.web.events import PAGE, Notice, Pace, resume_point, told, written

FAST = Pace(poll_s=0.001, beat_s=0.003)


@dataclass(frozen=True)
class Said:
    id: int
    kind: str = "record.status"
    facts: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)


async def _signed_in() -> None:
    return None


def _first(count: int, notices: Sequence[Said], start: int = 0) -> list[bytes]:
    async def look(last_seen: int) -> Sequence[Notice]:
        return [n for n in notices if n.id > last_seen][:PAGE]

    async def run() -> list[bytes]:
        pieces: list[bytes] = []
        async for piece in told(look, _signed_in, start=start, pace=FAST):
            pieces.append(piece)
            if len(pieces) == count:
                return pieces
        return pieces

    return asyncio.run(run())


def test_a_notice_carries_its_id_kind_and_json_on_lines_of_their_own() -> None:
    text = written(Said(7, facts={"recordId": "a", "n": 1}))
    data = '{"recordId":"a","n":1}'
    assert text == f"id: {id_out(7)}\nevent: record.status\ndata: {data}\n\n".encode()


def test_a_line_break_in_a_fact_cannot_forge_a_second_event() -> None:
    assert written(Said(7, facts={"x": "\n\ndata: forged"})).count(b"\n") == 4


def test_every_notice_is_told_once_and_in_order_over_more_than_one_page() -> None:
    notices = [Said(n) for n in range(1, PAGE + 11)]
    told_ids = [piece.split(b"\n")[0] for piece in _first(PAGE + 11, notices)[1:]]
    assert told_ids == [f"id: {id_out(n.id)}".encode() for n in notices]


def test_a_stream_resumes_after_the_last_notice_the_browser_saw() -> None:
    pieces = _first(2, [Said(1), Said(2), Said(3)], start=2)
    assert pieces[1].startswith(f"id: {id_out(3)}\n".encode())


def test_a_stream_beats_while_nothing_happens() -> None:
    assert _first(2, [])[1] == b": beat\n\n"


def test_a_stream_says_so_and_ends_when_the_session_does() -> None:
    async def nothing(last_seen: int) -> Sequence[Notice]:
        return []

    async def signed_out() -> None:
        raise Unauthenticated

    async def run() -> list[bytes]:
        return [piece async for piece in told(nothing, signed_out, start=0, pace=FAST)]

    assert asyncio.run(run())[-1] == b"event: signed-out\ndata: {}\n\n"


def test_without_a_last_event_id_a_stream_starts_from_now() -> None:
    assert resume_point(None) is None
    assert resume_point("") is None


def test_a_last_event_id_that_is_no_id_is_refused() -> None:
    with pytest.raises(BadId):
        resume_point("<script>")
