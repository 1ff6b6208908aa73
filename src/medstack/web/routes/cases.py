"""`/api/cases`: records of one patient that belong to one question."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get, post, put
from litestar.params import JSONBody, QueryParameter
from msgspec import UNSET

from medstack.flows import schedule
from medstack.kit.bridge import call
from medstack.kit.ids import CaseId, id_out
from medstack.people import CaseKind
from medstack.web.identity import Asked
from medstack.web.params import (
    Cursor,
    IdInPath,
    IfMatch,
    Limit,
    Text,
    cursor_in,
    cursor_out,
    etag_out,
    path_id,
    revision_in,
)
from medstack.web.wire import Page
from medstack.web.wire.schedule import CaseEdit, CaseIn, CaseOut, case_changed, case_out

TAGS = ["cases"]


def _answer(view: schedule.CaseView, status: int = 200) -> Response[CaseOut]:
    headers = {"ETag": etag_out(view.case.revision)}
    if status == 201:
        headers["Location"] = f"/api/cases/{id_out(view.case.id)}"
    return Response(case_out(view), status_code=status, headers=headers)


@post("/api/cases", tags=TAGS)
async def open_case(request: Asked, data: JSONBody[CaseIn]) -> Response[CaseOut]:
    view = await call(
        schedule.open_case,
        request.house,
        request.actor,
        patient_id=data.patient_id,
        kind=data.kind,
        title=data.title,
    )
    return _answer(view, 201)


@get("/api/cases", tags=TAGS)
async def list_cases(
    request: Asked,
    *,
    patient_id: Annotated[Text, QueryParameter(name="patientId", max_length=40)] = None,
    kind: Annotated[CaseKind | None, QueryParameter()] = None,
    is_open: Annotated[bool | None, QueryParameter(name="open")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[CaseOut]:
    """Cases of the caller's patients, newest first."""
    before = cursor_in(cursor)
    page = await call(
        schedule.list_cases,
        request.house,
        request.actor,
        patient_id=patient_id,
        kind=kind,
        is_open=is_open,
        before=None if before is None else CaseId(before),
        limit=limit,
    )
    return Page(
        items=[case_out(view) for view in page.items], next_cursor=cursor_out(page.next_before)
    )


@get("/api/cases/{case_id:str}", tags=TAGS)
async def get_case(request: Asked, case_id: IdInPath) -> Response[CaseOut]:
    wanted = CaseId(path_id(case_id))
    return _answer(await call(schedule.get_case, request.house, request.actor, wanted))


@put("/api/cases/{case_id:str}", tags=TAGS, opt={"refusals": (412, 428)})
async def change_case(
    request: Asked, case_id: IdInPath, data: JSONBody[CaseEdit], if_match: IfMatch = None
) -> Response[CaseOut]:
    """Change a title or kind, close or open again. A field left out stays as it is."""
    view = await call(
        schedule.change_case,
        request.house,
        request.actor,
        CaseId(path_id(case_id)),
        lambda now: case_changed(data, now),
        is_open=None if data.is_open is UNSET else data.is_open,
        expected=revision_in(if_match),
    )
    return _answer(view)


HANDLERS = (open_case, list_cases, get_case, change_case)
