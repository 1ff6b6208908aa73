"""JSON bodies: read strictly, refused in words that repeat nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from litestar import get, post
from litestar.params import FromQuery, JSONBody
from tests.unit.web.browser import Browser, refused

from medstack.web.strict import JSON_BODY_BYTES
from medstack.web.wire import Ask
from medstack.web.wire.base import Line

JSON = {"Content-Type": "application/json"}


class NoteIn(Ask):
    family_name: Line
    count: int = 0


@post("/test/echo", opt={"anonymous": True}, status_code=200)
async def echo(data: JSONBody[NoteIn]) -> NoteIn:
    return data


@get("/test/asked", opt={"anonymous": True})
async def asked(limit: FromQuery[int]) -> int:
    return limit


@pytest.fixture
def visitor(new_browser: Callable[..., Browser]) -> Browser:
    return new_browser(more_handlers=(echo, asked))


def test_names_on_the_wire_are_camel_case(visitor: Browser) -> None:
    answer = visitor.post("/test/echo", json={"familyName": "Quill"})
    assert answer.json() == {"familyName": "Quill", "count": 0}


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE records; --", "<img src=x onerror=alert(1)>", "{{7*7}} ${x}", "Ünal 李"]
)
def test_sql_and_html_are_just_text(visitor: Browser, text: str) -> None:
    assert visitor.post("/test/echo", json={"familyName": text}).json()["familyName"] == text


@pytest.mark.parametrize("body", [b'{"famil', b"", b"[" * 5000, b'{"familyName":"\xff"}'])
def test_what_is_not_json_is_refused(visitor: Browser, body: bytes) -> None:
    answer = visitor.post("/test/echo", content=body, headers=JSON)
    assert answer.status_code in (400, 422)
    refused(answer, answer.status_code, answer.json()["code"])
    assert answer.json()["code"] in ("malformed-json", "invalid-request")


def test_a_lone_surrogate_is_no_text(visitor: Browser) -> None:
    body = b'{"familyName":"\\ud800"}'
    refused(visitor.post("/test/echo", content=body, headers=JSON), 400, "malformed-json")


def test_a_number_in_quotes_is_not_a_number(visitor: Browser) -> None:
    answer = visitor.post("/test/echo", json={"familyName": "Quill", "count": "3"})
    assert refused(answer, 422, "invalid-request")["field"] == "$.count"


def test_a_missing_field_is_named(visitor: Browser) -> None:
    assert (
        "familyName"
        in refused(visitor.post("/test/echo", json={}), 422, "invalid-request")["detail"]
    )


def test_a_field_we_do_not_know_is_refused_and_not_repeated(visitor: Browser) -> None:
    answer = visitor.post("/test/echo", json={"familyName": "Quill", "ottoline": 1})
    refused(answer, 422, "invalid-request")
    assert "ottoline" not in answer.text


def test_a_control_character_is_refused_and_the_text_not_repeated(visitor: Browser) -> None:
    answer = visitor.post("/test/echo", json={"familyName": "Ottoline\x00Quill"})
    refused(answer, 422, "invalid-request")
    assert "Ottoline" not in answer.text


def test_another_content_type_is_415(visitor: Browser) -> None:
    answer = visitor.post("/test/echo", content=b"{}", headers={"Content-Type": "text/plain"})
    refused(answer, 415, "unsupported-media-type")


def test_a_body_at_the_limit_is_read_and_one_byte_more_is_not(visitor: Browser) -> None:
    frame = b'{"familyName":""}'
    body = frame[:-2] + b" " * 0 + b'"}' + b" " * (JSON_BODY_BYTES - len(frame))
    refused(visitor.post("/test/echo", content=body, headers=JSON), 422, "invalid-request")
    refused(visitor.post("/test/echo", content=body + b" ", headers=JSON), 413, "body-too-large")


def test_a_ten_megabyte_body_is_refused_before_it_is_read(visitor: Browser) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(160):
            read += 65_536
            yield b" " * 65_536

    answer = visitor.post("/test/echo", content=body(), headers=JSON)
    assert refused(answer, 413, "body-too-large")["limitBytes"] == JSON_BODY_BYTES
    assert read < 2 * JSON_BODY_BYTES


def test_an_announced_ten_megabyte_body_is_refused_unread(visitor: Browser) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield b" "

    headers = {**JSON, "Content-Length": str(10 * 1024 * 1024)}
    refused(visitor.post("/test/echo", content=body(), headers=headers), 413, "body-too-large")
    assert read == 0


def test_a_parameter_of_another_kind_is_named_and_not_repeated(visitor: Browser) -> None:
    answer = visitor.get("/test/asked?limit=ottoline")
    assert refused(answer, 422, "invalid-request")["field"] == "limit"
    assert "ottoline" not in answer.text
    refused(visitor.get("/test/asked"), 422, "invalid-request")
