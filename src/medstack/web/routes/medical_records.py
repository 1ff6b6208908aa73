"""`/api/medical-records`: find records, read and edit what is written about them, shelve them.

Sending one in is `routes/files.py`; its bytes are never read here.
"""

from __future__ import annotations

from typing import Annotated

from litestar import Response, delete, get, post, put
from litestar.params import FromQuery, JSONBody, QueryParameter

from medstack.flows import curate
from medstack.kit.bridge import call
from medstack.kit.ids import AppointmentId, CaseId, FolderId, ProviderId, RecordId
from medstack.records import Status
from medstack.web.identity import Asked
from medstack.web.params import (
    ID_SCHEMA,
    Cursor,
    DateFrom,
    DateTo,
    IdInPath,
    IfMatch,
    Limit,
    NumberInPath,
    Text,
    account_in,
    cursor_in,
    cursor_out,
    day_end,
    day_start,
    given_id,
    path_id,
    revision_in,
)
from medstack.web.wire import Page
from medstack.web.wire.records import (
    AccessLineOut,
    ChangeOut,
    RecordIn,
    RecordOut,
    VersionOut,
    access_line_out,
    change_out,
    edit_in,
    record_out,
    version_out,
)

TAGS = ["medical records"]


def _answer(view: curate.RecordView) -> Response[RecordOut]:
    return Response(record_out(view), headers={"ETag": view.etag})


@get("/api/medical-records", tags=TAGS)
async def list_records(
    request: Asked,
    *,
    patient_id: Annotated[Text, QueryParameter(name="patientId")] = None,
    category: Annotated[Text, QueryParameter()] = None,
    subcategory: Annotated[Text, QueryParameter()] = None,
    q: Annotated[Text, QueryParameter(max_length=500, description="Words, all of them.")] = None,
    date_from: DateFrom = None,
    date_to: DateTo = None,
    tag: Annotated[Text, QueryParameter(max_length=64)] = None,
    uploaded_by: Annotated[
        Text, QueryParameter(name="uploadedBy", description="An account's id or email.")
    ] = None,
    provider_id: Annotated[Text, QueryParameter(name="providerId", schema_extra=ID_SCHEMA)] = None,
    appointment_id: Annotated[
        Text, QueryParameter(name="appointmentId", schema_extra=ID_SCHEMA)
    ] = None,
    case_id: Annotated[Text, QueryParameter(name="caseId", schema_extra=ID_SCHEMA)] = None,
    folder_id: Annotated[Text, QueryParameter(name="folderId", schema_extra=ID_SCHEMA)] = None,
    status: Annotated[Status | None, QueryParameter()] = None,
    archived: FromQuery[bool] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[RecordOut]:
    """Newest first. All filters given must hold."""
    uploader_id, uploader_email = account_in(uploaded_by)
    wanted = curate.Wanted(
        patient_id=patient_id,
        category=category,
        subcategory=subcategory,
        q=q,
        uploaded_from=day_start("dateFrom", date_from),
        uploaded_before=day_end("dateTo", date_to),
        tag=tag,
        uploaded_by=uploader_email,
        uploader_id=uploader_id,
        provider_id=given_id("providerId", provider_id, ProviderId),
        appointment_id=given_id("appointmentId", appointment_id, AppointmentId),
        case_id=given_id("caseId", case_id, CaseId),
        folder_id=given_id("folderId", folder_id, FolderId),
        status=status,
        archived=archived,
    )
    page = await call(
        curate.list_records,
        request.house,
        request.actor,
        wanted,
        cursor=given_id("cursor", cursor, RecordId),
        limit=limit,
    )
    return Page(
        items=[record_out(view) for view in page.items], next_cursor=cursor_out(page.next_cursor)
    )


@get("/api/medical-records/{record_id:str}", tags=TAGS)
async def get_record(request: Asked, record_id: IdInPath) -> Response[RecordOut]:
    view = await call(curate.get_record, request.house, request.actor, RecordId(path_id(record_id)))
    return _answer(view)


@put("/api/medical-records/{record_id:str}", tags=TAGS, opt={"refusals": (412, 428)})
async def edit_record(
    request: Asked, record_id: IdInPath, data: JSONBody[RecordIn], if_match: IfMatch = None
) -> Response[RecordOut]:
    """Edit what is written about a record. A field left out stays as it is."""
    view = await call(
        curate.edit_record,
        request.house,
        request.actor,
        RecordId(path_id(record_id)),
        lambda now: edit_in(data, now),
        expected=revision_in(if_match),
    )
    return _answer(view)


@delete(
    "/api/medical-records/{record_id:str}", tags=TAGS, status_code=200, opt={"refusals": (412,)}
)
async def archive_record(
    request: Asked, record_id: IdInPath, if_match: IfMatch = None
) -> Response[RecordOut]:
    """Archive a record: it leaves the daily lists and stays whole. Nothing is destroyed."""
    expected = None if if_match is None else revision_in(if_match)
    view = await call(
        curate.archive_record,
        request.house,
        request.actor,
        RecordId(path_id(record_id)),
        expected=expected,
    )
    return _answer(view)


@post("/api/medical-records/{record_id:str}/restore", tags=TAGS, status_code=200)
async def unarchive_record(request: Asked, record_id: IdInPath) -> Response[RecordOut]:
    """Bring an archived record back."""
    view = await call(
        curate.unarchive_record, request.house, request.actor, RecordId(path_id(record_id))
    )
    return _answer(view)


@get("/api/medical-records/{record_id:str}/versions", tags=TAGS)
async def list_versions(request: Asked, record_id: IdInPath) -> Page[VersionOut]:
    """Every content this record has had, newest first."""
    found = await call(
        curate.list_versions, request.house, request.actor, RecordId(path_id(record_id))
    )
    return Page(items=[version_out(version, found.current) for version in found.versions])


@post(
    "/api/medical-records/{record_id:str}/versions/{number:int}/restore",
    tags=TAGS,
    status_code=200,
)
async def restore_version(
    request: Asked, record_id: IdInPath, number: NumberInPath
) -> Response[RecordOut]:
    """Make an earlier content the current one again, as a new version."""
    view = await call(
        curate.restore_version,
        request.house,
        request.actor,
        RecordId(path_id(record_id)),
        number,
    )
    return _answer(view)


@get("/api/medical-records/{record_id:str}/history", tags=TAGS)
async def list_changes(request: Asked, record_id: IdInPath) -> Page[ChangeOut]:
    """Who edited which field, newest first."""
    changes = await call(
        curate.list_changes, request.house, request.actor, RecordId(path_id(record_id))
    )
    return Page(items=[change_out(change) for change in changes])


@get("/api/medical-records/{record_id:str}/access-log", tags=TAGS)
async def access_log(
    request: Asked, record_id: IdInPath, cursor: Cursor = None, limit: Limit = 50
) -> Page[AccessLineOut]:
    """Who looked at this record, changed it or tried to, newest first."""
    page = await call(
        curate.access_log,
        request.house,
        request.actor,
        RecordId(path_id(record_id)),
        before=cursor_in(cursor),
        limit=limit,
    )
    return Page(
        items=[access_line_out(line) for line in page.items],
        next_cursor=cursor_out(page.next_before),
    )


HANDLERS = (
    list_records,
    get_record,
    edit_record,
    archive_record,
    unarchive_record,
    list_versions,
    restore_version,
    list_changes,
    access_log,
)
