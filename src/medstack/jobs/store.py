"""All SQL of durable work. Every change of state is conditional on the state it starts from."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    and_,
    delete,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)

from medstack.db import Tx
from medstack.db.types import instant
from medstack.jobs import rules
from medstack.jobs.model import Batch, Job, JobFinished, JobState, JobUnfinished, Registration
from medstack.jobs.tables import job_nodes
from medstack.jobs.tables import jobs as t
from medstack.kit.errors import Missing
from medstack.kit.ids import Ids, JobId

SIGNAL = "jobs"
# Written into the statement, so that the planner sees the partial indexes fit.
_QUEUED: ColumnElement[str] = literal_column("'queued'")
_RUNNING: ColumnElement[str] = literal_column("'running'")
LONGEST_LISTING = 200


def enqueue(
    tx: Tx, name: str, *, group: str = "", priority: int = 0, delay_s: float = 0, **ids: int | str
) -> JobId:
    """Ask for work, in the caller's transaction: it is done if, and only if, that commits.

    name: of the handler, dotted lower case. group: waiting jobs of one name and group may run
    as one batch; "" never joins others. priority: larger is sooner. ids: ints and short codes.
    Raises BadJob.
    """
    values = {
        "name": rules.checked_name(name),
        "batch_group": rules.checked_group(group),
        "priority": priority,
        "ids": rules.checked_ids(ids),
        "state": JobState.QUEUED,
        "generation": 0,
        "failures": 0,
        "deaths": 0,
        "done": 0,
        "total": 0,
        "enqueued_at": instant(),
        "not_before": _in_seconds(delay_s) if delay_s > 0 else None,
    }
    job_id = tx.execute(insert(t).values(values).returning(t.c.id)).scalar_one()
    tx.signal(SIGNAL)
    return JobId(job_id)


def get(tx: Tx, job_id: JobId) -> Job:
    """Raises Missing."""
    row = tx.execute(select(t).where(t.c.id == job_id)).one_or_none()
    if row is None:
        raise Missing
    return _job(row)


def listing(
    tx: Tx,
    *,
    state: JobState | None = None,
    name: str | None = None,
    before: JobId | None = None,
    limit: int = 50,
) -> list[Job]:
    """Newest first; of a batch that has started, only the first job. `before`: the page's end."""
    wanted: list[ColumnElement[bool]] = [t.c.lead_id.is_(None)]
    if state is not None:
        wanted.append(t.c.state == state)
    if name is not None:
        wanted.append(t.c.name == name)
    if before is not None:
        wanted.append(t.c.id < before)
    newest = select(t).where(*wanted).order_by(t.c.id.desc()).limit(min(limit, LONGEST_LISTING))
    return [_job(row) for row in tx.execute(newest)]


def retry(tx: Tx, job_id: JobId) -> None:
    """Queue a failed, poisoned or cancelled batch again, its counts at zero.

    Raises Missing, JobUnfinished, JobFinished (it is done).
    """
    job = get(tx, job_id)
    if not job.state.is_final:
        raise JobUnfinished
    if job.state is JobState.DONE:
        raise JobFinished
    afresh = {"failures": 0, "deaths": 0, "error_code": None, "finished_at": None}
    _change(tx, _whole(job.batch_id), _queued() | afresh)
    tx.signal(SIGNAL)


def cancel(tx: Tx, job_id: JobId) -> None:
    """Cancel a waiting job at once; ask a running batch to stop before its next step.

    Raises Missing, JobFinished.
    """
    job = get(tx, job_id)
    if job.state.is_final:
        raise JobFinished
    ended = {"state": JobState.CANCELLED, "finished_at": instant()}
    if not _change(tx, and_(_whole(job.batch_id), t.c.state == JobState.QUEUED), ended):
        _change(tx, _whole(job.batch_id), {"cancel_asked": True})


def prune(tx: Tx, *, before: datetime) -> int:
    """Forget batches that ended before `before`, except the poisoned. Returns how many jobs."""
    old = and_(t.c.finished_at < before, t.c.state != JobState.POISONED)
    return tx.execute(delete(t).where(old)).rowcount


def is_idle(tx: Tx, names: Collection[str]) -> bool:
    """True when no job of these names waits or runs."""
    going = t.c.state.in_((JobState.QUEUED, JobState.RUNNING))
    return tx.execute(select(t.c.id).where(going, t.c.name.in_(names)).limit(1)).first() is None


