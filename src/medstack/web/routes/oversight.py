"""`/api/audit`, `/api/jobs`, `/api/policies`, `/api/storage`: the house, for those who watch it."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post, put
from litestar.params import JSONBody, QueryParameter

from medstack.audit import Action, Filter
from medstack.flows import oversight
from medstack.jobs import JobState
from medstack.kit.bridge import call
from medstack.kit.ids import JobId, RecordId
from medstack.web.identity import Asked
from medstack.web.params import (
    ID_SCHEMA,
    ChartInPath,
    Cursor,
    DateFrom,
    DateTo,
    IdInPath,
    Limit,
    Text,
    cursor_in,
    cursor_out,
    day_end,
    day_start,
    given_id,
    path_id,
)
from medstack.web.wire import Page
from medstack.web.wire.oversight import (
    CheckpointOut,
    EventOut,
    JobOut,
    PoliciesIn,
    PoliciesOut,
    RoomOut,
    StorageOut,
    VerifyIn,
    VerifyOut,
    checkpoint_out,
    event_out,
    job_out,
    room_out,
    storage_out,
    verify_out,
)


# ── the log ───────────────────────────────────────────────────────────────────────────────
@get("/api/audit", tags=["audit"])
async def read_log(
    request: Asked,
    *,
    patient_id: Annotated[Text, QueryParameter(name="patientId", max_length=40)] = None,
    record_id: Annotated[Text, QueryParameter(name="recordId", schema_extra=ID_SCHEMA)] = None,
    user_email: Annotated[Text, QueryParameter(name="userEmail", max_length=254)] = None,
    action: Annotated[Action | None, QueryParameter()] = None,
    date_from: DateFrom = None,
    date_to: DateTo = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[EventOut]:
    """The log, newest first. Reading it is an event too."""
    chosen = Filter(
        record=given_id("recordId", record_id, RecordId),
        actions=frozenset() if action is None else frozenset({action.value}),
        since=day_start("dateFrom", date_from),
        until=day_end("dateTo", date_to),
    )
    page = await call(
        oversight.read_log,
        request.house,
        request.actor,
        chosen,
        patient_id=patient_id,
        user_email=user_email,
        before=cursor_in(cursor),
        limit=limit,
    )
    return Page(
        items=[event_out(view) for view in page.items], next_cursor=cursor_out(page.next_before)
    )


@post("/api/audit/verify", status_code=200, tags=["audit"])
async def verify_log(request: Asked, data: JSONBody[VerifyIn]) -> VerifyOut:
    """Check the whole log: nothing edited, removed or reordered; with a checkpoint kept
    elsewhere, nothing cut off or rewritten either.
    """
    report = await call(
        oversight.verify_log, request.house, request.actor, checkpoint=data.checkpoint
    )
    return verify_out(report)


@post("/api/audit/checkpoint", status_code=200, tags=["audit"])
async def checkpoint_log(request: Asked) -> CheckpointOut:
    """Sign the log as it stands. Keep the note where nobody of this machine can reach it."""
    return checkpoint_out(await call(oversight.checkpoint_log, request.house, request.actor))


# ── work ──────────────────────────────────────────────────────────────────────────────────
@get("/api/jobs", tags=["jobs"])
async def list_jobs(
    request: Asked,
    job_state: Annotated[JobState | None, QueryParameter(name="state")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[JobOut]:
    """Work waiting, under way and done, newest first."""
    page = await call(
        oversight.list_jobs,
        request.house,
        request.actor,
        state=job_state,
        before=given_id("cursor", cursor, JobId),
        limit=limit,
    )
    return Page(
        items=[job_out(job) for job in page.items], next_cursor=cursor_out(page.next_before)
    )


@get("/api/jobs/{job_id:str}", tags=["jobs"])
async def get_job(request: Asked, job_id: IdInPath) -> JobOut:
    wanted = JobId(path_id(job_id))
    return job_out(await call(oversight.get_job, request.house, request.actor, wanted))


@post("/api/jobs/{job_id:str}/retry", status_code=200, tags=["jobs"])
async def retry_job(request: Asked, job_id: IdInPath) -> JobOut:
    """Queue failed, poisoned or cancelled work again."""
    wanted = JobId(path_id(job_id))
    return job_out(await call(oversight.retry_job, request.house, request.actor, wanted))


@post("/api/jobs/{job_id:str}/cancel", status_code=200, tags=["jobs"])
async def cancel_job(request: Asked, job_id: IdInPath) -> JobOut:
    """Cancel waiting work at once; ask running work to stop before its next step."""
    wanted = JobId(path_id(job_id))
    return job_out(await call(oversight.cancel_job, request.house, request.actor, wanted))


# ── rules and room ────────────────────────────────────────────────────────────────────────
@get("/api/policies", tags=["policies"])
async def read_policies(request: Asked) -> PoliciesOut:
    """The practice's rules; a browser checks sizes against them before the first byte."""
    policies = await call(oversight.read_policies, request.house, request.actor)
    return PoliciesOut(policies=policies.all())


@put("/api/policies", tags=["policies"])
async def set_policies(request: Asked, data: JSONBody[PoliciesIn]) -> PoliciesOut:
    """Change rules by name, all or none; null puts back what ships."""
    policies = await call(oversight.set_policies, request.house, request.actor, data.policies)
    return PoliciesOut(policies=policies.all())


@get("/api/storage", tags=["storage"])
async def storage(request: Asked) -> StorageOut:
    """How much the vault holds."""
    return storage_out(await call(oversight.figures, request.house, request.actor))


@get("/api/patients/{patient_id:str}/storage", tags=["storage"])
async def patient_storage(request: Asked, patient_id: ChartInPath) -> RoomOut:
    """How much of a patient's quota is taken."""
    return room_out(await call(oversight.room_of, request.house, request.actor, patient_id))


HANDLERS = (
    read_log,
    verify_log,
    checkpoint_log,
    list_jobs,
    get_job,
    retry_job,
    cancel_job,
    read_policies,
    set_policies,
    storage,
    patient_storage,
)
