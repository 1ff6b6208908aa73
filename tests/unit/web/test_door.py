"""What every answer carries, and what none ever says."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from litestar import get
from litestar.params import FromPath
from tests.unit.web.browser import Browser, refused

from medstack.web.door import address_of, route_code

SECRET = "Ottoline Quill 1961"


@get("/test/boom/{word:str}", opt={"anonymous": True})
async def boom(word: FromPath[str]) -> str:
    raise ValueError(word)


@get("/test/cached", opt={"anonymous": True})
async def with_headers() -> dict[str, str]:
    return {}


HANDLERS = (boom, with_headers)


@pytest.fixture
def visitor(new_browser: Callable[..., Browser]) -> Browser:
    return new_browser(more_handlers=HANDLERS)


def test_an_unforeseen_exception_is_a_500_that_says_nothing(visitor: Browser) -> None:
    answer = visitor.get(f"/test/boom/{SECRET}")
    refused(answer, 500, "internal")
    assert SECRET not in answer.text
    assert "ValueError" not in answer.text


def test_an_unforeseen_exception_is_logged_without_its_message(
    visitor: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="medstack"):
        visitor.get(f"/test/boom/{SECRET}")
    lines = [record.__dict__.get("fields", {}) for record in caplog.records]
    assert any(line.get("error") == "value-error" for line in lines)
    assert not any("quill" in str(line).lower() for line in lines)


def test_the_access_line_names_the_route_template_never_the_path(
    visitor: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="medstack"):
        visitor.get(f"/test/boom/{SECRET}?q={SECRET}")
    answered = next(r for r in caplog.records if r.getMessage() == "web.answered")
    fields = answered.__dict__["fields"]
    assert fields["route"] == "test/boom/:word"
    assert fields["status"] == 500
    assert "quill" not in str(fields).lower()


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ],
)
def test_every_api_answer_carries_the_guards_even_a_refusal(
    visitor: Browser, header: str, value: str
) -> None:
    for path in ("/healthz", "/nothing/here", "/test/boom/x"):
        assert visitor.get(path).headers[header] == value


def test_only_tls_makes_hsts(visitor: Browser, new_browser: Callable[..., Browser]) -> None:
    assert "strict-transport-security" not in visitor.get("/healthz").headers
    secure = new_browser(public_url="https://vault.example")
    assert "strict-transport-security" in secure.get("/healthz").headers


def test_every_answer_has_a_request_id_of_its_own(visitor: Browser) -> None:
    seen = {visitor.get("/healthz").headers["x-request-id"] for _ in range(3)}
    assert len(seen) == 3


def test_no_such_address_is_a_problem(visitor: Browser) -> None:
    refused(visitor.get("/nothing/here"), 404, "not-found")


def test_a_method_nobody_answers_is_a_problem_that_names_those_answered(visitor: Browser) -> None:
    answer = visitor.delete("/healthz")
    refused(answer, 405, "method-not-allowed")
    assert "GET" in answer.headers["allow"]


def test_a_template_becomes_a_log_code() -> None:
    assert route_code("/api/medical-records/{record_id}/versions/{n}") == (
        "api/medical-records/:record_id/versions/:n"
    )
    assert route_code("/") == "root"


def _scope(peer: str, forwarded: str) -> dict[str, object]:
    return {"client": (peer, 1), "headers": [(b"x-forwarded-for", forwarded.encode())]}


def test_a_stranger_cannot_say_which_address_he_has() -> None:
    assert address_of(_scope("198.51.100.7", "10.0.0.1"), frozenset()) == "198.51.100.7"


def test_a_trusted_proxy_says_who_asks() -> None:
    proxies = frozenset({"127.0.0.1"})
    assert address_of(_scope("127.0.0.1", "spoofed, 203.0.113.9"), proxies) == "203.0.113.9"
    assert address_of(_scope("127.0.0.1", "<not an address>"), proxies) == "127.0.0.1"
