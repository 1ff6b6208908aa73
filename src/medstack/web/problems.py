"""Every refusal as RFC 9457 problem+json, translated once, by branch of kit.errors.

Nothing a sender typed, no exception text and no stack ever stands in an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from medstack.kit import log
from medstack.kit.errors import (
    Broken,
    Busy,
    Conflict,
    Denied,
    Invalid,
    Missing,
    Problem,
    TooLarge,
    Unauthenticated,
    Unsupported,
)
from medstack.web.strict import JSON_BODY_BYTES, InvalidRequest, spoken

MEDIA_TYPE = "application/problem+json"

_STATUS_OF_BRANCH: tuple[tuple[type[Problem], int], ...] = (
    (Unauthenticated, 401),
    (Denied, 403),
    (Missing, 404),
    (TooLarge, 413),
    (Unsupported, 415),
    (Conflict, 409),
    (Busy, 503),
    (Broken, 500),
    (Invalid, 422),
)
# HTTP has a narrower word for these few; the branch would be true but less useful.
_STATUS_OF_CODE = {
    "malformed-json": 400,
    "bad-request": 400,
    "method-not-allowed": 405,
    "if-match-required": 428,
    "stale-revision": 412,
    "too-many-attempts": 429,
    "tus-header": 400,
    "tus-version": 412,
    "upload-checksum-mismatch": 460,
    "upload-length-set": 400,
    "upload-gone": 410,
    "range-not-satisfiable": 416,
    "bad-form": 400,
    "storage-full": 507,
}


class BadRequest(Invalid):
    code = "bad-request"
    title = "This is not a request we understand"


class MethodNotAllowed(Invalid):
    code = "method-not-allowed"
    title = "This address does not answer that method"


class BodyTooLarge(TooLarge):
    code = "body-too-large"
    title = "The body of this request is too large"


class IfMatchRequired(Conflict):
    code = "if-match-required"
    title = "Say which state you are changing"


def status_of(problem: Problem) -> int:
    """The HTTP status of a problem: its code's own, else its branch's."""
    if problem.code in _STATUS_OF_CODE:
        return _STATUS_OF_CODE[problem.code]
    return next((s for branch, s in _STATUS_OF_BRANCH if isinstance(problem, branch)), 400)


def body_of(problem: Problem) -> dict[str, object]:
    """The problem as RFC 9457 members; facts are extension members in camelCase."""
    facts = {_camel(name): value for name, value in problem.facts.items()}
    return {
        **facts,
        "type": f"urn:medstack:problem:{problem.code}",
        "title": problem.title,
        "status": status_of(problem),
        "code": problem.code,
        "detail": problem.detail,
    }


def headers_of(problem: Problem) -> dict[str, str]:
    if isinstance(problem, Busy):
        return {"Retry-After": str(problem.retry_after_s)}
    if isinstance(problem, Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm="medstack"'}
    return {}


def present(problem: Problem, more_headers: Mapping[str, str] | None = None) -> Response[bytes]:
    """The finished answer to a refusal."""
    return Response(
        msgspec.json.encode(body_of(problem)),
        status_code=status_of(problem),
        media_type=MEDIA_TYPE,
        headers={**headers_of(problem), **(more_headers or {})},
    )


def on_problem(request: Request[Any, Any, Any], problem: Problem) -> Response[bytes]:
    if isinstance(problem, Broken):
        log.failure("web.broken", problem, code=problem.code)
    return present(problem)


def on_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the framework itself refuses, in our words."""
    if isinstance(error, ValidationException):
        return present(_invalid_parameter(error))
    headers = {k: v for k, v in (error.headers or {}).items() if k.lower() in ("allow",)}
    match error.status_code:
        case 404:
            return present(Missing())
        case 405:
            return present(MethodNotAllowed(), {k.title(): v for k, v in headers.items()})
        case 413:
            words = f"A JSON body may have {JSON_BODY_BYTES} bytes. Send files to /api/uploads."
            rule = "limits.request-body"
            return present(BodyTooLarge(words, rule=rule, limit_bytes=JSON_BODY_BYTES))
        case status if status < 500:
            return present(BadRequest())
    return on_unknown(request, error)


def on_unknown(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """A bug: logged by class and place, answered without a word about it."""
    log.failure("web.failed", error)
    return internal()


def internal() -> Response[bytes]:
    body = {
        "type": "urn:medstack:problem:internal",
        "title": "Something broke on our side",
        "status": 500,
        "code": "internal",
        "detail": "It has been logged under this request's id. Nothing was changed.",
    }
    return Response(msgspec.json.encode(body), status_code=500, media_type=MEDIA_TYPE)


def _invalid_parameter(error: ValidationException) -> InvalidRequest:
    """The framework's list of bad parameters, cut down to names of ours and a reason."""
    found: Any = error.extra  # a list of {message, key, source}, by Litestar's own contract
    if not isinstance(found, list) or not found:
        return InvalidRequest("A required parameter is missing.")
    first = found[0]
    if first.get("key") == "data":
        return InvalidRequest("This request needs a JSON body.", field="$")
    _, reason = spoken(str(first.get("message", "")))
    return InvalidRequest(reason, field=str(first.get("key", "")))


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


HANDLERS: dict[int | type[Exception], Any] = {  # Litestar's own map is typed this loosely
    Problem: on_problem,
    HTTPException: on_http_exception,
    Exception: on_unknown,
}
