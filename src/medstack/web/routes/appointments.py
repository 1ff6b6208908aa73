"""`/api/appointments`: visits, to which records are linked."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get, post, put
from litestar.params import JSONBody, QueryParameter

from medstack.flows import schedule
from medstack.kit.bridge import call
from medstack.kit.ids import AppointmentId, ProviderId, id_out
from medstack.web.identity import Asked
from medstack.web.params import (
    ID_SCHEMA,
    Cursor,
    DateFrom,
    DateTo,
    IdInPath,
    IfMatch,
    Limit,
    Text,
    cursor_in,
    cursor_out,
    day_end,
    day_start,
    etag_out,
    id_or_none,
    needed_id,
    path_id,
    revision_in,
)
from medstack.web.wire import Page
from medstack.web.wire.schedule import (
    AppointmentEdit,
    AppointmentIn,
    AppointmentOut,
    appointment_changed,
    appointment_out,
)

TAGS = ["appointments"]


def _answer(view: schedule.AppointmentView, status: int = 200) -> Response[AppointmentOut]:
    booked = view.appointment
    headers = {"ETag": etag_out(booked.revision)}
    if status == 201:
        headers["Location"] = f"/api/appointments/{id_out(booked.id)}"
    return Response(appointment_out(view), status_code=status, headers=headers)


@post("/api/appointments", tags=TAGS)
async def book(request: Asked, data: JSONBody[AppointmentIn]) -> Response[AppointmentOut]:
    view = await call(
        schedule.book,
        request.house,
        request.actor,
        patient_id=data.patient_id,
        provider_id=ProviderId(needed_id("providerId", data.provider_id)),
        starts_at=data.starts_at,
        ends_at=data.ends_at,
        kind=data.kind,
        note=data.note,
    )
    return _answer(view, 201)


@get("/api/appointments", tags=TAGS)
async def list_appointments(
    request: Asked,
    *,
    patient_id: Annotated[Text, QueryParameter(name="patientId", max_length=40)] = None,
    provider_id: Annotated[Text, QueryParameter(name="providerId", schema_extra=ID_SCHEMA)] = None,
    date_from: DateFrom = None,
    date_to: DateTo = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[AppointmentOut]:
    """Appointments of the caller's patients, earliest first."""
    provider = id_or_none("providerId", provider_id)
    after = cursor_in(cursor)
    page = await call(
        schedule.list_appointments,
        request.house,
        request.actor,
        patient_id=patient_id,
        provider_id=None if provider is None else ProviderId(provider),
        since=day_start("dateFrom", date_from),
        until=day_end("dateTo", date_to),
        after=None if after is None else AppointmentId(after),
        limit=limit,
    )
    return Page(
        items=[appointment_out(view) for view in page.items],
        next_cursor=cursor_out(page.next_after),
    )


@get("/api/appointments/{appointment_id:str}", tags=TAGS)
async def get_appointment(request: Asked, appointment_id: IdInPath) -> Response[AppointmentOut]:
    wanted = AppointmentId(path_id(appointment_id))
    return _answer(await call(schedule.get_appointment, request.house, request.actor, wanted))


@put("/api/appointments/{appointment_id:str}", tags=TAGS, opt={"refusals": (412, 428)})
async def change_appointment(
    request: Asked,
    appointment_id: IdInPath,
    data: JSONBody[AppointmentEdit],
    if_match: IfMatch = None,
) -> Response[AppointmentOut]:
    """Move, cancel or describe an appointment. A field left out stays as it is."""
    view = await call(
        schedule.change_appointment,
        request.house,
        request.actor,
        AppointmentId(path_id(appointment_id)),
        lambda now: appointment_changed(data, now),
        expected=revision_in(if_match),
    )
    return _answer(view)


HANDLERS = (book, list_appointments, get_appointment, change_appointment)
