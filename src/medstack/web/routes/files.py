"""`/api/files` and `/d/`: bytes out, whole or in ranges, decrypted as they are sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated

from litestar import HttpMethod, Response, delete, get, post, route
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.response import Stream

from medstack.access import ORIGINAL, LinkId
from medstack.flows import bundle, retrieve, share
from medstack.flows.retrieve import Asked as Wanted
from medstack.flows.retrieve import Opened, Purpose
from medstack.kit import bridge
from medstack.kit.bridge import call
from medstack.kit.ids import RecordId
from medstack.kit.streams import CHUNK_BYTES, chunks_of
from medstack.web import ranges
from medstack.web.identity import Asked
from medstack.web.params import IdInPath, path_id
from medstack.web.wire.base import Page
from medstack.web.wire.files import BundleIn, LinkIn, LinkOut, link_out

VersionNumber = Annotated[
    int | None, QueryParameter(ge=1, le=2**31 - 1, description="The current one if left out.")
]
RenditionName = Annotated[
    str,
    QueryParameter(pattern="^[a-z0-9-]{1,40}$", description="`thumbnail`, `preview`, `original`."),
]
TokenInPath = Annotated[str, PathParameter(description="As the link has it.")]
Inline = Annotated[bool, QueryParameter(description="To be looked at here, not to be kept.")]
FILE = {
    status: ResponseSpec(bytes, description=words, media_type="*/*", generate_examples=False)
    for status, words in ((200, "The bytes"), (206, "The range"), (304, "Unchanged"))
}
_SAFE_INLINE = (
    "image/webp",
    "image/jpeg",
    "image/png",
    "application/pdf",
    "audio/wav",
    "video/mp4",
)


@route(
    "/api/files/{record_id:str}",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    tags=["files"],
    responses=FILE,
)
async def read_file(
    request: Asked,
    record_id: IdInPath,
    version: VersionNumber = None,
    rendition: RenditionName = ORIGINAL,
    inline: Inline = False,
) -> Response[bytes] | Stream:
    """A record's content. Range, If-Range and If-None-Match are honoured."""
    opened = await call(
        retrieve.open_file,
        request.house,
        request.actor,
        RecordId(path_id(record_id)),
        Wanted(
            version=version,
            rendition=rendition,
            purpose=Purpose.VIEW if inline else Purpose.DOWNLOAD,
            span=request.headers.get("range", ""),
        ),
    )
    return _answer(request, opened, is_inline=inline)


@route(
    "/d/{token:str}",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    tags=["files"],
    opt={"anonymous": True},
    responses=FILE,
)
async def redeem_link(request: Asked, token: TokenInPath) -> Response[bytes] | Stream:
    """What a time-limited link leads to. A HEAD, and later ranges, count no use."""
    is_later_range = not request.headers.get("range", "bytes=0-").startswith("bytes=0-")
    opened = await call(
        share.redeem,
        request.house,
        f"/d/{token}",
        address=request.visit.address,
        request_id=request.visit.request_id,
        counts=request.method != HttpMethod.HEAD and not is_later_range,
    )
    return _answer(request, opened, is_inline=False)


def _answer(request: Asked, opened: Opened, *, is_inline: bool) -> Response[bytes] | Stream:
    """The opened file as HTTP. The source is closed when the last byte is sent."""
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": opened.etag,
        "Cache-Control": "private, no-cache",
        "Content-Type": opened.media_type,
        "Content-Disposition": ranges.disposition(
            opened.file_name, is_inline=is_inline and opened.media_type in _SAFE_INLINE
        ),
    }
    asked = {name.lower(): value for name, value in request.headers.items()}
    if ranges.is_unchanged(asked, opened.etag):
        opened.source.close()
        return Response(b"", status_code=304, headers=headers)
    try:
        span = ranges.span_of(asked, size=opened.size, etag=opened.etag)
    except ranges.RangeNotSatisfiable:
        opened.source.close()
        raise
    start, end = span or (0, opened.size)
    headers["Content-Length"] = str(end - start)
    if span is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{opened.size}"
    status = 200 if span is None else 206
    if request.method == HttpMethod.HEAD or start == end:
        opened.source.close()
        return Response(b"", status_code=status, headers=headers)
    return Stream(
        _bytes(opened, start, end),
        status_code=status,
        headers=headers,
        media_type=opened.media_type,
    )


async def _bytes(opened: Opened, start: int, end: int) -> AsyncIterator[bytes]:
    try:
        pieces = chunks_of(opened.source, start, end, chunk_bytes=2 * CHUNK_BYTES)
        async for piece in bridge.stream(pieces):
            yield piece
    finally:
        opened.source.close()


@post("/api/files/{record_id:str}/links", tags=["files"])
async def make_link(request: Asked, record_id: IdInPath, data: JSONBody[LinkIn]) -> LinkOut:
    """A signed link to one version that ends by itself and can be taken back."""
    link, path = await call(
        share.make_link,
        request.house,
        request.actor,
        RecordId(path_id(record_id)),
        version=data.version,
        rendition=data.rendition,
        ttl=None if data.ttl_s is None else timedelta(seconds=data.ttl_s),
        max_uses=data.max_uses,
    )
    return link_out(link, url=request.house.public_url + path)


@get("/api/files/{record_id:str}/links", tags=["files"])
async def list_links(request: Asked, record_id: IdInPath) -> Page[LinkOut]:
    """The links to a record that still stand."""
    links = await call(share.list_links, request.house, request.actor, RecordId(path_id(record_id)))
    return Page(items=[link_out(link) for link in links])


@delete("/api/links/{link_id:str}", tags=["files"], status_code=204)
async def revoke_link(request: Asked, link_id: IdInPath) -> None:
    """Take a link back at once."""
    await call(share.revoke, request.house, request.actor, LinkId(path_id(link_id)))


@post("/api/batch/download", tags=["batch"], status_code=200, responses=FILE)
async def download_bundle(request: Asked, data: JSONBody[BundleIn]) -> Stream:
    """Many files as one ZIP, made while it is sent. Every file in it is recorded by itself."""
    chosen = [RecordId(path_id(text)) for text in data.record_ids]
    pieces = await call(bundle.open_bundle, request.house, request.actor, chosen)
    return Stream(
        bridge.stream(pieces),
        media_type="application/zip",
        headers={"Content-Disposition": ranges.disposition("medstack.zip", is_inline=False)},
    )


HANDLERS = (read_file, redeem_link, make_link, list_links, revoke_link, download_bundle)
