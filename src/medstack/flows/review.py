"""The review queue: what was held or quarantined, looked at by a person who then decides.

Every decision carries a reason and is in the log; what a malware engine caught only an
administrator may let through.
"""

from __future__ import annotations

from typing import Protocol

from medstack import audit, intake, jobs, records
from medstack.access import Right
from medstack.audit import Action
from medstack.db import Tx
from medstack.flows import ingest
from medstack.flows.curate import RecordPage, RecordView, view_of, views_of
from medstack.flows.house import House
from medstack.flows.standing import require_here, require_on, scope_of
from medstack.flows.story import announce, destroy_content
from medstack.flows.witness import refusals_recorded
from medstack.kit.actor import Actor
from medstack.kit.errors import Invalid
from medstack.kit.ids import RecordId
from medstack.records import Filters, Record, Status, Step


class Act(Protocol):
    """A decision about one stopped file."""

    def __call__(
        self, house: House, actor: Actor, record_id: RecordId, *, reason: str
    ) -> RecordView: ...


_LONGEST_REASON = 500
_MALWARE = "scan-infected"


class NeedsReason(Invalid):
    code = "decision-needs-reason"
    title = "Say why"


def waiting(
    house: House,
    actor: Actor,
    status: Status,
    *,
    cursor: RecordId | None = None,
    limit: int = 50,
) -> RecordPage:
    """Held or quarantined records the caller may see, newest first."""
    with (
        refusals_recorded(house, actor, Action.RECORD_LISTED),
        house.db.begin() as tx,
    ):
        require_here(tx, actor, Right.REVIEW_READ)
        scope = scope_of(house, actor)
        page = records.page(tx, scope, Filters(status=status), cursor=cursor, limit=limit)
        shown = [record.id for record in page.items]
        audit.write(tx, Action.RECORD_LISTED, actor=actor, record=shown, status=status.value)
        return RecordPage(items=views_of(tx, page.items), next_cursor=page.next_cursor)


def release(house: House, actor: Actor, record_id: RecordId, *, reason: str) -> RecordView:
    """Let a stopped file go on with the check after the one that stopped it.

    Raises Missing, Denied, NeedsReason, IllegalTransition.
    """
    with (
        refusals_recorded(house, actor, Action.RECORD_RELEASED, record=record_id),
        house.db.begin() as tx,
    ):
        record = _record(tx, house, actor, record_id, Right.REVIEW_RELEASE)
        if record.status_reason == _MALWARE:
            require_on(tx, house, actor, Right.MALWARE_RELEASE, record)
        return _go_on(tx, house, actor, record, step=Step.RELEASE, reason=reason)


def retry(house: House, actor: Actor, record_id: RecordId, *, reason: str) -> RecordView:
    """Send a stopped file through all checks again. Raises as `release` does."""
    with (
        refusals_recorded(house, actor, Action.RECORD_RELEASED, record=record_id),
        house.db.begin() as tx,
    ):
        record = _record(tx, house, actor, record_id, Right.REVIEW_RELEASE)
        return _go_on(tx, house, actor, record, step=Step.RETRY, reason=reason)


def destroy(house: House, actor: Actor, record_id: RecordId, *, reason: str) -> RecordView:
    """Destroy a stopped file: its key now, its bytes with the next sweep; the record stays.

    Raises as `release` does.
    """
    with (
        refusals_recorded(house, actor, Action.RECORD_DESTROYED, record=record_id),
        house.db.begin() as tx,
    ):
        record = _record(tx, house, actor, record_id, Right.REVIEW_DESTROY)
        moved = records.move(tx, record.id, Step.DESTROY, now=house.clock.now(), reason="destroyed")
        destroy_content(tx, house, record, intake.of_record(tx, record.id))
        _write_down(tx, actor, Action.RECORD_DESTROYED, moved, reason)
        announce(tx, house, moved)
        return view_of(tx, moved)


def _record(tx: Tx, house: House, actor: Actor, record_id: RecordId, right: Right) -> Record:
    record = records.lock(tx, record_id, scope_of(house, actor))
    require_on(tx, house, actor, right, record)
    return record


def _go_on(
    tx: Tx, house: House, actor: Actor, record: Record, *, step: Step, reason: str
) -> RecordView:
    moved = records.move(tx, record.id, step, now=house.clock.now())
    _write_down(tx, actor, Action.RECORD_RELEASED, moved, reason)
    jobs.enqueue(tx, ingest.JOB, group=f"{record.id}", record=record.id)
    announce(tx, house, moved)
    return view_of(tx, moved)


def _write_down(tx: Tx, actor: Actor, action: Action, record: Record, reason: str) -> None:
    if not reason.strip() or len(reason) > _LONGEST_REASON:
        raise NeedsReason(f"Give a reason of 1 to {_LONGEST_REASON} characters.")
    audit.write(
        tx,
        action,
        actor=actor,
        record=record.id,
        patient=record.patient_key,
        personal={"reason": reason.strip()},
        record_status=record.status.value,
    )
