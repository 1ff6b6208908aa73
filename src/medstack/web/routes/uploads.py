"""`/api/uploads`: resumable uploads, tus 1.0.0, in every corner as its specification has it.

Bytes go from the socket to the receiver in blocks; nothing is spooled in clear.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import HttpMethod, Request, Response, Router, delete, get, head, patch, post, route
from litestar.openapi.datastructures import ResponseSpec

from medstack.flows import receive
from medstack.flows.receive import Expected, Receiver
from medstack.intake import OffsetMismatch, Purpose, Upload
from medstack.kit.bridge import call
from medstack.kit.errors import Problem
from medstack.kit.ids import UploadId, id_out
from medstack.web import problems, streamed, tus
from medstack.web.identity import Asked, is_tls
from medstack.web.params import IdInPath, path_id
from medstack.web.pump import Arrivals, Ending, Pump
from medstack.web.wire.base import Page
from medstack.web.wire.uploads import UploadOut, upload_out

PATH = "/api/uploads"
_arrivals = Arrivals()  # of this process: who is receiving what right now
_EMPTY: dict[int, Any] = {
    status: ResponseSpec(None, description=words, generate_examples=False)
    for status, words in ((200, "As tus says"), (201, "Created"), (204, "Done"))
}


def refused(request: Request[Any, Any, Any], problem: Problem) -> Response[bytes]:
    """A refusal in tus's own words: the version on all of them, the offset where it helps."""
    headers = {"Tus-Resumable": tus.VERSION}
    if isinstance(problem, tus.WrongTusVersion):
        headers["Tus-Version"] = tus.VERSION
    if isinstance(problem, OffsetMismatch):
        headers["Upload-Offset"] = str(problem.facts["offset"])
    answer = problems.present(problem, headers)
    if request.method == HttpMethod.HEAD:
        answer.content = b""
    return answer


@route(PATH, http_method=[HttpMethod.OPTIONS], opt={"anonymous": True}, include_in_schema=False)
async def describe(request: Asked) -> Response[None]:
    """What this server speaks; needs neither a version nor a sign-in."""
    largest = await call(receive.largest, request.house)
    return Response(
        None,
        status_code=200,
        headers={
            "Tus-Resumable": tus.VERSION,
            "Tus-Version": tus.VERSION,
            "Tus-Extension": ",".join(tus.EXTENSIONS),
            "Tus-Checksum-Algorithm": ",".join(tus.ALGORITHMS),
            "Tus-Max-Size": str(largest),
        },
    )


@route(
    PATH + "/{upload_id:str}",
    http_method=[HttpMethod.OPTIONS],
    opt={"anonymous": True},
    include_in_schema=False,
)
async def describe_one(request: Asked, upload_id: IdInPath) -> Response[None]:
    return await describe.fn(request)  # type: ignore[no-any-return]


@get(PATH, tags=["uploads"])
async def list_unfinished(request: Asked) -> Page[UploadOut]:
    """Your uploads that wait for bytes, to be resumed here or elsewhere."""
    found = await call(receive.unfinished, request.house, request.actor)
    return Page(items=[upload_out(u, url=_url(request, u.id)) for u in found])


@get(PATH + "/{upload_id:str}", tags=["uploads"], opt={"refusals": (410,)})
async def read_one(request: Asked, upload_id: IdInPath) -> UploadOut:
    """Where an upload stands, and the record it became."""
    upload = await call(receive.find, request.house, request.actor, _id(upload_id))
    return upload_out(upload, url=_url(request, upload.id))


@post(
    PATH,
    tags=["uploads"],
    responses=_EMPTY,
    opt={
        "headers": streamed.BEGIN,
        "body": streamed.octets(is_required=False),
        "refusals": (410, 412, 460, 507),
    },
)
async def create(request: Asked) -> Response[None]:
    """Begin an upload, with its first bytes if they come along; or join finished parts."""
    headers = _headers(request)
    tus.require_version(headers)
    concat = tus.concat_of(headers)
    if concat is not None and concat.is_final:
        return await _join(request, headers, concat)
    length = tus.length_of(headers)
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if has_body:
        tus.require_body_type(headers)
    expected = _expected(headers) if has_body else None
    upload = await call(
        receive.begin,
        request.house,
        request.actor,
        tus.metadata_of(headers),
        length=length,
        header=headers.get("upload-metadata", ""),
        is_part=concat is not None,
    )
    created = _told(request, upload) | {"Location": _url(request, upload.id)}
    if has_body:
        upload = await _receive(request, upload.id, offset=0, expected=expected)
        created |= _told(request, upload) | {"Upload-Offset": str(upload.offset)}
    return Response(None, status_code=201, headers=created)


async def _join(request: Asked, headers: Mapping[str, str], concat: tus.Concat) -> Response[None]:
    if "upload-length" in headers or "upload-defer-length" in headers:
        raise tus.BadTusHeader("A final upload has its parts' length.", header="Upload-Length")
    upload = await call(
        receive.join,
        request.house,
        request.actor,
        [_id(part) for part in concat.parts or ()],
        tus.metadata_of(headers),
        header=headers.get("upload-metadata", ""),
        concat=headers["upload-concat"],
    )
    created = _told(request, upload) | {"Location": _url(request, upload.id)}
    return Response(None, status_code=201, headers=created)


