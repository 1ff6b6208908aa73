"""`/api/review`: what was held or quarantined, and what a person decides about it."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import get, post
from litestar.params import JSONBody, PathParameter

from medstack.flows import review
from medstack.kit.bridge import call
from medstack.kit.ids import RecordId
from medstack.records import Status
from medstack.web.identity import Asked
from medstack.web.params import Cursor, IdInPath, Limit, cursor_in, cursor_out, path_id
from medstack.web.wire.base import Page
from medstack.web.wire.files import DecisionIn
from medstack.web.wire.records import RecordOut, record_out

Queue = Annotated[
    Literal["held", "quarantined"], PathParameter(description="Which of the two queues.")
]


@get("/api/review/{queue:str}", tags=["review"])
async def list_waiting(
    request: Asked, queue: Queue, cursor: Cursor = None, limit: Limit = 50
) -> Page[RecordOut]:
    """Files that wait for a decision, newest first."""
    last = cursor_in(cursor)
    page = await call(
        review.waiting,
        request.house,
        request.actor,
        Status(queue),
        cursor=None if last is None else RecordId(last),
        limit=limit,
    )
    return Page(
        items=[record_out(view) for view in page.items], next_cursor=cursor_out(page.next_cursor)
    )


@post("/api/medical-records/{record_id:str}/release", tags=["review"], status_code=200)
async def release(request: Asked, record_id: IdInPath, data: JSONBody[DecisionIn]) -> RecordOut:
    """Let a stopped file go on with its next check."""
    return await _decided(request, record_id, review.release, data)


@post("/api/medical-records/{record_id:str}/retry", tags=["review"], status_code=200)
async def retry(request: Asked, record_id: IdInPath, data: JSONBody[DecisionIn]) -> RecordOut:
    """Send a stopped file through all its checks again."""
    return await _decided(request, record_id, review.retry, data)


@post("/api/medical-records/{record_id:str}/destroy", tags=["review"], status_code=200)
async def destroy(request: Asked, record_id: IdInPath, data: JSONBody[DecisionIn]) -> RecordOut:
    """Destroy a stopped file; its record stays and says so."""
    return await _decided(request, record_id, review.destroy, data)


async def _decided(
    request: Asked, record_id: str, act: review.Act, data: JSONBody[DecisionIn]
) -> RecordOut:
    found = RecordId(path_id(record_id))
    view = await call(act, request.house, request.actor, found, reason=data.reason)
    return record_out(view)


HANDLERS = (list_waiting, release, retry, destroy)
