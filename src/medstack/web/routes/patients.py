"""`/api/patients`: charts, by chart number."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, delete, get, post, put
from litestar.params import FromQuery, JSONBody, QueryParameter

from medstack.flows import enroll
from medstack.kit.bridge import call
from medstack.kit.ids import PatientKey
from medstack.people import Patient
from medstack.web.identity import Asked
from medstack.web.params import (
    ChartInPath,
    Cursor,
    IfMatch,
    Limit,
    cursor_in,
    cursor_out,
    etag_out,
    revision_in,
)
from medstack.web.wire import Page
from medstack.web.wire.people import (
    PatientEdit,
    PatientIn,
    PatientOut,
    demographics_changed,
    demographics_in,
    patient_out,
)

TAGS = ["patients"]


def _answer(patient: Patient) -> Response[PatientOut]:
    return Response(patient_out(patient), headers={"ETag": etag_out(patient.revision)})


@post("/api/patients", tags=TAGS)
async def add_patient(request: Asked, data: JSONBody[PatientIn]) -> Response[PatientOut]:
    """Open a chart, under the number given or the next one free."""
    patient = await call(
        enroll.add_patient,
        request.house,
        request.actor,
        demographics_in(data),
        chart_number=data.id,
    )
    headers = {"ETag": etag_out(patient.revision), "Location": f"/api/patients/{patient.id}"}
    return Response(patient_out(patient), status_code=201, headers=headers)


@get("/api/patients", tags=TAGS)
async def list_patients(
    request: Asked,
    q: Annotated[
        str, QueryParameter(max_length=200, description="Beginnings of names or chart number.")
    ] = "",
    archived: FromQuery[bool] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[PatientOut]:
    """The caller's patients, by name."""
    after = cursor_in(cursor)
    page = await call(
        enroll.list_patients,
        request.house,
        request.actor,
        q=q,
        is_archived=archived,
        after=None if after is None else PatientKey(after),
        limit=limit,
    )
    return Page(
        items=[patient_out(patient) for patient in page.items],
        next_cursor=cursor_out(page.next_after),
    )


@get("/api/patients/{patient_id:str}", tags=TAGS)
async def get_patient(request: Asked, patient_id: ChartInPath) -> Response[PatientOut]:
    return _answer(await call(enroll.get_patient, request.house, request.actor, patient_id))


@put("/api/patients/{patient_id:str}", tags=TAGS, opt={"refusals": (412, 428)})
async def change_patient(
    request: Asked,
    patient_id: ChartInPath,
    data: JSONBody[PatientEdit],
    if_match: IfMatch = None,
) -> Response[PatientOut]:
    """Change what is known of a patient. A field left out stays as it is."""
    patient = await call(
        enroll.change_patient,
        request.house,
        request.actor,
        patient_id,
        lambda known: demographics_changed(data, known),
        expected=revision_in(if_match),
    )
    return _answer(patient)


@delete("/api/patients/{patient_id:str}", status_code=200, tags=TAGS)
async def archive_patient(request: Asked, patient_id: ChartInPath) -> Response[PatientOut]:
    """Archive an inactive patient's chart. Nothing is destroyed."""
    patient = await call(
        enroll.shelve_patient, request.house, request.actor, patient_id, is_archived=True
    )
    return _answer(patient)


@post("/api/patients/{patient_id:str}/restore", status_code=200, tags=TAGS)
async def unarchive_patient(request: Asked, patient_id: ChartInPath) -> Response[PatientOut]:
    """Bring an archived chart back."""
    patient = await call(
        enroll.shelve_patient, request.house, request.actor, patient_id, is_archived=False
    )
    return _answer(patient)


HANDLERS = (
    add_patient,
    list_patients,
    get_patient,
    change_patient,
    archive_patient,
    unarchive_patient,
)