# -- what a process that runs jobs does ----------------------------------------------------


def is_due(tx: Tx, names: Collection[str]) -> bool:
    """True when a job of these names could be claimed now."""
    return tx.execute(_due(names).limit(1)).first() is not None


def claim(
    tx: Tx,
    registered: dict[str, Registration],
    *,
    node: str,
    ids: Ids,
    is_hurried: bool = False,
) -> Batch | None:
    """Take the most urgent waiting job and those that may join it; None if none waits.

    is_hurried: take no notice of delays.
    """
    lead = tx.execute(
        _due(registered, is_hurried=is_hurried).limit(1).with_for_update(skip_locked=True)
    ).one_or_none()
    if lead is None:
        return None
    if lead.generation == 0:
        _gather(tx, lead, most=registered[lead.name].batch)
    run_key = lead.run_key if lead.run_key is not None else ids.new()
    taken = {
        "state": JobState.RUNNING,
        "node": node,
        "run_key": run_key,
        "generation": lead.generation + 1,
        "started_at": lead.started_at or instant(),
        "not_before": None,
    }
    _change(tx, _whole(lead.id), taken)
    items = tx.execute(select(t.c.ids).where(_whole(lead.id)).order_by(t.c.id)).scalars()
    return Batch(
        id=JobId(lead.id),
        name=lead.name,
        items=tuple(items),
        run_key=run_key,
        generation=lead.generation + 1,
        failures=lead.failures,
        deaths=lead.deaths,
    )


def standing(tx: Tx, batch: Batch) -> tuple[bool, bool]:
    """(is this run still the batch's own, was the batch asked to stop)."""
    row = tx.execute(select(t.c.cancel_asked).where(_mine(batch))).one_or_none()
    return (row is not None, row is not None and bool(row.cancel_asked))


def hold(tx: Tx, batch: Batch) -> bool:
    """Like the first of `standing`, and keeps it so until the transaction ends."""
    row = tx.execute(select(t.c.id).where(_mine(batch)).with_for_update()).one_or_none()
    return row is not None


def advance(tx: Tx, batch: Batch, *, done: int, total: int) -> None:
    """Write a run's progress, unless it was fenced off."""
    _change_mine(tx, batch, {"done": done, "total": total})


def finish(tx: Tx, batch: Batch, state: JobState, *, error_code: str | None = None) -> bool:
    """End the batch. False if the run was fenced off and changes nothing."""
    ended: dict[str, Any] = {
        "state": state,
        "node": None,
        "finished_at": instant(),
        "error_code": error_code,
    }
    if state is JobState.FAILED:
        ended["failures"] = t.c.failures + 1
    return _change_mine(tx, batch, ended)


def try_again(tx: Tx, batch: Batch, *, after_s: float, error_code: str) -> bool:
    """Queue the batch after a failed run. False if the run was fenced off."""
    waits = {"failures": t.c.failures + 1, "error_code": error_code}
    return _change_mine(tx, batch, _queued(after_s) | waits)


def hand_back(tx: Tx, batch: Batch) -> bool:
    """Queue the batch for another process; this run counts neither as failure nor as death."""
    return _change_mine(tx, batch, _queued())


def settled(tx: Tx, batch: Batch) -> bool:
    """True once the batch has ended, by whatever run."""
    state = tx.execute(select(t.c.state).where(t.c.id == batch.id)).scalar_one_or_none()
    return state is None or JobState(state).is_final


# -- leases --------------------------------------------------------------------------------


def beat(tx: Tx, node: str) -> None:
    """Show that `node` lives."""
    counted = update(job_nodes).where(job_nodes.c.node == node)
    if not tx.execute(counted.values(beats=job_nodes.c.beats + 1, seen_at=instant())).rowcount:
        tx.execute(insert(job_nodes).values(node=node, beats=1, seen_at=instant()))


def beats(tx: Tx) -> dict[str, int]:
    """Every node's count of beats."""
    return {row.node: row.beats for row in tx.execute(select(job_nodes))}


def is_anyone_working(tx: Tx, *, within_s: float = 10) -> bool:
    """True while some process that runs jobs has shown that it lives."""
    recent = job_nodes.c.seen_at > _in_seconds(-within_s)
    return tx.execute(select(job_nodes.c.node).where(recent).limit(1)).first() is not None


