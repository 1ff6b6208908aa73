"""The log, the jobs and the figures of the house, for those who watch over it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta

from medstack.audit import VerifyReport
from medstack.flows.oversight import Checkpoint, EventView, Room
from medstack.jobs import Job, JobState
from medstack.kit.errors import Fact
from medstack.kit.ids import id_out
from medstack.records.quota import Totals
from medstack.web.wire.base import Ask, Wire


class EventOut(Wire):
    """One event of the log. `details` may be erased one day; the event itself never is."""

    seq: int
    at: datetime
    action: str
    outcome: str
    actor_id: str
    actor: str | None
    role: str
    via: str
    address: str
    request_id: str
    records: list[str]
    patients: list[str]
    facts: dict[str, Any]  # codes, numbers and truths, by name
    details: dict[str, str] | None


class VerifyIn(Ask):
    """A checkpoint kept elsewhere; without one, only what the log says of itself is checked."""

    checkpoint: Annotated[str, Meta(max_length=10_000)] | None = None


class FindingOut(Wire):
    fault: str
    seq: int | None
    detail: str


class VerifyOut(Wire):
    is_whole: bool
    size: int
    root: str
    checkpoints: int
    erased_details: int
    findings: list[FindingOut]


class CheckpointOut(Wire):
    """A signed note to keep where nobody of this machine can reach it, and its public key."""

    checkpoint: str
    public_key: str


_EXACT = 2**53  # beyond it a browser's numbers lose digits; of our numbers only ids go so far


def _fact_out(value: Fact) -> Fact:
    return id_out(value) if isinstance(value, int) and value >= _EXACT else value


def event_out(view: EventView) -> EventOut:
    event = view.event
    return EventOut(
        seq=event.seq,
        at=event.at,
        action=event.action,
        outcome=event.outcome,
        actor_id=id_out(event.actor_id),
        actor=view.actor_name,
        role=event.role,
        via=event.via,
        address=event.address,
        request_id=event.request_id,
        records=[id_out(record) for record in event.records],
        patients=list(view.patient_ids),
        facts={name: _fact_out(value) for name, value in event.facts.items()},
        details=None if event.personal is None else dict(event.personal),
    )


class JobOut(Wire):
    """One piece of work; `ids` say on what."""

    id: str
    batch_id: str
    name: str
    state: JobState
    ids: dict[str, str]
    attempts: int
    failures: int
    done: int
    total: int
    error_code: str | None
    enqueued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class PoliciesOut(Wire):
    """Every rule of the practice by name: switches, numbers, and limits in bytes."""

    policies: dict[str, bool | int]


class PoliciesIn(Ask):
    """Rules to change, by name; null puts back what ships."""

    policies: Annotated[dict[str, bool | int | None], Meta(min_length=1, max_length=100)]


class StorageOut(Wire):
    """What the vault holds for everybody, in bytes; reserved is promised to uploads."""

    patients: int
    used_bytes: int
    reserved_bytes: int


class RoomOut(Wire):
    """How much of a patient's quota is taken, in bytes; `rule` names the limit."""

    patient_id: str
    used_bytes: int
    reserved_bytes: int
    limit_bytes: int
    rule: str


def job_out(job: Job) -> JobOut:
    return JobOut(
        id=id_out(job.id),
        batch_id=id_out(job.batch_id),
        name=job.name,
        state=job.state,
        ids={name: id_out(v) if isinstance(v, int) else v for name, v in job.ids.items()},
        attempts=job.attempts,
        failures=job.failures,
        done=job.done,
        total=job.total,
        error_code=job.error_code,
        enqueued_at=job.enqueued_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


def checkpoint_out(made: Checkpoint) -> CheckpointOut:
    return CheckpointOut(checkpoint=made.note, public_key=str(made.verifier))


def storage_out(totals: Totals) -> StorageOut:
    return StorageOut(
        patients=totals.patients, used_bytes=totals.used, reserved_bytes=totals.reserved
    )


def room_out(room: Room) -> RoomOut:
    return RoomOut(
        patient_id=room.patient_id,
        used_bytes=room.used,
        reserved_bytes=room.reserved,
        limit_bytes=room.limit,
        rule=room.rule,
    )


def verify_out(report: VerifyReport) -> VerifyOut:
    return VerifyOut(
        is_whole=report.is_whole,
        size=report.size,
        root=report.root.hex(),
        checkpoints=report.checkpoints,
        erased_details=report.erased_details,
        findings=[
            FindingOut(fault=found.fault, seq=found.seq, detail=found.detail)
            for found in report.findings
        ],
    )
