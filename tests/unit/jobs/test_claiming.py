"""Claims, leases and delays: one job is never two processes' at once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from medstack import jobs
from medstack.db import Database
from medstack.jobs import JobState, store
from medstack.jobs.execution import Execution
from medstack.jobs.memory import MemoryJobs
from medstack.jobs.model import Batch
from medstack.kit.clock import SetClock
from medstack.kit.ids import JobId, TimeOrderedIds

ROOT = Path(__file__).parents[3]


@pytest.fixture
def execution(db: Database, clock: SetClock, ids: TimeOrderedIds) -> Execution:
    made = Execution(db, clock=clock, ids=ids, node="here")
    made.register("test.work", lambda run: None)
    return made


def put(db: Database, count: int = 1, **options: object) -> list[JobId]:
    with db.begin() as tx:
        return [jobs.enqueue(tx, "test.work", n=n, **options) for n in range(count)]  # type: ignore[arg-type]


def claimed(execution: Execution) -> Batch:
    batch = execution.claim()
    assert batch is not None
    return batch


def state(db: Database, job_id: JobId) -> JobState:
    with db.read() as tx:
        return jobs.get(tx, job_id).state


def test_many_threads_claim_every_job_once(db: Database, execution: Execution) -> None:
    put(db, 60)

    def claim_all(_: int) -> list[JobId]:
        mine = []
        while (batch := execution.claim()) is not None:
            mine.append(batch.id)
        return mine

    with ThreadPoolExecutor(8) as pool:
        claims = [job_id for mine in pool.map(claim_all, range(8)) for job_id in mine]
    assert len(claims) == len(set(claims)) == 60


def test_the_dead_are_buried_once_and_only_if_they_stopped_counting(
    db: Database, execution: Execution
) -> None:
    [job_id] = put(db)
    with db.begin() as tx:
        store.beat(tx, "here")
    claimed(execution)
    with db.begin() as tx:
        seen = store.beats(tx)["here"]
        store.beat(tx, "here")
        assert store.bury(tx, "here", beats=seen) is None
    assert state(db, job_id) is JobState.RUNNING
    with db.begin() as tx:
        assert store.bury(tx, "here", beats=seen + 1) == 1
        assert store.bury(tx, "here", beats=seen + 1) is None
    assert state(db, job_id) is JobState.QUEUED


def test_a_run_that_was_taken_over_can_settle_nothing(db: Database, execution: Execution) -> None:
    [job_id] = put(db)
    old = claimed(execution)
    with db.begin() as tx:
        store.bury_strays(tx)
    new = claimed(execution)
    assert new.generation == old.generation + 1
    with db.begin() as tx:
        assert store.hold(tx, old) is False
        assert store.finish(tx, old, JobState.DONE) is False
        assert store.hand_back(tx, old) is False
        assert store.try_again(tx, old, after_s=0, error_code="x") is False
        store.advance(tx, old, done=9, total=9)
    with db.read() as tx:
        job = jobs.get(tx, job_id)
    assert (job.state, job.done, job.failures) == (JobState.RUNNING, 0, 0)
    with db.begin() as tx:
        assert store.finish(tx, new, JobState.DONE) is True


def test_a_delayed_job_waits_for_its_time(db: Database, execution: Execution) -> None:
    [job_id] = put(db, delay_s=3600)
    assert execution.claim() is None
    with db.begin() as tx:
        tx.execute(text("UPDATE jobs SET not_before = 1"))
    assert claimed(execution).id == job_id


def test_a_batch_keeps_its_members_when_it_runs_again(db: Database, execution: Execution) -> None:
    put(db, 3, group="g")
    first = claimed(execution)
    with db.begin() as tx:
        store.hand_back(tx, first)
    put(db, 2, group="g")
    again = claimed(execution)
    assert (again.id, again.items) == (first.id, first.items)
    assert len(claimed(execution).items) == 2


def test_old_jobs_are_forgotten_but_not_the_poisoned_nor_the_living(
    db: Database, execution: Execution
) -> None:
    done, poisoned, waiting = put(db, 3)
    for state_ in (JobState.DONE, JobState.POISONED):
        batch = claimed(execution)
        with db.begin() as tx:
            store.finish(tx, batch, state_)
    with db.begin() as tx:
        assert jobs.prune(tx, before=datetime.now(UTC) - timedelta(days=1)) == 0
        assert jobs.prune(tx, before=datetime.now(UTC) + timedelta(days=1)) == 1
        left = {job.id for job in jobs.listing(tx)}
    assert left == {poisoned, waiting}
    assert done not in left


def test_a_job_that_died_too_often_is_set_aside_and_its_owner_told(db: Database) -> None:
    told: list[object] = []
    double = MemoryJobs(db)

    def handler(run: jobs.JobRun) -> None:
        raise KeyboardInterrupt  # as near as this process can come to dying

    double.register("test.work", handler, given_up=lambda tx, items, code: told.append(code))
    [job_id] = put(db)
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            double.drain()
    double.drain()
    assert (state(db, job_id), told) == (JobState.POISONED, ["job-poisoned"])


def test_claims_walk_the_partial_index(db: Database, execution: Execution) -> None:
    explain = "EXPLAIN QUERY PLAN " if db.dialect == "sqlite" else "EXPLAIN "
    due = store._due(["test.work"]).limit(1)
    with db.begin() as tx:
        if db.dialect == "postgresql":
            tx.execute(text("SET LOCAL enable_seqscan = off"))
        sql = due.compile(tx.connection.engine, compile_kwargs={"literal_binds": True})
        plan = str(tx.execute(text(explain + str(sql))).fetchall())
    assert "ix_jobs_waiting" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def test_a_process_that_only_enqueues_never_loads_the_engine() -> None:
    program = "import sys, medstack.jobs, medstack.jobs.memory; sys.exit('dbos' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(ROOT / "src")}, check=False
    )
    assert done.returncode == 0
