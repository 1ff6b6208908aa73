"""The outermost step of every request: a request id, the headers that guard a browser,
one access line, and the last catch of what nobody meant.

Plain ASGI, so any server can run it. Logs route templates, never a path or a query.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send

from medstack.kit import log
from medstack.kit.clock import Clock
from medstack.kit.ids import Ids, id_out
from medstack.web import problems
from medstack.web.metrics import Metrics

PAGE_CSP = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' blob: data:; font-src 'self'; connect-src 'self' blob:; "
    "worker-src 'self' blob:; media-src 'self' blob:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
API_CSP = "default-src 'none'; frame-ancestors 'none'; sandbox"

_ALWAYS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-embedder-policy", b"require-corp"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=(), payment=()"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", API_CSP.encode()),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000")


@dataclass(slots=True)
class Visit:
    """One request as the door saw it come in; kept in the ASGI scope's state."""

    request_id: str
    address: str
    status: int = 0
    sent_bytes: int = 0


class Door:
    """Wraps the application. `trusted_proxies` may say who is really asking."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        ids: Ids,
        clock: Clock,
        metrics: Metrics,
        is_tls: bool,
        trusted_proxies: frozenset[str],
    ) -> None:
        self._app = app
        self._ids = ids
        self._clock = clock
        self._metrics = metrics
        self._guards = (*_ALWAYS, _HSTS) if is_tls else _ALWAYS
        self._proxies = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if str(scope["type"]) != "http":  # lifespan; we open no web sockets
            await self._app(scope, receive, send)
            return
        visit = Visit(request_id=id_out(self._ids.new()), address=address_of(scope, self._proxies))
        scope.setdefault("state", {})["visit"] = visit
        started = self._clock.monotonic()
        self._metrics.in_flight += 1
        try:
            await self._answer(scope, receive, send, visit)
        finally:
            self._metrics.in_flight -= 1
            self._record(scope, visit, self._clock.monotonic() - started)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, visit: Visit) -> None:
        async def send_guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                visit.status = message["status"]
                message["headers"] = self._with_guards(message["headers"], visit)
            elif message["type"] == "http.response.body":
                visit.sent_bytes += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, send_guarded)
        except Exception as error:  # noqa: BLE001 - the top of the door
            log.failure("web.failed", error, request=visit.request_id)
            if visit.status:  # too late for an answer: the server must cut the connection
                raise ConnectionAbortedError from None
            body = problems.internal()
            await send_guarded(
                {
                    "type": "http.response.start",
                    "status": 500,
                    "headers": [(b"content-type", problems.MEDIA_TYPE.encode())],
                }
            )
            await send_guarded(
                {"type": "http.response.body", "body": body.content, "more_body": False}
            )

    def _with_guards(
        self, sent: Iterable[tuple[bytes, bytes]], visit: Visit
    ) -> list[tuple[bytes, bytes]]:
        headers = [(name.lower(), value) for name, value in sent]
        present = {name for name, _ in headers}
        headers += [guard for guard in self._guards if guard[0] not in present]
        headers.append((b"x-request-id", visit.request_id.encode()))
        return headers

    def _record(self, scope: Scope, visit: Visit, seconds: float) -> None:
        route = str(scope.get("path_template") or "unmatched")
        method = str(scope.get("method", "?"))
        self._metrics.answered(
            method=method if method in _METHODS else "OTHER",
            route=route,
            status=visit.status,
            seconds=seconds,
        )
        log.event(
            "web.answered",
            method=method.lower(),
            route=route_code(route),
            status=visit.status,
            ms=round(seconds * 1000),
            bytes=visit.sent_bytes,
            request=visit.request_id,
        )


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PLACE = re.compile(r"\{(\w+)(?::[^}]*)?\}")


def route_code(template: str) -> str:
    """A route template as a log code: `/api/x/{id}` is `api/x/:id`."""
    return _PLACE.sub(r":\1", template).strip("/").lower() or "root"


def address_of(scope: Any, trusted_proxies: frozenset[str]) -> str:
    """The network address of who asks: the peer's, or what a trusted proxy says it is."""
    client = scope.get("client")
    peer = client[0] if client else ""
    if peer not in trusted_proxies:
        return peer
    said = next((v for k, v in scope["headers"] if k == b"x-forwarded-for"), b"")
    for hop in reversed(said.decode("latin-1").split(",")):
        if hop.strip() not in trusted_proxies:
            return _an_address(hop.strip()) or peer
    return peer


def _an_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