def bury(tx: Tx, node: str, *, beats: int) -> int | None:
    """Queue a dead node's batches again. Returns how many jobs; None if it lives, or is buried."""
    dead = and_(job_nodes.c.node == node, job_nodes.c.beats == beats)
    if not tx.execute(delete(job_nodes).where(dead)).rowcount:
        return None
    return _died(tx, t.c.node == node)


def bury_strays(tx: Tx) -> int:
    """Queue again what runs on nodes that are not there at all. Returns how many jobs."""
    return _died(tx, t.c.node.not_in(select(job_nodes.c.node)))


def leave(tx: Tx, node: str) -> None:
    """Give up a node's lease, its batches having been handed back."""
    tx.execute(delete(job_nodes).where(job_nodes.c.node == node))


def running_on(tx: Tx, node: str) -> set[tuple[JobId, int]]:
    """(batch, generation) of what the table says `node` runs."""
    leads = select(t.c.id, t.c.generation).where(_runs(), t.c.node == node, t.c.lead_id.is_(None))
    return {(JobId(row.id), row.generation) for row in tx.execute(leads)}


def drop(tx: Tx, running: Iterable[tuple[JobId, int]]) -> int:
    """Queue again batches whose run ended without a word. Returns how many jobs."""
    return sum(
        _died(tx, and_(_whole(batch_id), t.c.generation == generation))
        for batch_id, generation in running
    )


def _due(names: Collection[str], *, is_hurried: bool = False) -> Select[Any]:
    ready = or_(t.c.not_before.is_(None), t.c.not_before <= instant())
    wanted = [t.c.state == _QUEUED, t.c.lead_id.is_(None), t.c.name.in_(names)]
    if not is_hurried:
        wanted.append(ready)
    return select(t).where(*wanted).order_by(t.c.priority.desc(), t.c.id)


def _gather(tx: Tx, lead: Row[Any], *, most: int) -> None:
    """Let waiting jobs of the lead's group join it."""
    if not lead.batch_group or most <= 1:
        return
    alike = (
        select(t.c.id)
        .where(
            t.c.state == _QUEUED,
            t.c.name == lead.name,
            t.c.batch_group == lead.batch_group,
            t.c.generation == 0,
            t.c.lead_id.is_(None),
            t.c.not_before.is_(None),
            t.c.id != lead.id,
        )
        .order_by(t.c.id)
        .limit(most - 1)
        .with_for_update(skip_locked=True)
    )
    joining = tx.execute(alike).scalars().all()
    if joining:
        _change(tx, t.c.id.in_(joining), {"lead_id": lead.id})


def _change(tx: Tx, which: ColumnElement[bool], values: dict[str, Any]) -> bool:
    return tx.execute(update(t).where(which).values(values)).rowcount > 0


def _change_mine(tx: Tx, batch: Batch, values: dict[str, Any]) -> bool:
    if not hold(tx, batch):
        return False
    return _change(tx, _whole(batch.id), values)


def _died(tx: Tx, which: ColumnElement[bool]) -> int:
    again = _queued() | {"deaths": t.c.deaths + 1}
    return tx.execute(update(t).where(which, _runs()).values(again)).rowcount


def _queued(after_s: float = 0) -> dict[str, Any]:
    return {
        "state": JobState.QUEUED,
        "node": None,
        "cancel_asked": False,
        "not_before": _in_seconds(after_s) if after_s > 0 else None,
    }


def _in_seconds(seconds: float) -> ColumnElement[Any]:
    return instant() + literal(int(seconds * 1_000_000), BigInteger)


def _whole(batch_id: JobId) -> ColumnElement[bool]:
    return or_(t.c.id == batch_id, t.c.lead_id == batch_id)


def _mine(batch: Batch) -> ColumnElement[bool]:
    return and_(t.c.id == batch.id, t.c.generation == batch.generation, _runs())


def _runs() -> ColumnElement[bool]:
    return t.c.state == _RUNNING


def _job(row: Row[Any]) -> Job:
    return Job(
        id=JobId(row.id),
        batch_id=JobId(row.lead_id or row.id),
        name=row.name,
        group=row.batch_group,
        priority=row.priority,
        ids=row.ids,
        state=JobState(row.state),
        attempts=row.generation,
        failures=row.failures,
        deaths=row.deaths,
        done=row.done,
        total=row.total,
        error_code=row.error_code,
        enqueued_at=row.enqueued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
