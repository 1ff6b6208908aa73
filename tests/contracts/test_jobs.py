"""What every runner of jobs promises: the engine and its double, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from tests.places import DATABASE_KEY, Place

from medstack import jobs
from medstack.db import Database, Tx
from medstack.jobs import JobRun, Jobs, JobState
from medstack.jobs.memory import MemoryJobs
from medstack.kit.clock import SystemClock
from medstack.kit.errors import Conflict, Missing
from medstack.kit.ids import JobId, TimeOrderedIds

CANARY = "Quicksilver-Wombat-7731"


class Runner(Protocol):
    def register(self, name: str, handler: Callable[[JobRun], None], **options: object) -> None: ...
    def start(self) -> None: ...
    def drain(self, timeout_s: float) -> None: ...


class SomethingOff(Conflict):
    code = "something-off"
    title = "Something is off"


def engine(db: Database, place: Place, folder: Path) -> Jobs:
    clock = SystemClock()
    on_sqlite = db.dialect == "sqlite"
    return Jobs(
        db,
        system_url=f"sqlite:///{folder / 'jobs.db'}" if on_sqlite else place.url,
        system_key=DATABASE_KEY if on_sqlite else None,
        clock=clock,
        ids=TimeOrderedIds(clock),
    )


@pytest.fixture(params=["engine", "memory"])
def runner(
    request: pytest.FixtureRequest, db: Database, db_place: Place, tmp_path: Path
) -> Iterator[Runner]:
    made = engine(db, db_place, tmp_path) if request.param == "engine" else MemoryJobs(db)
    yield made
    made.stop()


def put(db: Database, name: str = "test.work", **options: int | str) -> JobId:
    with db.begin() as tx:
        return jobs.enqueue(tx, name, **options)  # type: ignore[arg-type]


def job(db: Database, job_id: JobId) -> jobs.Job:
    with db.read() as tx:
        return jobs.get(tx, job_id)


def work(runner: Runner) -> None:
    runner.start()
    runner.drain(20)


def test_a_job_is_handed_its_ids_and_is_done(db: Database, runner: Runner) -> None:
    seen: list[object] = []
    runner.register("test.work", lambda run: seen.append(run.items))
    job_id = put(db, record=2**62, kind="thumb:small")
    work(runner)
    assert seen == [({"record": 2**62, "kind": "thumb:small"},)]
    assert job(db, job_id).state is JobState.DONE


def test_a_job_whose_transaction_is_undone_never_runs(db: Database, runner: Runner) -> None:
    seen: list[object] = []
    runner.register("test.work", lambda run: seen.append(run.items))
    with pytest.raises(ZeroDivisionError), db.begin() as tx:
        jobs.enqueue(tx, "test.work", record=1)
        raise ZeroDivisionError
    put(db, record=2)
    work(runner)
    assert seen == [({"record": 2},)]


def test_waiting_jobs_of_a_group_run_as_batches_in_order(db: Database, runner: Runner) -> None:
    seen: list[list[object]] = []
    runner.register("test.work", lambda run: seen.append([i["n"] for i in run.items]), batch=4)
    for n in range(10):
        put(db, group="study-1", n=n)
    put(db, group="study-2", n=99)
    work(runner)
    assert sorted(seen, key=str) == sorted([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], [99]], key=str)


def test_jobs_without_a_group_run_alone(db: Database, runner: Runner) -> None:
    seen: list[int] = []
    runner.register("test.work", lambda run: seen.append(len(run.items)))
    for n in range(3):
        put(db, n=n)
    work(runner)
    assert seen == [1, 1, 1]


def test_every_job_of_a_batch_shows_its_state_and_progress(db: Database, runner: Runner) -> None:
    runner.register("test.work", lambda run: run.progress(7, 7))
    ids = [put(db, group="g", n=n) for n in range(3)]
    work(runner)
    shown = [job(db, job_id) for job_id in ids]
    assert [(one.state, one.done, one.total) for one in shown] == [(JobState.DONE, 7, 7)] * 3
    assert {one.batch_id for one in shown} == {ids[0]}


def test_a_failing_handler_is_tried_again_and_finished_steps_are_not(
    db: Database, runner: Runner
) -> None:
    calls: list[str] = []

    def handler(run: JobRun) -> None:
        first = run.step("first", lambda: calls.append("first") or 41)
        calls.append(f"got {first}")
        if run.attempt < 3:
            run.step("second", fail)
        run.step("third", lambda: calls.append("third"))

    def fail() -> None:
        calls.append("second")
        raise ValueError(CANARY)

    runner.register("test.work", handler, backoff_s=0.05)
    job_id = put(db)
    work(runner)
    assert calls == ["first", "got 41", "second", "got 41", "second", "got 41", "third"]
    done = job(db, job_id)
    assert (done.state, done.attempts, done.failures) == (JobState.DONE, 3, 2)


def test_a_handler_sees_the_very_exception_its_step_raised(db: Database, runner: Runner) -> None:
    seen: list[object] = []

    def fail() -> None:
        raise SomethingOff("because", limit=3)

    def handler(run: JobRun) -> None:
        try:
            run.step("only", fail)
        except SomethingOff as problem:
            seen.append((problem.detail, problem.facts))

    runner.register("test.work", handler)
    put(db)
    work(runner)
    assert seen == [("because", {"limit": 3})]


def test_after_its_last_attempt_a_job_has_failed_with_the_problems_code(
    db: Database, runner: Runner
) -> None:
    told: list[object] = []

    def handler(run: JobRun) -> None:
        raise SomethingOff

    def given_up(tx: Tx, items: tuple[dict[str, int | str], ...], code: str) -> None:
        told.append((items, code))
        jobs.enqueue(tx, "test.aftermath")

    runner.register("test.work", handler, attempts=2, backoff_s=0.05, given_up=given_up)
    runner.register("test.aftermath", lambda run: told.append("aftermath"))
    job_id = put(db, record=5)
    work(runner)
    assert told == [(({"record": 5},), "something-off"), "aftermath"]
    failed = job(db, job_id)
    assert (failed.state, failed.error_code) == (JobState.FAILED, "something-off")
    assert (failed.attempts, failed.failures) == (2, 2)


def test_an_unexpected_exception_leaves_a_code_and_nothing_it_said(
    db: Database, runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(run: JobRun) -> None:
        raise ValueError(CANARY)

    runner.register("test.work", handler, attempts=1)
    job_id = put(db)
    work(runner)
    assert job(db, job_id).error_code == "unexpected-error"
    assert "jobs.attempt_failed" in [record.message for record in caplog.records]
    assert CANARY not in str([record.__dict__ for record in caplog.records])


def test_a_hook_that_raises_does_not_keep_a_failed_job_alive(db: Database, runner: Runner) -> None:
    def handler(run: JobRun) -> None:
        raise SomethingOff

    def given_up(tx: Tx, items: object, code: str) -> None:
        raise ZeroDivisionError

    runner.register("test.work", handler, attempts=1, given_up=given_up)
    job_id = put(db)
    work(runner)
    assert job(db, job_id).state is JobState.FAILED


def test_a_failed_job_can_be_queued_again_and_a_done_one_cannot(
    db: Database, runner: Runner
) -> None:
    outcomes = [SomethingOff(), None]

    def handler(run: JobRun) -> None:
        outcome = outcomes.pop(0)
        if outcome:
            raise outcome

    runner.register("test.work", handler, attempts=1)
    job_id = put(db)
    work(runner)
    with db.begin() as tx:
        jobs.retry(tx, job_id)
    runner.drain(20)
    assert job(db, job_id).state is JobState.DONE
    with db.begin() as tx, pytest.raises(jobs.JobFinished):
        jobs.retry(tx, job_id)


def test_a_waiting_job_is_cancelled_at_once(db: Database, runner: Runner) -> None:
    seen: list[object] = []
    runner.register("test.work", lambda run: seen.append(run.items))
    job_id = put(db)
    with db.begin() as tx:
        jobs.cancel(tx, job_id)
    work(runner)
    assert (seen, job(db, job_id).state) == ([], JobState.CANCELLED)
    with db.begin() as tx, pytest.raises(jobs.JobFinished):
        jobs.cancel(tx, job_id)


def test_a_running_job_is_cancelled_at_its_next_step(db: Database, runner: Runner) -> None:
    seen: list[object] = []

    def handler(run: JobRun) -> None:
        run.step("one", lambda: seen.append("one"))
        with db.begin() as tx:
            jobs.cancel(tx, run.id)
        seen.append(run.is_cancelled)
        run.step("two", lambda: seen.append("two"))

    runner.register("test.work", handler)
    job_id = put(db)
    work(runner)
    assert (seen, job(db, job_id).state) == (["one", True], JobState.CANCELLED)


def test_a_fenced_transaction_of_a_live_run_commits(db: Database, runner: Runner) -> None:
    def handler(run: JobRun) -> None:
        with db.begin() as tx:
            run.fence(tx)
            jobs.enqueue(tx, "test.next")

    seen: list[object] = []
    runner.register("test.work", handler)
    runner.register("test.next", lambda run: seen.append("next"))
    put(db)
    work(runner)
    assert seen == ["next"]


def test_jobs_nobody_here_handles_wait_for_somebody_who_does(db: Database, runner: Runner) -> None:
    runner.register("test.work", lambda run: None)
    stranger, known = put(db, "test.other"), put(db)
    work(runner)
    assert job(db, stranger).state is JobState.QUEUED
    assert job(db, known).state is JobState.DONE


def test_the_more_urgent_job_runs_first(db: Database, runner: Runner) -> None:
    seen: list[object] = []
    runner.register("test.work", lambda run: seen.append(run.items[0]["n"]))
    for n, priority in enumerate([0, 0, 5, -1]):
        put(db, priority=priority, n=n)
    if isinstance(runner, MemoryJobs):
        work(runner)
        assert seen == [2, 0, 1, 3]
    else:
        work(runner)
        assert sorted(seen, key=str) == [0, 1, 2, 3]


def test_a_step_may_not_keep_more_than_ids(db: Database, runner: Runner) -> None:
    runner.register("test.work", lambda run: run.step("one", lambda: CANARY), attempts=1)
    job_id = put(db)
    work(runner)
    assert job(db, job_id).error_code == "bad-job"


def test_a_listing_pages_newest_first_and_filters(db: Database, runner: Runner) -> None:
    runner.register("test.work", lambda run: None)
    ids = [put(db, n=n) for n in range(5)]
    work(runner)
    last = put(db, "test.other")
    with db.read() as tx:
        assert [j.id for j in jobs.listing(tx, limit=2)] == [last, ids[4]]
        assert [j.id for j in jobs.listing(tx, before=ids[2])] == [ids[1], ids[0]]
        assert [j.id for j in jobs.listing(tx, state=JobState.QUEUED)] == [last]
        assert [j.id for j in jobs.listing(tx, name="test.other")] == [last]
        with pytest.raises(Missing):
            jobs.get(tx, JobId(999))
