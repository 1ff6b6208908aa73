"""The plain status page and the few files it is made of. Strict CSP, nothing from elsewhere."""

from __future__ import annotations

import hashlib
import html
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from litestar import MediaType, Response, get
from litestar.params import FromPath

from medstack.kit.errors import Missing
from medstack.web.door import PAGE_CSP
from medstack.web.identity import Asked

_KINDS = {
    "fonts/ibm-plex-mono-latin-400-normal.woff2": "font/woff2",
    "fonts/ibm-plex-sans-latin-wght-normal.woff2": "font/woff2",
    "film.svg": "image/svg+xml",
    "mark.svg": "image/svg+xml",
    "status.css": "text/css",
    "status.js": "text/javascript",
    "theme.js": "text/javascript",
    "tokens.css": "text/css",
}
_ANONYMOUS = {"anonymous": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    body: bytes
    kind: str
    etag: str


@cache
def _static(name: str) -> StaticFile:
    """One of the files named above; no other name ever reaches the disk. Raises Missing."""
    if name not in _KINDS:
        raise Missing
    body = (files("medstack.web") / "static" / name).read_bytes()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return StaticFile(body=body, kind=_KINDS[name], etag=etag)


@cache
def _index(practice_name: str) -> str:
    page = (files("medstack.web") / "static" / "index.html").read_text(encoding="utf-8")
    return page.replace("{practice}", html.escape(practice_name))


@get("/", opt=_ANONYMOUS, include_in_schema=False)
async def status_page(request: Asked) -> Response[str]:
    return Response(
        _index(request.house.practice_name),
        media_type=MediaType.HTML,
        headers={"Content-Security-Policy": PAGE_CSP},
    )


@get("/static/{name:path}", opt=_ANONYMOUS, include_in_schema=False)
async def static_file(request: Asked, name: FromPath[str]) -> Response[bytes]:
    found = _static(name.strip("/"))
    headers = {"ETag": found.etag, "Cache-Control": "public, max-age=0, must-revalidate"}
    if request.headers.get("if-none-match") == found.etag:
        return Response(b"", status_code=304, headers=headers)
    return Response(found.body, media_type=found.kind, headers=headers)