@head(
    PATH + "/{upload_id:str}",
    tags=["uploads"],
    responses=_EMPTY,
    opt={"headers": (streamed.SPOKEN,), "refusals": (410, 412)},
)
async def offset(request: Asked, upload_id: IdInPath) -> Response[None]:
    """How many bytes have safely arrived. Whoever asks is about to go on: a stale request ends."""
    tus.require_version(_headers(request))
    found = _id(upload_id)
    await call(receive.find, request.house, request.actor, found)
    await _arrivals.evict(found)
    upload = await call(receive.find, request.house, request.actor, found)
    told = _told(request, upload) | {"Upload-Offset": str(upload.offset)}
    if upload.length is None:
        told["Upload-Defer-Length"] = "1"
    else:
        told["Upload-Length"] = str(upload.length)
    if upload.header:
        told["Upload-Metadata"] = upload.header
    if upload.purpose is Purpose.PARTIAL:
        told["Upload-Concat"] = "partial"
    if upload.purpose is Purpose.FINAL:
        told["Upload-Concat"] = upload.concat
    return Response(None, status_code=200, headers=told)


@patch(
    PATH + "/{upload_id:str}",
    tags=["uploads"],
    responses=_EMPTY,
    opt={
        "headers": streamed.GO_ON,
        "body": streamed.octets(is_required=True),
        "refusals": (410, 412, 460, 507),
    },
)
async def append(request: Asked, upload_id: IdInPath) -> Response[None]:
    """Send the next bytes; what is answered has safely arrived."""
    headers = _headers(request)
    tus.require_version(headers)
    tus.require_body_type(headers)
    start = tus.number(headers, "Upload-Offset")
    if start is None:
        raise tus.BadTusHeader("Say where these bytes belong.", header="Upload-Offset")
    length = tus.number(headers, "Upload-Length")
    upload = await _receive(
        request, _id(upload_id), offset=start, length=length, expected=_expected(headers)
    )
    told = _told(request, upload) | {"Upload-Offset": str(upload.offset)}
    return Response(None, status_code=204, headers=told)


@delete(
    PATH + "/{upload_id:str}",
    tags=["uploads"],
    responses=_EMPTY,
    status_code=204,
    opt={"headers": (streamed.SPOKEN,), "refusals": (410, 412)},
)
async def terminate(request: Asked, upload_id: IdInPath) -> Response[None]:
    """Give an upload up; what it became stays."""
    tus.require_version(_headers(request))
    found = _id(upload_id)
    await _arrivals.evict(found)
    await call(receive.give_up, request.house, request.actor, found)
    return Response(None, status_code=204, headers={"Tus-Resumable": tus.VERSION})


@post(PATH + "/{upload_id:str}", include_in_schema=False)
async def overridden(request: Asked, upload_id: IdInPath) -> Response[None]:
    """For clients that can only POST: the method stands in X-HTTP-Method-Override."""
    methods = {"PATCH": append, "HEAD": offset, "DELETE": terminate}
    meant = methods.get(request.headers.get("x-http-method-override", "").upper())
    if meant is None:
        raise problems.MethodNotAllowed("Name PATCH, HEAD or DELETE in X-HTTP-Method-Override.")
    return await meant.fn(request, upload_id)  # type: ignore[no-any-return]


async def _receive(
    request: Asked,
    upload_id: UploadId,
    *,
    offset: int,
    length: int | None = None,
    expected: Expected | None = None,
) -> Upload:
    """The body of this request into the upload; returns how it stands afterwards."""
    pump = Pump(request.receive)
    async with _arrivals.receiving(upload_id, pump):
        receiver = await call(
            Receiver,
            request.house,
            request.actor,
            upload_id,
            offset=offset,
            length=length,
            expected=expected,
        )
        try:
            announced = request.headers.get("content-length")
            if announced is not None and announced.isdigit():
                receiver.expect(int(announced))
            ending = await pump.run(receiver)
            return await call(receiver.keep, is_whole=ending is Ending.COMPLETE)
        finally:
            await call(receiver.drop)


def _expected(headers: Mapping[str, str]) -> Expected | None:
    said = tus.checksum_of(headers)
    return None if said is None else Expected(algorithm=said.algorithm, digest=said.digest)


def _told(request: Asked, upload: Upload) -> dict[str, str]:
    """What every answer about an upload tells."""
    told = {
        "Tus-Resumable": tus.VERSION,
        "Upload-Expires": tus.expires_header(upload.expires_at),
        "Cache-Control": "no-store",
    }
    if upload.record_id is not None:
        told["Medstack-Record"] = id_out(upload.record_id)
    return told


def _headers(request: Asked) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _id(text: str) -> UploadId:
    return UploadId(path_id(text))


def _url(request: Asked, upload_id: int) -> str:
    """Absolute, at the address the client itself used."""
    scheme = "https" if is_tls(request.house) else request.url.scheme
    host = request.headers.get("host") or request.house.public_url.rpartition("/")[2]
    return f"{scheme}://{host}{PATH}/{id_out(UploadId(upload_id))}"


uploads = Router(
    path="/",
    route_handlers=[
        describe,
        describe_one,
        list_unfinished,
        read_one,
        create,
        offset,
        append,
        terminate,
        overridden,
    ],
    exception_handlers={Problem: refused},
)
