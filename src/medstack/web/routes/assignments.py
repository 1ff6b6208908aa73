"""`/api/assignments`: which patients are in a staff member's care."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, delete, get, post
from litestar.params import FromQuery, JSONBody, QueryParameter

from medstack.flows import enroll
from medstack.kit.bridge import call
from medstack.kit.ids import id_out
from medstack.people import AssignmentId
from medstack.web.identity import Asked
from medstack.web.params import Cursor, IdInPath, Limit, Text, cursor_in, cursor_out, path_id
from medstack.web.wire import Page
from medstack.web.wire.people import AssignmentIn, AssignmentOut, assignment_out

TAGS = ["assignments"]


@post("/api/assignments", tags=TAGS)
async def assign(request: Asked, data: JSONBody[AssignmentIn]) -> Response[AssignmentOut]:
    """Put a patient into a staff member's care, from now on."""
    view = await call(
        enroll.assign,
        request.house,
        request.actor,
        user_email=data.user_email,
        patient_id=data.patient_id,
        until_at=data.until,
    )
    headers = {"Location": f"/api/assignments/{id_out(view.assignment.id)}"}
    return Response(assignment_out(view), status_code=201, headers=headers)


@get("/api/assignments", tags=TAGS)
async def list_assignments(
    request: Asked,
    *,
    user_email: Annotated[Text, QueryParameter(name="userEmail", max_length=254)] = None,
    patient_id: Annotated[Text, QueryParameter(name="patientId", max_length=40)] = None,
    running: FromQuery[bool] = True,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[AssignmentOut]:
    """Assignments, oldest first; staff see their own. `running=false` shows ended ones too."""
    after = cursor_in(cursor)
    page = await call(
        enroll.list_assignments,
        request.house,
        request.actor,
        user_email=user_email,
        patient_id=patient_id,
        is_running=running,
        after=None if after is None else AssignmentId(after),
        limit=limit,
    )
    return Page(
        items=[assignment_out(view) for view in page.items],
        next_cursor=cursor_out(page.next_after),
    )


@delete("/api/assignments/{assignment_id:str}", tags=TAGS)
async def end_assignment(request: Asked, assignment_id: IdInPath) -> None:
    """End an assignment; from this moment its account sees nothing of the patient."""
    await call(
        enroll.end_assignment,
        request.house,
        request.actor,
        AssignmentId(path_id(assignment_id)),
    )


HANDLERS = (assign, list_assignments, end_assignment)
