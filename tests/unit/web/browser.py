"""A synchronous client over httpx's ASGI transport: no network, the real application."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from litestar.types import ASGIApp

LOOPBACK = "127.0.0.1"
PASSWORD = "heron-lamp-quartz"


class Browser:
    """Keeps cookies as a browser does; sends the CSRF token once `csrf` is set."""

    def __init__(
        self,
        app: ASGIApp,
        runner: asyncio.Runner,
        *,
        base_url: str = "http://127.0.0.1:8470",
        address: str = LOOPBACK,
    ) -> None:
        self._runner = runner
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app, client=(address, 50_000)),  # type: ignore[arg-type]
            base_url=base_url,
        )
        self.csrf = ""
        self.bearer = ""

    def request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        headers = dict(kwargs.pop("headers", None) or {})
        if self.csrf and method not in ("GET", "HEAD", "OPTIONS"):
            headers.setdefault("X-CSRF-Token", self.csrf)
        if self.bearer:
            headers.setdefault("Authorization", f"Bearer {self.bearer}")
        return self._runner.run(self._client.request(method, path, headers=headers, **kwargs))

    def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.request("GET", path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.request("POST", path, **kwargs)

    def put(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.request("PUT", path, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.request("DELETE", path, **kwargs)

    @property
    def cookies(self) -> httpx.Cookies:
        return self._client.cookies

    def sign_in(self, email: str, password: str) -> httpx.Response:
        answer = self.post("/api/session", json={"email": email, "password": password})
        if answer.status_code == 200:
            self.csrf = answer.json()["csrfToken"]
        return answer

    def close(self) -> None:
        self._runner.run(self._client.aclose())


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is a whole RFC 9457 refusal; return its body."""
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"urn:medstack:problem:{code}"
    assert body["status"] == status
    assert body["title"]
    return body
